"""The exercises of notebook 12, the GRU and what came after."""

from __future__ import annotations

import numpy as np

from .. import activations, bptt, cells, gradcheck, jacobians
from .engine import Bank, Exercise, Mistake, Prediction

# 12.1 The reset gate's other place


def reset_before(W_r, W_z, W_n, h, a_r, a_z, a_n):
    r, z = activations.sigmoid(a_r + W_r @ h), activations.sigmoid(a_z + W_z @ h)
    n = np.tanh(a_n + W_n @ (r * h))
    return (1 - z) * n + z * h


def _reset_before_unit_by_unit(W_r, W_z, W_n, h, a_r, a_z, a_n):
    H = range(len(h))
    r = [1 / (1 + np.exp(-a_r[j] - sum(W_r[j, k] * h[k] for k in H))) for j in H]
    z = [1 / (1 + np.exp(-a_z[j] - sum(W_z[j, k] * h[k] for k in H))) for j in H]
    n = [np.tanh(a_n[i] + sum(W_n[i, j] * r[j] * h[j] for j in H)) for i in H]
    return np.array([n[i] + z[i] * (h[i] - n[i]) for i in H])


def _reset_before_columns(W_r, W_z, W_n, h, a_r, a_z, a_n):
    r, z = activations.sigmoid(a_r + h @ W_r.T), activations.sigmoid(a_z + h @ W_z.T)
    return z * h + (1 - z) * np.tanh(a_n + (W_n * r) @ h)


def _reset_cases(rng):
    return [(*rng.normal(size=(3, H, H)), *rng.normal(size=(4, H))) for H in (2, 5, 9)]


def _reset_after(W_r, W_z, W_n, h, a_r, a_z, a_n):
    r, z = activations.sigmoid(a_r + W_r @ h), activations.sigmoid(a_z + W_z @ h)
    return (1 - z) * np.tanh(a_n + r * (W_n @ h)) + z * h


def _update_turned(W_r, W_z, W_n, h, a_r, a_z, a_n):
    r, z = activations.sigmoid(a_r + W_r @ h), activations.sigmoid(a_z + W_z @ h)
    return z * np.tanh(a_n + W_n @ (r * h)) + (1 - z) * h


def _no_reset(W_r, W_z, W_n, h, a_r, a_z, a_n):
    z = activations.sigmoid(a_z + W_z @ h)
    return (1 - z) * np.tanh(a_n + W_n @ h) + z * h


def _reset_on_the_input(W_r, W_z, W_n, h, a_r, a_z, a_n):
    r, z = activations.sigmoid(a_r + W_r @ h), activations.sigmoid(a_z + W_z @ h)
    return (1 - z) * np.tanh(r * a_n + W_n @ (r * h)) + z * h


def _reset_in_the_gate(W_r, W_z, W_n, h, a_r, a_z, a_n):
    read = activations.sigmoid(a_r + W_r @ h) * h
    z = activations.sigmoid(a_z + W_z @ read)
    return (1 - z) * np.tanh(a_n + W_n @ read) + z * h


# 12.3 Half-way back


def half_way(z):
    left = np.cumprod(z[::-1], axis=0)
    return (left >= .5).sum(0) + 1


def _half_way_by_walking(z):
    steps = []
    for unit in z.T:
        left, k = 1., 0
        while left >= .5:
            left, k = left * unit[-1 - k], k + 1
        steps.append(k)
    return np.array(steps)


def _half_way_by_argmax(z):
    return np.argmax(np.cumsum(np.log(z[::-1]), axis=0) < np.log(.5), axis=0) + 1


def _half_way_cases(rng):
    return [(np.concatenate([rng.uniform(.05, .3, (5, H)), rng.uniform(low, .99, (T, H))]),)
            for T, H, low in [(9, 3, .6), (20, 5, .8), (60, 2, .9)]]


# 12.5 The Jacobian at rest


def jacobian_at_rest(W_hn, b_z):
    z = activations.sigmoid(b_z)
    return np.diag(z) + (1 - z)[:, None] / 2 * W_hn


def _one_step(W_hn, b_z, h):
    H = len(W_hn)
    W_hh = np.concatenate([np.zeros((2 * H, H)), W_hn])
    b_h = np.concatenate([np.zeros(H), b_z, np.zeros(H)])
    params = cells.GRUParams(np.zeros((3 * H, 1)), W_hh, b_h, np.zeros(H))
    return bptt.forward(params, np.zeros((1, 1, 1)), h[None])


def _jacobian_by_complex_step(W_hn, b_z):
    rows = [gradcheck.complex_step(lambda h: _one_step(W_hn, b_z, h).h[1, 0, i], np.zeros(len(W_hn)))
            for i in range(len(W_hn))]
    return np.array(rows)


