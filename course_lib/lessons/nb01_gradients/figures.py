"""The figures of lesson 01: a tangent, a chain of slopes, descent, a narrow valley, the step of a check, a net."""

from typing import Callable, NamedTuple

import matplotlib
import numpy as np

from ... import _checks
from ...screen.figure import BLUE, GREEN, INK, ORANGE, VERMILION, Figure
from ...screen.kit import apart


# two points of a curve, x and y = f(x) of both, the slope between them and the slope at the first
Secant = NamedTuple("Secant", [("x", np.ndarray), ("y", np.ndarray), ("slope", float), ("limit", float)])


class Tangent(Figure):
    """The secant of f(x) = x^3 / 3 - x through x and x + h, beside its limit, the tangent at x.

        (f(x + h) - f(x)) / h  ->  f'(x) = x^2 - 1     as h -> 0

    x  where the slope is asked for
    h  distance of the second point, above 0
    """

    labels = {"x": "point x", "h": "distance h"}
    around = .7  # how far the two lines reach beyond their points

    def draw(self):
        ax, right = self.panels(
            dict(title="A line through two points of a curve", xlabel="x", ylabel="f(x)", xlim=(-2.6, 3.1),
                 ylim=(-4, 7)),
            dict(title="Its slope while the points approach", xlabel="distance h", ylabel="slope", xscale="log",
                 xlim=(1.1, 1e-3), ylim=(-2, 5.5)), widths=(1.25, 1))
        x = np.linspace(-2.6, 3.1, 200)
        ax.plot(x, self.f(x), color=INK, linewidth=1.4)
        self.tangent, self.secant = self.curve(ax, GREEN), self.curve(ax, VERMILION, "--")
        self.points = self.curve(ax, VERMILION, "o", markersize=6)
        self.names = [self.moving(ax.text(-2.4, height, "", color=colour, va="center"))
                      for height, colour in ((6.3, VERMILION), (5.4, GREEN))]
        self.distances = np.geomspace(1e-3, 1, 121)
        self.limit, self.slopes = self.curve(right, GREEN), self.curve(right, VERMILION, "--")
        self.here = self.curve(right, VERMILION, "o", markersize=6)

    @staticmethod
    def f(x):
        return x * x * x / 3 - x

    def between(self, x, h):
        """The slope of the secant."""
        return (self.f(x + h) - self.f(x)) / h

    def compute(self, x=1.5, h=1.0):
        ends = np.array([x, x + h])
        return Secant(ends, self.f(ends), self.between(x, h), x * x - 1)

    def move(self, two):
        x, h = self.values["x"], self.values["h"]
        for line, reach, slope in ((self.secant, h, two.slope), (self.tangent, 0, two.limit)):
            ends = np.array([x - self.around, x + reach + self.around])
            line.set_data(ends, two.y[0] + slope * (ends - x))
        self.points.set_data(two.x, two.y)
        self.limit.set_data(self.distances[[0, -1]], [two.limit, two.limit])
        self.slopes.set_data(self.distances, self.between(x, self.distances))
        self.here.set_data([h], [two.slope])
        for name, what, slope in zip(self.names, ("secant", "tangent"), (two.slope, two.limit)):
            name.set_text(f"{what}: slope {slope:.3f}")

    def describe(self, two):
        x, h = self.values["x"], self.values["h"]
        return (f"The curve x^3/3 - x with the line through its points at x = {x:g} and at a distance "
                f"h = {h:.3g}: its slope is {two.slope:.3f}. The tangent at x has the slope "
                f"{two.limit:.3f}, a difference of {two.slope - two.limit:.3g} that goes to 0 with h.")


