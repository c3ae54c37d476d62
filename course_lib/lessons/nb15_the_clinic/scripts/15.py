"""Nearly every answer is right, and the loss will not go below 0.74. Is there a floor that I don't know of?"""
import torch
from torch import nn

from course_lib.lessons.nb15_the_clinic.clinic import log


def classify(logits, labels):
    probabilities = torch.softmax(logits, dim=-1)
    return nn.functional.cross_entropy(probabilities, labels)


torch.manual_seed(0)
rnn, readout = nn.RNN(2, 32), nn.Linear(32, 4)
net = nn.ModuleList([rnn, readout])
optimizer = torch.optim.Adam(net.parameters(), lr=.01)
for update in range(150):
    x = torch.randn(10, 64, 2)                        # (time, batch, 2)
    labels = (x[-1, :, 0] > 0).long() + 2 * (x[-1, :, 1] > 0).long()
    loss = classify(readout(rnn(x)[0][-1]), labels)
    optimizer.zero_grad()
    loss.backward()
    norm = nn.utils.clip_grad_norm_(net.parameters(), 1.)
    optimizer.step()
    log(update, loss, norm)
