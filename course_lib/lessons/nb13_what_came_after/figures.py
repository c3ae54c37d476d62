"""The figures of lesson 13: the rounds of a scan and of Newton's method, the mean squares of a long memory, what S4's
state keeps of a curve, one ruler for all, the road back through the delta rule, and how many pairs a matrix holds."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ... import _checks, bptt, data, initialise
from ...screen.figure import BLUE, INK, VERMILION, Figure
from ...screen.kit import LINE_HEIGHT, apart, power_of_ten
from ..nb12_gru.figures import COLOURS
from . import newton_in_time
from .curse_of_memory import mean_squares


class ScanRounds(Figure):
    """Eight steps h -> a h + b, joined round by round by newton_in_time.scan. A box says which steps it has joined, and
    their a and b; where these begin with step 1 it is framed thick, and its b is the state, as h_0 = 0.

    scan    one of PLANS
    rounds  that are done; a scan that has fewer stands at its last
    """

    size = (660, 484)
    PLANS = {"to the left": newton_in_time.to_the_left, "up and down": newton_in_time.up_and_down}
    A, B = np.array([.9, .5, .8, .6, .9, .7, .5, .8]), np.array([1., 2., 0., 1., 3., 0., 2., 1.])
    T, MOST, HALF = len(A), 5, np.array([.46, .31])  # half the sides of a box, in steps and rounds
    allowed = {"scan": [*PLANS], "rounds": (0, MOST)}

    def draw(self):
        ax = self.panels(at=(0, 0, 1, 1), xlim=(-1.45, self.T - .45), ylim=(6.65, -.85), grid=False)
        ax.set_axis_off()
        self.title = self.moving(ax.text(-1.38, -.62, "", va="center", fontsize=11.5, fontweight="bold"))
        self.before, self.frames = (self.curve(ax, INK, linewidth=1) for _ in range(2))
        self.joined, self.done = self.curve(ax, VERMILION, linewidth=2.2), self.curve(ax, BLUE, linewidth=3.2)
        self.words = {at: self.moving(ax.text(*at, "", ha="center", va="center", fontsize=11, linespacing=1))
                      for at in np.ndindex(self.T, self.MOST + 1)}
        ax.plot([-1.38, -1], [5.72] * 2, color=VERMILION, linewidth=2.2)
        ax.plot([3.3, 3.7, 3.7, 3.3, 3.3], [5.6, 5.6, 5.84, 5.84, 5.6], color=BLUE, linewidth=3.2)
        self.ends = {"one after another": (self.T - 1, self.T - 1)} | {
            name: newton_in_time.scan(self.A, self.B, plan)[1:] for name, plan in self.PLANS.items()}
        said = [f"{name}:\n{rounds} rounds, {joins} joins" for name, (rounds, joins) in self.ends.items()]
        for x, y, words in [(-1.38, place, f"round {place}" if place else "step\na, b") for place in range(6)] + [
                (-.85, 5.72, "what the last round has joined"), (3.85, 5.72, "begins with step 1: b is h (h₀ = 0)"),
                *zip((-1.38, 1.9, 4.9), [6.25] * 3, said)]:
            ax.text(x, y, words, va="center_baseline", fontsize=11)

    def compute(self, scan="to the left", rounds=3):
        plan = [(np.arange(self.T), 0), *self.PLANS[scan](self.T)][:rounds + 1]
        done = newton_in_time.scan_rounds(np.array([self.A, self.B]), self.PLANS[scan])
        first, boxes = np.arange(self.T), {}
        for place, ((later, reach), (steps, joins)) in enumerate(zip(plan, done)):
            first[later] = first[later - reach]
            boxes |= {(t, place): (int(first[t]), *steps[:, t]) for t in later.tolist()}
        return plan, boxes, joins

    def move(self, data):
        (plan, boxes, joins), (_, high) = data, self.HALF
        taken = [[((t - reach, place - 1 + high), (t, place - high)) for t in later]
                 for place, (later, reach) in enumerate(plan[1:], 1)]
        waits = [((t, place - 1 + high), (t, place - high if (t, place) in boxes else place + high))
                 for place in range(1, len(plan)) for t in range(self.T)]
        corners = np.array([(-1, -1), (1, -1), (1, 1), (-1, 1), (-1, -1), (0, -1)]) * self.HALF
        for curve, lines in (self.before, sum(taken[:-1], waits)), (self.joined, sum(taken[-1:], [])), *(
                (curve, [at + corners for at, (first, *_) in boxes.items() if (first == 0) == done])
                for curve, done in ((self.frames, False), (self.done, True))):
            points = [point for line in lines for point in (*line, (np.nan, np.nan))]
            curve.set_data(*np.reshape(points, (-1, 2)).T)
        for (t, place), word in self.words.items():
            first, a, b = boxes.get((t, place), (t, 0, 0))
            steps = f"{first + 1}–{t + 1}" if first < t else t + 1
            word.set_text(f"{steps}\n{a:.2f}, {b:.1f}".replace("\n0.", "\n.") if (t, place) in boxes else "")
        scan = self.values["scan"]
        self.title.set_text(f"A scan {scan}, round {len(plan) - 1} of {self.ends[scan][0]}: {joins} joins, "
                            f"{2 * joins} multiplications so far")

    def describe(self, _):
        last = {t: word.get_text().split()[0] for (t, _), word in self.words.items() if word.get_text()}.values()
        ends = ", ".join(f"{name} {rounds} rounds and {joins} joins" for name, (rounds, joins) in self.ends.items())
        return (f"{self.title.get_text()}. The {self.T} steps have joined {', '.join(last)}: "
                f"{sum(steps[0] == '1' for steps in last)} begin with step 1, b is h (h₀ = 0). To the end: {ends}.")


class NewtonRounds(Figure):
    """How far each step is from the states computed one after another, after some rounds of newton_in_time.newton.

    gain    of the Gaussian W_hh of a tanh network with 16 units
    rounds  of Newton's method
    """

    size = (900, 360)
    labels = {"gain": "gain of W_hh", "rounds": "rounds"}
    GAINS, T, MOST = (.5, 1., 1.5, 2., 3.), 100, 40
    allowed = {"gain": [*GAINS], "rounds": (0, MOST)}
    FLOOR, TOP = -14, 3  # what is below it is rounding, which differs from processor to processor

    def __init__(self, seed: int = 0, **values):
        rng = np.random.default_rng(seed)
        base, x = initialise.rnn(4, 16, rng, "gaussian"), .5 * rng.normal(size=(self.T, 1, 4))
        params = base._replace(W_xh=np.broadcast_to(base.W_xh, (len(self.GAINS), 16, 4)),
                               W_hh=np.multiply.outer(self.GAINS, base.W_hh),
                               b_h=np.zeros((len(self.GAINS), 16)))
        true = bptt.forward(params, x).h
        guesses = zip(range(self.MOST + 1), newton_in_time.newton(params, x))
        self.errors = np.array([np.abs(h - true)[1:].max((-1, -2)) for _, (h, _) in guesses])  # (rounds, T, gains)
        super().__init__(**values)

    def draw(self):
        ax = self.panels(
            at=(.085, .15, .8, .75), title="All steps at once: how wrong is each state?", xlabel="step t",
            xlim=(1, self.T), ylabel=r"$\log_{10}$ of the largest error", ylim=(self.FLOOR - .5, self.TOP),
            yticks=(-14, -12, -8, -4, 0), yticklabels=("≤ −14", "−12", "−8", "−4", "0"))
        self.wrong = self.curve(ax, BLUE, linewidth=2.2)
        self.front = self.curve(ax, VERMILION, "--", linewidth=1.2)
        self.word, = self.key(ax, (.98, .97, "", BLUE), ha="right")
        self.promise = self.moving(ax.text(0, 2.2, "", color=VERMILION, va="center"))

    def compute(self, gain=3., rounds=6):
        return self.errors[rounds, :, self.GAINS.index(gain)]

    def move(self, errors):
        self.wrong.set_data(np.arange(1, self.T + 1), np.log10(np.maximum(errors, 10. ** self.FLOOR)))
        self.front.set_data([self.values["rounds"]] * 2, [self.FLOOR - .5, self.TOP])
        self.promise.set(x=self.values["rounds"] + .8, text=f"promised: to step {self.values['rounds']}")
        self.word.set_text(f"right to 8 digits: {(errors < 1e-8).sum()} of {self.T} steps")

    def describe(self, errors):
        return ("After {rounds} rounds of Newton's method at gain {gain:g}, ".format_map(self.values)
                + f"{(errors < 1e-8).sum()} of {self.T} states are right to eight digits.")


class LongMemory(Figure):
    """White input into h_t = l h_{t-1} + x_t: E h^2 and E (dh/dl)^2 against 1 - l, and the gradient after both cures.

    measured  {l: (E h^2, E (dh/dl)^2, E (d(normalised h)/dnu)^2)}; the lines are the closed forms
    errors    ValueError where it is empty
    """

    size = (900, 380)

    def __init__(self, measured: Mapping[float, tuple[float, float, float]]):
        if not measured:
            raise ValueError("measured is empty: give at least one l with its three variances.")
        self.measured = dict(measured)
        super().__init__()

    def draw(self):
        gap = np.logspace(-3.3, -.3, 200)
        ax = self.panels(
            at=(.085, .15, .66, .75), title="The curse of memory", xlabel="1 − l  (longer memory to the right)",
            ylabel="mean square", xscale="log", yscale="log", xlim=(gap[-1], gap[0]), ylim=(1e-2, 1e10))
        names, columns = (r"$E\,h^2$", r"$E\,(dh/dl)^2$", r"$E\,(d\bar h/d\nu)^2$, cured"), zip(*self.measured.values())
        for (colour, dash), name, curve, column in zip(COLOURS, names, mean_squares(1 - gap), columns):
            ax.plot(gap, curve, color=colour, linestyle=dash, linewidth=2)
            ax.plot([1 - l for l in self.measured], column, "o", color=colour, markersize=6)
            ax.text(gap[0] / 1.15, curve[0], name, color=colour, va="center")
        ax.minorticks_off()

    def describe(self, _):
        rows = "; ".join(f"l = {l:g}: {h:.2g}, {d:.2g} and {cured:.2g}" for l, (h, d, cured) in self.measured.items())
        return f"Mean squares of h, of dh/dl, and of the gradient after both cures, measured at three l. {rows}."


class PastInNumbers(Figure):
    """What N numbers keep of a curve that is read step by step: h' = A h + B x, at the pace of a clock.

    A, B    (N, N) and (N,); with HiPPO's the numbers are coefficients of Legendre polynomials over the whole past
    curve   one of CURVES, of T steps; the digit is read pixel by pixel, each for 8 steps
    clock   Delta of a step: "1/t", HiPPO's, or one of the even ones, S4's
    read    steps read so far
    errors  ValueError for shapes, and for values that are not among these
    source  Gu, Dao, Ermon, Rudra and Re 2020, "HiPPO" (LegS); Gu, Johnson and others 2022, the even clock (abstracts)

    The dot is y = C h with C_n = sqrt(2n + 1) P_n(0): where half of the past is newer by HiPPO's clock, and by an even
    one ln 2 / Delta steps ago. The weights are its gradient, dy/dx_s, by a walk back through the steps.
    """

    size = (900, 460)
    labels = {"clock": "clock, Δ", "read": "steps read"}
    T, CURVES, CLOCKS = 512, ["waves", "step", "chirp", "digit"], ["1/t", "0.02", "0.01", "0.005"]
    allowed = {"curve": CURVES, "clock": CLOCKS, "read": (1, T)}

    def __init__(self, A: np.ndarray, B: np.ndarray, **values):
        B = _checks.array("B", B, ndim=1)
        A = _checks.array("A", A, ndim=2)
        if A.shape != (len(B), len(B)):
            raise ValueError(f"A has shape {A.shape}, B {B.shape}: needs (N, N) and (N,).")
        self.C, u = polynomials(np.array([.5]), len(B))[0], (np.arange(self.T) + .5) / self.T
        self.curves = dict(zip(self.CURVES, (
            .6 * np.sin(3.4 * np.pi * u) + .3 * np.cos(8.2 * np.pi * u), np.where(u < .4, -.7, .7),
            .9 * np.cos(14 * np.pi * u**2), data.digits("train").images[3].repeat(self.T // 64))))
        self.steps = {clock: bilinear(A, B, 1 / np.arange(1, self.T + 1) if clock == "1/t" else
                                      np.full(self.T, float(clock))) for clock in self.CLOCKS}
        super().__init__(**values)

    def draw(self):
        past, weights, state = self.panels(
            dict(at=(.065, .47, .56, .46), title="What the numbers tell of the past", xlim=(0, self.T),
                 ylim=(-1.35, 1.75), ylabel="curve", xticklabels=[]),
            dict(at=(.065, .115, .56, .24), title="How much each input counts in the dot", xlabel="step s",
                 ylabel=r"$dy\,/\,dx_s$", xlim=(0, self.T), ylim=(-.035, .115), yticks=(0, .05, .1)),
            dict(at=(.7, .115, .28, .815), title=f"The state: {len(self.C)} numbers", xlabel="n", ylabel="$h_n$",
                 xlim=(-.7, len(self.C) - .3), ylim=(-.8, 1.1), xticks=range(0, len(self.C), 5), yticks=(-.5, 0, .5)))
        self.guide(weights, 0), self.guide(state, 0)
        self.unread = self.curve(past, INK, (0, (1, 2)), linewidth=1)
        self.seen = self.curve(past, INK, linewidth=1.3)
        self.told = self.curve(past, VERMILION, "--", linewidth=2.4)
        self.dot = self.curve(past, BLUE, "o", markersize=8)
        self.now = [self.curve(ax, INK, (0, (4, 3)), linewidth=1) for ax in (past, weights)]
        self.counts = self.curve(weights, BLUE, linewidth=1.8)
        self.stems, self.heads = self.curve(state, VERMILION, linewidth=1.8), self.curve(state, VERMILION, "o")
        self.key(past, (.01, .97, "──  read", INK), (.16, .97, "- -  told by the numbers", VERMILION),
                 (.5, .97, "●  y = C h, one number", BLUE))
        self.word, = self.key(state, (.03, .985, "", VERMILION), linespacing=1.35)

    def compute(self, curve="waves", clock="1/t", read=400):
        (J, new), x = self.steps[clock], self.curves[curve]
        h, back, counts = np.zeros_like(self.C), self.C, np.zeros(read)
        for t in range(read):
            h = J[t] @ h + new[t] * x[t]
        for t in reversed(range(read)):
            counts[t], back = back @ new[t], back @ J[t]
        age = read - .5 - np.arange(read)
        u = 1 - age / read if clock == "1/t" else np.exp(-age * float(clock))
        told = polynomials(u, len(h)) @ h
        off = [np.sqrt(np.mean((told - x[:read])[part]**2)) if part.any() else 0. for part in (u > .5, u <= .5)]
        return h, told, counts, off, int((u > .5).sum())

    def move(self, data):
        h, told, counts, (newer, older), recent = data
        x, read, n, t = self.curves[self.values["curve"]], len(told), np.arange(len(h)), np.arange(self.T) + .5
        clock = self.values["clock"]
        self.seen.set_data(t[:read], x[:read]), self.unread.set_data(t[read:], x[read:])
        self.told.set_data(t[:read], told), self.counts.set_data(t[:read], counts)
        self.dot.set_data([read / 2 if clock == "1/t" else read - np.log(2) / float(clock)], [self.C @ h])
        for line, height in zip(self.now, (1.3, .115)):
            line.set_data([read, read], [-1.35 if height > 1 else -.035, height])
        self.stems.set_data(np.repeat(n, 3), np.stack([0 * h, h, np.full_like(h, np.nan)], axis=1).ravel())
        self.heads.set_data(n, h)
        rest = f"\nolder: {older:.1g}" if recent < read else ""
        self.word.set_text(f"error of the dashed curve\nlast {recent} steps: {newer:.1g}{rest}")

    def describe(self, data):
        h, _, counts, (newer, older), recent = data
        v, peak = self.values, len(counts) - counts.argmax()
        rest = f" and {older:.2g} on what is older" if recent < v["read"] else ""
        return (f"After {v['read']} steps of the curve {v['curve']}, clock {v['clock']}, {len(h)} numbers give it back "
                f"with a root mean square error of {newer:.2g} on the last {recent} steps{rest}. In the number y the "
                f"input of {peak} steps ago counts most, {counts.max():.2g}.")


def bilinear(A: np.ndarray, B: np.ndarray, delta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return J (T, N, N) and new (T, N) of the steps h_t = J h_{t-1} + new x_t that take the mean of both slopes A h.

        h_t = h_{t-1} + delta (A (h_{t-1} + h_t) / 2 + B x_t),   A (N, N), B (N,), delta (T,) above 0
    """
    half, identity = delta[:, None, None] / 2 * A, np.eye(len(B))
    return np.linalg.solve(identity - half, identity + half), np.linalg.solve(identity - half, np.multiply.outer(
        delta, B)[..., None])[..., 0]


