"""The figures of lesson 07: what is drawn, against oracles of another kind; what is said, from the data."""

import html
import re

import numpy as np
import pytest

from course_lib import activations, gradcheck, jacobians, train
from course_lib.lessons.nb07_exploding import dynamics, relief, signs, wall
from course_lib.lessons.nb07_exploding.figures import Cobweb, IntoTheWall, Latch, Logs, Twins, Wall
from course_lib.lessons.nb07_exploding.four_runs import four_runs
from course_lib.screen.live import live
from legible import legible

NUMBER = r"-?\d+\.?\d*(?:e[+-]?\d+)?"


@pytest.fixture(scope="module")
def the_wall():
    return Wall()


@pytest.fixture(scope="module")
def into():
    start = wall.Point(np.array(6.), np.array(-2.2))
    result = train.train(start, wall.objective(), lambda: (), updates=120, optimiser=train.SGD(.3), progress=False,
                         evaluate=np.array, evaluate_every=1)
    return IntoTheWall(result, wall.Point(*np.vstack([start, result.history.evaluation]).T))


@pytest.fixture(scope="module")
def runs():
    return four_runs()


def error(w, b, T):
    x = .5
    for _ in range(T):
        x = w / (1 + np.exp(-x)) + b
    return (1 / (1 + np.exp(-x)) - .7) ** 2


# Wall --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("T", [10, 33, 80])
def test_the_relief_is_the_error_of_its_points(the_wall, T):
    x, y = the_wall.update(T=T, w=5.).data.surface
    w, b = 7 - np.arange(37)[:, None] / 12, -3.2 + .01 * np.arange(141)
    x, y = x.reshape(37, 142), y.reshape(37, 142)
    assert np.isnan(x[:, -1]).all() and np.isnan(y[:, -1]).all()  # between two profiles
    assert np.allclose(x[:, :-1], (b + 3.2) / 1.4 + 9 / 35 * (7 - w) / 3, rtol=0, atol=1e-9)
    assert np.allclose(y[:, :-1], .62 * (7 - w) / 3 + 1.24 * error(w, b, T), rtol=0, atol=1e-6)


@pytest.mark.parametrize("T, w", [(50, 5.), (10, 4.5), (80, 7.), (30, 4.)])
def test_the_cut(the_wall, T, w):
    figure = the_wall.update(T=T, w=w)
    b, values = figure.error.get_data()
    assert np.allclose(values, error(w, b, T), rtol=1e-9, atol=1e-12) and b[0] == -3.2 and b[-1] == -1.8
    x, y = figure.cut.get_data()
    assert np.allclose(x, (b + 3.2) / 1.4 + 9 / 35 * (7 - w) / 3, rtol=0, atol=1e-9)
    assert np.allclose(y, .62 * (7 - w) / 3 + 1.24 * values, rtol=0, atol=1e-9)
    for line, exact in ((figure.slope, [wall_error(w, each + 1e-30j, T).imag / 1e-30 for each in b[::40]]),
                        (figure.curvature, wall.evaluate(wall.Point(np.array(w + 0j), b[::40] + 1e-30j), T)
                         .grads.b.imag / 1e-30)):
        assert np.allclose(line.get_ydata()[::40], np.log10(np.abs(exact)), rtol=0, atol=1e-6)
    assert [mark.get_ydata()[0] for mark in figure.tops] == pytest.approx(
        np.log10([figure.data.steepest.slope, figure.data.curved.curvature]), rel=1e-12, abs=0)
    assert f"largest curvature {figure.data.curved.curvature:.3g}" in figure.alt
    steepest = abs(gradcheck.complex_step(
        lambda b: wall_error(w, b, T), np.array(figure.data.steepest.b)))
    assert steepest == pytest.approx(figure.data.steepest.slope, rel=1e-6, abs=0)
    assert f"steepest slope is {figure.data.steepest.slope:.3g}, at b = {figure.data.steepest.b:.4f}" in figure.alt


def wall_error(w, b, T):
    x = .5
    for _ in range(T):
        x = w * activations.sigmoid(np.asarray(x)) + b
    return (activations.sigmoid(x) - .7) ** 2


def test_it_says_where_the_wall_is_and_where_there_is_none(the_wall):
    figure = the_wall.update(T=50, w=5.)
    assert "b = -2.6123, × 1.175 a step" in figure.words.get_text() and "The wall is at b = -2.6123" in figure.alt
    assert figure.line.get_xdata() == [wall.position(5.)] * 2
    figure.update(w=4.1)
    assert "no exponential wall: the map's slope at x₀ is 0.964\n" in figure.words.get_text()
    assert "no wall that grows exponentially" in figure.alt
    assert figure.words.get_window_extent().x1 < figure.fig.axes[1].get_window_extent().x0 - 40  # left of its numbers
    assert len(figure.line.get_xdata()) == 0
    assert "largest slope 5.5," in figure.update(w=4.).words.get_text()
    assert "the wall is outside" in figure.update(w=6.5).words.get_text()


