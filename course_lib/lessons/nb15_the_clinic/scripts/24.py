"""Since I use mixed precision the log shows gradient norms of thousands, clipping acts on every update, and nothing is learned."""
import torch
from torch import nn

from course_lib.lessons.nb15_the_clinic.clinic import log


def scaled_step(net, optimizer, scaler, x, target):
    loss = ((net(x) - target)**2).mean()
    optimizer.zero_grad()
    scaler.scale(loss).backward()                     # times a large number, so that half precision can hold it
    norm = nn.utils.clip_grad_norm_(net.parameters(), 1.)
    scaler.step(optimizer)                            # divides by it again
    scaler.update()
    return loss, norm


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.rnn, self.readout = nn.RNN(1, 16), nn.Linear(16, 1)

    def forward(self, x):                             # (time, batch, 1)
        return self.readout(self.rnn(x)[0][-1])


torch.manual_seed(0)
net = Net()
optimizer = torch.optim.SGD(net.parameters(), lr=.1)
scaler = torch.amp.GradScaler("cpu")
for update in range(150):
    x = torch.randn(12, 64, 1)
    loss, norm = scaled_step(net, optimizer, scaler, x, x[-3:].mean(0))
    log(update, loss, norm)
