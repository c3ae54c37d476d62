"""Claims about explosion: how it shows, what it does, where it comes from."""

from __future__ import annotations

import functools

import numpy as np

from .... import bptt, cells, clipping, initialise, jacobians, losses, tasks, train
from ...nb07_exploding import signs, wall
from ...nb08_clipping import rescue
from .networks import arrived, left_at_first, left_by, wall_starts

SEEDS = range(10)
EXPLODING = {"linear": 1.5, "relu": 3., "tanh": 2.5}  # activation: gain of an orthogonal W_hh
GROWN = 30  # |dL/dh_1| / |dL/dh_20| above which a gradient counts as exploding


def claim_28() -> dict[str, float]:
    """Runs with a sign of lesson 07, where the gradient grows more than 30-fold over 20 steps, and where it vanishes.

    exploding, tanh  shares with a sign: of all networks of `EXPLODING` whose gradient grows so, and of the tanh ones
    seen, runs       the number of the former, and how many networks these are
    vanishing        of tanh networks with gain .5, on the far task and on the mixed one
    alone            share whose loss stays within 10 % of its start: only the first symbol is asked for
    mixed            the same where the first and the last symbol are asked for
    """
    loud = {name: [bool(signs.shown_by(run).present) for _, run in _exploding(name)] for name in EXPLODING}
    far, mixed = ([_run(*_network(seed, .5, near)) for seed in SEEDS] for near in [False, True])
    alone, both = ([abs(run.history.loss[-50:].mean() / run.history.loss[:5].mean() - 1) < .1 for run in runs]
                   for runs in [far, mixed])
    seen = np.concatenate(list(loud.values()))
    return {"exploding": seen.mean(), "tanh": np.mean(loud["tanh"]), "seen": seen.sum(), "runs": len(seen),
            "vanishing": np.mean([bool(signs.shown_by(run).present) for run in far + mixed]),
            "alone": np.mean(alone), "mixed": np.mean(both)}


def claim_29() -> dict[str, float]:
    """What an explosion does: from those of 90 starts on the wall (rate .3) that meet a gradient above 10, and in the
    unbounded (linear and ReLU) and the tanh networks of `EXPLODING`.

    large      share of these three kinds in which most runs make an update longer than the weights
    unlearned  share of the three in which most have not learned at the end
    bounded    share of runs that end in a number that is not finite: the wall's sigmoid and the tanh networks
    linear     the same of linear and ReLU networks
    """
    path = rescue.descend(wall_starts(3), rate=.3, updates=300)
    step, size = np.hypot(np.diff(path.w, axis=0), np.diff(path.b, axis=0)), np.hypot(*path)
    steep = step.max(0) > .3 * 10
    large = [(step > size[:-1]).any(0)[steep]]
    unlearned = [rescue.error(path)[steep] >= rescue.SOLVED]
    broken = [~np.isfinite(size).all(0)[steep]]
    for runs in [_exploding("linear") + _exploding("relu"), _exploding("tanh")]:
        large.append([_longest(*each) > 1 for each in runs])
        unlearned.append([_stopped(run) or run.history.loss[-50:].mean() > .05 for _, run in runs])
        broken.append([_stopped(run) for _, run in runs])
    most = {name: np.mean([np.mean(kind) > .5 for kind in kinds])
            for name, kinds in [("large", large), ("unlearned", unlearned)]}
    return most | {"bounded": np.concatenate([broken[0], broken[2]]).mean(), "linear": np.mean(broken[1])}


def claim_30() -> dict[str, float]:
    """The share of networks that end in numbers that are not finite.

    linear   linear and ReLU networks with an exploding gradient, after 200 updates
    tanh     tanh networks with an exploding gradient, and those of gain 1 at a rate of 30, after 200 updates
    healthy  networks of gain 1, whose gradient does not explode, in float32 with tanh written (e^2a - 1) / (e^2a + 1),
             one of 20 inputs being 400: share in which the whole last state is NaN
    """
    ends = {"linear": [run for _, run in _exploding("linear") + _exploding("relu")],
            "tanh": [run for _, run in _exploding("tanh")] + [_run(*_network(seed), rate=30.) for seed in SEEDS]}
    drawn = [_network(seed) for seed in SEEDS]
    healthy = [np.isnan(_by_exponentials(network.rnn, batch()[0])).all()
               for network, batch in drawn if left_at_first(network, *batch()) < GROWN]
    return {name: np.mean([_stopped(run) for run in runs]) for name, runs in ends.items()} | {
        "healthy": np.mean(healthy)}


def claim_31() -> dict[str, float]:
    """Do most of 10 runs of 200 updates show a sign of lesson 07 (1) or not (0)?

    weights, huge  an oscillating loss, huge weights: recurrent weights of gain 10, rate .05
    rate           an oscillating loss: gain 1, rate 30
    """
    high, fast = ([signs.shown_by(_run(*_network(seed, gain), rate=rate)).present for seed in SEEDS]
                  for gain, rate in [(10., .05), (1., 30.)])

    def most(runs, sign):
        return np.mean([sign in found for found in runs]) > .5

    return {"weights": most(high, "oscillating loss"), "huge": most(high, "huge weights"),
            "rate": most(fast, "oscillating loss")}


def claim_32() -> dict[str, float]:
    """The share of random tanh nets, 16 gains from .5 to 2 and 10 seeds, whose gradient grows more than 100-fold.

    shallow, deep  feed-forward, 10 and 100 layers, each with a matrix of its own
    rnn            recurrent, 100 steps: the same matrix each time
    more, gap      rnn - shallow, |rnn - deep|
    """
    exploded = []
    for seed in SEEDS:
        drawn = initialise.gaussian((100, 32, 32), np.random.default_rng(seed))
        for gain in np.linspace(.5, 2, 16):
            W = gain * drawn
            nets = W[:10], W, np.broadcast_to(W[0], W.shape)
            exploded.append([left_by(layers, seed, "tanh") > 100 for layers in nets])
    shallow, deep, rnn = np.mean(exploded, axis=0)
    return {"shallow": shallow, "deep": deep, "rnn": rnn, "more": rnn - shallow, "gap": abs(rnn - deep)}


