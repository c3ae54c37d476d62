"""The exercises of lesson 11, the LSTM."""

from __future__ import annotations

import numpy as np

from ... import bptt, cells
from ...activations import sigmoid
from ...exercises.bank import Bank, Exercise, Mistake, Prediction

GATES = ("i", "f", "o")


# 11.1 One step of an LSTM


def lstm_step(x_t, h, c, W_xh, W_hh, b_h):
    a_i, a_f, a_g, a_o = np.split(W_xh @ x_t + W_hh @ h + b_h, 4)
    i, f, o = (1 / (1 + np.exp(-a)) for a in (a_i, a_f, a_o))
    c = f * c + i * np.tanh(a_g)
    return o * np.tanh(c), c


def _by_the_library(x_t, h, c, W_xh, W_hh, b_h):
    run = bptt.forward(cells.LSTMParams(W_xh, W_hh, b_h), x_t[None, None], (h[None], c[None]))
    return run.h[1, 0], run.c[1, 0]


def _row_by_row(x_t, h, c, W_xh, W_hh, b_h):
    H, new_h, new_c = len(h), [], []
    for k in range(H):
        i, f, g, o = (W_xh[k + n * H] @ x_t + W_hh[k + n * H] @ h + b_h[k + n * H] for n in range(4))
        new_c.append(c[k] / (1 + np.exp(-f)) + np.tanh(g) / (1 + np.exp(-i)))
        new_h.append(np.tanh(new_c[-1]) / (1 + np.exp(-o)))
    return np.array(new_h), np.array(new_c)


def _step_wrong(order=(0, 1, 2, 3), squash=np.tanh, write=np.tanh, lets=sigmoid, bias=1, gate=sigmoid,
                cut=lambda a: np.split(a, 4), cell=lambda i, f, g, c: f * c + i * g):
    def lstm_step(x_t, h, c, W_xh, W_hh, b_h):
        a = cut(W_xh @ x_t + W_hh @ h + bias * b_h)
        i, f, g, o = (a[n] for n in order)
        c = cell(gate(i), gate(f), write(g), c)
        return lets(o) * squash(c), c

    return lstm_step


def _step_reading_the_cell(x_t, h, c, W_xh, W_hh, b_h):
    return _step_wrong()(x_t, c, c, W_xh, W_hh, b_h)


def _step_showing_the_old_cell(x_t, h, c, W_xh, W_hh, b_h):
    i, f, g, o = np.split(W_xh @ x_t + W_hh @ h + b_h, 4)
    return sigmoid(o) * np.tanh(c), sigmoid(f) * c + sigmoid(i) * np.tanh(g)


def _step_cases(rng):
    return [(rng.normal(size=D), rng.normal(size=H), 2 * rng.normal(size=H), rng.normal(size=(4 * H, D)),
             rng.normal(size=(4 * H, H)), rng.normal(size=4 * H)) for D, H in [(2, 3), (5, 4), (3, 1)]]


# 11.3 How many parameters


def parameters(D, H):
    return 4 * H * (D + H + 1)


def _counted(D, H):
    return sum(np.size(array) for array in (np.ones((4 * H, D)), np.ones((4 * H, H)), np.ones(4 * H)))


# 11.4 The way back through the forget gate


def forget_backward(dc, c_before, f):
    return dc * c_before * f * (1 - f), dc * f


def _forget_by_complex_step(dc, c_before, f):
    a, eps = np.log(f / (1 - f)), 1e-30

    def loss(a, c):
        return dc * c / (1 + np.exp(-a))

    return loss(a + 1j * eps, c_before).imag / eps, loss(a, c_before + 1j * eps).imag / eps


def _forget_cases(rng):
    return [(rng.normal(size=n), rng.normal(size=n), sigmoid(3 * rng.normal(size=n))) for n in (3, 6)]


# 11.6 A bias for a half-life


def bias_for(steps):
    f = .5 ** (1 / steps)
    return np.log(f / (1 - f))


def _bias_by_bisection(steps):
    low, high = -60., 60.
    for _ in range(200):
        middle = (low + high) / 2
        low, high = (middle, high) if (1 + np.exp(-middle)) ** -float(steps) < .5 else (low, middle)
    return low


# 11.8 Chrono


def chrono(steps):
    b_f = np.log(steps - 1)
    return b_f, -b_f


def _chrono_by_bisection(steps):
    low, high = -20., 40.
    for _ in range(200):
        middle = (low + high) / 2
        kept_for = 1 + np.exp(middle)  # 1 / (1 - s(b))
        low, high = (middle, high) if kept_for < steps else (low, middle)
    return low, -high


# 11.10 Which gate is closed?


def closed(c, g, h):
    (f, i), *_ = np.linalg.lstsq(np.stack([c[:-1], g], axis=1), c[1:])
    o = h[0] / np.tanh(c[1])
    return min([(i, "i"), (f, "f"), (o, "o")])[1]


def _closed_by_two_steps(c, g, h):
    D = c[0] * g[1] - c[1] * g[0]
    gates = {"f": (c[1] * g[1] - c[2] * g[0]) / D, "i": (c[0] * c[2] - c[1] * c[1]) / D,
             "o": float(np.mean(h / np.tanh(c[1:])))}
    return min(gates, key=gates.get)


