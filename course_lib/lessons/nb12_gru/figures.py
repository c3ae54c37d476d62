"""The figures of lesson 12: where one GRU unit ends, where a GRU at rest is stable, three roads back."""

from __future__ import annotations

import numpy as np

from ... import bptt, cells, initialise
from ...screen.figure import BLUE, GREEN, INK, ORANGE, PURPLE, VERMILION, Figure
from ...screen.kit import Decades, power_of_ten
from ..nb11_lstm.roads import by_distance
from .resting_gru import settle

COLOURS = (BLUE, "-"), (VERMILION, "--"), (GREEN, "-."), (ORANGE, (0, (1, 1))), (PURPLE, (0, (6, 1, 1, 1, 1, 1)))
LEFT, RIGHT, WIDE = (.075, .15, .36, .75), (.53, .15, .36, .75), (.085, .15, .66, .75)


class Pitchfork(Figure):
    """Where one GRU unit ends, h_t = (h_{t-1} + tanh(w h_{t-1} / 2)) / 2, by its weight w: rest, two states, swing."""

    size = (900, 360)
    WEIGHTS = np.linspace(-9, 5, 281)
    STEPS = 3000

    def draw(self):
        h = settle(self.WEIGHTS[:, None, None], .1, self.STEPS)[-2:, :, 0]
        self.ends = np.sort(np.concatenate([h, -h]), axis=0)
        ax = self.panels(title="One unit forgets between -6 and 2, and keeps one of two values above",
                         xlabel="weight w", ylabel="h after 3000 steps", xticks=range(-8, 5, 2), xlim=(-9, 5),
                         ylim=(-1.05, 1.05))
        for edge in (-6, 2):
            self.guide(ax, x=edge, linewidth=.8, style=(0, (2, 2)))
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
        at_3, at_7 = (self.ends[-1, np.abs(self.WEIGHTS - w).argmin()] for w in (3, -7))
        return (f"Where one GRU unit ends, against its weight w. Between -6 and 2 it goes to 0. Above 2 it keeps one "
                f"of two values, plus or minus {at_3:.2f} at w = 3. Below -6 it swings between plus and minus "
                f"{at_7:.2f} at w = -7.")


class StableDisc(Figure):
    """Two GRU units with W_hn = [[real, -imaginary], [imaginary, real]]: its eigenvalues, and what becomes of |h_t|.

    real, imaginary  of the eigenvalue; both units start at .001
    """

    size = (900, 380)
    labels = {"real": "real part of the eigenvalue", "imaginary": "its imaginary part"}
    STEPS, FLOOR = 300, -8

    def draw(self):
        plane, ax = self.panels(
            dict(at=LEFT, title="Eigenvalues of $W_{hn}$", xlabel="real part", ylabel="imaginary part",
                 xlim=(-7, 5), ylim=(-5, 5), aspect="equal", anchor="N"),
            dict(at=RIGHT, title="The state without input", xlabel="step t", ylabel=r"$\log_{10}\ |h_t|$",
                 xlim=(0, self.STEPS), ylim=(self.FLOOR, 1.5)))
        circle = np.exp(2j * np.pi * np.linspace(0, 1, 181))
        disc = 4 * circle - 2
        plane.fill(disc.real, disc.imag, color=GREEN, alpha=.15)
        plane.plot(disc.real, disc.imag, color=GREEN, linewidth=1.6)
        plane.plot(2 * circle.real, 2 * circle.imag, color=INK, linewidth=1, dashes=(2, 2))
        plane.text(-4, 0, "decays", color=GREEN, ha="center", va="center")
        plane.text(2.15, -1.5, r"$|e_i| = 2$", fontsize=9)
        self.dots = self.curve(plane, VERMILION, "o", markersize=7)
        self.sizes = self.curve(ax, BLUE, linewidth=2.2)
        self.word, = self.key(ax, (.97, .97, "", BLUE), ha="right")

    def compute(self, real=1., imaginary=2.5):
        W = np.array([[real, -imaginary], [imaginary, real]])
        return np.linalg.norm(settle(W, .001, self.STEPS), axis=-1)

    @property
    def factor(self) -> float:
        """The factor of a small state in a step, |1/2 + e_i/4|, e_i an eigenvalue."""
        return abs(.5 + complex(*self.values.values()) / 4)

    def move(self, sizes):
        re, im = self.values.values()
        self.dots.set_data([re, re], [im, -im])
        with np.errstate(divide="ignore"):
            logs = np.log10(sizes)
        self.sizes.set_data(np.arange(len(logs)), np.maximum(logs, self.FLOOR - 1))
        self.word.set_text(f"|1/2 + $e_i$/4| = {self.factor:.4f}")

    def describe(self, sizes):
        re, im = self.values.values()
        return (f"A pair of eigenvalues of W_hn at {re:g} plus and minus {abs(im):g}i, "
                f"{'inside' if self.factor < 1 else 'outside'} the disc around -2 with radius 4: a small state changes "
                f"by {self.factor:.4f} a step. |h_t| goes from {sizes[0]:.2g} to {sizes[-1]:.2g} in {self.STEPS} "
                f"steps.")


class KeepBias(Decades):
    """log10 |dL/dh_t| by distance for a tanh network, a GRU and a diagonal recurrence, mean of three networks.

    keep_bias  added to the bias of the GRU's update gate
    keep       l of the diagonal recurrence
    T          length of the sequence
    """

    labels = {"keep_bias": "added to the bias of z", "keep": "l of the diagonal recurrence", "T": "length T (steps)"}
    title, xlabel = "The gradient by distance, before training", "steps back from the end, T − t"
    ylabel = r"$\log_{10}\ |dL/dh_t|$  (decades)"
    rectangle = WIDE
    spans = (60, -20, 2), (200, -65, 6)
    lines, allowed = tuple((colour, dash, 2.2) for colour, dash in COLOURS[:3]), {"T": (1, 200)}
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
        b_h = self.gru.b_h.copy()
        b_h[..., self.HIDDEN:2 * self.HIDDEN] += keep_bias
        diagonal = cells.DiagonalParams(self.W_xh, np.full(self.W_xh.shape[:2], keep), np.zeros(self.W_xh.shape[:2]))
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
