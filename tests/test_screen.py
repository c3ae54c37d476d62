"""Figures: they draw once and move, say what they show, and look the same as a still and as a live picture."""

import base64
import importlib
import inspect
import io
import pathlib
import re
import subprocess
import sys
import textwrap
import threading
from pathlib import Path

import matplotlib
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.axis import Axis
from matplotlib.backends.backend_agg import FigureCanvasAgg, RendererAgg
from matplotlib.colors import to_rgb
from matplotlib.patches import Circle
from matplotlib.text import Text
from matplotlib.transforms import Bbox
from PIL import Image

from course_lib import bptt, cells, initialise, jacobians, screen
from course_lib.lessons.nb00_start_here import ruler
from course_lib.lessons.nb00_start_here.ruler import GradientRuler
from course_lib.screen import BLUE, GREEN, INK, Figure, figure as base, kit
from course_lib.screen.live import live
from course_lib.screen.svg import UNITS, png_bytes
from legible import legible


class Line(Figure):
    """A straight line; `trouble` says where its next update fails."""

    size = (300, 200)
    trouble = ""

    def draw(self):
        self.ax = self.fig.subplots()
        self.ax.set(xlim=(0, 10), ylim=(-10, 10), xlabel="x", ylabel="y")
        self.x = np.arange(11.)
        self.line, = self.moving(self.ax.plot(self.x, self.x, "--", color=BLUE))

    def compute(self, slope=1.0, offset=0.0):
        if self.trouble == "compute":
            raise ZeroDivisionError("no slope")
        return slope * self.x + offset

    def move(self, y):
        self.line.set_ydata(y)
        if self.trouble == "move":
            self.trouble = ""
            raise ZeroDivisionError("no artist")

    def describe(self, y):
        if self.trouble == "describe":
            return " "
        return f'The line "y" ends at {y[-1]:g}.'


def pixels(figure):
    return np.asarray(Image.open(io.BytesIO(figure.png())).convert("RGBA")).astype(int)


def elements(svg, tag):
    return [dict(re.findall(r'([\w-]+)="([^"]*)"', found)) for found in re.findall(rf"<{tag} ([^>]*?)/?>", svg)]


def positions(d):
    """The points of a path of straight pieces, as a list of pieces, in CSS pixels."""
    pieces = []
    for piece in re.findall(r"M([^M]*)", d):
        numbers = np.array(re.findall(r"-?\d+", piece), float).reshape(-1, 2)
        pieces.append(np.cumsum(numbers, axis=0) / UNITS)
    return pieces


def on_screen(figure, ax, points):
    """Data coordinates in CSS pixels from the upper left, by matplotlib."""
    scale = 96 / figure.fig.dpi
    return ax.transData.transform(points) * [scale, -scale] + [0, figure.size[1]]


# The contract of a figure

def test_same_values_same_bytes_whatever_came_between():
    figure = Line(slope=.5)
    first = figure.png()
    assert figure.update(slope=-1.).png() != first
    assert figure.update(slope=.5).png() == first == Line(slope=.5).png()


def test_update_keeps_the_other_values_and_returns_the_figure():
    figure = Line(offset=2.)
    assert figure.update(slope=.5) is figure
    assert figure.values == {"slope": .5, "offset": 2.}
    np.testing.assert_array_equal(figure.data, .5 * figure.x + 2)


def test_alt_text_is_current_and_escaped():
    figure = Line()
    assert figure.alt == 'The line "y" ends at 10.'
    bundle = figure.update(slope=.2)._repr_mimebundle_()
    assert bundle["text/plain"] == 'The line "y" ends at 2.'
    assert 'alt="The line &quot;y&quot; ends at 2."' in bundle["text/html"]
    assert 'aria-label="The line &quot;y&quot; ends at 2."' in figure.svg()


def test_unknown_value_is_named_with_the_known_ones():
    with pytest.raises(TypeError, match=r"Line has no value 'slop'; it has slope, offset\."):
        Line().update(slop=2.)
    with pytest.raises(TypeError, match="has no value 'slop'"):
        Line(slop=2.)


@pytest.mark.parametrize("trouble, error", [
    ("compute", ZeroDivisionError), ("move", ZeroDivisionError), ("describe", TypeError)])
def test_a_failing_update_changes_nothing(trouble, error):
    figure = Line()
    before = figure.values, figure.alt, figure.png(), figure.svg()
    figure.trouble = trouble
    with pytest.raises(error):
        figure.update(slope=-1.)
    figure.trouble = ""
    assert (figure.values, figure.alt, figure.png(), figure.svg()) == before
    assert "ends at -10" in figure.update(slope=-1.).alt


