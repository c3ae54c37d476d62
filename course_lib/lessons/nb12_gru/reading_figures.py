"""The figures of a real text: networks write, one unit tells something, a prediction leans on earlier letters, what a
longer context gives."""

from __future__ import annotations

import numpy as np

from ...screen.figure import BLUE, GREEN, INK, ORANGE, VERMILION, Figure
from ...screen.kit import apart
from . import reading
from .reading import FACTS, LETTERS, SIZES, words_of

COLOURS = {"tanh": (BLUE, "-."), "LSTM": (GREEN, "--"), "GRU": (VERMILION, "-")}
TEMPERATURES = np.arange(1, 16) / 10
BEGIN = "the gradient "
MONO = dict(family="DejaVu Sans Mono")


def visible(text: str) -> str:
    """The text with a sign for the end of a line."""
    return text.replace("\n", "¶")


def passage(line: str | None, begin: int, most: int) -> str:
    """The test lessons up to `begin`, and then a line of one's own, or the `most` letters that follow there.

    errors  TypeError for a line that is no text, ValueError for one without 2 to `most` letters
    """
    text = reading.prose("test")
    if not isinstance(line, str | None):
        raise TypeError(f"line is {line!r}, needs a text in quotation marks.")
    if line is not None and not 2 <= len(line) <= most:
        raise ValueError(f"line has {len(line)} letters, needs 2 to {most}, for which there is room.")
    return text[:begin + most] if line is None else text[:begin] + line


class Writing(Figure):
    """What the three networks write after "the gradient ", each letter drawn at a temperature, with the same dice.

    temperature  .1 to 1.5: 1 draws as the network says, less prefers the likeliest
    dice         which random numbers
    """

    size = (900, 236)
    LINE, DICE = 84, 10
    allowed = {"temperature": (TEMPERATURES[0], TEMPERATURES[-1]), "dice": (0, DICE - 1)}

    def draw(self):
        every = np.array([(temperature, dice) for dice in range(self.DICE) for temperature in TEMPERATURES])
        self.texts = {kind: reading.write(reading.readers(kind)[0], BEGIN, self.LINE - len(BEGIN),
                                          every[:, 0], every[:, 1].astype(int)) for kind in SIZES}
        self.words = set(words_of(reading.prose("train")))
        self.lines, self.shares = {}, {}
        self.title, = self.key(self.fig, (.01, .98, "", INK), fontsize=10.5, fontweight="bold")
        for row, (kind, (colour, _)) in enumerate(COLOURS.items()):
            height = .86 - row * .29
            self.key(self.fig, (.01, height, kind, colour), fontsize=10.5, fontweight="bold")
            self.shares[kind], = self.key(self.fig, (.08, height, "", INK))
            self.lines[kind], = self.key(self.fig, (.01, height - .115, "", INK), fontsize=12.5, **MONO)

    def compute(self, temperature=.5, dice=0):
        place = len(TEMPERATURES) * dice + round(10 * temperature) - 1
        return {kind: BEGIN + texts[place] for kind, texts in self.texts.items()}

    def known(self, *texts: str) -> np.ndarray:
        """(2,): how many of the words the lessons have, and how many there are, but for the last, often cut."""
        words = [word for text in texts for word in words_of(text[len(BEGIN):])[:-1]]
        return np.array([sum(word in self.words for word in words), len(words)])

    def move(self, texts):
        every = [self.compute(self.values["temperature"], dice) for dice in range(self.DICE)]
        known, of = np.transpose([self.known(*(texts[kind] for texts in every)) for kind in texts])
        self.title.set_text(f"At temperature {self.values['temperature']:.1f}, {min(known / of):.0%} to "
                            f"{max(known / of):.0%} of their words occur in the lessons (all {self.DICE} dice, "
                            f"{of.min()} words or more each)")
        for kind, text in texts.items():
            self.shares[kind].set_text("{} of these {} words occur in the lessons".format(*self.known(text)))
            self.lines[kind].set_text(visible(text))

    def describe(self, texts):
        said = "; ".join("{}, {} of these {} words do: {}".format(kind, *self.known(text), visible(text[:60]))
                         for kind, text in texts.items())
        return f"What three networks write. {self.title.get_text()}. {said}."


