"""The figure of lesson 00 shows the two histories it was given, and says so."""

import numpy as np
import pytest

from course_lib.train import History
from course_lib.lessons.nb00_start_here.figures import TwoRuns
from course_lib.lessons.nb00_start_here.ruler import GradientRuler
from legible import legible


def history(loss, grad_norm):
    empty = np.array([])
    return History(np.array(loss), np.array(grad_norm), empty, empty, empty)


@pytest.fixture
def figure():
    return TwoRuns(history(np.geomspace(2, 0.02, 50), np.linspace(7, 1, 50)), history([17.0, 2e6], [360.0, 5e7]),
                   "gain 1.0", "gain 1.1")


def test_it_draws_what_it_was_given(figure):
    (good, bad), (good_norm, bad_norm) = ([line.get_data() for line in ax.lines] for ax in figure.fig.axes)
    assert np.array_equal(good[0], np.arange(1, 51)) and np.allclose(good[1], np.geomspace(2, 0.02, 50), atol=0)
    assert np.array_equal(bad[1], [17, 2e6]) and np.array_equal(bad_norm[1], [360, 5e7]) and good_norm[1][0] == 7
    assert all(ax.get_yscale() == ax.get_xscale() == "log" for ax in figure.fig.axes)
    loss = figure.fig.axes[0]
    assert {text.get_text(): text.get_color() for text in loss.texts} == {
        "gain 1.0": loss.lines[0].get_color(), "gain 1.1: stops here": loss.lines[1].get_color()}


def test_the_words_have_its_numbers(figure):
    assert "the loss falls from 2 to 0.02 in 50 updates" in figure.alt and "never longer than 7" in figure.alt
    assert "the loss is 17 at the start and the run stops after 2 updates" in figure.alt
    assert "longer than 10 to the power 7" in figure.alt


@pytest.mark.long(but_every=3)
@pytest.mark.parametrize("values", [{}, {"gain": 2., "T": 200}, {"gain": 2., "T": 200, "rules": True},
                                    {"gain": .5, "activation": "relu", "rules": True}])
def test_every_reader_can_read_them(figure, values):
    assert legible(figure) > 8 and legible(GradientRuler(**values)) > 8
