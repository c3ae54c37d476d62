"""The loss is finite, and I clip the gradient at 1. How can one update turn every weight into NaN?"""
import torch
from torch import nn

from course_lib.lessons.nb15_the_clinic.clinic import log


def train_step(net, optimizer, gaps, target):
    rates = 1 / gaps                                  # events per second
    loss = ((net(rates) - target)**2).mean()
    optimizer.zero_grad()
    loss.backward()
    norm = nn.utils.clip_grad_norm_(net.parameters(), 1.)
    optimizer.step()
    return loss, norm


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.rnn, self.readout = nn.RNN(1, 16), nn.Linear(16, 1)

    def forward(self, x):                             # (time, batch, 1)
        return self.readout(self.rnn(x)[0][-1])


torch.manual_seed(0)
net = Net()
optimizer = torch.optim.SGD(net.parameters(), lr=.1)
for update in range(100):
    gaps = .5 + 2 * torch.rand(20, 32, 1)             # seconds; the clock ticks every hundredth
    target = gaps[-1]
    if update == 20:
        gaps[7, 5] = 0.                               # two events within one tick
    loss, norm = train_step(net, optimizer, gaps, target)
    log(update, loss, norm)
