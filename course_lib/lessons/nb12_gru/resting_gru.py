"""A GRU left to itself, without input and biases: does its state go to rest, keep a value, or swing?"""

from __future__ import annotations

import numpy as np

from ... import _checks, bptt, cells


def resting_gru(W_hn: np.ndarray) -> cells.GRUParams:
    """Return a GRU without input and biases, whose gates are all 1/2; only W_hn (..., H, H) is not zero.

    errors  TypeError or ValueError for a W_hn that is not numbers of this shape
    """
    W_hn = _checks.array("W_hn", W_hn, ndim=2).astype(float)
    *lead, H, columns = W_hn.shape
    if H != columns:
        raise ValueError(f"W_hn has shape {W_hn.shape}, needs (..., H, H): every unit reads every unit.")
    W_hh = np.concatenate([np.zeros((*lead, 2 * H, H)), W_hn], axis=-2)
    return cells.GRUParams(np.zeros((*lead, 3 * H, 1)), W_hh, np.zeros((*lead, 3 * H)), np.zeros((*lead, H)))


def settle(W_hn: np.ndarray, start: float, steps: int) -> np.ndarray:
    """Return the states of that GRU from step 0 on, (steps + 1, ..., H), when every unit begins at `start`.

    errors  as `resting_gru`; TypeError or ValueError for a start or steps that cannot be used
    """
    params = resting_gru(W_hn)
    lead, H = params.b_hn.shape[:-1], params.b_hn.shape[-1]
    x = np.zeros((_checks.count("steps", steps), *(1,) * len(lead), 1, 1))
    return bptt.forward(params, x, np.full((*lead, 1, H), _checks.real("start", start))).h[..., 0, :]
