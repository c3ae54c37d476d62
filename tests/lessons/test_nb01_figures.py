"""The figures of lesson 01: what they draw and say is compared with closed forms and complex steps."""
import math
import re

import numpy as np
import pytest

from course_lib import gradcheck
from course_lib.lessons.nb01_gradients.figures import LANDSCAPES, Chain, Descent, StepSizes, Tangent, Valley
from course_lib.lessons.nb01_gradients.graph import Graph
from legible import legible

EVERY = [Tangent, Chain, Graph, Descent, lambda: Descent("neuron"), Valley, StepSizes]
NAMES = ["Tangent", "Chain", "Graph", "parabola", "neuron", "Valley", "StepSizes"]
every_figure = pytest.mark.parametrize("make", EVERY, ids=NAMES)


def points(line):
    """What a line shows."""
    return np.array(line.get_xydata()).T


def slope_of(line):
    x, y = points(line)
    return (y[-1] - y[0]) / (x[-1] - x[0])


def numbers(text):
    return [float(number) for number in re.findall(r"-?\d+\.?\d*(?:e[-+]?\d+)?", text)]


def close(got, need, rtol=1e-9):
    np.testing.assert_allclose(got, need, rtol=rtol, atol=0)


# Every figure -----------------------------------------------------------------------------------------------


@every_figure
def test_figures_show_and_say_something(make):
    figure = make()
    assert len(figure.alt) > 60 and figure.alt.endswith(".")
    assert figure.png().startswith(b"\x89PNG") and "<path" in figure.svg()


@pytest.mark.long(but_every=3)
@every_figure
def test_every_reader_can_read_them(make):
    assert legible(make()) > 5


@pytest.mark.long(but_every=3)
@every_figure
def test_the_alt_text_and_the_picture_follow_each_value(make):
    figure = make()
    for name, value in figure.values.items():
        before = figure.alt, figure.svg()
        figure.update(**{name: {"gradient": 1e-6, "step": 4}.get(name, value + .15)})
        assert figure.alt != before[0] and figure.svg() != before[1], name


@pytest.mark.long(but_every=3)
@every_figure
def test_the_same_values_give_the_same_picture(make):
    figure = make()
    first = figure.alt, figure.svg()
    values = dict(figure.values)
    figure.update(**{name: 3 if name == "step" else value * .9 for name, value in values.items()})
    figure.update(**values)
    assert (figure.alt, figure.svg()) == first


@pytest.fixture(scope="module")
def tangent():
    return Tangent()


@pytest.fixture(scope="module")
def parabola():
    return Descent()


@pytest.fixture(scope="module")
def valley():
    return Valley()


# Secant and tangent -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("x", [-2., -1., -.3, .5, 1.5, 2.])
@pytest.mark.parametrize("h", [1., .1, 1e-3])
def test_tangent_and_secant_have_the_slopes_of_the_curve(tangent, x, h):
    figure = tangent.update(x=x, h=h)
    exact = float(gradcheck.complex_step(Tangent.f, np.array(x)))
    assert slope_of(figure.tangent) == pytest.approx(exact, rel=1e-12, abs=1e-12)
    assert slope_of(figure.secant) == pytest.approx(exact + x * h + h * h / 3, abs=1e-9)
    ends = np.array([x, x + h])
    close(points(figure.points), [ends, ends**3 / 3 - ends])
    for line, where in (figure.tangent, ends[:1]), (figure.secant, ends):
        height = np.interp(where, *points(line))
        np.testing.assert_allclose(height, where**3 / 3 - where, rtol=1e-9, atol=1e-12)
    (distances, slopes), (there, limit) = points(figure.slopes), points(figure.limit)
    np.testing.assert_allclose(slopes, exact + x * distances + distances**2 / 3, atol=1e-9)
    assert np.abs(limit - exact).max() < 1e-12 and set(there) == {distances.min(), distances.max()}
    np.testing.assert_allclose(points(figure.here)[:, 0], [h, exact + x * h + h * h / 3], atol=1e-9)


def test_tangent_says_both_slopes():
    figure = Tangent(x=1.5, h=.1)
    assert "slope is 1.403" in figure.alt and "slope 1.250" in figure.alt and "0.153" in figure.alt
    assert [name.get_text() for name in figure.names] == ["secant: slope 1.403", "tangent: slope 1.250"]


# Chain ------------------------------------------------------------------------------------------------------

