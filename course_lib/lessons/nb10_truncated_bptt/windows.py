"""What a truncated gradient reaches, and what networks learn from it: window against lag.

    for (task, lag, window), trial in parallel.runs(windows.trial, windows.settings()):
        print(task, lag, window, trial.solved.sum())

20 tanh units with an orthogonal W_hh, Adam with rate .01, clipping at norm 1. A network has solved its task once its
error on 200 sequences is below 2 %.
"""

from __future__ import annotations

from itertools import product
from typing import NamedTuple

import numpy as np

from ... import bptt, cells, clipping, initialise, losses, tasks, train, until_solved
from ..._checks import choice, count, generator

KINDS = "window", "chunks"
TASKS = "hold", "delay"
LAGS, WINDOWS, MEMBERS = (3, 6, 9, 12), (1, 2, 4, 7, 10, 13), 5
HIDDEN, LENGTH, BATCH = 20, 20, 10  # LENGTH: of the sequences of "delay"


def delay(lag: int, T: int, batch: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Say back at each step what was read `lag` steps ago, while new signs come in: nothing may be held for good.

    lag      steps between reading and saying, 0 ... T - 1
    returns  x (T, batch, 1): -1 or 1; target (T, batch, 1): x[t - lag], and 0 for the first `lag` steps
    errors   TypeError and ValueError as those of `tasks`, and ValueError for a lag that is not below T
    source   after the memory task of Jaeger 2002, "Short term memory in echo state networks"
    """
    T, batch, lag = count("T", T), count("batch", batch), count("lag", lag, 0)
    if lag >= T:
        raise ValueError(f"lag is {lag}, needs to be below T, {T}: no step would have a target.")
    x = generator(rng).choice([-1.0, 1.0], size=(T, batch, 1))
    target = np.zeros_like(x)
    target[lag:] = x[:T - lag]
    return x, target


def reaches(T: int, k: int, kind: str) -> np.ndarray:
    """Whether the loss of step s (rows) reaches step t (columns), s, t = 1 ... T: (T, T) bool.

    kind    "window": each loss looks back k steps, t > s - k; "chunks": to the start of its chunk of k steps
    errors  ValueError for another kind; TypeError or ValueError for a T or k that is not a whole number above 0
    """
    choice("kind", kind, KINDS)
    s, t = np.ogrid[:count("T", T), :T]
    k = count("k", k)
    return (t <= s) & (t > s - k if kind == "window" else t >= s // k * k)


class WindowResult(NamedTuple):
    """What became of an ensemble: each of shape (members,).

    solved  whether the error fell below 2 %
    error   as last measured
    cosine  between the truncated and the full gradient of the recurrent parameters, before training
    """

    solved: np.ndarray
    error: np.ndarray
    cosine: np.ndarray


def settings() -> list[tuple[str, int, int]]:
    """Return all (task, lag, window) of the map."""
    return list(product(TASKS, LAGS, WINDOWS))


def new_networks(task: str, members: int = MEMBERS, seed: int = 0) -> cells.NetworkParams:
    """Return the networks of a task as an ensemble, before training; ValueError for another task."""
    outputs = {"hold": 2, "delay": 1}[choice("task", task, TASKS)]
    return initialise.network(outputs, HIDDEN, outputs, np.random.default_rng(seed), input_gain=.3, members=members)


def trial(task: str, lag: int, window: int, members: int = MEMBERS, updates: int = 300, seed: int = 0) -> WindowResult:
    """Train an ensemble with truncated gradients.

    task     "hold": a symbol is named `lag` steps after it was read, with noise between (tasks.recall);
             "delay": a stream of signs is said back `lag` steps later, at every step
    window   steps that each loss looks back; the step it asks for is reached if window > lag
    updates  at most this many; the error is measured every 50
    seed     of the networks; seed + 1 and seed + 2 draw the sequences
    errors   TypeError or ValueError for another task or a bad number; KeyboardInterrupt goes on to the caller
    """
    nets = new_networks(task, members, seed)
    count("lag", lag), count("window", window)
    hold = task == "hold"
    rule = (losses.cross_entropy, "last") if hold else (losses.mean_squared_error, "every")

    def draw(batch, rng):
        return tasks.recall(lag + 1, batch, rng) if hold else delay(lag, LENGTH, batch, rng)

    x, target = draw(200, np.random.default_rng(seed + 1))

    def error(params):
        if hold:
            return until_solved.error_rate(params, x, target)
        y = cells.readout(params.readout, bptt.forward(params.rnn, x).h[1 + lag:])
        return (y * target[lag:, None] <= 0).mean((0, 2, 3))

    near, full = (bptt.loss_and_grads(nets, x, target, *rule, window=k).grads.rnn for k in (window, None))
    cosine = np.cos(np.radians(clipping.angle(near, full, lead=(members,))))
    rng = np.random.default_rng(seed + 2)
    result = until_solved.raise_if_interrupted(until_solved.until_solved(
        nets, train.sequence_objective(*rule, window=window), lambda: draw(BATCH, rng), error, updates=updates,
        below=.02, every=50, optimiser=train.Adam(.01), clip_norm=1., progress=False))
    return WindowResult(result.solved, result.error, cosine)


def unreadable(nets: cells.NetworkParams, lag: int) -> np.ndarray:
    """What the states of "delay" do not tell: the share of signs that a readout fitted by least squares gets wrong.

    nets     an ensemble; its own readout is not used
    lag      how many steps ago the sign was read
    returns  (members,); on 200 sequences, the readout is fitted on 400 others
    """
    x, sign = delay(lag, LENGTH, 600, np.random.default_rng(5))
    states = bptt.forward(nets.rnn, x).h[1 + lag:]
    told = np.concatenate([states, np.ones_like(states[..., :1])], axis=-1).swapaxes(0, 1)  # (E, T - lag, B, H + 1)
    sign = sign[lag:, :, 0]
    wrong = []
    for member in told:
        fitted = np.linalg.lstsq(member[:, :400].reshape(-1, HIDDEN + 1), sign[:, :400].ravel())[0]
        wrong.append((member[:, 400:] @ fitted * sign[:, 400:] <= 0).mean())
    return np.array(wrong)
