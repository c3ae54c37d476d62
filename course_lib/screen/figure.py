"""The base of every figure: it draws once, then moves; it knows in words what it shows.

A subclass says what its values are, what they lead to, where the artists go then, and what is to be seen:

    class Decay(Figure):
        labels = {"q": "factor per step q"}

        def draw(self):                                   # once: axes, labels, artists
            ax = self.panels(title="Decay", xlabel="steps", ylabel="share", xlim=(0, 50), ylim=(0, 1))
            self.guide(ax, .5, "one half")
            self.line = self.curve(ax, BLUE)
            self.key(ax, (.6, .95, "──  what is left", BLUE))

        def compute(self, q=.9):                          # values, with where they start -> data
            return q ** np.arange(51)

        def move(self, left):                             # data -> artists
            self.line.set_data(np.arange(51), left)

        def describe(self, left):                         # data -> the finding, with its numbers
            return f"With q = {self.values['q']:g}, {left[-1]:.2g} is left after 50 steps."

In a cell, `Decay()` is a picture with its alt text, `Decay(q=.5)` another; `live(Decay(), q=(.5, 1.))` has a slider.
No pyplot: a slider's callback may run in another thread while a cell plots.
"""

import html
import inspect
import io
from functools import partial, wraps
from threading import RLock
from types import SimpleNamespace
from typing import Any, Self

import matplotlib
import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg, RendererAgg
from matplotlib.figure import Figure as Canvas
from matplotlib.image import AxesImage
from matplotlib.lines import Line2D
from matplotlib.mathtext import MathTextParser
from matplotlib.text import Text
from PIL import Image

from .. import _checks
from .._palette import BLUE, GREEN, INK, ORANGE, PURPLE, SKY, VERMILION
from .svg import UNITS, SVGRenderer, data_url, png_bytes

DENSITY = 2  # device pixels in a CSS pixel

STYLE = {  # without a titley each drawing lays out all tick labels once more, to see whether one is in the way
    "axes.edgecolor": INK, "axes.labelcolor": INK, "axes.titlecolor": INK, "axes.titley": 1., "text.color": INK,
    "xtick.color": INK, "ytick.color": INK, "grid.color": INK, "grid.alpha": .2, "grid.linewidth": .6,
    "axes.grid": True, "axes.axisbelow": True, "axes.spines.top": False, "axes.spines.right": False,
    "axes.facecolor": "none", "figure.facecolor": "none", "savefig.facecolor": "none",
    "axes.titlelocation": "left", "axes.titlesize": 10.5, "axes.titleweight": "bold", "axes.titlepad": 8,
    "axes.labelsize": 10, "xtick.labelsize": 9, "ytick.labelsize": 9, "font.size": 9.5,
    "legend.frameon": False, "legend.fontsize": 9.5, "lines.linewidth": 1.8, "lines.solid_capstyle": "round",
    "axes.prop_cycle": matplotlib.cycler(color=[BLUE, ORANGE, GREEN, VERMILION, PURPLE, SKY]),
    "image.interpolation": "none", "font.family": "DejaVu Sans", "mathtext.fontset": "dejavusans",
}
_DRAWING = RLock()  # matplotlib's settings and text layout are shared by all figures of a process
_PARSING = RLock()  # and so is its parser of $formulas$, also with the cells' own plots


@wraps(MathTextParser.parse)
def _one_at_a_time(*args, parse=MathTextParser.parse, **options):
    """Formulas of a cell's own plots, drawn while a slider moves a figure, would break both (ipympl issue 610)."""
    with _PARSING:
        return parse(*args, **options)


MathTextParser.parse = _one_at_a_time


class KeepingRenderer(RendererAgg):
    """Sets a text with the strokes that set it in the drawing before, if it stood there: the same pixels, sooner."""

    def clear(self):
        super().clear()
        self.before, self.now = getattr(self, "now", {}), {}  # {all that a text depends on: its strokes}

    def draw_text(self, gc, x, y, s, prop, angle, ismath=False, mtext=None):
        asked, agg = (x, y, s, prop, angle, ismath, gc.get_rgb(), gc.get_antialiased()), self._renderer
        strokes = self.before.get(asked, [])
        if not strokes:
            try:
                self._renderer = SimpleNamespace(
                    draw_text_image=lambda glyph, *place: strokes.append(
                        partial(agg.draw_text_image, np.array(glyph), *place[:-1])),
                    draw_path=lambda own, *path: strokes.append(lambda gc: agg.draw_path(own, *path)))
                super().draw_text(gc, x, y, s, prop, angle, ismath, mtext)
            finally:
                self._renderer = agg
        for stroke in strokes:
            stroke(gc)
        self.now[asked] = strokes