@pytest.mark.long(but_every=3)
@pytest.mark.parametrize("slope, spread", [(.78, .11), (.6, .5), (1.4, .05), (1., .02), (1.12, .5)])
def test_both_curves_of_the_chain_have_their_name(slope, spread):
    figure = Chain(slope=slope, spread=spread)
    low, high = np.log10(figure.ylim)
    texts, heights = zip(*[(n.get_text(), (np.log10(n.get_position()[1]) - low) / (high - low)) for n in figure.names])
    assert texts[0].startswith("product") and texts[1].startswith("all equal")
    assert heights[1] - heights[0] > .065 and min(heights) > .02 and max(heights) < .98
    assert [n.get_text() for n in Chain(slope=slope, spread=0.).names][1] == ""



@pytest.mark.parametrize("slope, spread", [(.9, 0.), (1.1, 0.), (1., .5), (1.4, .3), (.6, .5)])
def test_chain_draws_the_product(slope, spread):
    figure = Chain(slope=slope, spread=spread)
    n, product = points(figure.product)
    slopes = [slope - spread if k % 2 else slope + spread for k in range(1, 101)]
    need = [math.exp(math.fsum(map(math.log, slopes[:k]))) for k in range(101)]
    close(product, need, rtol=1e-12)
    close(points(figure.equal)[1], [math.exp(k * math.log(slope)) for k in n], rtol=1e-12)
    assert f"give {need[-1]:.1e}," in figure.alt
    assert figure.names[0].get_text() == f"product {need[-1]:.1e}"
    low, high = figure.fig.axes[0].get_ylim()
    assert all(low < name.get_position()[1] < high for name in figure.names if name.get_text())


def test_the_names_of_two_products_do_not_overlap():
    figure = Chain()
    for slope, spread in [(.6, .5), (.7, .4), *((1., spread) for spread in np.arange(0, .51, .02))]:
        figure.update(slope=slope, spread=spread)
        shown = [name.get_position()[1] for name in figure.names if name.get_text()]
        assert len(shown) == 1 or math.log10(shown[1] / shown[0]) > 2.4
    assert len(shown) == 2 and figure.names[1].get_text() == "all equal: 1.0e+00"


# Graph ------------------------------------------------------------------------------------------------------


def moved(weight, **box):
    """L of the graph at x = 2, with a small amount added to one of its boxes, or to what one arrow carries ("h a")."""
    more = {"w": 0, "x": 0, "h": 0, "a": 0, "q": 0, "L": 0, "ha": 0, "hq": 0} | box
    w, x = weight + more["w"], 2 + more["x"]
    h = w * x + more["h"]
    a, q = 3 - (h + more["ha"]) + more["a"], (h + more["hq"])**2 + more["q"]
    return a * q + more["L"]


def slopes(w, *names):
    """The slopes of L by the complex step, each for one box or arrow."""
    return [moved(w, **{name: 1e-100j}).imag / 1e-100 for name in names]


@pytest.mark.long(but_every=7)
@pytest.mark.parametrize("w", [.5, -.95, 1., 1.45, 0.])
@pytest.mark.parametrize("step", range(8))
def test_a_graph_has_collected_the_slopes_of_the_paths_that_have_arrived(w, step):
    figure = Graph(step=step, w=w)
    boxes = ["L", "a", "q", "h", "h", "w", "x"][:step]
    need = dict(zip(boxes, slopes(w, *boxes)))
    if step == 4:
        need["h"], = slopes(w, "ha")  # one path alone
    assert list(figure.data.grad) == list(need)
    np.testing.assert_allclose(list(figure.data.grad.values()), list(need.values()), rtol=1e-12, atol=1e-12)
    shown = {name: text.get_text() for name, text in figure.grads.items() if text.get_text()}
    assert set(shown) == set(need) and figure.data.value["L"] == pytest.approx(moved(w), abs=1e-12)
    for name, text in shown.items():
        said = float(text.replace("−", "-").removeprefix(f"dL/d{name} "))
        assert said == pytest.approx(need[name], rel=5e-3, abs=1e-9), name
        assert f"dL/d{name} {text.split()[-1]}" in figure.alt
    used = [text.get_text() for text in figure.factors if text.get_text()]
    assert len(used) == max(0, step - 1) == sum(len(line.get_xdata()) > 0 for line, _ in figure.backs)
    assert ("+=" in figure.said.get_text()) == (step == 5)


def test_the_two_paths_add_up_and_may_cancel():
    through_a, through_q, both = slopes(.5, "ha", "hq", "h")
    assert (through_a, through_q, both) == (-1, 4, 3)
    assert Graph(step=5).said.get_text() == "dL/dh += dL/dq · 2h = 2 · 2 = 4; the next path arrives: −1 + 4 = 3"
    assert Graph(w=1.).data.grad | {"L": 0, "a": 0, "q": 0} == dict.fromkeys("Laqhwx", 0)


