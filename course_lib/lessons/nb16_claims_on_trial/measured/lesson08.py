"""Claims about clipping: what it saves, what it cannot do, and what else it needs."""

from __future__ import annotations

import functools

import numpy as np

from .... import initialise, losses, tasks, train, until_solved
from ...nb07_exploding import wall
from ...nb08_clipping import rescue, success
from .networks import arrived, left_at_first, thrown, wall_starts

UNITS, LENGTH, MEMBERS = 32, 40, 10


def claim_35() -> dict[str, float]:
    """The share of 180 starts on the wall that 600 updates with rate .3 bring below an error of .01.

    alone        without clipping
    norm, value  with the gradient clipped at .3, by its norm and entry by entry
    small        with a threshold of .03, by norm
    """
    w, b = start = wall_starts(6)
    limits = {"alone": np.inf, "norm": .3, "small": .03}
    shares = {name: arrived(rescue.descend(start, .3, limit)) for name, limit in limits.items()}
    for _ in range(rescue.UPDATES):
        dw, db = wall.evaluate(wall.Point(w, b)).grads
        w, b = w - .3 * np.clip(dw, -.3, .3), b - .3 * np.clip(db, -.3, .3)
    return shares | {"value": (wall.evaluate(wall.Point(w, b)).loss < rescue.SOLVED).mean()}


def claim_36() -> dict[str, float]:
    """Ten networks drawn as torch draws them name the first of 40 symbols, 500 updates clipped at .25; and the wall.

    right   the largest share of right answers of the ten; guessing gives one half
    left    the largest |dL/dh_1| / |dL/dh_40| of the ten, after training
    thrown  the share of 180 starts on the wall that end more than 20 away from the origin, clipped at .25
    """
    nets = _trained("uniform", 1.)
    return {"right": _right(nets).max(), "left": left_at_first(nets, *_fresh()).max(),
            "thrown": thrown(rescue.descend(wall_starts(6), .3, .25))}


def claim_40() -> dict[str, float]:
    """Temporal order at T = 20, 600 updates, 5 seeds: do at least three of the networks learn it (1) or not (0)?

    clipped    clipping alone, at the rate .1 that lesson 08 found best for it
    both       clipping and the regularizer, at its rate .2
    unclipped  the regularizer alone, mean over the rates .2, .1, .05 and .025
    same       the regularizer alone at the rate .2
    """
    def most_learn(rate, clip_norm, penalty):
        method = success.Method(rate, clip_norm, penalty)
        return success.one(method, 20, seeds=range(5), updates=600).solved.sum() >= 3

    alone = [most_learn(.2 / k, None, 4.) for k in [1, 2, 4, 8]]
    return {"clipped": most_learn(.1, 1., 0.), "both": most_learn(.2, 1., 4.), "unclipped": np.mean(alone),
            "same": alone[0]}


def claim_54() -> dict[str, float]:
    """Does clipping let networks learn whose gradient explodes, and those whose gradient vanishes?

    wall       share of 180 starts on the wall that descent clipped at .3 brings down
    chaos      1 if at least nine of ten tanh networks, Gaussian W_hh of gain 5, name the first of 40 symbols after 500
               updates in more than 95 %, else 0 (how many do depends on the last digits)
    vanishing  share of ten networks as torch draws them that do
    """
    return {"wall": arrived(rescue.descend(wall_starts(6), .3, .3)),
            "chaos": (_right(_trained("gaussian", 5.)) > .95).sum() >= 9,
            "vanishing": (_right(_trained("uniform", 1.)) > .95).mean()}


@functools.cache
def _trained(recurrent: str, gain: float):
    """Ten networks after 500 updates, rate .3, clipped at .25, on naming the first of 40 symbols."""
    nets = initialise.network(2, UNITS, 2, np.random.default_rng(0), recurrent, gain, .3, MEMBERS, output_gain=.3)
    data = np.random.default_rng(1)
    return train.train(nets, train.sequence_objective(losses.cross_entropy), lambda: tasks.recall(LENGTH, 20, data),
                       updates=500, optimiser=train.SGD(.3), clip_norm=.25, progress=False).params


def _fresh() -> tuple[np.ndarray, np.ndarray]:
    return tasks.recall(LENGTH, 500, np.random.default_rng(2))


def _right(nets) -> np.ndarray:
    return 1 - until_solved.error_rate(nets, *_fresh())
