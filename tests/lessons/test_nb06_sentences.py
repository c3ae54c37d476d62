"""Lesson 06's general sentences, at rates, sizes, distances and seeds that no cell shows."""

import numpy as np
import pytest

from course_lib import bptt, cells, initialise, losses, tasks, train
from course_lib.lessons.nb06_vanishing import words
from course_lib.lessons.nb06_vanishing.agreement import practise

pytestmark = pytest.mark.long


def drawn(units, seed):
    return initialise.network(25, units, 2, np.random.default_rng(seed), recurrent="uniform", members=5)


def seen(nets, distance, batch=200, seed=0):
    sentences = tasks.agreement(distance, batch, np.random.default_rng(seed))
    return bptt.loss_and_grads(nets, *sentences, losses.cross_entropy)


@pytest.mark.parametrize("seed", [40, 50])
def test_adams_rate_decides_how_far_a_word_is_learned(seed):
    """Distance 16, 800 updates: at rate .01 4 and 5 of five learned, at .001 and by plain descent none."""
    far = {optimiser: practise(16, optimiser, 800, seed, progress=False) for optimiser in
           (train.SGD(.1), train.Adam(.001), train.Adam(.01))}
    learned = [int(np.isfinite(each.needed).sum()) for each in far.values()]
    assert learned[:2] == [0, 0] and learned[2] >= 2
    lifted = [np.median(each.reach[1] / each.reach[0]) for each in far.values()]
    assert max(lifted[:2]) < 2 < lifted[2]


@pytest.mark.parametrize("seed", [60, 70])
def test_at_that_rate_fewer_networks_get_there_with_the_distance(seed):
    """Of five, 5 learned distance 8 and 0 or 1 distance 36, while those that learn hardly need more updates."""
    near, far = (practise(distance, train.Adam(.01), 500, seed, progress=False).needed for distance in (8, 36))
    assert np.isfinite(near).sum() > np.isfinite(far).sum() + 1


@pytest.mark.parametrize("seed", [30, 40])
def test_a_word_costs_plain_descent_a_factor_and_a_larger_rate_no_fewer_updates(seed):
    """Tested every 10 updates, from 4 to 8: 1.8, 1.4 a word (seeds 50 and 60: 1.5, 1.5). At rate .3 none of five
    learned 13, at 1 at most 1 learned 6."""
    near, far = (np.median(practise(k, train.SGD(.1), 1000, seed, False, every=10).needed) for k in (4, 8))
    assert 1.2 < (far / near) ** (1 / 4) < 2
    assert not np.isfinite(practise(13, train.SGD(.3), 800, seed, False).needed).any()
    assert np.isfinite(practise(6, train.SGD(1.), 500, seed, False).needed).sum() < 3


@pytest.mark.parametrize("units, seed", [(16, 1), (32, 2), (64, 3)])
def test_each_word_costs_a_factor_and_the_norm_does_not_know(units, seed):
    """The factor a word was .47 to .70, over 8 to 16 words as over 16 to 24."""
    nets = drawn(units, seed)
    sizes = np.array([np.linalg.norm(seen(nets, distance).back.dh, axis=-1).mean(-1)[[2, -1]]
                      for distance in (8, 16, 24)])
    reach = sizes[:, 0] / sizes[:, 1]
    factors = (reach[1:] / reach[:-1]) ** (1 / 8)
    assert (factors > .4).all() and (factors < .75).all() and np.ptp(factors, axis=0).max() < .1
    assert np.ptp(sizes[:, 1], axis=0).max() < .5 * sizes[:, 1].min()


@pytest.mark.parametrize("units, seed", [(16, 4), (32, 5), (64, 6)])
def test_adams_division_raises_the_nouns_share_and_leaves_it_small(units, seed):
    """The share rose by 1.9 to 12, and was at most .01 at distance 14."""
    nets, rng = drawn(units, seed), np.random.default_rng(seed)
    squares = [bptt.loss_and_grads(nets, *tasks.agreement(14, 20, rng), losses.cross_entropy).grads.rnn.W_xh**2
               for _ in range(60)]
    x, labels = tasks.agreement(14, 500, rng)
    terms = np.einsum("tebh,tbd->tehd", bptt.loss_and_grads(nets, x, labels, losses.cross_entropy).back.da, x)
    root = np.sqrt(np.mean(squares, axis=0))
    plain, divided = (np.linalg.norm(each, axis=(-1, -2)) for each in (terms, terms / root))
    plain, divided = plain[1] / plain.sum(0), divided[1] / divided.sum(0)
    assert (divided > 1.5 * plain).all() and (divided < 20 * plain).all() and divided.max() < .03


