"""One layer of a recurrent module in one direction, step by step, forward and back, with every state kept."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from math import gcd
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from .steps import MODES, Layout, StepRows, Weights, double_of, lstm_gates, lstm_out, typed_as


SAMPLE = 2**14


class Gradients:
    """Totals of one part: h, c (B + N, H) with the initial states in front; x (N, D) and parameters by torch's names,
    computed when they are asked for."""

    def __init__(self, part: Part, h: Tensor, c: Tensor | None):
        self.h, self.c, self._part = h, c, part

    @cached_property
    def x(self) -> Tensor:
        with torch.no_grad():
            return self._part.gradient_of_x(self.h, self.c)

    @cached_property
    def parameters(self) -> dict[str, Tensor]:
        with torch.no_grad():
            return self._part.gradient_of_parameters(self.h, self.c)


class Apart(NamedTuple):
    """How far from the fused output: relative to the largest entry of its step, and of all; where that is."""

    by_step: float
    overall: float
    where: str


class Part:
    """One layer in one direction: what it read, each state it went through, and the way back.

    x       (N, D) in the order in which it was read
    h, c    (B + N, H), the initial states in front; c is None except in an LSTM
    gates   {name: (N, H)}, what the sigmoids and the candidate's tanh gave
    finals  h, c (B, H) as the module returned them, by which a later call is known to have been given them
    """

    def __init__(self, name: str, mode: str, weights: Weights, layout: Layout):
        self.name, self.mode, self.weights, self.layout = name, mode, weights, layout
        self._width, self.finals, self._slopes = len(weights.W_hh), [], None

    def forward(self, x: Tensor, h0: Tensor, c0: Tensor | None, fused: Tensor) -> Apart:
        """Take the states h_t (N, H) that the fused module went through, and compute from each h_{t-1} the next.

        That is every single step of the network's own way, compared by itself, so that no rounding difference grows.
        All steps are computed side by side, but for the sum c_t = f c_{t-1} + i g of an LSTM.
        """
        layout, w, kind = self.layout, self.weights, MODES[self.mode]
        B, compared = layout.sizes[0], []
        self.x, self.h, self.c, self._caches = x, torch.cat([h0, fused]), None, []
        before = layout.states_before(self.h)
        if c0 is not None:
            self.c = c0.new_empty(B + len(x), c0.shape[1])
            self.c[:B] = c0
        for first, sizes, rows in layout.blocks(self._width):
            if c0 is None:
                gx = F.linear(x[rows], w.W_ih, w.b_ih)
                found, _, cache = kind.step(gx, before[rows], None, w, kind.f)
            else:
                bias = w.b_ih if w.b_ih is None else w.b_ih + w.b_hh
                cache = lstm_gates(F.linear(x[rows], w.W_ih, bias).addmm_(before[rows], w.W_hh.T)),
                i, f, g, o = cache[0].chunk(4, -1)
                self._sum_up(first, sizes, f, i * g)
                found = lstm_out(o, self.c[B:][rows], w)
            self._caches.append(cache)
            compared.append(_apart_by_step(found, fused[rows], sizes))
        gaps, sizes, ratios = zip(*compared)
        return Apart(max(ratios), max(gaps) / max(max(sizes), torch.finfo(x.dtype).tiny), self.name)

    def _sum_up(self, first: int, sizes: list[int], f: Tensor, ig: Tensor) -> None:
        """c_t = f_t c_{t-1} + i_t g_t, (n, H), for the steps after `first`."""
        c, f, ig = (as_light(each) for each in (self.c, f, ig))
        begins = self.layout.begins[first:]
        with np.errstate(all="ignore"):
            for n, before, here in zip(sizes, begins, begins[1:]):
                k = here - begins[1]
                c[here:here + n] = f[k:k + n] * c[before:before + n] + ig[k:k + n]

    @property
    def gates(self) -> dict[str, Tensor]:
        return MODES[self.mode].gates([torch.cat(column) for column in zip(*self._caches)])

    @property
    def sample(self) -> dict[str, Tensor]:
        """h, c and the gates of some rows from everywhere, SAMPLE entries: enough for a share or a median in words."""
        B, every = self.layout.sizes[0], max(1, self.h[self.layout.sizes[0]:].numel() // SAMPLE)
        while gcd(every, B) > 1:  # each sequence has its turn
            every += 1
        kept = {name: rows[B::every] for name, rows in (("h", self.h), ("c", self.c)) if rows is not None}
        caches = [[rows[::every] for rows in block] for block in self._caches]
        return kept | MODES[self.mode].gates([torch.cat(column) for column in zip(*caches)])

    def last(self, rows: Tensor) -> Tensor:
        """(B + N, H) -> (B, H): each sequence's last state."""
        return rows[self.layout.sizes[0]:].index_select(0, self.layout.last)

    def carry(self, dh: Tensor, dc: Tensor | None, unit: Callable[[int, int], None] | None = None) -> None:
        """Add to (B + N, H) gradients, what is read from each state, what comes back from every later step, in place.

            dL/dh_{t-1} = direct_{t-1} + (dh_t/dh_{t-1})^T dL/dh_t, for an LSTM by way of c_t too

        In the precision of dh. unit(first row, last row) is called before the gradients of a step are passed on.
        """
        w, pull, begins, like = self._typed(dh), MODES[self.mode].pull, self.layout.begins, dh
        w, dh, dc = Weights(*map(as_light, w)), as_light(dh), as_light(dc)
        with np.errstate(all="ignore"):
            for first, sizes, _, slopes in self._slopes_back(like):
                slopes = [as_light(each) for each in slopes]
                for t in range(first + len(sizes), first, -1):
                    n, here, before = sizes[t - first - 1], begins[t], begins[t - 1]
                    if unit is not None:
                        unit(here, here + n)
                    k = here - begins[first + 1]
                    cs = (None, None) if dc is None else (dc[here:here + n], dc[before:before + n])
                    pull([each[k:k + n] for each in slopes], w, dh[here:here + n], cs[0], dh[before:before + n], cs[1])
            if unit is not None:
                unit(0, self.layout.sizes[0])

    def _slopes_back(self, like: Tensor):
        """First step, sizes, rows and slopes of each block, the last block first, for gradients in the precision of
        `like`. They are computed in the module's own, seven digits at least: its states are not known to more."""
        dtype = torch.promote_types(self.h.dtype, min(like.dtype, torch.float32, key=lambda each: torch.finfo(each).bits))
        if self._slopes is None or self._slopes[0] != (dtype, like.device):
            self._slopes = (dtype, like.device), list(self._make_slopes(dtype, like.device))
        return self._slopes[1]

    def forget_slopes(self) -> None:
        """They are large, and wanted again only while totals and reach are computed one after the other."""
        self._slopes = None

    def _make_slopes(self, *typed):
        kind, B = MODES[self.mode], self.layout.sizes[0]
        before = [None if states is None else self.layout.states_before(states) for states in (self.h, self.c)]
        for (first, sizes, rows), cache in zip(list(self.layout.blocks(self._width))[::-1], self._caches[::-1]):
            kept = [None if states is None else states[B:][rows] for states in (self.h, self.c)]
            kept += [None if states is None else states[rows] for states in before]
            kept = StepRows(*(None if each is None else each.to(*typed[::-1]) for each in kept),
                            tuple(each.to(*typed[::-1]) for each in cache))
            yield first, sizes, rows, kind.slopes(kept, kind.f)

    def _inner(self, dh: Tensor, dc: Tensor | None):
        """Rows, dL/dgx and dL/d(W_hh h_{t-1} + b_hh) of each block from total gradients."""
        B, w = self.layout.sizes[0], self._typed(dh)
        for _, _, rows, slopes in self._slopes_back(dh):
            da = MODES[self.mode].inner(slopes, dh[B:][rows], None if dc is None else dc[B:][rows], w)
            gx = da
            if self.mode == "GRU":  # r multiplies the recurrent part of n alone
                gx = da.clone()
                gx[:, 2 * dh.shape[1]:] = dh[B:][rows] * slopes[2]
            yield rows, gx, da

    def gradient_of_x(self, dh: Tensor, dc: Tensor | None) -> Tensor:
        dx = torch.empty_like(self.x)
        for rows, gx, _ in self._inner(dh, dc):
            torch.mm(gx, self.weights.W_ih, out=dx[rows])
        return dx

    def gradient_of_parameters(self, dh: Tensor, dc: Tensor | None) -> dict[str, Tensor]:
        w, B, before = self.weights, self.layout.sizes[0], self.layout.states_before(self.h)
        grads = {name: torch.zeros_like(value, dtype=torch.promote_types(value.dtype, torch.float32))
                 for name, value in zip(w._fields, w) if value is not None}
        for rows, gx, gh in self._inner(dh, dc):
            grads["W_ih"] += gx.T @ self.x[rows]
            grads["W_hh"] += gh.T @ before[rows]
            if w.b_ih is not None:
                grads["b_ih"] += gx.sum(0)
                grads["b_hh"] += gh.sum(0)
        if w.W_hr is not None:
            o = torch.cat([cache[0].chunk(4, -1)[3] for cache in self._caches])
            grads["W_hr"] = dh[B:].T @ (o * torch.tanh(self.c[B:]))
        return {self.torch_name(name): grad.to(w.W_hh.dtype) for name, grad in grads.items()}

    def torch_name(self, name: str) -> str:
        """W_hh -> weight_hh_l0"""
        return {"W_": "weight_", "b_": "bias_"}[name[:2]] + f"{name[2:]}_{self.name}"

    def _typed(self, like: Tensor) -> Weights:
        return Weights(*(None if each is None else typed_as(each, like) for each in self.weights))

    def jacobian(self, rows: Tensor, t: int) -> Tensor:
        """(n, S, S) of step t for some sequences of it: d(h_t, c_t) / d(h_{t-1}, c_{t-1}), float64, by torch.func."""
        step, f = MODES[self.mode].step, MODES[self.mode].f
        w = Weights(*(None if each is None else double_of(each) for each in self.weights))
        begin = sum(self.layout.sizes[:t - 1])
        index = torch.arange(begin, begin + self.layout.sizes[t - 1], device=self.x.device)[rows]
        before, width = self.layout.before[index], self.h.shape[1]
        gx = F.linear(double_of(self.x[index]), w.W_ih, w.b_ih)
        states = [double_of(part[before]) for part in (self.h, self.c) if part is not None]

        def joint(state, gx):
            h, c, _ = step(gx, state[:width], state[width:] if len(states) > 1 else None, w, f)
            return h if c is None else torch.cat([h, c])

        return torch.func.vmap(torch.func.jacrev(joint))(torch.cat(states, -1), gx)


