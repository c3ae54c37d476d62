"""What notebooks show of the exercises: boxes with a mark and words, answers by click, folds, the page of progress."""

import html.parser
import json
import re
from pathlib import Path

import pytest

from course_lib import exercises
from course_lib.exercises import asked, boxes
from course_lib.exercises.bank import Bank, Prediction
from course_lib.exercises.progress import Store
from course_lib.screen import figure

ROOT = Path(__file__).resolve().parent.parent
NUMBER = Prediction("9.1", "How <small>?", unit="steps", scale="log10")
CHOICE = Prediction("9.2", "Which?", kind="choice", choices=("up", "down"))
CHOICES = Prediction("9.3", "Which hold?", kind="choices", choices=("a", "b", "c"))
ORDER = Prediction("9.4", "In which order?", kind="order", choices=("a", "b", "c"))


@pytest.fixture
def shown(tmp_path, monkeypatch):
    """What a notebook's page gets, bundle by bundle, from a learner without progress."""
    found = []
    monkeypatch.setenv("COURSE_PROGRESS", str(tmp_path / "mine.jsonl"))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(exercises, "bank_of", lambda number: Bank(9, "A & B", [NUMBER, CHOICE, CHOICES, ORDER]))
    monkeypatch.setattr(exercises, "numbers_of_banks", lambda: [9])
    monkeypatch.setattr(exercises, "show", found.append)
    return found


def words(rich):
    """The text of HTML, without its styles."""
    return html.unescape(re.sub(r"<[^>]*>", "", re.sub(r"<style>.*?</style>|<br>", " ", rich))).split()


@pytest.mark.parametrize("kind", boxes.MARKS)
def test_a_box_has_a_mark_a_color_of_the_palette_and_all_words(kind):
    rich = boxes.box(kind, "9.1 head: a < b\nmore, 1 & 2")
    mark, color = boxes.MARKS[kind]
    assert words(rich) == [mark, *"9.1 head: a < b more, 1 & 2".split()]
    assert f"border-left:5px solid {color}" in rich and color in vars(figure).values()
    assert "<strong>" in rich and rich.index("9.1 head:") < rich.index("</strong>") < rich.index("a &lt; b")


def test_every_word_of_a_verdict_has_a_box():
    sources = "".join(path.read_text(encoding="utf-8") for path in Path(exercises.__file__).parents[1].rglob("*.py"))
    found = set(re.findall(r'Verdict\(\s*"([a-z ]+)"', sources))
    assert {"passed", "not yet", "named"} <= found <= set(boxes.MARKS)


def test_a_prediction_is_folded_until_one_is_noted(shown):
    exercises.reveal("9.1", 1e-20)
    rich, plain = shown[-1]["text/html"], shown[-1]["text/plain"]
    assert rich.index('<details class="course-fold">') < rich.index("</summary>") < rich.index("1e-20 steps")
    assert " open>" not in rich
    assert "No prediction" not in rich and "1e-20" not in rich[:rich.index("</summary>")]
    assert plain == '9.1 measured: 1e-20 steps.\nNo prediction yet. Make one first next time: predict("9.1", ...).'
    exercises.predict("9.1", 1e-3)
    exercises.reveal("9.1", 1e-20)
    assert "<details" not in shown[-1]["text/html"]
    assert words(shown[-1]["text/html"])[1:] == shown[-1]["text/plain"].split()


def test_untrusted_pages_keep_folded_what_trusted_ones_do():
    """JupyterLab takes the style out of a notebook it does not trust; the course's settings bring it."""
    settings = ROOT / "tools/jupyter/labconfig/default_setting_overrides.json"
    rules = json.loads(settings.read_text(encoding="utf-8"))["@deathbeds/jupyterlab-fonts:fonts"]["styles"]
    rule, = (key for key in rules if "course-fold" in key)
    assert rules[rule] == {"display": "none"}
    assert "{" + re.sub(r" ?([>,]) ?", r"\1", rule) + "{display:none}}" in boxes.WAITS


@pytest.mark.parametrize("prediction, clicks, value", [
    (NUMBER, lambda line: setattr(line, "value", " 1e-3 "), .001),
    (CHOICE, lambda radio: setattr(radio, "value", "down"), "down"),
    (CHOICES, lambda a, b, c, note: (setattr(a, "value", True), setattr(c, "value", True), note.click()), ["a", "c"]),
    (ORDER, lambda a, b, c, again: (b.click(), again.click(), c.click(), a.click(), b.click()), ["c", "a", "b"]),
], ids=lambda each: getattr(each, "kind", None))
def test_a_click_notes_what_the_code_would(prediction, clicks, value, shown):
    *controls, said = asked.controls(prediction, lambda given: boxes.box(*exercises._noted(prediction, given))).children
    clicks(*controls)
    assert words(said.value)[:3] == ["✓", prediction.id, "noted:"]
    record, = exercises._store().read()[0]
    assert record["id"] == prediction.id and record["value"] == value


