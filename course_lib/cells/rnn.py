"""The simple recurrent network of Elman 1990: a_t = W_xh x_t + W_hh h_{t-1} + b_h, h_t = f(a_t).

J_t = dh_t/dh_{t-1} = diag(f'(a_t)) W_hh is literally what the papers write.
"""

from __future__ import annotations

from typing import Callable, NamedTuple

import numpy as np

from .. import activations
from ..activations import Activation
from .cell import Cell, check_shapes, product, recurrent_gradient, rnn_inputs, shared_gradients


class RNNParams(NamedTuple):
    """Parameters of a simple (Elman 1990) recurrent network, or their gradients.

    W_xh  (..., H, D)  input to hidden
    W_hh  (..., H, H)  hidden to hidden
    b_h   (..., H)     bias
    """

    W_xh: np.ndarray
    W_hh: np.ndarray
    b_h: np.ndarray


class RNNCache(NamedTuple):
    """A simple network keeps nothing but h: every activation's derivative is a function of its output."""


class RNNLocal(NamedTuple):
    """da (T, ..., B, H): f'(a_t), and dL/da_t after its step back."""

    da: np.ndarray


def check_rnn(params: RNNParams) -> RNNParams:
    """Return the parameters as arrays whose shapes fit together; ValueError or TypeError naming one that does not."""
    return check_shapes(params, RNNParams, {"W_hh": ("H", "H"), "W_xh": ("H", "D"), "b_h": ("H",)},
                        "it maps a hidden state to a hidden state.")


def rnn_step(params: RNNParams, activation: Activation, shape: tuple[int, ...], dtype) -> Callable:
    """Return the step (h_before, h_t), in place: h_t = f(h_t + W_hh h_{t-1}).

    h_t holds the input's part on entry; h_before and h_t have the `shape` (..., B, H).
    """
    W_T = params.W_hh.swapaxes(-1, -2).copy()
    f, add, matmul, recurrent = activation.function, np.add, product(W_T, shape), np.empty(shape, dtype)

    def step(h_before: np.ndarray, h_t: np.ndarray) -> None:
        matmul(h_before, W_T, recurrent)
        add(h_t, recurrent, h_t)
        f(h_t, h_t)

    return step


def rnn_step_backward(params: RNNParams, shape: tuple[int, ...], dtype) -> Callable:
    """Return the step back (dh_t, da_t, dh_before), in place: da_t = f'(a_t) dh_t, dh_{t-1} += W_hh^T da_t.

    On entry da_t holds the slope f'(a_t) and dh_before what the loss reads from h_{t-1}; all have the `shape`
    (..., B, H).
    """
    W = params.W_hh
    add, multiply, matmul, carried = np.add, np.multiply, product(W, shape), np.empty(shape, dtype)

    def step(dh_t: np.ndarray, da_t: np.ndarray, dh_before: np.ndarray) -> None:
        multiply(dh_t, da_t, da_t)
        matmul(da_t, W, carried)
        add(dh_before, carried, dh_before)

    return step


def _start(params: RNNParams, x: np.ndarray, h: np.ndarray, new: Callable) -> RNNCache:
    rnn_inputs(params, x, out=h[1:])
    return RNNCache()


def _local(run, new: Callable) -> RNNLocal:
    da = new("da", run.h.shape[-1])
    activations.get(run.activation).derivative_from_output(run.h[1:], out=da)
    return RNNLocal(da)


def _gather(run, dh: np.ndarray, local: RNNLocal, new: Callable) -> tuple[np.ndarray, RNNParams]:
    return local.da, RNNParams(W_hh=recurrent_gradient(run.params.W_hh, run.h, local.da),
                               **shared_gradients(run.params, run.x, local.da))


def _jacobians(run) -> np.ndarray:
    slope = activations.get(run.activation).derivative_from_output(run.h[1:])
    return slope[..., None] * run.params.W_hh[..., None, :, :]


def _pre_activations(run) -> np.ndarray:
    recurrent = run.h[:-1] @ run.params.W_hh.swapaxes(-1, -2)
    return recurrent + rnn_inputs(run.params, run.x, np.empty_like(run.h[1:]))


RNN = Cell(
    name="RNN", gates=1, states=("h",), activation=None, check=check_rnn, start=_start, views=lambda cache: (),
    step=lambda run: rnn_step(run.params, activations.get(run.activation), run.h.shape[1:], run.h.dtype),
    local=_local, step_backward=lambda run, shape: rnn_step_backward(run.params, shape, run.h.dtype),
    gather=_gather, jacobians=_jacobians, pre_activations=_pre_activations)
