"""Speech, CTC, an RNN. One batch has an infinite loss, and from then on all is NaN. The audio of that batch sounds fine."""
import torch
from torch import nn

from course_lib.lessons.nb15_the_clinic.clinic import log


def ctc(log_p, labels, frames, lengths):
    return nn.functional.ctc_loss(log_p, labels, frames, lengths)


def batch(size, shortest):
    labels = torch.randint(1, 4, (size, 5))
    lengths = torch.full((size,), 5)
    heard = labels.T.repeat_interleave(4, dim=0)      # four frames a sound
    x = nn.functional.one_hot(heard, 4) + .3 * torch.randn(20, size, 4)   # (time, batch, 4)
    frames = torch.full((size,), 20)
    frames[0] = shortest                              # some people speak fast
    return x, labels, frames, lengths


torch.manual_seed(0)
rnn, readout = nn.RNN(4, 32), nn.Linear(32, 4)
net = nn.ModuleList([rnn, readout])
optimizer = torch.optim.Adam(net.parameters(), lr=.01)
for update in range(120):
    x, labels, frames, lengths = batch(16, shortest=4 if update == 20 else 16)
    log_p = torch.log_softmax(readout(rnn(x)[0]), dim=-1)
    loss = ctc(log_p, labels, frames, lengths)
    optimizer.zero_grad()
    loss.backward()
    norm = nn.utils.clip_grad_norm_(net.parameters(), 1.)
    optimizer.step()
    log(update, loss, norm)