class KeepingCanvas(FigureCanvasAgg):
    def get_renderer(self):
        size = *self.get_width_height(physical=True), self.figure.dpi
        if self._lastKey != size:  # made when it is first drawn on: earlier, a kernel of many figures holds more
            self.renderer, self._lastKey = KeepingRenderer(*size), size
            self.renderer.clear()
        return self.renderer


class Figure:
    """A picture that follows its values. Subclasses write `draw`, `compute`, `move` and `describe` (see above).

    size     CSS pixels, width and height
    labels   {name of a value: what a slider calls it, with its unit}
    allowed  {name of a value: (low, high), or a list of choices}: what can be drawn or was measured
    values   the present values; they start from compute's defaults
    data     what `compute` returned for them
    alt      what is to be seen, with its numbers
    fig      the matplotlib figure, for `draw`

    `draw` has four words for what most pictures need, `panels`, `curve`, `key` and `guide`; all else is matplotlib.
    """

    size: tuple[int, int] = (900, 360)
    labels: dict[str, str] = {}
    allowed: dict[str, tuple | list] = {}

    def __init__(self, **values):
        self.lock = RLock()
        self._moving: list[Artist] = []
        self._background = b""  # as PNG
        self._changed = True  # whether the background may be another one since
        self._clean = False  # whether the canvas holds the background alone
        self.values = self._starts = self._defaults()
        width, height = self.size
        with _DRAWING, matplotlib.rc_context():
            matplotlib.rcdefaults()
            matplotlib.rcParams.update(STYLE)
            self.fig = Canvas(figsize=(width / 96, height / 96), dpi=96 * DENSITY, layout="constrained")
            self._canvas = KeepingCanvas(self.fig)
            self.draw()
            for ax in self.fig.axes:  # ticks made later must not take the settings of that moment
                ax.tick_params(colors=INK, labelsize=9, grid_color=INK, grid_alpha=.2, grid_linewidth=.6)
        self._renderer = SVGRenderer(width * DENSITY, height * DENSITY, self.fig.dpi)
        self.alt = ""
        self.update(**values)
        with _DRAWING:
            for artist in self._shown():  # one that the screen cannot show is refused now, not when a slider moves
                artist.draw(self._renderer)

    def draw(self) -> None:
        """Make axes, labels and artists in `self.fig`, once. Artists that move are registered with `self.moving`."""
        raise NotImplementedError(f"{type(self).__name__} needs draw(self): it makes axes and artists in self.fig.")

    def compute(self) -> Any:
        """Return what the values lead to. Its keyword arguments, with defaults, are the figure's values."""

    def move(self, data: Any) -> None:
        """Give the moving artists their data."""

    def describe(self, data: Any) -> str:
        """Return the finding in words, with its numbers, for those who do not see the picture."""
        raise NotImplementedError(f"{type(self).__name__} needs describe(self, data): the finding, with its numbers.")

    def moving(self, artists):
        """Register an artist, or several, that `move` changes; return what was given.

        errors  TypeError for anything but artists. Everything that is not registered may change too, but then the
                whole picture is drawn again, which takes some 30 ms longer.
        """
        for artist in [artists] if isinstance(artists, Artist) else list(artists):
            if not isinstance(artist, Artist) or artist.axes is artist:
                raise TypeError(f"moving() got {artist!r}, needs a matplotlib artist such as a line, text or image "
                                f"that belongs to axes or to the figure.")
            if isinstance(artist, AxesImage):
                artist.set_interpolation("none")
            artist.set_animated(True)
            artist.set_in_layout(False)
            self._moving.append(artist)
        return artists

    def panels(self, *each: dict, rows: int = 1, widths=None, heights=None, sharex=False, sharey=False, **common):
        """Make axes; return a list of them, from left to right and then down, or without `each` the only ones.

        each     a dict for each of them, of what `ax.set` takes: title, xlabel, ylim, yscale, xticks, ...; besides,
                 grid=False, and at=(left, bottom, width, height), its place in fractions of the figure
        common   what all of them have
        rows     how many rows; widths, heights: ratios of columns and rows; sharex, sharey: as fig.subplots takes them
        errors   AttributeError for an unknown name; ValueError for rows not full, and for `at` in some dicts only
        """
        settings = [{**common, **own} for own in each] or [common]
        places = [own.pop("at", None) for own in settings]
        if len(settings) % rows:
            raise ValueError(f"panels() got {len(settings)} dicts, which do not fill {rows} rows. Change one of them.")
        if any(places) != all(places):
            raise ValueError("panels() got `at` in some of its dicts, needs it in all of them or in none.")
        if all(places):
            self.fig.set_layout_engine("none")
            made = [self.fig.add_axes(place) for place in places]
        else:
            made = self.fig.subplots(rows, len(settings) // rows, squeeze=False, width_ratios=widths,
                                     height_ratios=heights, sharex=sharex, sharey=sharey).ravel().tolist()
        for ax, own in zip(made, settings):
            ax.grid(own.pop("grid", True))
            ax.set(**own)
        return made if each else made[0]

    def curve(self, ax: Axes, color: str, style="-", x=(), y=(), **line) -> Line2D:
        """Draw a line that `move` gives its data; return it.

        style    "--", "o", "s-.", ... or matplotlib's (offset, (on, off, ...))
        x, y     what it starts with, (N,) both; several lines are several curves
        line     what else ax.plot takes, such as linewidth
        """
        made, = ax.plot(x, y, style, color=color, **line) if isinstance(style, str) else ax.plot(
            x, y, linestyle=style, color=color, **line)
        return self.moving(made)

    def key(self, where: Axes | Canvas, *entries: tuple[float, float, str, str], **text) -> list[Text]:
        """Write texts in the colors of what they explain; return them. Words that are "" are left to `move`.

        where    axes, or the figure `self.fig`
        entries  (x, y, words, color), in fractions of `where` from its lower left
        text     what else ax.text takes; va is "top" if it is not said
        """
        made = [where.text(x, y, words, color=color, **{"va": "top", **text}, transform=(
            where.transAxes if isinstance(where, Axes) else where.transSubfigure)) for x, y, words, color in entries]
        self.moving(each for each in made if not each.get_text())
        return made

    def guide(self, ax: Axes, y=None, words: str = "", at=.01, *, x=None, style="-", color=INK, linewidth=1, **text):
        """Draw a level that does not move, at a height y or from bottom to top at x; return the line.

        words    a height's name, which begins at this fraction of its length
        text     what else ax.text takes for the name; va is "bottom", fontsize 8.5 if they are not said
        errors   TypeError for neither or both of y and x
        """
        if (y is None) == (x is None):
            raise TypeError(f"guide() got y = {y!r} and x = {x!r}, needs one of them.")
        if words:
            ax.annotate(words, (at, y), (0, -2.5 * (text.get("va") == "top")), xycoords=ax.get_yaxis_transform(),
                        textcoords="offset points", **{"va": "bottom", "fontsize": 8.5, **text})
        draw, level = (ax.axhline, y) if x is None else (ax.axvline, x)
        return draw(level, color=color, linewidth=linewidth, linestyle=style)

    def update(self, **values) -> Self:
        """Take new values and move to what they lead to; on any error the former picture stays.

        values   some of the figure's values; 3. and np.int64(3) are 3, and each is of the kind that it starts with
        returns  the figure itself
        errors   TypeError for an unknown name or another kind, ValueError for what is not in `allowed`; compute's own
        """
        self.check_names(values)
        values = {name: self._fitting(name, value) for name, value in values.items()}
        with self.lock:
            former = self.values
            data = self.compute(**{**former, **values})
            with _DRAWING:
                self.values = {**former, **values}
                try:
                    self.move(data)
                    alt = self.describe(data)
                    if not isinstance(alt, str) or not alt.strip():
                        raise TypeError(f"{type(self).__name__}.describe returned {alt!r}, needs the finding in words.")
                except BaseException:
                    self.values = former
                    if self.alt:
                        self.move(self.data)
                    raise
                self.data, self.alt = data, alt
        return self

    def check_names(self, names) -> None:
        """TypeError unless all are names of the figure's values."""
        if unknown := [name for name in names if name not in self.values]:
            known = ", ".join(self.values) or "no values at all"
            raise TypeError(f"{type(self).__name__} has no value {', '.join(map(repr, unknown))}; it has {known}.")

    def _fitting(self, name: str, value: Any) -> Any:
        """A value of the kind that it starts with, and one that is allowed; else TypeError or ValueError."""
        kind, allowed = type(self._starts[name]), self.allowed.get(name)
        value = value.item() if isinstance(value, (np.generic, np.ndarray)) and not value.ndim else value
        if kind is float:
            value = _checks.real(name, value)
        elif kind is int:
            whole = isinstance(value, float) and value.is_integer() and abs(value) < 2**53
            value = _checks.count(name, int(value) if whole else value, -np.inf)
        elif kind in (bool, str) and type(value) is not kind:
            raise TypeError(f"{name} is {value!r}, needs {'a text' if kind is str else 'True or False'}.")
        if isinstance(allowed, tuple) and not allowed[0] <= value <= allowed[1]:
            raise ValueError(f"{name} is {value!r}, needs to be {allowed[0]:g} to {allowed[1]:g}.")
        return _checks.choice(name, value, allowed) if isinstance(allowed, list) else value

    def background(self) -> bytes:
        """Return a PNG of all that does not move. The same object comes back until something in it changes."""
        with self.lock, _DRAWING:
            self._draw_background(clean=self._changed)
            if self._changed:
                background, self._changed = png_bytes(self._canvas.buffer_rgba()), False
                self._background = self._background if background == self._background else background
            return self._background

    def svg(self) -> str:
        """Return an SVG of all that moves, labelled with the alt text, to be laid over the background."""
        with self.lock, _DRAWING:
            self._draw_background()
            self._renderer.parts.clear()  # of a picture that an error broke off, or of the first
            for artist in self._shown():
                artist.draw(self._renderer)
            width, height = self.size
            return (f'<svg role="img" aria-label="{html.escape(self.alt)}" xmlns="http://www.w3.org/2000/svg" '
                    f'viewBox="0 0 {width * UNITS} {height * UNITS}" style="display:block;width:100%">'
                    f'{self._renderer.markup()}</svg>')

    def png(self) -> bytes:
        """Return the whole picture as a transparent PNG; the same values give the same bytes."""
        with self.lock, _DRAWING:
            self._draw_background(clean=True)
            self._clean = False
            for artist in self._shown():
                self.fig.draw_artist(artist)
            picture = Image.fromarray(np.asarray(self._canvas.buffer_rgba()))
            if not any(ax.images for ax in self.fig.axes):  # 256 colours are enough for lines, in a third of the bytes
                picture = picture.quantize(256, Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE)
            picture.save(buffer := io.BytesIO(), "png", optimize=True)
            return buffer.getvalue()

    def html(self) -> str:
        """Return the whole picture as an <img> with its alt text."""
        with self.lock:
            return (f'<img alt="{html.escape(self.alt)}" width="{self.size[0]}" '
                    f'style="max-width:100%;height:auto" src="{data_url(self.png())}">')

    def _repr_mimebundle_(self, include=None, exclude=None) -> dict[str, str]:
        with self.lock:
            return {"text/html": self.html(), "text/plain": self.alt}

    def _draw_background(self, clean: bool = False) -> None:
        """Draw what does not move, where it has changed, or where the canvas has to hold nothing else (clean)."""
        self._changed |= self.fig.stale  # artists that move do not make a figure stale
        if self.fig.stale or clean and not self._clean:
            self._clean = False  # an interrupt, or an artist's error, leaves half of it
            self._canvas.draw()
            self._clean = True

    def _shown(self) -> list[Artist]:
        return sorted((each for each in self._moving if each.get_figure() is not None), key=Artist.get_zorder)

    def _defaults(self) -> dict[str, Any]:
        parameters = inspect.signature(self.compute).parameters.values()
        without = [p.name for p in parameters if p.default is p.empty or p.kind is not p.POSITIONAL_OR_KEYWORD]
        if without:
            raise TypeError(f"{type(self).__name__}.compute needs a default for {', '.join(without)}: "
                            f"a figure has to know where its values start.")
        return {p.name: p.default for p in parameters}
