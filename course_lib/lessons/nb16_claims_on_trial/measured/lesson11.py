"""Claims about the LSTM: what its road back keeps, and where it is the better network."""

from __future__ import annotations

import numpy as np

from .... import bptt, initialise
from ...nb06_vanishing import longterm
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
    """The mean error of three LSTMs with chrono biases over that of three tanh RNNs as torch draws them.

    far, near  digits read 25 steps ago, 200 updates, and read just now, 260 updates: percent of wrong answers
    sunspots   next year's number from 30 years, 400 updates: squared error
    """
    three = seeds(block, 3)

    def ratio(error, updates):
        return error(better, updates).mean() / error("tanh", int(rnn_updates * updates)).mean()

    def wrong(distance):
        return lambda name, updates: 1 - longterm.learn_digits(name, distance, updates=updates, seeds=three)

    return {"far": ratio(wrong(25), 200), "near": ratio(wrong(0), 260),
            "sunspots": ratio(lambda name, updates: longterm.learn_sunspots(name, updates, three), 400)}


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