@pytest.mark.parametrize("units, seed", [(16, 7), (64, 8), (128, 9)])
def test_an_untrained_state_is_readable_near_and_not_far(units, seed):
    """At distance 4 the readout was right in 1.0, at 14 in .48 to .53, with 16 units as with 128."""
    nets = drawn(units, seed)
    for distance, low, high in ((4, .95, 1.), (14, .4, .6)):
        x, labels = tasks.agreement(distance, 4000, np.random.default_rng(seed))
        for h in bptt.forward(nets.rnn, x).h[-1]:
            with_one = np.column_stack([h, np.ones(len(h))])
            weights = np.linalg.lstsq(with_one[:3000], 2. * labels[:3000] - 1, rcond=None)[0]
            assert low <= ((with_one[3000:] @ weights > 0) == labels[3000:]).mean() <= high


@pytest.mark.parametrize("units, seed", [(16, 10), (32, 11), (64, 12)])
def test_float32_loses_the_norm_first_and_the_entries_later(units, seed):
    """The norm was 0 from 70 to 145 words on, the entries from twice that; an update beside its weight at 50."""
    nets = cells.tree_map(lambda array: array.astype(np.float32), drawn(units, seed))
    dh = seen(nets, 300, 20).back.dh[::-1]
    norm, entries = ((each == 0).argmax(0) for each in (np.linalg.norm(dh, axis=(-2, -1)), np.abs(dh).max((-2, -1))))
    assert (norm > 50).all() and (norm < 180).all() and ((entries == 0) | (entries > 1.8 * norm)).all()
    back = seen(nets, 55, 20).back
    term = np.einsum("ebh,ebk->ehk", back.da[1], back.run.h[1])
    assert (term != 0).any() and np.array_equal(nets.rnn.W_hh - np.float32(.1) * term, nets.rnn.W_hh)


@pytest.mark.parametrize("w0", [.4, .6])
@pytest.mark.parametrize("rate", [.005, .03])
def test_one_weight_costs_adam_no_more_when_it_is_twice_as_far(w0, rate):
    def updates(k, optimiser):
        w, state = np.array(w0), optimiser.start(np.array(w0))
        for n in range(200_000):
            if (w**k - 1)**2 <= .5:
                return n
            w, state = optimiser.update(w, (w**k - 1) * k * w ** (k - 1), state)
    assert updates(16, train.Adam(rate)) < 2 * updates(8, train.Adam(rate))
    assert updates(16, train.SGD(.01)) > 10 * updates(8, train.SGD(.01))


@pytest.mark.parametrize("distance, rate, learn", [(12, .003, range(4, 6)), (16, .003, range(2)), (16, .03, range(2))])
def test_a_third_of_the_rate_teaches_the_lstm_twelve_words_and_not_sixteen(distance, rate, learn):
    """Measured within 1000 updates: 12 with 5 of 5 at .003, 0 at .03, 1 at .1; 16 with none at .003, .03 and .1."""
    batches = np.random.default_rng(1)
    nets = train.train(words.networks("LSTM"), train.sequence_objective(losses.cross_entropy),
                       lambda: tasks.agreement(distance, 20, batches), updates=1000, optimiser=train.Adam(rate),
                       progress=False).params
    x, labels = tasks.agreement(distance, 200, np.random.default_rng(2))
    y = bptt.loss_and_grads(nets, x, labels, losses.cross_entropy).y
    assert ((y.argmax(-1) == labels).mean(-1) > .95).sum() in learn


def test_the_noun_of_one_sentence_and_of_sixty():
    """Noun over last comma after learning 12, medians of 60 sentences in powers of ten: -3.6, .3, .2, -5.4, .3."""
    batches = np.random.default_rng(1)
    nets = train.train(words.networks("tanh"), train.sequence_objective(losses.cross_entropy),
                       lambda: tasks.agreement(12, 20, batches), updates=1000, optimiser=train.Adam(.01),
                       progress=False).params
    x, labels = tasks.agreement(12, 60, np.random.default_rng(7))
    size = np.array([words.felt(nets, x[:, i:i + 1], labels[i:i + 1])[0] for i in range(60)])
    low = np.median(size[..., 1] - size[..., 13], axis=0)
    assert -4.5 < low[0] < -2.5 and -6.5 < low[3] < -4.5 and np.abs(low[[1, 2, 4]]).max() < 1
