"""The figures of lesson 06: what is drawn, against oracles of another kind; what is said, from the data."""

import re
from functools import partial

import numpy as np
import pytest
import torch

from course_lib import data, train
from course_lib.lessons.nb06_vanishing import agreement, longterm
from course_lib.lessons.nb06_vanishing.figures import DigitDial, Front, OneWeight, TrainingLogs, UpdatesNeeded
from course_lib.screen.live import live
from legible import legible, named


def practice(distance, needed, tests=5):
    """A made-up Practice: members learn at the tests `needed` says; the gradient at the noun falls by half a word."""
    updates = agreement.EVERY * np.arange(tests)
    needed = np.array(needed, float)
    accuracy = np.where(updates[:, None] >= needed, 1., .5)
    reach = np.where(updates[:, None] >= needed, 1., .5**distance) * np.ones(len(needed))
    return agreement.Practice(distance, updates, accuracy, reach, needed)


MADE = [practice(4, [50, 50, 100]), practice(6, [100, 150, 200]), practice(8, [200, np.inf, np.inf])]


# Front -------------------------------------------------------------------------------------------------


def test_front_follows_the_updates():
    figure = Front(MADE)
    assert figure.values["update"] == 200
    for update, counts in [(0, [0, 0, 0]), (99, [2, 0, 0]), (100, [3, 1, 0]), (200, [3, 3, 1])]:
        figure.update(update=update)
        assert [text.get_text() for text in figure.counts] == [f"{count} of 3" for count in counts]
        assert f"errors: {counts[0]} of 3 at 4, {counts[1]} of 3 at 6, {counts[2]} of 3 at 8" in figure.alt
        learned, not_learned = figure.dots["reach", True], figure.dots["reach", False]
        assert len(learned.get_xdata()) == sum(counts) and len(not_learned.get_xdata()) == 9 - sum(counts)
        assert np.allclose(learned.get_ydata(), 0, atol=0)
        assert np.allclose(not_learned.get_ydata(), np.log10(.5) * np.round(not_learned.get_xdata()),
                           rtol=1e-12, atol=0)
        assert set(figure.dots["accuracy", False].get_ydata()) <= {.5}
    assert "was 6e-02, 2e-02, 4e-03" in figure.alt
    level, = {text.get_text() for text in figure.fig.axes[1].texts} - {text.get_text() for text in figure.counts}
    assert level == "guessing"


@pytest.mark.parametrize("update", [-1, 201])
def test_front_refuses_what_was_not_trained(update):
    with pytest.raises(ValueError, match=f"update is {update}, needs to be 0 to 200"):
        Front(MADE, update=update)


# Updates needed ----------------------------------------------------------------------------------------


def test_growth_is_exact_on_an_exponential():
    runs = [practice(D, [50 * 1.5**D] * 3) for D in (4, 5, 9)] + [practice(12, [9000, np.inf, np.inf])]
    figure = UpdatesNeeded({"made": runs})
    assert np.isclose(figure.data["made"], 1.5, rtol=1e-12, atol=0)
    assert "times 1.50 with each word; 2 runs had not learned" in figure.alt and "at 12" not in figure.alt
    texts = [text.get_text() for text in figure.fig.axes[0].texts]
    assert "● 2 ↑" in texts and f"not within {figure.limit} updates: how many" in texts


def test_updates_needed_draws_every_run():
    figure = UpdatesNeeded({"one": MADE, "two": MADE, "three": MADE})
    assert legible(figure) > 12 and {text.get_text()[0] for text in figure.fig.axes[0].texts} >= set("●■◆")
    drawn = np.concatenate([line.get_ydata() for line in figure.fig.axes[0].lines if line.get_marker() == "s"])
    assert np.array_equal(np.sort(drawn), [50, 50, 100, 100, 150, 200, 200, np.inf, np.inf])


# One weight --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("w0, D", [(.5, 5), (.5, 10), (.8, 6), (.4, 8)])
def test_plateau_is_what_counting_gives(w0, D):
    figure = OneWeight(w0=w0, k=D)
    w, k = w0, 0
    while (w**D - 1)**2 > .5:
        w -= figure.SGD_RATE * (w**D - 1) * D * w**(D - 1)
        k += 1
    assert np.isclose(figure._half(figure.data.sgd), k, rtol=.01, atol=1)  # whole updates against smooth time


def test_formula_nears_the_plateau_with_the_distance():
    errors = [abs(figure.data.needed / figure._half(figure.data.sgd) - 1)
              for figure in (OneWeight(w0=.5, k=D) for D in (5, 10, 20, 40))]
    assert errors[0] > errors[1] > 1e-3 > max(errors[2:])