@pytest.mark.parametrize("show", [Figure.png, Figure.background, Figure.svg])
def test_a_drawing_that_is_broken_off_is_not_kept(show, monkeypatch):
    figure, whole = Line(slope=2.0), Line(slope=2.0)
    for each in (figure, whole):
        each.svg()
        each.ax.set_title("another background")
    with monkeypatch.context() as patch:
        def interrupt(*args):
            raise KeyboardInterrupt
        patch.setattr(figure.ax.yaxis, "draw", interrupt)
        with pytest.raises(KeyboardInterrupt):
            show(figure)
    assert figure.png() == whole.png() and figure.background() == whole.background() and figure.svg() == whole.svg()


class Kinds(Line):
    """A line whose values are of every kind."""

    allowed = {"n": (0, 7), "q": (-2, 2), "word": ["odd", "even"]}

    def compute(self, n=3, q=.5, word="odd", on=False, slope=1.):
        return slope * self.x + n + q + on + len(word)


@pytest.mark.parametrize("name, value, error, says", [
    ("n", 2.5, TypeError, "n is 2.5 (float), needs a whole number. Pass int(n)."),
    ("n", True, TypeError, "n is True (bool), needs a whole number"),
    ("n", 1e300, TypeError, "n is 1e+300 (float), needs a whole number"),
    ("n", np.bool_(True), TypeError, "n is True (bool), needs a whole number"),
    ("n", "3", TypeError, "n is '3' (str), needs a whole number"),
    ("n", None, TypeError, "n is None (NoneType), needs a whole number"),
    ("n", float("inf"), TypeError, "n is inf (float), needs a whole number"),
    ("n", np.array([1, 2]), TypeError, "needs a whole number"),
    ("n", -1, ValueError, "n is -1, needs to be 0 to 7."),
    ("n", 8, ValueError, "n is 8, needs to be 0 to 7."),
    ("q", float("nan"), ValueError, "q is nan, needs a finite number"),
    ("q", -float("inf"), ValueError, "q is -inf, needs a finite number"),
    ("q", np.float32("nan"), ValueError, "q is nan, needs a finite number"),
    ("q", 2.1, ValueError, "q is 2.1, needs to be -2 to 2."),
    ("q", False, TypeError, "q is False (bool), needs a number"),
    ("q", 1j, TypeError, "q is 1j (complex), needs a number"),
    ("q", [1.], TypeError, "q is [1.0] (list), needs a number"),
    ("word", "none", ValueError, "word is 'none', needs one of 'odd', 'even'."),
    ("word", b"odd", TypeError, "word is b'odd', needs a text."),
    ("on", 1, TypeError, "on is 1, needs True or False."),
    ("slope", 10**400, OverflowError, "too large"),
])
def test_a_value_of_another_kind_is_refused_and_the_picture_stays(name, value, error, says):
    figure = Kinds()
    before = figure.svg(), figure.alt, figure.values
    with pytest.raises(error, match=re.escape(says)):
        figure.update(**{name: value})
    assert (figure.svg(), figure.alt, figure.values) == before
    with pytest.raises(error, match=re.escape(says)):
        Kinds(**{name: value})


@pytest.mark.parametrize("name, value, kept", [
    ("n", 3., 3), ("n", np.int64(4), 4), ("n", np.float64(5), 5), ("n", np.array(6), 6), ("n", 0, 0), ("n", 7, 7),
    ("q", 1, 1.), ("q", np.float32(.5), .5), ("q", np.array(2.), 2.), ("word", np.str_("even"), "even"),
    ("on", np.bool_(True), True), ("slope", 10**300, 1e300),
])
def test_numbers_of_numpy_and_whole_floats_are_taken_as_what_they_are(name, value, kept):
    now = Kinds().update(**{name: value}).values[name]
    assert now == kept and type(now) is type(kept)


def test_a_figure_says_what_it_lacks():
    class Empty(Figure):
        def draw(self):
            pass
    with pytest.raises(NotImplementedError, match="Empty needs describe"):
        Empty()
    with pytest.raises(NotImplementedError, match="Figure needs draw"):
        Figure()

    class NoDefault(Line):
        def compute(self, slope, offset=0.):
            return self.x
    with pytest.raises(TypeError, match="NoDefault.compute needs a default for slope"):
        NoDefault()


def test_labels_are_of_values_that_a_figure_has():
    for path in (Path(screen.__file__).parents[1] / "lessons").glob("nb*/*.py"):
        if path.stem != "__init__":
            importlib.import_module(f"course_lib.lessons.{path.parent.name}.{path.stem}")
    made = [each for each in every_kind_of(Figure) if each.__module__.startswith("course_lib.")]
    assert len(made) > 50
    assert {each: set(each.labels) - set(inspect.signature(each.compute).parameters) for each in made} == dict.fromkeys(
        made, set())


def every_kind_of(kind):
    return [each for sub in kind.__subclasses__() for each in (sub, *every_kind_of(sub))]


