"""The figures of lesson 12: what is drawn, against oracles of another kind; what is said, from the data."""

from functools import partial

import numpy as np
import pytest
import torch

from course_lib import bptt, cells, gradcheck, torch_bridge
from course_lib.lessons.nb12_gru.figures import KeepBias, Pitchfork, StableDisc
from course_lib.lessons.nb12_gru.resting_gru import resting_gru
from course_lib.screen.live import live
from legible import ends_seen_or_marked, legible, named


def iterate(w, h, steps):
    for _ in range(steps):
        h = h / 2 + np.tanh(w * h / 2) / 2
    return h


def test_pitchfork_ends_solve_their_equations():
    figure = Pitchfork()
    w, top = figure.WEIGHTS, figure.ends[-1]
    assert np.allclose(top[w > 2.01], np.tanh(w * top / 2)[w > 2.01], atol=1e-9) and (top[w > 2.01] > .1).all()
    assert np.abs(top[(w > -5.9) & (w < 1.9)]).max() < 1e-9
    swing = top[w < -6.01]  # f(h) = -h
    assert np.allclose(iterate(w[w < -6.01], swing, 1), -swing, atol=1e-9) and (swing > .01).all()
    assert f"{top[np.abs(w - 3).argmin()]:.2f} at w = 3" in figure.alt


@pytest.mark.parametrize("real, imaginary, decays", [
    (2.01, 0., False), (1.99, 0., True), (0., 2.1, True), (1., 2.5, True), (1.9, 1., False), (-6.1, 0., False),
    (-5.9, 0., True), (0., 5., False), (0., 3.46, True), (0., 3.47, False)])
def test_stable_disc_agrees_with_the_complex_step(real, imaginary, decays):
    figure = StableDisc(real=real, imaginary=imaginary)
    W = np.array([[real, -imaginary], [imaginary, real]])
    params = resting_gru(W)
    nothing = np.zeros((1, 1, 1))
    J = np.array([gradcheck.complex_step(lambda h: bptt.forward(params, nothing, h[None]).h[1, 0, i], np.zeros(2))
                  for i in range(2)])
    assert np.isclose(figure.factor, np.abs(np.linalg.eigvals(J)).max(), atol=0) and (figure.factor < 1) == decays
    assert (figure.data[-1] < figure.data[0]) == decays
    assert ("inside" in figure.alt) == decays and f"{figure.factor:.4f}" in figure.alt
    x, y = figure.dots.get_data()
    assert x[0] == x[1] == real and sorted(y) == [-imaginary, imaginary]
    assert f"{figure.factor:.4f}" in figure.word.get_text() and len(figure.sizes.get_xdata()) == 301


@pytest.mark.parametrize("values", [dict(), dict(keep_bias=3., keep=1., T=20), dict(keep=.8, T=200)])
def test_keep_bias_agrees_with_autograd_and_powers(values):
    figure = KeepBias(**values)
    v, means = figure.values, []
    for e in range(3):
        b_h = figure.gru.b_h[e].copy()
        b_h[16:32] += v["keep_bias"]
        gru = cells.GRUParams(*(array[e] for array in figure.gru))._replace(b_h=b_h)
        cell = torch.nn.GRUCell(4, 16, dtype=float)
        cell.load_state_dict({name[:-3]: value for name, value in torch_bridge.to_torch(gru).state_dict().items()})
        h = [torch.zeros(1, 16, dtype=float, requires_grad=True)]
        for x_t in torch.tensor(figure.x[:v["T"]]):
            h.append(cell(x_t, h[-1]))
            h[-1].retain_grad()
        (h[-1] * torch.tensor(figure.direction)).sum().backward()
        means.append([h_t.grad.norm().log10().item() for h_t in reversed(h)])
    assert np.allclose(figure.curves[1].get_ydata(), np.mean(means, 0), rtol=0, atol=1e-8)
    assert np.allclose(figure.curves[2].get_ydata(), np.arange(v["T"] + 1) * np.log10(v["keep"]), rtol=0, atol=1e-9)
    assert ends_seen_or_marked(figure)
    assert [name.get_text().split(":")[0] for name in figure.names] == list(KeepBias.NAMES)
    assert f"diagonal {10 ** figure.data[2, -1]:.1g}." in figure.alt


@pytest.mark.parametrize("figure, ranges", [
    (StableDisc, dict(real=(-7., 5., .01), imaginary=(0., 5., .01))),
    (KeepBias, dict(keep_bias=(0., 6.), keep=(.8, 1.), T=(10, 200)))])
def test_sliders_reach_their_ends(figure, ranges):
    assert live(figure(), **ranges) is not None
    shown = figure()
    for end in (min, max):
        shown.update(**{name: end(ends[:2] if isinstance(ends, tuple) else ends) for name, ends in ranges.items()})
        assert shown.png() and len(shown.alt) > 40 and "nan" not in shown.alt


@pytest.mark.parametrize("make, words", [
    (lambda: KeepBias(T=0), "T is 0"), (lambda: KeepBias(T=201), "T is 201")])
def test_refusals(make, words):
    with pytest.raises(ValueError, match=words):
        make()


@pytest.mark.parametrize("make", [
    partial(Pitchfork), partial(StableDisc), partial(StableDisc, real=-7., imaginary=5.), partial(KeepBias),
    partial(KeepBias, keep=1., keep_bias=6.), partial(KeepBias, keep=.8, T=200)], ids=named)
def test_every_text_can_be_read(make):
    assert legible(make()) > 3


@pytest.mark.parametrize("make, settings", [
    (StableDisc, [dict(real=re, imaginary=im) for re in (-7., -5.3, -2., 2., 3.7, 5.) for im in (0., .8, 5.)])])
def test_no_curve_runs_through_a_word(make, settings):
    figure = make()
    for values in settings:
        figure.update(**values).png()
        box = figure.word.get_window_extent(figure.fig.canvas.get_renderer())
        x, y = figure.sizes.get_transform().transform(np.transpose(figure.sizes.get_data())).T
        beside = (x >= box.x0 - 5) & (x <= box.x1 + 5)
        assert beside.sum() > 5 and (y[beside] < box.y0 - 3).all(), values
