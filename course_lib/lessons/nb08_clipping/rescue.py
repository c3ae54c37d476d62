"""Starts on the wall, with clipping and without: which of them come down?

    path = rescue.descend(rescue.starts(0), rate=.3, max_norm=.3)
    rescue.error(path) < rescue.SOLVED    # (30,)
"""

from __future__ import annotations

import numpy as np

from ... import _checks
from ..nb07_exploding import wall

UPDATES = 600
SOLVED = .01  # an error below it: s(x_50) is within .1 of the target


def starts(seed: int, count: int = 30) -> wall.Point:
    """Draw starting points, (count,), uniform over the part of the plane that the paper shows.

    seed    a whole number: the same points each time
    errors  TypeError or ValueError for a seed or a count that is not a whole number
    """
    rng, count = np.random.default_rng(_checks.count("seed", seed, 0)), _checks.count("count", count)
    return wall.Point(rng.uniform(*wall.PLANE.w, count), rng.uniform(*wall.PLANE.b, count))


def descend(start: wall.Point, rate, max_norm=np.inf, updates: int = UPDATES, T: int = 50) -> wall.Point:
    """Gradient descent on the wall, clipped by norm: (w, b) <- (w, b) - rate min(1, max_norm / |g|) g.

    start           wall.Point
    rate, max_norm  above 0; all three broadcast. max_norm inf: no clipping
    updates, T      how many; steps of the network
    returns         the path, wall.Point of (updates + 1, ...)
    errors          TypeError or ValueError for a start, a rate or a number that cannot be used
    """
    for name, value in (("rate", rate), ("max_norm", max_norm)):
        if not (_checks.array(name, value, finite=False) > 0).all():
            raise ValueError(f"{name} is {value}, needs to be above 0.")
    shape = np.broadcast_shapes(wall.evaluate(start, T).loss.shape, np.shape(rate), np.shape(max_norm))
    path = wall.Point(*(np.empty((_checks.count("updates", updates) + 1, *shape)) for _ in "wb"))
    path.w[0], path.b[0] = start
    for k in range(updates):
        dw, db = wall.evaluate(wall.Point(path.w[k], path.b[k]), T).grads
        step = rate * np.minimum(1, max_norm / np.maximum(np.hypot(dw, db), 1e-300))
        path.w[k + 1], path.b[k + 1] = path.w[k] - step * dw, path.b[k] - step * db
    return path


def error(path: wall.Point, T: int = 50) -> np.ndarray:
    """The error E at the end of each path, (...)."""
    return wall.evaluate(wall.Point(path.w[-1], path.b[-1]), T).loss


def steepest_on_the_way(path: wall.Point, T: int = 50) -> np.ndarray:
    """The largest |gradient| of E met on the straight way of each update of a path (updates + 1,): (updates,).

    A wall is thinner than any grid, so the search goes on in the piece over which E changes most: its mean slope is at
    least that of the whole. So what is returned is never below |change of E| / |step|.
    """
    low, high = np.zeros(len(path.w) - 1), np.ones(len(path.w) - 1)
    found, each = np.zeros_like(low), np.arange(len(low))
    for _ in range(4):
        along = low + (high - low) * np.linspace(0, 1, 101)[:, None]
        seen = wall.evaluate(wall.Point(*(part[:-1] + along * np.diff(part) for part in path)), T)
        found = np.maximum(found, np.hypot(*seen.grads).max(0))
        most = np.abs(np.diff(seen.loss, axis=0)).argmax(0)
        low, high = along[most, each], along[most + 1, each]
    return found
