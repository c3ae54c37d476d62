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
LEGEND = 24  # CSS pixels below the plan
STEPS, STEP, SEQUENCES = 60, 50, 8
X, Y = (50, 606), (36, 330)  # where the roads begin and end; the heights of W_hh and of the straight road
F, SUM, OUT = 185, 330, 500  # across: the valve on the road, the sum, the branch to h_t
VALVES = {"f": (F, Y[1]), "i": (SUM, 236), "o": (OUT, 205), "r": (SUM, 84)}
LETTERS = {"f": (F + 12, 291), "i": (SUM + 36, 236), "o": (OUT + 36, 205), "r": (408, 104)}
ROADS = {"before": ([(X[0], Y[1]), (F, Y[1])], BLUE), "kept": ([(F, Y[1]), (SUM - 13, Y[1])], BLUE),
         "now": ([(SUM + 13, Y[1]), (OUT, Y[1])], BLUE), "after": ([(OUT, Y[1]), (X[1], Y[1])], BLUE),
         "candidate": ([(SUM, 167), (SUM, 236)], GREEN), "written": ([(SUM, 236), (SUM, Y[1] - 13)], GREEN),
         "told": ([(OUT, Y[1]), (OUT, 205)], VERMILION), "shown": ([(OUT, 205), (OUT, 80), (X[1], 80)], VERMILION)}
BRANCHES = {"f": [(F, Y[0]), (F, 296)], "i": [(255, Y[0]), (255, 236), (296, 236)], "g": [(SUM, Y[0]), (SUM, 119)],
            "r": [(400, Y[0]), (400, 84), (364, 84)], "o": [(435, Y[0]), (435, 205), (OUT - 34, 205)]}
LINK = [(X[0], Y[0]), (X[0], Y[1])]  # between the state before and h_{t-1}
LINES = {part: points for part, (points, _) in ROADS.items()} | BRANCHES | {"link": LINK}
CROSSED = {"told": (OUT, 160, "left"), "i": (255, 165, "right"), "link": (X[0], 183, "left")}


