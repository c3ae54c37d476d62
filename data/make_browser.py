"""Make data/browser.npz, the runs that come along to a browser: python data/make_browser.py [06_vanishing ...]

Every cell that the browser edition has is run here, in one process as there, and the outcomes of the functions in
along.NAMES are kept with the call and the seconds, if they took more than LEAST. All take about ten minutes.
"""
from __future__ import annotations

import functools
import os
import sys
import tempfile
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output

TOOLS = Path(__file__).resolve().parents[1] / "tools"
sys.path[:0] = [str(TOOLS), str(TOOLS / "site")]

import along
from browser_edition import browser_book
from course_lib import data, parallel
from notebooks import paths, read

LEAST = 1  # seconds
FILE = data.FOLDER / "browser.npz"


def in_this_process(function, settings, processes):
    """As parallel._begin does it in a browser."""
    return (parallel._one(function, i, setting) for i, setting in enumerate(settings))


def outcomes(path: Path) -> dict:
    """Return {call: (outcome, seconds)} of a notebook."""
    made, within = {}, []

    def recorded(function):
        own = function.__module__ == "__main__"

        @functools.wraps(function)
        def call(*args, **options):
            if any(within):  # what a function of the library calls comes along with its outcome
                return function(*args, **options)
            start = time.process_time()
            within.append(not own)
            outcome = function(*args, **options)
            within.pop()
            if not own or not hasattr(outcome, "_asdict"):  # those call one of NAMES
                made[along.call_of(function, args, options)] = outcome, time.process_time() - start
            return outcome
        return call

    along.replace(recorded)
    InteractiveShell.clear_instance()
    shell = InteractiveShell.instance()
    for cell in browser_book(read(path), path.stem).cells:
        if cell.cell_type == "code" and cell.id != "browser-set-up":
            start = time.process_time()
            with capture_output():
                result = shell.run_cell(cell.source, store_history=True)
            result.raise_error()
            took = time.process_time() - start
            if took > LEAST:
                print(f"{path.stem} {cell.id}: {took:.1f} s", flush=True)
    return {call: (outcome, seconds) for call, (outcome, seconds) in made.items() if seconds > LEAST}


def packed(made: dict) -> dict:
    """Return the arrays of a file of these outcomes."""
    arrays = {"calls": np.array(list(made)), "made": np.array(time.strftime("%Y-%m-%d")),
              "seconds": np.array([round(seconds, 1) for _, seconds in made.values()])}
    for i, (outcome, _) in enumerate(made.values()):
        fields = outcome._asdict() if hasattr(outcome, "_asdict") else {"": outcome}
        arrays |= {f"{i}.{name}": np.asarray(value) for name, value in fields.items() if value is not None}
    return arrays


def held() -> dict:
    """Return what the file holds, as `outcomes` does."""
    with np.load(FILE) as file:
        kept = dict(file)
    def outcome(i):
        own = {name.partition(".")[2]: array for name, array in kept.items() if name.startswith(f"{i}.")}
        return own.get("", SimpleNamespace(_asdict=lambda: own))

    return {call: (outcome(i), kept["seconds"][i]) for i, call in enumerate(kept["calls"].tolist())}


if __name__ == "__main__":
    os.environ["COURSE_PROGRESS"] = str(Path(tempfile.mkdtemp()) / "progress.txt")
    os.environ["TQDM_DISABLE"] = "1"
    parallel._begin = in_this_process
    every = held() if sys.argv[1:] else {}
    for path in paths():
        if not sys.argv[1:] or path.stem in sys.argv[1:]:
            every |= outcomes(path)
            np.savez_compressed(FILE, **packed(every))
