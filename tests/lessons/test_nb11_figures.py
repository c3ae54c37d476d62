"""The figures of lesson 11: what is drawn, against oracles of another kind; what is said, from the data."""

from functools import partial

import numpy as np
import pytest
import torch

from course_lib import bptt, tasks, torch_bridge
from course_lib.lessons.nb06_vanishing import longterm
from course_lib.lessons.nb06_vanishing.digits import DigitCells
from course_lib.lessons.nb11_lstm import figures
from course_lib.lessons.nb11_lstm.figures import Gates, HalfLife, RoadBack
from course_lib.lessons.nb11_lstm.roads import UNITS, default_lstm
from course_lib.screen.live import live
from legible import legible, named

X = tasks.temporal_order(30, 1, np.random.default_rng(0))[0]
ACCURACY = {(name, distance): np.array([.9, .9 - .01 * k, .9 - .016 * distance])
            for k, name in enumerate(longterm.KINDS) for distance in (0, 25, 50)}


@pytest.mark.parametrize("bias", [-1., 0., 1., 3., 6.])
def test_half_life_is_where_the_power_of_the_sigmoid_is_one_half(bias):
    figure = HalfLife(bias=bias)
    f, steps = figure.data
    assert np.isclose(torch.sigmoid(torch.tensor(bias, dtype=torch.float64)).item() ** steps, .5, rtol=1e-12, atol=0)
    assert np.allclose(figure.left.get_ydata()[[0, 7]], [1, f**7], atol=0) and figure.half.get_xdata() == [steps]
    assert f"{steps:.1f} steps" in figure.alt and f"{steps:.1f} steps" in figure.name.get_text()


def by_autograd(params, x, direct):
    """|dL/dc_t| by distance, means over sequences, through torch's autograd, step by step."""
    cell = torch.nn.LSTMCell(x.shape[-1], params.W_hh.shape[1], dtype=torch.float64)
    module = torch_bridge.to_torch(params)
    cell.load_state_dict({name.removesuffix("_l0"): value for name, value in module.state_dict().items()})
    h = torch.zeros(x.shape[1], params.W_hh.shape[1], dtype=torch.float64)
    cs = [torch.zeros_like(h).requires_grad_()]
    for x_t in torch.tensor(x):
        h, c = cell(x_t, (h, cs[-1]))
        c.retain_grad()
        cs.append(c)
    (cs[-1] * torch.tensor(direct)).sum().backward()
    return np.array([c.grad.norm(dim=-1).mean().item() for c in cs[::-1]])


@pytest.mark.parametrize("values", [dict(), dict(bias=5., scale=3.), dict(bias=-1., scale=.3)])
def test_all_ways_agree_with_autograd_and_the_gates_with_their_product(values):
    figure = RoadBack().update(**values)
    v = figure.values
    params = default_lstm(0, forget_bias=v["bias"], scale=v["scale"])
    direct = np.random.default_rng(0).normal(size=(figures.BATCH, UNITS))
    size = by_autograd(params, figure.x, direct)
    assert np.allclose(figure.curves[0].get_ydata(), np.log10(size / size[0]), rtol=0, atol=1e-9)
    run, kept = bptt.forward(params, figure.x), direct.copy()
    for f_t in run.f[::-1]:
        kept *= f_t
    end = np.linalg.norm(kept, axis=-1).mean() / np.linalg.norm(direct, axis=-1).mean()
    assert np.isclose(figure.curves[1].get_ydata()[-1], np.log10(end), rtol=0, atol=1e-9)
    assert f"{10 ** figure.data.full[-1]:.0e} of dL/dc" in figure.alt and f"{end:.0e} along" in figure.alt


