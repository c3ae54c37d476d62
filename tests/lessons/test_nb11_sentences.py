"""Sentences of lesson 11 tried where no cell tries them: other seeds, sizes, lengths, rates and series."""

import numpy as np
import pytest

from course_lib import bptt, tasks
from course_lib.lessons.nb06_vanishing import longterm
from course_lib.lessons.nb11_lstm import traffic
from course_lib.lessons.nb11_lstm.long_order import order_by_bias
from course_lib.lessons.nb11_lstm.roads import by_distance, default_lstm, roads
from course_lib.lessons.nb11_lstm.valves import LSTMValves

pytestmark = pytest.mark.long


def test_a_network_without_gates_learns_temporal_order_at_the_smaller_rate():
    """Measured: 10 of 10 of the seeds 5 to 14, after 150 to 575 of 628 updates."""
    assert longterm.learn_order("IRNN", seeds=range(5, 10), rate=.001).solved.sum() >= 4


def test_a_network_without_gates_learns_adding():
    """Measured on the seeds 0 to 2: 350 to 450 updates at rate .003 and .01; on 3 and 4, with four processors' products
    and two threads, 400 to 750 of 1200."""
    assert longterm.learn_adding("IRNN", 60_000, seeds=[3, 4], rate=.003).solved.all()


@pytest.mark.parametrize("T", [100, 200])
def test_who_learns_temporal_order_had_a_gradient_at_the_start(T):
    """Measured on the seeds 5 to 9: those that do not learn start with 1e-07 and less, those that do with .04 and
    more; bias 5 grows to between 4 and 40."""
    x = tasks.temporal_order(T, 50, np.random.default_rng(1))[0]

    def left(name):
        nets = longterm.ensemble(name, 6, 32, 4, T, range(5, 10), dtype=np.float64)
        return 10**by_distance(bptt.forward(nets.rnn, x, activation="relu" if name == "IRNN" else "tanh"))[-1]

    assert max(left(name).max() for name in ("tanh", "orthogonal", "LSTM b_f = 1", "LSTM, Keras")) < 1e-6
    assert min(left(name).min() for name in ("LSTM b_f = 3", "LSTM chrono", "IRNN")) > .02
    assert left("LSTM b_f = 5").min() > 2


def test_the_stored_run_is_what_learn_order_gives():
    stored = order_by_bias()
    learned = np.isfinite(stored.updates).sum(-1)
    assert list(stored.names) == list(longterm.BIASES) and stored.rates.tolist() == [.001, .01]
    assert (learned[[0, 3]] == 0).all() and learned[1, 0] == 5 and learned[2].max() < 5
    assert longterm.learn_order("LSTM b_f = 3", 25_000, seeds=[3], rate=.001).solved.all()


@pytest.mark.parametrize("units, size", [(32, .1), (128, 1.), (128, 3.)])
def test_what_is_left_goes_by_the_bias_at_other_sizes(units, size):
    """Measured over 60 steps with 8 to 512 units and inputs of size .1 to 3: as drawn 4e-18 to 5e-10, bias 1 1e-09 to
    9e-05, bias 5 .6 (8 units, inputs of size 3) to 50, chrono .06 (there too) to .2."""
    x = size * np.random.default_rng(12).normal(size=(60, 8, 6))
    low, high = {}, {}
    starts = {"drawn": {}, "one": {"forget_bias": 1}, "five": {"forget_bias": 5}, "chrono": {"chrono": 60}}
    for name, how in starts.items():
        ends = [10**roads(default_lstm(seed, units, **how), x).full[-1] for seed in range(10, 13)]
        low[name], high[name] = min(ends), max(ends)
    assert high["drawn"] < 1e-9 < 1e-7 < low["one"] and high["one"] < 1e-3
    assert low["five"] > 1.5 and .05 < low["chrono"] and high["chrono"] < .4


@pytest.mark.parametrize("seed", [5, 6])
def test_on_bursts_the_lstm_is_no_better_than_a_few_percent(seed):
    """Measured on the series 0 to 3: the LSTM's error over tanh's .98, .97, .98, .99."""
    tanh, lstm = (traffic.learn_traffic(name, seed).mean() for name in ("tanh", "LSTM b_f = 1"))
    counts, least = traffic.traffic_windows(traffic.traffic(4000, seed))
    A, B = (np.column_stack([np.ones(x.shape[1]), x[-1, :, 0]]) for x in (counts.x, counts.x_test))
    line = ((B @ np.linalg.lstsq(A, counts.target, rcond=None)[0] - counts.y_test) ** 2).mean()
    assert .9 < lstm / tanh < 1.03 and least < lstm and line < 1.05 * lstm, (tanh, lstm, line, least)


def test_chrono_needs_less_than_half_of_the_papers_sequences_with_other_seeds():
    """Measured on the seeds 5 to 9: 75 to 150 updates of 50 sequences, where the paper's count is 31 390."""
    updates = longterm.learn_order("LSTM chrono", longterm.PAPER_ORDER // 2, seeds=range(5, 10)).updates
    assert np.isfinite(updates).all()


def test_at_a_larger_rate_the_lstm_wins_on_sunspots_and_chrono_does_not():
    """Measured at rate .01, three blocks of five seeds: .226 .238 .221, tanh .334 .320 .314, chrono .344 .394 .427."""
    known = longterm.forecast()
    lstm, chrono, tanh = (longterm.learn_forecast(name, known, seeds=range(5, 10), rate=.01).mean()
                          for name in ("LSTM b_f = 1", "LSTM chrono", "tanh"))
    assert lstm < .85 * tanh < chrono


def test_what_the_valves_show_holds_for_other_networks_and_inputs():
    """Measured on the seeds 0 to 7: with bias 0 straight .50 to .52, through W_hh .12 to .16, all ways .60 to .65; with
    bias 5 all ways 1.00 to 1.02; with input or output gate closed less than .002 comes through W_hh."""
    for seed in range(8, 16):
        zero, five = (LSTMValves(seed=seed, b_f=b).data for b in (0., 5.))
        assert .48 < zero.straight < .54 and .2 < zero.through / zero.straight < .36 and .58 < zero.whole < .68
        assert max(zero.ways, key=zero.ways.get) == "g" and zero.ways["g"] > 5 * zero.ways["i"]
        assert five.straight > .985 and .01 < five.through < zero.through and .99 < five.whole < 1.04
        for gate in ("b_i", "b_o"):
            closed = LSTMValves(seed=seed, **{gate: -6.}).data
            assert closed.through < .004 and abs(closed.whole - closed.straight) < .004
