"""Backpropagation through time, by hand: the forward pass keeps every state, the backward pass returns every dL/dh_t.

    a_t = W_xh x_t + W_hh h_{t-1} + b_h        h_t = f(a_t)                                   t = 1 ... T
    dL/dh_{t-1} = direct_{t-1} + W_hh^T (f'(a_t) * dL/dh_t)

and likewise for every other cell: the type of the parameters decides. The loops over time are here; a step and its step
back are side by side in the cell's own file, for the equations above in cells/rnn.py. Time is the first axis. `h` has
T + 1 rows, row 0 the initial state, so that an index in the code is the index in the formula.
Source: Werbos 1990, "Backpropagation through time: what it does and how to do it".
"""

from typing import Callable, NamedTuple

import numpy as np

from . import _checks, cells
from .cells import fitting


class Run(NamedTuple):
    """A forward pass with all it computed.

    params      the parameters it used
    x           (T, ..., B, D)     inputs
    h           (T + 1, ..., B, H) h[0] is the initial state
    activation  the activation's name
    cache       what else the cell keeps, which the run gives by name: run.c, run.i, run.f, run.g, run.o, run.tanh_c of
                an LSTM, run.r, run.z, run.n, run.m of a GRU; gates (T, ..., B, H), [t - 1] is step t
    """

    params: cells.CellParams
    x: np.ndarray
    h: np.ndarray
    activation: str
    cache: tuple

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
    local  what the steps back worked with; `reuse` takes its arrays for the next pass
    """

    grads: cells.CellParams
    dh: np.ndarray
    da: np.ndarray
    run: Run
    dc: np.ndarray | None = None
    local: tuple = ()

    @property
    def dx(self) -> np.ndarray:
        """dL/dx_t = W_xh^T dL/da_t, (T, ..., B, D) like x; computed when asked for, because training does not need it."""
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


@np.errstate(under="ignore")  # what underflows in passing is 0
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
    return _through_steps(_begin(params, x, state0, activation, None))


def _through_steps(run: Run) -> Run:
    """Fill in every state: h_{t-1} and what the inputs give to step t make h_t, by the cell's `step`."""
    cell = cells.cell_of(run.params)
    step = cell.step(run)
    # Views, made once: indexing inside the loop costs as much as the step.
    states, between = [list(getattr(run, name)) for name in cell.states], map(list, cell.per_step(run))
    before, now = (s[:-1] for s in states), (s[1:] for s in states)
    for views in zip(*before, *between, *now):  # for an RNN (h_{t-1}, h_t)
        step(*views)
    return run


def _begin(params, x, state0, activation: str, reuse: Evaluation | None) -> Run:
    """The run before its first step: all input checked, row 0 the initial state, the inputs' part in the other rows."""
    cell = cells.cell_of(params)
    params, activation = cell.check(params), fitting.activation(cell, activation)
    x = fitting.inputs(params, x)
    (T, *_, B, _), H = x.shape, params.W_xh.shape[-2] // cell.gates
    starts = fitting.initial_states(cell, state0, x, H)
    lead = _checks.leading(
        x=x.shape[1:-2], **{name: array.shape[:-len(cell.shapes[name])] for name, array in params._asdict().items()},
        **{name: start.shape[:-2] for name, start in starts.items()})
    # The parameters decide the precision, so that float64 data does not turn a float32 network into another one.
    dtype = np.result_type(*params, np.float32)
    if any(np.iscomplexobj(array) for array in (x, *starts.values())):
        dtype = np.result_type(dtype, np.complex64)
    x = x.astype(dtype, copy=False)

    array = cells.allocator((T, *lead, B), dtype, *([reuse.run] if reuse else []))
    h = array("h", H, extra=1)
    run = Run(params, x, h, activation, cell.begin(params, x, h, array))
    for name in cell.states:
        getattr(run, name)[0] = starts.get(f"{name}0", 0)
    return run


@np.errstate(under="ignore")
def backward(run: Run, dh_direct: np.ndarray, dc_direct: np.ndarray | None = None, window: int | None = None) -> Back:
    """Carry a loss back through every step; for an RNN dL/dh_{t-1} = direct_{t-1} + W_hh^T (f'(a_t) * dL/dh_t).

    That step back is written in `RNN.step_back`, cells/rnn.py, and each other cell's in its own file; the loop is in
    `_back_through_steps`, and notebook 03 has both in a few plain lines, `backward_states`.

    run        what `forward` returned
    dh_direct  (T + 1, ..., B, H), shaped like run.h: what the loss reads from each h_t, zeros where it reads nothing
    dc_direct  the same for each c_t of an LSTM; None if the loss reads none
    window     None, or the number of steps k >= 1 that each loss may look back: a loss that reads h_s then reaches
               the steps s - k + 1 ... s and nothing before (truncated BPTT(k) of Williams and Peng 1990). A window
               beyond the sequence is the full gradient.
    returns    Back; back.dh like run.h, back.dc like run.c, back.grads like run.params, back.dx like run.x
    errors     ValueError for shapes, values that are not finite, or a window below 1; TypeError for dtypes and kinds
    """
    if not isinstance(run, Run):
        raise TypeError(f"run is {type(run).__name__}, needs what bptt.forward returned.")
    cell = cells.cell_of(run.params)
    fitting.direct(cell, run.h, dh_direct, dc_direct)
    totals = [np.full_like(run.h, 0 if direct is None else direct)
              for _, direct in zip(cell.states, (dh_direct, dc_direct))]
    return _back_through_steps(run, totals, window)


