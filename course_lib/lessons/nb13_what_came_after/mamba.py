"""Mamba in the drawing of lesson 11: a clock that reads the input moves both valves; one number along a sentence."""

from __future__ import annotations

import numpy as np

from ...screen.figure import INK, VERMILION
from ..nb11_lstm.one_number import OneNumber
from ..nb11_lstm.one_step import OneStep
from ..nb11_lstm.valves import BRANCHES, F, OUT, ROADS, STEP, WAYS, X, Y
from ..nb12_gru.valves import MinGRUValves
from .layers_of_today import softplus
from .newton_in_time import scan

STATE = 16  # numbers that are kept of each input


def mamba_step(x: np.ndarray, t: int, bias: float, seed: int = 0) -> OneStep:
    """Measure one step of Mamba, forward, and back from t to t - 1 of a loss that reads the last state, h_T, alone.

        h_t = exp(Delta_t A) h_{t-1} + Delta_t B_t x_t,   Delta_t = softplus(W x_t + bias),   B_t = W_B x_t

    Each input has a Delta_t and 16 numbers, with A = -1 ... -16 as Mamba starts them; all inputs have the same B_t.

    x        (T, B, D), 2 <= t <= T
    seed     of W and W_B, drawn as torch draws a linear layer, and of the gradient at the end, normal
    returns  OneStep; the valves are "a", exp(Delta_t A), and "Δ", what B_t x_t is multiplied by
    source   github state-spaces/mamba, modules/mamba_simple.py
    """
    rng, D = np.random.default_rng(seed), x.shape[-1]
    W, W_B = np.split(rng.uniform(-1, 1, (D + STATE, D)) / np.sqrt(D), [D])
    delta = softplus(x @ W.T + bias)[..., None]
    a, given = np.exp(-delta * np.arange(1, STATE + 1)), (x @ W_B.T)[..., None, :] * x[..., None]
    before = scan(a[:t - 1], (delta * given)[:t - 1])[0][-1]
    dh = np.random.default_rng(seed).normal(size=before.shape) * a[t:].prod(axis=0)
    sizes = [np.linalg.norm(part, axis=(-2, -1)).mean() for part in (a[t - 1] * dh, dh)]
    gates, kept = {"a": (a[t - 1], before), "Δ": (delta[t - 1], given[t - 1])}, float(sizes[0] / sizes[1])
    passed = {name: float(np.linalg.norm(gate * part) / np.linalg.norm(part)) for name, (gate, part) in gates.items()}
    return OneStep(kept, {}, 0., {"": 0.}, kept, 1., 0., {name: float(gates[name][0].mean()) for name in gates}, passed)


class MambaValves(MinGRUValves):
    """Mamba's recurrence, with one bias for the clocks of all inputs; left out is what surrounds it, as in the table.

    way   "forward" or "backward"
    bias  of the clock; Mamba starts at biases of -6.9 to -2.3, which are a Delta of 0.001 to 0.1 where x is 0
    """

    name, labels = "Mamba", {"bias": "bias of the clock"}
    allowed = {"way": WAYS, "bias": (-8, .5)}  # beyond it Delta is more than 1, and no share
    valves, gates = {"f": "a", "i": "Δ"}, {"f": "exp(Δ A)", "i": "the clock"}
    plan = ROADS | {"told": ([(OUT, Y[1]), (OUT, 240)], VERMILION),
                    "shown": ([(OUT, 180), (OUT, 80), (X[1], 80)], VERMILION)}
    missing = {"g": "", "link": MinGRUValves.missing["link"]}
    candidate, corners = "the input\n$B_t\\,x_t$", ("$h_{t-1}$", "$h_t$", "", "$y_t$")
    shows = ("", "the output", "", "nothing: the loss\nreads the last h")

    def draw(self):
        super().draw()
        for x, y, words in (220, 143, "the clock\n$\\Delta_t$"), (OUT, 205, "read by\n$C_t$"):
            self.ax.text(x, y, words, ha="center", va="center", fontsize=11,
                         bbox=dict(boxstyle="round,pad=.3", facecolor="none", edgecolor=INK))
        for line in ([(F, Y[0]), (F, 118)], [(F, 168), (F, 296)], [(255, 168), *BRANCHES["i"][1:]], BRANCHES["o"]):
            self.ax.plot(*np.transpose(line), color=INK, linewidth=1)

    def compute(self, way="backward", bias=-4.):
        return mamba_step(self.x, STEP, bias, self.seed)


class MambaNumber(OneNumber, MambaValves):
    """One number of Mamba's state, with A = -1, that reads a sentence; what x sets at each word is set by hand.

        h_t = exp(-Delta_t) h_{t-1} + Delta_t B_t x_t,   y_t = C_t h_t

    table, word, errors  as OneNumber has them, with the rows word, Delta (0 to 1), x, B and C (-1 to 1)
    """

    state, holds, candidate, corners = "h", "state", MambaValves.candidate, MambaValves.corners
    ranges, tells = {"x": (-1, 1), "Delta": (0, 1), "B": (-1, 1), "C": (-1, 1)}, float
    kind, says = "A Mamba", "h = {f} · {before} + {i} · {g} = {after},  y = {o} · {after} = {h}"
    last = "its clock is {i}, so that {f} of the state is kept and {i} of {g} written; C is {o}: {h} is shown"
    by_hand = "Mamba reads x to set Δ, B and C; these are set by hand"

    def given(self, rows):
        clock, a = rows["Delta"], np.exp(-rows["Delta"])
        return {"f": a, "a": a, "i": clock, "Δ": clock, "g": rows["B"] * rows["x"], "o": rows["C"]}

    def draw(self):
        self.valves, self.ways = MambaValves.valves, {}
        super().draw()
