"""What lesson 03 settles: backpropagation through time."""

from __future__ import annotations

import numpy as np

from .... import bptt, gradcheck, initialise
from .networks import seeds


def claim_09(block: int = 0) -> dict[str, float]:
    """10 networks unrolled into 60 layers, each with a copy of W_hh whose gradient the complex step finds.

    terms_agree  for how many of 10 times 59 copies it is dL/da_t h_{t-1}^T to 1e-9 (the first multiplies h_0 = 0)
    sums_agree   in how many networks bptt.backward gives the sum of these gradients
    """
    terms_agree = sums_agree = 0
    for seed in seeds(block):
        rng = np.random.default_rng(seed)
        params, x, v = initialise.rnn(2, 2, rng, gain=.9), rng.normal(size=(60, 1, 2)), rng.normal(size=2)

        def last_state(copies):
            h = np.zeros((1, 2))
            for W_t, x_t in zip(copies, x):
                h = np.tanh(x_t @ params.W_xh.T + h @ W_t.T + params.b_h)
            return (h * v).sum()

        layers = gradcheck.complex_step(last_state, np.stack([params.W_hh] * 60))
        run = bptt.forward(params, x)
        back = bptt.backward(run, bptt.at_end(run, v))
        terms = np.einsum("tbi,tbj->tij", back.da, run.h[:-1])
        terms_agree += (gradcheck.relative_error(terms[1:], layers[1:]) < 1e-9).sum()
        sums_agree += gradcheck.relative_error(back.grads.W_hh, layers.sum(0), axis=None) < 1e-9
    return {"terms_agree": terms_agree, "sums_agree": sums_agree}
