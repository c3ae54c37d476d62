"""The figures of lesson 03: what is drawn, against oracles of another kind; what is said, from the data."""

import re
from functools import partial

import numpy as np
import pytest
import torch
from matplotlib.colors import to_hex

from course_lib import initialise
from course_lib.lessons.nb03_backpropagation_through_time.figures import (DRIVE, HIDDEN, SEEDS, Contributions,
                                                                          GradientByDistance, GradientFlow)
from course_lib.screen import BLUE, VERMILION
from course_lib.screen.live import live
from legible import ends_seen_or_marked, guides_named_clear, legible, named

NUMBER = r"-?\d+\.?\d*(?:e[+-]?\d+)?"


def numbers_after(words, text):
    """The numbers in a list that follows these words: 'are 1, 2.5, 3e-4'."""
    found = re.search(re.escape(words) + rf"((?:{NUMBER})(?:, (?:{NUMBER}))*)", text)
    return [float(number) for number in found[1].split(", ")]


def imaginary_parts(function, count):
    """The derivatives of a function of `count` numbers, each by its own imaginary step."""
    return np.array([function(1e-100j * np.eye(count)[i]).imag / 1e-100 for i in range(count)])


# Contributions -----------------------------------------------------------------------------------------


def unrolled(figure, change, w, T):
    h = 1
    for x_t, change_t in zip(figure.x[:T], change):
        h = (w + change_t) * h + x_t
    return h


@pytest.mark.parametrize("w, T", [(.9, 20), (.3, 30), (1.2, 30), (-1.1, 7), (.5, 3), (.9, 1)])
def test_bars_are_the_gradients_of_untied_copies(w, T):
    figure = Contributions().update(w=w, T=T)
    copies = imaginary_parts(lambda change: unrolled(figure, change, w, T), T)
    heights = np.array([bar.get_height() for bar in figure.bars])
    assert np.allclose(heights[:T], copies / np.abs(copies).max(), rtol=1e-12, atol=0)
    assert not heights[T:].any()
    low, high = figure.ax.get_ylim()
    assert low <= heights.min() and heights.max() < high and figure.ax.get_xlim() == (.4, 30.6)
    assert [to_hex(bar.get_facecolor()) for bar in figure.bars[:T]] == (
        [BLUE] * max(0, T - 5) + [VERMILION] * min(5, T))


@pytest.mark.parametrize("w, T", [(.9, 20), (1.2, 30), (.4, 8)])
def test_both_sums_are_the_slope_of_the_polynomial(w, T):
    figure = Contributions(w=w, T=T)
    slope = np.polyval(np.polyder([1, *figure.x[:T]]), w)  # h_T = w^T + w^(T-1) x_1 + ... + x_T
    assert np.isclose(figure.data.terms.sum(), slope, rtol=1e-12, atol=0)
    assert np.isclose(figure.data.shared, slope, rtol=1e-12, atol=0)
    assert figure.sums.get_text().count(f"{slope:.4g}") == 2 == figure.alt.count(f"{slope:.4g}")


def test_contributions_in_words():
    figure = Contributions(w=.9, T=20)
    copies = imaginary_parts(lambda change: unrolled(figure, change, .9, 20), 20)
    late = f"{copies[-5:].sum() / copies.sum():.0%}"
    assert f"The last 5 steps hold {late}" in figure.alt and late in figure.late.get_text()
    assert f"the first bar is {copies[0] / copies[-1]:.2g} times the last" in figure.alt
    before = figure.alt
    assert figure.update(w=.5).alt != before
    assert "All steps hold 100%" in figure.update(T=4).alt


@pytest.mark.parametrize("T", [0, 31])
def test_contributions_refuse_other_lengths(T):
    with pytest.raises(ValueError, match=f"T is {T}, needs to be 1 to 30"):
        Contributions(T=T)


# GradientFlow ---------------------------------------------------------------------------------------


