"""The exercises of lesson 06, vanishing gradients."""

from __future__ import annotations

import math

import numpy as np

from ... import bptt, gradcheck, initialise, jacobians
from ...exercises.bank import Bank, Exercise, Mistake, Prediction


# 6.1 What is left, by distance


def by_distance(run, dh_T):
    size = np.linalg.norm(bptt.backward(run, bptt.at_end(run, dh_T)).dh, axis=-1).mean(axis=1)
    return size[::-1] / size[-1]


def _by_product(run, dh_T):
    carried = [dh_T]
    for J_t in jacobians.step_jacobians(run)[::-1]:
        carried.append(np.einsum("bi,bij->bj", carried[-1], J_t))
    size = np.array([np.sqrt((each**2).sum(-1)).mean() for each in carried])
    return size / size[0]


def _by_distance_step_by_step(run, dh_T):
    dh, sizes = dh_T, [np.linalg.norm(dh_T, axis=1).sum()]
    for h_t in run.h[:0:-1]:
        dh = ((1 - h_t**2) * dh) @ run.params.W_hh
        sizes.append(np.linalg.norm(dh, axis=1).sum())
    return [size / sizes[0] for size in sizes]


def _by_distance_wrong(measure=lambda dh: np.linalg.norm(dh, axis=-1).mean(-1), back=True):
    def by_distance(run, dh_T):
        direct = bptt.at_end(run, dh_T)
        size = measure(bptt.backward(run, direct).dh if back else direct)
        return size[::-1] / size[-1]

    return by_distance


def _by_distance_of(vectors):
    def by_distance(run, dh_T):
        size = np.linalg.norm(vectors(run, dh_T), axis=-1).mean(axis=1)
        return size[::-1] / size[-1]

    return by_distance


def _by_distance_mean_of_ratios(run, dh_T):
    sizes = np.linalg.norm(bptt.backward(run, bptt.at_end(run, dh_T)).dh, axis=-1)
    return (sizes / sizes[-1]).mean(-1)[::-1]


def _run(rng, T, B, D, H, gain, size=1.):
    params = initialise.rnn(D, H, rng, gain=gain)._replace(b_h=.1 * size * rng.normal(size=H))
    return bptt.forward(params, size * rng.normal(size=(T, B, D)), .1 * size * rng.normal(size=(B, H)))


def _by_distance_cases(rng):
    return [(_run(rng, T, B, D, H, gain, size), rng.normal(size=(B, H))) for T, B, D, H, gain, size in [
        (5, 3, 2, 4, 1., 1.), (40, 2, 3, 5, .5, 1.), (1, 1, 1, 2, 1., 1.), (3, 2, 1, 1, 1., 1.),
        (4, 2, 2, 3, 9., 1e-5)]]


# 6.4 How long is the plateau


def updates_needed(w0, k, rate):
    return (w0 ** (2 - k) - 1) / (rate * k * (k - 2))


def _updates_by_quadrature(w0, k, rate):
    points, weights = np.polynomial.legendre.leggauss(60)
    s = (1 - points) / 2 * np.log(w0)  # ln w from ln w0 to 0
    return float((weights * np.exp((2 - k) * s)).sum() * -np.log(w0) / 2 / (rate * k))


def _updates_from_time(w0, k, rate):
    power = k - 2
    return (1 / w0**power - 1) / power / k / rate


def _updates_counted(w0, k, rate):
    w, updates = w0, 0
    while w < 1:
        w += rate * k * w ** (k - 1)
        updates += 1
    return updates


# 6.6 The share of the last steps


def late_share(back, k):
    steps = zip(back.da, back.run.x)
    sizes = np.array([np.linalg.norm(da_t.T @ x_t) for da_t, x_t in steps])
    return sizes[-k:].sum() / sizes.sum()


def _late_share_of_copies(back, k):
    run = back.run
    W_xh, W_hh, b_h = run.params

    def loss(copies):  # one W_xh for each step
        h = run.h[0]
        for W_t, x_t in zip(copies, run.x):
            h = np.tanh(x_t @ W_t.T + h @ W_hh.T + b_h)
        return (h * back.dh[-1]).sum()

    each = gradcheck.complex_step(loss, np.repeat(W_xh[None], len(run.x), axis=0))
    sizes = np.sqrt((each**2).sum((1, 2)))
    return sizes[len(sizes) - k:].sum() / sizes.sum()


def _late_share_at_once(back, k):
    sizes = np.linalg.norm(np.einsum("tbh,tbd->thd", back.da, back.run.x), axis=(1, 2))
    return 1 - sizes[:len(sizes) - k].sum() / sizes.sum()


def _late_share_wrong(gradient=lambda back: back.da, power=1, which=lambda sizes, k: sizes[-k:]):
    def late_share(back, k):
        each = np.einsum("tbh,tbd->thd", gradient(back), back.run.x)
        sizes = np.linalg.norm(each, axis=(1, 2)) ** power
        return which(sizes, k).sum() / sizes.sum()

    return late_share


