"""The pictures of the microscope: how large the gradient is at every time step, in one pass and over a training."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ..screen.figure import BLUE, GREEN, INK, ORANGE, PURPLE, SKY, VERMILION, Figure
from ..screen.kit import FLOAT32, apart, power_of_ten
from .history import PassHistory, medians

LOOKS = (BLUE, "-"), (VERMILION, "--"), (GREEN, "-."), (ORANGE, (0, (1, 1))), (PURPLE, (0, (6, 1, 1, 1, 1, 1))), \
        (SKY, (0, (4, 2)))
MOST = 12  # curves with a name; a picture of more says how many it leaves out
DARK_TO_BRIGHT = "cividis"  # for readers of every colour vision, and in grey


class Curve(NamedTuple):
    """One layer, direction and call.

    label   its name
    state   "h" or "c"
    total   (T + 1, B) norms of the total gradient, NaN after the end of a sequence
    direct  (T + 1, B) norms of what reaches h_t without a later step
    words   its finding
    """

    label: str
    state: str
    total: np.ndarray
    direct: np.ndarray
    words: str


class Through(Figure):
    """|dL/dh_t| by time step, for an LSTM |dL/dc_t|: a line is the median over the sequences, a band their range.

    Small crosses are the direct path alone, which is what `out.retain_grad()` shows. What is exactly 0 lies on the
    lower edge.

    curves  of all layers, directions and calls
    note    what else there is to say, such as what is not finite or how often clipping acted
    errors  ValueError without curves
    """

    size = (900, 430)

    def __init__(self, curves: list[Curve], note: str = ""):
        if not curves:
            raise ValueError("there is no curve to draw: no layer got a gradient.")
        self.curves, self.note = curves, note
        super().__init__()

    def draw(self):
        shown = self.curves[:MOST]
        with np.errstate(divide="ignore"):
            logs = [np.log10(curve.total) for curve in shown]
            direct = [np.log10(curve.direct) for curve in shown]
        finite = np.concatenate([each[np.isfinite(each)] for each in logs + direct] or [np.zeros(1)])
        low, high = (finite.min(), finite.max()) if len(finite) else (-1., 1.)
        bottom, top = np.floor(low - .06 * (high - low) - .3), np.ceil(high + .06 * (high - low) + .3)
        T = max(len(each) for each in logs) - 1
        states = " and ".join(rf"$|dL/d{state}_t|$" for state in sorted({curve.state for curve in shown}, reverse=True))
        ax = self.panels(
            title="How much of the loss's gradient reaches each time step", ylim=(bottom, top), xlim=(0, 1.32 * T),
            xlabel="time step t, in the order read", ylabel=rf"$\log_{{10}}$ of {states}")
        ax.set_xticks([tick for tick in ax.get_xticks() if tick <= T and tick == int(tick)])
        ends = np.zeros(len(shown))
        for i, (curve, log) in enumerate(zip(shown, logs)):
            colour, dash = LOOKS[i % len(LOOKS)]
            t, drawn = np.arange(len(log)), np.maximum(log, bottom)
            if log.shape[1] > 1:
                lowest = np.nanmin(np.where(np.isnan(drawn), np.inf, drawn), 1)
                highest = np.nanmax(np.where(np.isnan(drawn), -np.inf, drawn), 1)
                ax.fill_between(t, lowest, highest, color=colour, alpha=.15, linewidth=0)
            middle, alone = medians(drawn), medians(np.maximum(direct[i], bottom))
            ax.plot(t, middle, color=colour, linestyle=dash, linewidth=1.8 if i < len(LOOKS) else 1)
            ax.plot(t[1:], alone[1:], "x", color=colour, alpha=.5, markersize=4, clip_on=False)
            last = middle[~np.isnan(middle)]
            ends[i] = (last[-1] - bottom) / (top - bottom) if len(last) else 0
        for i, (curve, height) in enumerate(zip(shown, apart(ends, .055))):
            ax.text(1.02 * T, bottom + height * (top - bottom), curve.label, color=LOOKS[i % len(LOOKS)][0],
                    va="center")
        for height, name, side in FLOAT32:
            if bottom < height < top:
                self.guide(ax, height, linewidth=.8, style=(0, (2, 2)))
                ax.text(.02 * T, height, name, va=side, fontsize=8.5)
        self.key(ax, (.995, .03, "x: the direct path alone; on the edge: exactly 0", INK), ha="right", va="bottom",
                 fontsize=8.5)

    def compute(self):
        return self.curves

    def describe(self, curves):
        unread = [float((curve.direct[np.isfinite(curve.direct)] == 0).mean()) for curve in curves]
        left_out = f" Of {len(curves)} curves the first {MOST} are drawn." if len(curves) > MOST else ""
        return (f"Gradient by time step, on a scale of powers of ten. {' '.join(curve.words for curve in curves)} The "
                f"direct path alone, drawn as crosses, is exactly 0 at {np.mean(unread):.0%} of the steps.{left_out}"
                + (f" {self.note}" if self.note else ""))


class OverTraining(Figure):
    """What the passes of a training had in common, and what changed: above how much of the gradient is left on its way
    back, one curve for each module and part; below, of one of them, its size by time step and pass, dark to bright.

    history  of a Flow
    label    whose sizes are drawn; the first that got a gradient if it is not said
    errors   ValueError for a history without a gradient, or a label that is not in it
    """

    size = (900, 520)

    def __init__(self, history: PassHistory, label: str | None = None):
        labels = history.labels()
        if not labels:
            raise ValueError("there is nothing to draw: no pass that was watched got a gradient.")
        if label is None:
            label = labels[0]
        if label not in labels:
            raise ValueError(f"label is {label!r}, needs one of {', '.join(map(repr, labels))}.")
        self.labels_drawn, self.label, self.records = labels[:MOST], label, list(history)
        self.left_out = len(labels) - len(self.labels_drawn)
        super().__init__()

    def draw(self):
        self.numbers = np.array([record.number for record in self.records])
        by_label = {name: np.full(len(self.records), np.nan) for name in self.labels_drawn}
        for i, record in enumerate(self.records):
            for each in record.found:
                if each.label in by_label:
                    by_label[each.label][i] = each.numbers()["log10_ratio"]
        above, below = self.panels(
            {"title": "How much is left at step 1 of the gradient that enters at the last step",
             "ylabel": r"$\log_{10}$ of the share"},
            {"title": f"{self.label}: its size by time step and pass", "xlabel": "pass", "ylabel": "time step t",
             "grid": False}, rows=2, heights=[1, 1.3])
        edges = _edges(self.numbers)
        width = edges[-1] - edges[0]
        for ax in (above, below):
            ax.set_xlim(edges[0], edges[-1] + .22 * width)  # names stand on the right of one, the scale of the other
        self.shares(above, by_label, edges[-1], width)
        self.sizes(below, edges)
        for ax in (above, below):
            ax.set_xticks([tick for tick in ax.get_xticks() if edges[0] <= tick <= edges[-1] and tick == int(tick)])

    def shares(self, ax, by_label, end, width):
        """Draw the curves of the logs (N,) of each label, named at their ends."""
        seen = np.concatenate([each[np.isfinite(each)] for each in by_label.values()] + [np.zeros(1)])
        bottom, top = np.floor(seen.min() - .5), np.ceil(seen.max() + .5)
        ax.set_ylim(bottom, top)
        self.guide(ax, 0)
        ends = []
        for i, (name, logs) in enumerate(by_label.items()):
            colour, dash = LOOKS[i % len(LOOKS)]
            drawn = np.maximum(logs, bottom)
            ax.plot(self.numbers, drawn, color=colour, linestyle=dash, linewidth=1.8 if i < len(LOOKS) else 1,
                    marker="o" if len(self.numbers) < 3 else None, markersize=4)
            last = drawn[~np.isnan(drawn)]
            ends.append((last[-1] - bottom) / (top - bottom) if len(last) else 0)
        for i, (name, height) in enumerate(zip(by_label, apart(np.array(ends), .11))):
            ax.text(end + .01 * width, bottom + height * (top - bottom), name, color=LOOKS[i % len(LOOKS)][0],
                    va="center")
        broken = [record.number for record in self.records if record.nonfinite]
        for number in broken:
            ax.text(number, bottom, "×", color=INK, ha="center", va="bottom", fontsize=11)
        self.key(ax, (.99, .03, "×: not finite" if broken else " ", INK), ha="right", va="bottom", fontsize=8.5)

    def sizes(self, ax, edges):
        """Draw the picture of one label's norms: time steps upwards, passes to the right."""
        found = [next((each for each in record.found if each.label == self.label), None) for record in self.records]
        T = max(each.steps[-1] for each in found if each is not None)
        rows = np.unique(np.linspace(0, T, 65).round())
        self.grid = np.full((len(rows), len(found)), np.nan)
        for column, each in zip(self.grid.T, found):
            if each is not None:
                inside = rows <= each.steps[-1]
                column[inside] = each.log10_norms[np.abs(each.steps[:, None] - rows[inside]).argmin(0)]
        finite = self.grid[np.isfinite(self.grid)]
        low, high = (finite.min(), finite.max()) if len(finite) else (-1., 0.)
        low = high - 1 if high - low < 1 else low
        picture = ax.pcolorfast(edges, _edges(rows), np.maximum(self.grid, low), cmap=DARK_TO_BRIGHT, vmin=low,
                                vmax=high)
        self.state = next(each.state for each in found if each is not None)
        bar = self.fig.colorbar(picture, cax=ax.inset_axes((.85, .05, .02, .9)))
        bar.set_label(rf"$\log_{{10}}\,|dL/d{self.state}_t|$", color=INK)
        bar.ax.tick_params(colors=INK)
        bar.outline.set_edgecolor(INK)

    def describe(self, data):
        first, last = self.records[0], self.records[-1]
        near, far = ([power_of_ten(float(self.grid[i, j])) if not np.isnan(self.grid[i, j]) else "not finite"
                      for j in (0, -1)] for i in (-1, min(1, len(self.grid) - 1)))
        words = [f"Passes {first.number} to {last.number} of a training, {len(self.records)} of them drawn.",
                 f"{self.label}: |dL/d{self.state}_t| at the last step is {near[0]} in the first pass drawn and "
                 f"{near[1]} in the last, at step 1 it is {far[0]} and {far[1]}."]
        said = [last.nonfinite] if last.nonfinite else [each.finding.words for each in last.found]
        words.append(f"In the last pass: {' '.join(said[:MOST])}")
        broken = [record for record in self.records if record.nonfinite]
        if broken:
            words.append(f"{len(broken)} passes are not finite, the first of them pass {broken[0].number}.")
        if self.left_out:
            words.append(f"{self.left_out} curves are left out.")
        return " ".join(words)


def _edges(centres: np.ndarray) -> np.ndarray:
    """(N,) increasing -> (N + 1,) limits of the cells around them."""
    if len(centres) == 1:
        return np.array([centres[0] - .5, centres[0] + .5])
    middle = (centres[1:] + centres[:-1]) / 2
    return np.r_[2 * centres[0] - middle[0], middle, 2 * centres[-1] - middle[-1]]
