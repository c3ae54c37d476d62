"""What is refused because it does not fit: a cell's parameters with each other, inputs, states and losses with them.

What was given comes back as arrays. All raise ValueError for shapes and for values that are not finite, and TypeError
for kinds and dtypes.
"""

import numpy as np

from .. import _checks, activations

# By how many times H rows W_hh has.
OWNERS = {1: "an RNN's: pass cells.RNNParams", 3: "a GRU's: pass cells.GRUParams",
          4: "an LSTM's: pass cells.LSTMParams"}


def parameters(params, kind: type, shapes: dict[str, tuple[str, ...]], means: str):
    """Return `params` as floating point arrays whose shapes fit together, or say which one does not.

    kind    the NamedTuple it has to be
    shapes  {field: axes}, for example {"W_hh": ("4H", "H"), ...}; the field that decides H first
    means   what the first field's shape means, for the message
    """
    if not isinstance(params, kind):
        raise TypeError(f"params is {type(params).__name__}, needs cells.{kind.__name__}({', '.join(kind._fields)}). "
                        f"A whole network is a NetworkParams: pass its part .rnn.")
    arrays = {name: _checks.floating(name, getattr(params, name), ndim=len(axes)) for name, axes in shapes.items()}
    first = next(iter(shapes))
    H = arrays[first].shape[-1] // _times(shapes[first][-1])
    for name, axes in shapes.items():
        shape = arrays[name].shape
        needs = tuple("D" if axis == "D" else _times(axis) * H for axis in axes)
        if all(need in ("D", size) for size, need in zip(shape[-len(axes):], needs)):
            continue
        if name == first:
            raise ValueError(f"{name} has shape {shape}, needs ({', '.join(('...', *axes))}): {means}"
                             f"{_whose(shape, axes)}")
        turned = len(axes) == 2 and shape[-1] == needs[0]
        hint = f" It looks transposed: pass {name}.T." if turned else ""
        raise ValueError(f"{name} has shape {shape}, needs ({', '.join(map(str, ('...', *needs)))}) to go with {first} "
                         f"{arrays[first].shape}.{hint}")
    _checks.leading(**{name: arrays[name].shape[:-len(axes)] for name, axes in shapes.items()})
    return kind(**arrays)


def _times(axis: str) -> int:
    return int(axis[:-1] or 1)


def _whose(shape: tuple[int, ...], axes: tuple[str, ...]) -> str:
    if len(axes) < 2:
        return ""
    high, wide = shape[-2:]
    if wide == _times(axes[0]) * high:
        return " It looks transposed: pass W_hh.T."
    other = OWNERS.get(high // wide) if high % wide == 0 else None
    return f" {high} rows for {wide} columns are {other}." if other else ""


def activation(cell, name: str) -> str:
    """Return the name of the activation that `cell` uses if the caller asks for `name`."""
    activations.get(name)
    if cell.activation is None:
        return name
    if name not in ("tanh", cell.activation):
        raise ValueError(f"activation is {name!r}, but the activations of {cell.name} belong to the cell: leave it "
                         f"out. A choice of activation needs cells.RNNParams.")
    return cell.activation


def inputs(params, x) -> np.ndarray:
    """x (T, ..., B, D), with the D of params.W_xh (..., N, D)."""
    D = params.W_xh.shape[-1]
    x = _checks.array("x", x)
    if x.ndim < 3:
        fix = "For one sequence pass x[:, None, :]." if x.ndim == 2 else "Needed are the axes time, batch, input."
        raise ValueError(f"x has shape {x.shape}, needs (T, ..., B, {D}): an axis is missing. {fix}")
    if x.shape[-1] != D:
        fix = (_checks.BATCH_FIRST if x.ndim == 3 else "") if D not in x.shape else (
            f"The size {D} is at axis {x.shape.index(D)}: move it with np.moveaxis(x, {x.shape.index(D)}, -1).")
        raise ValueError(f"x has shape {x.shape} but params take (T, ..., B, {D}), "
                         f"from W_xh {params.W_xh.shape}. {fix}")
    return x


def initial_states(cell, state0, x: np.ndarray, H: int) -> dict[str, np.ndarray]:
    """The initial states by name, "h0" and "c0", each (..., B, H); to a caller whose cell has one it is "state0"."""
    if state0 is None:
        return {}
    pair = isinstance(state0, tuple) and len(state0) == 2 and any(np.ndim(part) > 1 for part in state0)
    if len(cell.states) == 1:
        if pair:
            raise TypeError(f"state0 is a pair, but {cell.name} has one state, h, and no c. Pass state0[0].")
        return {"h0": _one_state("state0", state0, x, H)}
    if not isinstance(state0, (tuple, list)) or len(state0) != 2 or any(part is None for part in state0):
        raise TypeError(f"state0 is {_described(state0)}, but {cell.name} starts from two states: pass the pair "
                        f"(h0, c0), each ({x.shape[-2]}, {H}). For a cell state of zeros: c0 = np.zeros_like(h0).")
    return {name: _one_state(name, part, x, H) for name, part in zip(("h0", "c0"), state0)}


def _described(state0) -> str:
    if isinstance(state0, (tuple, list)):
        return f"{type(state0).__name__} of {', '.join(_described(part) for part in state0)}"
    return "None" if state0 is None else f"one array of shape {np.shape(state0)}"


def _one_state(name: str, state, x: np.ndarray, H: int) -> np.ndarray:
    state = _checks.array(name, state)
    if state.ndim < 2 or state.shape[-2:] != (x.shape[-2], H):
        fix = _checks.BATCH_FIRST if x.ndim == 3 and state.ndim >= 2 and state.shape[-2] == x.shape[0] else (
            f"One state for all sequences is np.broadcast_to(state, ({x.shape[-2]}, {H})).")
        raise ValueError(f"{name} has shape {state.shape}, needs (..., {x.shape[-2]}, {H}): a state for each of the "
                         f"{x.shape[-2]} sequences of x {x.shape}. {fix}")
    return state


def direct(cell, h: np.ndarray, dh_direct, dc_direct) -> None:
    """What the loss reads from each state is shaped like h (T + 1, ..., B, H); dc_direct None if it reads no c."""
    if isinstance(dc_direct, (int, np.integer)):
        raise TypeError(f"dc_direct is {dc_direct}, a whole number. If it is the window, pass it by name: "
                        f"window={dc_direct}.")
    if dc_direct is not None and "c" not in cell.states:
        raise TypeError(f"dc_direct was given, but {cell.name} has no cell state c: leave it out.")
    for state, given in (("h", dh_direct), ("c", dc_direct))[:1 if dc_direct is None else 2]:
        name, array = f"d{state}_direct", _checks.array(f"d{state}_direct", given)
        if array.shape != h.shape:
            fix = ("Row 0 belongs to the initial state: put a row of zeros in front."
                   if array.shape == h[1:].shape else f"np.zeros_like(run.{state}) has it.")
            raise ValueError(f"{name} has shape {array.shape}, needs {h.shape}, the shape of run.{state}. {fix}")
        if np.iscomplexobj(array) and not np.iscomplexobj(h):
            raise TypeError(f"{name} is complex but the run is real: a loss is a real number.")
