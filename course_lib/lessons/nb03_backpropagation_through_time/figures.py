"""The figures of lesson 03: each step's term, values on the unrolled network, the gradient by distance."""

from typing import NamedTuple

import numpy as np

from ... import bptt, cells, gradcheck, initialise
from ...screen.figure import BLUE, GREEN, INK, ORANGE, VERMILION, Figure
from ...screen.kit import Decades, power_of_ten, set_limits

LONGEST = 30  # steps that Contributions can show


class Shares(NamedTuple):
    """What Contributions shows.

    terms   (T,) of each step: dh_T/dh_t h_{t-1}
    shared  dL/dw of the one weight that all steps share, by the complex step
    """

    terms: np.ndarray
    shared: float


class Contributions(Figure):
    """What each step adds to the gradient of the weight w they share: h_t = w h_{t-1} + x_t, L = h_T.

        dL/dw = sum over t of dh_T/dh_t h_{t-1}

    seed  of the inputs, drawn from .5 to 1.5; h_0 = 1
    w     the weight
    T     number of steps, at most 30
    """

    size = (760, 320)
    labels = {"w": "weight w", "T": "length T (steps)"}

    def __init__(self, seed: int = 0, **values):
        self.x = np.random.default_rng(seed).uniform(.5, 1.5, LONGEST)
        super().__init__(**values)

    def draw(self):
        ax = self.ax = self.panels(
            title="What each step adds to dL/dw", xlabel="time step t", ylabel="its term (largest = 1)")
        ax.xaxis.get_major_locator().set_params(integer=True)
        self.guide(ax, 0)
        self.bars = self.moving(ax.bar(np.arange(1, LONGEST + 1), 0, width=.7, color=BLUE))
        self.sums, = self.key(ax, (.01, .98, "", INK), linespacing=1.4)
        self.late, = self.key(ax, (.99, .98, "", VERMILION), ha="right")

    def compute(self, w=.9, T=20):
        if not 1 <= T <= LONGEST:
            raise ValueError(f"T is {T}, needs to be 1 to {LONGEST}: that is how many inputs are drawn.")
        x = self.x[:T]
        h = _linear_states(np.full(T, w), x)
        carried = w ** np.arange(T - 1, -1, -1.)  # dh_T/dh_t for t = 1 ... T
        shared = gradcheck.complex_step(lambda one: _linear_states(np.full(T, one), x)[-1], np.array(w))
        return Shares(carried * h[:-1], float(shared))

    def move(self, shares):
        terms, T = shares.terms, len(shares.terms)
        heights = terms / np.abs(terms).max()
        set_limits(self.ax, (.4, LONGEST + .6), (-1.35 if heights.min() < 0 else 0., 1.35))
        for t, bar in enumerate(self.bars, start=1):
            bar.set_height(heights[t - 1] if t <= T else 0)
            bar.set_color(VERMILION if T - 5 < t <= T else BLUE)
        self.sums.set_text(f"sum of the bars: {terms.sum():.4g}\nshared w, complex step: {shares.shared:.4g}")
        self.late.set_text(f"{_last_five(T)}: {_late(terms):.0%} of the sum")

    def describe(self, shares):
        terms, T, w = shares.terms, len(shares.terms), self.values["w"]
        return (f"{T} bars, one for each step at which h_t = {w:g} h_(t-1) + x_t uses w. The bars sum to "
                f"{terms.sum():.4g}; the complex step gives {shares.shared:.4g} for the shared w. "
                f"{_last_five(T).capitalize()} hold {_late(terms):.0%} of it; the first bar is "
                f"{terms[0] / terms[-1]:.2g} times the last one.")


def _linear_states(w, x) -> np.ndarray:
    """h_0 = 1, h_t = w_t h_{t-1} + x_t: (T + 1,)."""
    h = [w[0] * 0 + 1]
    for w_t, x_t in zip(w, x):
        h.append(w_t * h[-1] + x_t)
    return np.array(h)


def _last_five(T: int) -> str:
    return "the last 5 steps" if T > 5 else "all steps"


def _late(terms: np.ndarray) -> float:
    return terms[-5:].sum() / terms.sum()


