"""The figures of lesson 09: what initial weights and direct connections make of the gradient, and who learns."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from ... import _checks, bptt, cells, gradcheck, initialise, jacobians, train
from ...screen.figure import BLUE, GREEN, INK, ORANGE, PURPLE, VERMILION, Figure
from ...screen.kit import Decades, power_of_ten
from ..nb01_gradients.figures import Answers
from ..nb04_derivative_of_tanh_and_sigmoid.layers import value_and_slope
from ..nb05_singular_values.figures import CIRCLE
from . import contest, residual

HIDDEN, INPUTS, NETWORKS = 32, 8, 3
KINDS = "uniform", "gaussian", "orthogonal", "identity", "sparse"
COLOURS = (BLUE, "-"), (ORANGE, "--"), (GREEN, "-."), (VERMILION, (0, (1, 1))), (PURPLE, (0, (6, 1, 1, 1, 1, 1)))
BACK, LEFT = "steps back from the end, T − t", r"$\log_{10}\ |dL/dh_t|$  (decades)"


class SizesOnTheWay(Figure):
    """Histograms of the entries of the state on its way forward and of the gradient on its way back, without inputs.

    H = 200 units, 5 sequences with normal initial states and a loss with normal dL/dh_T. The data are log10 of the
    sizes of h_T and of dL/dh_0, (2, 5 H).

    weights     "Gaussian" or "orthogonal" as in `initialise`, "all the same": every entry is 1/H, and "new each step":
                a Gaussian matrix for each step, as a deep net has one for each layer
    gain        times W_hh
    steps       forward and back
    activation  "linear", "tanh" or "relu"
    """

    size = (900, 340)
    labels = {"gain": "gain (standard deviation, times √H)", "steps": "steps"}
    allowed = {"weights": ["Gaussian", "all the same", "new each step", "orthogonal"], "gain": (.1, 10),
               "steps": (1, 200), "activation": ["linear", "tanh", "relu"]}
    bins = np.linspace(-12, 8, 81)

    def __init__(self, seed: int = 0, **values):
        self.seed, rng = seed, np.random.default_rng(seed)
        self.drawn = {"Gaussian": initialise.rnn(1, 200, rng, recurrent="gaussian").W_hh}
        self.first, self.last = rng.normal(size=(2, 5, 200))
        self.drawn |= {"orthogonal": initialise.orthogonal((200, 200), rng), "all the same": np.full((200, 200), .005)}
        super().__init__(**values)

    def draw(self):
        left, right = self.axes = self.panels(
            dict(title="Forward: the entries of the state", ylabel="share of the entries"),
            dict(title="Back: the entries of the gradient"), xlabel=r"$\log_{10}$ of the entry's size  (decades)",
            xlim=(-12, 8), ylim=(0, .45), xticks=range(-12, 9, 4))
        self.guide(left, x=0), self.guide(right, x=0)
        for ax, entries in zip(self.axes, (self.first, self.last)):
            ax.plot(*self._steps(np.log10(np.abs(entries))), color=INK, linestyle=(0, (4, 3)), linewidth=1.2)
        self.ends = [self.curve(ax, color, linewidth=2.2) for ax, color in zip(self.axes, (BLUE, VERMILION))]
        self.words = [*self.key(left, (.02, .97, "", BLUE)), *self.key(right, (.02, .97, "", VERMILION))]
        self.key(left, (.02, .86, "dashed: before the first step", INK))
        self.key(right, (.02, .86, "dashed: at the last state", INK))

    def compute(self, weights="Gaussian", gain=1., steps=10, activation="linear"):
        if weights == "new each step":
            rng = np.random.default_rng([self.seed, 1])
            W = rng.standard_normal((steps, 200, 200), dtype=np.float32) * np.float32(gain / np.sqrt(200))
        else:
            W = np.broadcast_to(gain * self.drawn[weights], (steps, 200, 200))
        h, slopes, dh = self.first, [], self.last
        for W_t in W:
            h, slope = value_and_slope(activation, h @ W_t.T)
            slopes.append(slope)
        for W_t, slope in zip(W[::-1], slopes[::-1]):
            dh = slope * dh @ W_t
        with np.errstate(divide="ignore"):
            return np.log10(np.abs([h.ravel(), dh.ravel()]))

    def _steps(self, logs) -> np.ndarray:
        """The outline of a histogram, (2, points)."""
        counts, _ = np.histogram(logs, self.bins)
        return np.stack([np.repeat(self.bins, 2)[1:-1], np.repeat(counts / logs.size, 2)])

    def factors(self, sizes) -> list[float]:
        """By how much the root mean square has changed, forward and back; sizes as in the data."""
        return [np.sqrt((100. ** logs).mean() / (start**2).mean())
                for logs, start in zip(sizes, (self.first, self.last))]

    def move(self, sizes):
        for line, text, logs, factor in zip(self.ends, self.words, sizes, self.factors(sizes)):
            line.set_data(*self._steps(logs))
            text.set_text(f"after {self.values['steps']} steps: × {factor:.2g}")

    def describe(self, sizes):
        v, (forward, back) = self.values, self.factors(sizes)
        return (f"Two histograms of the sizes of entries, {v['activation']} units, W_hh {v['weights']}, gain "
                f"{v['gain']:.3g}. After {v['steps']} steps the root mean square of the state is {forward:.1g} times "
                f"what it was, after as many steps back that of the gradient {back:.1g} times.")


class Starts(Answers):
    """Lesson 01's net of 13 numbers and its picture, while the net learns from one of several starts.

        tanh(X W + b) v + c for X (N, 2);  the loss: the sum of the squared errors over lesson 01's four examples

    starts     {name: the 13 numbers, W (2, 3) row by row, b (3,), v (3,) and c}
    optimiser  train.SGD or train.Adam
    updates    how many are made
    start      one of the names
    errors     TypeError or ValueError for what cannot start, FloatingPointError with its name for what overflows
    """

    size, digits, limits, loss_title = (900, 410), 2, (1e-3, 1e4), "Its loss, and that of the other starts"
    X, t = np.array([[-1., -1], [-1, 1], [1, -1], [1, 1]]), np.array([-1., 1, 1, -1])

    def __init__(self, starts: Mapping[str, np.ndarray], optimiser=train.SGD(.05), updates: int = 200, **values):
        if not (isinstance(starts, Mapping) and starts and all(isinstance(name, str) for name in starts)):
            raise TypeError('starts needs to be a dict of names and 13 numbers each: {"all 0.5": np.full(13, .5)}.')
        self.paths = {name: self.learn(f"starts[{name!r}]", p, optimiser, updates) for name, p in starts.items()}
        first, self.allowed = next(iter(starts)), {"start": list(starts)}
        super().__init__(self.paths[first], self.output, self.X, self.t, **{"start": first, **values})

    @staticmethod
    def output(p, X):
        return np.tanh(X @ p[:6].reshape(2, 3) + p[6:9]) @ p[9:12] + p[12]

    @np.errstate(all="ignore")  # what overflows is said
    def learn(self, name, p, optimiser, updates) -> list[np.ndarray]:
        """The 13 numbers before each update and after the last; the gradient is taken by the complex step."""
        p = _checks.array(name, p)
        if p.shape != (13,) or np.iscomplexobj(p):
            raise ValueError(f"{name} has shape {p.shape} and dtype {p.dtype}, needs 13 real numbers: np.full(13, .5).")
        path, state = [1. * p], train.begun(1. * p, optimiser).optimiser_state
        for _ in range(_checks.count("updates", updates)):
            p, state = optimiser.update(path[-1], gradcheck.complex_step(self.loss, path[-1]), state)
            path.append(p)
            if not np.isfinite(self.loss(p)):
                raise FloatingPointError(f"From {name} update {len(path) - 1} overflows. Start or rate are too large.")
        return path

    def plot_losses(self, ax):
        self.losses = {name: [self.loss(p) for p in path] for name, path in self.paths.items()}
        self.ends = {name: f"{end:.2g}" if (end := losses[-1]) > 1e-12 else "under 1e-12"  # below, it is rounding
                     for name, losses in self.losses.items()}
        for i, (name, losses) in enumerate(self.losses.items()):
            color, dash = (*COLOURS[:3], (PURPLE, ":"))[i % 4]
            ax.plot(losses, color=color, linestyle=dash, linewidth=1.5 + i // 4, label=f"{name}: {self.ends[name]}")
        self.drawn = dict(zip(self.losses, ax.get_lines()))
        ax.set_ylim(self.limits)
        self.fig.legend(loc="outside lower right", ncols=5,
                        title=f"loss after {len(self.path) - 1} updates (broad: the one chosen, so far)")
        self.trace = self.curve(ax, INK, linewidth=7, alpha=.4)  # its dashes are seen through it

    def compute(self, start="", update=0):
        return self.look(self.paths[start][update])

    def move(self, found):
        super().move(found)
        start, update = self.values["start"], self.values["update"]
        self.trace.set(data=(range(update + 1), self.losses[start][:update + 1]), color=self.drawn[start].get_color())
        self.here.set(ydata=np.clip([found[2]], *self.limits), clip_on=False)
        self.result.set_text(f"{start}, {self.result.get_text()}")

    def describe(self, found):
        ends = ", ".join(f"{name} {end}" for name, end in self.ends.items())
        return f"Start: {self.values['start']}. {super().describe(found)} Losses after all updates, by start: {ends}."


class InitialGradients(Decades):
    """log10 |dL/dh_t| against the distance T - t for five ways to draw W_hh, relative to |dL/dh_T|.

    Three networks of 32 units each, with 8 normal inputs; the curve is their geometric mean.

    activation  "tanh" or "relu"
    gain        times W_hh as it is usually drawn (sparse: radius .95)
    drive       the standard deviation of what each unit takes from its input
    T           length of the sequence
    """

    labels = {"gain": "gain", "drive": "size of the inputs", "T": "length T (steps)"}
    title, xlabel, ylabel = "The gradient by distance, before training", BACK, LEFT
    rectangle = (.085, .14, .66, .76)
    spans = (50, -20, 10), (100, -40, 20)
    lines = tuple((colour, dash, 2.2) for colour, dash in COLOURS)
    LONGEST, allowed = 100, {"T": (1, 100)}

    def __init__(self, seed: int = 0, **values):
        self.drawn = [*_drawn(seed, members=NETWORKS).values()]
        self.x = np.random.default_rng([seed, 1]).normal(size=(self.LONGEST, 1, INPUTS))
        self.direction = initialise.orthogonal((1, HIDDEN), np.random.default_rng(seed))  # a unit vector
        super().__init__(**values)

    def compute(self, activation="tanh", gain=1., drive=.1, T=50):
        curves = []
        for params in self.drawn:
            params = params._replace(W_xh=drive * params.W_xh, W_hh=gain * params.W_hh)
            run = bptt.forward(params, self.x[:T], activation=activation)
            curves.append(_mean_log10(bptt.backward(run, bptt.at_end(run, self.direction)).dh))
        return np.array(curves)

    def move(self, curves):
        self.place(np.arange(curves.shape[1]), curves,
                   [f"{kind}: {power_of_ten(curve[-1])}" for kind, curve in zip(KINDS, curves)])

    def describe(self, curves):
        v = self.values
        ends = ", ".join(f"{kind} {10 ** curve[-1]:.1g}" for kind, curve in zip(KINDS, curves))
        return (f"Five curves, one for each way to draw W_hh, {v['activation']} units, gain {v['gain']:g}, inputs of "
                f"size {v['drive']:.3g}. What is left of the gradient {v['T']} steps back: {ends}.")


class ProductSpectrum(Decades):
    """All singular values of J_T ... J_1, largest first, for five ways to draw W_hh; tanh, 32 units.

    T      how many Jacobians
    drive  the standard deviation of what each unit takes from its input, .01 or 1
    """

    labels = {"T": "Jacobians in the product", "drive": "size of the inputs"}
    title = r"Singular values of $J_T \cdots J_1$"
    xlabel, ylabel = "which one, largest first", r"$\log_{10}$ of its size  (decades)"
    rectangle = (.085, .14, .66, .76)
    lines = tuple((colour, dash, 1.4) for colour, dash in COLOURS)
    spans = (HIDDEN, -42, 5),  # a single tiny one would hide the others
    LENGTHS, DRIVES = [10, 20, 30, 40, 50], [.01, 1.]
    allowed = {"T": LENGTHS, "drive": DRIVES}

    def __init__(self, seed: int = 0, **values):
        x = np.random.default_rng([seed, 1]).normal(size=(self.LENGTHS[-1], 1, INPUTS))
        self.logs = {}
        for drive in self.DRIVES:
            for kind, params in _drawn(seed, input_gain=drive).items():
                js = jacobians.step_jacobians(bptt.forward(params, x))[:, 0]
                for T in self.LENGTHS:
                    self.logs[kind, T, drive] = jacobians.log_singular_values(js[:T]) / np.log(10)
        super().__init__(**values)

    def draw(self):
        super().draw()
        for line in self.curves:
            line.set(marker="o", markersize=3.5)

    def compute(self, T=30, drive=.01):
        return np.array([self.logs[kind, T, drive] for kind in KINDS])

    def move(self, spectra):
        self.place(np.arange(1, HIDDEN + 1), spectra,
                   [f"{kind}: {power_of_ten(logs[0])} … {power_of_ten(logs[-1])}"
                    for kind, logs in zip(KINDS, spectra)])

    def describe(self, spectra):
        v = self.values
        ends = ", ".join(f"{kind} {10 ** logs[0]:.2g} to {10 ** logs[-1]:.2g}" for kind, logs in zip(KINDS, spectra))
        return (f"The {HIDDEN} singular values of a product of {v['T']} Jacobians, largest to smallest, for five ways "
                f"to draw W_hh, tanh units, inputs of size {v['drive']:g}: {ends}.")


# (32,) of J_T of the first network, and (2, T + 1), log10 |dL/dh_t| by distance: without the connection, with it
Direct = NamedTuple("Direct", [("eigenvalues", np.ndarray), ("curves", np.ndarray)])


class DirectConnection(Decades):
    """h_t = alpha h_{t-1} + (1 - alpha) tanh(a_t): the eigenvalues of a step, and the gradient by distance.

    alpha      the share of its state that a unit keeps
    recurrent  how W_hh is drawn
    T          length of the sequence
    """

    labels = {"alpha": "leak α", "recurrent": "W_hh", "T": "length T (steps)"}
    title, xlabel, ylabel = "The gradient by distance", BACK, LEFT
    rectangle = (.5, .14, .34, .76)
    spans = (50, -20, 4), (100, -40, 8)
    lines = tuple((colour, dash, 2.2) for colour, dash in COLOURS[:1] + ((VERMILION, "--"),))
    LONGEST, allowed = 100, {"T": (1, 100)}

    def __init__(self, seed: int = 0, **values):
        self.seed = seed
        self.x = np.random.default_rng([seed, 1]).normal(size=(self.LONGEST, 1, INPUTS))
        super().__init__(**values)

    def draw(self):
        super().draw()
        plane = self.plane = self.panels(
            at=(.07, .14, .317, .76), title=r"Eigenvalues of one step, $J_T$", xlabel="real part",
            ylabel="imaginary part", xlim=(-1.2, 1.2), ylim=(-1.2, 1.2), aspect="equal")
        plane.plot(*CIRCLE, color=INK, linewidth=1)
        self.dots = self.curve(plane, VERMILION, "o", markersize=4.5)

    def compute(self, alpha=.9, recurrent="uniform", T=50):
        rng = np.random.default_rng(self.seed)
        params = initialise.rnn(INPUTS, HIDDEN, rng, recurrent=recurrent, input_gain=.1, members=NETWORKS)
        direction, curves = initialise.orthogonal((1, HIDDEN), rng), []
        for leak in (0., alpha):
            run = residual.forward_paths(params, self.x[:T], residual.leaky(leak))
            curves.append(_mean_log10(residual.backward_paths(run, bptt.at_end(run, direction)).dh))
        last = run._replace(h=run.h[-2:], f=run.f[-1:], x=run.x[-1:])
        return Direct(np.linalg.eigvals(residual.paths_jacobians(last)[0, 0, 0]), np.array(curves))

    def move(self, direct):
        self.dots.set_data(direct.eigenvalues.real, direct.eigenvalues.imag)
        self.place(np.arange(direct.curves.shape[1]), direct.curves,
                   [f"α = {alpha:g}: {power_of_ten(curve[-1])}"
                    for alpha, curve in zip((0, self.values["alpha"]), direct.curves)])

    def describe(self, direct):
        v, (plain, leaky) = self.values, direct.curves[:, -1]
        return (f"Leaky tanh units that keep the share {v['alpha']:g} of their state, {v['recurrent']} W_hh: the "
                f"eigenvalues of one step have moduli from {np.abs(direct.eigenvalues).min():.2g} to "
                f"{np.abs(direct.eigenvalues).max():.2g}. Over {v['T']} steps back {10 ** leaky:.1g} of the gradient "
                f"is left, without the leak {10 ** plain:.1g}.")


class ContestChart(Figure):
    """Each entry a row, each seed a point: what is left of the gradient before training, and the updates to learn.

    outcomes  {name: contest.EntryResult}; rows in the order of what is left, the largest at the top
    budget    updates that each had
    errors    ValueError without outcomes
    """

    size = (900, 470)

    def __init__(self, outcomes: Mapping[str, contest.EntryResult], budget: int = 600):
        if not outcomes:
            raise ValueError("outcomes is empty: run contest.enter for some entries first.")
        self.outcomes = dict(sorted(outcomes.items(), key=lambda item: (np.log(item[1].left).mean(), item[0])))
        self.budget = budget
        super().__init__()

    def draw(self):
        rows = np.arange(len(self.outcomes))
        left, right = self.panels(
            dict(at=(.21, .11, .33, .82), title="Gradient left before training", xlabel=r"$|dL/dh_0|\ /\ |dL/dh_T|$",
                 yticks=rows, yticklabels=list(self.outcomes), xscale="log"),
            dict(at=(.57, .11, .36, .82), title="Updates until it has learned", xlabel="updates", yticks=rows,
                 yticklabels=[], xlim=(0, 1.3 * self.budget)), ylim=(-.6, rows[-1] + .6))
        never = 1.22 * self.budget
        for row, outcome in zip(rows, self.outcomes.values()):
            n = len(outcome.left)
            spread = row + .22 * np.linspace(-1, 1, n) if n > 1 else np.array([row])
            left.plot(outcome.left, spread, "o", color=BLUE, markersize=4.5)
            learned = np.isfinite(outcome.best)
            right.plot(outcome.best[learned], spread[learned], "o", color=GREEN, markersize=4.5)
            right.plot(np.full(n - learned.sum(), never), spread[~learned], "x", color=VERMILION, markersize=5)
            right.text(1.03, row, f"{outcome.solved} of {n}", transform=right.get_yaxis_transform(), va="center")
        left.set_xticks(10. ** np.arange(-12, 3, 4))
        steps = np.linspace(0, self.budget, 4).astype(int)
        right.set_xticks([*steps, never], [*map(str, steps), "never"])
        for ax in (left, right):
            ax.minorticks_off()

    def describe(self, _):
        rows = "; ".join(f"{name}: {np.exp(np.log(outcome.left).mean()):.0e} left, "
                         + {0: "none", len(outcome.left): "all"}.get(outcome.solved, "some")
                         for name, outcome in reversed(self.outcomes.items()))
        return (f"What is left of the gradient over {contest.LENGTH} steps before training (geometric mean), and how "
                f"many of the seeds learn within {self.budget} updates. {rows}.")


def _drawn(seed: int, **options) -> dict[str, cells.RNNParams]:
    """{kind: networks} of the five ways to draw W_hh, all of one seed; options as initialise.rnn takes them."""
    return {kind: initialise.rnn(INPUTS, HIDDEN, np.random.default_rng(seed), recurrent=kind,
                                 gain=.95 if kind == "sparse" else 1., **options) for kind in KINDS}


def _mean_log10(dh: np.ndarray) -> np.ndarray:
    """log10 of the geometric mean over networks of |dL/dh_t|, by distance: (T + 1,); -inf if one is exactly zero."""
    with np.errstate(divide="ignore"):
        return np.log10(np.linalg.norm(dh, axis=-1))[::-1].mean((1, 2))
