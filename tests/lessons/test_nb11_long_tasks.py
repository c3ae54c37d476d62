"""Which network learns what: the claims of lesson 11 on its tasks, in their cheapest form."""

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from course_lib import bptt, cells, data, initialise, losses, tasks, train, until_solved
from course_lib.lessons.nb06_vanishing import longterm
from course_lib.lessons.nb11_lstm import held_gates
from course_lib.lessons.nb11_lstm.long_order import long_order

ROOT = Path(__file__).parents[2]


def test_kinds_are_what_they_are_called():
    types = {"rnn": cells.RNNParams, "lstm": cells.LSTMParams, "gru": cells.GRUParams, "mingru": cells.MinGRUParams}
    for name, kind in (longterm.KINDS | longterm.GATED | longterm.BIASES).items():
        nets = longterm.ensemble(name, 3, 8, 2, 40, range(2))
        rnn = nets.rnn
        assert type(rnn) is types[kind.cell]
        assert all(array.dtype == np.float32 and len(array) == 2 for _, array in cells.leaves(nets))
        if kind.cell == "lstm":
            b_i, b_f, *rest = np.split(rnn.b_h, 4, axis=-1)
            assert not np.any(rest)
            if kind.chrono:
                assert np.array_equal(b_i, -b_f) and b_f.min() >= 0 and b_f.max() <= np.log(39) and b_f.std() > .1
            else:
                assert (b_f == kind.forget_bias).all() and not b_i.any()
            said = re.search(r"b_f = (\d+)", name)
            assert not said or (b_f == int(said.group(1))).all(), name
        if kind.cell in ("gru", "mingru"):  # b_z of a GRU keeps, that of a minGRU writes
            b_z = rnn.b_h[:, 8:16] if kind.cell == "gru" else -rnn.b_h[:, :8]
            others = np.delete(rnn.b_h, np.arange(8) + 8 * (kind.cell == "gru"), axis=1)
            assert not others.any() and b_z.any() == kind.chrono and b_z.min() >= 0 and b_z.max() <= np.log(39)
    assert np.array_equal(longterm.ensemble("IRNN", 3, 8, 2, 40, [0]).rnn.W_hh[0], np.eye(8))


def test_a_seed_gives_the_same_network_in_any_company():
    many, one = (longterm.ensemble("LSTM chrono", 3, 8, 2, 40, seeds) for seeds in (range(4), [2]))
    assert all(np.array_equal(a[2], b[0]) for (_, a), (_, b) in zip(cells.leaves(many), cells.leaves(one)))


@pytest.mark.long
def test_chrono_learns_temporal_order_within_the_papers_count_and_tanh_does_not():
    chrono = longterm.learn_order("LSTM chrono")
    assert chrono.solved.sum() >= 4 and 50 * chrono.updates.max() <= longterm.PAPER_ORDER and chrono.left is None
    assert not longterm.learn_order("tanh", seeds=range(2)).solved.any()


@pytest.mark.long
def test_ten_times_as_long_does_not_help_forget_bias_one():
    longer = long_order()
    assert longer.sequences == 10 * longterm.PAPER_ORDER and longer.updates.shape == longer.error.shape == (5,)
    assert np.isinf(longer.updates).all() and (longer.error > .5).all()
    assert not longterm.learn_order("LSTM b_f = 1", 2_500, seeds=[0]).solved.any()  # the same function made it


@pytest.mark.long
def test_adding_is_learned_by_gated_cells_and_not_by_tanh_or_orthogonal_networks():
    for name in ("GRU", "LSTM chrono"):
        assert (longterm.learn_adding(name, 15_000, seeds=[0]).error < .01).all()
    for name in ("tanh", "orthogonal"):
        assert (longterm.learn_adding(name, 5_000).error > .14).all()


def test_digits_are_delayed_by_blank_steps_and_by_nothing_else():
    digits = data.digits("train")
    near, labels = longterm.delayed_digits(0, 30, np.random.default_rng(3), digits)
    far, same = longterm.delayed_digits(25, 30, np.random.default_rng(3), digits)
    assert near.shape == (8, 30, 8) and far.shape == (33, 30, 8)
    assert np.array_equal(far[:8], near) and not far[8:].any() and np.array_equal(labels, same)
    image = near[:, 0]  # row t is read at step t
    assert any(np.array_equal(image, other) and label == labels[0] for other, label in zip(*digits))
    assert np.array_equal(longterm.delayed(digits.images[:2], 3)[:8, 1], digits.images[1])


def test_digits_are_learned_without_a_distance():
    assert (longterm.learn_digits("tanh", 0, updates=200, seeds=[0]) > .6).all()
    assert (longterm.learn_digits("tanh", 50, updates=50, seeds=[0]) < .3).all()


def test_forecast_reads_the_years_before_and_no_later_ones():
    known = longterm.forecast(years=30)
    year, number = data.sunspots()
    assert known.x.shape == (30, 220, 1) and known.x_test.shape == (30, 59, 1)
    train = number[year < 1950]
    scaled = (number - train.mean()) / train.std()
    assert np.allclose(known.target[:, 0], scaled[30:250], atol=0)
    assert np.allclose(known.y_test[:, 0], scaled[250:], atol=0)
    assert np.allclose(known.x[:, 5, 0], scaled[5:35], atol=0)
    assert np.allclose(known.x_test[-1, :, 0], scaled[249:308], atol=0)


def test_sunspots_are_told_better_than_by_last_year():
    known = longterm.forecast()
    persistence = ((known.x_test[-1] - known.y_test) ** 2).mean()
    assert (longterm.learn_sunspots("tanh", updates=100, seeds=range(2)) < .8 * persistence).all()


