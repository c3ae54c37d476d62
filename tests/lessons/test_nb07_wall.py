"""The wall of Pascanu et al.: gradients against the complex step and BPTT, position, slope and growth."""

import re

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from course_lib import activations, bptt, cells, gradcheck, train
from course_lib.lessons.nb07_exploding import wall


def slow(point, T):
    """The definition, one step after the other, for complex numbers too."""
    x = wall.START
    for _ in range(T):
        x = point.w * activations.sigmoid(np.asarray(x)) + point.b
    return (activations.sigmoid(x) - wall.TARGET) ** 2


def by_bptt(w, b, T):
    """The same network in the course's convention: h_t = s(w h_{t-1} + b) with h_0 = s(x_0), so that x_T = a_T."""
    one = np.ones((1, 1))
    params = cells.RNNParams(0 * one, w * one, np.array([b]))
    run = bptt.forward(params, np.zeros((T, 1, 1)), wall.AT_START * one, activation="sigmoid")
    direct = np.zeros_like(run.h)
    direct[-1] = 2 * (run.h[-1] - wall.TARGET)
    grads = bptt.backward(run, direct).grads
    return (run.h[-1, 0, 0] - wall.TARGET) ** 2, grads.W_hh[0, 0], grads.b_h[0]


@settings(max_examples=60, deadline=None)
@given(w=st.floats(-7, 7), b=st.floats(-4, 4), T=st.integers(1, 60))
def test_gradients_are_those_of_the_complex_step(w, b, T):
    point = wall.Point(np.array(w), np.array(b))
    loss, grads, _ = wall.evaluate(point, T)
    exact = gradcheck.complex_step(lambda p: slow(p, T), point)
    assert np.isclose(loss, slow(point, T), rtol=1e-10, atol=0)
    for mine, theirs in zip(grads, exact):
        assert np.isclose(mine, theirs, rtol=1e-8, atol=0)


@pytest.mark.parametrize("w, b, T", [(5., -2.6123, 50), (5., -2.5, 50), (6., -2.2, 50), (4.2, -2.1, 80), (-3., 1., 7)])
def test_gradients_are_those_of_bptt(w, b, T):
    mine = wall.evaluate(wall.Point(np.array(w), np.array(b)), T)
    loss, dw, db = by_bptt(w, b, T)
    assert np.isclose(mine.loss, loss, rtol=1e-9, atol=0)
    assert np.allclose([mine.grads.w, mine.grads.b], [dw, db], rtol=1e-9, atol=0)


def test_a_grid_is_its_points_and_a_sweep_its_lengths():
    w, b = np.linspace(4, 7, 5)[:, None], np.linspace(-3.2, -1.8, 4)
    grid = wall.evaluate(wall.Point(w, b), 12)
    assert grid.loss.shape == grid.x.shape == grid.grads.w.shape == (5, 4)
    for i, j in np.ndindex(5, 4):
        one = wall.evaluate(wall.Point(w[i, 0], b[j]), 12)
        assert np.allclose([one.loss, *one.grads, one.x],
                           [part[i, j] for part in (grid.loss, *grid.grads, grid.x)], rtol=1e-12, atol=0)
    for t, step in enumerate(wall.sweep(wall.Point(w, b), 12), start=1):
        now, alone = step(), wall.evaluate(wall.Point(w, b), t)
        assert np.array_equal(now.loss, alone.loss) and np.array_equal(now.grads.w, alone.grads.w)
        assert np.array_equal(now.x, alone.x)
    assert t == 12


def test_precision_is_that_of_the_parameters():
    point = wall.Point(np.float32(5), np.float32(-2.5))
    assert wall.evaluate(point, 9).loss.dtype == np.float32


def test_position_and_growth():
    assert round(wall.position(5.), 4) == -2.6123
    slope = gradcheck.complex_step(activations.sigmoid, np.array(.5))
    assert wall.growth_at_start(5.) == pytest.approx(5 * slope, rel=1e-14, abs=0)
    assert round(wall.growth_at_start(5.), 3) == 1.175
    for w in (4.5, 5., 6.):  # x_0 is the fixed point: the trajectory stays
        assert wall.evaluate(wall.Point(np.array(w), np.array(wall.position(w))), 20).x == pytest.approx(.5, abs=1e-9)


@pytest.mark.parametrize("w", [4.5, 5., 6.])
def test_steepest_finds_the_wall_and_grows_at_its_rate(w):
    around = wall.position(w) - .4, wall.position(w) + .3
    at = {T: wall.steepest(w, T, *around) for T in (20, 60, 70)}
    assert (at[70].slope / at[60].slope) ** .1 == pytest.approx(wall.growth_at_start(w), rel=.02, abs=0)
    distances = [abs(found.b - wall.position(w)) for found in at.values()]
    assert distances[0] > 3 * distances[1] > 3 * distances[2]
    b = at[60].b + np.linspace(-1e-3, 1e-3, 4001)
    assert np.abs(wall.evaluate(wall.Point(np.array(w), b), 60).grads.b).max() <= at[60].slope * (1 + 1e-9)