def test_what_is_no_number_is_said_and_not_noted(shown):
    line, said = asked.controls(NUMBER, lambda given: boxes.box(*exercises._noted(NUMBER, given))).children
    line.value = "3 steps"
    assert "'3 steps' is not a number (steps)." in html.unescape(said.value) and not exercises._store().read()[0]


def test_progress_says_what_is_next_and_leads_there(shown, tmp_path, monkeypatch):
    from course_lib.exercises import overview
    monkeypatch.setattr(overview, "file_of", lambda number: "09_ab.ipynb")
    overview._cells.cache_clear()
    (tmp_path / "09_ab.ipynb").write_text(json.dumps({"cells": [
        {"id": "text", "source": ["nothing"]}, {"id": "third", "source": ['predict("9.3", ...)']},
        {"id": "later", "source": ['predict("9.3", ...)']}]}))
    exercises.predict("9.1", 1)
    exercises.predict("9.2", "up")
    exercises.progress()
    rich = shown[-1]["text/html"]
    assert '<strong>Next: <a href="09_ab.ipynb#cell-id=third">9.3</a></strong>' in rich
    assert '<progress max="4" value="2" aria-label="2 of 4 done in lesson 9">' in rich
    assert '<a href="09_ab.ipynb">9.4</a>' in rich, "a cell that is not found leads to its notebook"
    (tmp_path / "09_ab.ipynb").write_text("{torn")
    overview._cells.cache_clear()
    exercises.progress()
    assert '<a href="09_ab.ipynb">9.3</a>' in shown[-1]["text/html"]


def test_progress_travels_and_nothing_is_lost_or_doubled(shown, tmp_path, monkeypatch, capsys):
    exercises.predict("9.2", "up")
    exercises.save_progress()
    monkeypatch.setenv("COURSE_PROGRESS", str(tmp_path / "other.jsonl"))
    exercises.predict("9.1", 1)
    for _ in range(2):
        exercises.load_progress("progress.jsonl")
    assert capsys.readouterr().out.split(", ")[-1] == "1 were here already.\n"
    records = Store(tmp_path / "other.jsonl").read()[0]
    assert sorted(record["id"] for record in records) == ["9.1", "9.2"]
    assert Store(tmp_path / "mine.jsonl").read()[0][0] in records, "with the time at which it was made"
    exercises.save_progress()
    assert sorted(record["id"] for record in Store(tmp_path / "progress.jsonl").read()[0]) == ["9.1", "9.2"]


def test_the_earliest_prediction_counts_wherever_it_was_made(shown, tmp_path):
    exercises.predict("9.1", 5)
    Store(tmp_path / "old.jsonl").append({"kind": "prediction", "id": "9.1", "value": 7., "at": "2001-01-01"})
    exercises.load_progress("old.jsonl")
    assert exercises._said(NUMBER) == [7, 5]


def test_a_copy_that_is_not_written_is_not_said_to_be(shown, tmp_path, monkeypatch, capsys):
    exercises.predict("9.2", "up")

    def full(descriptor, data):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.write", full)
    with pytest.raises(OSError, match=r"copy.jsonl can't be written \(No space left on device\): there is no copy yet"):
        exercises.save_progress("copy.jsonl")
    assert "written to" not in capsys.readouterr().out


def test_a_copy_spoils_no_other_file(shown, tmp_path, monkeypatch):
    exercises.predict("9.2", "up")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    (tmp_path / "00_start_here.ipynb").write_text('{"cells": []}\n')
    for call in (exercises.save_progress, exercises.load_progress):
        for strange in (None, 3, "", b"a", "a\0"):
            with pytest.raises(ValueError, match="needs its name in quotes"):
                call(strange)
    with pytest.raises(ValueError, match="00_start_here.ipynb has other things in it than progress"):
        exercises.save_progress("00_start_here.ipynb")
    assert (tmp_path / "00_start_here.ipynb").read_text() == '{"cells": []}\n'
    with pytest.raises(ValueError, match="00_start_here.ipynb has nothing of progress in it"):
        exercises.load_progress("00_start_here.ipynb")
    with pytest.raises(OSError, match="can't be written"):
        exercises.save_progress(tmp_path)
    exercises.save_progress("~/copy.jsonl")
    assert len(Store(tmp_path / "copy.jsonl").read()[0]) == 1


def test_a_record_without_its_time_is_taken_in_once(shown, tmp_path, capsys):
    (tmp_path / "other.jsonl").write_text('{"kind": "prediction", "id": "9.2", "value": "up"}\n')
    for _ in range(2):
        exercises.load_progress("other.jsonl")
    assert capsys.readouterr().out.splitlines()[-1] == "0 records taken in, 1 were here already."


def test_a_file_that_is_not_there_gets_a_sentence(shown, tmp_path):
    with pytest.raises(FileNotFoundError, match=r'no file x.jsonl in .*save_progress\("x.jsonl"\) writes it'):
        exercises.load_progress("x.jsonl")
