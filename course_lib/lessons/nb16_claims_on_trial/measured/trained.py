"""What training on the wall and on naming the first symbol comes to."""

from __future__ import annotations

import numpy as np

from .... import bptt, cells, losses
from ...nb07_exploding import wall
from ...nb08_clipping import rescue


def starts(sets: int) -> wall.Point:
    """Return the first sets of 30 starts on the wall of lesson 08."""
    return wall.Point(*np.hstack([rescue.starts(seed) for seed in range(sets)]))


def arrived(path: wall.Point) -> float:
    """Return the share of paths on the wall that end with an error below .01."""
    return (rescue.error(path) < rescue.SOLVED).mean()


def thrown(path: wall.Point) -> float:
    """Return the share of paths on the wall that end more than 20 away from the origin."""
    return (np.hypot(path.w[-1], path.b[-1]) > 20).mean()


def left_at_first(network: cells.NetworkParams, x: np.ndarray, labels: np.ndarray,
                  activation: str = "tanh") -> np.ndarray:
    """Return |dL/dh_1| / |dL/dh_T|, means over the sequences, (...); 0 where no gradient is sent back."""
    back = bptt.loss_and_grads(network, x, labels, losses.cross_entropy, activation=activation).back
    first, last = np.linalg.norm(back.dh[[1, -1]], axis=-1).mean(-1)
    return np.divide(first, last, out=np.zeros_like(first), where=last > 0)
