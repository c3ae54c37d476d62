"""Claims about truncated backpropagation, and about what recurrent networks cost."""

from __future__ import annotations

import numpy as np

from .... import bptt, clipping, initialise, losses, tasks, train, until_solved
from ...nb10_truncated_bptt import windows
from .networks import seeded, left_at_first

STEPS = 1000


def claim_42(chunk: int = 100, read: int = STEPS, kind: str = "chunks") -> dict[str, float]:
    """One sequence of 1000 steps with a loss at each: full BPTT against chunks of 100, or windows of 100 for each loss.

    work  steps back over the whole sequence, truncated over full; `read` is how much of it is used
    wait  steps before the first update, truncated over full
    """
    back = windows.reaches(read, chunk, kind).sum() if kind == "window" else read
    return {"work": back / STEPS, "wait": chunk / STEPS}


def claim_69(chunk: int = 100) -> dict[str, float]:
    """The same chunks, run: states kept at a time over those of full BPTT.

    kept   largest share
    parts  forward passes into which the sequence is cut, each with the state carried and detached
    """
    params = initialise.rnn(4, 16, np.random.default_rng(0))
    x = np.random.default_rng(1).normal(size=(STEPS, 1, 4))
    full, chunks, state = bptt.forward(params, x), [], None
    for start in range(0, STEPS, chunk):
        chunks.append(bptt.forward(params, x[start:start + chunk], state))
        state = chunks[-1].h[-1]
    return {"kept": max(len(run.h) for run in chunks) / len(full.h), "parts": len(chunks)}


def claim_43(block: int = 0, lags: tuple = (6, 9, 12), updates: int = 300) -> dict[str, float]:
    """Lags of 6, 9 and 12 steps, learned through windows of 1 and 4 steps: percent of 30 networks that learn it.

    hold   one symbol is named, with noise after it
    delay  a stream of signs is said back, with new signs all the time
    """
    return {task: 100 * np.mean([windows.trial(task, lag, k, updates=updates, seed=1000 * block).solved
                                 for lag in lags for k in [1, 4]]) for task in windows.TASKS}


def claim_44(block: int = 0, window: int = 10, gains: tuple = (.8, .9, 1., 1.1),
             kinds: tuple = ("uniform", "gaussian", "orthogonal")) -> dict[str, float]:
    """60 tanh networks, three kinds of W_hh, four gains: what tells with a window of 10 steps that a gradient vanishes?

    told    percent told rightly by the factor a step inside the window: is less than 1e-3 left after 50 steps?
    vanish  percent in which less than 1e-3 is left
    norm    by how many percent the norm is changed, the median, by the window where the gradient vanishes; a loss at each step
    """
    x, rng = seeded(1, block).normal(size=(100, 1, 1)), seeded(2, block)
    rightly, vanish, change = [], [], []
    for kind in kinds:
        for gain in gains:
            run = bptt.forward(initialise.rnn(1, 32, seeded(0, block), kind, gain, .1, members=5), x)
            direct = rng.normal(size=run.h.shape)
            direct[0] = 0
            cut, whole = (clipping.global_norm(bptt.backward(run, direct, window=k).grads, (5,)) for k in [window, None])
            size = np.linalg.norm(bptt.backward(run, bptt.at_end(run, direct[-1])).dh, axis=-1)[::-1, :, 0]
            gone, last = size[50] / size[0] < 1e-3, window - 1
            rightly.append(((size[last] / size[0]) ** (50 / last) < 1e-3) == gone)
            vanish.append(gone)
            change.append(np.abs(cut / whole - 1)[gone])
    return {"told": 100 * np.mean(rightly), "vanish": 100 * np.mean(vanish), "norm": 100 * np.median(np.concatenate(change))}


def claim_74(block: int = 0, recurrent: str = "uniform", length: int = 40, window: int = 10) -> dict[str, float]:
    """Ten networks, W_hh by name, "uniform" as torch draws it, name the first of 40 symbols; Adam, 300 updates.

    full, cut  percent of right answers, the median of the ten: all steps back, and a window of 10; 50 is guessing
    near       the same with the window and 12 symbols, of which the untrained state still shows the first
    far        |dL/dh_1| / |dL/dh_40| before training, all steps back, the median; the window leaves 0
    """
    nets = initialise.network(2, 32, 2, seeded(0, block), recurrent, input_gain=.3, members=10)

    def right(length: int, k: int | None) -> float:
        data = seeded(1, block)
        run = train.train(nets, train.sequence_objective(losses.cross_entropy, window=k),
                          lambda: tasks.recall(length, 20, data), updates=300, optimiser=train.Adam(.001), clip_norm=1.,
                          progress=False)
        return 100 * np.median(1 - until_solved.error_rate(run.params, *tasks.recall(length, 500, seeded(2, block))))

    return {"full": right(length, None), "cut": right(length, window), "near": right(12, window),
            "far": np.median(left_at_first(nets, *tasks.recall(length, 500, seeded(2, block))))}


def claim_53(steps: int = STEPS, inputs: int = 64, units: int = 64) -> dict[str, float]:
    """Multiplications over 1000 steps with 64 inputs and 64 units, forward, and how many steps have to wait.

    dense      T H (D + H) of the RNN over T H D of a feed-forward layer at each step
    attention  the same over 3 T H D + 2 T^2 H of one layer of attention over all steps
    waiting    steps that have to come one after the other; in the other two none waits
    """
    params = initialise.rnn(inputs, units, np.random.default_rng(0))
    dense, recurrent = steps * params.W_xh.size, steps * params.W_hh.size
    attention = 3 * dense + 2 * steps * steps * len(params.W_hh)
    return {"dense": (dense + recurrent) / dense, "attention": (dense + recurrent) / attention, "waiting": steps}
