"""The contest: what starts, what is measured, and who learns on seeds that the notebook does not use."""

import numpy as np
import pytest
import torch

from course_lib import tasks
from course_lib.lessons.nb09_initialization_and_other_cures import contest, residual
from course_lib.lessons.nb09_initialization_and_other_cures.contest import ENTRIES, Entry, EntryResult
from course_lib.lessons.nb09_initialization_and_other_cures.residual import Paths
from course_lib.shipped import shipped_runs


def autograd_left(entry, seed):
    """The same ratio by autograd on the unrolled network."""
    net = contest.draw_networks(entry, [seed])
    W_xh, W_hh, b_h = (torch.tensor(array[0]) for array in net.rnn)
    x = torch.tensor(tasks.temporal_order(contest.LENGTH, 50, np.random.default_rng(1))[0])
    direction = torch.tensor(np.random.default_rng(2).normal(size=(50, contest.UNITS)))
    f, (carry, step, skip, norm) = {"tanh": torch.tanh, "relu": torch.relu}[entry.activation], entry.paths
    h = [torch.zeros(50, contest.UNITS, dtype=float, requires_grad=True)]
    for t, x_t in enumerate(x, start=1):
        a = x_t @ W_xh.T + h[-1] @ W_hh.T
        a = torch.nn.functional.layer_norm(a, a.shape[-1:]) if norm else a
        h.append(step * f(a + b_h) + (carry * h[t - skip] if t >= skip else 0))
        h[-1].retain_grad()
    (h[-1] * direction).sum().backward()
    ratio = h[0].grad.norm(dim=-1) / direction.norm(dim=-1)
    return ratio.log().mean().exp().item()


@pytest.mark.parametrize("name", ENTRIES)
def test_what_is_left_agrees_with_autograd(name):
    left = contest.gradient_left(ENTRIES[name], seeds=[3, 8])
    assert np.allclose(left, [autograd_left(ENTRIES[name], seed) for seed in (3, 8)], rtol=1e-8, atol=0)


def test_a_seed_starts_alike_in_any_company():
    alone, together = contest.draw_networks(Entry(), [4]), contest.draw_networks(Entry(), [0, 4])
    assert np.array_equal(alone.rnn.W_hh[0], together.rnn.W_hh[1])
    assert not np.array_equal(together.rnn.W_hh[0], together.rnn.W_hh[1])
    assert np.array_equal(contest.draw_networks(Entry(paths=Paths(layer_norm=True)), [4]).rnn.W_hh, alone.rnn.W_hh)


@pytest.mark.long
def test_direct_ways_learn_where_the_same_weights_do_not():
    seeds = range(20, 24)
    solved = {name: contest.enter(name, seeds).solved for name in (
        "uniform, tanh", "uniform, ReLU", "orthogonal √2, ReLU", "identity, tanh", "identity, ReLU",
        "uniform + leak .9", "uniform + residual .1", "uniform + skip 5")}
    never = max(solved[name] for name in list(solved)[:3])
    assert never <= 1 and min(solved[name] for name in list(solved)[3:]) >= 3, solved


def test_the_better_rate_counts():
    inf = np.inf
    outcome = EntryResult(np.ones(3), np.array([[50., inf, inf], [300., 100., inf]]))
    assert outcome.solved == 2 and np.array_equal(outcome.best, [300., 100., inf])
    faster = EntryResult(np.ones(2), np.array([[50., inf], [100., inf]]))
    assert np.array_equal(faster.best, [50., inf])
    assert EntryResult(np.ones(2), np.full((2, 2), inf)).solved == 0


def test_updates_are_those_of_the_rate_alone(monkeypatch):
    both = contest.enter(Entry("identity", activation="relu"), range(2), updates=200).updates
    monkeypatch.setattr(contest, "RATES", (contest.RATES[1],))
    alone = contest.enter(Entry("identity", activation="relu"), range(2), updates=200).updates
    assert np.array_equal(alone[0], both[1])
    assert np.isfinite(both).any() and set(both[np.isfinite(both)] % 50) == {0.}


@pytest.mark.parametrize("call, error, message", [
    (lambda: contest.enter("best"), ValueError, "entry is 'best', needs one of 'uniform, tanh'"),
    (lambda: contest.enter(Paths()), TypeError, "entry is Paths, needs contest.Entry"),
    (lambda: contest.gradient_left("uniform, tanh"), TypeError, "entry is str"),
    (lambda: contest.draw_networks(Entry(), []), ValueError, "seeds is empty"),
    (lambda: contest.entry_objective(Entry(paths=residual.leaky(.5), penalty=1.)), ValueError,
     "penalty and other paths"),
    (lambda: contest.draw_networks(Entry("best")), ValueError, "recurrent is 'best'"),
    (lambda: contest.gradient_left(Entry(activation="gelu")), ValueError, "activation is 'gelu'")])
def test_bad_input_is_named(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_the_entries_that_travel_are_those_that_do_not_all_learn():
    kept = shipped_runs("contest", EntryResult)
    assert kept.keys() < ENTRIES.keys() and all(outcome.solved < 5 for outcome in kept.values())
    for name, outcome in kept.items():
        assert np.allclose(outcome.left, contest.gradient_left(ENTRIES[name]), rtol=1e-6, atol=0)
        assert outcome.updates.shape == (2, 5)
    assert contest.enter("Gaussian √2, ReLU", updates=50).solved == kept["Gaussian √2, ReLU"].solved == 0


@pytest.mark.parametrize("name", ["uniform + leak .9", "uniform + skip 5"])
def test_a_leak_and_a_skip_share_out_the_whole_of_a_state(name):
    """A state is so much of an earlier one, and the rest is new: otherwise states would grow by the path alone."""
    paths = ENTRIES[name].paths
    assert 0 < paths.carry < 1 and paths.carry + paths.step == pytest.approx(1, rel=1e-12, abs=0)
