"""The padding is masked out, every prediction is finite, and the loss is NaN from the first update."""
import torch
from torch import nn

from course_lib.lessons.nb15_the_clinic.clinic import log


def masked_loss(prediction, target, mask):
    errors = (prediction - target)**2
    return (errors * mask).sum() / mask.sum()


torch.manual_seed(0)
x = .5 + torch.rand(20, 32, 1)                        # (time, batch, 1)
lengths = torch.randint(5, 21, (32,))
mask = torch.arange(20).unsqueeze(1) < lengths        # (time, batch): True where there is data
x[~mask] = 0.                                         # padded, as ever, with zeros
target = torch.log(x.squeeze(-1))
rnn, readout = nn.RNN(1, 16), nn.Linear(16, 1)
net = nn.ModuleList([rnn, readout])
optimizer = torch.optim.Adam(net.parameters(), lr=.02)
for update in range(60):
    states, _ = rnn(x)
    loss = masked_loss(readout(states).squeeze(-1), target, mask)
    optimizer.zero_grad()
    loss.backward()
    norm = nn.utils.clip_grad_norm_(net.parameters(), 1.)
    optimizer.step()
    log(update, loss, norm)
