"""Runs of some minutes that travel with the course: temporal order at T = 100, made longer, and by forget bias."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ... import data


class LongRuns(NamedTuple):
    """What is known of runs of LSTMs; of five seeds, which are the last axis.

    updates    after which each had learned; inf where it never had
    error      share of 500 fresh sequences that it gets wrong at the end
    sequences, names, rates  how many each has read; of which kinds, and at which rates
    """

    updates: np.ndarray
    error: np.ndarray
    sequences: np.ndarray | None = None
    names: np.ndarray | None = None
    rates: np.ndarray | None = None


def _stored(name: str) -> LongRuns:
    """Return the runs that data/make_NAME.py made; FileNotFoundError where the course's data folder is missing."""
    with np.load(data.file(f"{name}.npz")) as stored:
        return LongRuns(**stored)


def long_order() -> LongRuns:
    """Five LSTMs with forget bias 1, given ten times the paper's sequences; longterm.learn_order makes shorter runs."""
    return _stored("long_order")


def order_by_bias() -> LongRuns:
    """LSTMs of longterm.BIASES with the paper's sequences, at two rates: updates and error (kinds, rates, 5)."""
    return _stored("order_by_bias")
