"""The figures of lesson 09: what is drawn, against oracles of another kind; what is said, from the data."""

import re
from functools import partial

import mpmath
import numpy as np
import pytest
import torch

from course_lib import initialise, train
from course_lib.lessons.nb09_initialization_and_other_cures import contest, figures
from course_lib.lessons.nb09_initialization_and_other_cures.contest import EntryResult
from course_lib.lessons.nb09_initialization_and_other_cures.figures import (ContestChart, DirectConnection,
                                                                            InitialGradients, ProductSpectrum,
                                                                            SizesOnTheWay, Starts)
from course_lib.screen.live import live
from legible import ends_seen_or_marked, legible, named

INF = np.inf
NORMAL = np.random.default_rng(0).normal(size=13)
STARTS = {"all 0.5": np.full(13, .5), "normal × 0.01": .01 * NORMAL, "normal × 1": NORMAL, "normal × 5": 5 * NORMAL}
FIFTH = {**STARTS, "one is 0.6": np.array([.6] + 12 * [.5])}
OUTCOMES = {"few": EntryResult(np.array([1e-9, 1e-8]), np.array([[INF, 300.], [INF, INF]])),
            "all of them": EntryResult(np.array([.1, .2]), np.array([[100., 200.], [INF, 50.]])),
            "nobody": EntryResult(np.array([1e-3, 3e-3]), np.full((2, 2), INF))}


def autograd(params, x, direction, activation="tanh", alpha=0.):
    """Mean over members of log10 |dL/dh_t| by distance."""
    curves = []
    for W_xh, W_hh, _ in zip(*map(torch.tensor, params)):
        h = [torch.zeros(1, figures.HIDDEN, dtype=float, requires_grad=True)]
        for x_t in torch.tensor(x):
            a = x_t @ W_xh.T + h[-1] @ W_hh.T
            new = torch.tanh(a) if activation == "tanh" else torch.relu(a)
            h.append(alpha * h[-1] + (1 - alpha) * new)
            h[-1].retain_grad()
        (h[-1] * torch.tensor(direction)).sum().backward()
        curves.append([h_t.grad.norm().log10().item() for h_t in reversed(h)])
    return np.mean(curves, axis=0)


@pytest.mark.parametrize("values", [dict(), dict(activation="relu", gain=1.4, T=30), dict(drive=1., gain=.5, T=100)])
def test_initial_gradients_agree_with_autograd(values):
    figure = InitialGradients().update(**values)
    v = figure.values
    for kind, params, line, name in zip(figures.KINDS, figure.drawn, figure.curves, figure.names):
        scaled = params._replace(W_xh=v["drive"] * params.W_xh, W_hh=v["gain"] * params.W_hh)
        truth = autograd(scaled, figure.x[:v["T"]], figure.direction, v["activation"])
        assert np.allclose(line.get_ydata(), truth, rtol=0, atol=1e-9)
        assert name.get_text().lstrip("↑↓ ").startswith(kind) and f"{kind} {10 ** truth[-1]:.1g}" in figure.alt
    assert ends_seen_or_marked(figure) and figure.ax.get_xlim() == (0, 50 if v["T"] <= 50 else 100)


def test_the_networks_are_drawn_as_they_are_called():
    figure = InitialGradients()
    for kind, params in zip(figures.KINDS, figure.drawn):
        W, singular = params.W_hh, np.linalg.svd(params.W_hh, compute_uv=False)
        assert W.shape == (3, 32, 32)
        assert np.allclose(singular, 1) == (kind in ("orthogonal", "identity"))
        if kind == "sparse":
            assert ((W != 0).sum(-1) == 15).all() and np.allclose(np.abs(np.linalg.eigvals(W)).max(-1), .95)


def test_a_network_that_is_off_is_said_and_drawn():
    figure = InitialGradients(activation="relu", gain=1e-6, T=100)
    assert np.isneginf(figure.data[:, -1]).any() and re.search(r"(uniform|gaussian) 0[,.]", figure.alt) and figure.png()


