"""One number of an LSTM's cell along a sentence, its gates set by hand: written once, kept, shown, forgotten."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ...screen.figure import BLUE, GREEN, INK, PURPLE, VERMILION
from .valves import LSTMValves

RANGES = {"f": (0, 1), "i": (0, 1), "g": (-1, 1), "o": (0, 1)}
LONGEST = 72  # letters in the line, a word and its gap at least 4.4
WORDS, BACK, CELL, UNIT = 456, 404, 508, 20  # heights in the picture, and the pixels of a bar of 1
LEFT, RIGHT = 66, 650  # between which the words stand


def read_table(text: str, ranges: dict[str, tuple[int, int]] = RANGES) -> tuple[list[str], dict[str, np.ndarray]]:
    """Return the words of a table and its numbers, {"f": (T,), "i": ..., "g": ..., "o": ...}.

    text    rows, each begun with its name: "word" with the words, the others with a number at each word, or one for all
    ranges  {row: its least and its largest number}; as it is, three gates and a candidate
    errors  ValueError for rows that are missing or unknown, a wrong count, what is no such number, a sentence too long
    """
    rows = {name: rest for name, *rest in map(str.split, filter(str.strip, text.splitlines()))}
    if set(rows) != {"word", *ranges}:
        raise ValueError(f"the table has the rows {', '.join(rows) or 'none'}, needs word, {', '.join([*ranges][:-1])} "
                         f"and {[*ranges][-1]}: write the row's name in front of it.")
    words, numbers = rows.pop("word"), {}
    if len(words) < 2 or sum(room(words)) > LONGEST:
        raise ValueError(f"the row word has {len(words)} words, needs 2 or more that fit in one line, about 14 short "
                         f"ones. Leave words out.")
    for name, entries in rows.items():
        if len(entries) not in (1, len(words)):
            raise ValueError(f"the row {name} has {len(entries)} numbers for {len(words)} words, needs one for each, "
                             f"or one for all. Commas and points of the sentence are words.")
        low, high = ranges[name]
        for entry in entries:
            try:
                fits = low <= float(entry) <= high
            except ValueError:
                fits = False
            if not fits:
                raise ValueError(f"the row {name} has {entry!r}, needs numbers from {low} to {high}.")
        numbers[name] = np.broadcast_to(np.array(entries, float), len(words))
    return words, numbers


def room(words: list[str]) -> list[float]:
    """How many letters wide each word stands in the picture, with the gap after it."""
    return [max(len(word), 3) + 1.4 for word in words]


def two_digits(number: float) -> str:
    """A number with two digits and at most two decimals: 1, 0.13, -0.8, 12."""
    return f"{round(number, 2) + 0:.2g}"


class Walked(NamedTuple):
    """What one number does up to the word t: c_t = f_t c_{t-1} + i_t g_t and h_t = o_t tanh(c_t), from c_0 = 0.

    gates  {"f": at this word, "i", "g", "o"}
    c      (t + 1,), from c_0 on
    h      at this word
    back   (t,): of dL/dc_t what comes back to each word s up to this one, the product of f_{s+1} ... f_t
    """

    gates: dict[str, float]
    c: np.ndarray
    h: float
    back: np.ndarray


class OneNumber(LSTMValves):
    """An LSTM of one unit that reads a sentence, at one of its words: the drawn cell, where a road is as wide as the
    number on it, 24 pixels for 1 and at most 60. Above it the cell after each word, and what comes back of dL/dc.

    The gates are set by hand, so that they read nothing, and the way along the cell is the only one back.

    table   as `read_table` takes it
    word    which, from 1; it starts where the output gate is most open
    errors  as `read_table`; ValueError for another word
    """

    size = (660, 616)
    labels = {"word": "word"}
    ranges, given, tells = RANGES, dict, np.tanh  # from a table's rows to f, i, g and o; from the state to what is told
    kind, holds, says = "An LSTM", "cell", "c = {f} · {before} + {i} · {g} = {after},  h = {o} · tanh({after}) = {h}"
    last = "its forget gate is {f}, its input gate {i} with the candidate {g}, its output gate {o}: {h} is shown"
    by_hand = "a network reads x and h to set its gates; these are set by hand"

    def __init__(self, table: str, **values):
        self.words, rows = read_table(table, self.ranges)
        self.table, self.allowed = self.given(rows), {"word": (1, len(self.words))}
        super().__init__(**{"word": 1 + int(self.table["o"].argmax()), **values})

    def draw(self):
        super().draw()
        wide = np.array(room(self.words))
        letter = (RIGHT - LEFT) / max(wide.sum(), 45)
        self.middles = LEFT + letter * (wide.cumsum() - .5 * wide)
        self.halves = letter * wide / 2 - 1
        for x, word, f, i, o in zip(self.middles, self.words, *(self.table[name] for name in "fio")):
            self.ax.text(x, WORDS, word, ha="center", va="center", fontsize=1.15 * letter)
            done = ("forget", f < .5, INK), ("write", i > .5, GREEN), ("show", o > .5, VERMILION)
            for line, (verb, _, color) in enumerate(each for each in done if each[1]):
                self.ax.text(x, CELL + 24 + 13 * line, verb, color=color, ha="center", fontsize=8)
        for base, words, color in ((CELL, f"the {self.holds} {self.state}\nforward →", BLUE),
                                   (BACK + 10, f"← dL/d{self.state}\nbackward", PURPLE)):
            self.ax.text(2, base, words, color=color, va="center", fontsize=8.5)
        self.ax.plot([LEFT, RIGHT, np.nan, LEFT, RIGHT], [CELL, CELL, np.nan, BACK, BACK], color=INK, linewidth=.8)
        self.frame = self.curve(self.ax, INK, linewidth=1.6)
        self.bars = self.road([], BLUE, linewidth=12), self.road([], PURPLE, linewidth=12)
        self.numbers = [[self.word(x, y, INK, ha="center", fontsize=8.5) for x in self.middles]
                        for y in (WORDS + 19, WORDS - 19)]

    def compute(self, word=1):
        f, i, g, o = (self.table[name] for name in "figo")
        c = [0.]
        for t in range(word):
            c.append(f[t] * c[-1] + i[t] * g[t])
        back = np.append(f[1:word], 1.)[::-1].cumprod()[::-1]
        gates = {name: float(row[word - 1]) for name, row in self.table.items()}
        return Walked(gates, np.array(c), gates["o"] * float(self.tells(c[-1])), back)

    def widths(self, walked):
        before, after = walked.c[-2:]
        f, i, g = (walked.gates[name] for name in "fig")
        roads = {"before": before, "kept": f * before, "now": after, "after": after, "candidate": g, "written": i * g,
                 "told": self.tells(after), "shown": walked.h}
        return {part: value + 0. for part, value in roads.items()}, dict.fromkeys(self.ways, .08), [.08] * 4

    def move(self, walked):
        super().move(walked)
        t, rows = len(walked.back), (walked.c[1:], walked.back)
        for bars, base, row, texts in zip(self.bars, (CELL, BACK), rows, self.numbers):
            x = np.repeat(self.middles[:t], 3)
            y = np.stack([np.zeros(t), UNIT * np.clip(row, -1.2, 1.2), np.full(t, np.nan)], axis=1)
            bars.set_data(x, base + y.ravel())
            for text, words in zip(texts, [*map(two_digits, row), *[""] * len(self.words)]):
                text.set_text(words)
        x, half = self.middles[t - 1], self.halves[t - 1]
        self.frame.set_data(x + half * np.array([-1, 1, 1, -1, -1]), WORDS + np.array([-10, -10, 10, 10, -10]))
        numbers = map(two_digits, (*map(walked.gates.get, "figo"), *walked.c[-2:], walked.h))
        named = dict(zip(("f", "i", "g", "o", "before", "after", "h"), numbers))
        self.title.set_text(f"“{self.words[t - 1]}”:  {self.says.format(**named)}")
        self.sum.set_text("")  # the roads add up
        self.wide.set_text("a road, this wide: 1")
        self.side.set_text(self.by_hand)

    def describe(self, walked):
        so_far, now = " ".join(self.words[:len(walked.back)]), {name: two_digits(v) for name, v in walked.gates.items()}
        return (f"{self.kind} of one number has read “{so_far}”. At the last word "
                f"{self.last.format(h=two_digits(walked.h), **now)}. The {self.holds} after each word: "
                f"{' '.join(map(two_digits, walked.c[1:]))}. Of dL/d{self.state} at the last what comes back to each: "
                f"{' '.join(map(two_digits, walked.back))}.")
