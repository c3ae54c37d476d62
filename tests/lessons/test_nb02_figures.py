"""The figures of lesson 02: what they draw against other ways of computing it, and what they say of it."""

from __future__ import annotations

import math
import re

import numpy as np
import pytest

from course_lib import cells
from course_lib.lessons.nb02_recurrent_networks.figures import (AccuracyByLength, FourSequences, Growth, Losses,
                                                                Memory, Unrolled)
from course_lib.screen import BLUE, INK, VERMILION
from legible import legible

RNN = cells.RNNParams(np.array([[1., -.3, -1.1], [-.5, .7, .3]]), np.array([[2., .3], [-.4, .5]]), np.array([.1, -.2]))
NETWORK = cells.NetworkParams(RNN, cells.ReadoutParams(np.array([[1.5, -.6]]), np.array([.1])))
SENTENCES = ["dog bites man", "man bites dog"]
VECTORS = dict(zip(("dog", "bites", "man"), np.eye(3)))


def read(text):
    """The number in a text with a typographic minus."""
    return float(text.replace("−", "-"))


def scalars(words):
    """States and outputs of NETWORK, one multiplication at a time."""
    h, states, outputs = [0., 0.], [[0., 0.]], []
    for word in words:
        x = VECTORS[word]
        a = [RNN.b_h[i] + sum(RNN.W_xh[i, j] * x[j] for j in range(3)) + sum(RNN.W_hh[i, j] * h[j] for j in range(2))
             for i in range(2)]
        h = [math.tanh(value) for value in a]
        states.append(h)
        outputs.append(.1 + 1.5 * h[0] - .6 * h[1])
    return states, outputs


# Unrolled ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("sentence", SENTENCES)
@pytest.mark.parametrize("now", [1, 2, 3])
def test_units_hold_the_numbers_up_to_now(sentence, now):
    figure = Unrolled(NETWORK, SENTENCES, VECTORS, t=now, sentence=sentence)
    words = sentence.split()
    states, outputs = scalars(words)
    for column in (None, 0, 1, 2, 3):
        t = now if column is None else column
        inputs = figure.units.get((column, figure.INPUT), [])
        hidden, output = figure.units[column, figure.HIDDEN], figure.units.get((column, figure.OUTPUT), [])
        assert (len(inputs), len(hidden), len(output)) == ((0, 2, 0) if column == 0 else (3, 2, 1))
        if t > now:
            assert {text.get_text() for text in (*inputs, *hidden, *output)} == {""}
            continue
        assert [read(text.get_text()) for text in hidden] == pytest.approx(states[t], abs=.0051)
        if column != 0:
            assert [read(text.get_text()) for text in inputs] == list(VECTORS[words[t - 1]])
            assert [read(text.get_text()) for text in output] == pytest.approx([outputs[t - 1]], abs=.0051)


def test_arrows_words_and_frame_follow_the_step():
    figure = Unrolled(NETWORK, SENTENCES, VECTORS, t=3)
    last = figure.frame.get_x()
    figure.update(t=2, sentence="man bites dog")
    assert [[arrow.get_visible() for arrow in step] for step in figure.arrows] == [[True] * 3, [True] * 3, [False] * 3]
    assert [{arrow.get_alpha() for arrow in step} for step in figure.arrows[:2]] == [{.4}, {1}]
    assert [figure.words[t].get_text() for t in (None, 1, 2, 3)] == ["“bites”", "“man”", "“bites”", "“dog”"]
    assert last - figure.frame.get_x() == figure.STEP


def test_the_formula_adds_up():
    figure = Unrolled(NETWORK, SENTENCES, VECTORS, t=2)
    formula = figure.formula.get_text()
    assert formula.startswith("h₂ = tanh( Wₓₕ x₂ + Wₕₕ h₁ + bₕ ) = tanh( ")
    taken, carried, bias, state = ([read(part) for part in group.split(", ")]
                                   for group in re.findall(r"\(([−\d., ]+)\)", formula))
    assert taken == [-.3, .7] and bias == [.1, -.2]
    assert np.tanh(np.sum([taken, carried, bias], axis=0)) == pytest.approx(state, abs=.015)
    assert state == pytest.approx(scalars(["dog", "bites"])[0][2], abs=.0051)


