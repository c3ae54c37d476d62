"""Networks and recurrences as people write them, without a thought of the microscope."""

import torch
from torch import nn
from torch.nn import functional as F
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence


class Encoder(nn.Module):
    def __init__(self, vocab_size, embed_dim, hidden_dim, dropout=0.1):
        super().__init__()
        self.embedding = nn.Embedding(vocab_size, embed_dim)
        self.dropout = nn.Dropout(dropout)
        self.gru = nn.GRU(embed_dim, hidden_dim, bidirectional=True, batch_first=True)
        self.fc = nn.Linear(2 * hidden_dim, hidden_dim)

    def forward(self, src):
        outputs, hidden = self.gru(self.dropout(self.embedding(src)))
        hidden = torch.tanh(self.fc(torch.cat([hidden[0], hidden[1]], dim=1)))
        return outputs, hidden


class Attention(nn.Module):
    def __init__(self, hidden_dim):
        super().__init__()
        self.attn = nn.Linear(3 * hidden_dim, hidden_dim)
        self.v = nn.Linear(hidden_dim, 1, bias=False)

    def forward(self, hidden, encoder_outputs):
        repeated = hidden.unsqueeze(1).expand(-1, encoder_outputs.size(1), -1)
        energy = torch.tanh(self.attn(torch.cat([repeated, encoder_outputs], dim=2)))
        return F.softmax(self.v(energy).squeeze(2), dim=1)


class Decoder(nn.Module):
    def __init__(self, vocab_size, embed_dim, hidden_dim):
        super().__init__()
        self.embedding = nn.Embedding(vocab_size, embed_dim)
        self.attention = Attention(hidden_dim)
        self.gru = nn.GRU(embed_dim + 2 * hidden_dim, hidden_dim, batch_first=True)
        self.out = nn.Linear(hidden_dim, vocab_size)

    def forward(self, token, hidden, encoder_outputs):
        weights = self.attention(hidden, encoder_outputs).unsqueeze(1)
        context = torch.bmm(weights, encoder_outputs)
        output, hidden = self.gru(torch.cat([self.embedding(token).unsqueeze(1), context], dim=2), hidden.unsqueeze(0))
        return self.out(output.squeeze(1)), hidden.squeeze(0)


class Seq2Seq(nn.Module):
    """An encoder and a decoder with additive attention, the decoder called once a token."""

    def __init__(self, vocab_size=11, embed_dim=5, hidden_dim=6):
        super().__init__()
        self.encoder = Encoder(vocab_size, embed_dim, hidden_dim)
        self.decoder = Decoder(vocab_size, embed_dim, hidden_dim)

    def forward(self, src, trg):
        encoder_outputs, hidden = self.encoder(src)
        logits = []
        for t in range(trg.size(1) - 1):
            output, hidden = self.decoder(trg[:, t], hidden, encoder_outputs)
            logits.append(output)
        return torch.stack(logits, dim=1)


class Tagger(nn.Module):
    """A tag for every word of sentences of different lengths, packed."""

    def __init__(self, vocab_size=13, tags=4, embed_dim=5, hidden_dim=6):
        super().__init__()
        self.word_embeddings = nn.Embedding(vocab_size, embed_dim, padding_idx=0)
        self.lstm = nn.LSTM(embed_dim, hidden_dim, batch_first=True, bidirectional=True)
        self.hidden2tag = nn.Linear(2 * hidden_dim, tags)

    def forward(self, sentences, lengths):
        packed = pack_padded_sequence(self.word_embeddings(sentences), lengths, batch_first=True, enforce_sorted=False)
        out, _ = self.lstm(packed)
        out, _ = pad_packed_sequence(out, batch_first=True)
        return F.log_softmax(self.hidden2tag(out), dim=-1)


class SentimentClassifier(nn.Module):
    """Two bidirectional layers with dropout between them; the last hidden states of both directions are classified."""

    def __init__(self, vocab_size=17, embed_dim=5, hidden_dim=6, classes=3):
        super().__init__()
        self.embed = nn.Embedding(vocab_size, embed_dim)
        self.rnn = nn.LSTM(embed_dim, hidden_dim, num_layers=2, bidirectional=True, dropout=0.3, batch_first=True)
        self.classifier = nn.Sequential(nn.Dropout(0.2), nn.Linear(2 * hidden_dim, classes))

    def forward(self, tokens):
        _, (hidden, _) = self.rnn(self.embed(tokens))
        return self.classifier(torch.cat((hidden[-2], hidden[-1]), dim=1))


class Elman(nn.Module):
    """A recurrence as tutorials begin with."""

    def __init__(self, inputs, hidden):
        super().__init__()
        self.xh = nn.Linear(inputs + hidden, hidden)

    def forward(self, x, state):
        return torch.tanh(self.xh(torch.cat([x, state], -1)))


class Stepper(Elman):
    """Its step is a method, which returns an output beside the state."""

    def step(self, inp, state):
        state = super().forward(inp, state)
        return state.sum(-1), state


class MinGRUStep(nn.Module):
    def __init__(self, inputs, hidden):
        super().__init__()
        self.gate, self.candidate = nn.Linear(inputs, hidden), nn.Linear(inputs, hidden)
        self.out = nn.Linear(hidden, 2)

    def forward(self, x, prev_hidden):
        z = torch.sigmoid(self.gate(x))
        hidden = torch.lerp(prev_hidden, self.candidate(x), z)
        return self.out(hidden), hidden


class ConvLSTMCell(nn.Module):
    """States are pictures, (B, C, height, width), and two arguments."""

    def __init__(self, inputs, hidden):
        super().__init__()
        self.conv = nn.Conv2d(inputs + hidden, 4 * hidden, 3, padding=1)

    def forward(self, x, h, c):
        i, f, g, o = self.conv(torch.cat([x, h], 1)).chunk(4, 1)
        c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
        return torch.sigmoid(o) * torch.tanh(c), c


class GraphCell(nn.Module):
    """One state for all nodes of a graph, whose rows act on each other."""

    def __init__(self, inputs, hidden, nodes):
        super().__init__()
        self.lin = nn.Linear(inputs + hidden, hidden)
        self.register_buffer("adjacency", torch.softmax(torch.randn(nodes, nodes), 1))

    def forward(self, x, h):
        return torch.tanh(self.lin(self.adjacency @ torch.cat([x, h], 1)))


class DecayCell(nn.Module):
    """A continuous-time unit: it decays towards its target for the time that has passed."""

    def __init__(self, inputs, hidden):
        super().__init__()
        self.target, self.rate = nn.Linear(inputs + hidden, hidden), nn.Parameter(torch.rand(hidden) + .5)

    def forward(self, x, elapsed, *, h):
        target = torch.tanh(self.target(torch.cat([x, h], -1)))
        return target + (h - target) * torch.exp(-elapsed * self.rate.abs())


def leaky_step(x, h):
    """A recurrence without parameters, a plain function."""
    return .6 * h + torch.sin(x.mean(-1, keepdim=True) - h)
