"""Make the runs that travel with the course: `python data/make_runs.py [NAME ...]`. All of them take some minutes.

A file has what takes long in a notebook, above all what never learns; what is missing in it runs there.
"""

import json
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np

from course_lib.lessons.nb08_clipping import success
from course_lib.lessons.nb09_initialization_and_other_cures import contest

CONTROLS = [((.1, None, 0.), 20), ((.2, 1., 0.), 40), ((.2, None, 4.), 30), ((.01, None, 4.), 30), ((.01, None, 0.), 30)]


def trained(method, T: int) -> success.Outcome:
    return success.one(method if isinstance(method, str) else success.Method(*method), T)


RUNS = {
    "success": (trained, [("SGD", 20), *success.longest_first((30, 40)), *CONTROLS]),
    "contest": (contest.enter, ["uniform, tanh", "Gaussian, tanh", "orthogonal, tanh", "sparse, tanh", "uniform, ReLU",
                                "Gaussian √2, ReLU", "orthogonal √2, ReLU", "uniform + penalty 4",
                                "uniform + layer norm", "orthogonal + layer norm"])}


def save(path: Path, function: Callable, settings: Iterable) -> None:
    """Run every setting, one after another, and write the outcomes and the seconds into `path`."""
    settings, outcomes, seconds = list(settings), [], []
    for setting in settings:
        start = time.process_time()
        outcome = function(*setting) if isinstance(setting, tuple) else function(setting)
        outcomes.append(outcome._asdict() if hasattr(outcome, "_asdict") else {"value": outcome})
        seconds.append(time.process_time() - start)
        print(path.stem, setting, f"{seconds[-1]:.1f} s", flush=True)
    kept = {name: np.stack([each[name] for each in outcomes]) for name, value in outcomes[0].items() if value is not None}
    np.savez_compressed(path, settings=[json.dumps(each) for each in settings], seconds=np.round(seconds, 1),
                        made=time.strftime("%Y-%m-%d"), **kept)


if __name__ == "__main__":
    for name in sys.argv[1:] or RUNS:
        save(Path(__file__).with_name(f"{name}.npz"), *RUNS[name])