def by_complex_step(figure, w, loss):
    """States, gradients of the loss with respect to each state, and with respect to each copy of w."""
    def states(change_h, change_w):
        h = [figure.start + change_h[0]]
        for t, x_t in enumerate(figure.x, start=1):
            h.append(np.tanh((w + change_w[t - 1]) * h[-1] + x_t) + change_h[t])
        return h

    def read(h):
        return h[-1] if loss == "last" else sum(h[1:])

    zeros = np.zeros(figure.T + 1)
    dh = imaginary_parts(lambda change: read(states(change, zeros)), figure.T + 1)
    terms = imaginary_parts(lambda change: read(states(zeros, change)), figure.T)
    return np.array(states(zeros, zeros)), dh, terms


def shown(texts):
    """What stands there, with Python's minus; the picture has none of those."""
    assert not any("-" in text.get_text() for text in texts)
    return [text.get_text().replace("−", "-") for text in texts if text.get_text()]


@pytest.mark.long(but_every=7)
@pytest.mark.parametrize("loss", ["last", "every"])
@pytest.mark.parametrize("w", [1.2, -.7])
@pytest.mark.parametrize("step", range(10))
def test_flow_shows_what_has_been_computed(step, w, loss):
    figure = GradientFlow(step=step, w=w, loss=loss)
    h, dh, terms = by_complex_step(figure, w, loss)
    assert np.allclose(figure.data.dh, dh, rtol=1e-12, atol=0)
    assert np.allclose(figure.data.terms, terms, rtol=1e-12, atol=0)
    assert shown(figure.states) == [f"{value:.3f}" for value in h[:step + 1]]
    back = max(0, step - 4)  # moves back made so far
    assert shown(figure.grads) == [f"{value:.3f}" for value in dh[5 - back:]]
    assert shown(figure.reads) == ([] if loss == "last" else ["direct: read by the loss", *"01111"[5 - back:]])
    carried = max(0, back - 1)  # the first move back reads the loss and carries nothing
    assert shown(figure.terms) == [f"{value:.3f}" for value in terms[4 - carried:]]
    factors = ((dh[:-1] - figure.data.direct[:-1]) / dh[1:])[4 - carried:]
    assert shown(figure.factors) == [f"× {value:.3f}" if w > 0 else f"× ({value:.3f})" for value in factors]
    lines = *figure.arrows, *figure.origins, *figure.ways
    assert [line.get_visible() for line in lines] == 3 * [t >= 4 - carried for t in range(4)]
    assert shown([figure.weight, figure.total]) == [f"w = {w:g}", f"sum {terms.sum():.3f}" if step == 9 else "sum"]
    assert figure.alt.count(" h_") >= min(step, 4) + 1 and figure.alt.count("dL/dh_") == back
    if carried:
        assert numbers_after("are ", figure.alt) == [float(f"{value:.3f}") for value in factors[::-1]]


def test_flow_has_one_w_with_a_way_into_each_step_and_back_to_one_sum():
    figure = GradientFlow()
    ax, = figure.fig.axes
    from_w = max(ax.get_lines(), key=lambda line: line.get_ydata().max())
    height, = set(from_w.get_ydata())
    figure.png()
    ends = {text: ax.transData.inverted().transform(text.get_bbox_patch().get_window_extent())[1, 0]
            for text in (figure.weight, figure.total)}  # of the boxes, on the right
    assert height == figure.weight.get_position()[1] and 0 <= from_w.get_xdata()[0] - ends[figure.weight] < .05
    drops = [text for text in ax.texts if getattr(text, "xyann", (0, 0))[1] == height]
    assert [text.xyann[0] for text in drops] == [text.xy[0] for text in drops] == [.5, 1.5, 2.5, 3.5]
    assert from_w.get_xdata()[-1] == 3.5 and all(abs(text.xy[1]) < .1 for text in drops)
    starts, corners, tips = zip(*(line.get_xydata().tolist() for line in figure.ways))
    assert [x for x, _ in starts] == [text.get_position()[0] for text in figure.terms] == [.5, 1.5, 2.5, 3.5]
    assert list(tips[1:]) == list(corners[:-1]) and 0 < tips[0][0] - ends[figure.total] < .15
    assert {y for _, y in (*corners, *tips)} == {figure.total.get_position()[1]}
    for line, grad, term in zip(figure.origins, figure.grads[1:], figure.terms, strict=True):
        (x, y), (to_x, to_y) = line.get_xydata()  # from below dL/dh_t to above its term, on its left
        assert 0 < grad.get_position()[0] - x < .1 and 0 < grad.get_position()[1] - y < .2
        assert 0 < to_x - term.get_position()[0] < .1 and 0 < to_y - term.get_position()[1] < .2


