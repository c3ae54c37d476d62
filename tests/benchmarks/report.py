"""What the benchmarks share: how a figure is said, to the reader and to run.py, and whose turn it is to measure."""

import json
import math
import os
from collections.abc import Iterable


def report(name: str, value: float, unit: str, *, least: float | None = None, most: float | None = None,
           seconds: Iterable[float] = (), note: str = "") -> bool:
    """Print a figure and return whether it keeps its bound.

    least, most  the bound, one of the two; it also says which way is better. 0 and infinity are kept by everything
    seconds      of each round: what is compared with another library, where that is not the figure itself
    note         what a reader may want to know beside it
    """
    within = bool(value >= least if most is None else value <= most)
    bound = f", at least {least:g}" if least else f", at most {most:g}" if least is None and most < math.inf else ""
    line = f"{name}: {value:.3g} {unit}{bound}"
    print(f"{line}{'' if within else '  FALLS SHORT'}{note and f'; {note}'}", flush=True)
    if path := os.environ.get("BENCHMARK_FIGURES"):
        costs = [float(each) for each in seconds] or [float(1 / value if most is None else value)]
        with open(path, "a", encoding="utf-8") as file:
            file.write(json.dumps({"name": name, "line": line, "within": within, "costs": costs}) + "\n")
    return within


def turn() -> None:
    """Wait while the same script with another library measures, where run.py runs two; called before each round.

    A byte in a pipe is the turn. One of the two begins by giving it away; one that has ended keeps nobody waiting.
    """
    ends = os.environ.get("BENCHMARK_TURN")
    if not ends:
        return
    take, give, gives = map(int, ends.split())
    if gives:
        try:
            os.write(give, b".")
        except BrokenPipeError:
            pass
    os.environ["BENCHMARK_TURN"] = f"{take} {give} 1"
    os.read(take, 1)
