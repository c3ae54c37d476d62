"""The figures of lesson 05: what is drawn, against oracles of another kind; what is said, from the data."""

import re
from functools import cache

import numpy as np
import pytest

from course_lib import bptt, initialise, jacobians
from course_lib.lessons.nb05_singular_values.exponents import largest_exponent
from course_lib.lessons.nb05_singular_values.figures import (CriticalGain, Ellipse, SingularValues, TransientGrowth,
                                                             departure_from_normality)
from course_lib.lessons.nb05_singular_values.one_line import OneLine
from course_lib.screen.live import live
from legible import legible


@cache
def small():
    return CriticalGain(hidden=32, T=60, draws=2)


@cache
def long():
    return SingularValues()


def numbers(pattern, text):
    """The numbers that stand where the pattern has #."""
    number = r"(-?\d+\.?\d*(?:e[+-]?\d+)?)"
    return [float(found) for found in re.search(re.escape(pattern).replace(r"\#", number), text).groups()]


# Ellipse -----------------------------------------------------------------------------------------------

SHAPES = [dict(), dict(k=12, turn=0., stretch=.9, shear=2.), dict(k=0), dict(k=5, turn=90., stretch=.5, shear=0.),
          dict(k=12, turn=10., stretch=1.5, shear=2.)]


def matrix(turn, stretch, shear, **_):
    angle = np.pi * turn / 180
    turned = np.exp(1j * angle) * np.array([stretch, shear + .8j])  # the plane as complex numbers
    return np.stack([turned.real, turned.imag])


@pytest.mark.parametrize("values", SHAPES)
def test_the_ellipse_is_the_image_of_the_circle(values):
    figure = Ellipse().update(**values)
    v = figure.values
    power = np.linalg.matrix_power(matrix(**v), v["k"])
    drawn, circle = np.array(figure.ellipse.get_data()), np.array(figure.circle.get_data())
    assert np.allclose(np.linalg.norm(circle, axis=0), 1, rtol=1e-12, atol=0)
    assert np.allclose(drawn, power @ circle, rtol=0, atol=1e-9 * np.abs(drawn).max())
    angles = np.linspace(0, np.pi, 100_001)
    reach = np.linalg.norm(power @ [np.cos(angles), np.sin(angles)], axis=0)
    halves = [np.hypot(*np.array(line.get_data())[:, 1]) for line in figure.axes]
    area = (.8 * v["stretch"]) ** v["k"]
    assert np.allclose(halves, [reach.max(), area / reach.max()], rtol=1e-6, atol=0)
    for dots, axis in zip(figure.sources, figure.axes):  # each dot goes to the end of its axis
        source, end = (np.array(line.get_data())[:, 1] for line in (dots, axis))
        assert np.hypot(*source) == pytest.approx(1) and np.allclose(power @ source, end, atol=1e-9 * reach.max())
    low, high = figure.plane.get_xlim()
    assert low == -high and figure.plane.get_ylim() == (low, high)
    assert figure.beyond.get_text().startswith("↗") == (reach.max() > high)


@pytest.mark.parametrize("values", SHAPES)
def test_all_powers_are_drawn(values):
    figure = Ellipse(**values)
    W = matrix(**figure.values)
    for j in range(13):
        gram = np.linalg.matrix_power(W, j).T @ np.linalg.matrix_power(W, j)
        largest = np.sqrt((np.trace(gram) + np.sqrt(max(0, np.trace(gram)**2 - 4 * np.linalg.det(gram)))) / 2)
        first, second = (10 ** line.get_ydata()[j] for line in figure.sizes)
        assert first == pytest.approx(largest, rel=1e-6, abs=0) and first * second == pytest.approx(
            abs(np.linalg.det(W)) ** j, rel=1e-6, abs=0)
        radius = 10 ** figure.radius.get_ydata()[j]
        assert radius == pytest.approx(np.abs(np.linalg.eigvals(W)).max() ** j, rel=1e-6, abs=0)
        assert radius <= first * 1.0001
    half = figure.powers.get_ylim()[1]
    for line, name in zip((*figure.sizes, figure.radius), figure.names):
        assert (name.get_text()[0] in "↑↓") == (abs(line.get_ydata()[-1]) > half)
    k = figure.values["k"]
    assert [ring.get_ydata()[0] for ring in figure.here] == [line.get_ydata()[k] for line in figure.sizes]
    first, second = numbers("half axes # and #, its", figure.alt)
    assert np.allclose([first, second], figure.data.stretch[k], rtol=6e-3, atol=0)


def test_ellipse_refuses_other_powers():
    with pytest.raises(ValueError, match="k is 13, needs to be 0 to 12"):
        Ellipse(k=13)


