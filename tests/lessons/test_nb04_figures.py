"""The figures of lesson 04: what is drawn, against oracles of another kind; what is said, from the data."""

import re
from functools import partial

import mpmath
import numpy as np
import pytest
import torch

from course_lib import initialise
from course_lib.lessons.nb04_derivative_of_tanh_and_sigmoid.figures import (
    SEEDS, Curves, Depth, Products, SideBySide, Split, log_slope)
from course_lib.screen.live import live
from legible import ends_seen_or_marked, legible, named

TORCH = {"tanh": torch.tanh, "sigmoid": torch.sigmoid, "relu": torch.relu, "linear": lambda a: a}
NUMBER = r"\d+\.?\d*(?:e[+-]?\d+)?"


def numbers(words, text):
    """The numbers in the clause that follows these words, up to a semicolon or the end of the sentence."""
    clause = re.search(re.escape(words) + r"(.*?)(?:;|\.\s|\.$|, [\d.e-]+ a step)", text)[1]
    return [float(number) for number in re.findall(NUMBER, clause)]


# Curves ------------------------------------------------------------------------------------------------


@pytest.mark.long(but_every=4)
@pytest.mark.parametrize("activation", ["tanh", "sigmoid", "relu"])
@pytest.mark.parametrize("a", [-6., -1.5, .3, 2., 6.])
def test_tangent_touches_with_the_slope_of_autograd(activation, a):
    figure = Curves().update(a=a, activation=activation)
    point = torch.tensor(a, dtype=torch.float64, requires_grad=True)
    value = TORCH[activation](point)
    value.backward()
    slope, value = point.grad.item(), value.item()
    x, y = figure.tangent.get_data()
    assert np.isclose((y[1] - y[0]) / (x[1] - x[0]), slope, rtol=1e-9, atol=1e-15)
    assert np.isclose(np.interp(a, x, y), value, rtol=1e-12, atol=1e-15)
    assert [dot.get_data() for dot in figure.points] == [([a], [figure.data.value]), ([a], [figure.data.slope])]
    assert np.isclose(figure.data.slope, slope, rtol=1e-9, atol=0)
    assert f"is {value:.3f} and its slope {slope:.3g}" in figure.alt
    assert figure.names[1].get_text() == f"f\u200a′({a:.3g}) = {slope:.3g}"


def test_curves_say_what_part_of_the_largest_slope_is_left():
    assert "1 times its largest slope, 0.25" in Curves(a=0., activation="sigmoid").alt
    assert "0.071 times its largest slope, 1" in Curves(a=2.).alt


def test_the_axes_of_the_curves_stand_where_they_stood():
    figure, seen = Curves(), set()
    for activation in ("tanh", "relu", "silu"):
        figure.update(activation=activation).background()
        seen.add(str([ax.get_position().bounds for ax in figure.fig.axes]))
    assert len(seen) == 1


def test_the_whole_function_is_in_sight():
    for activation in TORCH:
        if activation != "linear":
            figure = Curves(activation=activation)
            low, high = figure.left.get_ylim()
            assert low < figure.data.curve.min() and figure.data.curve.max() < high
            assert figure.right.get_ylim()[1] > figure.data.slopes.max()


