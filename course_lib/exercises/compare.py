"""How a result differs from what is needed.

Numbers are compared relative to the largest needed entry, in each time step on its own, and never absolutely: zeros
don't pass for a vanished gradient.
"""

import numbers
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from . import words

SINGLE = 1e-5  # relative: within the digits of float32, rounding of some hundred operations included


class Difference(NamedTuple):
    """The first way in which a result differs from what is needed.

    sentence    with what was given and what is needed
    in_numbers  the form is right: the sentence tells the truth, which gives away a value that is asked for
    """

    sentence: str
    in_numbers: bool


class Piece(NamedTuple):
    """One array of a result beside the one that is needed; shapes may differ.

    name  in sentences
    axis  along which each entry is compared on its own; "each"; None for the whole
    """

    name: str
    got: np.ndarray
    need: np.ndarray
    axis: int | str | None


def plain(value: Any) -> Any:
    """Tensors as arrays, lists as they are, everything copied, so that a later call can't change it.

    What can't be read comes back as a bare object with its type's name.
    """
    try:
        return _plain(value)
    except Exception:
        return type(type(value).__name__, (), {})()


def _plain(value: Any) -> Any:
    if hasattr(value, "detach"):
        value = value.detach().cpu().numpy()
    if isinstance(value, np.ndarray):
        return value.copy()
    if isinstance(value, (list, tuple)) and len(value) > 10**5:
        return np.array(value, float)
    if isinstance(value, (list, tuple)):
        parts = [_plain(part) for part in value]
        return type(value)(*parts) if hasattr(value, "_fields") else type(value)(parts)
    return value


def unfinished(value: Any) -> bool:
    """Whether a value is None or an ellipsis, or holds one."""
    return value is None or value is ... or isinstance(value, (list, tuple)) and any(map(unfinished, value))


def untouched(before: Any, after: Any) -> bool:
    """Whether an argument is as it was, to the last bit of its arrays."""
    if isinstance(before, np.ndarray):
        same_form = before.shape == after.shape and before.dtype == after.dtype
        return same_form and before.tobytes() == after.tobytes()
    if isinstance(before, (list, tuple)):
        return len(before) == len(after) and all(map(untouched, before, after))
    if isinstance(before, dict):
        return before.keys() == after.keys() and all(untouched(before[key], after[key]) for key in before)
    return not isinstance(before, (numbers.Number, str)) or before == after


def single(array: np.ndarray) -> bool:
    """Whether an array has the digits of float32 and no more: by its type, or all its entries by themselves."""
    if array.dtype in (np.float32, np.float16):
        return True
    with np.errstate(all="ignore"):
        short = array.astype(np.float32) if array.dtype == np.float64 else array
        return array.dtype == np.float64 and np.array_equal(array, short, equal_nan=True) and bool(
            np.any((short != short.astype(np.float16)) & (short % 1 != 0)))  # a half, or a whole number, tells nothing


def difference(got: Any, need: Any, *, names: tuple[str, ...], time_axis: Any, rtol: float, axis: str = "time step",
               float32: bool = True, name: str = "The result") -> Difference | None:
    """The first difference between two results, or None.

    names      of the parts, if need is a tuple; a NamedTuple brings its own
    time_axis  along which each step is compared on its own; "each", None or a tuple as in `judge.Exercise`
    rtol       relative tolerance
    axis       what a step along it is
    float32    whether float32 may have its own rounding
    name       of the whole, in the sentence
    """
    for part in parts(got, need, names, time_axis, name):
        if found := part if isinstance(part, Difference) else _in_numbers(part, rtol, axis, float32):
            return found
    return None


def parts(got: Any, need: Any, names: tuple[str, ...], axis: Any, name: str = "The result"
          ) -> Iterator[Piece | Difference]:
    """The arrays of a result, each beside the one that is needed; what has no such form, as a difference."""
    if isinstance(need, tuple):
        fields = getattr(need, "_fields", None)
        names = fields or (names if len(names) == len(need) else [f"value {i}" for i in range(1, len(need) + 1)])
        several = isinstance(got, (tuple, list)) or isinstance(got, np.ndarray) and got.ndim
        if not several or len(got) != len(need):
            yield Difference(f"It gives {words.kind(got)}, needed {len(need)} values: {', '.join(names)}.", False)
            return
        if fields and set(getattr(got, "_fields", ())) == set(fields):
            got = tuple(getattr(got, field) for field in fields)
        axes = axis if isinstance(axis, tuple) and len(axis) == len(need) else [axis] * len(need)
        for name, mine, theirs, along in zip(names, got, need, axes):
            yield from parts(mine, theirs, (), along, name)
    elif isinstance(need, (str, set, frozenset)):
        if found := _in_words(got, need, name):
            yield found
    else:
        yield _beside(got, need, axis, name)


