"""The steps of nn.RNN, nn.LSTM and nn.GRU by hand, the way back of each beside its way there.

    nn.RNN    a_t = W_ih x_t + b_ih + W_hh h_{t-1} + b_hh,  h_t = f(a_t)
    nn.LSTM   i, f, o = sigmoid, g = tanh of their parts of a_t,  c_t = f c_{t-1} + i g,  h_t = W_hr (o tanh(c_t))
    nn.GRU    r, z = sigmoid,  n = tanh(a_n + r (W_hn h_{t-1} + b_hn)),  h_t = (h_{t-1} - n) z + n

All sequences are kept as torch packs them: the rows of step 1, then those of step 2, longest sequence first. A sequence
that is read backwards is one that is read forwards, its rows reversed. The order of operations is that of torch on the
CPU.

A step takes gx = W_ih x_t + b_ih and returns h_t, c_t and what its way back needs, for one step or for many rows at
once: where the fused module has said every h_{t-1}, all steps are computed side by side, and of an LSTM the sum c_t
alone is left to be taken one after the other.

The way back is made of three. `slopes` has all that is local to a step, for many rows at once. `inner` gives the
gradients inside of a step. `pull` adds to dh and dc of the step before in place,

    dL/dh_{t-1} = direct_{t-1} + (dh_t/dh_{t-1})^T dL/dh_t,  for an LSTM by way of c_t too.

It is by hand because training waits for it at every watched update. `inner` and `pull` work on arrays of numpy and on
tensors alike: on a CPU a step is so little work that numpy's smaller cost per operation is worth more than half of the
time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cached_property
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

BLOCK = 2**19  # entries of what a block of steps is given to compute side by side: it stays in a cache


def double_of(tensor: Tensor) -> Tensor:
    """In float64, on the CPU unless it is on CUDA: MPS has no float64."""
    return (tensor if tensor.is_cuda else tensor.cpu()).double()


def typed_as(tensor: Tensor, like: Tensor) -> Tensor:
    """In the precision of another, and where that is."""
    return double_of(tensor) if like.dtype is torch.float64 else tensor.to(like.device, like.dtype)


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
        self.sizes, self.device, self.order, self.unsorted = sizes, device, order, unsorted
        self.even = sizes[0] == sizes[-1]
        counts = torch.tensor(sizes, device="cpu")
        self.starts = counts.cumsum(0) - counts
        self.begins = [0, *(self.starts + sizes[0]).tolist()]  # of the states' rows, the initial ones in front
        if self.even:
            self.lengths = torch.full((sizes[0],), len(sizes), device="cpu")
        else:
            self.lengths = (counts[:, None] > torch.arange(sizes[0], device="cpu")).sum(0)

    @cached_property
    def steps_and_sequences(self) -> tuple[Tensor, Tensor]:
        steps = torch.repeat_interleave(torch.arange(len(self.sizes), device="cpu"),
                                        torch.tensor(self.sizes, device="cpu"))
        return steps, torch.arange(len(steps), device="cpu") - self.starts[steps]

    @cached_property
    def where(self) -> tuple[Tensor, Tensor]:
        """Step, from 0 on, and sequence of each row."""
        return tuple(each.to(self.device) for each in self.steps_and_sequences)

    @cached_property
    def reverse(self) -> Tensor:
        """The row that is read instead by the reverse direction."""
        steps, sequence = self.steps_and_sequences
        return (self.starts[self.lengths[sequence] - 1 - steps] + sequence).to(self.device)

    @cached_property
    def last(self) -> Tensor:
        """(B,): the last row of each sequence."""
        return (self.starts[self.lengths - 1] + torch.arange(self.sizes[0], device="cpu")).to(self.device)

    @cached_property
    def before(self) -> Tensor:
        """(N,): where each row's state before stands in (B + N, H)."""
        steps, sequence = self.steps_and_sequences
        before = torch.where(steps > 0, self.sizes[0] + self.starts[steps - 1] + sequence, sequence)
        return before.to(self.device)

    def states_before(self, states: Tensor) -> Tensor:
        """(B + N, H) -> (N, H): h_{t-1} of each row."""
        return states[:len(states) - self.sizes[0]] if self.even else states.index_select(0, self.before)

    def blocks(self, width: int) -> Iterator[tuple[int, list[int], slice]]:
        """First step (from 0 on), sizes and rows of every block, with some BLOCK / width rows each."""
        steps = max(1, BLOCK // max(1, width * self.sizes[0]))
        begin = 0
        for first in range(0, len(self.sizes), steps):
            sizes = self.sizes[first:first + steps]
            yield first, sizes, slice(begin, begin + sum(sizes))
            begin += sum(sizes)

    def padded(self, rows: Tensor) -> Tensor:
        """(N, K) -> (T, B, K) float64 in the user's order, NaN after the end of a sequence."""
        rows = rows.detach().cpu().double()
        if self.even:
            return self.users(rows.unflatten(0, (len(self.sizes), self.sizes[0])))
        result = torch.full((len(self.sizes), self.sizes[0], rows.shape[1]), torch.nan, dtype=torch.float64,
                            device="cpu")
        result[self.steps_and_sequences] = rows
        return self.users(result)

    def users(self, columns: Tensor) -> Tensor:
        """(..., B, K) in the order of the rows -> in the user's order."""
        return columns if self.unsorted is None else columns.index_select(-2, self.unsorted.to(columns.device))

    def own(self, columns: Tensor) -> Tensor:
        """(..., B, K) in the user's order -> in the order of the rows."""
        return columns if self.order is None else columns.index_select(-2, self.order.to(columns.device))


class StepRows(NamedTuple):
    """Of some rows: h, c after their step, h_before, c_before, and what the step returned beside them."""

    h: Tensor
    c: Tensor | None
    h_before: Tensor
    c_before: Tensor | None
    cache: tuple[Tensor, ...]


class Mode(NamedTuple):
    """How a kind of module goes its step, and back.

    step    (gx, h, c, w, f) -> h_t, c_t, cache
    gates   {name: (N, H)} of a cache
    slopes  (kept, f) -> what is local to each row
    inner   (slopes, dh_t, dc_t, w) -> dL/d(W_hh h_{t-1} + b_hh), (N, K); dc_t is the total one
    pull    (slopes, w, dh_t, dc_t, dh_before, dc_before), in place
    """

    step: Callable
    gates: Callable
    slopes: Callable
    inner: Callable
    pull: Callable
    f: Callable | None = None


def rnn_step(gx: Tensor, h: Tensor, c: None, w: Weights, f) -> tuple:
    h = f(gx + F.linear(h, w.W_hh, w.b_hh))
    return h, None, ()


def rnn_slopes(kept: StepRows, f) -> tuple[Tensor]:
    return ((1 - kept.h) * (1 + kept.h) if f is torch.tanh else kept.h <= 0,)


def rnn_inner(slopes: tuple, dh, dc: None, w: Weights):
    slope, = slopes
    if slope.dtype not in (bool, torch.bool):
        return dh * slope
    da = dh * 1
    da[slope] = 0  # torch's own rule for ReLU: also an infinite gradient becomes 0
    return da


def rnn_pull(slopes: tuple, w: Weights, dh, dc: None, dh_before, dc_before: None) -> None:
    dh_before += rnn_inner(slopes, dh, dc, w) @ w.W_hh


def lstm_gates(a: Tensor) -> Tensor:
    """i, f, g, o side by side, (N, 4 H), in the place of a."""
    H = a.shape[-1] // 4
    g = torch.tanh(a[..., 2 * H:3 * H])
    a.sigmoid_()[..., 2 * H:3 * H] = g
    return a


def lstm_out(o: Tensor, c: Tensor, w: Weights) -> Tensor:
    m = o * torch.tanh(c)
    return m if w.W_hr is None else F.linear(m, w.W_hr)


def lstm_step(gx: Tensor, h: Tensor, c: Tensor, w: Weights, f=None) -> tuple:
    a = gx + F.linear(h, w.W_hh, w.b_hh)
    H = c.shape[-1]
    i, f, _, o = torch.sigmoid(a).split(H, -1)
    g = torch.tanh(a[..., 2 * H:3 * H])
    c = f * c + i * g
    return lstm_out(o, c, w), c, ()


def lstm_slopes(kept: StepRows, f=None) -> tuple[Tensor, ...]:
    i, f, g, o = kept.cache[0].chunk(4, -1)
    tanh_c = torch.tanh(kept.c)
    to_gates = torch.rsub(kept.cache[0], 1).unflatten(1, (4, -1))  # 1 - i, 1 - f, 1 - g, 1 - o
    to_gates[:, 0].mul_(i).mul_(g)
    to_gates[:, 1].mul_(f).mul_(kept.c_before)
    to_gates[:, 2].mul_(1 + g).mul_(i)
    to_gates[:, 3].mul_(o).mul_(tanh_c)
    return to_gates, (1 - tanh_c).mul_(1 + tanh_c).mul_(o), f


def lstm_inner(slopes: tuple, dh, dc, w: Weights):
    to_gates = slopes[0]
    da = to_gates * dc[:, None]
    da[:, 3] = to_gates[:, 3] * (dh if w.W_hr is None else dh @ w.W_hr)
    return da.reshape(len(da), -1)


def lstm_pull(slopes: tuple, w: Weights, dh, dc, dh_before, dc_before) -> None:
    dc += (dh if w.W_hr is None else dh @ w.W_hr) * slopes[1]
    dh_before += lstm_inner(slopes, dh, dc, w) @ w.W_hh
    dc_before += dc * slopes[2]


def gru_step(gx: Tensor, h: Tensor, c: None, w: Weights, f=None) -> tuple:
    H = h.shape[-1]
    gh = F.linear(h, w.W_hh, w.b_hh)
    x_n, h_n = gx[..., 2 * H:], gh[..., 2 * H:]
    gates = torch.sigmoid(gx[..., :2 * H] + gh[..., :2 * H])
    r, z = gates.split(H, -1)
    n = torch.tanh(x_n + r * h_n)
    return (h - n) * z + n, None, (gates, n, h_n)


def gru_slopes(kept: StepRows, f=None) -> tuple[Tensor, ...]:
    gates, n, h_n = kept.cache
    r, z = gates.chunk(2, -1)
    to_n = (1 - z) * (1 - n) * (1 + n)
    return torch.stack([to_n * h_n * r * (1 - r), (kept.h_before - n) * z * (1 - z), to_n * r], 1), z, to_n


def gru_inner(slopes: tuple, dh, dc: None, w: Weights):
    return (slopes[0] * dh[:, None]).reshape(len(dh), -1)


def gru_pull(slopes: tuple, w: Weights, dh, dc: None, dh_before, dc_before: None) -> None:
    dh_before += gru_inner(slopes, dh, dc, w) @ w.W_hh
    dh_before += dh * slopes[1]


def no_gates(cache: tuple) -> dict[str, Tensor]:
    return {}


def gates_of_lstm(cache: tuple) -> dict[str, Tensor]:
    return dict(zip("ifgo", cache[0].chunk(4, -1)))


def gates_of_gru(cache: tuple) -> dict[str, Tensor]:
    return dict(zip("rz", cache[0].chunk(2, -1)), n=cache[1])


MODES = {"RNN_TANH": Mode(rnn_step, no_gates, rnn_slopes, rnn_inner, rnn_pull, torch.tanh),
         "RNN_RELU": Mode(rnn_step, no_gates, rnn_slopes, rnn_inner, rnn_pull, torch.relu),
         "LSTM": Mode(lstm_step, gates_of_lstm, lstm_slopes, lstm_inner, lstm_pull),
         "GRU": Mode(gru_step, gates_of_gru, gru_slopes, gru_inner, gru_pull)}
