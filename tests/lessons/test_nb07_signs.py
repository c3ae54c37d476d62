"""Signs of an explosion: each is seen where it is made on purpose, and none where a run is healthy."""

import re

import numpy as np
import pytest

from course_lib import bptt, initialise, losses, tasks, train
from course_lib.lessons.nb07_exploding import signs, wall


def run(seed=0, gain=1., rate=.05, activation="tanh", updates=200, optimiser=train.SGD, members=None, **options):
    """A training run on recall, and what it ended with if it broke off."""
    rng = np.random.default_rng(seed)
    network = initialise.network(2, 24, 2, rng, gain=gain, members=members, dtype=np.float32)
    objective = train.sequence_objective(losses.cross_entropy, activation=activation)
    try:
        return train.train(network, objective, lambda: tasks.recall(20, 20, rng), updates=updates,
                           optimiser=optimiser(rate), progress=False, **options)
    except train.Diverged as stopped:
        return stopped


HEALTHY = [dict(), dict(clip_norm=1.), dict(rate=1e-2, optimiser=train.Adam), dict(rate=.03, gain=.95)]


@pytest.mark.long(but_every=5)
@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("options", HEALTHY, ids=str)
def test_healthy_runs_raise_no_alarm(seed, options):
    result = run(seed, **options)
    report = signs.shown_by(result, before=run(seed, **options, updates=199).params)
    assert result.history.loss[-10:].mean() < .2 and len(report) == 6
    assert report.present == [] and not any(report), report


# Each sign, on purpose ---------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(5))
def test_states_that_overflow(seed):
    stopped = run(seed, gain=1e3, activation="linear")
    assert isinstance(stopped, train.Diverged)
    report = signs.shown_by(stopped)
    assert report[0].present and report[0].at == (stopped.array, stopped.index) and "update" in report[0].words
    assert report.present[0] == "not finite" and repr(report).startswith("not finite          YES")


def test_too_large_a_rate_oscillates_and_leaves_huge_weights():
    found = [signs.shown_by(run(seed, rate=30.)).present for seed in range(8)]
    assert sum("oscillating loss" in present for present in found) >= 5
    assert sum("huge weights" in present for present in found) >= 6


def test_a_spike_at_the_wall():
    start = wall.Point(np.array(6.), np.array(-2.2))
    before = train.train(start, wall.objective(), lambda: (), updates=81, optimiser=train.SGD(.3), progress=False)
    after = train.train(before, wall.objective(), lambda: (), updates=1, optimiser=train.SGD(.3), progress=False)
    assert signs.shown_by(before).present == ["oscillating loss"]  # it hops across the wall
    report = signs.shown_by(after, before)
    assert report.present == ["gradient spike", "oscillating loss", "huge weights", "huge update"]
    spike = report[2]
    assert spike.at == 81 and spike.value == pytest.approx(
        after.history.grad_norm[81] / after.history.grad_norm[:81].max(), rel=1e-6, abs=0)


@pytest.mark.parametrize("q", [1.1, 1.5, 3.])
def test_overflow_ahead_counts_the_steps_that_are_left(q):
    """h_t = q^t: its square overflows at the first t with q^(2 t) above the largest number."""
    for dtype in (np.float32, np.float64):
        h = np.array([q**t for t in range(1, 30)])
        sign = signs.overflow_ahead(h, dtype, within=1e9)
        t = 29 + sign.value
        assert t == pytest.approx(np.log(float(np.finfo(dtype).max)) / 2 / np.log(q), rel=1e-9, abs=0)
        assert sign.present and sign.at == 28
    steps = int(re.search(r"in (\d+) steps", signs.overflow_ahead(h).words)[1])
    with np.errstate(over="ignore"):
        last, beyond = np.float32(q) ** np.float32(29 + steps - np.array([1, 0]))
        assert np.isfinite(last * last) and np.isinf(beyond * beyond)


def test_overflow_ahead_at_its_limits():
    assert signs.overflow_ahead(np.full(20, 1e20)).value == 0 and "now" in repr(signs.overflow_ahead(np.full(20, 1e20)))
    assert not signs.overflow_ahead(np.full(20, 1e18)) and not signs.overflow_ahead(np.zeros(20))
    assert not signs.overflow_ahead(.5 ** np.arange(20)) and not signs.overflow_ahead(np.array([3.]))
    one_jump = np.r_[np.ones(20), 1e6]
    assert not signs.overflow_ahead(one_jump)
    assert signs.overflow_ahead(np.stack([np.ones(20), 10. ** np.arange(20)], axis=1))  # the worst member
    assert signs.overflow_ahead(np.r_[np.zeros(19), 1.]).value == np.inf


def test_nonfinite_names_the_first_array_and_the_time_step():
    h = np.ones((9, 2, 3))
    h[4:, 1, 2] = np.inf
    sign = signs.nonfinite({"x": np.ones(4), "h": h, "dh": h * np.nan})
    assert sign and sign.at == ("h", (4, 1, 2)) and sign.value == 2 and "h is inf at index (4, 1, 2)" in sign.words
    assert signs.nonfinite({"dh": h, "h": h}).at[0] == "dh"
    network = initialise.network(2, 3, 2, np.random.default_rng(0))
    assert not signs.nonfinite(network) and not signs.nonfinite(np.ones(3))
    network.readout.b_y[1] = np.nan
    assert signs.nonfinite(network).at == ("readout.b_y", (1,))