def _jacobian_by_library(W_hn, b_z):
    return jacobians.step_jacobians(_one_step(W_hn, b_z, np.zeros(len(W_hn))))[0, 0]


def _rest_cases(rng):
    return [(rng.normal(size=(H, H)), rng.normal(size=H)) for H in (2, 4, 7)]


# 12.7 The gradient of a diagonal recurrence


def decay_gradient(l, h, dh_T):
    dh, dl = dh_T, np.zeros_like(l)
    for t in range(len(h) - 1, 0, -1):
        dl = dl + dh * h[t - 1]
        dh = dh * l
    return dl, dh


def _decay_by_complex_step(l, h, dh_T):
    inputs = h[1:] - l * h[:-1]

    def loss(l, h_0):
        state = h_0
        for x_t in inputs:
            state = l * state + x_t
        return (dh_T * state).sum()

    of_l = gradcheck.complex_step(lambda l: loss(l, h[0]), l)
    return of_l, gradcheck.complex_step(lambda h_0: loss(l, h_0), h[0])


def _decay_by_powers(l, h, dh_T):
    T = len(h) - 1
    powers = l ** np.arange(T)[:, None]
    return dh_T * (powers[::-1] * h[:-1]).sum(0), dh_T * l**T


def _decay_cases(rng):
    cases = []
    for T, H in [(3, 2), (8, 4), (30, 3)]:
        l, h = rng.uniform(.5, .99, H), [rng.normal(size=H)]
        for _ in range(T):
            h.append(l * h[-1] + rng.normal(size=H))
        cases.append((l, np.array(h), rng.normal(size=H)))
    return cases


def _decay_last_only(l, h, dh_T):
    return dh_T * h[-2], dh_T * l ** (len(h) - 1)


def _decay_wrong_state(l, h, dh_T):
    T = len(h) - 1
    return dh_T * (l ** np.arange(T)[::-1, None] * h[1:]).sum(0), dh_T * l**T


def _decay_not_carried(l, h, dh_T):
    return dh_T * h[:-1].sum(0), dh_T * l ** (len(h) - 1)


def _decay_turned(l, h, dh_T):
    return decay_gradient(l, np.vstack([h[-2::-1], h[-1:]]), dh_T)


def _decay_too_short(l, h, dh_T):
    return decay_gradient(l, h, dh_T)[0], dh_T * l ** (len(h) - 2)


# 12.9 Two steps in one


def join(first, second):
    (a, b), (a_next, b_next) = first, second
    return a_next * a, a_next * b + b_next


def _join_by_two_points(first, second):
    def both(h):
        for a, b in (first, second):
            h = a * h + b
        return h

    at_0 = both(np.zeros_like(first[0]))
    return both(np.ones_like(first[0])) - at_0, at_0


def _join_as_matrices(first, second):
    (a, b), (c, d) = ([[np.diag(a), b[:, None]] for a, b in (first, second)])
    zero, one = np.zeros((1, len(b))), np.ones((1, 1))
    M = np.block([[c, d], [zero, one]]) @ np.block([[a, b], [zero, one]])
    return np.diag(M)[:-1], M[:-1, -1]


def _join_cases(rng):
    return [((rng.uniform(.3, .9, H), rng.normal(size=H)), (rng.uniform(.3, .9, H), rng.normal(size=H)))
            for H in (1, 3, 6)]


# 12.11 Not yet settled


def variance(l, T):
    return (1 - l ** (2 * T)) / (1 - l**2)


def _variance_step_by_step(l, T):
    v = 0.
    for _ in range(T):
        v = l**2 * v + 1
    return v


def _variance_as_a_sum(l, T):
    return float(np.sum(l ** (2. * np.arange(T))))


def _variance_cases(rng):
    return [(.9, 1), (.9, 5), (.99, 40), (-.7, 3), (rng.uniform(.5, .9), 12)]


