"""The table of tests/README.md: every file of tests has its row, which says what the file says, and where it runs.

    python tests/test_where_it_runs.py        writes the table anew
"""
import ast
import re
import types
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
README = TESTS / "README.md"
START, END = "<!-- table: tests -->\n", "<!-- /table -->"


def row(path):
    """Return the line of a file: its name, the first paragraph of its docstring, the targets that run it."""
    text = path.read_text(encoding="utf-8")
    proves = " ".join((ast.get_docstring(ast.parse(text)) or "").split("\n\n")[0].split())
    return f"| [{path.stem}]({path.relative_to(TESTS).as_posix()}) | {proves} | {targets(path.parent.name, text)} |"


def targets(folder, text):
    """Return which make targets run the tests of a file in this folder, by its marks."""
    marks = set(re.findall(r"\bmark\.(long|portable)\b", text))
    if folder == "browser":
        return "test-browser" + ", by hand" * ("long" in marks)
    if re.search(r"^pytestmark = .*\bmark\.long\b", text, re.MULTILINE):
        return ", ".join(["test-all", *["portable"] * ("portable" in marks)])
    return ", ".join(["test", *["test-all"] * ("long" in marks), *["portable"] * ("portable" in marks)])


def table():
    """Return the table, the shared library's files first."""
    paths = sorted(TESTS.rglob("test_*.py"), key=lambda path: (path.parent != TESTS, path))
    return "\n".join(["| file | what it proves | make |", "|---|---|---|", *map(row, paths), ""])


def parts(text):
    """Return a page before, within and after its table."""
    before, _, rest = text.partition(START)
    within, _, after = rest.partition(END)
    return before, within, after


def test_the_table_says_what_the_files_say():
    said = parts(README.read_text(encoding="utf-8"))[1].splitlines()
    assert [line for line in table().splitlines() if line not in said] == [], "python tests/test_where_it_runs.py"
    assert said == table().splitlines()


def test_where_a_file_runs_is_told_by_its_marks():
    assert targets("tests", "import pytest") == "test"
    assert targets("tests", "@pytest.mark.long\ndef test_it():") == "test, test-all"
    assert targets("lessons", "pytestmark = [pytest.mark.long, other]") == "test-all"
    assert targets("notebooks", "pytestmark = pytest.mark.long\nmarks=[pytest.mark.portable]") == "test-all, portable"
    assert targets("notebooks", "marks=[pytest.mark.portable]") == "test, portable"
    assert targets("browser", "import pytest") == "test-browser"
    assert targets("browser", "marks=[pytest.mark.long]") == "test-browser, by hand"


def test_ci_and_the_targets_take_what_the_table_says(request):
    makefile = (TESTS.parent / "Makefile").read_text(encoding="utf-8")
    recipes = dict(re.findall(r"^([a-z-]+): python.*\n(?:\t@.*\n)*\t\$\(PYTEST\) (.*)$", makefile, re.MULTILINE))
    assert recipes["test"] == "-n 2" and recipes["test-all"] == '-n 2 -m "not portable"'
    assert recipes["portable"] == ("tests/notebooks/test_processors.py tests/test_shipped.py "
                                   "tests/test_teaching.py -m ''")
    assert recipes["test-browser"] == "-n 2 tests/browser"
    settings = request.config.inipath.read_text(encoding="utf-8")
    assert '"-m", "not portable and not long",' in settings and '"browser", "benchmarks"]' in settings
    assert re.findall(r"^make (.*)$", (TESTS.parent / ".ci" / "run").read_text(encoding="utf-8"), re.MULTILINE) == [
        "test-all", "test-browser"]


def test_each_nth_case_of_a_long_test_runs_in_make_test(request):
    conftest = next(each for each in request.config.pluginmanager.get_plugins() if hasattr(each, "lighten"))
    third, always = pytest.mark.long(but_every=3).mark, pytest.mark.long.mark
    items = [types.SimpleNamespace(path="a", originalname=name, own_markers=[third, *[always] * (i == 3)])
             for name in "fg" for i in range(7)]
    conftest.lighten(items)
    assert [item.own_markers for item in items] == 2 * [[], [third], [third], [always], [third], [third], []]


if __name__ == "__main__":
    head, _, tail = parts(README.read_text(encoding="utf-8"))
    README.write_text(head + START + table() + END + tail, encoding="utf-8", newline="\n")
