"""The stand-alone lectures, as files: what a slide holds, which figures move, what bad input is told."""
from __future__ import annotations

import base64
import gzip
import json
import re
from html import unescape

import nbformat
import pytest
from nbformat import v4

import assets
import frames
import slides
from course_lib.exercises.bank import bank_of
from course_lib.screen import BLUE, Figure
from course_lib.screen.live import live
from notebooks import paths, read

LESSON = """\
import numpy as np
from course_lib.screen import BLUE, Figure
from course_lib.screen.live import live

class Power(Figure):
    labels = {"q": "factor q"}
    size = (300, 200)

    def draw(self):
        ax = self.fig.subplots()
        ax.set(xlim=(0, 10), ylim=(0, 2))
        self.curve, = self.moving(ax.plot([], [], color=BLUE))

    def compute(self, q=1., wide=False):
        return q ** np.arange(10)

    def move(self, y):
        self.curve.set_data(np.arange(10), y)
        if self.fig.axes[0].get_xlim()[1] != (wanted := 20 if self.values["wide"] else 10):
            self.fig.axes[0].set_xlim(0, wanted)

    def describe(self, y):
        return f"factor {self.values['q']:.2f}, wide {self.values['wide']}"
"""


def cell(source: str, kind: str, id: str, output: str | None = None, html: str | None = None):
    """Return a stored cell: markdown, or code where it has an output."""
    extra = {"id": id, "metadata": {"slideshow": {"slide_type": kind}}}
    if output is None:
        return v4.new_markdown_cell(source, **extra)
    data = {"text/plain": output} | ({"text/html": html} if html else {})
    return v4.new_code_cell(source, execution_count=1, outputs=[v4.new_output("display_data", data)], **extra)


def book(*cells):
    return v4.new_notebook(cells=list(cells))


def unpacked(figure: str) -> dict:
    """Return what frames.js reads of a live figure."""
    packed = re.search(r'<script type="text/plain">(.*)</script>', figure)[1]
    return json.loads(gzip.decompress(base64.b64decode(packed)))


@pytest.fixture(scope="module")
def power() -> dict:
    namespace: dict = {}
    exec(LESSON, namespace)
    return namespace


def figure_of(power, most=frames.MOST_FRAMES, start=None, **ranges):
    figure = power["Power"](**start or {})
    return frames.frames(live(figure, **ranges), figure.alt, most)


# The path through a notebook

def test_slides_stacks_fragments_and_notes_follow_the_types():
    stacks, notes = slides.lecture(book(
        cell("# A", "slide", "a"), cell("b", "-", "b"), cell("c", "fragment", "c"), cell("d", "-", "d"),
        cell("e", "fragment", "e"), cell("hidden", "skip", "f"), cell("g", "subslide", "g"),
        cell("<details><summary>Speaker notes (4 min)</summary>\n\nAsk *them*.\n\n</details>", "notes", "h"),
        cell("i", "slide", "i"), cell("<details><summary>Speaker notes (2 min)</summary>\n\nWait.\n\n</details>",
                                      "notes", "j")), {}, {})
    shown = [[[re.search(r'id="(\w)"', each)[1] for each in slide.cells] for slide in stack] for stack in stacks]
    assert shown == [[["a", "b", "c", "d", "e"], ["g"]], [["i"]]]
    hidden = [re.findall(r'data-fragment-index="(\d)"', each) for each in stacks[0][0].cells]
    assert hidden == [[], [], ["0"], ["0"], ["1"]]
    assert [[slide.notes for slide in stack] for stack in stacks] == [[[0], [0]], [[1]]]
    assert [minutes for minutes, _ in notes] == [4, 2]
    assert "<em>them</em>" in notes[0][1] and "details" not in notes[0][1] and "Speaker" not in notes[0][1]


def test_text_outputs_formulas_and_links_come_through():
    words = slides.markdown("See [05](05_singular_values.ipynb#title), $a_1 * b_1 * c$, [x](https://a.b/c.ipynb).")
    assert 'href="05_singular_values.html#/title"' in words and "$a_1 * b_1 * c$" in words
    assert 'href="https://a.b/c.ipynb"' in words
    shown = slides.cell_html(cell("1 < x", "-", "a", "<b>"), {}, {})
    assert "&lt;b&gt;" in shown and '<span class="mi">1</span>' in shown
    assert "<i>x</i>" in slides.cell_html(cell("x", "-", "a", "alt", "<i>x</i>"), {}, {})
    script = v4.new_output("display_data", {"text/markdown": "```python\nif x:\n    y = 1\n```", "text/plain": "if x"})
    assert re.sub("<.*?>", "", slides.output_html(script)).strip() == "if x:\n    y = 1"
    assert '<div class="code">' in slides.output_html(script)


