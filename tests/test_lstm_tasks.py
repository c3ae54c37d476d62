"""Which network learns what: the claims of notebook 11 on its tasks, in their cheapest form."""

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from course_lib import cells, data
from course_lib.experiments import longterm

ROOT = Path(__file__).parents[1]


def test_kinds_are_what_they_are_called():
    for name, kind in longterm.KINDS.items():
        nets = longterm.networks(name, 3, 8, 2, 40, range(2))
        rnn = nets.rnn
        assert type(rnn) is {"rnn": cells.RNNParams, "lstm": cells.LSTMParams, "gru": cells.GRUParams}[kind.cell]
        assert rnn.W_hh.dtype == np.float32 and rnn.W_hh.shape[0] == 2
        if kind.cell == "lstm":
            b_i, b_f, *rest = np.split(rnn.b_h, 4, axis=-1)
            assert not np.any(rest)
            if kind.chrono:
                assert np.array_equal(b_i, -b_f) and b_f.min() >= 0 and b_f.max() <= np.log(39) and b_f.std() > .1
            else:
                assert (b_f == 1).all() and not b_i.any()
    assert np.array_equal(longterm.networks("IRNN", 3, 8, 2, 40, [0]).rnn.W_hh[0], np.eye(8))


def test_a_seed_gives_the_same_network_in_any_company():
    many, one = (longterm.networks("LSTM chrono", 3, 8, 2, 40, seeds) for seeds in (range(4), [2]))
    assert all(np.array_equal(a[2], b[0]) for (_, a), (_, b) in zip(cells.leaves(many), cells.leaves(one)))


def test_chrono_learns_temporal_order_within_the_papers_count_and_tanh_does_not():
    chrono = longterm.order("LSTM chrono")
    assert chrono.solved.sum() >= 4 and 50 * chrono.updates.max() <= longterm.PAPER_ORDER and chrono.left is None
    assert not longterm.order("tanh", seeds=range(2)).solved.any()


def test_ten_times_as_long_does_not_help_forget_bias_one():
    longer = data.long_order()
    assert longer.sequences == 10 * longterm.PAPER_ORDER and longer.updates.shape == longer.error.shape == (5,)
    assert np.isinf(longer.updates).all() and (longer.error > .5).all()
    assert not longterm.order("LSTM b_f = 1", 2_500, seeds=[0]).solved.any()  # the same function made it


def test_adding_is_learned_by_a_gated_cell_and_not_by_tanh():
    assert (longterm.adding("GRU", 15_000, seeds=[0]).error < .01).all()
    assert (longterm.adding("tanh", 5_000).error > .14).all()


def test_digits_are_learned_without_a_distance():
    assert (longterm.digits("tanh", 0, updates=200, seeds=[0]) > .6).all()
    assert (longterm.digits("tanh", 50, updates=50, seeds=[0]) < .3).all()


def test_forecast_reads_the_years_before_and_no_later_ones():
    known = longterm.forecast(years=30)
    year, number = data.sunspots()
    assert known.x.shape == (30, 220, 1) and known.x_test.shape == (30, 59, 1)
    train = number[year < 1950]
    scaled = (number - train.mean()) / train.std()
    assert np.allclose(known.target[:, 0], scaled[30:250]) and np.allclose(known.y_test[:, 0], scaled[250:])
    assert np.allclose(known.x[:, 5, 0], scaled[5:35]) and np.allclose(known.x_test[-1, :, 0], scaled[249:308])


def test_sunspots_are_told_better_than_by_last_year():
    known = longterm.forecast()
    persistence = ((known.x_test[-1] - known.y_test) ** 2).mean()
    assert (longterm.sunspots("tanh", updates=100, seeds=range(2)) < .8 * persistence).all()


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


@pytest.mark.parametrize("call, message", [
    (lambda: longterm.order("LSTN"), "LSTN"), (lambda: longterm.order("tanh", seeds=[]), "seeds is empty"),
    (lambda: longterm.digits("tanh", -1), "distance"), (lambda: longterm.adding("tanh", 10), "updates")])
def test_what_cannot_work_is_refused(call, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        call()
