"""Arrays that run through time: how they lie in memory, whose memory is used again, and the views that products take.

Leading axes in front of every shape are the members of an ensemble.
"""

from typing import Callable

import numpy as np


def through_time(shape: tuple[int, ...], dtype) -> np.ndarray:
    """An array (T, ..., B, N), not filled in, that lies in memory as (..., T, B, N): `rows` of it is a view."""
    T, *lead, B, N = shape
    return np.moveaxis(np.empty((*lead, T, B, N), dtype), -3, 0)


def allocator(shape: tuple[int, ...], dtype, *old) -> Callable:
    """Return array(name, width, extra=0, gates=0), which gives an array (T + extra, ..., B, width) `through_time`, or
    with gates=G an array (T, G, ..., B, width) whose steps each lie in one piece.

    shape  (T, ..., B)
    old    objects whose arrays are no longer needed: the one called `name` is reused if it has that shape and dtype,
           for fresh memory costs as much as half a small step
    """
    T, *rest = shape

    def array(name: str, width: int, extra: int = 0, gates: int = 0) -> np.ndarray:
        wanted = (T, gates, *rest, width) if gates else (T + extra, *rest, width)
        reuse = next((getattr(owner, name) for owner in old if hasattr(owner, name)), None)
        if reuse is not None and reuse.shape == wanted and reuse.dtype == dtype:
            return reuse
        return np.empty(wanted, dtype) if gates else through_time(wanted, dtype)

    return array


def rows(array: np.ndarray) -> np.ndarray:
    """All steps and sequences as the rows of one matrix, for a single product: (T, ..., B, N) -> (..., T B, N)."""
    array = np.moveaxis(array, 0, -3)
    return array.reshape(*array.shape[:-3], -1, array.shape[-1])


def aligned(x: np.ndarray, ndim: int) -> np.ndarray:
    """A view of x with `ndim` axes: those it lacks come behind the first, with size 1, and broadcast over members.

    x        (T, ..., B, D)
    returns  (T, 1, ..., B, D)
    """
    return x.reshape(x.shape[0], *(1,) * (ndim - x.ndim), *x.shape[1:])


def by_gate(array: np.ndarray, count: int, ndim: int) -> np.ndarray:
    """Rows of gates, one below the other, as a stack with `ndim` axes: (..., count H, N) -> (count, ..., H, N)."""
    return aligned(np.moveaxis(array.reshape(*array.shape[:-2], count, -1, array.shape[-1]), -3, 0), ndim)