def test_seven_stand_side_by_side_as_torch_has_them():
    figure, seen = SideBySide(), []
    for ax in figure.fig.axes[:-1]:
        name, (_, curve, slope) = ax.get_title(loc="left"), ax.get_lines()
        a = torch.tensor(curve.get_xdata() + 1e-13, requires_grad=True)  # beside 0, where two have a corner
        value = getattr(torch.nn.functional, name)(a)
        value.sum().backward()
        apart = np.abs(a.detach().numpy()) > .005
        for line, truth in ((curve, value.detach()), (slope, a.grad)):
            np.testing.assert_allclose(line.get_ydata()[apart], truth.numpy()[apart], rtol=1e-9, atol=1e-12)
        assert (curve.get_linestyle(), slope.get_linestyle()) == ("-", "--")
        least, most = a.grad.min().item(), a.grad.max().item()
        assert ax.texts[0].get_text() == f"slope\n{least:z.2f} to {most:.2f}".replace("-", "−")
        assert f"{name} {least:z.3f} to {most:.3f}" in figure.alt
        seen.append((ax.get_xlim(), ax.get_ylim()))
        assert (most > 1) == (f" {name} " in figure.fig.axes[-1].get_title(loc="left").replace("\n", " "))
    assert len(seen) == 7 and len(set(seen)) == 1
    assert re.findall(r"(\w+) [-\d.]+ to [\d.]+, above 1 from a = ([\d.]+) on, steepest at ([\d.]+)[;.]",
                      figure.alt) == [("gelu", "0.75", "1.41"), ("silu", "1.28", "2.40")]


# Products ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("a", [0., .3, -5., 20., -400.])
def test_log_slope_against_50_digits(a):
    with mpmath.workdps(50):
        tanh, sigmoid = (float(mpmath.log(mpmath.sech(mpmath.mpf(a) / k)**2 / k**2)) for k in (1, 2))
    assert np.isclose(log_slope(np.array(a), "tanh"), tanh, rtol=1e-14, atol=1e-15)
    assert np.isclose(log_slope(np.array(a), "sigmoid"), sigmoid, rtol=1e-14, atol=0)


@pytest.mark.parametrize("sigma, activation", [(1., "tanh"), (.05, "tanh"), (5., "tanh"), (2., "sigmoid")])
def test_products_multiply_the_slopes(sigma, activation):
    figure = Products().update(std=sigma, activation=activation)
    for seed, drawn, curve in zip(SEEDS, figure.data.drawn, figure.curves):
        a = torch.tensor(sigma * np.random.default_rng(seed).normal(size=60))
        slope = 1 / torch.cosh(a)**2 if activation == "tanh" else .25 / torch.cosh(a / 2)**2
        assert np.allclose(drawn, slope, rtol=1e-10, atol=0)
        logs = np.concatenate([[0], np.cumsum(np.log10(slope.numpy()))])
        assert np.allclose(curve.get_ydata(), logs, rtol=1e-10, atol=1e-12)
    counts = np.histogram(figure.data.drawn, 20, (0, 1))[0]
    assert [bar.get_height() for bar in figure.bars] == list(counts) and counts.sum() == 180
    assert ends_seen_or_marked(figure)


@pytest.mark.parametrize("sigma, activation", [(1., "tanh"), (5., "tanh"), (.5, "sigmoid")])
def test_typical_and_average_are_integrals(sigma, activation):
    figure, k = Products(std=sigma, activation=activation), 1 if activation == "tanh" else 2

    def slope(z):
        return mpmath.sech(sigma * z / k)**2 / k**2

    def mean(function):
        return mpmath.quad(lambda z: function(z) * mpmath.npdf(z), mpmath.linspace(-9, 9, 19))

    assert np.isclose(figure.data.typical, float(mean(lambda z: mpmath.log10(slope(z)))), rtol=1e-6, atol=0)
    assert np.isclose(figure.data.average, float(mpmath.log10(mean(slope))), rtol=1e-6, atol=0)
    assert figure.data.typical < figure.data.average  # Jensen
    for curve, step in zip(figure.curves[3:], (figure.data.typical, figure.data.average)):
        assert np.allclose(curve.get_ydata(), step * np.arange(61), atol=0)


def test_products_in_words():
    figure = Products()
    assert np.allclose(numbers("from three seeds: ", figure.alt), 10**figure.data.products[:, -1], rtol=.5, atol=0)
    assert f"{10**(60 * figure.data.typical):.1g}, {10**figure.data.typical:.2g} a step" in figure.alt
    assert f"{10**(60 * figure.data.average):.1g}, {10**figure.data.average:.2g} a step" in figure.alt
    with pytest.raises(ValueError, match="activation is 'relu', needs"):
        Products(activation="relu")


