"""The figures of notebook 11: what is drawn, against oracles of another kind; what is said, from the data."""

import numpy as np
import pytest
import torch
from matplotlib.text import Text

from course_lib import bptt, tasks, torch_bridge
from course_lib.experiments import longterm
from course_lib.figures import gates
from course_lib.figures.gates import DigitCells, Gates, HalfLife, RoadBack
from course_lib.live import live

X = tasks.temporal_order(30, 1, np.random.default_rng(0))[0]
ACCURACY = {(name, distance): np.array([.9, .9 - .01 * k, .9 - .016 * distance])
            for k, name in enumerate(longterm.KINDS) for distance in (0, 25, 50)}


@pytest.mark.parametrize("bias", [-1., 0., 1., 3., 6.])
def test_half_life_is_where_the_power_of_the_sigmoid_is_one_half(bias):
    figure = HalfLife(bias=bias)
    f, steps = figure.data
    assert np.isclose(torch.sigmoid(torch.tensor(bias, dtype=torch.float64)).item() ** steps, .5, rtol=1e-12)
    assert np.allclose(figure.curve.get_ydata()[[0, 7]], [1, f**7]) and figure.half.get_xdata() == [steps]
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
    params = gates.default_lstm(0, forget_bias=v["bias"], scale=v["scale"])
    direct = np.random.default_rng(0).normal(size=(gates.BATCH, gates.UNITS))
    size = by_autograd(params, figure.x, direct)
    assert np.allclose(figure.curves[0].get_ydata(), np.log10(size / size[0]), rtol=0, atol=1e-9)
    run, kept = bptt.forward(params, figure.x), direct.copy()
    for f_t in run.f[::-1]:
        kept *= f_t
    end = np.linalg.norm(kept, axis=-1).mean() / np.linalg.norm(direct, axis=-1).mean()
    assert np.isclose(figure.curves[1].get_ydata()[-1], np.log10(end), rtol=0, atol=1e-9)
    assert f"{10 ** figure.data.full[-1]:.0e} of dL/dc" in figure.alt and f"{end:.0e} along" in figure.alt


def test_without_recurrent_weights_both_roads_are_one():
    road = RoadBack(scale=0.).data
    assert np.allclose(road.full, road.alone, rtol=0, atol=1e-12)


@pytest.mark.parametrize("seed", range(3))
def test_the_default_vanishes_bias_five_grows_and_chrono_keeps(seed):
    x = np.random.default_rng(1).normal(size=(60, 8, 6))
    ends = [gates.roads(gates.default_lstm(seed, **options), x).full[-1]
            for options in ({}, {"forget_bias": 1}, {"forget_bias": 5}, {"T": 60})]
    assert ends[0] < -10 and -6 < ends[1] < -4 and ends[2] > .3 and -1 < ends[3] < 0


def test_gates_show_what_the_run_holds():
    params = gates.default_lstm(0)
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
    assert len(lines) == len(longterm.KINDS)
    for name, line in zip(sorted(longterm.KINDS), lines):
        assert np.allclose(line.get_ydata(), [ACCURACY[name, D].mean() for D in (0, 25, 50)])
    assert f"right for: {', '.join(sorted(longterm.KINDS))}; not so for: none." in figure.alt
    high = DigitCells({("GRU", 0): np.ones(2), ("tanh", 0): np.full(2, .1)})
    assert "right for: GRU; not so for: tanh." in high.alt


@pytest.mark.parametrize("call, message", [
    (lambda: Gates(gates.default_lstm(0), X, step=31), "step 31, need .* 1 to 30"),
    (lambda: Gates(gates.default_lstm(0), X, gate="g"), "gate is 'g'"),
    (lambda: DigitCells({}), "accuracies is empty")])
def test_figures_refuse_what_is_not_there(call, message):
    with pytest.raises(ValueError, match=message):
        call()


EVERY = [HalfLife(), HalfLife(bias=6.), RoadBack(), RoadBack(bias=6., scale=3.), RoadBack(bias=-1., scale=0.),
         Gates(gates.default_lstm(0), X), DigitCells(ACCURACY)]


@pytest.mark.parametrize("figure", EVERY, ids=lambda figure: f"{type(figure).__name__}-{figure.values}")
def test_no_text_is_cut_or_covers_another(figure):
    figure.png()
    renderer, edges = figure.fig.canvas.get_renderer(), figure.fig.bbox
    ticks = [tick for ax in figure.fig.axes for tick in ax.get_xticklabels() + ax.get_yticklabels()]
    boxes = [(text, text.get_window_extent(renderer)) for text in figure.fig.findobj(Text)
             if text.get_text() and text.get_visible() and text not in ticks]
    boxes = [(text, box) for text, box in boxes
             if not (text.axes and text.get_clip_on() and not text.axes.bbox.overlaps(box))]  # out of sight
    assert len(boxes) > 3
    for text, box in boxes:
        assert edges.x0 <= box.x0 and box.x1 <= edges.x1 and edges.y0 <= box.y0 and box.y1 <= edges.y1, text.get_text()
        assert not [other.get_text() for other, its in boxes if other is not text and box.overlaps(its)]


@pytest.mark.parametrize("figure, ranges", [
    (HalfLife(), dict(bias=(-1., 6.))), (RoadBack(), dict(bias=(-1., 6.), scale=(0., 3.))),
    (Gates(gates.default_lstm(0), X), dict(gate=["i", "f", "o"], step=(1, 30)))])
def test_sliders_move_it(figure, ranges):
    widget, before = live(figure, **ranges), figure.alt
    for end in (0, 1):
        for name, control in widget.controls.items():
            control.value = ranges[name][end]
            assert figure.values[name] == control.value and not widget._message.value
        assert figure.alt != before
