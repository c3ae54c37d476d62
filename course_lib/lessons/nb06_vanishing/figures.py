"""The figures of lesson 06: what reaches a distant noun, who learns it and when, and digits read long ago."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ... import bptt, data, losses, train
from ...screen.figure import BLUE, GREEN, INK, ORANGE, VERMILION, Figure
from ...screen.kit import power_of_ten
from . import longterm
from .agreement import ALLOWED, EVERY, Practice

STYLES = (BLUE, "o", "-"), (ORANGE, "s", "--"), (GREEN, "D", "-.")
MARKS = {"o": "●", "s": "■", "D": "◆"}


class Standing(NamedTuple):
    """What Front shows: accuracy and reach of every network at each distance, (distances, E)."""

    accuracy: np.ndarray
    reach: np.ndarray


class Front(Figure):
    """Gradient by distance and accuracy by distance on one axis, after a number of updates.

    practices  what `practise` returned for several distances
    update     the number of updates; networks whose distance had been learned by all stay as they were then
    """

    size = (760, 470)
    labels = {"update": "updates"}

    def __init__(self, practices: list[Practice], **values):
        self.practices = practices
        self.distances = np.array([each.distance for each in practices])
        self.last = int(max(each.updates[-1] for each in practices))
        self.allowed = {"update": (0, self.last)}
        super().__init__(**{"update": self.last, **values})

    def draw(self):
        above, below = self.panels(
            dict(title="What is left of the gradient at the noun", ylim=(-5, 1.5),
                 ylabel=r"$\log_{10}\ |dL/dh_2|\,/\,|dL/dh_T|$"),
            dict(title="How many sentences get the right pronoun", ylabel="accuracy", ylim=(.38, 1.16),
                 xlabel="distance from the noun to the pronoun (words)", xticks=self.distances,
                 xlim=(self.distances[0] - 1, self.distances[-1] + 1)), rows=2, sharex=True)
        self.guide(below, .5)
        below.text(self.distances[0] - .95, .49, "guessing", va="top", fontsize=8.5)
        looks = (True, GREEN, "o", "learned"), (False, VERMILION, "x", "not learned")
        self.dots = {(name, learned): self.curve(ax, colour, marker, markersize=6, label=words)
                     for ax, name in ((above, "reach"), (below, "accuracy"))
                     for learned, colour, marker, words in looks}
        above.legend(loc="lower left", ncols=2)
        self.counts = [self.moving(below.text(x, 1.07, "", ha="center", va="center")) for x in self.distances]

    def compute(self, update=0):
        rows = [min(update // EVERY, len(each.updates) - 1) for each in self.practices]
        return Standing(*(np.array([getattr(each, name)[row] for each, row in zip(self.practices, rows)])
                          for name in ("accuracy", "reach")))

    def move(self, standing):
        members = standing.accuracy.shape[1]
        across = self.distances[:, None] + .14 * (np.arange(members) - (members - 1) / 2)
        learned = 1 - standing.accuracy < ALLOWED
        for (name, which), line in self.dots.items():
            heights = np.log10(standing.reach) if name == "reach" else standing.accuracy
            line.set_data(across[learned == which], heights[learned == which])
        for text, count in zip(self.counts, learned.sum(1)):
            text.set_text(f"{count} of {members}")

    def describe(self, standing):
        learned = (1 - standing.accuracy < ALLOWED).sum(1)
        members = standing.accuracy.shape[1]
        counts = ", ".join(f"{count} of {members} at {distance}" for count, distance in zip(learned, self.distances))
        start = ", ".join(f"{np.median(each.reach[0]):.0e}" for each in self.practices)
        return (f"Gradient and accuracy by distance after {self.values['update'] // EVERY * EVERY} updates. Networks "
                f"with fewer than {ALLOWED:.0%} errors: {counts}. At the start the median gradient at the noun over that "
                f"at the last word was {start}.")


class UpdatesNeeded(Figure):
    """How many updates it took until the pronoun was right, by distance, on a scale of powers of ten.

    practices  {name: what `practise` returned for several distances}
    data       {name: the factor by which the median changes with each word of distance}
    """

    size = (760, 430)

    def __init__(self, practices: dict[str, list[Practice]]):
        self.practices = practices
        super().__init__()

    def draw(self):
        every = list(self.practices.values())
        distances = sorted({each.distance for runs in every for each in runs})
        self.limit = max(each.updates[-1] for runs in every for each in runs)
        ax = self.panels(
            title="Updates until the pronoun is right", xlim=(distances[0] - 1, distances[-1] + 1), xticks=distances,
            xlabel="distance from the noun to the pronoun (words; marks are shifted sideways)",
            ylabel="updates needed", yscale="log", ylim=(30, self.limit * 1.4**(len(every) + 1.2)))
        self.guide(ax, self.limit, style=(0, (1, 2)))
        ax.text(distances[0] - .9, 1.12 * self.limit, f"not within {self.limit} updates: how many", va="bottom")
        for i, ((name, runs), (colour, marker, dash)) in enumerate(zip(self.practices.items(), STYLES)):
            shift, row = .5 * (i - (len(every) - 1) / 2), self.limit * 1.4**(len(every) + .6 - i)
            for each in runs:
                needed = each.needed
                spread = each.distance + shift + .07 * (np.arange(len(needed)) - (len(needed) - 1) / 2)
                ax.plot(spread, needed, marker, color=colour, markersize=5)  # infinite ones are not drawn
                if np.isinf(needed).any():
                    ax.text(each.distance, row, f"{MARKS[marker]} {np.isinf(needed).sum()} ↑", color=colour,
                            ha="center", va="center", fontsize=10.5)
            x, middle = _medians(runs)
            ax.plot(x + shift, middle, dash, color=colour, label=f"{name}: × {_growth(runs):.2f} a word")
        ax.legend(loc="lower right", title="median of the networks", title_fontsize=9)

    def compute(self):
        return {name: _growth(runs) for name, runs in self.practices.items()}

    def describe(self, growth):
        words = []
        for name, runs in self.practices.items():
            middle = ", ".join(f"{each:.0f} at {x}" for x, each in zip(*_medians(runs)))
            never = sum(int(np.isinf(each.needed).sum()) for each in runs)
            words.append(f"{name}: medians {middle}, times {growth[name]:.2f} with each word; {never} runs had not "
                         f"learned after {self.limit} updates.")
        return "Updates until the pronoun is right, by distance, on a logarithmic scale. " + " ".join(words)


def _medians(runs: list[Practice]) -> tuple[np.ndarray, np.ndarray]:
    """Distances at which more than half have learned, and the median updates there."""
    middle = np.array([np.median(each.needed) for each in runs])
    known = np.isfinite(middle)
    return np.array([each.distance for each in runs])[known], middle[known]


def _growth(runs: list[Practice]) -> float:
    x, middle = _medians(runs)
    return float(np.exp(np.polyfit(x, np.log(middle), 1)[0]))


class Plateau(NamedTuple):
    """What OneWeight shows.

    sgd, adam  (updates, w) of the two runs
    needed     updates of plain descent until the plateau ends, by the formula
    """

    sgd: tuple[np.ndarray, np.ndarray]
    adam: tuple[np.ndarray, np.ndarray]
    needed: float


class OneWeight(Figure):
    """One weight and a distance: L = (w^k - 1)^2 / 2 during training, by plain descent and by Adam.

    w0  where the weight starts, between 0 and 1
    k   the distance, at least 3
    Plain descent is drawn at the limit of small rates, where an update is a small piece of time:
    dw/dt = (1 - w^k) k w^(k-1).
    """

    size = (760, 350)
    labels = {"w0": "weight at the start", "k": "distance k"}
    SGD_RATE, ADAM_RATE, ADAM_UPDATES = .001, .01, 2000
    REACH = 12  # decades of updates that are drawn

    def draw(self):
        ax = self.panels(
            title="One weight, k steps: the loss during training", xlabel="updates", xscale="log",
            ylabel=r"loss  $(w^k - 1)^2/2$", xlim=(1, 10.**self.REACH), ylim=(-.02, .68))
        self.lines = [self.curve(ax, colour, dash, linewidth=2.2) for colour, _, dash in STYLES[:2]]
        self.mark = self.curve(ax, INK, "v", markersize=9)
        self.names = self.key(ax, (.01, .99, "", BLUE), (.01, .92, "", ORANGE))

    def compute(self, w0=.5, k=10):
        if not 0 < w0 < 1 or k < 3:
            raise ValueError(f"w0 is {w0} and k {k}, need to be between 0 and 1, and at least 3.")
        w = 1 - (1 - w0) * np.geomspace(1, 1e-3, 4000)
        pace = 1 / ((1 - w**k) * k * w ** (k - 1.))  # time for a piece of w
        time = np.concatenate([[0], np.cumsum(np.diff(w) * (pace[1:] + pace[:-1]) / 2)])
        needed = (w0 ** (2. - k) - 1) / (self.SGD_RATE * k * (k - 2))
        return Plateau((time / self.SGD_RATE, w), self._adam(w0, k), needed)

    def _adam(self, w0: float, k: int) -> tuple[np.ndarray, np.ndarray]:
        optimiser = train.Adam(self.ADAM_RATE)
        w, m, v, path = w0, 0., 0., [w0]
        for update in range(1, self.ADAM_UPDATES + 1):  # as train.Adam does, without its arrays: a slider waits for it
            g = (w**k - 1) * k * w ** (k - 1)
            m, v = optimiser.beta1 * m + (1 - optimiser.beta1) * g, optimiser.beta2 * v + (1 - optimiser.beta2) * g * g
            w -= (optimiser.rate * m / (1 - optimiser.beta1**update)
                  / ((v / (1 - optimiser.beta2**update)) ** .5 + optimiser.eps))
            path.append(w)
            if w >= 1:
                break
        return np.arange(len(path)), np.array(path)

    def move(self, plateau):
        k = self.values["k"]
        for line, (updates, w) in zip(self.lines, (plateau.sgd, plateau.adam)):
            line.set_data(np.maximum(updates, 1), (w**k - 1.) ** 2 / 2)
        self.mark.set_data([plateau.needed], [.535])
        self.names[0].set_text(f"plain descent, rate {self.SGD_RATE:g}: half the loss after "
                               f"{self._words(plateau.sgd)}; ▼ {_count(plateau.needed)} by the formula")
        self.names[1].set_text(f"Adam, rate {self.ADAM_RATE:g}: {self._words(plateau.adam)}")

    def _words(self, run) -> str:
        half = self._half(run)
        return f"{_count(half)} updates" if np.isfinite(half) else f"not within {self.ADAM_UPDATES} updates"

    def _half(self, run: tuple[np.ndarray, np.ndarray]) -> float:
        """Updates until the loss is half of what it is at w = 0."""
        updates, w = run
        below = (w ** self.values["k"] - 1.) ** 2 <= .5
        return float(updates[below.argmax()]) if below.any() else np.inf

    def describe(self, plateau):
        values = self.values
        return (f"The loss stays level and then drops, with distance {values['k']} and a weight that starts at "
                f"{values['w0']:g}. Plain descent halves it after {self._words(plateau.sgd)}; the formula says "
                f"{_count(plateau.needed)}. Adam: {self._words(plateau.adam)}.")


def _count(number: float) -> str:
    return power_of_ten(np.log10(number)) if number >= 1e4 else f"{number:.2g}" if number < 100 else f"{number:.0f}"


class TrainingLogs(Figure):
    """Two training logs side by side: the loss per word and the gradient's norm, means over networks and 50 updates.

    runs  {name: (history of an ensemble, words in a sequence)}, two of them
    """

    size = (900, 330)

    def __init__(self, runs: dict):
        self.curves = {name: (_averaged(history.loss / words), _averaged(history.grad_norm))
                       for name, (history, words) in runs.items()}
        super().__init__()

    def draw(self):
        panels = self.panels(dict(title="Loss per word (nats)"),
                             dict(title="Length of the gradient, all weights together"),
                             xlabel="update (means of all networks over 50)")
        for i, ax in enumerate(panels):
            for (name, curves), (colour, _, dash) in zip(self.curves.items(), STYLES):
                ax.plot(*curves[i], dash, color=colour, label=name)
            ax.set_ylim(0, 1.1 * ax.get_ylim()[1])
        panels[0].legend(loc="upper right")

    def describe(self, nothing):
        words = []
        for name, ((_, loss), (_, norm)) in self.curves.items():
            words.append(f"{name}: the loss per word falls from {loss[0]:.1f} to {loss[-1]:.1f}, the gradient's "
                         f"norm is between {norm.min():.0f} and {norm.max():.0f}.")
        return "Two training logs. " + " ".join(words)


def _averaged(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    blocks = len(values) // EVERY
    return EVERY * (np.arange(blocks) + .5), values[:blocks * EVERY].reshape(blocks, -1).mean(1)


class DigitReading(NamedTuple):
    """What DigitDial shows: x (T, 8), and log10 |dL/dh_t| over |dL/dh_T| for t = 0 ... T by network."""

    x: np.ndarray
    label: int
    size: dict[str, np.ndarray]


class DigitDial(Figure):
    """A digit on its way into a network, row by row and then nothing, and the gradient on its way back, untrained.

    image     which of the test images
    distance  blank steps after the last row, up to 60
    """

    size = (860, 430)
    labels = {"image": "image", "distance": "blank steps"}
    NAMES = "tanh", "orthogonal", "IRNN"
    LONGEST, FLOOR = 60, -20

    def __init__(self, **values):
        self.digits = data.digits("test")
        self.networks = {name: longterm.ensemble(name, 8, 48, 10, 8 + self.LONGEST, [0], np.float64)
                         for name in self.NAMES}
        super().__init__(**values)

    def draw(self):
        steps = 8 + self.LONGEST
        above, below, picture = self.panels(
            dict(at=(.09, .76, .72, .16), title="What is read: the rows of the image, then blanks", grid=False,
                 xlim=(-.5, steps + .5), yticks=[]),
            dict(at=(.09, .12, .72, .56), title="What comes back to each step", xlabel="time step t",
                 ylabel=r"$\log_{10}\ |dL/dh_t|\,/\,|dL/dh_T|$", xlim=(-.5, steps + .5), ylim=(self.FLOOR, 3)),
            dict(at=(.85, .74, .12, .2), xticks=[], yticks=[], grid=False))
        self.strip = self.moving(above.imshow(np.zeros((8, steps)), cmap="cividis", vmin=0, vmax=1, aspect="auto",
                                              extent=(.5, steps + .5, 8, 0)))
        self.picture = self.moving(picture.imshow(np.zeros((8, 8)), cmap="cividis", vmin=0, vmax=1))
        self.name = self.moving(self.fig.text(.91, .7, "", ha="center", va="top"))
        above.tick_params(labelbottom=False)
        below.axvspan(.5, 8.5, color=INK, alpha=.15, linewidth=0)
        below.text(4.5, self.FLOOR + 1, "the image", ha="center", fontsize=8.5)
        self.guide(below, 0)
        self.lines = {name: self.curve(below, colour, dash, linewidth=2.2)
                      for name, (colour, _, dash) in zip(self.NAMES, STYLES)}
        texts = self.key(self.fig, (.825, .53, "left at the\nimage's end", INK),
                         *((.825, .42 - .09 * i, "", STYLES[i][0]) for i in range(3)), va="center", fontsize=9)
        self.ends = dict(zip(self.NAMES, texts[1:]))

    def compute(self, image=3, distance=25):
        if not 0 <= image < len(self.digits.images) or not 0 <= distance <= self.LONGEST:
            raise ValueError(f"image is {image} and distance {distance}, need to be 0 to {len(self.digits.images) - 1} "
                             f"and 0 to {self.LONGEST}.")
        label = int(self.digits.labels[image])
        x, size = longterm.delayed(self.digits.images[image:image + 1], distance), {}
        for name, nets in self.networks.items():
            seen = bptt.loss_and_grads(nets, x, np.array([label]), losses.cross_entropy,
                                       activation=longterm.KINDS[name].activation)
            norms = np.linalg.norm(seen.back.dh[:, 0, 0], axis=-1)
            size[name] = np.log10(norms / norms[-1])
        return DigitReading(x[:, 0], label, size)

    def move(self, reading):
        T = len(reading.x)
        strip = np.full((8, 8 + self.LONGEST), np.nan)
        strip[:, :T] = reading.x.T
        self.strip.set_data(strip)
        self.picture.set_data(reading.x[:8])
        self.name.set_text(f"a {reading.label}")
        for name, line in self.lines.items():
            line.set_data(np.arange(T + 1), reading.size[name])
            self.ends[name].set_text(f"{name}:\n{power_of_ten(reading.size[name][8])}")

    def describe(self, reading):
        left = ", ".join(f"{name} {10 ** size[8]:.1g}" for name, size in reading.size.items())
        return (f"The rows of an image of a {reading.label}, then {self.values['distance']} blank steps, and the "
                f"gradient on its way back through three untrained networks. What is left of it at the image's last "
                f"row: {left}.")
