"""It learns for a while. Then the loss jumps, comes back to 0.08, and is flat for ever. Clean data, no NaN anywhere."""
import torch
from torch import nn

from course_lib.lessons.nb15_the_clinic.clinic import log


def batch(size):
    level = torch.rand(size, 1)                       # to be read off the first ten of forty noisy values
    x = .3 * torch.randn(40, size, 1)                 # (time, batch, 1)
    x[:10] += level
    return x, level


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.rnn, self.readout = nn.RNN(1, 32, nonlinearity="relu", bias=False), nn.Linear(32, 1)
        nn.init.eye_(self.rnn.weight_hh_l0)

    def forward(self, x):
        return self.readout(self.rnn(x)[0][-1])


torch.manual_seed(2)
net = Net()
optimizer = torch.optim.SGD(net.parameters(), lr=.01, momentum=.9)
warmup = torch.optim.lr_scheduler.LinearLR(optimizer, start_factor=.01, total_iters=100)
for update in range(150):
    x, level = batch(32)
    loss = ((net(x) - level)**2).mean()
    optimizer.zero_grad()
    loss.backward()
    norm = nn.utils.get_total_norm([p.grad for p in net.parameters()])
    optimizer.step()
    warmup.step()
    log(update, loss, norm)