def polynomials(u: np.ndarray, N: int) -> np.ndarray:
    """Return sqrt(2n + 1) P_n(2u - 1), (K, N), of u (K,): orthonormal over 0 to 1, P_n the polynomials of Legendre."""
    return np.polynomial.legendre.legvander(2 * u - 1, N - 1) * np.sqrt(2 * np.arange(N) + 1)


class SameRuler(Figure):
    """What is left of a gradient by distance, for any set of curves.

    curves  {name: (K + 1,) sizes, [k] for distance k}; each is divided by its entry at k = 0
    floor   log10 of the smallest size that is drawn
    errors  ValueError for no curve, or more than there are colors
    """

    size = (900, 380)

    def __init__(self, curves: Mapping[str, np.ndarray], floor: float = -12.):
        if not 0 < len(curves) <= len(COLOURS):
            raise ValueError(f"curves holds {len(curves)} of them, needs 1 to {len(COLOURS)}.")
        self.sizes = {name: np.asarray(curve) / curve[0] for name, curve in curves.items()}
        self.floor = floor
        super().__init__()

    def draw(self):
        longest = max(len(curve) for curve in self.sizes.values()) - 1
        ax = self.panels(
            at=(.085, .15, .58, .75), title="The same ruler for all", xlabel="distance k (steps, or layers)",
            ylabel=r"$\log_{10}$ of what is left", xlim=(0, longest), ylim=(self.floor, 2))
        with np.errstate(divide="ignore"):
            logs = [np.log10(curve) for curve in self.sizes.values()]
        ends = np.array([max(curve[-1], self.floor) for curve in logs])
        heights = apart((ends - self.floor) / (2 - self.floor), LINE_HEIGHT / (.75 * self.size[1]))
        for (colour, dash), name, curve, height in zip(COLOURS, self.sizes, logs, heights):
            ax.plot(np.maximum(curve, self.floor - 1), color=colour, linestyle=dash, linewidth=2.2)
            self.key(ax, (1.02, height, f"{name}: {power_of_ten(curve[-1])}", colour), va="center")

    def describe(self, _):
        rows = ", ".join(f"{name} {curve[-1]:.2g}" for name, curve in self.sizes.items())
        return f"What is left of the gradient at the greatest distance, relative to distance 0: {rows}."


