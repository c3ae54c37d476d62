"""Runs of some minutes that travel with the course: temporal order at T = 100, made longer, and by forget bias."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ... import data


class LongOrder(NamedTuple):
    """Five LSTMs with forget bias 1 on temporal order at T = 100, given ten times the paper's sequences.

    sequences  () how many each has read
    updates    (5,) after which it had learned; inf where it never had
    error      (5,) share of 500 fresh sequences that it gets wrong at the end
    """

    sequences: np.ndarray
    updates: np.ndarray
    error: np.ndarray


def long_order() -> LongOrder:
    """Return the shipped run; longterm.learn_order makes shorter ones.

    errors  FileNotFoundError where the course's data folder is missing
    source  data/make_long_order.py
    """
    with np.load(data.file("long_order.npz")) as stored:
        return LongOrder(**stored)


class OrderByBias(NamedTuple):
    """LSTMs of longterm.BIASES on temporal order at T = 100 with the paper's sequences, at two rates.

    names    (kinds,)
    rates    (rates,)
    updates  (kinds, rates, 5) after which each of five seeds had learned; inf where it never had
    error    (kinds, rates, 5) share of 500 fresh sequences that it gets wrong at the end
    """

    names: np.ndarray
    rates: np.ndarray
    updates: np.ndarray
    error: np.ndarray


def order_by_bias() -> OrderByBias:
    """Return the shipped run of the forget biases; longterm.learn_order makes others.

    errors  FileNotFoundError where the course's data folder is missing
    source  data/make_order_by_bias.py
    """
    with np.load(data.file("order_by_bias.npz")) as stored:
        return OrderByBias(**stored)