def test_what_a_reader_sees_of_w_below_0_and_at_0():
    """From "last": below 0 each step back turns the sign of dL/dh; at 0 one term is left. From "every" all four are."""
    for w in (-2., -1.5, -.5):
        assert np.sign(GradientFlow(w=w).data.dh).tolist() == [1, -1, 1, -1, 1]
    data = GradientFlow(w=0.).data
    assert data.dh.tolist() == [0, 0, 0, 0, 1] and np.flatnonzero(data.terms).tolist() == [3]
    data = GradientFlow(w=0., loss="every").data
    assert data.dh.tolist() == [0, 1, 1, 1, 1] and data.terms.all()


def test_flow_marks_where_it_is():
    for step, t in [(0, 0), (3, 3), (4, 4), (5, 4), (6, 3), (9, 0)]:
        wide = [ring.get_linewidth() > 2 for ring in GradientFlow(step=step).rings]
        assert [i for i, marked in enumerate(wide) if marked] == [t]


def test_flow_refuses_what_is_not_there():
    with pytest.raises(ValueError, match="step is 10, needs to be 0 to 9"):
        GradientFlow(step=10)
    with pytest.raises(ValueError, match="loss is 'first', needs"):
        GradientFlow(loss="first")


# Gradient by distance ----------------------------------------------------------------------------------


def by_autograd(seed, gain, T, activation, losses):
    """|dL/dh_t| by distance, from autograd on the unrolled network, float64."""
    rng = np.random.default_rng(seed)
    params = initialise.rnn(1, HIDDEN, rng, recurrent="uniform", gain=gain, input_gain=DRIVE)
    direction = torch.tensor(initialise.orthogonal((1, HIDDEN), rng))
    x = torch.tensor(rng.normal(size=(T, 1, 1)))
    W_xh, W_hh, _ = map(torch.tensor, params)
    function = {"tanh": torch.tanh, "relu": torch.relu, "linear": lambda a: a}[activation]
    h = [torch.zeros(1, HIDDEN, dtype=torch.float64, requires_grad=True)]
    for x_t in x:
        h.append(function(x_t @ W_xh.T + h[-1] @ W_hh.T))
        h[-1].retain_grad()
    read = h[-1:] if losses == "last" else h[1:]
    sum((direction * h_t).sum() for h_t in read).backward()
    return np.array([np.linalg.norm(h_t.grad.numpy()) for h_t in reversed(h)])


@pytest.mark.parametrize("values", [
    dict(), dict(gain=.5, T=60), dict(gain=3., T=30), dict(activation="relu", T=40, gain=2.),
    dict(activation="linear", gain=2., T=100), dict(losses="every"), dict(losses="every", gain=2.5, T=20)])
def test_curves_agree_with_autograd(values):
    figure = GradientByDistance().update(**values)
    v = figure.values
    for seed, total, last in zip(SEEDS, figure.curves[:3], figure.curves[3:]):
        truth = by_autograd(seed, **v)
        alone = by_autograd(seed, **{**v, "losses": "last"})
        assert np.array_equal(total.get_xdata(), np.arange(v["T"] + 1))
        # decades: an absolute tolerance here is a relative one in the gradient
        assert np.allclose(total.get_ydata(), np.log10(truth), rtol=0, atol=1e-10)
        if v["losses"] == "every":
            assert np.allclose(last.get_ydata(), np.log10(alone), rtol=0, atol=1e-10)
        else:
            assert not len(last.get_ydata())
    assert ends_seen_or_marked(figure) and figure.ax.get_xlim() == (0, 50 if v["T"] <= 50 else 200)


