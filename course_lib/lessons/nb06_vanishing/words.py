"""One sentence, word by word: how much the loss feels each word, while a tanh network and an LSTM learn.

    words.practise_words("LSTM", 8).size  # log10 |dL/dx_t|, by update, network and word
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import product
from typing import NamedTuple

import matplotlib
import numpy as np
from matplotlib.patches import Rectangle

from ... import _checks, bptt, initialise, losses, tasks, train
from ...screen.figure import INK, VERMILION, Figure
from ...screen.kit import SUPERSCRIPT
from .agreement import ALLOWED, BATCH, HIDDEN, MEMBERS, NOUN

CELLS = {"tanh": "rnn", "LSTM": "lstm"}
DISTANCES, UPDATES, EVERY = (4, 8, 12, 16, 20), 1000, 50


class Felt(NamedTuple):
    """What five networks of a kind make of the words of `sentence_of(distance)` while they learn that distance.

    size      (K, E, distance + 2)  log10 |dL/dx_t|, after 0, EVERY, ... updates
    error     (K, E)                log10 of what is missing to 1 in the probability of "they", which is right
    accuracy  (K, E)                on 200 sentences they have not seen
    """

    size: np.ndarray
    error: np.ndarray
    accuracy: np.ndarray

    @property
    def updates(self) -> np.ndarray:
        """After how many updates more than 95 % were right, (E,); infinite where they never were."""
        learned = 1 - self.accuracy < ALLOWED
        return np.where(learned.any(0), EVERY * learned.argmax(0), np.inf)


def sentence_of(distance: int) -> tuple[np.ndarray, np.ndarray]:
    """Return a sentence about many, x (distance + 2, 1, 25) and labels (1,): the second that lesson 06 prints."""
    x, labels = tasks.agreement(distance, 2, np.random.default_rng(1))
    return x[:, 1:], labels[1:]


def practise_words(kind: str, distance: int, updates: int = UPDATES) -> Felt:
    """Train five networks of 32 units, drawn as torch draws them, with Adam at 0.01; read a sentence on the way.

    The tanh networks, and the sentences they learn from, are those of agreement.practise(distance, ...).

    kind    "tanh" or "LSTM"
    errors  ValueError for another kind
    """
    nets = networks(kind)
    rng, test = np.random.default_rng(1), tasks.agreement(distance, 200, np.random.default_rng(2))
    shown = sentence_of(distance)

    def look(params):
        size, error = felt(params, *shown)
        right = bptt.loss_and_grads(params, *test, losses.cross_entropy).y.argmax(-1) == test[1]
        return np.column_stack([size, error, right.mean(-1)])

    run = train.train(nets, train.sequence_objective(losses.cross_entropy),
                      lambda: tasks.agreement(distance, BATCH, rng), updates=updates, optimiser=train.Adam(.01),
                      evaluate=look, evaluate_every=EVERY, progress=False)
    seen = np.array([look(nets), *run.history.evaluation])
    return Felt(seen[..., :-2], seen[..., -2], seen[..., -1])


def networks(kind: str):
    """Return the five networks of a kind before training. errors: ValueError for another kind."""
    return initialise.network(len(tasks.VOCABULARY), HIDDEN, 2, np.random.default_rng(0), recurrent="uniform",
                              members=MEMBERS, cell=CELLS[_checks.choice("kind", kind, CELLS)])


def felt(nets, x: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return log10 |dL/dx_t| (E, T) of one sentence, x (T, 1, D), and log10(1 - p), p of its pronoun, (E,)."""
    own = np.repeat(x[:, None], len(nets.readout.b_y), axis=1)  # a copy for each network, so that each has its own dx
    seen = bptt.loss_and_grads(nets, own, labels, losses.cross_entropy)
    right, other = seen.y[:, 0, labels[0]], seen.y[:, 0, 1 - labels[0]]
    return np.log10(np.linalg.norm(seen.back.dx[:, :, 0], axis=-1)).T, -np.logaddexp(0, right - other) / np.log(10)


class Shown(NamedTuple):
    """What Sentence shows: the words; by kind what they are tinted by, log10 (words,), and the share that is right."""

    sentence: list[str]
    size: dict[str, np.ndarray]
    accuracy: dict[str, float]


