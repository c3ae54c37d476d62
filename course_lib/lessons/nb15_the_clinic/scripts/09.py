"""The gradient is exactly zero from the start, so my script stops. Has it vanished?"""
import torch
from torch import nn

from course_lib.lessons.nb15_the_clinic.clinic import log


def gradient_norm(parameters):
    return torch.sqrt(sum((p.grad**2).sum() for p in parameters))


torch.manual_seed(0)
magneton = 9.27e-24                                   # joules per tesla
x = torch.randn(10, 64, 1)
target = magneton * x[-3:].mean(0)
rnn, readout = nn.RNN(1, 16), nn.Linear(16, 1)
net = nn.ModuleList([rnn, readout])
for update in range(100):
    states, _ = rnn(x)
    energy = magneton * readout(states[-1])
    loss = (energy - target).abs().mean()             # in joules
    net.zero_grad()
    loss.backward()
    norm = gradient_norm(list(net.parameters()))
    log(update, loss, norm)
    if norm == 0:
        break                                         # nothing left to learn from
    with torch.no_grad():
        for p in net.parameters():                    # steps that grow shorter
            p -= .1 * (1 - update / 100) * p.grad / norm