class DeltaRoad(Figure):
    """What the step S (I - beta k k^T) of the delta rule does to a gradient: to one in the plane, and over 100 steps.

    beta   how much of the value at the key is replaced, 0 to 2; the keys have length 1
    d      numbers in a key, one of SIZES: on the right keys and gradients are drawn at random, DRAWS times
    """

    size = (900, 380)
    labels = {"beta": "β", "d": "numbers in a key, d"}
    SIZES, T, DRAWS, FLOOR = (2, 4, 16, 64), 100, 8, -12.5
    allowed = {"beta": (0, 2), "d": [*SIZES]}
    KEY, GRADIENT = np.array([1., 0.]), np.array([.8, .6])

    def __init__(self, seed: int = 0, **values):
        rng = np.random.default_rng(seed)
        self.keys = {d: rng.normal(size=(self.T, self.DRAWS, d)) for d in self.SIZES}
        self.keys = {d: k / np.linalg.norm(k, axis=-1, keepdims=True) for d, k in self.keys.items()}
        super().__init__(**values)

    def draw(self):
        plane, road = self.panels(
            dict(at=(.06, .15, .3, .75), title="One step back", xlabel="along the key", ylabel="across it",
                 aspect="equal", xlim=(-1.15, 1.15), ylim=(-.45, 1.25), xticks=(-1, 0, 1), yticks=(0, 1)),
            dict(at=(.45, .15, .38, .75), title="Many steps back, each with a key of its own", xlabel="steps back",
                 ylabel=r"$\log_{10}$ of what is left", xlim=(0, self.T), ylim=(self.FLOOR, .8)))
        plane.plot([0, 1], [0, 0], color=INK, linewidth=3)
        plane.text(1, -.06, "key k", ha="right", va="top")
        plane.plot([0, self.GRADIENT[0]], [0, self.GRADIENT[1]], color=BLUE, linewidth=2.2)
        plane.text(1.1, self.GRADIENT[1] + .05, "gradient at $S_t$", color=BLUE, ha="right", va="bottom")
        self.arrow = self.curve(plane, VERMILION, "o--", linewidth=2.4, markersize=7, markevery=[1])
        self.draws = [self.curve(road, BLUE, linewidth=.9) for _ in range(self.DRAWS)]
        self.mean = self.curve(road, VERMILION, "--", linewidth=2.4)
        self.name, = self.key(plane, (.02, .98, "", VERMILION))
        self.left, self.said = self.key(road, (1.03, .95, "", BLUE), (1.03, .78, "", VERMILION))

    def compute(self, beta=1., d=16):
        once = self.GRADIENT - beta * (self.KEY @ self.GRADIENT) * self.KEY
        v = np.random.default_rng(1).normal(size=(self.DRAWS, d))
        sizes = [start := np.linalg.norm(v, axis=-1)]
        for k in self.keys[d]:
            v = v - beta * (v * k).sum(-1, keepdims=True) * k
            sizes.append(np.linalg.norm(v, axis=-1))
        return once, np.array(sizes) / start

    def move(self, data):
        (once, left), beta, d = data, self.values["beta"], self.values["d"]
        self.arrow.set_data([0, once[0]], [0, once[1]])
        self.name.set_text(f"one step back: {1 - beta:.2f} times along k")
        steps = np.arange(self.T + 1)
        for line, curve in zip(self.draws, np.maximum(left, 10**(self.FLOOR - 1)).T):
            line.set_data(steps, np.log10(curve))
        share = max(1 - beta * (2 - beta) / d, 10. ** (self.FLOOR / 10))
        self.mean.set_data(steps, steps / 2 * np.log10(share))
        self.left.set_text(f"{self.DRAWS} draws: {left[-1].min():.1g}\nto {left[-1].max():.1g} left")
        self.said.set_text("root mean\nsquare, by\nformula")

    def describe(self, data):
        (once, left), v = data, self.values
        return (f"With beta = {v['beta']:g} one step back leaves {1 - v['beta']:.2g} of the gradient's part along the "
                f"key and all of the part across it. After {self.T} random keys of {v['d']} numbers "
                f"{left[-1].min():.2g} to {left[-1].max():.2g} of the gradient is left.")


