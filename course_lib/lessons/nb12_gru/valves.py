"""The drawing of lesson 11 with parts crossed out: the GRU, and the minGRU of lesson 13."""

from __future__ import annotations

import numpy as np

from ... import _checks, initialise
from ..nb11_lstm.roads import INPUTS, UNITS, default_gru
from ..nb11_lstm.valves import Valves


class GRUValves(Valves):
    """The GRU as torch draws it, with all biases of a gate at one value: z keeps, 1 - z writes, r hides h from n.

    gates  "rz", or "z": r is not drawn, stands at 1, and its bias does nothing
    way    "forward" or "backward"
    b_z, b_r  the gates' biases
    errors  ValueError for other gates
    """

    name = "GRU"
    labels = {"b_z": "update bias b_z", "b_r": "reset bias b_r"}
    valves, ways = {"f": "z", "i": "1 - z", "r": "r"}, {"f": "z", "g": "n", "r": "r"}
    gates = {"f": "update gate", "i": "the same gate", "r": "reset gate"}
    missing = {"told": "no output gate,\nno second state", "shown": "", "i": "no own\ngate"}
    candidate, corners = "candidate\n$n$: tanh", ("$h_{t-1}$", "$h_t$", "", "")

    def __init__(self, gates: str = "rz", seed: int = 0, **values):
        if _checks.choice("gates", gates, ("rz", "z")) == "z":
            self.name = "A cell with an update gate"
            self.valves, self.ways = {"f": "z", "i": "1 - z"}, {"f": "z", "g": "n"}
        super().__init__(seed, **values)

    def compute(self, way="backward", b_z=0., b_r=0.):
        params = default_gru(self.seed)
        for bias, value in zip(np.split(params.b_h, 3), (b_r if "r" in self.valves else 40., b_z)):
            bias[...] = value
        return self.measured(params)


class MinGRUValves(Valves):
    """The minGRU as initialise.mingru draws it, with all biases of its gate at one value: here z writes and 1 - z keeps.

    way  "forward" or "backward"
    b_z  the gate's bias
    """

    name = "minGRU"
    labels = {"b_z": "bias b_z"}
    valves = {"f": "1 - z", "i": "z"}
    gates = {"f": "the gate", "i": "the same gate"}
    missing = GRUValves.missing | {"f": "", "g": "", "link": "h is not read:\nno W_hh"}
    corners = ("$h_{t-1}$", "$h_t$", "", "")

    def compute(self, way="backward", b_z=0.):
        params = initialise.mingru(INPUTS, UNITS, np.random.default_rng(self.seed))
        np.split(params.b_h, 2)[0][...] = b_z
        return self.measured(params)
