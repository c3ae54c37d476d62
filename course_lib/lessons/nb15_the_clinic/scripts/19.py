"""Short sequences are always guessed, long ones are fine. I pad with zeros, so the padding should not matter."""
import torch
from torch import nn

from course_lib.lessons.nb15_the_clinic.clinic import log


def batch(size):
    x = torch.randn(40, size, 1)                      # (time, batch, 1)
    lengths = torch.randint(5, 41, (size,))
    x[torch.arange(40).unsqueeze(1) >= lengths] = 0.  # padded behind, with zeros
    last = x[lengths - 1, torch.arange(size)]
    return x, lengths, (last > 0).float()


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.rnn, self.readout = nn.RNN(1, 32), nn.Linear(32, 1)

    def forward(self, x, lengths):
        states, _ = self.rnn(x)
        return self.readout(states[-1])               # after the last step


torch.manual_seed(0)
net = Net()
optimizer = torch.optim.Adam(net.parameters(), lr=.01)
for update in range(120):
    x, lengths, label = batch(32)
    loss = nn.functional.binary_cross_entropy_with_logits(net(x, lengths), label)
    optimizer.zero_grad()
    loss.backward()
    norm = nn.utils.clip_grad_norm_(net.parameters(), 1.)
    optimizer.step()
    log(update, loss, norm)
