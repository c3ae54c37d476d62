"""The gated recurrent unit of Cho et al. 2014, in torch's form: the reset gate acts after the product with W_hh.

    r, z = s(a_r), s(a_z)        m = W_hn h_{t-1} + b_hn        n = tanh(a_n), a_n = W_xn x_t + b_n + r * m
    h_t = (1 - z) * n + z * h_{t-1}

Gates lie in torch's order r, z, n, and z near 1 keeps (Cho et al. reset before the product). At the origin, without
input and biases, J = I/2 + W_hn/4. Sigmoids are computed through tanh, s(a) = (1 + tanh(a/2)) / 2: a gate below the
rounding of 1 is 0.
"""

from typing import Callable, NamedTuple

import numpy as np

from .cell import Cell, gate_inputs, product, recurrent_gradient, rnn_inputs, shared_gradients
from .memory import aligned, allocator, by_gate, rows, through_time
from .tree import sum_to


class GRUParams(NamedTuple):
    """Parameters of a GRU, or their gradients; rows in the order of the gates r, z, n.

    W_xh  (..., 3H, D)  input to gates
    W_hh  (..., 3H, H)  hidden to gates
    b_h   (..., 3H)     bias; for r and z the sum of torch's two
    b_hn  (..., H)      bias of W_hn h_{t-1}: it is apart because r multiplies it
    """

    W_xh: np.ndarray
    W_hh: np.ndarray
    b_h: np.ndarray
    b_hn: np.ndarray


class GRUCache(NamedTuple):
    """What a GRU keeps beside h.

    gates  (T, 3, ..., B, H)  .r, .z, .n are its parts (T, ..., B, H); [t - 1] is step t
    m      (T, ..., B, H)     W_hn h_{t-1} + b_hn, what the reset gate lets through
    """

    gates: np.ndarray
    m: np.ndarray

    r = property(lambda self: self.gates[:, 0], doc="reset gate")
    z = property(lambda self: self.gates[:, 1], doc="update gate: near 1 it keeps")
    n = property(lambda self: self.gates[:, 2], doc="candidate")


class GRULocal(NamedTuple):
    """Derivatives inside a step.

    da_hh  (T, ..., B, 3H)  dh_t/d of what W_hh adds to r, z and n; dL/d of it after its step back
    z      (T, ..., B, H)   the part of h_{t-1} that stays
    da_n   (T, ..., B, H)   dh_t/da_n
    """

    da_hh: np.ndarray
    z: np.ndarray
    da_n: np.ndarray


# r and z are sigmoids. float32, so that the product keeps the arrays' own precision.
HALVES = np.array([0.5, 0.5, 1], np.float32)


