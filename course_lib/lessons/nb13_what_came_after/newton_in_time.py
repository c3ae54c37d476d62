"""A whole sequence at once: a linear recurrence in about log2 T rounds, and Newton's method for one that is not linear.

A round is what could be done for all steps at the same time, on a machine with a processor for each. With one
processor the rounds save nothing.
"""

from __future__ import annotations

from typing import Callable, Iterator

import numpy as np

from ... import _checks, cells


def combine(first: tuple, second: tuple) -> tuple:
    """Two steps as one: h -> a h + b, then h -> a' h + b', is h -> (a' a) h + (a' b + b').

    first, second  (a, b), the earlier step first; numbers, or arrays whose entries are recurrences of their own
    returns        (a, b) of both together
    source         Blelloch 1990, "Prefix sums and their applications"
    """
    (a, b), (a_next, b_next) = first, second
    return a_next * a, a_next * b + b_next


def to_the_left(T: int) -> list[tuple[np.ndarray, int]]:
    """The rounds of a scan in which each step is joined to what lies 1 before it, then 2, then 4, and so on.

    returns  for each round the steps that are joined, numbered from 0, and how far before them the other one lies
    source   Hillis and Steele 1986, "Data parallel algorithms"
    """
    return [(np.arange(1 << k, T), 1 << k) for k in range((T - 1).bit_length())]


def up_and_down(T: int) -> list[tuple[np.ndarray, int]]:
    """As `to_the_left`, but fewer than 2 T joins: up, pairs are joined to pairs; down, the steps between are filled in.

    source  after Blelloch 1990, "Prefix sums and their applications"
    """
    reaches = [1 << k for k in range(T.bit_length())]
    up = [(np.arange(2 * reach - 1, T, 2 * reach), reach) for reach in reaches]
    down = [(np.arange(3 * reach - 1, T, 2 * reach), reach) for reach in reversed(reaches)]
    return [(later, reach) for later, reach in up + down if len(later)]


def scan_rounds(steps: np.ndarray, plan: Callable) -> Iterator[tuple[np.ndarray, int]]:
    """Yield the steps (2, T, ...), a and b, and the joins so far, before the first round of `scan` and after each."""
    yield steps, (joins := 0)
    for later, reach in plan(steps.shape[1]):
        joined = combine(steps[:, later - reach], steps[:, later])
        steps, joins = steps.copy(), joins + len(later)
        steps[:, later] = joined
        yield steps, joins


def scan(a: np.ndarray, b: np.ndarray, plan: Callable = to_the_left) -> tuple[np.ndarray, int, int]:
    """Solve h_t = a_t h_{t-1} + b_t, h_0 = 0, for all t by joining steps, all of a round at once.

    a, b     (T, ...) of shapes that broadcast, a[t - 1] is a_t
    plan     to_the_left or up_and_down
    returns  h (T, ...), h[t - 1] is h_t; the number of rounds; and the number of joins in all of them
    errors   ValueError for shapes that do not broadcast or no step, TypeError for dtypes
    """
    a, b = _checks.array("a", a, ndim=1), _checks.array("b", b, ndim=1)
    if a.ndim != b.ndim or len(a) != len(b):
        raise ValueError(f"a has shape {a.shape}, b {b.shape}: both need the form (T, ...) with the same T.")
    *rounds, (steps, joins) = scan_rounds(np.array(np.broadcast_arrays(a, b)), plan)
    return steps[1], len(rounds), joins


def newton(params: cells.RNNParams, x: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield the states after each round of Newton's method for h_t = tanh(a_t), t = 1 ... T, beginning with h = 0.

        h'_t = f(h_{t-1}) + J_t (h'_{t-1} - h_{t-1}), cut off at -1 and 1

    Each round is a linear recurrence, all of whose Jacobians are known beforehand. After round k the first k states
    are exact, so that T rounds suffice. It never ends: the caller stops.

    params   RNNParams, tanh; x (T, ..., B, D)
    yields   h (T + 1, ..., B, H), h[0] = 0, and the largest |h_t - f(h_{t-1})| of each network, (...)
    errors   TypeError for another cell, ValueError for shapes
    source   Lim et al. 2024, "Parallelizing non-linear sequential models over the sequence length" (topic only)
    """
    params = cells.RNN().check(params)
    x = _checks.array("x", x, ndim=3)
    if x.shape[-1] != params.W_xh.shape[-1]:
        raise ValueError(f"x has shape {x.shape}, needs (T, ..., B, {params.W_xh.shape[-1]}), as W_xh takes it.")
    W_xh, W_hh = params.W_xh.swapaxes(-1, -2), params.W_hh.swapaxes(-1, -2)
    inputs = cells.aligned(x, max(x.ndim, W_xh.ndim + 1)) @ W_xh + params.b_h[..., None, :]
    h = np.zeros((len(x) + 1, *inputs.shape[1:]))
    while True:
        f = np.tanh(inputs + h[:-1] @ W_hh)
        yield h, np.abs(h[1:] - f).max((0, -1, -2))
        slope, before, h = 1 - f * f, h, np.zeros_like(h)
        for t in range(1, len(h)):
            h[t] = f[t - 1] + slope[t - 1] * ((h[t - 1] - before[t - 1]) @ W_hh)
            np.clip(h[t], -1, 1, out=h[t])


def newton_rounds(params: cells.RNNParams, x: np.ndarray, tolerance: float = 1e-8) -> np.ndarray:
    """Count the rounds of `newton` until every step holds: |h_t - f(h_{t-1})| below tolerance.

    params, x  as in `newton`
    returns    (...), one number for each network of an ensemble, at most T
    errors     as `newton`; ValueError for a tolerance that is not above 0
    """
    tolerance = _checks.positive("tolerance", tolerance)
    needed = np.array(-1)
    for k, (_, residual) in enumerate(newton(params, x)):
        needed = np.where((needed < 0) & (residual < tolerance), k, needed)
        if (needed >= 0).all() or k == len(x):
            return np.where(needed < 0, len(x), needed)
