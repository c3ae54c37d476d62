"""I wrote the activation myself. Most batches are fine, then one of them turns everything into NaN."""
import torch
from torch import nn

from course_lib.lessons.nb15_the_clinic.clinic import log


def activation(a):
    up, down = torch.exp(a), torch.exp(-a)
    return (up - down) / (up + down)


torch.manual_seed(0)
W_x, W_h = nn.Linear(1, 16), nn.Linear(16, 16)
readout = nn.Linear(16, 1)
net = nn.ModuleList([W_x, W_h, readout])
optimizer = torch.optim.Adam(net.parameters(), lr=.03)
for update in range(100):
    beats = 1 + .5 * torch.randn(15, 32, 1)           # seconds between heartbeats
    target = (beats[-1] > 1).float()
    if update == 20:
        beats[7, 5] = 900.                            # a loose electrode: 15 minutes
    h = torch.zeros(32, 16)
    for x in beats:
        h = activation(W_x(x) + W_h(h))
    loss = nn.functional.binary_cross_entropy_with_logits(readout(h), target)
    optimizer.zero_grad()
    loss.backward()
    norm = nn.utils.clip_grad_norm_(net.parameters(), 1.)
    optimizer.step()
    log(update, loss, norm)
