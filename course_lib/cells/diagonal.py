"""A diagonal linear recurrence, h_t = lambda * h_{t-1} + W_xh x_t + b_h: every unit on its own, without activation.

Its Jacobian is diag(lambda) at every step, whatever the input. Here lambda is real; in the layers of Orvieto et al.
2023 it is complex.
"""

from __future__ import annotations

from typing import Callable, NamedTuple

import numpy as np

from .cell import Cell, OneLocal, diagonal_jacobians, shared_gradients
from .memory import rows
from .tree import sum_to


class DiagonalParams(NamedTuple):
    """Parameters of a diagonal linear recurrence, or their gradients.

    W_xh       (..., H, D)  input to hidden
    lambda_hh  (..., H)     lambda, the diagonal of W_hh: what a unit keeps of itself
    b_h        (..., H)     bias
    """

    W_xh: np.ndarray
    lambda_hh: np.ndarray
    b_h: np.ndarray


class Diagonal(Cell):
    """h_t = lambda * h_{t-1} + W_xh x_t + b_h; a_t is h_t itself."""

    name, activation, parameters = "diagonal recurrence", "linear", DiagonalParams
    shapes = {"lambda_hh": ("H",), "W_xh": ("H", "D"), "b_h": ("H",)}
    means = "one number for each hidden unit."

    def step(self, run) -> Callable:
        """Return step(h_before, h_t), in place: h_t += lambda * h_{t-1}, where h_t holds the input's part."""
        keep, kept = run.params.lambda_hh[..., None, :], np.empty_like(run.h[0])
        add, multiply = np.add, np.multiply

        def step(h_before: np.ndarray, h_t: np.ndarray) -> None:
            multiply(h_before, keep, kept)
            add(h_t, kept, h_t)

        return step

    def step_back(self, run, shape: tuple[int, ...]) -> Callable:
        """Return step_back(dh_t, da_t, dh_before), in place: da_t = dh_t, dh_{t-1} += lambda * dh_t."""
        keep, carried = run.params.lambda_hh[..., None, :], np.empty(shape, run.h.dtype)
        add, multiply = np.add, np.multiply

        def step_back(dh_t: np.ndarray, da_t: np.ndarray, dh_before: np.ndarray) -> None:
            multiply(da_t, dh_t, da_t)
            multiply(da_t, keep, carried)
            add(dh_before, carried, dh_before)

        return step_back

    def local_derivatives(self, run, array: Callable) -> OneLocal:
        """1 for all steps."""
        da = array("da", run.h.shape[-1])
        da[...] = 1
        return OneLocal(da)

    def gradients(self, run, dh: np.ndarray, local: OneLocal, array: Callable) -> tuple[np.ndarray, DiagonalParams]:
        """dL/da (T, ..., B, H), and dL/dlambda = sum of da_t * h_{t-1}."""
        of_lambda = (rows(local.da) * rows(run.h[:-1])).sum(-2)
        return local.da, DiagonalParams(lambda_hh=sum_to(of_lambda, run.params.lambda_hh.shape),
                                        **shared_gradients(run.params, run.x, local.da))

    def jacobians(self, run) -> np.ndarray:
        """diag(lambda), (T, ..., B, H, H)."""
        return diagonal_jacobians(run, run.params.lambda_hh[..., None, :])

    def pre_activations(self, run) -> np.ndarray:
        """h_t itself, (T, ..., B, H): nothing is applied to it."""
        return run.h[1:].copy()