# Transient growth --------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [Ellipse, TransientGrowth, SingularValues])
def test_names_that_move_are_no_formulas_which_take_ten_times_as_long(kind):
    assert not [name.get_text() for name in kind().names if "$" in name.get_text()]


def test_departure_from_normality():
    rng = np.random.default_rng(0)
    assert departure_from_normality(np.diag([3.0, 1])) == 0
    assert departure_from_normality(np.array([[0.9, 10], [0, 0.9]])) == pytest.approx(10)
    assert departure_from_normality(np.linalg.qr(rng.normal(size=(7, 7)))[0]) < 1e-6
    W = initialise.non_normal((3, 20, 20), rng, gain=0.8, non_normality=1.0)
    direct = np.sqrt((np.linalg.svd(W, compute_uv=False) ** 2).sum(-1) - 20 * 0.64)  # all eigenvalues have modulus .8
    assert np.allclose(departure_from_normality(W), direct, rtol=1e-9, atol=0)


@pytest.mark.parametrize("rho, strength", [(.9, 2.), (.8, 0.), (1., 0.), (1., 3.), (.95, .5)])
def test_norms_of_powers(rho, strength):
    figure = TransientGrowth().update(rho=rho, non_normality=strength)
    W = initialise.non_normal((32, 32), np.random.default_rng(0), rho, strength)
    assert np.allclose(np.abs(np.linalg.eigvals(W)), rho, rtol=2e-2, atol=0)  # ill-conditioned where it is not normal
    curve, low, high = (line.get_ydata() for line in (figure.norm, figure.low, figure.high))
    norms = 10**curve
    for k in (0, 1, 2, 15, 77, 200):
        power = np.linalg.matrix_power(W, k)
        norm = np.log10(np.sqrt(np.linalg.eigvalsh(power.T @ power)[-1]))
        # A rounding error at step j is carried on by what comes after it: relative to |W^k|, the sum over all steps.
        carried = (norms[:k] * norms[:k][::-1]).sum() * norms[1] / norms[k]
        assert abs(curve[k] - norm) <= 32 * np.finfo(float).eps * carried
        assert low[k] == pytest.approx(k * np.log10(rho), rel=1e-6, abs=0)
        assert low[k] - 1e-9 <= curve[k] <= high[k] + 1e-9
    assert high[1] == pytest.approx(np.log10(jacobians.largest_singular_value(W)), rel=1e-6, abs=0)
    bottom, top = figure.ax.get_ylim()
    assert curve.max() <= top
    for line, name in zip((high, curve, low), figure.names):
        assert (name.get_text()[0] in "↑↓") == (not bottom <= line[-1] <= top)
    (top,), (height,) = figure.peak.get_data()
    assert height == curve[top] == pytest.approx(curve.max(), abs=1e-9)
    if strength:
        size, k = numbers("rises to # at k = #", figure.alt)
        assert size == pytest.approx(10 ** curve.max(), rel=6e-3, abs=0) and k == top == curve.argmax()
    else:
        assert top == 0 and "departure from normality 0.0:" in figure.alt
        assert "never rises above 1" in figure.alt and np.allclose(curve, low, atol=1e-9)


# Singular values of long products ----------------------------------------------------------------------


@pytest.mark.long(but_every=3)
@pytest.mark.parametrize("T", SingularValues.LENGTHS)
@pytest.mark.parametrize("precision", SingularValues.PRECISIONS)
def test_right_and_naive_singular_values(T, precision):
    figure = long().update(T=T, precision=precision)
    right = np.array([line.get_ydata() for line in figure.rights]).T
    steps = figure.rights[0].get_xdata()
    assert steps[-1] == T and figure.ax.get_xlim() == (0, T)
    for t, exact in zip(figure.shipped.times, figure.shipped.log_singular_values):
        if t <= T and t != 500:
            assert np.abs(right[list(steps).index(t)] - exact).max() < 1e-10
    x, y = figure.truth.get_data()
    assert set(x) == {t for t in figure.shipped.times if t <= T} and y.min() >= figure.ax.get_ylim()[0]
    for t in range(2, min(T, 8)):  # while the product is short both agree, to what rounding its largest value leaves
        exact = jacobians.log_singular_values(figure.shipped.js[:t])
        naive = np.array([line.get_ydata()[t - 1] for line in figure.naives])
        assert (np.abs(naive - exact) < 1e-5 + np.finfo(precision).eps * np.exp(exact[0] - exact)).all()
    low, high = numbers("go from # to #. ", figure.alt)
    assert (low, high) == pytest.approx((right[-1, 0], right[-1, -1]), abs=.06)