def _signed(value: float, form: str = ".3f") -> str:
    return f"{value:{form}}".replace("-", "−")


class Passed(NamedTuple):
    """What GradientFlow shows; rows are time steps.

    h       (T + 1,)
    direct  (T + 1,) what the loss reads from each state
    dh      (T + 1,) total dL/dh_t
    slope   (T,)     dh_t/dh_{t-1} = w (1 - h_t^2)
    terms   (T,)     what each step adds to dL/dw
    """

    h: np.ndarray
    direct: np.ndarray
    dh: np.ndarray
    slope: np.ndarray
    terms: np.ndarray


class GradientFlow(Figure):
    """One tanh unit, unrolled: states go forward, then the gradient comes back, one step at a time, to the one w.

        h_t = tanh(w h_{t-1} + x_t)        dL/dh_{t-1} = direct_{t-1} + w (1 - h_t^2) dL/dh_t

    step  how far the two passes have come: 0 to 4 forward, 5 to 9 backward
    w     the recurrent weight
    loss  "last": L = h_4; "every": L = h_1 + h_2 + h_3 + h_4
    """

    size = (780, 370)
    labels = {"step": "moves made", "w": "weight w", "loss": "loss reads"}
    x = np.array([.8, -.4, .6, .3])
    T = len(x)
    allowed = {"step": (0, 2 * T + 1), "w": (-100, 100), "loss": ["last", "every"]}
    start = .5

    def draw(self):
        ax = self.panels(xlim=(-1.35, self.T + .3), ylim=(-3.1, 1.75))
        ax.axis("off")
        states, steps, line = range(self.T + 1), range(1, self.T + 1), {"color": INK, "linewidth": 1}
        for height, colour, words in ((.62, BLUE, "forward: h"), (-1.15, VERMILION, "factor w (1 − h²)"),
                                      (-1.53, VERMILION, "backward: dL/dh"), (-2.35, GREEN, "term of dL/dw")):
            ax.text(-1.33, height, words, color=colour, va="center")
        ax.plot([-.36, self.T - .5], [1.42, 1.42], **line)
        ax.text(self.T / 2, 1.47, "one w, used at every step", ha="center", va="bottom")
        for t in states:
            ax.text(t, 0, f"$h_{t}$", ha="center", va="center", fontsize=13)
        for t, x_t in enumerate(self.x, start=1):
            ax.text(t - .5, -.5, f"$x_{t}$ = {_signed(x_t, 'g')}", ha="center", va="top")
            for *tip, x, y in (t - .2, -.09, t - .5, -.48), (t - .2, 0, t - .8, 0), (t - .5, .03, t - .5, 1.42):
                ax.annotate("", tip, (x, y), arrowprops={"arrowstyle": "->", "shrinkA": 0, **line})
        circle = np.exp(2j * np.pi * np.linspace(0, 1, 61))

        def number(x, height, colour, size=11, **more):
            centred = {"ha": "center", "va": "center", "fontsize": size, **more}
            return self.moving(ax.text(x, height, "", color=colour, **centred))

        self.weight, self.total = (
            number(-.41, height, colour, ha="right", bbox={"boxstyle": "round", "fc": "none", "ec": colour})
            for height, colour in ((1.42, INK), (-2.86, GREEN)))
        self.rings = [self.moving(ax.plot(t + .17 * circle.real, .29 * circle.imag))[0] for t in states]
        self.states = [number(t, .62, BLUE) for t in states]
        self.grads = [number(t, -1.53, VERMILION) for t in states]
        self.factors = [number(t - .5, -1.15, VERMILION, 9.5) for t in steps]
        tip = {"linewidth": 1.5, "markersize": 6, "markevery": [-1]}
        self.arrows = [self.curve(ax, VERMILION, "<--", [t - .28, t - .72], [-1.53, -1.53], **tip) for t in steps]
        self.origins = [self.curve(ax, GREEN, ":", [t - .06, t - .42], [-1.68, -2.21], linewidth=1) for t in steps]
        self.reads = [number(-1.33, -1.91, INK, 9.5, ha="left"), *(number(t, -1.91, INK, 9.5) for t in states)]
        self.terms = [number(t - .5, -2.35, GREEN) for t in steps]
        self.ways = [self.curve(ax, GREEN, "<:", [t - .5, t - .5, max(t - 1.5, -.3)], [-2.52, -2.86, -2.86], **tip)
                     for t in steps]

    def compute(self, step=9, w=1.2, loss="last"):
        params = cells.RNNParams(np.ones((1, 1)), np.full((1, 1), float(w)), np.zeros(1))
        run = bptt.forward(params, self.x[:, None, None], np.full((1, 1), self.start))
        direct = np.zeros_like(run.h)
        direct[-1 if loss == "last" else slice(1, None)] = 1
        back = bptt.backward(run, direct)
        h = run.h[:, 0, 0]
        return Passed(h, direct[:, 0, 0], back.dh[:, 0, 0], w * (1 - h[1:] ** 2), back.da[:, 0, 0] * h[:-1])

    def move(self, passed):
        step, arrived, every = self.values["step"], self._arrived(), self.values["loss"] == "every"
        self.weight.set_text(f"w = {_signed(self.values['w'], 'g')}")
        self.reads[0].set_text("direct: read by the loss" if every else "")
        for t in range(self.T + 1):
            self.states[t].set_text(_signed(passed.h[t]) if t <= step else "")
            active = t == step if step <= self.T else t == arrived
            self.rings[t].set(color=VERMILION if active and step > self.T else BLUE if active else INK,
                              linewidth=2.6 if active else 1)
            back = t >= arrived
            self.grads[t].set_text(_signed(passed.dh[t]) if back else "")
            self.reads[t + 1].set_text(f"{passed.direct[t]:g}" if back and every else "")
        for t in range(1, self.T + 1):
            back = t - 1 >= arrived
            slope = _signed(passed.slope[t - 1])
            self.factors[t - 1].set_text((f"× ({slope})" if passed.slope[t - 1] < 0 else f"× {slope}") if back else "")
            self.terms[t - 1].set_text(_signed(passed.terms[t - 1]) if back else "")
            for line in self.arrows[t - 1], self.origins[t - 1], self.ways[t - 1]:
                line.set_visible(back)
        self.total.set_text(f"sum {_signed(passed.terms.sum())}" if arrived == 0 else "sum")

    def _arrived(self) -> int:
        """The earliest t whose gradient is known, T + 1 if none is."""
        return min(self.T + 1, 2 * self.T + 1 - self.values["step"])

    def describe(self, passed):
        values, arrived, h = self.values, self._arrived(), enumerate(passed.h[:self.values["step"] + 1])
        words = (f"One tanh unit with w = {values['w']:g}, unrolled over {self.T} steps. Forward: "
                 + ", ".join(f"h_{t} = {h_t:.3f}" for t, h_t in h) + ".")
        if arrived > self.T:
            return words + " The gradient has not started back."
        words += (f" The loss reads {'h_4 only' if values['loss'] == 'last' else 'every state'}. Backward: "
                  + ", ".join(f"dL/dh_{t} = {passed.dh[t]:.3f}" for t in range(self.T, arrived - 1, -1)) + ".")
        slopes, terms = (", ".join(f"{each:.3f}" for each in some)
                         for some in (passed.slope[arrived:][::-1], passed.terms))
        words += f" The factors on this way, w (1 - h_t^2), are {slopes}." if slopes else ""
        return words if arrived else words + (" From w, drawn once, an arrow leads into each step; its terms of dL/dw, "
                                              f"{terms}, come back to one sum, {passed.terms.sum():.3f}.")


