"""In a browser: runs that would take minutes there come along with the course, and say so.

    import along                # what the first cell of code of the browser edition does
    along.recompute()           # from here on everything is computed

The functions of NAMES, and those of a notebook that parallel.runs calls, give what was kept of the same call in
data/browser.npz, which data/make_browser.py makes. Every other call, with another rate, say, is computed, and so is all
that a changed cell asks for. On your own machine none of this is there.
"""
from __future__ import annotations

import functools
import hashlib
import importlib
import inspect
import linecache
import logging
import sys
import typing
from collections.abc import Callable

import numpy as np

from course_lib import data, parallel

NAMES = {
    "nb06_vanishing.agreement": ["practise"],
    "nb06_vanishing.longterm": ["learn_recall", "learn_order", "learn_adding", "learn_digits", "learn_sunspots",
                                "learn_forecast"],
    "nb08_clipping.success": ["one"],
    "nb09_initialization_and_other_cures.contest": ["enter"],
    "nb10_truncated_bptt.windows": ["trial"],
    "nb11_lstm.traffic": ["learn_traffic"]}
SLOWER = 5  # times as long as on a machine of one's own
told = None  # [cell, runs, seconds, where it is said]
computed = False  # whether all is computed


def call_of(function: Callable, args: tuple, options: dict) -> str:
    """Return the text of a call, without arguments that are as they are by default, and without the bar."""
    signature = inspect.signature(function)
    given = [f"{name}={text_of(value)}" for name, value in signature.bind(*args, **options).arguments.items()
             if name != "progress" and repr(value) != repr(signature.parameters[name].default)]
    return f"{function.__name__}({', '.join(given)}){cell_of(function)}"


def text_of(value) -> str:
    """Return what tells an argument; arrays by their single precision, which another processor does not change."""
    if isinstance(value, np.ndarray):
        return f"{value.shape} {hashlib.sha256(value.astype(np.float32).tobytes()).hexdigest()[:12]}"
    if hasattr(value, "_fields") and any(isinstance(each, np.ndarray) for each in value):
        return f"{type(value).__name__}({', '.join(map(text_of, value))})"
    return repr(value)


def cell_of(function: Callable) -> str:
    """Return what tells the text of the cell that defines a function; "" for one of the library."""
    if function.__module__ != "__main__":
        return ""
    text = "".join(linecache.getlines(function.__code__.co_filename)).strip()
    return f" {hashlib.sha256(text.encode()).hexdigest()[:12]}"


def replace(wrapped: Callable) -> None:
    """Put wrapped(function) in the place of every function of NAMES, and of what a notebook hands to parallel.runs."""
    for module, names in NAMES.items():
        module = importlib.import_module(f"course_lib.lessons.{module}")
        for name in names:
            function = inspect.unwrap(getattr(module, name))
            setattr(module, name, functools.wraps(function)(wrapped(function)))
    original = inspect.unwrap(parallel.runs)

    @functools.wraps(original)
    def runs(function, *args, **options):
        own = inspect.isfunction(function) and function.__module__ == "__main__"
        return original(wrapped(function) if own else function, *args, **options)

    parallel.runs = runs


def recompute() -> None:
    """From here on compute everything."""
    global computed
    computed = True


def come_along() -> None:
    """From here on give what was kept of a call, where there is something."""
    global computed
    computed = False
    with np.load(data.file("browser.npz")) as file:
        kept = dict(file)
    places = {call: i for i, call in enumerate(kept["calls"].tolist())}

    def wrapped(function):
        kind = typing.get_type_hints(function).get("return")

        def call(*args, **options):
            i = places.get(call_of(function, args, options))
            if i is None or computed:
                return function(*args, **options)
            say(kept["seconds"][i], str(kept["made"]))
            own = {field: kept[name].copy()[()] for field in getattr(kind, "_fields", [""])  # [()]: a number stays one
                   if (name := f"{i}.{field}") in kept}
            return kind(*map(own.get, kind._fields)) if hasattr(kind, "_fields") else own[""]
        return call

    replace(wrapped)


def say(seconds: float, made: str) -> None:
    """Say it once below a cell, and count."""
    global told
    from IPython import get_ipython
    from IPython.display import display

    cell = get_ipython(), get_ipython().execution_count
    first = told is None or told[0] != cell
    _, runs, before, place = (cell, 0, 0., None) if first else told
    runs, total = runs + 1, before + float(seconds)
    took = f"{SLOWER * total:.0f} s" if SLOWER * total < 100 else f"{SLOWER * total / 60:.0f} minutes"
    text = (f"{runs} {'run' if runs == 1 else 'runs'} of this cell came along with the course, made on {made}: here "
            f"they would take about {took}. To have them run here, along.recompute(), and the cell again.")
    bundle = {"text/plain": text}
    if first:
        place = display(bundle, raw=True, display_id=True)
    else:
        place.update(bundle, raw=True)
    told = [cell, runs, total, place]


logging.getLogger("matplotlib.font_manager").setLevel(logging.ERROR)  # that it makes its list of fonts, in red
if sys.platform == "emscripten":
    come_along()
