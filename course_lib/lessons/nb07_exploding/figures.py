"""The figures of lesson 07: the wall, fixed points of one unit, a bit that is kept, states that part."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ... import bptt, cells, initialise, train
from ...screen.figure import BLUE, GREEN, INK, ORANGE, VERMILION, Figure
from ...screen.kit import power_of_ten
from . import dynamics, relief, wall
from .dynamics import LENGTHS

W, B = wall.PLANE


class Cut(NamedTuple):
    """What Wall shows.

    surface    x, y of the relief, see relief.profiles
    b, error   along the cut
    slope      log10 |dE/db| along it
    curvature  log10 |d^2E/db^2| along it
    steepest   wall.Steepest on the cut
    curved     wall.MostCurved on the cut
    at         b of the wall, None where the cut meets no wall
    """

    surface: tuple[np.ndarray, np.ndarray]
    b: np.ndarray
    error: np.ndarray
    slope: np.ndarray
    curvature: np.ndarray
    steepest: wall.Steepest
    curved: wall.MostCurved
    at: float | None


class Wall(Figure):
    """The error over the plane of w and b in relief, and along b at one w, with its slope and its curvature.

        x_t = w s(x_{t-1}) + b,   x_0 = 1/2,   E = (s(x_T) - .7)^2

    T  number of steps, 10 to 80
    w  where the cut is
    """

    size = (900, 440)
    labels = {"T": "steps T", "w": "cut at w"}
    allowed = {"T": LENGTHS, "w": W}
    points = 401

    def __init__(self, **values):
        self.errors = relief.errors()
        super().__init__(**values)

    def draw(self):
        ax, above, below = self.panels(
            dict(at=(.005, .01, .55, .92), title="The error E in relief", grid=False),
            dict(at=(.635, .63, .345, .29), title="The error along the cut", ylabel="error E", ylim=(0, .52)),
            dict(at=(.635, .11, .345, .4), title="Its slope and its curvature", xlabel="bias b",
                 ylabel=r"$\log_{10}$ of the size", ylim=(-4, 15)), xlim=B)
        above.tick_params(labelbottom=False)
        relief.frame(ax)
        self.surface = self.curve(ax, BLUE, linewidth=.8)
        self.cut = self.curve(ax, VERMILION, linewidth=2.2)
        self.error, self.line = self.curve(above, VERMILION), self.curve(above, INK, ":")
        self.slope, self.curvature = self.curve(below, BLUE), self.curve(below, ORANGE, "--", linewidth=1.4)
        self.tops = self.curve(below, BLUE, "o", markersize=7), self.curve(below, ORANGE, "D", markersize=6)
        self.key(below, (.62, .97, "● slope", BLUE), (.62, .86, "◆ curvature", ORANGE))
        self.words, = self.key(self.fig, (.24, .975, "", INK), linespacing=1.4)

    def compute(self, T=50, w=5.0):
        b, at = np.linspace(*B, self.points), None
        if wall.growth_at_start(w) > 1 and B[0] < wall.position(w) < B[1]:
            at = wall.position(w)
            near = np.geomspace(1e-9, .02, 60)  # more points where it falls
            b = np.unique(np.clip(np.r_[b, at - near, at, at + near], *B))
        point = wall.Point(np.array(w), b)
        seen = wall.evaluate(point, T)
        slope, curvature = (np.log10(np.maximum(np.abs(each), 1e-30))
                            for each in (seen.grads.b, wall.curvature(point, T)))
        steepest = wall.steepest(w, T, *B)
        return Cut(relief.profiles(self.errors[T - LENGTHS[0]]), b, seen.loss, slope, curvature, steepest,
                   wall.most_curved(w, T, *B, steepest), at)

    def move(self, cut):
        w, growth = self.values["w"], wall.growth_at_start(self.values["w"])
        self.surface.set_data(*cut.surface)
        self.cut.set_data(*relief.project(w, cut.b, cut.error))
        self.error.set_data(cut.b, cut.error)
        self.slope.set_data(cut.b, cut.slope)
        self.curvature.set_data(cut.b, cut.curvature)
        for top, (b, size) in zip(self.tops, (cut.steepest, cut.curved)):
            top.set_data([b], [np.log10(size)])
        self.line.set_data(*([], []) if cut.at is None else ([cut.at] * 2, [0, .48]))
        there = (f"the wall: b = {cut.at:.4f}, × {growth:.3f} a step" if cut.at is not None else "the wall is outside"
                 if growth > 1 else f"no exponential wall: the map's slope at x₀ is {growth:.3f}")
        steep, curved = (power_of_ten(np.log10(each)) for each in (cut.steepest.slope, cut.curved.curvature))
        self.words.set_text(f"w = {w:g}, T = {self.values['T']}\n{there}\nlargest slope {steep}, curvature {curved}")

    def describe(self, cut):
        w, T = self.values["w"], self.values["T"]
        where = (f"The wall is at b = {cut.at:.4f}; there a small change grows by {wall.growth_at_start(w):.3f} a step."
                 if cut.at is not None else "The cut crosses no wall that grows exponentially.")
        return (f"Left, the error after {T} steps in relief, over w from 4 to 7 and b from -3.2 to -1.8: a high plateau "
                f"falls down to a low valley. Right, the error along b at w = {w:g}: its steepest slope is "
                f"{cut.steepest.slope:.3g}, at b = {cut.steepest.b:.4f}, and its largest curvature "
                f"{cut.curved.curvature:.3g}. {where}")


class IntoTheWall(Figure):
    """A run of gradient descent on the wall: its path over the plane, its error and gradient norm at each update.

    result  train.Result of a run on wall.objective(T)
    path    wall.Point of arrays (updates + 1,): where it stood before each update and at the end
    T       number of steps
    """

    size = (900, 380)

    def __init__(self, result: train.Result, path: wall.Point, T: int = 50):
        self.result, self.path, self.T = result, path, T
        super().__init__()

    def draw(self):
        history, path = self.result.history, self.path
        ax, right = self.panels(
            dict(at=(.005, .01, .55, .91), title="Down the valley to the foot of the wall", grid=False),
            dict(at=(.635, .14, .355, .76), title="The log of the run", xlabel="update", yscale="log",
                 ylim=(1e-3, 1e6)))
        relief.frame(ax)
        ax.plot(*relief.profiles(wall.evaluate(relief.GRID, self.T).loss), color=BLUE, linewidth=.7)
        x, y = relief.trace(path, self.T)
        inside = self.inside = len(x) - 1  # the last update before the run leaves the picture
        ax.plot(x, y, "o-", color=VERMILION, markersize=3, linewidth=1.2)
        ax.plot(x[0], y[0], "s", color=VERMILION, markersize=8)
        ax.text(x[0] + .03, y[0] - .05, "start", color=VERMILION, va="center")
        out = np.array([path.w[inside + 1] - path.w[inside], path.b[inside + 1] - path.b[inside]])
        tip = np.array([path.w[inside], path.b[inside]]) + .9 * out / np.linalg.norm(out)
        ax.annotate("", relief.project(*tip, history.loss[inside]), (x[-1], y[-1]),
                    arrowprops={"arrowstyle": "->", "color": VERMILION, "linewidth": 2.4})
        ax.text(.55, relief.BACK + relief.HIGH - .04, f"thrown to w = {path.w[-1]:.0f}, b = {path.b[-1]:.0f}",
                color=VERMILION, va="top")
        shown = slice(0, inside + 20)
        right.plot(np.maximum(history.grad_norm[shown], 1e-12), "--", color=VERMILION)
        right.plot(history.loss[shown], color=BLUE)
        self.key(right, (.03, .96, "╌╌ length of the gradient", VERMILION), (.03, .89, "──  error E", BLUE))

    def describe(self, data):
        history, path = self.result.history, self.path
        return (f"Gradient descent from w = {path.w[0]:g}, b = {path.b[0]:g} comes down to the wall and hops across "
                f"it; at update {self.inside} it meets a gradient of length {history.grad_norm[self.inside]:.0f} and "
                f"lands at w = {path.w[-1]:.0f}, b = {path.b[-1]:.0f}, where the gradient is "
                f"{history.grad_norm[-1]:.1g} and the error stays {history.loss[-1]:.2g}.")


class Orbit(NamedTuple):
    """What Cobweb shows.

    h           (steps + 1,) the orbit
    fixed       fixed points at these w and b, lowest first
    slopes      of the map there: w (1 - h^2)
    curve       see dynamics.fixed_point_curve
    cycle       (2, w) see dynamics.cycle
    """

    h: np.ndarray
    fixed: np.ndarray
    slopes: np.ndarray
    curve: tuple[np.ndarray, np.ndarray]
    cycle: np.ndarray


class Cobweb(Figure):
    """One unit without input: where h -> tanh(w h + b) leads, and its fixed points for every w.

    w   weight
    b   bias
    h0  where it starts
    """

    size = (900, 400)
    labels = {"w": "weight w", "b": "bias b", "h0": "start h₀"}
    steps = 40
    span = 3.

    def draw(self):
        ticks = np.linspace(-1, 1, 5)
        ax, right = self.panels(
            dict(title="From each state to the next", xlabel="$h_{t-1}$", ylabel="$h_t$", xlim=(-1.1, 1.1),
                 xticks=ticks),
            dict(title="Fixed points for every w, at this b", xlabel="weight w", ylabel="h", xlim=(-3, 3)),
            ylim=(-1.1, 1.55), yticks=ticks, widths=(1, 1.2))
        ax.plot([-1.1, 1.1], [-1.1, 1.1], color=INK, linewidth=1)
        self.h = np.linspace(-1.1, 1.1, 161)
        self.map, self.web = self.curve(ax, BLUE), self.curve(ax, VERMILION, linewidth=1)
        self.start = self.curve(ax, VERMILION, "o", markersize=6)
        self.words, = self.key(ax, (.03, .97, "", INK), linespacing=1.4)
        self.stable = self.curve(right, BLUE, linewidth=2.2)
        self.unstable = self.curve(right, ORANGE, "--", linewidth=1.6)
        self.cycles = [self.curve(right, GREEN, ":", linewidth=2.2) for _ in range(2)]
        self.here = self.curve(right, VERMILION, linewidth=1)
        self.dots = self.curve(right, VERMILION, "o", markersize=5)
        self.key(right, (.02, .97, "──  stable", BLUE), (.33, .97, "╌╌ unstable", ORANGE),
                 (.68, .97, "···  2-cycle", GREEN))

    def compute(self, w=2.0, b=0.0, h0=0.1):
        fixed = dynamics.fixed_points(w, b)
        return Orbit(dynamics.orbit(w, b, h0, self.steps), fixed, w * (1 - fixed**2), dynamics.fixed_point_curve(b),
                     dynamics.cycle(b))

    def move(self, orbit):
        w, b = self.values["w"], self.values["b"]
        self.map.set_data(self.h, np.tanh(w * self.h + b))
        corners = np.repeat(orbit.h, 2)
        self.web.set_data(corners[:-1], np.r_[corners[0], corners[2:]])
        self.start.set_data(orbit.h[:1], orbit.h[:1])
        heights, at = orbit.curve
        slope = np.abs(at * (1 - heights**2))
        shown = (at > -self.span) & (at < self.span)
        for line, mine in ((self.stable, slope < 1), (self.unstable, slope >= 1)):
            drawn = np.where(shown & mine, at, np.nan)
            line.set_data(drawn, heights)
        for line, branch in zip(self.cycles, np.sort(orbit.cycle, axis=0)):
            line.set_data(dynamics.CYCLE_W, branch)
        self.here.set_data([w, w], [-1.1, 1.1])
        self.dots.set_data(np.full(len(orbit.fixed), w), orbit.fixed)
        self.words.set_text("fixed point: slope of the map there\n" + "    ".join(
            f"{h:.3f}: {slope:.3f}" for h, slope in zip(orbit.fixed, orbit.slopes)))

    def describe(self, orbit):
        w, b, h0 = (self.values[name] for name in ("w", "b", "h0"))
        points = ", ".join(f"{h:.3f} with slope {slope:.3f} ({'stable' if abs(slope) < 1 else 'unstable'})"
                           for h, slope in zip(orbit.fixed, orbit.slopes))
        last, before = orbit.h[-1], orbit.h[-2]
        end = f"{last:.3f}" if abs(last - before) < 1e-3 else f"{last:.3f} and {before:.3f} in turn"
        return (f"The map h -> tanh({w:g} h + {b:g}). Fixed points: {points}. From {h0:g} the state comes to {end} "
                f"in {self.steps} steps.")


class Latch(Figure):
    """Is one bit still there after T noisy steps, and how much gradient reaches it?

        h_t = tanh(w h_{t-1} + noise * n_t),   h_0 = +-1/2,   dh_T/dh_0 = product of w (1 - h_t^2)

    noise   standard deviation of what is added at each step
    seed    of the noise n_t, normal
    """

    labels = {"noise": "noise"}
    T, trials = 100, 300
    w = np.linspace(.5, 3, 26)

    def __init__(self, seed: int = 0, **values):
        self.noise = np.random.default_rng(seed).normal(size=(self.T, self.trials, 1))
        super().__init__(**values)

    def draw(self):
        ax, right = self.panels(
            dict(title=f"Bits kept over {self.T} steps", ylabel="share of bits kept (percent)", ylim=(40, 104)),
            dict(title="Gradient that reaches the bit", ylabel=r"$\log_{10}\ |dh_T/dh_0|$", ylim=(-160, 12)),
            xlabel="weight w", xlim=(.5, 3))
        self.guide(ax, 50, linewidth=.8, style=(0, (1, 2)))
        ax.text(.99, 51, "guessing", transform=ax.get_yaxis_transform(), ha="right", va="bottom", fontsize=8.5)
        self.share, self.gradient = self.curve(ax, BLUE), self.curve(right, VERMILION, "--")
        for panel in (ax, right):
            self.guide(panel, x=1, linewidth=.8)

    def compute(self, noise=.2):
        return dynamics.keep_bit(self.w, noise * self.noise)

    def move(self, kept):
        self.share.set_data(self.w, kept.share)
        self.gradient.set_data(self.w, kept.gradient)

    def describe(self, kept):
        (low, high), (few, many) = kept.share[[5, -1]], kept.gradient[[5, -1]]
        return (f"A bit kept in one unit over {self.T} steps with noise {self.values['noise']:g}. At w = 1, "
                f"{low:.0f} percent of the bits are kept and the median gradient is 10 to the power {few:.0f}; at "
                f"w = 3 it is {high:.0f} percent and 10 to the power {many:.0f}.")


class Parted(NamedTuple):
    """What Twins shows.

    states    (2, T + 1) one unit's state in both runs
    distance  (T + 1,) log10 of the distance of the two states, over all units
    gradient  (T + 1,) log10 |dL/dh_{T-k}| / |dL/dh_T|, by the number k of steps back
    """

    states: np.ndarray
    distance: np.ndarray
    gradient: np.ndarray


class Twins(Figure):
    """Two runs of one tanh network without input, started 1e-8 apart, and the gradient of one of them.

    seed  of the matrix W_hh, gaussian with standard deviation gain / sqrt(H), and of the start
    gain  spectral radius of W_hh, approximately
    """

    size = (900, 430)
    labels = {"gain": "gain"}
    hidden, T, before, apart = 100, 150, 30, 1e-8

    def __init__(self, seed: int = 0, **values):
        rng = np.random.default_rng(seed)
        self.W = initialise.gaussian((self.hidden, self.hidden), rng)
        self.start = rng.normal(size=(1, self.hidden))
        self.nudge, self.read = initialise.orthogonal((2, self.hidden), rng)
        super().__init__(**values)

    def draw(self):
        ax, right = self.panels(
            dict(title="One unit in both runs", ylabel="state $h_t$", ylim=(-1.1, 1.1)),
            dict(title="How a small change grows", xlabel="steps", ylabel=r"$\log_{10}$ of the growth", ylim=(-16, 24)),
            rows=2, sharex=True, xlim=(0, self.T))
        self.states = [self.curve(ax, *look, linewidth=1.4) for look in ((BLUE, "-"), (ORANGE, "--"))]
        self.guide(right, 0)
        self.distance, self.gradient = self.curve(right, BLUE), self.curve(right, VERMILION, "--")
        self.key(right, (.02, .97, "──  distance of the two states, forward", BLUE),
                 (.02, .84, "╌╌ length of the gradient, backward", VERMILION))

    def compute(self, gain=2.0):
        H = self.hidden
        params = cells.RNNParams(np.zeros((H, 1)), gain * self.W, np.zeros(H))
        settled = bptt.forward(params, np.zeros((self.before, 1, 1)), self.start).h[-1]
        twins = np.concatenate([settled, settled + self.apart * self.nudge])
        run = bptt.forward(params, np.zeros((self.T, 2, 1)), twins)
        read = np.stack([self.read, np.zeros(H)])  # the second twin is only there to be compared with
        back = np.linalg.norm(bptt.backward(run, bptt.at_end(run, read)).dh[::-1, 0], axis=-1)
        gap = np.linalg.norm(run.h[:, 1] - run.h[:, 0], axis=-1)
        return Parted(run.h[:, :, 0].T, np.log10(np.maximum(gap, 1e-300) / self.apart), np.log10(back))

    def move(self, parted):
        t = np.arange(self.T + 1)
        for line, states in zip(self.states, parted.states):
            line.set_data(t, states)
        self.distance.set_data(t, np.where(parted.distance > -7, parted.distance, np.nan))  # below, rounding
        self.gradient.set_data(t, parted.gradient)

    def describe(self, parted):
        return (f"Two runs of a tanh network of {self.hidden} units with gain {self.values['gain']:g}, started "
                f"{self.apart:g} apart. After {self.T} steps their distance has changed by 10 to the power "
                f"{parted.distance[-1]:.0f}, and the gradient, on its way back, by 10 to the power "
                f"{parted.gradient[-1]:.0f}. The state drawn is never larger than {np.abs(parted.states).max():.2g}.")


class Logs(Figure):
    """Loss and gradient norm by update of several runs, side by side, on logarithmic axes.

    runs  {name: train.Result}
    """

    size = (900, 380)

    def __init__(self, runs: dict[str, train.Result]):
        self.runs = {name: run.history for name, run in runs.items()}
        super().__init__()

    def draw(self):
        panels = self.panels(*(dict(title=name, ylim=(1e-4, 1e4)) for name in self.runs),
                             *(dict(xlabel="update", ylim=(1e-5, 1e5)) for _ in self.runs),
                             rows=2, sharex="col", sharey="row", yscale="log")
        for above, below, history in zip(panels, panels[len(self.runs):], self.runs.values()):
            above.plot(np.maximum(history.loss, 1e-8), color=BLUE, linewidth=1.2)
            below.plot(np.maximum(history.grad_norm, 1e-8), "--", color=VERMILION, linewidth=1.2)
        panels[0].set_ylabel("loss")
        panels[len(self.runs)].set_ylabel("length of the gradient")

    def describe(self, data):
        return "Logs of training runs, on logarithmic axes. " + " ".join(
            f"{name}: the loss starts at {history.loss[0]:.1g} and is {_since(history.loss)} in the second half; the "
            f"gradient's length is about {_decade(history.grad_norm[0])} at the start and "
            f"{_decade(history.grad_norm.max())} at most."
            for name, history in self.runs.items())


def _since(loss: np.ndarray) -> str:
    """Where the loss of the second half lies, told from its median: chaotic runs have no digits that last."""
    ratio = np.median(loss[len(loss) // 2:]) / loss[0]
    return "far above that" if ratio > 5 else "far below that" if ratio < .2 else "near that"


def _decade(value: float) -> str:
    """The nearest power of ten: chaotic runs differ in every digit from processor to processor."""
    return f"{10. ** np.round(np.log10(value)):g}"