def test_a_figure_without_values_is_a_picture():
    class Still(Figure):
        def draw(self):
            self.fig.subplots().plot([1, 2])

        def describe(self, data):
            return "A line."
    assert Still().values == {} and Still()._repr_mimebundle_()["text/plain"] == "A line."
    with pytest.raises(TypeError, match="it has no values at all"):
        Still().update(gain=1)


# Two layers, one picture

def test_the_background_is_the_same_object_until_something_static_changes():
    figure = Line()
    first = figure.background()
    assert figure.update(slope=2.).background() is first
    figure.png()
    assert figure.background() is first
    figure.ax.set_xlim(0, 10)
    assert figure.background() is first, "the same limits are no change"
    for change in (lambda: figure.ax.set_xlim(0, 5), lambda: figure.ax.set_title("new"),
                   lambda: figure.ax.axhline(3)):
        before = figure.background()
        change()
        assert figure.background() != before


def test_a_title_costs_no_second_layout_of_the_ticks(monkeypatch):
    figure = drawn(lambda figure: figure.panels(at=(.1, .2, .3, .4), title="One"))
    monkeypatch.setattr(Axis, "get_tightbbox", lambda *args, **options: pytest.fail("the ticks are laid out for it"))
    figure.made.set_xlim(0, 5)
    figure.background()


class Texts(Figure):
    """Words of every kind that stand still."""

    size = (420, 260)

    def draw(self):
        self.ax = self.panels(title="A title", xlabel="steps $\\frac{t}{2}$", ylabel="turned", xlim=(0, 3), ylim=(0, 5))
        self.words = self.ax.text(1.2, 2.4, "two lines,\nhalf seen", color=BLUE, alpha=.5)
        self.hand = self.ax.text(.3, .4, "a hand", rotation_mode="anchor")

    def describe(self, _):
        return "Words."


def recolored(figure, color):
    for text in figure.fig.findobj(Text):
        text.set_color(color)


def halfway(figure):
    """An interrupt between two strokes of a text."""
    def broken(self, gc, x, y, s, *rest, **named):
        if s != "half seen":
            return whole(self, gc, x, y, s, *rest, **named)
        self._renderer.draw_text_image(np.full((9, 9), 255, np.uint8), 50, 50, 0, gc)
        raise KeyboardInterrupt

    whole, RendererAgg.draw_text = RendererAgg.draw_text, broken
    try:
        figure.words.set_x(1.4)
        with pytest.raises(KeyboardInterrupt):
            figure._canvas.draw()
    finally:
        RendererAgg.draw_text = whole


@pytest.mark.parametrize("change", [
    lambda figure: None,
    lambda figure: figure.words.set_text("other\nwords"),
    lambda figure: figure.words.set_position((1.7, 2.1)),
    lambda figure: figure.words.set_color(GREEN),
    lambda figure: figure.words.set_alpha(.2),
    lambda figure: figure.words.set_fontsize(15),
    lambda figure: figure.hand.set_rotation(20),
    lambda figure: figure.words.set_antialiased(False),
    lambda figure: figure.words.set(clip_on=True, clip_box=Bbox([[200, 250], [260, 300]])),
    lambda figure: recolored(figure, "white"),
    lambda figure: recolored(figure, "#202020"),
    lambda figure: figure.ax.set_xlim(0, 300),
    lambda figure: figure.fig.set_dpi(150),
    halfway,
], ids="nothing words place color alpha size turn edges cut dark light limits dpi interrupt".split())
def test_a_text_that_is_kept_is_the_pixels_of_a_fresh_one(change):
    kept, fresh = Texts(), Texts()
    fresh._canvas = FigureCanvasAgg(fresh.fig)
    for figure in (kept, fresh):
        figure._canvas.draw()
        change(figure)
    for _ in range(2):
        kept._canvas.draw()
        fresh._canvas.draw()
        np.testing.assert_array_equal(kept._canvas.buffer_rgba(), fresh._canvas.buffer_rgba())


def test_what_is_kept_is_set_once_and_no_more_than_a_drawing_holds(monkeypatch):
    figure, asked = Texts(), []
    draw = RendererAgg.draw_text
    monkeypatch.setattr(RendererAgg, "draw_text", lambda self, gc, x, y, s, *rest: (
        asked.append(s), draw(self, gc, x, y, s, *rest)))
    figure._canvas.draw()
    assert {"A title", "turned", "half seen", "3"} <= set(asked)
    asked.clear()
    figure.words.set_text("third\nhalf seen")
    figure._canvas.draw()
    assert asked == ["third"]
    figure._canvas.draw()
    kept = {**figure._canvas.renderer.before, **figure._canvas.renderer.now}
    assert asked == ["third"] and not any("two lines," in key for key in kept)


@pytest.mark.parametrize("of", [np.asarray, np.asfortranarray, lambda p: p[::-1], lambda p: p[:, ::2], np.ma.array,
                                lambda p: p[:1], memoryview])