@pytest.mark.long(but_every=2)
@pytest.mark.parametrize("drive", ProductSpectrum.DRIVES)
def test_spectrum_against_many_digits(drive):
    figure = ProductSpectrum(T=10, drive=drive)
    with mpmath.workdps(60):
        for kind, line in zip(figures.KINDS, figure.curves):
            rng, gain = np.random.default_rng(0), .95 if kind == "sparse" else 1.
            params = initialise.rnn(figures.INPUTS, figures.HIDDEN, rng, recurrent=kind, gain=gain, input_gain=drive)
            x, h = np.random.default_rng([0, 1]).normal(size=(50, 1, figures.INPUTS)), np.zeros(figures.HIDDEN)
            product = mpmath.eye(figures.HIDDEN)
            for x_t in x[:10, 0]:
                h = np.tanh(params.W_xh @ x_t + params.W_hh @ h)
                product = mpmath.matrix(np.diag(1 - h**2) @ params.W_hh) * product
            # the determinant is the product of all singular values, the Frobenius norm their squares' sum
            logs = line.get_ydata()
            assert np.isclose(logs.sum(), float(mpmath.log10(abs(mpmath.det(product)))), rtol=0, atol=1e-8)
            frobenius = float(mpmath.log10(mpmath.norm(product, 2)))
            assert np.isclose(np.log10((10 ** (2 * logs)).sum()) / 2, frobenius, rtol=0, atol=1e-9)
    assert (np.diff(figure.data, axis=1) <= 0).all()


def test_spectrum_in_words():
    figure = ProductSpectrum()
    for kind, logs in zip(figures.KINDS, figure.data):
        assert f"{kind} {10 ** logs[0]:.2g} to {10 ** logs[-1]:.2g}" in figure.alt
    assert figure.update(T=50, drive=1.).data[2, 0] < -1 < ProductSpectrum().data[2, -1]


@pytest.mark.parametrize("values", [dict(), dict(gain=.5, steps=30), dict(gain=1.4, steps=7, activation="tanh"),
                                    dict(weights="orthogonal", steps=20, activation="relu", gain=1.4),
                                    dict(weights="all the same", steps=3), dict(weights="new each step", steps=6)])
def test_sizes_on_the_way_are_those_of_products(values):
    figure = SizesOnTheWay(**values)
    v, h = figure.values, figure.first
    rng = np.random.default_rng([0, 1])
    fresh = [rng.standard_normal((200, 200), dtype=np.float32) * np.float32(v["gain"] / np.sqrt(200))
             for _ in range(v["steps"])]
    product = np.broadcast_to(np.eye(200), (5, 200, 200))
    for step in range(v["steps"]):
        W = fresh[step] if v["weights"] == "new each step" else v["gain"] * figure.drawn[v["weights"]]
        a = h @ W.T
        h = {"linear": a, "tanh": np.tanh(a), "relu": a * (a > 0)}[v["activation"]]
        slopes = {"linear": np.ones_like(a), "tanh": 1 - h**2, "relu": 1. * (a > 0)}[v["activation"]]
        product = slopes[:, :, None] * W @ product
    gradients = np.einsum("bi,bij->bj", figure.last, product)
    np.testing.assert_allclose(10. ** figure.data[0], np.abs(h).ravel(), rtol=1e-6, atol=0)
    scale = np.abs(gradients).max()
    assert (np.abs(10. ** figure.data[1] - np.abs(gradients).ravel()) < 1e-6 * scale).all()
    for text, made, start in zip(figure.words, (h, gradients), (figure.first, figure.last)):
        factor = np.linalg.norm(made) / np.linalg.norm(start)
        assert f"after {v['steps']} steps: × {factor:.2g}" == text.get_text() and f"{factor:.1g} times" in figure.alt
    for line, made in zip(figure.ends, (h, gradients)):  # twice the share of each bin, as an outline
        seen = (np.abs(made) > 1e-12) & (np.abs(made) < 1e8)
        assert np.isclose(line.get_ydata().sum() / 2, seen.mean(), atol=0)


def test_sizes_on_the_way_fail_and_hold_as_the_lesson_tells():
    """Equal entries make equal units; an orthogonal matrix keeps every size over 100 steps; the names are true."""
    states = SizesOnTheWay(weights="all the same", gain=1.3, steps=2).data[0].reshape(5, 200)
    np.testing.assert_allclose(states, np.repeat(states[:, :1], 200, axis=1), rtol=1e-9, atol=0)
    figure = SizesOnTheWay(weights="orthogonal", steps=100)
    np.testing.assert_allclose(figure.factors(figure.data), 1, rtol=1e-9, atol=0)
    np.testing.assert_allclose(figure.drawn["orthogonal"] @ figure.drawn["orthogonal"].T + 1, np.eye(200) + 1,
                               rtol=1e-12, atol=0)
    with pytest.raises(ValueError, match="weights is 'Glorot', needs one of 'Gaussian'"):
        figure.update(weights="Glorot")


