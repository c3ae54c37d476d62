"""Backpropagation through time, by hand: the forward pass keeps every state, the backward pass returns every dL/dh_t.

    a_t = W_xh x_t + W_hh h_{t-1} + b_h        h_t = f(a_t)                                   t = 1 ... T
    dL/dh_{t-1} = direct_{t-1} + W_hh^T (f'(a_t) * dL/dh_t)

and likewise for every other cell: the type of the parameters decides. Time is the first axis. `h` has T + 1 rows, row 0
the initial state, so that an index in the code is the index in the formula.
Source: Werbos 1990, "Backpropagation through time: what it does and how to do it".
"""

from __future__ import annotations

from typing import Callable, NamedTuple

import numpy as np

from . import _checks, activations, cells


class Run(NamedTuple):
    """A forward pass with all it computed.

    params      the parameters it used
    x           (T, ..., B, D)     inputs
    h           (T + 1, ..., B, H) h[0] is the initial state
    activation  the activation's name
    cache       what else the cell keeps, by name, and so does the run: run.c, run.i, run.f, run.g, run.o, run.tanh_c of
                an LSTM, run.r, run.z, run.n, run.m of a GRU; gates (T, ..., B, H), [t - 1] is step t
    """

    params: cells.CellParams
    x: np.ndarray
    h: np.ndarray
    activation: str
    cache: tuple = cells.RNNCache()

    @property
    def a(self) -> np.ndarray:
        """What the activations were given, (T, ..., B, H), or all gates side by side, (T, ..., B, 4H) for an LSTM:
        a[t - 1] is a_t = W_xh x_t + W_hh h_{t-1} + b_h."""
        return cells.cell_of(self.params).pre_activations(self)

    def __getattr__(self, name: str) -> np.ndarray:
        if name.startswith("_") or not hasattr(self.cache, name):
            has = ", ".join([*self._fields, "a", *_names(self.cache)])
            raise AttributeError(f"a run of {type(self.params).__name__} has no {name}. It has {has}.")
        return getattr(self.cache, name)

    def __dir__(self):
        return [*object.__dir__(self), *_names(self.cache)]

    def __repr__(self) -> str:
        cell = cells.cell_of(self.params)
        kind = cell.name if cell.activation else self.activation
        return f"Run({kind}: x {self.x.shape}, h {self.h.shape}, {self.h.dtype})"


def _names(cache) -> list[str]:
    """Fields and properties of a cell's cache."""
    return [*cache._fields, *(name for name, value in vars(type(cache)).items() if isinstance(value, property))]


class Back(NamedTuple):
    """A backward pass with all it computed.

    grads  like params
    dh     (T + 1, ..., B, H)  total dL/dh_t; dh[0] is the initial state's
    da     (T, ..., B, H)      dL/da_t; of all gates side by side, (T, ..., B, 4H) for an LSTM, 3H for a GRU
    run    the forward pass
    dc     (T + 1, ..., B, H)  total dL/dc_t, the way through h_t included; None for a cell without c
    local  what the steps back worked with; the next pass may use its arrays again
    """

    grads: cells.CellParams
    dh: np.ndarray
    da: np.ndarray
    run: Run
    dc: np.ndarray | None = None
    local: tuple = ()

    @property
    def dx(self) -> np.ndarray:
        """dL/dx_t = W_xh^T dL/da_t, shaped like x; computed when asked for, because training does not need it."""
        dx = self.da @ self.run.params.W_xh
        return cells.sum_to(dx, cells.aligned(self.run.x, dx.ndim).shape).reshape(self.run.x.shape)

    def __repr__(self) -> str:
        dc = "" if self.dc is None else f", dc {self.dc.shape}"
        return f"Back(grads {'/'.join(self.grads._fields)}, dh {self.dh.shape}{dc}, {self.dh.dtype})"


class Evaluation(NamedTuple):
    """The loss of a network on a batch, its gradients and everything in between.

    loss      (...)             per member of an ensemble: the sum of the losses over time
    grads     like the network
    per_step  (T, ...) or (1, ...)           the loss of each step that has one
    y         (T, ..., B, K) or (..., B, K)  the readout
    run, back                                the forward and the backward pass
    """

    loss: np.ndarray
    grads: cells.NetworkParams
    per_step: np.ndarray
    y: np.ndarray
    run: Run
    back: Back


def forward(params: cells.CellParams, x: np.ndarray, state0: np.ndarray | tuple | None = None,
            activation: str = "tanh") -> Run:
    """Run a recurrent network over a sequence; for an RNN a_t = W_xh x_t + W_hh h_{t-1} + b_h, h_t = f(a_t).

    params      of any cell: RNNParams, LSTMParams, GRUParams, ...; they say which cell it is
    x           (T, ..., B, D), T >= 1; leading axes of x and params broadcast
    state0      (..., B, H), for an LSTM the pair (h0, c0) of them; zeros if None
    activation  "tanh", "relu", "sigmoid" or "linear" for an RNN; every other cell has its own
    returns     Run; run.h (T + 1, ..., B, H), in the precision of the parameters; run.c likewise for an LSTM
    errors      ValueError for shapes and values that are not finite, TypeError for dtypes and kinds
    """
    return _forward(params, x, state0, activation, None)