def test_it_is_the_same_first_array_that_the_trainer_names():
    stopped = run(0, gain=1e3, activation="linear")
    rng = np.random.default_rng(0)
    network = initialise.network(2, 24, 2, rng, gain=1e3, dtype=np.float32)
    with np.errstate(all="ignore"):
        states = bptt.forward(network.rnn, tasks.recall(20, 20, rng)[0], activation="linear").h
    assert signs.nonfinite({"run.h": states}).at == (stopped.array, stopped.index)


def test_oscillation_is_a_share_of_jumps():
    zigzag = np.tile([1., 2.], 50)
    sign = signs.oscillating_loss(zigzag)
    assert not sign and sign.value == 0  # jumps of 1 are below the start's median of 1.5
    sign = signs.oscillating_loss(zigzag, jump=.5)
    assert sign and sign.value == pytest.approx(50 / 99, rel=1e-6, abs=0)
    assert not signs.oscillating_loss(np.linspace(3, 0, 100)) and not signs.oscillating_loss(np.array([2.]))
    noisy = 1 + .1 * np.random.default_rng(0).normal(size=1000)
    assert not signs.oscillating_loss(noisy)
    both = np.stack([noisy[:100], zigzag], axis=1)
    assert signs.oscillating_loss(both, jump=.5).value == pytest.approx(50 / 99, rel=1e-6, abs=0)


def test_a_spike_is_larger_than_all_before():
    norms = np.ones(50)
    norms[30] = 25
    sign = signs.gradient_spike(norms)
    assert sign and sign.value == 25 and sign.at == 30 and not signs.gradient_spike(norms, limit=26)
    assert not signs.gradient_spike(np.r_[1e9, norms[1:]])  # the first updates are the measure
    assert not signs.gradient_spike(np.ones(3)) and not signs.gradient_spike(np.zeros(30))


def test_weights_and_updates():
    network = initialise.network(2, 64, 3, np.random.default_rng(0))
    assert signs.huge_weights(network).value < 3 and not signs.huge_weights(network)
    larger = network._replace(rnn=network.rnn._replace(W_hh=100 * network.rnn.W_hh))
    sign = signs.huge_weights(larger)
    assert sign and sign.value == pytest.approx(100) and "rnn.W_hh" in sign.words  # rows of an orthogonal matrix
    moved = network._replace(readout=network.readout._replace(b_y=network.readout.b_y + 2))
    size = np.sqrt(sum((array**2).sum() for part in network for array in part))
    assert signs.huge_update(network, moved).value == pytest.approx(np.sqrt(12) / size, rel=1e-6, abs=0)
    assert not signs.huge_update(network, moved) and signs.huge_update(network, larger)
    assert signs.huge_weights(wall.Point(np.array(1040.), np.array(3.))).value == 1040


def test_an_ensemble_is_judged_by_its_worst_member():
    rates = np.array([.1, .1, 30.])
    rng = np.random.default_rng(0)
    members = initialise.network(2, 24, 2, rng, members=3, dtype=np.float32)
    result = train.train(members, train.sequence_objective(losses.cross_entropy), lambda: tasks.recall(20, 20, rng),
                         updates=100, optimiser=train.SGD(rates), progress=False)
    alone = signs.oscillating_loss(result.history.loss[:, 2])
    assert signs.shown_by(result)[3] == alone and alone and not signs.oscillating_loss(result.history.loss[:, 0])


def test_what_comes_after_a_nan_is_not_judged():
    norms = np.r_[np.ones(20), np.nan, 1e9]
    assert signs.gradient_spike(norms) == signs.gradient_spike(np.ones(20))
    with pytest.raises(ValueError, match="loss is not finite from its first entry on"):
        signs.oscillating_loss(np.array([np.nan, 1.]))


@pytest.mark.parametrize("call, error, words", [
    (lambda: signs.shown_by("run"), TypeError, "result is str, needs what train.train returned"),
    (lambda: signs.gradient_spike([]), ValueError, "grad_norm has shape (0,): it is empty"),
    (lambda: signs.gradient_spike(3.), ValueError, "grad_norm has shape ()"),
    (lambda: signs.gradient_spike(np.ones(9), limit=0), ValueError, "limit is 0, needs to be above 0"),
    (lambda: signs.overflow_ahead(np.ones(9), np.int32), TypeError, "needs a floating point type"),
    (lambda: signs.overflow_ahead(-np.ones(9)), ValueError, "sizes are below 0"),
    (lambda: signs.huge_update(np.zeros(2), np.ones(2)), ValueError, "all parameters before the update are 0"),
    (lambda: signs.huge_update(np.ones(2), np.ones(3)), ValueError, "not of one form"),
    (lambda: signs.huge_weights(np.array([1, 2])), TypeError, "has dtype int64, needs floating"),
    (lambda: signs.nonfinite(["a"]), TypeError, "needs numbers"),
])
def test_bad_input_is_named(call, error, words):
    with pytest.raises(error, match=re.escape(words)):
        call()
