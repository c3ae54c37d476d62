"""The figures of lesson 05: what powers and long products of matrices do to a circle, a norm, a gradient."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ... import initialise, jacobians
from ...screen.figure import BLUE, GREEN, INK, ORANGE, VERMILION, Figure
from ...screen.kit import SUPERSCRIPT, apart, arrow, power_of_ten, set_limits
from .exponents import largest_exponent
from .long_product import long_product

CIRCLE = np.exp(2j * np.pi * np.linspace(0, 1, 121))
CIRCLE = np.stack([CIRCLE.real, CIRCLE.imag])
LINE = 16  # CSS pixels between two labels


class Image(NamedTuple):
    """What Ellipse shows.

    power     (2, 2)        W^k
    stretch   (STEPS + 1, 2) singular values of W^0, W^1, ...
    rho       spectral radius of W
    kept      (2, 2)        eigenvectors of W, in columns
    """

    power: np.ndarray
    stretch: np.ndarray
    rho: float
    kept: np.ndarray


class Ellipse(Figure):
    """What W^k makes of the unit circle; beside it the singular values of all powers, and the powers of rho.

    The marks on the circle are the vectors that W^k takes to the ends of the ellipse's axes; where the eigenvectors of
    W are real, dotted lines go along them.

        W = rotation(turn) [[stretch, shear], [0, .8]]

    k        which power is drawn, 0 to 12
    turn     degrees
    stretch  along the first axis, before the turn
    shear    how far the second axis leans towards the first
    """

    size = (900, 400)
    labels = {"k": "power k", "turn": "turn (degrees)"}
    STEPS = 12
    allowed = {"k": (0, STEPS)}
    REACH = (2, 4.), (12, 7.)  # half width of the plane by k; a larger ellipse runs out of it
    DECADES = 4.  # half height of the sizes

    def draw(self):
        plane, ax = self.plane, self.powers = self.panels(
            dict(at=(.1, .13, .325, .78), title="The unit circle and its image", xlabel="first unit",
                 ylabel="second unit", aspect="equal"),
            dict(at=(.51, .13, .32, .78), title="Singular values of all powers", xlabel="power j",
                 ylabel="log10 of the size (decades)", xlim=(0, self.STEPS), ylim=(-self.DECADES, self.DECADES)))
        plane.locator_params(nbins=5)
        self.beyond, self.real = self.key(plane, (.03, .97, "", BLUE), (.03, .08, "", INK))
        self.kept = [self.curve(plane, INK, ":", linewidth=1.2) for _ in range(2)]
        self.circle = self.curve(plane, INK, "--", *CIRCLE, linewidth=1.2)
        self.ellipse = self.curve(plane, BLUE, linewidth=3)
        first, second = (VERMILION, "-"), (GREEN, "--")
        self.axes = [self.curve(plane, *look, linewidth=2.2) for look in (first, second)]
        self.sources = [self.curve(plane, VERMILION, "o", markersize=5), self.curve(plane, GREEN, "s", markersize=5)]
        self.guide(ax, 0)
        steps = np.arange(self.STEPS + 1)
        self.sizes = [self.curve(ax, *look, steps, 0 * steps, marker="o", markersize=3.5) for look in (first, second)]
        self.radius = self.curve(ax, ORANGE, ":", linewidth=2)
        self.here = [self.curve(ax, colour, "o", markersize=9, markerfacecolor="none") for colour in (VERMILION, GREEN)]
        self.names = self.key(ax, *((1.03, 0, "", colour) for colour in (VERMILION, GREEN, ORANGE)), va="center")

    def compute(self, k=1, turn=30., stretch=1.2, shear=.5):
        angle = np.deg2rad(turn)
        rotation = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        W = rotation @ [[stretch, shear], [0, .8]]
        powers = _powers(W, self.STEPS)
        eigenvalues, kept = np.linalg.eig(W)
        return Image(powers[k], np.linalg.svd(powers, compute_uv=False), float(np.abs(eigenvalues).max()), kept)

    def move(self, image):
        k = self.values["k"]
        u, s, v = np.linalg.svd(image.power)
        ellipse = image.power @ CIRCLE
        reach = next(reach for last, reach in self.REACH if k <= last)
        set_limits(self.plane, (-reach, reach), (-reach, reach))
        self.ellipse.set_data(*ellipse)
        self.beyond.set_text(f"↗ half axis: {power_of_ten(np.log10(s[0]))}" if s[0] > reach else "")
        for axis, source, line, dots in zip((u * s).T, v, self.axes, self.sources):
            line.set_data(*np.stack([-axis, axis], axis=1))
            dots.set_data(*np.stack([-source, source], axis=1))
        self.real.set_text("" if np.iscomplexobj(image.kept) else "dotted: along eigenvectors of W")
        for line, vector in zip(self.kept, image.kept.T):
            line.set_data(*([], []) if np.iscomplexobj(vector) else np.outer(vector, (-2, 2)))
        logs, steps = np.log10(image.stretch), np.arange(self.STEPS + 1)
        radius = steps * np.log10(image.rho)
        for line, ring, curve in zip(self.sizes, self.here, logs.T):
            line.set_ydata(curve)
            ring.set_data([k], [curve[k]])
        self.radius.set_data(steps, radius)
        ends = (np.array([*logs[-1], radius[-1]]) + self.DECADES) / (2 * self.DECADES)
        texts = (f"σ₁ at j = {k}: {power_of_ten(logs[k, 0])}", f"σ₂ at j = {k}: {power_of_ten(logs[k, 1])}",
                 f"ρʲ, ρ = {image.rho:.2f}")
        for name, text, end, height in zip(self.names, texts, ends, apart(ends, 1.3 * LINE / (.78 * self.size[1]))):
            name.set(text=arrow(end) + text, y=height)

    def describe(self, image):
        v, (first, second) = self.values, image.stretch[self.values["k"]]
        return (f"The matrix turns by {v['turn']:g} degrees after a stretch of {v['stretch']:g} and a shear of "
                f"{v['shear']:g}. Its power {v['k']} makes of the unit circle an ellipse with half axes "
                f"{first:.3g} and {second:.3g}, its singular values. The matrix has "
                f"{'complex' if np.iscomplexobj(image.kept) else 'real'} eigenvectors and the spectral radius "
                f"{image.rho:.3g}; to the power {v['k']} that is {image.rho ** v['k']:.3g}.")


def _powers(W: np.ndarray, longest: int) -> np.ndarray:
    """W^0 ... W^longest."""
    powers = [np.eye(len(W))]
    for _ in range(longest):
        powers.append(W @ powers[-1])
    return np.stack(powers)


def departure_from_normality(W: np.ndarray) -> np.ndarray:
    """sqrt(|W|_F^2 - sum |eigenvalue|^2), 0 for a normal matrix (Henrici 1962). W (..., H, H) -> (...)."""
    squares = np.abs(W**2).sum((-2, -1)) - (np.abs(np.linalg.eigvals(W)) ** 2).sum(-1)
    return np.sqrt(np.maximum(squares, 0))


class PowerNorms(NamedTuple):
    """What TransientGrowth shows.

    sizes    (STEPS + 1,) log10 of the norm of W^k
    sigma    log10 of the norm of W
    distance from a normal matrix: departure_from_normality
    """

    sizes: np.ndarray
    sigma: float
    distance: float

    @property
    def top(self) -> int:
        """The first k at which the norm is largest, up to rounding: 0 for a norm that stays level."""
        return int(np.argmax(self.sizes > self.sizes.max() - 1e-9))


class TransientGrowth(Figure):
    """log10 of the norm of W^k by k, between its bounds rho^k and sigma_1^k; all eigenvalues have modulus rho.

    rho            spectral radius
    non_normality  0: a normal matrix; the strength of what lies above the diagonal of the Schur form
    """

    size = (860, 380)
    labels = {"rho": "spectral radius ρ", "non_normality": "non-normality"}
    HIDDEN, STEPS = 32, 200
    DECADES = -10., 5.  # what is seen

    def draw(self):
        ax = self.ax = self.panels(
            at=(.085, .14, .69, .76), title="Powers of a matrix whose eigenvalues all have the size ρ", xlabel="power k",
            ylabel="log10 of the norm of W^k (decades)", xlim=(0, self.STEPS), ylim=self.DECADES)
        self.guide(ax, 0)
        self.norm, self.low = self.curve(ax, BLUE, linewidth=2.4), self.curve(ax, ORANGE, ":", linewidth=2)
        self.high = self.curve(ax, VERMILION, "--")
        self.peak = self.curve(ax, BLUE, "o", markersize=8, markerfacecolor="none")
        self.names = self.key(ax, *((1.02, 0, "", colour) for colour in (VERMILION, BLUE, ORANGE)), va="center")

    def compute(self, rho=.9, non_normality=2.):
        W = initialise.non_normal((self.HIDDEN, self.HIDDEN), np.random.default_rng(0), rho, non_normality)
        sizes = np.log10(np.linalg.norm(_powers(W, self.STEPS), 2, axis=(-2, -1)))
        return PowerNorms(sizes, float(sizes[1]), float(departure_from_normality(W)))

    def move(self, growth):
        k = np.arange(self.STEPS + 1)
        low, high = k * np.log10(self.values["rho"]), k * growth.sigma
        for line, curve in ((self.norm, growth.sizes), (self.low, low), (self.high, high)):
            line.set_data(k, curve)
        top = growth.top
        self.peak.set_data([top], [growth.sizes[top]])
        bottom, above = self.DECADES
        ends = (np.array([high[-1], growth.sizes[-1], low[-1]]) - bottom) / (above - bottom)
        texts = (f"at most σ₁ᵏ, σ₁ = {10 ** growth.sigma:.2f}",
                 f"norm: {power_of_ten(growth.sizes[top])} at k = {top},\n"
                 f"{power_of_ten(growth.sizes[-1])} at k = {self.STEPS}",
                 f"at least ρᵏ, ρ = {self.values['rho']:g}")
        for name, text, end, height in zip(self.names, texts, ends, apart(ends, 2 * LINE / (.76 * self.size[1]))):
            name.set(text=arrow(end) + text, y=height)

    def describe(self, growth):
        top = growth.top
        course = ("never rises above 1" if growth.sizes[top] < 1e-9 else
                  f"rises to {10 ** growth.sizes[top]:.3g} at k = {top}")
        return (f"The norm of W^k for a matrix of {self.HIDDEN} units whose eigenvalues all have the size "
                f"{self.values['rho']:g}, with departure from normality {growth.distance:.1f}: it {course} and "
                f"is {10 ** growth.sizes[-1]:.2g} at k = {self.STEPS}. It lies between rho^k and sigma_1^k with "
                f"sigma_1 = {10 ** growth.sigma:.3g}.")


class ProductLogs(NamedTuple):
    """What SingularValues shows.

    steps  (N,)       at which the right ones are known, up to T
    right  (N, H)     logs of the singular values of the product, by log_singular_values
    naive  (T, H)     logs of the SVD of the product that was formed in `precision`; -inf for 0
    worst  the largest difference at T, in nats; inf where the naive one has lost a value altogether
    """

    steps: np.ndarray
    right: np.ndarray
    naive: np.ndarray
    worst: float


class SingularValues(Figure):
    """ln of all singular values of J_t ... J_1 by t: the product formed and given to an SVD, against the right ones.

    T          steps shown
    precision  in which the product is formed: "float64" or "float32"
    """

    size = (880, 420)
    labels = {"T": "steps shown", "precision": "product formed in"}
    LENGTHS = 20, 100, 300, 1000
    PRECISIONS = "float64", "float32"

    def __init__(self, **values):
        self.shipped = long_product()
        js = self.shipped.js
        self.steps = np.unique([*range(1, 21), *range(20, 51, 3), *range(50, 101, 5), *range(100, 201, 10),
                                *range(200, 1001, 50)])
        self.right = np.stack([jacobians.log_singular_values(js[:t]) for t in self.steps])
        self.naive = {name: _logs_of_products(js.astype(name)) for name in self.PRECISIONS}
        super().__init__(**values)

    def draw(self):
        ax = self.ax = self.panels(
            at=(.085, .13, .68, .79), title="Singular values of the product of t Jacobians", xlabel="number of steps t",
            ylabel="ln of each singular value (nats)")
        ax.xaxis.get_major_locator().set_params(integer=True)
        H = self.right.shape[1]
        self.rights = [self.curve(ax, BLUE, linewidth=2) for _ in range(H)]
        self.naives = [self.curve(ax, VERMILION, "--", linewidth=1.4) for _ in range(H)]
        self.truth = self.curve(ax, GREEN, "o", markersize=4.5, markerfacecolor="none")
        self.names = self.key(ax, *((1.02, 0, "", colour) for colour in (BLUE, VERMILION, GREEN)), va="center")

    def compute(self, T=100, precision="float64"):
        if T not in self.LENGTHS or precision not in self.PRECISIONS:
            raise ValueError(f"T is {T!r} and precision {precision!r}; T needs to be one of {self.LENGTHS}, "
                             f"precision one of {self.PRECISIONS}.")
        kept = self.steps <= T
        naive, right = self.naive[precision][:T], self.right[kept]
        return ProductLogs(self.steps[kept], right, naive, float(np.abs(naive[-1] - right[-1]).max()))

    def move(self, logs):
        T = self.values["T"]
        low = 1.06 * logs.right.min()
        set_limits(self.ax, (0, T), (low, max(6., -.04 * low)))
        for line, curve in zip(self.rights, logs.right.T):
            line.set_data(logs.steps, curve)
        for line, curve in zip(self.naives, logs.naive.T):
            known = np.isfinite(curve)
            line.set_data(np.arange(1, T + 1)[known], curve[known])
        shown = self.shipped.times <= T
        self.truth.set_data(np.repeat(self.shipped.times[shown], self.right.shape[1]),
                            self.shipped.log_singular_values[shown].ravel())
        bottom, top = self.ax.get_ylim()
        floor = logs.naive[-1][np.isfinite(logs.naive[-1])]
        ends = (np.array([logs.right[-1, -1], floor.min() if len(floor) else 0., logs.right[-1, -2]]) - bottom)
        lost = ("all 0 by now" if not len(floor) else f"off by {logs.worst:.0f} nats" if np.isfinite(logs.worst)
                else "some are 0")
        texts = ("right:\nlog_singular_values", f"product formed,\nthen SVD: {lost}", "o  1500 digits")
        for name, text, height in zip(self.names, texts,
                                      apart(ends / (top - bottom), 2.3 * LINE / (.79 * self.size[1]))):
            name.set(text=text, y=height)

    def describe(self, logs):
        H = logs.right.shape[1]
        words = (f"Natural logs of the {H} singular values of the product of t Jacobians of a tanh network, up to "
                 f"t = {self.values['T']}. There the right ones go from {logs.right[-1, 0]:.1f} to "
                 f"{logs.right[-1, -1]:.1f}. ")
        alive = int(np.isfinite(logs.naive[-1]).sum())
        if alive < H:
            return words + (f"Of the product formed in {self.values['precision']}, {H - alive} of {H} singular "
                            f"values are exactly 0.")
        close = int((np.abs(logs.naive[-1] - logs.right[-1]) < 1).sum())
        return words + (f"Of those of the product formed in {self.values['precision']}, {close} of {H} are right "
                        f"to 1 nat.")


def _logs_of_products(js: np.ndarray) -> np.ndarray:
    """ln of what an SVD finds in J_t ... J_1 for each t, in the precision of js."""
    product, found = np.eye(js.shape[-1], dtype=js.dtype), []
    for J in js:
        product = J @ product
        found.append(np.linalg.svd(product, compute_uv=False))
    with np.errstate(divide="ignore"):
        return np.log(np.stack(found, dtype=float))


class Exponents(NamedTuple):
    """What CriticalGain shows.

    each   (draws, gains) largest exponents at this drive
    mean   (gains,)
    here   the mean at this gain
    """

    each: np.ndarray
    mean: np.ndarray
    here: float


class CriticalGain(Figure):
    """The largest exponent of random tanh networks by their gain, with random input of some strength.

    hidden, T, draws  size of the networks, steps, how many are drawn (fixed for the figure's life)
    gain              where the text reads it off, by a straight line between the GAINS that were measured
    drive             standard deviation of the input to each unit, one of DRIVES
    """

    size = (860, 380)
    labels = {"gain": "gain", "drive": "input strength"}
    GAINS = .5, .6, .7, .8, .9, 1., 1.1, 1.25, 1.5, 2., 2.5, 3.
    DRIVES = 0., .5, 1., 2.

    def __init__(self, hidden: int = 256, T: int = 200, draws: int = 2, **values):
        self.hidden = hidden
        self.table = np.array([[[largest_exponent(gain, seed, hidden, T, T // 4, drive)
                                 for gain in self.GAINS] for seed in range(draws)] for drive in self.DRIVES])
        super().__init__(**values)

    def draw(self):
        ax = self.panels(
            at=(.085, .14, .7, .76), title=f"Largest exponent of a random tanh network, H = {self.hidden}",
            xlabel="gain g of the recurrent weights", ylabel="growth of the gradient (nats a step)",
            xlim=(.45, 3.05))
        self.guide(ax, 0)
        self.key(ax, (.99, .03, "below 0: the gradient vanishes", INK), ha="right", va="baseline")
        self.key(ax, (.01, .97, "above 0: it explodes", INK), (.4, .97, "ln g: the linear net", ORANGE))
        rate = np.linspace(.5, 2, 50)
        ax.plot(rate, np.log(rate), ":", color=ORANGE, linewidth=1.6)
        self.mean = self.curve(ax, BLUE, "-", self.GAINS, self.GAINS, linewidth=2.2)
        self.still = self.curve(ax, INK, "--", self.GAINS, self.table[0].mean(0), linewidth=1.2)
        self.dots = self.curve(ax, BLUE, "o", markersize=3)
        self.here = self.curve(ax, VERMILION, "o", markersize=10, markerfacecolor="none")
        self.names = self.key(ax, *((1.02, 0, "", colour) for colour in (VERMILION, BLUE, INK)), va="center")

    def compute(self, gain=1.5, drive=0.):
        low, *_, high = self.GAINS
        if not low <= gain <= high or drive not in self.DRIVES:
            raise ValueError(f"gain is {gain!r} and drive {drive!r}; gain needs to be {low} to {high}, drive one of "
                             f"{self.DRIVES}: it was measured for these.")
        each = self.table[self.DRIVES.index(drive)]
        mean = each.mean(0)
        return Exponents(each, mean, float(np.interp(gain, self.GAINS, mean)))

    def move(self, exponents):
        gain, drive = self.values["gain"], self.values["drive"]
        low, high = 1.1 * exponents.mean.min(), .35
        set_limits(self.mean.axes, (.45, 3.05), (low, high))
        self.mean.set_ydata(exponents.mean)
        self.still.set_visible(drive > 0)
        self.dots.set_data(np.tile(self.GAINS, len(exponents.each)), exponents.each.ravel())
        self.here.set_data([gain], [exponents.here])
        still = self.table[0].mean(0)[-1]
        ends = (np.array([exponents.here, exponents.mean[-1], still]) - low) / (high - low)
        texts = (f"g = {gain:.2f}: {exponents.here:+.3f},\n× {np.exp(exponents.here):.2f} a step",
                 f"input {drive:g}" if drive else "no input", "no input" if drive else "")
        for name, text, height in zip(self.names, texts, apart(ends, 2 * LINE / (.76 * self.size[1]))):
            name.set(text=text, y=height)

    def describe(self, exponents):
        gain, drive = self.values["gain"], self.values["drive"]
        above = [g for g, size in zip(self.GAINS, exponents.mean) if size > .02]
        below = [g for g, size in zip(self.GAINS, exponents.mean) if size < -.02]
        # a chaotic run differs from machine to machine: the words keep to what all of them agree on
        return (f"Largest exponent against gain for random tanh networks of {self.hidden} units, input strength "
                f"{drive:g}: clearly negative up to gain {max(below):g}, "
                + (f"positive from gain {min(above):g}" if above else "nowhere clearly positive")
                + f". At gain {gain:g} the gradient {self._course(exponents.here)}.")

    @staticmethod
    def _course(rate: float) -> str:
        return "hardly changes" if abs(rate) <= .02 else "grows" if rate > 0 else "shrinks"
