"""The figures of notebook 12: where a GRU at rest is stable, roads back, Newton's rounds, long memory."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from .. import bptt, cells, initialise, scan
from ..experiments.curse import mean_squares
from ..experiments.resting import settle
from ..experiments.roads import by_distance
from .base import BLUE, GREEN, INK, ORANGE, PURPLE, VERMILION, Figure
from .decades import LINE_HEIGHT, Decades, apart, power_of_ten

COLOURS = (BLUE, "-"), (VERMILION, "--"), (GREEN, "-."), (ORANGE, (0, (1, 1))), (PURPLE, (0, (6, 1, 1, 1, 1, 1)))
LEFT, RIGHT, WIDE = (.075, .15, .36, .75), (.53, .15, .36, .75), (.085, .15, .66, .75)


class Pitchfork(Figure):
    """Where one GRU unit ends, h_t = (h_{t-1} + tanh(w h_{t-1} / 2)) / 2, by its weight w: rest, two states, swing."""

    size = (900, 360)
    WEIGHTS = np.linspace(-9, 5, 281)
    STEPS = 3000

    def draw(self):
        ax = self.fig.subplots()
        h = settle(self.WEIGHTS[:, None, None], .1, self.STEPS)[-2:, :, 0]
        self.ends = np.sort(np.concatenate([h, -h]), axis=0)
        ax.set(title="Where one unit ends", xlabel="weight w", ylabel="h after 3000 steps",
               xlim=(-9, 5), ylim=(-1.05, 1.05))
        ax.set_xticks(range(-8, 5, 2))
        for edge in (-6, 2):
            ax.axvline(edge, color=INK, linewidth=.8, dashes=(2, 2))
        for part in (self.WEIGHTS < -6, self.WEIGHTS > 2):
            colour, dash = COLOURS[0 if part[-1] else 1]
            for row in (0, -1):
                ax.plot(self.WEIGHTS[part], self.ends[row, part], color=colour, linestyle=dash, linewidth=2.2)
        rest = (self.WEIGHTS > -6) & (self.WEIGHTS < 2)
        ax.plot(self.WEIGHTS[rest], self.ends[-1, rest], color=GREEN, linewidth=2.2)
        ax.text(-8.9, .05, "swings between\ntwo values", color=VERMILION, va="center")
        ax.text(-2, .1, "goes to rest", color=GREEN, ha="center")
        ax.text(4.9, .05, "keeps one of\ntwo values", color=BLUE, ha="right", va="center")

    def describe(self, _):
        def end(w):
            return self.ends[-1, np.abs(self.WEIGHTS - w).argmin()]

        return (f"Where one GRU unit ends, against its weight w. Between -6 and 2 it goes to 0. Above 2 it keeps one "
                f"of two values, plus or minus {end(3):.2f} at w = 3. Below -6 it swings between plus and minus "
                f"{end(-7):.2f} at w = -7.")


class Rest(NamedTuple):
    """What StableDisc shows: the eigenvalue of W_hn, and |h_t| by step."""

    eigenvalue: complex
    sizes: np.ndarray


class StableDisc(Figure):
    """Two GRU units with W_hn = [[real, -imaginary], [imaginary, real]]: its eigenvalues, and what becomes of |h_t|.

    real, imaginary  of the eigenvalue; both units start at .05
    """

    size = (900, 380)
    labels = {"real": "real part of the eigenvalue", "imaginary": "its imaginary part"}
    STEPS = 300
    FLOOR = -8

    def draw(self):
        self.fig.set_layout_engine("none")
        plane, ax = [self.fig.add_axes(where) for where in (LEFT, RIGHT)]
        circle = np.exp(2j * np.pi * np.linspace(0, 1, 181))
        plane.set(title="Eigenvalues of $W_{hn}$", xlabel="real part", ylabel="imaginary part",
                  xlim=(-7, 5), ylim=(-5, 5))
        plane.set_aspect("equal", anchor="N")
        disc = 4 * circle - 2
        plane.fill(disc.real, disc.imag, color=GREEN, alpha=.15)
        plane.plot(disc.real, disc.imag, color=GREEN, linewidth=1.6)
        plane.plot(2 * circle.real, 2 * circle.imag, color=INK, linewidth=1, dashes=(2, 2))
        plane.text(-4, 0, "decays", color=GREEN, ha="center", va="center")
        plane.text(2.15, -1.5, r"$|e_i| = 2$", fontsize=9)
        self.dots, = self.moving(plane.plot([], [], "o", color=VERMILION, markersize=7))
        ax.set(title="The state without input", xlabel="step t", ylabel=r"$\log_{10}\ |h_t|$",
               xlim=(0, self.STEPS), ylim=(self.FLOOR, 1.5))
        self.curve, = self.moving(ax.plot([], [], color=BLUE, linewidth=2.2))
        self.word = self.moving(ax.text(.97, .97, "", transform=ax.transAxes, color=BLUE, ha="right", va="top"))

    def compute(self, real=2.01, imaginary=0.):
        W = np.array([[real, -imaginary], [imaginary, real]])
        return Rest(complex(real, imaginary), np.linalg.norm(settle(W, .05, self.STEPS), axis=-1))

    @property
    def factor(self) -> float:
        """|1/2 + e_i/4|, e_i an eigenvalue, by which a small state changes in a step."""
        return abs(.5 + self.data.eigenvalue / 4)

    def move(self, rest):
        re, im = rest.eigenvalue.real, rest.eigenvalue.imag
        self.dots.set_data([re, re], [im, -im])
        with np.errstate(divide="ignore"):
            logs = np.log10(rest.sizes)
        self.curve.set_data(np.arange(len(logs)), np.maximum(logs, self.FLOOR - 1))
        self.word.set_text(f"|1/2 + $e_i$/4| = {abs(.5 + rest.eigenvalue / 4):.4f}")

    def describe(self, rest):
        factor = abs(.5 + rest.eigenvalue / 4)
        re, im = rest.eigenvalue.real, abs(rest.eigenvalue.imag)
        return (f"A pair of eigenvalues of W_hn at {re:g} plus and minus {im:g}i, "
                f"{'inside' if factor < 1 else 'outside'} the disc around -2 with radius 4: a small state changes "
                f"by {factor:.4f} a step. |h_t| goes from {rest.sizes[0]:.2g} to {rest.sizes[-1]:.2g} in {self.STEPS} "
                f"steps.")


class KeepBias(Decades):
    """log10 |dL/dh_t| by distance for a tanh network, a GRU and a diagonal recurrence, mean of three networks.

    keep_bias  added to the bias of the GRU's update gate
    keep       l of the diagonal recurrence
    T          length of the sequence
    """

    size = (900, 380)
    labels = {"keep_bias": "added to the bias of z", "keep": "l of the diagonal recurrence", "T": "length T (steps)"}
    title, xlabel = "The gradient by distance, before training", "steps back from the end, T − t"
    ylabel = r"$\log_{10}\ |dL/dh_t|$  (decades)"
    rectangle = WIDE
    lines = tuple((colour, dash, 2.2) for colour, dash in COLOURS[:3])
    HIDDEN, INPUTS, NETWORKS, LONGEST = 16, 4, 3, 200
    NAMES = "tanh, torch's start", "GRU", "diagonal"

    def __init__(self, seed: int = 0, **values):
        rng = np.random.default_rng(seed)
        D, H, E = self.INPUTS, self.HIDDEN, self.NETWORKS
        self.x = rng.normal(size=(self.LONGEST, 1, D))
        self.direction = initialise.orthogonal((1, H), rng)
        self.rnn = initialise.torch_default(D, H, rng, members=E)
        self.gru = initialise.torch_default(D, H, rng, cell="gru", members=E)
        self.W_xh = initialise.gaussian((E, H, D), rng)
        super().__init__(**values)

    def compute(self, keep_bias=0., keep=.9, T=60):
        if T not in range(1, self.LONGEST + 1):
            raise ValueError(f"T is {T!r}, needs to be 1 to {self.LONGEST}.")
        b_h = self.gru.b_h.copy()
        b_h[..., self.HIDDEN:2 * self.HIDDEN] += keep_bias
        shape = self.NETWORKS, self.HIDDEN
        diagonal = cells.DiagonalParams(self.W_xh, np.full(shape, keep), np.zeros(shape))
        nets = self.rnn, self.gru._replace(b_h=b_h), diagonal
        return np.array([by_distance(bptt.forward(net, self.x[:T]), self.direction).mean(1) for net in nets])

    def move(self, curves):
        self.place(np.arange(curves.shape[1]), curves,
                   [f"{name}: {power_of_ten(curve[-1])}" for name, curve in zip(self.NAMES, curves)])

    def describe(self, curves):
        v = self.values
        ends = ", ".join(f"{name} {10 ** curve[-1]:.1g}" for name, curve in zip(self.NAMES, curves))
        return (f"What is left of the gradient {v['T']} steps back, keep bias {v['keep_bias']:g}, l = {v['keep']:g}: "
                f"{ends}.")


class NewtonRounds(Figure):
    """How far each step is from the states computed one after another, after some rounds of scan.newton.

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
        guesses = zip(range(self.MOST + 1), scan.newton(params, x))
        self.errors = np.array([np.abs(h - true)[1:].max((-1, -2)) for _, (h, _) in guesses])  # (rounds, T, gains)
        super().__init__(**values)

    def draw(self):
        self.fig.set_layout_engine("none")
        ax = self.fig.add_axes((.085, .15, .8, .75))
        ax.set(title="All steps at once: how wrong is each state?", xlabel="step t", xlim=(1, self.T),
               ylabel=r"$\log_{10}$ of the largest error", ylim=(self.FLOOR, self.TOP),
               yticks=range(-16, 1, 4))
        self.curve, = self.moving(ax.plot([], [], color=BLUE, linewidth=2.2))
        self.front = self.moving(ax.plot([], [], color=VERMILION, linewidth=1.2, linestyle="--"))[0]
        self.word = self.moving(ax.text(.98, .97, "", transform=ax.transAxes, color=BLUE, ha="right", va="top"))

    def compute(self, gain=1., rounds=3):
        if gain not in self.GAINS or rounds not in range(self.MOST + 1):
            raise ValueError(f"gain is {gain!r} and rounds {rounds!r}, need one of {self.GAINS} and 0 to {self.MOST}.")
        return self.errors[rounds, :, self.GAINS.index(gain)]

    def move(self, errors):
        self.curve.set_data(np.arange(1, self.T + 1), np.log10(np.maximum(errors, 10 ** self.FLOOR)))
        self.front.set_data([self.values["rounds"]] * 2, [self.FLOOR, self.TOP])
        self.word.set_text(f"right to 8 digits: {(errors < 1e-8).sum()} of {self.T} steps")

    def describe(self, errors):
        v = self.values
        return (f"After {v['rounds']} rounds of Newton's method at gain {v['gain']:g}, {(errors < 1e-8).sum()} of "
                f"{self.T} states are right to eight digits.")