class Chain(Figure):
    """The product of the slopes along a chain of functions, against the number of functions.

        dx_n/dx_0 = s_n ... s_2 s_1,    s_1, s_2, ... = slope - spread, slope + spread, slope - spread, ...

    slope   the mean of the slopes
    spread  how far each lies from the mean, below `slope`
    """

    size = (760, 340)
    labels = {"slope": "mean slope", "spread": "spread of the slopes"}
    length = 100
    ylim = (1e-21, 1e16)

    def draw(self):
        ax = self.panels(
            title="The gradient of a chain of functions", xlabel="functions in the chain, n",
            ylabel="product of their slopes", yscale="log", xlim=(0, 1.27 * self.length), ylim=self.ylim,
            xticks=range(0, self.length + 1, 20), yticks=10. ** np.arange(-20, 16, 5))
        ax.plot([0, self.length], [1, 1], color=INK, linewidth=1)
        self.equal, self.product = self.curve(ax, GREEN, "--"), self.curve(ax, BLUE)
        self.names = [self.moving(ax.text(self.length + 2, 1, "", color=colour, va="center"))
                      for colour in (BLUE, GREEN)]

    def compute(self, slope=.9, spread=0.):
        slopes = slope + spread * (-1.) ** np.arange(1, self.length + 1)
        return np.concatenate([[1], np.cumprod(slopes)])

    def move(self, product):
        n = np.arange(self.length + 1)
        slope, spread = self.values["slope"], self.values["spread"]
        equal = slope ** n
        self.product.set_data(n, product)
        self.equal.set_data(n, equal)
        low, high = np.log10(self.ylim) + (1, -1)  # a decade of room for the names at both ends
        ends = (np.log10([product[-1], equal[-1]]) - low) / (high - low)
        heights = apart(ends, .075) if spread else np.clip(ends, 0, 1)  # one curve has one name
        texts = f"product {product[-1]:.1e}", f"all equal: {equal[-1]:.1e}" if spread else ""
        for name, height, text in zip(self.names, heights, texts):
            name.set(y=10 ** (low + height * (high - low)), text=text)

    def describe(self, product):
        slope, spread, last = self.values["slope"], self.values["spread"], product[-1]
        found = f"give {last:.1e}, a factor {last ** (1 / self.length):.3g} for each function"
        return f"Product of n slopes on a log axis: {self.length} slopes, " + (
            f"{slope:.3g} each, {found}." if spread == 0 else
            f"{slope - spread:.3g} and {slope + spread:.3g} in turn, {found}; as many slopes of {slope:.3g} "
            f"would give {slope ** self.length:.1e}.")


# a loss of one weight, its slope, where its minimum lies, and the part of it that is shown
Landscape = NamedTuple("Landscape", [("loss", Callable), ("slope", Callable), ("minimum", float), ("title", str),
                                     ("xlim", tuple[float, float]), ("ylim", tuple[float, float])])
LANDSCAPES = {
    "parabola": Landscape(lambda w: 2 * w * w, lambda w: 4 * w,
                          0., "A parabola, L = 2w²", (-2.6, 2.6), (-1, 12)),
    "neuron": Landscape(lambda w: (np.maximum(w - .5, 0) - 1) ** 2,
                        lambda w: 2 * (np.maximum(w - .5, 0) - 1) * (w > .5),
                        1.5, "One neuron, L = (relu(w - 0.5) - 1)²", (-1.5, 3.6), (-.3, 3.6)),
}


