"""Long products are nearly rank one: gradients of different losses come back along one line."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ... import bptt, initialise, jacobians
from ...screen.figure import BLUE, GREEN, INK, ORANGE, PURPLE, VERMILION, Figure
from ...screen.kit import LINE_HEIGHT, apart, power_of_ten

STEPS = 100  # that are gone back
SETTLE = 50  # steps before them
VECTORS = 120  # end gradients


class SentBack(NamedTuple):
    """What OneLine shows.

    vectors    (VECTORS, 3) end gradients of a network of three units, so many steps back, each of length 1
    line       (3,) the direction along which the product of these steps sends most, v_1; nan for no step
    ratio      sigma_2 / sigma_1 of that product, 1 for no step
    agreement  (sizes, STEPS + 1) median |cos| between two of them by distance, for networks of each size
    """

    vectors: np.ndarray
    line: np.ndarray
    ratio: float
    agreement: np.ndarray


class OneLine(Figure):
    """End gradients on their way back, scaled to length 1: on a sphere, and how far two of them agree.

        v^T J_T ... J_{T-k+1} = sum of (v . u_i) sigma_i v_i^T,    nearly (v . u_1) sigma_1 v_1^T where sigma_1 is far
                                                                   above sigma_2

    distance  steps back k, 0 to STEPS
    gain      of tanh networks with Gaussian W_hh and one input, one of GAINS
    network   which of the five of 3 units is on the sphere, 0 to 4
    """

    size = (900, 400)
    labels = {"distance": "distance (steps back)", "gain": "gain of W_hh", "network": "network of 3 units"}
    GAINS = .5, 1., 1.5
    UNITS = 3, 8, 32, 128
    SEEDS = range(5)
    allowed = {"distance": (0, STEPS), "gain": [*GAINS], "network": [*SEEDS]}
    LOOKS = (BLUE, "-"), (ORANGE, "--"), (GREEN, "-."), (PURPLE, ":")
    VIEW = np.linalg.qr(np.array([[3., 2., 2.], [4., -1., 3.], [0., 6., -1.]]))[0].T  # right, up, towards the reader

    def __init__(self, **values):
        self.back, self.curves = {}, {}
        for gain in self.GAINS:
            agreement = []  # of each size; the vectors are kept of three units alone: larger ones fill 200 MB
            for units in self.UNITS:
                each = [_sent_back(_jacobians(units, gain, seed)) for seed in self.SEEDS]
                agreement.append(np.median([_agreement(back) for back in each], axis=0))
                if units == 3:
                    self.back[gain] = each
            self.curves[gain] = np.array(agreement)
        super().__init__(**values)

    def draw(self):
        ball, ax = self.panels(
            dict(at=(.01, .03, .4, .86), title="End gradients of 3 units, each made 1 long", aspect="equal",
                 xlim=(-1.15, 1.15), ylim=(-1.15, 1.15), grid=False, xticks=[], yticks=[]),
            dict(at=(.5, .14, .32, .75), title="How far two of them agree", xlabel="steps back from the end",
                 ylabel="median |cos| between two", xlim=(0, STEPS), ylim=(0, 1.03)))
        for spine in ball.spines.values():
            spine.set_visible(False)
        circle = np.exp(2j * np.pi * np.linspace(0, 1, 181))
        ball.plot(circle.real, circle.imag, color=INK, linewidth=1)
        for axis in np.eye(3):  # the three coordinate circles, as a globe has meridians
            first, second = np.eye(3)[axis == 0]
            x, y, _ = self.VIEW @ (first[:, None] * circle.real + second[:, None] * circle.imag)
            ball.plot(x, y, color=INK, linewidth=.6, alpha=.35)
        self.own, = self.key(ball, (.01, .02, "", BLUE))
        self.line = self.curve(ball, VERMILION, "--", linewidth=1.8)
        self.behind = self.curve(ball, BLUE, "o", markersize=3.5, markerfacecolor="none", alpha=.6)
        self.front = self.curve(ball, BLUE, "o", markersize=4.5)
        self.here = self.curve(ax, INK, linewidth=1)
        self.lines = [self.curve(ax, *look, linewidth=2) for look in self.LOOKS]
        self.dots = [self.curve(ax, colour, "o", markersize=6) for colour, _ in self.LOOKS]
        self.names = self.key(ax, *((1.03, 0, "", colour) for colour, _ in self.LOOKS), va="center")

    def compute(self, distance=0, gain=1., network=1):
        product, line, ratio = np.eye(3), np.full(3, np.nan), 1.
        if distance:
            js = _jacobians(3, gain, network)[STEPS - distance:]
            for J in js:
                product = J @ product
                product /= np.linalg.norm(product)
            line, logs = np.linalg.svd(product)[2][0], jacobians.log_singular_values(js)
            ratio = float(np.exp(logs[1] - logs[0]))
        return SentBack(self.back[gain][network][distance], line, ratio, self.curves[gain])

    def move(self, sent):
        distance = self.values["distance"]
        x, y, towards = self.VIEW @ sent.vectors.T
        for dots, seen in ((self.front, towards >= 0), (self.behind, towards < 0)):
            dots.set_data(x[seen], y[seen])
        end = 1.12 * (self.VIEW @ sent.line)
        self.line.set_data([-end[0], end[0]], [-end[1], end[1]])
        self.here.set_data([distance, distance], [0, 1.03])
        steps, now = np.arange(STEPS + 1), sent.agreement[:, distance]
        for line, dot, curve in zip(self.lines, self.dots, sent.agreement):
            line.set_data(steps, curve)
            dot.set_data([distance], [curve[distance]])
        self.own.set_text(f"median |cos| {_agreement(sent.vectors):.2f}, "
                          f"σ₂/σ₁ = {power_of_ten(np.log10(sent.ratio))}")
        ends = sent.agreement[:, -1] / 1.03 - .001 * np.arange(len(self.UNITS))  # equal ones in the order of their size
        heights = apart(ends, LINE_HEIGHT / (.75 * self.size[1]))
        for name, units, value, height in zip(self.names, self.UNITS, now, heights):
            name.set(text=f"{units} units, here: {value:.2f}", y=height)

    def describe(self, sent):
        distance, gain, network = (self.values[name] for name in ("distance", "gain", "network"))
        rest = ", ".join(f"{value:.2f} with {units}" for units, value in zip(self.UNITS, sent.agreement[:, distance]))
        return (f"{VECTORS} random end gradients of tanh network {network} of 3 units with gain {gain:g}, each scaled to "
                f"length 1, as points of a sphere {distance} steps back: the median |cos| between two of them is "
                f"{_agreement(sent.vectors):.2f}. Over five networks of each size it is {rest} units.")


def _jacobians(units: int, gain: float, seed: int) -> np.ndarray:
    """J_t of the last STEPS steps of a tanh network, (STEPS, units, units)."""
    rng = np.random.default_rng(seed)
    run = bptt.forward(initialise.rnn(1, units, rng, "gaussian", gain), rng.normal(size=(SETTLE + STEPS, 1, 1)))
    return jacobians.step_jacobians(run)[SETTLE:, 0]


def _sent_back(js: np.ndarray) -> np.ndarray:
    """VECTORS random end gradients after 0 ... STEPS steps back, each of length 1: (STEPS + 1, VECTORS, H)."""
    v = np.random.default_rng(len(js[0])).normal(size=(VECTORS, js.shape[-1]))
    made = [v / np.linalg.norm(v, axis=1, keepdims=True)]
    for J in js[::-1]:
        v = made[-1] @ J
        made.append(v / np.linalg.norm(v, axis=1, keepdims=True))
    return np.stack(made)


def _agreement(v: np.ndarray) -> np.ndarray:
    """Median |cos| between pairs of unit vectors (..., N, H): (...)."""
    return np.median(np.abs((v[..., ::2, :] * v[..., 1::2, :]).sum(-1)), axis=-1)