def _forward(params, x, state0, activation: str, reuse: Evaluation | None) -> Run:
    cell = cells.cell_of(params)
    params, activation = cell.check(params), _activation(cell, activation)
    x = _check_input(params, x)
    (T, *_, B, D), H = x.shape, params.W_xh.shape[-2] // cell.gates
    starts = _check_state(cell, state0, x, H)
    lead = _checks.leading(
        x=x.shape[1:-2],
        **{name: array.shape[:-2 if name[0] == "W" else -1] for name, array in params._asdict().items()},
        **{name: start.shape[:-2] for name, start in starts.items()})
    # The parameters decide the precision, so that float64 data does not turn a float32 network into another one.
    dtype = np.result_type(*params, np.float32)
    if any(np.iscomplexobj(array) for array in (x, *starts.values())):
        dtype = np.result_type(dtype, np.complex64)
    x = x.astype(dtype, copy=False)

    new = cells.allocator((T, *lead, B), dtype, *([reuse.run] if reuse else []))
    h = new("h", H, extra=1)
    run = Run(params, x, h, activation, cell.start(params, x, h, new))
    for name in cell.states:
        getattr(run, name)[0] = starts.get(f"{name}0", 0)
    # Views, made once: indexing inside the loop costs as much as the step.
    states, step = [list(getattr(run, name)) for name in cell.states], cell.step(run)
    for views in zip(*(s[:-1] for s in states), *map(list, cell.views(run.cache)), *(s[1:] for s in states)):
        step(*views)
    return run


def backward(run: Run, dh_direct: np.ndarray, dc_direct: np.ndarray | None = None, window: int | None = None) -> Back:
    """Carry a loss back through every step; for an RNN dL/dh_{t-1} = direct_{t-1} + W_hh^T (f'(a_t) * dL/dh_t).

    run        what `forward` returned
    dh_direct  (T + 1, ..., B, H), shaped like run.h: what the loss reads from each h_t, zeros where it reads nothing
    dc_direct  the same for each c_t of an LSTM; None if the loss reads none
    window     None, or the number of steps k >= 1 that each loss may look back: a loss that reads h_s then reaches
               the steps s - k + 1 ... s and nothing before (truncated BPTT(k) of Williams and Peng 1990). A window
               beyond the sequence is the full gradient.
    returns    Back; back.dh like run.h, back.dc like run.c, back.grads like run.params, back.dx like run.x
    errors     ValueError for shapes, values that are not finite, or a window below 1; TypeError for dtypes
    """
    direct = _check_direct(run, dh_direct, dc_direct)
    totals = {name: np.empty_like(run.h) for name in cells.cell_of(run.params).states}
    for name, total in totals.items():
        total[...] = direct.get(name, 0)
    return _backward(run, totals, window, None)


def _backward(run: Run, totals: dict[str, np.ndarray], window: int | None, reuse: Evaluation | None) -> Back:
    """`totals` hold what the loss reads from each state on entry; the steps add what comes back to it."""
    cell = cells.cell_of(run.params)
    new = cells.allocator(run.h[1:].shape[:-1], run.h.dtype, *([reuse.back, reuse.back.local] if reuse else []))
    local = cell.local(run, new)
    if window is None or _checks.count("window", window) > len(run.x):
        step = cell.step_backward(run, run.h.shape[1:])
        back = [list(total)[::-1] for total in totals.values()]
        for views in zip(*(d[:-1] for d in back), *(list(array)[::-1] for array in local), *(d[1:] for d in back)):
            step(*views)
    else:
        _truncated(run, cell, local, list(totals.values()), window)
    da, grads = cell.gather(run, totals["h"], local, new)
    return Back(grads, totals["h"], da, run, totals.get("c"), local)


