"""What does a gate do for a trained LSTM? Hold it still and count the right answers."""

from __future__ import annotations

import numpy as np

from ... import bptt, cells
from ...activations import sigmoid


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
    W_xh, W_hh, b_h = network.rnn
    run = bptt.forward(network.rnn, x)
    means = {gate: getattr(run, gate).mean((0, 1)) for gate in gates}
    h, c = run.h[0], run.c[0]
    for x_t in x:
        a = dict(zip("ifgo", np.split(x_t @ W_xh.T + h @ W_hh.T + b_h, 4, axis=-1)))
        i, f, o = (means[gate] if gate in means else sigmoid(a[gate]) for gate in "ifo")
        c = f * c + i * np.tanh(a["g"])
        h = o * np.tanh(c)
    return float((cells.readout(network.readout, h).argmax(-1) == labels).mean())
