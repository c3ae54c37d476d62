"""The figures of lesson 08: two ways to clip, the wall with a threshold, a spike in Adam, success by length."""

from __future__ import annotations

import os
from typing import Iterable, NamedTuple

import numpy as np
from matplotlib.patheffects import withStroke

from ... import clipping
from ...screen.figure import BLUE, GREEN, INK, ORANGE, VERMILION, Figure
from ...screen.kit import apart
from ..nb07_exploding import relief, wall
from ..nb07_exploding.dynamics import HIGHEST
from . import rescue, success


class Clips(NamedTuple):
    """What Arrows shows: the gradient, clipped by norm and by value; the angles of the latter over `thresholds`."""

    gradient: np.ndarray
    by_norm: np.ndarray
    by_value: np.ndarray
    angles: np.ndarray


class Arrows(Figure):
    """A gradient with two entries and what the two kinds of clipping leave of it.

    threshold  largest norm, and largest entry
    direction  of the gradient, in degrees
    """

    size = (860, 380)
    labels = {"threshold": "threshold", "direction": "direction (degrees)"}
    length = 2.
    thresholds = np.linspace(.05, 2.5, 99)

    def draw(self):
        ax, right = self.panels(
            dict(title="The gradient and what is left of it", xlabel="first entry", ylabel="second entry",
                 xlim=(-.15, 2.25), ylim=(-.15, 2.25), aspect="equal"),
            dict(title="Angle to the gradient", xlabel="threshold", ylabel="degrees", xlim=(0, 2.5), ylim=(-2, 60)),
            widths=(1, 1.25))
        self.circle = self.curve(ax, BLUE, ":", linewidth=1.2)
        self.square = self.curve(ax, VERMILION, "-.", linewidth=1.2)
        styles = (INK, "-", 1.6), (BLUE, "-", 3.2), (VERMILION, "--", 2.4)
        self.arrows = [self.curve(ax, colour, dash, linewidth=width) for colour, dash, width in styles]
        self.tips = [self.curve(ax, colour, marker, markersize=size)
                     for (colour, _, _), marker, size in zip(styles, "osD", (5, 8, 7))]
        self.guide(right, 0, color=BLUE, linewidth=2.4)
        self.angles, self.here = self.curve(right, VERMILION, "--"), self.curve(right, VERMILION, "D", markersize=7)
        self.key(right, (.3, .96, "──  clipped by norm: 0 everywhere", BLUE),
                 (.3, .88, "╌╌ clipped by value", VERMILION))
        self.words, = self.key(right, (.3, .8, "", INK), linespacing=1.5)

    def compute(self, threshold=.6, direction=20.):
        turn = np.radians(direction)
        gradient = self.length * np.array([np.cos(turn), np.sin(turn)])
        limits = self.thresholds[:, None]
        angles = clipping.angle(np.clip(gradient, -limits, limits), np.broadcast_to(gradient, (len(limits), 2)),
                                lead=limits.shape[:1])
        return Clips(gradient, clipping.clip_by_norm(gradient, threshold).grads,
                     clipping.clip_by_value(gradient, threshold).grads, angles)

    def move(self, clips):
        threshold = self.values["threshold"]
        turn = np.linspace(0, np.pi / 2, 60)
        self.circle.set_data(threshold * np.cos(turn), threshold * np.sin(turn))
        self.square.set_data([threshold, threshold, 0], [0, threshold, threshold])
        for (x, y), arrow, tip in zip(clips[:3], self.arrows, self.tips):
            arrow.set_data([0, x], [0, y])
            tip.set_data([x], [y])
        self.angles.set_data(self.thresholds, clips.angles)
        self.here.set_data([threshold], [clipping.angle(clips.by_value, clips.gradient)])
        self.words.set_text(f"threshold {threshold:g}\nlength by norm {np.linalg.norm(clips.by_norm):.3g}, "
                            f"by value {np.linalg.norm(clips.by_value):.3g}\n"
                            f"angle by value {self.here.get_ydata()[0]:.1f}°")

    def describe(self, clips):
        g, c = clips.gradient, self.values["threshold"]
        return (f"A gradient ({g[0]:.2f}, {g[1]:.2f}) of length {self.length:g} and the threshold {c:g}. Clipped by "
                f"norm it has length {np.linalg.norm(clips.by_norm):.3g} and the same direction. Clipped by value it "
                f"is ({clips.by_value[0]:.2f}, {clips.by_value[1]:.2f}), turned by "
                f"{clipping.angle(clips.by_value, g):.1f} degrees. The largest angle over all thresholds is "
                f"{clips.angles.max():.1f} degrees, at thresholds below the smaller entry.")


