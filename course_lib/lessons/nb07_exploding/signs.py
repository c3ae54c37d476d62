"""Signs of an explosion, each a function of plain arrays that says whether it is there and by which number it judged.

    result = train.train(...)            # or: except train.Diverged as result
    signs.shown_by(result)                     # all that a run can show

A sign is true where it is present: `if signs.gradient_spike(norms): ...`. The limits are rules of thumb of this course,
chosen so that healthy runs stay below them; each is an argument. Errors: TypeError or ValueError for arrays that cannot
be judged, such as an empty one, and for limits that are not above 0.
"""

from __future__ import annotations

from typing import Mapping, NamedTuple

import numpy as np

from ... import _checks, train
from ...cells import leaves
from ...clipping import global_norm


class Sign(NamedTuple):
    """One sign and what it was judged by.

    name     what it is called
    present  whether it is there; also the truth value of the sign itself
    value    the number it was judged by
    words    what that number is, in words
    at       the update or step (an int), the array and its index for what is not finite, or None
    """

    name: str
    present: bool
    value: float
    words: str
    at: int | tuple | None = None

    def __bool__(self) -> bool:
        return self.present

    def __repr__(self) -> str:
        return f"{self.name:<19} {'YES' if self.present else 'no '}  {self.words}"


class Signs(tuple):
    """The signs of a run; prints one a line."""

    @property
    def present(self) -> list[str]:
        """The names of the signs that are there."""
        return [sign.name for sign in self if sign]

    def __repr__(self) -> str:
        return "\n".join(map(repr, self))


def shown_by(result, before=None) -> Signs:
    """Return all signs that a training run shows; each with the limit that its function has by default.

    result  a train.Result, or the train.Diverged that it ended with; an ensemble is judged by its worst member
    before  the parameters one update earlier, or the Result that held them: then the last update is judged too
    returns  Signs
    errors  TypeError for anything else
    """
    stopped = result if isinstance(result, train.Diverged) else None
    run = stopped.result if stopped else result
    if not isinstance(run, train.Result):
        raise TypeError(f"result is {type(result).__name__}, needs what train.train returned, or the train.Diverged "
                        f"that it raised.")
    found = [Sign("not finite", True, 1., f"{stopped.array} at index {stopped.index}, update {stopped.update}",
                  (stopped.array, stopped.index)) if stopped else nonfinite(run.params)]
    if run.updates:
        dtype = np.result_type(*(array for _, array in leaves(run.params)))
        found += [overflow_ahead(run.history.grad_norm, dtype), gradient_spike(run.history.grad_norm),
                  oscillating_loss(run.history.loss)]
    found.append(huge_weights(run.params))
    if before is not None:
        found.append(huge_update(before.params if isinstance(before, train.Result) else before, run.params))
    return Signs(found)


def nonfinite(arrays) -> Sign:
    """Is anything NaN or infinite? `at` names the first array and index, in the order given: inputs, states, gradients.

    arrays  an array, a (nested) NamedTuple of arrays, or a dict {name: array}; an array's first axis may be time
    value   how many of the arrays hold such an entry
    """
    named = list(arrays.items()) if isinstance(arrays, Mapping) else leaves(arrays)
    named = [(name, _checks.array(name, array, finite=False)) for name, array in named]
    broken = sum(not np.isfinite(array).all() for _, array in named)
    first = _checks.first_nonfinite(named)
    words = f"{first[0]} is {first[2]} at index {first[1]}" if first else "all entries are finite"
    return Sign("not finite", broken > 0, float(broken), words, first and first[:2])


def overflow_ahead(sizes: np.ndarray, dtype=np.float32, within: float = 50, last: int = 10) -> Sign:
    """Will the squares of these sizes overflow soon? A norm and a squared loss need the squares.

        steps left = (ln sqrt(largest number of dtype) - ln size) / (median growth of ln size over the last steps)

    sizes   (N,) or (N, E): sizes by step or by update, for example |h_t| or history.grad_norm
    dtype   the floating point type they are kept in
    within  the sign is present where fewer steps than this are left
    last    over how many steps the growth is taken
    value   steps left, not rounded: inf without growth, 0 where the squares overflow already
    """
    sizes, within = _series("sizes", sizes), _checks.positive("within", within)
    if (sizes < 0).any():
        raise ValueError("sizes are below 0 somewhere: pass norms, or np.abs of what they are.")
    last = _checks.count("last", last)
    room = np.log(np.finfo(_checks.floating_type(dtype)).max.astype(float)) / 2
    with np.errstate(divide="ignore", invalid="ignore"):
        logs = np.log(sizes[-last - 1:])
        growth = np.nan_to_num(np.median(np.diff(logs, axis=0), axis=0), posinf=0) if len(logs) > 1 else 0 * sizes[-1]
        left = np.where(growth > 0, np.maximum(room - logs[-1], 0) / growth, np.inf)
    left = float(np.where(logs[-1] >= room, 0, left).min())
    words = (f"squares overflow {np.dtype(dtype)} in {np.floor(left) + 1:.0f} steps" if 0 < left < 1e4 else
             f"squares overflow {np.dtype(dtype)} now" if left == 0 else "no growth that leads there")
    return Sign("overflow ahead", left < within, left, words, len(sizes) - 1)