def _truncated(run: Run, cell: cells.Cell, local: tuple, totals: list[np.ndarray], window: int) -> None:
    """Fill totals and local where each loss looks back `window` steps: losses travel apart until they are dropped."""
    da, *factors = local
    shape, nowhere = run.h.shape[1:], [np.empty_like(total[0]) for total in totals]
    together = cell.step_backward(run, shape)
    travelling = [np.empty((0, *shape), run.h.dtype) for _ in totals]  # one row for each loss on its way back
    read_at: list[int] = []  # the step that each row's loss reads, latest first
    for t in range(len(run.x), -1, -1):
        if any(total[t].any() for total in totals):
            travelling = [np.concatenate([rows, total[t][None]]) for rows, total in zip(travelling, totals)]
            read_at.append(t)
        too_old = sum(s - t >= window for s in read_at)
        travelling, read_at = [rows[too_old:] for rows in travelling], read_at[too_old:]
        for total, rows in zip(totals, travelling):
            total[t] = rows.sum(0)
        if t > 0:
            slopes = np.repeat(da[t - 1][None], len(read_at), axis=0)
            factors_t = [array[t - 1] for array in factors]
            before = [np.zeros_like(rows) for rows in travelling]
            cell.step_backward(run, slopes.shape[:-1] + shape[-1:])(*travelling, slopes, *factors_t, *before)
            together(*(total[t] for total in totals), da[t - 1], *factors_t, *nowhere)
            travelling = before


def at_end(run: Run, dh_T: np.ndarray | float = 1.0) -> np.ndarray:
    """Return the dh_direct of a loss that reads the last state alone: zeros, and dh_T in the last row.

    dh_T     dL/dh_T, anything that broadcasts to (..., B, H); 1 for L = sum of h_T
    returns  (T + 1, ..., B, H), shaped like run.h
    errors   TypeError if run is no run, ValueError if dh_T does not fit
    """
    h = getattr(run, "h", None)
    if h is None:
        raise TypeError(f"run is {type(run).__name__}, needs what bptt.forward returned.")
    dh_T = _checks.array("dh_T", dh_T)
    direct = np.zeros_like(h, np.result_type(h.dtype, dh_T.dtype) if np.iscomplexobj(dh_T) else h.dtype)
    try:
        direct[-1] = dh_T
    except ValueError:
        raise ValueError(f"dh_T has shape {dh_T.shape}, needs to fit {h.shape[1:]}, the shape of the last state.") from None
    return direct


def loss_and_grads(network: cells.NetworkParams, x: np.ndarray, target: np.ndarray,
                   loss: Callable, at: str = "last", activation: str = "tanh", *,
                   window: int | None = None, reuse: Evaluation | None = None) -> Evaluation:
    """Return the loss of a network on a batch and its gradients: L = sum over the steps t that have a loss of L_t.

    network     NetworkParams, its cell of any kind
    x           (T, ..., B, D)
    target      what `loss` compares y with; with at="every" its first axis is time. The members' axis, behind time, may
                be absent: then all members share the target
    loss        losses.cross_entropy, losses.mean_squared_error, or (y, target) -> (loss, dy)
    at          "last": one loss, on h_T; "every": a loss at every step t = 1 ... T
    activation, window  as in `forward` and `backward`
    reuse       an earlier Evaluation that is no longer needed: its arrays are overwritten, which saves allocating them
    returns     Evaluation
    errors      as `forward`, `backward` and `loss`
    """
    if not isinstance(network, cells.NetworkParams):
        raise TypeError(f"network is {type(network).__name__}, needs cells.NetworkParams(rnn, readout).")
    _checks.choice("at", at, ("last", "every"))
    run = _forward(network.rnn, x, None, activation, reuse)
    read = -1 if at == "last" else slice(1, None)
    y = cells.readout(network.readout, run.h[read])
    try:
        losses, dy = loss(y, _for_members(target, y) if at == "every" else target)
    except ValueError as problem:
        T, B, shape = run.x.shape[0], run.x.shape[-2], np.shape(target)
        swapped = shape[:1] == (T,) != (B,) if at == "last" else shape[:2] == (B, T) != (T, B)
        raise ValueError(f"{problem} Here x has shape {run.x.shape}, read as T = {T} steps of {B} sequences, with "
                         f"at={at!r}.{' ' + _checks.BATCH_FIRST if swapped else ''}") from None
    losses = np.asarray(losses)
    totals = {name: cells.through_time(run.h.shape, run.h.dtype, getattr(reuse.back, f"d{name}") if reuse else None)
              for name in cells.cell_of(run.params).states}
    for total in totals.values():
        total[...] = 0
    totals["h"][read], readout_grads = cells.readout_backward(network.readout, run.h[read], dy)
    back = _backward(run, totals, window, reuse)  # unchecked: what is not finite here is for the caller to see
    per_step = losses[None] if at == "last" else losses
    return Evaluation(per_step.sum(0), cells.NetworkParams(back.grads, readout_grads), per_step, y, run, back)


def _for_members(target, y: np.ndarray) -> np.ndarray:
    """A target without the members' axes, (T, B) or (T, B, K), gets them behind time; others stay as they are."""
    target, (T, *lead, B, _) = np.asarray(target), y.shape
    for entries in ((0, 1) if target.dtype.kind in "iub" else (1, 0)):  # axes that belong to one sequence's target
        own = target.ndim - 2 - entries
        if 0 <= own < len(lead) and target.shape[0] == T and target.shape[1 + own] == B:
            return target.reshape(T, *(1,) * (len(lead) - own), *target.shape[1:])
    return target


