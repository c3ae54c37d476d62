"""Claims about clipping: what it saves, what it cannot do, and what else it needs."""

from __future__ import annotations

import functools

import numpy as np

from .... import initialise, losses, tasks, train, until_solved
from ...nb07_exploding import wall
from ...nb08_clipping import rescue, success
from .networks import arrived, seeded, left_at_first, seeds, thrown, wall_starts

UNITS, LENGTH, MEMBERS = 32, 40, 10


def claim_35(block: int = 0, rate: float = .3, max_norm: float = .3, small: float = .03) -> dict[str, float]:
    """Percent of 180 starts on the wall that 600 updates with rate .3 bring below an error of .01.

    alone        without clipping
    norm, value  with the gradient clipped at .3, by its norm and entry by entry
    small        with a threshold of .03, by norm
    """
    w, b = start = wall_starts(6, block)
    limits = {"alone": np.inf, "norm": max_norm, "small": small}
    shares = {name: arrived(rescue.descend(start, rate, limit)) for name, limit in limits.items()}
    for _ in range(rescue.UPDATES):
        dw, db = wall.evaluate(wall.Point(w, b)).grads
        w, b = w - rate * np.clip(dw, -max_norm, max_norm), b - rate * np.clip(db, -max_norm, max_norm)
    shares["value"] = (wall.evaluate(wall.Point(w, b)).loss < rescue.SOLVED).mean()
    return {name: 100 * share for name, share in shares.items()}


def claim_36(block: int = 0, recurrent: str = "uniform", length: int = LENGTH) -> dict[str, float]:
    """Ten networks drawn as torch draws them name the first of 40 symbols, 500 updates clipped at .25; and the wall.

    right   percent of right answers, the best of the ten; guessing gives 50
    left    the largest |dL/dh_1| / |dL/dh_40| of the ten, after training
    thrown  percent of 180 starts on the wall that end more than 20 away from the origin, clipped at .25
    """
    nets = _trained(recurrent, 1., block, length)
    return {"right": 100 * _right(nets, block, length).max(), "left": left_at_first(nets, *_fresh(block, length)).max(),
            "thrown": 100 * thrown(rescue.descend(wall_starts(6, block), .3, .25))}


def claim_40(block: int = 0, T: int = 20, updates: int = 400) -> dict[str, float]:
    """Temporal order at T = 20, 400 updates, 20 networks: with clipping alone, at the rate .1 that lesson 08 found best
    for it, and with clipping and the regularizer, at its rate .2. 1 or 0, for single networks hang on the processor.

    most          more than half learn it with both
    apart, close  a quarter of the networks more, and less than a twentieth more, than with clipping alone
    """
    clipped, both = (success.one(success.Method(*each), T, seeds(block, 20), updates).solved.mean()
                     for each in [(.1, 1.), (.2, 1., 4.)])
    return {"most": both > .5, "apart": both - clipped > .25, "close": both - clipped < .05}


def claim_68(block: int = 0, rates: tuple = (.2, .1, .05), penalty: float = 4.) -> dict[str, float]:
    """Temporal order at T = 20, 600 updates: how many of 5 networks learn it with the regularizer, without clipping?

    fast, slow  at the largest of the rates and at the smallest
    alone       percent at all of the rates
    """
    learned = [_learn(block, rate, None, penalty) for rate in rates]
    return {"fast": learned[0], "slow": learned[-1], "alone": 20 * np.mean(learned)}


def claim_54(block: int = 0, mild: float = 2., strong: float = 5., vanishing: float = 1.) -> dict[str, float]:
    """Does clipping at .25 let networks learn whose gradient explodes, and those whose gradient vanishes?

    mild, strong  percent of ten tanh networks, Gaussian W_hh of gain 2 and 5, that name the first of 40 symbols after
                  500 updates in more than 95 %
    vanishing     percent of ten networks as torch draws them, times a gain, that do
    """
    return {name: 100 * (_right(_trained(kind, gain, block, LENGTH), block, LENGTH) > .95).mean()
            for name, kind, gain in [("mild", "gaussian", mild), ("strong", "gaussian", strong),
                                     ("vanishing", "uniform", vanishing)]}