COLOURS = "cividis"  # for readers of every colour vision, on both backgrounds
ON_PICTURE = "#f4f4f4"  # text on the dark colours of a picture, the same on both backgrounds
ON_BRIGHT = "#00224e"  # text on the bright colours of the picture
LESSON = wall.Point(6., -2.2)  # the start of the lesson, beside the 30 that are counted


class Descents(NamedTuple):
    """What Rescue shows.

    path     wall.Point (updates + 1,): from the chosen start at the chosen threshold
    end      the error at its end
    rescued  (thresholds,) how many of the 30 starts only the clipped descent solves
    hurt     (thresholds,) how many only the unclipped one solves
    alone    how many the unclipped one solves
    verdicts (30,) of the starts at the chosen threshold: solved by 0 none, 1 the unclipped one alone, 2 the clipped
             one alone, 3 both
    """

    path: wall.Point
    end: float
    rescued: np.ndarray
    hurt: np.ndarray
    alone: int
    verdicts: np.ndarray


class Rescue(Figure):
    """Gradient descent on the wall with a threshold: its path, and what becomes of 30 starts at each threshold.

    threshold  log10 of the largest norm
    rate       of descent
    start      0: w = 6, b = -2.2; 1 ... 30: those that are counted
    seed       that draws the 30
    """

    size = (900, 420)
    labels = {"threshold": "log10 of the threshold", "rate": "rate", "start": "start"}
    thresholds = np.arange(-16, 17) / 8
    rates = .03, .1, .3, 1.
    marks = ("x", ORANGE), ("v", VERMILION), ("^", GREEN), ("o", BLUE)  # by verdict
    window = (3.4, 7.3), (-3.6, -1.2)

    def __init__(self, seed: int = 0, **values):
        self.starts = wall.Point(*(np.r_[first, drawn] for first, drawn in zip(LESSON, rescue.starts(seed))))
        limits = np.r_[10 ** self.thresholds, np.inf]
        spread = wall.Point(*(part[:, None, None] for part in self.starts))  # starts, rates, thresholds
        path = rescue.descend(spread, np.array(self.rates)[:, None], limits)
        self.ends = rescue.error(path)
        self.paths = wall.Point(*(part.astype(np.float32) for part in path))
        super().__init__(**values)

    def draw(self):
        (left, most), (low, high) = self.window
        ax, right = self.panels(
            dict(title="The way down (bright: large error)", xlabel="weight w", ylabel="bias b", xlim=(left, most),
                 ylim=(low, high), grid=False),
            dict(title="Of 30 starts", xlabel="log10 of the threshold", ylabel="starts", xlim=(-2.05, 2.05),
                 ylim=(-.5, 38), yticks=range(0, 31, 5)), widths=(1.25, 1))
        w, b = np.linspace(left, most, 300), np.linspace(low, high, 300)[:, None]
        ax.imshow(wall.evaluate(wall.Point(w, b)).loss, cmap=COLOURS, vmin=0, vmax=HIGHEST, origin="lower",
                  extent=(left, most, low, high), aspect="auto")
        rim = [withStroke(linewidth=3, foreground=ON_PICTURE)]  # seen on bright and dark parts, as the path is
        self.kinds = [self.curve(ax, colour, marker, markersize=6, markeredgewidth=1.5, path_effects=rim)
                      for marker, colour in self.marks]
        self.ways = [self.curve(ax, colour, linewidth=width) for colour, width in ((INK, 3.2), (ON_PICTURE, 1.2))]
        self.first = self.curve(ax, ON_PICTURE, "o", markersize=8, markerfacecolor="none")
        self.last = self.curve(ax, ON_PICTURE, "*", markersize=11)
        self.words, = self.key(ax, (.02, .03, "", ON_BRIGHT), va="bottom", linespacing=1.4)  # few descents get there
        self.rescued = self.curve(right, GREEN, "-^", markersize=4)
        self.hurt = self.curve(right, VERMILION, "--v", markersize=4)
        self.here = self.curve(right, INK, ":", linewidth=1.2)
        *_, self.alone = self.key(right, (.02, .985, "▲ rescued", GREEN), (.45, .985, "▼ hurt", VERMILION),
                                  (.02, .925, "● solved by both", BLUE), (.45, .925, "× lost by both", ORANGE),
                                  (.02, .865, "", INK))

    def compute(self, threshold=-.5, rate=.3, start=0):
        place = np.flatnonzero(np.isclose(self.thresholds, threshold, atol=0))
        if rate not in self.rates or not len(place) or start not in range(len(self.starts.w)):
            raise ValueError(f"threshold {threshold:g}, rate {rate:g}, start {start}: needs eighths from -2 to 2, one "
                             f"of {self.rates}, and 0 to {len(self.starts.w) - 1}.")
        i, j = self.rates.index(rate), place[0]
        solved = self.ends[1:, i] < rescue.SOLVED
        clipped, alone = solved[:, :-1], solved[:, -1:]
        path = wall.Point(*(part[:, start, i, j].astype(float) for part in self.paths))
        return Descents(path, self.ends[start, i, j], (clipped & ~alone).sum(0), (alone & ~clipped).sum(0),
                        int(alone.sum()), alone[:, 0] + 2 * clipped[:, j])

    def move(self, descents):
        threshold, path = self.values["threshold"], descents.path
        for verdict, line in enumerate(self.kinds):
            mine = descents.verdicts == verdict
            line.set_data(self.starts.w[1:][mine], self.starts.b[1:][mine])
        (left, most), (low, high) = self.window
        for line in self.ways:
            line.set_data(np.clip(path.w, left - 9, most + 9), np.clip(path.b, low - 9, high + 9))
        self.first.set_data(path.w[:1], path.b[:1])
        self.last.set_data(path.w[-1:], path.b[-1:])
        self.words.set_text(f"threshold {10 ** threshold:.3g}\n○ start   ★ end: w = {path.w[-1]:.4g}, "
                            f"b = {path.b[-1]:.4g}\nerror at the end {descents.end:.2g}")
        self.rescued.set_data(self.thresholds, descents.rescued)
        self.hurt.set_data(self.thresholds, descents.hurt)
        self.here.set_data([threshold, threshold], [-.5, 31])
        self.alone.set_text(f"solved without clipping: {descents.alone}")

    def describe(self, descents):
        path, j = descents.path, int(np.flatnonzero(np.isclose(self.thresholds, self.values["threshold"], atol=0))[0])
        return (f"Left, the wall from above with 30 starts and one way down, at rate {self.values['rate']:g} and "
                f"threshold {10 ** self.values['threshold']:.2g}: from w = {path.w[0]:.1f}, b = {path.b[0]:.1f} to w = "
                f"{path.w[-1]:.2g}, b = {path.b[-1]:.2g}. Right, over the threshold, how many starts clipping rescues "
                f"and how many it hurts. Without clipping {descents.alone} of 30 are solved; here it rescues "
                f"{descents.rescued[j]} and hurts {descents.hurt[j]}.")