class LongMemory(Figure):
    """White input into h_t = l h_{t-1} + x_t: E h^2 and E (dh/dl)^2 against 1 - l, and the gradient after both cures.

    measured  {l: (E h^2, E (dh/dl)^2, E (d(normalised h)/dnu)^2)}; the lines are the closed forms
    """

    size = (900, 380)

    def __init__(self, measured: Mapping[float, tuple[float, float, float]]):
        if not measured:
            raise ValueError("measured is empty: give at least one l with its three variances.")
        self.measured = dict(measured)
        super().__init__()

    def draw(self):
        self.fig.set_layout_engine("none")
        ax = self.fig.add_axes((.085, .15, .66, .75))
        gap = np.logspace(-3.3, -.3, 200)
        ax.set_xscale("log")
        ax.set_yscale("log")
        ax.set(title="The curse of memory", xlabel="1 − l  (longer memory to the right)", ylabel="mean square",
               xlim=(gap[-1], gap[0]), ylim=(1e-2, 1e10))
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
    """

    size = (900, 380)

    def __init__(self, curves: Mapping[str, np.ndarray], floor: float = -12.):
        if not 0 < len(curves) <= len(COLOURS):
            raise ValueError(f"curves holds {len(curves)} of them, needs 1 to {len(COLOURS)}.")
        self.sizes = {name: np.asarray(curve) / curve[0] for name, curve in curves.items()}
        self.floor = floor
        super().__init__()

    def draw(self):
        self.fig.set_layout_engine("none")
        ax = self.fig.add_axes((.085, .15, .58, .75))
        longest = max(len(curve) for curve in self.sizes.values()) - 1
        ax.set(title="The same ruler for all", xlabel="distance k (steps, or layers)",
               ylabel=r"$\log_{10}$ of what is left", xlim=(0, longest), ylim=(self.floor, 2))
        with np.errstate(divide="ignore"):
            logs = [np.log10(curve) for curve in self.sizes.values()]
        ends = np.array([max(curve[-1], self.floor) for curve in logs])
        heights = apart((ends - self.floor) / (2 - self.floor), LINE_HEIGHT / (.75 * self.size[1]))
        for (colour, dash), name, curve, height in zip(COLOURS, self.sizes, logs, heights):
            ax.plot(np.maximum(curve, self.floor - 1), color=colour, linestyle=dash, linewidth=2.2)
            ax.text(1.02, height, f"{name}: {power_of_ten(curve[-1])}", transform=ax.transAxes, color=colour,
                    va="center")

    def describe(self, _):
        rows = ", ".join(f"{name} {curve[-1]:.2g}" for name, curve in self.sizes.items())
        return f"What is left of the gradient at the greatest distance, relative to distance 0: {rows}."