def net_of_torch(p, X):
    """What lesson 01's net says: a row of W for each of the two inputs, then b, v and c."""
    net = torch.nn.Linear(2, 3, dtype=float), torch.nn.Linear(3, 1, dtype=float)
    mine = {"0.weight": p[:6].reshape(2, 3).T, "0.bias": p[6:9], "1.weight": p[9:12][None], "1.bias": p[12:]}
    return torch.func.functional_call(torch.nn.Sequential(net[0], torch.nn.Tanh(), net[1]), {
        name.replace("1.", "2."): value for name, value in mine.items()}, X)[:, 0]


@pytest.mark.long(but_every=2)
@pytest.mark.parametrize("optimiser, by_torch", [(train.SGD(.05), partial(torch.optim.SGD, lr=.05)),
                                                 (train.Adam(.03), partial(torch.optim.Adam, lr=.03))])
@pytest.mark.parametrize("start", FIFTH)
def test_each_update_of_a_start_is_torchs(start, optimiser, by_torch):
    figure = Starts(FIFTH, optimiser, start=start)
    X = torch.tensor([[-1., -1], [-1, 1], [1, -1], [1, 1]], dtype=float)
    p, t = torch.tensor(FIFTH[start], requires_grad=True), -X.prod(1)
    steps, axis = by_torch([p]), np.linspace(-1.6, 1.6, 121)
    for update in range(201):
        says = net_of_torch(p, X)
        loss = ((says - t)**2).sum()
        np.testing.assert_allclose(figure.paths[start][update], p.detach(), rtol=1e-6, atol=1e-12)
        if loss > 1e-9:
            np.testing.assert_allclose(figure.losses[start][update], loss.item(), rtol=1e-6, atol=0)
        if update % 50 == 0:
            plane, said, found = figure.update(update=update).data
            square = torch.tensor(np.stack(np.meshgrid(axis, axis), -1).reshape(-1, 2))
            wanted = net_of_torch(p, square).detach().reshape(121, 121)
            np.testing.assert_allclose(plane, wanted, rtol=0, atol=1e-6 * float(wanted.abs().max()))
            np.testing.assert_allclose(said, says.detach(), rtol=1e-6, atol=0)
            assert figure.result.get_text() == f"{start}, after {update} updates: {found:.2g}"
            assert found == figure.losses[start][update] and f" Loss {found:.2g}. " in figure.alt
            assert figure.alt.startswith(f"Start: {start}. After {update} updates the net says "
                                         f"{round(said[0], 1) + 0.:.1f} at (-1, -1) where -1 is wanted")
        steps.zero_grad()
        loss.backward()
        steps.step()


def test_the_losses_of_all_starts_stand_still_and_the_chosen_one_is_traced():
    figure = Starts(FIFTH, updates=60, start="normal × 1", update=7)
    ax = figure.here.axes
    still, limits = [line for line in ax.get_lines() if line not in (figure.trace, figure.here)], ax.viewLim.bounds
    background, (key,) = figure.background(), figure.fig.legends
    for name, line, text in zip(FIFTH, still, key.get_texts(), strict=True):
        assert line.get_ydata().tolist() == figure.losses[name] and len(figure.losses[name]) == 61
        assert text.get_text() == f"{name}: {figure.losses[name][-1]:.2g}"
        assert f"{name} {figure.losses[name][-1]:.2g}" in figure.alt.split("by start: ")[1]
    assert key.get_title().get_text() == "loss after 60 updates (broad: the one chosen, so far)"
    assert ax.get_title("left") == "Its loss, and that of the other starts" and ax.get_ylim() == (1e-3, 1e4)
    assert len({(line.get_color(), line.get_linestyle(), line.get_linewidth()) for line in still}) == 5
    for start, update in [("normal × 1", 7), ("normal × 5", 0), ("all 0.5", 60), ("normal × 1", 60)]:
        figure.update(start=start, update=update)
        losses = figure.losses[start][:update + 1]
        assert figure.trace.get_xydata().tolist() == [list(pair) for pair in enumerate(losses)]
        drawn = dict(zip(FIFTH, still))[start]
        assert figure.trace.get_color() == drawn.get_color()
        assert figure.trace.get_linewidth() > 2 * drawn.get_linewidth()
        assert figure.here.get_xydata().tolist() == [[update, max(losses[-1], 1e-3)]] and losses[-1] < 1e4
        assert ax.viewLim.bounds == limits and figure.background() is background
    assert figure.losses["normal × 1"][60] < 1e-3 == figure.here.get_ydata()[0]
    figure = Starts(STARTS)
    assert 0 <= figure.losses["normal × 1"][-1] < 1e-15 and "normal × 1 under 1e-12, normal × 5 2." in figure.alt
    assert figure.fig.legends[0].get_texts()[2].get_text() == "normal × 1: under 1e-12"


