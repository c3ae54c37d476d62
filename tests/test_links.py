"""Every reference inside the repository leads somewhere: links, their anchors, "lesson 05", "exercise 5.3"."""
import re
from pathlib import Path

import pytest

import notebooks
from course_lib.exercises.bank import bank_of, numbers_of_banks

ROOT = notebooks.ROOT
LINK = re.compile(r"""\]\(([^)\s]+)\)|\b(?:src|href|srcset)=["']([^"'\s]+)["']""")
CODE = re.compile(r"```.*?```|`[^`\n]*`|\$\$.*?\$\$|\$[^$\n]*\$", re.DOTALL)
LESSONS = re.compile(r"\b(?:lesson|notebook)(?: \d\d|s \d\d(?:(?:,| to| and|, and) \d\d)*)\b", re.IGNORECASE)
EXERCISES = re.compile(r"\b(?:exercise|prediction)(?: \d+\.\d+|s \d+\.\d+(?:(?:,| to| and|, and) \d+\.\d+)*)",
                       re.IGNORECASE)


def pages():
    """Every text with links: {path: Markdown}."""
    found = {path: path.read_text(encoding="utf-8") for folder in (ROOT, ROOT / "data", ROOT / "notebooks")
             for path in sorted(folder.glob("*.md"))}
    for path in notebooks.paths():
        cells = notebooks.read(path).cells
        found[path] = "\n\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
    return found


PAGES = pages()
every_page = pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)


def anchors(path):
    """What a link to this file may name after its #: headings, as JupyterLab and as GitHub write them, and cells."""
    titles = re.findall(r"^#+ (.+?)\s*$", CODE.sub(lambda code: code[0].strip("`"), PAGES[path]), re.MULTILINE)
    titles = [re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", title) for title in titles]
    found = {title.replace(" ", "-") for title in titles}
    found |= {re.sub(r"[^\w -]", "", title).lower().replace(" ", "-") for title in titles}
    if path.suffix == ".ipynb":
        ids = {cell.id for cell in notebooks.read(path).cells}
        found |= ids | {f"cell-id={name}" for name in ids}
    return found


def broken(path, text):
    """The links of a text that lead nowhere."""
    wrong = []
    for link in (one or other for one, other in LINK.findall(CODE.sub(" ", text))):
        if re.match(r"[a-z]+:", link):
            continue
        name, _, anchor = link.partition("#")
        target = (path.parent / name).resolve() if name else path
        if not target.exists() or anchor and (target not in PAGES or anchor not in anchors(target)):
            wrong.append(link)
    return wrong


def mentioned(pattern, text):
    """The numbers that a text refers to, "05 to 08" in full at its ends."""
    return {number for group in pattern.findall(CODE.sub(" ", text)) for number in re.findall(r"[\d.]*\d", group)}


@every_page
def test_links_lead_somewhere(path):
    assert broken(path, PAGES[path]) == []


@every_page
def test_lessons_and_exercises_that_are_named_exist(path):
    numbers = {book.stem[:2] for book in notebooks.paths()}
    assert mentioned(LESSONS, PAGES[path]) <= numbers
    assert mentioned(EXERCISES, PAGES[path]) <= {item.id for number in numbers_of_banks()
                                                 for item in bank_of(number).items}


def test_a_broken_reference_is_found():
    page = ROOT / "README.md"
    assert broken(page, "[a](notebooks/99.ipynb) [b](data/README.md) <img src='no.svg'> [c](#nothing-here)") == [
        "notebooks/99.ipynb", "no.svg", "#nothing-here"]
    assert broken(page, "`[a](code)` [b](https://example.org) [c](data/README.md)") == []
    lesson = "notebooks/00_start_here.ipynb"
    assert broken(page, f"[a]({lesson}#ruler) [b]({lesson}#The-map) [c]({lesson}#The-mop)") == [f"{lesson}#The-mop"]
    assert mentioned(LESSONS, "Lessons 05 to 08, and lesson 11, 90 starts") == {"05", "08", "11"}
    assert mentioned(EXERCISES, "exercises 5.3 and 5.12; the lesson") == {"5.3", "5.12"}