def test_numbers_of_the_lesson():
    slopes = [wall.steepest(5., T).slope for T in (10, 20, 30, 50)]
    assert np.allclose(slopes, [4.809, 36.78, 214.5, 5751], rtol=1e-3, atol=0)
    w, b = np.meshgrid(np.linspace(4, 7, 400), np.linspace(-3.2, -1.8, 400))
    norm = np.hypot(*wall.evaluate(wall.Point(w, b)).grads)
    assert .055 < np.median(norm) < .065 and norm.max() > 400


def test_at_a_bifurcation_alone_the_slope_grows_as_a_power():
    slopes = [wall.steepest(4.2, T).slope for T in (200, 400, 800)]  # no wall at w = 4.2, but two folds
    assert 5 < slopes[1] / slopes[0] < 8 and 5 < slopes[2] / slopes[1] < 8


def test_the_trainer_takes_it():
    start = wall.Point(np.array([6., 4.5]), np.array([-2.2, -2.]))
    together = train.train(start, wall.objective(), lambda: (), updates=60, optimiser=train.SGD(.3), progress=False)
    for i in range(2):
        alone = train.train(wall.Point(*(np.array(part[i]) for part in start)), wall.objective(50), lambda: (),
                            updates=60, optimiser=train.SGD(.3), progress=False)
        assert np.allclose(together.history.loss[:, i], alone.history.loss, rtol=1e-12, atol=0)
        assert np.isclose(together.params.w[i], alone.params.w, rtol=1e-12, atol=0)


def test_the_run_into_the_wall():
    start = wall.Point(np.array(6.), np.array(-2.2))
    result = train.train(start, wall.objective(), lambda: (), updates=600, optimiser=train.SGD(.3), progress=False)
    at = result.history.grad_norm.argmax()
    assert at == 81 and 6500 < result.history.grad_norm[at] < 6560
    assert 1030 < result.params.w < 1050 and 1650 < result.params.b < 1670
    assert np.allclose(result.history.loss[at + 1:], .09, rtol=1e-12, atol=0)
    clipped = train.train(start, wall.objective(), lambda: (), updates=600, optimiser=train.SGD(.3), clip_norm=.3,
                          progress=False)
    assert clipped.history.loss[-1] < 1e-3


@pytest.mark.parametrize("call, error, words", [
    (lambda: wall.evaluate((5., -2.)), TypeError, "point is tuple, needs wall.Point(w, b)"),
    (lambda: wall.evaluate(wall.Point(np.array(5), np.array(-2.))), TypeError, "w has dtype int64, needs floating"),
    (lambda: wall.evaluate(wall.Point(np.nan, -2.)), ValueError, "w is not finite"),
    (lambda: wall.evaluate(wall.Point(np.ones(3), np.ones(4))), ValueError, "they do not broadcast"),
    (lambda: wall.evaluate(wall.Point(5., -2.), 0), ValueError, "T is 0, needs to be at least 1"),
    (lambda: wall.sweep(wall.Point(5., -2.), 1.5), TypeError, "T is 1.5"),
    (lambda: wall.objective(0), ValueError, "T is 0"),
    (lambda: wall.position(4.2), ValueError, "above 1 / s'(x_0) = 4.255"),
    (lambda: wall.steepest(5., 9, -1., -2.), ValueError, "low is -1, needs to be below high, -2"),
    (lambda: wall.steepest("5", 9), TypeError, "w is '5'"),
])
def test_bad_input_is_named(call, error, words):
    with pytest.raises(error, match=re.escape(words)):
        call()


@pytest.mark.parametrize("w, T", [(4., 10), (4.2, 80), (5., 20), (5., 80), (5.9, 60), (7., 30)])
def test_curvature_is_the_complex_step_of_the_gradient(w, T):
    b = np.r_[np.linspace(-3.2, -1.8, 15), wall.most_curved(w, T).b]
    nudged = wall.evaluate(wall.Point(np.array(w + 0j), b + 1e-30j), T).grads.b.imag / 1e-30
    assert np.allclose(wall.curvature(wall.Point(np.array(w), b), T) / nudged, 1, rtol=0, atol=1e-7)


@pytest.mark.parametrize("w, T", [(4., 10), (4.2, 80), (5., 20), (5.9, 40), (7., 30)])
def test_most_curved_is_what_a_patient_search_finds(w, T):
    found, low, high = wall.most_curved(w, T), *wall.PLANE.b
    largest = 0.
    while high - low > 1e-12:
        b = np.linspace(low, high, 4001)
        size = np.abs(wall.curvature(wall.Point(np.array(w), b), T))
        best, largest = size.argmax(), max(largest, size.max())
        low, high = b[max(0, best - 400)], b[min(4000, best + 400)]
    assert found.curvature == pytest.approx(largest, rel=1e-3, abs=0)


def test_curvature_explodes_as_the_square_of_the_slope():
    for w in (5., 5.9):
        growth = (wall.most_curved(w, 80).curvature / wall.most_curved(w, 60).curvature) ** .05
        assert growth == pytest.approx(wall.growth_at_start(w) ** 2, rel=1e-3, abs=0)
    with pytest.raises(ValueError, match="T is 0"):
        wall.curvature(wall.Point(np.array(5.), np.array(-2.)), 0)