def _activation(cell: cells.Cell, name: str) -> str:
    activations.get(name)
    if cell.activation is None:
        return name
    if name not in ("tanh", cell.activation):
        raise ValueError(f"activation is {name!r}, but the activations of {cell.name} belong to the cell: leave it "
                         f"out. A choice of activation needs cells.RNNParams.")
    return cell.activation


def _check_input(params: cells.CellParams, x) -> np.ndarray:
    D = params.W_xh.shape[-1]
    x = _checks.array("x", x)
    if x.ndim < 3:
        fix = "For one sequence pass x[:, None, :]." if x.ndim == 2 else "Needed are the axes time, batch, input."
        raise ValueError(f"x has shape {x.shape}, needs (T, ..., B, {D}): an axis is missing. {fix}")
    if x.shape[-1] != D:
        fix = (_checks.BATCH_FIRST if x.ndim == 3 else "") if D not in x.shape else (
            f"The size {D} stands at axis {x.shape.index(D)}: move it with np.moveaxis(x, {x.shape.index(D)}, -1).")
        raise ValueError(f"x has shape {x.shape} but params take (T, ..., B, {D}), "
                         f"from W_xh {params.W_xh.shape}. {fix}")
    return x


def _check_state(cell: cells.Cell, state0, x: np.ndarray, H: int) -> dict[str, np.ndarray]:
    """The initial states by name, "h0" and "c0"; for a cell with one state its name is "state0" to the caller."""
    if state0 is None:
        return {}
    pair = isinstance(state0, tuple) and len(state0) == 2 and any(np.ndim(part) > 1 for part in state0)
    if len(cell.states) == 1:
        if pair:
            raise TypeError(f"state0 is a pair, but {cell.name} has one state, h, and no c. Pass state0[0].")
        return {"h0": _check_one_state("state0", state0, x, H)}
    if not isinstance(state0, (tuple, list)) or len(state0) != 2 or any(part is None for part in state0):
        raise TypeError(f"state0 is {_described(state0)}, but {cell.name} starts from two states: pass the pair "
                        f"(h0, c0), each ({x.shape[-2]}, {H}). For a cell state of zeros: c0 = np.zeros_like(h0).")
    return {name: _check_one_state(name, part, x, H) for name, part in zip(("h0", "c0"), state0)}


def _described(state0) -> str:
    if isinstance(state0, (tuple, list)):
        return f"{type(state0).__name__} of {', '.join(_described(part) for part in state0)}"
    return "None" if state0 is None else f"one array of shape {np.shape(state0)}"


def _check_one_state(name: str, state, x: np.ndarray, H: int) -> np.ndarray:
    state = _checks.array(name, state)
    if state.ndim < 2 or state.shape[-2:] != (x.shape[-2], H):
        fix = _checks.BATCH_FIRST if x.ndim == 3 and state.ndim >= 2 and state.shape[-2] == x.shape[0] else (
            f"One state for all sequences is np.broadcast_to(state, ({x.shape[-2]}, {H})).")
        raise ValueError(f"{name} has shape {state.shape}, needs (..., {x.shape[-2]}, {H}): a state for each of the "
                         f"{x.shape[-2]} sequences of x {x.shape}. {fix}")
    return state


def _check_direct(run: Run, dh_direct, dc_direct) -> dict[str, np.ndarray]:
    """What the loss reads, by the name of the state."""
    if not isinstance(run, Run):
        raise TypeError(f"run is {type(run).__name__}, needs what bptt.forward returned.")
    direct = {"h": dh_direct} if dc_direct is None else {"h": dh_direct, "c": dc_direct}
    if isinstance(dc_direct, (int, np.integer)):
        raise TypeError(f"dc_direct is {dc_direct}, a whole number. If it is the window, pass it by name: "
                        f"window={dc_direct}.")
    cell = cells.cell_of(run.params)
    if not direct.keys() <= set(cell.states):
        raise TypeError(f"dc_direct was given, but {cell.name} has no cell state c: leave it out.")
    for state, array in direct.items():
        name = f"d{state}_direct"
        direct[state] = array = _checks.array(name, array)
        if array.shape != run.h.shape:
            fix = ("Row 0 belongs to the initial state: put a row of zeros in front."
                   if array.shape == run.h[1:].shape else f"np.zeros_like(run.{state}) has it.")
            raise ValueError(f"{name} has shape {array.shape}, needs {run.h.shape}, the shape of run.{state}. {fix}")
        if np.iscomplexobj(array) and not np.iscomplexobj(run.h):
            raise TypeError(f"{name} is complex but the run is real: a loss is a real number.")
    return direct
