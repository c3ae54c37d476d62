"""The exercises of lesson 13, what came after."""

from __future__ import annotations

import math

import numpy as np

from ... import gradcheck
from ...exercises.bank import Bank, Exercise, Mistake, Prediction

# 13.1 The gradient of a diagonal recurrence


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
    for T, H in [(3, 2), (8, 4), (30, 3), (1, 1)]:
        l, h = rng.uniform(.5, .99, H), [rng.normal(size=H)]
        for _ in range(T):
            h.append(l * h[-1] + rng.normal(size=H))
        cases.append((l, np.array(h), rng.normal(size=H)))
    l, h = cases[0][0] * [0, 1], cases[0][1]        # a unit that keeps nothing
    return [*cases, (l, h, cases[0][2])]


def _decay_last_only(l, h, dh_T):
    return dh_T * h[-2], dh_T * l ** (len(h) - 1)


def _decay_wrong_state(l, h, dh_T):
    T = len(h) - 1
    return dh_T * (l ** np.arange(T)[::-1, None] * h[1:]).sum(0), dh_T * l**T


def _decay_not_carried(l, h, dh_T):
    return dh_T * h[:-1].sum(0), dh_T * l ** (len(h) - 1)


def _decay_turned(l, h, dh_T):
    return decay_gradient(l, np.vstack([h[-2::-1], h[-1:]]), dh_T)


def _decay_down_to_the_second(whole):
    def decay_gradient(l, h, dh_T):
        dh, dl = dh_T, 0
        for t in range(len(h) - 1, 1, -1):
            dl, dh = dl + dh * h[t - 1], dh * l
        return dl, dh * l if whole else dh

    return decay_gradient


def _decay_too_short(l, h, dh_T):
    return decay_gradient(l, h, dh_T)[0], dh_T * l ** (len(h) - 2)


# 13.3 Two steps in one


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
            for H in (3, 1, 6)]


# 13.6 Not yet settled


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


# 13.10 Read the past back


def remembered(h, u):
    z, told = 2 * u - 1, np.zeros_like(u)
    P_before, P = np.zeros_like(u), np.ones_like(u)
    for n, h_n in enumerate(h):
        told = told + h_n * np.sqrt(2 * n + 1) * P
        P_before, P = P, ((2 * n + 1) * z * P - n * P_before) / (n + 1)
    return told


def _remembered_by_powers(h, u):
    return sum(h_n * np.sqrt(2 * n + 1) * (-1)**n * sum(
        math.comb(n, k) * math.comb(n + k, k) * (-u)**k for k in range(n + 1)) for n, h_n in enumerate(h))


def _remembered_by_numpy(h, u):
    return np.polynomial.legendre.legval(2 * u - 1, h * np.sqrt(2 * np.arange(len(h)) + 1))


def _remembered_cases(rng):
    return [(rng.normal(size=N), rng.uniform(0, 1, K)) for N, K in [(4, 3), (1, 3), (2, 4), (6, 5), (8, 2)]]


def _remembered_wrong(weigh=lambda n: np.sqrt(2 * n + 1), place=lambda u: 2 * u - 1, order=slice(None), raised=None):
    """A wrong answer that is right but for what is given."""
    def remembered(h, u):
        h = h[order]
        values = [place(u)**n if raised else np.polynomial.legendre.Legendre.basis(n)(place(u)) for n in range(len(h))]
        return sum((h_n * weigh(n) * P for n, (h_n, P) in enumerate(zip(h, values))), 0 * u)

    return remembered


def _remembered_slipped(step):
    """A wrong answer whose polynomials follow another rule: step(n, z, P_n, P_{n-1}) -> P_{n+1}."""
    def remembered(h, u):
        told, before, P = 0 * u, 0 * u, 0 * u + 1
        for n, h_n in enumerate(h):
            told, before, P = told + h_n * np.sqrt(2 * n + 1) * P, P, step(n, 2 * u - 1, P, before)
        return told

    return remembered


# 13.7 Back through the delta rule


def delta_back(S, k, v, beta, dS):
    slope = np.outer(v - S @ k, k)
    return dS - beta * np.outer(dS @ k, k), np.sum(dS * slope)


def _delta_by_complex_step(S, k, v, beta, dS):
    def loss(S, beta):
        return (dS * (S + beta * np.outer(v - S @ k, k))).sum()

    of_beta = gradcheck.complex_step(lambda beta: loss(S, beta), np.array(beta))
    return gradcheck.complex_step(lambda S: loss(S, beta), S), float(of_beta)