def _closed_by_thresholds(c, g, h):
    if np.abs(h / np.tanh(c[1:])).max() < .2:
        return "o"
    f, i = np.linalg.solve([[c[0], g[0]], [c[1], g[1]]], c[1:3])
    return "f" if f < i else "i"


def _closed_cases(rng):
    cases = []
    for i, f, o, start, write in [(.03, .97, .8, 1, 1), (.7, .04, .9, 1, 1), (.6, .9, .02, 1, 1), (.9, .05, .6, 1, 1),
                                  (.05, .9, .7, 1, 1), (.04, .5, .8, 1, 1), (.15, .04, .9, 1, 1), (.1, .97, .9, 40, 1),
                                  (.5, .04, .6, 1, 1e-4), (.9, .8, .05, 3, .1), (.5, .97, .15, 1, 1),
                                  (.2, .5, .9, 1, 1)]:
        T = 8 if write == 1 else 3              # little is written: the cell decays from step to step
        c, g = [start * rng.uniform(.5, 1.5)], write * rng.uniform(-1, 1, T)
        for g_t in g:
            c.append(f * c[-1] + i * g_t)
        cases.append((np.array(c), g, o * np.tanh(np.array(c[1:]))))
    g = np.tile([.8, -.9], 3)                   # the cell changes its sign at each step
    c = np.r_[.3, np.convolve(g, .9 * .2**np.arange(6))[:6] + .3 * .2**np.arange(1, 7)]
    return [*cases, (c, g, .7 * np.tanh(c[1:]))]


def _open(c, g, h):
    (f, i), *_ = np.linalg.lstsq(np.stack([c[:-1], g], axis=1), c[1:])
    return max([(i, "i"), (f, "f"), (h[0] / np.tanh(c[1]), "o")])[1]


def _closed_by(gates):
    """The smallest of what `gates` makes of i, f, the cell and what it showed."""
    def closed(c, g, h):
        (f, i), *_ = np.linalg.lstsq(np.stack([c[:-1], g], axis=1), c[1:])
        return min(zip(gates(i, f, c, h), "ifo"))[1]

    return closed


def _closed_showing_the_old_cell(c, g, h):
    (f, i), *_ = np.linalg.lstsq(np.stack([c[:-1], g], axis=1), c[1:])
    return min([(i, "i"), (f, "f"), (np.median(h / np.tanh(c[:-1])), "o")])[1]


def _closed_by_quotients(c, g, h):
    return min([(abs(c[1] / g[0]), "i"), (abs(c[1] / c[0]), "f"), (h[0] / np.tanh(c[1]), "o")])[1]


def _closed_one_step_late(c, g, h):
    (f, i), *_ = np.linalg.lstsq(np.stack([c[:-2], g[1:]], axis=1), c[1:-1])
    return min([(i, "i"), (f, "f"), (h[0] / np.tanh(c[1]), "o")])[1]


def _closed_without_tanh(c, g, h):
    (f, i), *_ = np.linalg.lstsq(np.stack([c[:-1], g], axis=1), c[1:])
    return min([(i, "i"), (f, "f"), (h[0] / c[1], "o")])[1]


def _names_swapped(c, g, h):
    return {"i": "f", "f": "i", "o": "o"}[closed(c, g, h)]


