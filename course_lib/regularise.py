"""The regulariser of Pascanu, Mikolov and Bengio 2013: keep the gradient's size from one step back to the next."""

from typing import NamedTuple

import numpy as np

from . import _checks, activations, bptt, cells


class Penalty(NamedTuple):
    """value (...): the penalty of each member, a mean over steps and sequences; dW_hh (..., H, H): its gradient."""

    value: np.ndarray
    dW_hh: np.ndarray


def vanishing_gradient(back: bptt.Back, form: str = "squares") -> Penalty:
    """Omega = mean over t, b of (r_t - 1)^2, where r_t compares the gradient before and after a step back.

        v_t = dL/da_t,  u_t = f'(a_{t-1}) * W_hh^T v_t,  r_t = |u_t|^2 / |v_t|^2  ("squares")  or  |u_t| / |v_t|  ("norms")
        dOmega/dW_hh = mean of 4 (r_t - 1) v_t (f'(a_{t-1}) * u_t)^T / |v_t|^2,  for norms 2 (r_t - 1) ... / (|u_t| |v_t|)

    v_t and a_{t-1} are held fixed: this is the immediate derivative that the paper takes, so that a penalty costs two
    matrix products. The paper defines Omega with norms (its equation 9) and differentiates squared norms (equation 10),
    as the authors' code does. Both are zero where r_t = 1. Steps at which no gradient arrives (v_t = 0) count as 0.

    back     what bptt.backward returned, for a simple network (RNNParams)
    form     "squares" or "norms"
    returns  Penalty
    errors   TypeError if back is not a Back or another cell's; ValueError for another form or a single step
    """
    if not isinstance(back, bptt.Back):
        raise TypeError(f"back is {type(back).__name__}, needs what bptt.backward returned.")
    _checks.choice("form", form, ("squares", "norms"))
    if not isinstance(back.run.params, cells.RNNParams):
        raise TypeError(f"back is of {type(back.run.params).__name__}, the penalty is that of a simple RNN: "
                        f"cells.RNNParams.")
    run, W = back.run, back.run.params.W_hh
    if len(back.da) < 2:
        raise ValueError("the run has a single step: there is no step back from one state to another to compare.")
    v = back.da[1:]
    slope = activations.get(run.activation).derivative_from_output(run.h[1:-1])
    largest = np.abs(v).max(-1, keepdims=True)
    arrives = largest > 0
    v = v / np.where(arrives, largest, 1)  # only ratios count, and squares of 1e-30 are 0 in float32
    u = v @ W
    u *= slope
    vv, uu = np.where(arrives, np.vecdot(v, v)[..., None], 1), np.vecdot(u, u)[..., None]
    if form == "squares":
        ratio, scale = uu / vv, 4 / vv
    else:
        ratio = np.sqrt(uu / vv)
        scale = 2 / np.where(uu > 0, np.sqrt(uu) * np.sqrt(vv), np.inf)
    count = v.shape[0] * v.shape[-2]
    weight = np.where(arrives, scale * (ratio - 1), 0) / count
    v *= weight  # both are ours, and large: fresh memory would cost more than the products
    u *= slope
    dW = cells.rows(v).swapaxes(-1, -2) @ cells.rows(u)
    value = np.where(arrives, (ratio - 1) ** 2, 0).sum((0, -2, -1)) / count
    return Penalty(value, cells.sum_to(dW.astype(W.dtype, copy=False), W.shape))
