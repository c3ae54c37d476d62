"""Claims about the LSTM: what its road back keeps, and where it is the better network."""

from __future__ import annotations

import numpy as np

from .... import bptt, initialise
from ...nb06_vanishing import longterm
from ...nb09_initialization_and_other_cures import contest
from ...nb11_lstm import traffic
from ...nb11_lstm.roads import INPUTS, UNITS, Roads, by_distance, default_lstm, roads
from .networks import seeded, seeds

VANISHED = 1e-3  # of the gradient left


def claim_45(block: int = 0, T: int = 60, chrono: int = 60) -> dict[str, float]:
    """|dL/dc_0| / |dL/dc_60| of LSTMs as torch draws them, medians of 10 seeds.

    default, bias_one, chrono  their biases as drawn, forget bias 1, chrono biases for distances up to 60
    tanh                       |dL/dh_0| / |dL/dh_60| of torch's default RNN
    """
    rnns = [initialise.torch_default(INPUTS, UNITS, np.random.default_rng(seed)) for seed in seeds(block)]
    v = seeded(0, block).normal(size=(8, UNITS))
    return {"default": np.median(_ends(block, T).full), "bias_one": np.median(_ends(block, T, forget_bias=1).full),
            "chrono": np.median(_ends(block, T, chrono=chrono).full),
            "tanh": np.median([10 ** by_distance(bptt.forward(rnn, _inputs(T, block)), v)[-1] for rnn in rnns])}


def claim_46(block: int = 0, scale: float = 1.) -> dict[str, float]:
    """Percent that the product of the forget gates leaves over 60 steps of what all ways leave; medians of 10 seeds.

    default, chrono  as torch draws an LSTM, its W_hh times `scale`, and with chrono biases
    none             with W_hh = 0: there is no other way
    """
    ends = {"default": _ends(block, scale=scale), "chrono": _ends(block, chrono=60, scale=scale),
            "none": _ends(block, scale=0)}
    return {name: 100 * np.median(end.alone / end.full) for name, end in ends.items()}


def claim_47(block: int = 0, T: int = 60, long: int = 240, chrono: int = 60) -> dict[str, float]:
    """|dL/dc_0| / |dL/dc_T| of LSTMs of 10 seeds.

    default, chrono  as torch draws them, and with chrono biases for distances up to 60, T = 60, medians
    grown            forget bias 5 and 10 times the recurrent weights, T = 240, the least
    """
    return {"default": np.median(_ends(block, T).full), "chrono": np.median(_ends(block, T, chrono=chrono).full),
            "grown": _ends(block, long, forget_bias=5, scale=10).full.min()}


def claim_48(block: int = 0, T: int = 60, chrono: int = 60) -> dict[str, float]:
    """Percent of LSTMs of which less than 1e-3 of the gradient is left after 60 steps, 10 seeds each.

    vanished  as torch draws them, and with forget bias 1
    chrono    the same with chrono biases
    """
    usual = np.concatenate([_ends(block, T).full, _ends(block, T, forget_bias=1).full])
    return {"vanished": 100 * (usual < VANISHED).mean(),
            "chrono": 100 * (_ends(block, T, chrono=chrono).full < VANISHED).mean()}


def claim_70(block: int = 0, scale: float = 10.) -> dict[str, float]:
    """Percent of 10 LSTMs with forget bias 5 and 10 times the recurrent weights whose gradient grows.

    exploded  more than 1000-fold over 240 steps
    """
    return {"exploded": 100 * (_ends(block, 240, forget_bias=5, scale=scale).full > 1 / VANISHED).mean()}


def claim_50(units: int = 100) -> dict[str, float]:
    """How many numbers a forget gate has, and the input weights of a row of it: 100 units, one-hot words of 10 000."""
    params = initialise.lstm(10_000, units, np.random.default_rng(0), dtype=np.float32)
    word = np.zeros((1, 1, 10_000), np.float32)
    word[0, 0, 4321] = 1
    return {"gate": bptt.forward(params, word).f[0, 0].size, "inputs": params.W_xh.shape[1]}


def claim_51(block: int = 0, better: str = "LSTM chrono", rnn_updates: float = 1.) -> dict[str, float]:
    """The mean error of three LSTMs with chrono biases over that of three tanh RNNs as torch draws them, in fifths:
    what is finer hangs on the processor and its threads.

    far, near  digits read 25 steps ago, 200 updates, and read just now, 260 updates: percent of wrong answers
    sunspots   next year's number from 30 years, 400 updates: squared error
    """
    three = seeds(block, 3)

    def ratio(error, updates):
        return error(better, updates).mean() / error("tanh", int(rnn_updates * updates)).mean()

    def wrong(distance):
        return lambda name, updates: 1 - longterm.learn_digits(name, distance, updates=updates, seeds=three)

    found = {"far": ratio(wrong(25), 200), "near": ratio(wrong(0), 260),
             "sunspots": ratio(lambda name, updates: longterm.learn_sunspots(name, updates, three), 400)}
    return {name: round(5 * value) / 5 for name, value in found.items()}


