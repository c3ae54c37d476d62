"""Sliders over a figure: `live(figure, gain=(.5, 2.))`.

The picture lies in two layers. What does not move is a PNG that is sent once; what moves is an SVG of some kilobytes,
sent at each step. Stock ipywidgets, no script of our own. Without a kernel a still picture with its alt text remains.
"""

import html
import math
import numbers
from decimal import Decimal

from . import VERMILION, Figure
from .. import _checks
from .svg import data_url

with _checks.extra("lab", "live"):
    import ipywidgets as widgets

    from .._kept import StillWidget, without_hooks

TOGGLES = 4  # up to this many choices are buttons side by side; more become a list


class Live(StillWidget):
    """A figure under its controls, as `live` returns it. figure: the figure; controls: {name: widget}."""

    def __init__(self, figure: Figure, controls: dict[str, widgets.ValueWidget]):
        self.figure, self.controls = figure, controls
        whole = {"grid_area": "1 / 1 / 2 / 2", "width": "100%", "margin": "0"}
        self._still, self._motion = widgets.HTML(layout=whole), widgets.HTML(layout=whole)
        self._message = widgets.HTML()
        picture = widgets.GridBox([self._still, self._motion], layout=widgets.Layout(
            width=f"{figure.size[0]}px", max_width="100%", grid_template_columns="100%"))
        row = widgets.HBox(list(controls.values()), layout=widgets.Layout(flex_flow="row wrap", width="100%"))
        self._show()
        for control in controls.values():
            control.observe(self._follow, names="value")
            without_hooks(control)
        super().__init__([row, picture, self._message])

    def _follow(self, change) -> None:
        """Move the figure to what the controls say; an error is shown below the picture, which stays as it was."""
        with self.figure.lock:  # the callback may run in a thread of its own, beside the cell that runs
            try:
                self.figure.update(**{name: control.value for name, control in self.controls.items()})
                self._show()
                self._message.value = ""
            except Exception as error:
                self._message.value = (f'<div role="alert" style="color:{VERMILION};line-height:1.4">'
                                       f"The picture could not follow. {type(error).__name__}: "
                                       f"{html.escape(str(error))}</div>")

    def _show(self) -> None:
        with self.figure.lock:
            self._still.value = (f'<img alt="" aria-hidden="true" style="display:block;width:100%" '
                                 f'src="{data_url(self.figure.background())}">')  # is sent only where it differs
            self._motion.value = self.figure.svg()

    def still(self) -> dict[str, str]:
        """The whole picture as it is now."""
        return self.figure._repr_mimebundle_()


def live(figure: Figure, **ranges) -> Live:
    """Put a control over each of the figure's values that is named, starting from its present value.

    figure   any course_lib.screen.Figure
    ranges   name=(low, high) or (low, high, step): a slider, over whole numbers if all are whole; name=(low, high,
             "log"): a slider over powers of ten; name=[a, b, ...]: a choice; name=bool: a box to tick
    returns  a widget; a page may hold several, also of figures of one class
    errors   TypeError or ValueError unless figure is a Figure, each name one of its values, each range one of the above
             that holds the present value
    """
    if not isinstance(figure, Figure):
        hint = f" Pass {figure.__name__}()." if isinstance(figure, type) else ""
        raise TypeError(f"figure is {figure!r}, needs a course_lib.screen.Figure.{hint}")
    figure.check_names(ranges)
    return Live(figure, {name: _control(figure, name, wanted) for name, wanted in ranges.items()})


def _control(figure: Figure, name: str, wanted) -> widgets.ValueWidget:
    start = figure.values[name]
    common = {"value": start, "description": figure.labels.get(name, name.replace("_", " ")),
              "style": {"description_width": "initial"}}
    if wanted is bool:
        if not isinstance(start, bool):
            raise TypeError(f"{name} is {start!r} in the figure, needs True or False for a box to tick.")
        return widgets.Checkbox(**common, indent=False)
    if isinstance(wanted, list):
        if start not in wanted:
            raise ValueError(f"{name} starts at {start!r}, which is not among {wanted}. Add it, or start the figure "
                             f"elsewhere: {type(figure).__name__}({name}={wanted[0] if wanted else ...!r}).")
        if len(wanted) > TOGGLES:
            return widgets.Dropdown(**common, options=wanted)
        common["style"]["button_width"] = "auto"
        return widgets.ToggleButtons(**common, options=wanted)
    return _slider(figure, name, wanted, common)


def _slider(figure: Figure, name: str, wanted, common: dict) -> widgets.ValueWidget:
    logarithmic = isinstance(wanted, tuple) and len(wanted) == 3 and wanted[2] == "log"
    ends = wanted[:2] if logarithmic else wanted
    start = common["value"]
    if not isinstance(wanted, tuple) or len(wanted) not in (2, 3) or not all(map(_is_number, ends)):
        raise TypeError(f"{name} has the range {wanted!r}, needs (low, high), (low, high, step), "
                        f'(low, high, "log"), a list of choices, or bool.')
    if not _is_number(start):
        raise TypeError(f"{name} is {start!r} in the figure, which no slider can show. Pass a list of choices.")
    low, high, *step = ends
    if low >= high:
        raise ValueError(f"{name} has the range {wanted!r}, whose low end is not below its high end. Swap them.")
    if logarithmic and low <= 0:
        raise ValueError(f"{name} has the range {wanted!r}, needs a low end above 0 for a scale of powers of ten.")
    if not low <= start <= high:
        raise ValueError(f"{name} starts at {start:g}, outside of its range {low:g} to {high:g}. Widen the range, or "
                         f"start the figure elsewhere: {type(figure).__name__}({name}={low!r}).")
    if step and not 0 < step[0] <= high - low:
        raise ValueError(f"{name} has the step {step[0]!r}, needs one above 0 and at most {high - low:g}.")
    layout = widgets.Layout(width=f"{330 + 7 * len(common['description'])}px", max_width="100%")  # the track has 240
    if logarithmic:
        low, high = math.log10(low), math.log10(high)
        return widgets.FloatLogSlider(**common, layout=layout, min=low, max=high, step=(high - low) / 100,
                                      readout_format=".3g")
    if all(isinstance(number, numbers.Integral) for number in (start, *ends)):
        return widgets.IntSlider(**common, layout=layout, min=low, max=high, step=step[0] if step else 1)
    step = step[0] if step else _round_step((high - low) / 100)
    digits = max(0, -Decimal(f"{step:.6g}").as_tuple().exponent)
    return widgets.FloatSlider(**common, layout=layout, min=low, max=high, step=step, readout_format=f".{digits}f")


def _round_step(step: float) -> float:
    """The round number (1, 2 or 5 times a power of ten) just below a step."""
    power = 10.0 ** math.floor(math.log10(step))
    return max(factor * power for factor in (1, 2, 5) if factor * power <= step * (1 + 1e-9))


def _is_number(value) -> bool:
    return isinstance(value, numbers.Real) and not isinstance(value, bool) and math.isfinite(value)
