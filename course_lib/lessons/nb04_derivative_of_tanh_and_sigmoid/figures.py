"""The figures of lesson 04: activations and their slopes, products of slopes, what takes the gradient, depth."""

from typing import Callable, NamedTuple

import numpy as np

from ... import bptt, initialise
from ...screen.figure import BLUE, GREEN, ORANGE, VERMILION, Figure
from ...screen.kit import Decades, power_of_ten, set_limits
from .layers import SEVEN, layer_by_layer, value_and_slope

SEEDS = 0, 1, 2
DASHES = "-", "--", "-."  # one for each seed


class CurvePoint(NamedTuple):
    """An activation where it is looked at, and all around: a is where the curves are drawn.

    value, slope   f and f' at the point
    a              (N,)
    curve, slopes  (N,) f and f' there
    """

    value: float
    slope: float
    a: np.ndarray
    curve: np.ndarray
    slopes: np.ndarray


class Curves(Figure):
    """An activation with its tangent, beside its slope.

    a           the pre-activation that is looked at, -6 to 6
    activation  one of the seven of `layers`
    """

    size = (900, 330)
    labels = {"a": "pre-activation a"}
    reach = 6.

    def draw(self):
        both = self.left, self.right = self.panels(
            dict(at=(.068, .135, .423, .788), title="The function and its tangent", ylabel="f(a)"),
            dict(at=(.569, .135, .423, .788), title="Its slope", ylabel="slope f\u200a′(a)", ylim=(-.2, 1.3)),
            xlabel="pre-activation a", xlim=(-self.reach, self.reach))
        for ax in both:
            self.guide(ax, 0)
        for level, whose in ((1, "tanh, relu: at most 1"), (.25, "sigmoid: at most 1/4")):
            self.guide(self.right, level, whose, linewidth=.8, style=(0, (1, 2)))
        self.function, self.tangent = self.curve(self.left, BLUE), self.curve(self.left, VERMILION, "--")
        self.slope = self.curve(self.right, BLUE)
        self.points = [self.curve(ax, VERMILION, "o", markersize=7) for ax in both]
        self.names = [self.key(ax, (.02, .97, "", VERMILION))[0] for ax in both]

    def compute(self, a=1., activation="tanh"):
        around = np.linspace(-self.reach, self.reach, 241)
        return CurvePoint(*map(float, value_and_slope(activation, a)), around, *value_and_slope(activation, around))

    def move(self, point):
        a = self.values["a"]
        high = 1.5 if self.values["activation"] in ("tanh", "sigmoid") else self.reach + .9
        set_limits(self.left, (-self.reach, self.reach), (-1.3, high))
        self.function.set_data(point.a, point.curve)
        self.tangent.set_data([a - 1.5, a + 1.5], point.value + point.slope * np.array([-1.5, 1.5]))
        self.slope.set_data(point.a, point.slopes)
        for dot, height in zip(self.points, (point.value, point.slope)):
            dot.set_data([a], [height])
        self.names[0].set_text(f"f({a:.3g}) = {point.value:.3f}")
        self.names[1].set_text(f"f\u200a′({a:.3g}) = {point.slope:.3g}")

    def describe(self, point):
        a, activation = self.values["a"], self.values["activation"]
        largest = point.slopes.max()
        return (f"The curve of {activation} with its tangent, beside its slope. At a = {a:.3g} the function is "
                f"{point.value:.3f} and its slope {point.slope:.3g}, {point.slope / largest:.2g} times its largest "
                f"slope, {largest:.3g}.")