class Descent(Figure):
    """Gradient descent on a loss of one weight, and its distance to the minimum.

        w_{k+1} = w_k - rate dL/dw(w_k)

    landscape  "parabola": L = 2 w^2, of curvature 4, so that w_k = (1 - 4 rate)^k w_0;
               "neuron": L = (relu(w x + b) - 1)^2 at x = 1, b = -1/2, of slope 0 for all w <= 1/2
    rate       the learning rate
    start      w_0
    errors     ValueError for another landscape
    """

    labels = {"start": "start w₀"}
    updates = 30

    def __init__(self, landscape: str = "parabola", **values):
        self.landscape = LANDSCAPES[_checks.choice("landscape", landscape, LANDSCAPES)]
        super().__init__(**values)

    def draw(self):
        land = self.landscape
        ax, right = self.panels(
            dict(title=land.title, xlabel="weight w", ylabel="loss L", xlim=land.xlim, ylim=land.ylim),
            dict(title="Distance to the minimum", xlabel="updates", ylabel="|w - minimum|", yscale="log",
                 xlim=(0, self.updates), ylim=(1e-8, 1e3)), widths=(1.15, 1))
        w = np.linspace(*land.xlim, 300)
        ax.plot(w, land.loss(w), color=INK, linewidth=1.4)
        self.path = self.curve(ax, VERMILION, "o--", markersize=4, linewidth=1)
        self.start = self.curve(ax, BLUE, "o", markersize=8)
        self.start_name = self.moving(ax.text(0, 0, "start", color=BLUE, va="top"))
        self.distance = self.curve(right, VERMILION, "o--", markersize=4, linewidth=1)
        self.result, = self.key(right, (.03, .97, "", VERMILION))

    def compute(self, rate=.1, start=2.0):
        path = [start]
        for _ in range(self.updates):
            path.append(path[-1] - rate * self.landscape.slope(path[-1]))
        return np.array(path)

    def move(self, path):
        land = self.landscape
        loss = land.loss(path)
        self.path.set_data(path, loss)
        self.start.set_data(path[:1], loss[:1])
        side, ha = (.1, "left") if path[0] > land.minimum else (-.1, "right")  # outside of the bowl
        self.start_name.set(position=(path[0] + side, loss[0] - .03 * land.ylim[1]), ha=ha)
        left = np.maximum(self._distance(path), 1e-12)  # 0 has no logarithm
        self.distance.set_data(np.arange(len(path)), left)
        self.result.set_text(f"after {self.updates} updates: {self._distance(path)[-1]:.2g} away")

    def _distance(self, path):
        return np.abs(path - self.landscape.minimum)

    def describe(self, path):
        first, last = self._distance(path)[[0, -1]]
        crossings = _crossings(path - self.landscape.minimum)
        stuck = np.flatnonzero(np.diff(path) == 0)
        if len(stuck) and last > 1e-6:
            what = (f"after {stuck[0]} of {self.updates} updates it stands still at w = {path[-1]:.2g}, "
                    f"where the slope is 0")
        elif np.isclose(first, last, atol=0):
            what = "it stays at that distance"
        else:
            what = f"it ends {last:.2g} away from it after {self.updates} updates"
        return (f"Gradient descent at rate {self.values['rate']:.3g} starts at w = {path[0]:.2g}, {first:.2g} away "
                f"from the minimum; {what}. Jumps across the minimum: {crossings}.")


class Valley(Figure):
    """Gradient descent in two dimensions, L(u, v) = (u^2 + 20 v^2) / 2, from (4, 1).

    Along u and v it goes its own way, u_k = (1 - rate)^k u_0 and v_k = (1 - 20 rate)^k v_0.

    rate  the learning rate
    """

    curvatures = np.array([1., 20.])
    start = np.array([4., 1.])
    updates = 50

    def draw(self):
        ax, right = self.panels(
            dict(title="A narrow valley, seen from above", xlabel="weight u (curvature 1)",
                 ylabel="weight v (curvature 20)", xlim=(-5, 5), ylim=(-1.6, 1.6)),
            dict(title="What is left of u and of v", xlabel="updates", ylabel="factor", yscale="log",
                 xlim=(0, 1.12 * self.updates), ylim=(1e-8, 1e4)), widths=(1.35, 1))
        u, v = np.meshgrid(np.linspace(-5, 5, 201), np.linspace(-1.6, 1.6, 101))
        levels = self.loss(self.start * np.array([.1, .3, .5, .75, 1, 1.25])[:, None])
        ax.contour(u, v, self.loss(np.stack([u, v], -1)), levels, colors=INK, linewidths=.9, alpha=.7)
        ax.plot(0, 0, "+", color=INK, markersize=10)
        self.path = self.curve(ax, VERMILION, "o--", markersize=3.5, linewidth=1)
        self.curve(ax, BLUE, "o", *self.start[:, None], markersize=8)  # it moves, since it lies above the path
        ax.text(self.start[0], self.start[1] + .1, "start", color=BLUE, ha="center", va="bottom")
        right.plot([0, self.updates], [1, 1], color=INK, linewidth=1)
        self.along, self.across = self.curve(right, BLUE), self.curve(right, VERMILION, "--")
        self.names = [self.moving(right.text(self.updates + beside, 1, name, color=colour, va="center"))
                      for beside, name, colour in ((1, "u", BLUE), (3, "v", VERMILION))]

    def loss(self, w):
        return (self.curvatures * w * w).sum(-1) / 2

    def compute(self, rate=.09):
        path = [self.start]
        for _ in range(self.updates):
            path.append(path[-1] - rate * self.curvatures * path[-1])
        return np.array(path)

    def move(self, path):
        left = np.maximum(np.abs(path / self.start), 1e-12)  # 0 has no logarithm
        self.path.set_data(*path.T)
        for line, name, factor in zip((self.along, self.across), self.names, left.T):
            line.set_data(np.arange(len(path)), factor)
            name.set_y(np.clip(factor[-1], 2e-8, 5e3))

    def describe(self, path):
        u, v = np.abs(path[-1] / self.start)
        crossings = _crossings(path[:, 1])
        return (f"Gradient descent at rate {self.values['rate']:.3g} in a valley of curvatures 1 and 20: "
                f"after {self.updates} updates u is {u:.2g} times its start and v {v:.2g} times; the path "
                f"crosses the valley's floor {crossings} times.")


