"""The figures of lesson 10: which steps a loss reaches, window against lag, a gradient that points the wrong way,
what a window hides, what checkpoints keep."""

from __future__ import annotations

from collections.abc import Mapping
import numpy as np
from matplotlib.colors import to_rgb

from ... import bptt, initialise
from ...screen.figure import BLUE, GREEN, INK, ORANGE, VERMILION, Figure
from ...screen.kit import Decades, power_of_ten
from . import checkpoints, influence_balancing, windows
from .windows import LAGS, TASKS, WINDOWS, reaches

STEPS = 24  # of Reach


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
        run = bptt.forward(initialise.rnn(1, 32, rng, gain=.95, input_gain=.3), rng.normal(size=(STEPS, 1, 1)))
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
        kept = reaches(STEPS, k, kind)
        return kept, float(self.sizes[kept].sum() / self.sizes.sum())  # by loss and step; their share of all sizes

    def move(self, found):
        pairs, share = found
        colours = np.where(pairs[..., None], to_rgb(BLUE), to_rgb(VERMILION))
        reached = np.tri(STEPS, dtype=bool)
        opacity = np.where(reached, .12 + .88 * np.minimum(self.sizes, 1), 0)
        self.image.set_data(np.concatenate([colours, opacity[..., None]], axis=-1))
        kept, total, k = pairs.sum(), reached.sum(), self.values["k"]
        self.words[0].set_text(f"kept: {kept} of {total} pairs,\nwith {share:.0%} of the gradient's size")
        self.words[1].set_text(f"dropped: {total - kept} pairs,\nwith {1 - share:.0%} of it")
        back = pairs.sum(1)
        self.words[2].set_text("no loss is cut" if k >= STEPS else
                               f"a loss sees {back.min()} to {back.max()} steps,\n{back.mean():.1f} on average")

    def describe(self, found):
        kept, back = found[0].sum(), found[0].sum(1)
        how = ("each loss looks back {k} steps" if self.values["kind"] == "window" else
               "the sequence is cut into chunks of {k} steps").format(k=self.values["k"])
        return (f"A triangle of {STEPS * (STEPS + 1) // 2} pairs of a loss and a step before it, for {STEPS} steps; "
                f"{how}. {kept} pairs are kept, with {found[1]:.0%} of the gradient's size. A loss sees "
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
    allowed = {"task": list(TASKS), "lag": list(LAGS), "window": list(WINDOWS)}

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


class Balancing(Figure):
    """Influence balancing: the gradient seen through a window, and where training in chunks of that length goes.

    window  steps, 1 to 200: of the window (left) and of the chunks (right)
    start   theta at the start
    """

    size = (900, 370)
    labels, allowed = {"window": "window k (steps)", "start": "theta at the start"}, {"window": (1, LONGEST)}

    def draw(self):
        self.system = influence_balancing.system()
        self.seen = influence_balancing.seen(self.system, LONGEST)
        self.average = np.cumsum(self.seen) / np.arange(1, LONGEST + 1)
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
        points = 200
        every = max(1, HORIZON // (window * points))
        points = HORIZON // (window * every)
        theta = influence_balancing.train_in_chunks(self.system, window, RATE, chunks=points * every, theta=start,
                                                    points=points)
        return (np.arange(points + 1) * window * every, theta,  # and the factor of its distance from the best, a chunk
                influence_balancing.drift(influence_balancing.chunk(self.system, window, RATE)))

    def move(self, balance):
        steps, theta, growth = balance
        k = self.values["window"]
        seen, average = self.seen[k - 1], self.average[k - 1]
        self.line.set_data([k, k], [min(seen, average, 0), max(seen, average, 0)])
        self.dots.set_data([k, k], [seen, average])
        self.values_text.set_text(f"window {k}: {seen:.3g}\nchunk {k}, averaged: {average:.3g}")
        inside = np.abs(theta) <= 10  # the line leaves the picture at its edge
        last = len(inside) if inside.all() else inside.argmin() + 1
        self.path.set_data(steps[:last], np.clip(theta[:last], -10, 10))
        self.verdict.set_text(f"distance from −1/6: × {growth:.4f} a chunk\n{self._goes(balance)}")

    def _goes(self, balance) -> str:
        return "it diverges" if balance[2] > 1 else "it converges"

    def describe(self, balance):
        k = self.values["window"]
        return (f"Left, the gradient seen through a window: 1 at one step, {self.seen.max():.3f} at "
                f"{self.seen.argmax() + 1}, negative from {(self.seen < 0).argmax() + 1} steps on, "
                f"{influence_balancing.full(self.system):.0f} in full; averaged over a chunk it is negative from "
                f"{(self.average < 0).argmax() + 1} steps on. At {k} steps: {self.seen[k - 1]:.3g} and "
                f"{self.average[k - 1]:.3g}. Right, training in chunks of {k} steps from theta = "
                f"{self.values['start']:g}: the distance from -1/6 changes by {balance[2]:.4f} at each chunk; "
                f"{self._goes(balance)}.")


class DotRows(Figure):
    """Rows of dots, one for each network or pattern, with what is said of them at the end of the row.

    rows    {name: (values, words)}: the places of the dots, (n,), and the words
    title, xlabel, xlim  of the axes
    guide   (place, words): a line through all rows
    marks   {name: place}: a short line through one row
    sizes   {name: (n,)}: areas of the dots
    """

    def __init__(self, rows: Mapping[str, tuple[np.ndarray, str]], *, title: str, xlabel: str,
                 xlim: tuple[float, float], guide: tuple[float, str], marks: Mapping[str, float] | None = None,
                 sizes: Mapping[str, np.ndarray] | None = None):
        self.rows, self.axis, self.guided = dict(rows), dict(title=title, xlabel=xlabel, xlim=xlim), guide
        self.marks, self.sizes = marks or {}, sizes or {}
        self.size = (900, 100 + 30 * len(self.rows))
        super().__init__()

    def draw(self):
        n, height = len(self.rows), self.size[1]
        ax = self.panels(at=(.23, 52 / height, .4, 1 - 84 / height), yticks=range(n), yticklabels=list(self.rows),
                         ylim=(n - .4, -1.1), **self.axis)
        self.guide(ax, x=self.guided[0], style=(0, (1, 2)))
        ax.text(self.guided[0], -.85, f"{self.guided[1]} ", ha="right", va="center", fontsize=8.5)
        for row, (name, (values, words)) in enumerate(self.rows.items()):
            heights = row + .2 * np.linspace(-1, 1, len(values)) if len(values) > 1 else [row]
            ax.scatter(values, heights, s=self.sizes.get(name, 24), color=BLUE, alpha=.75, linewidth=0)
            if name in self.marks:
                ax.vlines(self.marks[name], row - .38, row + .38, color=VERMILION, linewidth=2.2)
            ax.text(1.03, row, words, transform=ax.get_yaxis_transform(), va="center")

    def describe(self, _):
        rows = "; ".join(f"{name}: {words}" for name, (_, words) in self.rows.items())
        return f"{self.axis['title']}, {self.axis['xlabel']}. {rows}."


class ThroughAWindow(Figure):
    """The gradient of the last loss by distance: solid inside a window, dotted where the window shows exactly 0.

    truth   {name: (T + 1, n)}: |dL/dh_{T-j}| over |dL/dh_T| of n networks, without a window; two names
    window  steps
    """

    size = (900, 340)

    def __init__(self, truth: Mapping[str, np.ndarray], window: int):
        self.truth, self.window = dict(truth), window
        super().__init__()

    def draw(self):
        T = len(next(iter(self.truth.values()))) - 1
        ax = self.panels(at=(.09, .15, .7, .74), title="The gradient of the last loss, six networks", ylim=(-30, 3),
                         xlabel="steps back from the end", ylabel=r"$\log_{10}$ of its share  (decades)", xlim=(0, T))
        self.guide(ax, x=self.window - 1, style=(0, (4, 3)))
        ax.text(self.window, 1, f"← a window of {self.window} steps; beyond it shows 0", va="center", fontsize=8.5)
        for (name, sizes), color in zip(self.truth.items(), (BLUE, ORANGE)):
            with np.errstate(divide="ignore"):
                logs = np.log10(sizes)
            ax.plot(np.arange(self.window), logs[:self.window], color=color, linewidth=2.6)
            ax.plot(np.arange(self.window - 1, T + 1), logs[self.window - 1:], ":", color=color, linewidth=1.4)
            ax.text(T + 1, max(logs[-1].mean(), -27), f"{name}{' ↓' * bool(logs[-1].mean() < -30)}", color=color,
                    va="center", clip_on=False)

    def describe(self, _):
        ends = "; ".join(
            f"{name}: a factor of {', '.join(f'{q:.2f}' for q in sizes[self.window - 1] ** (1 / (self.window - 1)))} a "
            f"step inside, 50 steps back {', '.join(f'{part:.0e}' for part in sizes[50])}"
            for name, sizes in self.truth.items())
        return (f"The gradient of the last loss against the distance, three networks of each kind. A window of "
                f"{self.window} steps shows its first {self.window} points, and exactly 0 behind them. {ends}.")


class Checkpoints(Figure):
    """The exact gradient over 100 steps with a checkpoint every k: which states are in memory when, and what it costs.

    k  steps from one checkpoint to the next, 1 to 100; 100 is full BPTT
    """

    size = (900, 380)
    labels = {"k": "steps between checkpoints k"}
    T = 100
    allowed = {"k": (1, T)}

    def draw(self):
        T = self.T
        self.costs = [checkpoints.checkpoint_cost(T, k) for k in range(1, T + 1)]
        self.fewest = min(cost.states for cost in self.costs)
        left, right = self.axes = self.panels(
            dict(title="Which states are in memory", xlabel="steps taken, forward and back", ylabel="t of the state",
                 xlim=(0, 3 * T), ylim=(-.5, T + 14), grid=False),
            dict(title="What it costs", xlabel="steps between checkpoints k", xscale="log", xlim=(1, T),
                 ylim=(0, 2.25 * T), xticks=[1, 2, 5, 10, 20, 50, 100], xticklabels=[1, 2, 5, 10, 20, 50, 100]))
        right.minorticks_off()
        self.image = self.moving(left.imshow(np.zeros((T + 1, 3 * T, 4)), extent=(0, 3 * T, -.5, T + .5),
                                             aspect="auto", origin="lower"))
        self.key(left, (.01, .985, "lines: checkpoints", BLUE), (.36, .985, "blocks: the piece at hand", ORANGE))
        k = np.arange(1, T + 1)
        right.plot(k, [cost.states for cost in self.costs], color=BLUE)
        right.plot(k, [cost.steps for cost in self.costs], "--", color=VERMILION)
        right.text(1.15, 1.78 * T, "steps forward", color=VERMILION)
        right.text(1.7, .74 * T, "states kept", color=BLUE)
        self.guide(right, self.fewest, f"fewest: {self.fewest}", at=.84)
        self.dots = self.curve(right, INK, "o", markersize=7)
        self.words, = self.key(right, (.98, .99, "", INK), ha="right", linespacing=1.4)

    def compute(self, k=10):
        return checkpoints.in_memory(self.T, k), checkpoints.checkpoint_cost(self.T, k)

    def move(self, kept):
        memory, cost = kept
        colors = np.array([(0, 0, 0, 0), (*to_rgb(BLUE), 1), (*to_rgb(ORANGE), .6)])
        self.image.set_data(colors[memory])
        self.dots.set_data([self.values["k"]] * 2, cost)
        self.words.set_text(f"k = {self.values['k']}: {cost.states} states, {cost.steps} steps forward")

    def describe(self, kept):
        best = [k for k, cost in enumerate(self.costs, start=1) if cost.states == self.fewest]
        return (f"Left, which states of {self.T} steps are in memory while the gradient is computed with a checkpoint "
                f"every {self.values['k']} steps: the checkpoints stay, the pieces between them come and go, the last "
                f"one first on the way back. At most {kept[1].states} states are kept, in place of {self.T + 1}, and "
                f"{kept[1].steps} steps are taken forward, in place of {self.T}. Right, both against the distance: "
                f"the fewest states are {self.fewest}, at {', '.join(map(str, best))}.")


class NumbersKept(Decades):
    """Numbers kept for the exact gradient by T, of H units; D inputs apart; counted: {way: {T: numbers}}, dots."""

    xlabel, ylabel = r"$\log_{10}$ of the steps T", r"$\log_{10}$ of their count"
    lines, spans = ((BLUE, "-", 2.2), (GREEN, "--", 2.2), (VERMILION, "-.", 2.2), (INK, ":", 1.6)), ((7, 1.5, 9),)

    def __init__(self, H: int, D: int, counted: Mapping[str, Mapping[int, int]]):
        self.H, self.D, self.P, self.counted = H, D, H * (H + D + 1), counted
        self.title = f"Inputs apart, checkpoints keep the fewest numbers up to T = {((self.P + 1) / 2)**2:.2g}"
        super().__init__()

    def draw(self):
        super().draw()
        for (color, *_), points in zip(self.lines, self.counted.values()):
            self.ax.plot(*np.log10([list(points), list(points.values())]), "o", color=color, clip_on=False)
        self.guide(self.ax, x=np.log10(self.P), linewidth=.8, style=(0, (1, 2)))
        self.ax.text(np.log10(self.P) + .07, 1.65, f"T = P = {self.P}, the number of weights")
        self.key(self.ax, (.02, .97, "dots: counted in a run", INK))

    def compute(self):
        T = np.logspace(1, 7, 61)
        return np.log10(self.H * np.array([T + 1, np.ceil(2 * T**.5), np.full(61, self.P + 1.), self.D / self.H * T]))

    def move(self, curves):
        self.place(np.linspace(1, 7, 61), curves, [*self.counted, "all inputs, not counted"])

    def describe(self, _):
        said = "; ".join(f"{way} {', '.join(map(str, points.values()))}" for way, points in self.counted.items())
        return (f"{self.title}. Counted at T = {', '.join(map(str, self.counted['full BPTT']))}: {said}. Forward mode "
                f"keeps as many as full BPTT at T = {self.P}, and the inputs, not counted, are as many at "
                f"{self.H * (self.P + 1) / self.D:.2g}.")
