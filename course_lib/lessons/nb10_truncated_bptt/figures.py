"""The figures of lesson 10: which steps a loss reaches, window against lag, a gradient that points the wrong way."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from matplotlib.colors import to_rgb

from ... import bptt, initialise
from ..._checks import choice, count
from ...screen.figure import BLUE, GREEN, INK, ORANGE, VERMILION, Figure
from . import influence_balancing, windows
from .windows import LAGS, TASKS, WINDOWS, reaches

STEPS = 24  # of Reach


class Pairs(NamedTuple):
    """What Reach shows; rows are the steps s of the losses, columns the steps t that they reach.

    kept   (T, T) whether the loss of step s reaches step t
    sizes  (T, T) |dL_s/dh_t| / |dL_s/dh_s|, 0 for t > s
    """

    kept: np.ndarray
    sizes: np.ndarray

    @property
    def share(self) -> float:
        """The kept pairs' share of the sum of all sizes."""
        return float(self.sizes[self.kept].sum() / self.sizes.sum())


class Reach(Figure):
    """Each loss and each step it reaches: what is kept, and what truncation drops.

    kind  "window": each loss looks back k steps; "chunks": to the start of its chunk
    k     steps of a window or a chunk, 1 to 24

    The sizes are those of a tanh network of 32 units with an orthogonal W_hh times .95, and a loss at every step.
    """

    size = (760, 390)
    labels = {"kind": "truncated by", "k": "k (steps)"}

    def __init__(self, seed: int = 0, **values):
        rng = np.random.default_rng(seed)
        params = initialise.rnn(1, 32, rng, gain=.95, input_gain=.3)
        run = bptt.forward(params, rng.normal(size=(STEPS, 1, 1)))
        direction = initialise.orthogonal((1, 32), rng)
        self.sizes = np.zeros((STEPS, STEPS))
        for s in range(STEPS):
            direct = np.zeros_like(run.h)
            direct[s + 1] = direction
            self.sizes[s] = np.linalg.norm(bptt.backward(run, direct).dh[1:, 0], axis=-1)
        super().__init__(**values)

    def draw(self):
        ax = self.panels(
            title="Which steps a loss reaches", xlabel="step t that is reached", ylabel="step s of the loss",
            xlim=(.5, STEPS + .5), ylim=(STEPS + .5, .5), aspect="equal", grid=False)
        ends = (.5, STEPS + .5, STEPS + .5, .5)
        self.image = self.moving(ax.imshow(np.zeros((STEPS, STEPS, 4)), extent=ends, aspect="equal"))
        self.words = self.key(ax, (1.04, .95, "", BLUE), (1.04, .62, "", VERMILION), (1.04, .32, "", INK),
                              linespacing=1.5)

    def compute(self, kind="window", k=6):
        return Pairs(reaches(STEPS, k, kind), self.sizes)

    def move(self, pairs):
        colours = np.where(pairs.kept[..., None], to_rgb(BLUE), to_rgb(VERMILION))
        reached = np.tri(STEPS, dtype=bool)
        opacity = np.where(reached, .12 + .88 * np.minimum(pairs.sizes, 1), 0)
        self.image.set_data(np.concatenate([colours, opacity[..., None]], axis=-1))
        kept, total, k = pairs.kept.sum(), reached.sum(), self.values["k"]
        self.words[0].set_text(f"kept: {kept} of {total} pairs,\nwith {pairs.share:.0%} of the gradient's size")
        self.words[1].set_text(f"dropped: {total - kept} pairs,\nwith {1 - pairs.share:.0%} of it")
        back = pairs.kept.sum(1)
        self.words[2].set_text("no loss is cut" if k >= STEPS else
                               f"a loss sees {back.min()} to {back.max()} steps,\n{back.mean():.1f} on average")

    def describe(self, pairs):
        kept, back = pairs.kept.sum(), pairs.kept.sum(1)
        how = ("each loss looks back {k} steps" if self.values["kind"] == "window" else
               "the sequence is cut into chunks of {k} steps").format(k=self.values["k"])
        return (f"A triangle of {STEPS * (STEPS + 1) // 2} pairs of a loss and a step before it, for {STEPS} steps; "
                f"{how}. {kept} pairs are kept, with {pairs.share:.0%} of the gradient's size. A loss sees "
                f"{back.min()} to {back.max()} steps, {back.mean():.1f} on average.")


