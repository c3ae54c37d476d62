"""A diagonal linear recurrence, h_t = lambda * h_{t-1} + W_xh x_t + b_h: every unit on its own, without activation.

Its Jacobian is diag(lambda) at every step, whatever the input. Here lambda is real; in the layers of Orvieto et al.
2023 it is complex.
"""

from typing import Callable, NamedTuple

import numpy as np

from .cell import Cell, shared_gradients
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


class DiagonalLocal(NamedTuple):
    """Derivatives inside a step.

    da    (T, ..., B, gates H)  dh_t/da_t; dL/da_t after all steps back
    keep  (T, ..., B, H)        dh_t/dh_{t-1}
    """

    da: np.ndarray
    keep: np.ndarray


class Diagonal(Cell):
    """h_t = lambda * h_{t-1} + W_xh x_t + b_h; a_t is h_t itself."""

    name, activation, parameters = "diagonal recurrence", "linear", DiagonalParams
    shapes = {"lambda_hh": ("H",), "W_xh": ("H", "D"), "b_h": ("H",)}
    means = "one number for each hidden unit."

    def keep(self, run) -> np.ndarray:
        """dh_t/dh_{t-1} of each unit, (T, ..., B, H): here lambda at every step."""
        return np.broadcast_to(run.params.lambda_hh[..., None, :], run.h[1:].shape)

    def per_step(self, run) -> tuple[np.ndarray, ...]:
        """keep."""
        return self.keep(run),

    def step(self, run) -> Callable:
        """Return step(h_before, keep_t, h_t), in place: h_t += keep_t * h_{t-1}, where h_t holds the input's part."""
        kept, add, multiply = np.empty_like(run.h[0]), np.add, np.multiply

        def step(h_before: np.ndarray, keep_t: np.ndarray, h_t: np.ndarray) -> None:
            multiply(keep_t, h_before, kept)
            add(h_t, kept, h_t)

        return step

    def step_back(self, run, shape: tuple[int, ...]) -> Callable:
        """Return step_back(dh_t, da_t, keep_t, dh_before), in place: dh_{t-1} += keep_t * dh_t.

        It does not need da_t, which `gradients` makes of all steps at once.
        """
        carried, add, multiply = np.empty(shape, run.h.dtype), np.add, np.multiply

        def step_back(dh_t: np.ndarray, da_t: np.ndarray, keep_t: np.ndarray, dh_before: np.ndarray) -> None:
            multiply(dh_t, keep_t, carried)
            add(dh_before, carried, dh_before)

        return step_back

    def local_derivatives(self, run, array: Callable) -> DiagonalLocal:
        """dh_t/da_t = 1."""
        local = DiagonalLocal(array("da", run.h.shape[-1]), self.keep(run))
        local.da[...] = 1
        return local

    def gradients(self, run, dh: np.ndarray, local: DiagonalLocal, array: Callable) -> tuple[np.ndarray, tuple]:
        """dL/da_t = dh_t/da_t * dL/dh_t, (T, ..., B, H), and dL/dlambda = sum of da_t * h_{t-1}."""
        da = local.da
        da *= dh[1:]
        of_lambda = (rows(da) * rows(run.h[:-1])).sum(-2)
        return da, DiagonalParams(lambda_hh=sum_to(of_lambda, run.params.lambda_hh.shape),
                                  **shared_gradients(run.params, run.x, da))

    def jacobians(self, run) -> np.ndarray:
        """diag(keep), (T, ..., B, H, H)."""
        J = np.zeros((*run.h[1:].shape, run.h.shape[-1]), run.h.dtype)
        np.einsum("...ii->...i", J)[...] = self.keep(run)
        return J

    def pre_activations(self, run) -> np.ndarray:
        """h_t itself, (T, ..., B, H): nothing is applied to it."""
        return run.h[1:].copy()
