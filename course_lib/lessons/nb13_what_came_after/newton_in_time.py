"""A whole sequence at once: a linear recurrence in about log2 T rounds, and Newton's method for one that is not linear.

A round is what could be done for all steps at the same time, on a machine with a processor for each. With one
processor the rounds save nothing.
"""

from __future__ import annotations

from typing import Iterator

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


def scan(a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, int]:
    """Solve h_t = a_t h_{t-1} + b_t, h_0 = 0, for all t: each round joins every step with what lies before it.

    a, b     (T, ...) of shapes that broadcast, a[t - 1] is a_t
    returns  h (T, ...), h[t - 1] is h_t, and the number of rounds, log2 T rounded up
    errors   ValueError for shapes that do not broadcast or no step, TypeError for dtypes
    source   Hillis and Steele 1986, "Data parallel algorithms"
    """
    a, b = _alike(a, b)
    rounds, reach = 0, 1
    while reach < len(a):
        joined = combine((a[:-reach], b[:-reach]), (a[reach:], b[reach:]))
        a, b = (np.concatenate([old[:reach], new]) for old, new in zip((a, b), joined))
        rounds, reach = rounds + 1, 2 * reach
    return b, rounds


def scan_up_down(a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, int, int]:
    """As `scan`, but with no more than two joins for each step: up a tree of pairs, then down again.

    Up, each pair of neighbors is joined to one step, and the half as many steps are solved in the same way. Down, that
    gives every second state; each of the others is its own step joined to the state before it.

    a, b     as in `scan`
    returns  h (T, ...), the number of rounds, and the number of joins, below 2 T
    errors   as `scan`
    source   Blelloch 1990, "Prefix sums and their applications"
    """
    a, b = _alike(a, b)
    if len(a) == 1:
        return b, 0, 0
    pairs = combine((a[:-1:2], b[:-1:2]), (a[1::2], b[1::2]))
    halved, rounds, joins = scan_up_down(*pairs)
    h = np.concatenate([b[:1], np.empty_like(b[1:])])
    h[1::2] = halved
    later = slice(2, None, 2)
    h[later] = combine((a[:-1][1::2], h[:-1][1::2]), (a[later], b[later]))[1]
    return h, rounds + 1 + (len(a) > 2), joins + len(halved) + len(h[later])


def _alike(a, b) -> tuple[np.ndarray, np.ndarray]:
    a, b = _checks.array("a", a, ndim=1), _checks.array("b", b, ndim=1)
    if a.ndim != b.ndim or len(a) != len(b):
        raise ValueError(f"a has shape {a.shape}, b {b.shape}: both need the form (T, ...) with the same T.")
    try:
        return np.broadcast_arrays(a, b)
    except ValueError:
        raise ValueError(f"a has shape {a.shape}, b {b.shape}: after T they need to broadcast.") from None


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
    x = cells.aligned(x, max(x.ndim, params.W_xh.ndim + 1))
    inputs = x @ W_xh + params.b_h[..., None, :]
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
    needed = None
    for k, (_, residual) in enumerate(newton(params, x)):
        needed = np.full(residual.shape, -1) if needed is None else needed
        needed = np.where((needed < 0) & (residual < tolerance), k, needed)
        if (needed >= 0).all() or k == len(x):
            return np.where(needed < 0, len(x), needed)
