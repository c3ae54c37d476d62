"""Claims about vanishing: what is far away is learned slowly, what is remembered, which layers suffer."""

from __future__ import annotations

import functools

import numpy as np

from .... import activations, bptt, cells, initialise, losses, tasks, train
from ...nb06_vanishing.agreement import HIDDEN, MEMBERS, NOUN, practise
from .networks import seeded, through_layers

ONE_OR_MANY = slice(tasks.VOCABULARY.index("cat"), tasks.VOCABULARY.index("horses") + 1)  # four of one, four of many


def claim_05(far: int = 20, eps: float = 1e-8) -> dict[str, float]:
    """Updates until (w^D - 1)^2 is one half, from w = 1/2, where dL/dw = (w^D - 1) D w^(D - 1) is tiny; rate .01.

    gradient     its size at the start for D = far
    plain_ratio  updates of plain descent for D = far over those for D = 10
    adam_ratio   the same for Adam with this eps
    """
    def slope(w, D):
        return (w**D - 1) * D * w**(D - 1)

    def updates(optimiser, D):
        w, k = np.array(.5), 0
        state = optimiser.start(w)
        while (w**D - 1)**2 > .5:
            (w, state), k = optimiser.update(w, slope(w, D), state), k + 1
        return k

    found = {"gradient": abs(slope(.5, far))}
    for name, optimiser in {"plain": train.SGD(.01), "adam": train.Adam(.01, eps=eps)}.items():
        found[f"{name}_ratio"] = updates(optimiser, far) / updates(optimiser, 10)
    return found


def claim_24(block: int = 0, kind: str = "uniform", gain: float = 1.) -> dict[str, float]:
    """The gradient at the noun by distance, |dL/dh_2| / |dL/dh_T|, in ten untrained networks, W_hh by name and gain.

    factor  its factor per word from distance 4 to 30, the median
    uneven  how far the two halves of that way differ in it, the median
    """
    near, middle, far = np.concatenate([[_reach(nets, distance) for distance in [4, 17, 30]]
                                        for nets in (_untrained(seed, kind, gain) for seed in _pair(block))], axis=1)
    halves = np.sort([(middle / near) ** (1 / 13), (far / middle) ** (1 / 13)], axis=0)
    return {"factor": np.median((far / near) ** (1 / 26)), "uneven": np.median(halves[1] / halves[0])}


def claim_62(block: int = 0, distance: int = 10, adam: bool = False, updates: int = 1500) -> dict[str, float]:
    """Ten networks as torch draws them learn agreement: plain descent, rate .1, or Adam, rate .01; 1500 updates at most.

    learned  percent that learn this distance
    slower   updates for it over those for distance 4, medians
    """
    optimiser = train.Adam(.01) if adam else train.SGD(.1)
    close, distant = np.concatenate([[practise(each, optimiser, updates, seed, progress=False).needed
                                      for each in [4, distance]] for seed in _pair(block)], axis=1)
    learned = np.isfinite(distant).mean()
    return {"learned": 100 * learned, "slower": np.median(distant) / np.median(close) if learned > .5 else 1e9}


def claim_25(block: int = 0, updates: int = 600) -> dict[str, float]:
    """Networks that have learned distance 8 in 600 updates, of ten: does their answer depend on the noun in every state?

    follow  smallest share of answers that turn over when the noun alone changes its number
    blind   largest share of right answers without the noun
    kept    smallest share of nouns that a fitted linear readout finds in a state on the way, from h_2 to the last
    """
    follow, blind, kept = [0.], [1.], [0.]
    for seed in _pair(block):
        nets, (x, labels) = _taught(seed, updates), tasks.agreement(8, 2000, seeded(5, block))
        know = (_answers(nets, x) == labels).mean(-1) > .95
        if know.any():
            turned, hidden = x.copy(), x.copy()
            turned[NOUN - 1, :, ONE_OR_MANY] = np.roll(x[NOUN - 1, :, ONE_OR_MANY], 4, axis=-1)
            hidden[NOUN - 1] = 0
            follow.append((_answers(nets, turned) != _answers(nets, x)).mean(-1)[know].min())
            blind.append((_answers(nets, hidden) == labels).mean(-1)[know].max())
            kept.append(np.min([_readable(h, labels)[know] for h in bptt.forward(nets.rnn, x).h[NOUN:]]))
    return {"follow": min(follow[1:] or follow), "blind": max(blind[1:] or blind), "kept": min(kept[1:] or kept)}


def claim_26(block: int = 0, distance: int = 12, updates: int = 600, w: float = 2.) -> dict[str, float]:
    """What tanh networks still hold of an early input, in percent; 50 is guessing.

    untrained  ten networks as torch draws them, 12 words later, the best: nouns that a fitted readout finds
    trained    ten networks after 600 updates at distance 8, 31 words later, the median
    unit       one unit, h_t = tanh(w h_{t-1} + .2 n_t), after 1000 steps of noise: signs kept, the least of 5
    """
    def readable(nets, distance):
        x, labels = tasks.agreement(distance, 2000, seeded(5, block))
        return 100 * _readable(bptt.forward(nets.rnn, x).h[-1], labels)

    noise = seeded(0, block).normal(size=(5, 1000, 200, 1))
    sign = np.where(np.arange(200) % 2, 1., -1.)[:, None]
    unit = cells.RNNParams(np.array([[.2]]), np.array([[w]]), np.zeros(1))
    kept = [100 * (np.sign(bptt.forward(unit, x, state0=sign / 2).h[-1]) == sign).mean() for x in noise]
    return {"untrained": np.max([readable(_untrained(seed), distance) for seed in _pair(block)]),
            "trained": np.median([readable(_taught(seed, updates), 31) for seed in _pair(block)]), "unit": np.min(kept)}


