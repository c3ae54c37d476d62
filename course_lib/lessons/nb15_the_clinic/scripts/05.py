"""The first loss is fine. Then everything is NaN, although nothing here is large."""
import torch
from torch import nn

from course_lib.lessons.nb15_the_clinic.clinic import log


def length(steps):
    return (steps**2).sum(-1).sqrt()


torch.manual_seed(0)
x = torch.randn(20, 32, 2)                            # (time, batch, 2)
x[:5, :4] = 0.                                        # four short sequences, padded in front
target = x[-1, :, :1]
rnn, readout = nn.RNN(2, 16, bias=False), nn.Linear(16, 1)
net = nn.ModuleList([rnn, readout])
optimizer = torch.optim.Adam(net.parameters(), lr=.01)
for update in range(80):
    states, _ = rnn(x)
    restless = length(states[1:] - states[:-1]).mean()        # the states should move little
    loss = ((readout(states[-1]) - target)**2).mean() + .01 * restless
    optimizer.zero_grad()
    loss.backward()
    norm = nn.utils.clip_grad_norm_(net.parameters(), 1.)
    optimizer.step()
    log(update, loss, norm)
