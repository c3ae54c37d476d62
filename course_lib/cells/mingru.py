"""minGRU of Feng et al. 2024, "Were RNNs All We Needed?": a GRU whose gate and candidate read the input alone.

    z = s(a_z)        n = a_n        a = W_xh x_t + b_h        h_t = (1 - z) * h_{t-1} + z * n

Here z near 1 writes, as in the paper; torch's GRU has it the other way round. Nothing multiplies h_{t-1} but 1 - z, so
J_t = diag(1 - z_t), and all gates of a sequence are known before its first step.
"""

from __future__ import annotations

from typing import Callable, NamedTuple

import numpy as np

from ..activations import sigmoid
from .cell import Cell, check_shapes, gate_inputs, rnn_inputs, shared_gradients
from .tree import blocks, through_time


class MinGRUParams(NamedTuple):
    """Parameters of a minGRU, or their gradients; rows in the order z, n.

    W_xh  (..., 2H, D)  input to gate and candidate
    b_h   (..., 2H)     bias
    """

    W_xh: np.ndarray
    b_h: np.ndarray


class MinGRUCache(NamedTuple):
    """What a minGRU keeps beside h.

    gates  (T, 2, ..., B, H)  .z, .n are its parts (T, ..., B, H); [t - 1] is step t
    keep   (T, ..., B, H)     1 - z = s(-a_z)
    """

    gates: np.ndarray
    keep: np.ndarray

    z = property(lambda self: self.gates[:, 0], doc="update gate: near 1 it writes")
    n = property(lambda self: self.gates[:, 1], doc="candidate, linear in the input")


class MinGRULocal(NamedTuple):
    """Local factors.

    da    (T, ..., B, 2H)  dh_t/da of z and n; dL/da after its step back
    keep  (T, ..., B, H)   dh_t/dh_{t-1}
    """

    da: np.ndarray
    keep: np.ndarray


def check_mingru(params: MinGRUParams) -> MinGRUParams:
    """Return the parameters as arrays whose shapes fit together; ValueError or TypeError naming one that does not."""
    return check_shapes(params, MinGRUParams, {"b_h": ("2H",), "W_xh": ("2H", "D")},
                        "H numbers for the gate z, then H for the candidate n.")


def _start(params: MinGRUParams, x: np.ndarray, h: np.ndarray, new: Callable) -> MinGRUCache:
    cache = MinGRUCache(new("gates", h.shape[-1], gates=2), new("keep", h.shape[-1]))
    gate_inputs(params, x, np.ones((2, *(1,) * (h.ndim - 1)), np.float32), out=cache.gates)
    sigmoid(-cache.z, out=cache.keep)
    sigmoid(cache.z, out=cache.z)
    np.multiply(cache.z, cache.n, out=h[1:])
    return cache


def _step(run) -> Callable:
    kept, add, multiply = np.empty_like(run.h[0]), np.add, np.multiply

    def step(h_before, keep_t, h_t) -> None:
        multiply(keep_t, h_before, kept)
        add(h_t, kept, h_t)

    return step


def _local(run, new: Callable) -> MinGRULocal:
    local = MinGRULocal(new("da", 2 * run.h.shape[-1]), run.keep)
    d_z, d_n = blocks(local.da, 2)
    np.multiply(run.z, run.keep, out=d_z)
    np.multiply(d_z, run.n - run.h[:-1], out=d_z)
    d_n[...] = run.z
    return local


def _step_backward(run, shape: tuple[int, ...]) -> Callable:
    of_gates, carried, add, multiply = (*shape[:-1], 2, shape[-1]), np.empty(shape, run.h.dtype), np.add, np.multiply

    def step(dh_t, da_t, keep_t, dh_before) -> None:
        da = da_t.reshape(of_gates)
        multiply(da, dh_t[..., None, :], da)
        multiply(dh_t, keep_t, carried)
        add(dh_before, carried, dh_before)

    return step


def _gather(run, dh: np.ndarray, local: MinGRULocal, new: Callable) -> tuple[np.ndarray, MinGRUParams]:
    return local.da, MinGRUParams(**shared_gradients(run.params, run.x, local.da))


def _jacobians(run) -> np.ndarray:
    J = np.zeros((*run.h[1:].shape, run.h.shape[-1]), run.h.dtype)
    unit = np.arange(run.h.shape[-1])
    J[..., unit, unit] = run.keep
    return J


def _pre_activations(run) -> np.ndarray:
    return rnn_inputs(run.params, run.x, through_time((*run.keep.shape[:-1], 2 * run.h.shape[-1]), run.h.dtype))


MINGRU = Cell(
    name="minGRU", gates=2, states=("h",), activation="linear", check=check_mingru, start=_start,
    views=lambda cache: (cache.keep,), step=_step, local=_local, step_backward=_step_backward, gather=_gather,
    jacobians=_jacobians, pre_activations=_pre_activations)