def test_alt_of_the_unrolled_network():
    figure = Unrolled(NETWORK, SENTENCES, VECTORS, t=1)
    assert "3 inputs, 2 hidden units and 1 output" in figure.alt and "over 3 steps" in figure.alt
    assert "“dog” and the state (0, 0) give the state (0.80, −0.60) and the output 1.66" in figure.alt
    assert "“dog” and the state (−0.93, 0.69) give" in figure.update(t=3, sentence="man bites dog").alt


def test_an_unknown_word_leaves_the_picture():
    figure = Unrolled(NETWORK, SENTENCES, VECTORS)
    before = figure.alt
    with pytest.raises(KeyError, match="cat"):
        figure.update(sentence="cat bites man")
    assert figure.alt == before and figure.values["sentence"] == "dog bites man"


# Growth ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("gain", [.9, 1., 1.1, 1.2])
def test_growth_is_a_power_or_bounded(gain):
    figure = Growth(gain=gain)
    t = np.arange(101)
    for name in ("linear", "relu"):
        assert np.allclose(figure.lines[name].get_xydata(), np.stack([t, t * math.log10(gain)], 1), atol=1e-12)
    h, curve = 1., [1.]
    for _ in range(100):
        h = math.tanh(gain * h)
        curve.append(h)
    assert np.allclose(figure.lines["tanh"].get_ydata(), np.log10(curve), rtol=1e-12, atol=1e-12)
    low, high = figure.ax.get_ylim()
    assert all(low < line.get_ydata().min() and line.get_ydata().max() < high for line in figure.lines.values())


@pytest.mark.parametrize("gain", [.9, .95, 1., 1.05, 1.1, 1.2])
def test_names_of_the_curves_do_not_overlap(gain):
    heights = [name.get_position()[1] for name in Growth(gain=gain).names.values()]
    assert np.all(-np.diff(heights) >= .99) and -5.5 < min(heights) and max(heights) < 9


def test_growth_says_its_numbers():
    figure = Growth(gain=1.1)
    assert [text.get_text() for text in figure.names.values()] == ["linear: 13,800", "ReLU: 13,800", "tanh: 0.503"]
    assert "gain 1.1" in figure.alt and "linear network ends at 13,800" in figure.alt
    assert "tanh network ends at 0.503 and is never above 1" in figure.alt
    assert f"ends at {1.3**100:.1e}" in figure.update(gain=1.3).alt


# Four sequences ----------------------------------------------------------------------------------------


def sequences(T=20):
    rng = np.random.default_rng(5)
    place = rng.integers(4, size=T)
    return place, rng.uniform(size=(T, 1, 9)), rng.uniform(size=(T, 1, 1)), rng.normal(0, .01, size=(T, 1, 1))


@pytest.mark.parametrize("t", [1, 8, 20])
def test_four_sequences_show_one_step(t):
    place, video, pulse, returns = sequences()
    figure = FourSequences(list(" abc"), np.eye(4)[place][:, None], video, pulse, returns, t=t)
    assert np.array_equal(figure.frame.get_array(), [video[t - 1, 0, 3 * row:3 * row + 3] for row in range(3)])
    assert [list(cursor.get_xdata()) for cursor in figure.cursors] == [[t, t]] * 3
    drawn = [dot.get_xydata()[0] for dot in figure.dots]
    assert np.allclose(drawn, [[t, place[t - 1]], [t, pulse[t - 1, 0, 0]], [t, 100 * returns[t - 1, 0, 0]]], atol=0)
    row, column = divmod(int(video[t - 1, 0].argmax()), 3)
    name = ["a space", "“a”", "“b”", "“c”"][place[t - 1]]
    assert f"step {t} the text has {name}, the video's blob is brightest in row {row + 1}, column {column + 1}" in figure.alt
    assert f"the pulse is {pulse[t - 1, 0, 0]:.2f}" in figure.alt
    change = re.search(r"changes by ([+−][\d.]+) %", figure.alt)
    assert read(change[1]) == pytest.approx(100 * returns[t - 1, 0, 0], abs=.0051)


