"""Lesson 04's general sentences, at sizes, lengths, inputs and draws that no cell shows."""

import numpy as np
import pytest
import torch

from course_lib import activations, bptt, gradcheck, initialise, torch_bridge
from course_lib.lessons.nb04_derivative_of_tanh_and_sigmoid.layers import (
    SEVEN, layer_by_layer, learn, pixels, value_and_slope)
from course_lib.lessons.nb04_derivative_of_tanh_and_sigmoid.ridges import LayerByLayer

pytestmark = pytest.mark.long


def leaves(params, x, activation="tanh"):
    """What the slopes and what W_hh leave of the gradient on its way back through all steps."""
    run = bptt.forward(params, x, activation=activation)
    back = bptt.backward(run, bptt.at_end(run))
    dh, da = (np.linalg.norm(gradient, axis=-1)[..., 0] for gradient in (back.dh, back.da))
    return (da / dh[1:]).prod(axis=0), (dh[:-1] / da).prod(axis=0)


def drawn(seed, recurrent="orthogonal", gain=1., inputs=.1, hidden=32, members=100):
    """Networks of one input without bias."""
    return initialise.rnn(1, hidden, np.random.default_rng(seed), recurrent, gain, inputs, members=members)


@pytest.mark.parametrize("saturated, told", [(1, True), (16, True), (31, True), (32, False)])
def test_states_gradients_notice_saturation_only_where_all_units_are(saturated, told):
    params = drawn(5, members=None)
    params.b_h[:saturated] = 30
    run = bptt.forward(params, np.random.default_rng(6).normal(size=(40, 1, 1)))
    exact = gradcheck.complex_step_states(lambda h: h[-1].sum(), run)
    assert (gradcheck.relative_error(bptt.backward(run, bptt.at_end(run)).dh, exact).max() < 1e-9) == told


@pytest.mark.parametrize("block", [300, 400])
def test_the_average_product_is_made_by_a_few(block):
    """60 slopes at std 1: the mean of 1000 lay 4.6 to 7.2 decades above the median in forty draws; at std .1 on it."""
    for seed in range(block, block + 10):
        a = np.random.default_rng(seed).normal(size=(1000, 60))
        wide, narrow = ((1 - np.tanh(std * a)**2).prod(axis=1) for std in (1., .1))
        assert 3.5 < np.log10(wide.mean() / np.median(wide)) < 9 and wide.max() / wide.sum() > .05
        assert abs(np.log10(narrow.mean() / np.median(narrow))) < .1


def shares(inputs, hidden, block, scale=1.):
    """W_hh's share of the decades in ten networks as torch makes them."""
    found = []
    for seed in range(block, block + 10):
        torch.manual_seed(seed)
        x = scale * np.random.default_rng(seed).normal(size=(60, 1, inputs))
        slopes, weights = leaves(torch_bridge.from_torch(torch.nn.RNN(inputs, hidden).double()), x)
        found.append((np.log(weights) / np.log(slopes * weights)).item())
    return np.array(found)


@pytest.mark.parametrize("block", [300, 400, 500])
def test_more_input_takes_more_by_the_slopes(block):
    """Twenty draws: 87 to 96 % with 32 units and one input, 71 to 84 with ten, 49 to 70 with ten and 8 units."""
    one, ten, few = shares(1, 32, block), shares(10, 32, block), shares(10, 8, block)
    assert one.min() > .8 and ten.min() > .6 and np.median(one) > np.median(ten) > np.median(few)
    assert few.min() < .65 and np.median(shares(1, 32, block, scale=3.)) < np.median(one)
    assert shares(1, 128, block).min() > .9


@pytest.mark.parametrize("block", [300, 400])
@pytest.mark.parametrize("hidden", [16, 64])
def test_slopes_alone(block, hidden):
    x = np.random.default_rng(block).normal(size=(60, 1, 1))
    left = {inputs: leaves(drawn(block, inputs=inputs, hidden=hidden), x)[0] for inputs in (.01, 1., 3.)}
    assert left[.01].min() > .6 and left[1.].max() < 1e-4 and left[3.].max() < 1e-8
    for inputs in (.1, 10.):
        assert leaves(drawn(block, inputs=inputs, hidden=hidden), x, "sigmoid")[0].max() <= .25**60


