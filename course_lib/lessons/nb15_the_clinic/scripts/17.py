"""The loss falls, swings back up, falls again. I have cut the rate by ten, twice, and it still will not settle."""
import torch
from torch import nn

from course_lib.lessons.nb15_the_clinic.clinic import log


def batch(size):
    x = torch.randn(12, size, 1)                      # (time, batch, 1)
    return x, x[-3:].mean(0)


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.rnn, self.readout = nn.RNN(1, 16), nn.Linear(16, 1)

    def forward(self, x):
        return self.readout(self.rnn(x)[0][-1])


torch.manual_seed(0)
net = Net()
optimizer = torch.optim.SGD(net.parameters(), lr=.1)
for update in range(200):
    x, target = batch(64)
    loss = ((net(x) - target)**2).mean()
    loss.backward()
    norm = nn.utils.get_total_norm([p.grad for p in net.parameters()])
    optimizer.step()
    log(update, loss, norm)
