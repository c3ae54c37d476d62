"""Spelling, by codespell: the texts in American English, the code wherever a word is plainly misspelled.

The library's names are British where they were born so (initialise, colour); texts quote them between backticks.
"""
import re
import subprocess
import sys

import pytest

import notebooks

CODE = re.compile(r"```.*?```|`[^`]*`|\$\$.*?\$\$|\$[^$]*\$|\]\([^)]*\)|https?://\S+", re.DOTALL)
RIGHT = "fro"  # to and fro


def texts():
    """Every text that is read: {name: Markdown without code, formulas and links}."""
    pages = {str(path.relative_to(notebooks.ROOT)): path.read_text(encoding="utf-8")
             for folder in (notebooks.ROOT, notebooks.ROOT / "data", notebooks.ROOT / "notebooks")
             for path in folder.glob("*.md")}
    for path in notebooks.paths():
        cells = notebooks.read(path).cells
        pages[path.name] = "\n\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
    return {name: CODE.sub(" ", page) for name, page in pages.items()}


def misspelled(text, dictionaries="clear,rare"):
    """What codespell finds: word ==> correction, one a line."""
    found = subprocess.run([sys.executable, "-m", "codespell_lib", "--builtin", dictionaries,
                            "--ignore-words-list", RIGHT, "-"], input=text,
                           capture_output=True, text=True)
    assert found.returncode in (0, 65) and not found.stderr, found.stderr
    return re.findall(r"\S+ ==> .+", found.stdout)


@pytest.mark.parametrize("name, text", texts().items())
def test_texts_are_spelled_as_americans_do(name, text):
    assert misspelled(text, "clear,rare,en-GB_to_en-US") == []


@pytest.mark.parametrize("folder", ["course_lib", "tests", "tools", "data"])
def test_the_code_holds_no_misspelled_word(folder):
    code = "\n".join(path.read_text(encoding="utf-8") for path in sorted((notebooks.ROOT / folder).rglob("*.py")))
    assert misspelled(code) == []


def test_a_misspelled_word_is_found():
    assert misspelled("It depends on t" "eh color.") and not misspelled("It depends on the color.")
    assert misspelled("the colour", "en-GB_to_en-US") == ["colour ==> color"]
