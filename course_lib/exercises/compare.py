"""How a result differs from what is needed.

Numbers are compared relative to the largest needed entry, in each time step on its own, and never absolutely: zeros
don't pass for a vanished gradient.
"""

import numbers
from typing import Any, NamedTuple

import numpy as np

from . import words


class Difference(NamedTuple):
    """The first way in which a result differs from what is needed.

    sentence    with what was given and what is needed
    in_numbers  the form is right: the sentence tells the truth, which gives away a value that is asked for
    name        of the part that differs
    """

    sentence: str
    in_numbers: bool
    name: str


def plain(value: Any) -> Any:
    """Tensors as arrays, lists as they are, everything copied, so that a later call can't change it."""
    if hasattr(value, "detach"):
        value = value.detach().cpu().numpy()
    if isinstance(value, np.ndarray):
        return value.copy()
    if isinstance(value, (list, tuple)):
        parts = [plain(part) for part in value]
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


def difference(got: Any, need: Any, *, names: tuple[str, ...], time_axis: Any, rtol: float,
               name: str = "The result") -> Difference | None:
    """The first difference between two results, or None.

    names      of the parts, if need is a tuple; a NamedTuple brings its own
    time_axis  along which each step is compared on its own; "each", None or a tuple as in `judge.Exercise`
    rtol       relative tolerance
    name       of the whole, in the sentence
    """
    if isinstance(need, tuple):
        return _in_parts(got, need, names, time_axis, rtol)
    if isinstance(need, (str, set, frozenset)):
        return _in_words(got, need, name)
    try:
        need = np.asarray(need)
        whole = isinstance(got, numbers.Rational) and not isinstance(got, bool)  # of any size
        array = np.asarray(float(got) if whole else got)
    except (ValueError, TypeError, OverflowError):
        return Difference(f"{name} is {words.kind(got)} that makes no array of numbers.", False, name)
    if array.dtype.kind not in ("b" if need.dtype.kind == "b" else "iufc") or need.dtype.kind not in "biufc":
        remedy = " of numbers: .astype(float) makes them" if array.dtype.kind == "b" and need.ndim else ""
        return Difference(f"{name} is {words.kind(got)}, needed {words.kind(need)}{remedy}.", False, name)
    if array.shape != need.shape:
        sentence = (f"{name} has shape {array.shape}, needed {need.shape}." if array.shape and need.shape
                    else f"{name} is {words.kind(array)}, needed {words.kind(need)}.")
        return Difference(sentence, False, name)
    if array.dtype.kind == "c" and need.dtype.kind != "c":
        if np.any(array.imag):
            return Difference(f"{name} is complex, needed real numbers.", False, name)
        array = array.real
    return _in_numbers(array, need, time_axis, rtol, name)


def _in_parts(got: Any, need: tuple, names: tuple[str, ...], time_axis: Any, rtol: float) -> Difference | None:
    fields = getattr(need, "_fields", None)
    names = fields or (names if len(names) == len(need) else [f"value {i}" for i in range(1, len(need) + 1)])
    if not isinstance(got, (tuple, list)) or len(got) != len(need):
        sentence = f"It gives {words.kind(got)}, needed {len(need)} values: {', '.join(names)}."
        return Difference(sentence, False, "It")
    if fields and set(getattr(got, "_fields", ())) == set(fields):
        got = tuple(getattr(got, field) for field in fields)
    several = isinstance(time_axis, tuple) and len(time_axis) == len(need)
    axes = time_axis if several else [time_axis] * len(need)
    for name, mine, theirs, axis in zip(names, got, need, axes):
        if found := difference(mine, theirs, names=(), time_axis=axis, rtol=rtol, name=name):
            return found
    return None


def _in_words(got: Any, need: str | set | frozenset, name: str) -> Difference | None:
    text = isinstance(need, str)
    if not isinstance(got, str if text else (list, tuple, set, frozenset)):
        form = "a text" if text else "a list or a set"
        return Difference(f"{name} is {words.kind(got)}, needed {form}.", False, name)
    same = got.strip() == need if text else set(map(str, got)) == set(map(str, need))
    return None if same else Difference(f"{name} is {words.chosen(got)}, needed {words.chosen(need)}.", True, name)


def _in_numbers(got: np.ndarray, need: np.ndarray, time_axis: int | str | None, rtol: float,
                name: str) -> Difference | None:
    if time_axis == "each":
        kept = tuple(range(need.ndim))
    else:
        # A mistake may have another form than the truth: then it has no such axis.
        kept = (time_axis % need.ndim,) if time_axis in range(-need.ndim, need.ndim) else ()
    single, logical = got.dtype == np.float32, need.dtype.kind == "b"
    number = complex if "c" in (got.dtype.kind, need.dtype.kind) else float
    got, need = got.astype(number), need.astype(number)
    strange = ~np.isfinite(got) & np.isfinite(need)
    if strange.any():
        index = tuple(np.argwhere(strange)[0].tolist())
        return Difference(f"{words.entry(name, index)} is {got[index]}, needed a finite number.", True, name)
    with np.errstate(all="ignore"):
        finite, equal = np.isfinite(need), (got == need) | np.isnan(got) & np.isnan(need)
        gap = np.where(finite, np.abs(got - need), np.where(equal, 0, np.inf))
        size = np.where(finite, np.abs(need), 0)
        others = tuple(axis for axis in range(need.ndim) if axis not in kept)
        error, scale = (array.max(axis=others, keepdims=True, initial=0) for array in (gap, size))
        wrong = error / scale > rtol  # where the truth is zero: x / 0 is wrong, 0 / 0 is not
    if not wrong.any():
        return None
    start = np.argwhere(wrong)[0]
    block = tuple(slice(i, i + 1) if axis in kept else slice(None) for axis, i in enumerate(start))
    worst = np.unravel_index(np.argmax(gap[block]), gap[block].shape)
    index = tuple(int(i) for i in start + np.array(worst, dtype=int))
    pair = (bool(got[index]), bool(need[index])) if logical else (got[index], need[index])
    sentence = f"{words.entry(name, index)} is {words.pair(*pair)}."
    if len(kept) == 1 and need.shape[kept[0]] > 1:
        word = "index" if time_axis == "each" else "time index"
        sentence += f" Wrong at {words.indices(wrong.ravel(), word)}" + (
            "." if wrong.all() else f", right at {words.indices(~wrong.ravel(), word)}.")
    if single and np.all(error <= 1e-5 * scale):
        sentence += f"\n{name} is float32, which has 7 digits. Stay with float64."
    return Difference(sentence + _factor(got, need), True, name)


def _factor(got: np.ndarray, need: np.ndarray) -> str:
    """A sentence if all entries are off by one and the same factor."""
    if need.size < 2 or not need.all() or not np.isfinite(need).all():
        return ""
    with np.errstate(all="ignore"):
        ratio = got / need
    factor = ratio.flat[0]
    same = np.isfinite(ratio).all() and np.allclose(ratio, factor, rtol=1e-6, atol=0)
    tells = same and factor != 0 and abs(factor - 1) > 1e-6
    return f"\nEvery entry is {words.number(factor)} times what is needed." if tells else ""