class Pair(NamedTuple):
    """What OnTheWall shows, row 0 not clipped and row 1 clipped: where both stand, after `update` updates.

    place  wall.Point (2,)
    error  (2,)
    norm   (2,) of the gradient there
    """

    place: wall.Point
    error: np.ndarray
    norm: np.ndarray


class OnTheWall(Figure):
    """Two descents over the wall in relief from one start at rate 0.3, clipped by norm and not, and their gradients.

    update     how many updates have been made, 0 to 150
    threshold  of the clipped one
    """

    size = (900, 420)
    labels = {"update": "updates", "threshold": "threshold"}
    rate, last, thresholds = .3, 150, (.03, .3, 3., 30.)
    allowed = {"update": (0, last), "threshold": [*thresholds]}
    looks = ("not clipped", VERMILION, "-", "s"), ("clipped", BLUE, "--", "o")

    def __init__(self, **values):
        start = wall.Point(*(np.full(1 + len(self.thresholds), each) for each in LESSON))
        self.path = rescue.descend(start, self.rate, np.r_[np.inf, self.thresholds], self.last)
        self.seen = wall.evaluate(self.path)
        self.traces = [relief.trace(wall.Point(*(part[:, i] for part in self.path))) for i in range(len(start.w))]
        super().__init__(**values)

    def draw(self):
        ax, right = self.panels(
            dict(at=(.005, .01, .55, .91), title="Both ways, over the error in relief", grid=False),
            dict(at=(.645, .13, .335, .62), title="Length of the gradient", xlabel="update (dotted: the threshold)",
                 yscale="log", xlim=(0, self.last), ylim=(1e-5, 1e5)))
        relief.frame(ax)
        ax.plot(*relief.profiles(wall.evaluate(relief.GRID).loss), color=INK, linewidth=.5)
        self.ways, self.logs = ([self.curve(panel, colour, dash, linewidth=1.5) for _, colour, dash, _ in self.looks]
                                for panel in (ax, right))
        self.ends = [self.curve(ax, colour, mark, markersize=9) for _, colour, _, mark in self.looks]
        self.limit = self.curve(right, INK, ":", linewidth=1.2)
        self.words = self.key(self.fig, (.6, .975, "", VERMILION), (.6, .91, "", BLUE))

    def compute(self, update=90, threshold=.3):
        which = [0, 1 + self.thresholds.index(threshold)]
        at = wall.Point(*(part[update, which] for part in self.path))
        return Pair(at, self.seen.loss[update, which], np.hypot(*(part[update, which] for part in self.seen.grads)))

    def move(self, pair):
        update, which = self.values["update"], [0, 1 + self.thresholds.index(self.values["threshold"])]
        for i, (name, _, _, mark) in enumerate(self.looks):
            way = np.array(self.traces[which[i]])[:, :update + 1]
            if (k := way.shape[1]) <= update:  # it left the picture: an arrow in the direction of what threw it
                out = np.array([part[k, which[i]] - part[k - 1, which[i]] for part in self.path])
                tip = [part[k - 1, which[i]] for part in self.path] + .7 * out / np.linalg.norm(out)
                way = np.c_[way, relief.project(*tip, self.seen.loss[k - 1, which[i]])]
                right, up = np.diff(self.ends[i].axes.transData.transform(way.T[-2:]), axis=0)[0]
                mark = 3, i, np.degrees(np.arctan2(up, right)) - 90  # a triangle or star of 3 that points there
            self.ways[i].set_data(*way)
            self.ends[i].set(data=way[:, -1:], marker=mark)
            norm = np.hypot(*(part[:update + 1, which[i]] for part in self.seen.grads))
            self.logs[i].set_data(np.arange(update + 1), np.maximum(norm, 1e-12))
            sign, end = ("■●"[i], f"E = {pair.error[i]:.2f}") if k > update else ("▶➤"[i], "thrown out")
            self.words[i].set_text(f"{sign} {name}: w = {pair.place.w[i]:.4g}, b = {pair.place.b[i]:.4g}, {end}")
        self.limit.set_data([0, self.last], [self.values["threshold"]] * 2)

    def describe(self, pair):
        (w, b), error, norm = pair
        return (f"Two descents from w = 6, b = -2.2 at rate {self.rate:g}, after {self.values['update']} updates. Not "
                f"clipped: w = {w[0]:.4g}, b = {b[0]:.4g}, error {error[0]:.2g}, gradient {norm[0]:.2g}. Clipped at "
                f"{self.values['threshold']:g}: w = {w[1]:.4g}, b = {b[1]:.4g}, error {error[1]:.2g}, gradient "
                f"{norm[1]:.2g}.")


