"""The figures of lesson 10, and its task: what is drawn, against other oracles; what is said, from the data."""

import re

import numpy as np
import pytest

from course_lib import bptt, initialise
from course_lib.lessons.nb10_truncated_bptt import figures, influence_balancing, windows
from course_lib.lessons.nb10_truncated_bptt.checkpoints import KEPT, PIECE, checkpoint_cost
from course_lib.lessons.nb10_truncated_bptt.figures import (
    STEPS, Balancing, Checkpoints, DotRows, NumbersKept, Reach, ThroughAWindow, WindowAndLag)
from course_lib.lessons.nb10_truncated_bptt.windows import LAGS, TASKS, WINDOWS
from course_lib.screen.live import live
from legible import legible


# The task ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("lag, T", [(0, 4), (3, 9), (8, 9)])
def test_delay_says_back_what_was_read(lag, T):
    x, target = windows.delay(lag, T, 5, np.random.default_rng(0))
    assert x.shape == target.shape == (T, 5, 1) and set(np.unique(x)) == {-1, 1}
    for t in range(T):
        assert np.array_equal(target[t], x[t - lag] if t >= lag else 0 * x[t])


@pytest.mark.parametrize("lag, T, batch, message", [
    (9, 9, 5, "lag is 9, needs to be below T, 9"), (-1, 9, 5, "lag is -1, needs to be at least 0"),
    (2, 9, 0, "batch is 0, needs to be at least 1"), (2., 9, 5, "lag is 2.0 (float), needs a whole number")])
def test_delay_refuses(lag, T, batch, message):
    with pytest.raises((TypeError, ValueError), match=re.escape(message)):
        windows.delay(lag, T, batch, np.random.default_rng(0))


# Reach -------------------------------------------------------------------------------------------------


def test_sizes_are_products_of_jacobians():
    figure = Reach()
    rng = np.random.default_rng(0)
    params = initialise.rnn(1, 32, rng, gain=.95, input_gain=.3)
    run = bptt.forward(params, rng.normal(size=(STEPS, 1, 1)))
    direction = initialise.orthogonal((1, 32), rng)
    for s in (1, 9, STEPS):
        row = direction
        for t in range(s, 0, -1):
            assert np.isclose(figure.sizes[s - 1, t - 1], np.linalg.norm(row), rtol=1e-10, atol=0)
            row = row @ (np.diag(1 - run.h[t, 0] ** 2) @ params.W_hh)
    assert not np.triu(figure.sizes, 1).any()


@pytest.mark.parametrize("kind, k", [("window", 6), ("chunks", 6), ("window", 1), ("chunks", 24), ("chunks", 7)])
def test_reach_in_words(kind, k):
    figure = Reach(kind=kind, k=k)
    kept = sum(min(s, k) if kind == "window" else (s - 1) % k + 1 for s in range(1, STEPS + 1))
    assert figure.data[0].sum() == kept and f"{kept} pairs are kept" in figure.alt
    assert f"kept: {kept} of 300 pairs" in figure.words[0].get_text()
    assert f"{1 - figure.data[1]:.0%}" in figure.words[1].get_text()
    assert f"{kept / STEPS:.1f} on average" in figure.alt
    shown = np.asarray(figure.image.get_array())
    assert np.array_equal(shown[..., 3] > 0, np.tri(STEPS, dtype=bool))


def test_reach_refuses():
    with pytest.raises(ValueError, match="kind is 'cut', needs one of 'window', 'chunks'"):
        Reach(kind="cut")
    with pytest.raises(ValueError, match="k is 0, needs to be at least 1"):
        Reach(k=0)


# Window and lag ----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def small():
    return WindowAndLag({setting: windows.trial(*setting, members=2, updates=2) for setting in windows.settings()})


