"""Whether the code runs behind a page of a notebook, and how to show something on it."""

import sys
from typing import Any

STAYS = "course-stays"  # class of an HTML output that stays when the widget of the output after it is gone
# In JupyterLab and Notebook a widget that loads, or is gone, is an output without type and without an element.
GONE = (f"<style>.jp-OutputArea-child:has(.{STAYS})+.jp-OutputArea-child>.jp-OutputArea-output:not([data-mime-type])"
        ":not(:has(*)){display:none}</style>")


def shell() -> Any:
    """IPython's shell, in a notebook or a terminal; None in plain Python."""
    return sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None


def has_page() -> bool:
    """Whether a notebook's page shows what this process displays, rather than a terminal."""
    return hasattr(shell(), "kernel") or shell() is not None and sys.platform == "emscripten"


def show(bundle: dict[str, Any], **options) -> Any:
    """Display a bundle {MIME type: what}; options are those of IPython's display, and so is what is returned.

    Without IPython the plain text is printed.
    """
    if shell() is None:
        print(bundle.get("text/plain", ""))
        return None
    from IPython.display import display

    return display(bundle, raw=True, **options)
