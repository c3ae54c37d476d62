"""One place that refuses bad input, or a missing package: what it got, what it needs, the likely cause, the fix.

`name` is what the message calls the value. Errors: TypeError for a value of the wrong kind, ValueError for one that
cannot be right, ModuleNotFoundError for a package; a good value is returned.
"""

from __future__ import annotations  # so that numpy.random loads when it is first used

from contextlib import contextmanager, suppress
from typing import Iterable, Iterator

import numpy as np

BATCH_FIRST = "If x is batch-first, pass x.transpose(1, 0, 2)."


@contextmanager
def extra(name: str, what: str) -> Iterator[None]:
    """Say which extra of the course brings a missing package: `with extra("watch", "Clipper"): import torch`."""
    try:
        yield
    except ModuleNotFoundError as error:
        if str(error.name).startswith(__package__):  # nothing that an extra brings
            raise
        raise ModuleNotFoundError(
            f'{error.name} is not installed, and {what} needs it: pip install -e ".[{name}]" in the folder of the course, '
            "or there make lab.", name=error.name) from None


def array(name: str, value, ndim: int | None = None, finite: bool = True) -> np.ndarray:
    """Return `value` as an array (...) of real or complex numbers with at least `ndim` axes, or say what is wrong."""
    if type(value).__module__.partition(".")[0] == "torch":
        raise TypeError(f"{name} is a torch tensor; this library needs numpy. Pass {name}.detach().cpu().numpy().")
    try:
        result = np.asarray(value)
    except ValueError:
        raise ValueError(f"{name} is ragged: its rows differ in length. Pad them to one length first.") from None
    if result.dtype.kind == "O":
        what = "has dtype object" if isinstance(value, np.ndarray) else f"is {type(value).__name__}"
        raise TypeError(f"{name} {what}, needs an array of numbers.")
    if result.dtype.kind not in "fciub":
        raise TypeError(f"{name} has dtype {result.dtype}, needs numbers. Text has to be encoded first, "
                        f"for example one-hot.")
    if ndim is not None and result.ndim < ndim:
        raise ValueError(f"{name} has shape {result.shape}, needs at least {ndim} axes.")
    if result.size == 0:
        raise ValueError(f"{name} has shape {result.shape}: it is empty. Every axis needs at least one entry.")
    if finite and not np.isfinite(result).all():
        where = tuple(int(i) for i in np.argwhere(~np.isfinite(result))[0])
        raise ValueError(f"{name} is not finite: {result[where]} at index {where} (shape {result.shape}). "
                         f"Look at how {name} was made; a division by zero or an overflow is the usual cause.")
    return result


def broadcast(name: str, value, shape: tuple[int, ...], needs: str) -> np.ndarray:
    """Return `value` broadcast to a shape (...), or say what it needs."""
    value = array(name, value)
    try:
        return np.broadcast_to(value, shape)
    except ValueError:
        raise ValueError(f"{name} has shape {value.shape}, needs {needs}.") from None


def floating(name: str, value, ndim: int | None = None, finite: bool = True) -> np.ndarray:
    """Like `array` (...), for parameters: refuses integers, whose updates would be rounded away."""
    result = array(name, value, ndim, finite)
    if result.dtype.kind not in "fc":
        raise TypeError(f"{name} has dtype {result.dtype}, needs floating point. Pass {name}.astype(float).")
    return result


def floating_type(dtype) -> np.dtype:
    """Return the dtype if it is one of real floating point numbers, or say which are."""
    with suppress(TypeError):
        if (found := np.dtype(dtype)).kind == "f":
            return found
    raise TypeError(f"dtype is {dtype!r}, needs a floating point type such as np.float32 or np.float64.")


def count(name: str, value, least: int = 1) -> int:
    """Return a whole number of at least `least`, or say what is wrong."""
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, (int, np.integer)):
        raise TypeError(f"{name} is {value!r} ({type(value).__name__}), needs a whole number. Pass int({name}).")
    if value < least:
        raise ValueError(f"{name} is {value}, needs to be at least {least}.")
    return int(value)


def positive(name: str, value) -> float:
    """Return a finite number above zero, or say what is wrong."""
    number = real(name, value)
    if number <= 0:
        raise ValueError(f"{name} is {number:g}, needs to be above 0.")
    return number


def real(name: str, value) -> float:
    """Return a finite real number, or say what is wrong."""
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, (int, float, np.integer, np.floating)):
        raise TypeError(f"{name} is {value!r} ({type(value).__name__}), needs a number.")
    if not np.isfinite(number := float(value)):
        raise ValueError(f"{name} is {value}, needs a finite number.")
    return number


def generator(rng) -> np.random.Generator:
    """Return the generator, or say how to make one: seeds belong to the caller."""
    if not isinstance(rng, np.random.Generator):
        raise TypeError(f"rng is {rng!r} ({type(rng).__name__}), needs a numpy Generator. "
                        f"Pass np.random.default_rng(seed) and use the same one for every draw.")
    return rng


def choice(name: str, value, known) -> str:
    """Return `value` if it is one of `known`, or list them."""
    if not isinstance(value, (str, int, float)) or value not in known:
        raise ValueError(f"{name} is {value!r}, needs one of {', '.join(map(repr, known))}.")
    return value


def first_nonfinite(named: Iterable[tuple[str, np.ndarray]]) -> tuple[str, tuple[int, ...], float] | None:
    """Return name, index and value of the first entry that is NaN or infinite, None if all are finite."""
    for name, array in named:
        array = np.asarray(array)
        if array.dtype.kind in "fc" and not np.isfinite(array).all():
            index = tuple(int(i) for i in np.argwhere(~np.isfinite(array))[0])
            return name, index, array[index].item()
    return None


def leading(**shapes: tuple[int, ...]) -> tuple[int, ...]:
    """Broadcast leading (ensemble) axes, or say which of them disagree."""
    try:
        return np.broadcast_shapes(*shapes.values())
    except ValueError:
        found = ", ".join(f"{name} {shape}" for name, shape in shapes.items())
        raise ValueError(f"leading axes do not fit together: {found}. They count the members of an ensemble and have "
                         f"to be equal, or absent where a member is shared.") from None
