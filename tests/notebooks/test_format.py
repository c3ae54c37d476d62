"""Every notebook on disk is in normal form and keeps the rules of a lesson; each rule is seen to fail."""
import copy

import nbformat
import pytest

import notebooks
from notebook_rules import COLAB, WIDGET_VIEW, faults


@pytest.mark.parametrize("path", notebooks.paths(), ids=lambda path: path.stem)
def test_notebook_is_without_fault(path):
    assert notebooks.check(path) == []


def text(name, source, slide="slide", tags=()):
    """Return a Markdown cell."""
    metadata = ({"slideshow": {"slide_type": slide}} if slide else {}) | ({"tags": list(tags)} if tags else {})
    return nbformat.v4.new_markdown_cell(source, id=name, metadata=metadata)


def code(name, source, *outputs, slide=None, tags=()):
    """Return a code cell with these outputs."""
    cell = text(name, source, slide, tags)
    return nbformat.v4.new_code_cell(source, id=name, metadata=cell.metadata, outputs=list(outputs))


def shown(**data):
    """Return the output of a display: text_html=..., text_plain=..."""
    data = {kind.replace("_", "/"): what for kind, what in data.items()}
    return nbformat.v4.new_output("display_data", data=data)


def printed(what, name="stdout"):
    """Return the output of a print."""
    return nbformat.v4.new_output("stream", name=name, text=what)


PICTURE = '<img alt="the slope falls to .1" src="data:image/png;base64,/home/A">'


def lesson():
    """Return a lesson without a fault: notebook 01 of a small course."""
    book = nbformat.v4.new_notebook(cells=[
        text("goals", "# Slopes\n\nYou will be able to tell a slope. You need nothing before. 10 minutes."),
        text("goals-notes", "<details><summary>Speaker notes (5 min)</summary>\nHi.\n</details>", "notes", ["notes"]),
        code("colab", COLAB, slide="skip"),
        code("picture", "figure", shown(text_html=PICTURE, text_plain="it falls to .1"), slide="subslide"),
        code("with-torch", "import torch\ntorch.ones(1).item()", printed("1.0\n"), tags=["torch"]),
        code("imports", "from course_lib.exercises import check, hint, predict, reveal, solution"),
        code("slope", 'def slope(x):\n    ...\ncheck("1.1", slope)', printed(f"not yet\n{60 * 'so '}long.\n"),
             tags=["exercise"]),
        code("slope-solution", 'solution("1.1")', shown(text_html="<details>"), tags=["solution"]),
        code("guess", 'predict("1.2", ...)', printed("guess first\n"), tags=["exercise"]),
        code("guess-reveal", 'reveal("1.2", 3)', printed("3\n")),
        code("count", "seeds", printed("steep: 3 of 5 learn, flat: 0 of 5\nof 4 walls: 1, 2. Tries: 3\n")),
        text("count-meaning", "3 of the 5 learn, and 2 of 4 walls stand."),
        text("recap", "## Recap\n\nA slope is a limit. It was 1.0, as in lesson 07. 3 of 5 learn, 1 of 4 walls stands. Go on with [the next](02_next.ipynb#goals).\n\n"
                      "![a hill with its slope](data:image/png;base64,AA)"),
        text("more", "## Further reading\n\nA book.", "skip"),
    ])
    book.metadata = nbformat.from_dict(notebooks.METADATA)
    return numbered(book)


def numbered(book):
    """Count the code cells as a fresh kernel does."""
    for count, cell in enumerate((cell for cell in book.cells if cell.cell_type == "code"), start=1):
        cell.execution_count = count
    return book


@pytest.fixture
def path(tmp_path):
    (tmp_path / "02_next.ipynb").touch()
    return tmp_path / "01_slopes.ipynb"


def test_a_good_lesson_passes(path):
    path.write_text(notebooks.text_of(lesson()), encoding="utf-8")
    assert notebooks.check(path) == []


def cell_of(book, name):
    return next(cell for cell in book.cells if cell.id == name)


