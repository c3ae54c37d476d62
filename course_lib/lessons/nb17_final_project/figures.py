"""The figure of the final project: every trained network a point, the floor and the criterion as lines."""

from __future__ import annotations

from typing import Iterable

import numpy as np

from ...screen.figure import GREEN, VERMILION, Figure
from .rubric import Trial


class Scores(Figure):
    """Each method and distance a row, each seed a point: the share of right answers; at the right how many learned.

    trials   rubric.Trial, of any methods and distances; rows in the order of their first trial
    floor    the score without memory, 0 to 1
    success  the score from which on a network counts as having learned
    errors   ValueError without trials
    """

    def __init__(self, trials: Iterable[Trial], floor: float, success: float):
        self.floor, self.success, self.rows = floor, success, {}
        for trial in trials:
            self.rows.setdefault((trial.method, trial.distance), []).append(trial.score)
        if not self.rows:
            raise ValueError("trials is empty: train a network first, and append its rubric.Trial.")
        self.size = (900, 110 + 34 * len(self.rows))
        super().__init__()

    def draw(self):
        low = min(self.floor, *map(min, self.rows.values()))
        ax = self.panels(
            title="Right answers on new sequences, a point for each seed", xlabel="share that is right",
            xlim=(low - .12, 1.01), ylim=(len(self.rows) - .5, -1.1), yticks=range(len(self.rows)),
            yticklabels=[f"{method}, distance {distance}" for method, distance in self.rows])
        for row, scores in enumerate(map(np.array, self.rows.values())):
            height = row + (.18 * np.linspace(-1, 1, len(scores)) if len(scores) > 1 else np.zeros(1))
            learned = scores >= self.success
            ax.plot(scores[learned], height[learned], "o", color=GREEN, markersize=6)
            ax.plot(scores[~learned], height[~learned], "x", color=VERMILION, markersize=7)
            ax.text(1.02, row, f"{learned.sum()} of {len(scores)}", transform=ax.get_yaxis_transform(), va="center")
        for at, name, dashes in ((self.floor, "without memory", (2, 2)), (self.success, "counts as learned", (6, 2))):
            self.guide(ax, x=at, style=(0, dashes))
            ax.text(at, -.62, f" {name} ", va="bottom", ha="right" if at == self.floor else "left", fontsize=8.5)

    def describe(self, _):
        counts = "; ".join(f"{method} at {distance}: {sum(score >= self.success for score in scores)} of {len(scores)}"
                           for (method, distance), scores in self.rows.items())
        return (f"Right answers on new sequences. Without memory {self.floor:.2g} are right, from {self.success:.2g} "
                f"on a network counts as having learned. That many did: {counts}.")
