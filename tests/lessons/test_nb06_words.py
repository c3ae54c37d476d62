"""One sentence word by word: what each word's gradient is, against the complex step; what travels, and the figure."""

from functools import partial

import numpy as np
import pytest

from course_lib import bptt, cells, gradcheck, train
from course_lib.lessons.nb06_vanishing import agreement, words
from course_lib.lessons.nb06_vanishing.words import Felt, Sentence
from course_lib.screen.live import live
from course_lib.shipped import shipped_runs
from legible import legible

SHIPPED = shipped_runs("words", Felt)


@pytest.mark.parametrize("kind", words.CELLS)
def test_what_a_word_is_felt_is_the_complex_step_of_the_loss(kind):
    nets, (x, labels) = words.networks(kind), words.sentence_of(20)
    size, error = words.felt(nets, x, labels)
    for e in (0, 4):
        net = cells.tree_map(lambda array: array[e], nets)

        def loss(x):
            y = cells.readout(net.readout, bptt.forward(cells.tree_map(lambda array: array + 0j, net.rnn), x).h[-1])[0]
            return np.log(np.exp(y).sum()) - y[labels[0]]

        exact = np.linalg.norm(gradcheck.complex_step(loss, x)[:, 0], axis=-1)
        assert np.allclose(10 ** size[e] / exact, 1, rtol=0, atol=1e-9)  # word by word: six decades lie between them
        assert np.isclose(1 - 10 ** error[e], np.exp(-loss(x + 0j).real), rtol=1e-12, atol=0)


def test_the_sentence_is_the_one_that_the_lesson_prints():
    shown = Sentence(SHIPPED, distance=16).data.sentence
    assert " ".join(shown) == "the cats , which saw the old cats and heard the small cats and heard the cats ,"
    assert all(words.sentence_of(distance)[1].tolist() == [1] for distance in words.DISTANCES)  # "they" is right


def test_the_tanh_networks_are_those_that_practise():
    reading = words.practise_words("tanh", 4, updates=50)
    practised = agreement.practise(4, train.Adam(.01), 50, progress=False)
    assert np.array_equal(reading.accuracy, practised.accuracy)
    with pytest.raises(ValueError, match="kind.*'GRU'"):
        words.practise_words("GRU", 4)


def test_what_travels_starts_where_it_starts_here():
    for (kind, distance), reading in SHIPPED.items():
        size, error = words.felt(words.networks(kind), *words.sentence_of(distance))
        assert np.allclose(reading.size[0, :, :distance + 2], size, rtol=0, atol=.005)  # half of float16's last digit
        assert np.allclose(reading.error[0], error, rtol=0, atol=.001) and not reading.size[..., distance + 2:].any()


@pytest.mark.long
def test_what_travels_is_what_training_gives():
    for setting in [("tanh", 4), ("LSTM", 4)]:
        here, kept = words.practise_words(*setting, updates=200), SHIPPED[setting]
        assert np.allclose(here.size, kept.size[:5, :, :6], rtol=0, atol=.3)
        assert np.array_equal(here.updates, kept.updates) and np.isfinite(kept.updates).all()


def test_boxes_bear_what_was_read():
    figure = Sentence(SHIPPED, distance=8, update=150, network=2)
    for kind in words.CELLS:
        reading = SHIPPED[kind, 8]
        size = reading.size[3, 1, :10].astype(float)
        assert np.array_equal(figure.data.size[kind], size)
        assert [text.get_text() for text in figure.texts[kind]][:10] == figure.data.sentence
        bright = [box.get_facecolor() for box, _ in zip(figure.boxes[kind], size)]
        assert bright[size.argmax()][0] > bright[size.argmin()][0]
        assert [box.get_width() > 0 for box in figure.boxes[kind]] == [True] * 10 + [False] * 12
        assert f"{kind}, right in {reading.accuracy[3, 1]:.0%} of new sentences: 10 to the power" in figure.alt
        by_answer = Sentence(SHIPPED, distance=8, update=150, network=2, felt_by="the answer").data.size[kind]
        assert np.allclose(by_answer, size - float(reading.error[3, 1]), rtol=1e-12, atol=0)
    made = {key: each._replace(size=np.full_like(each.size, -3.4)) for key, each in SHIPPED.items()}
    assert {text.get_text() for text in Sentence(made).numbers["LSTM"]} == {"10⁻³", ""}
    near = {key: each._replace(size=np.full_like(each.size, -.4)) for key, each in SHIPPED.items()}
    assert {text.get_text() for text in Sentence(near).numbers["tanh"]} == {"10⁰", ""}


def test_what_the_fold_promises_is_seen():
    figure = Sentence(SHIPPED, distance=20, network=5)
    tanh = {update: figure.update(update=update).data for update in (0, 100, *range(150, 1001, 50))}
    assert tanh[0].size["tanh"][1].round() == -6 and (np.diff(tanh[0].size["tanh"]) > 0).mean() > .8
    assert np.ptp(tanh[100].size["tanh"]) < 2
    assert all(tanh[update].accuracy["tanh"] == 1 for update in tanh if update > 100)
    assert tanh[1000].size["tanh"].max() < -2 and max(tanh[update].accuracy["LSTM"] for update in tanh) < .6
    answered = figure.update(update=1000, felt_by="the answer").data.size["tanh"]
    assert answered.min() > -1 and answered[1] > answered[-1]
    for felt_by in Sentence.FELT_BY:
        beside = figure.update(distance=12, network=1, felt_by=felt_by).data
        assert beside.accuracy["tanh"] == 1 and (beside.size["tanh"][1] - beside.size["tanh"][-1]).round() == -5


@pytest.mark.parametrize("values, match", [
    (dict(distance=5), "distance is 5, needs one of 4, 8"),
    (dict(update=1001), "update is 1001, needs to be 0 to 1000"),
    (dict(network=6), "network is 6, needs to be 1 to 5"),
    (dict(felt_by="me"), "felt_by is 'me', needs one of 'the loss'")])
def test_it_refuses_what_was_not_read(values, match):
    with pytest.raises(ValueError, match=match):
        Sentence(SHIPPED, **values)


def test_it_says_which_readings_are_missing():
    with pytest.raises(ValueError, match=r"lacks \('LSTM', 4\): run words.practise_words"):
        Sentence({("tanh", 4): SHIPPED["tanh", 4]})


@pytest.mark.parametrize("make", [partial(Sentence, SHIPPED, **values) for values in (
    dict(), dict(distance=20), dict(distance=20, update=1000), dict(distance=12, network=5, felt_by="the answer"))],
    ids=lambda make: str(make.keywords))
def test_no_text_is_cut_or_covers_another(make):
    assert legible(make()) > 30


def test_sliders_move_it():
    ranges = dict(distance=(4, 20, 4), update=(0, 1000, 50), network=(1, 5), felt_by=Sentence.FELT_BY)
    widget = live(Sentence(SHIPPED, distance=20, update=200, network=5), **ranges)
    for name, control in widget.controls.items():
        before, control.value = widget.figure.alt, {"felt_by": "the answer"}.get(name, ranges[name][0])
        assert widget.figure.alt != before
