"""Counts like those of traffic, made and not recorded: a daily rhythm, bursts that die out, and chance."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ... import _checks
from ..nb06_vanishing import longterm

EACH, SIZE, KEPT = .03, 60., .8  # the chance of a burst in an hour, its mean size, what is left of it an hour later


class Traffic(NamedTuple):
    """Counts by the hour, and what could be told best.

    count     (hours,)  whole numbers
    expected  (hours,)  the mean of the hour's count for one who knows rhythm and bursts of the hours before
    """

    count: np.ndarray
    expected: np.ndarray


def traffic(hours: int, seed: int) -> Traffic:
    """Draw n_t ~ Poisson(m_t + b_t): a rhythm m_t = 20 + 10 sin(2 pi t / 24), and bursts b_t = .8 b_{t-1} + s_t,
    where s_t is exponential of mean 60 with the chance .03, and else 0.

    errors  TypeError or ValueError for hours or a seed that cannot be used
    source  ours; a Poisson process whose rate is shot noise, the plainest one that comes in bursts
    """
    hours, rng = _checks.count("hours", hours), np.random.default_rng(_checks.count("seed", seed, 0))
    rhythm, burst = 20 + 10 * np.sin(2 * np.pi * np.arange(hours) / 24), np.zeros(hours)
    begun = np.where(rng.random(hours) < EACH, rng.exponential(SIZE, hours), 0.)
    for t in range(1, hours):
        burst[t] = KEPT * burst[t - 1] + begun[t]
    before = np.concatenate([[0.], burst[:-1]])
    return Traffic(rng.poisson(rhythm + burst), rhythm + KEPT * before + EACH * SIZE)


def traffic_windows(made: Traffic, hours: int = 48, known: int = 3000) -> tuple[longterm.Forecast, float]:
    """Return the windows of these counts, trained on the first `known` hours, and the least error that is possible.

    returns  longterm.Forecast; the mean squared error of `expected` on the rest, in the same units
    """
    least = ((made.expected - made.count)[known:] ** 2).mean() / made.count[:known].var()
    return longterm.windows(made.count, hours, known), float(least)


def learn_traffic(name: str, seed: int, rate: float = .003, updates: int = 400, networks: int = 3) -> np.ndarray:
    """Train on 3000 hours of a series and forecast 1000: the mean squared error of each network, (networks,)."""
    known, _ = traffic_windows(traffic(4000, seed))
    return longterm.learn_forecast(name, known, updates, range(networks), rate)