def test_a_prediction_is_a_vote():
    asked = bank_of(0).predictions[0]
    shown = slides.cell_html(cell(f'predict("{asked.id}", ...)', "-", "a", f"{asked.id} your prediction: ..."), {}, {})
    assert asked.question in unescape(str(shown)) and "predict(" not in shown and "your prediction" not in shown
    letters = re.findall(r"<b>(.)</b> ([^<]+)</li>", shown)
    assert letters == list(zip("ABCD", asked.choices)) and shown.count("<input") == 2
    told = '5.1 measured: 0.\nNo prediction yet. Make one first next time: predict("5.1", ...).\nand more'
    assert "5.1 measured: 0.\nand more</pre>" in slides.output_html(cell("x", "-", "a", told).outputs[0])


def test_an_answer_that_was_not_voted_on_stands_behind_its_question():
    one, other = bank_of(5).predictions[:2]
    stored = book(cell(f'predict("{one.id}", ...)', "-", "a", ""),
                  cell("1", "-", "b", f"{one.id} measured: 1.\nNo more."),
                  cell("1", "-", "c", f"{other.id} measured: A."), cell("1", "-", "d", "7.4 is not measured: 3."))
    slides.with_questions(stored)
    assert [slides.said_by(each.outputs[0]) for each in stored.cells[1:]] == [
        f"{one.id} measured: 1.\nNo more.", f"{other.question}\nMeasured: A.", "7.4 is not measured: 3."]


def test_a_long_text_begins_on_the_slide_and_ends_in_the_notes():
    text = "## A heading\n\n" + "This is a sentence of seven words. " * 8 + "\n\n$$x$$\n\nAnd the end."
    said, rest = slides.shortened(text)
    assert said.startswith("## A heading") and said.count("sentence") == 5 and "$$x$$" in said
    assert rest.count("sentence") == 3 and rest.endswith("And the end.")
    assert slides.shortened("Short.") == ("Short.", "")
    folded = "Seen.\n\n<details><summary>More</summary>\n\nFolded.\n\n</details>\n\nShown."
    assert [each.split() for each in slides.shortened(folded)] == [["Seen.", "Shown."], ["Folded."]]
    long = "word " * 80 + "end."
    assert slides.shortened(f"{long} More.") == (long, "More.")
    assert slides.shortened("- " + "one " * 30 + "\n- " + "two " * 30)[1].startswith("- two")
    assert slides.sentences("It is $a. B$ here. Then `x. Y` too. End.") == [
        "It is $a. B$ here.", "Then `x. Y` too.", "End."]


def test_lines_that_differ_in_their_values_become_a_table():
    def cells(text):
        return [re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row)
                for row in re.findall(r"<tr>.*?</tr>", slides.tabled(text))]

    assert cells("bias 0: gate 0.5, half-life 1.0 steps; measured 0.5\nbias 1: gate 0.7, half-life 2.2 steps; measured 0.7") == [
        ["bias", "gate", "half-life (steps)", "measured"], ["0", "0.5", "1.0", "0.5"], ["1", "0.7", "2.2", "0.7"]]
    assert cells("k =  1: |W|^(1/k) = 10.1\nk = 10: |W|^(1/k) = 1.4") == [
        ["k", "|W|^(1/k)"], ["1", "10.1"], ["10", "1.4"]]
    assert cells("A, start: over 60 steps 1e-01\nA, end  : over 60 steps 1e+00") == [
        ["", "over 60 steps"], ["A, start", "1e-01"], ["A, end", "1e+00"]]
    assert cells("one 1\n  and two True\none 2\n  and two False") == [["one", "and two"], ["1", "True"], ["2", "False"]]
    assert cells("over 60 steps 4e+00 to 1e+01\nover 80 steps 8e+01 to 3e+02") == [
        ["over", "steps"], ["60", "4e+00 to 1e+01"], ["80", "8e+01 to 3e+02"]]
    assert cells("update 0 loss nan norm nan\nupdate 59 loss nan norm nan") == [
        ["update", "loss", "norm"], ["0", "nan", "nan"], ["59", "nan", "nan"]]
    assert cells("distance 10: needed 100, 50\ndistance 12: needed inf, -inf") == [
        ["distance", "needed", ""], ["10", "100", "50"], ["12", "inf", "-inf"]]
    assert cells("w 1: below 1: True, above 1e3: False\nw 3: below 1: False, above 1e3: False") == [
        ["w", "below 1", "above 1e3"], ["1", "True", "False"], ["3", "False", "False"]]
    assert cells("seed 0: gain 1 loss 0.2, gain 2 after 7 updates\nseed 1: gain 1 loss 0.3, gain 2 after 7 updates") == [
        ["seed", "gain 1 loss", "gain 2 after (updates)"], ["0", "0.2", "7"], ["1", "0.3", "7"]]
    assert cells("200 x 2 a: mean 1.0\n200 x 2 b: mean 0.5\n100 x 4 a: mean 2") == [
        ["", "mean"], ["200 x 2 a", "1.0"], ["200 x 2 b", "0.5"], ["100 x 4 a", "2"]]
    assert cells("rate 1, loss few, at 10^-2 to 10^0, 10^1\nrate 3, loss most, at 10^-3") == [
        ["rate", "loss", "at"], ["1", "few", "10^-2 to 10^0, 10^1"], ["3", "most", "10^-3"]]
    assert cells("a 1\nb 2") == cells("a 1\na 1") == cells("a 1: mean 2\nb 2: mean 3") == []
    assert slides.tabled("x [0.1 0.2]\ny") == '<pre class="output">x [0.1 0.2]\ny</pre>'