def test_whole_sequences_stand_behind_it():
    place, video, pulse, returns = sequences()
    figure = FourSequences(list(" abc"), np.eye(4)[place][:, None], video, pulse, returns)
    letters, frame, heart, prices = figure.fig.axes
    assert np.array_equal(letters.lines[0].get_xydata(), np.stack([np.arange(1, 21), place], 1))
    assert [label.get_text() for label in letters.get_yticklabels()] == ["space", "a", "b", "c"]
    assert np.array_equal(heart.lines[0].get_ydata(), pulse[:, 0, 0])
    ends = [segment[1, 1] for segment in prices.collections[0].get_segments()]
    assert np.allclose(ends, 100 * returns[:, 0, 0], atol=0)
    assert ["4 inputs" in letters.get_title("left"), "9 inputs" in frame.get_title("left")] == [True, True]


# Training and lengths ----------------------------------------------------------------------------------


def test_losses_are_drawn_as_they_are():
    t = np.arange(60)[:, None]
    falling, flat = np.exp(-.1 * t * [1., .9]), np.full((60, 2), .7)
    figure = Losses({"window": flat, "memory": falling}, guess=.693)
    for name, loss in (("window", flat), ("memory", falling)):
        assert np.array_equal(np.stack([line.get_ydata() for line in figure.curves[name]], 1), loss)
    ax = figure.fig.axes[0]
    assert ax.get_yscale() == "log" and ax.get_ylim()[0] < falling.min()
    heights = {text.get_text(): text.get_position()[1] for text in ax.texts}
    assert heights["guessing: 0.69"] > heights["window"] > heights["memory"]
    low, high = falling[-20:].mean(0)
    assert f"Window first about 0.7, at the end 0.7; memory first about 1.0, at the end between {low:.1g} and {high:.1g}" \
        in figure.alt
    assert "2 networks each" in figure.alt and "Guessing costs 0.69" in figure.alt


def test_accuracies_stand_in_their_cells():
    table = {"good": np.array([[1., .98], [1., 1.], [.5, .86]]),
             "odd\none": np.array([[0., .02], [1., 1.], [.16, .84]])}
    figure = AccuracyByLength([5, 10, 20], table, trained=10)
    for name, fractions in table.items():
        for (row, member), fraction in np.ndenumerate(fractions):
            text = figure.shown[name, member, [5, 10, 20][row]]
            assert text.get_text() == f"{100 * fraction:.0f}"
            assert text.get_position() == (row, 2.5 * list(table).index(name) + member)
            assert (text.get_color() == INK) == (.15 < fraction < .85)
    colours = [patch.get_facecolor() for patch in figure.fig.axes[0].patches]
    from matplotlib.colors import to_rgba
    assert (colours.count(to_rgba(BLUE)), colours.count(to_rgba(VERMILION))) == (7, 2)
    assert "Good: 100 % at 10 steps, 50 to 100 % at the other lengths" in figure.alt
    assert "odd one: 100 % at 10 steps, 0 to 84 % at the other lengths" in figure.alt
    assert "Guessing gives 50 %" in figure.alt


def test_alts_of_still_figures_follow_their_data():
    table = {"one": np.array([[.4], [.6]])}
    assert "One: 60 % at 10 steps, 40 % at" in AccuracyByLength([5, 10], table).alt
    assert "One: 40 % at 5 steps, 60 % at" in AccuracyByLength([5, 10], table, trained=5).alt
    assert "at the end 0.2." in Losses({"one": np.full((30, 1), .2)}, guess=.7).alt


