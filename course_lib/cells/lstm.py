"""The long short-term memory of Hochreiter and Schmidhuber 1997 with the forget gate of Gers et al. 2000.

    i, f, o = s(a_i), s(a_f), s(a_o)        g = tanh(a_g)          a = W_xh x_t + W_hh h_{t-1} + b_h
    c_t = f * c_{t-1} + i * g               h_t = o * tanh(c_t)

Gates lie in torch's order i, f, g, o. The road back through the cell has no matrix, dc_t/dc_{t-1} = diag(f) as long as
h is left out; W_hh enters through the gates, which read h_{t-1}. All four gates are computed by one tanh,
s(a) = (1 + tanh(a/2)) / 2: a gate below the rounding of 1 is 0.
"""

from typing import Callable, NamedTuple

import numpy as np

from .cell import Cell, gate_inputs, product
from .memory import aligned, allocator, by_gate


class LSTMParams(NamedTuple):
    """Parameters of an LSTM, or their gradients; rows in the order of the gates i, f, g, o.

    W_xh  (..., 4H, D)  input to gates
    W_hh  (..., 4H, H)  hidden to gates
    b_h   (..., 4H)     bias; torch has two, which only ever appear as their sum
    """

    W_xh: np.ndarray
    W_hh: np.ndarray
    b_h: np.ndarray


class LSTMCache(NamedTuple):
    """What an LSTM keeps beside h.

    c       (T + 1, ..., B, H)  cell states; c[0] is the initial one
    gates   (T, 4, ..., B, H)   .i, .f, .g, .o are its parts (T, ..., B, H); [t - 1] is step t
    tanh_c  (T, ..., B, H)      tanh(c_t), what the output gate lets through
    """

    c: np.ndarray
    gates: np.ndarray
    tanh_c: np.ndarray

    i = property(lambda self: self.gates[:, 0], doc="input gate")
    f = property(lambda self: self.gates[:, 1], doc="forget gate")
    g = property(lambda self: self.gates[:, 2], doc="candidate")
    o = property(lambda self: self.gates[:, 3], doc="output gate")


class LSTMLocal(NamedTuple):
    """Derivatives inside a step.

    da     (T, ..., B, 4H)  dc_t/da of i, f, g and dh_t/da of o; dL/da after its step back
    slope  (T, ..., B, H)   dh_t/dc_t = o (1 - tanh(c_t)^2)
    f      (T, ..., B, H)   dc_t/dc_{t-1}
    """

    da: np.ndarray
    slope: np.ndarray
    f: np.ndarray


# i, f and o are sigmoids, shift + scale tanh(scale a). float32, so that the product keeps the arrays' own precision.
SCALE, SHIFT = np.array([[0.5, 0.5, 1, 0.5], [0.5, 0.5, 0, 0.5]], np.float32)