def test_pixels_are_the_same_however_they_lie_in_memory(of):
    given = of(np.random.default_rng(0).integers(256, size=(7, 6, 4), dtype=np.uint8))  # matplotlib hands on masked arrays
    np.testing.assert_array_equal(Image.open(io.BytesIO(png_bytes(given))), given)


def test_what_moves_is_not_in_the_background():
    figure = Line()
    blue = np.array(to_rgb(BLUE)) * 255
    background = np.asarray(Image.open(io.BytesIO(figure.background()))).astype(int)
    near = lambda picture: (np.abs(picture[..., :3] - blue).max(-1) < 12) & (picture[..., 3] > 200)
    assert not near(background).any() and near(pixels(figure)).sum() > 200


def test_svg_lines_lie_where_matplotlib_puts_them():
    figure = Line(slope=.7, offset=-3.)
    path, = elements(figure.svg(), "path")
    drawn, = positions(path["d"])
    expected = on_screen(figure, figure.ax, np.column_stack([figure.x, figure.data]))
    np.testing.assert_allclose(drawn[[0, -1]], expected[[0, -1]], atol=.1)
    assert path["stroke"] == BLUE and path["fill"] == "none"
    width = float(path["stroke-width"])
    assert width == pytest.approx(1.8 / 72 * 96 * UNITS, rel=.01, abs=0)
    np.testing.assert_allclose([float(dash) / width for dash in path["stroke-dasharray"].split()], [3.7, 1.6], rtol=.01)
    assert figure.svg().count("<svg") == 2, "the picture, and in it the viewport that clips to the axes"


def test_svg_leaves_gaps_and_survives_extremes():
    class Rough(Line):
        def compute(self):
            return np.array([0, 1, np.nan, 3, 1e300, -1e300, np.inf, 2, 1, 0, 0])
    path, = elements(Rough().svg(), "path")
    pieces = positions(path["d"])
    assert len(pieces) >= 3, "NaN and inf end a piece"
    assert max(np.abs(piece).max() for piece in pieces) < 3000

    class Filled(Line):
        def draw(self):
            super().draw()
            self.moving(self.ax.fill_between([0, 5, 10], [0, 1e300, 0], -1e300, color="#009e73"))
    band, = [path for path in elements(Filled().svg(), "path") if path["fill"] == "#009e73"]
    assert np.abs(np.concatenate(positions(band["d"]))).max() < 1e6


class Everything(Figure):
    """One artist of each kind that a figure may move."""

    size = (400, 300)

    def draw(self):
        (a, b), (c, d) = axes = self.fig.subplots(2, 2)
        for ax in axes.flat:
            ax.set(xlim=(0, 4), ylim=(0, 4))
        self.image_axes = d
        x = np.arange(5)
        self.marks, = self.moving(a.plot(x, x, "s", color="#d55e00"))
        self.band = self.moving(a.fill_between(x, x, x + 1, color="#009e73", alpha=.5))
        self.bars = self.moving(b.bar(x, x, color="#cc79a7"))
        self.dots = self.moving(b.scatter(x, x, c=["#1a7fc1"] * 5))
        self.words = self.moving(c.text(1, 2, "moving $x^2$", color="#d55e00", rotation=90))
        self.arrow = self.moving(c.annotate("here", (3, 1), (2, 3), arrowprops={"arrowstyle": "->"}))
        self.image = self.moving(d.imshow(np.arange(16.).reshape(4, 4), extent=(0, 4, 0, 4), cmap="viridis",
                                          interpolation="nearest"))
        self.level = self.moving(d.axhline(1, color="#d55e00"))

    def describe(self, data):
        return "Everything."


def test_every_kind_of_artist_reaches_the_svg():
    figure = Everything()
    fills = [path.get("fill") for path in elements(figure.svg(), "path")]
    for colour, count in {"#d55e00": 2, "#009e73": 1, "#cc79a7": 5, "#1a7fc1": 5}.items():
        assert fills.count(colour) >= count, colour
    band, = [path for path in elements(figure.svg(), "path") if path.get("fill") == "#009e73"]
    assert band["fill-opacity"] == "0.5"


def test_an_image_keeps_its_pixels_and_its_place():
    figure = Everything()
    image, = elements(figure.svg(), "image")
    sent = np.asarray(Image.open(io.BytesIO(base64.b64decode(image["href"].partition(",")[2]))).convert("RGBA"))
    expected = matplotlib.colormaps["viridis"](np.arange(16).reshape(4, 4) / 15, bytes=True)
    np.testing.assert_array_equal(sent, expected)
    a, b, c, d, e, f = map(float, re.findall(r"[-\d.e+]+", image["transform"].partition("(")[2]))
    upper_left, lower_right = np.array([[e, f], [4 * a + e, 4 * d + f]]) / UNITS
    corners = on_screen(figure, figure.image_axes, [[0, 4], [4, 0]])
    np.testing.assert_allclose([upper_left, lower_right], corners, atol=.1)


