"""A claim about the GRU beside the LSTM."""

from __future__ import annotations

import numpy as np

from ...nb06_vanishing import longterm
from ...nb11_lstm.roads import INPUTS, default_gru, default_lstm, roads
from .networks import seeded, seeds


def claim_49(block: int = 0, gru: str = "GRU chrono", zero: str = "LSTM b_f = 0", sequences: int = 7_500) -> dict[str, float]:
    """Naming the first of 50 symbols within 7500 sequences, and the straight road back; five seeds.

    lstm, gru            percent that learn with chrono biases for distances up to 50
    lstm_zero, gru_zero  percent that learn with all biases 0
    alike                the largest factor between what the gates that keep leave over 60 steps, f of an LSTM and z of
                         a GRU, torch's weights and that gate's bias at 0, 1, 3 and 5, medians
    """
    kinds, five = {"lstm": "LSTM chrono", "gru": gru, "lstm_zero": zero, "gru_zero": "GRU"}, seeds(block, 5)
    shares = {name: 100 * longterm.learn_recall(kind, sequences, 50, five).solved.mean() for name, kind in kinds.items()}
    x = seeded(1, block).normal(size=(60, 8, INPUTS))

    def straight(draw, **bias):
        return np.median([roads(draw(seed, **bias), x).alone[-1] for seed in five])

    apart = [straight(default_lstm, forget_bias=b) - straight(default_gru, keep_bias=b) for b in [0, 1, 3, 5]]
    return shares | {"alike": 10 ** np.abs(apart).max()}
