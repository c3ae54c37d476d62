"""The boxes in which a notebook answers: a mark, a color and words. In a terminal the words stand alone."""

import html
import re

from .._kernel import GONE, STAYS
from .._palette import BLUE, GREEN, INK, ORANGE, VERMILION

MARKS = {"passed": ("✓", GREEN), "named": ("✓", GREEN), "not yet": ("✗", VERMILION), "stopped": ("✗", VERMILION),
         "open": ("…", INK), "hint": ("→", BLUE), "question": ("?", ORANGE), "noted": ("✓", BLUE),
         "measured": ("=", BLUE)}

# What else a cell shows waits with a closed fold, but for errors and warnings; a lecture, and paper, shows all.
WAITS = ("<style>@media screen{body:not([data-jp-deck-mode=presenting]) .jp-OutputArea:has(.course-fold:not([open]))"
         ">.jp-OutputArea-child:not(:has(.course-fold,[data-mime-type$=error],[data-mime-type$=stderr])){display:none}}</style>")


def box(kind: str, text: str) -> str:
    """HTML of a text in a box; what stands before its first colon or line end is bold.

    kind  one of MARKS
    """
    head, rest = re.match(r"([^:\n]*:?)(.*)", text, re.DOTALL).groups()
    body = html.escape(rest, quote=False).lstrip("\n").replace("\n", "<br>")
    return _framed(kind, f"<strong>{_mark(kind)}{html.escape(head)}</strong>{'<br>' * rest.startswith(chr(10))}{body}")


def fold(head: str, ask: str, text: str) -> str:
    """HTML of a text that stays folded until somebody opens it, and with it all that its cell shows."""
    summary = f"<summary><strong>{_mark('question')}{html.escape(head)}.</strong> {html.escape(ask)}</summary>"
    return WAITS + _framed("question", f'<details class="course-fold">{summary}{html.escape(text)}.</details>')


def _mark(kind: str) -> str:
    return f'<span aria-hidden="true">{MARKS[kind][0]}</span> '


def _framed(kind: str, inner: str) -> str:
    color = MARKS[kind][1]
    return (f'{GONE * (kind == "question")}<div class="course-box {STAYS}" style="border-left:5px solid {color};'
            f'background:{color}18;padding:6px 12px;max-width:46em;overflow-wrap:anywhere">{inner}</div>')
