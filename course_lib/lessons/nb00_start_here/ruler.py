"""The gradient ruler: how much of a loss's gradient reaches each earlier step of a recurrent network."""

from typing import NamedTuple

import numpy as np

from ... import _checks, bptt, cells, initialise, jacobians
from ...screen.figure import BLUE, GREEN, INK, VERMILION, Figure
from ...screen.kit import FLOAT32, SUPERSCRIPT, apart, arrow, power_of_ten, set_limits

HIDDEN, INPUTS = 32, 1
DRIVE = .1  # standard deviation of what the input adds to a unit at a step
SPANS = (100, 32), (200, 64)  # length and half height of the picture: they stand still while the gain moves
RADII = 2.2, 8.8, 35.2  # half widths of the plane
NAMES = "arrives", "bound", "asymptote"
PLACES = (.15, .14, .76, .76), (.475, .14, .435, .76)  # of the curves: alone, and beside the matrix
LINE_HEIGHT = 31  # CSS pixels between two labels


class Ruled(NamedTuple):
    """What the ruler shows.

    eigenvalues       (H,) of W_hh
    rho, sigma        spectral radius and largest singular value of W_hh
    exact             (T + 1,) log10 |dL/dh_t|
    bound, asymptote  (T + 1,) log10 |dL/dh_T| + (T - t) log10 of sigma, of rho
    """

    eigenvalues: np.ndarray
    rho: float
    sigma: float
    exact: np.ndarray
    bound: np.ndarray
    asymptote: np.ndarray