class Valves(Figure):
    """One step of a cell of 32 units as roads and valves. A valve stands as open as its gate does on average.

    Forward, a road behind a valve is as wide as the share of what comes to it that passes. Backward, widths are sizes
    over |dL/ds_t|, s the state that is kept: on the straight road that of diag(gate) dL/ds_t, on a dashed way that of
    what comes to s_{t-1} through one gate's block of W_hh, where dashed ways have joined that of their sum. 24 pixels
    are 1. It is step 50 of 60 in 8 sequences, the loss reads s_60 alone, and every size is `one_step`'s.

    valves   {where on the LSTM's drawing: gate}, where is "f", "i", "o", or "r" on the candidate's way
    ways     {where: gate whose block of W_hh is on the dashed way}, from left to right; "g" leads to the candidate
    gates    {where: what this valve is called}
    plan     {road: (its points, its color)}
    missing  {road or branch of the LSTM that this cell lacks, drawn thin: what is said where it is crossed out, or ""}
    candidate, corners  words at the candidate, and for the states above and below
    shows    words on the way from the state to what is shown, at its end, and beside it where that is h: ahead, back
    """

    size = (660, 444)
    allowed = {"way": WAYS, "scale": (0, 10)} | dict.fromkeys(("b_f", "b_i", "b_o", "b_r", "b_z"), (-40, 40))
    name, state = "", "h"
    valves: dict[str, str] = {}
    ways: dict[str, str] = {}
    gates = {"f": "forget gate", "i": "input gate", "o": "output gate"}
    plan = ROADS
    missing: dict[str, str] = {}
    candidate, corners = "candidate\n$n$", ("", "", "", "")
    shows = ("through\ntanh", "the state", "the new state", "the new state")

    def __init__(self, seed: int = 0, **values):
        self.seed, self.x = seed, np.random.default_rng([seed, 1]).normal(size=(STEPS, SEQUENCES, INPUTS))
        super().__init__(**values)

    def measured(self, params: cells.CellParams) -> OneStep:
        """What `one_step` says of these parameters, with the sums of the ways that have joined."""
        gates = "".join(self.ways.values())
        joined = {gates[i:] for i in range(len(gates))} | ({"ig"} if "i" in gates else set())
        return one_step(params, self.x, STEP, self.seed, tuple(joined))

    def draw(self):
        top = self.size[1] - LEGEND
        ax = self.ax = self.panels(at=(0, 0, 1, 1), xlim=(0, self.size[0]), ylim=(-LEGEND, top), grid=False)
        ax.set_axis_off()
        for part, words in self.missing.items():
            ax.plot(*np.transpose(LINES[part]), color=INK, linewidth=1, alpha=.5 if part in ("told", "shown") else 1)
            if words:
                x, y, ha = CROSSED[part]
                ax.plot(x, y, "x", color=INK, markersize=13, markeredgewidth=2.4)
                ax.text(x + (14 if ha == "left" else -14), y, words, ha=ha, va="center", fontsize=10)
        self.roads = {part: self.road(*own) for part, own in self.plan.items() if part not in self.missing}
        if "told" in self.roads:  # begins in the middle of the road, and below it
            self.roads["told"].set(zorder=1.9, solid_capstyle="projecting")
        starts = [X[0], *(BRANCHES[where][0][0] for where in self.ways)]
        self.dashed = {where: self.road(BRANCHES[where], ORANGE) for where in self.ways}
        self.joined = [self.road([(a, Y[0]), (b, Y[0])], ORANGE) for a, b in zip(starts, starts[1:])]
        if self.ways and "before" in self.roads:
            self.joined.append(self.road(LINK, ORANGE))
        self.plates = {where: self.road([], INK, linewidth=6, zorder=5) for where in self.valves}
        self.letters = {where: self.word(*LETTERS[where], INK, fontsize=10.5, fontweight="bold")
                        for where in self.valves}
        self.sizes = {where: self.word(BRANCHES[where][0][0] + 9, Y[0] + 24, ORANGE, fontsize=10.5)
                      for where in self.ways}
        self.title, self.straight = self.word(14, top - 15, INK, fontweight="bold"), self.word(60, 373, BLUE)
        self.ahead, self.written = self.word(X[1], 373, BLUE, ha="right"), self.word(SUM + 17, 285, GREEN)
        self.sum = self.word(SUM - 35, 373, INK, fontsize=10)
        reads = ("--", ORANGE) if self.ways else ("-", INK)
        self.side, self.read = self.word(60, 12, reads[1], fontsize=10.5), self.word(OUT + 17, 130, VERMILION)
        self.link, self.wide = self.word(60, 150, ORANGE, fontsize=10.5), self.word(40, -9, INK, fontsize=10)
        self.heads = {way: self.curve(ax, INK, mark, *np.transpose(ends), linestyle="none", markersize=11, zorder=6)
                      for way, mark, ends in zip(WAYS, "><", self.ends())}
        if "written" in self.roads:
            ax.plot(SUM, Y[1], "o", color=INK, markersize=19, markerfacecolor="none", markeredgewidth=1.6)
            ax.text(SUM, Y[1], "+", ha="center", va="center", fontsize=15)
            ax.text(SUM + 17, 196, "new", color=GREEN, va="center", fontsize=12)
        if "told" in self.roads:
            ax.text(OUT + 17, 270, self.shows[0], va="center", fontsize=11)
            ax.text(X[1], 56, self.shows[1], color=VERMILION, ha="right", va="center", fontsize=12)
        if "shown" in self.roads and self.ways:
            ax.text(60, Y[0] + 24, "state before", color=ORANGE, va="center", fontsize=10.5)
        ax.text(SUM, 143, self.candidate, ha="center", va="center", fontsize=11,
                bbox=dict(boxstyle="round,pad=.3", facecolor="none", edgecolor=INK))
        low = Y[0] - 8 * bool(self.ways)  # x_t has a line of its own, from which it joins each dashed way
        ax.plot([min(starts[1:] or [F]), 476], [low] * 2, color=INK, linewidth=1)
        past = SUM - 36 if "r" in self.valves else SUM  # the reset gate shuts out the state alone: x_t goes past it
        joins = [past if x == SUM else x for x in starts[1:]]
        ax.vlines(joins, low, [119 if x == SUM - 36 else Y[0] for x in joins], color=INK, linewidth=1)
        for words, x, y in zip((*self.corners, "$x_t$, input"), (22, 634, 22, 634, 518), (Y[1], Y[1], Y[0], 80, low)):
            ax.text(x, y, words, ha="center", va="center", fontsize=13)
        ax.plot([14, 30], [-9, -9], color=INK, linewidth=WIDE * .75, alpha=.5, solid_capstyle="butt")
        ax.plot([14, 50], [12, 12], reads[0], color=reads[1], linewidth=1.2)
        if self.valves:
            ax.plot([300, 312, np.nan, 320, 332], [-9] * 5, color=INK, linewidth=6, solid_capstyle="butt")
            ax.text(340, -9, "a gate, open as far as its number says", va="center", fontsize=10)

    def road(self, points, color, linewidth=1., **line):
        """A road or a dashed way through these points, which `move` makes as wide as it is."""
        return self.curve(self.ax, color, "-", *np.transpose(points or np.empty((0, 2))), linewidth=linewidth,
                          solid_capstyle="butt", dash_capstyle="butt", solid_joinstyle="miter", **line)

    def word(self, x, y, color, **text):
        """A text at this place, which `move` gives its words."""
        return self.moving(self.ax.text(x, y, "", color=color, **{"va": "center", "fontsize": 12, **text}))

    def ends(self):
        """Where arrow heads are, forward and backward."""
        return ([(X[1] - 4, y) for part, y in (("after", Y[1]), ("shown", 80)) if part in self.roads],
                [(X[0] + 4, Y[1] if "before" in self.roads else Y[0])])

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
        out = step.read if "told" in self.roads else 1.
        roads = {"before": step.straight, "kept": 1., "now": 1., "after": step.along, "candidate": new,
                 "written": step.joined.get("ig", new), "told": out, "shown": out}
        joined = [step.joined[gates[i:]] for i in range(len(gates))]
        return roads, {where: step.ways[gate] for where, gate in self.ways.items()}, joined + joined[:1]

    def move(self, step):
        way, s = self.values.get("way", "forward"), self.state
        back = way == "backward"
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
            self.letters[where].set_text(f"{self.gates[where]}\n{gate} = {step.gates[gate]:.2f}")
        for where, gate in self.ways.items():
            self.sizes[where].set_text(f"{step.ways[gate]:.2f}" if back else "")
        for where, heads in self.heads.items():
            heads.set_visible(where == way)
        self.title.set_text(f"{self.name}, {'back from' if back else 'step'} t = {STEP}" + (
            f": {step.whole:.2f} of |dL/d{s}| arrives" if back else ", forward"))
        self.wide.set_text(f"a road, this wide: {f'|dL/d{s}|' if back else 'all of it'}")
        self.side.set_text("reads x alone, through weights" if not self.ways else f"through W_hh: {step.through:.2f}"
                           if back else "reads through weights: h by W_hh; solid: x by W_xh")
        if "shown" in self.roads:
            self.read.set_text(self.shows[2 + back] if s == "h" else f"from h: {step.read:.2f}" if back else
                               f"shown: {roads['shown']:.2f}")
        if "before" in self.roads:
            self.straight.set_text(f"straight: {step.straight:.2f}" if back else
                                   f"the {'cell' if s == 'c' else 'state'}, kept: {roads['kept']:.2f}")
            self.ahead.set_text(f"from step t + 1: {step.along:.2f}" if back else "to the next step")
            self.sum.set_text(f"together: |dL/d{s}|" if back else "the sum: all of it anew")
            self.written.set_text("" if back else f"written: {roads['written']:.2f}")
        if s == "c":  # forward, h before was made a step ago
            self.link.set_text("h before was\nmade of c" if back else "")
            self.joined[-1].set_visible(back)

    def describe(self, step):
        gates = ", ".join(f"{gate} at {step.gates[gate]:.2f}" for gate in self.valves.values())
        words = f"{self.name}: one step as roads and valves, {f'open on average {gates}' if gates else 'no valve'}. "
        if self.values["way"] == "backward":
            return words + (f"Backward, of |dL/d{self.state}_t| {step.straight:.2f} comes to step t - 1 by the "
                            f"straight road, {step.through:.2f} through W_hh, and {step.whole:.2f} by all ways.")
        passing = ", ".join(f"{gate} lets {step.passed[gate]:.2f}" for gate in self.valves.values())
        return words + (f"Forward, of what comes to it {passing} pass." if passing else
                        "Forward, all of the cell is kept, all of the candidate is written." if "before" in self.roads
                        else "Forward, the whole state is made anew, of h_{t-1} through W_hh and of x_t.")


