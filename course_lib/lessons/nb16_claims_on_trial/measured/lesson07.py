"""Claims about explosion: how it shows, what it does, where it comes from."""

from __future__ import annotations

import functools

import numpy as np

from .... import bptt, cells, clipping, initialise, jacobians, losses, tasks, train
from ...nb07_exploding import signs, wall
from ...nb08_clipping import rescue
from .networks import arrived, seeded, left_at_first, left_by, seeds, wall_starts

EXPLODING = {"linear": 1.5, "relu": 3., "tanh": 2.5}  # activation: gain of an orthogonal W_hh
GROWN = 30  # |dL/dh_1| / |dL/dh_20| above which a gradient counts as exploding
LEARNED = .05  # a loss below it, in the mean of the last 50 updates


def claim_28(block: int = 0, kinds: tuple = tuple(EXPLODING), quiet: float = .05) -> dict[str, float]:
    """Runs with a sign of lesson 07, where the gradient grows more than 30-fold over 20 steps, and where it vanishes.

    exploding   percent with a sign, of the networks of `EXPLODING` that are of these kinds
    unbounded, bounded  the same of linear and ReLU networks, and of tanh networks
    vanishing   percent with a sign, of tanh networks with gain .5, on the far task and on the mixed one; rate `quiet`
    """
    loud = {name: [bool(signs.shown_by(run).present) for _, run in _exploding(name, block)] for name in EXPLODING}
    dim = [bool(signs.shown_by(run).present) for near in [False, True] for run in _vanishing(block, near, quiet)]
    return {"exploding": 100 * np.mean(sum((loud[name] for name in kinds), [])),
            "unbounded": 100 * np.mean(loud["linear"] + loud["relu"]), "bounded": 100 * np.mean(loud["tanh"]),
            "vanishing": 100 * np.mean(dim)}


def claim_64(block: int = 0, near: tuple = (False, True)) -> dict[str, float]:
    """Percent of vanishing networks, tanh and gain .5, whose loss stays within 10 % of its start.

    alone  near[0] is false: only the first symbol is asked for
    mixed  near[1] is true: the first and the last symbol are asked for
    """
    def stays(run):
        return abs(run.history.loss[-50:].mean() / run.history.loss[:5].mean() - 1) < .1

    return {name: 100 * np.mean([stays(run) for run in _vanishing(block, both)])
            for name, both in zip(["alone", "mixed"], near)}


def claim_29(block: int = 0, times: float = 1.) -> dict[str, float]:
    """Percent of runs that make an update longer than the weights; rates `times` .3 and .05.

    wall       of those of 90 starts on the wall that meet a gradient above 10
    unbounded  linear and ReLU networks of `EXPLODING`
    bounded    tanh networks of `EXPLODING`
    """
    path = rescue.descend(wall_starts(3, block), rate=.3 * times, updates=300)
    step, size = np.hypot(np.diff(path.w, axis=0), np.diff(path.b, axis=0)), np.hypot(*path)
    steep = step.max(0) > .3 * times * 10
    return {"wall": 100 * (step > size[:-1]).any(0)[steep].sum() / max(steep.sum(), 1)} | {
        name: 100 * np.mean([_longest(*each, .05 * times) > 1 for kind in kinds
                             for each in _exploding(kind, block, .05 * times)])
        for name, kinds in [("unbounded", ("linear", "relu")), ("bounded", ("tanh",))]}


def claim_65(block: int = 0, rate: float = .05, clip_norm: float | None = None) -> dict[str, float]:
    """Percent of networks with an exploding gradient, those of `EXPLODING`, that have not learned after 200 updates.

    unbounded, bounded  linear and ReLU networks, tanh networks
    """
    return {name: 100 * np.mean([_stopped(run) or run.history.loss[-50:].mean() > LEARNED for kind in kinds
                                 for _, run in _exploding(kind, block, rate, clip_norm)])
            for name, kinds in [("unbounded", ("linear", "relu")), ("bounded", ("tanh",))]}


def claim_66(block: int = 0, rate: float = .05) -> dict[str, float]:
    """Percent of the same networks that end in numbers that are not finite."""
    return {name: 100 * np.mean([_stopped(run) for kind in kinds for _, run in _exploding(kind, block, rate)])
            for name, kinds in [("unbounded", ("linear", "relu")), ("bounded", ("tanh",))]}


