"""Claims that lesson 01 settles: what a gradient tells, and descent by gradients."""

from __future__ import annotations

import numpy as np

from .... import gradcheck, train
from ....activations import relu
from .networks import seeded, seeds

OPTIMISERS = {"plain": train.SGD(.001), "adam": train.Adam(.001)}


def claim_01(block: int = 0, d: float = .001) -> dict[str, float]:
    """A forecast f'(x) d of f(x + d) - f(x), f = x^3 / 3 - x: the worst relative error of 20 points between 1.5 and 3.

    forecast_error  for this d
    error_of_1      for d = 1
    """
    x = seeded(0, block).uniform(1.5, 3, size=20)

    def error(d):
        change = (x + d)**3 / 3 - (x + d) - (x**3 / 3 - x)
        return np.abs(change / ((x**2 - 1) * d) - 1).max()

    return {"forecast_error": error(d), "error_of_1": error(1)}


def claim_55(block: int = 0, least: float = -1., most: float = .5) -> dict[str, float]:
    """20 starts between `least` and `most` on L = (relu(w - 1/2) - 1)^2, which is flat below 1/2.

    plain, adam  how many have moved after 1000 updates, rate .1
    """
    start = seeded(1, block).uniform(least, most, size=20)
    found = {}
    for name, optimiser in {"plain": train.SGD(.1), "adam": train.Adam(.1)}.items():
        w, state = start.copy(), optimiser.start(start)
        for _ in range(1000):
            w, state = optimiser.update(w, 2 * (relu(w - .5) - 1) * (w > .5), state)
        found[name] = (w != start).sum()
    return found


def claim_56(rate: float = .07) -> dict[str, float]:
    """Plain descent on parabolas whose slope is 1, 10 and 30 times w.

    away_1, away_10, away_30  |w| from 1 after 20 updates
    """
    return {f"away_{curvature}": abs(1 - rate * curvature)**20 for curvature in (1, 10, 30)}


def claim_02(block: int = 0, first: str = "plain", second: str = "adam") -> dict[str, float]:
    """The first step of two optimisers, "plain" or "adam", from 20 points of L = (u^2 + 20 v^2) / 2.

    line_first, line_second        the smallest |cosine| of the angle between step and gradient
    doubled_first, doubled_second  the step's length for 2 L over that for L, the largest
    """
    curvature, points = np.array([1., 20.]), seeded(0, block).normal(size=(20, 2))

    def step(optimiser, w, times=1):
        return optimiser.update(w, times * curvature * w, optimiser.start(w))[0] - w

    def cosine(one, other):
        return one @ other / np.linalg.norm(one) / np.linalg.norm(other)

    found = {}
    for name, optimiser in {"first": OPTIMISERS[first], "second": OPTIMISERS[second]}.items():
        steps, twice = (np.array([step(optimiser, w, times) for w in points]) for times in (1, 2))
        found[f"line_{name}"] = min(abs(cosine(s, curvature * w)) for s, w in zip(steps, points))
        found[f"doubled_{name}"] = (np.linalg.norm(twice, axis=1) / np.linalg.norm(steps, axis=1)).max()
    return found


def claim_03(block: int = 0) -> dict[str, float]:
    """1000 random neurons, L = (relu(w x + b) - target)^2: is dL/d(w, b, x) the product of the slopes?

    agree    in how many it agrees with the complex step to 1e-12
    left_out how many are wrong where the slope of relu is left out
    """
    rng = seeded(0, block)
    point, target = rng.normal(size=(3, 1000)), rng.normal(size=1000)

    def loss(p):
        return (relu(p[0] * p[2] + p[1]) - target)**2

    w, b, x = point
    a, exact = w * x + b, gradcheck.complex_step(lambda p: loss(p).sum(), point)

    def agree(slope_of_relu):
        da = 2 * (relu(a) - target) * slope_of_relu
        return (gradcheck.relative_error(np.array([da * x, da, da * w]), exact, axis=1) < 1e-12).sum()

    return {"agree": agree(a > 0), "left_out": 1000 - agree(1)}


def claim_04(block: int = 0, rate: float = .1, near: bool = False) -> dict[str, float]:
    """100 neurons, one a seed, learn relu(2 x + 1) by 500 updates of plain descent on one example each.

    near                what they learn is where they start, but for a tenth
    learned             percent that have both weights right to .01
    unmoved, elsewhere  percent that are where they started, and that have ended somewhere else
    """
    starts, examples = [], []
    for seed in seeds(block, 100):
        rng = np.random.default_rng(seed)
        starts.append(rng.normal(size=2))
        examples.append(rng.uniform(-1, 1, size=500))
    starts = np.array(starts)
    if near:
        starts = np.array([2, 1]) + .1 * starts
    w, b = starts.T.copy()
    for x in np.transpose(examples):
        a = w * x + b
        da = 2 * (relu(a) - relu(2 * x + 1)) * (a > 0)
        w, b = w - rate * da * x, b - rate * da
    ends = np.stack([w, b], axis=1)
    learned, unmoved = np.abs(ends - [2, 1]).max(1) < .01, (ends == starts).all(1)
    return {name: 100 * share.mean() for name, share in [
        ("learned", learned), ("unmoved", unmoved), ("elsewhere", ~learned & ~unmoved)]}
