"""Counts that come in bursts: the equation, its means, and what is told of them; and the LSTM as Keras draws it."""

import re

import numpy as np
import pytest

from course_lib.lessons.nb06_vanishing import longterm
from course_lib.lessons.nb11_lstm import traffic


def test_counts_have_the_mean_and_the_memory_of_their_equation():
    made = traffic.traffic(200_000, 3)
    assert made.count.dtype.kind == "i" and made.count.min() >= 0
    assert np.isclose(made.count.mean(), 20 + .03 * 60 / .2, rtol=.02, atol=0)
    surprise = made.count - made.expected
    assert abs(surprise.mean()) < .2  # nothing more can be told from the hours before
    assert np.abs([np.corrcoef(surprise[1:], made.expected[:-1])[0, 1], np.corrcoef(surprise[1:], surprise[:-1])[0, 1]
                   ]).max() < .02
    # Var(s) = .03 (2 * 60^2) - 1.8^2, that of b / (1 - .64), rhythm 10^2 / 2, Poisson the mean
    assert np.isclose(made.count.var(), (216 - 3.24) / .36 + 50 + 29, rtol=.05, atol=0)
    assert np.array_equal(traffic.traffic(100, 3).count, traffic.traffic(100, 3).count)
    assert not np.array_equal(traffic.traffic(100, 3).count, traffic.traffic(100, 4).count)


def test_forecast_reads_the_hours_before_and_no_later_ones():
    made = traffic.traffic(400, 0)
    known, least = traffic.traffic_windows(made, hours=10, known=300)
    scaled = (made.count - made.count[:300].mean()) / made.count[:300].std()
    assert known.x.shape == (10, 290, 1) and known.x_test.shape == (10, 100, 1)
    assert np.allclose(known.x[:, 5, 0], scaled[5:15], atol=0) and np.allclose(known.target[5], scaled[15], atol=0)
    assert np.allclose(known.y_test[:, 0], scaled[300:], atol=0)
    assert np.allclose(known.x_test[:, 0, 0], scaled[290:300], atol=0)
    expected = (made.expected - made.count[:300].mean()) / made.count[:300].std()
    assert np.isclose(least, ((expected - scaled)[300:] ** 2).mean(), rtol=1e-12, atol=0)


def test_a_keras_lstm_is_orthogonal_as_a_whole_and_no_gate_is():
    drawn = longterm.keras_lstm(6, 32, np.random.default_rng(0))
    assert np.allclose(drawn.W_hh.T @ drawn.W_hh, np.eye(32), atol=1e-12) and drawn.W_hh.shape == (128, 32)
    for block in np.split(drawn.W_hh, 4):
        largest, *_, smallest = np.linalg.svd(block, compute_uv=False)
        assert largest < 1 and smallest < .3
        assert np.isclose(block.std(), 1 / np.sqrt(128), rtol=.1, atol=0)
    assert np.array_equal(drawn.b_h, np.repeat([0., 1., 0., 0.], 32))
    assert .9 < np.abs(drawn.W_xh).max() / np.sqrt(6 / (6 + 128)) <= 1


@pytest.mark.parametrize("call, message", [
    (lambda: traffic.traffic(0, 1), "hours is 0"), (lambda: traffic.traffic(10, -1), "seed is -1"),
    (lambda: longterm.learn_forecast("LSTN", traffic.traffic_windows(traffic.traffic(400, 0), 10, 300)[0]), "LSTN")])
def test_what_cannot_work_is_refused(call, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        call()