class Recall(Figure):
    """How wrong a matrix of d by d numbers answers, against how many pairs were stored in it.

    measured  {"plain sum": errors, "delta rule": errors}, (len(pairs), seeds): mean square, 1 is the values' own
    pairs     how many were stored; the line "the best matrix" is max(0, 1 - d / pairs)
    errors    ValueError where shapes do not fit
    """

    size = (900, 380)

    def __init__(self, measured: Mapping[str, np.ndarray], pairs, d: int):
        self.measured, self.pairs, self.d = dict(measured), np.asarray(pairs), d
        if not self.measured or any(len(errors) != len(self.pairs) for errors in self.measured.values()):
            shapes = [np.shape(errors) for errors in self.measured.values()]
            raise ValueError(f"measured holds arrays of the shapes {shapes}, needs one or more, and in each a row "
                             f"for each of the {len(self.pairs)} entries of pairs.")
        super().__init__()

    def draw(self):
        ax = self.panels(at=(.085, .15, .66, .75), title="How many pairs does a matrix hold?", xlabel="pairs stored",
                         ylabel="mean square error, 1 = no better than 0", xscale="log", xlim=(1, self.pairs[-1]),
                         ylim=(-.05, 2.05))
        ax.set_xticks(ticks := 2 ** np.arange(0, int(np.log2(self.pairs[-1])) + 1), [f"{each}" for each in ticks])
        ax.minorticks_off()
        self.guide(ax, x=self.d, style=(0, (2, 2)))
        ax.text(self.d * .96, 1.98, f"d = {self.d}", ha="right", va="top")
        best = np.maximum(0, 1 - self.d / self.pairs)
        curves = {**self.measured, "the best matrix": best[:, None]}
        means = [errors.mean(1) for errors in curves.values()]
        ends = np.array([min(mean[-1], 2.) / 2.1 + .024 for mean in means])
        heights = apart(ends, LINE_HEIGHT / (.75 * self.size[1]))
        for (colour, dash), (name, errors), mean, height in zip(COLOURS, curves.items(), means, heights):
            ax.fill_between(self.pairs, errors.min(1), errors.max(1), color=colour, alpha=.18, linewidth=0)
            ax.plot(self.pairs, mean, color=colour, linestyle=dash, linewidth=2.2)
            self.key(ax, (1.02, height, f"{name}: {mean[-1]:.2g}", colour), va="center")

    def describe(self, _):
        at = int(np.abs(self.pairs - self.d).argmin())
        rows = ", ".join(f"{name} {errors[at].mean():.2f} and {errors[-1].mean():.2g}"
                         for name, errors in self.measured.items())
        return (f"Mean square error of what a {self.d} by {self.d} matrix answers, after {self.pairs[at]} and after "
                f"{self.pairs[-1]} pairs: {rows}, the best matrix {max(0, 1 - self.d / self.pairs[at]):.2f} and "
                f"{1 - self.d / self.pairs[-1]:.2g}.")