@pytest.mark.parametrize("block", [300, 400, 500])
def test_relu_leaves_the_part_of_the_weights(block):
    """Of 100 draws each: identity .4 to .9, orthogonal 2e-3 at most, gain .5 6e-20 at most, gain 3 5e12 at least."""
    x = np.random.default_rng(block).uniform(size=(60, 1, 1))
    left = {name: np.prod(leaves(drawn(block, name, gain, 1.), x, "relu"), axis=0)
            for name, gain in (("identity", 1.), ("orthogonal", 1.))}
    assert .2 < left["identity"].min() and left["identity"].max() <= 1
    assert left["orthogonal"].max() < .1 and np.median(left["orthogonal"]) < 1e-6
    assert np.prod(leaves(drawn(block, "gaussian", .5, 1.), x, "relu"), axis=0).max() < 1e-14
    assert np.prod(leaves(drawn(block, "gaussian", 3., 1.), x, "relu"), axis=0).min() > 1e8


def through(W, x, f):
    """States and gradients of a feed-forward net whose loss is the sum of its outputs."""
    h = [x]
    for W_l in W:
        h.append(f.function(h[-1] @ W_l.T))
    dh = [np.ones_like(h[-1])]
    for W_l, h_l in zip(W[::-1], h[:0:-1]):
        dh.insert(0, (f.derivative_from_output(h_l) * dh[0]) @ W_l)
    return np.array(h), np.array(dh)


@pytest.mark.parametrize("hidden, layers", [(32, 20), (128, 30)])
def test_the_lowest_sigmoid_layer_learns_slowest(hidden, layers):
    f = activations.get("sigmoid")
    for seed in range(300, 306):
        rng = np.random.default_rng(seed)
        W, x = initialise.glorot((layers, hidden, hidden), rng), rng.normal(size=(20, hidden))
        h, dh = through(W, x, f)
        size = np.linalg.norm(np.einsum("lbi,lbj->lij", f.derivative_from_output(h[1:]) * dh[1:], h[:-1]), axis=(1, 2))
        assert size.argmin() == 0 and np.linalg.norm(dh[0]) < 2 * .25**layers * np.linalg.norm(dh[-1])


def test_convolutions_vanish_at_this_size_of_weights_and_not_at_twice_it():
    """Forty nets without activation left 1e-3 at most, median 1e-9; with tanh and twice the weights 3 to 200."""
    def left(seed, name, scale=1.):
        rng = np.random.default_rng(seed)
        W = np.stack([sum(k * np.roll(np.eye(64), i, axis=1) for i, k in enumerate(kernel))
                      for kernel in scale * rng.normal(size=(30, 5)) / np.sqrt(5)])
        dh = through(W, rng.normal(size=(20, 64)), activations.get(name))[1]
        return np.linalg.norm(dh[0]) / np.linalg.norm(dh[-1])

    seeds = range(300, 320)
    assert max(left(seed, "sigmoid") for seed in seeds) < 1e-18
    for name in ("tanh", "linear"):
        found = [left(seed, name) for seed in seeds]
        assert np.median(found) < 1e-5 and max(found) < .3
    assert np.median([left(seed, "tanh", 2.) for seed in seeds]) > 1


def test_one_matrix_repeats_what_many_average_out():
    own, shared = [], []
    for seed in range(300, 340):
        W = initialise.glorot((30, 64, 64), np.random.default_rng(seed))
        for found, matrices in ((own, W), (shared, np.repeat(W[:1], 30, axis=0))):
            found.append(np.log10(np.linalg.norm(np.linalg.multi_dot([np.ones(64), *matrices[::-1]])) / 8))
    assert np.std(shared) > 1.5 * np.std(own)


@pytest.mark.parametrize("layers, width", [(4, 64), (4, 32), (8, 64)])
def test_moderate_rates_leave_most_relus_alive_and_long_steps_kill_many(layers, width):
    """At rate .1 units die in some nets and wake in others, and under a tenth is dead in the end; at 1 a fifth or more."""
    calm, wild = (learn("relu", rate, range(100, 104), layers, width) for rate in (.1, 1.))
    assert calm.before.any() and calm.after.sum(0).max() < .1 * layers * width and calm.right.min() > .5
    assert wild.after.sum(0).mean() > .2 * layers * width


@pytest.mark.parametrize("rate", [.03, .5, 1.])
def test_a_leaky_relu_never_dies(rate):
    nets = learn("leaky_relu", rate, range(100, 103))
    assert not nets.after[:, nets.finite].any() and not nets.before.any()
    assert nets.finite.all() == (rate < .1)


@pytest.mark.parametrize("name", SEVEN)
@pytest.mark.parametrize("spread", [.1, .5, 1., 3., 10.])
def test_on_average_all_seven_slopes_take(name, spread):
    a = spread * np.random.default_rng(5).normal(size=200_000)
    assert np.sqrt((value_and_slope(name, a)[1]**2).mean()) < 1