BANK = Bank(11, "LSTM", [
    Exercise(
        "11.1", "One step of an LSTM", minutes=6, difficulty=1,
        solution=lstm_step, oracle=_by_the_library, cases=_step_cases, returns=("h", "c"),
        time_axis=(None, None),
        also_correct=(_row_by_row,),
        mistakes=[
            Mistake(_step_wrong(order=(1, 0, 2, 3)),
                    "Input and forget gate are swapped: the rows come as i, f, g, o."),
            Mistake(_step_wrong(order=(0, 1, 3, 2)),
                    "Candidate and output gate are swapped: the rows come as i, f, g, o."),
            Mistake(_step_wrong(write=sigmoid),
                    "The candidate g is not a gate: it is a tanh, and may be negative."),
            Mistake(_step_wrong(squash=lambda c: c), "h shows the cell through a tanh: o * tanh(c)."),
            Mistake(_step_wrong(lets=np.tanh), "The output gate is a sigmoid, between 0 and 1."),
            Mistake(_step_wrong(order=(2, 1, 0, 3)),
                    "Input gate and candidate are swapped: the rows come as i, f, g, o."),
            Mistake(_step_wrong(order=(3, 0, 1, 2)), "The rows were read as f, g, o, i. They come as i, f, g, o."),
            Mistake(_step_wrong(cut=lambda a: a.reshape(-1, 4).T),
                    "The four do not alternate: first come all H rows of i, then those of f, of g, of o."),
            Mistake(_step_wrong(bias=0), "The bias b_h is missing."),
            Mistake(_step_wrong(write=lambda g: g), "The candidate passes a tanh: g = tanh(a_g)."),
            Mistake(_step_wrong(cell=lambda i, f, g, c: f * c + (1 - f) * g),
                    "1 - f writes here in place of the input gate. In an LSTM i is a gate of its own."),
            Mistake(_step_wrong(cell=lambda i, f, g, c: (1 - i) * c + i * g),
                    "1 - i keeps here in place of the forget gate. In an LSTM f is a gate of its own."),
            Mistake(_step_wrong(cell=lambda i, f, g, c: c + i * g),
                    "The forget gate is missing: f * c is kept, not c."),
            Mistake(_step_wrong(cell=lambda i, f, g, c: f * c + g),
                    "The input gate is missing: i * g is written, not g."),
            Mistake(_step_wrong(cell=lambda i, f, g, c: (1 - f) * c + i * g),
                    "The forget gate is upside down: f near 1 keeps the cell."),
            Mistake(_step_wrong(cell=lambda i, f, g, c: f * (c + i * g)),
                    "f acts on the old cell alone. What i writes does not pass it."),
            Mistake(_step_wrong(cell=lambda i, f, g, c: i * g), "The old cell is missing: c = f * c + i * g."),
            Mistake(_step_wrong(lets=lambda o: 1.), "The output gate is missing: h = o * tanh(c)."),
            Mistake(_step_reading_the_cell,
                    "The gates read the cell here, as in an LSTM with peepholes. In this one they read x_t and h."),
            Mistake(_step_showing_the_old_cell,
                    "h shows the cell before this step. It has to show the new one."),
            Mistake(lambda *args: lstm_step(*args)[::-1], "h and c have changed places: first h, then c."),
            Mistake(_step_wrong(order=(0, 2, 1, 3)),
                    "Forget gate and candidate are swapped: the rows come as i, f, g, o."),
            Mistake(_step_wrong(order=(3, 1, 2, 0)),
                    "Input and output gate are swapped: the rows come as i, f, g, o."),
            Mistake(_step_wrong(squash=sigmoid), "h shows the cell through a tanh, not a sigmoid."),
            Mistake(_step_wrong(gate=np.tanh), "The input and the forget gate are sigmoids, between 0 and 1."),
            Mistake(_step_wrong(gate=np.tanh, lets=np.tanh), "All three gates are sigmoids, between 0 and 1."),
            Mistake(_step_wrong(gate=lambda a: a, lets=lambda a: a),
                    "The gates are sigmoids of their rows. These are the pre-activations."),
            Mistake(_step_wrong(gate=lambda a: a), "The input and the forget gate are sigmoids of their rows."),
            Mistake(_step_wrong(lets=lambda a: a), "The output gate is a sigmoid of its rows."),
            Mistake(_step_wrong(bias=2), "The bias counts twice. b_h holds it once, for input and state together."),
            Mistake(_step_wrong(cell=lambda i, f, g, c: np.tanh(f * c + i * g)),
                    "The cell itself is not squashed: the tanh stands on the way to h alone."),
            Mistake(_step_wrong(cell=lambda i, f, g, c: f * c - i * g), "What is written is added: c = f * c + i * g."),
            Mistake(lambda x_t, h, c, *rest: lstm_step(x_t, 0 * h, c, *rest),
                    "W_hh h is missing: the gates read the state "
                    "before."),
            Mistake(lambda x_t, h, c, *rest: lstm_step(0 * x_t, h, c, *rest), "W_xh x_t is missing: the gates read the "
                    "input."),
            Mistake(lambda x_t, h, c, *rest: lstm_step(x_t, h, h, *rest),
                    "The forget gate keeps the cell c, not the state h."),
            Mistake(lambda x_t, h, c, *rest: lstm_step(x_t, c, h, *rest),
                    "h and c have changed places: the gates read h, "
                    "the forget gate keeps c."),
            Mistake(lambda *args: (lstm_step(*args)[0], np.tanh(lstm_step(*args)[1])),
                    "The tanh of the cell goes into h alone. Return c as it is."),
            Mistake(lambda *args: lstm_step(*args)[0], "This is h alone. Return the pair (h, c)."),
            Mistake(lambda *args: lstm_step(*args)[1], "This is c alone. Return the pair (h, c)."),
        ],
        hints=["All four pre-activations are one vector: W_xh @ x_t + W_hh @ h + b_h.",
               "np.split(a, 4) gives those of i, f, g, o.",
               "c = s(f) * c + s(i) * tanh(g), and h = s(o) * tanh(c) with the new c. sigmoid is imported."],
    ),
    Prediction("11.2", "Words come one-hot from a vocabulary of 10 000, and there are 100 units. How many "
                       "numbers has the forget gate at one step?", digits=3),
    Exercise(
        "11.3", "How many parameters", minutes=3, difficulty=1,
        solution=parameters, oracle=_counted, cases=lambda rng: [(10_000, 100), (6, 32), (1, 1)],
        also_correct=(lambda D, H: 4 * (H * D + H * H + H),),
        mistakes=[
            Mistake(lambda D, H: H * (D + H + 1), "This is one block of rows. There are four: i, f, g, o."),
            Mistake(lambda D, H: 3 * H * (D + H + 1),
                    "These are the three gates. The candidate g has weights of its own."),
            Mistake(lambda D, H: 4 * H * D + H * H + 4 * H,
                    "Each of the four blocks reads h too: W_hh has 4H rows."),
            Mistake(lambda D, H: 4 * H * (D + H), "The biases are missing: one for each row."),
            Mistake(lambda D, H: 4 * H * (D + H + 2),
                    "torch stores two biases a row. Here they are one, b_h."),
            Mistake(lambda D, H: 4 * (H * (D + H) + 1),
                    "A gate has a bias for each of its H units, not one for all of them."),
            Mistake(lambda D, H: 4 * H * (D + H) + H, "b_h has 4H numbers: each of the four has biases of its own."),
            Mistake(lambda D, H: 4 * H * (D + H) + 1, "b_h is no single number: it has one for each of the 4H rows."),
            Mistake(lambda D, H: 4 * (D + H + 1), "These are four rows. There are 4H: a row for each unit."),
            Mistake(lambda D, H: 4 * H * (D + 1), "W_hh is missing: each row reads the H states too."),
            Mistake(lambda D, H: 4 * H * (H + 1), "W_xh is missing: each row reads the D inputs too."),
            Mistake(lambda D, H: 4 * H * (H * D + 1),
                    "A row reads D inputs and H states: D + H numbers. They are added, not multiplied."),
            Mistake(lambda D, H: H * D + H * H + 4 * H, "W_xh and W_hh have 4H rows each."),
            Mistake(lambda D, H: 4 * D * (D + H + 1),
                    "A gate has one row for each unit, not for each input."),
            Mistake(lambda D, H: 4 * H * (D + H + 1) + H, "One bias vector of H too many: b_h holds them all, 4H."),
            Mistake(lambda D, H: 4 * H * (D + H) + D, "A bias for each row, 4H of them, not for each input."),
            Mistake(lambda D, H: 12 * H, "These are the rows of three matrices. Each row has D or H numbers."),
            Mistake(lambda D, H: 4 * H * (2 * H + 1), "W_xh reads the D inputs, not H."),
            Mistake(lambda D, H: [4 * H * D, 4 * H * H, 4 * H], "These are the three arrays. Add them."),
            Mistake(lambda D, H: 4 * H * D * H * 4 * H, "The arrays are added, not multiplied."),
            Mistake(lambda D, H: 8 * H * (D + H + 1), "Twice too many: an LSTM has one layer and one direction here."),
            Mistake(lambda D, H: 16 * H * (D + H + 1), "4 counts twice: W_xh has 4H rows of D numbers."),
            Mistake(lambda D, H: 2 * H * (D + H + 1), "These are two blocks of rows. There are four: i, f, g, o."),
            Mistake(lambda D, H: 4_040_400, "This is for one size. It has to follow from D and H."),
            Mistake(lambda D, H: 4 * D * H + H * H + H, "W_hh and b_h have 4H rows too: i, f, g, o."),
            Mistake(lambda D, H: 4 * H * D * (H + 1),
                    "D and H are added in a row, not multiplied: 4H rows of D + H + 1 numbers."),
            Mistake(lambda D, H: 4 * H * (D + 4 * H + 1), "W_hh reads the H states: it is (4H, H), not (4H, 4H)."),
            Mistake(lambda D, H: 4 * H * (D + H + 1) + 2 * H,
                    "The states h and c are no parameters: they are computed."),
            Mistake(lambda D, H: 3, "This counts the arrays. How many numbers do they hold?"),
            Mistake(lambda D, H: 4 * H * D + 4 * H + 4 * H, "W_hh has H columns: it is (4H, H)."),
            Mistake(lambda D, H: 4 * H * (D + H) + 4 * D, "A bias for each of the 4H rows, not for each input."),
            Mistake(lambda D, H: 4 * H + D + 4 * H + H + 4 * H, "Rows and columns of an array are multiplied."),
        ],
        hints=["W_xh is (4H, D), W_hh (4H, H), b_h (4H,).", "4H rows, each with D + H + 1 numbers."],
    ),
    Exercise(
        "11.4", "The way back through the forget gate", minutes=5, difficulty=2,
        solution=forget_backward, oracle=_forget_by_complex_step, cases=_forget_cases,
        returns=("da_f", "dc_before"), time_axis=("each", "each"),
        also_correct=(lambda dc, c_before, f: (dc * (f - f**2) * c_before, f * dc),),
        mistakes=[
            Mistake(lambda dc, c_before, f: (dc * c_before, dc * f),
                    "This is dL/df. The sigmoid's derivative f (1 - f) leads on to its pre-activation."),
            Mistake(lambda dc, c_before, f: (dc * c_before * sigmoid(f) * sigmoid(-f), dc * f),
                    "f is the gate itself, already behind its sigmoid: the slope there is f (1 - f)."),
            Mistake(lambda dc, c_before, f: (dc * c_before * sigmoid(f) * sigmoid(-f), dc * sigmoid(f)),
                    "f is the gate itself. It has passed its sigmoid already: take it as it is."),
            Mistake(lambda dc, c_before, f: (c_before * f * (1 - f), f),
                    "dc is missing in both: they are derivatives of L, so what comes back is multiplied on."),
            Mistake(lambda dc, c_before, f: (c_before * f * (1 - f), dc * f), "dc is missing in the first of the two."),
            Mistake(lambda dc, c_before, f: (dc * c_before * f * (1 - f), f),
                    "dc is missing in the second of the two."),
            Mistake(lambda dc, c_before, f: (dc * c_before * f * (1 - f), dc * c_before),
                    "dc times c_before is what f gets. The cell before is multiplied by f, so it gets dc times f."),
            Mistake(lambda dc, c_before, f: (dc * f * c_before * f * (1 - f), dc * f),
                    "One f too many in the first: of f * c_before, the derivative by f is c_before."),
            Mistake(lambda dc, c_before, f: (dc * c_before * (1 - f), dc * f),
                    "The sigmoid's slope is f (1 - f): its f is missing."),
            Mistake(lambda dc, c_before, f: (dc * c_before * f, dc * f),
                    "The sigmoid's slope is f (1 - f): its 1 - f is missing."),
            Mistake(lambda dc, c_before, f: (dc * f * (1 - f), dc * f),
                    "c_before is missing: a gate's gradient is as large as what it multiplies."),
            Mistake(lambda dc, c_before, f: (dc * c_before * (1 - f**2), dc * f),
                    "1 - f**2 is the derivative of tanh. The gate is a sigmoid."),
            Mistake(lambda dc, c_before, f: (dc * c_before * f * (1 - f), dc),
                    "What goes back to c_before has to pass the gate."),
            Mistake(lambda dc, c_before, f: (dc * c_before * f * (1 - f), dc * f * (1 - f)),
                    "The sigmoid's slope belongs to a_f. c_before is multiplied by f itself."),
            Mistake(lambda dc, c_before, f: forget_backward(dc, c_before, f)[::-1],
                    "The two have changed places: first dL/da_f, then dL/dc_before."),
            Mistake(lambda dc, c_before, f: (dc * c_before * f * (1 - f), dc / f),
                    "What goes back is multiplied by f, not divided."),
            Mistake(lambda dc, c_before, f: (dc * c_before * f * (1 + f), dc * f),
                    "The sigmoid's slope is f (1 - f), with a "
                    "minus."),
            Mistake(lambda dc, c_before, f: dc * c_before * f * (1 - f), "This is dL/da_f alone. Return the pair."),
            Mistake(lambda dc, c_before, f: ((dc * c_before * f * (1 - f)).sum(), (dc * f).sum()),
                    "Summed over the units. Each unit has a gradient of its own."),
            Mistake(lambda dc, c_before, f: (-dc * c_before * f * (1 - f), dc * f), "The sign of the first is turned."),
            Mistake(lambda dc, c_before, f: (dc * c_before * f * (1 - f), dc * f * f),
                    "One f too many in the second: the cell "
                    "before is multiplied by f once."),
            Mistake(lambda dc, c_before, f: (dc * c_before * f * (1 - f), c_before * f),
                    "The second is dL/dc_before, so it has dc in it, and not the cell itself: dc times f."),
            Mistake(lambda dc, c_before, f: (dc * c_before * f * (1 - f), dc * (1 - f)),
                    "1 - f is what is forgotten. What goes back passes f."),
            Mistake(lambda dc, c_before, f: (dc * c_before * f * f, dc * f),
                    "The sigmoid's slope is f (1 - f), not f squared."),
            Mistake(lambda dc, c_before, f: (dc * c_before * f * (1 - c_before * f), dc * f),
                    "c (1 - c) is no slope. The sigmoid gave f: its slope is f (1 - f)."),
            Mistake(lambda dc, c_before, f: (dc * c_before * (1 - np.tanh(f) ** 2), dc * f),
                    "The gate is a sigmoid, and f has passed it already: its slope is f (1 - f)."),
            Mistake(lambda dc, c_before, f: (dc * c_before / 4, dc * f),
                    "1/4 is the largest slope of a sigmoid. At f it is "
                    "f (1 - f)."),
            Mistake(lambda dc, c_before, f: (dc * f * (1 - f), dc * f * c_before),
                    "c_before stands in the wrong one: by f the derivative is c_before, by c_before it is f."),
            Mistake(lambda dc, c_before, f: (dc.sum() * c_before * f * (1 - f), dc * f),
                    "dc was summed over the units. Each unit has "
                    "its own."),
            Mistake(lambda dc, c_before, f: ((dc @ c_before) * f * (1 - f), dc * f),
                    "dc and c_before meet entry by entry: *, not "
                    "@."),
            Mistake(lambda dc, c_before, f: (dc * c_before / (f * (1 - f)), dc * f),
                    "The slope multiplies, it does not divide."),
            Mistake(lambda dc, c_before, f: (dc * c_before * f * (1 - f) + dc * f,) * 2,
                    "The two ways lead to two places: they are "
                    "returned apart, not added."),
        ],
        hints=["Two factors, so two derivatives: by f it is c_before, by c_before it is f.",
               "df/da_f = f * (1 - f).", "da_f = dc * c_before * f * (1 - f)."],
    ),
    Prediction("11.5", "An LSTM of 32 units as torch draws it reads 60 steps. |dL/dc_0| over |dL/dc_60|?",
               scale="log10", close=2, digits=1),
    Exercise(
        "11.6", "A bias for a half-life", minutes=4, difficulty=1,
        solution=bias_for, oracle=_bias_by_bisection, cases=lambda rng: [(2,), (20,), (300,), (.5,)],
        also_correct=(lambda steps: -np.log(np.expm1(np.log(2) / steps)),),
        mistakes=[
            Mistake(lambda steps: .5 ** (1 / steps),
                    "This is the gate's value f. Which bias has the sigmoid f?"),
            Mistake(lambda steps: np.log(.5) / steps,
                    "This is ln f, where f is the gate's value. Which bias has the sigmoid f?"),
            Mistake(lambda steps: np.log(steps / np.log(2)),
                    "Good for large biases only: the sigmoid is not 1 - exp(-b). Invert it exactly."),
            Mistake(lambda steps: -bias_for(steps),
                    "The sign is turned: a gate that keeps has a positive bias."),
            Mistake(lambda steps: 1 / (1 + np.exp(-(.5 ** (1 / steps)))),
                    "This is the sigmoid of f. Undo it: which b has s(b) = f?"),
            Mistake(lambda steps: np.log(2 * steps - 1),
                    "This lets every step lose 1/(2 steps) of the whole. Each keeps the share f of what is left: "
                    "f**steps = 1/2."),
            Mistake(lambda steps: np.log(steps),
                    "This bias makes a gate that keeps about `steps` steps on average, 1/(1 - f). The half-life is "
                    "asked "
                    "for: f**steps = 1/2."),
            Mistake(lambda steps: -np.log(np.expm1(1 / steps)), "This keeps 1/e after `steps` steps, not one half."),
            Mistake(lambda steps: np.log(.5**steps / (1 - .5**steps)),
                    "f**steps = 1/2 has the root: f = .5 ** (1 / steps)."),
            Mistake(lambda steps: .5 ** (1 / steps) / (1 - .5 ** (1 / steps)), "The logarithm is missing: "
                    "b = ln(f / (1 - f))."),
            Mistake(lambda steps: np.log(steps - 1),
                    "This bias makes 1/(1 - f) equal to `steps`, a mean time. The half-life is asked for: f**steps = "
                    "1/2."),
            Mistake(lambda steps: -np.log(.5 ** (1 / steps)),
                    "This is -ln f, where f is the gate's value. Which bias has the "
                    "sigmoid f?"),
            Mistake(lambda steps: np.log(1 - .5 ** (1 / steps)), "This is ln(1 - f). The bias is ln(f / (1 - f))."),
            Mistake(lambda steps: -np.log(1 - .5 ** (1 / steps)),
                    "This is -ln(1 - f), near the bias for large ones only. It is "
                    "ln(f / (1 - f))."),
            Mistake(lambda steps: np.log10(.5 ** (1 / steps) / (1 - .5 ** (1 / steps))),
                    "The sigmoid has e in it: take the "
                    "natural logarithm, np.log."),
            Mistake(lambda steps: .5**steps,
                    "f**steps = 1/2 has the root f = .5 ** (1 / steps). And which bias has that "
                    "sigmoid?"),
            Mistake(lambda steps: np.arctanh(.5 ** (1 / steps)), "artanh undoes a tanh. The gate is a sigmoid: "
                    "ln(f / (1 - f))."),
            Mistake(lambda steps: 0., "At bias 0 the gate is one half, and one step leaves one half."),
            Mistake(lambda steps: steps * np.log(2),
                    "f**steps = 1/2 means steps * ln f = -ln 2: divide. Then ask which bias has "
                    "that f."),
            Mistake(lambda steps: np.log(1 + .5 ** (1 / steps)),
                    "The sigmoid's inverse is ln(f / (1 - f)), with 1 - f below."),
            Mistake(lambda steps: np.log(.5 ** (1 / steps)) - np.log(1 + .5 ** (1 / steps)),
                    "The sigmoid's inverse is ln f - ln(1 - f), with a minus."),
            Mistake(lambda steps: -np.log(steps - 1.),
                    "1/(1 - f) = steps gives a mean time, and its sign is turned here. The "
                    "half-life is asked for."),
            Mistake(lambda steps: 3., "The bias depends on `steps`."),
            Mistake(lambda steps: np.log(.5 / steps / (1 - .5 / steps)),
                    "f is not .5 / steps: f**steps = 1/2 has the root "
                    "f = .5 ** (1 / steps)."),
            Mistake(lambda steps: .5 / steps,
                    "f is not .5 / steps: f**steps = 1/2 has a root. And the bias of that f is asked "
                    "for."),
            Mistake(lambda steps: np.round(-np.log(np.expm1(np.log(2) / steps)), 1),
                    "Rounded to one digit. It has a formula: "
                    "ln(f / (1 - f))."),
        ],
        hints=["First the gate: f**steps = 1/2.", "s(b) = f means b = ln(f / (1 - f))."],
    ),
    Prediction("11.7", "Forget bias 5: the gates keep about 0.993. What does dL/dc do over 60 steps back?",
               kind="choice",
               choices=("shrinks to about 0.7", "stays as it is", "grows")),
    Exercise(
        "11.8", "Two biases from one time", minutes=4, difficulty=2,
        solution=chrono, oracle=_chrono_by_bisection, cases=lambda rng: [(3.,), (100.,), (1.5,)],
        returns=("b_f", "b_i"), time_axis=("each", "each"),
        also_correct=(lambda steps: (np.log(1 - 1 / steps) + np.log(steps), -np.log(steps - 1)),),
        mistakes=[
            Mistake(lambda steps: (np.log(steps), -np.log(steps)),
                    "Solve exactly: 1 - f = 1/steps, so f = 1 - 1/steps."),
            Mistake(lambda steps: (np.log(steps - 1), np.log(steps - 1)),
                    "The input gate is open: it has to be 1 - f, nearly closed where f nearly keeps all."),
            Mistake(lambda steps: (np.log(steps - 1), 1 - np.log(steps - 1)),
                    "1 - f is asked of the gates. Which bias turns s(b) into 1 - s(b)?"),
            Mistake(lambda steps: (-np.log(steps - 1), np.log(steps - 1)),
                    "The two have changed places: first the forget gate's bias, above 0 for more than 2 steps."),
            Mistake(lambda steps: (np.log(steps - 1), 0.),
                    "With a bias of 0 the input gate is half open. It has to be 1 - f."),
            Mistake(lambda steps: (np.log(steps + 1), -np.log(steps + 1)),
                    "1 / (1 - s(b)) is 1 + exp(b), so exp(b) is steps - 1."),
            Mistake(lambda steps: (np.log(steps - 1), np.log(1 / steps)),
                    "This is the logarithm of the input gate, 1/steps. Which bias has that gate?"),
            Mistake(lambda steps: (steps - 1, 1 / (steps - 1)), "The logarithms are missing: b = ln(f / (1 - f))."),
            Mistake(lambda steps: (np.log(steps - 1), 1 / steps),
                    "The second one is the input gate itself. Its bias is asked for."),
            Mistake(lambda steps: (np.log(steps - 1), 1 / np.log(steps - 1)),
                    "1 - s(b) is s(-b): the sign turns. Nothing is turned upside down."),
            Mistake(lambda steps: (bias_for(steps), -bias_for(steps)),
                    "This is the bias for a half-life. Here the sum 1 / (1 - f) of all f^k has to be `steps`."),
            Mistake(lambda steps: (1 - 1 / steps, 1 / steps),
                    "These are the gates. Their biases are asked for."),
            Mistake(lambda steps: np.log(steps - 1), "This is the forget gate's alone. Return the pair."),
            Mistake(lambda steps: (np.log(1 - 1 / steps), np.log(1 / steps)),
                    "These are the logarithms of the gates. The sigmoid's inverse is ln(f / (1 - f))."),
            Mistake(lambda steps: (steps - 1, 1 - steps), "The logarithm is missing: exp(b) is steps - 1."),
            Mistake(lambda steps: (np.log10(steps - 1), -np.log10(steps - 1)),
                    "The sigmoid has e in it: take the natural "
                    "logarithm, np.log."),
            Mistake(lambda steps: (np.log(1 / steps), np.log(1 - 1 / steps)),
                    "These are the logarithms of the gates, and they "
                    "have changed places. The sigmoid's inverse is ln(f / (1 - f))."),
            Mistake(lambda steps: (np.log(1 - 1 / steps), -np.log(1 - 1 / steps)),
                    "This is ln f. The bias of the forget gate is ln(f / (1 - f))."),
            Mistake(lambda steps: (np.log(steps), -np.log(steps - 1)),
                    "The first is not exact: 1 / (1 - s(b)) is 1 + exp(b), so exp(b_f) is steps - 1."),
            Mistake(lambda steps: (np.log(steps) - 1, 1 - np.log(steps)), "The 1 is subtracted before the logarithm: "
                    "ln(steps - 1)."),
            Mistake(lambda steps: (np.log(steps - 1), -1.),
                    "The input gate too depends on `steps`: it is to be 1 - f."),
            Mistake(lambda steps: (steps, -steps), "These are no biases for gates of 1 - 1/steps and 1/steps: take "
                    "ln(f / (1 - f))."),
            Mistake(lambda steps: (np.log(steps - 1), np.exp(-np.log(steps - 1))),
                    "The second is exp of the bias. The bias itself is asked for: s(-b) = 1 - s(b)."),
            Mistake(lambda steps: (sigmoid(1 - 1 / steps), sigmoid(1 / steps)),
                    "The sigmoid turns a bias into a gate. The way back "
                    "is asked for: ln(f / (1 - f))."),
            Mistake(lambda steps: (np.arctanh(1 - 2 / steps), -np.arctanh(1 - 2 / steps)),
                    "Half of it: s(b) = (1 + tanh(b / 2)) / 2, "
                    "so b = 2 artanh(2 f - 1)."),
        ],
        hints=["1 - s(b) = s(-b).", "1 / (1 - s(b)) = 1 + exp(b)."],
    ),
    Prediction("11.9", "Temporal order over 100 steps, 31 390 sequences, five seeds each, the better of two rates. "
                       "In which of these do four or more learn it?", kind="choices",
               choices=("tanh", "orthogonal", "IRNN", "LSTM b_f = 1", "LSTM chrono")),
    Exercise(
        "11.10", "Which gate is closed?", minutes=6, difficulty=3,
        solution=closed, oracle=_closed_by_two_steps, cases=_closed_cases, choices=GATES,
        also_correct=(_closed_by_thresholds,),
        mistakes=[
            Mistake(_open, "This is the gate that is most open. The smallest is asked for."),
            Mistake(_names_swapped, "f and i are swapped: f multiplies the cell before, i the candidate."),
            Mistake(lambda c, g, h: "o" if np.abs(h).mean() < np.abs(c).mean() else "f",
                    "This says \"o\" every time. h is smaller than c for any output gate, since |tanh(c)| < |c|: "
                    "compare "
                    "it with tanh(c)."),
            Mistake(_closed_without_tanh,
                    "A full cell shows little through any output gate, since tanh ends at 1. Compare h with "
                    "tanh(c), not with c."),
            Mistake(_closed_showing_the_old_cell,
                    "h_t shows the cell of its own step, o tanh(c_t). You divided by tanh(c_{t-1}): h[0] belongs to "
                    "c[1]."),
            Mistake(_closed_by_quotients,
                    "f and i act at once: c_t = f c_{t-1} + i g_t. c_t / c_{t-1} is not f alone, c_t / g_t not i "
                    "alone."),
            Mistake(_closed_one_step_late,
                    "g[0] is the candidate of step 1, so it belongs to c[1], which it makes from c[0]."),
            *[Mistake(lambda c, g, h, name=name: name,
                      f"Always \"{name}\"? It is not always the same gate. Find f, i and o from the numbers.")
              for name in ("i", "f")],
            Mistake(_closed_by(lambda i, f, c, h: (i, f, h[0] / np.tanh(c[0]))),
                    "h[0] is what was shown at step 1: it belongs to c[1], not to c_0."),
            Mistake(_closed_by(lambda i, f, c, h: (i, f, 1.)), "The output gate was left out: h_t = o tanh(c_t)."),
            Mistake(_closed_by(lambda i, f, c, h: (1 - f, f, h[0] / np.tanh(c[1]))),
                    "i is not 1 - f in an LSTM. Find it from c_t = f c_{t-1} + i g_t."),
            Mistake(lambda c, g, h: {"i": "input", "f": "forget", "o": "output"}[closed(c, g, h)],
                    "Name the gate by its letter, \"i\", \"f\" or \"o\"."),
            Mistake(lambda c, g, h: "ifo"[int(np.argmin([abs(g).mean(), abs(c).mean(), abs(h).mean()]))],
                    "Small signals do not mean small gates. Solve h_t = o tanh(c_t) and c_t = f c_{t-1} + i g_t for "
                    "the gates."),
            Mistake(lambda c, g, h: min([(np.median(c[1:] / c[:-1]), "f"), (np.median((c[1:] - c[:-1]) / g), "i"),
                                         (h[0] / np.tanh(c[1]), "o")])[1],
                    "f and i act at once: two unknowns, and each step is one equation. Take two steps together."),
            Mistake(_closed_by(lambda i, f, c, h: (9., f, h[0] / np.tanh(c[1]))),
                    "The input gate was left out. Find i from "
                    "c_t = f c_{t-1} + i g_t."),
            Mistake(_closed_by(lambda i, f, c, h: (i, 9., h[0] / np.tanh(c[1]))),
                    "The forget gate was left out. Find f from "
                    "c_t = f c_{t-1} + i g_t."),
            Mistake(_closed_by(lambda i, f, c, h: (i, np.median(c[1:] / c[:-1]), h[0] / np.tanh(c[1]))),
                    "c_t / c_{t-1} is not f: "
                    "the candidates are in c_t too. Solve for f and i together."),
            Mistake(_closed_by(lambda i, f, c, h: (i, f, abs(h @ np.tanh(c[:-1])) / np.sum(np.tanh(c[:-1])**2))),
                    "h_t shows the cell of its own step, o tanh(c_t). tanh(c_{t-1}) is one step late."),
            Mistake(lambda c, g, h: {"i": "input gate", "f": "forget gate", "o": "output gate"}[closed(c, g, h)],
                    "Name the gate by its letter alone, \"i\", \"f\" or \"o\"."),
        ],
        hints=["h_t = o tanh(c_t) gives o at once.",
               "c_t = f c_{t-1} + i g_t: two unknowns, and each step is an equation.",
               "np.linalg.solve([[c[0], g[0]], [c[1], g[1]]], c[1:3]) is (f, i)."],
    ),
    Prediction("11.11", "Digits read 50 steps ago, means of three networks. Which get more than half "
                        "of them right?",
               kind="choices", choices=("orthogonal", "IRNN", "LSTM b_f = 1", "LSTM chrono")),
    Prediction("11.12", "Next year's sunspots, means of five networks on 1950 to 2008: whose squared error "
                        "is smaller by 20 percent or more?", kind="choice",
               choices=("the LSTM's (b_f = 1)", "the tanh network's", "neither's")),
])
