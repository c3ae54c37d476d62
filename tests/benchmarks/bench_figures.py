"""What a step of a slider costs in every live figure of the notebooks, until the picture can be sent.

    make bench        or        python tests/benchmarks/bench_figures.py [04_derivative_of_tanh_and_sigmoid ...]

Each control goes from end to end in ten places while the others stay where they start. CPU milliseconds; the slowest
figures are named, each with its own median and 95 %. Exits with 1 if one of these 95 % is above 60. What the
notebook before left in memory is collected before, not during, a figure's steps.
"""

import gc
import sys
import tempfile
import time
from pathlib import Path

from bench_core import RNG  # noqa: F401: it sets the number of threads before numpy and torch are loaded

import numpy as np

FOLDER = Path(__file__).parents[1]
sys.path[:0] = [str(FOLDER / "notebooks"), str(FOLDER.parent / "tools")]
from report import report, turn  # noqa: E402
from test_axes import LIVELY, live_figures  # noqa: E402

PLACES, MOST = 10, 60


def places(control) -> list:
    """The values that a control is put to: its choices, or at most PLACES of its stops, from end to end."""
    if not hasattr(control, "min"):
        return list(getattr(control, "options", [False, True]))
    stops = np.unique(np.linspace(0, (control.max - control.min) / control.step, PLACES).round())
    values = [type(control.min)(control.min + control.step * stop) for stop in stops.tolist()]
    return [control.base**value for value in values] if hasattr(control, "base") else values


def steps(live) -> list[float]:
    """CPU milliseconds of each step of each control."""
    took = []
    for control in live.controls.values():
        start = control.value
        for value in (value for value in places(control) if value != control.value):
            before = time.process_time()
            control.value = value
            took.append(1000 * (time.process_time() - before))
            if live._message.value:
                raise RuntimeError(f"{type(live.figure).__name__}: {live._message.value}")
        control.value = start
    return took


def main(*names: str) -> int:
    figures = {}
    for path in LIVELY:
        if not names or path.stem in names:
            turn()
            with tempfile.TemporaryDirectory() as folder:
                for cell, live in live_figures(path, folder):
                    gc.collect()
                    figures[f"{type(live.figure).__name__} of {path.stem[:2]}"] = steps(live)
    half, most = np.percentile(np.concatenate(list(figures.values())), [50, 95])
    slowest = sorted(figures, key=lambda name: -np.percentile(figures[name], 95))[:8]
    told = ", ".join("{} {:.0f} and {:.0f}".format(name, *np.percentile(figures[name], [50, 95])) for name in slowest)
    report("a step of a slider, median", half, "ms", most=MOST, note=f"CPU, {len(figures)} figures")
    report("a step of a slider, 95 %", most, "ms", most=MOST, note=f"median and 95 % of {told}")
    return int(not report("the slowest figure's steps, 95 %", np.percentile(figures[slowest[0]], 95), "ms", most=MOST,
                          note=slowest[0]))


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