def claim_27(block: int = 0, layers: int = 30, second: str = "tanh") -> dict[str, float]:
    """|dL/dW_l| = |(f'(a_l) * dL/dh_l) h_{l-1}^T| in nets of 30 layers of 64 units; medians over 20 seeds.

    sigmoid      layer 1 over layer 30, weights as Glorot draws them
    tanh, large  the same for tanh (or a second activation), and with weights twice as large
    """
    found = {}
    for name, activation, gain in [("sigmoid", "sigmoid", 1.), ("tanh", second, 1.), ("large", second, 2.)]:
        size = _layers(block, layers, activation, gain)
        found[name] = np.median(size[0] / size[-1])
    return found


def claim_63(block: int = 0, spoiled: float = 1000.) -> dict[str, float]:
    """|dL/dW_l| in tanh nets of 30 layers after the weights of layer 15 were divided by `spoiled`.

    below, above  layers 14 and 16 over what they were, medians over 20 seeds
    """
    before, after = _layers(block, 30, "tanh"), _layers(block, 30, "tanh", spoiled=spoiled)
    return {"below": np.median(after[13] / before[13]), "above": np.median(after[15] / before[15])}


def claim_76(block: int = 0, grows: float = 1.5, shrinks: float = .5) -> dict[str, float]:
    """20 linear networks each in float32, orthogonal W_hh times `grows` or `shrinks`, 400 steps.

    overflowed, underflowed  how many have a gradient dL/dh_t that is not finite, and that is exactly 0
    smaller                  of those that underflowed, in how many it had become smaller before
    """
    def sizes(gain):
        nets = initialise.rnn(1, 32, seeded(0, block), gain=gain, members=20, dtype=np.float32)
        run = bptt.forward(nets, np.zeros((400, 1, 1), np.float32), activation="linear")
        with np.errstate(over="ignore", invalid="ignore"):
            return np.abs(bptt.backward(run, bptt.at_end(run)).dh).max((-1, -2))  # a norm would square

    large, small = sizes(grows), sizes(shrinks)
    gone = (small == 0).any(0)
    return {"overflowed": (~np.isfinite(large)).any(0).sum(), "underflowed": gone.sum(),
            "smaller": (gone & (small[-10] < small[-1])).sum()}


def _pair(block: int) -> tuple[int, int]:
    """The seeds of two draws of five networks."""
    return 100 * block, 100 * block + 10


def _untrained(seed: int, kind: str = "uniform", gain: float = 1.) -> cells.NetworkParams:
    return initialise.network(len(tasks.VOCABULARY), HIDDEN, 2, np.random.default_rng(seed), recurrent=kind,
                              gain=gain, members=MEMBERS)


@functools.cache
def _taught(seed: int, updates: int) -> cells.NetworkParams:
    """The same five networks after updates at distance 8."""
    rng = np.random.default_rng(seed + 1)
    return train.train(_untrained(seed), train.sequence_objective(losses.cross_entropy),
                       lambda: tasks.agreement(8, 20, rng), updates=updates, optimiser=train.SGD(.1), progress=False).params


def _reach(nets: cells.NetworkParams, distance: int) -> np.ndarray:
    x, labels = tasks.agreement(distance, 200, np.random.default_rng(2))
    size = np.linalg.norm(bptt.loss_and_grads(nets, x, labels, losses.cross_entropy).back.dh, axis=-1).mean(-1)
    return size[NOUN] / size[-1]


def _answers(nets: cells.NetworkParams, x: np.ndarray) -> np.ndarray:
    return cells.readout(nets.readout, bptt.forward(nets.rnn, x).h[-1]).argmax(-1)


def _readable(h: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """The share of labels that a readout of h (E, B, H) gets right, (E,): fitted on 3/4, tested on the rest."""
    fit, told = h.shape[1] * 3 // 4, np.concatenate([h, np.ones_like(h[..., :1])], axis=-1)
    weights = [np.linalg.lstsq(each[:fit], 2. * labels[:fit] - 1, rcond=None)[0] for each in told]
    return np.array([((each[fit:] @ w > 0) == labels[fit:]).mean() for each, w in zip(told, weights)])


def _layers(block: int, layers: int, name: str, gain: float = 1., spoiled: float = 1.) -> np.ndarray:
    """|dL/dW_l| (L, E) of 20 nets h_l = f(W_l h_{l-1}), L = sum of h_L; W (L, E, H, H), x (E, B, H)."""
    W = initialise.glorot((layers, 20, 64, 64), seeded(0, block), gain)
    if spoiled != 1:
        W[14] /= spoiled
    x = seeded(1, block).normal(size=(20, 20, 64))
    h, dh = through_layers(W, x, name)
    da = activations.get(name).derivative_from_output(h[1:]) * dh[1:]
    return np.linalg.norm(da.swapaxes(-1, -2) @ h[:-1], axis=(-1, -2))