# Split -------------------------------------------------------------------------------------------------


def by_autograd(seed, gain, inputs, activation, recurrent):
    """log10 of the sizes of dL/dh_t and dL/da_t, latest first, from autograd on the unrolled network."""
    rng = np.random.default_rng(seed)
    params = initialise.rnn(1, Split.hidden, rng, recurrent=recurrent, gain=gain, input_gain=inputs)
    direction = torch.tensor(initialise.orthogonal((1, Split.hidden), rng))
    W_xh, W_hh, _ = map(torch.tensor, params)
    h, a = [torch.zeros(1, Split.hidden, dtype=torch.float64, requires_grad=True)], []
    for x_t in torch.tensor(rng.normal(size=(Split.T, 1, 1))):
        a.append(x_t @ W_xh.T + h[-1] @ W_hh.T)
        h.append(TORCH[activation](a[-1]))
        a[-1].retain_grad()
        h[-1].retain_grad()
    (h[-1] * direction).sum().backward()
    return ([np.log10(each.grad.norm().item()) for each in reversed(states)] for states in (h, a))


@pytest.mark.parametrize("values", [
    dict(), dict(gain=3., inputs=1.), dict(recurrent="orthogonal", inputs=3.), dict(activation="sigmoid"),
    dict(activation="relu"), dict(activation="relu", recurrent="orthogonal"), dict(gain=.3, inputs=.01)])
def test_split_agrees_with_autograd(values):
    figure = Split().update(**values)
    for i, seed in enumerate(SEEDS):
        dh, da = map(np.array, by_autograd(seed, **figure.values))
        slopes = np.concatenate([[0], np.cumsum(da - dh[:-1])])
        weights = np.concatenate([[0], np.cumsum(dh[1:] - da)])
        for curve, truth in zip(figure.curves[3 * i:], (slopes, weights, dh - dh[0])):
            # decades: an absolute tolerance here is a relative one in the gradient
            assert np.allclose(curve.get_ydata(), truth, rtol=0, atol=1e-7)


def test_orthogonal_takes_nothing_and_slopes_only_take():
    for activation in ("tanh", "sigmoid", "relu"):
        left = Split(activation=activation, recurrent="orthogonal").data
        assert np.allclose(left.weights, 0, atol=1e-10)
        most = -60 * np.log10(4) if activation == "sigmoid" else 0
        assert (np.diff(left.slopes) <= 1e-12).all() and (left.slopes[:, -1] <= most).all()


def test_split_in_words():
    figure = Split()
    for words, curves in (("The slopes alone: ", figure.data.slopes), ("W_hh alone: ", figure.data.weights),
                          ("which is the gradient: ", figure.data.both)):
        ends = 10**curves[:, -1]
        assert np.allclose(numbers(words, figure.alt), [ends.min(), ends.max()], rtol=.5, atol=0)
    assert "W_hh alone: 1;" in Split(recurrent="orthogonal").alt


def test_a_network_that_dies_is_shown_as_zero():
    figure = Split(activation="relu", recurrent="identity")
    dead = np.isneginf(figure.data.slopes[:, -1])
    assert dead.any() and np.allclose(figure.data.weights, 0, atol=1e-12) and figure.png()
    assert "The slopes alone: 0 to" in figure.alt
    assert list(dead) == [units_always_on(seed) == 0 for seed in SEEDS]


def units_always_on(seed):
    """How many units of the identity network of ReLU are on at every step: only these carry a gradient to h_0."""
    rng = np.random.default_rng(seed)
    params = initialise.rnn(1, Split.hidden, rng, recurrent="identity", input_gain=.1)
    initialise.orthogonal((1, Split.hidden), rng)
    states, always = np.zeros(Split.hidden), np.ones(Split.hidden, bool)
    for x_t in rng.normal(size=Split.T):
        states = np.maximum(states + params.W_xh[:, 0] * x_t, 0)
        always &= states > 0
    return always.sum()


