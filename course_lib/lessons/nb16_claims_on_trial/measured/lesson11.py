"""Claims about the LSTM: what its road back keeps, and where it is the better network."""

from __future__ import annotations

import numpy as np

from .... import bptt, initialise
from ...nb06_vanishing import longterm
from ...nb11_lstm.roads import INPUTS, UNITS, Roads, by_distance, default_lstm, roads

SEEDS = range(10)
VANISHED = 1e-3  # of the gradient left


def claim_45() -> dict[str, float]:
    """|dL/dc_0| / |dL/dc_60| of LSTMs as torch draws them, medians of 10 seeds.

    default, bias_one, chrono  their biases as drawn, forget bias 1, chrono biases for distances up to 60
    tanh                       |dL/dh_0| / |dL/dh_60| of torch's default RNN
    """
    rnns = [initialise.torch_default(INPUTS, UNITS, np.random.default_rng(seed)) for seed in SEEDS]
    v = np.random.default_rng(0).normal(size=(8, UNITS))
    return {"default": np.median(_ends().full), "bias_one": np.median(_ends(forget_bias=1).full),
            "chrono": np.median(_ends(chrono=60).full),
            "tanh": np.median([10 ** by_distance(bptt.forward(rnn, _inputs(60)), v)[-1] for rnn in rnns])}


def claim_46() -> dict[str, float]:
    """What the product of the forget gates leaves over 60 steps, over what all ways leave; medians of 10 seeds.

    default, chrono  as torch draws an LSTM, and with chrono biases
    none             with W_hh = 0: there is no other way
    """
    ends = {"default": _ends(), "chrono": _ends(chrono=60), "none": _ends(scale=0)}
    return {name: np.median(end.alone / end.full) for name, end in ends.items()}


def claim_47() -> dict[str, float]:
    """|dL/dc_0| / |dL/dc_T| of LSTMs of 10 seeds.

    default  as torch draws them, T = 60, the median
    grown    forget bias 5 and 10 times the recurrent weights, T = 240, the least
    """
    return {"default": np.median(_ends().full), "grown": _ends(240, forget_bias=5, scale=10).full.min()}


def claim_48() -> dict[str, float]:
    """The share of LSTMs whose gradient vanishes, and of those whose gradient explodes.

    vanished  as torch draws them, and with forget bias 1, 10 seeds each: less than 1e-3 left after 60 steps
    chrono    the same with chrono biases, 10 seeds
    exploded  forget bias 5 and 10 times the recurrent weights, 10 seeds: grown more than 1000-fold after 240 steps
    """
    usual = np.concatenate([_ends().full, _ends(forget_bias=1).full])
    return {"vanished": (usual < VANISHED).mean(), "chrono": (_ends(chrono=60).full < VANISHED).mean(),
            "exploded": (_ends(240, forget_bias=5, scale=10).full > 1 / VANISHED).mean()}


def claim_50() -> dict[str, float]:
    """How many numbers a forget gate has, and the input weights of a row of it: 100 units, one-hot words of 10 000."""
    params = initialise.lstm(10_000, 100, np.random.default_rng(0), dtype=np.float32)
    word = np.zeros((1, 1, 10_000), np.float32)
    word[0, 0, 4321] = 1
    return {"gate": bptt.forward(params, word).f[0, 0].size, "inputs": params.W_xh.shape[1]}


def claim_51() -> dict[str, float]:
    """Is the mean error of three LSTMs with chrono biases below .8 of that of three tanh RNNs as torch draws them (1)?

    far, near  digits read 25 steps ago, 200 updates, and read just now, 260 updates: share of wrong answers
    sunspots   next year's number from 30 years, 400 updates: squared error
    ratio      of the two errors on sunspots, the LSTM's over the RNN's
    """
    def ratio(error):
        return error("LSTM chrono").mean() / error("tanh").mean()

    ratios = {"far": ratio(lambda name: 1 - longterm.learn_digits(name, 25, updates=200)),
              "near": ratio(lambda name: 1 - longterm.learn_digits(name, 0, updates=260)),
              "sunspots": ratio(lambda name: longterm.learn_sunspots(name, seeds=range(3)))}
    return {name: value < .8 for name, value in ratios.items()} | {"ratio": ratios["sunspots"]}


def _inputs(T: int) -> np.ndarray:
    return np.random.default_rng(1).normal(size=(T, 8, INPUTS))


def _ends(T: int = 60, **options) -> Roads:
    """What is left over T steps, by all ways and by the forget gates alone, (10,) each. options: of default_lstm."""
    each = [roads(default_lstm(seed, **options), _inputs(T)) for seed in SEEDS]
    return Roads(*(10 ** np.array([getattr(road, name)[-1] for road in each]) for name in Roads._fields))
