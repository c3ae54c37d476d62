"""Accuracy on real digits by the distance over which they had to be held: the figure of lessons 06 and 11."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ... import data
from ...screen.figure import BLUE, GREEN, ORANGE, PURPLE, SKY, VERMILION, Figure
from ...screen.kit import LINE_HEIGHT, apart
from . import longterm


class DigitCells(Figure):
    """Accuracy on real digits by distance for each kind of network: points are networks, lines their means.

    accuracies  {(name, distance): (E,)}, in any order; names of longterm.KINDS, each with all distances
    errors      ValueError where it is empty, has other names or lacks a distance
    """

    size = (860, 400)
    STYLES = dict(zip(longterm.KINDS, ((BLUE, "o", "-"), (ORANGE, "s", "--"), (GREEN, "D", "-."), (VERMILION, "^", ":"),
                                       (PURPLE, "v", (0, (6, 1, 1, 1, 1, 1))), (SKY, "P", (0, (1, 3))))))

    def __init__(self, accuracies: Mapping[tuple[str, int], np.ndarray]):
        found, self.distances = {name for name, _ in accuracies}, sorted({distance for _, distance in accuracies})
        if not found or (unknown := sorted(found - set(longterm.KINDS))):
            raise ValueError(f"accuracies {f'holds {unknown}' if found else 'is empty'}, needs runs of "
                             f"longterm.learn_digits under names of longterm.KINDS: {', '.join(longterm.KINDS)}.")
        self.names = [name for name in longterm.KINDS if name in found]  # runs end in any order
        missing = [(name, D) for name in self.names for D in self.distances if (name, D) not in accuracies]
        if missing:
            raise ValueError(f"accuracies lacks {', '.join(map(str, missing))}: run longterm.learn_digits for them.")
        self.accuracies = dict(accuracies)
        super().__init__()

    def draw(self):
        end = self.distances[-1]
        last = np.array([np.mean(self.accuracies[name, end]) for name in self.names])
        ax = self.panels(
            at=(.08, .14, .7, .77), title=f"After {end} blank steps {(last > .5).sum()} of {len(last)} kinds still "
            f"read more than half of the digits", xlabel="blank steps after the last row", ylabel="accuracy",
            ylim=(0, 1.04), xlim=(-.04 * end - 1, 1.04 * end + 1), xticks=self.distances)
        self.guide(ax, .1, "guessing")
        heights = apart(last / 1.04, LINE_HEIGHT / (.77 * self.size[1]))
        for name, height in zip(self.names, heights):
            colour, marker, dash = self.STYLES[name]
            values = [self.accuracies[name, distance] for distance in self.distances]
            ax.plot(self.distances, [each.mean() for each in values], linestyle=dash, color=colour)
            ax.plot(self.distances, values, marker, color=colour, markersize=4.5)
            self.key(ax, (1.02, height, f"{'●■◆▲▼✚'['osD^vP'.index(marker)]} {name}", colour), va="center")

    def describe(self, _):
        end = self.distances[-1]
        good = [name for name in self.names if self.accuracies[name, end].mean() > .5]
        lost = [name for name in self.names if name not in good]
        return (f"Accuracy on {data.TEST} test digits by the number of blank steps after the last row. At {end} steps "
                f"more than half are right for: {', '.join(good) or 'none'}; not so for: {', '.join(lost) or 'none'}.")
