"""The loss is infinite before the first update. I clip, and I tried every rate."""
import torch
from torch import nn

from course_lib.lessons.nb15_the_clinic.clinic import log


def initialize(rnn):
    nn.init.normal_(rnn.weight_hh_l0, std=1.)


torch.manual_seed(0)
rnn, readout = nn.RNN(1, 32, nonlinearity="relu"), nn.Linear(32, 1)
initialize(rnn)
net = nn.ModuleList([rnn, readout])
optimizer = torch.optim.Adam(net.parameters(), lr=.003)
for update in range(150):
    target = torch.rand(64, 1)                        # a level, to be read off the first 36 of 40 noisy values
    x = .3 * torch.randn(40, 64, 1)                   # (time, batch, 1)
    x[:36] += target
    states, _ = rnn(x)
    loss = ((readout(states[-1]) - target)**2).mean()
    optimizer.zero_grad()
    loss.backward()
    norm = nn.utils.clip_grad_norm_(net.parameters(), 1.)
    optimizer.step()
    log(update, loss, norm)
