"""The figures of lesson 13: Newton's rounds, the mean squares of a long memory, one ruler for all, the road back
through the delta rule, and how many pairs a matrix holds."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ... import bptt, initialise
from ...screen.figure import BLUE, INK, VERMILION, Figure
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


class DeltaRoad(Figure):
    """What the step S (I - beta k k^T) of the delta rule does to a gradient: to one in the plane, and over 100 steps.

    beta   how much of the value at the key is replaced, 0 to 2; the keys have length 1
    d      numbers in a key, one of SIZES: on the right keys and gradients are drawn at random, DRAWS times
    """

    size = (900, 380)
    labels = {"beta": "β", "d": "numbers in a key, d"}
    SIZES, T, DRAWS, FLOOR = (2, 4, 16, 64), 100, 8, -12.5
    allowed = {"beta": (0, 2), "d": [*SIZES]}
    KEY, GRADIENT = np.array([1., 0.]), np.array([.8, .6])

    def __init__(self, seed: int = 0, **values):
        rng = np.random.default_rng(seed)
        self.keys = {d: rng.normal(size=(self.T, self.DRAWS, d)) for d in self.SIZES}
        self.keys = {d: k / np.linalg.norm(k, axis=-1, keepdims=True) for d, k in self.keys.items()}
        super().__init__(**values)

    def draw(self):
        plane, road = self.panels(
            dict(at=(.06, .15, .3, .75), title="One step back", xlabel="along the key", ylabel="across it",
                 aspect="equal", xlim=(-1.15, 1.15), ylim=(-.45, 1.25), xticks=(-1, 0, 1), yticks=(0, 1)),
            dict(at=(.45, .15, .38, .75), title="Many steps back, each with a key of its own", xlabel="steps back",
                 ylabel=r"$\log_{10}$ of what is left", xlim=(0, self.T), ylim=(self.FLOOR, .8)))
        plane.plot([0, 1], [0, 0], color=INK, linewidth=3)
        plane.text(1, -.06, "key k", ha="right", va="top")
        plane.plot([0, self.GRADIENT[0]], [0, self.GRADIENT[1]], color=BLUE, linewidth=2.2)
        plane.text(1.1, self.GRADIENT[1] + .05, "gradient at $S_t$", color=BLUE, ha="right", va="bottom")
        self.arrow = self.curve(plane, VERMILION, "--", linewidth=2.4)
        self.tip = self.curve(plane, VERMILION, "o", markersize=7)
        self.draws = [self.curve(road, BLUE, linewidth=.9) for _ in range(self.DRAWS)]
        self.mean = self.curve(road, VERMILION, "--", linewidth=2.4)
        self.name, = self.key(plane, (.02, .98, "", VERMILION))
        self.left, self.said = self.key(road, (1.03, .95, "", BLUE), (1.03, .78, "", VERMILION))

    def compute(self, beta=1., d=16):
        once = self.GRADIENT - beta * (self.KEY @ self.GRADIENT) * self.KEY
        v = np.random.default_rng(1).normal(size=(self.DRAWS, d))
        sizes = [start := np.linalg.norm(v, axis=-1)]
        for k in self.keys[d]:
            v = v - beta * (v * k).sum(-1, keepdims=True) * k
            sizes.append(np.linalg.norm(v, axis=-1))
        return once, np.array(sizes) / start

    def move(self, data):
        (once, left), beta, d = data, self.values["beta"], self.values["d"]
        self.arrow.set_data([0, once[0]], [0, once[1]])
        self.tip.set_data(once[:1], once[1:])
        self.name.set_text(f"one step back: {1 - beta:.2f} times along k")
        steps = np.arange(self.T + 1)
        for line, curve in zip(self.draws, np.maximum(left, 10**(self.FLOOR - 1)).T):
            line.set_data(steps, np.log10(curve))
        share = max(1 - beta * (2 - beta) / d, 10. ** (self.FLOOR / 10))
        self.mean.set_data(steps, steps / 2 * np.log10(share))
        self.left.set_text(f"{self.DRAWS} draws: {left[-1].min():.1g}\nto {left[-1].max():.1g} left")
        self.said.set_text("root mean\nsquare, by\nformula")

    def describe(self, data):
        (once, left), v = data, self.values
        return (f"With beta = {v['beta']:g} one step back leaves {1 - v['beta']:.2g} of the gradient's part along the "
                f"key and all of the part across it. After {self.T} random keys of {v['d']} numbers "
                f"{left[-1].min():.2g} to {left[-1].max():.2g} of the gradient is left.")


class Recall(Figure):
    """How wrong a matrix of d by d numbers answers, against how many pairs were stored in it.

    measured  {"plain sum": errors, "delta rule": errors}, (len(pairs), seeds): mean square, 1 is the values' own
    pairs     how many were stored; the line "the best matrix" is max(0, 1 - d / pairs)
    errors    ValueError where shapes do not fit
    """

    size = (900, 380)

    def __init__(self, measured: Mapping[str, np.ndarray], pairs, d: int):
        self.measured, self.pairs, self.d = dict(measured), np.asarray(pairs), d
        if not self.measured or any(len(errors) != len(self.pairs) for errors in self.measured.values()):
            shapes = [np.shape(errors) for errors in self.measured.values()]
            raise ValueError(f"measured holds arrays of the shapes {shapes}, needs one or more, and in each a row "
                             f"for each of the {len(self.pairs)} entries of pairs.")
        super().__init__()

    def draw(self):
        ax = self.panels(at=(.085, .15, .66, .75), title="How many pairs does a matrix hold?", xlabel="pairs stored",
                         ylabel="mean square error, 1 = no better than 0", xscale="log", xlim=(1, self.pairs[-1]),
                         ylim=(-.05, 2.05))
        ax.set_xticks(ticks := 2 ** np.arange(0, int(np.log2(self.pairs[-1])) + 1), [f"{each}" for each in ticks])
        ax.minorticks_off()
        self.guide(ax, x=self.d, style=(0, (2, 2)))
        ax.text(self.d * .96, 1.98, f"d = {self.d}", ha="right", va="top")
        best = np.maximum(0, 1 - self.d / self.pairs)
        curves = {**self.measured, "the best matrix": best[:, None]}
        means = [errors.mean(1) for errors in curves.values()]
        ends = np.array([min(mean[-1], 2.) / 2.1 + .024 for mean in means])
        heights = apart(ends, LINE_HEIGHT / (.75 * self.size[1]))
        for (colour, dash), (name, errors), mean, height in zip(COLOURS, curves.items(), means, heights):
            ax.fill_between(self.pairs, errors.min(1), errors.max(1), color=colour, alpha=.18, linewidth=0)
            ax.plot(self.pairs, mean, color=colour, linestyle=dash, linewidth=2.2)
            self.key(ax, (1.02, height, f"{name}: {mean[-1]:.2g}", colour), va="center")

    def describe(self, _):
        at = int(np.abs(self.pairs - self.d).argmin())
        rows = ", ".join(f"{name} {errors[at].mean():.2f} and {errors[-1].mean():.2g}"
                         for name, errors in self.measured.items())
        return (f"Mean square error of what a {self.d} by {self.d} matrix answers, after {self.pairs[at]} and after "
                f"{self.pairs[-1]} pairs: {rows}, the best matrix {max(0, 1 - self.d / self.pairs[at]):.2f} and "
                f"{1 - self.d / self.pairs[-1]:.2g}.")
