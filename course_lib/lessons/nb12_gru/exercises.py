"""The exercises of lesson 12, the GRU."""

from __future__ import annotations

import numpy as np

from ... import activations, bptt, cells, gradcheck, jacobians
from ...exercises.bank import Bank, Exercise, Mistake, Prediction

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
    return [(*rng.normal(size=(3, H, H)), *rng.normal(size=(4, H))) for H in (2, 5, 9, 1)]


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


def _reset_wrong(candidate=lambda r, W_n, h, a_n: a_n + W_n @ (r * h), keep=lambda r, h: h, squash=np.tanh,
                 gate=activations.sigmoid, turn=lambda W: W, mix=lambda z, n, h: (1 - z) * n + z * h):
    def reset_before(W_r, W_z, W_n, h, a_r, a_z, a_n):
        r, z = gate(a_r + turn(W_r) @ h), gate(a_z + turn(W_z) @ h)
        return mix(z, squash(candidate(r, turn(W_n), h, a_n)), keep(r, h))

    return reset_before


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
    halves = np.array([[.3, .2, .4, .9], [.7, .75, .6, .8], [.5, .75, .5, .3]])     # one half exactly is not below
    return [(np.concatenate([rng.uniform(.05, .3, (5, H)), rng.uniform(low, .99, (T, H))]),)
            for T, H, low in [(9, 3, .6), (20, 5, .8), (60, 2, .9)]] + [(halves,), (np.array([[.3]]),)]


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
    return [(rng.normal(size=(H, H)), rng.normal(size=H)) for H in (2, 4, 7, 1)]


