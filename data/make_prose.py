"""Make prose.txt: `python data/make_prose.py`. Takes a second, and needs the course's git history.

The prose of the notebooks of one commit as 40 letters: a to z, the space, the end of a line, and . , : ; ? ! ' " ( ) -
Formulas of one letter stay, a number is #, a root sign (, and a sentence with a longer formula or with code is left out whole. A
line is a paragraph. A lesson begins with a line of its own, such as =05_singular_values, which is not to be read.
"""

import json
import re
import subprocess
from pathlib import Path

COMMIT = "57e4a61"
LETTERS = "\n !\"#'(),-.:;?abcdefghijklmnopqrstuvwxyz"
ALIKE = str.maketrans("–—“”’éöüä√", "--\"\"'eoua(")


def sentences(markdown: str) -> list[list[str]]:
    """The paragraphs of a cell, each as its sentences that can be written in LETTERS."""
    text = re.sub(r"```.*?```|\$\$.*?\$\$|<summary>.*?</summary>|<[^>]*>|!\[[^]]*\]\([^)]*\)", "\n\n", markdown,
                  flags=re.DOTALL)
    text = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", text)                      # a link is what it is called
    text = re.sub(r"\$([A-Za-z])\$|`([A-Za-z]+)`", r"\1\2", text)            # a symbol or name of letters alone
    text = re.sub(r"[*_]{1,2}(\S[^*_\n]*?)[*_]{1,2}(?!\w)", r"\1", text)
    paragraphs = [line.strip() for line in re.sub(r"\n(?![\n#|-]|\d+\.)", " ", text).split("\n")]
    return [re.split(r"(?<=[.?!:]) +(?=[A-Z\"(])", paragraph) for paragraph in paragraphs if paragraph]


def clean(sentence: str) -> str:
    """A sentence in LETTERS, or "" for one that cannot be."""
    text = re.sub(r"^(#+|-|\d+\.)\s+", "", sentence).translate(ALIKE).lower()
    text = re.sub(r"[-+]?\d+(\.\d+)*(e[-+]?\d+)?", "#", text)
    text = re.sub(r"\s+", " ", text).strip()
    return text if text and not set(text) - set(LETTERS) and re.search("[a-z]{2}", text) else ""


def lesson(book: dict) -> str:
    """The paragraphs of a notebook, one a line, each once."""
    lines = (" ".join(filter(None, map(clean, paragraph))) for cell in book["cells"] if cell["cell_type"] == "markdown"
             for paragraph in sentences("".join(cell["source"])))
    return "\n".join(dict.fromkeys(filter(None, lines)))


def git(*words: str) -> str:
    folder = Path(__file__).parents[1]
    return subprocess.run(["git", *words], cwd=folder, check=True, capture_output=True, encoding="utf-8").stdout


if __name__ == "__main__":
    names = [name for name in git("ls-tree", "--name-only", COMMIT, "notebooks/").split() if name.endswith(".ipynb")]
    with open(Path(__file__).with_name("prose.txt"), "w", encoding="ascii", newline="\n") as file:
        for name in names:
            file.write(f"={Path(name).stem}\n{lesson(json.loads(git('show', f'{COMMIT}:{name}')))}\n")