# Memory ------------------------------------------------------------------------------------------------

KEEPS = cells.NetworkParams(cells.RNNParams(np.array([[-1., 1.], [1., -1.]]), 1.8 * np.eye(2), np.array([.01, -.02])),
                            cells.ReadoutParams(np.array([[-2., 2.], [2., -1.]]), np.array([.1, -.3])))


@pytest.fixture(scope="module")
def kept():
    return Memory(KEEPS, T=12, noise=.2)


def brute(run_x, network):
    h = np.zeros((run_x.shape[1], 2))
    states = [h]
    for x_t in run_x:
        h = np.tanh(np.einsum("ij,bj->bi", network.rnn.W_xh, x_t) + np.einsum("ij,bj->bi", network.rnn.W_hh, h)
                    + network.rnn.b_h)
        states.append(h)
    return np.array(states)


@pytest.mark.parametrize("T, noise", [(12, .2), (5, .05), (60, 1.)])
def test_states_and_accuracy_of_the_memory(kept, T, noise):
    figure = kept.update(T=T, noise=noise)
    rng = np.random.default_rng(1)
    labels = rng.integers(2, size=400)
    x = noise * rng.normal(size=(T, 400, 2))
    x[0] = [[1., 0.] if label == 0 else [0., 1.] for label in labels]
    h = brute(x, KEEPS)
    first = {symbol: np.flatnonzero(labels == symbol)[:8] for symbol in (0, 1)}
    for symbol, chosen in first.items():
        assert np.allclose(figure.ends[symbol].get_xydata(), h[-1, chosen], rtol=1e-9, atol=1e-12)
        for i, sequence in enumerate(chosen):
            path, curve = figure.paths[8 * symbol + i], figure.curves[8 * symbol + i]
            assert np.allclose(path.get_xydata(), h[:, sequence], rtol=1e-9, atol=1e-12)
            assert np.allclose(curve.get_xydata(), np.stack([np.arange(T + 1), h[:, sequence, 0]], 1),
                               rtol=1e-9, atol=0)
            assert path.get_color() == curve.get_color() == (BLUE, VERMILION)[symbol]
    right = np.mean([(2 * a - b - .3 > -2 * a + 2 * b + .1) == label for (a, b), label in zip(h[-1], labels)])
    assert figure.data.accuracy == right
    assert f"{100 * right:.0f} % of 400" in figure.verdict.get_text() and f"{100 * right:.0f} % of 400" in figure.alt
    assert f"{T} steps with noise {noise:g}" in figure.alt


def test_the_border_is_where_both_outputs_are_equal(kept):
    through, slope = np.array(kept.border.get_xy1()), np.array(kept.border.get_xy2())
    for point in (through, slope):
        logits = KEEPS.readout.W_hy @ point + KEEPS.readout.b_y
        assert logits[0] == pytest.approx(logits[1], abs=1e-12)
    assert not np.allclose(through, slope, atol=0)


def test_alt_of_the_memory_names_the_corners(kept):
    kept.update(T=12, noise=.2)
    means = [kept.data.h[-1][kept.data.labels == symbol].mean(0) for symbol in (0, 1)]
    numbers = [read(number) for number in re.findall(r"[−\d.]+(?=[,)])", kept.alt.split("From (0, 0)")[1])]
    assert numbers[:4] == pytest.approx(np.concatenate(means), abs=.0051)


def test_every_reader_can_read_them(kept):
    for figure in (kept, Growth(), Unrolled(NETWORK, SENTENCES, VECTORS)):
        assert legible(figure) > 5


def test_every_alt_is_said_and_the_picture_is_svg(kept):
    for figure in (kept, Growth(), Unrolled(NETWORK, SENTENCES, VECTORS)):
        assert figure.svg().startswith("<svg") and figure.alt[:30] in figure.svg()