class Steps(NamedTuple):
    """What Spike shows, (2, updates) each, row 0 not clipped and row 1 clipped; step is Adam's, divided by its rate."""

    gradient: np.ndarray
    step: np.ndarray


class Spike(Figure):
    """A gradient of 1 at every update but one, and how large Adam's steps are afterwards, clipped and not.

    spike  the gradient at update 1000
    limit  threshold that clips it
    beta2  of Adam
    """

    size = (900, 380)
    labels = {"spike": "size of the spike", "limit": "threshold", "beta2": "beta2"}
    updates, at, highest = 9000, 1000, 3.6
    beta1 = .9

    def draw(self):
        above, below = self.panels(
            dict(title="The gradient", ylabel="size", yscale="log", ylim=(.02, 3e5)),
            dict(title="Adam's step", xlabel="update", ylabel="step / rate", ylim=(0, self.highest),
                 xlim=(0, self.updates)), rows=2, sharex=True, heights=(1, 1.6))
        self.guide(below, .5, linewidth=.8, style=(0, (1, 2)))
        self.lines = [[self.curve(ax, colour, dash, linewidth=width) for ax in (above, below)]
                      for colour, dash, width in ((VERMILION, "-", 1.4), (BLUE, "--", 1.8))]
        self.words = self.key(below, (.99, .97, "", VERMILION), (.99, .85, "", BLUE), ha="right")
        self.drawn = np.unique(np.r_[:self.updates:30, self.at - 5:self.at + 90])

    def compute(self, spike=1000., limit=3., beta2=.999):
        usual = np.array([1., min(1., limit)])
        gradient = np.tile(usual[:, None], self.updates)
        gradient[:, self.at] = spike, min(spike, limit)
        since = np.arange(self.updates) - self.at
        done = np.arange(1, self.updates + 1)

        def unbiased(beta, power):
            """The running mean, made unbiased, of a power of a gradient that is the usual one except at the spike."""
            base, top = usual[:, None] ** power, gradient[:, self.at, None] ** power
            extra = (top - base) * (1 - beta) * beta ** np.maximum(since, 0) / (1 - beta ** done)
            return base + np.where(since >= 0, extra, 0)

        return Steps(gradient, unbiased(self.beta1, 1) / np.sqrt(unbiased(beta2, 2)))

    def move(self, steps):
        for lines, gradient, step in zip(self.lines, *steps):
            lines[0].set_data(self.drawn, gradient[self.drawn])
            lines[1].set_data(self.drawn, step[self.drawn])
        for text, name, count in zip(self.words, ("──  not clipped", "╌╌ clipped"), self.slow(steps)):
            text.set_text(f"{name}: below half the rate for {count} updates")

    def slow(self, steps: Steps) -> np.ndarray:
        """For how many updates the step is below half the rate, (2,): clipped and not."""
        return (steps.step < .5).sum(1)

    def describe(self, steps):
        slow, values = self.slow(steps), self.values
        return (f"A gradient of 1 with one spike of {values['spike']:.3g} at update {self.at}, and Adam's step divided "
                f"by its rate, with beta2 = {values['beta2']:g}. The largest step is {steps.step[0].max():.2f}. After "
                f"the spike the step is below half the rate for {slow[0]} updates; with the gradient clipped at "
                f"{values['limit']:.2g}, for {slow[1]}.")


