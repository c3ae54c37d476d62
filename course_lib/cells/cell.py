"""What every cell has: a record of its functions, a check of its parameters' shapes, products over all steps."""

from __future__ import annotations

from typing import Callable, NamedTuple

import numpy as np

from .. import _checks
from .tree import aligned, by_gate, rows, sum_to


class Cell(NamedTuple):
    """The functions by which `bptt` and `jacobians` work a cell. `run` is what bptt.forward returns.

    name              as messages call it
    gates             how many times H rows W_xh has
    states            what a step hands to the next: ("h",) or ("h", "c")
    activation        the activation's name, None if the caller chooses it
    check             params -> params as arrays whose shapes fit together
    start             (params, x, h, new) -> cache: the named arrays beside h, with the inputs' part written in
    views             cache -> the arrays through time that `step` takes between the states before and the states now
    step              run -> step(*states_before, *views_t, *states_t), in place
    local             (run, new) -> the local factors of all steps in bulk; the first array holds dL/da after its step
    step_backward     (run, shape) -> step(*d_states_t, *local_t, *d_states_before), in place, for d_states of `shape`
    gather            (run, dh, local, new) -> dL/da and the gradients of the parameters
    jacobians         run -> (T, ..., B, N, N), N = H times the number of states
    pre_activations   run -> what the activations were given, (T, ..., B, gates H)
    """

    name: str
    gates: int
    states: tuple[str, ...]
    activation: str | None
    check: Callable
    start: Callable
    views: Callable
    step: Callable
    local: Callable
    step_backward: Callable
    gather: Callable
    jacobians: Callable
    pre_activations: Callable


# By how many times H rows W_hh has.
KINDS = {1: "an RNN's: pass cells.RNNParams", 3: "a GRU's: pass cells.GRUParams", 4: "an LSTM's: pass cells.LSTMParams"}


def check_shapes(params, kind: type, shapes: dict[str, tuple[str, ...]], means: str):
    """Return `params` as floating point arrays whose shapes fit together, or say which one does not.

    kind    the NamedTuple it has to be
    shapes  {field: axes}, for example {"W_hh": ("4H", "H"), ...}; the field that decides H first
    means   what the first field's shape means, for the message
    errors  TypeError for another kind or dtypes, ValueError for shapes and values that are not finite
    """
    if not isinstance(params, kind):
        raise TypeError(f"params is {type(params).__name__}, needs cells.{kind.__name__}({', '.join(kind._fields)}). "
                        f"A whole network is a NetworkParams: pass its part .rnn.")
    arrays = {name: _checks.floating(name, getattr(params, name), ndim=len(axes)) for name, axes in shapes.items()}
    first, H = next(iter(shapes)), None
    for name, axes in shapes.items():
        shape = arrays[name].shape
        if name == first:
            H = shape[-1] // _times(axes[-1])
        needs = tuple("D" if axis == "D" else _times(axis) * H for axis in axes)
        if all(need in ("D", size) for size, need in zip(shape[-len(axes):], needs)):
            continue
        if name == first:
            raise ValueError(f"{name} has shape {shape}, needs ({', '.join(('...', *axes))}): {means}"
                             f"{_kind_hint(shape, axes)}")
        turned = len(axes) == 2 and shape[-1] == needs[0]
        hint = f" It looks transposed: pass {name}.T." if turned else ""
        raise ValueError(f"{name} has shape {shape}, needs ({', '.join(map(str, ('...', *needs)))}) to go with {first} "
                         f"{arrays[first].shape}.{hint}")
    _checks.leading(**{name: arrays[name].shape[:-len(axes)] for name, axes in shapes.items()})
    return kind(**arrays)


def _times(axis: str) -> int:
    return int(axis[:-1] or 1)


def _kind_hint(shape: tuple[int, ...], axes: tuple[str, ...]) -> str:
    if len(axes) < 2:
        return ""
    high, wide = shape[-2:]
    if wide == _times(axes[0]) * high:
        return " It looks transposed: pass W_hh.T."
    other = KINDS.get(high // wide) if high % wide == 0 else None
    return f" {high} rows for {wide} columns are {other}." if other else ""


def rnn_inputs(params, x: np.ndarray, out: np.ndarray) -> np.ndarray:
    """Write what all steps take from their inputs, W_xh x_t + b_h, into out, and return it.

    x    (T, ..., B, D)
    out  (T, ..., B, N) for W_xh (..., N, D)
    """
    into = rows(out)
    np.matmul(rows(aligned(x, out.ndim)), params.W_xh.swapaxes(-1, -2), out=into)
    into += params.b_h[..., None, :]
    return out


def gate_inputs(params, x: np.ndarray, halves: np.ndarray, out: np.ndarray) -> np.ndarray:
    """Write what each gate takes from the inputs at all steps, halved where it is a sigmoid, into out, and return it.

    x       (T, ..., B, D)
    halves  (G, 1, ..., 1), 1/2 or 1 for each gate: s(a) = (1 + tanh(a/2)) / 2
    out     (T, G, ..., B, H)
    """
    ndim, gates = halves.ndim, len(halves)
    W, b = (by_gate(array, gates, ndim) * halves for array in (params.W_xh, params.b_h[..., None]))
    np.matmul(aligned(x, ndim)[:, None], W.swapaxes(-1, -2), out=out)
    out += b.swapaxes(-1, -2)
    return out


def shared_gradients(params, x: np.ndarray, da: np.ndarray) -> dict[str, np.ndarray]:
    """Gradients of W_xh and b_h, which every step and sequence shares: a sum over all of them, as one product."""
    da_rows = rows(da)
    along = da_rows.swapaxes(-1, -2)
    return {"W_xh": sum_to((rows(aligned(x, da.ndim)).swapaxes(-1, -2) @ da_rows).swapaxes(-1, -2), params.W_xh.shape),
            "b_h": sum_to(along @ np.ones(along.shape[-1], da.dtype), params.b_h.shape)}


def recurrent_gradient(W_hh: np.ndarray, h: np.ndarray, da: np.ndarray) -> np.ndarray:
    """Gradient of W_hh, summed over steps and sequences as one product. h (T + 1, ..., B, H), da (T, ..., B, N)."""
    return sum_to(rows(da).swapaxes(-1, -2) @ rows(h[:-1]), W_hh.shape)


def product(matrix: np.ndarray, shape: tuple[int, ...]) -> Callable:
    """np.dot or np.matmul for (shape) @ matrix: the same product; dot starts sooner."""
    return np.dot if matrix.ndim == len(shape) == 2 else np.matmul