@pytest.mark.parametrize("starts, options, error, message", [
    ({}, {}, TypeError, "starts needs to be a dict of names and 13 numbers each"),
    ([NORMAL], {}, TypeError, "starts needs to be a dict"), ({1: NORMAL}, {}, TypeError, "starts needs to be a dict"),
    ({"mine": np.zeros}, {}, TypeError, r"starts\['mine'\] is builtin_function_or_method, needs an array of numbers"),
    ({**STARTS, "mine": np.zeros((13, 1))}, {}, ValueError, r"starts\['mine'\] has shape \(13, 1\) and dtype float64, "
                                                            r"needs 13 real numbers: np.full\(13, .5\)"),
    ({"mine": 1j * NORMAL}, {}, ValueError, "dtype complex128, needs 13 real numbers"),
    ({"mine": np.full(13, np.nan)}, {}, ValueError, r"starts\['mine'\] is not finite: nan at index \(0,\)"),
    ({"mine": "zeros"}, {}, TypeError, r"starts\['mine'\] has dtype <U5, needs numbers"),
    ({"mine": 1e200 * NORMAL}, {}, FloatingPointError, r"From starts\['mine'\] update 1 overflows"),
    (STARTS, {"optimiser": .05}, TypeError, r"optimiser is 0.05, needs train.SGD\(rate\) or train.Adam\(rate\)"),
    (STARTS, {"optimiser": train.SGD(-1.)}, ValueError, "rate is -1.0, needs to be above 0"),
    (STARTS, {"updates": 0}, ValueError, "updates is 0, needs to be at least 1"),
    (STARTS, {"start": "normal"}, ValueError, "start is 'normal', needs one of 'all 0.5', 'normal × 0.01'"),
    (STARTS, {"update": 201}, ValueError, "update is 201, needs to be 0 to 200")])
def test_what_cannot_start_is_named(starts, options, error, message):
    with pytest.raises(error, match=message):
        Starts(starts, **options)


def test_whole_numbers_and_lists_are_starts_too_and_stay_as_they_are():
    mine = np.zeros(13, int)
    assert Starts({"all 0": mine, "ones": [1] * 13}, updates=3).losses["all 0"] == [4.] * 4 and not mine.any()


@pytest.mark.parametrize("values", [dict(), dict(alpha=.3, recurrent="orthogonal", T=40), dict(alpha=0., T=10)])
def test_direct_connection_agrees_with_autograd(values):
    figure = DirectConnection().update(**values)
    v, rng = figure.values, np.random.default_rng(0)
    params = initialise.rnn(figures.INPUTS, 32, rng, recurrent=v["recurrent"], input_gain=.1, members=3)
    direction = initialise.orthogonal((1, 32), rng)
    x = figure.x[:v["T"]]
    for line, alpha in zip(figure.curves, (0., v["alpha"])):
        assert np.allclose(line.get_ydata(), autograd(params, x, direction, alpha=alpha), rtol=0, atol=1e-9)
    h = torch.zeros(32, dtype=float)
    W_xh, W_hh = (torch.tensor(array[0]) for array in params[:2])

    def step(h, x_t):
        return v["alpha"] * h + (1 - v["alpha"]) * torch.tanh(W_xh @ x_t + W_hh @ h)

    for x_t in torch.tensor(x[:-1, 0]):
        h = step(h, x_t)
    J = torch.autograd.functional.jacobian(lambda h: step(h, torch.tensor(x[-1, 0])), h).numpy()
    mine, true = figure.data.eigenvalues, np.linalg.eigvals(J)
    assert len(figure.dots.get_xdata()) == 32
    assert all(np.abs(true - value).min() < 1e-7 for value in mine) and np.isclose(mine.sum().real, np.trace(J), atol=0)
    size = np.abs(true)
    assert f"moduli from {size.min():.2g} to {size.max():.2g}" in figure.alt


