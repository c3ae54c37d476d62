"""Claims that lesson 01 settles: what a gradient tells, and descent by gradients."""

from __future__ import annotations

import numpy as np

from .... import gradcheck, train
from ....activations import relu


def claim_01() -> dict[str, float]:
    """A forecast f'(x) d, descent from where the slope is 0, and descent on parabolas.

    forecast_error, error_of_1  of f(x + d) - f(x), relative, f = x^3 / 3 - x: the worst of 20 points, d = 0.001 and 1
    flat_moved                  of 20 starts on the flat part of (relu(w - 1/2) - 1)^2, how many move in 1000 updates
    away_1, away_10, away_30    |w| from 1 after 20 updates at rate 0.07, where the slope is 1, 10 and 30 times w
    """
    x = np.random.default_rng(0).uniform(1.5, 3, size=20)

    def error(d):
        change = (x + d)**3 / 3 - (x + d) - (x**3 / 3 - x)
        return np.abs(change / ((x**2 - 1) * d) - 1).max()

    start = np.random.default_rng(1).uniform(-1, .5, size=20)
    w = start.copy()
    for _ in range(1000):
        w = w - .1 * 2 * (relu(w - .5) - 1) * (w > .5)
    away = {curvature: abs(1 - .07 * curvature)**20 for curvature in (1, 10, 30)}
    return {"forecast_error": error(.001), "error_of_1": error(1), "flat_moved": (w != start).sum()} | {
        f"away_{curvature}": distance for curvature, distance in away.items()}


def claim_02() -> dict[str, float]:
    """The first step of plain descent and of Adam from 20 points of L = (u^2 + 20 v^2) / 2.

    line_plain, line_adam        the smallest |cosine| of the angle between step and gradient
    doubled_plain, doubled_adam  the step's length for 2 L over that for L, the largest
    off_minimum                  the angle between -gradient and the way to the minimum at (4, 1), in degrees
    """
    curvature, points = np.array([1., 20.]), np.random.default_rng(0).normal(size=(20, 2))

    def step(optimiser, w, times=1):
        return optimiser.update(w, times * curvature * w, optimiser.start(w))[0] - w

    def cosine(one, other):
        return one @ other / np.linalg.norm(one) / np.linalg.norm(other)

    found = {}
    for name, optimiser in {"plain": train.SGD(.001), "adam": train.Adam(.001)}.items():
        steps, twice = (np.array([step(optimiser, w, times) for w in points]) for times in (1, 2))
        found[f"line_{name}"] = min(abs(cosine(s, curvature * w)) for s, w in zip(steps, points))
        found[f"doubled_{name}"] = (np.linalg.norm(twice, axis=1) / np.linalg.norm(steps, axis=1)).max()
    corner = np.array([4., 1.])
    return found | {"off_minimum": np.degrees(np.arccos(cosine(-curvature * corner, -corner)))}


def claim_03() -> dict[str, float]:
    """1000 random neurons, L = (relu(w x + b) - target)^2: is dL/d(w, b, x) the product of the slopes?

    agree      in how many it agrees with the complex step to 1e-12
    without_g  the same without the slope of relu
    """
    rng = np.random.default_rng(0)
    point, target = rng.normal(size=(3, 1000)), rng.normal(size=1000)

    def loss(p):
        return (relu(p[0] * p[2] + p[1]) - target)**2

    w, b, x = point
    a, exact = w * x + b, gradcheck.complex_step(lambda p: loss(p).sum(), point)

    def agree(slope_of_relu):
        da = 2 * (relu(a) - target) * slope_of_relu
        return (gradcheck.relative_error(np.array([da * x, da, da * w]), exact, axis=1) < 1e-12).sum()

    return {"agree": agree(a > 0), "without_g": agree(1)}


def claim_04() -> dict[str, float]:
    """20 neurons, one a seed, learn relu(2 x + 1) by 500 updates of plain descent on one example each.

    learned             how many have both weights right to 0.01
    unmoved, elsewhere  how many are where they started, and how many have ended somewhere else
    """
    starts, ends = np.empty((20, 2)), np.empty((20, 2))
    for seed in range(20):
        rng = np.random.default_rng(seed)
        w, b = starts[seed] = rng.normal(size=2)
        for x in rng.uniform(-1, 1, size=500):
            a = w * x + b
            da = 2 * (relu(a) - relu(2 * x + 1)) * (a > 0)
            w, b = w - .1 * da * x, b - .1 * da
        ends[seed] = w, b
    learned, unmoved = np.abs(ends - [2, 1]).max(1) < .01, (ends == starts).all(1)
    return {"learned": learned.sum(), "unmoved": unmoved.sum(), "elsewhere": (~learned & ~unmoved).sum()}
