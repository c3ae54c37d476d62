"""`make table` measures what a notebook takes, stops where one fails or takes too much, and writes one table."""
import re
import sys
from pathlib import Path

import nbformat
import pytest

import measure
import notebooks

ROOT = Path(__file__).parents[1]
README = f"# A course\n\n{measure.START}\n{measure.END}\n\nThe end.\n"


@pytest.fixture
def course(tmp_path, monkeypatch):
    """A course of two small notebooks; the second holds 200 MiB for a moment."""
    monkeypatch.setattr(notebooks, "ROOT", tmp_path)
    (tmp_path / "notebooks").mkdir()
    (tmp_path / "README.md").write_text(README)
    write(tmp_path, "01_small", "x = 3")
    write(tmp_path, "02_large", "x = b'1' * 200 * 2**20; del x")
    return tmp_path


def write(course, name, source):
    """Write a notebook of one cell."""
    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source, id="only")])
    (course / "notebooks" / f"{name}.ipynb").write_text(notebooks.text_of(book))


def make_table(monkeypatch, *names):
    """Run the command; return the table's rows."""
    monkeypatch.setattr(sys, "argv", ["measure.py", *names])
    assert measure.main() == 0
    return measure.rows((notebooks.ROOT / "README.md").read_text())


def test_it_measures_and_writes_one_table(course, monkeypatch, capsys):
    rows = make_table(monkeypatch)
    assert list(rows) == ["01_small", "02_large"]
    assert 150 < rows["02_large"].memory - rows["01_small"].memory < 230
    assert "01_small.ipynb: " in capsys.readouterr().out
    text = (course / "README.md").read_text()
    assert re.search(r"^Measured by `make table` \(\d+ cores, .*\): seconds", text, re.MULTILINE)
    assert text.startswith("# A course\n") and text.endswith(f"{measure.END}\n\nThe end.\n")
    # One notebook anew: the other row stays as it was, and that of a notebook that is gone goes.
    text = text.replace("| [01_small]", "| [00_gone](notebooks/00_gone.ipynb) | 7 | 77 |\n| [01_small]")
    (course / "README.md").write_text(re.sub(r"\| \d+ \| \d+ \|", "| 77 | 7 |", text))
    rows = make_table(monkeypatch, "01_small")
    assert list(rows) == ["01_small", "02_large"]
    assert rows["02_large"] == (77, 7) and rows["01_small"].memory > 7
    assert (course / "README.md").read_text().count(measure.START) == 1


def test_a_slow_notebook_takes_its_seconds(course):
    write(course, "01_small", "import time; time.sleep(3)")
    assert 3 < measure.cost(course / "notebooks" / "01_small.ipynb").seconds < 60


@pytest.mark.parametrize("source, sentence", [
    ("1 / 0", "01_small.ipynb: cell only stopped with ZeroDivisionError: division by zero; "
              "make notebooks NB=01_small shows more"),
    ("raise ValueError('one line\\nand one more')", "stopped with ValueError: one line; make notebooks"),
])
def test_a_notebook_that_fails_is_named(course, source, sentence):
    write(course, "01_small", source)
    with pytest.raises(SystemExit, match=re.escape(sentence)):
        measure.cost(course / "notebooks" / "01_small.ipynb")


def test_too_much_memory_is_named(course, monkeypatch):
    monkeypatch.setattr(measure, "MOST_MEMORY", 20)
    with pytest.raises(SystemExit, match=r"01_small.ipynb: its kernel takes \d+ MiB, more than 20: "):
        measure.cost(course / "notebooks" / "01_small.ipynb")


def test_without_marks_nothing_is_run(course, monkeypatch):
    (course / "README.md").write_text("# A course\n")
    monkeypatch.setattr(measure, "cost", lambda path: pytest.fail("it ran"))
    with pytest.raises(SystemExit, match="README.md has no place for the table: write <!-- table: notebooks -->"):
        make_table(monkeypatch)


def test_an_unknown_notebook_is_named(course, monkeypatch):
    with pytest.raises(SystemExit, match="no notebook 03_none in notebooks/"):
        make_table(monkeypatch, "03_none")


def test_the_table_of_the_course_is_whole():
    rows = measure.rows((ROOT / "README.md").read_text(encoding="utf-8"))
    assert list(rows) == [path.stem for path in notebooks.paths()]
    assert max(row.memory for row in rows.values()) <= measure.MOST_MEMORY
    assert min(row.seconds for row in rows.values()) > 0 and min(row.memory for row in rows.values()) > 30
