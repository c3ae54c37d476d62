"""A cell drawn as roads and valves, forward and backward: the LSTM, and the plain RNN as what is left without gates.

Another cell is a subclass of `Valves` with what of the LSTM's drawing it has, and `compute`; lesson 12 has the GRU.
"""

from __future__ import annotations

import numpy as np

from ... import cells, initialise
from ...screen.figure import BLUE, GREEN, INK, ORANGE, VERMILION, Figure
from .one_step import OneStep, one_step
from .roads import INPUTS, UNITS, default_lstm

WAYS = ["forward", "backward"]
WIDE = 24  # CSS pixels of a road whose size is 1
STEPS, STEP, SEQUENCES = 60, 50, 8
X, Y = (50, 606), (36, 330)  # where the roads begin and end; the heights of W_hh and of the straight road
F, SUM, OUT = 185, 330, 520  # across: the valve on the road, the sum, the branch to h_t
VALVES = {"f": (F, Y[1]), "i": (SUM, 236), "o": (OUT, 205), "r": (SUM, 84)}
LETTERS = {"f": (F + 12, 366, "left"),
           "i": (SUM + 36, 236, "left"), "o": (OUT + 36, 205, "left"), "r": (SUM - 36, 84, "right")}
ROADS = {"before": ([(X[0], Y[1]), (F, Y[1])], BLUE), "kept": ([(F, Y[1]), (SUM - 13, Y[1])], BLUE),
         "now": ([(SUM + 13, Y[1]), (OUT, Y[1])], BLUE), "after": ([(OUT, Y[1]), (X[1], Y[1])], BLUE),
         "candidate": ([(SUM, 160), (SUM, 236)], GREEN), "written": ([(SUM, 236), (SUM, Y[1] - 13)], GREEN),
         "told": ([(OUT, Y[1]), (OUT, 205)], VERMILION), "shown": ([(OUT, 205), (OUT, 80), (X[1], 80)], VERMILION)}
BRANCHES = {"f": [(F, Y[0]), (F, 296)], "i": [(255, Y[0]), (255, 236), (296, 236)], "g": [(SUM, Y[0]), (SUM, 126)],
            "r": [(400, Y[0]), (400, 84), (364, 84)], "o": [(450, Y[0]), (450, 205), (486, 205)]}
LINK = [(X[0], Y[0]), (X[0], Y[1])]  # between the state before and h_{t-1}
LINES = {part: points for part, (points, _) in ROADS.items()} | BRANCHES | {"link": LINK}
CROSSED = {"before": (F, Y[1]), "after": (563, Y[1]), "told": (OUT, 205), "f": (F, 170), "i": (255, 140),
           "g": (SUM, 80), "o": (450, 120), "link": (X[0], 183)}


