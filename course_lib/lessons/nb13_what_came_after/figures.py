"""The figures of lesson 13: Newton's rounds, the mean squares of a long memory, one ruler for all."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ... import bptt, initialise
from ...screen.figure import BLUE, VERMILION, Figure
from ...screen.kit import LINE_HEIGHT, apart, power_of_ten
from ..nb12_gru.figures import COLOURS
from . import newton_in_time
from .curse_of_memory import mean_squares


class NewtonRounds(Figure):
    """How far each step is from the states computed one after another, after some rounds of newton_in_time.newton.

    gain    of the Gaussian W_hh of a tanh network with 16 units
    rounds  of Newton's method
    """

    size = (900, 360)
    labels = {"gain": "gain of W_hh", "rounds": "rounds"}
    GAINS, T, MOST = (.5, 1., 1.5, 2., 3.), 100, 40
    FLOOR, TOP = -16.5, 3

    def __init__(self, seed: int = 0, **values):
        rng = np.random.default_rng(seed)
        base, x = initialise.rnn(4, 16, rng, "gaussian"), .5 * rng.normal(size=(self.T, 1, 4))
        params = base._replace(W_xh=np.broadcast_to(base.W_xh, (len(self.GAINS), 16, 4)),
                               W_hh=np.multiply.outer(self.GAINS, base.W_hh),
                               b_h=np.zeros((len(self.GAINS), 16)))
        true = bptt.forward(params, x).h
        guesses = zip(range(self.MOST + 1), newton_in_time.newton(params, x))
        self.errors = np.array([np.abs(h - true)[1:].max((-1, -2)) for _, (h, _) in guesses])  # (rounds, T, gains)
        super().__init__(**values)

    def draw(self):
        ax = self.panels(
            at=(.085, .15, .8, .75), title="All steps at once: how wrong is each state?", xlabel="step t",
            xlim=(1, self.T), ylabel=r"$\log_{10}$ of the largest error", ylim=(self.FLOOR, self.TOP),
            yticks=range(-16, 1, 4))
        self.wrong = self.curve(ax, BLUE, linewidth=2.2)
        self.front = self.curve(ax, VERMILION, "--", linewidth=1.2)
        self.word, = self.key(ax, (.98, .97, "", BLUE), ha="right")

    def compute(self, gain=1., rounds=3):
        if gain not in self.GAINS or rounds not in range(self.MOST + 1):
            raise ValueError(f"gain is {gain!r} and rounds {rounds!r}, need one of {self.GAINS} and 0 to {self.MOST}.")
        return self.errors[rounds, :, self.GAINS.index(gain)]

    def move(self, errors):
        self.wrong.set_data(np.arange(1, self.T + 1), np.log10(np.maximum(errors, 10 ** self.FLOOR)))
        self.front.set_data([self.values["rounds"]] * 2, [self.FLOOR, self.TOP])
        self.word.set_text(f"right to 8 digits: {(errors < 1e-8).sum()} of {self.T} steps")

    def describe(self, errors):
        v = self.values
        return (f"After {v['rounds']} rounds of Newton's method at gain {v['gain']:g}, {(errors < 1e-8).sum()} of "
                f"{self.T} states are right to eight digits.")


class LongMemory(Figure):
    """White input into h_t = l h_{t-1} + x_t: E h^2 and E (dh/dl)^2 against 1 - l, and the gradient after both cures.

    measured  {l: (E h^2, E (dh/dl)^2, E (d(normalised h)/dnu)^2)}; the lines are the closed forms
    errors    ValueError where it is empty
    """

    size = (900, 380)

    def __init__(self, measured: Mapping[float, tuple[float, float, float]]):
        if not measured:
            raise ValueError("measured is empty: give at least one l with its three variances.")
        self.measured = dict(measured)
        super().__init__()

    def draw(self):
        gap = np.logspace(-3.3, -.3, 200)
        ax = self.panels(
            at=(.085, .15, .66, .75), title="The curse of memory", xlabel="1 − l  (longer memory to the right)",
            ylabel="mean square", xscale="log", yscale="log", xlim=(gap[-1], gap[0]), ylim=(1e-2, 1e10))
        names, columns = (r"$E\,h^2$", r"$E\,(dh/dl)^2$", r"$E\,(d\bar h/d\nu)^2$, cured"), zip(*self.measured.values())
        for (colour, dash), name, curve, column in zip(COLOURS, names, mean_squares(1 - gap), columns):
            ax.plot(gap, curve, color=colour, linestyle=dash, linewidth=2)
            ax.plot([1 - l for l in self.measured], column, "o", color=colour, markersize=6)
            ax.text(gap[0] / 1.15, curve[0], name, color=colour, va="center")
        ax.minorticks_off()

    def describe(self, _):
        rows = "; ".join(f"l = {l:g}: {h:.2g}, {d:.2g} and {cured:.2g}" for l, (h, d, cured) in self.measured.items())
        return f"Mean squares of h, of dh/dl, and of the gradient after both cures, measured at three l. {rows}."


class SameRuler(Figure):
    """What is left of a gradient by distance, for any set of curves.

    curves  {name: (K + 1,) sizes, [k] for distance k}; each is divided by its entry at k = 0
    floor   log10 of the smallest size that is drawn
    errors  ValueError for no curve, or more than there are colors
    """

    size = (900, 380)

    def __init__(self, curves: Mapping[str, np.ndarray], floor: float = -12.):
        if not 0 < len(curves) <= len(COLOURS):
            raise ValueError(f"curves holds {len(curves)} of them, needs 1 to {len(COLOURS)}.")
        self.sizes = {name: np.asarray(curve) / curve[0] for name, curve in curves.items()}
        self.floor = floor
        super().__init__()

    def draw(self):
        longest = max(len(curve) for curve in self.sizes.values()) - 1
        ax = self.panels(
            at=(.085, .15, .58, .75), title="The same ruler for all", xlabel="distance k (steps, or layers)",
            ylabel=r"$\log_{10}$ of what is left", xlim=(0, longest), ylim=(self.floor, 2))
        with np.errstate(divide="ignore"):
            logs = [np.log10(curve) for curve in self.sizes.values()]
        ends = np.array([max(curve[-1], self.floor) for curve in logs])
        heights = apart((ends - self.floor) / (2 - self.floor), LINE_HEIGHT / (.75 * self.size[1]))
        for (colour, dash), name, curve, height in zip(COLOURS, self.sizes, logs, heights):
            ax.plot(np.maximum(curve, self.floor - 1), color=colour, linestyle=dash, linewidth=2.2)
            self.key(ax, (1.02, height, f"{name}: {power_of_ten(curve[-1])}", colour), va="center")

    def describe(self, _):
        rows = ", ".join(f"{name} {curve[-1]:.2g}" for name, curve in self.sizes.items())
        return f"What is left of the gradient at the greatest distance, relative to distance 0: {rows}."
