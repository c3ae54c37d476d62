"""Claims about vanishing: what is far away is learned slowly, what is remembered, which layers suffer."""

from __future__ import annotations

import functools

import numpy as np

from .... import activations, bptt, cells, initialise, losses, tasks, train
from ...nb06_vanishing.agreement import HIDDEN, MEMBERS, NOUN, practise
from .networks import through_layers

ONE_OR_MANY = slice(tasks.VOCABULARY.index("cat"), tasks.VOCABULARY.index("horses") + 1)  # four of one, four of many


def claim_05() -> dict[str, float]:
    """Updates until (w^D - 1)^2 is one half, from w = 1/2, where dL/dw = (w^D - 1) D w^(D - 1) is tiny.

    gradient     its size at the start for D = 20
    plain_ratio  updates for D = 20 over those for D = 10: plain descent, rate 0.01
    adam_ratio   the same for Adam, rate 0.01
    noun_share   what a noun 30 words back makes of the terms of dL/dW_xh, the most in ten untrained networks
    """
    def slope(w, D):
        return (w**D - 1) * D * w**(D - 1)

    def by_plain(D):
        w, k = .5, 0
        while (w**D - 1)**2 > .5:
            w, k = w - .01 * slope(w, D), k + 1
        return k

    def by_adam(D):
        w, adam, k = np.array(.5), train.Adam(.01), 0
        state = adam.start(w)
        while (w**D - 1)**2 > .5:
            (w, state), k = adam.update(w, slope(w, D), state), k + 1
        return k

    shares = []
    for seed in [0, 10]:
        x, labels = tasks.agreement(30, 200, np.random.default_rng(2))
        da = bptt.loss_and_grads(_untrained(seed), x, labels, losses.cross_entropy).back.da
        terms = np.linalg.norm(np.einsum("tebh,tbd->tehd", da, x), axis=(-1, -2))
        shares.append(terms[NOUN - 1] / terms.sum(0))
    return {"gradient": abs(slope(.5, 20)), "plain_ratio": by_plain(20) / by_plain(10),
            "adam_ratio": by_adam(20) / by_adam(10), "noun_share": np.max(shares)}


def claim_24() -> dict[str, float]:
    """The gradient at the noun by distance, |dL/dh_2| / |dL/dh_T|, and the updates needed; two draws of five networks.

    factor, uneven  its factor per word from distance 4 to 30, and how far the two halves of that way differ in it
    learned         share of networks that learn distance 10
    slower          updates for distance 10 over those for 4, medians
    """
    reach, needed = [], []
    for seed in [0, 10]:
        nets = _untrained(seed)
        reach.append([_reach(nets, distance) for distance in [4, 17, 30]])
        needed.append([practise(distance, train.SGD(.1), 1500, seed, progress=False).needed for distance in [4, 10]])
    near, middle, far = np.concatenate(reach, axis=1)
    halves = np.sort([(middle / near) ** (1 / 13), (far / middle) ** (1 / 13)], axis=0)
    close, distant = np.concatenate(needed, axis=1)
    return {"factor": np.median((far / near) ** (1 / 26)), "uneven": np.median(halves[1] / halves[0]),
            "learned": np.isfinite(distant).mean(), "slower": np.median(distant) / np.median(close)}


def claim_25() -> dict[str, float]:
    """Networks that have learned distance 8, two draws: does their answer depend on the noun, and is it in every state?

    follow  smallest share of answers that turn over when the noun alone changes its number
    blind   largest share of right answers without the noun
    kept    smallest share of nouns that a fitted linear readout finds in a state on the way, from h_2 to the last
    """
    follow, blind, kept = [], [], []
    for seed in [0, 10]:
        nets, (x, labels) = _taught(seed), tasks.agreement(8, 2000, np.random.default_rng(5))
        turned, hidden = x.copy(), x.copy()
        turned[NOUN - 1, :, ONE_OR_MANY] = np.roll(x[NOUN - 1, :, ONE_OR_MANY], 4, axis=-1)
        hidden[NOUN - 1] = 0
        follow.append(_answers(nets, turned) != _answers(nets, x))
        blind.append(_answers(nets, hidden) == labels)
        kept.append([_readable(h, labels) for h in bptt.forward(nets.rnn, x).h[NOUN:]])
    return {"follow": np.mean(follow, axis=-1).min(), "blind": np.mean(blind, axis=-1).max(), "kept": np.min(kept)}


