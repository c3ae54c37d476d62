"""What a benchmark says: a line for the reader, and the same figure for run.py where that has asked for it."""

import json
import math
import os


def report(name: str, value: float, unit: str, *, least: float | None = None, most: float | None = None,
           note: str = "") -> bool:
    """Print a figure and return whether it keeps its bound.

    least, most  the bound, one of the two; it also says which way is better. 0 and infinity are kept by everything
    note         what a reader may want to know beside it
    """
    within = keeps(value, least, most)
    bound = f", at least {least:g}" if least else f", at most {most:g}" if least is None and most < math.inf else ""
    print(f"{name:<40} {value:8.3g} {unit}{bound}{'' if within else '  FALLS SHORT'}{note and f'; {note}'}", flush=True)
    if path := os.environ.get("BENCHMARK_FIGURES"):
        with open(path, "a", encoding="utf-8") as file:
            file.write(json.dumps({"name": name, "value": float(value), "unit": unit + bound, "least": least,
                                   "most": most}) + "\n")
    return within


def keeps(value: float, least: float | None, most: float | None) -> bool:
    """Return whether a value keeps its bound; NaN keeps none."""
    return bool(value >= least if most is None else value <= most)