def _delta_by_matrices(S, k, v, beta, dS):
    return dS @ (np.eye(len(k)) - beta * np.outer(k, k)), float((v - S @ k) @ (dS @ k))


def _delta_by_loops(S, k, v, beta, dS):
    before, slope = dS.copy(), 0.
    for i in range(len(v)):
        for j in range(len(k)):
            slope += dS[i, j] * (v[i] - S[i] @ k) * k[j]
            for m in range(len(k)):
                before[i, j] -= beta * dS[i, m] * k[m] * k[j]
    return before, slope


def _delta_cases(rng):
    cases = []
    for N, D, beta in [(3, 2, .5), (2, 4, .9), (4, 4, 1.6), (1, 3, .3)]:
        S, dS, k = rng.normal(size=(N, D)), rng.normal(size=(N, D)), rng.normal(size=D)
        cases.append((S, k / np.linalg.norm(k), rng.normal(size=N), beta, dS))
    return cases


def _delta_wrong(before=None, slope=None):
    """A wrong answer that is right in the part which is not given."""
    def delta_back(S, k, v, beta, dS):
        right = dS - beta * np.outer(dS @ k, k), float((v - S @ k) @ (dS @ k))
        return (before(S, k, v, beta, dS) if before else right[0], slope(S, k, v, beta, dS) if slope else right[1])

    return delta_back


