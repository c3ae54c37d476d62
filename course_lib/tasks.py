"""Tasks with a distance dial: what has to be remembered is the same at every length, only the distance grows.

Each returns x (T, batch, D) and target, drawn from the caller's generator.
"""

from __future__ import annotations

import numpy as np

from . import _checks


def recall(T: int, batch: int, rng: np.random.Generator, symbols: int = 2,
           noise: float = 0.1) -> tuple[np.ndarray, np.ndarray]:
    """Name the first symbol at the end: a symbol at t = 1, then T - 1 steps of noise.

    returns  x (T, batch, symbols): one-hot at t = 1, normal noise of deviation `noise` afterwards; labels (batch,)
    """
    T, batch, symbols = _checks.count("T", T), _checks.count("batch", batch), _checks.count("symbols", symbols, 2)
    labels = _checks.generator(rng).integers(symbols, size=batch)
    x = _checks.real("noise", noise) * rng.normal(size=(T, batch, symbols))
    x[0] = np.eye(symbols)[labels]
    return x, labels


def temporal_order(T: int, batch: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Say in which order two signals came: X or Y in [T/10, 2T/10), X or Y in [4T/10, 5T/10), else distractors.

    returns  x (T, batch, 6) one-hot: 0 X, 1 Y, 2 ... 5 distractors; labels (batch,): 0 XX, 1 XY, 2 YX, 3 YY
    source   Hochreiter and Schmidhuber 1997, task 6a, with the positions of Pascanu, Mikolov and Bengio 2013
    """
    T, batch = _checks.count("T", T, 10), _checks.count("batch", batch)
    symbol = _checks.generator(rng).integers(2, 6, size=(T, batch))
    first, second = rng.integers(2, size=batch), rng.integers(2, size=batch)
    column = np.arange(batch)
    symbol[rng.integers(T // 10, 2 * T // 10, size=batch), column] = first
    symbol[rng.integers(4 * T // 10, 5 * T // 10, size=batch), column] = second
    return np.eye(6)[symbol], 2 * first + second


def adding(T: int, batch: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Add the two marked numbers: one mark in the first half, one in the second. Guessing 1 always costs 1/6.

    returns  x (T, batch, 2): a number from U(0, 1) and a mark, 0 or 1; target (batch, 1)
    source   Hochreiter and Schmidhuber 1997, task 4, in the form of Le, Jaitly and Hinton 2015
    """
    T, batch = _checks.count("T", T, 2), _checks.count("batch", batch)
    numbers = _checks.generator(rng).uniform(size=(T, batch))
    marks = np.zeros((T, batch))
    column = np.arange(batch)
    marks[rng.integers(0, T // 2, size=batch), column] = 1
    marks[rng.integers(T // 2, T, size=batch), column] = 1
    return np.stack([numbers, marks], axis=-1), (numbers * marks).sum(0)[:, None]