# Depth -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("values", [
    dict(), dict(activation="relu", gain=1.41, shared=True), dict(activation="tanh", gain=4., layers=15),
    dict(activation="linear", layers=5, shared=True), dict(activation="relu", gain=.3, layers=50)])
def test_depth_agrees_with_autograd(values):
    figure = Depth().update(**values)
    v = figure.values
    for seed, curve in zip(SEEDS, figure.curves):
        rng = np.random.default_rng(seed)
        x, top = (torch.tensor(rng.normal(size=(20, 64))) for _ in range(2))
        W = torch.tensor(v["gain"] * initialise.glorot((50, 64, 64), rng))
        h = [x.requires_grad_()]
        for layer in range(v["layers"]):
            h.append(TORCH[v["activation"]](h[-1] @ W[0 if v["shared"] else layer].T))
            h[-1].retain_grad()
        (h[-1] * top).sum().backward()
        sizes = np.log10([each.grad.norm().item() for each in reversed(h)])
        assert np.allclose(curve.get_ydata(), sizes - sizes[0], rtol=0, atol=1e-9)
        assert np.array_equal(curve.get_xdata(), np.arange(v["layers"] + 1))
    assert ends_seen_or_marked(figure) and figure.ax.get_xlim() == (0, 30 if v["layers"] <= 30 else 50)


def test_depth_in_words():
    figure = Depth(activation="tanh")
    ends = 10**figure.data[:, -1]
    assert np.allclose(numbers("After 30 layers the factors are ", figure.alt), ends, rtol=.5, atol=0)
    assert figure.alt.endswith(f"a layer's is {ends.min()**(1 / 30):.2g} to {ends.max()**(1 / 30):.2g}.")
    assert "one matrix in all layers" in figure.update(shared=True).alt


@pytest.mark.parametrize("layers", [0, 51])
def test_depth_refuses_other_depths(layers):
    with pytest.raises(ValueError, match=f"layers is {layers}, needs to be 1 to 50"):
        Depth(layers=layers)


# All of them -------------------------------------------------------------------------------------------

EVERY = [partial(SideBySide), partial(Curves), partial(Curves, a=-6., activation="relu"),
         partial(Curves, a=6., activation="sigmoid"), partial(Products), partial(Products, std=5.), partial(Products, std=.05, activation="sigmoid"),
         partial(Split), partial(Split, gain=4., inputs=3.),
         partial(Split, recurrent="orthogonal", activation="sigmoid", gain=4.),
         partial(Split, recurrent="identity", activation="relu"), partial(Depth),
         partial(Depth, shared=True, activation="relu", gain=4., layers=50), partial(Depth, gain=.3, layers=5)]


@pytest.mark.long(but_every=4)
@pytest.mark.parametrize("make", EVERY, ids=named)
def test_no_text_is_cut_or_covers_another(make):
    assert legible(make()) > 5


@pytest.mark.parametrize("make, ranges", [
    (Curves, dict(a=(-6., 6.), activation=["tanh", "sigmoid", "relu"])),
    (Products, dict(std=(.05, 5., .05), activation=["tanh", "sigmoid"])),
    (Split, dict(gain=(.3, 4.), inputs=(.001, 10., "log"), activation=["tanh", "sigmoid", "relu"],
                   recurrent=["uniform", "orthogonal", "identity"])),
    (Depth, dict(gain=(.3, 4.), layers=(5, 50), activation=["sigmoid", "tanh", "relu", "linear"], shared=bool))])
def test_sliders_move_it(make, ranges):
    figure = make()
    widget, before = live(figure, **ranges), figure.alt
    for end in (0, 1):
        for name, control in widget.controls.items():
            control.value = bool(end) if ranges[name] is bool else ranges[name][end]
            assert not widget._message.value
    assert figure.alt != before
    assert figure.values == {name: control.value for name, control in widget.controls.items()}
    assert f'alt="{figure.alt[:20]}' in widget._repr_mimebundle_()["text/html"]