def test_the_script_makes_the_sunspots_again(tmp_path):
    year, number = data.sunspots()
    assert (year[[0, -1]] == [1700, 2008]).all() and number.max() == 190.2 and number[year == 2008] == 2.9
    lines = "\n".join(f"{a},{b}" for a, b in zip(year, number))
    (tmp_path / "sunspots.csv").write_text(f'"YEAR","SUNACTIVITY"\n{lines}\n', encoding="utf-8")
    script = tmp_path / "make_sunspots.py"
    script.write_text((ROOT / "data" / "make_sunspots.py").read_text(encoding="utf-8"), encoding="utf-8")
    subprocess.run([sys.executable, script, tmp_path / "sunspots.csv"], check=True)
    with np.load(tmp_path / "sunspots.npz") as made, np.load(ROOT / "data" / "sunspots.npz") as stored:
        assert made.files == stored.files == ["year", "number"]
        assert all(np.array_equal(made[name], stored[name]) for name in made.files)


def small(cell):
    return initialise.network(6, 4, 4, np.random.default_rng(0), cell=cell)


def test_only_an_lstm_has_its_gates():
    with pytest.raises(TypeError, match="GRUParams, needs cells.LSTMParams"):
        held_gates.accuracy(small("gru"), np.ones((3, 1, 6)), np.zeros(1))


@pytest.mark.parametrize("call, message", [
    (lambda: longterm.learn_order("LSTN"), "LSTN"), (lambda: longterm.learn_order("tanh", seeds=[]), "seeds is empty"),
    (lambda: longterm.learn_digits("tanh", -1), "distance"), (lambda: longterm.learn_adding("tanh", 10), "updates"),
    (lambda: longterm.learn_recall("GRU", longest=2, seeds=[0], sequences=0), "updates"),
    (lambda: longterm.learn_recall("GRU chrono", longest=2), "chrono is 2"),
    (lambda: longterm.delayed_digits(3, 5, np.random.default_rng(0), (np.ones((4, 8, 8)), np.ones(3))),
     "images has shape (4, 8, 8), labels (3,): needs one label for each image."),
    (lambda: longterm.delayed(np.ones((4, 64)), 3), "images has shape (4, 64)"),
    (lambda: longterm.delayed(np.ones((4, 8, 8)), -1), "distance is -1"),
    (lambda: held_gates.accuracy(small("lstm"), np.ones((3, 1, 6)), np.zeros(1), "g"), 'letters of "ifo"')])
def test_what_cannot_work_is_refused(call, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        call()


def test_gates_that_read_nothing_may_be_held_and_others_may_not():
    rng = np.random.default_rng(0)
    net = initialise.network(6, 8, 4, rng, cell="lstm", chrono=20, input_gain=3.)
    x, labels = tasks.temporal_order(20, 200, rng)
    assert np.isclose(held_gates.accuracy(net, x, labels), 1 - until_solved.error_rate(net, x, labels),
                      rtol=1e-12, atol=0)
    still = cells.tree_map(np.copy, net)
    for rows in (still.rnn.W_xh, still.rnn.W_hh):
        rows.reshape(4, 8, -1)[[0, 1, 3]] = 0
    for gates in ("i", "f", "o", "ifo"):
        assert held_gates.accuracy(still, x, labels, gates) == held_gates.accuracy(still, x, labels)
        assert held_gates.accuracy(net, x, labels, gates) != held_gates.accuracy(net, x, labels)
    run = bptt.forward(net.rnn, x)
    for gates in ("i", "f", "of", "ifo"):  # the cell walked by hand, with means in the place of these gates
        h, c = run.h[0], run.c[0]
        for x_t in x:
            i, f, g, o = np.split(x_t @ net.rnn.W_xh.T + h @ net.rnn.W_hh.T + net.rnn.b_h, 4, axis=-1)
            i, f, o = (getattr(run, gate).mean((0, 1)) if gate in gates else 1 / (1 + np.exp(-a))
                       for gate, a in zip("ifo", (i, f, o)))
            c = f * c + i * np.tanh(g)
            h = o * np.tanh(c)
        answers = (h @ net.readout.W_hy.T + net.readout.b_y).argmax(-1)
        assert held_gates.accuracy(net, x, labels, gates) == pytest.approx((answers == labels).mean(), rel=1e-12, abs=0)


@pytest.mark.long(but_every=2)
@pytest.mark.parametrize("seed", [0, 4])
def test_a_trained_network_needs_its_input_gates_to_move_and_the_others_not(seed):
    batches = np.random.default_rng(1)
    net = cells.tree_map(lambda array: array[0], longterm.ensemble("LSTM chrono", 6, 32, 4, 50, [seed], np.float64))
    net = train.train(net, train.sequence_objective(losses.cross_entropy),
                      lambda: tasks.temporal_order(50, 50, batches), updates=150, optimiser=train.Adam(.01),
                      clip_norm=1., progress=False).params
    x, labels = tasks.temporal_order(50, 500, np.random.default_rng(5))
    moving, i, f, o = (held_gates.accuracy(net, x, labels, gates) for gates in ("", "i", "f", "o"))
    assert min(moving, f, o) > .95 and i < .75


def test_recall_and_order_separate_the_biases_and_adding_does_not():
    for name, kind in longterm.GATED.items():
        if kind.cell != "rnn":
            assert longterm.learn_recall(name, 7_500 if kind.chrono else 2_500, seeds=[0]).solved.all() == kind.chrono
    assert longterm.learn_order("minGRU chrono", 10_000, T=60, seeds=[0]).solved.all()
    assert longterm.learn_adding("LSTM b_f = 0", 20_000, T=30, seeds=[0]).solved.all()
    assert not longterm.learn_recall("LSTM chrono", 2_500, seeds=range(2), longest=5).solved.any()
