"""What does a gate do for a trained LSTM? Hold it still and count the right answers."""

from __future__ import annotations

import numpy as np

from ... import bptt, cells
from .valves import without


def accuracy(network: cells.NetworkParams, x: np.ndarray, labels: np.ndarray, gates: str = "") -> float:
    """Return the share of sequences that an LSTM names correctly while some of its gates are held still.

    network  of LSTMParams, one network
    x        (T, B, D); labels (B,)
    gates    letters of "ifo": each unit's gate is held at its own mean over these sequences and steps
    errors   TypeError for another cell, ValueError for other letters
    """
    if not isinstance(network.rnn, cells.LSTMParams):
        raise TypeError(f"network.rnn is {type(network.rnn).__name__}, needs cells.LSTMParams: it has the gates i, f, "
                        f"o.")
    if not set(gates) <= set("ifo"):
        raise ValueError(f'gates is {gates!r}, needs letters of "ifo".')
    run, held = bptt.forward(network.rnn, x), network.rnn
    for gate in gates:
        mean = getattr(run, gate).mean((0, 1))
        held = without(held, gate, np.log(mean / (1 - mean)))
    return float((cells.readout(network.readout, bptt.forward(held, x).h[-1]).argmax(-1) == labels).mean())
