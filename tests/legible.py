"""Can every reader read a figure: are its texts whole, and does it say the same without its hues?"""
from itertools import combinations

import numpy as np
from colorspacious import cspace_convert
from matplotlib.colors import to_hex, to_rgb
from matplotlib.image import AxesImage
from matplotlib.legend import Legend
from matplotlib.text import Text

APART = 20  # steps of lightness, of 100, between two greys that a print keeps apart


def lightness(colour) -> np.ndarray:
    """How light it looks, 0 to 100, in CAM02-UCS: what remains of a colour on a grey print."""
    return cspace_convert(colour, "sRGB1", "CAM02-UCS")[..., 0]


def named(make) -> str:
    """Which figure a partial(Class, name=value) draws: a test that draws it when it runs keeps that in its name."""
    return f"{make.func.__name__}-{make.keywords}"


def legible(figure) -> int:
    """Assert that every text can be read, that no two series differ in hue alone, that each one that has a name for a
    legend is in one, and that every scale has a name; return how many texts there are."""
    without_hue(figure)
    in_a_legend(figure)
    scales_have_names(figure)
    return texts_fit(figure)


def without_hue(figure) -> None:
    """Assert that two lines of an axes differ in dash, width, mark or lightness, or that one bears its name in its
    own colour, and that a picture's colours go from dark to bright."""
    for ax in figure.fig.axes:
        named = {to_hex(text.get_color()) for text in ax.texts if text.get_text()}
        for one, other in combinations([line for line in ax.get_lines() if line.get_visible()], 2):
            colours = {to_hex(line.get_color()) for line in (one, other)}
            greys = [lightness(to_rgb(colour)) for colour in colours]
            assert (len(colours) == 1 or colours & named or _style(one) != _style(other)
                    or abs(greys[0] - greys[-1]) > APART), (ax.get_title(), colours)
    for image in figure.fig.findobj(AxesImage):
        assert (np.diff(lightness(image.cmap(np.linspace(0, 1, 64))[:, :3])) > 0).all(), image.cmap.name


def _style(line) -> tuple:
    drawn = line.get_linestyle() != "None"
    return (line.get_linestyle() if drawn else None, line.get_linewidth() if drawn else None, line.get_marker(),
            line.get_markerfacecolor() == "none")


def in_a_legend(figure) -> None:
    """Assert that a legend bears the name of every line that has one for it."""
    listed = {text.get_text() for legend in figure.fig.findobj(Legend) for text in legend.get_texts()}
    lines = [line.get_label() for ax in figure.fig.axes for line in ax.get_lines()]
    assert {label for label in lines if not label.startswith("_")} <= listed, (lines, listed)


def scales_have_names(figure) -> None:
    """Assert that each scale whose numbers are seen has a name: its own, that of other axes with the same limits, or for
    heights the title."""
    axes = [ax for ax in figure.fig.axes if ax.get_visible() and ax.axison]
    for ax in axes:
        for axis, title in (("xaxis", ""), ("yaxis", ax.get_title() or ax.get_title("left"))):
            seen = [label for label in getattr(ax, axis).get_ticklabels() if label.get_visible() and label.get_text()]
            alike = [getattr(each, axis) for each in axes
                     if np.array_equal(getattr(each, axis).get_view_interval(), getattr(ax, axis).get_view_interval())]
            named = title or any(each.get_label_text() for each in alike)
            assert named or not seen, (title, axis)


def texts_fit(figure) -> int:
    """Assert that no text is cut by the picture's edge or covers another; return how many texts there are.

    What is not drawn is left out: hidden axes, ticks beyond the limits of their axes, names of lines out of sight.
    """
    figure.png()
    renderer, edges, beyond = figure.fig.canvas.get_renderer(), figure.fig.bbox, set()
    for ax, axis in ((ax, axis) for ax in figure.fig.axes for axis in (ax.xaxis, ax.yaxis)):
        low, high = sorted(axis.get_view_interval())
        for at, label in ((tick.get_loc(), label) for tick in (*axis.get_major_ticks(), *axis.get_minor_ticks())
                          for label in (tick.label1, tick.label2)):
            if not (ax.axison and low <= at <= high):
                beyond.add(label)
    beyond.update(text for ax in figure.fig.axes if not ax.get_visible() for text in ax.findobj(Text))
    seen = [(text, text.get_window_extent(renderer)) for text in figure.fig.findobj(Text)
            if text.get_text() and text.get_visible() and text not in beyond]
    seen = [(text, box) for text, box in seen
            if not (text.axes and text.get_clip_on()) or text.axes.bbox.overlaps(box)]
    for text, box in seen:
        assert edges.x0 <= box.x0 and box.x1 <= edges.x1 and edges.y0 <= box.y0 and box.y1 <= edges.y1, text.get_text()
        covered = [other.get_text() for other, its in seen if other is not text and box.overlaps(its)]
        assert not covered, (text.get_text(), covered)
    return len(seen)


def guides_named_clear(figure) -> int:
    """Assert that no level line crosses or touches the name of another or its own; return how many names are seen."""
    figure.png()
    renderer, seen = figure.fig.canvas.get_renderer(), 0
    for ax in figure.fig.axes:
        levels = [tick.get_loc() for tick in ax.yaxis.get_major_ticks()]
        levels += [line.get_ydata()[0] for line in ax.get_lines() if list(line.get_xdata()) == [0, 1]]
        heights = ax.transData.transform([(0, level) for level in levels if np.isfinite(level)])[:, 1]
        for name in ax.texts:
            if hasattr(name, "xy") and ax.bbox.overlaps(box := name.get_window_extent(renderer)):
                seen += 1
                assert not ((box.y0 < heights) & (heights < box.y1 + 3)).any(), name.get_text()
    return seen


def ends_seen_or_marked(figure) -> bool:
    """Whether the name of each curve of a figure of Decades bears an arrow just where its end is outside the axes."""
    low, high = figure.ax.get_ylim()
    named = [(curve.get_ydata()[-1], name.get_text()) for curve, name in zip(figure.curves, figure.names)
             if len(curve.get_ydata())]
    return bool(named) and all((text[:1] == "↑", text[:1] == "↓") == (end > high, end < low) for end, text in named)