def _back_through_steps(run: Run, totals: list[np.ndarray], window: int | None,
                        reuse: Evaluation | None = None) -> Back:
    """From t = T on, the cell's `step_back` adds what comes back to what the loss reads: dh, and dc, hold that first."""
    cell = cells.cell_of(run.params)
    array = cells.allocator(run.h[1:].shape[:-1], run.h.dtype, *([reuse.back, reuse.back.local] if reuse else []))
    local = cell.local_derivatives(run, array)
    T = len(run.x)
    reach = T + 1 if window is None else min(_checks.count("window", window), T + 1)
    if reach > T or not any(total[:T].any() for total in totals):
        step_back = cell.step_back(run, run.h.shape[1:])
        d_states, between = [list(total)[::-1] for total in totals], (list(factor)[::-1][:reach] for factor in local)
        now, before = (d[:-1] for d in d_states), (d[1:] for d in d_states)
        for views in zip(*now, *between, *before):  # for an RNN (dh_t, da_t, dh_{t-1})
            step_back(*views)
        if reach <= T:  # one loss, on h_T: what it may not reach gets nothing
            local[0][:T - reach] = 0
            for total in totals:
                total[:T - reach + 1] = 0
    else:
        _truncated(run, cell, local, totals, reach)
    dh, *dc = totals
    da, grads = cell.gradients(run, dh, local, array)
    return Back(grads, dh, da, run, dc[0] if dc else None, local)


def _truncated(run: Run, cell: cells.Cell, local: tuple, totals: list[np.ndarray], window: int) -> None:
    """Fill totals and local where each loss looks back `window` steps: losses travel apart until they are dropped."""
    da, *factors = local
    shape, nowhere = run.h.shape[1:], [np.empty_like(total[0]) for total in totals]
    together = cell.step_back(run, shape)
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
            cell.step_back(run, slopes.shape[:-1] + shape[-1:])(*travelling, slopes, *factors_t, *before)
            together(*(total[t] for total in totals), da[t - 1], *factors_t, *nowhere)
            travelling = before


def at_end(run: Run, dh_T: np.ndarray | float = 1.0) -> np.ndarray:
    """Return the dh_direct of a loss that reads the last state alone: zeros, and dh_T in the last row.

    dh_T     dL/dh_T, anything that broadcasts to (..., B, H); 1 for L = sum of h_T
    returns  (T + 1, ..., B, H), shaped like run.h
    errors   TypeError if run is not a Run, ValueError if dh_T does not fit
    """
    h = getattr(run, "h", None)
    if h is None:
        raise TypeError(f"run is {type(run).__name__}, needs what bptt.forward returned.")
    dh_T = _checks.broadcast("dh_T", dh_T, h.shape[1:], f"to fit {h.shape[1:]}, the last state's shape")
    direct = np.zeros_like(h, np.result_type(h.dtype, dh_T.dtype) if np.iscomplexobj(dh_T) else h.dtype)
    direct[-1] = dh_T
    return direct


def loss_and_grads(network: cells.NetworkParams, x: np.ndarray, target: np.ndarray,
                   loss: Callable, at: str = "last", activation: str = "tanh", *,
                   window: int | None = None, reuse: Evaluation | None = None) -> Evaluation:
    """Return the loss of a network on a batch and its gradients: L = sum over the steps t that have a loss of L_t.

    network     NetworkParams, its cell of any kind
    x           (T, ..., B, D)
    target      what `loss` compares y with; with at="every" its first axis is time. The ensemble axes after time may be
                left out: then all members share the target
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
    run = _through_steps(_begin(network.rnn, x, None, activation, reuse))
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
    array = cells.allocator(run.h[1:].shape[:-1], run.h.dtype, *([reuse.back] if reuse else []))
    totals = [array(f"d{name}", run.h.shape[-1], extra=1) for name in cells.cell_of(run.params).states]
    for total in totals:
        total[...] = 0
    totals[0][read], readout_grads = cells.readout_backward(network.readout, run.h[read], dy)
    back = _back_through_steps(run, totals, window, reuse)  # unchecked: what is not finite is for the caller to see
    per_step = losses[None] if at == "last" else losses
    return Evaluation(per_step.sum(0), cells.NetworkParams(back.grads, readout_grads), per_step, y, run, back)


def _for_members(target, y: np.ndarray) -> np.ndarray:
    """Insert the ensemble axes after time where the target lacks them: (T, B) or (T, B, K) -> (T, 1, ..., B[, K])."""
    target, (T, *lead, B, _) = np.asarray(target), y.shape
    for entries in ((0, 1) if target.dtype.kind in "iub" else (1, 0)):  # axes that belong to one sequence's target
        own = target.ndim - 2 - entries
        if 0 <= own < len(lead) and target.shape[0] == T and target.shape[1 + own] == B:
            return target.reshape(T, *(1,) * (len(lead) - own), *target.shape[1:])
    return target
