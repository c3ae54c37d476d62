"""Sentences of lesson 12 tried where no cell tries them: other sizes, seeds, inputs, gates and rates."""

import numpy as np
import pytest

from course_lib.lessons.nb06_vanishing import longterm
from course_lib.lessons.nb11_lstm.roads import default_gru, roads
from course_lib.lessons.nb12_gru.resting_gru import settle
from course_lib.lessons.nb12_gru.valves import GRUValves

pytestmark = pytest.mark.long


@pytest.mark.parametrize("units, size", [(8, 1.), (64, .1), (128, 1.), (128, 3.)])
def test_as_drawn_a_gru_vanishes_and_keeps_with_a_bias_of_three(units, size):
    """Measured over 60 steps, four networks each: as drawn 9e-16 to 5e-08, with bias 3 from 5e-03 (8 units, inputs of
    size 3) to 1e-01, with bias 5 from .3 to .7."""
    x = size * np.random.default_rng(11).normal(size=(60, 8, 6))
    ends = {bias: [10**roads(default_gru(seed, units, keep_bias=bias), x).full[-1] for seed in range(10, 14)]
            for bias in (None, 3, 5)}
    assert max(ends[None]) < 1e-6 and .02 < min(ends[3]) and max(ends[3]) < .2
    assert .4 < min(ends[5]) and max(ends[5]) < .8


@pytest.mark.parametrize("H", [2, 12])
def test_below_the_edge_small_states_decay_whatever_the_gates_read(H):
    """J at rest knows no weights of gates: ten matrices each, scaled to |1/2 + e_i / 4| < .97, gates of size 5."""
    for seed in range(10):
        W, *gates = np.random.default_rng(seed).normal(size=(3, H, H)) * np.array([1., 5., 5.])[:, None, None]
        while np.abs(.5 + np.linalg.eigvals(W) / 4).max() > .97:
            W = .9 * W
        assert np.linalg.norm(settle(W, 1e-6, 3000, *gates)[-1]) < 1e-9


def test_below_two_a_larger_state_may_stay():
    """Measured at w = 1.9 from .9: W_hr = W_hz = 1 ends at .742, W_hr = 2 at .899, 5 at .945; from .01 all end at 0."""
    for W_hr, W_hz in [(1., 1.), (2., 0.), (5., 0.)]:
        large, small = (settle([[1.9]], start, 20_000, W_hr, W_hz)[-1, 0] for start in (.9, .01))
        assert large > .7 and abs(small) < 1e-9
    assert abs(settle([[1.9]], .9, 20_000)[-1, 0]) < 1e-9


def test_the_slope_at_the_edge_grows_as_the_inverse_root():
    """dh/dw times the root of w - 2: .604, .612, .612 at distances .01, .001, .0001; sqrt(3/8) = .612 in the limit."""
    for distance in (.004, .0004):
        h = .5
        for _ in range(60_000):
            h = .5 * h + .5 * np.tanh(.5 * (2 + distance + 1e-100j) * h)
        assert np.isclose(h.imag / 1e-100 * np.sqrt(distance), np.sqrt(3 / 8), rtol=.01, atol=0)


@pytest.mark.parametrize("rate", [.003, .03])
def test_recall_goes_by_the_bias_at_other_rates_too(rate):
    """Other seeds and rates: with zero biases no network learns in 5000 sequences, with chrono's both do in 10 000."""
    for name in ("LSTM b_f = 0", "GRU"):
        assert not longterm.learn_recall(name, 5_000, seeds=[11], rate=rate).solved.any()
    for name in ("LSTM chrono", "GRU chrono"):
        assert longterm.learn_recall(name, 10_000, seeds=[11], rate=rate).solved.all(), name


def test_what_the_valves_show_holds_for_other_networks_and_inputs():
    """Measured on the seeds 0 to 7: with bias 0 straight .49 to .52, through W_hh .13 to .16; with bias 3 straight .95,
    through W_hh .013 to .016; with the reset gate closed .001 through the candidate, .03 to .04 through z."""
    for seed in range(8, 16):
        zero, three, closed = (GRUValves(seed=seed, **values).data for values in ({}, {"b_z": 3.}, {"b_r": -6.}))
        assert .47 < zero.straight < .54 and .1 < zero.through < .2
        assert three.straight > .94 and three.through < .02
        assert closed.ways["n"] < .003 < .02 < closed.ways["z"]


def test_chrono_biases_for_a_distance_of_five_lose_recall_over_fifty_steps():
    """Measured on the seeds 0 to 4 within 20 000 sequences: 0 of 5 for LSTM, GRU and minGRU."""
    assert not longterm.learn_recall("GRU chrono", 10_000, 50, seeds=[5, 6], longest=5).solved.any()