HIDDEN, DRIVE = 32, .1  # DRIVE: about what torch's default W_xh makes of one input of size 1 at 32 units
SEEDS = 0, 1, 2
COLOURS = (BLUE, "-"), (ORANGE, "--"), (GREEN, "-.")


class Distances(NamedTuple):
    """What GradientByDistance shows; the second axis is distance T - t.

    total   (3, T + 1) log10 |dL/dh_t| for each seed
    last    (3, T + 1) the same for the part of it that comes from the loss on h_T
    factor  (3,)       by which that part changes with each step back: ten to the slope of a line through it
    """

    total: np.ndarray
    last: np.ndarray
    factor: np.ndarray


class GradientByDistance(Decades):
    """log10 |dL/dh_t| against the distance T - t from the end, for three networks as torch draws its nn.RNN.

    gain        times torch's default: W_hh from U(-k, k), k = gain / sqrt(32)
    T           length of the sequence
    activation  "tanh", "relu" or "linear"
    losses      "last": L reads h_T; "every": L reads every h_t, in one direction and with one weight
    """

    labels = {"gain": "gain (1 = torch)", "T": "length T (steps)", "losses": "loss at"}

    title, xlabel = "The gradient by distance from the end", "steps back from the end, T − t"
    ylabel = r"$\log_{10}\ |dL/dh_t|$  (decades)"
    spans = (50, -40, 15), (200, -160, 60)
    lines = *((colour, dash, 2.2) for colour, dash in COLOURS), *((colour, ":", 1.6) for colour, _ in COLOURS)

    def draw(self):
        super().draw()
        self.ax.yaxis.get_major_locator().set_params(steps=[1, 2, 4, 10])  # no line of the grid crosses a name

    def compute(self, gain=1.0, T=50, activation="tanh", losses="last"):
        if losses not in ("last", "every"):
            raise ValueError(f'losses is {losses!r}, needs "last" or "every".')
        both = [_by_distance(seed, gain, T, activation) for seed in SEEDS]
        with np.errstate(divide="ignore"):  # a ReLU network may die: then the gradient is exactly 0
            every, last = (np.log10(curves) for curves in zip(*both))
        total = last if losses == "last" else every
        return Distances(total, last, np.array([_slope(curve) for curve in last]))

    def move(self, distances):
        split = self.values["losses"] == "every"
        of_it = [", all losses" if split else f", × {rate:.2f} a step" for rate in distances.factor]
        texts = [f"seed {seed}: {power_of_ten(curve[-1])}{words}"
                 for seed, curve, words in zip(SEEDS, distances.total, of_it)]
        texts += [f"··· last loss alone: {power_of_ten(curve[-1])}, × {rate:.2f}"
                  for curve, rate in zip(distances.last, distances.factor)]
        lasts = distances.last if split else [None] * len(SEEDS)
        self.place(np.arange(distances.total.shape[1]), [*distances.total, *lasts], texts)

    def describe(self, distances):
        values, T, lowest, highest = self.values, self.values["T"], distances.factor.min(), distances.factor.max()
        words = (f"log10 of |dL/dh_t| against the distance T - t, for three {values['activation']} networks of "
                 f"{HIDDEN} units with gain {values['gain']:g} (1 is torch's default) and {T} steps. ")
        totals, ends = (", ".join(f"{10 ** curve[-1]:.2g}" for curve in curves)
                        for curves in (distances.total, distances.last))
        if values["losses"] == "last":
            return words + (f"The loss reads the last state. Over {T} steps back the gradient changes by the factors "
                            f"{ends}: {lowest:.2g} to {highest:.2g} a step.")
        return words + (f"A loss reads every state. {T} steps back the whole gradient is {totals}, but the part that "
                        f"comes from the last loss is {ends}: it changes by {lowest:.2g} to {highest:.2g} a step.")


def _by_distance(seed: int, gain: float, T: int, activation: str) -> tuple[np.ndarray, np.ndarray]:
    """|dL/dh_t| by distance, for a loss at every step and for one at the last."""
    rng = np.random.default_rng(seed)
    params = initialise.rnn(1, HIDDEN, rng, recurrent="uniform", gain=gain, input_gain=DRIVE)
    direction = initialise.orthogonal((1, HIDDEN), rng)  # a unit vector
    run = bptt.forward(params, rng.normal(size=(T, 1, 1)), activation=activation)
    last = bptt.at_end(run, direction)
    every = np.zeros_like(run.h)
    every[1:] = direction
    return tuple(np.linalg.norm(bptt.backward(run, direct).dh[::-1, 0], axis=-1) for direct in (every, last))


def _slope(curve: np.ndarray) -> float:
    """The factor a step of a straight line through log10 values, 0 if they end in an exact zero."""
    return 10 ** np.polyfit(np.arange(len(curve)), curve, 1)[0] if np.isfinite(curve).all() else 0.