class Valves(Figure):
    """One step of a cell of 32 units as roads and valves. A valve stands as open as its gate does on average.

    Forward, a road behind a valve is as wide as the share of what comes to it that passes. Backward, widths are sizes
    over |dL/ds_t|, s the state that is kept: on the straight road that of diag(gate) dL/ds_t, on a dashed way that of
    what comes to s_{t-1} through one gate's block of W_hh, where dashed ways have joined that of their sum. 24 pixels
    are 1. It is step 50 of 60 in 8 sequences, the loss reads s_60 alone, and every size is `one_step`'s.

    valves   {where on the LSTM's drawing: gate}, where is "f", "i", "o", or "r" on the candidate's way
    ways     {where: gate whose block of W_hh is on the dashed way}, from left to right; "g" leads to the candidate
    missing  roads and branches of the LSTM's drawing that this cell lacks: thin, and crossed out
    reading  branches among them that are there, but lead x_t alone
    candidate, squashed, corners  words at the candidate, at h_t's branch, and for the states above and below
    """

    size = (660, 420)
    allowed = {"way": WAYS, "scale": (0, 10)} | dict.fromkeys(("b_f", "b_i", "b_o", "b_r", "b_z"), (-40, 40))
    name, state = "", "h"
    valves: dict[str, str] = {}
    ways: dict[str, str] = {}
    missing: tuple[str, ...] = ()
    reading: tuple[str, ...] = ()
    candidate, squashed, corners = "$n$", "", ("", "", "", "")

    def __init__(self, seed: int = 0, **values):
        self.seed, self.x = seed, np.random.default_rng([seed, 1]).normal(size=(STEPS, SEQUENCES, INPUTS))
        super().__init__(**values)

    def measured(self, params: cells.CellParams) -> OneStep:
        """What `one_step` says of these parameters, with the sums of the ways that have joined."""
        gates = "".join(self.ways.values())
        joined = {gates[i:] for i in range(len(gates))} | ({"ig"} if "i" in gates else set())
        return one_step(params, self.x, STEP, self.seed, tuple(joined))

    def draw(self):
        ax = self.ax = self.panels(at=(0, 0, 1, 1), xlim=(0, self.size[0]), ylim=(0, self.size[1]), grid=False)
        ax.set_axis_off()
        for part in self.missing:
            ax.plot(*np.transpose(LINES[part]), color=INK, linewidth=1, alpha=1 if part in self.reading else .5)
            if part in CROSSED and part not in self.reading:
                ax.plot(*CROSSED[part], "x", color=INK, markersize=13, markeredgewidth=2.4)
        self.roads = {part: self.road(*own) for part, own in ROADS.items() if part not in self.missing}
        if "told" in self.roads:  # begins in the middle of the road, and below it
            self.roads["told"].set(zorder=1.9, solid_capstyle="projecting")
        starts = [X[0], *(BRANCHES[where][0][0] for where in self.ways)]
        self.dashed = {where: self.road(BRANCHES[where], ORANGE) for where in self.ways}
        self.joined = [self.road([(a, Y[0]), (b, Y[0])], ORANGE) for a, b in zip(starts, starts[1:])]
        if self.ways and "link" not in self.missing:
            self.joined.append(self.road(LINK, ORANGE))
        self.plates = {where: self.road([], INK, linewidth=6, zorder=5) for where in self.valves}
        self.letters = {where: self.word(*LETTERS[where][:2], INK, ha=LETTERS[where][2], fontweight="bold")
                        for where in self.valves}
        self.sizes = {where: self.word(BRANCHES[where][0][0] + 9, Y[0] + 24, ORANGE, fontsize=10.5)
                      for where in self.ways}
        self.title, self.straight = self.word(14, 405, INK, fontweight="bold"), self.word(60, 358, BLUE)
        self.side, self.read = self.word(60, 13, ORANGE), self.word(OUT + 16, 130, VERMILION)
        self.heads = {way: self.curve(ax, INK, mark, *np.transpose(ends), linestyle="none", markersize=11, zorder=6)
                      for way, mark, ends in zip(WAYS, "><", self.ends())}
        ax.plot(SUM, Y[1], "o", color=INK, markersize=19, markerfacecolor="none", markeredgewidth=1.6)
        ax.text(SUM, Y[1], "+", ha="center", va="center", fontsize=15)
        for place, words in ((SUM, 143), self.candidate), ((OUT + 36, 268), self.squashed):
            ax.text(*place, words, ha="center", va="center", fontsize=11,
                    bbox=dict(boxstyle="round,pad=.3", facecolor="none", edgecolor=INK) if place[0] == SUM else None)
        ax.plot([max([F, *starts[1:]]), 476], [Y[0]] * 2, color=INK, linewidth=1)
        ax.text(482, Y[0], "$x_t$", va="center", fontsize=13)
        for words, x, y in zip(self.corners, (22, 634, 22, 634), (Y[1], Y[1], Y[0], 80)):
            ax.text(x, y, words, ha="center", va="center", fontsize=13)
        ax.plot([596, 612], [22, 22], color=INK, linewidth=WIDE * .75, alpha=.5, solid_capstyle="butt")
        ax.text(SUM + 16, 190, "new", color=GREEN, va="center", fontsize=12)
        ax.text(590, 22, "this wide: 1", ha="right", va="center", fontsize=10.5)

    def road(self, points, color, linewidth=1., **line):
        """A road or a dashed way through these points, which `move` makes as wide as it is."""
        return self.curve(self.ax, color, "-", *np.transpose(points or np.empty((0, 2))), linewidth=linewidth,
                          solid_capstyle="butt", dash_capstyle="butt", solid_joinstyle="miter", **line)

    def word(self, x, y, color, **text):
        """A text at this place, which `move` gives its words."""
        return self.moving(self.ax.text(x, y, "", color=color, **{"va": "center", "fontsize": 12, **text}))

    def ends(self):
        """Where arrow heads are, forward and backward."""
        upper, lower = "after" not in self.missing, "shown" not in self.missing
        return ([(X[1] - 4, y) for y, there in ((Y[1], upper), (80, lower)) if there],
                [(X[0] + 4, Y[1] if "before" not in self.missing else Y[0])])

    def widths(self, step: OneStep) -> tuple[dict[str, float], dict[str, float], list[float]]:
        """The size of each road, of each dashed way, and of each piece on which they have joined; 1 is full width."""
        gates = "".join(self.ways.values())
        if self.values["way"] == "forward":
            passed = {where: step.passed[gate] for where, gate in self.valves.items()}
            roads = {part: 1. for part in self.roads} | {"before": 1.} | {
                part: passed[where] for part, where in (("kept", "f"), ("written", "i"), ("shown", "o"))
                if where in passed}
            return roads, dict.fromkeys(self.ways, .08), [.08] * len(self.joined)
        new = step.ways.get(self.ways.get("g"), 0.)
        out = step.read if self.state == "c" else 1.
        roads = {"before": step.straight, "kept": 1., "now": 1., "after": step.along, "candidate": new,
                 "written": step.joined.get("ig", new), "told": out, "shown": out}
        joined = [step.joined[gates[i:]] for i in range(len(gates))]
        return roads, {where: step.ways[gate] for where, gate in self.ways.items()}, joined + joined[:1]

    def move(self, step):
        back, s = self.values["way"] == "backward", self.state
        roads, dashed, joined = self.widths(step)
        for part, line in self.roads.items():
            line.set_linewidth(thick(roads[part]))
        for line, size in [*((self.dashed[where], dashed[where]) for where in self.ways), *zip(self.joined, joined)]:
            line.set_linewidth(thick(size))
            line.set_linestyle((0, (5 / thick(size), 3.5 / thick(size))))
        for where, gate in self.valves.items():
            (x, y), gap = VALVES[where], step.gates[gate] * WIDE / 2
            across, still = np.array([-30, -gap, np.nan, gap, 30]), np.zeros(5)
            self.plates[where].set_data(*((x + still, y + across) if where == "f" else (x + across, y + still)))
            self.letters[where].set_text(f"{gate} = {step.gates[gate]:.2f}")
        for where, gate in self.ways.items():
            self.sizes[where].set_text(f"{step.ways[gate]:.2f}" if back else "")
        for way, heads in self.heads.items():
            heads.set_visible(way == self.values["way"])
        self.title.set_text(f"{self.name}, " + (f"back from step {STEP} to {STEP - 1}: {step.whole:.2f} of |dL/d{s}| "
                                                f"arrives" if back else f"step {STEP} forward"))
        self.straight.set_text("no straight road" if "before" in self.missing else f"straight: {step.straight:.2f}"
                               if back else f"kept: {roads['kept']:.2f}")
        self.side.set_text("" if not self.ways else f"through W_hh: {step.through:.2f}" if back else
                           "dashed: h is read through W_hh")
        self.read.set_text("" if "shown" in self.missing else "the state" if s == "h" else
                           f"from h: {step.read:.2f}" if back else f"shown: {roads['shown']:.2f}")

    def describe(self, step):
        gates = ", ".join(f"{gate} at {step.gates[gate]:.2f}" for gate in self.valves.values())
        words = f"One step of {self.name} as roads and valves, {f'open on average {gates}' if gates else 'no valve'}. "
        if self.values["way"] == "backward":
            return words + (f"Backward, of |dL/d{self.state}_t| {step.straight:.2f} comes to step t - 1 by the "
                            f"straight road, {step.through:.2f} through W_hh, and {step.whole:.2f} by all ways "
                            f"together.")
        passing = ", ".join(f"{gate} lets {step.passed[gate]:.2f}" for gate in self.valves.values())
        return words + (f"Forward, of what comes to it {passing} pass." if passing else
                        "Forward, nothing passes around W_hh." if self.ways else "")


