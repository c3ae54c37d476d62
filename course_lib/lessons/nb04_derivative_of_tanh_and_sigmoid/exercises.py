"""The exercises of lesson 04, the derivative of tanh and sigmoid."""

from __future__ import annotations

import math

import numpy as np

from ... import activations, bptt, gradcheck, initialise
from ...exercises.bank import Bank, Exercise, Mistake, Prediction


# 4.3 The sigmoid's slope, everywhere


def sigmoid_slope(a):
    e = np.exp(-np.abs(a))
    return e / (1 + e)**2


def _sigmoid_slope_complex(a):
    return np.array([gradcheck.complex_step(activations.sigmoid, each) for each in a])


def _sigmoid_slope_cases(rng):
    return [(rng.uniform(-3, 3, 6),), (np.array([-430., -60., -8., 9., 24., 50., 410.]) + rng.uniform(0, 1, 7),),
            (np.array([1e-9]),), (np.array([-440., 440.]),)]


# 4.4 Half of the slope


def half_slope():
    return np.arctanh(np.sqrt(.5))          # tanh(a)^2 = 1/2


# 4.6 Who takes it


def who_takes_it(run, dh):
    slopes, weights = [], []
    for t in range(1, len(run.x) + 1):
        da_t = (1 - run.h[t]**2) * dh[t]
        slopes.append(np.linalg.norm(da_t) / np.linalg.norm(dh[t]))
        weights.append(np.linalg.norm(dh[t - 1]) / np.linalg.norm(da_t))
    return np.array(slopes), np.array(weights)


def _who_takes_it_from_a(run, dh):
    slope = np.array([gradcheck.complex_step(np.tanh, each) for each in run.a.ravel()]).reshape(run.a.shape)

    def size(vectors):
        return np.sqrt(np.einsum("tbh,tbh->t", vectors, vectors))

    da = slope * dh[1:]
    return size(da) / size(dh[1:]), size(da @ run.params.W_hh) / size(da)


def _who_takes_it_at_once(run, dh):
    def size(vectors):
        return np.linalg.norm(vectors[:, 0], axis=-1)

    da = (1 - run.h[1:]**2) * dh[1:]
    return size(da) / size(dh[1:]), size(dh[:-1]) / size(da)


def _who_transposed(run, dh):
    da = ((1 - run.h[1:]**2) * dh[1:])[:, 0]
    return (_who_takes_it_at_once(run, dh)[0],
            np.linalg.norm(da @ run.params.W_hh.T, axis=-1) / np.linalg.norm(da, axis=-1))


def _who_with(entry, run, dh):
    da = (1 - run.h[1:]**2) * dh[1:]
    before, between, after = (entry(part).sum((1, 2)) for part in (dh[1:], da, dh[:-1]))
    return between / before, after / between


def _who_with_slopes(run, dh, slopes):
    def size(vectors):
        return np.linalg.norm(vectors[:, 0], axis=-1)

    return size(slopes * dh[1:]) / size(dh[1:]), size(dh[:-1]) / size(slopes * dh[1:])


def _who_takes_it_cases(rng):
    cases = []
    for gain, T, D, H in [(.7, 5, 2, 4), (1.5, 30, 3, 5), (1., 1, 1, 2)]:
        params = initialise.rnn(D, H, rng, recurrent="gaussian", gain=gain)._replace(b_h=.3 * rng.normal(size=H))
        run = bptt.forward(params, rng.normal(size=(T, 1, D)), .5 * rng.normal(size=(1, H)))
        dh_direct = np.full_like(run.h, 1e-300)  # nothing in a case is zero; this adds nothing either
        dh_direct[-1] = rng.normal(size=(1, H))
        cases.append((run, bptt.backward(run, dh_direct).dh))
    return cases


# 4.8 At most


def log10_bound(W_hh, T):
    sigma_1 = np.linalg.norm(W_hh, 2)
    return T * np.log10(sigma_1 / 4)


def _log10_bound_by_steps(W_hh, T):
    longest = max(np.linalg.eigvalsh(W_hh.T @ W_hh)) ** .5
    return sum(math.log10(.25 * longest) for _ in range(T))


def _log10_of_the_power(W_hh, T):
    power, logs = np.eye(len(W_hh)), 0.
    for _ in range(T):
        power = power @ W_hh / 4
        size = np.abs(power).max()
        power, logs = power / size, logs + np.log10(size)
    return logs + np.log10(np.linalg.norm(power, 2))


def _radius(W):
    return np.abs(np.linalg.eigvals(W)).max()


# 4.10 Every layer has its own matrix


def weight_gradients(W, h, dh_n):
    dh, dW = dh_n, []
    for W_l, h_l, h_below in zip(W[::-1], h[:0:-1], h[-2::-1]):
        da = h_l * (1 - h_l) * dh
        dW.insert(0, da.T @ h_below)
        dh = da @ W_l
    return np.array(dW)


def _weight_gradients_complex(W, h, dh_n):
    def loss(W):
        h_l = h[0]
        for W_l in W:
            h_l = activations.sigmoid(h_l @ W_l.T)
        return (h_l * dh_n).sum()

    return gradcheck.complex_step(loss, W)


def _weight_gradients_forward(W, h, dh_n):
    result = np.empty_like(W)
    slope = h[1:] * (1 - h[1:])
    for layer in range(len(W)):
        da = dh_n * slope[-1]
        for above in range(len(W) - 1, layer, -1):
            da = (da @ W[above]) * slope[above - 1]
        result[layer] = np.einsum("bi,bj->ij", da, h[layer])
    return result