def test_factor_is_the_slope():
    figure = GradientByDistance(gain=1., T=80)
    for curve, factor in zip(figure.data.last, figure.data.factor):
        distance = np.arange(81) - 40.
        least_squares = (distance * curve).sum() / (distance**2).sum()
        assert np.isclose(np.log10(factor), least_squares, rtol=1e-10, atol=0)
    single, double = (GradientByDistance(gain=gain, activation="linear").data.factor for gain in (1., 2.))
    assert np.allclose(double, 2 * single, rtol=1e-10, atol=0)


def test_default_shrinks_and_larger_gain_grows():
    assert (GradientByDistance().data.factor < .7).all()
    assert (GradientByDistance(gain=2., activation="linear").data.factor > 1).all()


def test_distance_in_words():
    figure = GradientByDistance()
    ends = numbers_after("changes by the factors ", figure.alt)
    assert np.allclose(ends, 10 ** figure.data.last[:, -1], rtol=.05, atol=0)
    low, high = map(float, re.search(rf"({NUMBER}) to ({NUMBER}) a step", figure.alt).groups())
    assert np.allclose([low, high], [figure.data.factor.min(), figure.data.factor.max()], rtol=.01, atol=0)
    for name, factor in zip(figure.names, figure.data.factor):
        assert f"× {factor:.2f} a step" in name.get_text()
    before, alone = figure.alt, ends
    figure.update(losses="every")
    assert numbers_after("from the last loss is ", figure.alt) == alone
    whole = numbers_after("the whole gradient is ", figure.alt)
    assert np.allclose(whole, 10 ** figure.data.total[:, -1], rtol=.05, atol=0)
    assert figure.alt != before and all(name.get_text() for name in figure.names)
    assert figure.update(losses="last").alt == before and not any(shown(figure.names[3:]))


def test_an_exact_zero_is_said_and_drawn():
    figure = GradientByDistance(gain=1e-3, T=200)  # below 1e-324: zero in float64 too
    assert np.isneginf(figure.data.last[:, -1]).all() and not figure.data.factor.any()
    assert "the factors 0, 0, 0: 0 to 0 a step" in figure.alt and figure.png()


def test_distance_refuses_another_loss():
    with pytest.raises(ValueError, match="losses is 'first', needs"):
        GradientByDistance(losses="first")


# All of them -------------------------------------------------------------------------------------------

EVERY = [partial(Contributions), partial(Contributions, w=.3, T=30), partial(Contributions, w=1.2, T=3),
         partial(GradientFlow), partial(GradientFlow, w=-2., loss="every"), partial(GradientByDistance),
         partial(GradientByDistance, losses="every", gain=.5, T=200),
         partial(GradientByDistance, activation="linear", gain=3., T=200, losses="every")]


@pytest.mark.parametrize("make", EVERY, ids=named)
def test_no_text_is_cut_or_covers_another(make):
    assert legible(make()) > 5


@pytest.mark.parametrize("T, names", [(50, 1), (200, 3)])
def test_no_line_crosses_a_name_of_float32_s_ends(T, names):
    assert guides_named_clear(GradientByDistance(T=T)) == names


@pytest.mark.parametrize("make, ranges", [
    (Contributions, dict(w=(.3, 1.2), T=(3, 30))),
    (GradientFlow, dict(step=(0, 9), w=(-2., 2.), loss=["last", "every"])),
    (GradientByDistance, dict(gain=(.3, 3.), T=(10, 200), activation=["tanh", "relu", "linear"],
                                losses=["last", "every"]))])
def test_sliders_move_it(make, ranges):
    figure = make()
    widget, before = live(figure, **ranges), figure.alt
    for name, control in widget.controls.items():
        control.value = ranges[name][-1] if isinstance(ranges[name], list) else ranges[name][0]
    assert figure.alt != before
    assert figure.values == {name: control.value for name, control in widget.controls.items()}
    assert f'alt="{figure.alt[:20]}' in widget._repr_mimebundle_()["text/html"]