class SuccessByLength(Figure):
    """How many networks solve temporal order, by length, for each method of `success`; drawn as results arrive.

    results  {(method, T): success.Outcome}, kept by the caller and filled by `follow`
    """

    size = (760, 360)
    ylim = -12, 109
    styles = {"SGD": ("o-", VERMILION, "●"), "clip": ("s--", BLUE, "■"), "clip + penalty": ("^-.", GREEN, "▲")}

    def __init__(self, results: dict):
        self.results = results
        super().__init__()

    def draw(self):
        ax = self.panels(
            title="Temporal order: who learns it within 3000 updates?", xlabel="length of the sequences T",
            ylabel="networks that solved it (%)", xlim=(5, 78), ylim=self.ylim, xticks=success.LENGTHS)
        self.lines = {method: self.curve(ax, colour, style, markersize=7)
                      for method, (style, colour, _) in self.styles.items()}
        self.names = {method: self.moving(ax.text(0, 0, "", color=colour, va="center"))
                      for method, (_, colour, _) in self.styles.items()}

    def compute(self):
        return {method: sorted((T, 100 * solved.solved.mean()) for (name, T), solved in self.results.items()
                               if name == method) for method in self.styles}

    def move(self, curves):
        low, high = self.ylim
        drawn = [method for method, points in curves.items() if points]
        ends = np.array([curves[method][-1] for method in drawn]).reshape(-1, 2)
        heights = low + (high - low) * apart((ends[:, 1] - low) / (high - low) + .001 * np.arange(len(drawn)), .065)
        for method, points in curves.items():
            self.lines[method].set_data(*(zip(*points) if points else ([], [])))
            self.names[method].set_text(f"{self.styles[method][2]} {method}" if points else "")
        for method, (T, _), height in zip(drawn, ends, heights):
            self.names[method].set_position((T + 1.5, height))

    def describe(self, curves):
        at = {method: dict(points) for method, points in curves.items()}
        lengths = sorted(set.intersection(*map(set, at.values())))
        sgd, clip, penalty = ([at[method][T] for T in lengths] for method in self.styles)
        apart = [T for T, low, middle, high in zip(lengths, sgd, clip, penalty)
                 if low <= middle <= high and high - low >= 50]  # single counts differ between processors
        words = (f"At T = {', '.join(map(str, apart))} SGD solves fewest and clip + penalty most, at least half of the "
                 f"networks apart." if apart else "Nowhere are the methods far apart.")
        return (f"The share of networks that solved temporal order, by length and method, from "
                f"{sum(map(len, at.values()))} runs. {words}")

    def follow(self, outcomes: Iterable) -> None:
        """Show itself, and again with each ((method, T), Solved) that arrives; in an automated run at the end alone."""
        from IPython.display import display
        watched = not os.environ.get("TQDM_DISABLE")
        shown = display(self, display_id=True) if watched else None
        for setting, solved in outcomes:
            self.results[setting] = solved
            self.update()
            if shown:
                shown.update(self)
        if not watched:
            display(self)