def test_what_the_screen_cannot_show_is_refused():
    def subclass(add):
        class Odd(Line):
            def draw(self):
                super().draw()
                self.moving(add(self.ax))
        return Odd
    with pytest.raises(TypeError, match="cannot show hatches"):
        subclass(lambda ax: ax.bar([1], [1], hatch="/"))()
    with pytest.raises(TypeError, match="cannot show Gouraud"):
        subclass(lambda ax: ax.pcolormesh(np.eye(3), shading="gouraud"))()
    def clipped(ax):
        line, = ax.plot([0, 1])
        line.set_clip_path(Circle((0, 0), 1, transform=ax.transData))
        return line
    with pytest.raises(TypeError, match="clips to rectangles only"):
        subclass(clipped)()
    for wrong in ("line", 3):
        with pytest.raises(TypeError, match="needs a matplotlib artist"):
            subclass(lambda ax: [wrong])()
    with pytest.raises(TypeError, match="needs a matplotlib artist"):
        subclass(lambda ax: ax)()


def test_a_removed_artist_is_no_longer_drawn():
    figure = Line()
    figure.line.remove()
    assert not elements(figure.svg(), "path")


# Four words for drawing

def drawn(draw):
    """A figure whose `draw` is the function given, and what that returned."""
    class Drawn(Figure):
        size = (400, 300)

        def draw(self):
            self.made = draw(self)

        def describe(self, data):
            return "Drawn."
    return Drawn()


def test_panels_are_axes_with_their_settings():
    left, right = drawn(lambda figure: figure.panels(
        dict(title="Left", xscale="log", xlim=(1, 100)), dict(xlabel="k", grid=False), ylim=(-2, 2), xlabel="t",
        widths=(2, 1))).made
    assert left.get_title(loc="left") == "Left" and left.get_xscale() == "log" and left.get_xlim() == (1, 100)
    assert left.get_ylim() == right.get_ylim() == (-2, 2) and (left.get_xlabel(), right.get_xlabel()) == ("t", "k")
    assert left.get_gridspec().get_width_ratios() == (2, 1)
    lines = [ax.xaxis.get_gridlines()[0].get_visible() for ax in (left, right)]
    assert lines == [True, False]


def test_panels_fill_rows_or_take_places():
    four = drawn(lambda figure: figure.panels(*({} for _ in range(4)), rows=2, heights=(3, 1), sharex="col")).made
    assert [ax.get_subplotspec().rowspan.start for ax in four] == [0, 0, 1, 1]
    assert four[0].get_shared_x_axes().joined(four[0], four[2]) and not four[0].get_shared_x_axes().joined(*four[:2])
    figure = drawn(lambda figure: figure.panels(at=(.1, .2, .3, .4), title="One"))
    assert figure.png() and figure.fig.axes == [figure.made]
    assert np.allclose(figure.made.get_position().bounds, (.1, .2, .3, .4), atol=0), "no layout moves it"


def test_a_curve_moves_and_keeps_its_style():
    def draw(figure):
        ax = figure.panels(xlim=(0, 10), ylim=(0, 10))
        return [figure.curve(ax, BLUE), figure.curve(ax, GREEN, "o--", linewidth=3),
                figure.curve(ax, GREEN, (0, (4, 1))), figure.curve(ax, BLUE, "s", [1, 2], [3, 4])]
    figure = drawn(draw)
    plain, both, dashed, marks = figure.made
    assert figure._moving == figure.made and all(line.get_animated() for line in figure.made)
    assert [line.get_color() for line in figure.made] == [BLUE, GREEN, GREEN, BLUE]
    assert (both.get_marker(), both.get_linestyle(), both.get_linewidth()) == ("o", "--", 3)
    assert (plain.get_linestyle(), plain.get_marker(), marks.get_linestyle()) == ("-", "None", "None")
    assert dashed.is_dashed() and len(plain.get_xdata()) == 0 and list(marks.get_ydata()) == [3, 4]
    before = figure.background(), figure.svg()
    plain.set_data([0, 10], [1, 9])
    assert figure.background() is before[0] and figure.svg() != before[1]


def test_a_key_is_still_where_it_has_words():
    def draw(figure):
        ax = figure.panels()
        return ax, figure.key(ax, (.1, .9, "──  still", BLUE), (.5, .2, "", GREEN), ha="right"), figure.key(
            figure.fig, (.3, .05, "below", INK), va="baseline")
    figure = drawn(draw)
    ax, (still, moving), (below,) = figure.made
    assert figure._moving == [moving] and not still.get_animated() and not below.get_animated()
    assert (still.get_color(), still.get_va(), still.get_ha(), moving.get_color()) == (BLUE, "top", "right", GREEN)
    for text, box in ((still, ax.bbox), (moving, ax.bbox), (below, figure.fig.bbox)):
        place = text.get_transform().transform(text.get_position())
        assert np.allclose((place - box.min) / box.size, text.get_position(), atol=0), text
    assert below.get_va() == "baseline"