def as_light(tensor: Tensor | None):
    """The same numbers as an array of numpy, where that can be: on a CPU, in float32 or float64."""
    if tensor is None or tensor.device.type != "cpu" or tensor.dtype not in (torch.float32, torch.float64, torch.bool):
        return tensor
    return tensor.numpy()


def gap_between(mine: Tensor, theirs: Tensor) -> float:
    """How far apart, relative to the largest entry. inf where only one is finite, except for numbers about to
    overflow."""
    theirs = theirs.to(mine.dtype)
    finite = mine.isfinite() & theirs.isfinite()
    alone = mine.isfinite() ^ theirs.isfinite()
    largest = torch.finfo(mine.dtype).max / 100
    if (alone & ~(torch.where(mine.isfinite(), mine, theirs).abs() > largest)).any():
        return float("inf")
    gap, size = (torch.where(finite, each, 0).abs() for each in (mine - theirs, theirs))
    return float(gap.max() / size.max().clamp(min=torch.finfo(size.dtype).tiny))


def _apart_by_step(mine: Tensor, theirs: Tensor, sizes: list[int]) -> tuple[float, float, float]:
    """Of some steps: the largest gap, the largest entry, and the largest ratio of the two in one step."""
    gap, size = (_largest(each, sizes) for each in (mine - theirs, theirs))
    if not bool((gap + size).isfinite().all()):
        ratio = max(gap_between(*pair) for pair in zip(mine.split(sizes), theirs.split(sizes)))
        return ratio, 1., ratio
    return float(gap.max()), float(size.max()), float((gap / size.clamp_min(torch.finfo(size.dtype).tiny)).max())


def _largest(rows: Tensor, sizes: list[int]) -> Tensor:
    """(steps,): the largest entry of each step."""
    if sizes[0] == sizes[-1]:
        low, high = rows.reshape(len(sizes), -1).aminmax(dim=1)
        return torch.maximum(high, -low)
    return torch.stack([step.abs().max() for step in rows.split(sizes)])