def _weight_gradients_wrong(slope=lambda h: h * (1 - h), below=True, transposed=False, flipped=False, carry=True,
                            shift=0, of_dh=False, matrix=lambda W, l: W[l - 1], carry_dh=False, inputs=False):
    def weight_gradients(W, h, dh_n):
        dh, dW = dh_n, []
        for l in range(len(W), 0, -1):
            da = slope(h[l + shift]) * dh
            dW.insert(0, (dh if of_dh else da).T @ h[0 if inputs else l - 1 if below else l])
            W_l = matrix(W, l)
            dh = (dh if carry_dh else da) @ (W_l.T if transposed else W_l) if carry else dh
        return np.array(dW[::-1] if flipped else dW)

    return weight_gradients


def _layers_back(W, h, dh_n):
    """dL/dh_l for l = 0 ... n, dL/da_l for l = 1 ... n."""
    dh, da = [dh_n], []
    for W_l, h_l in zip(W[::-1], h[:0:-1]):
        da.insert(0, h_l * (1 - h_l) * dh[0])
        dh.insert(0, da[0] @ W_l)
    return np.array(dh), np.array(da)


def _weight_gradients_mixed(W, h, dh_n):
    da = _layers_back(W, h, dh_n)[1]
    return np.einsum("lbi,lcj->lij", da, h[:-1])


def _weight_gradients_cases(rng):
    cases = []
    for n, B, H in [(3, 2, 4), (25, 3, 5), (1, 1, 1), (2, 2, 2)]:
        W, h = initialise.gaussian((n, H, H), rng), [rng.uniform(.2, .9, (B, H))]
        for W_l in W:
            h.append(activations.sigmoid(h[-1] @ W_l.T))
        cases.append((W, np.array(h), rng.normal(size=(B, H))))
    return cases


# 4.13 A tanh that is safe


def safe_tanh(a):
    e = np.expm1(-2 * np.abs(a))            # e^(-2|a|) - 1, between -1 and 0
    return -np.sign(a) * e / (2 + e)


def _safe_tanh_in_python(a):
    return np.array([math.tanh(float(each)) for each in a])


def _safe_tanh_in_two_parts(a):
    e = np.exp(-2 * np.abs(a))
    return np.where(np.abs(a) < 1e-4, a - a**3 / 3, np.sign(a) * (1 - e) / (1 + e))


def _naive_tanh(a):
    return (np.exp(a) - np.exp(-a)) / (np.exp(a) + np.exp(-a))


def _safe_tanh_cases(rng):
    sizes = np.array([1e-9, 3e-7, 8e-4, .4, 2., 20., 300., 720., 8e3])
    signs = np.where(np.arange(9) % 2, -1, 1)
    return [(sizes * rng.uniform(1, 1.2, 9) * s,) for s in (signs, -signs)]


