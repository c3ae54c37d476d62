"""Backpropagation through time, by hand: the forward pass keeps every state, the backward pass returns every dL/dh_t.

    a_t = W_xh x_t + W_hh h_{t-1} + b_h        h_t = f(a_t)                                   t = 1 ... T
    dL/dh_{t-1} = direct_{t-1} + W_hh^T (f'(a_t) * dL/dh_t)

Time is the first axis. `h` has T + 1 rows, row 0 the initial state, so that an index in the code is the index in the
formula. Source: Werbos 1990, "Backpropagation through time: what it does and how to do it".
"""

from __future__ import annotations

from itertools import pairwise
from typing import Callable, NamedTuple

import numpy as np

from . import _checks, activations, cells


class Run(NamedTuple):
    """A forward pass with all it computed.

    params      the parameters it used
    x           (T, ..., B, D)     inputs
    h           (T + 1, ..., B, H) h[0] is the initial state
    activation  the activation's name
    """

    params: cells.RNNParams
    x: np.ndarray
    h: np.ndarray
    activation: str

    @property
    def a(self) -> np.ndarray:
        """What the activation was given, (T, ..., B, H): a[t - 1] is a_t = W_xh x_t + W_hh h_{t-1} + b_h."""
        recurrent = self.h[:-1] @ self.params.W_hh.swapaxes(-1, -2)
        return recurrent + cells.rnn_inputs(self.params, _aligned(self.x, self.h.ndim), np.empty_like(recurrent))

    def __repr__(self) -> str:
        return f"Run({self.activation}: x {self.x.shape}, h {self.h.shape}, {self.h.dtype})"


class Back(NamedTuple):
    """A backward pass with all it computed.

    grads  like params
    dh     (T + 1, ..., B, H)  total dL/dh_t; dh[0] is the initial state's
    da     (T, ..., B, H)      dL/da_t
    run    the forward pass
    """

    grads: cells.RNNParams
    dh: np.ndarray
    da: np.ndarray
    run: Run

    @property
    def dx(self) -> np.ndarray:
        """dL/dx_t = W_xh^T dL/da_t, shaped like x; computed when asked for, because training does not need it."""
        dx = self.da @ self.run.params.W_xh
        return cells.sum_to(dx, _aligned(self.run.x, dx.ndim).shape).reshape(self.run.x.shape)

    def __repr__(self) -> str:
        return f"Back(grads {'/'.join(self.grads._fields)}, dh {self.dh.shape}, {self.dh.dtype})"


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


def forward(params: cells.RNNParams, x: np.ndarray, state0: np.ndarray | None = None,
            activation: str = "tanh") -> Run:
    """Run a recurrent network over a sequence: a_t = W_xh x_t + W_hh h_{t-1} + b_h, h_t = f(a_t).

    params      W_xh (..., H, D), W_hh (..., H, H), b_h (..., H)
    x           (T, ..., B, D), T >= 1; leading axes of x and params broadcast
    state0      (..., B, H), zeros if None
    activation  "tanh", "relu", "sigmoid" or "linear"
    returns     Run; run.h (T + 1, ..., B, H), in the precision of the parameters
    errors      ValueError for shapes and values that are not finite, TypeError for dtypes
    """
    return _forward(params, x, state0, activation, None)


def _forward(params, x, state0, activation: str, reuse: Evaluation | None) -> Run:
    params = cells.check_rnn(params)
    function = activations.get(activation)
    x, state0 = _check_input(params, x, state0)
    lead = _checks.leading(
        x=x.shape[1:-2], W_xh=params.W_xh.shape[:-2], W_hh=params.W_hh.shape[:-2], b_h=params.b_h.shape[:-1],
        **({} if state0 is None else {"state0": state0.shape[:-2]}))
    (T, *_, B, D), H = x.shape, params.W_hh.shape[-1]
    # The parameters decide the precision, so that float64 data does not turn a float32 network into another one.
    dtype = np.result_type(*params, np.float32)
    if any(np.iscomplexobj(array) for array in (x, state0)):
        dtype = np.result_type(dtype, np.complex64)
    x = x.astype(dtype, copy=False)

    h = cells.through_time((T + 1, *lead, B, H), dtype, reuse and reuse.run.h)
    h[0] = 0 if state0 is None else state0
    cells.rnn_inputs(params, _aligned(x, h.ndim), out=h[1:])
    states = list(h)  # views, made once: indexing inside the loop costs as much as the step
    step = cells.rnn_step(params, function, h[0].shape, dtype)
    for h_before, h_t in pairwise(states):
        step(h_before, h_t)
    return Run(params, x, h, activation)


def backward(run: Run, dh_direct: np.ndarray, window: int | None = None) -> Back:
    """Carry a loss back through every step: dL/dh_{t-1} = direct_{t-1} + W_hh^T (f'(a_t) * dL/dh_t).

    run        what `forward` returned
    dh_direct  (T + 1, ..., B, H), shaped like run.h: what the loss reads from each h_t, zeros where it reads nothing
    window     None, or the number of steps k >= 1 that each loss may look back: a loss that reads h_s then reaches
               the steps s - k + 1 ... s and nothing before (truncated BPTT(k) of Williams and Peng 1990). A window
               beyond the sequence is the full gradient.
    returns    Back; back.dh like run.h, back.grads like run.params, back.dx like run.x
    errors     ValueError for shapes, values that are not finite, or a window below 1; TypeError for dtypes
    """
    dh_direct = _check_direct(run, dh_direct)
    dh = np.empty_like(run.h)
    dh[...] = dh_direct
    return _backward(run, dh, window, None)


