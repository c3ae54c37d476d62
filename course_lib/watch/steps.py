"""The steps of nn.RNN, nn.LSTM and nn.GRU by hand, the way back of each beside its way there.

    nn.RNN    a_t = W_ih x_t + b_ih + W_hh h_{t-1} + b_hh,  h_t = f(a_t)
    nn.LSTM   i, f, o = sigmoid, g = tanh of their parts of a_t,  c_t = f c_{t-1} + i g,  h_t = W_hr (o tanh(c_t))
    nn.GRU    r, z = sigmoid,  n = tanh(a_n + r (W_hn h_{t-1} + b_hn)),  h_t = (h_{t-1} - n) z + n

All sequences are kept as torch packs them: the rows of step 1, then those of step 2, longest sequence first. A sequence
that is read backwards is one that is read forwards, its rows reversed. The order of operations is that of torch on the
CPU, so that nn.RNN and nn.GRU are followed to the last bit there.

A step takes gx = W_ih x_t + b_ih and returns h_t, c_t and what its way back needs. The way back adds to dh and dc in
place, dL/dh_{t-1} = direct_{t-1} + (dh_t/dh_{t-1})^T dL/dh_t, for an LSTM by way of c_t too.

The way back is by hand because training waits for it at every watched update. Autograd over the same steps agrees to
2e-7 of the largest entry (100 steps, batch 32, 64 units, float32, one core), but the replay, there and back, then takes
1.5 (nn.RNN), 1.1 (nn.LSTM) and 1.4 (nn.GRU) times as long.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F


class Weights(NamedTuple):
    """One layer's in one direction; a bias or a projection that the module lacks is None."""

    W_ih: Tensor
    W_hh: Tensor
    b_ih: Tensor | None
    b_hh: Tensor | None
    W_hr: Tensor | None


class Layout:
    """Where the rows of packed sequences belong.

    sizes     sequences alive at each step
    lengths   (B,) of each sequence, in the order of the rows: longest first
    unsorted  (B,) where the user's sequences are in that order, None if they kept their own
    """

    def __init__(self, sizes: list[int], device, order: Tensor | None = None, unsorted: Tensor | None = None):
        self.sizes, self.order, self.unsorted = sizes, order, unsorted
        counts = torch.tensor(sizes)
        steps = torch.repeat_interleave(torch.arange(len(sizes)), counts)
        starts = counts.cumsum(0) - counts
        sequence = torch.arange(len(steps)) - starts[steps]
        self.lengths = (counts[:, None] > torch.arange(sizes[0])).sum(0)
        self.reverse = (starts[self.lengths[sequence] - 1 - steps] + sequence).to(device)  # row that is read instead
        self.last = (starts[self.lengths - 1] + torch.arange(sizes[0])).to(device)  # of each sequence
        self.before = torch.where(steps > 0, sizes[0] + starts[steps - 1] + sequence, sequence).to(device)
        self.where = steps.to(device), sequence.to(device)

    def steps_back(self, rows: Tensor) -> tuple[Tensor, ...]:
        """(N, K) -> the rows of each step, (n_t, K), the last step first."""
        return rows.split(self.sizes)[::-1]

    def pairs_back(self, states: Tensor) -> list[tuple[Tensor, Tensor]]:
        """(B + N, K) -> the rows of step t beside those of step t - 1 that they came from, the last step first."""
        now = [states[:self.sizes[0]], *states[self.sizes[0]:].split(self.sizes)]
        return list(zip(now[:0:-1], [earlier[:n] for earlier, n in zip(now, self.sizes)][::-1]))

    def padded(self, rows: Tensor) -> Tensor:
        """(N, K) -> (T, B, K) float64 in the user's order, NaN after the end of a sequence."""
        result = torch.full((len(self.sizes), self.sizes[0], rows.shape[1]), torch.nan, dtype=torch.float64)
        result[self.where[0].cpu(), self.where[1].cpu()] = rows.detach().double().cpu()
        return self.users(result)

    def users(self, columns: Tensor) -> Tensor:
        """(..., B, K) in the order of the rows -> in the user's order."""
        return columns if self.unsorted is None else columns.index_select(-2, self.unsorted.to(columns.device))


class StatesAndCache(NamedTuple):
    """What the way back needs: h, c (B + N, H) with the initial states in front, what the steps returned beside them,
    and h_{t-1} of each row, (N, H)."""

    h: Tensor
    c: Tensor | None
    cache: list[Tensor]
    before: Tensor


class InnerGradients(NamedTuple):
    """Inside every step: dL/dgx, dL/d(W_hh h_{t-1} + b_hh), (N, K) each; m (N, H), which a projection W_hr reads."""

    gx: Tensor
    gh: Tensor
    m: Tensor | None = None


