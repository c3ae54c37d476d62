"""One number of a cell along a sentence: against torch step by step, what is drawn, and what a wrong table is told."""


import numpy as np
import pytest
import torch

import notebooks
from course_lib.lessons.nb11_lstm import one_number
from course_lib.lessons.nb11_lstm.one_number import OneNumber
from course_lib.screen.live import live
from legible import legible

CELL, = (cell.source for cell in notebooks.read(notebooks.paths(["11_lstm"])[0]).cells if cell.id == "walk-live")
TABLE = CELL.split('"""')[1]
LEAKS = """word the cat saw a dog and ran
           f    .9  .5  .8 .7  1   .6  .3
           i    .2  .9  .1 .4 .7    0  .5
           g    .3   1 -.8 .1 -1   .6 -.2
           o    .5  .1   1 .3 .7   .2  .9"""


def changed(table, row, entries):
    """The table with another row."""
    return "\n".join(f"{row} {entries}" if line.split()[:1] == [row] else line for line in table.splitlines())


def by_autograd(table, word):
    """c after each word, h and dL/dc_s for L = c at this word, in torch."""
    lines = [line.split() for line in table.strip().splitlines()]
    rows = {name: list(map(float, rest)) for name, *rest in lines if name != "word"}
    cs = [torch.zeros((), dtype=torch.float64, requires_grad=True)]
    for f, i, g in list(zip(rows["f"], rows["i"], rows["g"]))[:word]:
        cs.append(f * cs[-1] + i * g)
        cs[-1].retain_grad()
    cs[-1].backward()
    return ([c.item() for c in cs[1:]], rows["o"][word - 1] * torch.tanh(cs[-1]).item(),
            [c.grad.item() for c in cs[1:]])


@pytest.mark.parametrize("table", [TABLE, LEAKS], ids=["the lesson's", "leaky"])
def test_the_numbers_are_those_of_torch_and_the_roads_as_wide_as_they(table):
    figure = OneNumber(table)
    for word in range(1, len(figure.words) + 1):
        walked = figure.update(word=word).data
        c, h, back = by_autograd(table, word)
        for mine, theirs in [(walked.c[1:], c), (walked.back, back), ([walked.h], [h])]:
            np.testing.assert_allclose(mine, theirs, rtol=1e-12, atol=0)
        before = walked.c[-2]
        for road, size in [("before", before), ("kept", walked.gates["f"] * before), ("after", c[-1]), ("shown", h),
                           ("written", c[-1] - walked.gates["f"] * before), ("told", np.tanh(c[-1]))]:
            width = max(abs(size) * 24, 1) * .75
            assert figure.roads[road].get_linewidth() == pytest.approx(width, rel=1e-9, abs=0), (word, road)
        for bars, base, row in zip(figure.bars, (one_number.CELL, one_number.BACK), (c, back)):
            x, y = bars.get_data()
            assert x[::3].tolist() == figure.middles[:word].tolist()
            np.testing.assert_allclose(y[1::3], base + 20 * np.array(row), rtol=1e-12, atol=0)
        for texts, row in zip(figure.numbers, (c, back)):
            said = [text.get_text() for text in texts]
            assert said[word:] == [""] * (len(texts) - word)
            np.testing.assert_allclose([float(each) for each in said[:word]], row, rtol=.05, atol=.0051)
        assert figure.title.get_text().endswith(f"= {one_number.two_digits(h)}")
        assert f"gate is {one_number.two_digits(walked.gates['f'])}," in figure.alt
        assert f"“{' '.join(figure.words[:word])}”" in figure.alt
        assert figure.alt.endswith(" ".join(map(one_number.two_digits, back)) + ".")


def test_what_the_lesson_says_of_the_sentence():
    figure = OneNumber(TABLE)
    assert figure.words[figure.values["word"] - 1] == "," and f"{figure.data.h:.2f}" == "0.76"
    assert figure.data.c.tolist() == [0, 0] + 10 * [1] and figure.data.back.tolist() == 11 * [1]
    assert figure.update(word=14).data.c[-1] == 0 and figure.data.back.tolist() == 13 * [0] + [1]
    dog = OneNumber(changed(TABLE, "i", "0 1 0 0 0 0 0 1 0 0 0 0 0 0"))
    assert dog.data.c[8:].tolist() == [0] * 4 and dog.data.h == 0 and dog.data.back.tolist() == 11 * [1]
    fades = OneNumber(changed(TABLE, "f", ".8"))
    for left in (fades.data.c[-1], fades.data.back[1]):
        assert left == pytest.approx(.8**9, rel=1e-12, abs=0) and f"{left:.2f}" == "0.13"
    verbs = {text.get_text(): figure.words[np.abs(figure.middles - text.get_position()[0]).argmin()]
             for text in figure.ax.texts if text.get_text() in ("write", "show", "forget")}
    assert verbs == {"write": "cats", "show": ",", "forget": "."}


def test_the_slider_moves_it_nothing_else_and_every_text_can_be_read():
    figure = OneNumber(TABLE)
    slider = live(figure, word=figure.allowed["word"]).controls["word"]
    seen, background = set(), figure.background()
    for word in range(1, 15):
        slider.value = word
        seen.add(figure.alt)
        assert figure.background() is background and figure.ax.get_ylim() == (-24, figure.size[1] - 24)
    assert len(seen) == 14
    for table in (TABLE, LEAKS, "word" + 7 * " the cats" + "\nf .3\ni 1\ng -1\no .9"):
        figure = OneNumber(table)
        for word in (1, 7, len(figure.words)):
            assert legible(figure.update(word=word)) > 20


@pytest.mark.parametrize("table, message", [
    ("f 1\ni 1", "the table has the rows f, i, needs word, f, i, g and o"),
    (TABLE + "z 1", "the rows word, f, i, g, o, z, needs"),
    (changed(TABLE, "word", "cats"), "the row word has 1 words, needs 2 or more that fit in one line"),
    (changed(TABLE, "word", 20 * "cats "), "the row word has 20 words"),
    (changed(TABLE, "f", 13 * "1 "), "the row f has 13 numbers for 14 words, needs one for each, or one for all"),
    (changed(TABLE, "i", "1.2"), "the row i has '1.2', needs numbers from 0 to 1"),
    (changed(TABLE, "g", "nan"), "the row g has 'nan', needs numbers from -1 to 1"),
    (changed(TABLE, "o", "open"), "the row o has 'open', needs numbers")])
def test_a_wrong_table_is_told_what_it_needs(table, message):
    with pytest.raises(ValueError, match=message):
        OneNumber(table)


def test_another_word_is_refused():
    with pytest.raises(ValueError, match="word is 15, needs to be 1 to 14"):
        OneNumber(TABLE, word=15)