def test_what_is_lost_is_said():
    assert "3 of 8 are right to 1 nat" in long().update(T=100, precision="float64").alt
    assert "off by 1" in long().names[1].get_text()
    assert long().data.worst > 100
    lost = long().update(T=1000, precision="float32")
    assert "8 of 8 singular values are exactly 0" in lost.alt and "all 0 by now" in lost.names[1].get_text()


def test_singular_values_refuse_the_unknown():
    with pytest.raises(ValueError, match="T needs to be one of"):
        SingularValues(T=7)
    with pytest.raises(ValueError, match="precision 'float16'"):
        long().update(precision="float16")


# The critical gain -------------------------------------------------------------------------------------


@pytest.mark.parametrize("gain, drive", [(1.5, 0.), (.5, 1.), (3., 2.), (1.77, .5)])
def test_exponents_by_gain(gain, drive):
    figure = small().update(gain=gain, drive=drive)
    d = figure.DRIVES.index(drive)
    each = [[largest_exponent(g, seed, 32, 60, 15, drive) for g in figure.GAINS] for seed in range(2)]
    assert np.array_equal(figure.table[d], each)
    assert np.allclose(figure.mean.get_ydata(), np.mean(each, axis=0), rtol=1e-12, atol=0)
    assert sorted(figure.dots.get_ydata()) == sorted(np.ravel(each))
    assert figure.here.get_data() == ([gain], [np.interp(gain, figure.GAINS, np.mean(each, axis=0))])
    assert figure.still.get_visible() == (drive > 0)
    rate = figure.data.here
    assert f"× {np.exp(rate):.2f} a step" in figure.names[0].get_text()
    course = "hardly changes" if abs(rate) < .02 else "grows" if rate > 0 else "shrinks"
    mean = np.mean(each, axis=0)
    assert f"clearly negative up to gain {np.array(figure.GAINS)[mean < -.02][-1]:g}," in figure.alt
    assert f", positive from gain {np.array(figure.GAINS)[mean > .02][0]:g}." in figure.alt
    low, high = figure.mean.axes.get_ylim()  # the border, 0 to .05, is not lost between them
    assert low < mean.min() and mean.max() < high and .05 > (.025 if drive else .04) * (high - low)
    assert figure.alt.endswith(f"At gain {gain:g} the gradient {course}.")


def test_critical_gain_refuses_what_was_not_measured():
    with pytest.raises(ValueError, match="gain is 4.0 and drive 0.0; gain needs to be 0.5 to 3.0"):
        small().update(gain=4., drive=0.)
    with pytest.raises(ValueError, match="drive .3; gain needs|drive 0.3; gain needs"):
        small().update(gain=1., drive=.3)


# All of them -------------------------------------------------------------------------------------------

EVERY = [*(lambda v=v: Ellipse(**v) for v in SHAPES), TransientGrowth,
         lambda: TransientGrowth(rho=.8, non_normality=0.),
         lambda: TransientGrowth(rho=1., non_normality=3.), lambda: TransientGrowth(rho=1., non_normality=0.),
         *(lambda T=T, p=p: long().update(T=T, precision=p) for T in SingularValues.LENGTHS
           for p in SingularValues.PRECISIONS),
         *(lambda g=g, d=d: small().update(gain=g, drive=d) for g in (.5, 1.5, 3.) for d in (0., 2.))]


@pytest.mark.long(but_every=5)
@pytest.mark.parametrize("make", EVERY)
def test_no_text_is_cut_or_covers_another(make):
    assert legible(make()) > 5


@pytest.mark.parametrize("make, ranges", [
    (Ellipse, dict(k=(0, 12), turn=(0., 90., 5.), stretch=(.5, 1.5), shear=(0., 2.))),
    (TransientGrowth, dict(rho=(.8, 1.), non_normality=(0., 3.))),
    (lambda: long().update(T=100, precision="float64"), dict(T=[20, 100, 300, 1000], precision=["float64", "float32"])),
    (lambda: small().update(gain=1.5, drive=0.), dict(gain=(.5, 3.), drive=[0., .5, 1., 2.]))])
def test_sliders_move_it(make, ranges):
    figure = make()
    widget, before = live(figure, **ranges), figure.alt
    for end in (0, -1) if isinstance(figure, (SingularValues, CriticalGain)) else (0, 1):
        for name, control in widget.controls.items():
            control.value = ranges[name][end]
            assert figure.values[name] == control.value
        assert figure.alt != before
        before = figure.alt
    assert f'alt="{figure.alt[:20]}' in widget._repr_mimebundle_()["text/html"]


# OneLine -----------------------------------------------------------------------------------------------