def _late_share_by(of):
    """The share of terms that are dL/da_t times something else than the input."""
    def late_share(back, k):
        sizes = np.linalg.norm(np.einsum("tbh,tbd->thd", back.da, of(back)), axis=(1, 2))
        return sizes[-k:].sum() / sizes.sum()

    return late_share


def _late_share_measured(size):
    """The share of sizes that are measured in another way."""
    def late_share(back, k):
        sizes = size(np.einsum("tbh,tbd->thd", back.da, back.run.x))
        return sizes[-k:].sum() / sizes.sum()

    return late_share


def _late_share_of_the_first(back, k):
    sizes = np.linalg.norm(back.da[:, 0], axis=1) * np.linalg.norm(back.run.x[:, 0], axis=1)
    return sizes[-k:].sum() / sizes.sum()


def _late_share_not_divided(back, k):
    return np.linalg.norm(np.einsum("tbh,tbd->thd", back.da, back.run.x), axis=(1, 2))[-k:].sum()


def _late_share_ratio(back, k):
    share = late_share(back, k)
    return np.float64(share) / (1 - share) if k < len(back.da) else np.inf


def _late_share_by_sequence(back, k):
    each = np.einsum("tbh,tbd->tbhd", back.da, back.run.x)
    sizes = np.linalg.norm(each, axis=(2, 3)).sum(1)
    return sizes[-k:].sum() / sizes.sum()


def _late_share_of_sums(back, k):
    each = np.einsum("tbh,tbd->thd", back.da, back.run.x)
    return np.linalg.norm(each[-k:].sum(0)) / np.linalg.norm(each.sum(0))


def _late_share_cases(rng):
    cases = []
    for T, B, D, H, gain, k in [(6, 2, 3, 4, 1., 2), (9, 3, 2, 3, .6, 3), (4, 1, 1, 2, 1., 4),
                                (5, 2, 1, 1, 1., 1)]:
        run = _run(rng, T, B, D, H, gain)
        cases.append((bptt.backward(run, bptt.at_end(run, rng.normal(size=(B, H)))), k))
    return cases


# 6.11 A norm without underflow


def safe_norm(g):
    largest = np.abs(g).max()
    return largest * np.sqrt(((g / largest)**2).sum())


def _norm_by_hypot(g):
    return math.hypot(*g.ravel())


def _safe_norm_in_place(g):
    size = safe_norm(g)
    g /= np.abs(g).max()
    return size


def _safe_norm_cases(rng):
    sizes = [(1e-200, (4, 3)), (2., (5,)), (1e-180, (2, 3, 2))]
    cases = [(size * rng.normal(size=shape),) for size, shape in sizes]
    below_zero = -1e-200 * rng.uniform(1, 5, (3, 2))
    wide = rng.normal(size=6) * 10. ** -np.array([310, 200, 0, 1, 2, 250])  # dividing by the smallest overflows
    opposite = 3e-200 * np.array([1., -1.])  # their mean is 0
    return [*cases, (below_zero,), (wide,), (opposite,), (1e-161 * rng.normal(size=4),), (np.array([-3e-250]),),
            (np.array([-1.2, 3e-250, -3.4]),)]


# 6.12 The last update that moves the weight


def farthest(weight, rate, size, q):
    w, k = np.float32(weight), 0
    while w - np.float32(rate * size * q**k) != w:
        k += 1
    return k - 1


def _farthest_by_gap(weight, rate, size, q):
    w = np.float32(weight)
    gap = w - np.nextafter(w, np.float32(-np.inf))  # to the number below; less than half of it is rounded away
    return math.floor(math.log(float(gap) / 2 / (rate * size)) / math.log(q))


def _farthest_all_at_once(weight, rate, size, q):
    updates = (rate * size * q ** np.arange(2000.)).astype(np.float32)
    return int((np.float32(weight) - updates != np.float32(weight)).nonzero()[0][-1])


def _farthest_while(moves):
    def farthest(weight, rate, size, q):
        return next(k for k in range(1, 10**5) if not moves(weight, rate * size * q**k)) - 1

    return farthest


def _farthest_below(bound):
    def farthest(weight, rate, size, q):
        return sum(rate * size * q**k > bound(abs(weight)) for k in range(3000)) - 1

    return farthest


def _farthest_by_log(bound):
    def farthest(weight, rate, size, q):
        return int(math.log(bound(abs(weight)) / (rate * size)) / math.log(q))

    return farthest


def _farthest_moved_on(weight, rate, size, q):
    w, k = np.float32(weight), 0
    while w - np.float32(rate * size * q**k) != w:
        w, k = w - np.float32(rate * size * q**k), k + 1
    return k - 1