@pytest.mark.parametrize("T", [9, 81, 10.5])
def test_lengths_without_a_picture_are_refused(the_wall, T):
    with pytest.raises((TypeError, ValueError), match="needs to be 10 to 80" if T % 1 == 0 else "needs a whole number"):
        the_wall.update(T=T)


# IntoTheWall -------------------------------------------------------------------------------------------


def test_the_run_into_the_wall_in_words(into):
    assert into.inside == 81 == into.result.history.grad_norm.argmax()
    assert "at update 81 it meets a gradient of length 6531 and lands at w = 1040, b = 1661" in into.alt
    w, b = into.path.w[:82], into.path.b[:82]
    above = b > [wall.position(each) for each in w]
    assert np.count_nonzero(np.diff(above)) >= 6 and "hops across" in into.alt


def test_a_path_ends_where_it_leaves_the_relief(into):
    x, y = relief.trace(into.path)
    assert len(x) == 82 and np.allclose(x[[0, -1]], relief.project(into.path.w, into.path.b, 0.)[0][[0, 81]], atol=0)
    assert np.allclose(y - relief.project(into.path.w, into.path.b, 0.)[1][:82],
                       1.24 * into.result.history.loss[:82], atol=0)
    assert len(relief.trace(wall.Point(np.array([9.]), np.array([0.])))[0]) == 0


# Cobweb ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("w, b", [(.5, 0.), (2., 0.), (2., .3), (2., .6), (-2., .3), (3., -1.), (1., 0.), (1.01, 0.),
                                  (-3., 1.), (0., .5), (2., .532), (2., -.532), (5., 3.02), (1.2, .05),
                                  (1.5, .05), (3., 1.), (1., .2)])
def test_fixed_points_are_all_that_a_fine_search_finds(w, b):
    found = dynamics.fixed_points(w, b)
    assert np.allclose(np.tanh(w * found + b), found, atol=1e-9)
    h = np.linspace(-1, 1, 200_000)  # an even number: 0 is between two of them
    changes = np.flatnonzero(np.diff(np.sign(np.tanh(w * h + b) - h)))
    assert len(changes) == len(found) and np.allclose(h[changes], found, atol=2e-5)


@pytest.mark.parametrize("w, b, h0", [(2., 0., .1), (-2., .2, .5), (.5, -.4, -1.), (3., 1., 1.), (-3., -1., 0.)])
def test_the_orbit_and_its_web(w, b, h0):
    figure = Cobweb(w=w, b=b, h0=h0)
    h = [h0]
    for _ in range(40):
        h.append(np.tanh(w * h[-1] + b))
    assert np.allclose(figure.data.h, h, atol=0)
    x, y = figure.web.get_data()
    assert np.allclose(x, np.repeat(h, 2)[:-1], atol=0)
    assert np.allclose(y[1::2], h[1:], atol=0) and np.allclose(y[2::2], h[1:], atol=0)
    for fixed, slope in zip(figure.data.fixed, figure.data.slopes):
        by_complex_step = gradcheck.complex_step(lambda h: np.tanh(w * h + b), np.array(fixed))
        assert by_complex_step == pytest.approx(slope, rel=1e-9, abs=0)
        assert f"{fixed:.3f} with slope {slope:.3f} ({'stable' if abs(slope) < 1 else 'unstable'})" in figure.alt


def test_the_branches_are_fixed_points_and_the_cycle_is_one():
    figure = Cobweb(w=2., b=.2)
    for line, stable in ((figure.stable, True), (figure.unstable, False)):
        w, h = line.get_data()
        w, h = w[np.isfinite(w)], h[np.isfinite(w)]
        assert len(w) > 20 and np.allclose(np.tanh(w * h + .2), h, atol=1e-9)
        assert ((np.abs(w * (1 - h * h)) < 1) == stable).all()
    w, (high, low) = dynamics.CYCLE_W, (line.get_ydata() for line in figure.cycles[::-1])
    there = np.isfinite(high)
    assert there[0] and not there[-1] and (high[there] > low[there]).all()
    assert np.allclose(np.tanh(w * high + .2)[there], low[there], atol=1e-6)
    assert "in turn" in Cobweb(w=-2.).alt and "in turn" not in figure.alt


