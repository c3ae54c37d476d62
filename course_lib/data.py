"""Real data, small enough to travel with the course: data/README.md tells where each file comes from."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np

from . import _checks

REPOSITORY = "https://github.com/gradients-through-time/course"
FOLDER = Path(__file__).parents[1] / "data"
TEST = 500  # the last images are kept for testing


class Digits(NamedTuple):
    """Handwritten digits.

    images  (N, 8, 8)  how much ink, 0 to 1
    labels  (N,)       0 to 9
    """

    images: np.ndarray
    labels: np.ndarray


def digits(part: str = "all") -> Digits:
    """Return the 1797 optical digits of the UCI repository, or a part of them.

    part     "all"; "train", the first 1297; "test", the last 500
    returns  Digits
    errors   ValueError for another part, FileNotFoundError where the course's data folder is missing
    source   Alpaydin and Kaynak 1998, "Optical Recognition of Handwritten Digits", CC BY 4.0
    """
    _checks.choice("part", part, ("all", "train", "test"))
    with np.load(file("digits.npz")) as stored:
        images, labels = stored["images"] / 16, stored["labels"].astype(int)
    chosen = {"all": slice(None), "train": slice(-TEST), "test": slice(-TEST, None)}[part]
    return Digits(images[chosen], labels[chosen])


class Sunspots(NamedTuple):
    """Mean number of sunspots of each year.

    year    (309,)  1700 to 2008
    number  (309,)  0 to 190.2
    """

    year: np.ndarray
    number: np.ndarray


def sunspots() -> Sunspots:
    """Return the yearly sunspot numbers from 1700 to 2008.

    errors  FileNotFoundError where the course's data folder is missing
    source  US National Geophysical Data Center, public domain, as statsmodels ships them
    """
    with np.load(file("sunspots.npz")) as stored:
        return Sunspots(stored["year"].astype(int), stored["number"])


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
    with np.load(file("long_order.npz")) as stored:
        return LongOrder(int(stored["sequences"]), stored["updates"], stored["error"])


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
    with np.load(file("long_product.npz")) as stored:
        return LongProduct(stored["W_hh"] / 2**20, stored["h"] / 2**10, stored["times"].astype(int),
                           stored["logs"].astype(float))


def file(name: str) -> Path:
    """Return the path of a file of the course's folder data/, or say how to get it: FileNotFoundError."""
    path = FOLDER / name
    if path.exists():
        return path
    remedy = f"get the file back with git: git checkout -- data/{name}" if FOLDER.is_dir() else (
        f"clone the course and take course_lib from there (make lab installs it in place): git clone {REPOSITORY}")
    raise FileNotFoundError(f"{path} is missing. The data come with the folder data/ of the course, not with "
                            f"course_lib alone: {remedy}")
