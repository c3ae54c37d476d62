"""Nothing is wrong: no NaN, no jumps, a gradient of a decent size. It just does not learn."""
import torch
from torch import nn

from course_lib.lessons.nb15_the_clinic.clinic import log


def make_rnn(inputs, units):
    return nn.RNN(inputs, units)


torch.manual_seed(0)
rnn, readout = make_rnn(2, 32), nn.Linear(32, 1)
net = nn.ModuleList([rnn, readout])
optimizer = torch.optim.Adam(net.parameters(), lr=.003)
for update in range(150):
    x = .05 * torch.randn(80, 32, 2)                  # (time, batch, 2)
    label = torch.randint(0, 2, (32, 1)).float()
    x[0, :, 1:] = 2 * label - 1                       # what to remember to the end
    states = rnn(x)[0]
    loss = nn.functional.binary_cross_entropy_with_logits(readout(states[-1]), label)
    optimizer.zero_grad()
    loss.backward()
    norm = nn.utils.clip_grad_norm_(net.parameters(), 1.)
    optimizer.step()
    log(update, loss, norm)
