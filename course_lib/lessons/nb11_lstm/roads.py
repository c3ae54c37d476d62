"""What is left of a gradient by distance in networks before training: by all ways, and by the keeping gates alone."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ... import bptt, cells, initialise
from ...activations import sigmoid

INPUTS, UNITS = 6, 32


def half_life(bias: float) -> float:
    """Return the steps k after which s(bias)^k is one half."""
    return float(np.log(.5) / np.log(sigmoid(np.float64(bias))))


def default_lstm(seed: int, units: int = UNITS, *, forget_bias: float | None = None, chrono: int | None = None,
                 scale: float = 1.) -> cells.LSTMParams:
    """Return an LSTM with 6 inputs as torch draws it, after some changes.

    forget_bias  what b_f is set to
    chrono       T_max, the longest distance: b_f and b_i are set as initialise.lstm sets them
    scale        what W_hh is multiplied by
    errors       ValueError for both biases at once
    """
    rng = np.random.default_rng(seed)
    params = initialise.torch_default(INPUTS, units, rng, "lstm")
    b_i, b_f, *_ = np.split(params.b_h, 4)  # views
    if chrono is not None:
        if forget_bias is not None:
            raise ValueError(f"forget_bias is {forget_bias}, chrono is {chrono}: both set b_f. Leave one of them out.")
        b_f[...] = initialise.chrono_bias(b_f.shape, rng, chrono)
        b_i[...] = -b_f
    elif forget_bias is not None:
        b_f[...] = forget_bias
    return params._replace(W_hh=scale * params.W_hh)


def default_gru(seed: int, units: int = UNITS, *, keep_bias: float | None = None) -> cells.GRUParams:
    """Return a GRU with 6 inputs as torch draws it; then b_z is set to keep_bias, if that is a number."""
    params = initialise.torch_default(INPUTS, units, np.random.default_rng(seed), "gru")
    if keep_bias is not None:
        np.split(params.b_h, 3)[1][...] = keep_bias
    return params


def by_distance(run: bptt.Run, v: np.ndarray | float = 1.) -> np.ndarray:
    """Return log10 of |dL/ds_t| over |dL/ds_T| by the distance T - t; s is the state that the cell keeps, c or h.

    v        dL/ds_T, anything that broadcasts to (..., B, H); the loss reads s_T alone
    returns  (T + 1, ...), sizes averaged over the sequences; -inf where a gradient is exactly zero
    errors   as bptt.at_end
    """
    direct = bptt.at_end(run, v)
    if isinstance(run.params, cells.LSTMParams):
        ds = bptt.backward(run, np.zeros_like(run.h), dc_direct=direct).dc
    else:
        ds = bptt.backward(run, direct).dh
    return _log_sizes(ds[::-1])


class Roads(NamedTuple):
    """log10 of what is left by distance (T + 1,): by all ways, and by the gates alone."""

    full: np.ndarray
    alone: np.ndarray


def roads(params: cells.LSTMParams | cells.GRUParams, x: np.ndarray, seed: int = 0) -> Roads:
    """Carry a gradient back from the end: by all ways, and by the product of the keeping gates, f or z, alone.

    params   of one network
    x        (T, B, D)
    seed     of the gradient at the end, normal, dL/dc_T of an LSTM and dL/dh_T of a GRU
    returns  Roads
    errors   TypeError for cells without a gate that keeps
    """
    if not isinstance(params, (cells.LSTMParams, cells.GRUParams)):
        raise TypeError(f"params is {type(params).__name__}, needs cells.LSTMParams or cells.GRUParams: the others "
                        f"have no gate f or z that keeps the state.")
    run = bptt.forward(params, x)
    gate = run.f if isinstance(params, cells.LSTMParams) else run.z
    v = np.random.default_rng(seed).normal(size=run.h[-1].shape)
    kept = np.concatenate([np.ones_like(gate[:1]), np.cumprod(gate[::-1], axis=0)])
    return Roads(by_distance(run, v), _log_sizes(kept * v))


def _log_sizes(ds: np.ndarray) -> np.ndarray:
    size = np.linalg.norm(ds, axis=-1).mean(-1)
    with np.errstate(divide="ignore"):
        return np.log10(size / size[0])