BANK = Bank(4, "The derivative of tanh and sigmoid", [
    Prediction("4.1", "tanh at its steepest and the sigmoid at its steepest: how many times as steep is tanh?",
               unit="times"),
    Prediction("4.2", "At a = 20 the slope of tanh is 1.7e-17. What does 1 - tanh(a)**2 give in float64?",
               kind="choice", choices=("1.7e-17", "some number near 1e-17", "exactly 0")),
    Exercise(
        "4.3", "The sigmoid's slope, everywhere", minutes=4, difficulty=1,
        solution=sigmoid_slope, oracle=_sigmoid_slope_complex, cases=_sigmoid_slope_cases,
        time_axis="each", float32=False,
        also_correct=(lambda a: .25 / np.cosh(a / 2)**2,
                      lambda a: activations.sigmoid(a) * activations.sigmoid(-a)),
        mistakes=[
            Mistake(lambda a: activations.sigmoid(a) * (1 - activations.sigmoid(a)),
                    "s (1 - s) loses its digits where s is near 1: the subtraction leaves 0. The slope is the same "
                    "at a and at -a. Which of the two is safe?"),
            Mistake(lambda a: np.exp(-a) / (1 + np.exp(-a))**2,
                    "For a far below 0, exp(-a) is huge and its square overflows. Use that the slope is the same at "
                    "a and at -a."),
            Mistake(lambda a: np.exp(-np.abs(a)) / (1 + np.exp(-np.abs(a))),
                    "This is the sigmoid itself at -|a|. The slope has the square of 1 + e below."),
            Mistake(lambda a: np.cosh(a / 2)**-2.,
                    "Four times too large: this is 1 at a = 0, where the sigmoid's slope is 1/4."),
            Mistake(lambda a: .25 / np.cosh(a)**2,
                    "It is too narrow by 2. s'(a) is tanh' at a / 2, divided by 4."),
            Mistake(lambda a: 1 - np.tanh(a)**2,
                    "This is the slope of tanh."),
            Mistake(activations.sigmoid, "This is the sigmoid itself. Its slope is asked for."),
            Mistake(lambda a: 1 / np.cosh(a)**2, "This is the slope of tanh, 1 / cosh(a)^2. The sigmoid's is a quarter "
                    "of "
                                                 "it, at a / 2."),
            Mistake(lambda a: activations.sigmoid(a)**2, "This is s^2. The slope is s (1 - s), which is 0 far out on "
                    "both "
                                                         "sides."),
            Mistake(lambda a: np.sign(a) * sigmoid_slope(a),
                    "It is negative for a below 0. The sigmoid rises everywhere: the slope is the same at a and at "
                    "-a."),
            Mistake(lambda a: sigmoid_slope(np.clip(a, -30, 30)),
                    "a was cut off at 30. Far out the slope still becomes smaller, down to 1e-191 at 440."),
            Mistake(lambda a: np.where(np.abs(a) > 30, 0, sigmoid_slope(a)),
                    "Far out 0 was put in. The slope is small there, not 0."),
            Mistake(lambda a: np.full_like(a, .25), "1/4 is the largest slope, at a = 0. Elsewhere it is smaller."),
            Mistake(lambda a: sigmoid_slope(a).mean(), "This is the mean slope. Return one for each entry of a."),
            Mistake(lambda a: sigmoid_slope(a) if a > 0 else sigmoid_slope(-a),
                    "`if` needs one truth value, and a > 0 has one for each entry. Use np.abs(a), or np.where."),
            Mistake(lambda a: (activations.sigmoid(a + 1e-6) - activations.sigmoid(a - 1e-6)) / 2e-6,
                    "A difference of two values gives some six to ten digits, and 0 far out. Write the formula."),
            Mistake(lambda a: a * (1 - a),
                    "a (1 - a) is not the slope at a. s (1 - s) is, with s = s(a), the sigmoid's output."),
            Mistake(lambda a: np.exp(-np.abs(a)),
                    "This is e = exp(-|a|), which the slope comes near to far out. It still has to be divided by "
                    "(1 + e)**2."),
            Mistake(lambda a: .25 * (1 - np.tanh(a / 2)**2),
                    "The right formula, but 1 - tanh^2 subtracts two numbers near 1 and leaves 0 far out. Use "
                    "exp(-|a|), or cosh, which subtract nothing."),
            Mistake(lambda a: .25 * (1 - np.tanh(a)**2),
                    "It is too narrow by 2, and 1 - tanh^2 leaves 0 far out. s'(a) is tanh' at a / 2, divided by 4."),
            Mistake(lambda a: np.exp(a) / (1 + np.exp(a))**2,
                    "For a far above 0, exp(a) is huge and its square overflows. Use that the slope is the same at a "
                    "and at -a."),
            Mistake(lambda a: np.exp(-np.abs(a)) / (1 - np.exp(-np.abs(a)))**2,
                    "A sign is wrong: below stands (1 + e)**2."),
            Mistake(lambda a: -np.exp(-np.abs(a)) / (1 + np.exp(-np.abs(a)))**2,
                    "The sign is the other one: the sigmoid only rises."),
        ],
        hints=["Write s'(a) with e = exp(-a) only, without s. Where does exp(-a) overflow?",
               "The slope is the same at a and at -a. So you may use -|a| in place of -a.",
               "s' = e / (1 + e)**2 with e = np.exp(-np.abs(a))."],
    ),
    Exercise(
        "4.4", "Half of the slope", minutes=3, difficulty=1,
        solution=half_slope, rtol=5e-3,
        oracle=lambda: next(a for a in np.arange(0, 3, 1e-4) if gradcheck.complex_step(np.tanh, np.array(a)) <= .5),
        also_correct=(.88, .8814),
        mistakes=[
            Mistake(.7071, "This is the state, tanh(a). Its square is 1/2. Which a leads to it?"),
            Mistake(.5493, "There tanh itself is 1/2, and its slope is 3/4."),
            Mistake(1.7627, "This is twice too much: it is where the sigmoid's slope is half of its largest."),
            Mistake(.5, "At a = 1/2 the slope is still 0.79."),
            Mistake(1., "At a = 1 the slope is 0.42 already."),
            Mistake(-.8814, "The slope is half of its largest there too, but an a above 0 is asked for."),
            Mistake(1.317, "There the slope is a quarter of its largest: tanh(a)^2 is 3/4."),
            Mistake(.4407, "Half of the right a. Half of the slope is not half of the way."),
            Mistake(.9, "Near, but not within half a percent: at 0.9 the slope is 0.487. Compute it."),
            Mistake(.87, "Near, but not within half a percent: at 0.87 the slope is 0.507. Compute it."),
            Mistake(.7854, "0.785 is arctan(1), and 0.786 the slope at 1/2. Asked for is an a; tanh is turned back by "
                           "np.arctanh."),
            Mistake(50.5, "This is in degrees. a is a number, not an angle."),
            Mistake(.4621, "This is tanh(1/2). Asked for is an a whose tanh is the root of 1/2."),
            Mistake(.2554, "There tanh is 1/4. Asked for is where tanh squared is 1/2."),
            Mistake(.6931, "This is ln 2. The right a is ln(1 + root of 2)."),
            Mistake(0., "At 0 the slope is largest. Asked for is where it has fallen to half of that."),
            Mistake(.8766, "Very near, but more than half a percent off: compute it rather than read it off."),
            Mistake(.6585, "There tanh is 0.577 and the slope 2/3: is the square root taken of the right number?"),
            Mistake(.973, "There tanh is 3/4. It is tanh squared that has to be 1/2."),
        ],
        hints=["The slope is 1 - tanh(a)^2. What is tanh(a)^2 where it is 1/2?",
               "tanh(a) is the square root of 1/2. np.arctanh goes back from tanh(a) to a."],
    ),
    Prediction("4.5", "60 slopes of tanh, each at a pre-activation drawn with standard deviation 1: how large is their "
                      "product, typically?", scale="log10", close=3., digits=1),
    Exercise(
        "4.6", "Who takes it", minutes=5, difficulty=2,
        solution=who_takes_it, oracle=_who_takes_it_from_a, cases=_who_takes_it_cases,
        returns=("slopes", "weights"), time_axis="each",
        also_correct=(_who_takes_it_at_once,),
        mistakes=[
            Mistake(lambda run, dh: _who_takes_it_at_once(run, dh)[::-1],
                    "The two are swapped: first what the slopes do, then what W_hh does."),
            Mistake(lambda run, dh: tuple(part[::-1] for part in _who_takes_it_at_once(run, dh)),
                    "Time runs the wrong way: entry 0 belongs to step 1, the last entry to step T."),
            Mistake(lambda run, dh: tuple(np.log(part) for part in _who_takes_it_at_once(run, dh)),
                    "These are logarithms. Return the factors themselves."),
            Mistake(lambda run, dh: tuple(1 / part for part in _who_takes_it_at_once(run, dh)),
                    "They are upside down: the size after, divided by the size before, on the way back."),
            Mistake(lambda run, dh: (_who_takes_it_at_once(run, dh)[0],
                                     np.linalg.norm(dh[1:, 0] @ run.params.W_hh, axis=-1)
                                     / np.linalg.norm(dh[1:, 0], axis=-1)),
                    "W_hh was measured on dL/dh_t. On its way back the gradient meets the slopes first: what reaches "
                    "W_hh is dL/da_t."),
            Mistake(lambda run, dh: (np.linalg.norm(1 - run.h[1:, 0]**2, axis=-1),
                                     np.full(len(run.x), np.linalg.norm(run.params.W_hh))),
                    "These are the norms of the slopes and of W_hh by themselves. Ask what they do to this gradient."),
            Mistake(lambda run, dh: ((1 - run.h[1:, 0]**2).mean(-1),
                                     np.linalg.norm(dh[:-1, 0], axis=-1) / np.linalg.norm(dh[1:, 0], axis=-1)
                                     / (1 - run.h[1:, 0]**2).mean(-1)),
                    "The mean slope is not what this gradient meets: it may lie along units with other slopes. Take "
                    "the norm of the slopes times dh[t]."),
            Mistake(lambda run, dh: tuple(part**2 for part in _who_takes_it_at_once(run, dh)),
                    "These are squares. The length is the root of the sum of squares: np.linalg.norm."),
            Mistake(lambda run, dh: (_who_takes_it_at_once(run, dh)[0],
                                     np.prod(_who_takes_it_at_once(run, dh), axis=0)),
                    "The second is the whole change of the step. W_hh's own part begins at dL/da_t: divide by its "
                    "size."),
            Mistake(lambda run, dh: (np.prod(_who_takes_it_at_once(run, dh), axis=0),
                                     _who_takes_it_at_once(run, dh)[1]),
                    "The first is the whole change of the step. The slopes' part ends at dL/da_t."),
            Mistake(lambda run, dh: _who_with_slopes(run, dh, 1 - run.h[:-1]**2),
                    "The slopes were taken at h_{t-1}. At step t they are those of a_t: 1 - run.h[t]**2."),
            Mistake(lambda run, dh: _who_with_slopes(run, dh, 1 - np.tanh(run.h[1:])**2),
                    "run.h holds tanh(a_t). Its slope is 1 - run.h[t]**2, with no tanh around it."),
            Mistake(lambda run, dh: _who_with_slopes(run, dh, run.h[1:] * (1 - run.h[1:])),
                    "h (1 - h) is the slope of the sigmoid. This network has tanh: 1 - h^2."),
            Mistake(lambda run, dh: _who_with_slopes(run, dh, 1 - run.h[1:]),
                    "The slope of tanh is 1 - h^2. The square is missing."),
            Mistake(lambda run, dh: ((1 - run.h[1:, 0]**2).max(-1),
                                     np.full(len(run.x), np.linalg.norm(run.params.W_hh, 2))),
                    "These are the most that the slopes and W_hh can do. Ask what they do to this gradient."),
            Mistake(lambda run, dh: ((1 - run.h[1:, 0]**2).mean(-1), _who_takes_it_at_once(run, dh)[1]),
                    "The first is the mean slope. It does not say what this gradient meets: take |da_t| / |dh[t]|."),
            Mistake(lambda run, dh: ((1 - run.h[1:, 0]**2).max(-1), _who_takes_it_at_once(run, dh)[1]),
                    "The first is the largest slope. It is a bound; take what happens to this gradient, |da_t| / "
                    "|dh[t]|."),
            Mistake(lambda run, dh: (np.linalg.norm(1 - run.h[1:, 0]**2, axis=-1), _who_takes_it_at_once(run, dh)[1]),
                    "The first is the length of the slopes by themselves. Take |da_t| / |dh[t]|."),
            Mistake(lambda run, dh: (_who_takes_it_at_once(run, dh)[0],
                                     np.full(len(run.x), np.linalg.norm(run.params.W_hh, 2))),
                    "The second is the most that W_hh can do. Take what it does to this gradient, |dh[t - 1]| / "
                    "|da_t|."),
            Mistake(_who_transposed,
                    "For W_hh the gradient was multiplied by the transposed matrix. A row goes back by da_t @ W_hh, "
                    "which is dh[t - 1]."),
            Mistake(lambda run, dh: tuple(np.cumprod(part) for part in _who_takes_it_at_once(run, dh)),
                    "The factors were multiplied up over the steps. Return each step's own."),
            Mistake(lambda run, dh: tuple(np.cumprod(part[::-1])[::-1] for part in _who_takes_it_at_once(run, dh)),
                    "The factors were multiplied up from the end. Return each step's own."),
            Mistake(lambda run, dh: tuple(part.prod() for part in _who_takes_it_at_once(run, dh)),
                    "These are products over all steps. Return the factor of every step."),
            Mistake(lambda run, dh: (np.linalg.norm(((1 - run.h[1:]**2) * dh[1:])[:, 0], axis=-1),
                                     np.linalg.norm(dh[:-1, 0], axis=-1)),
                    "These are lengths. A factor is the length after divided by the length before."),
            Mistake(lambda run, dh: (_who_with(np.abs, run, dh)), "These are sums of the entries' sizes. The length is "
                    "the "
                                                                "root of the sum of squares."),
            Mistake(lambda run, dh: (np.prod(_who_takes_it_at_once(run, dh), axis=0), np.ones(len(run.x))),
                    "All was given to the slopes. W_hh has its part: |dh[t - 1]| / |da_t|."),
            Mistake(lambda run, dh: _who_takes_it_at_once(run, dh)[0], "These are the slopes' factors. Return W_hh's "
                    "too."),
            Mistake(lambda run, dh: tuple(part[:, None] for part in _who_takes_it_at_once(run, dh)),
                    "The shape is (T, 1). There is one sequence: return (T,), the norm of dh[t] as a whole."),
            Mistake(lambda run, dh: tuple(part[1:] for part in _who_takes_it_at_once(run, dh)),
                    "Step 1 is missing. It leads from dh[1] back to dh[0]: T entries, for t = 1 to T."),
            Mistake(lambda run, dh: tuple(part.mean() for part in _who_takes_it_at_once(run, dh)),
                    "These are means over the steps. Return the factor of every step."),
        ],
        hints=["dL/da_t lies between dL/dh_t and dL/dh_{t-1}. How do you get it from dL/dh_t?",
               "da_t = (1 - run.h[t]**2) * dh[t].",
               "The slopes' factor is |da_t| / |dh[t]|, that of W_hh is |dh[t - 1]| / |da_t|."],
    ),
    Prediction("4.7", "tanh, W_hh as torch draws it, inputs of size 0.1, 60 steps: who takes more of the gradient?",
               kind="choice", choices=("the slopes of tanh", "W_hh", "about the same")),
    Exercise(
        "4.8", "At most", minutes=4, difficulty=2,
        solution=log10_bound, oracle=_log10_bound_by_steps,
        cases=lambda rng: [(initialise.gaussian((5, 5), rng), 60), (initialise.gaussian((4, 4), rng, 5.), 7),
                           (initialise.gaussian((3, 3), rng, .3), 2000), (np.array([[-3.]]), 1),
                           (np.array([[1e-3, 8.], [1e-9, 1e-3]]), 3)],
        also_correct=(lambda W_hh, T: T * (math.log10(np.linalg.svd(W_hh)[1].max()) - math.log10(4)),),
        mistakes=[
            Mistake(lambda W_hh, T: T * np.log10(np.linalg.norm(W_hh, 2)),
                    "The slopes are missing: each step also multiplies by at most 1/4."),
            Mistake(lambda W_hh, T: T * np.log10(_radius(W_hh) / 4),
                    "This takes the largest eigenvalue. A matrix can lengthen a vector by more than that: by its "
                    "largest singular value."),
            Mistake(lambda W_hh, T: T * np.log10(np.linalg.norm(W_hh) / 4),
                    "np.linalg.norm(W) is the root of the sum of all squares. What one vector can be lengthened by is "
                    "np.linalg.norm(W, 2)."),
            Mistake(lambda W_hh, T: T * np.log(np.linalg.norm(W_hh, 2) / 4),
                    "This is the natural logarithm. log10 was asked for."),
            Mistake(lambda W_hh, T: (np.linalg.norm(W_hh, 2) / 4)**T,
                    "This is the bound itself. Return its log10."),
            Mistake(lambda W_hh, T: np.log10(np.float64(np.linalg.norm(W_hh, 2) / 4)**T + 0.),
                    "The power was taken first, and for many steps it is too small for float64: its logarithm is "
                    "-inf. Multiply the logarithm by T."),
            Mistake(lambda W_hh, T: T * (np.linalg.norm(W_hh, 2) / 4),
                    "The factors of T steps are multiplied, so their logarithms are added: T times log10 of one "
                    "factor."),
            Mistake(lambda W_hh, T: T * np.log10(1 / 4) + 0 * W_hh.sum(),
                    "W_hh plays no part here. Each step multiplies by at most 1/4 and then by at most W_hh's largest "
                    "stretch."),
            Mistake(lambda W_hh, T: T * np.log10(np.linalg.norm(W_hh, 2)**2 / 4),
                    "The largest stretch is squared: the eigenvalues of W^T W are squares. Take the root."),
            Mistake(lambda W_hh, T: T * np.log10(np.abs(W_hh).sum(1).max() / 4),
                    "This is the largest sum of a row, the norm with inf. The largest stretch is np.linalg.norm(W, "
                    "2)."),
            Mistake(lambda W_hh, T: T * np.log10(np.abs(W_hh).max() / 4),
                    "The largest entry is not what a vector can be lengthened by: entries work together. Take "
                    "np.linalg.norm(W, 2)."),
            Mistake(lambda W_hh, T: T * np.log10(abs(np.linalg.det(W_hh)) / 4),
                    "The determinant says how volumes change. What one vector can be lengthened by is "
                    "np.linalg.norm(W, 2)."),
            Mistake(lambda W_hh, T: (T - 1) * np.log10(np.linalg.norm(W_hh, 2) / 4),
                    "One step is missing: from h_T back to h_0 there are T."),
            Mistake(lambda W_hh, T: (T + 1) * np.log10(np.linalg.norm(W_hh, 2) / 4),
                    "One step too many: from h_T back to h_0 there are T."),
            Mistake(lambda W_hh, T: min(0., T * np.log10(np.linalg.norm(W_hh, 2) / 4)),
                    "The bound was cut off at 1. A gradient may grow: with a large W_hh the bound lies above 1."),
            Mistake(lambda W_hh, T: np.log10(np.linalg.norm(W_hh, 2) / 4),
                    "This is one step. T of them multiply."),
            Mistake(lambda W_hh, T: T * np.log10(np.linalg.norm(W_hh, 2)) - np.log10(4),
                    "1/4 was counted once. Each of the T steps has its slopes."),
            Mistake(lambda W_hh, T: T * np.log2(np.linalg.norm(W_hh, 2) / 4), "This is log2. log10 was asked for."),
            Mistake(_log10_of_the_power,
                    "You took the norm of the power (W / 4)^T. Between two matrices stand slopes, which differ from "
                    "step to step: multiply the bounds of the single steps."),
            Mistake(lambda W_hh, T: T * np.log10(np.abs(W_hh).sum(0).max() / 4),
                    "This is the largest sum of a column, the norm with 1. The largest stretch is np.linalg.norm(W, "
                    "2)."),
            Mistake(lambda W_hh, T: T * np.log10(np.linalg.svd(W_hh)[1].min() / 4),
                    "This is the smallest stretch. A bound has to hold for the vector that W_hh lengthens most."),
            Mistake(lambda W_hh, T: T * np.log10(np.linalg.norm(W_hh, 2) * 4),
                    "You multiplied by 4. The slopes multiply by at most 1/4."),
            Mistake(lambda W_hh, T: np.log10(T * np.linalg.norm(W_hh, 2) / 4),
                    "T stands within the logarithm. log10 of a power is T times the log10."),
            Mistake(lambda W_hh, T: np.arange(1, T + 1) * np.log10(np.linalg.norm(W_hh, 2) / 4),
                    "There is one bound for each number of steps. Return the one for T, a number."),
            Mistake(lambda W_hh, T: -T * np.log10(np.linalg.norm(W_hh, 2) / 4),
                    "The sign is the other one: a bound below 1 has a negative log10."),
            Mistake(lambda W_hh, T: T * np.log10(np.linalg.norm(W_hh, 2) / 2),
                    "The sigmoid's slope is at most 1/4, not 1/2."),
        ],
        hints=["At each step the slopes multiply by at most 1/4, and W_hh^T lengthens by at most its largest singular "
               "value.",
               "The largest singular value is np.linalg.norm(W_hh, 2).",
               "log10 of a power is T times the log10. Taking the power first would give 0 for many steps."],
    ),
    Prediction("4.9", "Four ReLU networks, 60 steps: which keep at least a tenth of |dL/dh_T| and at most ten times "
                      "it?",
               kind="choices", choices=("identity", "orthogonal", "Gaussian, gain 0.5", "Gaussian, gain 3")),
    Exercise(
        "4.10", "Every layer has its own matrix", minutes=6, difficulty=2,
        solution=weight_gradients, oracle=_weight_gradients_complex, cases=_weight_gradients_cases, time_axis=0,
        axis="layer",
        also_correct=(_weight_gradients_forward,),
        mistakes=[
            Mistake(_weight_gradients_wrong(slope=lambda h: 1 - h**2),
                    "1 - h^2 is the slope of tanh. The sigmoid's is h (1 - h)."),
            Mistake(_weight_gradients_wrong(slope=np.ones_like),
                    "The slopes are missing: dL/da_l = h_l (1 - h_l) * dL/dh_l."),
            Mistake(_weight_gradients_wrong(below=False),
                    "W_l is multiplied by the layer below, h_{l-1}. You took h_l."),
            Mistake(_weight_gradients_wrong(transposed=True),
                    "Going down through W_l, rows of gradients are multiplied by W_l itself: da @ W_l."),
            Mistake(_weight_gradients_wrong(flipped=True),
                    "The layers are in the opposite order: entry 0 belongs to layer 1, next to the inputs."),
            Mistake(_weight_gradients_wrong(carry=False),
                    "dL/dh_n was used for every layer. It has to be carried down: dL/dh_{l-1} = da_l @ W_l."),
            Mistake(lambda W, h, dh_n: _weight_gradients_forward(W, h, dh_n).swapaxes(1, 2),
                    "Each matrix is transposed: the row belongs to the unit that receives, da_l[i], the column to the "
                    "one that sends."),
            Mistake(_weight_gradients_wrong(of_dh=True),
                    "dL/dh_l was used for the matrix. W_l acts before the sigmoid, so it needs dL/da_l = h_l (1 - h_l) "
                    "* dL/dh_l."),
            Mistake(_weight_gradients_wrong(shift=-1),
                    "The slope was taken at h_{l-1}. At layer l it is h_l (1 - h_l)."),
            Mistake(_weight_gradients_wrong(matrix=lambda W, l: W[l % len(W)]),
                    "The matrix of the wrong layer: going down through layer l, W_l is W[l - 1]."),
            Mistake(_weight_gradients_wrong(matrix=lambda W, l: W[l - 2]),
                    "The matrix one layer too low: going down through layer l, W_l is W[l - 1]."),
            Mistake(_weight_gradients_wrong(matrix=lambda W, l: np.eye(len(W[0]))),
                    "Going down, the matrices are left out: dL/dh_{l-1} = da_l @ W_l."),
            Mistake(_weight_gradients_wrong(slope=lambda h: activations.sigmoid(h) * (1 - activations.sigmoid(h))),
                    "The sigmoid was applied once more: h_l is s(a_l) already, and its slope is h_l (1 - h_l)."),
            Mistake(_weight_gradients_wrong(slope=lambda h: h), "The slope is h (1 - h). The factor 1 - h is missing."),
            Mistake(_weight_gradients_wrong(slope=lambda h: np.full_like(h, .25)),
                    "1/4 is the sigmoid's largest slope. Here it is h_l (1 - h_l), unit by unit."),
            Mistake(_weight_gradients_wrong(matrix=lambda W, l: W[0]),
                    "The first matrix was used at every layer. Going down through layer l, W_l is W[l - 1]."),
            Mistake(_weight_gradients_wrong(carry_dh=True),
                    "On the way down the slope is left out: it is da_l that goes through W_l, not dL/dh_l."),
            Mistake(lambda W, h, dh_n: _weight_gradients_forward(W, h, dh_n) * (np.arange(len(W)) == len(W) - 1)
                    [:, None, None], "Only the top layer is filled. Carry the gradient down: dL/dh_{l-1} = da_l @ "
                    "W_l."),
            Mistake(lambda W, h, dh_n: _weight_gradients_forward(W, h, dh_n) * (np.arange(len(W)) > 0)[:, None, None],
                    "Layer 1 is left out. Its matrix is W[0], and the layer below it is h[0], the inputs."),
            Mistake(lambda W, h, dh_n: _weight_gradients_forward(W, h[:, :1], dh_n[:1]),
                    "This is the first example alone. Sum over all of them: da.T @ h[l - 1]."),
            Mistake(lambda W, h, dh_n: np.repeat(_weight_gradients_forward(W, h, dh_n)[:1], len(W), axis=0),
                    "All layers are the same matrix: one array was filled again and again. Make a new one for each "
                    "layer."),
            Mistake(_weight_gradients_wrong(inputs=True),
                    "Every layer was multiplied by the inputs h[0]. Layer l is fed by h[l - 1]."),
            Mistake(_weight_gradients_mixed,
                    "The examples were added up before the product, which mixes them. da.T @ h[l - 1] multiplies each "
                    "by its own, then adds."),
            Mistake(lambda W, h, dh_n: _layers_back(W, h, dh_n)[1],
                    "These are dL/da_l. A matrix's gradient is their product with the layer below: da.T @ h[l - 1]."),
            Mistake(lambda W, h, dh_n: _layers_back(W, h, dh_n)[0],
                    "These are dL/dh_l, the gradients of the outputs. Asked for are those of the matrices."),
            Mistake(lambda W, h, dh_n: W[len(W)],
                    "There is no W[n]: W[l - 1] belongs to layer l, from W[0] to W[n - 1]."),
            Mistake(_weight_gradients_wrong(slope=lambda h: 1 - h),
                    "The slope is h (1 - h). The factor h is missing."),
            Mistake(lambda W, h, dh_n: _weight_gradients_forward(W, h, dh_n) / h.shape[1],
                    "It is divided by the number of examples. A mean, if there is one, is in dh_n already."),
            Mistake(lambda W, h, dh_n: _weight_gradients_forward(W, h, dh_n).sum(0),
                    "The layers were added up, as for a recurrent network. Here each layer has its own matrix."),
            Mistake(lambda W, h, dh_n: _weight_gradients_forward(W, h, dh_n)[-1],
                    "This is the last layer alone. Return one matrix for each layer."),
        ],
        hints=["It is the backward pass of lesson 03, with a matrix of its own at each step and no sum over them.",
               "Start with dh = dh_n and go l = n, ..., 1: da = h[l] * (1 - h[l]) * dh.",
               "dL/dW_l = da.T @ h[l - 1], and then dh = da @ W[l - 1] for the layer below."],
    ),
    Prediction("4.11", "30 sigmoid layers with Glorot's weights: |dL/dh_0| divided by |dL/dh_30|?", scale="log10",
               close=2., digits=1),
    Prediction("4.12", "float32: which is the first whole number x whose (e^x - e^-x) / (e^x + e^-x) is NaN?"),
    Exercise(
        "4.13", "A tanh that is safe", minutes=6, difficulty=3,
        solution=safe_tanh, oracle=_safe_tanh_in_python, cases=_safe_tanh_cases, time_axis="each",
        float32=False, forbidden=("tanh",),
        also_correct=(_safe_tanh_in_two_parts, lambda a: (-1j * np.tan(1j * a)).real),
        mistakes=[
            Mistake(_naive_tanh,
                    "Beyond 709 one of the two exponentials is inf, and inf / inf is NaN. Divide both sides of the "
                    "fraction by the larger one, so that only exp of a negative number is left."),
            Mistake(lambda a: (1 - np.exp(-2 * a)) / (1 + np.exp(-2 * a)),
                    "That is safe on one side only: far below 0, exp(-2a) is inf and inf / inf is NaN. Use |a| and "
                    "put the sign back."),
            Mistake(lambda a: (np.exp(2 * a) - 1) / (np.exp(2 * a) + 1),
                    "That is safe on one side only: far above 0, exp(2a) is inf and inf / inf is NaN. Use |a| and put "
                    "the sign back."),
            Mistake(lambda a: np.sign(a) * (1 - np.exp(-2 * np.abs(a))) / (1 + np.exp(-2 * np.abs(a))),
                    "No NaN any more. But for small a, 1 - exp(-2|a|) subtracts two nearly equal numbers and loses "
                    "digits. np.expm1(z) is exp(z) - 1 without that loss."),
            Mistake(lambda a: 2 / (1 + np.exp(-2 * a)) - 1,
                    "No NaN any more. But for small a, two numbers near 1 are subtracted, and digits are lost. "
                    "np.expm1(z) is exp(z) - 1 without that loss."),
            Mistake(lambda a: np.expm1(-2 * np.abs(a)) / -(2 + np.expm1(-2 * np.abs(a))),
                    "The sign is lost: tanh(-a) = -tanh(a)."),
            Mistake(lambda a: (1 - np.exp(-2 * np.abs(a))) / (1 + np.exp(-2 * np.abs(a))),
                    "Two things: the sign is lost, and for small a, 1 - exp(-2|a|) loses digits. np.expm1(z) is "
                    "exp(z) - 1 without that loss."),
            Mistake(lambda a: np.sinh(a) / np.cosh(a),
                    "Beyond 710 sinh and cosh are inf, and inf / inf is NaN. Divide both by e^|a|: then only exp of a "
                    "negative number is left."),
            Mistake(lambda a: np.expm1(2 * a) / (np.expm1(2 * a) + 2),
                    "Good for small a, but far above 0 expm1(2a) is inf, and inf / inf is NaN. Use -2|a| and put the "
                    "sign back."),
            Mistake(lambda a: -np.expm1(-2 * a) / (np.expm1(-2 * a) + 2),
                    "Good for small a, but far below 0 expm1(-2a) is inf, and inf / inf is NaN. Use -2|a| and put the "
                    "sign back."),
            Mistake(lambda a: np.nan_to_num((np.exp(a) - np.exp(-a)) / (np.exp(a) + np.exp(-a))),
                    "nan_to_num puts 0 where tanh is 1 or -1. And for small a, e^a - e^-a loses digits. Keep exp from "
                    "overflowing: with |a|."),
            Mistake(lambda a: np.nan_to_num((np.exp(a) - np.exp(-a)) / (np.exp(a) + np.exp(-a)), nan=1.),
                    "NaN was replaced by 1, which is wrong far below 0, where tanh is -1; and small a lose digits."),
            Mistake(lambda a: np.where(np.abs(a) < 1e-3, a, np.sign(a) * (1 - np.exp(-2 * np.abs(a)))
                                       / (1 + np.exp(-2 * np.abs(a)))),
                    "Nearly: below 1e-3 tanh(a) is a only to six digits. Add -a**3/3, or use np.expm1."),
            Mistake(lambda a: 2 * activations.sigmoid(2 * a) - 1,
                    "tanh is 2 s(2a) - 1, but for small a two numbers near 1 are subtracted, and digits are lost. "
                    "np.expm1(z) is exp(z) - 1 without that loss."),
            Mistake(lambda a: a - a**3 / 3 + 2 * a**5 / 15,
                    "This is the series near 0. From about 0.1 on it is not near enough."),
            Mistake(lambda a: a - a**3 / 3, "This is the beginning of the series near 0. From about 0.01 on it is not "
                    "near "
                                            "enough."),
            Mistake(lambda a: np.sign(a), "This is tanh far out. Between, it rises from -1 to 1 without a jump."),
            Mistake(lambda a: -np.sign(a) * np.expm1(-2 * np.abs(a)) / (2 - np.expm1(-2 * np.abs(a))),
                    "A sign is wrong below: 1 + e^(-2|a|) is 2 + expm1(-2|a|)."),
            Mistake(lambda a: (math.exp(a) - math.exp(-a)) / (math.exp(a) + math.exp(-a)),
                    "math.exp takes one number. a is an array: np.exp, or better np.expm1."),
            Mistake(lambda a: np.clip(a, -1, 1), "Cutting off at 1 and -1 is not tanh: at 1 it is 0.76."),
            Mistake(lambda a: np.sign(a) * np.expm1(-2 * np.abs(a)) / (2 + np.expm1(-2 * np.abs(a))),
                    "The sign is the other one: expm1 of a negative number is below 0."),
            Mistake(lambda a: -np.sign(a) * np.expm1(-np.abs(a)) / (2 + np.expm1(-np.abs(a))),
                    "The 2 is missing in the exponent: this is tanh(a / 2)."),
            Mistake(activations.sigmoid, "This is the sigmoid. tanh lies between -1 and 1."),
        ],
        hints=["Which exponentials can overflow? Multiply both sides of the fraction by e^-|a|.",
               "With |a|: (1 - e^(-2|a|)) / (1 + e^(-2|a|)), and the sign of a in front. What does 1 - e^(-2|a|) "
               "lose for small a?",
               "e = np.expm1(-2 * np.abs(a)) is e^(-2|a|) - 1. Write both sides of the fraction with it."],
    ),
])