BANK = Bank(12, "The GRU and what came after", [
    Exercise(
        "12.1", "The reset gate's other place", minutes=6, difficulty=1,
        solution=reset_before, oracle=_reset_before_unit_by_unit, cases=_reset_cases,
        stub='''
def reset_before(W_r: np.ndarray, W_z: np.ndarray, W_n: np.ndarray, h: np.ndarray,
                 a_r: np.ndarray, a_z: np.ndarray, a_n: np.ndarray) -> np.ndarray:
    """h_t (H,) of a GRU that resets before the product. W_r, W_z, W_n (H, H); h is h_{t-1},
    a_r, a_z, a_n what the input and the biases add to each gate, all (H,)."""
    ...
''',
        also_correct=(_reset_before_columns,),
        mistakes=[
            Mistake(_reset_after,
                    "This is torch's form: r multiplies the result of W_n h. Here it acts on h first."),
            Mistake(_update_turned, "z and 1 - z have changed places: z near 1 keeps the old state."),
            Mistake(_no_reset, "The reset gate does not act anywhere."),
            Mistake(_reset_on_the_input,
                    "r also multiplies what the input adds. It resets the old state alone."),
            Mistake(_reset_in_the_gate,
                    "r also resets what the update gate reads. Only the candidate reads r * h."),
        ],
        hints=["Compute r and z as in torch's form; they do not change.",
               "The candidate takes W_n @ (something of r and h).",
               "n = tanh(a_n + W_n @ (r * h)), and the last line stays as it was."],
    ),
    Prediction("12.2", "A GRU as torch draws it, 32 units: what share of the gradient is left 60 steps back?",
               scale="log10", digits=1, close=1.),
    Exercise(
        "12.3", "Half-way back", minutes=4, difficulty=1,
        solution=half_way, oracle=_half_way_by_walking, cases=_half_way_cases,
        stub='''
def half_way(z: np.ndarray) -> np.ndarray:
    """For each unit the fewest steps k back from the end after which less than 1/2 is left of
    the straight road, z_T z_{T-1} ... (k factors). z (T, H), z[t - 1] is z_t; returns (H,)."""
    ...
''',
        also_correct=(_half_way_by_argmax,),
        mistakes=[
            Mistake(lambda z: (np.cumprod(z[::-1], axis=0) >= .5).sum(0),
                    "One too few: after these steps at least a half is left. The next one takes it below."),
            Mistake(lambda z: (np.cumprod(z, axis=0) >= .5).sum(0) + 1,
                    "You began at the first step. The gradient comes from the end."),
            Mistake(lambda z: np.log(.5) / np.log(z.mean(0)),
                    "This takes the mean gate for all steps. Here every step has its own, and k "
                    "is a whole number."),
        ],
        hints=["Turn the time around: z[::-1] begins with z_T.",
               "np.cumprod(z[::-1], axis=0) holds what is left after 1, 2, 3 ... steps.",
               "Count the entries that are still 1/2 or more, then go one step further."],
    ),
    Prediction("12.4", "Two units, W_hn with the eigenvalues plus and minus 2.1i. What does a small "
                       "state do?", kind="choice",
               choices=("it decays", "it stays as large as it is", "it grows")),
    Exercise(
        "12.5", "The Jacobian at rest", minutes=4, difficulty=2,
        solution=jacobian_at_rest, oracle=_jacobian_by_complex_step, cases=_rest_cases,
        stub='''
def jacobian_at_rest(W_hn: np.ndarray, b_z: np.ndarray) -> np.ndarray:
    """dh_t/dh_{t-1} (H, H) at h = 0, no input, all biases 0 but b_z (H,). W_hn (H, H)."""
    ...
''',
        also_correct=(_jacobian_by_library,),
        mistakes=[
            Mistake(lambda W, b: np.eye(len(b)) / 2 + W / 4,
                    "This is right for b_z = 0. Which gate does b_z move, and which two factors "
                    "follow it?"),
            Mistake(lambda W, b: np.diag(activations.sigmoid(b)) + W / 4,
                    "What is kept follows b_z here, but what is written does too: 1 - z."),
            Mistake(lambda W, b: np.diag(activations.sigmoid(b)) + (1 - activations.sigmoid(b))[:, None] * W,
                    "The reset gate is missing: without input and bias it lets one half through."),
            Mistake(lambda W, b: np.diag(activations.sigmoid(b)) + W * (1 - activations.sigmoid(b)) / 2,
                    "1 - z went to the columns. Unit i's gate acts on what unit i writes: on row i."),
            Mistake(lambda W, b: activations.sigmoid(b) + (1 - activations.sigmoid(b))[:, None] / 2 * W,
                    "z was added to every entry. A unit keeps its own state alone: z belongs on "
                    "the diagonal."),
            Mistake(lambda W, b: jacobian_at_rest(W, -b),
                    "z and 1 - z have changed places: z near 1 keeps the old state."),
            Mistake(lambda W, b: jacobian_at_rest(W, b).T,
                    "It is transposed: row i says what h_t[i] takes from each unit."),
        ],
        hints=["At h = 0 the candidate n is 0 as well, so that moving the gates changes nothing.",
               "What is left is z times the identity, and the candidate's share 1 - z.",
               "The slope of tanh at 0 is 1, and r is 1/2."],
    ),
    Prediction("12.6", "Remember one symbol for 50 steps. Which of them learn it with at least four of "
                       "five seeds?", kind="choices",
               choices=("orthogonal", "LSTM b_f = 0", "LSTM chrono", "GRU", "GRU chrono")),
    Exercise(
        "12.7", "The gradient of a diagonal recurrence", minutes=6, difficulty=2,
        solution=decay_gradient, oracle=_decay_by_complex_step, cases=_decay_cases, returns=("dl", "dh_0"),
        stub='''
def decay_gradient(l: np.ndarray, h: np.ndarray, dh_T: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """dL/dl and dL/dh_0, both (H,), of h_t = l * h_{t-1} + W x_t if the loss reads h_T alone.
    l (H,); h (T + 1, H) the states, h[0] the initial one; dh_T (H,) is dL/dh_T."""
    ...
''',
        also_correct=(_decay_by_powers,),
        mistakes=[
            Mistake(_decay_last_only,
                    "dl holds the last step alone. l is used at every step: add them all up."),
            Mistake(_decay_wrong_state,
                    "At step t the number l multiplies h_{t-1}, the state before, not h_t."),
            Mistake(_decay_not_carried,
                    "dl takes the same dh at every step. On its way back it is multiplied by l."),
            Mistake(_decay_turned,
                    "The powers run the wrong way: what l did at the last step comes back without a factor."),
            Mistake(_decay_too_short, "dh_0 is one step short: from h_T to h_0 there are T factors."),
        ],
        hints=["Walk from t = T down to 1 and carry dh = dL/dh_t with you.",
               "At step t: dl takes dh * h_{t-1}; then dh goes one step back.",
               "In the loop: dl = dl + dh * h[t - 1], and then dh = dh * l."],
    ),
    Prediction("12.8", "2048 steps of a linear recurrence, with a processor for each step. How many "
                       "rounds?", digits=2),
    Exercise(
        "12.9", "Two steps in one", minutes=4, difficulty=2,
        solution=join, oracle=_join_by_two_points, cases=_join_cases, returns=("a", "b"),
        stub='''
def join(first: tuple, second: tuple) -> tuple:
    """The (a, b) with a h + b = what `second` makes of what `first` makes of h. Each is a
    pair (a, b) of arrays (H,) that stands for h -> a h + b, entry by entry."""
    ...
''',
        also_correct=(_join_as_matrices,),
        mistakes=[
            Mistake(lambda first, second: join(second, first),
                    "The order is turned: `first` acts on h before `second` does."),
            Mistake(lambda first, second: (first[0] * second[0], first[1] + second[1]),
                    "What the first step added goes through the second one too, and is multiplied there."),
            Mistake(lambda first, second: (first[0] + second[0], second[0] * first[1] + second[1]),
                    "Two factors one after the other multiply."),
        ],
        hints=["Write the second map with (a h + b) in the place of its h.",
               "a' (a h + b) + b' = ... Sort by h."],
    ),
    Prediction("12.10", "l goes from 0.99 to 0.999. By which factor does E (dh/dl)^2 "
                        "grow?", scale="log10", digits=1, unit="times"),
    Exercise(
        "12.11", "Not yet settled", minutes=4, difficulty=3,
        solution=variance, oracle=_variance_step_by_step, cases=_variance_cases, time_axis=None,
        stub='''
def variance(l: float, T: int) -> float:
    """E h_T^2 of h_t = l h_{t-1} + x_t with h_0 = 0 and independent x_t of mean 0, variance 1.
    No loop: a formula in l and T, |l| < 1."""
    ...
''',
        also_correct=(_variance_as_a_sum,),
        mistakes=[
            Mistake(lambda l, T: 1 / (1 - l**2),
                    "This is the variance after very many steps. h_0 is 0, and T finite."),
            Mistake(lambda l, T: (1 - l**T) / (1 - l), "This adds up l^k. A variance adds up squares."),
            Mistake(lambda l, T: (1 - l**T) / (1 - l**2),
                    "The square is missing above: each step takes l^2, so T steps take l^(2T)."),
            Mistake(lambda l, T: (1 - l ** (2 * T + 2)) / (1 - l**2),
                    "One term too many: h_1 = x_1 has the variance 1."),
        ],
        hints=["h_T is the sum of l^k x_{T-k} for k = 0 ... T - 1.",
               "The x_t are independent: the variances l^(2k) add up.",
               "A geometric series: 1 + q + ... + q^(T-1) = (1 - q^T) / (1 - q) with q = l^2."],
    ),
    Prediction("12.12", "Twice as many steps, 100 instead of 50. At which gains does Newton's method "
                        "need about twice as many rounds, or more?", kind="choices",
               choices=("0.5", "1", "3")),
    Prediction("12.13", "One layer of attention over 100 steps, all weights 1/100. The gradient of "
                        "what was read 99 steps before, divided by that of the last step?", digits=2),
])