def test_a_guide_is_a_level_that_does_not_move():
    def draw(figure):
        ax = figure.panels(xlim=(0, 8), ylim=(0, 4))
        return ax, figure.guide(ax, 2, "half", .99, ha="right"), figure.guide(ax, x=6, style=(0, (1, 2)), color=BLUE), \
            figure.guide(ax, 1, "one", .25, va="top")
    figure = drawn(draw)
    ax, level, upright, *_ = figure.made
    half, one = ax.texts
    assert not figure._moving and list(level.get_ydata()) == [2, 2] and list(upright.get_xdata()) == [6, 6]
    assert upright.is_dashed() and (level.get_color(), upright.get_color()) == (INK, BLUE)
    assert (half.get_text(), half.get_ha(), half.get_va(), one.get_va()) == ("half", "right", "bottom", "top")
    assert [text.xy for text in (half, one)] == [(.99, 2), (.25, 1)]
    figure.png()
    above, below = (text.get_window_extent(figure.fig.canvas.get_renderer()) for text in (half, one))
    assert above.x1 == pytest.approx(ax.transData.transform((.99 * 8, 2))[0], abs=1, rel=0)
    assert above.y0 >= ax.transData.transform((0, 2))[1] - 1 and below.y1 < ax.transData.transform((0, 1))[1] - 4


@pytest.mark.parametrize("draw, error, message", [
    (lambda f: f.panels(dict(title="A"), dict(caption="B")), AttributeError, "unexpected keyword argument 'caption'"),
    (lambda f: f.panels({}, {}, {}, rows=2), ValueError, "panels() got 3 dicts, which do not fill 2 rows."),
    (lambda f: f.panels(dict(at=(0, 0, 1, 1)), {}), ValueError, "panels() got `at` in some of its dicts, needs it in all"),
    (lambda f: f.curve(f.panels(), BLUE, "-", [1, 2, 3], np.eye(3)), ValueError,
     "too many values to unpack (expected 1"),
    (lambda f: f.curve(f.panels(), BLUE, "-", [1, 2, 3]), ValueError, "have shapes (3,) and (0,)"),
    (lambda f: f.key(f.panels(), (.1, .2, "words")), ValueError, "not enough values to unpack (expected 4, got 3)"),
    (lambda f: f.key(f.panels(), .1, .2, "words", BLUE), TypeError, "cannot unpack non-iterable float"),
    (lambda f: f.guide(f.panels()), TypeError, "guide() got y = None and x = None, needs one of them."),
    (lambda f: f.guide(f.panels(), 1, x=2), TypeError, "guide() got y = 1 and x = 2, needs one of them.")])
def test_a_word_that_is_used_wrongly_says_what_it_needs(draw, error, message):
    with pytest.raises(error, match=re.escape(message)):
        drawn(draw)


def test_the_example_of_the_module_runs_as_written():
    code = re.search(r"    class Decay\(Figure\):\n(?:    .*\n|\n)+", inspect.getdoc(base))[0]
    names = {"Figure": Figure, "BLUE": BLUE, "np": np}
    exec(textwrap.dedent(code), names)
    figure = names["Decay"](q=.5)
    assert all(f"self.{word}(" in code for word in ("panels", "curve", "key", "guide"))
    assert figure.alt == "With q = 0.5, 8.9e-16 is left after 50 steps." and len(figure.fig.axes[0].texts) == 2
    assert list(live(names["Decay"](), q=(.5, 1.)).controls) == ["q"]


# On any page, in any thread

def test_colours_are_seen_on_white_and_on_black():
    def luminance(colour):
        c = np.array(to_rgb(colour))
        return np.where(c <= .04045, c / 12.92, ((c + .055) / 1.055) ** 2.4) @ [.2126, .7152, .0722]
    for name in screen.__all__:
        colour = getattr(screen, name)
        if isinstance(colour, str):
            here, white, dark = luminance(colour) + .05, 1.05, luminance("#111111") + .05
            assert white / here >= 3 and here / dark >= 3, name
    assert (pixels(Line())[[0, 0, -1, -1], [0, -1, 0, -1], 3] == 0).all(), "the page is seen through the corners"


def test_settings_of_the_learner_neither_change_a_figure_nor_are_changed():
    plain = Line().png()
    with matplotlib.rc_context({"text.color": "red", "xtick.color": "red", "lines.linewidth": 9, "font.size": 20,
                                "axes.facecolor": "black", "axes.linewidth": 5, "xtick.direction": "in"}):
        before = dict(matplotlib.rcParams)
        figure = Line()
        assert figure.png() == plain
        figure.ax.set_xlim(0, 10.001)
        figure.ax.set_xlim(0, 10)
        assert figure.png() == plain
        assert dict(matplotlib.rcParams) == before


