"""The largest exponent of random networks: whether a gradient shrinks or grows in the long run, and by how much."""

from __future__ import annotations

import numpy as np

from ... import bptt, cells, initialise, jacobians


def largest_exponent(gain: float, seed: int, hidden: int = 256, T: int = 400, skip: int = 100,
                     drive: float = 0.) -> float:
    """The largest exponent of a random tanh network: how a gradient changes a step on its way back, in nats.

    gain    W_hh has independent normal entries of standard deviation gain / sqrt(hidden); no bias
    seed    of the weights, of the state h_0, of the gradient at the end and of the inputs, all normal
    T       steps that count; `skip` more before them let the state settle, and `skip` after them the gradient
    drive   standard deviation of the input to each unit
    """
    rng = np.random.default_rng(seed)
    W, v, h0 = initialise.gaussian((hidden, hidden), rng, gain), rng.normal(size=hidden), rng.normal(size=(1, hidden))
    x = np.zeros((T + 2 * skip, 1, hidden))
    if drive:
        x += drive * rng.normal(size=x.shape)
    run = bptt.forward(cells.RNNParams(np.eye(hidden), W, np.zeros(hidden)), x, h0)
    logs = jacobians.log_gradient_norms(run, v)[:, 0]
    return float(logs[skip] - logs[skip + T]) / T
