"""The simple recurrent network of Elman 1990: a_t = W_xh x_t + W_hh h_{t-1} + b_h, h_t = f(a_t).

J_t = dh_t/dh_{t-1} = diag(f'(a_t)) W_hh is literally what the papers write.
"""

from typing import Callable, NamedTuple

import numpy as np

from .. import activations
from .cell import Cell, OneLocal, product


class RNNParams(NamedTuple):
    """Parameters of a simple (Elman 1990) recurrent network, or their gradients.

    W_xh  (..., H, D)  input to hidden
    W_hh  (..., H, H)  hidden to hidden
    b_h   (..., H)     bias
    """

    W_xh: np.ndarray
    W_hh: np.ndarray
    b_h: np.ndarray


class RNN(Cell):
    """h_t = f(W_xh x_t + W_hh h_{t-1} + b_h). It keeps nothing but h: every f' here is a function of f's output.

    The parameters' gradients are those of `Cell.gradients`: dL/dW_hh is the sum over t of da_t h_{t-1}^T.
    """

    name, activation, parameters = "RNN", None, RNNParams

    def step(self, run) -> Callable:
        """Return step(h_before, h_t), in place: h_t = f(h_t + W_hh h_{t-1}), where h_t holds the input's part."""
        shape, W_T = run.h.shape[1:], run.params.W_hh.swapaxes(-1, -2).copy()
        f, add, matmul = activations.get(run.activation).function, np.add, product(W_T, shape)
        recurrent = np.empty(shape, run.h.dtype)

        def step(h_before: np.ndarray, h_t: np.ndarray) -> None:
            matmul(h_before, W_T, recurrent)
            add(h_t, recurrent, h_t)
            f(h_t, h_t)

        return step

    def step_back(self, run, shape: tuple[int, ...]) -> Callable:
        """Return step_back(dh_t, da_t, dh_before), in place: da_t = f'(a_t) dh_t, dh_{t-1} += W_hh^T da_t.

        On entry da_t holds the slope f'(a_t) and dh_before what the loss reads from h_{t-1}.
        """
        W, carried = run.params.W_hh, np.empty(shape, run.h.dtype)
        add, multiply, matmul = np.add, np.multiply, product(W, shape)

        def step_back(dh_t: np.ndarray, da_t: np.ndarray, dh_before: np.ndarray) -> None:
            multiply(dh_t, da_t, da_t)
            matmul(da_t, W, carried)  # a sequence is a row: (W^T da)^T = da^T W
            add(dh_before, carried, dh_before)

        return step_back

    def local_derivatives(self, run, array: Callable) -> OneLocal:
        """f'(a_t) of all steps."""
        da = array("da", run.h.shape[-1])
        activations.get(run.activation).derivative_from_output(run.h[1:], out=da)
        return OneLocal(da)

    def jacobians(self, run) -> np.ndarray:
        """diag(f'(a_t)) W_hh, (T, ..., B, H, H)."""
        slope = activations.get(run.activation).derivative_from_output(run.h[1:])
        return slope[..., None] * run.params.W_hh[..., None, :, :]
