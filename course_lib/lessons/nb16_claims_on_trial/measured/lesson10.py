"""Claims about truncated backpropagation, and about what recurrent networks cost."""

from __future__ import annotations

import numpy as np

from .... import bptt, clipping, initialise
from ...nb10_truncated_bptt import windows

STEPS, CHUNK = 1000, 100


def claim_42() -> dict[str, float]:
    """One sequence of 1000 steps with a loss at each: full BPTT against chunks of 100 and windows of 100 for each loss.

    work    steps back over the whole sequence, chunks over full
    window  the same, windows over full
    wait    steps before the first update, chunks over full
    kept    states kept at a time, chunks over full
    parts   forward passes into which the sequence is cut, each with the state carried and detached
    """
    params = initialise.rnn(4, 16, np.random.default_rng(0))
    x = np.random.default_rng(1).normal(size=(STEPS, 1, 4))
    full, chunks, state = bptt.forward(params, x), [], None
    for start in range(0, STEPS, CHUNK):
        chunks.append(bptt.forward(params, x[start:start + CHUNK], state))
        state = chunks[-1].h[-1]
    steps = [len(bptt.backward(run, run.h).da) for run in [full, *chunks]]
    return {"work": sum(steps[1:]) / steps[0], "window": windows.reaches(STEPS, CHUNK, "window").sum() / steps[0],
            "wait": CHUNK / STEPS, "kept": len(chunks[0].h) / len(full.h), "parts": len(chunks)}


def claim_43() -> dict[str, float]:
    """Lags of 6, 9 and 12 steps, learned through windows of 1 and 4 steps: share of 30 networks that learn it.

    hold   one symbol is named, with noise after it
    delay  a stream of signs is said back, with new signs all the time
    """
    return {task: np.mean([windows.trial(task, lag, k).solved for lag in [6, 9, 12] for k in [1, 4]])
            for task in windows.TASKS}


def claim_44() -> dict[str, float]:
    """60 tanh networks, three kinds of W_hh, four gains: what tells with a window of 10 steps that a gradient vanishes?

    told    share told correctly by the factor a step inside the window: is less than 1e-3 left after 50 steps?
    vanish  share in which less than 1e-3 is left
    norm    the largest relative change of the norm by the window where the gradient vanishes; a loss at each step
    """
    x, rng = np.random.default_rng(1).normal(size=(100, 1, 1)), np.random.default_rng(2)
    rightly, vanish, change = [], [], []
    for kind in ["uniform", "gaussian", "orthogonal"]:
        for gain in [.8, .9, 1., 1.1]:
            run = bptt.forward(initialise.rnn(1, 32, np.random.default_rng(0), kind, gain, .1, members=5), x)
            direct = rng.normal(size=run.h.shape)
            direct[0] = 0
            cut, whole = (clipping.global_norm(bptt.backward(run, direct, window=k).grads, (5,)) for k in [10, None])
            size = np.linalg.norm(bptt.backward(run, bptt.at_end(run, direct[-1])).dh, axis=-1)[::-1, :, 0]
            gone = size[50] / size[0] < 1e-3
            rightly.append(((size[9] / size[0]) ** (50 / 9) < 1e-3) == gone)
            vanish.append(gone)
            change.append(np.abs(cut / whole - 1)[gone])
    return {"told": np.mean(rightly), "vanish": np.mean(vanish), "norm": np.concatenate(change).max()}


def claim_53() -> dict[str, float]:
    """Multiplications over 1000 steps with 64 inputs and 64 units, forward, and how many steps have to wait.

    dense      T H (D + H) of the RNN over T H D of a feed-forward layer at each step
    attention  the same over 3 T H D + 2 T^2 H of one layer of attention over all steps
    backward   the RNN's way back over its way forward: T H H + T H (D + H)
    waiting    steps that have to come one after the other; in the other two none waits
    """
    params, T = initialise.rnn(64, 64, np.random.default_rng(0)), STEPS
    dense, recurrent = T * params.W_xh.size, T * params.W_hh.size
    forward, attention = dense + recurrent, 3 * dense + 2 * T * T * len(params.W_hh)
    return {"dense": forward / dense, "attention": forward / attention, "backward": (forward + recurrent) / forward,
            "waiting": T}
