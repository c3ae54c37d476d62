"""The success plot: what it trains, that it can be repeated, and its order over seeds that the lesson does not use."""

import os
import re

import numpy as np
import pytest

from course_lib import cells, parallel, tasks, train
from course_lib.lessons.nb08_clipping import success
from course_lib.shipped import shipped_runs

FRESH_SEEDS = range(200, 208)


def test_the_initial_weights_are_the_papers():
    network = success.smart_tanh(range(3))
    W = network.rnn.W_hh
    assert W.shape == (3, 50, 50) and (np.count_nonzero(W, axis=-1) == 15).all()
    assert np.allclose(np.abs(np.linalg.eigvals(W)).max(-1), .95, rtol=1e-9, atol=0)
    for small in (network.rnn.W_xh, network.readout.W_hy):
        assert small.std() == pytest.approx(.01, rel=.1)
    assert not network.rnn.b_h.any() and not network.readout.b_y.any()
    assert success.smart_tanh([0], np.float32).rnn.W_hh.dtype == np.float32


def test_a_seed_draws_the_same_network_in_any_company():
    together, alone = success.smart_tanh([4, 7]), success.smart_tanh([7])
    for (_, both), (_, one) in zip(cells.leaves(together), cells.leaves(alone)):
        assert np.array_equal(both[1], one[0])


def test_settings_begin_with_the_longest():
    assert success.longest_first((10, 30), ("SGD", "clip")) == [("SGD", 30), ("clip", 30), ("SGD", 10), ("clip", 10)]
    assert len(success.longest_first()) == len(set(success.longest_first())) == 15


def test_short_sequences_are_learned_the_same_each_time():
    first, again = (success.one("clip", 10, range(2), updates=600) for _ in range(2))
    assert first.solved.all() and np.array_equal(first.updates, again.updates)
    assert np.isnan(first.longest).all()  # of networks that have left nothing is known
    double, single = (success.one("clip", 10, range(2), updates=2, dtype=dtype) for dtype in (np.float64, np.float32))
    assert not double.solved.any() and (double.longest >= double.first).all()
    assert np.allclose(double.first, single.first, rtol=1e-4, atol=0) and not np.array_equal(double.first, single.first)


def test_runs_that_travel_are_those_that_the_same_call_gives_and_never_the_quick_ones():
    """Single updates may differ between processors; who learns at once does not."""
    kept, quick = shipped_runs("success", success.Outcome), success.one("clip", 10)
    assert quick.solved.all() and quick.updates.max() < 1000 and ("clip", 10) not in kept
    assert all(outcome.updates.shape == (10,) for outcome in kept.values())
    for (method, T), outcome in kept.items():
        assert np.isnan(outcome.longest[outcome.solved]).all()
        method = method if isinstance(method, str) else success.Method(*method)
        first = success.one(method, T, updates=1).first  # the same networks read the same batch
        still = np.isfinite(outcome.first)
        assert np.allclose(first[still], outcome.first[still], rtol=1e-3, atol=0)


def test_other_methods_do_not_move_the_data(monkeypatch):
    seen = []

    def remember(T, batch, rng):
        x, labels = tasks_order(T, batch, rng)
        seen.append((batch, x.argmax(-1).tobytes()))
        return x, labels

    tasks_order = tasks.temporal_order
    monkeypatch.setattr(success.tasks, "temporal_order", remember)
    success.one("SGD", 10, [0], updates=3)
    sgd, seen[:] = seen.copy(), []
    success.one("clip + penalty", 10, [5, 6], updates=3)
    assert sgd == seen and [batch for batch, _ in seen] == [20, 20, 20, 500]


def test_a_method_is_what_it_says(monkeypatch):
    given = {}

    def until_solved(params, objective, batches, error, **options):
        network = cells.tree_map(lambda array: array.copy(), params)
        given.update(options, penalised=objective(network, *batches()).loss)
        raise StopIteration

    monkeypatch.setattr(success.until_solved, "until_solved", until_solved)
    losses = {}
    for name, method in success.METHODS.items():
        with pytest.raises(StopIteration):
            success.one(name, 10, [0])
        assert given["optimiser"] == train.SGD(method.rate) and given["clip_norm"] == method.clip_norm
        losses[name] = given["penalised"]
    assert losses["SGD"] == losses["clip"] < losses["clip + penalty"]


def process(_):
    return os.getpid()


@pytest.mark.skipif((os.cpu_count() or 1) < 2, reason="a single processor")
def test_without_being_told_runs_use_all_processors():
    assert os.getpid() not in {pid for _, pid in parallel.runs(process, range(4), progress=False)}


@pytest.fixture(scope="module")
def solved():
    """Share of networks that solve it, {(method, T): share}; SGD at T = 40 is left out, it cannot beat T = 30."""
    asked = [(method, T, FRESH_SEEDS) for method, T in success.longest_first((30, 40)) if (method, T) != ("SGD", 40)]
    return {(method, T): outcome.solved.mean()
            for (method, T, _), outcome in parallel.runs(success.one, asked, progress=False)}


@pytest.mark.long
def test_plain_descent_learns_nothing_at_30_steps(solved):
    assert solved["SGD", 30] == 0


@pytest.mark.long
def test_clipping_goes_further(solved):
    assert solved["clip", 30] >= 3 / 5


@pytest.mark.long
def test_the_penalty_goes_further_still(solved):
    assert solved["clip + penalty", 30] >= 4 / 5 and solved["clip + penalty", 30] >= solved["clip", 30]
    assert solved["clip + penalty", 40] > solved["clip", 40]


@pytest.mark.parametrize("call, error, words", [
    (lambda: success.one("momentum", 20), ValueError, "method is 'momentum', needs one of 'SGD', 'clip'"),
    (lambda: success.one("SGD", 9), ValueError, "T is 9, needs to be at least 10"),
    (lambda: success.one("SGD", 20.), TypeError, "T is 20.0"),
    (lambda: success.one("SGD", 20, []), ValueError, "seeds is empty"),
    (lambda: success.one("SGD", 20, [.5]), TypeError, "seeds is 0.5"),
    (lambda: success.one("SGD", 20, updates=0), ValueError, "updates is 0"),
    (lambda: success.one(success.Method(-1.), 20), ValueError, "rate is -1"),
    (lambda: success.one(success.Method(.1, 0.), 20), ValueError, "clip_norm is 0, needs to be above 0"),
])
def test_bad_input_is_named(call, error, words):
    with pytest.raises(error, match=re.escape(words)):
        call()
