"""Training runs that travel with the course: what nobody should have to wait for. data/make_runs.py makes them."""

import json
from collections.abc import Callable

import numpy as np

from . import data


class ShippedRuns(dict):
    """{setting: outcome}, as parallel.runs gives them; printed, it says what ran, when, and how long it took."""

    said = ""

    def __repr__(self) -> str:
        return self.said


def shipped_runs(name: str, kind: Callable = np.asarray) -> ShippedRuns:
    """Return the runs of data/NAME.npz. Take one out, `del runs[setting]`, and it runs again where the rest does.

    kind    makes an outcome of its arrays: the NamedTuple that the runs gave; a field that was not kept is None
    errors  FileNotFoundError where the course's data folder is missing
    """
    with np.load(data.file(f"{name}.npz")) as file:
        kept = dict(file)
    settings, seconds, made = (kept.pop(part) for part in ("settings", "seconds", "made"))
    fields = getattr(kind, "_fields", tuple(kept))
    runs = ShippedRuns({_setting(json.loads(text)): kind(*(kept[field][i] if field in kept else None for field in fields))
                        for i, text in enumerate(settings.tolist())})
    runs.said = f"{len(runs)} runs, made on {made}, which took {seconds.sum():.0f} s of one processor"
    return runs


def _setting(parts):
    """A setting as it was: JSON knows no tuples."""
    return tuple(map(_setting, parts)) if isinstance(parts, list) else parts
