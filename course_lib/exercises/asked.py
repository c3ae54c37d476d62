"""A prediction answered on the notebook's page: by a click on a choice, by clicks in an order, or by a number."""

from collections.abc import Callable
from typing import Any

from .. import _checks
from .._kept import show_alone, without_hooks
from .bank import Prediction

with _checks.extra("lab", "an answer by click"):
    import ipywidgets as widgets

WIDE = {"width": "auto"}


def ask(prediction: Prediction, note: Callable[[Any], str]) -> None:
    """Show what answers the question.

    note  notes an answer, as `Prediction.value` takes it, and returns HTML that says so
    """
    show_alone(controls(prediction, note))


def controls(prediction: Prediction, note: Callable[[Any], str]) -> widgets.VBox:
    """The widget that `ask` shows."""
    said = widgets.HTML()

    def tell(value: Any) -> None:
        said.value = note(value)

    kinds = {"number": _number, "choice": _choice, "choices": _choices, "order": _order}
    rows = kinds[prediction.kind](prediction, tell)
    for control in rows:
        without_hooks(control)
    return widgets.VBox([*rows, said])


def _number(prediction: Prediction, tell: Callable) -> list[widgets.Widget]:
    line = widgets.Text(placeholder=prediction.wanted(), continuous_update=False, description="Your answer",
                        style={"description_width": "initial"})

    def answer(change: Any) -> None:
        text = line.value.strip()
        try:
            tell(float(text))
        except ValueError:
            tell(text)

    line.observe(answer, names="value")
    return [line]


def _choice(prediction: Prediction, tell: Callable) -> list[widgets.Widget]:
    radio = widgets.RadioButtons(options=prediction.choices, value=None, layout=WIDE)
    radio.observe(lambda change: tell(change["new"]), names="value")
    return [radio]


def _choices(prediction: Prediction, tell: Callable) -> list[widgets.Widget]:
    boxes = [widgets.Checkbox(description=choice, indent=False, layout=WIDE) for choice in prediction.choices]
    note = widgets.Button(description="Note these")
    note.on_click(lambda button: tell([each.description for each in boxes if each.value]))
    return [*boxes, note]


def _order(prediction: Prediction, tell: Callable) -> list[widgets.Widget]:
    buttons = [widgets.Button(description=choice, layout=WIDE) for choice in prediction.choices]
    again = widgets.Button(description="Start again")
    order: list[str] = []

    def place(button: widgets.Button) -> None:
        order.append(prediction.choices[buttons.index(button)])
        button.description, button.disabled = f"{len(order)}. {order[-1]}", True
        if len(order) == len(buttons):
            tell(order)

    def clear(button: widgets.Button) -> None:
        order.clear()
        for each, choice in zip(buttons, prediction.choices):
            each.description, each.disabled = choice, False

    for each in buttons:
        each.on_click(place)
    again.on_click(clear)
    return [*buttons, again]