BANK = Bank(13, "What came after", [
    Exercise(
        "13.1", "The gradient of a diagonal recurrence", minutes=6, difficulty=2,
        solution=decay_gradient, oracle=_decay_by_complex_step, cases=_decay_cases, returns=("dl", "dh_0"),
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
            Mistake(lambda l, h, dh_T: (l * decay_gradient(l, h, dh_T)[0], decay_gradient(l, h, dh_T)[1]),
                    "dl has one factor l too many. At step t first take dh * h_{t-1}, then send dh back through l."),
            Mistake(lambda l, h, dh_T: (decay_gradient(l, h, dh_T)[0], dh_T * l ** len(h)),
                    "dh_0 is one step too far: h has T + 1 rows, and from h_T to h_0 there are T factors."),
            Mistake(lambda l, h, dh_T: (dh_T * (len(h) - 1) * l ** (len(h) - 2) * h[0], dh_T * l ** (len(h) - 1)),
                    "This is the derivative of l^T h_0. The inputs of all steps pass through l as well: take h_{t-1} "
                    "at "
                    "each step."),
            Mistake(lambda l, h, dh_T: (dh_T * (len(h) - 1) * l ** (len(h) - 2), dh_T * l ** (len(h) - 1)),
                    "The states are missing in dl: at step t the number l multiplies h_{t-1}."),
            Mistake(lambda l, h, dh_T: (decay_gradient(l, h, dh_T)[0], dh_T),
                    "dh_0 is still dL/dh_T: on its way back it is multiplied by l at each step."),
            Mistake(lambda l, h, dh_T: decay_gradient(l, h, np.ones_like(l)),
                    "dh_T is missing: what comes back from the loss is multiplied on."),
            Mistake(lambda l, h, dh_T: (dh_T * sum(l**k * state for k, state in enumerate(h[::-1])),
                                        dh_T * l ** (len(h) - 1)),
                    "One term too many in dl: l multiplies h_0 ... h_{T-1}, not h_T."),
            Mistake(lambda l, h, dh_T: decay_gradient(l, h, dh_T)[::-1], "The two have changed places: first dL/dl."),
            Mistake(lambda l, h, dh_T: (decay_gradient(l, h, dh_T)[0] / (len(h) - 1), decay_gradient(l, h, dh_T)[1]),
                    "dl is a mean over the steps. The sum is asked for."),
            Mistake(_decay_too_short, "dh_0 is one step short: from h_T to h_0 there are T factors."),
            Mistake(lambda l, h, dh_T: (dh_T * h[-2], dh_T * l),
                    "This is the last step alone. Walk back over all of them, to "
                    "h_0."),
            Mistake(lambda l, h, dh_T: decay_gradient(l, h, dh_T)[0], "This is dL/dl alone. Return the pair."),
            Mistake(lambda l, h, dh_T: (decay_gradient(l, h[1:], dh_T)[0], decay_gradient(l, h, dh_T)[1]),
                    "The first step is missing in dl: there l multiplies h_0."),
            Mistake(lambda l, h, dh_T: decay_gradient(l, h[1:], dh_T),
                    "The first step is missing: the walk goes down to t = 1, "
                    "where l multiplies h_0."),
            Mistake(lambda l, h, dh_T: decay_gradient(l, h[:-1], dh_T),
                    "The last step is missing: the walk begins at t = T."),
            Mistake(lambda l, h, dh_T: tuple(part.sum() for part in decay_gradient(l, h, dh_T)),
                    "Summed over the units. Each has "
                    "a gradient of its own, (H,)."),
            Mistake(lambda l, h, dh_T: tuple(-part for part in decay_gradient(l, h, dh_T)),
                    "The signs are turned: the gradient "
                    "itself is asked for."),
            Mistake(lambda l, h, dh_T: (dh_T * h[:-1].sum(0) * l ** (len(h) - 2), dh_T * l ** (len(h) - 1)),
                    "Every term of dl has the same power. What l did at step t comes back through T - t factors."),
            Mistake(lambda l, h, dh_T: (decay_gradient(l, h, dh_T)[0], dh_T * l * (len(h) - 1)),
                    "T factors one after the other "
                    "multiply: l to the power T, not l times T."),
            Mistake(lambda l, h, dh_T: (decay_gradient(l, h, dh_T)[0], l ** (len(h) - 1)), "dh_T is missing in dh_0."),
            Mistake(lambda l, h, dh_T: (decay_gradient(l, h, dh_T)[0], dh_T * l), "dh_0 is T steps back, not one."),
            Mistake(lambda l, h, dh_T: (dh_T * h[-1], dh_T * l ** (len(h) - 1)),
                    "dl takes the state before each step, h_{t-1}, "
                    "and the sum over all steps."),
            Mistake(lambda l, h, dh_T: (decay_gradient(l, h, dh_T)[0], dh_T * l ** (len(h) - 1) * h[0]),
                    "h_0 itself does not enter dL/dh_0: the way back multiplies dh_T by l, T times."),
            Mistake(lambda l, h, dh_T: (dh_T * sum(k * l ** (k - 1) * h[-1 - k] for k in range(1, len(h))),
                                        dh_T * l ** (len(h) - 1)),
                    "One use of l at a time: at step t the derivative is h_{t-1}, and the power on the way back stays "
                    "as it is."),
            Mistake(lambda l, h, dh_T: (decay_gradient(l, h, np.ones_like(l))[0], dh_T * l ** (len(h) - 1)),
                    "dh_T is missing in dl: "
                    "what comes back from the loss is multiplied on."),
            Mistake(lambda l, h, dh_T: (dh_T * l ** (len(h) - 2) * h[0], dh_T * l ** (len(h) - 1)),
                    "dl holds the first step alone: "
                    "each new term is added to those before."),
            Mistake(lambda l, h, dh_T: (decay_gradient(l, h, dh_T)[0] * l + dh_T * h[-1], dh_T * l ** len(h)),
                    "The walk is one step too long: from t = T down to 1 there are T steps, and l multiplies h_0 ... "
                    "h_{T-1}."),
            Mistake(lambda l, h, dh_T: (dh_T * np.array([l ** (len(h) - 2 - t) * h[t] for t in range(len(h) - 1)]),
                                        dh_T * l ** (len(h) - 1)), "These are the terms of the steps. Add them up."),
            Mistake(lambda l, h, dh_T: (dh_T * sum(l**t * h[t - 1] for t in range(1, len(h))),
                                        dh_T * l ** (len(h) - 1)),
                    "The power counts steps back: what l did at step t comes back through T - t factors, not t."),
            Mistake(_decay_down_to_the_second(whole=True),
                    "The loop ends before t = 1: there l multiplies h_0, and dl takes it."),
            Mistake(_decay_down_to_the_second(whole=False),
                    "The loop ends before t = 1: dl lacks h_0, and dh_0 a factor l."),
        ],
        hints=["Walk from t = T down to 1 and carry dh = dL/dh_t with you.",
               "At step t: dl takes dh * h_{t-1}; then dh goes one step back.",
               "In the loop: dl = dl + dh * h[t - 1], and then dh = dh * l."],
    ),
    Prediction("13.2", "2048 steps of a linear recurrence, with a processor for each step. How many "
                       "rounds?", digits=2),
    Exercise(
        "13.3", "Two steps in one", minutes=4, difficulty=2,
        solution=join, oracle=_join_by_two_points, cases=_join_cases, returns=("a", "b"),
        also_correct=(_join_as_matrices,),
        mistakes=[
            Mistake(lambda first, second: join(second, first),
                    "The order is turned: `first` acts on h before `second` does."),
            Mistake(lambda first, second: (first[0] * second[0], first[1] + second[1]),
                    "What the first step added goes through the second one too, and is multiplied there."),
            Mistake(lambda first, second: (first[0] + second[0], second[0] * first[1] + second[1]),
                    "Two factors one after the other multiply."),
            Mistake(lambda first, second: (second[0] * first[0], first[1] * second[1]),
                    "What the steps add does not multiply: a' (a h + b) + b' = a' a h + a' b + b'."),
            Mistake(lambda first, second: (second[0] * first[0], second[0] * first[1]),
                    "What the second step adds is missing."),
            Mistake(lambda first, second: (second[0] * first[0], second[1]),
                    "What the first step added is missing: it goes through the second one."),
            Mistake(lambda first, second: (second[0] * first[0], second[0] * (first[1] + second[1])),
                    "The second step adds its b after it has multiplied: only the first b is multiplied."),
            Mistake(lambda first, second: (second[0] * first[0], first[0] * first[1] + second[1]),
                    "The first b goes through the second step: its factor is the second a."),
            Mistake(lambda first, second: (first[0] @ second[0], second[0] * first[1] + second[1]),
                    "All products go entry by entry: first times second, not their dot product."),
            Mistake(lambda first, second: (first[0] * second[0], first[0] @ second[1] + first[1]),
                    "All products go entry by entry, and `first` acts before `second`."),
            Mistake(lambda first, second: (second[0] * first[1] + second[1], second[0] * first[0]),
                    "The two have changed places: first a, then b."),
            Mistake(lambda first, second: (first[0] + second[0], first[1] + second[1]),
                    "Not added up: put a h + b in the place "
                    "of the second one's h."),
            Mistake(lambda first, second: (second[0] * first[0], second[0] * first[1] - second[1]),
                    "The second b is added, not "
                    "subtracted."),
            Mistake(lambda first, second: (second[0] * first[0], second[1] * first[1] + second[0]),
                    "a and b of the second step have changed places: it multiplies by a and adds b."),
            Mistake(lambda first, second: (second[0] * first[0], second[0] * first[1] * second[1]),
                    "The second b is added, not "
                    "multiplied."),
            Mistake(lambda first, second: (second[0], second[0] * first[1] + second[1]),
                    "The first a is missing: h is multiplied "
                    "by both."),
            Mistake(lambda first, second: (first[0], second[0] * first[1] + second[1]),
                    "The second a is missing: h is multiplied "
                    "by both."),
            Mistake(lambda first, second: second[0] * first[1] + second[1],
                    "This is the new b alone. Return the pair (a, b)."),
            Mistake(lambda first, second: second[0] * first[0], "This is the new a alone. Return the pair (a, b)."),
            Mistake(lambda first, second: (second[0] * first[0], first[0] * first[1] + second[0] * second[1]),
                    "Each b was multiplied by its own a. A step multiplies h first and adds b then: only the first b "
                    "is "
                    "multiplied, by the second a."),
            Mistake(lambda first, second: (second[0] * first[0], second[0] * first[0] * first[1] + second[1]),
                    "The first b has passed the second step only: one factor, the second a."),
            Mistake(lambda first, second: first + second,
                    "To add tuples puts them one behind the other. Compute the new a and b."),
            Mistake(lambda first, second: (second[0] * first[0], first[1]),
                    "What the second step does to b is missing: it "
                    "multiplies it and adds its own."),
            Mistake(lambda first, second: (second[0] * first[0], second[0] * (first[0] + first[1]) + second[1]),
                    "The first step's a belongs to h. What goes into the second one beside a h is b alone."),
            Mistake(lambda first, second: (np.outer(second[0], first[0]), second[0] * first[1] + second[1]),
                    "All products go entry by entry: *, not np.outer."),
            Mistake(lambda first, second: (second[0] * first[0], second[0] * first[1] + first[0] * second[1]),
                    "The second b comes last and is multiplied by nothing."),
            Mistake(lambda first, second: (second[0] * first[0] * first[0], second[0] * first[1] + second[1]),
                    "The first a counts "
                    "twice. h is multiplied by each of the two once."),
            Mistake(lambda first, second: (first[0] * first[0], second[0] * first[1] + second[1]),
                    "The first a counts twice, the "
                    "second is missing."),
            Mistake(lambda first, second: (second[0] * second[0], second[0] * first[1] + second[1]),
                    "The second a counts twice, the "
                    "first is missing."),
            Mistake(lambda first, second: ((first[0] + second[0]) / 2, (first[1] + second[1]) / 2),
                    "No mean: put a h + b in the "
                    "place of the second one's h."),
            Mistake(lambda first, second: second[0] * (first[0] + first[1]) + second[1],
                    "This is what becomes of h = 1. Return the "
                    "pair (a, b), for any h."),
            Mistake(lambda first, second: (0 * first[0], second[0] * first[1] + second[1]),
                    "This is what becomes of h = 0. h itself "
                    "is multiplied by both a."),
            Mistake(lambda first, second: (np.append(first[0], second[0]), np.append(first[1], second[1])),
                    "The two were put one "
                    "behind the other. One pair of arrays (H,) is asked for."),
        ],
        hints=["Write the second map with (a h + b) in the place of its h.",
               "a' (a h + b) + b' = ... Sort by h."],
    ),
    Prediction("13.4", "Layers of 16 units, each with its best linear readout. With which factors can it say "
                       "whether an even or an odd number of ones was read so far?", kind="choices",
               choices=("0 to 1, fixed", "0 to 1, read from x_t", "-1, fixed", "-1 or 1, read from x_t")),
    Prediction("13.5", "l goes from 0.99 to 0.999. By which factor does E (dh/dl)^2 "
                       "grow?", scale="log10", digits=1, unit="times"),
    Exercise(
        "13.6", "Not yet settled", minutes=4, difficulty=3,
        solution=variance, oracle=_variance_step_by_step, cases=_variance_cases, time_axis=None, forbidden=("loop",),
        also_correct=(_variance_as_a_sum,),
        mistakes=[
            Mistake(lambda l, T: 1 / (1 - l**2),
                    "This is the variance after very many steps. h_0 is 0, and T finite."),
            Mistake(lambda l, T: (1 - l**T) / (1 - l), "This adds up l^k. A variance adds up squares."),
            Mistake(lambda l, T: (1 - l**T) / (1 - l**2),
                    "The square is missing above: each step takes l^2, so T steps take l^(2T)."),
            Mistake(lambda l, T: (1 - l ** (2 * T - 2)) / (1 - l**2),
                    "One term too few: there are T of them, l^0 to l^(2T - 2), and h_1 = x_1 has the variance 1."),
            Mistake(lambda l, T: ((1 - l**T) / (1 - l)) ** 2,
                    "This is the square of a sum, as if all x_t were equal. They are independent: add up the squares."),
            Mistake(lambda l, T: T, "Without l: what x_t adds is multiplied by l at each step after t."),
            Mistake(lambda l, T: T * l ** (2 * T), "The terms differ: x_{T-k} has passed k steps. Add up l^(2k)."),
            Mistake(lambda l, T: l ** (2 * T), "This is what T steps leave of the first variance. Each x_t adds one of "
                    "its own."),
            Mistake(lambda l, T: (1 - l ** (2 * T)) / (1 - l),
                    "The square is missing below: the series has q = l^2 above and below."),
            Mistake(lambda l, T: np.sqrt((1 - l ** (2 * T)) / (1 - l**2)),
                    "This is the standard deviation. E h_T^2 is its square."),
            Mistake(lambda l, T: 1 / (1 - l**2) - l ** (2 * T),
                    "What is missing of the settled variance is l^(2T) of it: multiply by 1 - l^(2T)."),
            Mistake(lambda l, T: l**2 * (1 - l ** (2 * T)) / (1 - l**2),
                    "One factor l^2 too many: the last input, x_T, has passed no step yet."),
            Mistake(lambda l, T: (1 - l ** (2 * T + 2)) / (1 - l**2),
                    "One term too many: h_1 = x_1 has the variance 1."),
            Mistake(lambda l, T: T * l**2, "l^2 is what one step takes. x_{T-k} has passed k steps: add up l^(2k)."),
            Mistake(lambda l, T: 1 - l ** (2 * T), "Divide by 1 - l^2: the sum of a geometric series."),
            Mistake(lambda l, T: (1 - l ** (2 * T)) / (1 + l**2), "Below stands 1 - l^2, with a minus."),
            Mistake(lambda l, T: (1 + l ** (2 * T)) / (1 - l**2), "Above stands 1 - l^(2T), with a minus."),
            Mistake(lambda l, T: (1 - l ** (T**2)) / (1 - l**2), "(l^T)^2 is l^(2T), not l^(T^2)."),
            Mistake(lambda l, T: (l ** (2 * T) - 1) / (1 - l**2), "The sign is turned: a variance is above 0."),
            Mistake(lambda l, T: l ** (2 * T) / (1 - l**2),
                    "This is what is still missing. Take it from 1 / (1 - l^2)."),
            Mistake(lambda l, T: (1 - l**2) / (1 - l ** (2 * T)), "The fraction is upside down."),
            Mistake(lambda l, T: 1 + l**2 * T,
                    "Not a straight line: each x_t adds l^(2k), less the longer ago it came."),
            Mistake(lambda l, T: (1 - l ** (2 * T)) / (1 - l**2) / T,
                    "This is a mean over the steps. The variances add up."),
            Mistake(lambda l, T: (1 + l**2) / (1 - l**2) ** 3,
                    "This is for dh/dl, after very many steps. The state h_T is asked "
                    "for."),
            Mistake(lambda l, T: (1 - (l * T) ** 2) / (1 - l**2), "T factors multiply: l^(2T), not (l T)^2."),
            Mistake(lambda l, T: (1 - l ** (2 * T - 2)) / (1 - l**2) + 1,
                    "One too many or too few: the terms are l^0 to "
                    "l^(2T - 2), T of them."),
            Mistake(lambda l, T: 0., "That is the mean of h_T. E h_T^2 is its variance."),
            Mistake(lambda l, T: T * l ** (2 * T - 2),
                    "Every term has the same power here. x_{T-k} has passed k steps: add up "
                    "l^(2k)."),
            Mistake(lambda l, T: (1 - l ** (2 * T)) / (1 - l) ** 2, "(1 - l)^2 is not 1 - l^2."),
            Mistake(lambda l, T: (1 - l ** (2 * T)) * (1 - l**2), "Divide by 1 - l^2, do not multiply."),
            Mistake(lambda l, T: (1 - l ** (2**T)) / (1 - l**2),
                    "l ** 2 ** T is l ** (2 ** T) in Python. l^2 to the power T is "
                    "l ** (2 * T)."),
            Mistake(lambda l, T: (1 - l ** (2 * T)) / T, "Not a mean over the steps: divide by 1 - l^2."),
            Mistake(lambda l, T: 5.2632,
                    "This is for l = 0.9, after very many steps. A formula in l and T is asked for."),
            Mistake(lambda l, T: (1 - np.exp(2 * T * np.log(l))) / (1 - l**2),
                    "l may be below 0, where it has no logarithm: "
                    "l ** (2 * T)."),
        ],
        hints=["h_T is the sum of l^k x_{T-k} for k = 0 ... T - 1.",
               "The x_t are independent: the variances l^(2k) add up.",
               "A geometric series: 1 + q + ... + q^(T-1) = (1 - q^T) / (1 - q) with q = l^2."],
    ),
    Exercise(
        "13.10", "Read the past back", minutes=5, difficulty=2,
        solution=remembered, oracle=_remembered_by_powers, cases=_remembered_cases, time_axis=None,
        also_correct=(_remembered_by_numpy,),
        mistakes=[
            Mistake(_remembered_wrong(weigh=lambda n: 1),
                    "The factor sqrt(2n + 1) is missing: h_n holds it once, and the sum takes it once more."),
            Mistake(_remembered_wrong(weigh=lambda n: 2 * n + 1),
                    "h_n already holds sqrt(2n + 1) once. Here it comes once more, not twice."),
            Mistake(_remembered_wrong(weigh=lambda n: 1 / np.sqrt(2 * n + 1)),
                    "Multiply by sqrt(2n + 1), do not divide."),
            Mistake(_remembered_wrong(weigh=lambda n: np.sqrt(2 * n - 1) if n else 1.),
                    "n counts from 0: the factors are 1, sqrt 3, sqrt 5, so sqrt(2n + 1)."),
            Mistake(_remembered_wrong(weigh=lambda n: np.sqrt(2 * n + 3)),
                    "n counts from 0: the first number, h_0, comes with the factor 1."),
            Mistake(_remembered_wrong(weigh=lambda n: np.sqrt(n + 1)), "The factor is sqrt(2n + 1), not sqrt(n + 1)."),
            Mistake(_remembered_wrong(place=lambda u: u),
                    "P_n lives on -1 to 1, and u goes from 0 to 1: take P_n at z = 2u - 1."),
            Mistake(_remembered_wrong(place=lambda u: 1 - 2 * u),
                    "Time runs backward: u = 1 is now, where z = 2u - 1 is 1."),
            Mistake(_remembered_wrong(place=lambda u: 2 * u), "z = 2u - 1: the 1 was not taken away."),
            Mistake(_remembered_wrong(order=slice(None, None, -1)),
                    "The numbers are turned round: h_0 goes with P_0."),
            Mistake(_remembered_wrong(order=slice(1)), "This is the mean of the past alone, h_0. Add all N terms."),
            Mistake(lambda h, u: _remembered_wrong()(np.append(h[:-1], 0), u),
                    "The last number is missing: n goes up to N - 1, N terms in all."),
            Mistake(lambda h, u: _remembered_wrong()(np.append(0, h[1:]), u),
                    "The first number is missing: the sum begins at n = 0."),
            Mistake(_remembered_wrong(raised=True), "These are powers of z. P_2 is (3 z^2 - 1) / 2, and so on."),
            Mistake(_remembered_slipped(lambda n, z, P, before: (2 * n + 1) * z * P - n * before),
                    "P_{n+1} has to be divided by n + 1."),
            Mistake(_remembered_slipped(lambda n, z, P, before: ((2 * n + 1) * z * P + n * before) / (n + 1)),
                    "The sign of n P_{n-1}: it is taken away."),
            Mistake(_remembered_slipped(lambda n, z, P, before: ((2 * n + 1) * z * P - (n + 1) * before) / (n + 1)),
                    "P_{n-1} comes with the factor n, not n + 1."),
            Mistake(_remembered_slipped(lambda n, z, P, before: (2 * n + 1) * z * P / (n + 1)),
                    "The term with P_{n-1} is missing."),
            Mistake(_remembered_slipped(lambda n, z, P, before: 2 * z * P - before if n else z * P),
                    "This is the rule of Chebyshev's polynomials. Legendre's has the factors 2n + 1, n and n + 1."),
            Mistake(lambda h, u: _remembered_wrong()(h, u) / len(h), "This is a mean over n. The sum is asked for."),
            Mistake(lambda h, u: -_remembered_wrong()(h, u), "The sign is turned."),
        ],
        hints=["Begin with the two polynomials that you know, P_0 = 1 and, before it, 0. Put z = 2u - 1.",
               "In a loop over n: add h_n sqrt(2n + 1) P_n, then make P_{n+1} of P_n and P_{n-1}.",
               "P_before, P = P, ((2n + 1) z P - n P_before) / (n + 1) does both at once."],
    ),
    Exercise(
        "13.7", "Back through the delta rule", minutes=6, difficulty=2,
        solution=delta_back, oracle=_delta_by_complex_step, cases=_delta_cases, returns=("dS_before", "dbeta"),
        time_axis=None, also_correct=(_delta_by_matrices, _delta_by_loops),
        mistakes=[
            Mistake(_delta_wrong(lambda S, k, v, beta, dS: dS),
                    "dS_before is dL/dS_t itself. S_{t-1} is also in S_{t-1} k, which is taken away."),
            Mistake(_delta_wrong(lambda S, k, v, beta, dS: S - beta * np.outer(S @ k, k)),
                    "S_{t-1} itself went through the matrix. What comes back is the gradient, dS."),
            Mistake(_delta_wrong(lambda S, k, v, beta, dS: dS + beta * np.outer(dS @ k, k)),
                    "The sign: what S answers at k is taken away, so the way back takes away too."),
            Mistake(_delta_wrong(lambda S, k, v, beta, dS: dS - np.outer(dS @ k, k)),
                    "beta is missing in dS_before: only that share of the answer at k is erased."),
            Mistake(_delta_wrong(lambda S, k, v, beta, dS: (1 - beta) * dS),
                    "The whole of dS is multiplied by 1 - beta. Only its part along k is; what lies across k passes."),
            Mistake(_delta_wrong(lambda S, k, v, beta, dS: dS * (1 - beta * k * k)),
                    "Only the diagonal of k k^T was used. Each column of dS goes into all others: dS k, times k."),
            Mistake(_delta_wrong(lambda S, k, v, beta, dS: (1 - beta) * np.outer(dS @ k, k)),
                    "This is the part of dS along k alone. The part across k passes as it is."),
            Mistake(_delta_wrong(lambda S, k, v, beta, dS: beta * np.outer(dS @ k, k)),
                    "This is what is taken away. Take it from dS."),
            Mistake(_delta_wrong(lambda S, k, v, beta, dS: -beta * np.outer(dS @ k, k)),
                    "S_{t-1} also passes as it is: dS is missing."),
            Mistake(_delta_wrong(lambda S, k, v, beta, dS: dS - 2 * beta * np.outer(dS @ k, k)),
                    "Twice too much is taken away: S_{t-1} k stands once in the step."),
            Mistake(_delta_wrong(lambda S, k, v, beta, dS: dS - beta**2 * np.outer(dS @ k, k)),
                    "beta counts once: the step multiplies what it takes away by it once."),
            Mistake(_delta_wrong(lambda S, k, v, beta, dS: dS - beta * np.outer(S @ k, k)),
                    "S k is the way forward. On the way back dS takes the place of S: dS k."),
            Mistake(_delta_wrong(lambda S, k, v, beta, dS: S + beta * np.outer(v - S @ k, k)),
                    "This is S_t, the step forward. dL/dS_{t-1} is made of dS."),
            Mistake(_delta_wrong(lambda S, k, v, beta, dS: dS + beta * np.outer(v - dS @ k, k)),
                    "This takes dS for a state and writes v into it. v is no part of dL/dS_{t-1}."),
            Mistake(_delta_wrong(lambda S, k, v, beta, dS: np.eye(len(k)) - beta * np.outer(k, k)),
                    "This is the Jacobian alone. Multiply dS by it."),
            Mistake(_delta_wrong(None, lambda S, k, v, beta, dS: v @ (dS @ k)),
                    "dbeta lacks what is erased: beta multiplies v - S_{t-1} k, not v."),
            Mistake(_delta_wrong(None, lambda S, k, v, beta, dS: -(S @ k) @ (dS @ k)),
                    "dbeta lacks what is written: beta multiplies v - S_{t-1} k, not -S_{t-1} k."),
            Mistake(_delta_wrong(None, lambda S, k, v, beta, dS: (S @ k - v) @ (dS @ k)),
                    "The sign of dbeta is turned: the step adds beta times (v - S_{t-1} k) k^T."),
            Mistake(_delta_wrong(None, lambda S, k, v, beta, dS: (v + S @ k) @ (dS @ k)),
                    "dbeta has v + S_{t-1} k. What is stored at k is taken away."),
            Mistake(_delta_wrong(None, lambda S, k, v, beta, dS: beta * (v - S @ k) @ (dS @ k)),
                    "One factor beta too many in dbeta: S_t is linear in beta, its slope is (v - S_{t-1} k) k^T."),
            Mistake(_delta_wrong(None, lambda S, k, v, beta, dS: (1 - beta) * (v - S @ k) @ (dS @ k)),
                    "dbeta has a factor 1 - beta too many. Take S_{t-1} with dL/dS_t: one before the step, one after it."),
            Mistake(_delta_wrong(None, lambda S, k, v, beta, dS: dS * np.outer(v - S @ k, k)),
                    "These are the terms of dbeta. beta is one number for the whole matrix: add them up."),
            Mistake(_delta_wrong(None, lambda S, k, v, beta, dS: (dS * np.outer(v - S @ k, k)).mean()),
                    "dbeta is a mean over the entries. The sum is asked for."),
            Mistake(_delta_wrong(None, lambda S, k, v, beta, dS: ((v - S @ k)**2).sum()),
                    "dS is missing in dbeta. The delta rule has a squared error of its own; L is another loss."),
            Mistake(_delta_wrong(None, lambda S, k, v, beta, dS: np.outer(v - S @ k, k).sum()),
                    "dS is missing in dbeta: each entry of the slope is multiplied by its entry of dS."),
            Mistake(_delta_wrong(None, lambda S, k, v, beta, dS: (v - S @ k) * (dS @ k)),
                    "These are the rows' parts of dbeta. Add them up: beta is one number."),
            Mistake(lambda S, k, v, beta, dS: delta_back(S, k, v, beta, dS)[::-1],
                    "The two have changed places: first dL/dS_{t-1}."),
            Mistake(lambda S, k, v, beta, dS: delta_back(S, k, v, beta, dS)[0],
                    "This is dL/dS_{t-1} alone. Return the pair."),
            Mistake(lambda S, k, v, beta, dS: tuple(-part for part in delta_back(S, k, v, beta, dS)),
                    "Both signs are turned: the gradient itself is asked for."),
        ],
        hints=["S_{t-1} stands in the step twice: alone, and in S_{t-1} k. So two ways lead back to it; add them.",
               "The first way brings dS. The second brings -beta times (dS k) k^T.",
               "dbeta: multiply dS entry by entry with (v - S k) k^T and add up all entries."],
    ),
    Prediction("13.8", "Twice as many steps, 100 instead of 50. At which gains does Newton's method "
                       "need about twice as many rounds, or more?", kind="choices",
               choices=("0.5", "1", "3")),
    Prediction("13.9", "One layer of attention over 100 steps, all weights 1/100. The gradient of "
                       "what was read 99 steps before, divided by that of the last step?", digits=2),
])
