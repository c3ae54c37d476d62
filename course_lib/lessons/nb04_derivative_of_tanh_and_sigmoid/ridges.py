"""Histograms of a deep net's activations and gradients, layer by layer, that move with the initial scale."""

from typing import NamedTuple

import numpy as np

from ...screen.figure import BLUE, VERMILION, Figure
from ...screen.kit import power_of_ten
from .layers import SEVEN, layer_by_layer, pixels

BINS = 80


class Ridged(NamedTuple):
    """What LayerByLayer shows of its layers, the lowest first.

    states     (layers, BINS) share of the states in each bin; what lies beyond the ends is in the end bins
    gradients  (layers, BINS) share of the gradients in each bin of log10 |dL/dh|, without those that are 0
    spread     (layers,) root of the mean square of the states
    between    (layers,) of what the images differ in, from each unit's mean over them; 0 where rounding is as large
    size       (layers,) log10 of that of the gradients
    """

    states: np.ndarray
    gradients: np.ndarray
    spread: np.ndarray
    between: np.ndarray
    size: np.ndarray


class LayerByLayer(Figure):
    """A net of 20 layers of 64 units that reads digits, untrained: what its states and its gradients are, by layer.

    gain        W_l normal with standard deviation gain / sqrt(64): 1 is Glorot's, sqrt(2) He's
    activation  one of the seven of `layers`, or "linear"

    The gradient at the top is normal, the same for every setting. A ridge is a histogram, each as high as its peak.
    """

    size = (900, 460)
    labels = {"gain": "gain (1 Glorot, 1.41 He)"}
    allowed = {"gain": (.01, 100), "activation": [*SEVEN, "linear"]}
    DEPTH, WIDTH, IMAGES = 20, 64, 50
    SHOWN = 1, 4, 8, 12, 16, 20
    STATES, DECADES = (-2., 2.), (-16., 10.)

    def __init__(self, **values):
        rng = np.random.default_rng(0)
        self.x = pixels()[0][:self.IMAGES]
        self.W = rng.normal(size=(self.DEPTH, self.WIDTH, self.WIDTH)) / np.sqrt(self.WIDTH)
        self.top = rng.normal(size=(self.IMAGES, self.WIDTH))
        super().__init__(**values)

    def draw(self):
        rows = np.arange(len(self.SHOWN))
        left, right = self.panels(
            dict(at=(.085, .12, .29, .78), title="States going up", xlabel="state h", xlim=self.STATES),
            dict(at=(.57, .12, .3, .78), title="Gradients coming down", xlabel=r"$\log_{10}\ |dL/dh|$  (decades)",
                 xlim=self.DECADES), ylim=(-.1, len(rows)))
        left.set_yticks(rows, [f"layer {layer}" for layer in self.SHOWN])
        right.set_yticks(rows, [""] * len(rows))
        self.ridges = [[self.moving(ax.fill([0], [0], color=colour, alpha=.35, linewidth=1.2, edgecolor=colour)[0])
                        for _ in rows] for ax, colour in ((left, BLUE), (right, VERMILION))]
        self.names = [[*self.key(ax, *((1.03, (row + .35) / (len(rows) + .1), "", colour) for row in rows),
                                 va="center", fontsize=9)] for ax, colour in ((left, BLUE), (right, VERMILION))]

    def compute(self, gain=1., activation="tanh"):
        h, dh = (each[[*self.SHOWN]] for each in layer_by_layer(gain * self.W, self.x, activation, self.top)[:2])
        spread, between, size = (np.sqrt((each**2).mean((1, 2))) for each in (h, h - h.mean(1, keepdims=True), dh))
        with np.errstate(divide="ignore"):
            logs, size = np.log10(np.abs(dh)), np.log10(size)
        states = [np.histogram(np.clip(each, *self.STATES), BINS, self.STATES)[0] for each in h]
        gradients = [np.histogram(np.clip(each[np.isfinite(each)], *self.DECADES), BINS, self.DECADES)[0]
                     for each in logs]
        return Ridged(np.array(states) / h[0].size, np.array(gradients) / h[0].size, spread,
                      between * (between > 1e-15 * spread), size)

    def move(self, ridged):
        for ridges, shares, ends in zip(self.ridges, (ridged.states, ridged.gradients), (self.STATES, self.DECADES)):
            edges = np.linspace(*ends, BINS + 1)
            x = np.concatenate([[edges[0]], np.repeat(edges, 2)[1:-1], [edges[-1]]])
            for row, (ridge, share) in enumerate(zip(ridges, shares)):
                heights = row + .88 * share / max(share.max(), 1e-12)
                ridge.set_xy(np.stack([x, np.concatenate([[row], np.repeat(heights, 2), [row]])], axis=1))
        with np.errstate(divide="ignore"):
            for name, *two in zip(self.names[0], np.log10(ridged.between), np.log10(ridged.spread)):
                name.set_text("between images {}\nsize {}".format(*map(power_of_ten, two)))
        for name, size in zip(self.names[1], ridged.size):
            name.set_text(f"size {power_of_ten(size)}")

    def describe(self, ridged):
        gain, activation = self.values["gain"], self.values["activation"]
        return (f"Histograms of the states and of log10 |dL/dh| in layers {', '.join(map(str, self.SHOWN))} of an "
                f"untrained {activation} net that reads digits, gain {gain:.3g}. From layer 1 to layer {self.DEPTH} "
                f"the states go from a size of {ridged.spread[0]:.2g} to {ridged.spread[-1]:.2g}, and the difference "
                f"between images from {ridged.between[0]:.2g} to {ridged.between[-1]:.2g}; coming down, the gradients "
                f"go from {10**ridged.size[-1]:.2g} to {10**ridged.size[0]:.2g}.")
