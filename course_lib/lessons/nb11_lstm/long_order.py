"""A run of some minutes that travels with the course: temporal order at T = 100, ten times as long."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ... import data


class LongOrder(NamedTuple):
    """Five LSTMs with forget bias 1 on temporal order at T = 100, given ten times the paper's sequences.

    sequences  how many each has read
    updates    (5,) after which it had learned; inf where it never had
    error      (5,) share of 500 fresh sequences that it gets wrong at the end
    """

    sequences: int
    updates: np.ndarray
    error: np.ndarray


def long_order() -> LongOrder:
    """Return the shipped run; longterm.learn_order makes shorter ones.

    errors  FileNotFoundError where the course's data folder is missing
    source  data/make_long_order.py
    """
    with np.load(data.file("long_order.npz")) as stored:
        return LongOrder(int(stored["sequences"]), stored["updates"], stored["error"])
