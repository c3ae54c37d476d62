"""Make the runs that travel with the course: `python data/make_runs.py [NAME ...]`. All take about thirteen minutes.

A file has what takes long in a notebook, above all what never learns; what is missing in it runs there.
"""

import json
import sys
import time
from collections.abc import Callable, Iterable
from itertools import product
from pathlib import Path

import numpy as np

from course_lib import train, until_solved
from course_lib.lessons.nb06_vanishing import agreement, longterm, words
from course_lib.lessons.nb08_clipping import success
from course_lib.lessons.nb09_initialization_and_other_cures import contest

CONTROLS = [((.1, None, 0.), 20), ((.2, 1., 0.), 40), ((.2, None, 4.), 30), ((.01, None, 4.), 30),
            ((.01, None, 0.), 30)]


def trained(method, T: int) -> success.Outcome:
    return success.one(method if isinstance(method, str) else success.Method(*method), T)


def practice(method: str, rate: float, distance: int, draw: int, updates: int, every: int) -> np.ndarray:
    return agreement.practise(distance, getattr(train, method)(rate), updates, draw, progress=False, every=every).needed


def read(kind: str, distance: int) -> words.Felt:
    size, *rest = words.practise_words(kind, distance)
    longest = max(words.DISTANCES) + 2  # files hold arrays of one shape
    padded = np.pad(size, ((0, 0), (0, 0), (0, longest - size.shape[-1])))
    return words.Felt(*(each.astype(np.float16) for each in (padded, *rest)))


def order(name: str, rate: float) -> until_solved.Solved:
    return longterm.learn_order(name, rate=rate)


def adding(name: str, rate: float) -> until_solved.Solved:
    return longterm.learn_adding(name, 30_000, rate=rate)


def later_digits(name: str, distance: int, rate: float | None = None) -> np.ndarray:
    return longterm.learn_digits(name, distance, rate=rate)


LENGTHS = {"recall": 50, "order": 60, "adding": 30}


def gated(task: str, kind: str) -> until_solved.Solved:
    return getattr(longterm, f"learn_{task}")(kind, 20_000, LENGTHS[task], seeds=range(5), longest=50)


RATES, DRAWS = (.001, .01), (0, 10, 20)
RUNS = {
    "success": (trained, [("SGD", 20), *success.longest_first((30, 40, 60)), *CONTROLS]),
    "contest": (contest.enter, ["uniform, tanh", "Gaussian, tanh", "orthogonal, tanh", "sparse, tanh", "uniform, ReLU",
                                "Gaussian √2, ReLU", "orthogonal √2, ReLU", "uniform + penalty 4",
                                "uniform + layer norm", "orthogonal + layer norm"]),
    "practice": (practice, [
        *product(["SGD"], [.1], [4, 10], DRAWS, [2000], [10]), *product(["SGD"], [.1, .3], [12], DRAWS, [1100], [50]),
        *product(["SGD"], [1.], [4], DRAWS, [1100], [50]),
        *product(["Adam"], [.01], [10, 20, 30], DRAWS, [1000], [50])]),
    "words": (read, [*product(words.CELLS, words.DISTANCES)]),
    "order": (order, [*product(["tanh", "orthogonal"], RATES), ("IRNN", .01)]),
    "adding": (adding, [*product(["tanh", "orthogonal"], RATES), ("IRNN", .001)]),
    "later_digits": (later_digits, [*product(longterm.KINDS, [25, 50]),
                                    *((name, 50, .01) for name in ["tanh", "orthogonal", "IRNN"])]),
    "gated": (gated, [*product(LENGTHS, ["orthogonal", "LSTM b_f = 0", "GRU"])])}


def save(path: Path, function: Callable, settings: Iterable) -> None:
    """Run every setting, one after another, and write the outcomes and the seconds into `path`."""
    settings, outcomes, seconds = list(settings), [], []
    for setting in settings:
        start = time.process_time()
        outcome = function(*setting) if isinstance(setting, tuple) else function(setting)
        outcomes.append(outcome._asdict() if hasattr(outcome, "_asdict") else {"value": outcome})
        seconds.append(time.process_time() - start)
        print(path.stem, setting, f"{seconds[-1]:.1f} s", flush=True)
    kept = {name: np.stack([each[name] for each in outcomes])
            for name, value in outcomes[0].items() if value is not None}
    np.savez_compressed(path, settings=[json.dumps(each) for each in settings], seconds=np.round(seconds, 1),
                        made=time.strftime("%Y-%m-%d"), **kept)


if __name__ == "__main__":
    for name in sys.argv[1:] or RUNS:
        save(Path(__file__).with_name(f"{name}.npz"), *RUNS[name])