class SideBySide(Figure):
    """The seven activations of `layers` with their slopes, on the same axes."""

    size = (720, 420)

    def draw(self):
        a = np.linspace(-Curves.reach, Curves.reach, 1201)
        *axes, rest = self.panels(*({"title": name, "xlabel": "a", "ylabel": "" if i % 4 else "f(a), and its slope"}
                                    for i, name in enumerate(SEVEN)),
                                  {"title": "Only gelu and silu\nare steeper than 1"}, rows=2, sharey=True,
                                  xlim=(a[0], a[-1]), ylim=(-1.3, 3.4))
        self.words = []
        for ax, (name, f) in zip(axes, SEVEN.items()):
            value, slope = f(a)
            self.guide(ax, 0)
            ax.plot(a, value, color=BLUE)
            ax.plot(a, slope, "--", color=VERMILION)
            least, most, top = slope.min(), slope.max(), slope.argmax()
            self.key(ax, (.04, .97, f"slope\n{least:z.2f} to {most:.2f}".replace("-", "−"), VERMILION), fontsize=9)
            beyond = f", above 1 from a = {a[np.abs(slope[:top + 1] - 1).argmin()]:.2f} on, steepest at {a[top]:.2f}"
            self.words.append(f"{name} {least:z.3f} to {most:.3f}" + (beyond if most > 1 else ""))
        rest.set_axis_off()
        self.key(rest, (0, .8, "solid: the\nactivation f(a)", BLUE), (0, .45, "dashed: its\nslope f′(a)", VERMILION))

    def describe(self, _):
        return "Seven activations, each with its slope, on the same axes. The slopes: " + "; ".join(self.words) + "."


class Slopes(NamedTuple):
    """Slopes at random pre-activations and their products; means over the normal distribution.

    drawn     (3, T) f'(a) of three sequences of draws
    products  (3, T + 1) log10 of the product of the first n of them
    typical   mean of log10 f'(a)
    average   log10 of the mean of f'(a)
    """

    drawn: np.ndarray
    products: np.ndarray
    typical: float
    average: float


class Products(Decades):
    """Slopes at pre-activations drawn from a normal distribution, and the product of T = 60 of them.

        product of T slopes = exp(T * mean of ln f'(a))

    std         standard deviation of the pre-activations
    activation  "tanh" or "sigmoid"
    """

    size = (900, 360)
    labels = {"std": "spread of a (std)"}
    allowed = {"activation": ["tanh", "sigmoid"]}
    title, xlabel, ylabel = "The product of n of them", "slopes in the product, n", r"$\log_{10}$ of the product"
    rectangle = (.42, .15, .36, .74)
    spans = (60, -80, 4),
    lines = (*((BLUE, dash, 1.6) for dash in DASHES), (VERMILION, "--", 1.8), (GREEN, ":", 1.8))
    named = 5
    T, bins = 60, 20

    def __init__(self, **values):
        self.draws = np.stack([np.random.default_rng(seed).normal(size=self.T) for seed in SEEDS])
        z = np.linspace(-9, 9, 4001)  # the means are sums over this grid: exact to 10 digits for smooth functions
        weights = np.exp(-z**2 / 2)
        self.grid, self.weights = z, weights / weights.sum()
        super().__init__(**values)

    def draw(self):
        super().draw()
        left = self.left = self.panels(
            at=(.07, .15, .25, .74), title="Slopes drawn", xlabel="slope f\u200a′(a)", xlim=(0, 1),
            ylabel=f"how many of {len(SEEDS) * self.T} (root scale)")
        left.set_yscale("function", functions=(np.sqrt, np.square))  # most bars are below 40, and one may be 180
        left.set(ylim=(0, len(SEEDS) * self.T), yticks=(0, 10, 40, 90, 180))
        edges = np.linspace(0, 1, self.bins + 1)
        self.bars = self.moving(left.bar(edges[:-1], 0, width=.92 / self.bins, align="edge", color=BLUE))

    def compute(self, std=1., activation="tanh"):
        drawn = log_slope(std * self.draws, activation)
        products = np.concatenate([np.zeros((len(SEEDS), 1)), drawn.cumsum(1)], axis=1) / np.log(10)
        everywhere = log_slope(std * self.grid, activation)
        typical = (self.weights * everywhere).sum() / np.log(10)
        average = np.log10((self.weights * np.exp(everywhere)).sum())
        return Slopes(np.exp(drawn), products, typical, average)

    def move(self, slopes):
        counts, _ = np.histogram(slopes.drawn, self.bins, (0, 1))
        for bar, count in zip(self.bars, counts):
            bar.set_height(count)
        n = np.arange(self.T + 1)
        curves = [*slopes.products, n * slopes.typical, n * slopes.average]
        self.place(n, curves, [f"seed {seed}: {power_of_ten(curve[-1])}" for seed, curve in zip(SEEDS, curves)]
                   + [f"typical: {power_of_ten(curves[3][-1])}", f"average: {power_of_ten(curves[4][-1])}"])

    def describe(self, slopes):
        values = self.values
        ends = ", ".join(f"{10**curve[-1]:.1g}" for curve in slopes.products)
        return (f"Histogram of {slopes.drawn.size} slopes of {values['activation']} at pre-activations of standard "
                f"deviation {values['std']:.3g}, beside the products of {self.T} of them, from three seeds: {ends}. "
                f"The typical product is {10**(self.T * slopes.typical):.1g}, "
                f"{10**slopes.typical:.2g} a step; the average of many products is "
                f"{10**(self.T * slopes.average):.1g}, {10**slopes.average:.2g} a step.")


