"""A task that any network learns, and mine only ever predicts the mean. PyTorch prints some warning about sizes, but it runs."""
import torch
from torch import nn

from course_lib.lessons.nb15_the_clinic.clinic import log


def mean_error(prediction, target):
    return ((prediction - target)**2).mean()


torch.manual_seed(0)
rnn, readout = nn.RNN(1, 16), nn.Linear(16, 1)
net = nn.ModuleList([rnn, readout])
optimizer = torch.optim.Adam(net.parameters(), lr=.02)
for update in range(100):
    x = torch.randn(12, 64, 1)                        # (time, batch, 1)
    target = x[-3:].mean(0)[:, 0]
    loss = mean_error(readout(rnn(x)[0][-1]), target)
    optimizer.zero_grad()
    loss.backward()
    norm = nn.utils.clip_grad_norm_(net.parameters(), 1.)
    optimizer.step()
    log(update, loss, norm)