def _beside(got: Any, need: Any, axis: Any, name: str) -> Piece | Difference:
    need = np.asarray(need)
    try:
        whole = isinstance(got, numbers.Rational) and not isinstance(got, bool)  # of any size
        array = np.asarray(float(got) if whole else got)
    except Exception:  # whatever an object raises that is asked for its numbers
        return Difference(f"{name} is {words.kind(got)} that makes no array of numbers.", False)
    if array.size == 1 and not need.shape:
        array = array.reshape(())
    kinds = {array.dtype.kind, need.dtype.kind}
    if "b" in kinds <= {*"biuf"} and np.isin(array, (0, 1)).all() and np.isin(need, (0, 1)).all():
        array = array.astype(need.dtype)
    if array.dtype.kind not in ("b" if need.dtype.kind == "b" else "iufc") or need.dtype.kind not in "biufc":
        remedy = " of numbers: .astype(float) makes them" if array.dtype.kind == "b" and need.ndim else ""
        return Difference(f"{name} is {words.kind(got)}, needed {words.kind(need)}{remedy}.", False)
    if array.dtype.kind == "c" and need.dtype.kind != "c":
        if np.any(array.imag):
            return Difference(f"{name} is complex, needed real numbers.", False)
        array = array.real
    return Piece(name, array, need, axis)


def _in_words(got: Any, need: str | set | frozenset, name: str) -> Difference | None:
    text = isinstance(need, str)
    if not isinstance(got, str if text else (list, tuple, set, frozenset, np.ndarray)):
        form = "a text" if text else "a list or a set"
        return Difference(f"{name} is {words.kind(got)}, needed {form}.", False)
    same = words.folded(got) == words.folded(need) if text else (
        set(map(words.folded, got)) == set(map(words.folded, need)))
    return None if same else Difference(f"{name} is {words.chosen(got)}, needed {words.chosen(need)}.", True)


def _in_numbers(part: Piece, rtol: float, along: str, float32: bool) -> Difference | None:
    name, got, need, axis = part
    if got.shape != need.shape:
        return Difference(f"{name} has shape {got.shape}, needed {need.shape}." if got.shape and need.shape else
                          f"{name} is {words.kind(got)}, needed {words.kind(need)}.", False)
    if axis == "each":
        kept = tuple(range(need.ndim))
    else:
        # A mistake may have another form than the truth: then it has no such axis.
        kept = (axis % need.ndim,) if axis in range(-need.ndim, need.ndim) else ()
    logical, rounded = need.dtype.kind == "b", single(got)
    number = complex if "c" in (got.dtype.kind, need.dtype.kind) else float
    got, need = got.astype(number), need.astype(number)
    strange = ~np.isfinite(got) & np.isfinite(need)
    if strange.any():
        index = tuple(np.argwhere(strange)[0].tolist())
        return Difference(f"{words.entry(name, index)} is {got[index]}, needed a finite number.", True)
    with np.errstate(all="ignore"):
        finite, equal = np.isfinite(need), (got == need) | np.isnan(got) & np.isnan(need)
        gap = np.where(finite, np.abs(got - need), np.where(equal, 0, np.inf))
        size = np.where(finite, np.abs(need), 0)
        others = tuple(axis for axis in range(need.ndim) if axis not in kept)
        error, scale = (array.max(axis=others, keepdims=True, initial=0) for array in (gap, size))
        wrong = error / scale > (max(rtol, SINGLE) if rounded and float32 else rtol)  # x / 0 is wrong, 0 / 0 is not
    if not wrong.any():
        return None
    start = np.argwhere(wrong)[0]
    block = tuple(slice(i, i + 1) if axis in kept else slice(None) for axis, i in enumerate(start))
    worst = np.unravel_index(np.argmax(gap[block]), gap[block].shape)
    index = tuple(int(i) for i in start + np.array(worst, dtype=int))
    pair = (bool(got[index]), bool(need[index])) if logical else (got[index], need[index])
    sentence = f"{words.entry(name, index)} is {words.pair(*pair)}."
    if len(kept) == 1 and need.shape[kept[0]] > 1:
        along = "entry" if axis == "each" else along
        sentence += f" Wrong at {words.indices(wrong.ravel(), along)}" + (
            "." if wrong.all() else f", right at {words.indices(~wrong.ravel(), along)}.")
    if rounded and np.all(error <= SINGLE * scale):
        sentence += f"\n{name} is float32, which has 7 digits. Precision is the point here: stay with float64."
    return Difference(sentence, True)