def log_slope(a: np.ndarray, activation: str) -> np.ndarray:
    """ln f'(a) of tanh or sigmoid, with all its digits at any a: ln (4 e / (1 + e)^2), e = exp(-2 |a|), for tanh."""
    half = np.abs(a) * (2 if activation == "tanh" else 1)  # s'(a) = tanh'(a / 2) / 4
    return (np.log(4) if activation == "tanh" else 0.) - half - 2 * np.log1p(np.exp(-half))


class Left(NamedTuple):
    """log10 of what is left of a gradient, by distance, for three networks: (3, T + 1) each.

    slopes   as if only the slopes had acted
    weights  as if only W_hh had acted
    """

    slopes: np.ndarray
    weights: np.ndarray

    @property
    def both(self) -> np.ndarray:
        """The gradient itself, (3, T + 1)."""
        return self.slopes + self.weights


class Split(Decades):
    """What takes the gradient: at each step back first the slopes act on it, then W_hh.

        |dL/dh_{t-1}| / |dL/dh_t| = |dL/da_t| / |dL/dh_t| * |W_hh^T dL/da_t| / |dL/da_t|

    gain        of W_hh: 1 is torch's default if recurrent is "uniform", and keeps every length if it is "orthogonal"
    inputs      size of what comes in: standard deviation of W_xh x_t
    activation  "tanh", "sigmoid" or "relu"
    recurrent   "uniform", "orthogonal", "identity"
    """

    labels = {"gain": "gain of W_hh", "inputs": "size of the inputs", "recurrent": "W_hh"}
    title = "What the slopes take, and what W_hh takes, in three networks (solid, dashed, dash-dot)"
    xlabel, ylabel = "steps back from the end, T − t", "what is left of it (decades)"
    spans = (60, -60, 25),
    lines = tuple((colour, dash, w) for dash in DASHES for colour, w in ((ORANGE, 3), (GREEN, 7), (BLUE, 1.5)))
    named = 3
    T, hidden = 60, 32

    def draw(self):
        super().draw()
        for line in self.curves[1::3]:  # W_hh, which may lie on the gradient
            line.set(alpha=.35, zorder=1.9)

    def compute(self, gain=1., inputs=.1, activation="tanh", recurrent="uniform"):
        return Left(*np.stack([self._of(seed, gain, inputs, activation, recurrent) for seed in SEEDS], axis=1))

    def _of(self, seed, gain, inputs, activation, recurrent):
        rng = np.random.default_rng(seed)
        params = initialise.rnn(1, self.hidden, rng, recurrent=recurrent, gain=gain, input_gain=inputs)
        direction = initialise.orthogonal((1, self.hidden), rng)  # a unit vector
        run = bptt.forward(params, rng.normal(size=(self.T, 1, 1)), activation=activation)
        back = bptt.backward(run, bptt.at_end(run, direction))
        dh, da = (np.linalg.norm(array[::-1, 0], axis=-1) for array in (back.dh, back.da))
        with np.errstate(divide="ignore", invalid="ignore"):  # a ReLU network may die: 0, then 0/0
            steps = np.log10(np.nan_to_num([da / dh[:-1], dh[1:] / da], nan=1.))
        return np.concatenate([np.zeros((2, 1)), steps.cumsum(1)], axis=1)

    def move(self, left):
        curves = [curve for three in zip(left.slopes, left.weights, left.both) for curve in three]
        self.place(np.arange(self.T + 1), curves,
                   [f"{name}: {_range(ends, power_of_ten)}" for name, ends in self._ends(left).items()])

    @staticmethod
    def _ends(left: Left) -> dict[str, np.ndarray]:
        return {"slopes": left.slopes[:, -1], "W_hh": left.weights[:, -1], "gradient": left.both[:, -1]}

    def describe(self, left):
        values, ends = self.values, self._ends(left)
        return (f"What is left of a gradient after {self.T} steps back in three {values['activation']} networks of "
                f"{self.hidden} units ({values['recurrent']} W_hh with gain {values['gain']:.3g}, inputs of size "
                f"{values['inputs']:.3g}). The slopes alone: {_range(ends['slopes'])}; W_hh alone: "
                f"{_range(ends['W_hh'])}; both, which is the gradient: {_range(ends['gradient'])}.")