def claim_30(block: int = 0, small: float = .05, large: float = .5, kinds: tuple = tuple(EXPLODING)) -> dict[str, float]:
    """Sick networks, four diseases: percent that end in numbers that are not finite within 100 updates; 4 seeds a kind.

    vanishing  tanh networks of gain .5, at the larger rate
    exploding  networks of `EXPLODING`, of these kinds, at the larger rate
    relu       ReLU networks of gain 1 with large z, inputs 10 and 100 times as large, at the larger rate
    sigmoid    sigmoid networks with large z, gain 40 and inputs 100 times as large, at the larger rate
    at_small, at_large  if all four are equally frequent: of a hundred that end so at this rate, how many have an
               exploding gradient
    """
    def ends(rate, activation, gain, times=1.):
        found = []
        for seed in seeds(block, 4):
            network, batch = _network(seed, gain, times=times)
            if gain not in EXPLODING.values() or left_at_first(network, *batch(), activation) > GROWN:
                found.append(_stopped(_run(network, batch, rate, activation, updates=100)))
        return 100 * np.mean(found)

    found = {}
    for name, rate in [("at_small", small), ("at_large", large)]:
        found |= {"vanishing": ends(rate, "tanh", .5),
                  "exploding": np.mean([ends(rate, kind, EXPLODING[kind]) for kind in kinds]),
                  "relu": np.mean([ends(rate, "relu", 1., times) for times in (10., 100.)]),
                  "sigmoid": np.mean([ends(rate, "sigmoid", *each) for each in ((40.,), (1., 100.))])}
        all_four = found["vanishing"] + found["exploding"] + found["relu"] + found["sigmoid"]
        found[name] = 100 * found["exploding"] / max(all_four, 1e-9)
    return found


def claim_31(block: int = 0, small: float = .05, large: float = .5) -> dict[str, float]:
    """Percent of runs of 200 updates whose loss oscillates by the sign of lesson 07; 5 seeds.

    high_small, high_large  recurrent weights of gain 5 and 10, at these rates
    usual_large             gain 1 at the larger rate
    learned                 percent of these that learn
    """
    def runs(gains, rate):
        return [_run(*_network(seed, gain), rate=rate) for gain in gains for seed in seeds(block, 5)]

    def oscillating(runs):
        return 100 * np.mean(["oscillating loss" in signs.shown_by(run).present for run in runs])

    usual = runs([1.], large)
    return {"high_small": oscillating(runs([5., 10.], small)), "high_large": oscillating(runs([5., 10.], large)),
            "usual_large": oscillating(usual), "learned": 100 * np.mean([run.history.loss[-50:].mean() < LEARNED
                                                                         for run in usual])}


def claim_73(block: int = 0, rate: float = 1.9, wall_rate: float = .3) -> dict[str, float]:
    """Descent that oscillates: does it come to the global minimum, where the error is 0?

    parabola     |w| from 1 after 500 updates on w^2 / 2; above rate 1 each update changes sides
    oscillating  of 180 starts on the wall, rate .3 and 600 updates: how many see the error rise 5 times or more
    arrived      percent of these that end with an error below .01
    """
    path = rescue.descend(wall_starts(6, block), wall_rate)
    rises = (np.diff(wall.evaluate(path).loss, axis=0) > 1e-6).sum(0) >= 5
    return {"parabola": abs(1 - rate)**500, "oscillating": rises.sum(),
            "arrived": 100 * (rescue.error(path) < rescue.SOLVED)[rises].mean() if rises.any() else 0}


def claim_32(block: int = 0, layers: int = 100, shared: bool = False) -> dict[str, float]:
    """Percent of random tanh nets, 16 gains from .5 to 2 and 10 seeds, whose gradient grows more than 100-fold.

    shallow, deep  feed-forward, 10 and 100 layers, each with a matrix of its own (or shared)
    rnn            recurrent, 100 steps: the same matrix each time
    more, gap      rnn - shallow, |rnn - deep|
    """
    exploded = []
    for seed in seeds(block):
        drawn = initialise.gaussian((layers, 32, 32), np.random.default_rng(seed))
        for gain in np.linspace(.5, 2, 16):
            W = gain * drawn
            rnn = np.broadcast_to(W[0], W.shape)
            nets = W[:10], rnn if shared else W, rnn
            exploded.append([left_by(layers, seed, "tanh") > 100 for layers in nets])
    shallow, deep, rnn = 100 * np.mean(exploded, axis=0)
    return {"shallow": shallow, "deep": deep, "rnn": rnn, "more": rnn - shallow, "gap": abs(rnn - deep)}


def claim_33(block: int = 0, w: float = 2., noise: float = .2) -> dict[str, float]:
    """A bit kept by one unit that does not oscillate, h_t = tanh(w h_{t-1} + noise n_t), n_t normal.

    kept  percent of signs kept over 100 steps, the worst of 5 seeds
    """
    sign = np.where(np.arange(300) % 2, 1., -1.)[:, None]
    unit = cells.RNNParams(np.array([[noise]]), np.array([[w]]), np.zeros(1))
    inputs = [np.random.default_rng(seed).normal(size=(100, 300, 1)) for seed in seeds(block, 5)]
    return {"kept": 100 * np.min([(np.sign(bptt.forward(unit, x, sign / 2).h[-1]) == sign).mean() for x in inputs])}


