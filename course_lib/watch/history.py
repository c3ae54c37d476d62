"""What became of every watched pass: a history that stays small, for loggers, tables and pictures."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from . import road
from .verdict import Finding

MOST = 4000  # findings that are kept, of all passes together
POINTS = 65  # time steps at which the norms of a pass are kept


class Watched(NamedTuple):
    """One module, call and part in one pass.

    label        its name, as in the verdict
    state        "h" or "c": whose gradient is judged
    finding      what the verdict says of it, with its numbers
    steps        (K,) time steps, from 0 to the last; all of them up to POINTS
    log10_norms  (K,) log10 of |dL/dh_t| there, for an LSTM |dL/dc_t|, the median over the sequences: -inf where it is
                 exactly 0, NaN where it is not finite
    saturation   {array: share of its entries near an end, of a sample}, where that is known
    """

    label: str
    state: str
    finding: Finding
    steps: np.ndarray
    log10_norms: np.ndarray
    saturation: dict[str, float]

    @property
    def key(self) -> str:
        """The label as loggers like it: no spaces, the same in every pass."""
        label = re.sub(r" \([^)]*\)", "", self.label)  # how many calls a loop has
        return label.replace("the module itself", "module").replace(" ", "/")

    def numbers(self) -> dict[str, float]:
        """{name: number}: what the gradient does on its way, and its size at both ends."""
        found = self.finding
        return {"log10_ratio": float(found.log10_ratio), "steps": float(found.steps), "factor": found.factor,
                "half_life": found.half_life, "reach": float("nan") if found.reach is None else float(found.reach),
                "log10_norm_first": float(self.log10_norms[min(1, len(self.steps) - 1)]),
                "log10_norm_last": float(self.log10_norms[-1]),
                "saturation": max(self.saturation.values(), default=float("nan"))}


class PassRecord(NamedTuple):
    """What is kept of one pass.

    number       which pass it was, the first is 0
    found        of every module, call and part that got a gradient
    nonfinite    the first value that is not finite, in words; empty if there is none
    clip_norm    the norm that the clipper found in this pass; NaN without one, or if it was not called yet
    clipped      whether it acted
    """

    number: int
    found: tuple[Watched, ...]
    nonfinite: str
    clip_norm: float
    clipped: bool

    def scalars(self) -> dict[str, float]:
        """{"lstm/log10_ratio": -6.2, ...}: plain numbers under flat names; what has no value is left out."""
        flat = {"not_finite": float(bool(self.nonfinite)), "clip/norm": self.clip_norm}
        flat |= {"clip/acted": float(self.clipped)} if self.clip_norm == self.clip_norm else {}
        flat |= {f"{each.key}/{name}": float(value) for each in self.found for name, value in each.numbers().items()}
        return {name: value for name, value in flat.items() if value == value}


class PassHistory:
    """The records of the watched passes, in order: len, [index] and for; the last is of the present pass.

    It stays small: once more than MOST findings are kept, every second pass is dropped, and from then on every second
    is kept (then every fourth, ...). The last is always there.

    first_bad  the first pass with a value that is not finite, kept whole: a Flow to be read like any; None without one
    errors     ModuleNotFoundError from to_frame where pandas is missing
    """

    def __init__(self):
        self._records: list[tuple[int, PassRecord]] = []
        self._stride, self._taken = 1, 0
        self.first_bad = None

    def __len__(self) -> int:
        return len(self._records)

    def __getitem__(self, index: int) -> PassRecord:
        return self._records[index][1]

    def __iter__(self) -> Iterator[PassRecord]:
        return (record for _, record in self._records)

    def take(self, record: PassRecord) -> None:
        """Add the record of a pass, or put it in place of the last one, if that is of the same pass."""
        if self._records and self[-1].number == record.number:
            self._records[-1] = self._records[-1][0], record
            return
        if self._records and self._records[-1][0] % self._stride:
            self._records.pop()
        self._records.append((self._taken, record))
        self._taken += 1
        while sum(len(each.found) + 1 for each in self) > MOST and len(self) > 2:
            self._stride *= 2
            last = self._records[-1]
            self._records = [pair for pair in self._records[:-1] if pair[0] % self._stride == 0] + [last]

    def labels(self) -> list[str]:
        """Of all that got a gradient in any pass, in the order in which they came."""
        return list(dict.fromkeys(each.label for record in self for each in record.found))

    def rows(self) -> list[dict]:
        """One dict for each pass, module, call and part, of plain numbers and words, without the norms in between."""
        return [{"pass": record.number, "module": each.label, "kind": each.finding.kind, **each.numbers(),
                 "clip_norm": record.clip_norm, "clipped": record.clipped, "words": each.finding.words}
                for record in self for each in record.found]

    def to_frame(self):
        """`rows` as a DataFrame of pandas, which has to be installed; the course does not bring it."""
        try:
            import pandas
        except ModuleNotFoundError:
            raise ModuleNotFoundError("to_frame needs pandas, which is not installed: pip install pandas. Without it, "
                                      "history.rows() has the same as a list of dicts, and to_json() as text.",
                                      name="pandas") from None
        return pandas.DataFrame(self.rows())

    def to_json(self, path=None) -> str:
        """All of it as strict JSON; NaN is null there, infinite numbers are "inf" and "-inf", as float() reads them.

        path  of a file to be written too
        """
        text = json.dumps([{
            "pass": record.number, "nonfinite": record.nonfinite, "clip_norm": _plain(record.clip_norm),
            "clipped": bool(record.clipped), "modules": [{
                "module": each.label, "state": each.state, "kind": each.finding.kind, "words": each.finding.words,
                **{name: _plain(value) for name, value in each.numbers().items()},
                "at_steps": each.steps.tolist(), "log10_norms": [_plain(value) for value in each.log10_norms],
                "saturations": {name: _plain(value) for name, value in each.saturation.items()}}
                for each in record.found]} for record in self], allow_nan=False)
        if path is not None:
            Path(path).write_text(text + "\n", encoding="utf-8")
        return text

    def __repr__(self) -> str:
        return f"PassHistory of {len(self)} passes" + (", one of them not finite" if self.first_bad else "")


def record_of(flow, number: int, judged, clipped) -> PassRecord:
    """What is kept of a pass.

    flow     a Flow whose last pass it is
    number   of the pass
    judged   (reading, its loop or None) of every module, call and part that got a gradient
    clipped  what the clipper did in this pass, a Clipped or None
    """
    broken, found = flow.first_nonfinite(), []
    for reading, loop in judged:
        each = loop or reading.judged()
        with np.errstate(divide="ignore"):
            steps, log10_norms = profile(np.log10(each.total))
        found.append(Watched(each.label, each.state, each.finding, steps, log10_norms,
                             road.saturation(reading._chosen.mode, reading._chosen.sample)))
    return PassRecord(number, tuple(found), str(broken or ""), clipped.norm if clipped else float("nan"),
                      bool(clipped and clipped.clipped))


def profile(log10_norms: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(T + 1, B) logs of norms, NaN after the end of a sequence -> (K,) time steps, (K,) medians there."""
    steps = np.unique(np.linspace(0, len(log10_norms) - 1, min(POINTS, len(log10_norms))).round().astype(int))
    return steps, medians(log10_norms[steps])


def _plain(value) -> float | str | None:
    value = float(value)
    return value if np.isfinite(value) else None if np.isnan(value) else str(value)


def medians(rows: np.ndarray) -> np.ndarray:
    """(K, B) -> (K,): the median of each row without its NaNs, NaN where there is nothing else."""
    gaps = np.isnan(rows)
    result = np.median(rows, 1)  # NaN where there is any, and all at once
    for k in np.flatnonzero(gaps.any(1) & ~gaps.all(1)):
        result[k] = np.median(rows[k, ~gaps[k]])
    return result