def test_gates_show_what_the_run_holds():
    params = default_lstm(0)
    figure, run = Gates(params, X, gate="o", step=7), bptt.forward(params, X)
    assert np.array_equal(np.sort(figure.dots.get_xdata()), np.sort(run.o[6, 0]))
    assert np.array_equal(figure.images[0].get_array().T, run.o[:, 0][:, figure.order])
    assert np.array_equal(figure.images[1].get_array().T, run.c[1:, 0][:, figure.order])
    assert (np.diff(run.f[:, 0].mean(0)[figure.order]) >= 0).all()
    assert all(line.get_xdata() == [7, 7] for line in figure.lines)
    signals = np.flatnonzero(X[:, 0, :2].any(-1)) + 1
    assert all(f"at step {t}" in figure.alt for t in signals) and f"mean {run.o[6, 0].mean():.1f}" in figure.alt


def test_digits_are_drawn_and_told():
    figure = DigitCells(ACCURACY)
    lines = [line for line in figure.fig.axes[0].lines if len(line.get_xdata()) == 3 and line.get_marker() == "None"]
    assert len(lines) == len(longterm.KINDS) == len({line._unscaled_dash_pattern[1] and
                                                     tuple(line._unscaled_dash_pattern[1]) for line in lines})
    for name, line in zip(longterm.KINDS, lines):
        assert np.allclose(line.get_ydata(), [ACCURACY[name, D].mean() for D in (0, 25, 50)], atol=0)
    assert f"right for: {', '.join(longterm.KINDS)}; not so for: none." in figure.alt
    assert "After 50 blank steps 6 of 6 kinds still read more than half" in figure.fig.axes[0].get_title("left")


def test_some_kinds_of_digits_keep_the_order_and_the_style_they_have_among_all():
    some = {setting: ACCURACY[setting] for setting in reversed(ACCURACY) if setting[0] in ("IRNN", "tanh", "GRU")}
    few, all_six = DigitCells(some), DigitCells(ACCURACY)
    assert few.names == ["tanh", "IRNN", "GRU"] and few.distances == [0, 25, 50]
    colours = [{line.get_color(): line.get_ydata() for line in figure.fig.axes[0].lines[1:]}
               for figure in (few, all_six)]
    assert len(colours[0]) == 3 and all(np.allclose(y, colours[1][colour], atol=0) for colour, y in colours[0].items())
    high = DigitCells({("GRU", 0): np.ones(2), ("tanh", 0): np.full(2, .1)})
    assert "right for: GRU; not so for: tanh." in high.alt
    assert "0 blank steps 1 of 2" in high.fig.axes[0].get_title("left")


@pytest.mark.parametrize("call, message", [
    (lambda: Gates(default_lstm(0), X, step=31), "step is 31, needs to be 1 to 30"),
    (lambda: Gates(default_lstm(0), X, gate="g"), "gate is 'g'"),
    (lambda: DigitCells({}), "accuracies is empty"),
    (lambda: DigitCells({("GRV", 0): np.ones(2)}), r"holds \['GRV'\], needs runs of .* names of longterm.KINDS: tanh, "),
    (lambda: DigitCells({("GRU", 0): [1.], ("tanh", 9): [1.]}), r"lacks \('tanh', 0\), \('GRU', 9\)")])
def test_figures_refuse_what_is_not_there(call, message):
    with pytest.raises(ValueError, match=message):
        call()


EVERY = [partial(HalfLife), partial(HalfLife, bias=6.), partial(RoadBack), partial(RoadBack, bias=6., scale=3.),
         partial(RoadBack, bias=-1., scale=0.), partial(Gates, default_lstm(0), X), partial(DigitCells, ACCURACY)]


@pytest.mark.parametrize("make", EVERY, ids=named)
def test_every_text_can_be_read(make):
    assert legible(make()) > 3


@pytest.mark.parametrize("make, ranges", [
    (HalfLife, dict(bias=(-1., 6.))), (RoadBack, dict(bias=(-1., 6.), scale=(0., 3.))),
    (partial(Gates, default_lstm(0), X), dict(gate=["i", "f", "o"], step=(1, 30)))])
def test_sliders_move_it(make, ranges):
    figure = make()
    widget, before = live(figure, **ranges), figure.alt
    for end in (0, 1):
        for name, control in widget.controls.items():
            control.value = ranges[name][end]
            assert figure.values[name] == control.value and not widget._message.value
        assert figure.alt != before
