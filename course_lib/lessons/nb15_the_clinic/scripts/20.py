"""Forty updates and the loss is still far from zero. Vanishing gradients again? I am about to rewrite it as an LSTM."""
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
optimizer = torch.optim.Adam(net.parameters())        # the default rate
for update in range(40):
    x, target = batch(64)
    loss = ((net(x) - target)**2).mean()
    optimizer.zero_grad()
    loss.backward()
    norm = nn.utils.clip_grad_norm_(net.parameters(), 1.)
    optimizer.step()
    log(update, loss, norm)