@pytest.mark.long(but_every=4)
@pytest.mark.parametrize("step, w", [(step, w) for step in (4, 5, 7) for w in (-.999, -.333, .667, 2.)])
def test_a_graph_can_be_read_wherever_its_sliders_are(step, w):
    assert legible(Graph(step=step, w=w)) > 12


def test_a_graph_marks_the_box_of_the_last_move_and_ends():
    for step, box in [(1, "L"), (2, "a"), (4, "h"), (5, "h"), (7, "x")]:
        wide = [name for name, frame in Graph(step=step).frames.items() if frame.get_linewidth() > 2]
        assert wide == [box]
    assert not any(frame.get_linewidth() > 2 for frame in Graph(step=0).frames.values())
    with pytest.raises(ValueError, match="step is 8, needs to be 0 to 7."):
        Graph(step=8)


# Descent ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", LANDSCAPES)
def test_slopes_of_landscapes_are_the_derivatives_of_their_losses(name):
    land = LANDSCAPES[name]
    w = np.linspace(*land.xlim, 37)
    exact = gradcheck.complex_step(lambda w: land.loss(w).sum(), w)
    np.testing.assert_allclose(land.slope(w), exact, rtol=1e-12, atol=1e-12)
    assert land.slope(land.minimum) == 0 and land.loss(land.minimum) == 0 == min(land.loss(w).min(), 0)


@pytest.mark.parametrize("rate", [.01, .1, .25, .3, .45, .5, .55])
@pytest.mark.parametrize("start", [-2., 1.3])
def test_descent_on_a_parabola_has_a_closed_form(parabola, rate, start):
    figure = parabola.update(rate=rate, start=start)
    need = start * (1 - 4 * rate)**np.arange(31)
    w, loss = points(figure.path)
    np.testing.assert_allclose(w, need, rtol=1e-9, atol=1e-14)
    np.testing.assert_allclose(loss, 2 * need**2, rtol=1e-9, atol=1e-28)
    close(points(figure.start)[:, 0], [start, 2 * start**2])
    k, distance = points(figure.distance)
    np.testing.assert_allclose(distance, np.maximum(np.abs(need), 1e-12), rtol=1e-9)
    assert list(k) == list(range(31))
    jumps = 0 if rate <= .25 else 30
    assert figure.alt.endswith(f"Jumps across the minimum: {jumps}.")
    if rate == .5:
        assert "it stays at that distance" in figure.alt
    else:
        assert f"it ends {abs(need[-1]):.2g} away" in figure.alt
        assert figure.result.get_text() == f"after 30 updates: {abs(need[-1]):.2g} away"


def test_a_dead_neuron_does_not_move_and_a_large_rate_kills():
    dead, killed, alive = (Descent("neuron", start=start, rate=rate)
                           for start, rate in [(.2, .1), (3., .9), (.6, .1)])
    assert set(points(dead.path)[0]) == {.2} and set(points(dead.path)[1]) == {1.}
    assert "after 0 of 30 updates it stands still at w = 0.2, where the slope is 0" in dead.alt
    close(points(killed.path)[0], [3] + 30 * [.3])  # 1.5 + (1 - 2 * .9) * 1.5
    assert "after 1 of 30 updates it stands still at w = 0.3" in killed.alt
    close(points(alive.path)[0], 1.5 - .9 * .8**np.arange(31))
    assert "stands still" not in alive.alt and f"{.9 * .8**30:.2g} away" in alive.alt


@pytest.mark.parametrize("landscape, start, side", [("parabola", 2., "left"), ("parabola", -2., "right"),
                                                    ("neuron", .2, "right"), ("neuron", 3., "left")])
def test_the_name_of_the_start_stands_outside_of_the_bowl(landscape, start, side):
    figure = Descent(landscape, start=start)
    x, y = figure.start_name.get_position()
    assert figure.start_name.get_ha() == side and (x > start) == (side == "left")
    assert y < LANDSCAPES[landscape].loss(start)


def test_unknown_landscape():
    with pytest.raises(ValueError, match="landscape is 'hill', needs one of 'parabola', 'neuron'."):
        Descent("hill")