class WindowAndLag(Figure):
    """Which windows solve which lag, and how much of the gradient's direction they keep: two maps, one cell named.

    trials       {(task, lag, window): windows.WindowResult} for all of windows.settings()
    task         "hold" or "delay", as in windows.trial
    lag, window  the cell that is named
    errors       ValueError where trials lacks a cell
    """

    size = (900, 370)
    labels = {"lag": "lag (steps)", "window": "window k (steps)"}

    def __init__(self, trials: Mapping[tuple[str, int, int], windows.WindowResult], **values):
        missing = [setting for setting in windows.settings() if setting not in trials]
        if missing:
            raise ValueError(f"trials lacks {len(missing)} of the map, the first {missing[0]}: run windows.trial for "
                             f"all of windows.settings().")
        self.trials, self.members = trials, len(trials[windows.settings()[0]].solved)
        super().__init__(**values)

    def draw(self):
        left, right = self.axes = self.panels(
            dict(title="Solved: one dot for each network", ylabel="lag (steps)"),
            dict(title="Cosine to the full gradient at the start"), sharey=True, grid=False,
            xlabel="window k (steps)", xlim=(-.5, len(WINDOWS) - .5), ylim=(-.5, len(LAGS) - .05),
            xticks=range(len(WINDOWS)), xticklabels=WINDOWS, yticks=range(len(LAGS)), yticklabels=LAGS)
        for ax in self.axes:
            ax.vlines(np.arange(len(WINDOWS) + 1) - .5, -.5, len(LAGS) - .5, color=INK, linewidth=.5, alpha=.35)
            corners = [(np.searchsorted(WINDOWS, lag, side="right") - .5, y + edge)
                       for y, lag in enumerate(LAGS) for edge in (-.5, .5)]
            ax.plot(*zip(*corners), "--", color=VERMILION, linewidth=1.6)
        right.text(len(WINDOWS) - .55, len(LAGS) - .24, "right of the dashed line the window is longer than the lag",
                   color=VERMILION, ha="right", va="center")
        self.solved = self.curve(left, BLUE, "o", markersize=6)
        self.failed = self.curve(left, INK, "o", markersize=6, markerfacecolor="none")
        self.numbers = {(lag, window): self.moving(right.text(j, i, "", ha="center", va="center", color=BLUE))
                        for i, lag in enumerate(LAGS) for j, window in enumerate(WINDOWS)}
        self.frames = [self.curve(ax, ORANGE, linewidth=2.2) for ax in self.axes]
        self.words = self.moving(left.text(-.45, len(LAGS) - .24, "", color=ORANGE, va="center"))

    def compute(self, task="delay", lag=12, window=10):
        choice("task", task, TASKS)
        if lag not in LAGS or window not in WINDOWS:
            raise ValueError(f"lag is {lag}, window {window}: the lags {LAGS} and the windows {WINDOWS} were measured.")
        return {(a, k): self.trials[task, a, k] for a in LAGS for k in WINDOWS}

    def move(self, trials):
        dots = {True: [], False: []}
        for (lag, window), one in trials.items():
            for i, solved in enumerate(np.sort(one.solved)[::-1]):
                offset = (i - (self.members - 1) / 2) * .8 / max(5, self.members)
                dots[bool(solved)].append((WINDOWS.index(window) + offset, LAGS.index(lag)))
            self.numbers[lag, window].set_text(f"{one.cosine.mean():.2f}")
        for artist, which in ((self.solved, True), (self.failed, False)):
            artist.set_data(np.array(dots[which]).reshape(-1, 2).T)
        lag, window = self.values["lag"], self.values["window"]
        x, y = WINDOWS.index(window) + np.array([-.46, .46, .46, -.46, -.46]), LAGS.index(lag) + np.array(
            [-.4, -.4, .4, .4, -.4])
        for frame in self.frames:
            frame.set_data(x, y)
        self.words.set_text(self._named(trials))

    def _named(self, trials) -> str:
        lag, window = self.values["lag"], self.values["window"]
        one = trials[lag, window]
        return (f"lag {lag}, window {window}: {one.solved.sum()} of {self.members} solved, "
                f"cosine {one.cosine.mean():.2f}")

    def describe(self, trials):
        reached = [one.solved for (lag, window), one in trials.items() if window > lag]
        short = [one.solved for (lag, window), one in trials.items() if window <= lag]
        sums = [f"{np.sum(group)} of {np.size(group)}" for group in (reached, short)]
        return (f"Two maps over window and lag for the task {self.values['task']}, {self.members} networks a cell. "
                f"Where the window reaches the step that is asked for, {sums[0]} networks solve the task; where it "
                f"does not, {sums[1]}. Named cell: {self._named(trials)}.")


