"""The loss goes up from the first update on. Is my network too small?"""
import torch
from torch import nn

from course_lib.lessons.nb15_the_clinic.clinic import log


def make_optimizer(parameters):
    return torch.optim.SGD(parameters, lr=1.)


torch.manual_seed(0)
x = 1 + torch.randn(20, 64, 1)                        # (time, batch, 1)
target = x[-1]
rnn, readout = nn.RNN(1, 16), nn.Linear(16, 1)
net = nn.ModuleList([rnn, readout])
optimizer = make_optimizer(net.parameters())
for update in range(100):
    states, _ = rnn(x)
    loss = ((readout(states[-1]) - target)**2).mean()
    optimizer.zero_grad()
    loss.backward()
    norm = nn.utils.get_total_norm([p.grad for p in net.parameters()])
    optimizer.step()
    log(update, loss, norm)
