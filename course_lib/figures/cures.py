"""The figures of notebook 09: what initial weights and direct connections make of the gradient, and who learns."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from .. import bptt, initialise, jacobians, residual
from ..experiments import contest
from .base import BLUE, GREEN, INK, ORANGE, PURPLE, VERMILION, Figure
from .decades import FLOAT32, apart, power_of_ten, set_limits, smallest

HIDDEN, INPUTS, NETWORKS, LINE = 32, 8, 3, 17  # LINE: CSS pixels between two labels
KINDS = "uniform", "gaussian", "orthogonal", "identity", "sparse"
COLOURS = (BLUE, "-"), (ORANGE, "--"), (GREEN, "-."), (VERMILION, (0, (1, 1))), (PURPLE, (0, (6, 1, 1, 1, 1, 1)))
DECADES = 2, 4, 8, 16, 32, 50, 100


class InitialGradients(Figure):
    """log10 |dL/dh_t| against the distance T - t for five ways to draw W_hh, relative to |dL/dh_T|.

    Three networks of 32 units each, with 8 normal inputs; the curve is their geometric mean.

    activation  "tanh" or "relu"
    gain        times W_hh as it is usually drawn (sparse: radius .95)
    drive       the deviation of what each unit takes from its input
    T           length of the sequence
    """

    size = (900, 380)
    labels = {"gain": "gain", "drive": "size of the inputs", "T": "length T (steps)"}
    LONGEST = 100

    def __init__(self, seed: int = 0, **values):
        def rng():
            return np.random.default_rng(seed)

        self.drawn = [initialise.rnn(INPUTS, HIDDEN, rng(), recurrent=kind, gain=.95 if kind == "sparse" else 1.,
                                     members=NETWORKS) for kind in KINDS]
        self.x = np.random.default_rng([seed, 1]).normal(size=(self.LONGEST, 1, INPUTS))
        self.direction = initialise.orthogonal((1, HIDDEN), rng())  # a unit vector
        super().__init__(**values)

    def draw(self):
        self.fig.set_layout_engine("none")
        ax = self.ax = self.fig.add_axes((.085, .14, .66, .76))
        ax.set(title="The gradient by distance, before training", xlabel="steps back from the end, T − t",
               ylabel=r"$\log_{10}\ |dL/dh_t|$  (decades)")
        ax.axhline(0, color=INK, linewidth=1)
        for level, name, side in FLOAT32:
            ax.axhline(level, color=INK, linewidth=.8, dashes=(1, 2))
            ax.text(.01, level, name, transform=ax.get_yaxis_transform(), va=side, fontsize=8.5, clip_on=True)
        self.curves = [self.moving(ax.plot([], [], color=colour, linestyle=dash, linewidth=2.2))[0]
                       for colour, dash in COLOURS]
        self.names = [self.moving(ax.text(1.02, 0, "", transform=ax.transAxes, color=colour, va="center"))
                      for colour, _ in COLOURS]

    def compute(self, activation="tanh", gain=1., drive=.1, T=50):
        if T not in range(1, self.LONGEST + 1):
            raise ValueError(f"T is {T!r}, needs to be 1 to {self.LONGEST}.")
        curves = []
        for params in self.drawn:
            params = params._replace(W_xh=drive * params.W_xh, W_hh=gain * params.W_hh)
            run = bptt.forward(params, self.x[:T], activation=activation)
            direct = np.zeros_like(run.h)
            direct[-1] = self.direction
            curves.append(_mean_log10(bptt.backward(run, direct).dh))
        return np.array(curves)

    def move(self, curves):
        T = curves.shape[1] - 1
        half = smallest(DECADES, np.abs(curves[np.isfinite(curves)]).max())
        set_limits(self.ax, (0, T), (-half, half))
        ends = np.nan_to_num((curves[:, -1] + half) / (2 * half), neginf=0)
        for line, curve, name, kind, height in zip(self.curves, curves, self.names, KINDS,
                                                   apart(ends, LINE / (.76 * self.size[1]))):
            line.set_data(np.arange(T + 1), curve)
            name.set_text(f"{kind}: {power_of_ten(curve[-1])}")
            name.set_y(height)

    def describe(self, curves):
        v = self.values
        ends = ", ".join(f"{kind} {_ascii(curve[-1])}" for kind, curve in zip(KINDS, curves))
        return (f"Five curves, one for each way to draw W_hh, {v['activation']} units, gain {v['gain']:g}, inputs of "
                f"size {v['drive']:.3g}. What is left of the gradient {v['T']} steps back: {ends}.")


class ProductSpectrum(Figure):
    """All singular values of J_T ... J_1, largest first, for five ways to draw W_hh; tanh, 32 units.

    T      how many Jacobians
    drive  the deviation of what each unit takes from its input, .01 or 1
    """

    size = (900, 380)
    labels = {"T": "Jacobians in the product", "drive": "size of the inputs"}
    LENGTHS = 10, 20, 30, 40, 50
    DRIVES = .01, 1.

    def __init__(self, seed: int = 0, **values):
        x = np.random.default_rng([seed, 1]).normal(size=(self.LENGTHS[-1], 1, INPUTS))
        self.logs = {}
        for drive in self.DRIVES:
            for kind in KINDS:
                rng, gain = np.random.default_rng(seed), .95 if kind == "sparse" else 1.
                params = initialise.rnn(INPUTS, HIDDEN, rng, recurrent=kind, gain=gain, input_gain=drive)
                js = jacobians.step_jacobians(bptt.forward(params, x))[:, 0]
                for T in self.LENGTHS:
                    self.logs[kind, T, drive] = jacobians.log_singular_values(js[:T]) / np.log(10)
        super().__init__(**values)

    def draw(self):
        self.fig.set_layout_engine("none")
        ax = self.ax = self.fig.add_axes((.085, .14, .66, .76))
        ax.set(title=r"Singular values of $J_T \cdots J_1$", xlabel="which one, largest first",
               ylabel=r"$\log_{10}$ of its size  (decades)", xlim=(.5, HIDDEN + .5))
        ax.axhline(0, color=INK, linewidth=1)
        order = np.arange(1, HIDDEN + 1)
        self.curves = [self.moving(ax.plot(order, 0 * order, marker="o", markersize=3.5, color=colour,
                                           linestyle=dash, linewidth=1.4))[0] for colour, dash in COLOURS]
        self.names = [self.moving(ax.text(1.02, 0, "", transform=ax.transAxes, color=colour, va="center"))
                      for colour, _ in COLOURS]

    def compute(self, T=30, drive=.01):
        if T not in self.LENGTHS or drive not in self.DRIVES:
            raise ValueError(f"T is {T!r} and drive {drive!r}, need to be among {self.LENGTHS} and {self.DRIVES}.")
        return np.array([self.logs[kind, T, drive] for kind in KINDS])

    def move(self, spectra):
        depth = smallest((2, 4, 8, 16, 32), min(40, -spectra.min()))  # a single tiny one would hide the others
        set_limits(self.ax, (.5, HIDDEN + .5), (-depth, depth / 8))
        ends = (spectra[:, -1] + depth) / (1.125 * depth)
        for line, logs, name, kind, height in zip(self.curves, spectra, self.names, KINDS,
                                                  apart(ends, LINE / (.76 * self.size[1]))):
            line.set_ydata(logs)
            name.set_text(f"{kind}: {power_of_ten(logs[0])} … {power_of_ten(logs[-1])}")
            name.set_y(height)

    def describe(self, spectra):
        v = self.values
        ends = ", ".join(f"{kind} {10 ** logs[0]:.2g} to {10 ** logs[-1]:.2g}" for kind, logs in zip(KINDS, spectra))
        return (f"The {HIDDEN} singular values of a product of {v['T']} Jacobians, largest to smallest, for five ways "
                f"to draw W_hh, tanh units, inputs of size {v['drive']:g}: {ends}.")


class Direct(NamedTuple):
    """What DirectConnection shows.

    eigenvalues  (32,)          of J_T of the first network
    curves       (2, T + 1)     log10 |dL/dh_t| by distance: without the connection, with it
    """

    eigenvalues: np.ndarray
    curves: np.ndarray


class DirectConnection(Figure):
    """h_t = alpha h_{t-1} + (1 - alpha) tanh(a_t): the eigenvalues of a step, and the gradient by distance.

    alpha      what a unit keeps of its state
    recurrent  how W_hh is drawn
    T          length of the sequence
    """

    size = (900, 380)
    labels = {"alpha": "leak α", "recurrent": "W_hh", "T": "length T (steps)"}
    LONGEST = 100

    def __init__(self, seed: int = 0, **values):
        self.seed = seed
        self.x = np.random.default_rng([seed, 1]).normal(size=(self.LONGEST, 1, INPUTS))
        super().__init__(**values)

    def draw(self):
        self.fig.set_layout_engine("none")
        plane, ax = self.plane, self.ax = [self.fig.add_axes(where) for where in
                                           ((.07, .14, .317, .76), (.5, .14, .34, .76))]
        plane.set(title=r"Eigenvalues of one step, $J_T$", xlabel="real part", ylabel="imaginary part",
                  xlim=(-1.2, 1.2), ylim=(-1.2, 1.2))
        plane.set_aspect("equal")
        circle = np.exp(2j * np.pi * np.linspace(0, 1, 121))
        plane.plot(circle.real, circle.imag, color=INK, linewidth=1)
        self.dots, = self.moving(plane.plot([], [], "o", color=VERMILION, markersize=4.5))
        ax.set(title="The gradient by distance", xlabel="steps back from the end, T − t",
               ylabel=r"$\log_{10}\ |dL/dh_t|$  (decades)")
        ax.axhline(0, color=INK, linewidth=1)
        self.curves = [self.moving(ax.plot([], [], color=colour, linestyle=dash, linewidth=2.2))[0]
                       for colour, dash in COLOURS[:1] + ((VERMILION, "--"),)]
        self.names = [self.moving(ax.text(1.03, 0, "", transform=ax.transAxes, color=colour, va="center"))
                      for colour in (BLUE, VERMILION)]

    def compute(self, alpha=.9, recurrent="uniform", T=50):
        if T not in range(1, self.LONGEST + 1):
            raise ValueError(f"T is {T!r}, needs to be 1 to {self.LONGEST}.")
        rng = np.random.default_rng(self.seed)
        params = initialise.rnn(INPUTS, HIDDEN, rng, recurrent=recurrent, input_gain=.1, members=NETWORKS)
        direction, curves = initialise.orthogonal((1, HIDDEN), rng), []
        for leak in (0., alpha):
            run = residual.forward(params, self.x[:T], residual.leaky(leak))
            direct = np.zeros_like(run.h)
            direct[-1] = direction
            curves.append(_mean_log10(residual.backward(run, direct).dh))
        last = run._replace(h=run.h[-2:], f=run.f[-1:], x=run.x[-1:])
        return Direct(np.linalg.eigvals(residual.step_jacobians(last)[0, 0, 0]), np.array(curves))

    def move(self, direct):
        T = direct.curves.shape[1] - 1
        self.dots.set_data(direct.eigenvalues.real, direct.eigenvalues.imag)
        half = smallest(DECADES, np.abs(direct.curves).max())
        set_limits(self.ax, (0, T), (-half, half))
        ends = (direct.curves[:, -1] + half) / (2 * half)
        words = "α = 0", f"α = {self.values['alpha']:g}"
        for line, curve, name, text, height in zip(self.curves, direct.curves, self.names, words,
                                                   apart(ends, LINE / (.76 * self.size[1]))):
            line.set_data(np.arange(T + 1), curve)
            name.set_text(f"{text}: {power_of_ten(curve[-1])}")
            name.set_y(height)

    def describe(self, direct):
        v, (plain, leaky) = self.values, direct.curves[:, -1]
        return (f"Leaky tanh units that keep the share {v['alpha']:g} of their state, {v['recurrent']} W_hh: the "
                f"eigenvalues of one step have moduli from {np.abs(direct.eigenvalues).min():.2g} to "
                f"{np.abs(direct.eigenvalues).max():.2g}. Over {v['T']} steps back {_ascii(leaky)} of the gradient is "
                f"left, without the leak {_ascii(plain)}.")


class ContestChart(Figure):
    """Each entry a row, each seed a point: what is left of the gradient before training, and the updates to learn.

    outcomes  {name: contest.Outcome}; rows in the order of what is left, most on top
    budget    updates that each had
    """

    size = (900, 470)

    def __init__(self, outcomes: Mapping[str, contest.Outcome], budget: int = 600):
        if not outcomes:
            raise ValueError("outcomes is empty: run contest.enter for some entries first.")
        self.outcomes = dict(sorted(outcomes.items(), key=lambda item: (np.log(item[1].left).mean(), item[0])))
        self.budget = budget
        super().__init__()

    def draw(self):
        self.fig.set_layout_engine("none")
        left, right = [self.fig.add_axes(where) for where in ((.21, .11, .33, .82), (.57, .11, .36, .82))]
        rows = np.arange(len(self.outcomes))
        never = 1.12 * self.budget
        for row, outcome in zip(rows, self.outcomes.values()):
            n = len(outcome.left)
            spread = row + .22 * np.linspace(-1, 1, n) if n > 1 else np.array([row])
            left.plot(outcome.left, spread, "o", color=BLUE, markersize=4.5)
            learned = np.isfinite(outcome.best)
            right.plot(outcome.best[learned], spread[learned], "o", color=GREEN, markersize=4.5)
            right.plot(np.full(n - learned.sum(), never), spread[~learned], "x", color=VERMILION, markersize=5)
            right.text(1.03, row, f"{outcome.solved} of {n}", transform=right.get_yaxis_transform(), va="center")
        left.set_yticks(rows, list(self.outcomes))
        left.set_xscale("log")
        left.set(title="Gradient left before training", xlabel=r"$|dL/dh_0|\ /\ |dL/dh_T|$", ylim=(-.6, rows[-1] + .6))
        left.set_xticks(10. ** np.arange(-12, 3, 4))
        right.set_yticks(rows, [])
        right.set(title="Updates until it has learned", xlabel="updates", ylim=(-.6, rows[-1] + .6),
                  xlim=(0, 1.2 * self.budget))
        steps = np.linspace(0, self.budget, 4).astype(int)
        right.set_xticks([*steps, never], [*map(str, steps), "never"])
        for ax in (left, right):
            ax.minorticks_off()

    def describe(self, _):
        def word(outcome):
            return {0: "none", len(outcome.left): "all"}.get(outcome.solved, "some")

        rows = "; ".join(f"{name}: {np.exp(np.log(outcome.left).mean()):.0e} left, {word(outcome)}"
                         for name, outcome in reversed(self.outcomes.items()))
        return (f"What is left of the gradient over {contest.LENGTH} steps before training (geometric mean), and how "
                f"many of the seeds learn within {self.budget} updates. {rows}.")


def _mean_log10(dh: np.ndarray) -> np.ndarray:
    """log10 of the geometric mean over networks of |dL/dh_t|, by distance: (T + 1,); -inf if one is exactly zero."""
    with np.errstate(divide="ignore"):
        return np.log10(np.linalg.norm(dh, axis=-1))[::-1].mean((1, 2))


def _ascii(exponent: float) -> str:
    return f"{10 ** exponent:.1g}" if np.isfinite(exponent) else "0"