def claim_72(block: int = 0, mild: float = 2., strong: float = 5., max_norm: float = .3) -> dict[str, float]:
    """Has clipping settled explosion? The chaotic networks of claim 54, and the wall.

    wall          percent of 180 starts on the wall that descent clipped at .3 brings down
    mild, strong  percent of ten networks that learn
    """
    found = claim_54(block, mild, strong)
    return {"wall": 100 * arrived(rescue.descend(wall_starts(6, block), .3, max_norm)),
            "mild": found["mild"], "strong": found["strong"]}


def claim_75(block: int = 0, small: float = .1, large: float = 1., before: int = 0) -> dict[str, float]:
    """A penalty decay |W_hh|^2 / 2, networks of 24 units that name the first of 20 symbols; 200 updates, rate .05.

    plain                     percent of 16 networks, linear of gain 1.5 and ReLU of gain 3, orthogonal W_hh, that end in
                              numbers that are not finite without a penalty
    saved_small, saved_large  by how many points fewer with these decays; below 0: more
                              `before`: updates by the penalty alone, before the task is seen
    memory, left              percent of 8 tanh networks of gain 1 that learn without a penalty, and with the larger one
    """
    def broken(decay):
        return np.mean([_decayed(block, *kind, decay, before)[0] for kind in [("linear", 1.5), ("relu", 3.)]])

    return {"plain": broken(0.), "saved_small": broken(0.) - broken(small), "saved_large": broken(0.) - broken(large),
            "memory": _decayed(block, "tanh", 1., 0.)[1], "left": _decayed(block, "tanh", 1., large)[1]}


@functools.cache
def _decayed(block: int, activation: str, gain: float, decay: float, before: int = 0) -> tuple[float, float]:
    """Percent of 8 networks that are not finite, and that have learned."""
    plain, ended = train.sequence_objective(losses.cross_entropy, activation=activation), []

    def objective(network, x, target):
        found = plain(network, x, target)
        rnn = found.grads.rnn
        return found._replace(grads=found.grads._replace(rnn=rnn._replace(W_hh=rnn.W_hh + decay * network.rnn.W_hh)))

    for seed in seeds(block, 8):
        rng = np.random.default_rng(seed)
        network = initialise.network(2, 24, 2, rng, gain=gain * (1 - .05 * decay)**before)
        try:
            run = train.train(network, objective, lambda: tasks.recall(20, 20, rng), updates=200,
                              optimiser=train.SGD(.05), progress=False)
            ended.append(run.history.loss[-50:].mean())
        except train.Diverged:
            ended.append(np.inf)
    return 100 * np.mean(~np.isfinite(ended)), 100 * np.mean(np.array(ended) < .05)


@functools.cache
def _learn(block: int, rate: float, clip_norm: float | None, penalty: float) -> int:
    method = success.Method(rate, clip_norm, penalty)
    return success.one(method, T=20, seeds=seeds(block, 5), updates=600).solved.sum()


@functools.cache
def _trained(recurrent: str, gain: float, block: int, length: int):
    """Ten networks after 500 updates, rate .3, clipped at .25, on naming the first of 40 symbols."""
    nets = initialise.network(2, UNITS, 2, seeded(0, block), recurrent, gain, .3, MEMBERS, output_gain=.3)
    data = seeded(1, block)
    return train.train(nets, train.sequence_objective(losses.cross_entropy), lambda: tasks.recall(length, 20, data),
                       updates=500, optimiser=train.SGD(.3), clip_norm=.25, progress=False).params


def _fresh(block: int, length: int) -> tuple[np.ndarray, np.ndarray]:
    return tasks.recall(length, 500, seeded(2, block))


def _right(nets, block: int, length: int) -> np.ndarray:
    return 1 - until_solved.error_rate(nets, *_fresh(block, length))