class OneUnit(Figure):
    """What one unit of a network holds at each letter of a passage, and where a fact is true that it might tell.

    network, fact  one of the three kinds, one of reading.FACTS
    place          1 is the unit that tells the fact best in lesson 08
    line           of your own, read after what stands before our passage; without it, ours
    seed           which of the five networks of each kind
    errors         as `passage`; ValueError for letters that the networks never read
    """

    size = (900, 316)
    labels = {"fact": "what it might tell", "place": "unit, 1 the best in lesson 08"}
    allowed = {"network": list(SIZES), "fact": list(FACTS), "place": (1, min(SIZES.values()))}
    ROWS = 13723, 13802, 13887, 13961  # where rows begin in the test lessons, and where the last ends
    LEVELS, HIGH = (.1, .4, .7, np.inf), 22  # tints begin at these shares of the largest size; it in CSS pixels

    def __init__(self, line: str | None = None, seed: int = 0, **values):
        self.readers, begin = {kind: reading.readers(kind)[seed] for kind in SIZES}, self.ROWS[0]
        self.read = passage(line, begin, self.ROWS[-1] - begin)
        self.rows = self.ROWS[:-1] if line is None else range(begin, len(self.read), 84)
        super().__init__(**values)

    def draw(self):
        begin, read = self.ROWS[0], reading.codes(self.read)[self.ROWS[0] - 96:, None]
        self.shares = {kind: reading.tells(network)[:, :len(FACTS)] for kind, network in self.readers.items()}
        self.alone = dict(zip(FACTS, reading.best_units(reading.by_letter)))
        self.states = {kind: reading.held(network, read)[96:, 0] for kind, network in self.readers.items()}
        self.text = self.read[begin:]
        self.true = {fact: true[begin:] for fact, true in reading.facts(self.read).items()}
        places = np.arange(begin, len(self.read))
        rows = np.searchsorted(self.rows, places, "right") - 1
        self.x, self.y = 10.2 * (places - np.take(self.rows, rows)), -82 * rows
        ax = self.panels(at=(.01, 0, .98, .8), xlim=(-12, 870), ylim=(-200, 48))
        ax.axis("off")
        for x, y, letter in zip(self.x, self.y, visible(self.text)):
            ax.text(x, y, letter, ha="center", va="center", fontsize=10, **MONO)
        self.tints = [[self.curve(ax, color, linewidth=12, solid_capstyle="butt", alpha=.08 * level)
                       for level in (1, 2, 3)] for color in (ORANGE, BLUE)]
        self.bars = [self.curve(ax, color, linewidth=5, solid_capstyle="butt") for color in (ORANGE, BLUE)]
        self.marks = self.curve(ax, INK, linewidth=2.2, solid_capstyle="butt")
        self.title, self.words = self.key(self.fig, (.01, .985, "", INK), (.01, .91, "", INK))
        self.title.set(fontsize=10.5, fontweight="bold")
        self.key(ax, (0, 1.05, "above a letter: its state is above 0", ORANGE), (.26, 1.05, "below: under 0", BLUE),
                 (.39, 1.05, "gray line: here it is true", INK))

    def compute(self, network="GRU", fact="in brackets", place=1):
        shares = self.shares[network][:, FACTS.index(fact)]
        unit = int(np.argsort(-np.abs(shares[0] - .5))[place - 1])
        low = bool(shares[0, unit] < .5)
        return unit, self.states[network][:, unit], low, np.abs(shares[:, unit] - low)  # right in this share of pairs

    def move(self, found):
        unit, states, low, right = found
        shares = states / np.abs(states).max()

        def pieces(where, line, left, right, low, high):  # a line across each of these letters
            x, y, gap = self.x[where], self.y[where], np.full(where.sum(), np.nan)
            line.set_data(np.ravel([x + left, x + right, gap], "F"), np.ravel([y + low, y + high, gap], "F"))

        for sign, tints, bars in zip((1, -1), self.tints, self.bars):
            size = sign * shares
            for tint, least, most in zip(tints, self.LEVELS, self.LEVELS[1:]):
                pieces((size >= least) & (size < most), tint, -5.1, 5.1, 0, 0)
            pieces(size > .02, bars, 0, 0, sign * 8, (sign * 8 + self.HIGH * shares)[size > .02])
        pieces(self.true[self.values["fact"]], self.marks, -5.1, 5.1, 36, 36)
        network, fact, place = self.values.values()
        which = f"{'hc'[unit // SIZES[network]]} of unit {unit % SIZES[network]}"
        self.title.set_text(f"{network}, {which}: {'lower' if low else 'higher'} where “{fact}” is true, "
                            f"in {right[1]:.0%} of all pairs of letters in lessons 05 and 11")
        self.words.set_text(f"In lesson 08 number {place} of {self.shares[network].shape[2]}, with {right[0]:.0%}.  "
                            f"The last letter alone: {self.alone[fact]:.0%}.  Chance: 50%.  "
                            f"A full bar: {np.abs(states).max():.1f}.")

    def describe(self, found):
        states, true = found[1], self.true[self.values["fact"]]
        here, elsewhere = (f"{states[where].mean():.2f}" if where.any() else "none" for where in (true, ~true))
        return (f"{self.title.get_text()}. {self.words.get_text()} In these {len(true)} letters its mean is {here} "
                f"at the {true.sum()} where it is true, and {elsewhere} at the others.")


