"""The figures of lesson 13: what is drawn, against oracles of another kind; what is said, from the data."""

from functools import partial

import numpy as np
import pytest

from course_lib.lessons.nb13_what_came_after.curse_of_memory import mean_squares
from course_lib.lessons.nb13_what_came_after.figures import (
    DeltaRoad, LongMemory, NewtonRounds, Recall, SameRuler)
from course_lib.screen.live import live
from legible import legible, named

MEASURED = {.9: (5.2, 264., .25), .99: (50., 2.5e5, .26)}
ERRORS = {"plain sum": np.array([[0., 0.], [1., .8], [3., 3.4]]),
          "delta rule": np.array([[0., 0.], [.5, .6], [1.4, 1.6]])}
CURVES = {"one": np.array([2., 1., .5]), "two": np.array([1., 1e-20, 0.])}


def test_newton_rounds_show_the_front():
    figure = NewtonRounds()
    for gain in NewtonRounds.GAINS:
        for rounds in (0, 3, 20, 40):
            errors = figure.update(gain=gain, rounds=rounds).data
            assert (errors[:rounds] < 1e-8).all()
            assert figure.front.get_xdata()[0] == rounds and f"{(errors < 1e-8).sum()} of 100" in figure.word.get_text()
            assert f"{(errors < 1e-8).sum()} of 100" in figure.alt and len(figure.wrong.get_xdata()) == 100
    assert (figure.update(gain=1., rounds=8).data < 1e-8).all()
    assert (figure.update(gain=3., rounds=8).data > 1e-8).sum() > 50


def test_long_memory_shows_the_formulas_and_what_was_measured():
    figure = LongMemory(MEASURED)
    lines = figure.fig.axes[0].lines
    assert np.allclose([line.get_ydata() for line in lines[::2]], mean_squares(1 - lines[0].get_xdata()), atol=0)
    assert np.allclose(lines[1].get_xdata(), [.1, .01], atol=0) and list(lines[3].get_ydata()) == [264., 2.5e5]
    assert "l = 0.9: 5.2, 2.6e+02 and 0.25" in figure.alt


def test_same_ruler_divides_by_the_first():
    figure = SameRuler(CURVES)
    assert np.allclose(figure.fig.axes[0].lines[0].get_ydata(), np.log10([1, .5, .25]), atol=0)
    assert "one 0.25," in figure.alt and "two 0" in figure.alt and figure.png()


def test_delta_road_is_the_product_of_the_steps():
    figure = DeltaRoad()
    for beta, d in [(0., 4), (.7, 2), (1., 16), (2., 64)]:
        once, left = figure.update(beta=beta, d=d).data
        assert np.allclose(once, [.8 * (1 - beta), .6], atol=1e-15)
        v = np.random.default_rng(1).normal(size=(figure.DRAWS, d))
        product = np.eye(d)
        for k in figure.keys[d][:, 3]:
            product = product @ (np.eye(d) - beta * np.outer(k, k))
        assert np.isclose(left[-1, 3], np.linalg.norm(v[3] @ product) / np.linalg.norm(v[3]), rtol=1e-6, atol=0)
        assert (np.diff(left, axis=0) < 1e-12).all() and len(figure.mean.get_xdata()) == 101
    assert np.allclose(left, 1) and "-1 of the gradient's part" in figure.alt
    figure.update(beta=.5, d=64)
    assert np.isclose(figure.mean.get_ydata()[-1], 50 * np.log10(1 - .75 / 64), atol=0)
    assert abs(np.log10((figure.data[1][-1]**2).mean()) / 2 - figure.mean.get_ydata()[-1]) < .1


def test_recall_draws_what_was_measured_and_the_best_matrix():
    figure = Recall(ERRORS, [8, 16, 32], d=16)
    lines = figure.fig.axes[0].lines
    assert "plain sum 0.90 and 3.2" in figure.alt and "the best matrix 0.00 and 0.5." in figure.alt
    assert [0., .9, 3.2] in [list(np.round(line.get_ydata(), 9)) for line in lines]
    assert [0., 0., .5] in [list(line.get_ydata()) for line in lines]


def test_sliders_reach_their_ends():
    assert live(DeltaRoad(), beta=(0., 2.), d=[2, 4, 16, 64]) is not None
    assert live(NewtonRounds(), gain=[.5, 1., 1.5, 2., 3.], rounds=(0, 40)) is not None
    shown = NewtonRounds()
    for gain, rounds in [(.5, 0), (3., 40)]:
        shown.update(gain=gain, rounds=rounds)
        assert shown.png() and len(shown.alt) > 40 and "nan" not in shown.alt


@pytest.mark.parametrize("make, words", [
    (lambda: NewtonRounds(gain=1.1), "gain is 1.1"), (lambda: NewtonRounds(rounds=41), "rounds 41"),
    (lambda: DeltaRoad(beta=2.1), "beta is 2.1"), (lambda: DeltaRoad(d=3), "d is 3"),
    (lambda: Recall({}, [1], 16), "measured holds"), (lambda: Recall(ERRORS, [1, 2], 16), "2 entries of pairs"),
    (lambda: LongMemory({}), "measured is empty"), (lambda: SameRuler({}), "curves holds 0")])
def test_refusals(make, words):
    with pytest.raises(ValueError, match=words):
        make()


@pytest.mark.parametrize("make", [
    partial(NewtonRounds), partial(NewtonRounds, gain=3., rounds=0), partial(NewtonRounds, gain=.5, rounds=40),
    partial(DeltaRoad), partial(DeltaRoad, beta=2., d=2), partial(DeltaRoad, beta=0., d=64),
    partial(Recall, ERRORS, [8, 16, 32], 16), partial(LongMemory, MEASURED), partial(SameRuler, CURVES)], ids=named)
def test_every_text_can_be_read(make):
    assert legible(make()) > 3


def test_no_curve_runs_through_a_word():
    figure = NewtonRounds()
    for values in [dict(gain=gain, rounds=rounds) for gain in NewtonRounds.GAINS for rounds in (0, 3, 6, 20, 40)]:
        figure.update(**values).png()
        box = figure.word.get_window_extent(figure.fig.canvas.get_renderer())
        x, y = figure.wrong.get_transform().transform(np.transpose(figure.wrong.get_data())).T
        beside = (x >= box.x0 - 5) & (x <= box.x1 + 5)
        assert beside.sum() > 5 and (y[beside] < box.y0 - 3).all(), values
