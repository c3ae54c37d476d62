"""The ledger to read: a table with links to the cells, and the sheet that prints on three pages."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from .ledger import Claim, shown
from .rules import FAILS, HOLDS, PARTLY, VERDICTS

NOTEBOOKS = {int(folder.name[2:4]): folder.name[2:] for folder in Path(__file__).parents[1].glob("nb[0-9][0-9]_*")}
MARKS = {HOLDS: "✓", PARTLY: "±", FAILS: "✗"}
TITLE = "What may be said about gradients through time"
# Lengths in millimetres and points: the sheet is made for three pages of A4, with their margins. Where Arial and its like
# are missing, another font takes their x-height, .52, so that the pages hold it too.
PRINT = """@page { size: A4; margin: 10mm; }
body { margin: 0 auto; max-width: 190mm; font: 9.7pt/1.19 "Helvetica Neue", Arial, "Liberation Sans", sans-serif;
       font-size-adjust: .52; color: #000; background: #fff; }
h1 { font-size: 12pt; margin: 0 0 1mm; } p { margin: 0 0 1mm; }
[role=heading] { margin: 1.2mm 0 .3mm; break-after: avoid; } li { break-inside: avoid; margin-bottom: .5mm; }
@media screen { body { padding: 8mm; font-size: 11pt; } h1 { font-size: 17pt; } }"""


class Page:
    """Something to read: shown in a cell, printed as text, written as a file of its own.

    title  of the file
    rich   HTML for a cell
    plain  the same as text
    style  of the file
    """

    def __init__(self, title: str, rich: str, plain: str, style: str = ""):
        self.title, self.rich, self.plain, self.style = title, rich, plain, style

    def __str__(self) -> str:
        return self.plain

    __repr__ = __str__

    def _repr_mimebundle_(self, include=None, exclude=None) -> dict[str, str]:
        return {"text/html": self.rich, "text/plain": self.plain}

    def document(self) -> str:
        """Return it as a whole HTML document, which needs no other file."""
        return (f'<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
                f'<meta name="viewport" content="width=device-width, initial-scale=1">\n<title>{self.title}</title>\n'
                f"<style>\n{self.style}\n</style>\n</head>\n<body>\n<h1>{self.title}</h1>\n"
                f"{self.rich}\n</body>\n</html>\n")

    def write(self, path: str | Path) -> Path:
        """Write the document to a file, to be opened in a browser and printed; return its path.

        errors  ValueError for a name that does not end in .html
        """
        path = Path(path)
        if path.suffix != ".html":
            raise ValueError(f"the file is {path.name!r}, needs a name that ends in .html, such as sheet.html.")
        path.write_text(self.document(), encoding="utf-8")
        return path


def link(claim: Claim) -> str:
    """Return the address of the cell that shows a claim, from a notebook beside its own: JupyterLab goes to the cell,
    and so does a page that nbconvert made."""
    return f"{NOTEBOOKS[claim.lesson]}.ipynb#cell-id={claim.cell}"


def experiment(each: dict | str) -> str:
    """Return in words what an entry of `Claim.otherwise` says: the inputs, or the theorem."""
    return f"never: {each}" if isinstance(each, str) else "with " + ", ".join(f"{k}={v!r}" for k, v in each.items())


def tally(claims: Iterable[Claim]) -> dict[str, int]:
    """Return how many claims have each verdict."""
    found = [claim.verdict for claim in claims]
    return {each: found.count(each) for each in VERDICTS}


def numbers(claim: Claim) -> str:
    """Return what was measured, thousands written out."""
    words = {name: f"{value:.0f}" if 100 <= abs(value) < 1e5 else shown(value)
             for name, value in claim.measured.items()}
    return ", ".join(f"{name} {word}" for name, word in words.items())


def claims_table(claims: Sequence[Claim], verdicts: Iterable[str]) -> Page:
    """Return the claims with these verdicts, one part for each, all but the first folded up.

    errors  ValueError for another verdict
    """
    verdicts = list(verdicts)
    for each in verdicts:
        if each not in VERDICTS:
            raise ValueError(f"a verdict is {each!r}, needs to be one of {', '.join(map(repr, VERDICTS))}.")
    count, parts, lines = tally(claims), [], []
    for each in verdicts:
        rows = [claim for claim in claims if claim.verdict == each]
        lines += [f"{each}: {count[each]}"] + [f"{claim.number:3} {claim.sentence}" for claim in rows]
        parts.append(f'<details><summary>{MARKS[each]} {each}: {count[each]} of {len(claims)}'
                     f"</summary>{_rows(rows, each)}</details>")
    return Page("Claims on trial", "".join(parts), "\n".join(lines))


def _rows(claims: Iterable[Claim], caption: str) -> str:
    left = 'style="text-align:left;vertical-align:top'
    head = "".join(f'<th scope="col" {left};width:{width}">{name}</th>' for name, width in [
        ("no.", "3em"), ("what is said", "28%"), ("what was measured", "24%"), ("what may be said", ""),
        ("where", "5em")])
    body = "".join(
        f'<tr><th scope="row" {left}">{claim.number}</th><td {left}">{html.escape(claim.claim)}</td>'
        f'<td {left}">{html.escape(numbers(claim))}{", proved" * claim.proved}</td>'
        f'<td {left}">{html.escape(claim.sentence)}</td>'
        f'<td {left}"><a href="{link(claim)}" aria-label="claim {claim.number} in lesson {claim.lesson:02}">'
        f"lesson {claim.lesson:02}</a></td></tr>" for claim in claims)
    return (f'<table style="width:100%;table-layout:fixed;white-space:normal"><caption>'
            f"Claims whose verdict is: {caption}</caption><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>")


def claims_sheet(claims: Sequence[Claim]) -> Page:
    """Return the sheet: each claim with its mark, and what may be said instead, lesson by lesson, on three pages of A4."""
    count, proved = tally(claims), sum(claim.proved for claim in claims)
    legend = ", ".join(f"{MARKS[each]} {each} ({count[each]})" for each in VERDICTS)
    legend += f", ∎ proved beside it: no measurement could say anything else ({proved})"
    parts, lines = [], [TITLE, legend]
    for lesson in sorted({claim.lesson for claim in claims}):
        name = title(lesson)
        rows = [claim for claim in claims if claim.lesson == lesson]
        items = "".join(f'<li><b>{claim.number} {_mark(claim)}</b> <i>“{html.escape(claim.claim)}”</i> '
                        f"{html.escape(claim.sentence)}</li>" for claim in rows)
        # No h2: JupyterLab would list it among the headings of the notebook.
        parts.append(f'<div role="heading" aria-level="2" style="font-weight:bold">{lesson:02} {name}</div>'
                     f'<ol style="list-style:none;margin:0;padding:0">{items}</ol>')
        lines += [f"{lesson:02} {name}"] + [f"{claim.number:3} {_mark(claim)} “{claim.claim}” {claim.sentence}"
                                            for claim in rows]
    rich = (f"<p>What is said stands in quotation marks, with a mark for what its measurement says: {legend}. "
            f"What may be said follows.</p>"
            f'<div style="columns:2 25em;column-gap:1.6em">{"".join(parts)}</div>')
    return Page(TITLE, rich, "\n".join(lines), PRINT)


def _mark(claim: Claim) -> str:
    return MARKS[claim.verdict] + "∎" * claim.proved


def title(lesson: int) -> str:
    """Return a notebook's title."""
    words = NOTEBOOKS[lesson][3:].replace("_", " ").capitalize()
    return re.sub(r"\b(bptt|lstm|gru)\b", lambda match: match[0].upper(), words, flags=re.IGNORECASE)
