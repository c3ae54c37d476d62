"""The JavaScript that decks and pages carry with them, so that they ask nothing of the network.

Two packages of the Python index hold it ready made; their files are found without importing either. Standard library
only.
"""
from __future__ import annotations

from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

MATHJAX = "sphinx-mathjax-offline"
REVEAL = "sphinx-revealjs"


class MissingAsset(Exception):
    """Which package or file is missing and how to get it, in one sentence."""


def mathjax() -> Path:
    """Return MathJax 3 as one file that fetches no other: TeX in, SVG out, its letters included."""
    return _held(MATHJAX, "sphinx-mathjax-offline/static/mathjax/tex-svg.js")


def revealjs() -> Path:
    """Return the folder of reveal.js 5: dist/reveal.js, dist/reveal.css, plugin/notes/notes.js."""
    return _held(REVEAL, "sphinx_revealjs/_static/revealjs/dist/reveal.js").parent.parent


def _held(package: str, file: str) -> Path:
    try:
        path = Path(str(distribution(package).locate_file(file)))
    except PackageNotFoundError:
        raise MissingAsset(f"The package {package} is not installed here: run `make slides` or `make site`, which set "
                           "up all they need.") from None
    if not path.is_file():
        raise MissingAsset(f"{package} holds no {file}: its version differs from the one in constraints.txt. Remove "
                           ".venv and start again.")
    return path
