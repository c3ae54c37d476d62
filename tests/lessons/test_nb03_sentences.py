"""Lesson 03's general sentences, at sizes, gains, lengths, inputs and seeds that no cell shows."""

import numpy as np
import pytest
import torch

from course_lib import bptt, cells, gradcheck, initialise, losses
from changed import printed, unsaid, without_fold

pytestmark = pytest.mark.long


def as_torch_draws(seed, hidden=32, gain=1., T=100, input_gain=.1, dtype=np.float64):
    """A run of a tanh network with W_hh as torch draws it, times a gain; no bias."""
    rng = np.random.default_rng(seed)
    params = initialise.rnn(1, hidden, rng, recurrent="uniform", gain=gain, input_gain=input_gain, dtype=dtype)
    return bptt.forward(params, rng.normal(size=(T, 1, 1)).astype(dtype))


@pytest.mark.parametrize("hidden", [2, 5, 20])
@pytest.mark.parametrize("gain, T", [(.1, 60), (.5, 150), (1.5, 60)])
def test_the_eleven_lines_agree_with_autograd(hidden, gain, T):
    """At every step, to 1e-9; a network in chaos (20 units, gain 3, 150 steps) differs, as its states do by then."""
    rng = np.random.default_rng(hidden)
    params = initialise.rnn(3, hidden, rng, gain=gain)
    run, v = bptt.forward(params, rng.normal(size=(T, 2, 3))), rng.normal(size=(2, hidden))
    dh = bptt.at_end(run, v)
    for t in range(T, 0, -1):
        dh[t - 1] += ((1 - run.h[t]**2) * dh[t]) @ params.W_hh
    da = (1 - run.h[1:]**2) * dh[1:]
    mine = [np.einsum("tbi,tbj->ij", da, run.x), np.einsum("tbi,tbj->ij", da, run.h[:-1]), da.sum(axis=(0, 1))]

    rnn = torch.nn.RNN(3, hidden, dtype=torch.float64)
    names = "weight_ih_l0", "weight_hh_l0", "bias_hh_l0", "bias_ih_l0"
    rnn.load_state_dict(dict(zip(names, map(torch.tensor, (*params, 0 * params.b_h)))))
    states = [torch.zeros(1, 2, hidden, dtype=torch.float64, requires_grad=True)]
    for x_t in torch.tensor(run.x):
        _, h_t = rnn(x_t[None], states[-1])
        h_t.retain_grad()
        states.append(h_t)
    (states[-1][0] * torch.tensor(v)).sum().backward()
    assert gradcheck.relative_error(dh, np.stack([h_t.grad[0].numpy() for h_t in states])).max() < 1e-9
    for array, name in zip(mine, names):
        assert gradcheck.relative_error(array, getattr(rnn, name).grad.numpy()).max() < 1e-9


@pytest.mark.parametrize("hidden, highest", [(8, .95), (32, .9), (128, .7)])
@pytest.mark.parametrize("input_gain", [.05, .1])
def test_torch_s_weights_lose_the_gradient_exponentially(hidden, highest, input_gain):
    """Factors a step of 100 draws: .39 to .85 with 8 units, .52 to .71 (one more: .81) with 32, .56 to .62 with 128."""
    factors = []
    for seed in range(300, 315):
        run = as_torch_draws(seed, hidden, input_gain=input_gain)
        size = np.linalg.norm(bptt.backward(run, bptt.at_end(run)).dh[:, 0], axis=-1)
        factors.append((size[0] / size[-1]) ** (1 / 100))
        assert (np.diff(np.log(size[::-20])) < 0).all()
    assert max(factors) < highest and .5 < np.median(factors) < .7


@pytest.mark.parametrize("block", [300, 400, 500])
def test_a_loss_at_every_step_hides_it_and_far_losses_add_little(block):
    """In twenty draws |dL/dh_1| changed by 1 % at most; with weights three times as large up to 2e4-fold."""
    def first(seed, T, gain, window=None):
        run = as_torch_draws(seed, gain=gain, T=100)
        run = bptt.forward(run.params, run.x[:T])
        every = np.ones_like(run.h)
        every[0] = 0
        return bptt.backward(run, every, window=window).dh[1, 0]

    change, far, large = [], [], []
    for seed in range(block, block + 10):
        whole = first(seed, 100, 1.)
        change.append(np.linalg.norm(whole) / np.linalg.norm(first(seed, 10, 1.)))
        far.append(np.linalg.norm(whole - first(seed, 100, 1., window=10)) / np.linalg.norm(whole))
        large.append(np.linalg.norm(first(seed, 100, 3.)) / np.linalg.norm(first(seed, 10, 3.)))
    assert np.ptp([1, *change]) < .05 and max(far) < .06
    assert np.median(large) > 2


def test_float32_reaches_zero_and_its_norm_does_sooner():
    """Of twenty gradients 0 were 0 after 100 steps, 11 after 200, 19 or 20 after 300; of their norms 11, 20, 20."""
    counts = {}
    for T in (100, 300):
        first = []
        for seed in range(300, 320):
            run = as_torch_draws(seed, T=T, dtype=np.float32)
            first.append(bptt.backward(run, bptt.at_end(run)).dh[0, 0])
        counts[T] = sum(not each.any() for each in first), sum(np.linalg.norm(each) == 0 for each in first)
    assert counts[100][0] == 0 < counts[100][1] and min(counts[300]) >= 15


@pytest.mark.parametrize("fold, last, changes", [
    ("three-terms-see", "three-terms-checked", [("three-states", ".9, .5,", ".9, 0,")]),
    ("unrolled-see", "unrolled-cell", [("check-states-cell", "gain=.5", "gain=1.5")]),
])
def test_a_fold_says_what_its_change_shows(fold, last, changes):
    name = "03_backpropagation_through_time"
    assert unsaid(name, fold, printed(name, last, changes)) == []


def test_every_prompt_to_change_something_has_its_fold():
    assert list(without_fold("03_backpropagation_through_time")) == []


def test_a_step_lowers_the_loss_at_the_cells_rate_and_raises_it_at_ten_times_that():
    """Measured on 100 draws: it falls in 100 at .05, in 91 at .2, in 5 at .5, in none at 1."""
    falls = {}
    for rate in [.05, .5]:
        falls[rate] = 0
        for seed in range(100):
            draw = np.random.default_rng(seed)
            network = initialise.network(inputs=3, hidden=5, outputs=2, rng=draw)
            x, labels = draw.normal(size=(20, 4, 3)), draw.integers(2, size=(20, 4))
            before = bptt.loss_and_grads(network, x, labels, losses.cross_entropy, at="every")
            after = cells.tree_map(lambda array, slope: array - rate * slope, network, before.grads)
            falls[rate] += bptt.loss_and_grads(after, x, labels, losses.cross_entropy, at="every").loss < before.loss
    assert falls[.05] == 100 and 1 <= falls[.5] <= 10, falls
