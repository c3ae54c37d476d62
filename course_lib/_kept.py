"""Widgets that are gone one day, and what stays of them in the saved notebook.

A front end that finds no widget behind a saved view says "Error displaying widget: model not found", and shows nothing
else of that output. So what stays is an output of its own, before the widget's: an HTML of the class STAYS. While the
widget lives, a style within it hides the picture; where it is gone, a style of the picture hides the error.
"""

from collections.abc import Sequence

from . import _checks
from ._kernel import GONE, STAYS, show

with _checks.extra("lab", "a widget"):
    import ipywidgets as widgets

VIEW = "application/vnd.jupyter.widget-view+json"


class StillWidget(widgets.VBox):
    """A widget of which the saved notebook keeps what `still` says: a bundle with text/html and text/plain."""

    def __init__(self, children: Sequence[widgets.Widget]):
        super().__init__(children)
        self._mine = f"{STAYS}-{self.model_id}"
        hides = widgets.HTML(f"<style>.{self._mine}{{display:none}}</style>", layout={"display": "none"})
        self.children = [*children, hides]

    def still(self) -> dict[str, str]:
        """What is shown without the widget; a subclass says it."""
        return {"text/html": "", "text/plain": ""}

    def _repr_mimebundle_(self, **kwargs) -> dict:
        return {**super()._repr_mimebundle_(**kwargs), **self.still()}

    def _ipython_display_(self) -> None:
        still = self.still()
        show({**still, "text/html": f'{GONE}<div class="{STAYS} {self._mine}">{still["text/html"]}</div>'})
        show_alone(self)


def show_alone(widget: widgets.Widget) -> None:
    """Show a widget after something of the class STAYS; nothing is left of it once it is gone."""
    show({VIEW: widget._repr_mimebundle_()[VIEW]})


def without_hooks(widget: widgets.Widget) -> None:
    """Let a control's messages run its callbacks and nothing else.

    A kernel also runs IPython's hooks after each message, in the message's thread. Pyplot's hooks there draw and show
    every open figure, even the one that a cell is drawing at that moment: half of it is lost (ipykernel issue 1564).
    """
    if (comm := widget.comm) is not None:
        comm.handle_msg = lambda message: comm._msg_callback(message)
