"""The layer of fixed factors: its gradient through nu, and what it starts from."""

import numpy as np

from course_lib import cells, gradcheck, tasks, until_solved
from course_lib.lessons.nb13_what_came_after import fixed_factors


def test_the_gradient_goes_through_nu():
    network = cells.tree_map(lambda array: array[0].astype(float), fixed_factors.factors_at_start(6, 5, 4, [3]))
    x, labels = tasks.temporal_order(20, 4, np.random.default_rng(0))

    def loss(nu):
        moved = network._replace(rnn=network.rnn._replace(lambda_hh=nu))
        return fixed_factors._objective(moved, x, labels).loss

    found = fixed_factors._objective(network, x, labels).grads.rnn.lambda_hh
    assert np.allclose(found, gradcheck.complex_step(loss, network.rnn.lambda_hh), rtol=1e-9, atol=0)


def test_factors_lie_between_0_and_1_and_seeds_are_networks():
    two, one = (fixed_factors.factors_at_start(6, 32, 4, seeds) for seeds in ([1, 2], [2]))
    l = fixed_factors.with_factors(two).rnn.lambda_hh
    assert .499 < l.min() and l.max() < .9991 and l.dtype == np.float32
    assert all((a[1] == b[0]).all() for (_, a), (_, b) in zip(cells.leaves(two), cells.leaves(one)))
    solved = fixed_factors.learn_fixed(20, [0, 1], sequences=50)
    assert isinstance(solved, until_solved.Solved) and not solved.solved.any()