BANK = Bank(6, "Vanishing", [
    Exercise(
        "6.1", "What is left, by distance", minutes=5, difficulty=1,
        solution=by_distance, oracle=_by_product, cases=_by_distance_cases, time_axis=0,
        axis="distance",
        also_correct=(_by_distance_step_by_step,),
        mistakes=[
            Mistake(lambda run, dh_T: by_distance(run, dh_T)[::-1],
                    "It runs in time. Entry 0 belongs to distance 0, the last state; the last entry to h_0."),
            Mistake(lambda run, dh_T: by_distance(run, dh_T) * np.linalg.norm(dh_T, axis=-1).mean(),
                    "These are the sizes themselves. Divide by the one of h_T, so that entry 0 is 1."),
            Mistake(_by_distance_wrong(back=False),
                    "This is what the loss reads directly: nothing before h_T. bptt.backward carries it "
                    "back."),
            Mistake(_by_distance_wrong(lambda dh: np.linalg.norm(dh, axis=(1, 2))),
                    "One norm over all sequences together. Take the norm of each sequence, then their mean."),
            Mistake(_by_distance_wrong(lambda dh: np.linalg.norm(dh.mean(1), axis=-1)),
                    "You took the mean of the gradients first, and there they cancel. Take each sequence's norm, then "
                    "the mean."),
            Mistake(_by_distance_mean_of_ratios,
                    "You divided each sequence by its own last size and took the mean of the ratios. Take the means "
                    "first, then divide."),
            Mistake(_by_distance_wrong(lambda dh: np.abs(dh).max(-1).mean(-1)),
                    "This is the largest entry, not the length: |v| is the root of the sum of squares."),
            Mistake(_by_distance_wrong(lambda dh: np.linalg.norm(dh, axis=-1).max(-1)),
                    "This is the sequence with the largest gradient. Take the mean over the sequences."),
            Mistake(_by_distance_wrong(lambda dh: np.linalg.norm(dh, axis=-1)[:, 0]),
                    "This is the first sequence alone. Take the mean over the sequences."),
            Mistake(_by_distance_wrong(lambda dh: (dh**2).sum(-1).mean(-1)),
                    "These are squares. |v| is the root of the sum of squares."),
            Mistake(_by_distance_wrong(lambda dh: np.abs(dh).sum(-1).mean(-1)),
                    "These are sums of sizes. |v| is the root of the sum of squares."),
            Mistake(lambda run, dh_T: by_distance(run, dh_T)[::-1] / by_distance(run, dh_T)[-1],
                    "It is divided by the size at h_0, and it runs in time. Divide by the one at h_T; entry 0 is the "
                    "last state."),
            Mistake(lambda run, dh_T: by_distance(run, dh_T) / by_distance(run, dh_T)[-1],
                    "It is divided by the size at h_0. Divide by the one at h_T, so that entry 0 is 1."),
            Mistake(lambda run, dh_T: by_distance(run, dh_T) / by_distance(run, dh_T).max(),
                    "It is divided by the largest size. Divide by the one at h_T: going back, a gradient may grow."),
            Mistake(lambda run, dh_T: by_distance(run, dh_T) / by_distance(run, dh_T).sum(),
                    "It is divided by the sum. Divide by the size at h_T, so that entry 0 is 1."),
            Mistake(_by_distance_wrong(lambda dh: np.median(np.linalg.norm(dh, axis=-1), axis=-1)),
                    "This is the median over the sequences. The mean is asked for."),
            Mistake(_by_distance_wrong(lambda dh: np.linalg.norm(dh, axis=1).mean(-1)),
                    "The axes are mixed up: the norm was taken over the sequences, the mean over the units. The units "
                    "are the last axis."),
            Mistake(_by_distance_of(lambda run, dh_T: run.h), "These are sizes of the states. Take the gradients' "
                    "sizes, "
                                                              "from bptt.backward."),
            Mistake(_by_distance_of(lambda run, dh_T: bptt.backward(run, bptt.at_end(run, run.h[-1])).dh),
                    "The way back starts with h_T. It starts with dh_T, what the loss reads."),
            Mistake(_by_distance_of(lambda run, dh_T: bptt.backward(run, np.repeat(dh_T[None], len(run.h), 0)).dh),
                    "The loss reads every state here. It reads the last one only: bptt.at_end(run, dh_T)."),
            Mistake(_by_distance_of(lambda run, dh_T: bptt.backward(run, bptt.at_end(run, dh_T)).da),
                    "These are dL/da_t, one for each step, T of them. Take .dh, which has h_0 too."),
            Mistake(lambda run, dh_T: by_distance(run, dh_T)[1:] / by_distance(run, dh_T)[:-1],
                    "These are the factors of the single steps. Divide every size by the one at h_T."),
            Mistake(lambda run, dh_T: bptt.backward(run, dh_T).dh,
                    "bptt.backward wants an array like run.h. bptt.at_end(run, dh_T) makes it."),
            Mistake(lambda run, dh_T: np.cumsum(by_distance(run, dh_T)) / np.arange(1, len(run.h) + 1),
                    "This is a mean over the distances so far. Return each distance's own."),
            Mistake(lambda run, dh_T: by_distance(run, dh_T)[:-1],
                    "The last entry is missing: distance T is the initial state h_0. T + 1 entries."),
            Mistake(lambda run, dh_T: by_distance(run, dh_T)[1:],
                    "Distance 0 is missing, the last state: its entry is 1. T + 1 entries."),
            Mistake(lambda run, dh_T: by_distance(run, dh_T)[-1],
                    "This is distance T alone. Return all distances, from 0 to T."),
            Mistake(lambda run, dh_T: (np.linalg.norm(bptt.backward(run, bptt.at_end(run, dh_T)).dh, axis=-1)
                                       / np.linalg.norm(dh_T, axis=-1))[::-1],
                    "There is a number for each sequence. Take the mean over them: (T + 1,)."),
            Mistake(lambda run, dh_T: np.log10(by_distance(run, dh_T)), "These are logarithms. Return the ratios "
                    "themselves."),
            Mistake(_by_distance_wrong(lambda dh: np.linalg.norm(
                np.concatenate([dh[1:] - dh[:-1], dh[-1:]]), axis=-1).mean(-1)),
                    "These are sizes of differences from step to step. Take |dL/dh_t| itself."),
        ],
        hints=["bptt.backward wants an array like run.h: bptt.at_end makes it from dh_T.",
               "np.linalg.norm(dh, axis=-1) is one number for each step and sequence.",
               "size[::-1] / size[-1] turns time into distance."],
    ),
    Prediction("6.2", "Five networks, 2000 updates, the noun 14 words before the pronoun: their accuracy?",
               kind="choice", choices=("above 0.95", "between 0.6 and 0.95", "about 0.5")),
    Prediction("6.3", "Six more words in between, 10 and not 4: how many times as many updates (the "
                      "median of five)?",
               unit="times", scale="log10", close=.3, digits=1),
    Exercise(
        "6.4", "How long is the plateau", minutes=5, difficulty=2,
        solution=updates_needed, oracle=_updates_by_quadrature, rtol=1e-6,
        cases=lambda rng: [(.5, 10, .001), (.8, 5, .01), (.6, 25, .1), (.7, 3, .02)],
        also_correct=(_updates_from_time,),
        mistakes=[
            Mistake(lambda w0, k, rate: (1 - w0) / (rate * k * w0 ** (k - 1)),
                    "This keeps the speed of the start all the way. The gradient grows as w grows: "
                    "integrate."),
            Mistake(lambda w0, k, rate: w0 ** (2 - k) / (rate * k * (k - 2)),
                    "The upper end is missing: at w = 1 the antiderivative is not 0."),
            Mistake(lambda w0, k, rate: (w0 ** (2 - k) - 1) / (k * (k - 2)),
                    "This is the time. An update is a piece of time as long as the rate."),
            Mistake(lambda w0, k, rate: (w0 ** (2 - k) - 1) / (rate * (k - 2)),
                    "The factor k is missing: the derivative of w**k is k * w**(k - 1)."),
            Mistake(lambda w0, k, rate: (w0 ** (1 - k) - 1) / (rate * k * (k - 1)),
                    "The power is off by one: the integral of w**(1 - k) is w**(2 - k) / (2 - k)."),
            Mistake(lambda w0, k, rate: -updates_needed(w0, k, rate),
                    "Below 0: the two ends are the wrong way round."),
            Mistake(_updates_counted,
                    "You made the updates one by one and counted them. A formula is asked for, with w moving smoothly: "
                    "integrate. (It comes near: that is how good the formula is.)"),
            Mistake(lambda w0, k, rate: math.ceil(updates_needed(w0, k, rate)),
                    "It is rounded up. Return the formula's value as it is."),
            Mistake(lambda w0, k, rate: math.floor(updates_needed(w0, k, rate)),
                    "It is rounded down. Return the formula's value as it is."),
            Mistake(lambda w0, k, rate: (w0 ** (2 - k) - 1) / (rate * k),
                    "The divisor k - 2 of the antiderivative is missing: the integral of w**(1 - k) is "
                    "w**(2 - k) / (2 - k)."),
            Mistake(lambda w0, k, rate: rate * (w0 ** (2 - k) - 1) / (k * (k - 2)),
                    "The rate stands above the line. A larger rate needs fewer updates."),
            Mistake(lambda w0, k, rate: k * (w0 ** (2 - k) - 1) / (rate * (k - 2)),
                    "The factor k stands above the line. A larger slope needs fewer updates."),
            Mistake(lambda w0, k, rate: (1 - w0 ** (k - 2)) / (rate * k * (k - 2)),
                    "The sign of the exponent is wrong: 1 / w**(k - 1) is w**(1 - k), and its integral has "
                    "w**(2 - k)."),
            Mistake(lambda w0, k, rate: (1 - w0**k) / rate,
                    "You integrated the speed. The time is the integral of 1 over the speed."),
            Mistake(lambda w0, k, rate: (1 - w0**k) / (rate * k),
                    "The speed was integrated, and not 1 over it. Bring everything with w to the side of dw."),
            Mistake(lambda w0, k, rate: w0**-k, "This is how the time grows with k, roughly. The formula has k and the "
                    "rate "
                                                "in it too: integrate."),
            Mistake(lambda w0, k, rate: (w0**-k - 1) / (rate * k * k),
                    "The power is k here. The speed has w**(k - 1), and integrating 1 over it gives w**(2 - k)."),
            Mistake(lambda w0, k, rate: (w0 ** (2 - k) - 1) / rate * k * (k - 2),
                    "Brackets are missing: a / b * c multiplies by c. Write / (rate * k * (k - 2))."),
            Mistake(lambda w0, k, rate: (w0 ** (2 - k) - 1) / (2 * rate * k * (k - 2)),
                    "Half of it: there is no 1/2 left in the speed, rate * k * w**(k - 1)."),
            Mistake(lambda w0, k, rate: updates_needed(.5, k, rate), "w0 plays no part: it is not always 0.5."),
            Mistake(lambda w0, k, rate: updates_needed(w0, k, .001), "The rate plays no part: it is not always 0.001."),
            Mistake(lambda w0, k, rate: round(updates_needed(w0, k, rate), -2),
                    "It is rounded to hundreds. Return the formula's value as it is."),
            Mistake(lambda w0, k, rate: (w0 ** (2 - k) - .5 ** ((2 - k) / k)) / (rate * k * (k - 2)),
                    "It ends where w**k is 1/2. The way goes up to w = 1."),
            Mistake(lambda w0, k, rate: -np.log(w0) / (rate * k),
                    "The logarithm is the integral of 1 / w, which is for k = 2 only."),
            Mistake(lambda w0, k, rate: (1 - w0) / (rate * k),
                    "This is the time at the largest speed, the one at w = 1. At the start it is much slower."),
            Mistake(lambda w0, k, rate: (w0 ** -k - 1) / (rate * k),
                    "The power is off: the speed has w**(k - 1), and the integral of w**(1 - k) is w**(2 - k) / (2 - "
                    "k)."),
            Mistake(lambda w0, k, rate: 1 / (rate * k * w0 ** (k - 1)),
                    "This is 1 over the speed at the start. How long is the way, and how does the speed change on it?"),
            Mistake(lambda w0, k, rate: (w0 ** (1 - k) - 1) / (rate * k * (k - 2)),
                    "The power is off by one: below stands k - 2, and above belongs w0**(2 - k)."),
        ],
        hints=["dw = rate * k * w**(k - 1) * dn. Bring everything with w to one side.",
               "n = integral from w0 to 1 of dw / (rate * k * w**(k - 1)).",
               "The antiderivative of w**(1 - k) is w**(2 - k) / (2 - k)."],
    ),
    Prediction("6.5", "The same weight with Adam, distance 20 and not 10: how many updates?", kind="choice",
               choices=("about as many", "about ten times as many", "several hundred times as many")),
    Exercise(
        "6.6", "The share of the last steps", minutes=5, difficulty=2,
        solution=late_share, oracle=_late_share_of_copies, cases=_late_share_cases,
        also_correct=(_late_share_at_once,),
        mistakes=[
            Mistake(_late_share_wrong(which=lambda sizes, k: sizes[:k]),
                    "These are the first k steps. back.da[-1] is the last one."),
            Mistake(_late_share_wrong(gradient=lambda back: back.dh[1:]),
                    "W_xh acts before the tanh: its term needs dL/da_t, and you took dL/dh_t."),
            Mistake(lambda back, k: np.linalg.norm(back.da, axis=(1, 2))[-k:].sum()
                    / np.linalg.norm(back.da, axis=(1, 2)).sum(),
                    "This is the size of dL/da_t. The term of W_xh is dL/da_t times x_t."),
            Mistake(_late_share_wrong(power=2), "These are squares of the sizes. Take the norms themselves."),
            Mistake(_late_share_by_sequence,
                    "Each sequence was measured on its own. The term of a step is one matrix: sum over the batch "
                    "first, then take its size."),
            Mistake(_late_share_of_sums,
                    "You added the terms first and measured then. Measure each step's term, then add "
                    "the sizes."),
            Mistake(_late_share_wrong(which=lambda sizes, k: sizes[-k - 1:-1]),
                    "One step too early: the last step itself belongs to the last k."),
            Mistake(_late_share_wrong(which=lambda sizes, k: sizes[:-k]),
                    "This is the share of all the other steps."),
            Mistake(_late_share_wrong(which=lambda sizes, k: sizes[-k]),
                    "This is one step, the k-th from the end. Sum over the last k."),
            Mistake(_late_share_wrong(which=lambda sizes, k: sizes[k:]),
                    "sizes[k:] leaves out the first k steps. The last k are sizes[-k:]."),
            Mistake(_late_share_wrong(which=lambda sizes, k: sizes[-k + 1:] if k > 1 else sizes[:0]),
                    "One step too few: the last k are sizes[-k:]."),
            Mistake(_late_share_wrong(which=lambda sizes, k: sizes[-k - 1:]),
                    "One step too many: the last k are sizes[-k:]."),
            Mistake(_late_share_not_divided, "This is the sum of the last k sizes. Divide by the sum over all steps."),
            Mistake(lambda back, k: 100 * late_share(back, k), "This is in percent. Return the share, from 0 to 1."),
            Mistake(_late_share_ratio, "The last k steps were divided by all the others. Divide by the sum over all "
                    "steps."),
            Mistake(_late_share_by(lambda back: back.run.h[:-1]),
                    "This is the share for W_hh: its terms have the state before. Those of W_xh have the input, x_t."),
            Mistake(_late_share_by(lambda back: back.run.h[1:]),
                    "dL/da_t was multiplied by h_t. The term of W_xh is dL/da_t times the input, x_t."),
            Mistake(_late_share_wrong(gradient=lambda back: np.roll(back.da, -1, axis=0)),
                    "Gradients and inputs are one step apart: back.da[0] and back.run.x[0] both belong to step 1."),
            Mistake(_late_share_measured(lambda each: np.abs(each).max((1, 2))),
                    "This is the largest entry of each term. Its size is the root of the sum of its squared entries."),
            Mistake(_late_share_measured(lambda each: np.abs(each).sum((1, 2))),
                    "These are sums of the entries' sizes. A term's size is the root of the sum of its squared "
                    "entries."),
            Mistake(_late_share_measured(lambda each: each.sum((1, 2))),
                    "These are sums of the entries, which cancel. A term's size is the root of the sum of its squared "
                    "entries."),
            Mistake(_late_share_measured(lambda each: np.linalg.norm(each, 2, (1, 2))),
                    "This is the largest singular value of each term. Its size here is the root of the sum of its "
                    "squared entries: np.linalg.norm without a 2."),
            Mistake(lambda back, k: np.sqrt(_late_share_wrong(power=2)(back, k)),
                    "This is a root of sums of squares. Add the sizes themselves, and take no root at the end."),
            Mistake(_late_share_measured(lambda each: (each**2).mean((1, 2)) ** .5 * np.arange(1, len(each) + 1)),
                    "The sizes were weighted by the step. Add them as they are."),
            Mistake(lambda back, k: np.linalg.norm(back.da, axis=-1).mean(1)[-k:].sum()
                    / np.linalg.norm(back.da, axis=-1).mean(1).sum(),
                    "This is the mean size of dL/da_t. The term of W_xh is dL/da_t times x_t, summed over the batch."),
            Mistake(_late_share_of_the_first,
                    "This is the first sequence alone. The term of a step is summed over the batch: da_t.T @ x_t."),
            Mistake(lambda back, k: (sizes := np.linalg.norm(back.da, axis=(1, 2)) * np.linalg.norm(
                back.run.x, axis=(1, 2)))[-k:].sum() / sizes.sum(),
                    "Sizes were multiplied. The size of the product da_t.T @ x_t is another: form it first."),
            Mistake(lambda back, k: back.da @ back.run.x,
                    "The shapes ask for a transpose: for one step, da_t.T @ x_t sums over the sequences and gives (H, "
                    "D)."),
            Mistake(lambda back, k: k / len(back.da),
                    "This is the share of the steps, not of the gradient. Measure the terms."),
        ],
        hints=["For one step: da_t.T @ x_t sums over the sequences and has the shape of W_xh.",
               "np.linalg.norm of a matrix is the root of the sum of its squared entries.",
               "sizes[-k:].sum() / sizes.sum()."],
    ),
    Prediction("6.7", "Which of the two runs has learned the pronoun?", kind="choice",
               choices=("A", "B", "both", "neither")),
    Prediction("6.10", "float32, and the gradient falls by a factor of about 0.65 a word: at which distance "
                       "does its norm first come out as 0?", unit="words", digits=3),
    Exercise(
        "6.11", "A norm without underflow", minutes=4, difficulty=2,
        solution=safe_norm, oracle=_norm_by_hypot, cases=_safe_norm_cases, float32=False,
        also_correct=(lambda g: np.exp(np.log(np.abs(g).max())) * np.linalg.norm(g / np.abs(g).max()),),
        mistakes=[
            Mistake(lambda g: np.sqrt((g**2).sum()),
                    "Small numbers count as 0 here. If you square first: the square of 1e-200 is 0 in float64. Bring "
                    "the numbers near 1 before you square."),
            Mistake(lambda g: np.sqrt(((g / np.abs(g).max())**2).sum()),
                    "It is the norm of the scaled numbers. Undo the scaling at the end."),
            Mistake(lambda g: np.abs(g).max(), "This is the largest entry. All entries count."),
            Mistake(lambda g: g.max() * np.sqrt(((g / g.max())**2).sum()),
                    "It can come out below 0, if all entries are: divide by the largest size, np.abs(g).max()."),
            Mistake(lambda g: abs(g.max()) * np.sqrt(((g / g.max())**2).sum()),
                    "g.max() is not the largest size where entries are negative: it may be far smaller than the "
                    "others, whose squares then are too large. Take np.abs(g).max()."),
            Mistake(lambda g: np.abs(g).min() * np.sqrt(((g / np.abs(g).min())**2).sum()),
                    "It divides by the smallest size, and the squares of the large entries overflow. Divide by the "
                    "largest."),
            Mistake(lambda g: abs(g.mean()) * np.sqrt(((g / g.mean())**2).sum()),
                    "The mean may be 0, or far smaller than the entries. Divide by the largest size."),
            Mistake(lambda g: np.linalg.norm(g) or safe_norm(g),
                    "The squares can be too small for all their digits before their sum is 0: at 1e-161 they are. "
                    "Scale always."),
            Mistake(lambda g: abs(g.flat[0]) * np.sqrt(((g / g.flat[0])**2).sum()),
                    "The first entry may be far smaller than the others, whose squares then overflow. Divide by the "
                    "largest size."),
            Mistake(lambda g: np.linalg.norm(g / np.abs(g).max(), axis=-1) * np.abs(g).max(),
                    "The norm was taken along the last axis only. All entries count: np.linalg.norm without an axis."),
            Mistake(lambda g: max(abs(each) for each in g),
                    "It works for one axis only. The array has any shape: np.abs(g).max() goes over all entries."),
            Mistake(lambda g: np.abs(g).max() * np.linalg.norm(g / np.abs(g).max(), 2),
                    "np.linalg.norm(matrix, 2) is the largest singular value, and three axes it refuses. Without the 2 "
                    "all entries are squared and added."),
            Mistake(_safe_norm_in_place, "g is changed. Write g = g / largest, which makes a new array, and not g /= "
                    "..."),
            Mistake(lambda g: np.linalg.norm(g.astype(np.float32)),
                    "float32 ends at about 1e-45: small numbers are 0 in it. Stay with float64, and scale."),
            Mistake(lambda g: np.abs(g).max() * ((g / np.abs(g).max())**2).sum(),
                    "The root is missing: multiply the largest size by the root of the sum."),
            Mistake(lambda g: safe_norm(g)**2, "This is the square of the norm, which is 0 for small g: the root is "
                    "last."),
            Mistake(lambda g: np.sqrt(((g * 1e200)**2).sum()) / 1e200,
                    "A fixed factor helps some arrays and makes others overflow. Scale by the array's own largest "
                    "size."),
            Mistake(lambda g: np.sqrt((g**2).sum() + 1e-12),
                    "What is added hides the small numbers: the norm of 1e-200 comes out as 1e-6. Scale by the largest "
                    "size before you square."),
            Mistake(lambda g: np.abs(g).mean(), "This is the mean of the sizes. The norm is the root of the sum of "
                                                "squares."),
            Mistake(lambda g: np.abs(g).max() * np.sqrt(np.abs(g / np.abs(g).max()).sum()),
                    "The squares are missing: square the scaled numbers before you add them."),
            Mistake(lambda g: np.sqrt(((g / np.abs(g).max())**2).sum()) / np.abs(g).max(),
                    "You divided once more. Divided by the largest size at first, so multiply by it in the end."),
            Mistake(lambda g: np.abs(g).sum(), "This is the sum of the sizes, without squares and root."),
            Mistake(lambda g: safe_norm(g) / np.sqrt(g.size),
                    "This is the root of the mean of the squares. The norm takes their sum."),
        ],
        hints=["|c v| = c |v| for any c > 0. Which c makes the squares harmless?",
               "Divide by the largest entry's size, take the norm, multiply by it again."],
    ),
    Exercise(
        "6.12", "The last update that moves the weight", minutes=5, difficulty=3,
        solution=farthest, oracle=_farthest_by_gap,
        cases=lambda rng: [(.1, .1, 1., .57), (3., .01, .5, .9), (-.02, .001, 2., .97), (1., .1, 1., .8),
                           (-.5, .02, 3., .3), (20., 1e-6, 1., .9)],
        also_correct=(_farthest_all_at_once,),
        mistakes=[
            Mistake(lambda weight, rate, size, q: farthest(weight, rate, size, q) + 1,
                    "This is the first distance at which nothing moves. The one before is asked for."),
            Mistake(_farthest_while(lambda w, update: np.float32(update) != 0),
                    "You asked when the update itself is 0 in float32. It is lost much earlier: when it is small "
                    "beside the weight."),
            Mistake(_farthest_below(lambda w: 6e-8),
                    "You compared with a fixed number. What a number can be changed by grows with its size."),
            Mistake(_farthest_while(lambda w, update: w - update != w),
                    "This is float64. Make the weight and the update np.float32 before you subtract."),
            Mistake(_farthest_while(lambda w, update: np.float32(w - update) != np.float32(w)),
                    "The subtraction was made in float64, and its result rounded. Round the weight and the update "
                    "to float32 first, then subtract."),
            Mistake(lambda weight, rate, size, q: farthest(weight, rate, size, q) - 1,
                    "One too few: return the last k at which the weight still moves."),
            Mistake(lambda weight, rate, size, q: farthest(weight, 1., size, q),
                    "The rate is left out. The update is rate * size * q**k."),
            Mistake(lambda weight, rate, size, q: farthest(weight, rate, 1., q),
                    "The size is left out. The update is rate * size * q**k."),
            Mistake(lambda weight, rate, size, q: farthest(1., rate, size, q),
                    "The weight plays no part: what moves it depends on how large it is."),
            Mistake(lambda weight, rate, size, q: farthest(-weight, rate, size, q),
                    "This is the border of the gap above the weight. The update leads to the other side: it is "
                    "subtracted, "
                    "and on that side of a power of two the gap is another."),
            Mistake(lambda weight, rate, size, q: min(farthest(weight, rate, size, q), 20), "It stops at 20."),
            Mistake(lambda weight, rate, size, q: min(farthest(weight, rate, size, q), 100), "It stops at 100."),
            Mistake(lambda weight, rate, size, q: farthest(weight, rate, size, q) + .5,
                    "k is a whole number: the last one at which the weight moves."),
            Mistake(lambda weight, rate, size, q: 0, "0 is the smallest k at which it moves. The largest is asked "
                    "for."),
            Mistake(lambda weight, rate, size, q: q, "This is q. A distance k is asked for."),
            Mistake(_farthest_by_log(lambda w: w * np.finfo(np.float32).eps),
                    "The last digit was taken as eps times the weight, which is right at powers of two only, and an "
                    "update of half a digit still moves it. Subtract in float32 and look."),
            Mistake(_farthest_by_log(lambda w: w * np.finfo(np.float32).eps / 2),
                    "Half of eps times the weight is the border at powers of two, nearly. Subtract in float32 and "
                    "look."),
            Mistake(_farthest_by_log(lambda w: 1e-7 * w),
                    "Seven digits are a rule of thumb. Subtract in float32 and look whether the weight moves."),
            Mistake(_farthest_by_log(lambda w: np.finfo(np.float32).eps / 2),
                    "You took the border of a weight near 1. What a number can be changed by grows with its size."),
            Mistake(_farthest_while(lambda w, u: not np.isclose(np.float32(w) - np.float32(u), np.float32(w), atol=1e-8)),
                    "np.isclose calls numbers equal that differ by 1e-5. Ask for equality: !=."),
            Mistake(_farthest_while(lambda w, update: np.float16(w) - np.float16(update) != np.float16(w)),
                    "This is float16, with 3 digits. Make both np.float32."),
            Mistake(_farthest_moved_on,
                    "The weight keeps the updates here. Each k is a question of its own: start from `weight` again."),
            Mistake(lambda weight, rate, size, q: np.arange(farthest(weight, rate, size, q) + 1),
                    "These are all k at which it moves. Return the largest, a number."),
            Mistake(_farthest_below(lambda w: np.spacing(np.float32(w))),
                    "Float32 rounds to the nearest number: an update of more than half the gap still "
                    "moves it."),
        ],
        hints=["np.float32(weight) - np.float32(update) is computed in float32. Compare it with "
               "np.float32(weight).",
               "Count k up from 0 while the weight still changes.",
               "The k at which the loop ends is one too many."],
    ),
    Prediction("6.8", "Distance 8, untrained: a linear readout, fitted on 3000 sentences, finds the noun's "
                      "number in the last state. In what share of 1000 others, from 0 to 1, is it right?", digits=1),
    Prediction("6.9", "Five networks have learned distance 8. They read sentences with distance 9, which they "
                      "have never seen. How many of the five are right in more than 95 % of them?"),
    Prediction("6.13", "Digits, 50 blank steps, tanh as torch draws it; guessing gives 0.1. What is the mean "
                       "test accuracy of three networks?", kind="choice",
               choices=("above 0.8", "between 0.5 and 0.8", "below 0.5")),
])
