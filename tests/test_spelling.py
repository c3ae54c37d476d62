"""Spelling, by codespell: the texts in American English, the code wherever a word is plainly misspelled.

The library's names are British where they were born so (initialise, colour); texts quote them between backticks.
"""
import re
import subprocess
import sys

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


def misspelled(texts, folder, dictionaries="clear,rare"):
    """What codespell finds in {name: text}, laid into a folder: name:line: word ==> correction."""
    for name, text in texts.items():
        (folder / name.replace("/", "-")).write_text(text, encoding="utf-8")
    found = subprocess.run([sys.executable, "-m", "codespell_lib", "--builtin", dictionaries,
                            "--ignore-words-list", RIGHT, "."], cwd=folder, capture_output=True, text=True)
    assert found.returncode in (0, 65) and not found.stderr, found.stderr
    return found.stdout.splitlines()


def test_texts_are_spelled_as_americans_do(tmp_path):
    assert misspelled(texts(), tmp_path, "clear,rare,en-GB_to_en-US") == []


def test_the_code_holds_no_misspelled_word(tmp_path):
    code = {folder: "\n".join(path.read_text(encoding="utf-8")
                              for path in sorted((notebooks.ROOT / folder).rglob("*.py")))
            for folder in ("course_lib", "tests", "tools", "data")}
    assert misspelled(code, tmp_path) == []


def test_a_misspelled_word_is_found(tmp_path):
    assert misspelled({"a.md": "It depends on t" "eh color.", "b.md": "On the color."}, tmp_path) == [
        "./a.md:1: t" "eh ==> the"]
    assert misspelled({"a.md": "the colour"}, tmp_path, "en-GB_to_en-US") == ["./a.md:1: colour ==> color"]
