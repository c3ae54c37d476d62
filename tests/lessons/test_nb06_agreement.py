"""Agreement at a distance: where the networks start, and how their updates are counted."""

import numpy as np
import pytest
import torch

from course_lib import initialise, tasks, train
from course_lib.lessons.nb06_vanishing.agreement import practise


@pytest.fixture(scope="module")
def run():
    return practise(4, train.SGD(.1), updates=200)


def test_practice_starts_where_autograd_starts(run):
    nets = initialise.network(25, 32, 2, np.random.default_rng(0), recurrent="uniform", members=5)
    x, labels = tasks.agreement(4, 200, np.random.default_rng(2))
    for member in range(5):
        W_xh, W_hh, b_h = (torch.tensor(array[member]) for array in nets.rnn)
        W_hy, b_y = (torch.tensor(array[member]) for array in nets.readout)
        h = [torch.zeros(200, 32, dtype=torch.float64)]
        for x_t in torch.tensor(x):
            h.append(torch.tanh(x_t @ W_xh.T + h[-1] @ W_hh.T + b_h).requires_grad_())
            h[-1].retain_grad()
        y = h[-1] @ W_hy.T + b_y
        torch.nn.functional.cross_entropy(y, torch.tensor(labels)).backward()
        noun, last = (h[t].grad.norm(dim=-1).mean().item() for t in (2, -1))
        assert np.isclose(run.reach[0, member], noun / last, rtol=1e-9, atol=0)
        assert run.accuracy[0, member] == (y.argmax(-1).numpy() == labels).mean()


def test_practice_counts_the_updates_until_it_is_learned(run):
    assert run.updates.tolist() == [50 * k for k in range(len(run.updates))] and np.isfinite(run.needed).all()
    for needed, accuracy in zip(run.needed, run.accuracy.T):
        at = list(run.updates).index(needed)
        assert accuracy[at] > .95 and (accuracy[:at] <= .95).all()
        assert (accuracy[at:] == accuracy[at]).all()  # it has left
    assert run.updates[-1] == run.needed.max()


def test_who_does_not_learn_is_counted_as_infinite():
    run = practise(14, train.SGD(1e-6), updates=100)
    assert np.isinf(run.needed).all() and run.updates.tolist() == [0, 50, 100]