class GRU(Cell):
    """h_t = (1 - z) * n + z * h_{t-1}, with r, z = s(a_r), s(a_z) and n = tanh(W_xn x_t + b_n + r * m)."""

    name, gates, parameters = "GRU", 3, GRUParams
    shapes = {"W_hh": ("3H", "H"), "W_xh": ("3H", "D"), "b_h": ("3H",), "b_hn": ("H",)}
    means = "the three gates r, z, n one below the other, H rows each."

    def begin(self, params: GRUParams, x: np.ndarray, h: np.ndarray, array: Callable) -> GRUCache:
        """The inputs' part of all gates, halved for r and z."""
        H = h.shape[-1]
        cache = GRUCache(array("gates", H, gates=3), array("m", H))
        gate_inputs(params, x, HALVES, out=cache.gates)
        return cache

    def per_step(self, run) -> tuple[np.ndarray, ...]:
        """r and z together, r, z, n, m."""
        return run.gates[:, :2], run.r, run.z, run.n, run.m

    def step(self, run) -> Callable:
        """Return step(h_before, rz_t, r_t, z_t, n_t, m_t, h_t), in place: the equations at the top of this file.

        rz_t (2, ..., B, H) and n_t hold the input's part on entry, halved for r and z; r_t and z_t are parts of rz_t.
        """
        params, shape, dtype = run.params, run.h.shape[1:], run.h.dtype
        ndim = 1 + len(shape)
        W_T = (by_gate(params.W_hh, 3, ndim) * aligned(HALVES, ndim)).swapaxes(-1, -2).copy()
        bias = params.b_hn[..., None, :]
        add, subtract, multiply, tanh, matmul = np.add, np.subtract, np.multiply, np.tanh, np.matmul
        recurrent, change = np.empty((3, *shape), dtype), np.empty(shape, dtype)
        of_rz, of_n = recurrent[:2], recurrent[2]

        def step(h_before, rz_t, r_t, z_t, n_t, m_t, h_t) -> None:
            matmul(h_before, W_T, recurrent)
            add(rz_t, of_rz, rz_t)
            tanh(rz_t, rz_t)
            multiply(rz_t, 0.5, rz_t)
            add(rz_t, 0.5, rz_t)
            add(of_n, bias, m_t)
            multiply(r_t, m_t, change)
            add(n_t, change, n_t)
            tanh(n_t, n_t)
            subtract(h_before, n_t, change)
            multiply(z_t, change, change)
            add(n_t, change, h_t)

        return step

    def step_back(self, run, shape: tuple[int, ...]) -> Callable:
        """Return step_back(dh_t, da_hh_t, z_t, da_n_t, dh_before), in place:

            da_hh *= dh_t        dh_{t-1} += z_t dh_t + W_hh^T da_hh

        On entry da_hh_t holds the local derivatives and dh_before what the loss reads from h_{t-1}.
        """
        W, of_gates, carried = run.params.W_hh, (*shape[:-1], 3, shape[-1]), np.empty(shape, run.h.dtype)
        add, multiply, matmul = np.add, np.multiply, product(W, shape)

        def step_back(dh_t, da_hh_t, z_t, da_n_t, dh_before) -> None:
            gates = da_hh_t.reshape(of_gates)
            multiply(gates, dh_t[..., None, :], gates)
            matmul(da_hh_t, W, carried)
            add(dh_before, carried, dh_before)
            multiply(dh_t, z_t, carried)
            add(dh_before, carried, dh_before)

        return step_back

    def local_derivatives(self, run, array: Callable) -> GRULocal:
        """dh_t/dr = da_n m, dh_t/dz = h_{t-1} - n, dh_t/dn = 1 - z, each times its gate's own slope."""
        H, r, z, n = run.h.shape[-1], run.r, run.z, run.n
        local = GRULocal(array("da_hh", 3 * H), z, array("da_n", H))
        da_r, da_z, da_hn = np.split(local.da_hh, 3, axis=-1)
        write, slope = 1 - z, np.subtract(1, n * n)
        np.multiply(write, slope, out=local.da_n)
        np.multiply(local.da_n, r, out=da_hn)
        np.multiply(local.da_n * run.m, r * (1 - r), out=da_r)
        np.multiply(run.h[:-1] - n, z * write, out=da_z)
        return local

    def gradients(self, run, dh: np.ndarray, local: GRULocal, array: Callable) -> tuple[np.ndarray, GRUParams]:
        """dL/da (T, ..., B, 3H) and the parameters' gradients: W_hh and b_hn reach n through r, W_xh and b_h do not."""
        H = run.h.shape[-1]
        da = array("da", 3 * H)
        da[..., :2 * H] = local.da_hh[..., :2 * H]
        np.multiply(local.da_n, dh[1:], out=da[..., 2 * H:])
        of_bias = rows(local.da_hh[..., 2 * H:]).sum(-2)
        return da, GRUParams(W_hh=recurrent_gradient(run.params.W_hh, run.h, local.da_hh),
                             b_hn=sum_to(of_bias, run.params.b_hn.shape), **shared_gradients(run.params, run.x, da))

    def jacobians(self, run) -> np.ndarray:
        """diag(z) + the sum over the gates of diag(dh_t/da) W, (T, ..., B, H, H)."""
        local = self.local_derivatives(run, allocator(run.h[1:].shape[:-1], run.h.dtype))
        J = sum(factor[..., None] * W[..., None, :, :]
                for factor, W in zip(np.split(local.da_hh, 3, axis=-1), np.split(run.params.W_hh, 3, axis=-2)))
        np.einsum("...ii->...i", J)[...] += local.z
        return J

    def pre_activations(self, run) -> np.ndarray:
        """a_r, a_z and a_n side by side, (T, ..., B, 3H)."""
        W_rz, H = run.params.W_hh[..., :2 * run.h.shape[-1], :], run.h.shape[-1]
        a = rnn_inputs(run.params, run.x, through_time((*run.r.shape[:-1], 3 * H), run.h.dtype))
        a[..., :2 * H] += run.h[:-1] @ W_rz.swapaxes(-1, -2)
        a[..., 2 * H:] += run.r * run.m
        return a