@pytest.mark.parametrize("name", ["gelu", "silu"])
def test_far_above_0_two_of_them_give_a_little(name):
    """Measured at mean 2: 1.08 or 1.09 with the spreads .1 and .3; no mean from 0 to 4 gives more than 1.13."""
    drawn = np.random.default_rng(5).normal(size=20_000)
    sizes = np.array([[np.sqrt((value_and_slope(name, mean + spread * drawn)[1]**2).mean()) for spread in (.1, .3)]
                      for mean in np.arange(0, 4.1, .25)])
    assert sizes[8].min() > 1.07 and sizes.max() < 1.13


@pytest.mark.parametrize("name, border", [("gelu", .752), ("silu", 1.278)])
def test_two_slopes_are_above_1_from_a_point_on_and_negative_as_far_on_the_other_side(name, border):
    a = np.arange(1e-4, 7, .002)
    above, below = value_and_slope(name, a)[1], value_and_slope(name, -a)[1]
    np.testing.assert_allclose(below, 1 - above, rtol=1e-4, atol=1e-13)
    assert ((above > 1) == (a > border)).sum() >= len(a) - 1 and ((below < 0) == (above > 1)).all()


@pytest.mark.parametrize("name, gain", [("tanh", 1.2), ("elu", 1.2), ("relu", 1.42), ("leaky_relu", 1.42),
                                        ("gelu", 1.43), ("silu", 1.5), ("sigmoid", 3.)])
def test_the_gradient_s_ridges_stand_at_the_gains_named_and_the_sigmoid_s_at_none(name, gain):
    size = 10**LayerByLayer(gain=gain, activation=name).data.size
    assert size[0] == pytest.approx(1, rel=.25, abs=0) and .3 < size.min() and size.max() < 1.5 or (
        name == "sigmoid" and size[0] == pytest.approx(5.8e-6, rel=.02, abs=0))


def test_the_depth_decides_how_many_relus_are_dead_and_die():
    """Measured: of 128 in two layers at most 4 in the end; of 512 in eight 20 to 44 before, 4 to 13 after rate .1."""
    assert max(learn("relu", rate, layers=2).after.sum(0).max() for rate in (.03, .1, .3, .5)) <= 6
    calm, wild = (learn("relu", rate, layers=8) for rate in (.1, .3))
    assert calm.before.sum(0).min() >= 20 and calm.after.sum(0).max() < 20 and wild.after.sum(0).max() == 512


@pytest.mark.parametrize("block", [100, 200])
def test_before_training_most_dead_relus_are_in_the_upper_half(block):
    """Measured, each in 20 nets, from below: 0, 14, 42 and 50 units; 6, 21, 28, 53; 2, 13, 23, 51."""
    low, second, third, top = learn("relu", .1, range(block, block + 20), updates=0).before.sum(1)
    assert third + top > 2 * (low + second) and low < second


@pytest.mark.parametrize("seeds", [range(5), range(100, 105)])
def test_a_sigmoid_net_has_no_dead_units_and_learns_late_or_with_more_layers_not_at_all(seeds):
    """Measured: .10 to .17 right at rate .1, .51 to .74 at .5, .97 to .98 after 3000; with eight layers .10."""
    slow, fast, longer = (learn("sigmoid", *each) for each in ((.1, seeds), (.5, seeds), (.1, seeds, 4, 64, 3000)))
    assert not slow.before.any() and not slow.after.any() and not longer.after.any() and slow.right.max() < .25
    assert fast.right.min() > .4 and longer.right.min() > .95
    assert max(learn("sigmoid", rate, seeds, layers=8).right.max() for rate in (.1, .5, 1., 2., 5., 10.)) < .15
    assert learn("sigmoid", .5, seeds, layers=8, updates=3000).right.max() < .15


@pytest.mark.parametrize("gain", [1., 3.])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_sigmoid_layers_lose_the_difference_of_two_images_as_they_lose_the_gradient(seed, gain):
    """Measured: both end within a factor of 2 of each other, at 1e-12 or at 4e-06 to 9e-06 of where they began."""
    rng = np.random.default_rng(seed)
    W, top = gain * rng.normal(size=(20, 64, 64)) / 8, rng.normal(size=(50, 64))
    net = layer_by_layer(W, pixels()[0][:50], "sigmoid", top)
    between, size = net.h[[1, -1]].std(1).mean(-1), np.linalg.norm(net.dh[[-1, 1]], axis=(1, 2))
    assert net.h[-1].std() > .05 and size[1] < 1e-4 * size[0]
    assert .5 < (between[1] / between[0]) / (size[1] / size[0]) < 2