def claim_33() -> dict[str, float]:
    """A bit kept without oscillation, and the gradient of networks that oscillate.

    kept      h_t = tanh(2 h_{t-1} + .2 n_t), n_t normal: share of signs kept over 100 steps, the worst of 5 seeds
    networks  how many tanh networks oscillate, W_hh orthogonal times 1.05, 1.2, 1.5, of 2, 4 and 8 units and 5 seeds
    exploded  the share of these whose gradient grows by more than a factor of e^.01 a step
    """
    sign = np.where(np.arange(300) % 2, 1., -1.)[:, None]
    unit = cells.RNNParams(np.array([[.2]]), np.array([[2.]]), np.zeros(1))
    noise = [np.random.default_rng(seed).normal(size=(100, 300, 1)) for seed in range(5)]
    kept = [(np.sign(bptt.forward(unit, x, sign / 2).h[-1]) == sign).mean() for x in noise]
    exponents = []
    for units in [2, 4, 8]:
        for seed in range(5):
            rng = np.random.default_rng(seed)
            Q, h, v = initialise.orthogonal((units, units), rng), rng.normal(size=(1, units)), rng.normal(size=units)
            for gain in [1.05, 1.2, 1.5]:
                params = cells.RNNParams(np.zeros((units, 1)), gain * Q, np.zeros(units))
                run = bptt.forward(params, np.zeros((3000, 1, 1)), h)
                if run.h[-500:].std(0).max() > .05:  # it has not come to rest
                    logs = jacobians.log_gradient_norms(run, v)[:, 0]
                    exponents.append((logs[1000] - logs[2900]) / 1900)
    return {"kept": np.min(kept), "networks": len(exponents), "exploded": np.mean(np.array(exponents) > .01)}


def claim_34() -> dict[str, float]:
    """Two linear units with W_hh = 1.5 times a right angle: |dL/dh_0| / |dL/dh_60|, the least of 100 random inputs."""
    params = cells.RNNParams(np.ones((2, 3)), np.array([[0., -1.5], [1.5, 0.]]), np.zeros(2))
    run = bptt.forward(params, np.random.default_rng(0).normal(size=(60, 100, 3)), activation="linear")
    size = np.linalg.norm(bptt.backward(run, bptt.at_end(run)).dh, axis=-1)
    return {"least": (size[0] / size[-1]).min()}


def claim_52() -> dict[str, float]:
    """The wall's network, x_t = w s(x_{t-1}) + b, a dynamical system without input.

    trained      share of 180 starts that clipped descent (rate .3, threshold .3) brings below an error of .01
    boundary     growth a step of the steepest slope dE/db where x_0 crosses a boundary of basins, w = 5, T = 80 to 100
    bifurcation  the same where fixed points appear, w = 4.2, T = 400 to 800
    """
    def growth(w, start, end):
        return (wall.steepest(w, end).slope / wall.steepest(w, start).slope) ** (1 / (end - start))

    return {"trained": arrived(rescue.descend(wall_starts(6), rate=.3, max_norm=.3)),
            "boundary": growth(5., 80, 100), "bifurcation": growth(4.2, 400, 800)}


def _network(seed: int, gain: float = 1., near: bool = False) -> tuple:
    """24 units with an orthogonal W_hh times gain, and batches for naming the first of 20 symbols; float32.

    near  the last symbol is asked for as well
    """
    rng = np.random.default_rng(seed)
    network = initialise.network(2, 24, 4 if near else 2, rng, gain=gain, dtype=np.float32)

    def batch():
        x, labels = tasks.recall(20, 20, rng)
        if near:
            last = rng.integers(2, size=20)
            x[-1], labels = np.eye(2)[last], 2 * labels + last
        return x, labels

    return network, batch


def _run(network: cells.NetworkParams, batch, rate: float = .05, activation: str = "tanh"):
    """The Result, or the Diverged, of 200 updates."""
    try:
        return train.train(network, train.sequence_objective(losses.cross_entropy, activation=activation), batch,
                           updates=200, optimiser=train.SGD(rate), progress=False)
    except train.Diverged as stopped:
        return stopped


def _stopped(run) -> bool:
    return isinstance(run, train.Diverged)


@functools.cache
def _exploding(activation: str) -> list:
    """Those networks of `EXPLODING` whose gradient grows more than 30-fold, and their runs."""
    drawn = [_network(seed, EXPLODING[activation]) for seed in SEEDS]
    return [(network, _run(network, batch, activation=activation)) for network, batch in drawn
            if left_at_first(network, *batch(), activation) > GROWN]


def _longest(network: cells.NetworkParams, run, rate: float = .05) -> float:
    """The longest update of a run over the length of its weights at the start."""
    history = (run.result if _stopped(run) else run).history
    return rate * history.grad_norm.max(initial=0) / clipping.global_norm(network)


def _by_exponentials(params: cells.RNNParams, x: np.ndarray) -> np.ndarray:
    """The last state of the first sequence of x, one of whose inputs is set to 400."""
    h, x = np.zeros(params.b_h.shape, np.float32), x[:, 0].astype(np.float32)
    x[10, 0] = 400
    with np.errstate(over="ignore", invalid="ignore"):
        for x_t in x:
            e = np.exp(2 * (params.W_xh @ x_t + params.W_hh @ h + params.b_h))
            h = (e - 1) / (e + 1)
    return h
