"""What the gradients of one layer say, in one sentence with its numbers."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

LIMIT = 1e3  # a larger change, from the last step read to the first, is called vanished or exploding


class Finding(NamedTuple):
    """What became of the gradient that enters at the last step the loss reads, on its way to step 1.

    kind       "vanished", "exploding", "healthy", "zero", "not finite", "no gradient" or "no time"
    ratio      |gradient at step 1| / |gradient at the last step read|, geometric mean over the sequences
    steps      how many steps lie between, the median
    factor     per step
    half_life  steps in which it halves, or doubles where it grows; inf where it stays
    words      all of it in one sentence
    """

    kind: str
    ratio: float
    steps: int
    factor: float
    half_life: float
    words: str

    def __str__(self) -> str:
        return self.words


def judge_norms(label: str, norms: np.ndarray, state: str, dtype: str, exact=None) -> Finding:
    """Judge the norms of one gradient on its way back.

    label  what is judged, in words
    norms  (T + 1, B) of the gradient that enters at each sequence's last step read; NaN after its end
    state  "h" or "c"
    dtype  the precision in which they were computed
    exact  () -> the same norms in float64, called only where they are 0
    returns  Finding
    """
    alive = np.nan_to_num(norms) > 0
    if not alive.any():
        return _nothing("no gradient", f"{label}: no gradient arrives, it is exactly 0 at every step.")
    read = np.where(alive.any(0), len(norms) - 1 - alive[::-1].argmax(0), 0)
    far = read > 1
    if not far.any():
        return _nothing("no time", f"{label}: the loss reads it at step 1 alone, so that no gradient passes through "
                                   f"time.")
    columns = np.arange(norms.shape[1])[far]
    steps = int(np.median(read[far] - 1))
    start, end = norms[read[far], columns], norms[1, columns]
    if (end == 0).any():
        rows = norms[:, columns[end == 0]]
        zero = int((read[far][end == 0] - 1 - (rows[1:] == 0).cumprod(0).sum(0)).min())
        words = f"{label}: |dL/d{state}_t| is exactly 0 at step 1"
        words += f" in {(end == 0).sum()} of {len(end)} sequences" if (end > 0).any() else ""
        words += f"; going back from the last step that is read, it lives for {zero} of {steps} steps"
        true = None if exact is None else exact()[1, columns[end == 0]]
        if true is not None and (true > 0).any() and dtype != "float64":
            words += f" and then is too small for {dtype}: in float64 it would be {np.median(true):.1e}."
            ratio = float(np.exp(np.mean(np.log(true[true > 0] / start[end == 0][true > 0]))))
        else:
            words, ratio = words + ". Rounding is not the cause: units that pass nothing are.", 0.
        factor = float(ratio ** (1 / steps))
        return Finding("zero", ratio, steps, factor, _half_life(factor), words)
    ratio = np.exp(np.mean(np.log(end) - np.log(start)))
    factor = float(np.exp(np.mean((np.log(end) - np.log(start)) / (read[far] - 1))))
    half = _half_life(factor)
    kind = "vanished" if ratio < 1 / LIMIT else "exploding" if ratio > LIMIT else "healthy"
    name = {"vanished": "vanished", "exploding": "exploding", "healthy": "alive"}[kind]
    passes = "halves" if factor < 1 else "doubles"
    words = (f"{label}: {name}. Over {steps} steps |dL/d{state}_t| changes by a factor {ratio:.2g}, {factor:.3g} a step"
             + (f": it {passes} every {half:.2g} steps." if half < 1e4 else "."))
    return Finding(kind, float(ratio), steps, factor, half, words)


def not_finite(where) -> Finding:
    """The finding where something is not finite."""
    return _nothing("not finite", str(where))


def _nothing(kind: str, words: str) -> Finding:
    return Finding(kind, float("nan"), 0, float("nan"), float("nan"), words)


def _half_life(factor: float) -> float:
    with np.errstate(divide="ignore"):
        return float(np.abs(np.log(2) / np.log(factor))) if factor not in (0., 1.) else 0. if factor == 0 else np.inf
