"""The linear readout on top of a cell: y = W_hy h + b_y."""

from typing import NamedTuple

import numpy as np

from .. import _checks
from .tree import sum_to


class ReadoutParams(NamedTuple):
    """Parameters of the linear readout y = W_hy h + b_y, or their gradients.

    W_hy  (..., K, H)  hidden to output
    b_y   (..., K)     bias
    """

    W_hy: np.ndarray
    b_y: np.ndarray


def readout(params: ReadoutParams, h: np.ndarray) -> np.ndarray:
    """y = W_hy h + b_y.

    h        (..., B, H)
    returns  (..., B, K)
    errors   ValueError for shapes that do not fit, TypeError for kinds and dtypes
    """
    params, h = _check(params, h)
    return h @ params.W_hy.swapaxes(-1, -2) + params.b_y[..., None, :]


def readout_backward(params: ReadoutParams, h: np.ndarray, dy: np.ndarray) -> tuple[np.ndarray, ReadoutParams]:
    """Return dL/dh = dy W_hy and the gradients of W_hy and b_y, summed over the batch and every axis they lack.

    h        (..., B, H)  what the readout was given
    dy       (..., B, K)  dL/dy
    returns  dL/dh (..., B, H), and ReadoutParams shaped like params
    errors   as `readout`
    """
    params, h = _check(params, h)
    dy = _checks.array("dy", dy, ndim=2, finite=False)
    if dy.shape != (expected := (*h.shape[:-1], params.W_hy.shape[-2])):
        raise ValueError(f"dy has shape {dy.shape}, needs {expected}, the shape of the readout's output.")
    grads = ReadoutParams(sum_to(dy.swapaxes(-1, -2) @ h, params.W_hy.shape), sum_to(dy.sum(-2), params.b_y.shape))
    return dy @ params.W_hy, grads


def check_readout(params: ReadoutParams) -> ReadoutParams:
    """Return the parameters as arrays whose shapes fit together; ValueError or TypeError naming one that does not."""
    if not isinstance(params, ReadoutParams):
        raise TypeError(f"params is {type(params).__name__}, needs cells.ReadoutParams(W_hy, b_y).")
    W_hy, b_y = _checks.floating("W_hy", params.W_hy, ndim=2), _checks.floating("b_y", params.b_y, ndim=1)
    if b_y.shape[-1] != W_hy.shape[-2]:
        raise ValueError(f"b_y has shape {b_y.shape}, needs (..., {W_hy.shape[-2]}) to go with W_hy {W_hy.shape}.")
    _checks.leading(W_hy=W_hy.shape[:-2], b_y=b_y.shape[:-1])
    return ReadoutParams(W_hy, b_y)


def _check(params: ReadoutParams, h: np.ndarray) -> tuple[ReadoutParams, np.ndarray]:
    params, h = check_readout(params), _checks.array("h", h, ndim=2, finite=False)
    if h.shape[-1] != params.W_hy.shape[-1]:
        raise ValueError(f"h has shape {h.shape} but W_hy {params.W_hy.shape} takes (..., B, {params.W_hy.shape[-1]}).")
    _checks.leading(W_hy=params.W_hy.shape[:-2], b_y=params.b_y.shape[:-1], h=h.shape[:-2])
    return params, h