# Valley -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("rate", [.01, .05, .09, .1, .104])
def test_valley_has_a_closed_form_in_each_direction(valley, rate):
    figure = valley.update(rate=rate)
    k = np.arange(51)
    factors = np.array([(1 - rate)**k, (1 - 20 * rate)**k])
    np.testing.assert_allclose(points(figure.path), factors * [[4], [1]], rtol=1e-9, atol=1e-15)
    for line, name, factor in zip((figure.along, figure.across), figure.names, factors):
        left = np.maximum(np.abs(factor), 1e-12)
        np.testing.assert_allclose(points(line)[1], left, rtol=1e-9)
        assert name.get_position()[1] == pytest.approx(max(left[-1], 2e-8), rel=1e-6, abs=0)
    assert f"u is {factors[0, -1]:.2g} times its start and v {abs(factors[1, -1]):.2g} times" in figure.alt


def test_the_border_of_the_valley_is_two_over_the_largest_curvature(valley):
    v = {rate: np.abs(valley.update(rate=rate).data[-1, 1]) for rate in (.099, .101)}
    assert v[.099] < 1 < v[.101]
    assert all("floor 0 times" in valley.update(rate=rate).alt for rate in (.04, .05))
    assert "floor 50 times" in valley.update(rate=.09).alt


def test_valley_descends_along_the_gradient_of_its_loss(valley):
    figure = valley.update(rate=.03)
    for before, after in zip(figure.data[:-1], figure.data[1:]):
        gradient = gradcheck.complex_step(figure.loss, before)
        np.testing.assert_allclose((before - after) / .03, gradient, rtol=1e-6, atol=1e-12)


# The step of a check ----------------------------------------------------------------------------------------


def test_errors_of_large_steps_are_those_of_the_taylor_series():
    figure = StepSizes()
    eps = figure.eps[figure.eps >= 1e-2]
    forward, central, complex_step = (points(line)[1][-len(eps):] for line in figure.lines)
    close(central, 1 - np.sin(eps) / eps, rtol=1e-6)
    close(complex_step, np.sinh(eps) / eps - 1, rtol=1e-6)
    middle = .7  # median of x: sin(x + eps) = sin x cos eps + cos x sin eps
    close(forward, np.abs(np.tan(middle) * (np.cos(eps) - 1) / eps + np.sin(eps) / eps - 1), rtol=1e-6)


def test_differences_have_a_v_and_the_complex_step_has_none():
    figure = StepSizes()
    for line, eps, error in (figure.lines[0], 1e-8, 1e-8), (figure.lines[1], 1e-5, 1e-11):
        steps, errors = points(line)
        assert abs(np.log10(steps[errors.argmin()] / eps)) < .8 and abs(np.log10(errors.min() / error)) < .5
        assert min(errors[0], errors[-1]) > 1e6 * errors.min()
    steps, errors = points(figure.lines[2])
    assert errors[steps < 1e-8].max() < 1e-15
    assert numbers(figure.alt) == [1, 1e-8, 1e-8, 1e-11, 1e-5, 1e-16, 1e-8]


def test_a_vanished_gradient_is_seen_by_the_complex_step_alone():
    figure = StepSizes(gradient=1e-20)
    forward, central, complex_step = (points(line)[1] for line in figure.lines)
    assert (forward == 1).all() and (central == 1).all() and complex_step[:20].max() < 1e-15
    assert figure.alt.count("100 % wrong at every eps") == 2 and "Complex step: 1e-16" in figure.alt


def test_a_smaller_gradient_has_a_larger_floor():
    figure = StepSizes()
    floors = [figure.update(gradient=gradient).data[1].min() for gradient in (1, 1e-3, 1e-6, 1e-9)]
    assert all(10 < after / before for before, after in zip(floors, floors[1:]))


def test_what_is_looked_at_over_decades_has_a_logarithmic_axis():
    tangent, steps = Tangent(), StepSizes()
    right, errors = tangent.slopes.axes, steps.lines[0].axes
    assert (right.get_xscale(), right.get_yscale()) == ("log", "linear")
    assert tangent.points.axes.get_xscale() == "linear"
    assert (errors.get_xscale(), errors.get_yscale()) == ("log", "log")


def test_each_curve_of_errors_is_named_in_its_own_color_and_dashes():
    figure = StepSizes()
    key = {text.get_text(): text.get_color() for text in figure.lines[0].axes.texts}
    named = {"···  forward difference": ":", "╌╌ central difference": "--", "──  complex step": "-"}
    assert named.keys() <= key.keys()
    for (words, dashes), line in zip(named.items(), figure.lines):
        assert key[words] == line.get_color() and line.get_linestyle() == dashes