def rnn_step(gx: Tensor, h: Tensor, c: None, w: Weights, f) -> tuple:
    h = f(gx + F.linear(h, w.W_hh, w.b_hh))
    return h, None, ()


def rnn_back(kept: StatesAndCache, w: Weights, layout: Layout, dh: Tensor, dc: None, f) -> InnerGradients:
    B, da, tanh = layout.sizes[0], torch.empty_like(kept.before), f is torch.tanh
    slopes = 1 - kept.h[B:]**2 if tanh else kept.h[B:] <= 0
    for (dh_t, dh_before), da_t, slope in zip(layout.pairs_back(dh), *map(layout.steps_back, (da, slopes))):
        if tanh:
            torch.mul(dh_t, slope, out=da_t)
        else:
            da_t.copy_(dh_t).masked_fill_(slope, 0)  # torch's own rule: also an infinite gradient becomes 0
        dh_before.addmm_(da_t, w.W_hh)
    return InnerGradients(da, da)


def lstm_step(gx: Tensor, h: Tensor, c: Tensor, w: Weights, f=None) -> tuple:
    a = gx + F.linear(h, w.W_hh, w.b_hh)
    H = c.shape[-1]
    gates = torch.sigmoid(a)
    i, f, _, o = gates.split(H, -1)
    g = torch.tanh(a[..., 2 * H:3 * H])
    c = f * c + i * g
    m = o * torch.tanh(c)
    return m if w.W_hr is None else F.linear(m, w.W_hr), c, (gates, g)


def lstm_back(kept: StatesAndCache, w: Weights, layout: Layout, dh: Tensor, dc: Tensor, f=None) -> InnerGradients:
    gates, g = kept.cache
    i, f, _, o = gates.chunk(4, -1)
    tanh_c, c_before = torch.tanh(kept.c[layout.sizes[0]:]), kept.c.index_select(0, layout.before)
    to_c, to_o = o * (1 - tanh_c**2), tanh_c * o * (1 - o)
    to_gates = torch.stack([g * i * (1 - i), c_before * f * (1 - f), i * (1 - g**2)], 1)
    da = to_gates.new_empty(len(g), 4, i.shape[1])
    for (dh_t, dh_before), (dc_t, dc_before), da_t, to_c_t, to_o_t, to_gates_t, f_t in zip(
            layout.pairs_back(dh), layout.pairs_back(dc), *map(layout.steps_back, (da, to_c, to_o, to_gates, f))):
        dm = dh_t if w.W_hr is None else dh_t @ w.W_hr
        dc_t.addcmul_(dm, to_c_t)
        torch.mul(to_gates_t, dc_t.unsqueeze(1), out=da_t[:, :3])
        torch.mul(to_o_t, dm, out=da_t[:, 3])
        dh_before.addmm_(da_t.flatten(1), w.W_hh)
        dc_before.addcmul_(dc_t, f_t)
    da = da.flatten(1)
    return InnerGradients(da, da, None if w.W_hr is None else o * tanh_c)


def gru_step(gx: Tensor, h: Tensor, c: None, w: Weights, f=None) -> tuple:
    H = h.shape[-1]
    gh = F.linear(h, w.W_hh, w.b_hh)
    x_n, h_n = gx[..., 2 * H:], gh[..., 2 * H:]
    gates = torch.sigmoid(gx[..., :2 * H] + gh[..., :2 * H])
    r, z = gates.split(H, -1)
    n = torch.tanh(x_n + r * h_n)
    return (h - n) * z + n, None, (gates, n, h_n)


def gru_back(kept: StatesAndCache, w: Weights, layout: Layout, dh: Tensor, dc: None, f=None) -> InnerGradients:
    gates, n, h_n = kept.cache
    r, z = gates.chunk(2, -1)
    to_n = (1 - z) * (1 - n**2)
    to_gates = torch.stack([to_n * h_n * r * (1 - r), (kept.before - n) * z * (1 - z), to_n * r], 1)
    da = torch.empty_like(to_gates)
    for (dh_t, dh_before), da_t, to_gates_t, z_t in zip(
            layout.pairs_back(dh), *map(layout.steps_back, (da, to_gates, z))):
        torch.mul(to_gates_t, dh_t.unsqueeze(1), out=da_t)
        dh_before.addmm_(da_t.flatten(1), w.W_hh).addcmul_(dh_t, z_t)
    # r multiplies the recurrent part of n alone
    return InnerGradients(torch.cat([da[:, :2].flatten(1), dh[layout.sizes[0]:] * to_n], 1), da.flatten(1))


STEPS = {"RNN_TANH": (rnn_step, rnn_back, torch.tanh), "RNN_RELU": (rnn_step, rnn_back, torch.relu),
         "LSTM": (lstm_step, lstm_back, None), "GRU": (gru_step, gru_back, None)}