def claim_80(block: int = 0, start: str = "identity, ReLU", leak: str = "uniform + leak .9") -> dict[str, float]:
    """Temporal order at T = 30 without gates, 600 updates, the better of two rates: percent of five networks that learn.

    start, leak  entries of lesson 09's contest: ReLU units whose W_hh starts as the identity, leaky tanh units
    plain        tanh units as torch draws them
    """
    entries = {"start": start, "leak": leak, "plain": "uniform, tanh"}
    return {name: 20 * contest.enter(entry, seeds(block, 5)).solved for name, entry in entries.items()}


def claim_81(block: int = 0, near: int = 10, far: int = 100, kind: str = "LSTM b_f = 1") -> dict[str, float]:
    """Naming a symbol read so many steps ago, 5000 sequences: percent of five LSTMs that learn it.

    near, far  with forget bias 1, ten steps and a hundred
    three      with forget bias 3, a hundred steps
    """
    each = {"near": (kind, near), "far": (kind, far), "three": ("LSTM b_f = 3", far)}
    return {name: 100 * longterm.learn_recall(who, 5000, T, seeds(block, 5)).solved.mean()
            for name, (who, T) in each.items()}


def claim_82(block: int = 0, quiet: float = .01, loud: float = 1., steps: int = 60) -> dict[str, float]:
    """What is left over 60 steps of networks as Keras draws them, medians of 10 seeds.

    lstm                 |dL/dc_0| / |dL/dc_60| of an LSTM, inputs of size 1
    rnn_quiet, rnn_loud  |dL/dh_0| / |dL/dh_60| of a SimpleRNN, inputs of size .01 and 1
    """
    x, v = _inputs(steps, block), seeded(0, block).normal(size=(8, UNITS))

    def end(draw, size):
        return np.median([10 ** by_distance(bptt.forward(draw(np.random.default_rng(seed)), size * x), v)[-1]
                          for seed in seeds(block)])

    def simple(rng):
        k = np.sqrt(6 / (INPUTS + UNITS))  # glorot_uniform
        return initialise.rnn(INPUTS, UNITS, rng, "orthogonal")._replace(W_xh=rng.uniform(-k, k, (UNITS, INPUTS)))

    return {"lstm": end(lambda rng: longterm.keras_lstm(INPUTS, UNITS, rng), loud), "rnn_quiet": end(simple, quiet),
            "rnn_loud": end(simple, loud)}


def claim_83(block: int = 0, lstm_updates: float = 1., rnn_updates: float = 1.) -> dict[str, float]:
    """The next hour of the counts of lesson 11, made, in bursts and with a daily rhythm: two networks, 400 updates.

    better, worse  percent of LSTMs with forget bias 1 whose squared error is at least a fifth below that of the tanh
                   RNNs, or a quarter above it
    """
    lstm, rnn = (traffic.learn_traffic(name, block, updates=int(400 * share), networks=2)
                 for name, share in [("LSTM b_f = 1", lstm_updates), ("tanh", rnn_updates)])
    ratio = lstm / rnn.mean()
    return {"better": 100 * (ratio < .8).mean(), "worse": 100 * (ratio > 1.25).mean()}


def claim_78(block: int = 0, apart: int = 0, units: int = 32) -> dict[str, float]:
    """A matrix of four gates (4H, H) drawn as a whole by `orthogonal_`: orthonormal columns; 20 seeds.

    orthogonal         percent of the gates' (H, H) matrices whose singular values are all 1 to a thousandth
    smallest, largest  singular values of a gate's matrix, medians
    apart              so many of the four are drawn each on its own
    """
    values = []
    for seed in seeds(block, 20):
        rng = np.random.default_rng(seed)
        gates = initialise.orthogonal((4 * units, units), rng).reshape(4, units, units)
        gates[:apart] = initialise.orthogonal((4, units, units), rng)[:apart]
        values.append(np.linalg.svd(gates, compute_uv=False))
    values = np.concatenate(values)
    return {"orthogonal": 100 * (np.abs(values - 1).max(-1) < 1e-3).mean(),
            "smallest": np.median(values[:, -1]), "largest": np.median(values[:, 0])}


def _inputs(T: int, block: int) -> np.ndarray:
    return seeded(1, block).normal(size=(T, 8, INPUTS))


def _ends(block: int, T: int = 60, **options) -> Roads:
    """What is left over T steps, by all ways and by the forget gates alone, (10,) each. options: of default_lstm."""
    each = [roads(default_lstm(seed, **options), _inputs(T, block)) for seed in seeds(block)]
    return Roads(*(10 ** np.array([getattr(road, name)[-1] for road in each]) for name in Roads._fields))
