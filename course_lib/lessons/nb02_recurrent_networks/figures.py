"""The figures of lesson 02: a recurrent network drawn out over time, its states, and what sequences look like."""

from typing import NamedTuple

import numpy as np
from matplotlib.patches import Circle, FancyArrowPatch, FancyBboxPatch, Rectangle

from ... import bptt, cells, tasks
from ...screen.figure import BLUE, GREEN, INK, ORANGE, VERMILION, Figure

LOW = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")  # plain text is laid out ten times faster than mathtext


class UnrolledPass(NamedTuple):
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
        ax = self.ax = self.panels(at=(0, 0, 1, 1), xlim=(0, self.size[0]), ylim=(0, self.size[1]))
        ax.axis("off")
        for x, words in ((14, "Rolled up"),
                         (self.START - 60, "Unrolled: the same network, the same weights, at each step")):
            ax.text(x, 412, words, weight="bold", fontsize=10.5)
        (H, D), K = self.network.rnn.W_xh.shape, len(self.network.readout.b_y)
        sizes = {self.INPUT: D, self.HIDDEN: H, self.OUTPUT: K}
        columns = [self.START + self.STEP * t for t in range(self.T + 1)]

        self.units = {}  # (column, height): the texts in the units; column None is the rolled network
        for t, x in [(None, self.ROLLED), *enumerate(columns)]:
            for height, count in sizes.items():
                if t != 0 or height == self.HIDDEN:
                    self.units[t, height] = self._layer(x, height, count)
        self.states = [ax.text(x - 46, self.HIDDEN - 36, f"h{t}".translate(LOW), ha="left", va="center", fontsize=10.5)
                       for t, x in enumerate(columns)]
        for t, x in enumerate(columns[1:], start=1):
            ax.text(x, self.HEAD, f"t = {t}", ha="center", va="center")

        for low, high, colour in ((self.INPUT, self.HIDDEN, BLUE), (self.HIDDEN, self.OUTPUT, GREEN)):
            ax.add_patch(self._arrow((self.ROLLED, low), (self.ROLLED, high), colour))
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
            for ((x0, y0), (x1, y1), _), name in zip(ends, ("$W_{xh}$", "$W_{hh}$", "$W_{hy}$")):
                right, up, ha = (0, 12, "center") if y0 == y1 else (8, 0, "left")
                ax.text((x0 + x1) / 2 + right, (y0 + y1) / 2 + up, name, ha=ha, va="center")
        self.frame = self.moving(ax.add_patch(FancyBboxPatch((0, 0), 132, 318, boxstyle="round,pad=4,rounding_size=10",
                                                             fill=False, edgecolor=ORANGE, linestyle="--")))
        self.words = {t: self.moving(ax.text(x, self.WORD, "", ha="center", va="center", fontsize=10.5))
                      for t, x in [(None, self.ROLLED), *enumerate(columns[1:], start=1)]}
        self.formula = self.moving(ax.text(self.size[0] / 2, self.FOOT, "", ha="center", va="center", fontsize=10))

    def _layer(self, x: float, y: float, count: int) -> list:
        """Draw a row of units in a rounded box; return the texts in them."""
        radius = 15 if y == self.INPUT else 21
        across = 2 * radius + 5
        left = x - across * (count - 1) / 2
        self.ax.add_patch(FancyBboxPatch((left - radius - 2, y - radius - 2), across * (count - 1) + 2 * radius + 4,
                                         2 * radius + 4, boxstyle="round,pad=0,rounding_size=9", fill=False,
                                         edgecolor=INK, linewidth=.8, alpha=.6))
        places = [left + across * i for i in range(count)]
        for place in places:
            self.ax.add_patch(Circle((place, y), radius, fill=False, edgecolor=INK))
        return self.moving([self.ax.text(place, y, "", ha="center", va="center_baseline", fontsize=8.5)
                            for place in places])

    def _arrow(self, start: tuple, end: tuple, colour: str, linewidth=1.8, alpha=1.) -> FancyArrowPatch:
        """An arrow up or to the right that keeps clear of the boxes."""
        (x0, y0), (x1, y1) = start, end
        first, last = ((x0 + 50, y0), (x1 - 50, y1)) if y0 == y1 else (
            (x0, y0 + (19 if y0 == self.INPUT else 25)), (x1, y1 - 25))
        return FancyArrowPatch(first, last, color=colour, linewidth=linewidth, alpha=alpha, arrowstyle="-|>",
                               mutation_scale=11, shrinkA=0, shrinkB=0)

    def compute(self, t=1, sentence=""):
        words = sentence.split()
        x = np.array([self.vectors[word] for word in words], float)
        run = bptt.forward(self.network.rnn, x[:, None])
        h = run.h[:, 0]
        return UnrolledPass(words, x, h, cells.readout(self.network.readout, run.h[1:])[:, 0],
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

    gain  what W_hh multiplies each unit by
    """

    size = (820, 340)
    labels = {"gain": "gain of W_hh"}
    T = 100
    CURVES = {"linear": (BLUE, "-"), "relu": (ORANGE, (0, (1.5, 2))), "tanh": (GREEN, "--")}

    def draw(self):
        ax = self.ax = self.panels(
            title="A state that is multiplied again and again", xlabel="time step t", xticks=range(0, self.T + 1, 20),
            ylabel=r"$\log_{10}$ of the largest $|h_t|$  (decades)", xlim=(0, 124), ylim=(-5.5, 9))
        ax.plot([0, self.T], [0, 0], color=INK, linewidth=1)
        ax.text(self.T, .3, "1: no tanh gets above it", fontsize=8.5, va="bottom", ha="right")
        self.lines = {name: self.curve(ax, *look, linewidth=3 if name == "relu" else 1.8)
                      for name, look in self.CURVES.items()}
        self.names = {name: self.moving(ax.text(self.T + 2, 0, "", color=self.CURVES[name][0], va="center"))
                      for name in self.CURVES}

    def compute(self, gain=1.1):
        still = np.zeros((self.T, 1, 1))
        params = cells.RNNParams(np.ones((2, 1)), gain * np.eye(2), np.zeros(2))
        return {name: bptt.forward(params, still, np.array([[1, .6]]), name).h.max((1, 2)) for name in self.CURVES}

    def move(self, largest):
        for name, line in self.lines.items():
            line.set_data(np.arange(self.T + 1), np.log10(largest[name]))
        low = float(np.log10(largest["tanh"][-1]))
        top = max(float(np.log10(largest["linear"][-1])), low + 2)
        for name, shown, height in (("linear", "linear", top), ("relu", "ReLU", top - 1), ("tanh", "tanh", low)):
            self.names[name].set(text=f"{shown}: {_plain(largest[name][-1])}", y=height)

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
        self.text, self.pulse, self.returns = (x[:, 0] for x in (text, pulse, returns))
        self.T, side = len(text), int(np.sqrt(video.shape[-1]))
        self.video = video.reshape(-1, side, side)
        super().__init__(**values)

    def draw(self):
        across = (0, self.T + 1)
        letters, video, pulse, returns = self.panels(
            dict(title=f"Text: {self.text.shape[1]} inputs, the characters", ylim=(len(self.letters) - .4, -.6),
                 xlim=across, yticks=range(len(self.letters)),
                 yticklabels=["space" if letter == " " else letter for letter in self.letters]),
            dict(title=f"Video: {self.video[0].size} inputs, the pixels", xticks=[], yticks=[], anchor="W", grid=False),
            dict(title="Heartbeat: 1 input, the pulse", xlabel="time step t", ylabel="pulse", xlim=across),
            dict(title="Prices: 1 input, the return", xlabel="time step t", ylabel="log return (%)", xlim=across),
            rows=2, widths=(1.5, 1), heights=(1.25, 1))
        t = np.arange(1, self.T + 1)
        at, of = np.nonzero(self.text)
        letters.plot(at + 1, of, "s", color=BLUE, markersize=4)
        self.frame = self.moving(video.imshow(np.zeros(self.video.shape[1:]), cmap="cividis", vmin=0, vmax=1))
        pulse.plot(t, self.pulse[:, 0], color=VERMILION)
        returns.vlines(t, 0, 100 * self.returns[:, 0], color=GREEN)
        self.guide(returns, 0)
        read = (letters, "s"), (pulse, "o"), (returns, "o")
        self.cursors = [self.moving(ax.axvline(1, color=ORANGE, linestyle="--")) for ax, _ in read]
        self.dots = [self.curve(ax, ORANGE, marker, markersize=8, fillstyle="none", markeredgewidth=2)
                     for ax, marker in read]

    def compute(self, t=1):
        letter = self.letters[int(self.text[t - 1].argmax())]
        return Instant(letter, self.video[t - 1], float(self.pulse[t - 1, 0]), float(self.returns[t - 1, 0]))

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
                f"is brightest in row {row + 1}, column {column + 1}, the pulse is {now.pulse:.2f} and the price "
                f"changes by {f'{100 * now.growth:+.2f}'.replace('-', '−')} %.")


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
        updates = max(map(len, self.losses.values()))
        ax = self.panels(
            title="Loss of each batch during training", xlabel="update", ylabel="cross-entropy (nats)", yscale="log",
            xlim=(0, 1.25 * updates), xticks=np.linspace(0, updates, 5),
            ylim=(.3 * min(loss.min() for loss in self.losses.values()), 2.5 * self.guess))
        self.guide(ax, self.guess)
        ax.text(1.01 * updates, self.guess * 1.12, f"guessing: {self.guess:.2f}", va="bottom")
        self.curves = {name: ax.plot(np.arange(len(loss)), loss, color=colour, linestyle=dash, linewidth=1.3)
                       for (name, loss), (colour, dash) in zip(self.losses.items(), self.STYLES)}
        below = np.log(self.guess)  # each name goes below the one before, as near to its curve as it can
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
    """A table of how often several networks are right, by the length of the sequences; one length trained them.

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
        each = next(iter(self.accuracy.values())).shape[1]
        ax = self.panels(
            title=f"Right answers (%) at other lengths, {each} networks each", grid=False,
            xlabel="length of the sequence T (steps)", xlim=(-.55, len(self.lengths) - .45),
            ylim=(len(self.accuracy) * (each + .5) - .4, -1.5), xticks=range(len(self.lengths)),
            xticklabels=self.lengths)
        ax.set_yticks([group * (each + .5) + (each - 1) / 2 for group in range(len(self.accuracy))], self.accuracy)
        ax.tick_params(length=0)
        ax.spines[["left", "bottom"]].set_visible(False)
        self.shown = {}  # (name, member, length): the text in that cell
        for group, (name, fractions) in enumerate(self.accuracy.items()):
            for (column, member), fraction in np.ndenumerate(fractions):
                y = group * (each + .5) + member
                colour = BLUE if fraction >= 1 - self.SURE else VERMILION if fraction <= self.SURE else None
                ax.add_patch(Rectangle((column - .44, y - .4), .88, .8, edgecolor=INK, facecolor=colour or "none",
                                       linewidth=.8))
                self.shown[name, member, self.lengths[column]] = ax.text(
                    column, y, f"{100 * fraction:.0f}", ha="center", va="center", color="white" if colour else INK)
        column = self.lengths.index(self.trained)
        ax.add_patch(Rectangle((column - .5, -.5), 1, len(self.accuracy) * (each + .5) - .5, fill=False,
                               edgecolor=ORANGE, linestyle="--", linewidth=1.6))
        ax.text(column, -.62, "trained here", color=ORANGE, ha="center", va="bottom")

    def describe(self, data):
        here = self.lengths.index(self.trained)
        listed = "; ".join(f"{name.replace(chr(10), ' ')}: {_percent(fractions[here])} at {self.trained} steps, "
                           f"{_percent(np.delete(fractions, here, axis=0))} at the other lengths"
                           for name, fractions in self.accuracy.items())
        return (f"Right answers at lengths from {self.lengths[0]} to {self.lengths[-1]} steps. "
                f"{listed[0].upper() + listed[1:]}. Guessing gives {100 * self.chance:.0f} %.")


class Remembered(NamedTuple):
    """Hidden states of two units (T + 1, B, 2), the symbol of each sequence (B,), and the fraction read out correctly."""

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
        plane, ax = self.panels(
            dict(title="The state plane", xlabel="hidden unit 1", ylabel="hidden unit 2", xlim=(-1.12, 1.12),
                 aspect="equal", anchor="N"),
            dict(title="Unit 1 over time", xlabel="time step t", ylabel="hidden unit 1", xlim=(0, self.LONGEST)),
            ylim=(-1.12, 1.12), widths=(1, 1.75))
        W, b = np.diff(self.network.readout.W_hy, axis=0)[0], np.diff(self.network.readout.b_y)[0]
        self.border = plane.axline(tuple(-b * W / (W @ W)), tuple(np.array([-W[1], W[0]]) - b * W / (W @ W)), color=INK,
                                   linestyle=(0, (2, 3)), linewidth=1.2)
        self.paths, self.ends, self.curves = [], [], []
        for colour, dash, marker in zip(self.COLOURS, ("-", (0, (4, 1.5))), "os"):
            self.paths += [self.curve(plane, colour, dash, linewidth=.8, alpha=.7) for _ in range(self.DRAWN)]
            self.curves += [self.curve(ax, colour, dash, linewidth=1) for _ in range(self.DRAWN)]
            self.ends.append(self.curve(plane, colour, marker, markersize=6, fillstyle="none", markeredgewidth=1.8))
        self.key(self.fig, (.07, .025, "○ first symbol 0", self.COLOURS[0]),
                 (.23, .025, "□ first symbol 1", self.COLOURS[1]), va="baseline")
        self.verdict, = self.key(ax, (1, 1.02, "", INK), ha="right", va="bottom", fontsize=10.5)

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
        self.verdict.set_text(f"read out correctly: {100 * seen.accuracy:.0f} % of {self.SEQUENCES}")

    def describe(self, seen):
        means = [seen.h[-1, seen.labels == symbol].mean(0) for symbol in (0, 1)]
        return (f"Hidden states of {2 * self.DRAWN} sequences of {self.values['T']} steps with noise "
                f"{self.values['noise']:g}. From (0, 0) those that began with symbol 0 go to {_vector(means[0])} on "
                f"average, those with symbol 1 to {_vector(means[1])}. After the last step "
                f"{100 * seen.accuracy:.0f} % of {self.SEQUENCES} are read out correctly.")


def _short(value: float) -> str:
    """A number that fits into a unit: 1, 0, 0.72, −0.6."""
    return f"{value:.{0 if value == round(value) else 2}f}".replace("-", "−")


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
