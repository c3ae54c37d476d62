"""A GRU left to itself, without input and biases: does its state go to rest, keep a value, or swing?"""

from __future__ import annotations

import numpy as np

from ... import _checks, bptt, cells


def resting_gru(W_hn: np.ndarray, W_hr: np.ndarray | float = 0., W_hz: np.ndarray | float = 0.) -> cells.GRUParams:
    """Return a GRU without input and biases; as long as only W_hn is not zero, its gates are all 1/2.

    W_hn        (..., H, H)
    W_hr, W_hz  numbers or arrays that fit it
    errors      TypeError or ValueError for what is not numbers of these shapes
    """
    W_hn = _checks.array("W_hn", W_hn, ndim=2).astype(float)
    *lead, H, columns = W_hn.shape
    if H != columns:
        raise ValueError(f"W_hn has shape {W_hn.shape}, needs (..., H, H): every unit reads every unit.")
    W_hr, W_hz = (_checks.broadcast(name, W, W_hn.shape, f"to fit W_hn, {W_hn.shape}")
                  for name, W in (("W_hr", W_hr), ("W_hz", W_hz)))
    W_hh = np.concatenate([W_hr, W_hz, W_hn], axis=-2)
    return cells.GRUParams(np.zeros((*lead, 3 * H, 1)), W_hh, np.zeros((*lead, 3 * H)), np.zeros((*lead, H)))


def settle(W_hn: np.ndarray, start: float, steps: int, W_hr: np.ndarray | float = 0.,
           W_hz: np.ndarray | float = 0.) -> np.ndarray:
    """Return the states of that GRU from step 0 on, (steps + 1, ..., H), when every unit begins at `start`.

    errors  as `resting_gru`; TypeError or ValueError for a start or steps that cannot be used
    """
    params = resting_gru(W_hn, W_hr, W_hz)
    lead, H = params.b_hn.shape[:-1], params.b_hn.shape[-1]
    x = np.zeros((_checks.count("steps", steps), *(1,) * len(lead), 1, 1))
    return bptt.forward(params, x, np.full((*lead, 1, H), _checks.real("start", start))).h[..., 0, :]