LONGEST, HORIZON, RATE = 200, 40_000, 1e-4  # steps of a chunk; steps of training; rate


class Balance(NamedTuple):
    """What Balancing shows.

    steps   (points + 1,) of training
    theta   (points + 1,)
    growth  the factor by which theta's distance from its fixed point changes at each chunk
    """

    steps: np.ndarray
    theta: np.ndarray
    growth: float


class Balancing(Figure):
    """Influence balancing: the gradient seen through a window, and where training in chunks of that length goes.

    window  steps, 1 to 200: of the window (left) and of the chunks (right)
    start   theta at the start
    """

    size = (900, 370)
    labels = {"window": "window k (steps)", "start": "theta at the start"}

    def __init__(self, **values):
        self.system = influence_balancing.system()
        self.seen = influence_balancing.seen(self.system, LONGEST)
        self.average = np.cumsum(self.seen) / np.arange(1, LONGEST + 1)
        super().__init__(**values)

    def draw(self):
        left, right = self.axes = self.panels(
            dict(title="The gradient through a window of k steps", xlabel="window k (steps)",
                 ylabel=r"$ds[0] / d\theta$", xlim=(0, LONGEST), ylim=(-9, 19)),
            dict(title="Training in chunks of k steps", xlabel="time steps", ylabel=r"$\theta$",
                 xlim=(0, HORIZON), ylim=(-1.2, 1.2), xticks=range(0, HORIZON + 1, 10_000)))
        k = np.arange(1, LONGEST + 1)
        self.guide(left, 0)
        left.plot(k, self.seen, color=BLUE)
        left.plot(k, self.average, "--", color=GREEN)
        left.text(62, -7.4, "a window for each loss", color=BLUE)
        left.text(75, 8.3, "a chunk of k steps, averaged", color=GREEN)
        self.line = self.curve(left, ORANGE, ":", linewidth=1.6)
        self.dots = self.curve(left, ORANGE, "o", markersize=7)
        self.values_text, = self.key(left, (.98, .97, "", ORANGE), ha="right", linespacing=1.4)
        self.guide(right, -1 / 6, color=GREEN, linewidth=1.2, style=(0, (4, 3)))
        right.text(HORIZON, -.2, "best: −1/6", color=GREEN, ha="right", va="top")
        self.path = self.curve(right, ORANGE)
        self.verdict, = self.key(right, (.98, .97, "", ORANGE), ha="right", linespacing=1.4)

    def compute(self, window=41, start=0.):
        if not 1 <= count("window", window) <= LONGEST:
            raise ValueError(f"window is {window}, needs to be 1 to {LONGEST}.")
        points = 200
        every = max(1, HORIZON // (window * points))
        points = HORIZON // (window * every)
        theta = influence_balancing.train_in_chunks(self.system, window, RATE, chunks=points * every, theta=start,
                                                    points=points)
        return Balance(np.arange(points + 1) * window * every, theta,
                       influence_balancing.drift(influence_balancing.chunk(self.system, window, RATE)))

    def move(self, balance):
        k = self.values["window"]
        seen, average = self.seen[k - 1], self.average[k - 1]
        self.line.set_data([k, k], [min(seen, average, 0), max(seen, average, 0)])
        self.dots.set_data([k, k], [seen, average])
        self.values_text.set_text(f"window {k}: {seen:.3g}\nchunk {k}, averaged: {average:.3g}")
        inside = np.abs(balance.theta) <= 10  # the line leaves the picture at its edge
        last = len(inside) if inside.all() else inside.argmin() + 1
        self.path.set_data(balance.steps[:last], np.clip(balance.theta[:last], -10, 10))
        self.verdict.set_text(f"distance from −1/6: × {balance.growth:.4f} a chunk\n{self._goes(balance)}")

    def _goes(self, balance) -> str:
        return "it diverges" if balance.growth > 1 else "it converges"

    def describe(self, balance):
        k = self.values["window"]
        return (f"Left, the gradient seen through a window: 1 at one step, {self.seen.max():.3f} at "
                f"{self.seen.argmax() + 1}, negative from {(self.seen < 0).argmax() + 1} steps on, "
                f"{influence_balancing.full(self.system):.0f} in full; averaged over a chunk it is negative from "
                f"{(self.average < 0).argmax() + 1} steps on. At {k} steps: {self.seen[k - 1]:.3g} and "
                f"{self.average[k - 1]:.3g}. Right, training in chunks of {k} steps from theta = "
                f"{self.values['start']:g}: the distance from -1/6 changes by {balance.growth:.4f} at each chunk; "
                f"{self._goes(balance)}.")
