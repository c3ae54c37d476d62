"""Two bits to compare, six steps, a GRU, and it sits at 0.69 from the first update to the last. Nothing arrives."""
import torch
from torch import nn

from course_lib.lessons.nb15_the_clinic.clinic import log


def batch(size):
    x = 2. * torch.randint(0, 2, (6, size, 1)) - 1    # (time, batch, 1)
    return x, (x[0] == x[-1]).float()                 # are the first and the last the same?


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.rnn, self.readout = nn.GRU(1, 32), nn.Linear(32, 1)

    def forward(self, x):
        return self.readout(self.rnn(x)[0][-1])


torch.manual_seed(0)
net = Net()
optimizer = torch.optim.Adam(net.parameters(), lr=.01)
for update in range(40):
    x, label = batch(32)
    loss = nn.functional.binary_cross_entropy_with_logits(net(x), label)
    optimizer.zero_grad()
    loss.backward()
    norm = nn.utils.clip_grad_norm_(net.parameters(), 1.)
    optimizer.step()
    log(update, loss, norm)
