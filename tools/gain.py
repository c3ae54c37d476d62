"""Say what a class has learned, from the files that inventory.export wrote: a page with pictures, in build/gain.

    python tools/gain.py answers/ more/inventory-blue-heron.json      make gain FILES="..."

A folder stands for its files inventory-*.json. Sheets are joined by their code words; nothing is sent.
"""
from __future__ import annotations

import sys
from collections.abc import Sequence

import gain_page
from gain_files import BadFile, files, read
from notebooks import ROOT

TARGET = ROOT / "build" / "gain" / "gain.html"


def main(names: Sequence[str]) -> int:
    """Write the page and print what it says first; return the exit status."""
    try:
        answers = read(files(names))
    except BadFile as error:
        print(error, file=sys.stderr)
        return 2
    page, sentences = gain_page.page(answers)
    TARGET.parent.mkdir(parents=True, exist_ok=True)
    TARGET.write_text(page, encoding="utf-8", errors="replace", newline="\n")
    print(*sentences, f"The page: {TARGET.relative_to(ROOT)}", sep="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