def test_nothing_imports_pyplot_or_torch():
    code = ("import sys, course_lib.screen.live; "
            "print([m for m in ('matplotlib.pyplot', 'torch') if m in sys.modules])")
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


def test_threads_see_whole_updates_only():
    figure, wrong = Line(), []

    def drag(name, numbers):
        for number in numbers:
            figure.update(**{name: number})
            with figure.lock:
                end = figure.values["slope"] * 10 + figure.values["offset"]
                if f"ends at {end:g}." not in figure.svg().replace("&quot;", '"') or figure.data[-1] != end:
                    wrong.append(figure.values)
    threads = [threading.Thread(target=drag, args=("slope", np.arange(40) / 8)),
               threading.Thread(target=drag, args=("offset", np.arange(40) / 4))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong and figure.values == {"slope": 39 / 8, "offset": 39 / 4}


def test_figures_drawn_in_threads_are_the_ones_drawn_alone():
    slopes = np.linspace(-1, 1, 4)
    alone, together = [Line(slope=slope).png() for slope in slopes], [b""] * 4

    def draw(i):
        together[i] = Line(slope=slopes[i]).png()
    threads = [threading.Thread(target=draw, args=(i,)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert together == alone


def test_formulas_of_a_cell_and_of_a_slider_do_not_meet():
    class Formula(Line):
        def draw(self):
            super().draw()
            self.words = self.moving(self.ax.text(1, 1, ""))

        def move(self, y):
            super().move(y)
            self.words.set_text(rf"$x^{{{y[-1]:g}}} \frac{{1}}{{2}}$")
    figure, problems, stop = Formula(), [], threading.Event()

    def drag():
        slope = 0
        while not stop.is_set():
            slope += 1
            try:
                figure.update(slope=slope).svg()
            except Exception as problem:
                problems.append(problem)

    def plot(i):
        own = FigureCanvasAgg(matplotlib.figure.Figure(figsize=(2, 1)))
        own.figure.text(.1, .5, rf"$\frac{{a_{{{i}}}}}{{b^{{{i + 1000}}}}}$")
        own.draw()
        return bytes(own.buffer_rgba())
    thread = threading.Thread(target=drag)
    thread.start()
    try:
        beside = [plot(i) for i in range(60)]
    finally:
        stop.set()
        thread.join()
    assert not problems
    assert beside == [plot(i) for i in range(60)]


# The gradient ruler

def test_ruler_agrees_with_the_product_of_its_jacobians():
    figure = GradientRuler(seed=3, gain=1.3, non_normality=.4, T=40)
    matrix, inputs, reading = np.random.default_rng(3).spawn(3)
    W_hh = initialise.non_normal((ruler.HIDDEN, ruler.HIDDEN), matrix, 1.3, .4)
    W_xh = initialise.gaussian((ruler.HIDDEN, 1), inputs, ruler.DRIVE)
    run = bptt.forward(cells.RNNParams(W_xh, W_hh, np.zeros(ruler.HIDDEN)), inputs.normal(size=(40, 1, 1)))
    gradient = initialise.orthogonal((1, ruler.HIDDEN), reading)[0]
    expected = [0.0]
    for J in jacobians.step_jacobians(run)[::-1, 0]:
        gradient = J.T @ gradient
        expected.append(np.log10(np.linalg.norm(gradient)))
    np.testing.assert_allclose(10 ** figure.data.exact, 10 ** np.array(expected[::-1]), rtol=1e-9)


@pytest.mark.parametrize("gain", [.5, 1., 2.])
def test_ruler_is_a_straight_line_where_theory_says_so(gain):
    data = GradientRuler(gain=gain, non_normality=0., T=200, activation="linear").data
    for curve in (data.exact, data.bound, data.asymptote):
        np.testing.assert_allclose(curve, (200 - np.arange(201)) * np.log10(gain), atol=1e-9)


@pytest.mark.long(but_every=5)
@pytest.mark.parametrize("activation", ["tanh", "relu", "linear"])
@pytest.mark.parametrize("gain", [.5, 1., 2.])
@pytest.mark.parametrize("non_normality", [0., 2.])
def test_the_bound_holds_and_the_radius_is_the_gain(activation, gain, non_normality):
    figure = GradientRuler(gain=gain, non_normality=non_normality, T=200, activation=activation, rules=True)
    data = figure.data
    assert np.isfinite(data.exact).all() and (data.exact <= data.bound + 1e-9).all()
    assert data.rho == pytest.approx(gain, rel=1e-6, abs=0)
    assert data.sigma == pytest.approx(gain, rel=1e-6, abs=0) if non_normality == 0 else data.sigma > 1.5 * gain
    assert f"{data.sigma:.3g}" in figure.alt and "nan" not in figure.svg().lower()


def test_a_longer_sequence_shares_the_network_and_the_first_inputs():
    short, long = GradientRuler(T=10).compute(T=10), GradientRuler(T=10).compute(T=60)
    np.testing.assert_array_equal(short.eigenvalues, long.eigenvalues)
    assert GradientRuler(seed=1).png() != GradientRuler(seed=2).png()


def test_ruler_refuses_what_has_no_logarithm_and_holds_what_is_long():
    figure = GradientRuler()
    with pytest.raises(ValueError, match="gain is 0, needs to be above 0"):
        figure.update(gain=0.)
    with pytest.raises(TypeError, match=r"T is 20\.5"):
        figure.update(T=20.5)
    with pytest.raises(ValueError, match="activation is 'step'"):
        figure.update(activation="step")
    assert figure.update(T=400, gain=.9).ax.get_xlim()[1] > 400


def test_ruler_states_its_finding():
    figure = GradientRuler(gain=2., non_normality=0., T=20, activation="linear")
    assert "grows by a factor 1.05e+06 on its way to h_0: a factor 2 a step" in figure.alt
    assert "shrinks by a factor 1.05e+06" in figure.update(gain=.5).alt
    figure.update(gain=1.)
    dead = figure.data._replace(exact=np.append(np.full(20, -np.inf), 0.))
    figure.move(dead)
    assert "is 0 in float64 at h_0" in figure.describe(dead)
    assert "arrives: 0\n0 a step" in figure.names[0].get_text()


def test_the_rules_are_seen_and_said_where_they_are_asked_for_and_the_gradient_always():
    figure = GradientRuler(gain=1.3, non_normality=.5)
    plain = figure.png()
    of_rules = {figure.bound, figure.asymptote, figure.dots, figure.sigma_circle, *figure.names[1:]}
    for rules in (True, False):
        figure.update(rules=rules)
        assert {each.get_visible() for each in of_rules} == {figure.plane.get_visible()} == {rules}
        assert figure.exact.get_visible() and len(figure.exact.get_xdata()) == 101 and legible(figure) > 8
        assert ("singular value" in figure.alt, "non-normality 0.5" in figure.alt) == (rules, True)
        assert (figure.ax.get_position().width > .7) != rules
    assert figure.png() == plain and "non-normality" not in GradientRuler().alt


@pytest.mark.parametrize("rules", [True, False])
def test_what_stands_still_in_the_ruler_is_not_drawn_again_while_its_axes_stay(rules):
    figure = GradientRuler(rules=rules)
    figure.background()
    assert not any(figure.update(**step).fig.stale for step in ({"gain": 1.02}, {"non_normality": .02}, {"T": 99}))
    assert figure.update(T=150).fig.stale  # other axes


def test_a_still_of_the_ruler_is_small():
    assert len(GradientRuler(gain=1.2, non_normality=1., rules=True).png()) < 60 * 1024
    assert len(GradientRuler().svg()) < 30 * 1024


@given(st.lists(st.floats(-3, 3), min_size=3, max_size=3))
def test_labels_keep_apart_and_in_order(heights):
    placed = kit.apart(np.array(heights), .1)
    order = np.argsort(heights, kind="stable")
    assert (np.diff(placed[order]) > .099).all() and (placed >= 0).all() and (placed <= 1).all()


@pytest.mark.parametrize("exponent, words", [
    (-np.inf, "0"), (-2.8, "0.0016"), (0, "1"), (1.5, "32"), (3.99, "9772"), (27.1, "1·10²⁷"), (-38.6, "3·10⁻³⁹"),
    (4.99, "1·10⁵")])
def test_factors_in_words(exponent, words):
    assert kit.power_of_ten(exponent) == words


def test_round_markers_are_round_in_the_moving_layer():
    """A circle is drawn by curves (C), a square by lines alone."""
    class Marks(Figure):
        def draw(self):
            self.line = self.curve(self.panels(xlim=(0, 1), ylim=(0, 1)), BLUE, self.shape)

        def move(self, data):
            self.line.set_data([.3, .6], [.4, .7])

        def describe(self, data):
            return "two marks"

    def drawn(shape):
        figure = type("Shaped", (Marks,), {"shape": shape})()
        return "".join(re.findall(r' d="([^"]*)"', figure.svg())).upper()

    assert "C" in drawn("o") and "C" not in drawn("s")


def test_every_name_of_a_slider_is_that_of_a_value():
    """A label of no value is shown nowhere, and its slider has a bare name."""
    lessons = pathlib.Path(screen.__file__).parents[1] / "lessons"
    for path in lessons.glob("nb*/*.py"):
        if "Figure" in path.read_text(encoding="utf-8"):
            importlib.import_module(f"course_lib.lessons.{path.parent.name}.{path.stem}")
    kinds, found = [Figure], []
    while kinds:
        kinds += (kind := kinds.pop()).__subclasses__()
        if kind.__module__.startswith("course_lib.lessons."):
            found.append(kind)
            assert kind.labels.keys() <= inspect.signature(kind.compute).parameters.keys(), kind
    assert sum(bool(kind.labels) for kind in found) > 20
