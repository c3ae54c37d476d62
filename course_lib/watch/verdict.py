"""What the gradients of one layer say, in one sentence with its numbers."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from .. import _checks

LIMIT = 1e3  # a larger change, over the way that is judged, is called vanished or exploding


class Finding(NamedTuple):
    """What became of the gradient that enters at the last step the loss reads, on its way to step 1.

    kind         "vanished", "exploding", "healthy", "zero", "not finite", "no gradient", "no time", "not followed"
    ratio        |gradient at step 1| / |gradient at the last step read|, geometric mean over the sequences; over the
                 distance that was asked for, where one was
    steps        how many steps lie between, the median
    factor       per step
    half_life    steps in which it halves, or doubles where it grows; inf where it stays
    words        all of it in one sentence
    log10_ratio  of the ratio, which a float may be too small for
    reach        steps after which it has fallen to a thousandth, or grown a thousandfold, for good; None where it never
                 does
    """

    kind: str
    ratio: float
    steps: int
    factor: float
    half_life: float
    words: str
    log10_ratio: float = float("nan")
    reach: int | None = None

    def __str__(self) -> str:
        return self.words


class Seen(NamedTuple):
    """What is said beside the numbers of a way.

    shape   steps T and sequences B of what was judged
    dtype   the precision of the module, and the natural log of the smallest number that it knows
    notes   (kind) -> sentences on saturation, gates, states that were detached, gradients that were there before
    cause   () -> why nothing passes, called where the way ends in an exact 0
    """

    shape: tuple[int, int]
    dtype: tuple[str, float]
    notes: Callable[[str], list[str]]
    cause: Callable[[], str]


def from_the_end(logs: np.ndarray) -> np.ndarray:
    """(T + 1, B) logs of a way, NaN where a sequence has no step, -> (D + 1, B): row d is d steps before the last read.

    Down to step 1; NaN beyond, and for a sequence into which nothing enters.
    """
    columns = []
    for column in logs[1:].T:
        column = column[~np.isnan(column)][::-1]
        enters = np.flatnonzero(column > -np.inf)
        columns.append(column[enters[0]:] if len(enters) else column[:0])
    result = np.full((max(1, *map(len, columns)), len(columns)), np.nan)
    for b, column in enumerate(columns):
        result[:len(column), b] = column
    return result


def judge(label: str, logs: np.ndarray, state: str, seen: Seen, distance: int | None = None) -> Finding:
    """Judge one gradient on its way back.

    The rule: less than a thousandth left is vanished, more than a thousandfold is exploding, all between is healthy.
    These are words for a distance. Where the task's is known, give it: then they are said of that distance and no
    other. Without it they are said of the whole way from the last step read to step 1, and the sentence begins with
    how far the gradient comes: a network whose task needs 3 steps is well where a thousandth is left after 9, however
    long the sequence. With sequences of several lengths each is judged over its own way.

    label     what is judged, in words
    logs      (T + 1, B): natural logs of the norm of what enters at each sequence's last step read; NaN after its end
    state     "h" or "c"
    distance  in steps back from the last one read; None for the whole way
    returns   Finding
    errors    ValueError for a distance that is not a whole number from 1 on
    """
    if distance is not None:
        _checks.count("distance", distance)
    with np.errstate(all="ignore"):
        return _judge(label, from_the_end(logs), state, seen, distance)


def _judge(label, way, state, seen, distance):
    T, B = seen.shape
    read = ~np.isnan(way[0])
    if not read.any():
        return nothing("no gradient", f"{label}: no gradient arrives, it is exactly 0 at every step.")
    silent = [] if read.all() else [f"{(~read).sum()} of {B} sequences get no gradient."]
    steps = (~np.isnan(way)).sum(0) - 1
    far = steps > 0
    if not far.any():
        return nothing("no time", " ".join([f"{label}: the loss reads it at step 1 alone, so that no gradient passes "
                                            f"through time.", *silent]))
    sizes, way, steps = way[:, far], way[:, far] - way[0, far], steps[far]
    asked = steps if distance is None else np.minimum(steps, distance)
    ends = way[asked, np.arange(len(steps))]
    dead, longest, over = np.isinf(ends), int(steps.max()), int(np.median(asked))
    norm, shape = f"|dL/d{state}_t|", f"T = {T}, batch {B}"
    if dead.sum() * 2 > len(dead):
        lives = int(np.isfinite(way[:, dead]).sum(0).min()) - 1
        some = "" if dead.all() else f" in {dead.sum()} of {len(dead)} sequences"
        words = f"{label}: {norm} lives for {lives} of {longest} steps and then is exactly 0{some} ({shape})."
        return Finding("zero", 0., over, 0., 0., " ".join([words, seen.cause(), *seen.notes("zero"), *silent]), -np.inf,
                       lives + 1)
    partly = [f"In {dead.sum()} of {len(dead)} sequences it becomes exactly 0."] if dead.any() else []
    mean, rate = float(np.mean(ends[~dead])), float(np.mean((ends / asked)[~dead]))
    factor, half = float(np.exp(rate)), float(np.log(2) / abs(rate)) if rate else np.inf
    kind = "vanished" if mean < -np.log(LIMIT) else "exploding" if mean > np.log(LIMIT) else "healthy"
    reach = _reach(_mean(way[:, ~dead]), mean < 0)
    changes = f"changes by a factor {power(mean / np.log(10))}, {factor:.3g} a step" + (
        f": it {'halves' if rate < 0 else 'doubles'} every {half:.2g} steps" if half < 1e4 else "") + f" ({shape})."
    comes = f"{'falls to a thousandth' if mean < 0 else 'grows a thousandfold'} in {reach} of {longest} steps"
    name = {"vanished": "vanished", "exploding": "exploding", "healthy": "alive"}[kind]
    if distance is not None:
        asked_for = "asked for" if over == distance else f"there are, fewer than the {distance} asked for,"
        words = f"{label}: {name} over the {over} steps {asked_for}: {norm} {changes}"
        words += f" It {comes}." if reach else ""
    elif kind == "healthy" or reach is None:
        words = f"{label}: {name} over all {longest} steps: {norm} {changes}"
    else:
        further = "vanished for what lies further back" if kind == "vanished" else "exploding"
        words = f"{label}: {norm} {comes}: {further}. Over all {longest} it {changes}"
    notes = [*partly, *_rounding(sizes[:, ~dead], *seen.dtype), *seen.notes(kind), *silent]
    return Finding(kind, float(np.exp(mean)), over, factor, half, " ".join([words, *notes]),
                   float(mean / np.log(10)), reach)


def _rounding(sizes: np.ndarray, dtype: str, lowest: float) -> list[str]:
    """Whether the numbers of the network's own precision end before the way does."""
    below = _mean(sizes) < lowest
    if not below.any():
        return []
    return [f"After {int(below.argmax()) - 1} steps it is too small for {dtype}: there nothing of it is left."]


def _mean(way: np.ndarray) -> np.ndarray:
    """Of each distance the mean over the sequences that have it; where some are exactly 0, over the others."""
    good = np.isfinite(way)
    return np.where(good, way, 0).sum(1) / good.sum(1)


def _reach(profile: np.ndarray, falls: bool) -> int | None:
    """The step from which on the profile is beyond a thousandth, or a thousandfold, down to the end."""
    beyond = profile < -np.log(LIMIT) if falls else profile > np.log(LIMIT)
    return int(len(profile) - beyond[::-1].cumprod().sum()) if beyond[-1] else None


def power(log10: float) -> str:
    """10 to this: as usual where a float has it, else "10^-405"."""
    return f"{10**log10:.2g}" if abs(log10) < 300 else f"10^{log10:.0f}"


def nothing(kind: str, words: str) -> Finding:
    """A finding without numbers."""
    return Finding(kind, float("nan"), 0, float("nan"), float("nan"), words)
