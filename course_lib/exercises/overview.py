"""The page of `progress`: what is next, and a row a lesson with a bar and links to the cells that are open."""

import functools
import html
import json
import re
from pathlib import Path

from .bank import Bank, file_of

CALL = re.compile(r'\b(?:check|predict)\(\s*"([\d.]+)"')


def page(banks: list[Bank], done: set[tuple[str, str]], rows: list[tuple[str, ...]], last: str,
         notes: list[str]) -> str:
    """HTML of the whole.

    done   (kind, id) of what was solved or predicted
    rows   texts, a row a bank: notebook, solved, predicted, hints used, minutes left, open
    last   the number of the lesson that was worked on last, "" for none
    """
    left = {bank.number: [item.id for item in bank.items if not {("passed", item.id), ("prediction", item.id)} & done]
            for bank in banks}
    begun = [bank for bank in banks if str(bank.number) == last]
    coming = next((bank for bank in begun + banks if left[bank.number]), None)
    top = (f"Next: {_link(coming, left[coming.number][0])}" if coming else
           "Nothing is left: all is solved and predicted.")
    body = "".join(_row(bank, row, left[bank.number], bank is coming) for bank, row in zip(banks, rows))
    head = "".join(_cell(name, 'th scope="col"') for name in ("Notebook", "Done", "Solved", "Predicted", "Hints used",
                                                              "Minutes left", "Open"))
    return (f"<p><strong>{top}</strong></p><table><caption>Your progress</caption><thead><tr>{head}</tr></thead>"
            f"<tbody>{body}</tbody></table><p>{' '.join(notes)} save_progress() and load_progress() of "
            "course_lib.exercises carry it to another machine.</p>")


def _row(bank: Bank, row: tuple[str, ...], left: list[str], unfolded: bool) -> str:
    count = len(bank.items)
    bar = (f'<progress max="{count}" value="{count - len(left)}" aria-label="{count - len(left)} of {count} done in '
           f'lesson {bank.number}"></progress>')
    links = ", ".join(_link(bank, id) for id in left)
    links = f"<details{' open' * unfolded}><summary>{len(left)}</summary>{links}</details>" if left else "none"
    return (f"<tr>{_cell(_link(bank, '', row[0]), 'th scope=' + chr(34) + 'row' + chr(34))}{_cell(bar)}"
            f"{''.join(map(_cell, row[1:5]))}{_cell(links)}</tr>")


def _cell(inner: str, tag: str = "td") -> str:
    return f'<{tag} style="text-align:left">{inner}</{tag.split()[0]}>'


def _link(bank: Bank, id: str, words: str = "") -> str:
    """A link to the notebook beside this one, at the cell of an exercise; the words alone where there is none."""
    name, words = file_of(bank.number), html.escape(words or id)
    if name is None or not Path(name).is_file():
        return words
    cell = _cells(name).get(id)
    return f'<a href="{name}{f"#cell-id={cell}" * bool(cell)}">{words}</a>'


@functools.cache
def _cells(name: str) -> dict[str, str]:
    """{id of an exercise: id of its first cell} of a notebook in this folder; none where it can't be read."""
    try:
        cells = json.loads(Path(name).read_text(encoding="utf-8"))["cells"]
        pairs = [(id, cell.get("id", "")) for cell in cells for id in CALL.findall("".join(cell["source"]))]
    except (OSError, ValueError, LookupError, TypeError):
        return {}
    return dict(pairs[::-1])