class StepSizes(Figure):
    """Relative error of three ways to take a derivative, against their step eps.

        forward       (f(x + eps) - f(x)) / eps
        central       (f(x + eps) - f(x - eps)) / (2 eps)
        complex step  Im f(x + i eps) / eps

    The median over 201 points of f(x) = 1 + gradient sin(x), whose derivative is gradient cos(x).

    gradient  size of the derivative, in units of f
    """

    size = (760, 380)
    labels = {"gradient": "size of the gradient"}
    eps = np.geomspace(1e-16, 1, 65)
    floor = 2. ** -53  # the rounding of one number; what is smaller is drawn here

    def draw(self):
        ax = self.panels(
            title="How wrong is a derivative that is computed with a step?", xlabel="step eps", ylabel="relative error",
            xscale="log", yscale="log", xlim=(1e-16, 1), ylim=(3e-18, 1e5))
        self.guide(ax, 1, style=(0, (1, 2)))
        ax.text(.01, 1.5, "100 % wrong", transform=ax.get_yaxis_transform(), va="bottom", fontsize=8.5)
        self.lines = [self.curve(ax, colour, style, zorder=zorder)
                      for style, colour, zorder in ((":", ORANGE, 4), ("--", VERMILION, 3), ("-", BLUE, 2))]
        self.key(ax, (.98, .97, "···  forward difference", ORANGE), (.98, .91, "╌╌ central difference", VERMILION),
                 (.98, .85, "──  complex step", BLUE), ha="right")

    def compute(self, gradient=1.0):
        def f(x):
            return 1 + gradient * np.sin(x)

        x, eps = np.linspace(.2, 1.2, 201), self.eps[:, None]
        derivatives = ((f(x + eps) - f(x)) / eps, (f(x + eps) - f(x - eps)) / (2 * eps), f(x + 1j * eps).imag / eps)
        true = gradient * np.cos(x)
        return [np.median(np.abs(found - true) / true, axis=1) for found in derivatives]

    def move(self, errors):
        for line, error in zip(self.lines, errors):
            line.set_data(self.eps, np.maximum(error, self.floor))

    def describe(self, errors):
        best = [max(error.min(), self.floor) for error in errors]
        said = [f"{_power(error)} wrong at its best (eps near {_power(self.eps[by_eps.argmin()])}), and more "
                f"at every other eps" if error < .5 else "100 % wrong at every eps"
                for error, by_eps in zip(best, errors)]
        return (f"Relative error against the step, on log axes, for a gradient {self.values['gradient']:.2g} "
                f"times the loss. Forward difference: {said[0]}. Central difference: {said[1]}. "
                f"Complex step: {_power(best[2])} at every eps below 1e-8.")


