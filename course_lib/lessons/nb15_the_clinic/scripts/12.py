"""No error, no NaN, all shapes fit. The loss stays where guessing is. Has the gradient vanished?"""
import torch
from torch import nn

from course_lib.lessons.nb15_the_clinic.clinic import log


def last_state(rnn, x):
    states, _ = rnn(x)                                # x (batch, time, features)
    return states[:, -1]


torch.manual_seed(0)
rnn, readout = nn.RNN(2, 32), nn.Linear(32, 1)
net = nn.ModuleList([rnn, readout])
optimizer = torch.optim.Adam(net.parameters(), lr=.01)
for update in range(100):
    x = torch.randn(32, 12, 2)
    label = (x[:, -4:, 0].sum(1, keepdim=True) > 0).float()
    loss = nn.functional.binary_cross_entropy_with_logits(readout(last_state(rnn, x)), label)
    optimizer.zero_grad()
    loss.backward()
    norm = nn.utils.clip_grad_norm_(net.parameters(), 1.)
    optimizer.step()
    log(update, loss, norm)