class LSTM(Cell):
    """c_t = f * c_{t-1} + i * g, h_t = o * tanh(c_t), with i, f, o = s(a_i), s(a_f), s(a_o) and g = tanh(a_g)."""

    name, gates, states, parameters = "LSTM", 4, ("h", "c"), LSTMParams
    shapes = {"W_hh": ("4H", "H"), "W_xh": ("4H", "D"), "b_h": ("4H",)}
    means = "the four gates i, f, g, o one below the other, H rows each."

    def begin(self, params: LSTMParams, x: np.ndarray, h: np.ndarray, array: Callable) -> LSTMCache:
        """The inputs' part of all gates, halved where the gate is a sigmoid."""
        H = h.shape[-1]
        cache = LSTMCache(array("c", H, extra=1), array("gates", H, gates=4), array("tanh_c", H))
        gate_inputs(params, x, SCALE, out=cache.gates)
        return cache

    def per_step(self, run) -> tuple[np.ndarray, ...]:
        """The four gates together, i, f, g, o, tanh_c."""
        return run.gates, run.i, run.f, run.g, run.o, run.tanh_c

    def step(self, run) -> Callable:
        """Return step(h_before, c_before, gates_t, i_t, f_t, g_t, o_t, tanh_c_t, h_t, c_t), in place: the equations at
        the top of this file.

        gates_t (4, ..., B, H) holds the input's part on entry, halved where the gate is a sigmoid; i_t, f_t, g_t, o_t
        are its parts.
        """
        shape, dtype = run.h.shape[1:], run.h.dtype
        scale, shift = (aligned(each.astype(dtype), 1 + len(shape)) for each in (SCALE, SHIFT))
        W_T = (by_gate(run.params.W_hh, 4, scale.ndim) * scale).swapaxes(-1, -2).copy()
        scale, shift = (np.broadcast_to(each, (4, *shape)).copy() for each in (scale, shift))  # broadcasting costs more
        add, multiply, tanh, matmul = np.add, np.multiply, np.tanh, np.matmul
        recurrent, written = np.empty((4, *shape), dtype), np.empty(shape, dtype)

        def step(h_before, c_before, gates_t, i_t, f_t, g_t, o_t, tanh_c_t, h_t, c_t) -> None:
            matmul(h_before, W_T, recurrent)
            add(gates_t, recurrent, gates_t)
            tanh(gates_t, gates_t)
            multiply(gates_t, scale, gates_t)
            add(gates_t, shift, gates_t)
            multiply(f_t, c_before, c_t)
            multiply(i_t, g_t, written)
            add(c_t, written, c_t)
            tanh(c_t, tanh_c_t)
            multiply(o_t, tanh_c_t, h_t)

        return step

    def step_back(self, run, shape: tuple[int, ...]) -> Callable:
        """Return step_back(dh_t, dc_t, da_t, slope_t, f_t, dh_before, dc_before), in place:

            dc_t += slope_t dh_t        da_i, da_f, da_g *= dc_t        da_o *= dh_t
            dc_{t-1} += f_t dc_t        dh_{t-1} += W_hh^T da_t

        On entry da_t holds the local derivatives, dc_t what came back from c_{t+1}, and dh_before and dc_before what
        the loss reads from the states before.
        """
        W, of_gates, carried = run.params.W_hh, (*shape[:-1], 4, shape[-1]), np.empty(shape, run.h.dtype)
        add, multiply, matmul = np.add, np.multiply, product(W, shape)

        def step_back(dh_t, dc_t, da_t, slope_t, f_t, dh_before, dc_before) -> None:
            multiply(dh_t, slope_t, carried)
            add(dc_t, carried, dc_t)
            da = da_t.reshape(of_gates)
            da_ifg, da_o = da[..., :3, :], da[..., 3, :]
            multiply(da_ifg, dc_t[..., None, :], da_ifg)
            multiply(da_o, dh_t, da_o)
            matmul(da_t, W, carried)  # a sequence is a row: (W^T da)^T = da^T W
            add(dh_before, carried, dh_before)
            multiply(dc_t, f_t, carried)
            add(dc_before, carried, dc_before)

        return step_back

    def local_derivatives(self, run, array: Callable) -> LSTMLocal:
        """dc_t/di = g, dc_t/df = c_{t-1}, dc_t/dg = i, dh_t/do = tanh(c_t), each times its gate's own slope."""
        H, i, f, g, o, tanh_c = run.h.shape[-1], run.i, run.f, run.g, run.o, run.tanh_c
        local = LSTMLocal(array("da", 4 * H), array("slope", H), f)
        da_i, da_f, da_g, da_o = np.split(local.da, 4, axis=-1)
        slope = local.slope  # of each gate first: one array, while it is warm
        for gate, factor, da in ((i, g, da_i), (f, run.c[:-1], da_f), (o, tanh_c, da_o)):
            np.subtract(1, gate, out=slope)
            np.multiply(slope, gate, out=slope)
            np.multiply(slope, factor, out=da)
        for value, factor, result in ((g, i, da_g), (tanh_c, o, slope)):
            np.multiply(value, value, out=slope)
            np.subtract(1, slope, out=slope)
            np.multiply(slope, factor, out=result)
        return local

    def jacobians(self, run) -> np.ndarray:
        """Of the joint state, (T, ..., B, 2H, 2H): rows h_t then c_t, columns h_{t-1} then c_{t-1}."""
        H = run.h.shape[-1]
        local = self.local_derivatives(run, allocator(run.h[1:].shape[:-1], run.h.dtype))
        of_i, of_f, of_g, of_o = (factor[..., None] * W[..., None, :, :] for factor, W
                                  in zip(np.split(local.da, 4, axis=-1), np.split(run.params.W_hh, 4, axis=-2)))
        J = np.zeros((*local.f.shape[:-1], 2 * H, 2 * H), run.h.dtype)
        J[..., H:, :H] = of_i + of_f + of_g
        J[..., :H, :H] = local.slope[..., None] * J[..., H:, :H] + of_o
        np.einsum("...ii->...i", J[..., H:, H:])[...] = local.f
        np.einsum("...ii->...i", J[..., :H, H:])[...] = local.slope * local.f
        return J
