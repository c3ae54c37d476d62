"""The figures of notebook 02: a recurrent network drawn out over time, its states, and what sequences look like."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from matplotlib.patches import Circle, FancyArrowPatch, FancyBboxPatch

from ... import bptt, cells, tasks
from ...screen.figure import BLUE, GREEN, INK, ORANGE, VERMILION, Figure

LOW = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")  # plain text is laid out ten times faster than mathtext


class Pass(NamedTuple):
    """One sequence on its way through a network.

    words           (T,) names of the inputs
    x, h, y         (T, D), (T + 1, H), (T, K)
    taken, carried  (T, H) the two parts of a_t: W_xh x_t and W_hh h_{t-1}
    """

    words: list[str]
    x: np.ndarray
    h: np.ndarray
    y: np.ndarray
    taken: np.ndarray
    carried: np.ndarray


class Unrolled(Figure):
    """A small network, rolled up and unrolled, with the numbers in its units up to step t.

    network    cells.NetworkParams
    sentences  texts of T words each
    vectors    {word: its input vector (D,)}
    t          the step that is shown
    sentence   one of the sentences
    """

    size = (900, 430)
    labels = {"t": "time step t"}
    FOOT, WORD, INPUT, HIDDEN, OUTPUT, HEAD = 14, 62, 108, 222, 332, 386  # heights
    ROLLED, START, STEP = 100, 268, 184  # places across

    def __init__(self, network: cells.NetworkParams, sentences: list[str], vectors: dict[str, np.ndarray], **values):
        self.network, self.vectors = network, vectors
        self.T = len(sentences[0].split())
        super().__init__(**{"sentence": sentences[0], **values})

    def draw(self):
        self.fig.set_layout_engine("none")
        ax = self.ax = self.fig.add_axes((0, 0, 1, 1))
        ax.set(xlim=(0, self.size[0]), ylim=(0, self.size[1]))
        ax.axis("off")
        ax.text(14, 412, "Rolled up", weight="bold", fontsize=10.5)
        ax.text(self.START - 60, 412, "Unrolled: the same network, the same weights, at each step", weight="bold",
                fontsize=10.5)
        (H, D), K = self.network.rnn.W_xh.shape, len(self.network.readout.b_y)
        sizes = {self.INPUT: D, self.HIDDEN: H, self.OUTPUT: K}
        columns = [self.START + self.STEP * t for t in range(self.T + 1)]

        self.units = {}  # (column, height): the texts in the units; column None is the rolled network
        for t, x in [(None, self.ROLLED), *enumerate(columns)]:
            for height, count in sizes.items():
                if t != 0 or height == self.HIDDEN:
                    self.units[t, height] = self._layer(x, height, count)
        self.states = [self._state_name(x, f"h{t}".translate(LOW)) for t, x in enumerate(columns)]
        for t, x in enumerate(columns[1:], start=1):
            ax.text(x, self.HEAD, f"t = {t}", ha="center", va="center")

        rolled = [((self.ROLLED, self.INPUT), (self.ROLLED, self.HIDDEN), BLUE),
                  ((self.ROLLED, self.HIDDEN), (self.ROLLED, self.OUTPUT), GREEN)]
        for start, end, colour in rolled:
            ax.add_patch(self._arrow(start, end, colour))
        edge = self.ROLLED + 47
        ax.add_patch(FancyArrowPatch((edge, self.HIDDEN + 15), (edge + 2, self.HIDDEN - 15), color=VERMILION,
                                     connectionstyle="arc3,rad=-1.9", arrowstyle="-|>", mutation_scale=11,
                                     linewidth=1.8, shrinkA=0, shrinkB=0))
        for x, y, name, colour in ((self.ROLLED + 8, 165, "W_{xh}", BLUE), (self.ROLLED + 8, 278, "W_{hy}", GREEN),
                                   (edge + 14, self.HIDDEN + 32, "W_{hh}", VERMILION)):
            ax.text(x, y, f"${name}$", color=colour, va="center", fontsize=10.5)

        self.arrows = []  # for each step: into the state from its input and from the state before, and to the output
        for t in range(1, self.T + 1):
            before, x = columns[t - 1], columns[t]
            ends = [((x, self.INPUT), (x, self.HIDDEN), BLUE), ((before, self.HIDDEN), (x, self.HIDDEN), VERMILION),
                    ((x, self.HIDDEN), (x, self.OUTPUT), GREEN)]
            for start, end, _ in ends:
                ax.add_patch(self._arrow(start, end, INK, linewidth=.8, alpha=.6))
            self.arrows.append([self.moving(ax.add_patch(self._arrow(*each))) for each in ends])
            for ((x0, y0), (x1, y1), _), name in zip(ends, ("W_{xh}", "W_{hh}", "W_{hy}")):
                right = y0 == y1
                ax.text((x0 + x1) / 2 + (0 if right else 8), (y0 + y1) / 2 + (12 if right else 0), f"${name}$",
                        ha="center" if right else "left", va="center")
        self.frame = self.moving(ax.add_patch(FancyBboxPatch((0, 0), 132, 318, boxstyle="round,pad=4,rounding_size=10",
                                                             fill=False, edgecolor=ORANGE, linestyle="--")))
        names = [(None, self.ROLLED), *enumerate(columns[1:], start=1)]
        self.words = {t: self.moving(ax.text(x, self.WORD, "", ha="center", va="center", fontsize=10.5))
                      for t, x in names}
        self.formula = self.moving(ax.text(self.size[0] / 2, self.FOOT, "", ha="center", va="center", fontsize=10))

    def _layer(self, x: float, y: float, count: int) -> list:
        """Draw a row of units in a rounded box; return the texts in them."""
        radius = 15 if y == self.INPUT else 21
        across = 2 * radius + 5
        left = x - across * (count - 1) / 2
        self.ax.add_patch(FancyBboxPatch((left - radius - 2, y - radius - 2), across * (count - 1) + 2 * radius + 4,
                                         2 * radius + 4, boxstyle="round,pad=0,rounding_size=9", fill=False,
                                         edgecolor=INK, linewidth=.8, alpha=.6))
        texts = []
        for i in range(count):
            self.ax.add_patch(Circle((left + across * i, y), radius, fill=False, edgecolor=INK))
            number = self.ax.text(left + across * i, y, "", ha="center", va="center_baseline", fontsize=8.5)
            texts.append(self.moving(number))
        return texts

    def _state_name(self, x: float, name: str):
        return self.ax.text(x - 46, self.HIDDEN - 36, name, ha="left", va="center", fontsize=10.5)

    def _arrow(self, start: tuple, end: tuple, colour: str, linewidth: float = 1.8,
               alpha: float = 1) -> FancyArrowPatch:
        (x0, y0), (x1, y1) = start, end
        gap = 25 if y0 != y1 else 50
        shift = np.sign([x1 - x0, y1 - y0]) * gap
        bottom = 19 if y0 == self.INPUT else gap
        first = (x0 + shift[0], y0 + (bottom if y0 != y1 else 0))
        return FancyArrowPatch(first, (x1 - shift[0], y1 - shift[1]), color=colour, linewidth=linewidth, alpha=alpha,
                               arrowstyle="-|>", mutation_scale=11, shrinkA=0, shrinkB=0)

    def compute(self, t=1, sentence=""):
        words = sentence.split()
        x = np.array([self.vectors[word] for word in words], float)
        run = bptt.forward(self.network.rnn, x[:, None])
        h = run.h[:, 0]
        return Pass(words, x, h, cells.readout(self.network.readout, run.h[1:])[:, 0],
                    x @ self.network.rnn.W_xh.T, h[:-1] @ self.network.rnn.W_hh.T)

    def move(self, shown):
        now = self.values["t"]
        for (t, height), texts in self.units.items():
            step = now if t is None else t
            values = {self.INPUT: shown.x[step - 1], self.HIDDEN: shown.h[step], self.OUTPUT: shown.y[step - 1]}[height]
            for text, value in zip(texts, values):
                text.set_text(_short(value) if step <= now else "")
        for t, text in self.words.items():
            step = now if t is None else t
            text.set_text(f"“{shown.words[step - 1]}”")
            text.set_alpha(1 if step <= now else .6)
        for step, arrows in enumerate(self.arrows, start=1):
            for arrow in arrows:
                arrow.set_visible(step <= now)
                arrow.set_alpha(1 if step == now else .4)
        self.frame.set_bounds(self.START + self.STEP * now - 66, 48, 132, 318)
        parts = _vector(shown.taken[now - 1]), _vector(shown.carried[now - 1]), _vector(self.network.rnn.b_h)
        t, before = f"{now}".translate(LOW), f"{now - 1}".translate(LOW)
        self.formula.set_text(f"h{t} = tanh( Wₓₕ x{t} + Wₕₕ h{before} + bₕ ) = tanh( {' + '.join(parts)} ) = "
                              f"{_vector(shown.h[now])}")

    def describe(self, shown):
        t = self.values["t"]
        (H, D), K = self.network.rnn.W_xh.shape, len(self.network.readout.b_y)
        return (f"A network of {D} inputs, {H} hidden units and {K} output, drawn once with a loop and once unrolled "
                f"over {self.T} steps with the same weights at each. Shown is “{self.values['sentence']}” up to step "
                f"{t}: the input “{shown.words[t - 1]}” and the state {_vector(shown.h[t - 1])} give the state "
                f"{_vector(shown.h[t])} and the output {', '.join(map(_short, shown.y[t - 1]))}.")


class Growth(Figure):
    """The largest unit of a network without inputs, each unit fed by itself times a gain: linear, ReLU and tanh.

    h_t = f(gain h_{t-1}) from h_0 = (1, 0.6)

    gain  what W_hh multiplies each unit with
    """

    size = (820, 340)
    labels = {"gain": "gain of W_hh"}
    T = 100
    CURVES = {"linear": (BLUE, "-"), "relu": (ORANGE, (0, (1.5, 2))), "tanh": (GREEN, "--")}

    def draw(self):
        ax = self.ax = self.fig.subplots()
        ax.set(title="A state that is multiplied again and again", xlabel="time step t",
               ylabel=r"$\log_{10}$ of the largest $|h_t|$  (decades)", xlim=(0, 124), ylim=(-11.5, 13))
        ax.set_xticks(range(0, self.T + 1, 20))
        ax.plot([0, self.T], [0, 0], color=INK, linewidth=1)
        ax.text(self.T, .3, "1: no tanh gets above it", fontsize=8.5, va="bottom", ha="right")
        self.lines = {name: self.moving(ax.plot([], [], color=colour, linestyle=dash))[0]
                      for name, (colour, dash) in self.CURVES.items()}
        self.lines["relu"].set_linewidth(3)
        self.names = {name: self.moving(ax.text(self.T + 2, 0, "", color=self.CURVES[name][0], va="center"))
                      for name in self.CURVES}

    def compute(self, gain=1.1):
        still = np.zeros((self.T, 1, 1))
        params = cells.RNNParams(np.ones((2, 1)), gain * np.eye(2), np.zeros(2))
        return {name: bptt.forward(params, still, np.array([[1, .6]]), name).h.max((1, 2)) for name in self.CURVES}

    def move(self, largest):
        for name, line in self.lines.items():
            line.set_data(np.arange(self.T + 1), np.log10(largest[name]))
        ends = {name: float(np.log10(curve[-1])) for name, curve in largest.items()}
        top = max(ends["linear"], ends["tanh"] + 3.4)
        for name, height in (("linear", top), ("relu", top - 1.7), ("tanh", ends["tanh"])):
            self.names[name].set_y(height)
            shown = "ReLU" if name == "relu" else name
            self.names[name].set_text(f"{shown}: {_plain(largest[name][-1])}")

    def describe(self, largest):
        linear, relu, tanh = (_plain(largest[name][-1]) for name in ("linear", "relu", "tanh"))
        return (f"The largest unit over {self.T} steps on a logarithmic scale, with no input and gain "
                f"{self.values['gain']:g}. The linear network ends at {linear} and the ReLU network at {relu}; "
                f"the tanh network ends at {tanh} and is never above {_plain(largest['tanh'].max())}.")


class Instant(NamedTuple):
    """What four sequences hold at one step: a letter, a frame, a pulse and a return."""

    letter: str
    frame: np.ndarray
    pulse: float
    growth: float


class FourSequences(Figure):
    """Text, video, heartbeat and prices, each an array (T, 1, D), at one time step.

    letters                       (D,) the characters of the text's one-hot vectors
    text, video, pulse, returns   (T, 1, D); a frame of the video is a square
    t                             the step that is shown
    """

    size = (900, 430)
    labels = {"t": "time step t"}

    def __init__(self, letters: list[str], text: np.ndarray, video: np.ndarray, pulse: np.ndarray, returns: np.ndarray,
                 **values):
        self.letters = letters
        self.text, self.video, self.pulse, self.returns = (x[:, 0] for x in (text, video, pulse, returns))
        self.T = len(self.text)
        super().__init__(**values)

    def draw(self):
        (letters, video), (pulse, returns) = self.fig.subplots(2, 2, width_ratios=(1.5, 1), height_ratios=(1.25, 1))
        t = np.arange(1, self.T + 1)
        at, of = np.nonzero(self.text)
        letters.plot(at + 1, of, "s", color=BLUE, markersize=4)
        letters.set(title=f"Text: {self.text.shape[1]} inputs, the characters", ylim=(len(self.letters) - .4, -.6))
        letters.set_yticks(range(len(self.letters)), ["space" if c == " " else c for c in self.letters])
        side = int(np.sqrt(self.video.shape[1]))
        video.set(title=f"Video: {self.video.shape[1]} inputs, the pixels", xticks=[], yticks=[], anchor="W")
        video.grid(False)
        self.frame = self.moving(video.imshow(np.zeros((side, side)), cmap="cividis", vmin=0, vmax=1))
        pulse.plot(t, self.pulse[:, 0], color=VERMILION)
        pulse.set(title="Heartbeat: 1 input, the pulse", xlabel="time step t", ylabel="pulse")
        returns.vlines(t, 0, 100 * self.returns[:, 0], color=GREEN)
        returns.axhline(0, color=INK, linewidth=1)
        returns.set(title="Prices: 1 input, the return", xlabel="time step t", ylabel="log return (%)")
        self.cursors = []
        for ax in (letters, pulse, returns):
            ax.set_xlim(0, self.T + 1)
            self.cursors.append(self.moving(ax.axvline(1, color=ORANGE, linestyle="--")))
        ring = {"color": ORANGE, "markersize": 8, "fillstyle": "none", "markeredgewidth": 2}
        self.dots = [self.moving(ax.plot([], [], marker, **ring))[0]
                     for ax, marker in ((letters, "s"), (pulse, "o"), (returns, "o"))]

    def compute(self, t=1):
        side = int(np.sqrt(self.video.shape[1]))
        letter = self.letters[int(self.text[t - 1].argmax())]
        return Instant(letter, self.video[t - 1].reshape(side, side), float(self.pulse[t - 1, 0]),
                       float(self.returns[t - 1, 0]))

    def move(self, now):
        t = self.values["t"]
        self.frame.set_data(now.frame)
        for cursor in self.cursors:
            cursor.set_xdata([t, t])
        for dot, value in zip(self.dots, (self.letters.index(now.letter), now.pulse, 100 * now.growth)):
            dot.set_data([t], [value])

    def describe(self, now):
        row, column = np.unravel_index(now.frame.argmax(), now.frame.shape)
        letter = "a space" if now.letter == " " else f"“{now.letter}”"
        return (f"Four sequences of {self.T} steps. At step {self.values['t']} the text has {letter}, the video's blob "
                f"is brightest in row {row + 1}, column {column + 1}, the pulse is {now.pulse:.2f} and the price changes "
                f"by {f'{100 * now.growth:+.2f}'.replace('-', '−')} %.")


class Losses(Figure):
    """Training losses of several networks on a logarithmic axis, beside what guessing costs.

    losses   {name: (updates, networks)}
    guess    the loss of guessing
    """

    size = (820, 320)
    STYLES = (VERMILION, "-"), (BLUE, "--"), (GREEN, ":")

    def __init__(self, losses: dict[str, np.ndarray], guess: float):
        self.losses, self.guess = losses, guess
        super().__init__()

    def draw(self):
        ax = self.fig.subplots()
        updates = max(map(len, self.losses.values()))
        ax.set(title="Loss of each batch during training", xlabel="update", ylabel="cross-entropy (nats)", yscale="log",
               xlim=(0, 1.25 * updates),
               ylim=(.3 * min(loss.min() for loss in self.losses.values()), 2.5 * self.guess))
        ax.set_xticks(np.linspace(0, updates, 5))
        ax.axhline(self.guess, color=INK, linewidth=1)
        ax.text(1.01 * updates, self.guess * 1.12, f"guessing: {self.guess:.2f}", va="bottom")
        self.curves = {}
        for (name, loss), (colour, dash) in zip(self.losses.items(), self.STYLES):
            self.curves[name] = ax.plot(np.arange(len(loss)), loss, color=colour, linestyle=dash, linewidth=1.3)
        below = np.log(self.guess)  # names stand one below the other, as near to their curves as they can
        for name in sorted(self.losses, key=lambda name: -self.losses[name][-20:].mean()):
            below = min(below - .65, np.log(self.losses[name][-20:]).mean())
            ax.text(1.01 * updates, np.exp(below), name, color=self.curves[name][0].get_color(), va="center")

    def describe(self, data):
        ends = "; ".join(f"{name} first about {loss[0].mean():.1f}, at the end {_range(loss[-20:].mean(0))}"
                         for name, loss in self.losses.items())
        networks = next(iter(self.losses.values())).shape[1]
        return (f"Training losses on a logarithmic scale, {networks} networks each, the end as the mean of the last 20 "
                f"updates. {ends[0].upper() + ends[1:]}. Guessing costs {self.guess:.2f}.")


class AccuracyByLength(Figure):
    """A table of how often several networks are right on sequences of other lengths than they were trained on.

    lengths   (n,)
    accuracy  {name: (n, networks)} fractions
    trained   the length of the training sequences
    chance    the accuracy of guessing
    """

    size = (900, 380)
    SURE = .15  # as near as this to 1 or to 0, a cell is coloured

    def __init__(self, lengths: list[int], accuracy: dict[str, np.ndarray], trained: int = 10, chance: float = .5):
        self.lengths, self.accuracy, self.trained, self.chance = list(lengths), accuracy, trained, chance
        super().__init__()

    def draw(self):
        ax = self.fig.subplots()
        each = next(iter(self.accuracy.values())).shape[1]
        ax.set(title=f"Right answers (%) at other lengths, {each} networks each",
               xlabel="length of the sequence T (steps)", xlim=(-.55, len(self.lengths) - .45),
               ylim=(len(self.accuracy) * (each + .5) - .4, -1.5))
        ax.set_xticks(range(len(self.lengths)), self.lengths)
        ax.set_yticks([group * (each + .5) + (each - 1) / 2 for group in range(len(self.accuracy))], self.accuracy)
        ax.tick_params(length=0)
        ax.grid(False)
        ax.spines[["left", "bottom"]].set_visible(False)
        self.shown = {}  # (name, member, length): the text in that cell
        for group, (name, fractions) in enumerate(self.accuracy.items()):
            for (column, member), fraction in np.ndenumerate(fractions):
                y = group * (each + .5) + member
                colour = BLUE if fraction >= 1 - self.SURE else VERMILION if fraction <= self.SURE else None
                ax.add_patch(FancyBboxPatch((column - .44, y - .4), .88, .8, boxstyle="square,pad=0", edgecolor=INK,
                                            facecolor=colour or "none", linewidth=.8))
                self.shown[name, member, self.lengths[column]] = ax.text(
                    column, y, f"{100 * fraction:.0f}", ha="center", va="center", color="white" if colour else INK)
        column = self.lengths.index(self.trained)
        ax.add_patch(FancyBboxPatch((column - .5, -.5), 1, len(self.accuracy) * (each + .5) - .5,
                                    boxstyle="square,pad=0", fill=False, edgecolor=ORANGE, linestyle="--",
                                    linewidth=1.6))
        ax.text(column, -.62, "trained here", color=ORANGE, ha="center", va="bottom")

    def describe(self, data):
        here = self.lengths.index(self.trained)
        parts = []
        for name, fractions in self.accuracy.items():
            others = _percent(np.delete(fractions, here, axis=0))
            parts.append(f"{name.replace(chr(10), ' ')}: {_percent(fractions[here])} at {self.trained} steps, {others} "
                         f"at the other lengths")
        listed = "; ".join(parts)
        return (f"Right answers at lengths from {self.lengths[0]} to {self.lengths[-1]} steps. "
                f"{listed[0].upper() + listed[1:]}. Guessing gives {100 * self.chance:.0f} %.")


class Remembered(NamedTuple):
    """Hidden states of two units (T + 1, B, 2), the symbol of each sequence (B,), and the fraction read out rightly."""

    h: np.ndarray
    labels: np.ndarray
    accuracy: float


class Memory(Figure):
    """The two hidden units of a network that recalls the first symbol: in their plane, and unit 1 over time.

    network  cells.NetworkParams with two inputs, hidden units and outputs
    T        length of the sequences
    noise    standard deviation of the inputs after the symbol
    """

    size = (900, 390)
    labels = {"T": "length T (steps)", "noise": "noise of the inputs"}
    SEQUENCES, DRAWN, LONGEST = 400, 8, 60
    COLOURS = BLUE, VERMILION

    def __init__(self, network: cells.NetworkParams, seed: int = 1, **values):
        self.network, self.seed = network, seed
        super().__init__(**values)

    def draw(self):
        plane, ax = self.fig.subplots(1, 2, width_ratios=(1, 1.75))
        plane.set(title="The state plane", xlabel="hidden unit 1", ylabel="hidden unit 2", xlim=(-1.12, 1.12),
                  ylim=(-1.12, 1.12), aspect="equal", anchor="N")
        W, b = np.diff(self.network.readout.W_hy, axis=0)[0], np.diff(self.network.readout.b_y)[0]
        self.border = plane.axline(tuple(-b * W / (W @ W)), tuple(np.array([-W[1], W[0]]) - b * W / (W @ W)), color=INK,
                                   linestyle=(0, (2, 3)), linewidth=1.2)
        ax.set(title="Unit 1 over time", xlabel="time step t", ylabel="hidden unit 1", xlim=(0, self.LONGEST),
               ylim=(-1.12, 1.12))
        self.paths, self.ends, self.curves = [], [], []
        for symbol, colour in enumerate(self.COLOURS):
            dash = ("-", (0, (4, 1.5)))[symbol]
            self.paths += [self.moving(plane.plot([], [], color=colour, linewidth=.8, linestyle=dash, alpha=.7))[0]
                           for _ in range(self.DRAWN)]
            self.curves += [self.moving(ax.plot([], [], color=colour, linewidth=1, linestyle=dash))[0]
                            for _ in range(self.DRAWN)]
            self.ends += self.moving(plane.plot([], [], "os"[symbol], color=colour, markersize=6, fillstyle="none",
                                                markeredgewidth=1.8))
        for x, colour, words in zip((.07, .23), self.COLOURS, ("○ first symbol 0", "□ first symbol 1")):
            self.fig.text(x, .025, words, color=colour)
        self.verdict = self.moving(ax.text(1, 1.02, "", transform=ax.transAxes, ha="right", va="bottom", fontsize=10.5))

    def compute(self, T=10, noise=.1):
        x, labels = tasks.recall(T, self.SEQUENCES, np.random.default_rng(self.seed), noise=noise)
        h = bptt.forward(self.network.rnn, x).h
        guess = cells.readout(self.network.readout, h[-1]).argmax(-1)
        return Remembered(h, labels, float((guess == labels).mean()))

    def move(self, seen):
        t = np.arange(len(seen.h))
        for symbol, end in enumerate(self.ends):
            h = seen.h[:, seen.labels == symbol][:, :self.DRAWN]
            end.set_data(h[-1, :, 0], h[-1, :, 1])
            drawn = slice(symbol * self.DRAWN, (symbol + 1) * self.DRAWN)
            for i, (path, curve) in enumerate(zip(self.paths[drawn], self.curves[drawn])):
                path.set_data(h[:, i, 0], h[:, i, 1])
                curve.set_data(t, h[:, i, 0])
        self.verdict.set_text(f"read out rightly: {100 * seen.accuracy:.0f} % of {self.SEQUENCES}")

    def describe(self, seen):
        means = [seen.h[-1, seen.labels == symbol].mean(0) for symbol in (0, 1)]
        return (f"Hidden states of {2 * self.DRAWN} sequences of {self.values['T']} steps with noise "
                f"{self.values['noise']:g}. From (0, 0) those that began with symbol 0 go to {_vector(means[0])} on "
                f"average, those with symbol 1 to {_vector(means[1])}. After the last step "
                f"{100 * seen.accuracy:.0f} % of {self.SEQUENCES} are read out rightly.")


def _short(value: float) -> str:
    """A number that fits into a unit: 1, 0, 0.72, −0.6."""
    if value == round(value):
        return f"{value:.0f}".replace("-", "−")
    return f"{value:.2f}".replace("-", "−")


def _vector(values: np.ndarray) -> str:
    return f"({', '.join(map(_short, values))})"


def _plain(value: float) -> str:
    """Three digits of a positive number: 0.503, 13,800, 2.5e+11."""
    return f"{float(f'{value:.3g}'):,g}" if 1e-3 <= value < 1e5 else f"{value:.1e}"


def _range(values: np.ndarray) -> str:
    low, high = f"{values.min():.1g}", f"{values.max():.1g}"
    return low if low == high else f"between {low} and {high}"


def _percent(fractions: np.ndarray) -> str:
    low, high = f"{100 * fractions.min():.0f}", f"{100 * fractions.max():.0f}"
    return f"{low} %" if low == high else f"{low} to {high} %"
