"""What the pictures of lesson 07 show, computed without a picture: the map of one unit, a bit that is kept.

    h_t = tanh(w h_{t-1} + b),   one unit without input
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

LENGTHS = 10, 80  # fewest and most steps at which the wall is drawn
HIGHEST = .5  # error up to which the wall is drawn: E is never above (0 - .7)^2 = .49
CURVE_W, CYCLE_W = np.linspace(-3, 3, 121), np.linspace(-3, -.5, 126)


def orbit(w: float, b: float, h0: float, steps: int) -> np.ndarray:
    """The states from h0 on: (steps + 1,)."""
    h = np.empty(steps + 1)
    h[0] = h0
    for t in range(steps):
        h[t + 1] = np.tanh(w * h[t] + b)
    return h


def fixed_points(w: float, b: float) -> np.ndarray:
    """All h with h = tanh(w h + b), lowest first: between each two turns of tanh(w h + b) - h there is at most one."""
    with np.errstate(invalid="ignore"):
        turn = np.sqrt(1 - 1 / w) if w > 1 else 0.  # where the slope of the map, w (1 - h^2), is 1
    ends = np.array([-1., 1.]) if w <= 1 else np.clip([-1, (np.arctanh(-turn) - b) / w, (np.arctanh(turn) - b) / w, 1],
                                                     -1, 1)
    found = []
    for low, high in zip(ends, ends[1:]):
        gap = np.tanh(w * np.array([low, high]) + b) - (low, high)
        if low < high and gap[0] * gap[1] <= 0:
            for _ in range(60):
                middle = (low + high) / 2
                inside = np.tanh(w * middle + b) - middle
                low, high = (middle, high) if inside * gap[0] > 0 else (low, middle)
            found.append((low + high) / 2)
    return np.unique(np.round(found, 12) + 0.)


def fixed_point_curve(b: float) -> tuple[np.ndarray, np.ndarray]:
    """h of all fixed points, from -1 to 1, and the w at which each is one."""
    heights = np.tanh(np.linspace(-1, 1, 400) ** 3 * 9)  # dense at 0, which is not among them, and at the ends
    at = (np.arctanh(heights) - b) / heights
    if b == 0:  # then h = 0 is a fixed point for every w
        heights, at = np.r_[heights, np.nan, 0 * CURVE_W], np.r_[at, np.nan, CURVE_W]
    return heights, at


def cycle(b: float) -> np.ndarray:
    """The two values of the 2-cycle for each w of CYCLE_W, NaN where there is none: (2, w)."""
    h = np.full(len(CYCLE_W), .9)
    for _ in range(600):
        h = np.tanh(CYCLE_W * h + b)
    pair = np.stack([h, np.tanh(CYCLE_W * h + b)])
    return np.where(np.abs(pair[0] - pair[1]) > 1e-2, pair, np.nan)


class Kept(NamedTuple):
    """For each weight: the percent of bits whose sign is kept, and the median of log10 |dh_T/dh_0|."""

    share: np.ndarray
    gradient: np.ndarray


def keep_bit(w: np.ndarray, noise: np.ndarray) -> Kept:
    """Whether one bit is still there after T noisy steps, and how much gradient reaches it.

        h_t = tanh(w h_{t-1} + noise_t),   h_0 = +-1/2 in turn,   dh_T/dh_0 = product of w (1 - h_t^2)

    w        (W,) weights
    noise    (T, trials, 1), T a multiple of 5
    returns  Kept, (W,) both
    """
    T, trials, _ = noise.shape
    sign = np.where(np.arange(trials) % 2, 1., -1.)[:, None]
    h, log = sign / 2 + 0 * w, np.zeros((trials, len(w)))
    product = np.ones_like(log)
    for t in range(T):
        h *= w
        h += noise[t]
        np.tanh(h, out=h)
        product *= w * (1 - h * h)
        if t % 5 == 4:  # before it underflows
            log += np.log10(product)
            product[...] = 1
    return Kept(100 * (h * sign > 0).mean(0), np.median(log, axis=0))