def thick(size: float) -> float:
    """The width of a line in points: 24 CSS pixels for size 1 or -1, 1 to 60 of them, so that it is seen and covers no
    other."""
    return .75 * min(max(WIDE * abs(size), 1.), 60.)


def without(params: cells.LSTMParams, gates: str, bias: float | np.ndarray = 40.) -> cells.LSTMParams:
    """Return an LSTM in which these gates, letters of "ifo", have this bias and no weights: with 40 they stand at 1."""
    changed = cells.LSTMParams(*(array.copy() for array in params))
    for gate in gates:
        for array, value in zip(changed, (0., 0., bias)):
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
    candidate, corners = "candidate\n$g$: tanh", ("$c_{t-1}$", "$c_t$", "$h_{t-1}$", "$h_t$")

    def __init__(self, gates: str = "fio", seed: int = 0, **values):
        if not set(gates) <= set("fio"):
            raise ValueError(f'gates is {gates!r}, needs letters of "fio".')
        self.valves = {gate: gate for gate in "fio" if gate in gates}
        self.ways = {gate: gate for gate in "figo" if gate in gates + "g"}
        names = {"": "A cell without gates", "f": "A cell with a forget gate", "fi": "A cell with two gates"}
        self.name = names.get(gates, "LSTM")
        super().__init__(seed, **values)

    def compute(self, way="backward", b_f=0., b_i=0., b_o=0.):
        params = default_lstm(self.seed)
        for bias, value in zip(np.split(params.b_h, 4), (b_i, b_f, None, b_o)):
            bias[...] = bias if value is None else value
        return self.measured(without(params, "".join(set("ifo") - set(self.valves))))


class RNNValves(Valves):
    """The RNN as torch draws it, on the LSTM's plan: no straight road and no valves, W_hh alone.

    way    "forward" or "backward"
    scale  what W_hh is multiplied by
    """

    size, name = (660, 226), "RNN"
    labels = {"scale": "W_hh times"}
    ways = {"g": "h"}
    plan = {"shown": ([(SUM + 27, 143), (OUT, 143), (OUT, 80), (X[1], 80)], VERMILION)}
    candidate, corners = "tanh", ("", "", "$h_{t-1}$", "$h_t$")

    def compute(self, way="backward", scale=1.):
        params = initialise.torch_default(INPUTS, UNITS, np.random.default_rng(self.seed))
        return self.measured(params._replace(W_hh=scale * params.W_hh))
