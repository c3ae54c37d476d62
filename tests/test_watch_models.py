"""Networks as people write them, watched unmodified, against the same networks with their recurrent modules unrolled.

The unrolled copy replaces nn.LSTM or nn.GRU by a loop over torch's cells that keeps every state for retain_grad.
"""

import copy

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F
from torch.nn.utils.rnn import PackedSequence, pack_padded_sequence, pad_packed_sequence

from course_lib import watch

from models_to_watch import Seq2Seq, SentimentClassifier, Tagger

torch.set_num_threads(1)


class Loop(nn.Module):
    """A module's weights in a loop over cells, batch first; keeps (h_1 ... h_T) of every call, part and length."""

    def __init__(self, module):
        super().__init__()
        self.module, self.kept = module, []

    def forward(self, x, state=None):
        packed = isinstance(x, PackedSequence)
        if packed:
            given = x
            x, lengths = pad_packed_sequence(x, batch_first=True)
        else:
            lengths = torch.full((len(x),), x.shape[1])
        m, states = self.module, {}
        self.kept.append(states)
        finals = []
        for layer in range(m.num_layers):
            outs = []
            for way in range(1 + m.bidirectional):
                part = f"l{layer}" + "_reverse" * way
                kind = nn.LSTMCell if isinstance(m, nn.LSTM) else nn.GRUCell
                cell = kind(x.shape[2], m.hidden_size, device="meta")  # it draws no random numbers there
                names = "weight_ih", "weight_hh", "bias_ih", "bias_hh"
                named = {name: getattr(m, f"{name}_{part}") for name in names}
                rows = []
                for b, length in enumerate(lengths.tolist()):
                    index = layer * (1 + m.bidirectional) + way
                    h = torch.zeros(1, m.hidden_size, dtype=x.dtype) if state is None else state[index, b:b + 1]
                    c, row = torch.zeros_like(h), []
                    sequence = x[b, :length].flip(0) if way else x[b, :length]
                    for x_t in sequence.split(1):
                        new = torch.func.functional_call(cell, named, (x_t, (h, c) if isinstance(m, nn.LSTM) else h))
                        h, c = new if isinstance(m, nn.LSTM) else (new, c)
                        h.retain_grad()
                        row.append(h)
                    states[part, b] = row
                    rows.append(row)
                finals.append(torch.cat([row[-1] for row in rows]))
                outs.append(nn.utils.rnn.pad_sequence([torch.cat(row[::-1] if way else row) for row in rows], True))
            x = torch.cat(outs, -1)
            if m.dropout and m.training and layer < m.num_layers - 1:
                x = F.dropout(x.transpose(0, 1).contiguous(), m.dropout).transpose(0, 1)  # torch draws it time first
        h_n = torch.stack(finals)
        if packed:
            x = pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=given.sorted_indices is None)
        return x, (h_n, None) if isinstance(m, nn.LSTM) else h_n


def tokens(high, *shape):
    return torch.randint(1, high, shape)


def translate(net):
    src, trg = tokens(11, 3, 9), tokens(11, 3, 6)
    return F.cross_entropy(net(src, trg).flatten(0, 1), trg[:, 1:].flatten())


def tag(net):
    lengths = torch.tensor([4, 9, 6])
    sentences, tags = tokens(13, 3, 9), torch.randint(4, (3, 9))
    tags[torch.arange(9) >= lengths[:, None]] = -100
    return F.nll_loss(net(sentences, lengths).transpose(1, 2), tags)


def classify(net):
    return F.cross_entropy(net(tokens(17, 4, 12)), torch.tensor([0, 2, 1, 1]))


@pytest.mark.parametrize("model, loss, names, calls", [
    (Seq2Seq, translate, ["encoder.gru", "decoder.gru"], [1, 5]), (Tagger, tag, ["lstm"], [1]),
    (SentimentClassifier, classify, ["rnn"], [1])])
def test_a_network_that_someone_wrote(model, loss, names, calls):
    torch.manual_seed(0)
    net = model().double()
    unrolled = copy.deepcopy(net)
    for name in names:
        parent, _, last = name.rpartition(".")
        setattr(unrolled.get_submodule(parent), last, Loop(unrolled.get_submodule(name)))
    torch.manual_seed(1)
    with watch.watch_time(net) as flow:
        mine = loss(net)
        mine.backward()
    torch.manual_seed(1)
    theirs = loss(unrolled)
    theirs.backward()
    assert torch.allclose(mine, theirs, rtol=1e-12, atol=0) and flow.names == names
    for name, count in zip(names, calls):
        kept = unrolled.get_submodule(name).kept
        assert flow[name].calls == count == len(kept)
        for i, states in enumerate(kept):
            for (part, b), row in states.items():
                found = flow[name].call(i).part(part).grad_h[1:len(row) + 1, b]
                for t, h in enumerate(row):
                    gap, size = np.abs(found[t] - h.grad[0].numpy()).max(), float(h.grad.abs().max())
                    assert gap <= 1e-10 * size and size > 0, (name, part, b, t)
    for name, p in net.named_parameters():
        head, _, last = name.rpartition(".")
        other = unrolled.get_parameter(f"{head}.module.{last}" if head in names else name)
        assert torch.allclose(p.grad, other.grad, rtol=1e-9, atol=1e-15), name
    assert flow.first_nonfinite() is None and len(flow.findings()) == len(flow.verdict().splitlines())
    assert all(label in flow.plot().alt for label in flow.findings())
