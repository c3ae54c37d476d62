"""Cells: parameters and their gradients are the same NamedTuple; each step is a forward beside its backward.

Orientation is torch's, (out, in), so that J_t = diag(f'(a_t)) W_hh is literally what the papers write. The same matrix
has many names: W_hh here = weight_hh_l0 (torch) = W_rec (Pascanu et al. 2013) = U (Goodfellow et al. 2016: W).
Leading axes in front of every shape are the members of an ensemble.
"""

from __future__ import annotations

from typing import Callable, NamedTuple

import numpy as np

from . import _checks
from .activations import Activation


class RNNParams(NamedTuple):
    """Parameters of a simple (Elman 1990) recurrent network, or their gradients.

    W_xh  (..., H, D)  input to hidden
    W_hh  (..., H, H)  hidden to hidden
    b_h   (..., H)     bias
    """

    W_xh: np.ndarray
    W_hh: np.ndarray
    b_h: np.ndarray


class ReadoutParams(NamedTuple):
    """Parameters of the linear readout y = W_hy h + b_y, or their gradients.

    W_hy  (..., K, H)  hidden to output
    b_y   (..., K)     bias
    """

    W_hy: np.ndarray
    b_y: np.ndarray


class NetworkParams(NamedTuple):
    """A recurrent cell and the readout on top of it."""

    rnn: RNNParams
    readout: ReadoutParams


def leaves(tree, name: str = "") -> list[tuple[str, np.ndarray]]:
    """Return the arrays of a nested NamedTuple with their names: [("rnn.W_xh", array), ...]."""
    if hasattr(tree, "_fields"):
        return [leaf for field, part in zip(tree._fields, tree)
                for leaf in leaves(part, f"{name}.{field}" if name else field)]
    return [(name or "value", tree)]


def tree_map(function: Callable, *trees):
    """Apply a function to the arrays of nested NamedTuples of one shape; returns a tree of that shape."""
    first = trees[0]
    if hasattr(first, "_fields"):
        return type(first)(*(tree_map(function, *parts) for parts in zip(*trees, strict=True)))
    return function(*trees)


def check_rnn(params: RNNParams) -> RNNParams:
    """Return the parameters as arrays whose shapes fit together; ValueError or TypeError naming one that does not."""
    if not isinstance(params, RNNParams):
        raise TypeError(f"params is {type(params).__name__}, needs cells.RNNParams(W_xh, W_hh, b_h). "
                        f"A whole network is a NetworkParams: pass its part .rnn.")
    W_xh = _checks.floating("W_xh", params.W_xh, ndim=2)
    W_hh = _checks.floating("W_hh", params.W_hh, ndim=2)
    b_h = _checks.floating("b_h", params.b_h, ndim=1)
    H = W_hh.shape[-1]
    if W_hh.shape[-2] != H:
        raise ValueError(f"W_hh has shape {W_hh.shape}, needs (..., H, H): it maps a hidden state to a hidden state.")
    if W_xh.shape[-2] != H:
        hint = " It looks transposed: pass W_xh.T." if W_xh.shape[-1] == H else ""
        raise ValueError(f"W_xh has shape {W_xh.shape}, needs (..., {H}, D) to go with W_hh {W_hh.shape}.{hint}")
    if b_h.shape[-1] != H:
        raise ValueError(f"b_h has shape {b_h.shape}, needs (..., {H}) to go with W_hh {W_hh.shape}.")
    _checks.leading(W_xh=W_xh.shape[:-2], W_hh=W_hh.shape[:-2], b_h=b_h.shape[:-1])
    return RNNParams(W_xh, W_hh, b_h)


def through_time(shape: tuple[int, ...], dtype, reuse: np.ndarray | None = None) -> np.ndarray:
    """An array (T, ..., B, N), not filled in, that lies in memory as (..., T, B, N): `rows` of it is a view.

    `reuse` is returned instead if it has that shape and dtype: fresh memory costs as much as half a small step.
    """
    if reuse is not None and reuse.shape == shape and reuse.dtype == dtype:
        return reuse
    T, *lead, B, N = shape
    return np.moveaxis(np.empty((*lead, T, B, N), dtype), -3, 0)


def rows(array: np.ndarray) -> np.ndarray:
    """All steps and sequences as the rows of one matrix, for a single product: (T, ..., B, N) -> (..., T B, N)."""
    array = np.moveaxis(array, 0, -3)
    return array.reshape(*array.shape[:-3], -1, array.shape[-1])