@pytest.mark.parametrize("task", TASKS)
def test_map_shows_every_trial(small, task):
    small.update(task=task, lag=6, window=4)
    solved = sum(small.trials[task, lag, k].solved.sum() for lag in LAGS for k in WINDOWS)
    assert len(small.solved.get_xdata()) == solved
    assert len(small.failed.get_xdata()) == 2 * len(LAGS) * len(WINDOWS) - solved
    for (lag, k), number in small.numbers.items():
        assert number.get_text() == f"{small.trials[task, lag, k].cosine.mean():.2f}"
        if k > lag:
            assert number.get_text() == "1.00"  # the gradient is whole
    x, y = small.frames[0].get_data()
    assert (round(np.mean(x[:4])), round(np.mean(y[:4]))) == (WINDOWS.index(4), LAGS.index(6))
    assert f"the task {task}" in small.alt and "Named cell: lag 6, window 4" in small.alt
    total = sum(k > lag for lag in LAGS for k in WINDOWS)
    assert f"of {2 * total} networks solve" in small.alt


def test_map_refuses(small):
    with pytest.raises(ValueError, match="lag is 5, needs one of 3, 6, 9, 12"):
        small.update(lag=5, window=4)
    with pytest.raises(ValueError, match="task is 'copy'"):
        small.update(task="copy")
    with pytest.raises(ValueError, match="trials lacks 47 of the map, the first .'hold', 3, 2.: run windows.trial"):
        WindowAndLag({("hold", 3, 1): small.trials["hold", 3, 1]})