def _range(exponents: np.ndarray, words: Callable = lambda exponent: f"{10**exponent:.1g}") -> str:
    """The smallest and the largest of some powers of ten in words, one of them where they do not differ."""
    low, high = words(exponents.min()), words(exponents.max())
    return low if low == high else f"{low} to {high}"


class Depth(Decades):
    """log10 |dL/dh_l| against the layers gone back, in deep feed-forward nets of 64 units: h_l = f(W_l h_{l-1}).

    gain        W_l normal with standard deviation gain / sqrt(64): 1 is Glorot's, sqrt(2) He's
    layers      number of layers, at most 50
    activation  "tanh", "sigmoid", "relu" or "linear"
    shared      the same matrix in every layer, as in a recurrent network
    """

    labels = {"gain": "gain (1 Glorot, 1.41 He)", "layers": "layers", "shared": "one matrix for all layers"}
    title = "The gradient by depth"
    xlabel, ylabel = "layers back from the top", r"$\log_{10}\ |dL/dh_\ell|\,/\,|dL/dh_n|$  (decades)"
    spans = (30, -25, 15), (50, -42, 25)
    lines = tuple((colour, dash, 2.2) for colour, dash in zip((BLUE, ORANGE, GREEN), DASHES))
    named = 3
    most, width, batch = 50, 64, 20
    allowed = {"layers": (1, most)}

    def __init__(self, **values):
        self.nets = []
        for seed in SEEDS:
            rng = np.random.default_rng(seed)
            self.nets.append((rng.normal(size=(self.batch, self.width)), rng.normal(size=(self.batch, self.width)),
                              initialise.gaussian((self.most, self.width, self.width), rng)))
        super().__init__(**values)

    def compute(self, gain=1., layers=30, activation="sigmoid", shared=False):
        which = [0] * layers if shared else range(layers)
        dh = np.array([layer_by_layer(gain * matrices[which], x, activation, top).dh for x, top, matrices in self.nets])
        with np.errstate(divide="ignore"):
            sizes = np.log10(np.linalg.norm(dh[:, ::-1], axis=(2, 3)))
        return sizes - sizes[:, :1]

    def move(self, curves):
        self.place(np.arange(curves.shape[1]), list(curves),
                   [f"seed {seed}: {power_of_ten(curve[-1])}" for seed, curve in zip(SEEDS, curves)])

    def describe(self, curves):
        values, layers = self.values, curves.shape[1] - 1
        ends = ", ".join(f"{10**curve[-1]:.1g}" for curve in curves)
        whose = "one matrix in all layers" if values["shared"] else "a matrix of its own in each layer"
        return (f"log10 of the gradient against the layers gone back, in three {values['activation']} nets with "
                f"{whose}, gain {values['gain']:.3g}. After {layers} layers the factors are {ends}; a layer's is "
                f"{10**(curves[:, -1].min() / layers):.2g} to {10**(curves[:, -1].max() / layers):.2g}.")
