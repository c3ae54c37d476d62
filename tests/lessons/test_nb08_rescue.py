"""Starts on the wall: the descent is the trainer's, clipping rescues and hurts none, bad input is named."""

import re

import numpy as np
import pytest

from course_lib import train
from course_lib.lessons.nb07_exploding import wall
from course_lib.lessons.nb08_clipping import rescue


@pytest.mark.parametrize("rate, max_norm", [(.3, .3), (.1, .05), (.3, np.inf)])
def test_descent_is_the_trainers(rate, max_norm):
    start = rescue.starts(3, count=5)
    path = rescue.descend(wall.Point(start.w[:, None], start.b[:, None]), np.array([rate, .01]), max_norm, updates=25)
    assert path.w.shape == (26, 5, 2) and np.array_equal(path.b[0, :, 1], start.b)
    for i in range(5):  # a short way: after it has met the wall, rounding decides
        run = train.train(wall.Point(*(np.array(part[i]) for part in start)), wall.objective(), lambda: (), updates=25,
                          optimiser=train.SGD(rate), clip_norm=None if max_norm == np.inf else max_norm, progress=False)
        assert np.allclose([path.w[-1, i, 0], path.b[-1, i, 0]], run.params, rtol=1e-6, atol=0)
        assert np.isclose(rescue.error(path)[i, 0], wall.evaluate(run.params).loss, rtol=1e-4, atol=0)


@pytest.mark.long(but_every=3)
@pytest.mark.parametrize("seed", range(6))
def test_clipping_rescues_and_hurts_none(seed):
    path = rescue.descend(rescue.starts(seed), .3, np.array([[np.inf], [.3]]))
    alone, clipped = rescue.error(path) < rescue.SOLVED
    assert (clipped & ~alone).sum() >= 12 and not (alone & ~clipped).any() and clipped.sum() >= 29


def test_starts_are_in_the_plane_and_of_their_seed():
    start = rescue.starts(4, count=2000)
    for values, (low, high) in zip(start, wall.PLANE):
        assert low <= values.min() < low + .01 and high - .01 < values.max() <= high
        assert values.mean() == pytest.approx((low + high) / 2, abs=.05)
    assert np.array_equal(start.w, rescue.starts(4, 2000).w) and not np.isin(start.w, rescue.starts(5, 2000).w).any()


@pytest.mark.parametrize("call, error, words", [
    (lambda start: rescue.starts(0, 0), ValueError, "count is 0, needs to be at least 1"),
    (lambda start: rescue.starts(.5), TypeError, "seed is 0.5"),
    (lambda start: rescue.descend(start, 0.), ValueError, "rate is 0.0, needs to be above 0"),
    (lambda start: rescue.descend(start, .3, -1.), ValueError, "max_norm is -1.0, needs to be above 0"),
    (lambda start: rescue.descend(start, .3, np.nan), ValueError, "max_norm is nan"),
    (lambda start: rescue.descend(start, .3, updates=0), ValueError, "updates is 0"),
    (lambda start: rescue.descend((5., -2.), .3), TypeError, "point is tuple, needs wall.Point(w, b)")])
def test_bad_input_is_named(call, error, words):
    with pytest.raises(error, match=re.escape(words)):
        call(rescue.starts(0))


def test_the_steepest_on_the_way_bounds_every_change_of_the_error():
    path = rescue.descend(wall.Point(np.array(6.), np.array(-2.2)), .3, .3, updates=150)
    slope, step = rescue.steepest_on_the_way(path), np.hypot(*map(np.diff, path))
    change = np.abs(np.diff(wall.evaluate(path).loss))
    assert (change <= slope * step).all() and (change > .9 * slope * step).any()  # no bound that holds by being huge
    assert (slope >= np.hypot(*wall.evaluate(path).grads)[:-1]).all() and slope.max() > 1e5
    straight = wall.Point(np.full(2, 5.), np.array([-2.7, -2.5]))  # along w = 5: what `wall.steepest` finds, and more
    assert rescue.steepest_on_the_way(straight)[0] >= .99 * wall.steepest(5., 50).slope
