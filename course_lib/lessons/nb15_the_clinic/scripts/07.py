"""One update works. The second one ends with a message about a graph that I have never heard of."""
import torch
from torch import nn

from course_lib.lessons.nb15_the_clinic.clinic import log


def train_step(rnn, readout, optimizer, x, target, h):
    states, h = rnn(x, h)
    loss = ((readout(states) - target)**2).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return loss, h


torch.manual_seed(0)
stream = torch.randint(0, 2, (1000, 32, 1)) * 2. - 1  # one long sequence, read in tens
target = stream.roll(3, dims=0)                       # what came three steps before
rnn, readout = nn.RNN(1, 32), nn.Linear(32, 1)
net = nn.ModuleList([rnn, readout])
optimizer = torch.optim.Adam(net.parameters(), lr=.01)
h = None
for update in range(100):
    window = slice(10 * update, 10 * update + 10)
    loss, h = train_step(rnn, readout, optimizer, stream[window], target[window], h)
    norm = nn.utils.get_total_norm([p.grad for p in net.parameters()])
    log(update, loss, norm)