@cache
def line():
    return OneLine()


def network_of_three(gain, seed, steps):
    """The product of the last steps' Jacobians of the figure's network, formed in whole."""
    rng = np.random.default_rng(seed)
    run = bptt.forward(initialise.rnn(1, 3, rng, "gaussian", gain), rng.normal(size=(150, 1, 1)))
    return np.linalg.multi_dot([np.eye(3), *jacobians.step_jacobians(run)[:-steps - 1:-1, 0]]) if steps else np.eye(3)


@pytest.mark.parametrize("distance, gain, network", [(0, 1., 1), (1, .5, 4), (7, 1.5, 2), (40, 1., 0)])
def test_the_sphere_has_the_gradients_sent_back(distance, gain, network):
    figure = line().update(distance=distance, gain=gain, network=network)
    v = np.random.default_rng(3).normal(size=(120, 3)) @ network_of_three(gain, network, distance)
    v /= np.linalg.norm(v, axis=1, keepdims=True)
    assert np.allclose(figure.data.vectors, v, rtol=0, atol=1e-9)
    drawn = np.concatenate([np.stack(dots.get_data(), axis=1) for dots in (figure.front, figure.behind)])
    turned = v @ figure.VIEW.T
    assert np.allclose(sorted(map(tuple, drawn)), sorted(map(tuple, turned[:, :2])), rtol=0, atol=1e-9)
    assert len(figure.front.get_xdata()) == (turned[:, 2] >= 0).sum()
    assert np.allclose(figure.VIEW @ figure.VIEW.T, np.eye(3), rtol=0, atol=1e-12)


@pytest.mark.parametrize("distance, network", [(2, 0), (8, 1), (30, 3)])
def test_the_line_is_where_most_is_sent(distance, network):
    figure = line().update(distance=distance, gain=1., network=network)
    squares, vectors = np.linalg.eigh(network_of_three(1., network, distance).T
                                      @ network_of_three(1., network, distance))
    assert abs(figure.data.line @ vectors[:, -1]) == pytest.approx(1, abs=1e-9)
    if distance < 10:  # further back the formed product has lost sigma_2
        assert figure.data.ratio == pytest.approx(np.sqrt(squares[1] / squares[2]), rel=1e-6, abs=0)
    assert np.isnan(line().update(distance=0).data.line).all()


def test_what_agrees_is_said_and_drawn():
    figure = line().update(distance=25, gain=1., network=2)
    v = figure.data.vectors
    own, three, eight, most, huge = numbers("between two of them is #. Over five networks of each size it is # with 3, # "
                                            "with 8, # with 32, # with 128 units", figure.alt)
    assert own == pytest.approx(np.median(np.abs(np.einsum("ni,ni->n", v[::2], v[1::2]))), abs=.006)
    assert own > .99 and three >= eight > most > huge
    for dot, name, value in zip(figure.dots, figure.names, (three, eight, most, huge)):
        assert dot.get_xdata()[0] == 25 and dot.get_ydata()[0] == pytest.approx(value, abs=.006)
        assert name.get_text().endswith(f"{value:.2f}")
    assert f"{own:.2f}" in figure.own.get_text()


@pytest.mark.parametrize("values, match", [
    ({"distance": 101}, "distance is 101, needs to be 0 to 100"), ({"distance": -1}, "needs to be 0 to 100"),
    ({"gain": 2.}, "gain is 2.0, needs one of 0.5, 1.0, 1.5"), ({"network": 5}, "needs one of 0, 1, 2, 3, 4")])
def test_one_line_says_what_it_needs(values, match):
    with pytest.raises(ValueError, match=match):
        line().update(**values)


@pytest.mark.parametrize("values", [{}, {"distance": 40}, {"distance": 100, "gain": 1.5, "network": 0}])
def test_one_line_is_legible(values):
    assert legible(line().update(**{"distance": 0, "gain": 1., "network": 1, **values})) > 8


@pytest.mark.parametrize("turn, real", [(0., True), (30., True), (60., False), (90., False)])
def test_the_dotted_lines_of_the_plane_are_kept_by_the_matrix_and_go_where_there_are_none(turn, real):
    figure = Ellipse(turn=turn)
    for line in figure.kept:
        assert len(line.get_xdata()) == 2 * real
        if real:
            direction = np.diff(line.get_xydata(), axis=0)[0]
            image = figure.data.power @ direction
            assert abs(image[0] * direction[1] - image[1] * direction[0]) < 1e-9 * (direction @ direction)
    assert figure.real.get_text() == ("dotted: along eigenvectors of W" if real else "")
    assert f"has {'real' if real else 'complex'} eigenvectors" in figure.alt