def _backward(run: Run, dh: np.ndarray, window: int | None, reuse: Evaluation | None) -> Back:
    """`dh` holds what the loss reads on entry; the steps add what comes back to it."""
    da = cells.through_time(run.h[1:].shape, dh.dtype, reuse and reuse.back.da)
    activations.get(run.activation).derivative_from_output(run.h[1:], out=da)  # f'(a_t) now; dL/da_t after its step
    if window is None or _checks.count("window", window) > len(run.x):
        step = cells.rnn_step_backward(run.params, dh[0].shape, dh.dtype)
        for (dh_t, dh_before), da_t in zip(pairwise(reversed(list(dh))), reversed(list(da))):
            step(dh_t, da_t, dh_before)
    else:
        _truncated(run, da, dh, window)

    da_rows, x_rows = cells.rows(da), cells.rows(_aligned(run.x, da.ndim))
    along = da_rows.swapaxes(-1, -2)  # the shared weight's gradient is a sum over steps and batch: one product
    grads = cells.RNNParams(
        W_xh=cells.sum_to((x_rows.swapaxes(-1, -2) @ da_rows).swapaxes(-1, -2), run.params.W_xh.shape),
        W_hh=cells.sum_to(along @ cells.rows(run.h[:-1]), run.params.W_hh.shape),
        b_h=cells.sum_to(along @ np.ones(along.shape[-1], da.dtype), run.params.b_h.shape))
    return Back(grads, dh, da, run)


def _truncated(run: Run, da: np.ndarray, dh: np.ndarray, window: int) -> None:
    """Fill da and dh where each loss looks back `window` steps: the losses travel apart until they are dropped."""
    travelling = np.empty((0, *run.h.shape[1:]), run.h.dtype)  # one row for each loss on its way back
    read_at: list[int] = []  # the step that each row's loss reads, latest first
    for t in range(len(run.x), -1, -1):
        if dh[t].any():
            travelling = np.concatenate([travelling, dh[t][None]])
            read_at.append(t)
        too_old = sum(s - t >= window for s in read_at)
        travelling, read_at = travelling[too_old:], read_at[too_old:]
        dh[t] = travelling.sum(0)
        if t > 0:
            travelling = (da[t - 1] * travelling) @ run.params.W_hh
            da[t - 1] *= dh[t]


def loss_and_grads(network: cells.NetworkParams, x: np.ndarray, target: np.ndarray,
                   loss: Callable, at: str = "last", activation: str = "tanh", *,
                   window: int | None = None, reuse: Evaluation | None = None) -> Evaluation:
    """Return the loss of a network on a batch and its gradients: L = sum over the steps t that have a loss of L_t.

    network     NetworkParams
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
    dh = cells.through_time(run.h.shape, run.h.dtype, reuse and reuse.back.dh)
    dh[...] = 0
    dh[read], readout_grads = cells.readout_backward(network.readout, run.h[read], dy)
    back = _backward(run, dh, window, reuse)  # unchecked: what is not finite here is for the caller to see
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


def _aligned(x: np.ndarray, ndim: int) -> np.ndarray:
    """The ensemble's axes sit between T and B: x needs them spelled out before it can broadcast."""
    return x.reshape(x.shape[0], *(1,) * (ndim - x.ndim), *x.shape[1:])


def _check_input(params: cells.RNNParams, x, state0) -> tuple[np.ndarray, np.ndarray | None]:
    H, D = params.W_xh.shape[-2:]
    x = _checks.array("x", x)
    if x.ndim < 3:
        fix = "For one sequence pass x[:, None, :]." if x.ndim == 2 else "Needed are the axes time, batch, input."
        raise ValueError(f"x has shape {x.shape}, needs (T, ..., B, {D}): an axis is missing. {fix}")
    if x.shape[-1] != D:
        fix = (_checks.BATCH_FIRST if x.ndim == 3 else "") if D not in x.shape else (
            f"The size {D} stands at axis {x.shape.index(D)}: move it with np.moveaxis(x, {x.shape.index(D)}, -1).")
        raise ValueError(f"x has shape {x.shape} but params take (T, ..., B, {D}), "
                         f"from W_xh {params.W_xh.shape}. {fix}")
    if state0 is None:
        return x, None
    state0 = _checks.array("state0", state0)
    if state0.ndim < 2 or state0.shape[-2:] != (x.shape[-2], H):
        fix = _checks.BATCH_FIRST if x.ndim == 3 and state0.ndim >= 2 and state0.shape[-2] == x.shape[0] else (
            f"One state for all sequences is np.broadcast_to(state, ({x.shape[-2]}, {H})).")
        raise ValueError(f"state0 has shape {state0.shape}, needs (..., {x.shape[-2]}, {H}): a state for each of the "
                         f"{x.shape[-2]} sequences of x {x.shape}. {fix}")
    return x, state0


def _check_direct(run: Run, dh_direct) -> np.ndarray:
    if not isinstance(run, Run):
        raise TypeError(f"run is {type(run).__name__}, needs what bptt.forward returned.")
    dh_direct = _checks.array("dh_direct", dh_direct)
    if dh_direct.shape != run.h.shape:
        fix = ("Row 0 belongs to the initial state: put a row of zeros in front."
               if dh_direct.shape == run.h[1:].shape else "np.zeros_like(run.h) has it.")
        raise ValueError(f"dh_direct has shape {dh_direct.shape}, needs {run.h.shape}, the shape of run.h. {fix}")
    if np.iscomplexobj(dh_direct) and not np.iscomplexobj(run.h):
        raise TypeError("dh_direct is complex but the run is real: a loss is a real number.")
    return dh_direct
