"""Claims about cures that change the start, the wiring, the loss or the step."""

from __future__ import annotations

import numpy as np

from .... import bptt, initialise, losses, tasks, train
from ....activations import sigmoid
from ...nb07_exploding import wall
from ...nb08_clipping import rescue
from ...nb09_initialization_and_other_cures import contest
from .networks import EXPLODED, seeded, left, seeds, thrown, wall_starts

MATRICES = "uniform", "gaussian", "orthogonal", "identity", "sparse"


def claim_37(block: int = 0, slow: float = .03, rate: float = 1e-4, scale: float = 1., gain: float = 1.1,
             wall_steps: int = 50) -> dict[str, float]:
    """Small rate, scaled targets and squared error, on the wall and in linear networks with W_hh = 1.1 Q, T = 50.

    fast, slow       percent of 90 starts on the wall thrown more than 20 away: rate .3 and 300 updates, .03 and 3000
    uncured, cured   percent of 5 linear networks that diverge: rate .01 and targets around 100, .0001 and around 1
    growth           |dL/dh_0| / |dL/dh_50| with these small targets, the least of the five
    """
    at_fast, at_slow = (100 * thrown(rescue.descend(wall_starts(3, block), *each, T=wall_steps))
                        for each in [(.3, np.inf, 300), (slow, np.inf, int(90 / slow))])
    growths, diverged = [], {"uncured": [], "cured": []}
    for seed in seeds(block, 5):
        rng = np.random.default_rng(seed)
        net = initialise.network(2, 16, 1, rng, gain=gain, input_gain=.01)
        back = bptt.loss_and_grads(net, *tasks.adding(50, 20, rng), losses.mean_squared_error, activation="linear").back
        size = np.linalg.norm(back.dh, axis=(1, 2))
        growths.append(size[0] / size[-1])
        diverged["uncured"].append(_diverges(net, rng, rate=.01, scale=100.))
        diverged["cured"].append(_diverges(net, rng, rate=rate, scale=scale))
    return {"fast": at_fast, "slow": at_slow, "uncured": 100 * np.mean(diverged["uncured"]),
            "cured": 100 * np.mean(diverged["cured"]), "growth": np.min(growths)}


def claim_38(block: int = 0, kinds: tuple = MATRICES, steps: int = 50) -> dict[str, float]:
    """Five ways to draw W_hh, ten tanh networks of 32 units each: by how many decades the best and the worst differ.

    vanish  in |dL/dh_0| / |dL/dh_50|, medians; inputs of size .1
    """
    x = .1 * seeded(1, block).normal(size=(steps, 1, 6))
    decades = [np.median(np.log10(left(initialise.rnn(6, 32, seeded(0, block), kind, members=10), x))) for kind in kinds]
    return {"vanish": np.ptp(decades)}


def claim_79(block: int = 0, one: float = 1., two: float = 2.) -> dict[str, float]:
    """Five ways to draw W_hh, forty tanh networks of 32 units each, inputs of size .1: how many explode?

    one, two            by how many percent the way with most and the one with fewest differ, at gain one and at two
    orthogonal, usual   percent of the orthogonal ones at gain two, and of those as torch draws them
    """
    x, shares = .1 * seeded(1, block).normal(size=(60, 1, 6)), {}
    for gain in [one, two]:
        nets = [initialise.rnn(6, 32, seeded(0, block), kind, gain, members=40) for kind in MATRICES]
        shares[gain] = {kind: 100 * (left(each, x) > EXPLODED).mean() for kind, each in zip(MATRICES, nets)}
    apart = {name: np.ptp(list(shares[gain].values())) for name, gain in [("one", one), ("two", two)]}
    return apart | {"orthogonal": shares[two]["orthogonal"], "usual": shares[two]["uniform"]}


def claim_39(block: int = 0, recurrent: str = "uniform", gain: float = 1., T: int = 50) -> dict[str, float]:
    """|dL/dh_0| / |dL/dh_50| before training, torch's default W_hh, medians of 10 seeds; inputs of temporal order.

    plain     h_t = f(a_t)
    leak      h_t = .9 h_{t-1} + .1 f(a_t)
    residual  h_t = h_{t-1} + .1 f(a_t)
    skip      h_t = (h_{t-5} + f(a_t)) / 2
    """
    entries = {"plain": "uniform, tanh", "leak": "uniform + leak .9", "residual": "uniform + residual .1",
               "skip": "uniform + skip 5"}
    return {name: np.median(contest.gradient_left(contest.ENTRIES[entry]._replace(recurrent=recurrent, gain=gain), T=T,
                                                  seeds=seeds(block))) for name, entry in entries.items()}


def claim_41(block: int = 0, damping: float = .01) -> dict[str, float]:
    """The step d that minimizes g d + |d|^2 / (2 rate) + damping |J d|^2 / 2, J = dh/dtheta, on the wall; rate .3.

    plain, damped  percent of 90 starts in which one of 300 updates moves a state by more than 1: damping 0 and .01
    largest        the largest move of a state in all of them, damping .01
    """
    plain, damped = (_largest_moves(*wall_starts(3, block), each) for each in [0., damping])
    return {"plain": 100 * (plain > 1).mean(), "damped": 100 * (damped > 1).mean(), "largest": damped.max()}


def _diverges(net, rng: np.random.Generator, rate: float, scale: float) -> bool:
    """Whether 500 updates on adding, targets times scale, end in numbers that are not finite."""
    def batch():
        x, target = tasks.adding(50, 20, rng)
        return x, scale * target

    try:
        train.train(net, train.sequence_objective(losses.mean_squared_error, activation="linear"), batch, updates=500,
                    optimiser=train.SGD(rate), progress=False)
    except train.Diverged:
        return True
    return False


def _largest_moves(w: np.ndarray, b: np.ndarray, damping: float) -> np.ndarray:
    """How far one of 300 updates moves a state at most, for each start."""
    def states(w, b):
        x = [np.full(np.shape(w + b), wall.START, np.result_type(w, b))]
        for _ in range(50):
            x.append(w * sigmoid(x[-1]) + b)
        return np.array(x)

    largest = np.zeros_like(w)
    for _ in range(300):
        g = np.stack(wall.evaluate(wall.Point(w, b)).grads, axis=-1)
        J = np.stack([states(w + 1e-100j, b).imag, states(w, b + 1e-100j).imag], axis=-1) / 1e-100
        A = np.eye(2) / .3 + damping * np.einsum("tei,tej->eij", J, J)
        dw, db = -np.linalg.solve(A, g[..., None])[..., 0].T
        largest = np.maximum(largest, np.abs(states(w + dw, b + db) - states(w, b)).max(0))
        w, b = w + dw, b + db
    return largest
