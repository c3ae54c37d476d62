"""The picture of the microscope: how large the gradient is at every time step of a watched network."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ..screen.figure import BLUE, GREEN, INK, ORANGE, PURPLE, SKY, VERMILION, Figure
from ..screen.kit import FLOAT32, apart

LOOKS = (BLUE, "-"), (VERMILION, "--"), (GREEN, "-."), (ORANGE, (0, (1, 1))), (PURPLE, (0, (6, 1, 1, 1, 1, 1))), \
        (SKY, (0, (4, 2)))
MOST = 12  # curves with a name; a picture of more says how many it leaves out


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
            middle, alone = _medians(drawn), _medians(np.maximum(direct[i], bottom))
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


def _medians(rows: np.ndarray) -> np.ndarray:
    """The median of each row without its NaNs, NaN where there is nothing else."""
    return np.array([np.median(row[~np.isnan(row)]) if not np.isnan(row).all() else np.nan for row in rows])