def claim_67(block: int = 0, small: tuple = (2, 4, 8), large: tuple = (32, 64), gains: tuple = (1.5, 2., 3.)) -> dict[str, float]:
    """tanh networks without input that do not come to rest: W_hh orthogonal times 1.05, 1.2 and 1.5 with few units, or
    times `gains` with many; 5 seeds.

    small, large  percent whose gradient grows by more than a factor of e^.01 a step, from step 2900 to step 1000
    few, many     how many networks these are
    """
    found = {}
    for name, count, sizes, times in [("small", "few", small, (1.05, 1.2, 1.5)), ("large", "many", large, gains)]:
        exponents = []
        for units in sizes:
            for seed in seeds(block, 5):
                rng = np.random.default_rng(seed)
                Q, h, v = initialise.orthogonal((units, units), rng), rng.normal(size=(1, units)), rng.normal(size=units)
                for gain in times:
                    params = cells.RNNParams(np.zeros((units, 1)), gain * Q, np.zeros(units))
                    run = bptt.forward(params, np.zeros((3000, 1, 1)), h)
                    if run.h[-500:].std(0).max() > .05:  # it has not come to rest
                        logs = jacobians.log_gradient_norms(run, v)[:, 0]
                        exponents.append((logs[1000] - logs[2900]) / 1900)
        found |= {name: 100 * np.mean(np.array(exponents) > .01), count: len(exponents)}
    return found


def claim_34(block: int = 0, gain: float = 1.5) -> dict[str, float]:
    """Two linear units with W_hh = gain times a right angle: |dL/dh_0| / |dL/dh_60|, the least of 100 random inputs."""
    params = cells.RNNParams(np.ones((2, 3)), np.array([[0., -gain], [gain, 0.]]), np.zeros(2))
    run = bptt.forward(params, seeded(0, block).normal(size=(60, 100, 3)), activation="linear")
    size = np.linalg.norm(bptt.backward(run, bptt.at_end(run)).dh, axis=-1)
    return {"least": (size[0] / size[-1]).min()}


def claim_52(block: int = 0, max_norm: float = .3) -> dict[str, float]:
    """The wall's network, x_t = w s(x_{t-1}) + b, a dynamical system without input.

    trained  percent of 180 starts that clipped descent (rate .3) brings below an error of .01
    """
    return {"trained": 100 * arrived(rescue.descend(wall_starts(6, block), rate=.3, max_norm=max_norm))}


def claim_71(boundary: float = 5., bifurcation: float = 4.2) -> dict[str, float]:
    """The wall's network where its behavior changes: the steepest slope dE/db over 80 steps, over that of 40 steps.

    boundary     where x_0 crosses a boundary of basins, w = 5
    bifurcation  where fixed points appear, w = 4.2
    """
    return {name: wall.steepest(w, 80).slope / wall.steepest(w, 40).slope
            for name, w in [("boundary", boundary), ("bifurcation", bifurcation)]}


def _network(seed: int, gain: float = 1., near: bool = False, times: float = 1.) -> tuple:
    """24 units with an orthogonal W_hh times gain, and batches for naming the first of 20 symbols; float32.

    near   the last symbol is asked for as well
    times  what the inputs are multiplied by
    """
    rng = np.random.default_rng(seed)
    network = initialise.network(2, 24, 4 if near else 2, rng, gain=gain, dtype=np.float32)

    def batch():
        x, labels = tasks.recall(20, 20, rng)
        if near:
            last = rng.integers(2, size=20)
            x[-1], labels = np.eye(2)[last], 2 * labels + last
        return times * x, labels

    return network, batch


def _run(network: cells.NetworkParams, batch, rate: float = .05, activation: str = "tanh", clip_norm=None,
         updates: int = 200):
    """The Result, or the Diverged, of the updates."""
    try:
        return train.train(network, train.sequence_objective(losses.cross_entropy, activation=activation), batch,
                           updates=updates, optimiser=train.SGD(rate), clip_norm=clip_norm, progress=False)
    except train.Diverged as stopped:
        return stopped


def _stopped(run) -> bool:
    return isinstance(run, train.Diverged)


@functools.cache
def _exploding(activation: str, block: int, rate: float = .05, clip_norm: float | None = None) -> list:
    """Those networks of `EXPLODING` whose gradient grows more than 30-fold, and their runs."""
    drawn = [_network(seed, EXPLODING[activation]) for seed in seeds(block)]
    return [(network, _run(network, batch, rate, activation, clip_norm)) for network, batch in drawn
            if left_at_first(network, *batch(), activation) > GROWN]


@functools.cache
def _vanishing(block: int, near: bool, rate: float = .05) -> list:
    """The runs of ten tanh networks with gain .5."""
    return [_run(*_network(seed, .5, near), rate) for seed in seeds(block)]


def _longest(network: cells.NetworkParams, run, rate: float) -> float:
    """The longest update of a run over the length of its weights at the start."""
    history = (run.result if _stopped(run) else run).history
    return rate * history.grad_norm.max(initial=0) / clipping.global_norm(network)