class GradientRuler(Figure):
    """|dL/dh_t| of an RNN whose loss reads h_T only; with rules beside its bound, its asymptote and the matrix W_hh.

        |dL/dh_t| <= |dL/dh_T| (sigma_max max f')^(T - t),      max f' = 1 for tanh, ReLU and the linear network
        |dL/dh_t| ~  rho^(T - t)                                in the long run, in a linear network

    seed           of the matrix, the inputs and the direction in which the loss reads h_T
    gain           the spectral radius rho of W_hh, exactly
    non_normality  0: sigma_max = rho; above, the singular values spread and the eigenvalues stay
    T              length of the sequence
    activation     "tanh", "relu" or "linear"
    rules          whether bound, asymptote and matrix are seen
    """

    size = (900, 380)
    labels = {"gain": "gain ρ", "non_normality": "non-normality", "T": "length T (steps)"}

    def __init__(self, seed: int = 0, **values):
        self.seed = seed
        super().__init__(**values)

    def draw(self):
        plane, ax = self.plane, self.ax = self.panels(  # the names of the curves are between the two
            dict(at=(.06, .14, .26, .76), anchor="NW", aspect="equal", title="The matrix W", xlabel="real part",
                 ylabel="imaginary part"),
            dict(at=PLACES[True], title="The gradient on its way back from the loss", xlabel="time step t",
                 ylabel="length of the gradient"))
        plane.locator_params(nbins=5)
        turn = self.turn = np.exp(2j * np.pi * np.linspace(0, 1, 121))
        words = self.key(self.fig, (.06, .085, "● eigenvalues, radius ρ", GREEN),
                         (.06, .03, "╌ largest stretch, σₘₐₓ", VERMILION), va="baseline")
        plane.plot(turn.real, turn.imag, color=INK, linewidth=1)
        self.rho_circle, self.sigma_circle = self.curve(plane, GREEN, ":"), self.curve(plane, VERMILION, "--")
        self.dots = self.curve(plane, GREEN, "o", markersize=4)

        ax.yaxis.set_major_formatter(lambda level, _: f"10{f'{level:g}'.translate(SUPERSCRIPT)}" if level else "1")
        ax.yaxis.tick_right()
        ax.yaxis.set_label_position("right")
        ax.spines["left"].set_visible(False)
        ax.spines["right"].set_visible(True)
        self.guide(ax, 0)
        self.key(ax, (.985, .93, "↑ it grows", INK), (.985, .08, "↓ it shrinks", INK), ha="right", fontsize=10)
        for level, name, side in FLOAT32:
            self.guide(ax, level, name, .99, linewidth=.8, style=(0, (1, 2)), ha="right", va=side, clip_on=True)
        self.bound, self.asymptote = self.curve(ax, VERMILION, "--"), self.curve(ax, GREEN, ":", linewidth=2.2)
        self.exact, self.loss = self.curve(ax, BLUE, linewidth=2.4), self.curve(ax, BLUE, "o", markersize=6)
        self.loss_name = self.moving(ax.text(0, 0, "loss", color=BLUE, ha="left", va="bottom"))
        self.names = self.key(ax, *((-.02, 0, "", colour) for colour in (BLUE, VERMILION, GREEN)), ha="right",
                              va="center", fontsize=9, linespacing=1.25)
        self.of_rules = [plane, *words, self.rho_circle, self.sigma_circle, self.dots, self.bound, self.asymptote,
                         *self.names[1:]]

    def compute(self, gain=1.0, non_normality=0.0, T=100, activation="tanh", rules=False):
        gain, T = _checks.positive("gain", gain), _checks.count("T", T)
        _checks.choice("activation", activation, ("tanh", "relu", "linear"))
        matrix, inputs, reading = np.random.default_rng(self.seed).spawn(3)
        W_hh = initialise.non_normal((HIDDEN, HIDDEN), matrix, gain, non_normality)
        W_xh = initialise.gaussian((HIDDEN, INPUTS), inputs, DRIVE)
        x = inputs.normal(size=(T, 1, INPUTS))
        with np.errstate(all="ignore"):
            run = bptt.forward(cells.RNNParams(W_xh, W_hh, np.zeros(HIDDEN)), x, activation=activation)
        if not np.isfinite(run.h).all():
            raise ValueError(f"with gain {gain:g} the states leave float64 before step {T}: take a smaller gain or T.")
        dh_direct = bptt.at_end(run, initialise.orthogonal((1, HIDDEN), reading))  # reads one direction, of length 1
        with np.errstate(divide="ignore"):  # a ReLU network may die: then the gradient is exactly 0
            exact = np.log10(np.linalg.norm(bptt.backward(run, dh_direct).dh[:, 0], axis=-1))
        rho, sigma = float(jacobians.spectral_radius(W_hh)), float(jacobians.largest_singular_value(W_hh))
        back = T - np.arange(T + 1)
        return Ruled(np.linalg.eigvals(W_hh), rho, sigma, exact, back * np.log10(sigma), back * np.log10(rho))

    def move(self, ruled):
        T, rules = len(ruled.exact) - 1, self.values["rules"]
        for each in self.of_rules:
            each.set_visible(rules)
        if self.ax.get_position(original=True).x0 != PLACES[rules][0]:  # asking for the other one draws all again
            self.ax.set_position(PLACES[rules])
        t = np.arange(T + 1)
        longest, half = next((span for span in SPANS if span[0] >= T), (T, .32 * T))
        radius = next((radius for radius in RADII if radius > ruled.sigma), 1.1 * ruled.sigma)
        set_limits(self.ax, (0, 1.1 * longest), (-half, half))
        set_limits(self.plane, (-radius, radius), (-radius, radius))

        self.rho_circle.set_data(ruled.rho * self.turn.real, ruled.rho * self.turn.imag)
        self.sigma_circle.set_data(ruled.sigma * self.turn.real, ruled.sigma * self.turn.imag)
        self.dots.set_data(ruled.eigenvalues.real, ruled.eigenvalues.imag)
        curves = (ruled.exact, ruled.bound, ruled.asymptote)[:3 if rules else 1]
        for line, curve in zip((self.exact, self.bound, self.asymptote), curves):
            line.set_data(t, curve)
        self.loss.set_data([T], [ruled.exact[T]])
        self.loss_name.set_position((T + .022 * longest, ruled.exact[T] + .02 * half))

        rates = f"{_rate(ruled.exact)}", f"σₘₐₓ = {ruled.sigma:.3g}", f"ρ = {ruled.rho:.3g}"
        ends = np.array([(curve[0] + half) / (2 * half) for curve in curves])
        heights = apart(ends, LINE_HEIGHT / (.76 * self.size[1]))
        for text, name, rate, curve, end, height in zip(self.names, NAMES, rates, curves, ends, heights):
            text.set(text=f"{arrow(end)}{name}: {power_of_ten(curve[0])}\n{rate} a step", y=height)

    def describe(self, ruled):
        values, change = self.values, ruled.exact[0]
        did = ("is 0 in float64 at" if np.isneginf(change) else
               f"{'grows' if change > 0 else 'shrinks'} by a factor {10 ** abs(change):.3g} on its way to")
        spread = f"and non-normality {values['non_normality']:g} " if values["rules"] or values["non_normality"] else ""
        rules = (f" The largest singular value bounds that factor by {ruled.sigma:.3g}, the spectral radius suggests "
                 f"{ruled.rho:.3g}." if values["rules"] else "")
        return (f"The length of the gradient |dL/dh_t|, on a logarithmic scale, against the time step t, for a "
                f"{values['activation']} network of {HIDDEN} units with gain {values['gain']:g} {spread}whose loss "
                f"reads the last of {values['T']} steps. The gradient {did} h_0: a factor {_rate(ruled.exact)} a "
                f"step.{rules}")


def _rate(curve: np.ndarray) -> str:
    """The geometric mean of the factors from one step to the one before."""
    return f"{10 ** (curve[0] / (len(curve) - 1)):.3g}"
