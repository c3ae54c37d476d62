"""A long product of Jacobians that travels with the course, with its singular values to every digit of a float."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ... import data


class LongProduct(NamedTuple):
    """The Jacobians of 1000 steps, and the singular values of their product from 1500 digits.

    W_hh                 (8, 8)     recurrent weights of a tanh network, multiples of 2^-20
    h                    (1001, 8)  its states, multiples of 2^-10
    times                (8,)       numbers of steps t
    log_singular_values  (8, 8)     natural logs of the singular values of J_t ... J_1 for each of them, largest first
    """

    W_hh: np.ndarray
    h: np.ndarray
    times: np.ndarray
    log_singular_values: np.ndarray

    @property
    def js(self) -> np.ndarray:
        """J_t = diag(1 - h_t^2) W_hh, (1000, 8, 8): exact in float64, so the same on every machine."""
        return (1 - self.h[1:, :, None] ** 2) * self.W_hh


def long_product() -> LongProduct:
    """Return the shipped product of 1000 Jacobians with its singular values.

    errors  FileNotFoundError where the course's data folder is missing
    source  data/make_long_product.py
    """
    with np.load(data.file("long_product.npz")) as stored:
        return LongProduct(stored["W_hh"] / 2**20, stored["h"] / 2**10, stored["times"].astype(int),
                           stored["logs"].astype(float))