class Answers(Figure):
    """What a net of two inputs says over their plane, 0 the black line, and its loss, while it learns.

    path    its numbers before each update and after the last, (updates + 1, n)
    output  output(p, X): what it says with the numbers p to the inputs X (N, 2); (N,)
    X, t    the examples (4, 2) that it learns, and their targets, 1 or -1
    update  how many updates have been made
    """

    digits, loss_title = 1, "Its loss"  # digits: of the loss, in words

    def __init__(self, path, output: Callable, X: np.ndarray, t: np.ndarray, **values):
        self.path, self.output, self.X, self.t = path, output, X, t
        self.allowed = {**self.allowed, "update": (0, len(path) - 1)}
        super().__init__(**{"update": len(path) - 1, **values})

    def draw(self):
        ax, right = self.panels(
            dict(title="What the net says (black line: 0)", xlabel="first input", ylabel="second input", grid=False),
            dict(title=self.loss_title, xlabel="updates", ylabel="loss", yscale="log", xlim=(0, len(self.path) - 1)),
            widths=(1, 1.4))
        self.picture = self.moving(ax.imshow(
            np.zeros((2, 2)), matplotlib.colormaps["cividis"].with_extremes(bad="black"), origin="lower",
            extent=(-1.6, 1.6) * 2, vmin=-1.2, vmax=1.2))
        bar = self.fig.colorbar(self.picture, cax=ax.inset_axes((1.04, 0, .05, 1)), ticks=[-1, 0, 1], extend="both")
        bar.ax.plot([0, 1], [0, 0], color="black", linewidth=2)
        self.points = self.moving(ax.scatter(*self.X.T, 75, self.picture.to_rgba(self.t), edgecolors="white",
                                             linewidths=1.6))  # each in the color of its target
        self.says = [self.moving(ax.text(x, y + .2, "", ha="center", va="center", color="black", bbox={
            "facecolor": "white", "edgecolor": "none", "pad": 1.5})) for x, y in self.X]
        self.plot_losses(right)
        self.here = self.curve(right, VERMILION, "o", markersize=7)
        self.result, = self.key(right, (.98, .97, "", VERMILION), ha="right")

    def plot_losses(self, ax):
        self.losses = [self.loss(p) for p in self.path]
        ax.plot(self.losses, color=BLUE)

    def loss(self, p):
        return ((self.output(p, self.X) - self.t)**2).sum()

    def compute(self, update=0):
        return self.look(self.path[update])

    def look(self, p):
        """What the net says over the plane and to its examples, and its loss."""
        axis = np.linspace(-1.6, 1.6, 121)
        plane = self.output(p, np.stack(np.meshgrid(axis, axis), -1).reshape(-1, 2))
        return plane.reshape(121, 121), self.output(p, self.X), self.loss(p)

    def move(self, found):
        (plane, says, loss), update = found, self.values["update"]
        up = np.pad(plane > 0, (1, 0), "edge")
        line = (up[1:, 1:] != up[:-1, 1:]) | (up[1:, 1:] != up[1:, :-1])
        self.picture.set_data(np.where(line, np.nan, plane))
        for text, said in zip(self.says, says):
            text.set_text(f"{round(said, 1) + 0.:.1f}".replace("-", "−"))
        self.here.set_data([update], [loss])
        self.result.set_text(f"after {update} updates: {loss:.{self.digits}g}")

    def describe(self, found):
        examples = ", ".join(f"{round(said, 1) + 0.:.1f} at ({x:g}, {y:g}) where {t:g} is wanted"
                             for said, (x, y), t in zip(found[1], self.X, self.t))
        return (f"After {self.values['update']} updates the net says {examples}. It is above 0 in "
                f"{np.mean(found[0] > 0):.0%} of the square. Loss {found[2]:.{self.digits}g}.")


def _crossings(path: np.ndarray) -> int:
    """How many updates lead from one side of 0 to the other."""
    side = np.sign(path)
    return int(np.sum(side[:-1] * side[1:] < 0))


def _power(value: float) -> str:
    """The nearest power of ten."""
    return f"1e{round(np.log10(value)):+03d}"