# Latch -------------------------------------------------------------------------------------------------


def test_bits_and_gradients_are_those_of_a_slow_loop():
    figure = Latch(noise=.2)
    for i in (0, 5, 25):
        w, kept, logs = figure.w[i], 0, []
        for trial in range(figure.trials):
            first = h = .5 if trial % 2 else -.5
            log = 0
            for noise in figure.noise[:, trial, 0]:
                a = w * h + .2 * noise
                h, log = np.tanh(a), log + np.log10(w / np.cosh(a) ** 2)
            kept += h * first > 0
            logs.append(log)
        assert figure.data.share[i] == pytest.approx(100 * kept / figure.trials, rel=1e-6, abs=0)
        assert figure.data.gradient[i] == pytest.approx(np.median(logs), rel=1e-6, abs=0)


def test_who_keeps_has_no_gradient():
    figure = Latch()
    assert figure.data.share[-1] == 100 and figure.data.gradient[-1] < -100
    assert figure.data.share[5] < 60 and figure.data.gradient[5] > -12
    numbers = [float(number) for number in re.findall(NUMBER, figure.alt)]
    for value in (figure.data.share[5], figure.data.gradient[5], figure.data.gradient[-1]):
        assert float(f"{value:.0f}") in numbers
    before = figure.share.get_ydata().copy()
    assert not np.array_equal(before, figure.update(noise=.5).share.get_ydata())


# Twins -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("gain", [.5, 1.5, 3.])
def test_distance_and_gradient_follow_the_product_of_jacobians(gain):
    figure = Twins(gain=gain)
    states, distance, gradient = figure.data
    assert states.shape == (2, 151) and distance[0] == pytest.approx(0, abs=1e-6) and abs(gradient[0]) < 1e-12
    h = figure.start[0]
    for _ in range(figure.before):
        h = np.tanh(gain * figure.W @ h)
    js, change = [], figure.nudge
    for _ in range(figure.T):
        h = np.tanh(gain * figure.W @ h)
        js.append((1 - h**2)[:, None] * (gain * figure.W))
    back = jacobians.log_gradient_norms(np.array(js), figure.read)[::-1] / np.log(10)
    for t in range(30):
        change = js[t] @ change
    if gain < 3:  # chaos doubles rounding errors, too
        assert np.allclose(gradient, back, atol=1e-3)
    assert distance[30] == pytest.approx(np.log10(np.linalg.norm(change)), abs=.01)
    assert (gradient[-1] > 0) == (gain > 1) and f"gain {gain:g}" in figure.alt


# Logs --------------------------------------------------------------------------------------------------


def test_the_four_logs_are_what_the_exercise_says(runs):
    loud = {name: set(signs.shown_by(run).present) for name, run in runs.items()}
    assert not loud["A"] and not loud["D"] and "oscillating loss" in loud["B"] and "gradient spike" in loud["C"]
    assert runs["A"].history.loss[-50:].mean() > .6 and runs["D"].history.loss[-50:].mean() < .05
    alt = Logs(runs).alt
    assert re.search(r"C: .* at most\. D:", alt) and "10000 at most" in alt.split("C: ")[1].split("D: ")[0]


# All of them -------------------------------------------------------------------------------------------


def every(the_wall, into, runs):
    yield the_wall.update(T=50, w=5.)
    yield into
    yield Cobweb()
    yield Cobweb(w=3., b=.1)
    yield Latch()
    yield Twins()
    yield Logs(runs)


def test_no_text_is_cut_or_covers_another(the_wall, into, runs):
    for figure in every(the_wall, into, runs):
        assert legible(figure) > 5


@pytest.mark.parametrize("make, ranges", [
    (lambda: None, dict(T=(10, 80), w=(4., 7.))),
    (Cobweb, dict(w=(-3., 3.), b=(-1., 1.), h0=(-1., 1.))),
    (Latch, dict(noise=(0., .5))),
    (Twins, dict(gain=(.5, 3.)))])
def test_sliders_move_it_to_both_ends(make, ranges, the_wall):
    figure = make() or the_wall.update(T=50, w=5.)
    widget, before = live(figure, **ranges), figure.alt
    for end in (0, 1):
        for name, control in widget.controls.items():
            control.value = ranges[name][end]
        assert figure.alt != before and not widget._message.value
        assert figure.values == {name: ranges[name][end] for name in ranges}
        before = figure.alt
    assert f'alt="{html.escape(figure.alt)[:20]}' in widget._repr_mimebundle_()["text/html"]
