"""The curse of memory: how large the state of a linear unit and its gradient become as its memory grows."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np


class MeanSquares(NamedTuple):
    """Of the state h, of its slope dh/dl, and of the slope of the normalized state by nu."""

    h: np.ndarray
    dh: np.ndarray
    cured: np.ndarray


def mean_squares(l: float | np.ndarray) -> MeanSquares:
    """Return E h^2, E (dh/dl)^2 and E (d(sqrt(1 - l^2) h)/dnu)^2, l = exp(-exp(nu)), of h_t = l h_{t-1} + x_t.

        1 / (1 - l^2)        (1 + l^2) / (1 - l^2)^3        (l ln l)^2 / (1 - l^2)^2

    after very many steps of independent x_t of mean 0 and variance 1.

    l       between 0 and 1, a number or an array
    errors  ValueError for an l outside
    source  Zucchet and Orvieto 2024 (abstract) for the first two. In the last l ln l = dl/dnu, and the slope of the
            normalizer takes l^2 away from 1 + l^2, because E h dh/dl = l / (1 - l^2)^2
    """
    if not np.all((0 < np.asarray(l)) & (np.asarray(l) < 1)):
        raise ValueError(f"l is {l}, needs to lie between 0 and 1: beyond 1 the mean squares grow without end.")
    u = 1 - l * l
    return MeanSquares(1 / u, (1 + l * l) / u**3, (l * np.log(l)) ** 2 / u**2)