BANK = Bank(12, "The GRU", [
    Exercise(
        "12.1", "The reset gate's other place", minutes=6, difficulty=1,
        solution=reset_before, oracle=_reset_before_unit_by_unit, cases=_reset_cases,
        also_correct=(_reset_before_columns,),
        mistakes=[
            Mistake(_reset_after,
                    "This is torch's form: r multiplies the result of W_n h. Here it acts on h first."),
            Mistake(_update_turned, "z and 1 - z have changed places: z near 1 keeps the old state."),
            Mistake(_no_reset, "The reset gate does not act anywhere."),
            Mistake(_reset_on_the_input,
                    "r also multiplies what the input adds. It resets the old state alone."),
            Mistake(_reset_wrong(candidate=lambda r, W_n, h, a_n: r * (a_n + W_n @ h)),
                    "r multiplies everything the candidate takes, the input too. It resets h alone, before W_n."),
            Mistake(_reset_wrong(candidate=lambda r, W_n, h, a_n: r * (a_n + W_n @ (r * h))),
                    "r acts twice, and on the input too. It resets h alone, once, before W_n."),
            Mistake(_reset_wrong(keep=lambda r, h: r * h),
                    "What is kept is the old state as it is, z * h. The reset gate acts in the candidate alone."),
            Mistake(_reset_wrong(turn=np.transpose), "The matrices are the wrong way round: W @ h, not h @ W."),
            Mistake(lambda W_r, W_z, W_n, h, a_r, a_z, a_n: reset_before(W_z, W_r, W_n, h, a_z, a_r, a_n),
                    "r and z have changed places: r resets, z keeps."),
            Mistake(_reset_wrong(squash=lambda a: a), "The candidate passes a tanh."),
            Mistake(_reset_wrong(squash=activations.sigmoid), "The candidate is no gate: it passes a tanh."),
            Mistake(_reset_wrong(gate=np.tanh), "r and z are gates: they pass a sigmoid, between 0 and 1."),
            Mistake(_reset_wrong(candidate=lambda r, W_n, h, a_n: a_n + W_n @ ((1 - r) * h)),
                    "The reset gate is upside down: r near 0 resets, r near 1 lets all of h through."),
            Mistake(_reset_wrong(mix=lambda z, n, h: n + z * h), "The candidate is written with the share 1 - z."),
            Mistake(lambda W_r, W_z, W_n, h, a_r, a_z, a_n: reset_before(0 * W_r, 0 * W_z, W_n, h, a_r, a_z, a_n),
                    "The gates read the old state too: W_r h and W_z h are missing."),
            Mistake(_reset_in_the_gate,
                    "r also resets what the update gate reads. Only the candidate reads r * h."),
            Mistake(_reset_wrong(candidate=lambda r, W_n, h, a_n: a_n + W_n.T @ (r * h)), "W_n is the wrong way round: "
                    "W_n @ (r * h)."),
            Mistake(_reset_wrong(mix=lambda z, n, h: n),
                    "This is the candidate. h_t is a mean of it and the old state: "
                    "(1 - z) n + z h."),
            Mistake(_reset_wrong(mix=lambda z, n, h: (1 - z) * n + h),
                    "The old state is kept with the share z, not whole."),
            Mistake(_reset_wrong(mix=lambda z, n, h: (1 - z) * n), "The old state is missing: z h is kept."),
            Mistake(_reset_wrong(mix=lambda z, n, h: z * n + z * h),
                    "The candidate is written with the share 1 - z, not z."),
            Mistake(_reset_wrong(mix=lambda z, n, h: (1 - z) * n - z * h), "What is kept is added, not subtracted."),
            Mistake(_reset_wrong(mix=lambda z, n, h: (1 - z) * n + z * np.tanh(h)),
                    "The old state is kept as it is: it passes "
                    "no tanh."),
            Mistake(_reset_wrong(mix=lambda z, n, h: (1 - z) * n + z), "z multiplies the old state: z * h."),
            Mistake(_reset_wrong(candidate=lambda r, W_n, h, a_n: W_n @ (r * h)),
                    "a_n is missing: what the input and the bias "
                    "add to the candidate."),
            Mistake(_reset_wrong(candidate=lambda r, W_n, h, a_n: a_n + r * (W_n @ (r * h))),
                    "r acts twice, before and after the product. Here it acts on h alone."),
            Mistake(_reset_wrong(candidate=lambda r, W_n, h, a_n: a_n + r * h), "W_n is missing: the candidate reads "
                    "W_n (r * h)."),
            Mistake(lambda W_r, W_z, W_n, h, a_r, a_z, a_n: reset_before(W_r, W_z, W_n, h, 0 * a_r, 0 * a_z, 0 * a_n),
                    "a_r, a_z and a_n are missing: what the input and the biases add to each gate."),
            Mistake(lambda W_r, W_z, W_n, h, a_r, a_z, a_n: reset_before(W_z, W_z, W_n, h, a_z, a_z, a_n),
                    "z resets here. The reset gate r multiplies h in the candidate."),
            Mistake(lambda W_r, W_z, W_n, h, a_r, a_z, a_n: reset_before(W_r, W_r, W_n, h, a_r, a_r, a_n),
                    "r keeps here. The update gate z mixes the candidate and the old state."),
            Mistake(lambda *args: (reset_before(*args), activations.sigmoid(args[5] + args[1] @ args[3])),
                    "Return h_t alone, without the gate."),
            Mistake(_reset_wrong(mix=lambda z, n, h: np.tanh((1 - z) * n + z * h)),
                    "The mean of candidate and old state passes no "
                    "further tanh."),
            Mistake(_reset_wrong(candidate=lambda r, W_n, h, a_n: (a_n + W_n * (r * h)).sum(0)),
                    "W_n times a vector is @, not *."),
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
        also_correct=(_half_way_by_argmax,),
        mistakes=[
            Mistake(lambda z: (np.cumprod(z[::-1], axis=0) >= .5).sum(0),
                    "One too few: after these steps at least a half is left. The next one takes it below."),
            Mistake(lambda z: (np.cumprod(z, axis=0) >= .5).sum(0) + 1,
                    "You began at the first step. The gradient comes from the end."),
            Mistake(lambda z: (np.cumprod(z[::-1], axis=0) > .5).sum(0) + 1,
                    "One half exactly is not below one half: it needs one more factor."),
            Mistake(lambda z: (np.cumprod(z[::-1], axis=0) >= .5).sum(0) + 2,
                    "One too many: the first factor, z_T, makes k = 1."),
            Mistake(lambda z: (np.cumprod(z, axis=0) >= .5).sum(0),
                    "You began at the first step. The gradient comes from the end; and go one step further."),
            Mistake(lambda z: (np.cumprod(z.prod(1)[::-1]) >= .5).sum() + 1,
                    "The units do not mix on the straight road: each has a product of its own, down its column."),
            Mistake(lambda z: (np.cumprod(z[::-1], axis=1) >= .5).sum(0) + 1,
                    "The product runs over the units. It has to run over the steps, axis 0."),
            Mistake(lambda z: (np.cumprod(z.mean(1)[::-1]) >= .5).sum() + 1,
                    "This is one number for the mean of all units. Return one for each unit."),
            Mistake(lambda z: len(z) - (np.cumprod(z[::-1], axis=0) >= .5).sum(0) - 1,
                    "This is the index in time that is reached. The number of steps back is asked for."),
            Mistake(lambda z: (z[::-1] >= .5).sum(0) + 1,
                    "This asks each gate alone. What is left is their product."),
            Mistake(lambda z: (np.cumprod(z[::-1], axis=0) < .5).sum(0),
                    "This counts the steps at which less than one half is left, from the start on. The number of "
                    "steps back to "
                    "the first of them is asked for."),
            Mistake(lambda z: np.floor(np.log(.5) / np.log(z.mean(0))) + 1,
                    "This takes the mean gate for all steps. Here every step has its own: multiply them one by one."),
            Mistake(lambda z: np.ceil(np.log(.5) / np.log(z.mean(0))),
                    "This takes the mean gate for all steps, as if they were equal. Multiply them one by one."),
            Mistake(lambda z: np.floor(np.log(.5) / np.log(z[-1])) + 1,
                    "This takes the last gate for all steps. Here every step has its own."),
            Mistake(lambda z: np.log(.5) / np.log(z.mean(0)),
                    "This takes the mean gate for all steps. Here every step has its own, and k "
                    "is a whole number."),
            Mistake(lambda z: ((np.cumprod(z[::-1], axis=0) >= .5).sum(0) + 1).max(),
                    "This is the largest of the units. "
                    "Return one for each."),
            Mistake(lambda z: ((np.cumprod(z[::-1], axis=0) >= .5).sum(0) + 1).min(),
                    "This is the smallest of the units. "
                    "Return one for each."),
            Mistake(lambda z: ((np.cumprod(z[::-1], axis=0) >= .5).sum(0) + 1).mean(), "This is the mean of the units. "
                    "Return one for each."),
            Mistake(lambda z: (np.cumprod(z[::-1], axis=0) >= .5).sum() + 1,
                    "Counted over all units together. Count down each "
                    "column."),
            Mistake(lambda z: (np.cumprod(z[::-1], axis=0) >= .5).sum(1) + 1,
                    "Counted over the units. Count over the steps, "
                    "axis 0."),
            Mistake(lambda z: np.argmax(z[::-1] < .5, axis=0) + 1,
                    "This asks for the first gate below 1/2. What is left is the "
                    "product of the gates."),
            Mistake(lambda z: (np.cumprod(1 - z[::-1], axis=0) >= .5).sum(0) + 1,
                    "The straight road multiplies by z, what is kept: "
                    "not by 1 - z, and nothing is added up."),
            Mistake(lambda z: np.ceil(np.log(.5) / np.log(z[-1])),
                    "This takes the last gate for all steps, as if they were "
                    "equal. Multiply them one by one."),
            Mistake(lambda z: np.log(.5) / np.log(z[-1]),
                    "This takes the last gate for all steps, and no whole number. Multiply "
                    "them one by one and count."),
            Mistake(lambda z: (np.cumprod(z[::-1], axis=0) >= 1 / np.e).sum(0) + 1, "One half is asked for, not 1/e."),
            Mistake(lambda z: (np.cumprod(z[-2::-1], axis=0) >= .5).sum(0) + 1,
                    "z_T is missing: the first step back is "
                    "multiplied by it."),
            Mistake(lambda z: np.cumprod(z[::-1], axis=0)[0],
                    "This is what one step leaves. The number of steps is asked "
                    "for."),
            Mistake(lambda z: np.ceil(np.log(.5) / np.log(z).mean(0)),
                    "This takes a mean gate for all steps. Only the last ones "
                    "count: multiply them one by one."),
            Mistake(lambda z: np.prod(z, axis=0),
                    "This is what is left after all steps. The number of steps is asked for."),
            Mistake(lambda z: (np.cumprod(z[::-1], axis=0) * z[::-1] >= .5).sum(0) + 1,
                    "One gate counts twice. After k steps k "
                    "gates are multiplied, each once."),
            Mistake(lambda z: (np.cumsum(1 - z[::-1], axis=0) <= .5).sum(0) + 1,
                    "What is written at each step does not add up to "
                    "what is lost: multiply the gates."),
            Mistake(lambda z: (np.cumprod(z[::-1] ** 2, axis=0) >= .5).sum(0) + 1,
                    "These are the squares of the gates. The "
                    "gradient is multiplied by the gates themselves."),
            Mistake(lambda z: (np.cumprod(z[::-1].prod(1)) >= .5).sum() + np.ones(z.shape[1]),
                    "The units do not mix on the straight "
                    "road: each has a product of its own."),
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
            Mistake(lambda W, b: np.diag(b) + (1 - b)[:, None] / 2 * W,
                    "b_z is the bias. The gate is its sigmoid."),
            Mistake(lambda W, b: np.diag(activations.sigmoid(b)) + W / 2,
                    "The candidate is written with the share 1 - z: that factor is missing."),
            Mistake(lambda W, b: np.diag(activations.sigmoid(b)) + (1 - activations.sigmoid(b))[:, None] / 4 * W,
                    "One half too many: the slope of tanh at 0 is 1, and r is 1/2."),
            Mistake(lambda W, b: (1 - activations.sigmoid(b))[:, None] / 2 * W,
                    "What is kept is missing: h_t also takes z h_{t-1}."),
            Mistake(lambda W, b: np.diag(activations.sigmoid(b)),
                    "What is written is missing: the candidate reads h_{t-1} too."),
            Mistake(lambda W, b: np.diag(activations.sigmoid(b)) + activations.sigmoid(b)[:, None] / 2 * W,
                    "The candidate is written with the share 1 - z, not z."),
            Mistake(lambda W, b: np.diag(activations.sigmoid(b)) + (1 - activations.sigmoid(b))[:, None] / 2 * W.T,
                    "W_hn is the wrong way round: the candidate takes W_hn h_{t-1}, so entry [i, j] needs W_hn[i, j]."),
            Mistake(lambda W, b: jacobian_at_rest(W, b) + np.diag(activations.sigmoid(b) * activations.sigmoid(-b)),
                    "The slope of the gate does not enter: at h = 0 what it multiplies, h - n, is 0."),
            Mistake(lambda W, b: np.eye(len(b)) + (1 - activations.sigmoid(b))[:, None] / 2 * W,
                    "The old state is kept with the share z, not whole."),
            Mistake(lambda W, b: jacobian_at_rest(W, -b),
                    "z and 1 - z have changed places: z near 1 keeps the old state."),
            Mistake(lambda W, b: jacobian_at_rest(W, b).T,
                    "It is transposed: row i says what h_t[i] takes from each unit."),
            Mistake(lambda W, b: np.diag(activations.sigmoid(b)) @ W + np.diag(activations.sigmoid(-b)) / 2,
                    "W_hn stands with the wrong share: what is kept is z times the identity, what is written (1 - z) "
                    "W_hn / 2."),
            Mistake(lambda W, b: np.diag(activations.sigmoid(b))
                    + (activations.sigmoid(b) * activations.sigmoid(-b))[:, None] * W,
                    "The reset gate has no bias: it is 1/2, not z."),
            Mistake(lambda W, b: np.diag(activations.sigmoid(b) * activations.sigmoid(-b))
                    + activations.sigmoid(-b)[:, None] / 2 * W,
                    "z (1 - z) is the slope of the gate. What is kept is z itself."),
            Mistake(lambda W, b: np.diag(activations.sigmoid(b)) + np.diag(activations.sigmoid(-b)) / 2,
                    "W_hn is missing: the candidate reads h_{t-1} through it."),
            Mistake(lambda W, b: np.diag(np.tanh(b)) + (1 - np.tanh(b))[:, None] / 2 * W,
                    "The gate is a sigmoid of b_z, not a "
                    "tanh."),
            Mistake(lambda W, b: activations.sigmoid(b).mean() * np.eye(len(b))
                    + activations.sigmoid(-b).mean() / 2 * W,
                    "Each unit has a gate of its own, not the mean of all."),
            Mistake(lambda W, b: activations.sigmoid(b) + activations.sigmoid(-b) * np.diag(W) / 2,
                    "This is the diagonal alone. Entry [i, j] says what h_t[i] takes from unit j."),
            Mistake(lambda W, b: activations.sigmoid(-b)[:, None] / 2 * W - np.diag(activations.sigmoid(b)),
                    "What is kept is added: the sign of z is turned."),
            Mistake(lambda W, b: np.diag(activations.sigmoid(b)) - activations.sigmoid(-b)[:, None] / 2 * W,
                    "What is written is added: the sign of the second part is turned."),
            Mistake(lambda W, b: np.diag(activations.sigmoid(b)) + activations.sigmoid(-b) @ W / 2,
                    "The shares were summed over. Each multiplies its own row: (1 - z)[:, None] * W_hn."),
            Mistake(lambda W, b: W / 2, "b_z is missing: z is kept, and 1 - z is the share of the candidate."),
            Mistake(lambda W, b: np.diag(activations.sigmoid(b)) + activations.sigmoid(-b)[:, None] * np.tanh(W / 2),
                    "The slope of tanh at 0 is 1. tanh does not go over the entries of W_hn."),
            Mistake(lambda W, b: np.diag(activations.sigmoid(b)) + np.diag(activations.sigmoid(-b) / 2 * np.diag(W)),
                    "Only W_hn's diagonal is in it. The candidate reads all units: the other entries count too."),
            Mistake(lambda W, b: np.eye(len(b)) / 2 + activations.sigmoid(-b)[:, None] / 2 * W,
                    "What is kept is z, and b_z moves it: not 1/2."),
            Mistake(lambda W, b: np.diag(activations.sigmoid(b))
                    + (activations.sigmoid(b) * activations.sigmoid(-b))[:, None] / 2 * W,
                    "The candidate is written with the share 1 - z. z (1 - z) is the gate's slope, which does not "
                    "enter."),
            Mistake(lambda W, b: np.linalg.eigvals(jacobian_at_rest(W, b)),
                    "These are the eigenvalues. The Jacobian is asked "
                    "for."),
        ],
        hints=["At h = 0 the candidate n is 0 as well, so that moving the gates changes nothing.",
               "What is left is z times the identity, and the candidate's share 1 - z.",
               "The slope of tanh at 0 is 1, and r is 1/2."],
    ),
    Prediction("12.6", "Remember one symbol for 50 steps. Which of them learn it with at least four of "
                       "five seeds?", kind="choices",
               choices=("orthogonal", "LSTM b_f = 0", "LSTM chrono", "GRU", "GRU chrono")),
    Prediction("12.7", "Two lessons that none of them has seen: who is least surprised by the next letter?",
               kind="choice", choices=("tanh", "LSTM", "GRU", "counts, n = 8")),
    Prediction("12.8", "The GRU: how many of the last letters must it read to be within 0.05 bits of what it reaches "
                       "with 96?", unit="letters", close=.3),
])
