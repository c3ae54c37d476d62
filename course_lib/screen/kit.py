"""What pictures on a scale of powers of ten share: curves with names at their ends, and where float32 ends."""

import numpy as np

from .figure import Figure

# log10 of the size, its name, on which side of the line the name is written
FLOAT32 = (38.53, "float32 overflows", "top"), (-37.93, "float32 loses digits", "bottom"), \
          (-44.85, "float32 knows only 0", "top")
LINE_HEIGHT = 17  # CSS pixels between two labels
SUPERSCRIPT = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")  # plain text is laid out ten times faster than mathtext


class Decades(Figure):
    """Curves of log10 of a size, with their names at their right ends.

    Subclasses say which lines there are, `lines` = ((colour, dash, width), ...), and call `place`. What is seen depends
    on the length of the curves alone, so that it stands still while they move; what leaves it is marked by an arrow.
    """

    size, rectangle = (900, 380), (.085, .14, .64, .76)
    title = xlabel = ylabel = ""
    lines: tuple[tuple[str, str | tuple, float], ...] = ()
    named: int | None = None  # how many of the first lines carry a name; None: all
    spans: tuple[tuple[float, float, float], ...]  # (longest, low, high): the first that is as long as the curves

    def draw(self):
        ax = self.ax = self.panels(at=self.rectangle, title=self.title, xlabel=self.xlabel, ylabel=self.ylabel)
        self.guide(ax, 0)
        for level, name, side in FLOAT32:
            self.guide(ax, level, name, linewidth=.8, style=(0, (1, 2)), va=side, clip_on=True)
        self.curves = [self.curve(ax, colour, dash, linewidth=width) for colour, dash, width in self.lines]
        self.names = self.key(ax, *((1.02, 0, "", colour) for colour, *_ in self.lines[:self.named]), va="center",
                              fontsize=9)

    def place(self, x: np.ndarray, curves, texts: list[str]) -> None:
        """Put the curves and the texts at their ends, in the order of `lines`; a curve that is None is not shown."""
        longest, low, high = next((span for span in self.spans if span[0] >= x[-1]), (x[-1], *self.spans[-1][1:]))
        set_limits(self.ax, (x[0], longest), (low, high))
        for line, curve in zip(self.curves, curves):
            line.set_data(([], []) if curve is None else (x, curve))
        shown = [i for i, _ in enumerate(self.names) if curves[i] is not None]
        ends = (np.array([curves[i][-1] for i in shown]) - low) / (high - low)
        ys = dict(zip(shown, apart(np.nan_to_num(ends, neginf=0), LINE_HEIGHT / (self.rectangle[3] * self.size[1]))))
        beyond = {i: arrow(end) for i, end in zip(shown, ends)}
        for i, name in enumerate(self.names):
            name.set(text=beyond[i] + texts[i] if i in ys else "", y=ys.get(i, 0))


def set_limits(ax, x: tuple[float, float], y: tuple[float, float]) -> None:
    """Set limits where they change: new ones draw the background again."""
    if ax.get_xlim() != x or ax.get_ylim() != y:
        ax.set(xlim=x, ylim=y)


def arrow(height: float) -> str:
    """What marks the name of a curve whose end, in fractions of its axes, is not seen."""
    return "↑ " if height > 1 else "↓ " if height < 0 else ""


def apart(heights: np.ndarray, gap: float) -> np.ndarray:
    """Move labels (N,) up or down, as little as needed, until they are `gap` apart; their order stays."""
    order = np.argsort(heights, kind="stable")
    placed = np.clip(heights[order], 0, 1)
    for _ in range(20 * len(placed)):
        for i in range(len(placed) - 1):
            placed[i:i + 2] += np.array([-.5, .5]) * max(0, gap - (placed[i + 1] - placed[i]))
        placed = np.clip(placed, 0, 1)
    return placed[np.argsort(order)]


def power_of_ten(exponent: float) -> str:
    """Ten to the exponent, in words that fit: 0.002, 25, 3·10⁻²⁰."""
    if np.isneginf(exponent):
        return "0"
    if -3 <= exponent < 4:
        return f"{10 ** exponent:.2g}" if exponent < 2 else f"{10 ** exponent:.0f}"
    whole = int(np.floor(exponent - np.log10(.95)))  # from 9.5 on it is the next power
    return f"{10 ** (exponent - whole):.0f}·10{str(whole).translate(SUPERSCRIPT)}"
