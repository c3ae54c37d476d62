"""minGRU of Feng et al. 2024, "Were RNNs All We Needed?": a GRU whose gate and candidate read the input alone.

    z = s(a_z)        n = a_n        a = W_xh x_t + b_h        h_t = (1 - z) * h_{t-1} + z * n

Here z near 1 writes, as in the paper; torch's GRU has it the other way round. Nothing multiplies h_{t-1} but 1 - z: it
is a diagonal recurrence whose lambda is read from the input, J_t = diag(1 - z_t), and all gates of a sequence are known
before its first step.
"""

from typing import Callable, NamedTuple

import numpy as np

from ..activations import sigmoid
from .cell import gate_inputs, rnn_inputs, shared_gradients
from .diagonal import Diagonal, DiagonalLocal
from .memory import through_time


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


class MinGRU(Diagonal):
    """h_t = (1 - z) * h_{t-1} + z * n, with z = s(a_z) and n = a_n; a reads the input alone."""

    name, gates, activation, parameters = "minGRU", 2, "linear", MinGRUParams
    shapes = {"b_h": ("2H",), "W_xh": ("2H", "D")}
    means = "H numbers for the gate z, then H for the candidate n."

    def begin(self, params: MinGRUParams, x: np.ndarray, h: np.ndarray, array: Callable) -> MinGRUCache:
        """All gates, and z * n in h[1:]."""
        cache = MinGRUCache(array("gates", h.shape[-1], gates=2), array("keep", h.shape[-1]))
        gate_inputs(params, x, np.ones(2, np.float32), out=cache.gates)
        sigmoid(-cache.z, out=cache.keep)
        sigmoid(cache.z, out=cache.z)
        np.multiply(cache.z, cache.n, out=h[1:])
        return cache

    def keep(self, run) -> np.ndarray:
        """1 - z, (T, ..., B, H)."""
        return run.keep

    def local_derivatives(self, run, array: Callable) -> DiagonalLocal:
        """dh_t/da_z = z (1 - z) (n - h_{t-1}), dh_t/da_n = z."""
        local = DiagonalLocal(array("da", 2 * run.h.shape[-1]), run.keep)
        d_z, d_n = np.split(local.da, 2, axis=-1)
        np.multiply(run.z, run.keep, out=d_z)
        np.multiply(d_z, run.n - run.h[:-1], out=d_z)
        d_n[...] = run.z
        return local

    def gradients(self, run, dh: np.ndarray, local: DiagonalLocal, array: Callable) -> tuple[np.ndarray, tuple]:
        """dL/da (T, ..., B, 2H) of z and n, and the gradients of W_xh and b_h."""
        for da in np.split(local.da, 2, axis=-1):
            da *= dh[1:]
        return local.da, MinGRUParams(**shared_gradients(run.params, run.x, local.da))

    def pre_activations(self, run) -> np.ndarray:
        """a_z and a_n side by side, (T, ..., B, 2H)."""
        return rnn_inputs(run.params, run.x, through_time((*run.keep.shape[:-1], 2 * run.h.shape[-1]), run.h.dtype))
