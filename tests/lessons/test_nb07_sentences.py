"""Lesson 07's general sentences, at rates, gains, sizes and seeds that no cell shows."""

import numpy as np
import pytest

from course_lib import bptt, cells, initialise, losses, tasks, train
from course_lib.lessons.nb07_exploding import signs, wall
from course_lib.lessons.nb07_exploding.dynamics import keep_bit
from course_lib.lessons.nb07_exploding.figures import Twins

pytestmark = pytest.mark.long

def oscillating(rate, gain, block, units=24, networks=10):
    """How many of some networks show an oscillating loss on recall, and how many were near guessing or worse."""
    drawn = [initialise.network(2, units, 2, np.random.default_rng([block, k]), gain=gain, dtype=np.float32)
             for k in range(networks)]
    rng = np.random.default_rng(block)
    run = train.train(cells.tree_map(lambda *arrays: np.stack(arrays), *drawn),
                      train.sequence_objective(losses.cross_entropy), lambda: tasks.recall(20, 20, rng), updates=200,
                      optimiser=train.SGD(rate), progress=False)
    loss = run.history.loss
    return sum(bool(signs.oscillating_loss(each)) for each in loss.T), int((loss[-20:].mean(0) > .2).sum())


@pytest.mark.parametrize("block", range(300, 304))
def test_oscillation_takes_the_rate_and_the_weights(block):
    """In three other draws of ten, rate .5 made 9 or 10 with gain 10 oscillate, 2 to 6 with gain 1; rate .05 none."""
    high, unlearned = oscillating(.5, 10., block)
    assert high >= 7 and unlearned >= 7 and high > oscillating(.5, 1., block)[0]
    assert max(oscillating(rate, gain, block)[0] for rate in (.05, .1) for gain in (1., 10.)) <= 1


def test_oscillation_takes_the_rate_and_the_weights_with_more_units():
    """With 64 units it was 10 of ten; with 16 and gain 5 only 5 of ten, which the lesson does not speak of."""
    assert oscillating(.5, 5., 400, units=40)[0] >= 7 and oscillating(.05, 5., 400, units=40)[0] <= 1


@pytest.mark.parametrize("rate", [.05, .3, 1.])
def test_vanishing_shows_no_sign(rate):
    """Gain .5: none of ten networks jumped at rates up to 1, in three draws; at rate 3 half of them did."""
    assert [oscillating(rate, .5, block) for block in (300, 301)] == [(0, 10)] * 2


def growth(units, gain, seed, recurrent="orthogonal", steps=1000):
    """Growth a step of the gradient, backward through a free-running network, and whether its states still move."""
    W = initialise.network(1, units, 1, np.random.default_rng(seed), recurrent, gain).rnn.W_hh
    params, none = cells.RNNParams(np.zeros((units, 1)), W, np.zeros(units)), np.zeros((steps, 1, 1))
    run = bptt.forward(params, none, bptt.forward(params, none, np.full((1, units), .1)).h[-1])
    size = np.linalg.norm(bptt.backward(run, bptt.at_end(run)).dh[:, 0], axis=-1)
    return (size[0] / size[-1]) ** (1 / steps), np.ptp(run.h, axis=0).max() > .01


@pytest.mark.parametrize("recurrent, gain, units, least", [("orthogonal", 2., 32, 1.1), ("orthogonal", 3., 48, 1.1),
                                                           ("gaussian", 3., 64, 1.05)])
def test_many_units_oscillate_and_explode(recurrent, gain, units, least):
    grown, moving = np.array([growth(units, gain, seed, recurrent) for seed in range(500, 508)]).T
    assert moving.all() and (grown > least).all()


