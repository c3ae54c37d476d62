"""The figures of lesson 11: what forget gates keep, the road back through an LSTM, and its gates at work."""

from __future__ import annotations

import numpy as np

from ... import bptt, cells
from ...activations import sigmoid
from ...screen.figure import BLUE, ORANGE, VERMILION, Figure
from ...screen.kit import Decades, power_of_ten
from .roads import INPUTS, default_lstm, half_life, roads

BATCH = 8


class HalfLife(Figure):
    """What a forget gate keeps if nothing but its bias acts on it, and after how many steps half of it is left.

    bias  forget bias b_f
    """

    size = (860, 340)
    labels = {"bias": "forget bias b_f"}
    LONGEST, ENDS = 100, (-1., 6.)

    def draw(self):
        left, right = self.panels(
            dict(at=(.08, .16, .38, .73), title="What is left of the gradient", xlabel="steps back k",
                 ylabel=r"$s(b_f)^k$", xlim=(0, self.LONGEST), ylim=(0, 1.04)),
            dict(at=(.57, .16, .38, .73), title="Steps to one half", xlabel=r"forget bias $b_f$",
                 ylabel="half-life (steps)", yscale="log", xlim=self.ENDS, ylim=(.4, 400)))
        self.guide(left, .5)
        self.left = self.curve(left, BLUE, linewidth=2.2)
        self.half = self.curve(left, VERMILION, "o", markersize=7)
        b = np.linspace(*self.ENDS, 141)
        right.plot(b, [half_life(each) for each in b], color=BLUE)
        right.plot(b, np.exp(b) * np.log(2), "--", color=ORANGE, linewidth=1.4)
        right.text(1.2, 1.1, r"$e^{b_f} \ln 2$", color=ORANGE, va="top")
        right.set_yticks([1, 10, 100], ["1", "10", "100"])
        right.minorticks_off()
        self.dot = self.curve(right, VERMILION, "o", markersize=7)
        self.name, = self.key(right, (.04, .93, "", VERMILION))

    def compute(self, bias=1.):
        return float(sigmoid(np.float64(bias))), half_life(bias)

    def move(self, gate):
        f, steps = gate
        k = np.arange(self.LONGEST + 1)
        self.left.set_data(k, f ** k)
        self.half.set_data([steps], [.5])
        self.dot.set_data([self.values["bias"]], [steps])
        self.name.set_text(f"f = {f:.3f}: {steps:.1f} steps")

    def describe(self, gate):
        return (f"With forget bias {self.values['bias']:g} and no weights a gate is at {gate[0]:.3f}: what passes it "
                f"is half after {gate[1]:.1f} steps. The half-life nears e to the bias, times ln 2.")


class RoadBack(Decades):
    """The gradient dL/dc by distance in an untrained LSTM: by all ways, and along the forget gates alone.

    bias   forget bias b_f; the rest is as torch draws it
    scale  what W_hh is multiplied by
    """

    size = (860, 380)
    labels = {"bias": "forget bias b_f", "scale": "W_hh times"}
    title, xlabel = "The road back", "steps back from the end, T − t"
    ylabel = r"$\log_{10}\ |dL/dc_t|\ /\ |dL/dc_T|$  (decades)"
    rectangle = (.09, .15, .68, .76)
    spans = (60, -25, 5),
    lines = (BLUE, "-", 2.2), (ORANGE, "--", 2.2)
    LONGEST = 60

    def __init__(self, seed: int = 0, **values):
        self.seed = seed
        self.x = np.random.default_rng([seed, 1]).normal(size=(self.LONGEST, BATCH, INPUTS))
        super().__init__(**values)

    def compute(self, bias=1., scale=1.):
        return roads(default_lstm(self.seed, forget_bias=bias, scale=scale), self.x, self.seed)

    def move(self, road):
        self.place(np.arange(self.LONGEST + 1), road, [f"{word}: {power_of_ten(curve[-1])}"
                                                       for word, curve in zip(("all ways", "gates alone"), road)])

    def describe(self, road):
        full, alone = (f"{10 ** curve[-1]:.0e}" for curve in road)
        return (f"Forget bias {self.values['bias']:g}, W_hh times {self.values['scale']:g}: over {self.LONGEST} steps "
                f"back {full} of dL/dc is left by all ways, {alone} along the forget gates alone.")


class Gates(Figure):
    """The gates of an LSTM while it reads one sequence of temporal order.

    params  of one network
    x       (T, 1, 6) one sequence
    gate    "i", "f" or "o"
    step    1 ... T
    """

    size = (900, 430)
    labels = {"gate": "gate", "step": "step t"}
    SIGNS = "XYabcd"

    def __init__(self, params: cells.LSTMParams, x: np.ndarray, **values):
        self.run = bptt.forward(params, x)
        self.read, self.allowed = x[:, 0].argmax(-1), {"gate": ["i", "f", "o"], "step": (1, len(x))}
        self.order = np.argsort(self.run.f[:, 0].mean(0))  # units that keep longest on top
        super().__init__(**values)

    def draw(self):
        T, H = self.run.f.shape[0], self.run.f.shape[-1]
        *self.axes, bars = gates, cell, _ = self.panels(
            dict(at=(.07, .57, .63, .33), ylabel="unit", grid=False),
            dict(at=(.07, .12, .63, .33), title="The cell c (dark -2, yellow 2)", ylabel="unit", xlabel="step t",
                 grid=False),
            dict(at=(.78, .12, .19, .78), title="At step t", xlim=(0, 1), ylim=(-.5, H - .5), xlabel="the gate's value",
                 xticks=[0, .5, 1]))
        common = {"aspect": "auto", "origin": "lower", "extent": (.5, T + .5, -.5, H - .5)}
        self.images = [self.moving(gates.imshow(np.zeros((H, T)), vmin=0, vmax=1, cmap="cividis", **common)),
                       self.moving(cell.imshow(np.zeros((H, T)), vmin=-2, vmax=2, cmap="cividis", **common))]
        gates.set_title("The gate chosen, unit by unit (dark 0, yellow 1)", pad=20)
        for ax in (gates, cell, bars):
            ax.set_yticks([])
        for t in np.flatnonzero(self.read < 2):
            gates.text(t + 1, H + .1, self.SIGNS[self.read[t]], color=VERMILION, ha="center", va="bottom",
                       fontweight="bold")
        self.lines = [self.curve(ax, VERMILION, linewidth=1.5) for ax in self.axes]
        self.dots = self.curve(bars, BLUE, "o", markersize=4)

    def compute(self, gate="f", step=1):
        return getattr(self.run, gate)[:, 0][:, self.order], self.run.c[1:, 0][:, self.order]  # by step and unit

    def move(self, work):
        for image, values in zip(self.images, work):
            image.set_data(values.T)
        gate, step, H = work[0], self.values["step"], work[0].shape[1]
        for line in self.lines:
            line.set_data([step] * 2, [-.5, H - .5])
        self.dots.set_data(gate[step - 1], np.arange(H))

    def describe(self, work):
        signals = ", ".join(f"{self.SIGNS[self.read[t]]} at step {t + 1}" for t in np.flatnonzero(self.read < 2))
        name, step = {"i": "input", "f": "forget", "o": "output"}[self.values["gate"]], self.values["step"]
        now = work[0][step - 1]
        return (f"A sequence of {len(self.read)} signs with {signals}. At step {step} the {name} gates of "
                f"{len(now)} units have the mean {now.mean():.1f}.")
