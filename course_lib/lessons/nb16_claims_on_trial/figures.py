"""What a rule says of a claim, and how far from another verdict the measured numbers are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from ... import _checks
from ...screen.figure import GREEN, INK, ORANGE, VERMILION, Figure

MOST, EDGES = 6, 4  # names in a rule, numbers that one of them is compared with


class ClaimOnTrial(NamedTuple):
    """A claim, as data/claims.csv has it, and for each name of its rule the zones of the verdict.

    number, verdict  of the claim
    measured         {name: number}
    zones            {name: rules.Zones}
    """

    number: int
    verdict: str
    measured: Mapping[str, float]
    zones: Mapping


class Margins(Figure):
    """Each measured number on a line of its own: what would the rule say if this number alone were another one?"""

    size = (760, 280)
    labels = {"claim": "claim"}
    STYLES = {"holds": (GREEN, "-"), "holds partly": (ORANGE, (0, (4, 1))), "fails": (VERMILION, (0, (1, 1)))}

    def __init__(self, trials: Sequence[ClaimOnTrial], **values):
        self.trials = trials
        super().__init__(**values)

    def draw(self):
        ax = self.panels(title="What the rule would say if one number alone were another",
                         xlim=(-.42, 1.02), ylim=(MOST - .5, -1.1))
        ax.axis("off")
        self.lines = {word: self.curve(ax, *look, linewidth=6, solid_capstyle="butt", dash_capstyle="butt")
                      for word, look in self.STYLES.items()}
        self.edges = {word: self.curve(ax, color, "|", markersize=17, markeredgewidth=3)
                      for word, (color, _) in self.STYLES.items()}
        self.dots = self.curve(ax, INK, "o", markersize=9, zorder=5)
        self.names = [self.moving(ax.text(0, 0, "", ha="right", va="center")) for _ in range(MOST)]
        self.numbers = [self.moving(ax.text(0, 0, "", ha="center", va="center", fontsize=8.5))
                        for _ in range(MOST * EDGES)]
        for word, x in zip(self.STYLES, (0, .21, .5)):
            color, dashes = self.STYLES[word]
            ax.plot([x, x + .08], [-.75, -.75], color=color, ls=dashes, lw=6, solid_capstyle="butt")
            ax.text(x + .095, -.75, word, va="center")
        ax.plot(.75, -.75, "o", color=INK, ms=9)
        ax.text(.775, -.75, "measured", va="center")

    def compute(self, claim=1):
        if _checks.count("claim", claim) > len(self.trials):
            raise ValueError(f"claim is {claim}, needs to be at most {len(self.trials)}.")
        return self.trials[claim - 1]

    def move(self, trial):
        segments = {word: [[], []] for word in self.STYLES}
        marks = {word: [[], []] for word in self.STYLES}
        dots = []
        for text in (*self.names, *self.numbers):
            text.set_text("")
        rows = np.arange(.5, len(trial.zones)) * MOST / len(trial.zones) - .5  # spread over the picture
        for i, (row, (name, zone)) in enumerate(zip(rows, trial.zones.items())):
            value, places = trial.measured[name], np.linspace(0, 1, len(zone.edges) + 2)
            for word, x in zip(zone.between, zip(places[:-1], places[1:])):
                segments[word][0] += [*x, np.nan]
                segments[word][1] += [row, row, np.nan]
            for text, x, edge, word in zip(self.numbers[EDGES * i:], places[1:], zone.edges, zone.at):
                marks[word][0].append(x)
                marks[word][1].append(row)
                text.set(text=f"{edge:.6g}", position=(x, row + .45))
            self.names[i].set(text=f"{name} = {value:.2g}", position=(-.02, row))
            dots.append((place(value, zone.edges, places), row))
        for word in self.STYLES:
            self.lines[word].set_data(*segments[word])
            self.edges[word].set_data(*marks[word])
        self.dots.set_data(*np.transpose(dots))

    def describe(self, trial):
        parts = [f"{name} is {trial.measured[name]:.2g}, {margin(trial.measured[name], zone)}"
                 for name, zone in trial.zones.items()]
        return f"Claim {trial.number}, verdict: {trial.verdict}. {'; '.join(parts)}."


def place(value, edges, places) -> float:
    """Where a measured value lies on its line: on an edge, or in the middle of the gap."""
    if value in edges:
        return float(places[edges.index(value) + 1])
    gap = int(np.searchsorted(edges, value))
    return float(places[gap:gap + 2].mean())


def margin(value, zone) -> str:
    """In words: where, going up and down from a value, the verdict changes first."""
    def at(point: float) -> str:
        return zone.at[zone.edges.index(point)] if point in zone.edges else zone.between[
            int(np.searchsorted(zone.edges, point))]

    here, words = at(value), []
    steps = [(edge, place) for edge in zone.edges for place in ("below", "at", "above")]
    says = {(edge, "at"): word for edge, word in zip(zone.edges, zone.at)}
    says |= {(edge, "below"): word for edge, word in zip(zone.edges, zone.between)}
    says |= {(edge, "above"): word for edge, word in zip(zone.edges, zone.between[1:])}
    down = [step for step in steps if step[0] < value or step == (value, "below")]
    up = [step for step in steps if step[0] > value or step == (value, "above")]
    for side in (down[::-1], up):
        change = next((step for step in side if says[step] != here), None)
        if change:
            words.append(f"{change[1]} {change[0]:.6g} the verdict would be: {says[change]}")
    return " and ".join(words) or "and alone changes nothing"
