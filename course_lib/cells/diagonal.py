"""A diagonal linear recurrence, h_t = l * h_{t-1} + W_xh x_t + b_h: every unit on its own, no activation, no gates.

Its Jacobian is diag(l) at every step, whatever the input. Real l; the layers of Orvieto et al. 2023 use complex ones.
"""

from __future__ import annotations

from typing import Callable, NamedTuple

import numpy as np

from .cell import Cell, check_shapes, rnn_inputs, shared_gradients
from .tree import rows, sum_to


class DiagonalParams(NamedTuple):
    """Parameters of a diagonal linear recurrence, or their gradients.

    W_xh  (..., H, D)  input to hidden
    l_hh  (..., H)     the diagonal of W_hh: what a unit keeps of itself
    b_h   (..., H)     bias
    """

    W_xh: np.ndarray
    l_hh: np.ndarray
    b_h: np.ndarray


class DiagonalCache(NamedTuple):
    """A diagonal linear recurrence keeps nothing but h."""


class DiagonalLocal(NamedTuple):
    """da (T, ..., B, H): 1, and dL/da_t after its step back."""

    da: np.ndarray


def check_diagonal(params: DiagonalParams) -> DiagonalParams:
    """Return the parameters as arrays whose shapes fit together; ValueError or TypeError naming one that does not."""
    return check_shapes(params, DiagonalParams, {"l_hh": ("H",), "W_xh": ("H", "D"), "b_h": ("H",)},
                        "one number for each hidden unit.")


def _start(params: DiagonalParams, x: np.ndarray, h: np.ndarray, new: Callable) -> DiagonalCache:
    rnn_inputs(params, x, out=h[1:])
    return DiagonalCache()


def _step(run) -> Callable:
    keep, kept, add, multiply = run.params.l_hh[..., None, :], np.empty_like(run.h[0]), np.add, np.multiply

    def step(h_before, h_t) -> None:
        multiply(h_before, keep, kept)
        add(h_t, kept, h_t)

    return step


def _local(run, new: Callable) -> DiagonalLocal:
    da = new("da", run.h.shape[-1])
    da[...] = 1
    return DiagonalLocal(da)


def _step_backward(run, shape: tuple[int, ...]) -> Callable:
    keep, carried, add, multiply = run.params.l_hh[..., None, :], np.empty(shape, run.h.dtype), np.add, np.multiply

    def step(dh_t, da_t, dh_before) -> None:
        multiply(da_t, dh_t, da_t)
        multiply(da_t, keep, carried)
        add(dh_before, carried, dh_before)

    return step


def _gather(run, dh: np.ndarray, local: DiagonalLocal, new: Callable) -> tuple[np.ndarray, DiagonalParams]:
    of_l = (rows(local.da) * rows(run.h[:-1])).sum(-2)
    return local.da, DiagonalParams(l_hh=sum_to(of_l, run.params.l_hh.shape),
                                    **shared_gradients(run.params, run.x, local.da))


def _jacobians(run) -> np.ndarray:
    J = np.zeros((*run.h[1:].shape, run.h.shape[-1]), run.h.dtype)
    unit = np.arange(run.h.shape[-1])
    J[..., unit, unit] = run.params.l_hh[..., None, :]
    return J


DIAGONAL = Cell(
    name="diagonal recurrence", gates=1, states=("h",), activation="linear", check=check_diagonal, start=_start,
    views=lambda cache: (), step=_step, local=_local, step_backward=_step_backward, gather=_gather,
    jacobians=_jacobians, pre_activations=lambda run: run.h[1:].copy())