def test_adam_is_the_library_s():
    figure, adam, w = OneWeight(w0=.5, k=20), train.Adam(OneWeight.ADAM_RATE), np.array(.5)
    state = adam.start(w)
    for value in figure.data.adam[1][1:]:
        w, state = adam.update(w, (w**20 - 1) * 20 * w**19, state)
        assert np.isclose(value, w, rtol=1e-12, atol=0)


def test_one_weight_in_words():
    figure = OneWeight(w0=.5, k=10)
    assert "Adam: 34 updates" in figure.alt and "34 updates" in figure.names[1].get_text()
    assert figure.mark.get_xdata()[0] == figure.data.needed == (2**8 - 1) / (.001 * 80)
    assert "not within 2000 updates" in figure.update(w0=.4, k=40).alt
    with pytest.raises(ValueError, match="w0 is 1.0 and k 5"):
        OneWeight(w0=1, k=5)


# Logs and digits ---------------------------------------------------------------------------------------


LOSS, NORM = np.repeat([[12.], [6.]], 50, axis=0) * [1, 3], np.repeat([[2.], [4.]], 50, axis=0) * [1, 1]
HISTORY = train.History(LOSS, NORM, NORM > 9, np.array([]), np.array([]))
LOGS = partial(TrainingLogs, {"A": (HISTORY, 6), "B": (HISTORY, 12)})


def test_logs_are_means_per_word():
    figure = LOGS()
    assert "A: the loss per word falls from 4.0 to 2.0, the gradient's norm is between 2 and 4." in figure.alt
    assert "B: the loss per word falls from 2.0 to 1.0" in figure.alt
    assert figure.fig.axes[0].lines[0].get_xdata().tolist() == [25, 75]


@pytest.mark.parametrize("distance", [0, 25, 60])
def test_dial_shows_the_image_and_what_autograd_gives(distance):
    figure = DigitDial(distance=distance, image=7)
    digits = data.digits("test")
    strip = figure.strip.get_array()
    assert np.array_equal(strip[:, :8].T, digits.images[7]) and not strip[:, 8:8 + distance].any()
    assert np.isnan(np.ma.filled(strip[:, 8 + distance:], np.nan)).all()
    for name in DigitDial.NAMES:
        nets, activation = longterm.ensemble(name, 8, 48, 10, 68, [0], np.float64), longterm.KINDS[name].activation
        W_xh, W_hh, _ = (torch.tensor(array[0]) for array in nets.rnn)
        h = [torch.zeros(48, dtype=torch.float64, requires_grad=True)]
        for x_t in torch.tensor(figure.data.x):
            h.append(getattr(torch, activation)(W_xh @ x_t + W_hh @ h[-1]))
            h[-1].retain_grad()
        y = torch.tensor(nets.readout.W_hy[0]) @ h[-1]
        torch.nn.functional.cross_entropy(y[None], torch.tensor(digits.labels[7:8])).backward()
        sizes = np.array([each.grad.norm().item() for each in h])
        assert np.allclose(figure.lines[name].get_ydata(), np.log10(sizes / sizes[-1]), rtol=0, atol=1e-9)
        assert f"{name} {sizes[8] / sizes[-1]:.1g}" in figure.alt


def test_dial_refuses_what_is_not_there():
    with pytest.raises(ValueError, match="image is 500 and distance 3"):
        DigitDial(image=500, distance=3)


# All of them -------------------------------------------------------------------------------------------

EVERY = [partial(Front, MADE), partial(OneWeight), partial(OneWeight, w0=.4, k=40), LOGS,
         partial(OneWeight, w0=.9, k=3), partial(UpdatesNeeded, {"plain": MADE}), partial(DigitDial),
         partial(DigitDial, distance=60, image=8), partial(DigitDial, distance=0)]


@pytest.mark.long(but_every=3)
@pytest.mark.parametrize("make", EVERY, ids=named)
def test_no_text_is_cut_or_covers_another(make):
    assert legible(make()) > 5


@pytest.mark.parametrize("make, ranges", [
    (partial(Front, MADE), dict(update=(0, 200, 50))), (OneWeight, dict(k=(3, 40), w0=(.4, .9))),
    (DigitDial, dict(distance=(0, 60), image=(0, 19)))])
def test_sliders_move_it(make, ranges):
    figure = make()
    widget = live(figure, **ranges)
    for name, control in widget.controls.items():
        before, control.value = figure.alt, ranges[name][0]
        assert figure.alt != before and figure.values[name] == ranges[name][0]
    assert re.search(r'alt="[^"]{20}', widget._repr_mimebundle_()["text/html"])
