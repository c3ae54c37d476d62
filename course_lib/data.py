"""Real data, small enough to travel with the course: data/README.md tells where each file comes from."""

from pathlib import Path
from typing import NamedTuple

import numpy as np

from . import _checks

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


def file(name: str) -> Path:
    """Return the path of a file of the course's folder data/, or say how to get it: FileNotFoundError."""
    path = FOLDER / name
    if path.exists():
        return path
    remedy = f"get the file back with git: git checkout -- data/{name}" if FOLDER.is_dir() else (
        "take course_lib from the whole course, where make lab installs it in place.")
    raise FileNotFoundError(f"{path} is missing. The data come with the folder data/ of the course, not with "
                            f"course_lib alone: {remedy}")
