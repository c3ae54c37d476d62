"""Checkpoints: the same gradient as full BPTT at every step, and states and steps as they are counted while it runs."""

import math
import re
import tracemalloc

import numpy as np
import pytest

from course_lib import bptt, gradcheck, initialise
from course_lib.lessons.nb10_truncated_bptt import checkpoints
from course_lib.lessons.nb10_truncated_bptt.checkpoints import (
    GONE, KEPT, PIECE, checkpoint_cost, in_memory, pieces_back)


def drawn(gain, T=60, every=True):
    rng = np.random.default_rng(0)
    run = bptt.forward(initialise.rnn(3, 6, rng, gain=gain), rng.normal(size=(T, 2, 3)))
    direct = rng.normal(size=run.h.shape)
    return run, direct if every else bptt.at_end(run, direct[-1])


@pytest.mark.parametrize("k", [1, 7, 8, 15, 59, 60])
@pytest.mark.parametrize("gain", [.5, 1., 1.5])
@pytest.mark.parametrize("every", [True, False])
def test_nothing_is_lost_at_any_step(k, gain, every):
    run, direct = drawn(gain, every=every)
    full, seen, total = bptt.backward(run, direct), [], 0
    for start, back in pieces_back(run.params, run.x, direct, k):
        steps = slice(start + 1, start + k + 1)
        assert (gradcheck.relative_error(back.dh[1:], full.dh[steps]) < 1e-12).all()
        assert (gradcheck.relative_error(back.run.h, run.h[start:start + k + 1]) < 1e-12)[1:].all()
        total, last = total + back.grads.W_hh, back
        seen = [*range(start + 1, start + len(back.run.x) + 1), *seen]
    assert seen == list(range(1, 61))
    assert gradcheck.relative_error(total, full.grads.W_hh, axis=None) < 1e-12
    assert gradcheck.relative_error(last.dh[0], full.dh[0], axis=None) < 1e-12  # and what reads h_0 itself


@pytest.mark.parametrize("T, k", [(60, 8), (60, 10), (60, 60), (60, 1), (7, 3)])
def test_the_steps_are_those_that_are_taken(T, k, monkeypatch):
    run, direct = drawn(1., T)
    taken, whole = [], bptt.forward
    monkeypatch.setattr(bptt, "forward", lambda params, x, state=None: taken.append(len(x)) or whole(params, x, state))
    list(pieces_back(run.params, run.x, direct, k))
    assert sum(taken) == checkpoint_cost(T, k).steps and max(taken) == k


@pytest.mark.parametrize("T, k", [(60, 8), (60, 10), (60, 60), (60, 1), (7, 3), (9, 4)])
def test_what_is_in_memory_is_what_it_costs(T, k):
    shown, cost = in_memory(T, k), checkpoint_cost(T, k)
    most, used = (shown != GONE).sum(0).max(), (shown != GONE).any(0).sum()
    assert most == cost.states if T % k == 0 else cost.states - 1 <= most <= cost.states  # a border may be shared
    assert used == cost.steps + T and not (shown != GONE)[:, used:].any()
    assert (shown[::k, used - 1] == KEPT)[:-1 if T % k == 0 else None].all()
    assert (shown == PIECE).sum(0).max() <= k


@pytest.mark.parametrize("T", [1, 2, 10, 99, 100, 1000])
def test_the_fewest_states_are_two_roots(T):
    fewest = min(checkpoint_cost(T, k).states for k in range(1, T + 1))
    assert fewest == math.ceil(2 * math.sqrt(T))
    assert checkpoint_cost(T, math.ceil(math.sqrt(T))).states <= fewest + 1
    assert checkpoint_cost(T, T) == (T + 1, T)


def test_the_memory_is_small_indeed():
    rng = np.random.default_rng(0)
    params, x = initialise.rnn(2, 30, rng), rng.normal(size=(1000, 4, 2))
    direct = np.broadcast_to(np.ones(()), (1001, 4, 30))  # no memory of its own

    def peak(work):
        tracemalloc.start()
        work()
        return tracemalloc.get_traced_memory()[1], tracemalloc.stop()

    whole, _ = peak(lambda: bptt.backward(bptt.forward(params, x), direct))
    few, _ = peak(lambda: [None for _ in pieces_back(params, x, direct, 32)])
    assert few < .15 * whole


@pytest.mark.parametrize("T, k, message", [
    (10, 11, "k is 11, needs to be at most T, 10"), (10, 0, "k is 0, needs to be at least 1"),
    (10, 2.5, "k is 2.5 (float), needs a whole number"), (0, 1, "T is 0, needs to be at least 1")])
def test_bad_input(T, k, message):
    for call in (checkpoint_cost, in_memory):
        with pytest.raises((TypeError, ValueError), match=re.escape(message)):
            call(T, k)


def test_a_slip_at_the_border_is_seen(monkeypatch):
    run, direct = drawn(1.)
    whole = bptt.backward
    full = whole(run, direct)
    monkeypatch.setattr(checkpoints.bptt, "backward", lambda *a: (b := whole(*a))._replace(dh=1.001 * b.dh))
    (_, _), (start, back) = list(pieces_back(run.params, run.x, direct, 30))
    assert not (gradcheck.relative_error(back.dh[1:] / 1.001, full.dh[start + 1:start + 31]) < 1e-5).all()