def thick(size: float) -> float:
    """The width of a line in points: 24 CSS pixels for size 1, and at least one, so that it is seen."""
    return .75 * max(WIDE * size, 1.)


def without(params: cells.LSTMParams, gates: str) -> cells.LSTMParams:
    """Return an LSTM in which these gates, letters of "ifo", stand at exactly 1: no weights, and a bias of 40."""
    changed = cells.LSTMParams(*(array.copy() for array in params))
    for gate in gates:
        for array, value in zip(changed, (0., 0., 40.)):
            np.split(array, 4)["ifgo".index(gate)][...] = value
    return changed


class LSTMValves(Valves):
    """The LSTM as torch draws it, with all biases of a gate at one value; gates can be left out, to build it up.

    gates  which it has, letters of "fio"; the others are not drawn, stand at 1, and their bias does nothing
    way    "forward" or "backward"
    b_f, b_i, b_o  the gates' biases
    errors  ValueError for other letters
    """

    name, state = "LSTM", "c"
    labels = {"b_f": "forget bias b_f", "b_i": "input bias b_i", "b_o": "output bias b_o"}
    candidate, squashed, corners = "$g$: tanh", "tanh", ("$c_{t-1}$", "$c_t$", "$h_{t-1}$", "$h_t$")

    def __init__(self, gates: str = "fio", seed: int = 0, **values):
        if not set(gates) <= set("fio"):
            raise ValueError(f'gates is {gates!r}, needs letters of "fio".')
        self.valves = {gate: gate for gate in "fio" if gate in gates}
        self.ways = {gate: gate for gate in "figo" if gate in gates + "g"}
        super().__init__(seed, **values)

    def compute(self, way="backward", b_f=0., b_i=0., b_o=0.):
        params = default_lstm(self.seed)
        for bias, value in zip(np.split(params.b_h, 4), (b_i, b_f, None, b_o)):
            bias[...] = bias if value is None else value
        return self.measured(without(params, "".join(set("ifo") - set(self.valves))))


class RNNValves(Valves):
    """What is left of the drawing for the RNN as torch draws it: no straight road and no valves, W_hh alone.

    way    "forward" or "backward"
    scale  what W_hh is multiplied by
    """

    name = "RNN"
    labels = {"scale": "W_hh times"}
    ways = {"g": "h"}
    missing = "before", "kept", "after", "f", "i", "o", "link"
    candidate, corners = "tanh", ("", "", "$h_{t-1}$", "$h_t$")

    def compute(self, way="backward", scale=1.):
        params = initialise.torch_default(INPUTS, UNITS, np.random.default_rng(self.seed))
        return self.measured(params._replace(W_hh=scale * params.W_hh))