def rnn_inputs(params: RNNParams, x: np.ndarray, out: np.ndarray) -> np.ndarray:
    """Write what all steps take from their inputs, W_xh x_t + b_h, into out, and return it.

    x    (T, ..., B, D), with as many axes as out
    out  (T, ..., B, H)
    """
    into = rows(out)
    np.matmul(rows(x), params.W_xh.swapaxes(-1, -2), out=into)
    into += params.b_h[..., None, :]
    return out


def rnn_step(params: RNNParams, activation: Activation, shape: tuple[int, ...], dtype) -> Callable:
    """Return the step (h_before, h_t), in place: h_t = f(h_t + W_hh h_{t-1}).

    h_t holds the input's part on entry; h_before and h_t have the `shape` (..., B, H).
    """
    W_T = params.W_hh.swapaxes(-1, -2).copy()
    f, add, matmul, recurrent = activation.function, np.add, _matmul(W_T, shape), np.empty(shape, dtype)

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
    add, multiply, matmul, carried = np.add, np.multiply, _matmul(W, shape), np.empty(shape, dtype)

    def step(dh_t: np.ndarray, da_t: np.ndarray, dh_before: np.ndarray) -> None:
        multiply(dh_t, da_t, da_t)
        matmul(da_t, W, carried)
        add(dh_before, carried, dh_before)

    return step


def _matmul(matrix: np.ndarray, shape: tuple[int, ...]) -> Callable:
    return np.dot if matrix.ndim == len(shape) == 2 else np.matmul  # the same product; dot starts sooner


def readout(params: ReadoutParams, h: np.ndarray) -> np.ndarray:
    """y = W_hy h + b_y.

    h        (..., B, H)
    returns  (..., B, K)
    """
    params, h = _check_readout(params, h)
    return h @ params.W_hy.swapaxes(-1, -2) + params.b_y[..., None, :]


def readout_backward(params: ReadoutParams, h: np.ndarray, dy: np.ndarray) -> tuple[np.ndarray, ReadoutParams]:
    """Return dL/dh = dy W_hy and the gradients of W_hy and b_y, summed over the batch and every axis they lack.

    h   (..., B, H)   what the readout was given
    dy  (..., B, K)   dL/dy
    """
    params, h = _check_readout(params, h)
    dy = _checks.array("dy", dy, ndim=2, finite=False)
    if dy.shape != (expected := (*h.shape[:-1], params.W_hy.shape[-2])):
        raise ValueError(f"dy has shape {dy.shape}, needs {expected}, the shape of the readout's output.")
    grads = ReadoutParams(sum_to(dy.swapaxes(-1, -2) @ h, params.W_hy.shape), sum_to(dy.sum(-2), params.b_y.shape))
    return dy @ params.W_hy, grads


def _check_readout(params: ReadoutParams, h: np.ndarray) -> tuple[ReadoutParams, np.ndarray]:
    if not isinstance(params, ReadoutParams):
        raise TypeError(f"params is {type(params).__name__}, needs cells.ReadoutParams(W_hy, b_y).")
    W_hy, b_y = _checks.floating("W_hy", params.W_hy, ndim=2), _checks.floating("b_y", params.b_y, ndim=1)
    h = _checks.array("h", h, ndim=2, finite=False)
    if h.shape[-1] != W_hy.shape[-1]:
        raise ValueError(f"h has shape {h.shape} but W_hy {W_hy.shape} takes (..., B, {W_hy.shape[-1]}).")
    if b_y.shape[-1] != W_hy.shape[-2]:
        raise ValueError(f"b_y has shape {b_y.shape}, needs (..., {W_hy.shape[-2]}) to go with W_hy {W_hy.shape}.")
    _checks.leading(W_hy=W_hy.shape[:-2], b_y=b_y.shape[:-1], h=h.shape[:-2])
    return ReadoutParams(W_hy, b_y), h


def sum_to(gradient: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Sum a gradient over the axes along which its array was broadcast: what is used many times receives the sum."""
    if gradient.shape == shape:
        return gradient
    gradient = gradient.sum(tuple(range(gradient.ndim - len(shape))))
    stretched = tuple(i for i, size in enumerate(shape) if size == 1 and gradient.shape[i] != 1)
    return gradient.sum(stretched, keepdims=True)
