"""What the answers of a class say: gain, difficulty, discrimination and reliability, each with what is not known of it.

Scores are shares of right answers, 0 to 1; `right` is an array (students, questions) of 0 and 1. Intervals are to hold
the truth in 95 of 100 classes; tests/test_gain.py counts on simulated classes how often they do.
"""
from __future__ import annotations

import functools
from typing import NamedTuple

import numpy as np

LEAST = 5  # students; from fewer no interval is told


class Estimate(NamedTuple):
    """A number and its interval; NaN where there is none (few students, or all alike), infinite where it has no end."""

    value: float
    low: float = np.nan
    high: float = np.nan

    def __str__(self) -> str:
        if np.isnan(self.value):
            return "undefined"
        if np.isnan(self.low):
            return f"{self.value:.2f}"
        ends = [f"{end:.2f}" if np.isfinite(end) else "no bound" for end in (self.low, self.high)]
        return f"{self.value:.2f} ({ends[0]} to {ends[1]})"


@functools.cache
def beta_quantile(share: float, a: float, b: float) -> float:
    """Return x with I_x(a, b) = share, for the Beta distribution: the t and the F distribution follow from it."""
    u = np.linspace(-60, 60, 24_001)  # x = 1 / (1 + exp(-u)): there its density has no poles and no edges
    log_density = -a * np.logaddexp(0, -u) - b * np.logaddexp(0, u)
    mass = np.cumsum(np.exp(log_density - log_density.max()))
    return 1 / (1 + np.exp(-np.interp(share, (mass - np.diff(mass, prepend=0) / 2) / mass[-1], u)))


def t_quantile(freedom: float, share: float = .95) -> float:
    """Return the bound within which |t| of so many degrees of freedom stays in this share of cases."""
    x = beta_quantile(share, .5, freedom / 2)
    return np.sqrt(freedom * x / (1 - x))


def f_quantile(share: float, above: float, below: float) -> float:
    """Return the quantile of F with these degrees of freedom of its numerator and its denominator."""
    x = beta_quantile(share, above / 2, below / 2)
    return below / above * x / (1 - x)


def class_gain(before: np.ndarray, after: np.ndarray, paired: bool) -> Estimate:
    """Return Hake's normalized gain of a class, (mean after - mean before) / (1 - mean before), by Fieller's theorem.

    Its complement r = mean(1 - after) / mean(1 - before) is a ratio of two means. The interval holds each r for which a
    t test does not refuse mean(1 - after) = r mean(1 - before).

    before, after  scores (students,); of the same students in the same order if paired
    """
    a, b = 1 - np.asarray(before, float), 1 - np.asarray(after, float)
    if not a.mean():
        return Estimate(np.nan)
    ratio = b.mean() / a.mean()
    if min(len(a), len(b)) < LEAST:
        return Estimate(1 - ratio)
    v_a, v_b = a.var(ddof=1) / len(a), b.var(ddof=1) / len(b)
    v_ab = np.cov(a, b)[0, 1] / len(a) if paired else 0.
    spread = v_b + ratio**2 * v_a
    if spread - 2 * ratio * v_ab < 1e-15:  # all alike: a spread that was not seen has no interval
        return Estimate(1 - ratio)
    freedom = len(a) - 1 if paired else (  # Welch and Satterthwaite's, at the estimate
        spread**2 / (v_b**2 / (len(b) - 1) + (ratio**2 * v_a)**2 / (len(a) - 1)))
    t2 = t_quantile(round(freedom, 1))**2
    # (mean b - r mean a)^2 <= t^2 var(mean b - r mean a), a quadratic in r
    square, half, rest = (a.mean()**2 - t2 * v_a, a.mean() * b.mean() - t2 * v_ab, b.mean()**2 - t2 * v_b)
    if square <= 0:  # nearly all was right before: no more can be learned, and any ratio fits
        return Estimate(1 - ratio, -np.inf, np.inf)
    root = np.sqrt(max(half**2 - square * rest, 0.))
    return Estimate(1 - ratio, 1 - (half + root) / square, 1 - (half - root) / square)


def mean_of_gains(before: np.ndarray, after: np.ndarray) -> tuple[Estimate, int]:
    """Return the mean of the students' own gains, and how many have none, having had all right before."""
    before, after = np.asarray(before, float), np.asarray(after, float)
    open_ = before < 1
    gains = (after - before)[open_] / (1 - before)[open_]
    if len(gains) < LEAST:
        return Estimate(gains.mean() if len(gains) else np.nan), int((~open_).sum())
    if gains.std() < 1e-9:
        return Estimate(gains.mean()), int((~open_).sum())
    reach = t_quantile(len(gains) - 1) * gains.std(ddof=1) / np.sqrt(len(gains))
    return Estimate(gains.mean(), gains.mean() - reach, gains.mean() + reach), int((~open_).sum())


def discrimination(right: np.ndarray) -> np.ndarray:
    """Return, for each question, the correlation of its answers with the score on the others (the point-biserial
    correlation, the question itself taken out); NaN where all answered alike."""
    right = np.asarray(right, float)
    rest = right.sum(1, keepdims=True) - right
    centered, others = right - right.mean(0), rest - rest.mean(0)
    size = np.sqrt((centered**2).sum(0) * (others**2).sum(0))
    return np.divide((centered * others).sum(0), size, out=np.full(right.shape[1], np.nan), where=size > 1e-12)


def reliability(right: np.ndarray) -> Estimate:
    """Return KR-20, which is Cronbach's alpha of answers that are right or wrong, with Feldt's interval.

    k / (k - 1) (1 - sum of the questions' variances / variance of the score). NaN if all have the same score.
    """
    right = np.asarray(right, float)
    students, k = right.shape
    if students < 2 or not right.sum(1).var():
        return Estimate(np.nan)
    alpha = k / (k - 1) * (1 - right.var(0).sum() / right.sum(1).var())
    if students < LEAST:
        return Estimate(alpha)
    free = students - 1, (students - 1) * (k - 1)
    return Estimate(alpha, 1 - (1 - alpha) * f_quantile(.975, *free), 1 - (1 - alpha) * f_quantile(.025, *free))