class Sentence(Figure):
    """The words of one sentence, each in a box whose tint and number say how much the loss, or the answer, feels it.

    readings  {(kind, distance): Felt}, all kinds at each distance
    distance  from the noun to the last comma
    update    how far training is: a test every EVERY updates
    network   which of the five, from 1
    felt_by   "the loss": |dL/dx_t|; "the answer": that over 1 - p, which leaves the slope of the answer's score
    errors    ValueError where a reading is missing, and for values that were not read
    """

    size = (900, 356)
    labels = {"distance": "distance (words)", "update": "updates", "felt_by": "felt by"}
    LINE, WIDE, HIGH, LEFT = 11, 80, 25, 12  # words in a line; CSS pixels
    LOW, TOP = -8, 0  # decades between the darkest and the brightest tint
    FELT_BY = ["the loss", "the answer"]
    INKS = "#f4f4f4", "#00224e"  # on dark tints and on bright ones

    def __init__(self, readings: Mapping[tuple[str, int], Felt], **values):
        self.readings = dict(readings)
        self.distances = sorted({distance for _, distance in self.readings})
        if missing := [each for each in product(CELLS, self.distances) if each not in self.readings]:
            raise ValueError(f"readings lacks {', '.join(map(str, missing))}: run words.practise_words for these too.")
        self.last = EVERY * (len(next(iter(self.readings.values())).size) - 1)
        self.allowed = {"distance": self.distances, "update": (0, self.last), "network": (1, MEMBERS),
                        "felt_by": self.FELT_BY}
        self.tints = matplotlib.colormaps["cividis"]
        super().__init__(**{"distance": self.distances[0], **values})

    def draw(self):
        width, height = self.size
        ax = self.panels(at=(0, 0, 1, 1), xlim=(0, width), ylim=(height, 0), grid=False)
        ax.axis("off")
        self.boxes, self.texts, self.numbers, self.heads = {}, {}, {}, {}
        for kind, top in zip(CELLS, (30, 176)):
            self.heads[kind] = self.moving(ax.text(self.LEFT, top - 8, "", va="bottom"))
            corner = [(self.LEFT + self.WIDE * i, top + 60 * line) for line in (0, 1) for i in range(self.LINE)]
            self.boxes[kind] = [self.moving(ax.add_patch(Rectangle(at, 0, self.HIGH, linewidth=0))) for at in corner]
            self.texts[kind], self.numbers[kind] = (self.moving([
                ax.text(x + self.WIDE / 2 - 2, y + down, "", ha="center", va="center") for x, y in corner])
                for down in (self.HIGH / 2, self.HIGH + 12))
            x, y = corner[NOUN - 1]
            ax.add_patch(Rectangle((x - 2, y - 2), self.WIDE, self.HIGH + 4, fill=False, edgecolor=VERMILION,
                                   linewidth=2))
        levels = range(self.LOW, self.TOP + 1)
        for i, level in enumerate(levels):
            x = self.LEFT + 290 + 44 * i
            ax.add_patch(Rectangle((x, 322), 44, 10, facecolor=self._tint(level)))
            ax.text(x + 22, 344, ("≤" if level == self.LOW else "≥" if level == self.TOP else "") + _power(level),
                    ha="center", va="center", fontsize=8.5)
        ax.text(self.LEFT, 327, "number and tint: how much the word is felt", va="center", fontsize=8.5)
        ax.text(self.LEFT, 344, "orange frame: the noun", va="center", fontsize=8.5, color=VERMILION)

    def compute(self, distance=4, update=0, network=1, felt_by="the loss"):
        at = update // EVERY, network - 1
        size, accuracy = {}, {}
        for kind in CELLS:
            reading = self.readings[kind, distance]
            size[kind] = reading.size[at][:distance + 2].astype(float)
            size[kind] -= 0 if felt_by == "the loss" else float(reading.error[at])
            accuracy[kind] = float(reading.accuracy[at])
        return Shown(tasks.sentences(sentence_of(distance)[0])[0].split(), size, accuracy)

    def move(self, data):
        for kind, size in data.size.items():
            self.heads[kind].set_text(f"{kind}:  right in {data.accuracy[kind]:.0%} of new sentences,  noun "
                                      f"{_power(size[1])},  last comma {_power(size[-1])}")
            empty = 2 * self.LINE - len(size)
            for box, text, number, word, each in zip(self.boxes[kind], self.texts[kind], self.numbers[kind],
                                                     data.sentence + [""] * empty, [*size, *[None] * empty]):
                text.set_text(word)
                box.set_width(0 if each is None else self.WIDE - 4)
                number.set_text("" if each is None else _power(each))
                if each is not None:
                    box.set_facecolor(self._tint(each))
                    text.set_color(self.INKS[int(each > (self.LOW + self.TOP) / 2)])

    def _tint(self, level: float):
        return self.tints(float(np.clip((level - self.LOW) / (self.TOP - self.LOW), 0, 1)))

    def describe(self, data):
        v = self.values
        kinds = "; ".join(f"{kind}, right in {data.accuracy[kind]:.0%} of new sentences: 10 to the power "
                          f"{size[1]:.0f} at the noun, {size[-1]:.0f} at the last comma"
                          for kind, size in data.size.items())
        return (f"The sentence “{' '.join(data.sentence)}”, each word tinted by how much {v['felt_by']} feels it, "
                f"after {v['update'] // EVERY * EVERY} updates, network {v['network']}. {kinds}.")


def _power(exponent: float) -> str:
    """Ten to the nearest whole power."""
    return "10" + f"{exponent:.0f}".replace("-0", "0").translate(SUPERSCRIPT)
