"""Truncation measured: what a loss reaches, and trials of window against lag, on seeds that the lesson does not use."""

import re

import numpy as np
import pytest

from course_lib import bptt, cells, gradcheck, initialise, losses, tasks
from course_lib.lessons.nb10_truncated_bptt import windows
from course_lib.lessons.nb10_truncated_bptt.windows import reaches, trial


@pytest.mark.parametrize("T, k", [(12, 1), (12, 4), (11, 4), (7, 30)])
def test_reaches_is_what_the_gradient_reaches(T, k):
    """The loss of one step at a time: through the library's window, and through a chunk that starts from a number."""
    rng = np.random.default_rng(0)
    params = initialise.rnn(1, 3, rng)
    run = bptt.forward(params, rng.normal(size=(T, 1, 1)))
    for s in range(1, T + 1):
        direct = np.zeros_like(run.h)
        direct[s] = 1
        by_window = np.abs(bptt.backward(run, direct, window=k).da).max((1, 2)) > 0
        assert np.array_equal(reaches(T, k, "window")[s - 1], by_window)
        start = (s - 1) // k * k
        piece = bptt.forward(params, run.x[start:s], run.h[start])
        read = np.zeros_like(piece.h)
        read[-1] = 1
        by_chunk = np.zeros(T, bool)
        by_chunk[start:s] = np.abs(bptt.backward(piece, read).da).max((1, 2)) > 0
        assert np.array_equal(reaches(T, k, "chunks")[s - 1], by_chunk)


@pytest.mark.long(but_every=2)
@pytest.mark.parametrize("task", windows.TASKS)
def test_cosine_is_that_of_the_two_gradients(task):
    """The gradients by the complex step, every loss restarted from the state `window` steps before; here the cosine."""
    lag, window, hold = 3, 2, task == "hold"
    one = trial(task, lag, window, members=2, updates=1)
    nets, rng = windows.new_networks(task, members=2), np.random.default_rng(1)
    x, target = tasks.recall(lag + 1, 200, rng) if hold else windows.delay(lag, windows.LENGTH, 200, rng)
    rule, at = (losses.cross_entropy, "last") if hold else (losses.mean_squared_error, "every")
    for member in range(2):
        net = cells.tree_map(lambda array: array[member], nets)
        run = bptt.forward(net.rnn, x)

        def loss(b_h, reach):  # the bias alone: 20 numbers
            total = 0
            for s in [len(x)] if hold else range(1, len(x) + 1):
                a = max(0, s - reach)
                h = bptt.forward(net.rnn._replace(b_h=b_h), x[a:s], run.h[a]).h[-1]
                total = total + rule(cells.readout(net.readout, h), target if hold else target[s - 1])[0].sum()
            return total

        for reach in (window, len(x)):
            mine = bptt.loss_and_grads(net, x, target, rule, at, window=reach).grads.rnn.b_h
            assert np.allclose(mine, gradcheck.complex_step(lambda b: loss(b, reach), net.rnn.b_h), rtol=1e-9, atol=0)
        near, full = (np.concatenate([g.ravel() for g in bptt.loss_and_grads(
            net, x, target, rule, at, window=reach).grads.rnn]) for reach in (window, None))
        cosine = near @ full / np.linalg.norm(near) / np.linalg.norm(full)
        assert np.isclose(one.cosine[member], cosine, rtol=1e-12, atol=0)


def test_a_window_beyond_the_lag_learns_the_delay_and_a_shorter_one_does_not():
    for seed in (1, 2):  # not those of the lesson
        assert trial("delay", 9, 10, seed=seed).solved.sum() >= 4
        assert trial("delay", 9, 7, seed=seed).solved.sum() <= 1
        assert trial("hold", 9, 1, seed=seed).solved.sum() >= 4


@pytest.mark.parametrize("places, told", [(20, True), (13, True), (12, False)])
def test_a_shift_register_tells_as_many_signs_as_it_has_places(places, told):
    """Unit 0 takes the input, each other one what the unit before it held; the sign of 12 steps ago is in unit 12."""
    W_hh = np.eye(windows.HIDDEN, k=-1) * (np.arange(windows.HIDDEN) < places)[:, None]
    rnn = cells.RNNParams(.1 * np.eye(windows.HIDDEN, 1), W_hh, np.zeros(windows.HIDDEN))
    nets = windows.new_networks("delay", members=2)
    nets = nets._replace(rnn=cells.tree_map(lambda array, old: np.broadcast_to(array, old.shape), rnn, nets.rnn))
    wrong = windows.unreadable(nets, lag=12)
    assert wrong.shape == (2,) and (np.all(wrong == 0) if told else np.all(np.abs(wrong - .5) < .05))


def test_settings_are_the_whole_map():
    assert len(windows.settings()) == len(set(windows.settings())) == 48
    assert windows.settings()[0] == ("hold", 3, 1) and windows.settings()[-1] == ("delay", 12, 13)


@pytest.mark.parametrize("call, error, words", [
    (lambda: trial("copy", 3, 1), ValueError, "task is 'copy', needs one of 'hold', 'delay'"),
    (lambda: trial("hold", 3, 0), ValueError, "window is 0, needs to be at least 1"),
    (lambda: trial("delay", 0, 1), ValueError, "lag is 0, needs to be at least 1"),
    (lambda: trial("hold", 3., 1), TypeError, "lag is 3.0 (float), needs a whole number"),
    (lambda: windows.unreadable(windows.new_networks("delay"), 20), ValueError, "lag is 20, needs to be below T, 20"),
    (lambda: windows.new_networks("copy"), ValueError, "task is 'copy'"),
    (lambda: reaches(0, 1, "window"), ValueError, "T is 0"),
    (lambda: reaches(5, 0, "chunks"), ValueError, "k is 0, needs to be at least 1"),
    (lambda: reaches(5, 2, "cut"), ValueError, "kind is 'cut', needs one of 'window', 'chunks'")])
def test_bad_input_is_named(call, error, words):
    with pytest.raises(error, match=re.escape(words)):
        call()