def test_a_leak_keeps_what_was_lost():
    plain, leaky = DirectConnection().data.curves[:, -1]
    assert plain < -8 and leaky > -2


def test_chart_sorts_and_counts():
    chart = ContestChart(OUTCOMES)
    assert list(chart.outcomes) == ["few", "nobody", "all of them"]
    texts = [text.get_text() for text in chart.fig.axes[1].texts]
    assert texts == ["1 of 2", "0 of 2", "2 of 2"]
    assert "all of them: 1e-01 left, all; nobody: 2e-03 left, none; few: 3e-09 left, some." in chart.alt
    points = [line for line in chart.fig.axes[1].lines if line.get_marker() == "o"]
    assert sorted(np.concatenate([line.get_xdata() for line in points])) == [100, 200, 300]
    crosses = [line.get_ydata() for line in chart.fig.axes[1].lines if line.get_marker() == "x"]
    assert [len(cross) for cross in crosses] == [1, 2, 0]


@pytest.mark.parametrize("call, message", [
    (lambda: InitialGradients(T=101), "T is 101, needs to be 1 to 100"), (lambda: DirectConnection(T=0), "T is 0"),
    (lambda: ProductSpectrum(T=11), "T is 11, needs one of 10, 20, 30"),
    (lambda: ProductSpectrum(drive=.5), "drive is 0.5, needs one of 0.01, 1.0"),
    (lambda: DirectConnection(alpha=1.), "alpha is 1, needs"), (lambda: ContestChart({}), "outcomes is empty")])
def test_figures_refuse_what_is_not_there(call, message):
    with pytest.raises(ValueError, match=message):
        call()


EVERY = [partial(InitialGradients), partial(InitialGradients, drive=1., T=100),
         partial(InitialGradients, activation="relu", gain=2.), partial(SizesOnTheWay),
         partial(SizesOnTheWay, weights="all the same"), partial(ProductSpectrum), partial(Starts, STARTS),
         partial(Starts, FIFTH, start="normal × 5", update=0), partial(Starts, FIFTH, update=50),
         partial(ProductSpectrum, T=50, drive=1.), partial(DirectConnection),
         partial(DirectConnection, alpha=0., T=100),
         partial(ContestChart, {name: next(iter(OUTCOMES.values())) for name in contest.ENTRIES})]


@pytest.mark.long(but_every=3)
@pytest.mark.parametrize("make", EVERY, ids=named)
def test_no_text_is_cut_or_covers_another(make):
    assert legible(make()) > 8


@pytest.mark.long(but_every=2)
@pytest.mark.parametrize("make, ranges", [
    (InitialGradients, dict(activation=["tanh", "relu"], gain=(.5, 2.), drive=(.01, 1., "log"), T=(10, 100))),
    (ProductSpectrum, dict(T=(10, 50, 10), drive=[.01, 1.])),
    (partial(Starts, STARTS, start="normal × 1"), dict(start=["all 0.5", "normal × 5", "normal × 1"],
                                                         update=(0, 200))),
    (SizesOnTheWay, dict(gain=(.5, 1.5), steps=(1, 100), activation=["linear", "tanh", "relu"],
                         weights=["Gaussian", "all the same", "new each step", "orthogonal"])),
    (DirectConnection, dict(alpha=(0., .99), T=(10, 100),
                              recurrent=["uniform", "gaussian", "orthogonal", "identity"]))])
def test_sliders_move_it(make, ranges):
    figure = make()
    widget, before = live(figure, **ranges), figure.alt
    for end in (0, 1):
        for name, control in widget.controls.items():
            control.value = ranges[name][end] if isinstance(ranges[name], (list, tuple)) else control.value
            assert figure.values[name] == control.value and not widget._message.value
        assert figure.alt != before