def gradient_spike(grad_norm: np.ndarray, limit: float = 10, skip: int = 5) -> Sign:
    """Is a gradient norm suddenly larger than every one before it? value: the largest norm / (all norms before it).

    grad_norm  (N,) or (N, E): before clipping, as in history.grad_norm
    limit      the sign is present from this ratio on
    skip       the first updates, which have too few before them to be judged by
    """
    norms = _series("grad_norm", grad_norm)
    limit, skip = _checks.positive("limit", limit), _checks.count("skip", skip)
    if len(norms) <= skip:
        return Sign("gradient spike", False, 0., f"too short: {len(norms)} updates")
    before = np.maximum.accumulate(norms, axis=0)[skip - 1:-1]
    ratio = np.divide(norms[skip:], before, out=np.zeros_like(before), where=before > 0)
    worst = ratio.reshape(len(ratio), -1).max(-1)
    at, value = int(worst.argmax()) + skip, float(worst.max())
    return Sign("gradient spike", value >= limit, value, f"{value:.2g} times all before it, at update {at}", at)


def oscillating_loss(loss: np.ndarray, jump: float = 1, limit: float = .05, first: int = 10) -> Sign:
    """Does the loss keep jumping up? value: the share of updates at which it rose by more than a part of its start.

    loss   (N,) or (N, E): the loss at each update
    jump   what counts as a jump, in units of the loss's median over the first updates
    limit  the sign is present where more than this share of all updates are jumps
    first  how many updates are the start
    """
    loss = _series("loss", loss)
    _checks.positive("limit", limit)
    scale = _checks.positive("jump", jump) * np.median(np.abs(loss[:_checks.count("first", first)]), axis=0)
    jumps = np.diff(loss, axis=0) > scale
    share = jumps.mean(0) if len(jumps) else np.zeros(loss.shape[1:])
    value = float(share.max())
    return Sign("oscillating loss", value > limit, value, f"{value:.0%} of the updates are jumps up")


def huge_weights(params, limit: float = 30) -> Sign:
    """Are weights so large that every unit saturates? value: the largest Euclidean length of a row of a weight.

    A row of length r turns inputs of size 1 into a pre-activation of size about r, whatever the number of units; at
    initialisation r is about 1. A vector is taken entry by entry.

    params  a (nested) NamedTuple of arrays
    limit   the sign is present above this length
    """
    limit, longest, where = _checks.positive("limit", limit), 0., None
    for name, array in leaves(params):
        array = _checks.floating(name, array)
        rows = global_norm(array, array.shape[:-1]) if array.ndim > 1 else np.abs(array)
        if rows.max() >= longest:
            longest, where = float(rows.max()), name
    return Sign("huge weights", longest > limit, longest, f"longest row {longest:.2g}, in {where}")


def huge_update(before, after, limit: float = 1) -> Sign:
    """Was an update as large as the weights? value: |after - before| / |before|, over all parameters together.

    before, after  parameters of one form; an ensemble is judged as one
    limit          the sign is present from this ratio on; a healthy update is near .001
    """
    limit = _checks.positive("limit", limit)
    old, new = leaves(before), leaves(after)
    if [(name, np.shape(array)) for name, array in old] != [(name, np.shape(array)) for name, array in new]:
        raise ValueError("before and after are not of one form: pass the parameters of one network, before and after "
                         "an update.")
    size = np.linalg.norm([global_norm(np.asarray(array, float)) for _, array in old])
    steps = (np.asarray(b, float) - np.asarray(a, float) for (_, a), (_, b) in zip(old, new))
    moved = np.linalg.norm([global_norm(step) for step in steps])
    if size == 0:
        raise ValueError("all parameters before the update are 0: no update is small beside them.")
    value = float(moved / size)
    return Sign("huge update", value >= limit, value, f"{value:.2g} times the weights")


def _series(name: str, values) -> np.ndarray:
    """One row an update, up to the first that is not finite: that one is for `nonfinite` to report."""
    values = _checks.array(name, values, ndim=1, finite=False).astype(float)
    bad = ~np.isfinite(values).reshape(len(values), -1).all(-1)
    if bad[0]:
        raise ValueError(f"{name} is not finite from its first entry on: signs.nonfinite tells what is not.")
    return values[:bad.argmax()] if bad.any() else values
