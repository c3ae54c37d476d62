"""The colours of the figures, as readers with one kind of cone too few see them, and on a grey print.

Simulated by colorspacious: Machado, Oliveira and Fernandes 2009, "A physiologically-based model for simulation of
color vision deficiency", at full severity; differences in CAM02-UCS.
"""
from itertools import combinations

import numpy as np
import pytest
from colorspacious import cspace_convert
from matplotlib.colors import to_rgb

from course_lib.screen import BLUE, GREEN, INK, ORANGE, PURPLE, VERMILION, Figure
from legible import legible

SEEN = 5  # a difference in CAM02-UCS that is seen in two lines side by side; 1 is just noticeable in large patches


def as_seen(colour, kind):
    """The colour in CAM02-UCS as a reader of this kind sees it."""
    space = {"name": "sRGB1+CVD", "cvd_type": kind, "severity": 100} if kind else "sRGB1"
    return cspace_convert(np.clip(cspace_convert(to_rgb(colour), space, "sRGB1"), 0, 1), "sRGB1", "CAM02-UCS")


@pytest.mark.parametrize("kind", [None, "deuteranomaly", "protanomaly", "tritanomaly"])
@pytest.mark.parametrize("one, other", list(combinations((INK, BLUE, ORANGE, GREEN, VERMILION, PURPLE), 2)))
def test_hues_stay_apart_for_every_colour_vision(one, other, kind):
    assert np.linalg.norm(as_seen(one, kind) - as_seen(other, kind)) > SEEN


class Two(Figure):
    """Two lines that differ as they are told to."""

    def __init__(self, **different):
        self.different = different
        super().__init__()

    def draw(self):
        ax = self.fig.subplots()
        ax.plot([0, 1], [0, 1], color=GREEN)
        ax.plot([0, 1], [1, 0], **{"color": VERMILION, **self.different})
        ax.set(xlabel="x", ylabel="y")

    def describe(self, data):
        return "Two lines that cross at one half."


def test_a_grey_print_needs_more_than_a_hue():
    with pytest.raises(AssertionError, match="#d55e00"):
        legible(Two())
    for difference in ({"linestyle": "--"}, {"marker": "s"}, {"linewidth": 4}, {"color": "black"}, {"color": GREEN}):
        assert legible(Two(**difference)) > 5


def test_a_name_for_a_legend_needs_a_legend():
    figure = Two(linestyle="--", label="two")
    with pytest.raises(AssertionError, match="two"):
        legible(figure)
    figure.fig.axes[0].legend()
    assert legible(figure) > 6


def test_a_scale_needs_a_name():
    figure = Two(linestyle="--")
    ax = figure.fig.axes[0]
    ax.set_ylabel("")
    with pytest.raises(AssertionError, match="yaxis"):
        legible(figure)
    ax.set_title("Two lines")
    assert legible(figure) > 5
    ax.set_xlabel("")
    with pytest.raises(AssertionError, match="xaxis"):
        legible(figure)


def test_a_picture_goes_from_dark_to_bright():
    figure = Two(linestyle="--")
    image = figure.fig.axes[0].imshow(np.eye(2), cmap="cividis")
    legible(figure)
    image.set_cmap("PuOr")
    with pytest.raises(AssertionError, match="PuOr"):
        legible(figure)