def test_lines_in_columns_become_a_table():
    def cells(text):
        return [re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row)
                for row in re.findall(r"<tr>.*?</tr>", slides.tabled(text))]

    assert cells("rule        shown by\nnorm        k = 2: a  k = 3: b\nexponent > 0: c") == []
    assert cells("rule   why\nnorm   so it is\nrho    or not  and so\nno column") == [
        ["rule", "why"], ["norm", "so it is"], ["rho", "or not  and so"]]
    assert cells("layer   state norm\nS5      a     0.3\nLRU x   b c   0.4") == [
        ["layer", "state", "norm"], ["S5", "a", "0.3"], ["LRU x", "b c", "0.4"]]
    assert cells("tanh   0 of 5\nIRNN   5 of it\nLSTM   none") == [["tanh", "0 of 5"], ["IRNN", "5 of it"],
                                                                    ["LSTM", "none"]]


def test_what_is_shown_stands_without_its_code():
    assert "behind" in slides.cell_html(cell("1", "-", "a", "1"), {}, {})
    assert "behind" not in slides.cell_html(cell("def f(): ...", "-", "a", ""), {}, {})


def test_the_handout_without_a_browser_is_said(monkeypatch, tmp_path):
    monkeypatch.delenv("CHROMIUM", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    deck = slides.Deck("lecture_50", "", "", 50, 50, 0, {}, 0, 0)
    assert slides.handout(deck, tmp_path).startswith("No handout: no chromium found")


# Which figures move

def test_a_figure_moves_over_the_grid_of_its_controls(power):
    shown = figure_of(power, q=(.5, 1.5), wide=bool)
    data = unpacked(shown)
    assert len(data["frames"]) == 202 and len(data["grounds"]) == 2
    for at, words in (0, "factor 0.50, wide False"), (1, "factor 0.50, wide True"), (201, "factor 1.50, wide True"):
        place, ground, picture = data["frames"][at]
        assert place == [100 * (at == 201), int("True" in words)]
        assert ground == int("True" in words) and f'aria-label="{words}"' in data["pictures"][picture]
    assert 'max="100" value="50" aria-valuetext="1.00"' in shown and "<span>factor q</span>" in shown
    assert '<input type="checkbox">' in shown and 'alt="factor 1.00, wide False"' in shown


def test_many_levels_are_thinned_to_both_ends_and_the_start(power):
    shown = figure_of(power, 9, q=(.5, 1.5), start={"q": .53})
    data = unpacked(shown)
    texts = json.loads(re.search(r"data-texts=\"(.*?)\"", shown)[1].replace("&quot;", '"'))
    assert texts[0] == "0.50" and texts[-1] == "1.50" and "0.53" in texts and len(texts) == 18
    assert list(map(float, texts)) == sorted(map(float, texts)) and len(data["pictures"]) == 18
    assert f'value="{texts.index("0.53")}" aria-valuetext="0.53"' in shown


def test_one_slider_is_fine_where_the_others_start_and_coarse_elsewhere(power):
    data = unpacked(figure_of(power, 60, q=(.5, 1.5), wide=bool))
    places = {tuple(place) for place, *_ in data["frames"]}
    assert {q for q, wide in places if not wide} == set(range(101))
    coarse = {q for q, wide in places if wide}
    assert 20 < len(coarse) <= 30 and {0, 50, 100} <= coarse
    labels = [re.search(r'aria-label="(.*?)"', picture)[1] for picture in data["pictures"]]
    assert all(f"factor {q / 100 + .5:.2f}, wide {bool(wide)}" == labels[picture]
               for (q, wide), _, picture in data["frames"])


def test_kept_levels_are_round_where_they_can_be():
    each = frames.Control("q", "q", "range", list(range(151)), [""] * 151, 50)
    assert frames.thin(each, 80) == list(range(0, 151, 2)) and frames.thin(each, 200) == list(range(151))


def test_every_kind_of_control_becomes_one_of_html():
    class Kinds(Figure):
        def draw(self):
            ax = self.fig.subplots()
            ax.set(xlim=(0, 1), ylim=(0, 1))
            self.words = self.moving(ax.text(.5, .5, "", color=BLUE))

        def compute(self, n=3, rate=.1, kind="tanh", on=True):
            return None

        def move(self, data):
            self.words.set_text(str(self.values))

        def describe(self, data):
            return f"{self.values}"

    figure = Kinds()
    shown = frames.frames(live(figure, n=(1, 5), rate=(.01, 1., "log"), kind=["tanh", "relu"], on=bool), figure.alt, 80)
    assert "['1', '2', '3', '4', '5']".replace("'", "&quot;") in shown
    assert 'aria-valuetext="0.1"' in shown
    assert '<option value="0" selected>tanh</option><option value="1">relu</option>' in shown
    assert '<input type="checkbox" checked>' in shown
    labels = [re.search(r'aria-label="(.*?)"', picture)[1] for picture in unpacked(shown)["pictures"]]
    assert len(set(labels)) == 80 + 11 - 4  # the grid, and the rate finely where the others start


def test_only_what_a_figure_needs_is_run_and_what_differs_stays_still():
    stored = book(
        cell("never = 1 / 0", "skip", "a", ""), cell(LESSON, "skip", "b", ""), cell("low = .5", "-", "c", ""),
        cell("low = never", "-", "z", ""), cell("low = .25", "-", "d", ""),
        cell("def wrap(figure):\n    return live(figure, q=(low, 2.))", "-", "e", ""),
        cell("wrap(Power())  # live(", "-", "f", "factor 1.00, wide False", "<img>"),
        cell("live(Power(), q=(.1, 2.))", "-", "g", "factor 3.00, wide False", "<img>"),
        cell("live(Power(), q=(never, 2.))", "-", "h", "factor 1.00, wide False", "<img>"),
        cell("Power()  # not live()", "-", "i", "factor 1.00, wide False", "<img>"))
    cells = [each for each in stored.cells]
    assert [cells[i].id for i in frames.needed(cells, 6)] == ["b", "d", "e"]
    moving, still = frames.draggable(stored, 5)
    assert list(moving) == ["f"]
    assert "run make notebooks" in still["g"] and "ZeroDivisionError" in still["h"]
    assert "not a live figure" in still["i"]
    assert "live in JupyterLab" in slides.cell_html(cells[7], moving, still)


def test_a_figure_below_what_its_cell_says_moves():
    """As below a reveal, whose box is HTML, too."""
    shown = cell(f"{LESSON}\nlive(Power(), q=(.5, 2.))", "-", "f", "5.1 measured: 0.", "<div class='course-box'></div>")
    shown.outputs.append(v4.new_output("display_data", {"text/plain": "factor 1.00, wide False", "text/html": "<img>"}))
    moving, still = frames.draggable(book(shown), 5)
    assert list(moving) == ["f"] and still == {}
    page = slides.cell_html(shown, moving, still)
    assert "5.1 measured: 0." in page and page.count("<figure") == 1 and "<img>" not in page


def test_cells_that_take_too_long_are_broken_off(monkeypatch):
    monkeypatch.setattr(frames, "SECONDS", .2)
    moving, still = frames.draggable(book(cell("live = print\ndef go():\n    while True:\n        pass", "-", "a", ""),
                                          cell("live(go())", "-", "b", "", "<img>")))
    assert (moving, still) == ({}, {"b": "TooLong: more than 0.2 s"})


def test_figures_are_drawn_once_until_something_changes(tmp_path, monkeypatch):
    path = tmp_path / "99_sample.ipynb"
    stored = book(cell(LESSON, "skip", "b", ""),
                  cell("live(Power(), q=(.5, 2.))", "-", "f", "factor 1.00, wide False", "<img>"))
    nbformat.write(stored, path)
    first = frames.kept(path, 4, tmp_path)
    drawn = frames.draggable
    monkeypatch.setattr(frames, "draggable", lambda *_: ({"new": ""}, {}))
    assert frames.kept(path, 4, tmp_path) == first and list(first[0]) == ["f"]
    path.write_text(path.read_text() + " ")
    assert frames.kept(path, 4, tmp_path) == ({"new": ""}, {})
    monkeypatch.setattr(frames, "draggable", drawn)


# A deck, and bad input

@pytest.fixture(scope="module")
def deck(tmp_path_factory):
    """The deck of a short lesson of the course, with few frames."""
    target = tmp_path_factory.mktemp("slides")
    return slides.build(["01_gradients"], target, 12, target / "frames"), target


def test_a_deck_stands_alone(deck):
    decks, target = deck
    page = (target / "01_gradients.html").read_text()
    index = (target / "index.html").read_text()
    assert '<html lang="en">' in page and "<title>01 Gradients</title>" in page
    for text in page, index, *(file.read_text() for file in (target / "assets").glob("deck.*")):
        assert not re.search(r'(?:src|href|url|import)[=("\' ]+(?:https?:)?//', re.sub(r'<a href="[^"]*"', "", text))
    for name in re.findall(r'(?:src|href)="(assets/[^"]+)"', page + index):
        assert (target / name).is_file(), name
    assert 'href="01_gradients.html"' in index and f"{decks[0].spoken} minutes spoken" in index
    assert "No description has been provided" not in page and "run the cell again" not in page
    stored = read(paths(["01_gradients"])[0])
    exercises = [each.id for each in stored.cells if slides.slide_type(each) == "skip"]
    assert exercises and not any(f'id="{each}"' in page for each in exercises)
    assert all(f'id="{each.id}"' in page for each in stored.cells if slides.slide_type(each) not in ("skip", "notes"))
    assert decks[0].moving == sum("live(" in each.source for each in stored.cells if each.cell_type == "code")


def test_one_deck_built_anew_leaves_the_others_in_the_index(deck, tmp_path):
    (new,), _ = deck
    other, gone = new._replace(name="00_other"), new._replace(name="02_gone")
    (tmp_path / "assets").mkdir()
    for name, text in ("assets/decks.json", json.dumps([other, gone])), ("00_other.html", ""), (f"{new.name}.html", ""):
        (tmp_path / name).write_text(text)
    assert slides.listed([new], tmp_path) == [other, new]
    (tmp_path / "assets" / "decks.json").write_text("no list")
    assert slides.listed([new], tmp_path) == [new]


def test_a_notebook_that_was_not_executed_is_named(tmp_path, monkeypatch):
    path = tmp_path / "07_new.ipynb"
    nbformat.write(book(cell("# 07", "slide", "a"), v4.new_code_cell("1", id="never-run")), path)
    with pytest.raises(slides.NotExecuted, match=r"07_new: not executed \(never-run\). Run `make notebooks NB=07_new`"):
        slides.write_deck(path, tmp_path, 5, tmp_path)
    monkeypatch.setattr(slides, "paths", lambda names: [path])
    with pytest.raises(slides.NotExecuted, match="07_new"):
        slides.build([], tmp_path)
    assert (tmp_path / "index.html").exists() and not (tmp_path / "07_new.html").exists()


def test_what_is_missing_is_said_with_its_target(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(assets, "REVEAL", "no-such-package")
    monkeypatch.setattr("sys.argv", ["slides.py", "01_gradients"])
    monkeypatch.setattr(slides, "TARGET", tmp_path)
    assert slides.main() == 1
    assert "no-such-package is not installed here: run `make slides`" in capsys.readouterr().err
    with pytest.raises(assets.MissingAsset, match="holds no other.js"):
        assets._held("sphinx-mathjax-offline", "other.js")


def test_a_notebook_that_is_not_there_is_said():
    with pytest.raises(SystemExit, match="no notebook 77_none"):
        slides.build(["77_none"])