@pytest.mark.parametrize("gain", [1.05, 1.3, 1.9])
@pytest.mark.parametrize("angle", [.3, 1., 2.5])
def test_a_periodic_oscillation_does_not_explode(gain, angle):
    """Two units that turn: the gradient neither grows nor dies, for every gain and angle of a stable circle."""
    turn = gain * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    params, none = cells.RNNParams(np.zeros((2, 1)), turn, np.zeros(2)), np.zeros((2000, 1, 1))
    run = bptt.forward(params, none, bptt.forward(params, none, [[.5, .1]]).h[-1])
    size = np.linalg.norm(bptt.backward(run, bptt.at_end(run)).dh[:, 0], axis=-1)
    assert (size[0] / size[-1]) ** (1 / 2000) < 1.01


@pytest.mark.parametrize("w", [4.1, 4.15, 4.2])
def test_a_fold_is_a_power_of_the_length_and_a_boundary_an_exponential(w):
    """Doubling T from 800 multiplies the slope by 6.2 to 7.6 at the fold, between T^2 and T^3."""
    slopes = [wall.steepest(w, T).slope for T in (800, 1600, 3200)]
    assert all(4 < after / before < 8 for before, after in zip(slopes, slopes[1:]))
    beyond = w + .8
    slopes = [wall.steepest(beyond, T).slope for T in (60, 80)]
    assert (slopes[1] / slopes[0]) ** (1 / 20) == pytest.approx(wall.growth_at_start(beyond), rel=.01, abs=0)


@pytest.mark.parametrize("T", [60, 200])
@pytest.mark.parametrize("seed", range(3))
def test_more_noise_asks_for_a_weight_that_leaves_less_gradient(seed, T):
    w, normal = np.linspace(1, 3, 41), np.random.default_rng([700, seed]).normal(size=(T, 200, 1))
    kept = [keep_bit(w, noise * normal) for noise in (.05, .2, .4)]
    weakest = [(each.share > 99).argmax() for each in kept]
    left = [each.gradient[k] for each, k in zip(kept, weakest)]
    assert 0 < weakest[0] < weakest[1] < weakest[2] and -4 > left[0] > left[1] + 5 > left[2] + 10
    assert all(each.share[0] < 80 for each in kept)


@pytest.mark.parametrize("seed", range(800, 808))
def test_two_runs_part_as_the_gradient_grows(seed):
    """In 13 draws, at gains from .5 to 2, the factors a step were at most .05 apart, but for one of these eight."""
    figure = Twins(seed=seed)
    for gain in (.5, .8, 2.):
        parted = figure.update(gain=gain).data
        forward, backward = 10 ** (parted.distance[100] / 100), 10 ** (parted.gradient[100] / 100)
        assert forward == pytest.approx(backward, abs=.08) and (forward > 1) == (backward > 1) == (gain > 1)


def test_a_smaller_factor_changes_when_it_overflows():
    """The fold below the first overflow: 931 steps at 1.1, with the same unit in numpy alone."""
    with np.errstate(over="ignore"):
        assert np.isinf(np.cumprod(np.full(1000, 1.1, np.float32))).argmax() + 1 == 931


@pytest.mark.parametrize("rate, longest, w", [(.2, 4.1, 4.2), (.1, 198, 15)])
def test_at_other_rates_it_is_luck_to_land_in_the_strip(rate, longest, w):
    run = train.train(wall.Point(np.array(6.), np.array(-2.2)), wall.objective(T=50), lambda: (), updates=600,
                      optimiser=train.SGD(rate), progress=False)
    assert run.history.grad_norm.max() == pytest.approx(longest, rel=.02, abs=0)
    assert run.params.w == pytest.approx(w, rel=.02, abs=0)
    assert rate == .2 or run.history.grad_norm.argmax() == 359


@pytest.mark.parametrize("w", [5.3, 5.7, 6.])
def test_curvature_is_a_few_times_the_squared_slope(w):
    for T in (40, 60, 80):
        curved, steep = (of(w, T, -3.6, -1.8) for of in (wall.most_curved, wall.steepest))
        assert 4 < curved.curvature / steep.slope**2 < 6
