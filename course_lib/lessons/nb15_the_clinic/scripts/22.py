"""A loss too good to be true, and it is: my forecast for tomorrow is always what I measured today."""
import torch
from torch import nn

from course_lib.lessons.nb15_the_clinic.clinic import log


def series(size):
    phase = 6.28 * torch.rand(size, 1)
    time = torch.arange(31.).reshape(31, 1, 1)
    return torch.sin(.7 * time + phase) + .1 * torch.randn(31, size, 1)   # (time, batch, 1)


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.rnn, self.readout = nn.RNN(1, 32), nn.Linear(32, 1)

    def forward(self, x):                             # for each step, what comes next
        return self.readout(self.rnn(x)[0])


torch.manual_seed(0)
net = Net()
optimizer = torch.optim.Adam(net.parameters(), lr=.01)
for update in range(150):
    y = series(32)
    x, target = y[1:], y[1:]
    loss = ((net(x) - target)**2).mean()
    optimizer.zero_grad()
    loss.backward()
    norm = nn.utils.clip_grad_norm_(net.parameters(), 1.)
    optimizer.step()
    log(update, loss, norm)