class Leaning(Figure):
    """By how many bits each prediction would change, to first order, if an earlier letter were another one.

    Beside it the likeliest ways to end the word that has begun, each with its probability, from `reading.completions`.

    line      of your own, read after what stands before ours in the lessons; without it, ours
    position  which letter of the line is predicted, counted from 0
    errors    as `passage`; ValueError for letters that the networks never read
    """

    size = (900, 548)
    labels = {"position": "letter to be predicted"}
    LINE, READ = 84, 96  # letters that are shown at most; letters that are read before a prediction
    BEGIN = 13101  # where the line begins in the test lessons
    LOW, HIGH, STRIP, TINT = -4, 1, -4.6, -5.12  # heights: of the axis, of the letters, of the tints under them
    DECADES, WAYS, SPAN = (-3, -2, -1, 0), 5, -5.75

    def __init__(self, line: str | None = None, **values):
        self.read = passage(line, self.BEGIN, self.LINE)
        self.line = self.read[self.BEGIN:]
        self.allowed = {"position": (1, len(self.line) - 1)}
        super().__init__(**{"position": min(60, len(self.line) - 1)} | values)

    def draw(self):
        numbers = reading.codes(self.read)[self.BEGIN - self.READ:]
        windows = np.lib.stride_tricks.sliding_window_view(numbers, self.READ + 1).T
        self.sizes, self.bits, self.ways = {}, {}, {}
        for kind in SIZES:
            network = reading.readers(kind)[0]
            self.ways[kind] = reading.completions(network, windows[:-1], self.WAYS)
            self.bits[kind] = reading.surprise(network, windows)[-1]
            with np.errstate(divide="ignore"):
                self.sizes[kind] = np.log10(reading.leans(network, windows))
        panels = self.panels(*(dict(
            at=(.07, .685 - .315 * row, .75, .25), xlim=(-.5, self.LINE - .5), ylim=(self.TINT - .16, self.HIGH),
            xticks=[], yticks=range(self.LOW, self.HIGH + 1), yticklabels=["10⁻⁴", ".001", ".01", ".1", "1", "10"],
            ylabel="bits") for row in range(len(SIZES))))
        self.title, = self.key(panels[0], (0, 1.225, "", INK), fontsize=10.5, fontweight="bold")
        panels[0].text(0, 1.015, "Bars, and tints as at the axis: bits by which another letter would change the "
                       "frame's surprise, to first order", transform=panels[0].transAxes)
        self.bars, self.tints, self.marks, self.words, self.ends, self.spans, self.names = {}, {}, {}, {}, {}, {}, {}
        for ax, (kind, (colour, _)) in zip(panels, COLOURS.items()):
            for x, letter in enumerate(self.line):
                ax.text(x, self.STRIP, visible(letter), ha="center", va="center", fontsize=9, **MONO)
            self.bars[kind] = self.curve(ax, colour, linewidth=3, solid_capstyle="butt")
            ax.tick_params(axis="y", length=0, pad=11)
            self.tints[kind] = [self.curve(ax, colour, linewidth=5, solid_capstyle="butt", alpha=alpha)
                                for alpha in (.2, .4, .65, 1)]
            for low, tint in zip(self.DECADES, self.tints[kind]):  # the key
                ax.fill_between((-1.8, -.6), low, low + 1, color=colour, alpha=tint.get_alpha(), lw=0, clip_on=False)
            self.marks[kind] = self.curve(ax, INK, linewidth=1.6)
            self.spans[kind] = self.curve(ax, INK, "-|", linewidth=1.4, markersize=8, clip_on=False)
            self.names[kind] = self.moving(ax.text(0, self.SPAN - .3, "", ha="center", va="top", fontsize=9))
            self.key(ax, (1.015, 1, kind, colour), fontsize=10.5, fontweight="bold")
            self.ends[kind], = self.key(ax, (1.015, .85, "", INK), fontsize=9, linespacing=1.3, **MONO)
            self.words[kind], = self.key(ax, (1.015, .2, "", INK), fontsize=9, linespacing=1.3)

    def compute(self, position=60):
        back = np.arange(position)
        return {kind: sizes[self.READ - position + back, position] for kind, sizes in self.sizes.items()}

    def reach(self, sizes: np.ndarray, level: float) -> int:
        """How many letters back is the farthest on which the prediction leans by at least 10^level bits; 0: none."""
        leaned = np.flatnonzero(sizes >= level)
        return len(sizes) - leaned[0] if len(leaned) else 0

    def move(self, data):
        position, reached = self.values["position"], {kind: self.reach(sizes, -2) for kind, sizes in data.items()}
        said = ", ".join(f"{reach} ({kind})" for kind, reach in reached.items())
        self.title.set_text(f"Predicting {self.named(position)}, each leans by .01 bits or more "
                            f"on letters up to {said} back")
        for kind, sizes in data.items():
            begin = position - reached[kind]
            self.spans[kind].set_data([begin, position - 1][:reached[kind]], [self.SPAN, self.SPAN][:reached[kind]])
            self.names[kind].set(x=np.clip((begin + position - 1) / 2, 16, self.LINE - 18),
                                 text="leans by .01 bits or more on " + (f"letters up to {reached[kind]} back"
                                                                              if reached[kind] else "no letter"))
            x, gap, seen = np.arange(position), np.full(position, np.nan), np.where(sizes > self.LOW, sizes, np.nan)
            self.bars[kind].set_data(np.stack([x, x, gap], 1).ravel(),
                                     np.stack([np.full(position, self.LOW), seen, gap], 1).ravel())
            for low, tint in zip(self.DECADES, self.tints[kind]):
                inside = x[(sizes >= low) & (sizes < (low + 1 if low < self.DECADES[-1] else np.inf))]
                tint.set_data(np.stack([inside - .5, inside + .5, np.full(len(inside), np.nan)], 1).ravel(),
                              np.full(3 * len(inside), self.TINT))
            self.marks[kind].set_data([position - .5, position - .5, position + .5, position + .5, position - .5],
                                      self.STRIP + np.array([-.34, .36, .36, -.34, -.34]))
            ways = self.likely(kind)
            self.ends[kind].set_text("\n".join(f"{p:4.0%} {word[:16]}" for word, p in ways))
            self.words[kind].set_text(f"together {sum(p for _, p in ways):.0%} of all\n"
                                      f"{self.named(position)}: {2.**-self.bits[kind][position]:.1%}")

    def named(self, position: int) -> str:
        """The letter in words."""
        return {"\n": "the line's end", " ": "the space"}.get(self.line[position], f"“{self.line[position]}”")

    def likely(self, kind: str) -> list[tuple[str, float]]:
        """How the word may go on, a dot after what was read of it, and how likely that is: from half a percent on."""
        line = self.line[:self.values["position"]]
        begun = words_of(line)[-1] + "·" if line[-1:].isalpha() else ""
        return [(begun + letters or "no word", p) for letters, p in self.ways[kind][len(line)] if p >= .005]

    def describe(self, data):
        position = self.values["position"]
        best = {kind: " or ".join(f"“{word}” {p:.0%}" for word, p in self.likely(kind)[:2]) for kind in data}
        said = "; ".join(
            f"{kind} leans by .01 bits or more on letters up to {self.reach(sizes, -2)} back, by .1 or more on "
            f"{(sizes >= -1).sum()} of them, goes on with {best[kind]}, gave it {2.**-self.bits[kind][position]:.2g}"
            for kind, sizes in data.items())
        return f"Predicting {self.named(position)} after “{visible(self.line[:position][-30:])}”: {said}."


