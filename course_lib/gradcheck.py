"""Checking gradients: the complex step, relative errors step by step, and a table that says exact or by how much not.

Central differences cannot see a vanished gradient: they subtract two equal losses. The complex step subtracts nothing,

    dL/dp = Im L(p + i eps) / eps + O(eps^2),

so eps can be 1e-100 and the result is exact to rounding, however small the gradient. The loss has to be made of
functions that accept complex numbers and treat them as such: no abs, no max, no comparison of p itself.
Source: Squire and Trapp 1998, "Using complex variables to estimate derivatives of real functions".
"""

from typing import Callable, NamedTuple

import numpy as np

from . import _checks, bptt, cells
from .cells import leaves, tree_map

EPS = 1e-100  # its square is far below rounding for gradients between 1e-200 and 1e90


def complex_step(loss: Callable, params):
    """Return dL/dparams by the complex step: exact to rounding, one forward pass for each number in params.

    loss     params -> a number, built from functions that accept complex numbers (all of course_lib's core does)
    params   an array, or a (nested) NamedTuple of arrays such as RNNParams
    returns  the gradient, like params, float64
    errors   TypeError if the loss is not a single number or threw the imaginary part away, or if params are complex
    """
    for name, leaf in leaves(params):
        if np.iscomplexobj(_checks.array(name, leaf)):
            raise TypeError(f"{name} is complex already: the step needs the imaginary axis for itself. "
                            f"Pass real numbers.")
    moved = tree_map(lambda leaf: np.array(leaf, dtype=complex), params)
    gradient = tree_map(lambda leaf: np.empty(np.shape(leaf)), params)
    for (_, array), (_, slope) in zip(leaves(moved), leaves(gradient)):
        for index in np.ndindex(array.shape):
            before = array[index]
            array[index] = before + 1j * EPS
            slope[index] = _imaginary(loss(tree_map(np.copy, moved))) / EPS  # a copy: the loss may write into it
            array[index] = before
    return gradient


def complex_step_states(loss: Callable, run: bptt.Run, of: str = "h") -> np.ndarray:
    """Return every total dL/dh_t by the complex step: h_t is moved, and all that comes after it is computed anew.

    loss     h (T + 1, ..., B, H) -> a number; for example lambda h: h[-1].sum(). For an LSTM (h, c) -> a number
    run      what bptt.forward returned
    of       the state that is moved: "h", or "c" of an LSTM, with h_t = o_t tanh(c_t) moved along by it
    returns  (T + 1, ..., B, H), float64: what bptt.backward has to return as dh, or as dc
    errors   ValueError for a state that the cell lacks; TypeError as complex_step
    """
    states = cells.cell_of(run.params).states
    moved = states.index(_checks.choice("of", of, states))
    gradient = np.empty(run.h.shape)
    for t in range(len(run.h)):
        for index in np.ndindex(run.h.shape[1:]):
            now = [getattr(run, name)[t].astype(complex) for name in states]
            now[moved][index] += 1j * EPS
            if of == "c" and t > 0:
                now[0][index] = run.o[t - 1][index] * np.tanh(now[1][index])
            tails = [state[None] for state in now]
            if t < len(run.x):
                rest = bptt.forward(run.params, run.x[t:], now[0] if len(now) == 1 else tuple(now), run.activation)
                tails = [getattr(rest, name) for name in states]
            whole = (np.concatenate([getattr(run, name)[:t], tail]) for name, tail in zip(states, tails))
            gradient[t][index] = _imaginary(loss(*whole)) / EPS
    return gradient


def _imaginary(value) -> float:
    value = np.asarray(value)
    if value.size != 1:
        raise TypeError(f"the loss has shape {value.shape}, needs to be one number. Sum it or take one member.")
    if not np.iscomplexobj(value):
        raise TypeError("the loss came back real: something in it threw the imaginary part away (float(), .real, abs, "
                        "a comparison, an array made with dtype=float). Build it from functions that keep complex "
                        "numbers.")
    return float(value.reshape(()).imag)


def relative_error(mine, theirs, axis: int | None = 0) -> np.ndarray:
    """Largest difference divided by the largest entry of `theirs`, for each index along `axis` (each time step).

    Where `theirs` is all zero the error is 0 if `mine` is too, else infinite: there is no absolute tolerance that a
    vanished gradient could hide behind. axis=None treats the array as one.

    mine, theirs  arrays of one shape
    returns       (size of axis,), or () for axis=None
    errors        ValueError for shapes that differ or an entry that is not finite
    """
    mine, theirs = _checks.array("mine", mine), _checks.array("theirs", theirs)
    if mine.shape != theirs.shape:
        raise ValueError(f"mine has shape {mine.shape}, theirs {theirs.shape}: compared entry by entry, they must "
                         f"agree.")
    if axis is not None and mine.ndim and not -mine.ndim <= axis < mine.ndim:
        raise ValueError(f"axis is {axis}, but the arrays have {mine.ndim} axes.")
    rest = None if axis is None or mine.ndim == 0 else tuple(i for i in range(mine.ndim) if i != axis % mine.ndim)
    difference = np.abs(np.asarray(mine, np.result_type(mine, np.float64)) - theirs).max(rest)
    scale = np.abs(theirs).max(rest).astype(float)
    return np.where(difference == 0, 0.0, np.divide(difference, scale, out=np.full_like(difference, np.inf),
                                                    where=scale > 0))


class Compared(NamedTuple):
    """One array compared: `error` relative to the largest entry, `worst` the index along the first axis."""

    name: str
    error: float
    worst: int
    verdict: str


class Table(tuple):
    """Rows of a comparison; prints as a table."""

    @property
    def passed(self) -> bool:
        """Whether every row agrees."""
        return all(row.verdict != "WRONG" for row in self)

    def __repr__(self) -> str:
        width = max(len(row.name) for row in self)
        return "\n".join(f"{row.name:<{width}}  {row.verdict}" + f"  relative difference {row.error:.1e}, worst at "
                         f"index {row.worst}" * (row.verdict == "WRONG") for row in self)


def table(mine, theirs, tolerance: float = 1e-9) -> Table:
    """Compare gradients leaf by leaf: a row says "equal", "agrees to 1e-09" or "WRONG" with the relative difference.

    mine, theirs  arrays, NamedTuples of arrays, or dicts {name: array} of one form
    tolerance     relative, for each index of the first axis: rows of a weight, or time steps
    returns       Table; prints itself; .passed
    errors        ValueError for names or shapes that differ, entries that are not finite, tolerance <= 0
    """
    mine, theirs = (arrays if isinstance(arrays, dict) else dict(leaves(arrays)) for arrays in (mine, theirs))
    if mine.keys() != theirs.keys():
        raise ValueError(f"mine has {list(mine)}, theirs {list(theirs)}: they must be of one form, and the names must "
                         f"be the same.")
    tolerance = _checks.positive("tolerance", tolerance)
    rows = []
    for name in mine:
        try:
            errors = np.atleast_1d(relative_error(mine[name], theirs[name]))
        except ValueError as problem:
            raise ValueError(f"{name}: {problem}") from None
        worst, error = int(errors.argmax()), float(errors.max())
        verdict = "equal" if error == 0 else f"agrees to {tolerance:.0e}" if error <= tolerance else "WRONG"
        rows.append(Compared(name, error, worst, verdict))
    return Table(rows)
