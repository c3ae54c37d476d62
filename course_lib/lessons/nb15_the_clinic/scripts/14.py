"""I feed in temperatures as the sensor gives them. The loss has not moved since the start. Do I need an LSTM?"""
import torch
from torch import nn

from course_lib.lessons.nb15_the_clinic.clinic import log


def read(rnn, x):
    return rnn(x)[0][-1]


def batch(size):
    x = 290 + 5 * torch.randn(20, size, 1)            # (time, batch, 1), in kelvin
    return x, (x[-3:].mean(0) > 290).float()          # has it been warm lately?


torch.manual_seed(0)
rnn, readout = nn.RNN(1, 32), nn.Linear(32, 1)
net = nn.ModuleList([rnn, readout])
optimizer = torch.optim.Adam(net.parameters(), lr=.01)
for update in range(150):
    x, label = batch(32)
    loss = nn.functional.binary_cross_entropy_with_logits(readout(read(rnn, x)), label)
    optimizer.zero_grad()
    loss.backward()
    norm = nn.utils.clip_grad_norm_(net.parameters(), 1.)
    optimizer.step()
    log(update, loss, norm)
