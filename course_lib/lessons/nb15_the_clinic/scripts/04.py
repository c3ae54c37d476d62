"""The loss is infinite at once. It must be exploding, but the states are all between -1 and 1."""
import torch
from torch import nn

from course_lib.lessons.nb15_the_clinic.clinic import log


def cross_entropy(logits, labels):
    p = torch.softmax(logits, dim=-1)
    return -torch.log(p[torch.arange(len(labels)), labels]).mean()


torch.manual_seed(0)
x = torch.randn(10, 64, 2)                            # (time, batch, 2)
labels = (x[-1, :, 0] > 0).long() + 2 * (x[-1, :, 1] > 0).long()
rnn, readout = nn.RNN(2, 32), nn.Linear(32, 4)
net = nn.ModuleList([rnn, readout])
with torch.no_grad():
    readout.weight *= 500                             # from an older run
optimizer = torch.optim.Adam(net.parameters(), lr=.02)
for update in range(100):
    states, _ = rnn(x)
    loss = cross_entropy(readout(states[-1]), labels)
    optimizer.zero_grad()
    loss.backward()
    norm = nn.utils.clip_grad_norm_(net.parameters(), 1.)
    optimizer.step()
    log(update, loss, norm)