def change(name, old, new):
    """Return a defect: other words in a cell."""
    def defect(book):
        cell = cell_of(book, name)
        assert old in cell.source
        cell.source = cell.source.replace(old, new)
    return defect


def output(name, what):
    """Return a defect: another output of a cell."""
    def defect(book):
        cell_of(book, name).outputs = [what]
    return defect


def metadata(name, key, value):
    """Return a defect: other metadata of a cell."""
    def defect(book):
        cell_of(book, name).metadata[key] = value
    return defect


def rename(name, new):
    """Return a defect: another id of a cell."""
    def defect(book):
        cell_of(book, name).id = new
    return defect


def remove(name):
    """Return a defect: a cell less."""
    def defect(book):
        book.cells.remove(cell_of(book, name))
        numbered(book)
    return defect


def of_book(key, value):
    """Return a defect: another entry of the notebook itself."""
    def defect(book):
        book[key] = value
    return defect


def count(book):
    cell_of(book, "guess").execution_count = 70


def never_run(book):
    cell_of(book, "guess").execution_count = None


def solution_before(book):
    book.cells.insert(3, book.cells.pop(7))
    numbered(book)


DEFECTS = {
    "old format": (of_book("nbformat_minor", 4), "format 4.4, not 4.5"),
    "not a notebook": (lambda book: cell_of(book, "guess").pop("outputs"), "not a valid notebook"),
    "widget state": (lambda book: book.metadata.update(widgets={}), "metadata 'widgets' of the notebook"),
    "another kernel": (lambda book: book.metadata.kernelspec.update(name="mine"), "metadata 'kernelspec'"),
    "random id": (rename("guess", "0a1b2c3d"), "0a1b2c3d: not a readable id"),
    "random letters": (rename("guess", "deadbeef"), "deadbeef: not a readable id"),
    "uuid": (rename("guess", "c0ffee00-1234-4abc-8def-0123456789ab"), "not a readable id"),
    "capitals": (rename("guess", "Guess"), "Guess: not a readable id"),
    "id twice": (rename("guess", "slope"), "slope: two cells have this id"),
    "out of order": (count, "not all executed, in order"),
    "never executed": (never_run, "not all executed, in order"),
    "times": (metadata("slope", "execution", {"shell.execute_reply": "2026"}), "slope: metadata 'execution'"),
    "error": (output("slope", nbformat.v4.new_output("error", ename="KeyError", evalue="3")), "error Key"),
    "warning": (output("slope", printed("DeprecationWarning", "stderr")), "slope: output on stderr: Depr"),
    "widget view": (output("slope", shown(**{WIDGET_VIEW.replace("/", "_"): {}})), "a widget view is stored"),
    "home": (output("slope", printed("in /home/me/course")), "slope: a path of the machine"),
    "packages": (output("slope", printed("venv/site-packages/x.py:3")), "slope: a path of the machine"),
    "windows": (output("slope", printed("C:\\Users\\me")), "slope: a path of the machine"),
    "address": (output("slope", printed("<f at 0x7f01>")), "slope: a memory address"),
    "a pass": (output("slope", shown(text_plain="1.1 passed: it is right.")), "slope: a reader's own progress"),
    "a try": (output("slope", printed("1.1 not yet\nIt")), "slope: a reader's own progress"),
    "a hint": (output("slope", shown(text_plain="1.1 hint 2 of 3\nLook")), "slope: a reader's own progress"),
    "a prediction": (output("guess", shown(text_plain="1.2 noted: 3.")), "guess: a reader's own progress"),
    "a prediction asked": (output("guess", printed("1.2 your\nNoted so far: 3.")), "guess: a reader's own progress"),
    "a prediction measured": (output("guess-reveal", printed("1.2\nYou predicted: 3")), "a reader's own progress"),
    "a bar": (output("slope", shown(text_html='<progress max="7" value="2">')), "slope: a reader's own progress"),
    "no alt": (output("picture", shown(image_png="AA", text_plain="<Figure>")), "a picture without alt text"),
    "empty alt": (output("picture", shown(text_html='<img alt="" src="x">')), 'whose alt text is "": say'),
    "missing alt": (output("picture", shown(text_html='<img src="x">')), "whose alt text is None: say"),
    "next alt": (output("picture", shown(text_html=PICTURE + '<img alt="a plot">')), 'alt text is "a plot"'),
    "alt in Markdown": (change("recap", "a hill with its slope", "hill"), "recap: a picture whose alt"),
    "alt in HTML": (change("recap", "A slope", "<img src='x'>"), "recap: a picture whose alt text is None"),
    "unknown slide": (metadata("more", "slideshow", {"slide_type": "Slide"}), "more: slide type 'Slide'"),
    "no Colab": (change("colab", "make lab", "git pull"), "the first code cell is not"),
    "hidden slide": (metadata("more", "slideshow", {"slide_type": "-"}), "missing from a lecture"),
    "open notes": (change("goals-notes", "</details>", ""), "goals-notes: speaker notes are one <details>"),
    "notes as code": (metadata("guess", "slideshow", {"slide_type": "notes"}), "guess: speaker notes"),
    "untagged notes": (metadata("goals-notes", "tags", []), "goals-notes: speaker notes, and they alone, have the tag"),
    "tagged text": (metadata("goals", "tags", ["notes"]), "goals: speaker notes, and they alone, have the tag"),
    "long notes": (change("goals-notes", "5 min", "11 min"), "the speaker notes take 11 min"),
    "short notes": (change("goals-notes", "5 min", "3 min"), "the speaker notes take 3 min"),
    "long cell": (change("slope", "...", "...\n" * 14), "slope: 16 lines, more than 15"),
    "wide code": (change("slope", "...", f"'{117 * 'x'}'\n..."), "slope: a line of 123 characters, more than 118"),
    "wide print": (output("slope", printed(f"1\n{60 * '1 '}\n")), "slope: it prints a line of 120 characters"),
    "pip": (change("slope", "...", "...\n!pip install x"), "slope: plumbing: !pip install x"),
    "pip magic": (change("slope", "...", "...\n%pip install x"), "slope: plumbing: %pip install x"),
    "sys.path": (change("slope", "...", "...\nsys.path.append('..')"), "slope: plumbing: sys.path"),
    "import *": (change("slope", "...", "...\nfrom numpy import *"), "slope: plumbing: from numpy import *"),
    "torch": (metadata("with-torch", "tags", []), "with-torch: uses torch without the tag 'torch'"),
    "dead link": (change("recap", "02_next", "03_next"), "recap: the link to 03_next.ipynb leads nowhere"),
    "after a fold": (change("count-meaning", "3 of", "<details>1</details>\n\n3 of"), "count-meaning: text after a"),
    "no goals": (change("goals", "able to", "about to"), "the first cell does not say the goals"),
    "no needs": (change("goals", "before", "else"), "the first cell does not say what is needed before"),
    "no time": (change("goals", "10 minutes", "soon"), "the first cell does not say the time"),
    "no opening": (remove("goals"), "the first cell does not say the goals"),
    "recap without a cell": (change("recap", "1.0", "17.5"), "recap: it says 17.5, which no cell has shown"),
    "recap with a hyphen that breaks no line": (change("recap", "1.0", "2e\u201114"),
                                                "recap: it says 2e-14, which no cell has shown"),
    "recap rounded anew": (change("recap", "1.0", "1.04"), "recap: it says 1.04, which no cell has shown"),
    "prose without a cell": (change("goals", "You need nothing", "It is 2.5. You need nothing"),
                             "goals: it says 2.5, which no cell has shown"),
    "recap with another count": (change("recap", "3 of 5", "2 of 5"), "recap: it says 2 of 5, and no output does"),
    "another whole": (change("recap", "3 of 5", "3 of 4"), "recap: it says 3 of 4, and no output does"),
    "a count of the next sentence": (change("recap", "1 of 4", "3 of 4"), "recap: it says 3 of 4, and no output does"),
    "meaning with another count": (change("count-meaning", "3 of the 5", "1 of the 5"),
                                   "count-meaning: it says 1 of 5, and no output does"),
    "a count turned round": (change("count-meaning", "2 of 4", "4 of 2"), "count-meaning: it says 4 of 2"),
    "no recap": (change("recap", "## Recap", "## End"), "no heading says 'recap'"),
    "no reading": (remove("more"), "no heading says 'further reading'"),
    "untagged check": (metadata("slope", "tags", []), "slope: check of 1.1 without the tag 'exercise'"),
    "untagged predict": (metadata("guess", "tags", []), "guess: predict of 1.2 without the tag 'exercise'"),
    "untagged solution": (metadata("slope-solution", "tags", []), "solution of 1.1 without the tag"),
    "no solution": (remove("slope-solution"), "slope: exercise 1.1 has no solution after its check"),
    "solution first": (solution_before, "slope: exercise 1.1 has no solution after its check"),
    "no hint to ask for": (change("imports", "hint, ", ""), "hint is not imported"),
    "numpy below": (change("imports", "solution", "solution\nimport numpy as np\nnp"),
                    "imports: numpy is imported after course_lib.exercises; other packages come first"),
    "lessons turned round": (change("imports", "from", "from course_lib.lessons.nb01_b import check\n"
                                    "from course_lib.lessons.nb00_a import check\nfrom"),
                             "imports: course_lib.lessons.nb00_a is imported after course_lib.lessons.nb01_b"),
    "shared below": (change("imports", "from", "from course_lib.lessons.nb00_a import check\n"
                            "from course_lib.activations import check\nfrom"),
                     "imports: course_lib.activations is imported after course_lib.lessons.nb00_a"),
    "live above": (change("imports", "from", "from course_lib.screen.live import check\nfrom"),
                   "imports: course_lib.exercises is imported after course_lib.screen.live"),
    "no empty line": (change("imports", "from", "import numpy as check\nfrom"),
                      "imports: an empty line is missing before the import of course_lib.exercises"),
    "long import": (change("imports", "from", "from course_lib import (  # " + 79 * "x" + "\n    check)\nfrom"),
                    "imports: an import of 107 characters, more than 105"),
    "later lesson": (change("imports", "from", "from course_lib.lessons.nb02_c import check\nfrom"),
                     "imports: course_lib.lessons.nb02_c is of a later lesson"),
    "import of no use": (change("imports", "check", "progress, check"), "imports: progress is imported and not used"),
    "no reveal": (remove("guess-reveal"), "guess: exercise 1.2 has no reveal after its predict"),
    "another lesson's": (change("guess", "1.2", "2.2"), "guess: exercise 2.2 in notebook 01_slopes"),
}


@pytest.mark.parametrize("name", DEFECTS)
def test_a_defect_is_found(name, path):
    defect, message = DEFECTS[name]
    book = lesson()
    defect(book)
    assert any(message in fault for fault in faults(book, path)), faults(book, path)


def test_a_defect_in_form_alone_is_found(path):
    path.write_text(notebooks.text_of(lesson()).replace('\n "cells"', '\n  "cells"'), encoding="utf-8")
    assert notebooks.check(path) == ["not in normal form: run make notebooks"]


def test_normal_form_changes_nothing_that_is_seen_and_is_reached_at_once():
    book = lesson()
    book.metadata.widgets = nbformat.from_dict({"state": {}})
    cell_of(book, "picture").metadata.execution = nbformat.from_dict({"started": "2026"})
    cell_of(book, "picture").outputs[0].data[WIDGET_VIEW] = nbformat.from_dict({"model_id": "1"})
    cell_of(book, "picture").outputs[0].metadata = nbformat.from_dict({"width": 3})
    before = copy.deepcopy(book)
    assert notebooks.normal(book) == lesson()
    assert book == before
    assert notebooks.normal(lesson()) == lesson()