def claim_26() -> dict[str, float]:
    """What tanh networks still hold of an early input; a share of one half is guessing.

    untrained  ten networks as torch draws them, 12 words later, the best: share of nouns that a fitted readout finds
    trained    ten networks that have learned distance 8, 31 words later, the worst
    unit       one unit, h_t = tanh(2 h_{t-1} + .2 n_t), after 1000 steps of noise: share of signs kept, the least of 5
    """
    def readable(nets, distance):
        x, labels = tasks.agreement(distance, 2000, np.random.default_rng(5))
        return _readable(bptt.forward(nets.rnn, x).h[-1], labels)

    noise = np.random.default_rng(0).normal(size=(5, 1000, 200, 1))
    sign = np.where(np.arange(200) % 2, 1., -1.)[:, None]
    unit = cells.RNNParams(np.array([[.2]]), np.array([[2.]]), np.zeros(1))
    kept = [(np.sign(bptt.forward(unit, x, state0=sign / 2).h[-1]) == sign).mean() for x in noise]
    return {"untrained": np.max([readable(_untrained(seed), 12) for seed in [0, 10]]),
            "trained": np.min([readable(_taught(seed), 31) for seed in [0, 10]]), "unit": np.min(kept)}


def claim_27() -> dict[str, float]:
    """|dL/dW_l| = |(f'(a_l) * dL/dh_l) h_{l-1}^T| in nets of 30 layers of 64 units; medians over 20 seeds.

    sigmoid, tanh  layer 1 over layer 30, weights as Glorot draws them
    large          the same for tanh with weights twice as large
    below, above   tanh: layers 14 and 16 over what they were, after layer 15 was divided by 1000
    """
    def sizes(name, gain=1., spoiled=1.):
        W, x = initialise.glorot((30, 20, 64, 64), np.random.default_rng(0), gain), np.random.default_rng(1)
        W[14] /= spoiled
        return _weight_sizes(W, x.normal(size=(20, 20, 64)), name)

    tanh, spoiled = sizes("tanh"), sizes("tanh", spoiled=1000.)
    share = {"sigmoid": sizes("sigmoid"), "tanh": tanh, "large": sizes("tanh", gain=2.)}
    return {name: np.median(size[0] / size[-1]) for name, size in share.items()} | {
        "below": np.median(spoiled[13] / tanh[13]), "above": np.median(spoiled[15] / tanh[15])}


def _untrained(seed: int) -> cells.NetworkParams:
    return initialise.network(len(tasks.VOCABULARY), HIDDEN, 2, np.random.default_rng(seed), recurrent="uniform",
                              members=MEMBERS)


@functools.cache
def _taught(seed: int) -> cells.NetworkParams:
    """The same five networks after 600 updates at distance 8."""
    rng = np.random.default_rng(seed + 1)
    return train.train(_untrained(seed), train.sequence_objective(losses.cross_entropy),
                       lambda: tasks.agreement(8, 20, rng), updates=600, optimiser=train.SGD(.1), progress=False).params


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


def _weight_sizes(W: np.ndarray, x: np.ndarray, name: str) -> np.ndarray:
    """|dL/dW_l| (L, E) of h_l = f(W_l h_{l-1}), L = sum of h_L; W (L, E, H, H), x (E, B, H)."""
    h, dh = through_layers(W, x, name)
    da = activations.get(name).derivative_from_output(h[1:]) * dh[1:]
    return np.linalg.norm(da.swapaxes(-1, -2) @ h[:-1], axis=(-1, -2))