class ByContext(Figure):
    """Bits a letter in the test lessons by how many of the last letters are read: five networks a kind, and counts."""

    size = (900, 380)
    COUNTED = range(9)

    def draw(self):
        numbers = reading.codes(reading.prose("test"))
        self.curves = {kind: reading.stored(f"{kind}.context") for kind in SIZES}
        self.counts = [reading.counted(n, numbers).mean() for n in self.COUNTED]
        longest = self.curves["GRU"].shape[1]
        left, right = self.panels(
            dict(at=(.07, .15, .36, .75), title="The last 9 letters give all but .05 bits", xscale="log",
                 xlabel="letters that are read", ylabel="bits a letter", xlim=(1, longest), ylim=(1.5, 3.8)),
            dict(at=(.59, .15, .39, .75), title="Past 22 letters only GRUs gain .001 bits", yscale="log",
                 xlabel="letters that are read", ylabel="bits still to gain", xlim=(1, 48), ylim=(1e-3, 3)))
        for ax, ticks in ((left, (1, 2, 5, 10, 20, 50, 96)), (right, (1, 8, 16, 24, 32, 40, 48))):
            ax.set_xticks(ticks, labels=ticks)
            ax.minorticks_off()
        ends = []
        for kind, (colour, dash) in COLOURS.items():
            for curve in self.curves[kind]:
                left.plot(np.arange(1, longest + 1), curve, dash, color=colour, linewidth=1)
                right.plot(np.arange(1, 49), np.maximum(curve[:48] - curve[-1], 1e-9), dash, color=colour, linewidth=1)
            ends.append(self.curves[kind][:, -1].mean())
        left.plot(self.COUNTED[1:], self.counts[1:], "o", color=INK, markersize=5)
        left.text(3, 1.7, "counts", color=INK)
        low, high = left.get_ylim()
        heights = apart((np.array(ends) - low) / (high - low), .075)
        for kind, y, end, dash in zip(SIZES, heights, ends, ("─·", "╌╌", "──")):
            self.key(left, (1.02, y, f"{dash} {kind} {end:.2f}", COLOURS[kind][0]), va="center")
            self.key(right, (.55, .6 + y, f"{dash} {kind}", COLOURS[kind][0]))

    def needed(self, kind: str, missing: float) -> np.ndarray:
        """How many letters each network must read to be within so many bits of what it reaches with all, (5,)."""
        curve = self.curves[kind]
        return 1 + np.argmax(curve < curve[:, -1:] + missing, axis=1)

    def describe(self, _):
        said = (", ".join(f"{kind} {self.needed(kind, bits).min()} to {self.needed(kind, bits).max()}" for kind in SIZES)
                for bits in (.05, .01))
        return (f"Bits a letter by how many of the last letters are read. Letters needed to be within .05 bits of what "
                f"a network reaches with 96: {'; within .01 bits: '.join(said)}. The best count, {np.argmin(self.counts)} letters back, has "
                f"{min(self.counts):.2f} bits.")