# Balancing ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("window, start", [(1, 0.), (41, .5), (109, 0.), (110, -1.), (150, 1.), (200, -1.)])
def test_balancing_follows_training(window, start):
    figure = Balancing(window=window, start=start)
    A, v = influence_balancing.system()
    s, theta, path = np.zeros(23), start, [start]
    for _ in range(4 * int(figure.data[0][1]) // window):
        felt, gradient = np.zeros(23), 0.
        for _ in range(window):
            s, felt = A @ s + theta * v, A @ felt + v
            gradient += (s[0] - 1) * felt[0]
        theta -= figures.RATE * gradient
        path.append(theta)
    every = int(figure.data[0][1]) // window
    assert np.allclose(figure.data[1][:5], path[::every], rtol=1e-9, atol=1e-12)
    assert figure.data[0][-1] <= figures.HORIZON
    goes = "it converges" if window >= 110 else "it diverges"
    assert goes in figure.alt and goes in figure.verdict.get_text()
    assert np.abs(figure.path.get_ydata()).max() <= 10


def test_balancing_in_words():
    alt = Balancing().alt
    assert "1 at one step, 16.476 at 19, negative from 41 steps on, -6 in full" in alt
    assert "averaged over a chunk it is negative from 110 steps on" in alt


@pytest.mark.parametrize("window", [0, 201])
def test_balancing_refuses(window):
    with pytest.raises(ValueError, match=f"window is {window}, needs to be"):
        Balancing(window=window)


# Checkpoints -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("k", [1, 7, 10, 33, 100])
def test_checkpoints_in_words_and_pixels(k):
    figure = Checkpoints(k=k)
    states, steps = checkpoint_cost(100, k)
    assert f"At most {states} states are kept, in place of 101, and {steps} steps are taken forward" in figure.alt
    assert "the fewest states are 20, at 10." in figure.alt
    assert figure.words.get_text() == f"k = {k}: {states} states, {steps} steps forward"
    assert np.array_equal(figure.dots.get_xydata(), [(k, states), (k, steps)])
    shown = np.asarray(figure.image.get_array())
    assert np.array_equal(shown[..., 3] > 0, figure.data[0] > 0)
    kept, piece = (shown[figure.data[0] == which] for which in (KEPT, PIECE))
    assert (kept[:, 3] == 1).all() and (piece[:, 3] < .7).all()  # told apart without hue


# Still pictures ----------------------------------------------------------------------------------------


def test_rows_of_dots_in_words():
    rows = {"first": (np.array([.1, .4]), "two of them"), "second": (np.array([.3]), "one")}
    figure = DotRows(rows, title="A title", xlabel="an axis", xlim=(0, 1), guide=(.5, "half"), marks={"second": .25},
                     sizes={"first": np.array([9., 80.])})
    assert figure.alt == "A title, an axis. first: two of them; second: one."
    ax, = figure.fig.axes
    first, second, mark = ax.collections
    assert np.allclose(first.get_offsets()[:, 0], [.1, .4], atol=0) and np.allclose(first.get_sizes(), [9, 80], atol=0)
    assert np.allclose(second.get_offsets(), [(.3, 1)], atol=0)
    assert np.allclose(mark.get_segments()[0][:, 0], .25) and legible(figure) > 4


def test_what_a_window_hides_in_words():
    q = np.array([.5, .6, .9])
    figure = ThroughAWindow({"fast": q ** np.arange(101)[:, None], "slow": .99 ** np.arange(101)[:, None]}, 10)
    assert "shows its first 10 points, and exactly 0 behind them" in figure.alt
    assert "fast: a factor of 0.50, 0.60, 0.90 a step inside, 50 steps back 9e-16, 8e-12, 5e-03" in figure.alt
    assert "slow: a factor of 0.99 a step inside, 50 steps back 6e-01" in figure.alt
    solid = [line for line in figure.fig.axes[0].lines if line.get_linestyle() == "-" and len(line.get_xdata()) == 10]
    assert len(solid) == 4 and legible(figure) > 4


# All of them -------------------------------------------------------------------------------------------


@pytest.mark.long(but_every=4)
@pytest.mark.parametrize("make, values", [
    (Reach, {}), (Reach, dict(kind="chunks", k=24)), (Reach, dict(k=1)), (Balancing, dict(window=1)),
    (Balancing, dict(window=200, start=-1.)), (Balancing, {}), (Checkpoints, {}), (Checkpoints, dict(k=1)),
    (Checkpoints, dict(k=100)), ("map", dict(task="hold", lag=3, window=1)),
    ("map", dict(task="delay", lag=12, window=13))], ids=str)
def test_no_text_is_cut_or_covers_another(make, values, small):
    assert legible(small.update(**values) if make == "map" else make(**values)) > 8


@pytest.mark.parametrize("make, ranges", [
    (Reach, dict(kind=["window", "chunks"], k=(1, 24))), (Balancing, dict(window=(1, 200), start=(-1., 1.))),
    (Checkpoints, dict(k=(1, 100))),
    ("map", dict(task=["delay", "hold"], lag=list(LAGS), window=list(WINDOWS)))], ids=str)
def test_sliders_move_it(make, ranges, small):
    figure = small.update(task="delay", lag=12, window=10) if make == "map" else make()
    widget, before = live(figure, **ranges), figure.alt
    for name, control in widget.controls.items():
        control.value = ranges[name][-1] if isinstance(ranges[name], list) else ranges[name][0]
    assert figure.alt != before
    assert figure.values == {name: control.value for name, control in widget.controls.items()}


# Numbers kept ------------------------------------------------------------------------------------------


def test_numbers_kept_go_through_what_was_counted_and_cross_where_it_says():
    counted = {"full BPTT": {10: 11 * 6, 50: 51 * 6}, "checkpoints": {T: 6 * min(
        checkpoint_cost(T, k).states for k in range(1, T + 1)) for T in (10, 50, 1000)},
        "forward mode": {10: 6 * (6 * 9 + 1)}}
    figure = NumbersKept(6, 2, counted)
    x, curves = figure.curves[0].get_xdata(), np.array([line.get_ydata() for line in figure.curves])
    for curve, points in zip(curves, counted.values()):
        for T, numbers in points.items():
            np.testing.assert_allclose(np.interp(np.log10(T), x, curve), np.log10(numbers), rtol=.01, atol=0)
    crossing = 10 ** np.interp(0, curves[0] - curves[2], x)
    np.testing.assert_allclose(crossing, 54, rtol=1e-2, atol=0)
    assert "66, 306" in figure.alt and "full BPTT at T = 54, and the inputs, not counted, are as many at 1.6e+02." \
        in figure.alt and "checkpoints keep the fewest numbers up to T = 7.6e+02. " in figure.alt
    best = np.interp(np.log10(1300), x, curves[1]), np.interp(np.log10(500), x, curves[1])
    assert best[0] > curves[2][0] > best[1] and figure.ax.get_title("left") == figure.title
    np.testing.assert_allclose(10**curves[3], 2 * 10**x, rtol=1e-12, atol=0)
    dots = [line for line in figure.ax.lines if line.get_marker() == "o"]
    assert [list(np.round(10 ** dot.get_ydata())) for dot in dots] == [list(each.values()) for each in counted.values()]
    assert [name.get_text() for name in figure.names[:3]] == list(counted) and legible(figure) > 5
