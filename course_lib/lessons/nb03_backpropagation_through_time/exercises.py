"""The exercises of lesson 03, backpropagation through time."""

from __future__ import annotations

import numpy as np

from ... import bptt, cells, gradcheck, initialise, losses
from ...exercises.bank import Bank, Exercise, Mistake, Prediction


# 3.1 One term for each use


def terms(w, x, h0):
    h = [h0]
    for x_t in x:
        h.append(w * h[-1] + x_t)
    T = len(x)
    return np.array([w ** (T - t) * h[t - 1] for t in range(1, T + 1)])


def _terms_of_copies(w, x, h0):
    def last_state(copies):
        h = h0
        for w_t, x_t in zip(copies, x):
            h = w_t * h + x_t
        return h

    return gradcheck.complex_step(last_state, np.full(len(x), float(w)))


def _terms_one_pass(w, x, h0):
    h = [h0]
    for x_t in x[:-1]:
        h.append(w * h[-1] + x_t)
    back, result = 1., []
    for h_before in reversed(h):
        result.insert(0, back * h_before)
        back *= w
    return result


def _unit(w, x, h0):
    h = np.empty(len(x) + 1)
    h[0] = h0
    for t, x_t in enumerate(x, start=1):
        h[t] = w * h[t - 1] + x_t
    return h


def _terms_of_w_times_both(w, x, h0):
    h = [h0]
    for x_t in x:
        h.append(w * (h[-1] + x_t))
    return w ** np.arange(len(x) - 1, -1, -1.) * h[:-1]


def _terms_of_tanh(w, x, h0):
    h = [h0]
    for x_t in x:
        h.append(np.tanh(w * h[-1] + x_t))
    return w ** np.arange(len(x) - 1, -1, -1.) * h[:-1]


def _terms_reads_x_t(w, x, h0):
    return x[len(x)]


def _terms_by_division(w, x, h0):
    return w ** len(x) / w ** np.arange(1., len(x) + 1) * _unit(w, x, h0)[:-1]


def _terms_cases(rng):
    return [(w, rng.uniform(.5, 1.5, T), rng.uniform(.5, 1.5))
            for w, T in [(.9, 3), (-1.2, 7), (.5, 60), (.8, 1), (1e-170, 3)]]


# 3.3 One step back


def step_back(W_hh, h_t, dh_t, direct_before):
    da_t = (1 - h_t**2) * dh_t
    return direct_before + da_t @ W_hh


def _step_back_complex(W_hh, h_t, dh_t, direct_before):
    a_t = np.arctanh(h_t)

    def loss(change):  # of h_{t-1}
        return (dh_t * np.tanh(a_t + change @ W_hh.T)).sum() + (direct_before * change).sum()

    return gradcheck.complex_step(loss, np.zeros_like(h_t))


def _step_back_row_by_row(W_hh, h_t, dh_t, direct_before):
    return [d + W_hh.T @ np.diag(1 - h**2) @ g for d, h, g in zip(direct_before, h_t, dh_t)]


def _step_back_cases(rng):
    cases = []
    for B, H, size in [(2, 3, 1.), (4, 5, 1e-20), (3, 3, 1.), (1, 1, 1.)]:
        h_t = rng.uniform(.2, .9, (B, H)) * rng.choice([-1, 1], (B, H))
        dh_t, direct_before = size * rng.normal(size=(2, B, H))
        cases.append((initialise.gaussian((H, H), rng), h_t, dh_t, direct_before))
    return cases


# 3.4 All the way back


def states_back(run, dh_direct):
    dh = dh_direct.copy()
    for t in range(len(run.x), 0, -1):
        da_t = (1 - run.h[t]**2) * dh[t]
        dh[t - 1] += da_t @ run.params.W_hh
    return dh


def _states_back_complex(run, dh_direct):
    return gradcheck.complex_step_states(lambda h: (h * dh_direct).sum(), run)


def _states_back_columns(run, dh_direct):
    W_T, dh = run.params.W_hh.T, [dh_direct[-1].T]
    for h_t, direct in zip(run.h[:0:-1], dh_direct[-2::-1]):
        dh.insert(0, direct.T + W_T @ (dh[0] - h_t.T**2 * dh[0]))
    return np.array([columns.T for columns in dh])


def _states_back_wrong(transposed=False, slope=lambda h: 1 - h**2, direct=True, shift=0, carry="da",
                       steps=lambda T: range(T, 0, -1)):
    def states_back(run, dh_direct):
        W = run.params.W_hh.T if transposed else run.params.W_hh
        dh = dh_direct.copy()
        if not direct:
            dh[:-1] = 0
        for t in steps(len(run.x)):
            source = dh_direct[t] if carry == "direct" else dh[t]
            dh[t - 1] += (slope(run.h[t + shift]) * source) @ W
        return dh

    return states_back


def _states_back_in_place(run, dh_direct):
    for t in range(len(run.x), 0, -1):
        dh_direct[t - 1] += ((1 - run.h[t]**2) * dh_direct[t]) @ run.params.W_hh
    return dh_direct


def _states_back_from(start):
    def states_back(run, dh_direct):
        dh = start(dh_direct)
        for t in range(len(run.x), 0, -1):
            dh[t - 1] += ((1 - run.h[t]**2) * dh[t]) @ run.params.W_hh
        return dh

    return states_back


def _states_back_summed(run, dh_direct):
    dh = dh_direct.copy()
    for t in range(len(run.x), 0, -1):
        dh[t - 1] += ((1 - run.h[t]**2) * dh[t]).sum(0) @ run.params.W_hh
    return dh


def _states_back_past_the_end(run, dh_direct):
    return run.h[len(run.h)]


def _states_back_last_twice(run, dh_direct):
    dh = _states_back_columns(run, dh_direct)
    dh[-1] *= 2
    return dh


def _states_back_slope_last(run, dh_direct):
    dh = dh_direct.copy()
    for t in range(len(run.x), 0, -1):
        dh[t - 1] += (1 - run.h[t]**2) * (dh[t] @ run.params.W_hh)
    return dh


def _run(rng, gain, T, B, D, H):
    params = initialise.rnn(D, H, rng, gain=gain, input_gain=.5)._replace(b_h=.3 * rng.normal(size=H))
    return bptt.forward(params, rng.normal(size=(T, B, D)), .5 * rng.normal(size=(B, H)))


def _states_back_cases(rng):
    cases = []
    for gain, T, B, D, H, early in [
            (1., 6, 2, 3, 4, 1.), (.5, 60, 3, 1, 2, 1e-35), (1.5, 20, 1, 2, 3, 1.), (1., 1, 1, 2, 1, 1.)]:
        run = _run(rng, gain, T, B, D, H)
        dh_direct = early * rng.normal(size=run.h.shape)
        dh_direct[-1] = rng.normal(size=run.h.shape[1:])
        cases.append((run, dh_direct))
    return cases


# 3.5 One matrix, used at every step


def recurrent_gradient(run, dh):
    dW_hh = np.zeros_like(run.params.W_hh)
    for t in range(1, len(run.x) + 1):
        da_t = (1 - run.h[t]**2) * dh[t]
        dW_hh += da_t.T @ run.h[t - 1]
    return dW_hh


def _recurrent_gradient_complex(run, dh):
    W_xh, _, b_h = run.params

    def loss(W_hh):  # every step starts from the state it had: what comes after it is in dh[t] already
        return (dh[1:] * np.tanh(run.x @ W_xh.T + run.h[:-1] @ W_hh.T + b_h)).sum()

    return gradcheck.complex_step(loss, run.params.W_hh)


def _recurrent_gradient_at_once(run, dh):
    return np.einsum("tbi,tbj->ij", (1 - run.h[1:]**2) * dh[1:], run.h[:-1])


def _each_step(run, dh):
    da = (1 - run.h[1:]**2) * dh[1:]
    return np.einsum("tbi,tbj->tij", da, run.h[:-1])


def _recurrent_gradient_cases(rng):
    return [(back.run, back.dh) for back in (bptt.backward(*case) for case in _states_back_cases(rng))]


# 3.12 One whole training step


def training_gradients(W_xh, W_hh, b_h, W_hy, b_y, x, target):
    h = [np.zeros((x.shape[1], len(b_h)))]
    for x_t in x:
        h.append(np.tanh(x_t @ W_xh.T + h[-1] @ W_hh.T + b_h))
    y = h[-1] @ W_hy.T + b_y

    dy = 2 * (y - target) / y.size              # the mean over the batch and the outputs
    dW_hy, db_y, dh = dy.T @ h[-1], dy.sum(axis=0), dy @ W_hy
    dW_xh, dW_hh, db_h = np.zeros_like(W_xh), np.zeros_like(W_hh), np.zeros_like(b_h)
    for t in range(len(x), 0, -1):
        da_t = (1 - h[t]**2) * dh
        dW_xh += da_t.T @ x[t - 1]
        dW_hh += da_t.T @ h[t - 1]
        db_h += da_t.sum(axis=0)
        dh = da_t @ W_hh
    return dW_xh, dW_hh, db_h, dW_hy, db_y


def _training_complex(*arguments):
    *params, x, target = arguments

    def loss(flat):
        W_xh, W_hh, b_h, W_hy, b_y = (part.reshape(array.shape) for part, array in zip(np.split(flat, places), params))
        h = np.zeros((x.shape[1], len(b_h)))
        for x_t in x:
            h = np.tanh(x_t @ W_xh.T + h @ W_hh.T + b_h)
        return ((h @ W_hy.T + b_y - target)**2).mean()

    places = np.cumsum([array.size for array in params])[:-1]
    gradient = gradcheck.complex_step(loss, np.concatenate([array.ravel() for array in params]))
    return tuple(part.reshape(array.shape) for part, array in zip(np.split(gradient, places), params))


def _training_by_the_library(W_xh, W_hh, b_h, W_hy, b_y, x, target):
    network = cells.NetworkParams(cells.RNNParams(W_xh, W_hh, b_h), cells.ReadoutParams(W_hy, b_y))
    rnn, readout = bptt.loss_and_grads(network, x, target, losses.mean_squared_error).grads
    return [*rnn, *readout]


def _training_cases(rng):
    cases = []
    for T, B, D, H, K, gain in [(6, 3, 2, 4, 2, 1.), (30, 2, 1, 3, 1, .5), (12, 4, 3, 2, 3, 1.5), (2, 2, 1, 1, 2, .8)]:
        (W_xh, W_hh, _), (W_hy, _) = initialise.network(D, H, K, rng, gain=gain)
        cases.append((W_xh, W_hh, .3 * rng.normal(size=H), W_hy, .3 * rng.normal(size=K), rng.normal(size=(T, B, D)),
                      rng.normal(size=(B, K))))
    return cases


def _training_of(scale=lambda y: 2 / y.size, slope=lambda h: 1 - h**2, first=0, before=lambda h, t: h[t - 1],
                 out=lambda h, dy: (dy.T @ h[-1], dy.sum(axis=0)), back=lambda dy, W_hy: dy @ W_hy, once=False,
                 carry=lambda da, W_hh: da @ W_hh, error=lambda y, target: y - target):
    """The five gradients by other rules than the right ones."""
    def training_gradients(W_xh, W_hh, b_h, W_hy, b_y, x, target):
        h = [np.zeros((x.shape[1], len(b_h)))]
        for x_t in x:
            h.append(np.tanh(x_t @ W_xh.T + h[-1] @ W_hh.T + b_h))
        y = h[-1] @ W_hy.T + b_y
        dy = scale(y) * error(y, target)
        dh, sums = back(dy, W_hy), [np.zeros_like(W_xh), np.zeros_like(W_hh), np.zeros_like(b_h)]
        for t in range(len(x), first, -1):
            da = slope(h[t]) * dh
            for total, part in zip(sums, (da.T @ x[t - 1], da.T @ before(h, t), da.sum(axis=0))):
                total += part
            if once:
                break
            dh = carry(da, W_hh)
        return (*sums, *out(h, dy))

    return training_gradients


def _training_every_step(W_xh, W_hh, b_h, W_hy, b_y, x, target):
    network = cells.NetworkParams(cells.RNNParams(W_xh, W_hh, b_h), cells.ReadoutParams(W_hy, b_y))
    rnn, readout = bptt.loss_and_grads(network, x, np.broadcast_to(target, (len(x), *target.shape)),
                                       losses.mean_squared_error, at="every").grads
    return (*rnn, *readout)


def _training_without(index):
    def training_gradients(*arguments):
        params = [array * (place != index) for place, array in enumerate(arguments[:5])]
        return _training_of()(*params, *arguments[5:])

    return training_gradients


def _training_swapped(one, other):
    def training_gradients(*arguments):
        grads = list(_training_of()(*arguments))
        grads[one], grads[other] = grads[other], grads[one]
        return tuple(grads)

    return training_gradients


# 3.7 Where the loss reads


def read_every(h, target, every):
    direct = np.zeros_like(h)
    for t in range(every, len(h), every):
        direct[t] = h[t] - target[t - 1]
    return direct


def _read_every_complex(h, target, every):
    def loss(states):
        return sum(((states[t] - target[t - 1])**2).sum() for t in range(1, len(h)) if t % every == 0) / 2

    return gradcheck.complex_step(loss, h)


def _read_every_sliced(h, target, every):
    direct = 0 * h
    direct[every::every] = h[every::every] - target[every - 1::every]
    return direct


def _read_every_wrong(first, shift=1, factor=1, last=0):
    def read_every(h, target, every):
        direct = np.zeros_like(h)
        for t in range(first(every), len(h) + last, every):
            direct[t] = factor * (h[t] - target[min(t - shift, len(target) - 1)])
        return direct

    return read_every


def _read_every_at(h, target, steps, targets=None):
    direct = np.zeros_like(h)
    steps = steps[steps < len(h)]
    direct[steps] = h[steps] - target[steps - 1 if targets is None else targets]
    return direct


def _read_every_counted_back(h, target, every):
    return _read_every_at(h, target, np.arange(len(h) - 1, 0, -every))


def _read_every_targets_in_order(h, target, every):
    steps = np.arange(every, len(h), every)
    return _read_every_at(h, target, steps, np.arange(len(steps)))


def _read_every_normed(h, target, every):
    direct = read_every(h, target, every)
    sizes = np.linalg.norm(direct, axis=-1, keepdims=True)
    return direct / np.where(sizes == 0, 1, sizes)


def _read_every_into_h(h, target, every):
    h[:] = read_every(h, target, every)
    return h


def _read_every_with_target_t(h, target, every):
    direct = np.zeros_like(h)
    for t in range(every, len(h), every):
        direct[t] = h[t] - target[t]
    return direct


def _read_every_cases(rng):
    sizes = [(7, 2, 3, 2), (9, 1, 4, 3), (4, 3, 2, 1), (5, 1, 1, 5), (1, 2, 1, 1)]
    return [(rng.uniform(.1, .9, (T + 1, B, H)), rng.uniform(-.9, -.1, (T, B, H)), k) for T, B, H, k in sizes]


# 3.9 Sizes without a backward pass


def sizes(q, T, size_at_the_end):
    t = np.arange(T + 1)
    return abs(q) ** (T - t) * size_at_the_end


def _sizes_by_bptt(q, T, size_at_the_end):
    rng = np.random.default_rng(9)
    params = initialise.rnn(2, 6, rng, recurrent="orthogonal", gain=q)
    run = bptt.forward(params, rng.normal(size=(T, 1, 2)), activation="linear")
    direct = np.zeros_like(run.h)
    direct[-1] = initialise.orthogonal((1, 6), rng, gain=size_at_the_end)
    return np.linalg.norm(bptt.backward(run, direct).dh[:, 0], axis=-1)


def _sizes_one_by_one(q, T, size_at_the_end):
    result = [size_at_the_end]
    for _ in range(T):
        result.append(abs(q) * result[-1])
    return result[::-1]


BANK = Bank(3, "Backpropagation through time", [
    Exercise(
        "3.1", "One term for each use", minutes=4, difficulty=1,
        solution=terms, oracle=_terms_of_copies, cases=_terms_cases, time_axis=0,
        also_correct=(_terms_one_pass,),
        mistakes=[
            Mistake(lambda w, x, h0: terms(w, x, h0)[::-1],
                    "These are the terms in the opposite order. The first one belongs to step 1, the last "
                    "one to step T."),
            Mistake(lambda w, x, h0: w ** np.arange(len(x)) * _unit(w, x, h0)[:-1],
                    "The powers of w run the wrong way. A change at step t has T - t steps to go: step 1 has "
                    "the most."),
            Mistake(lambda w, x, h0: w ** np.arange(len(x) - 1, -1, -1.) * _unit(w, x, h0)[1:],
                    "Step t multiplies w by the state before it, h_{t-1}. You took h_t."),
            Mistake(lambda w, x, h0: _unit(w, x, h0)[:-1],
                    "This is the change that step t makes in h_t. It still has to travel from h_t to h_T."),
            Mistake(lambda w, x, h0: w ** np.arange(len(x), 0, -1.) * _unit(w, x, h0)[:-1],
                    "One factor w too many. Step T ends at h_T itself: its term has no factor w."),
            Mistake(lambda w, x, h0: terms(w, x, h0).sum(),
                    "This is the sum. Return the T terms on their own."),
            Mistake(lambda w, x, h0: terms(w, x, 0.),
                    "The unit starts from 0 here. It starts from h0, which is what step 1 multiplies w by."),
            Mistake(lambda w, x, h0: w ** np.arange(len(x) - 1, -1, -1.) * x,
                    "Step t multiplies w by the state before it, h_{t-1}. You took the input x_t."),
            Mistake(lambda w, x, h0: w ** np.arange(len(x) - 1, -1, -1.) * h0,
                    "Every term has h0. Step t multiplies w by the state before it, h_{t-1}."),
            Mistake(lambda w, x, h0: w ** np.arange(len(x) - 1, -1, -1.),
                    "These are the factors dh_T/dh_t. Each term has a second factor: what step t multiplies w by."),
            Mistake(lambda w, x, h0: w ** np.arange(len(x)) * _unit(w, x, h0)[1:],
                    "Two slips: the powers of w run the wrong way, and step t multiplies w by h_{t-1}, not by h_t."),
            Mistake(lambda w, x, h0: np.arange(1, len(x) + 1) * w ** np.arange(len(x)) * h0,
                    "This is the derivative of w ** t * h0. The unit also reads x, so use the states h_{t-1}."),
            Mistake(lambda w, x, h0: w ** np.arange(len(x) - 2, -2, -1.) * _unit(w, x, h0)[:-1],
                    "One factor w too few. From h_t to h_T there are T - t steps."),
            Mistake(lambda w, x, h0: np.cumsum(terms(w, x, h0)),
                    "The terms were added up on the way. Return each on its own."),
            Mistake(_terms_of_w_times_both,
                    "The unit adds x_t after w: h_t = w h_{t-1} + x_t. You multiplied both by w."),
            Mistake(_terms_of_tanh, "There is a tanh in it. This unit has none: h_t = w h_{t-1} + x_t."),
            Mistake(lambda w, x, h0: abs(w) ** np.arange(len(x) - 1, -1, -1.) * _unit(w, x, h0)[:-1],
                    "The sign of w is lost: a negative w changes the sign at every step."),
            Mistake(lambda w, x, h0: np.append(terms(w, x, h0), _unit(w, x, h0)[-1]),
                    "One term too many: w is used T times, at the steps 1 to T."),
            Mistake(_terms_reads_x_t, "x has T entries, from x[0] to x[T - 1]: x_t is x[t - 1], since Python counts "
                    "from 0."),
            Mistake(_terms_by_division,
                    "It divides by powers of w, and where w is 0 or nearly so that gives NaN. Multiply instead: "
                    "w ** (T - t)."),
            Mistake(lambda w, x, h0: np.full(len(x), terms(w, x, h0)[0]),
                    "All terms are the one of step 1. Each step has its own state and its own way to the end."),
            Mistake(_unit, "These are the states. The term of step t is h_{t-1}, times what carries it to the end."),
        ],
        hints=["At step t, w is multiplied by one number. Which one? And how does a change of h_t reach h_T?",
               "First compute all states. Then the term of step t is (something that depends on T - t) "
               "* h[t - 1].",
               "dh_T/dh_t = w ** (T - t)."],
    ),
    Prediction("3.2", "w = 0.9 and 20 steps with inputs around 1: which share of dL/dw, in percent, do the "
                      "last 5 steps hold?", unit="percent"),
    Exercise(
        "3.3", "One step back", minutes=4, difficulty=2,
        solution=step_back, oracle=_step_back_complex, cases=_step_back_cases,
        also_correct=(_step_back_row_by_row,),
        mistakes=[
            Mistake(lambda W, h, dh, direct: direct + ((1 - h**2) * dh) @ W.T,
                    "W_hh is the wrong way round. Forward, a row of states meets W_hh.T, so h[j] reaches "
                    "a[i] through W_hh[i, j]. Backward, a row of gradients goes from i to j."),
            Mistake(lambda W, h, dh, direct: direct + dh @ W,
                    "The slope of tanh is missing: dh_t was carried through W_hh as if it were dL/da_t."),
            Mistake(lambda W, h, dh, direct: direct + ((1 - np.tanh(h)**2) * dh) @ W,
                    "h_t is tanh(a_t) already. You took the tanh of it once more: 1 - tanh(a)^2 is a formula "
                    "for a."),
            Mistake(lambda W, h, dh, direct: direct + (1 - h**2) * (dh @ W),
                    "The order is wrong. h_t came out of tanh after W_hh; going back, tanh comes first, then "
                    "W_hh."),
            Mistake(lambda W, h, dh, direct: ((1 - h**2) * dh) @ W,
                    "What the loss reads from h_{t-1} itself is missing: direct_before has to be added."),
            Mistake(lambda W, h, dh, direct: direct + ((1 - h) * dh) @ W,
                    "The slope of tanh is 1 - h^2. The square is missing."),
            Mistake(lambda W, h, dh, direct: ((1 - h**2) * (dh + direct)) @ W,
                    "direct_before was added at h_t. It is what the loss reads from h_{t-1}: add it after W_hh."),
            Mistake(lambda W, h, dh, direct: direct + (h * (1 - h) * dh) @ W,
                    "h (1 - h) is the slope of the sigmoid. This network has tanh: 1 - h^2."),
            Mistake(lambda W, h, dh, direct: 2 * direct + ((1 - h**2) * dh) @ W,
                    "direct_before was added twice."),
            Mistake(lambda W, h, dh, direct: direct + (1 - h**2) * dh,
                    "This is dL/da_t, plus direct_before. W_hh, which leads back to h_{t-1}, is missing."),
            Mistake(lambda W, h, dh, direct: direct + dh + ((1 - h**2) * dh) @ W,
                    "dh_t was added as it is. It reaches h_{t-1} only through the slope and W_hh."),
            Mistake(lambda W, h, dh, direct: direct * (((1 - h**2) * dh) @ W),
                    "The two were multiplied. What comes back and what the loss reads add up."),
            Mistake(lambda W, h, dh, direct: direct - ((1 - h**2) * dh) @ W,
                    "What comes back was subtracted. The two ways from h_{t-1} to the loss add up."),
            Mistake(lambda W, h, dh, direct: (1 - h**2) * dh,
                    "This is dL/da_t. It still has to go back through W_hh, and direct_before has to be added."),
            Mistake(lambda W, h, dh, direct: (1 - h**2) * (direct + dh @ W),
                    "The slope was put on everything, last. It belongs to dh_t alone, before W_hh."),
            Mistake(lambda W, h, dh, direct: (1 - h**2) * direct + ((1 - h**2) * dh) @ W,
                    "The slope was put on direct_before too. That is what the loss reads from h_{t-1}: add it as it "
                    "is."),
            Mistake(lambda W, h, dh, direct: direct + ((1 + h**2) * dh) @ W, "The slope of tanh is 1 - h^2: minus."),
            Mistake(lambda W, h, dh, direct: direct + np.tanh(dh) @ W,
                    "tanh was taken of the gradient. Going back, a gradient is multiplied by the slope, 1 - h^2."),
            Mistake(lambda W, h, dh, direct: direct + np.tanh(dh @ W),
                    "tanh was taken of the gradient. Going back, a gradient is multiplied by the slope, 1 - h^2, "
                    "before W_hh."),
            Mistake(lambda W, h, dh, direct: direct + W.T @ ((1 - h**2) * dh),
                    "W_hh.T @ is for columns. Each sequence is a row here: da_t @ W_hh."),
            Mistake(lambda W, h, dh, direct: (direct, ((1 - h**2) * dh) @ W),
                    "These are the two parts. The total gradient is their sum."),
            Mistake(lambda W, h, dh, direct: direct + ((1 - h**2) * dh).sum(0) @ W,
                    "The sequences were added up. Each row goes back on its own."),
            Mistake(lambda W, h, dh, direct: direct + ((1 - h**2) * dh) * np.diag(W),
                    "Only the diagonal of W_hh is used. Each unit hears all others: a product of matrices, @."),
        ],
        hints=["Two stations: from h_t back to a_t, then from a_t back to h_{t-1}. Then add what the loss "
               "reads there.",
               "da_t = (1 - h_t**2) * dh_t.",
               "The text has W_hh^T times a column. For rows, transpose both sides: (W^T d)^T = d^T W."],
    ),
    Exercise(
        "3.4", "All the way back", minutes=5, difficulty=2,
        solution=states_back, oracle=_states_back_complex, cases=_states_back_cases, time_axis=0,
        also_correct=(_states_back_columns,),
        mistakes=[
            Mistake(lambda run, dh_direct: dh_direct.copy(),
                    "This is the direct gradient. What comes back from later steps is missing."),
            Mistake(_states_back_wrong(carry="direct"),
                    "Only one step is carried. Going back from h_t you need the total gradient dh[t], which "
                    "holds everything from later steps, and not the direct one."),
            Mistake(_states_back_wrong(direct=False),
                    "The loss reads the earlier states too: dh_direct[t] has to be added at every step. (+= adds; "
                    "with = it is gone.)"),
            Mistake(_states_back_wrong(transposed=True),
                    "W_hh is transposed where it should not be: for rows it is da_t @ W_hh."),
            Mistake(_states_back_wrong(slope=np.ones_like),
                    "The slope of tanh is missing: dL/da_t = (1 - h_t**2) * dL/dh_t."),
            Mistake(_states_back_wrong(slope=lambda h: 1 - np.tanh(h)**2),
                    "run.h holds tanh(a_t). Its slope is 1 - h_t**2, with no tanh around h_t."),
            Mistake(_states_back_wrong(shift=-1),
                    "Off by one step: the slope on the way from h_t to h_{t-1} is taken at h_t, and you took "
                    "it at h_{t-1}."),
            Mistake(_states_back_wrong(steps=lambda T: range(T, 1, -1)),
                    "The loop stops at h_1. The last step back leads from h_1 to h_0, row 0: range(len(run.x), 0, "
                    "-1)."),
            Mistake(_states_back_wrong(steps=lambda T: range(T - 1, 0, -1)),
                    "The loop starts one step too late: the first step back leads from h_T to h_{T-1}."),
            Mistake(_states_back_in_place,
                    "The right gradients, but dh_direct is changed too: dh = dh_direct is no copy. Write "
                    "dh_direct.copy()."),
            Mistake(_states_back_from(lambda direct: np.ones_like(direct)),
                    "It starts with ones. It has to start with what the loss reads: a copy of dh_direct."),
            Mistake(_states_back_from(lambda direct: np.concatenate([direct[:-1], 0 * direct[-1:]])),
                    "The last row is 0: what the loss reads from h_T is missing, and all that comes back from it."),
            Mistake(_states_back_from(lambda direct: np.concatenate([direct[1:], direct[-1:]])),
                    "The direct gradient of the wrong step: to dh[t - 1] belongs dh_direct[t - 1]."),
            Mistake(_states_back_summed,
                    "The sequences were added up on the way. Each row goes back on its own."),
            Mistake(_states_back_past_the_end,
                    "There is no run.h[T + 1]: the rows go from 0 to T. range(len(run.x), 0, -1) begins at T."),
            Mistake(lambda run, dh_direct: np.where(
                np.abs(_states_back_columns(run, dh_direct)) < 1e-12, 0, _states_back_columns(run, dh_direct)),
                    "Small gradients were set to 0. They are small, not 0: in one case below 1e-20."),
            Mistake(_states_back_wrong(slope=lambda h: h * (1 - h)),
                    "h (1 - h) is the slope of the sigmoid. This network has tanh: 1 - h_t**2."),
            Mistake(_states_back_wrong(slope=lambda h: 1 - h),
                    "The slope of tanh is 1 - h_t**2. The square is missing."),
            Mistake(_states_back_slope_last,
                    "The order is wrong. Going back from h_t, tanh comes first, then W_hh."),
            Mistake(lambda run, dh_direct: _states_back_columns(run, dh_direct)[::-1],
                    "It runs backwards: row t belongs to h_t, row 0 to h_0."),
            Mistake(lambda run, dh_direct: _states_back_columns(run, dh_direct)[1:],
                    "Row 0 is missing. The initial state has a gradient too: T + 1 rows."),
            Mistake(_states_back_last_twice,
                    "The last row is counted twice. It starts as dh_direct[T], and nothing is added to it."),
        ],
        hints=["Start with a copy of dh_direct. Its last row is right already: nothing comes after step T.",
               "Go t = T, ..., 1 and add to dh[t - 1] what comes back from dh[t].",
               "range(len(run.x), 0, -1) runs from T down to 1."],
    ),
    Exercise(
        "3.5", "One matrix, used at every step", minutes=4, difficulty=2,
        solution=recurrent_gradient, oracle=_recurrent_gradient_complex, cases=_recurrent_gradient_cases,
        also_correct=(_recurrent_gradient_at_once,),
        mistakes=[
            Mistake(lambda run, dh: _each_step(run, dh)[-1],
                    "Only the last step's use of W_hh is counted. It was used at every step: sum over all of "
                    "them."),
            Mistake(lambda run, dh: _each_step(run, dh),
                    "One matrix for each step is right so far. There is one W_hh: sum them over time."),
            Mistake(lambda run, dh: np.einsum("tbi,tbj->ij", (1 - run.h[1:]**2) * dh[1:], run.h[1:]),
                    "At step t, W_hh is multiplied by h_{t-1}. You took h_t."),
            Mistake(lambda run, dh: np.einsum("tbi,tbj->ij", dh[1:], run.h[:-1]),
                    "dh is dL/dh_t. The matrix acts before the tanh, so it needs dL/da_t = (1 - h_t**2) * "
                    "dL/dh_t."),
            Mistake(lambda run, dh: _each_step(run, dh).sum(0).T,
                    "It is transposed: the row belongs to the unit that receives, da_t[i], the column to the "
                    "one that sends."),
            Mistake(lambda run, dh: np.einsum("tbi,tbj->bij", (1 - run.h[1:]**2) * dh[1:], run.h[:-1]),
                    "One matrix for each sequence is right so far. All sequences use the same W_hh: sum over "
                    "the batch."),
            Mistake(lambda run, dh: _each_step(run, dh).sum(0) / run.h.shape[1],
                    "The sum over the batch was divided by B. A mean, if there is one, is in the loss "
                    "already."),
            Mistake(lambda run, dh: np.einsum("tbi,tbj->ij", dh[1:] / np.cosh(run.h[1:])**2, run.h[:-1]),
                    "run.h holds tanh(a_t). Its slope is 1 - h_t**2, with no tanh around h_t."),
            Mistake(lambda run, dh: _each_step(run, dh)[1:].sum(0),
                    "Step 1 is left out. It uses W_hh too, on the initial state run.h[0]."),
            Mistake(lambda run, dh: _each_step(run, dh)[:-1].sum(0),
                    "The last step is left out. range(1, T + 1) ends at T."),
            Mistake(lambda run, dh: _each_step(run, dh)[0],
                    "Only the first step's use of W_hh is counted. Sum over all steps."),
            Mistake(lambda run, dh: _each_step(run, dh).mean(0),
                    "The mean over the steps was taken. Each use of W_hh adds to its gradient: sum."),
            Mistake(lambda run, dh: np.einsum("tbi,tbj->ij", (1 - run.h[:-1]**2) * dh[1:], run.h[:-1]),
                    "The slope was taken at h_{t-1}. At step t it is the one of a_t: 1 - h_t**2."),
            Mistake(lambda run, dh: np.einsum("tbi,tbj->ij", (1 - run.h[1:]**2) * dh[:-1], run.h[:-1]),
                    "dL/dh_{t-1} was used. Step t makes h_t, so it needs dh[t]."),
            Mistake(lambda run, dh: np.einsum("tbi,tcj->ij", (1 - run.h[1:]**2) * dh[1:], run.h[:-1]),
                    "The batch was summed before the product, which mixes the sequences. Multiply each sequence's da_t "
                    "by its own h_{t-1}, then add."),
            Mistake(lambda run, dh: np.einsum("tbi,sbj->ij", (1 - run.h[1:]**2) * dh[1:], run.h[:-1]),
                    "Time was summed before the product, which mixes the steps. Multiply each step's da_t by its own "
                    "h_{t-1}, then add."),
            Mistake(lambda run, dh: _each_step(run, dh[:, :1] * np.eye(dh.shape[1])[0][:, None]).sum(0),
                    "This is the first sequence alone. All sequences use the same W_hh: sum over the batch."),
            Mistake(lambda run, dh: np.einsum("tbi,tbj->ij", dh[:-1], run.h[:-1]),
                    "dL/dh_{t-1} was used in place of dL/da_t = (1 - h_t**2) * dL/dh_t."),
            Mistake(lambda run, dh: np.einsum("tbi,tbj->ij", (1 - run.h[1:]**2) * dh[1:], run.h[[0] * len(run.x)]),
                    "Every step uses the initial state. Step t multiplies W_hh by h_{t-1}."),
            Mistake(lambda run, dh: np.einsum("tbi,tbj->ij", (1 - run.h**2) * dh, run.h),
                    "Each row was multiplied by its own state, and row 0 was counted too. Step t, from 1 to T, has "
                    "da_t and h_{t-1}."),
            Mistake(lambda run, dh: _each_step(run, dh).sum(0) @ run.params.W_hh,
                    "It was multiplied by W_hh. That leads back to h_{t-1}; the gradient of W_hh itself ends with da_t "
                    "and h_{t-1}."),
            Mistake(lambda run, dh: -_each_step(run, dh).sum(0),
                    "The sign is the other one. An update subtracts the gradient; here the gradient itself is asked "
                    "for."),
            Mistake(lambda run, dh: np.einsum("tbi,tbd->id", (1 - run.h[1:]**2) * dh[1:], run.x),
                    "This is dL/dW_xh, made with the inputs. W_hh is multiplied by the states, h_{t-1}."),
            Mistake(lambda run, dh: np.einsum("tbi,tbi->i", (1 - run.h[1:]**2) * dh[1:], run.h[:-1]),
                    "This is the diagonal: each unit with itself. Entry [i, j] pairs da_t[i] with h_{t-1}[j]."),
            Mistake(lambda run, dh: ((1 - run.h[1:]**2) * dh[1:]).T @ run.h[:-1],
                    ".T turns round all three axes. Do it step by step, da_t.T @ run.h[t - 1], or with np.einsum."),
            Mistake(lambda run, dh: (1 - run.h[1:]**2) * dh,
                    "dh has a row for h_0, and no step makes h_0: use dh[1:] beside run.h[:-1]."),
            Mistake(lambda run, dh: np.einsum("tbi,tbj->ij", run.h[1:] * (1 - run.h[1:]) * dh[1:], run.h[:-1]),
                    "h (1 - h) is the slope of the sigmoid. This network has tanh: 1 - h_t**2."),
            Mistake(lambda run, dh: np.einsum("tbi,tbj->ij", (1 - run.h**2) * dh, np.roll(run.h, 1, axis=0)),
                    "At t = 0 the index t - 1 is -1, the last state. No step makes h_0: begin at t = 1."),
        ],
        hints=["The copy of W_hh at step t: a_t = ... + W_hh h_{t-1}. What is dL/dW_hh[i, j] of that step?",
               "dL/da_t[i] * h_{t-1}[j]. Then sum over the sequences and over the steps.",
               "da_t.T @ run.h[t - 1] sums over the batch."],
    ),
    Exercise(
        "3.12", "One whole training step", minutes=12, difficulty=3,
        solution=training_gradients, oracle=_training_complex, cases=_training_cases,
        returns=("dW_xh", "dW_hh", "db_h", "dW_hy", "db_y"),
        also_correct=(_training_by_the_library,),
        mistakes=[
            Mistake(_training_of(scale=lambda y: 1 / y.size), "Half of it: the slope of the square has a factor 2."),
            Mistake(_training_of(scale=lambda y: 2.),
                    "This is the gradient of a sum. The loss is the mean over the batch and the outputs: divide by "
                    "y.size."),
            Mistake(_training_of(scale=lambda y: 2 / len(y)),
                    "It is divided by the batch alone. The mean is over the batch and the outputs, y.size numbers."),
            Mistake(_training_of(scale=lambda y: 2 / y.shape[-1]),
                    "It is divided by the outputs alone. The mean is over the batch and the outputs, y.size numbers."),
            Mistake(_training_of(scale=lambda y: -2 / y.size),
                    "The sign is the other one. An update subtracts the gradient; here the gradient itself is asked "
                    "for."),
            Mistake(_training_of(error=lambda y, target: y),
                    "The target is missing: dL/dy = 2 (y - target) / y.size."),
            Mistake(_training_of(error=lambda y, target: (y - target)**2 / 2),
                    "The error is still squared. The slope of (y - target)^2 is 2 (y - target)."),
            Mistake(_training_of(error=lambda y, target: (y - target) * (1 - y**2)),
                    "There is a slope of tanh in dL/dy. The readout has no activation: it is 2 (y - target) / y.size."),
            Mistake(_training_of(slope=np.ones_like),
                    "The slope of tanh is missing: da_t = (1 - h_t**2) * dh_t."),
            Mistake(_training_of(slope=lambda h: 1 - np.tanh(h)**2),
                    "h_t is tanh(a_t) already. Its slope is 1 - h_t**2, with no tanh around h_t."),
            Mistake(_training_of(slope=lambda h: 1 - h), "The slope of tanh is 1 - h_t**2. The square is missing."),
            Mistake(_training_of(slope=lambda h: h * (1 - h)),
                    "h (1 - h) is the slope of the sigmoid. This network has tanh: 1 - h_t**2."),
            Mistake(_training_of(before=lambda h, t: h[t]),
                    "dW_hh was made with h_t. Step t multiplies W_hh by the state before it, h_{t-1}."),
            Mistake(_training_of(once=True),
                    "The recurrent gradients hold the last step alone. The weights are used at every step: go on to "
                    "step 1 and add."),
            Mistake(_training_of(first=1),
                    "Step 1 is left out. It uses W_xh and b_h too: range(T, 0, -1) ends with t = 1."),
            Mistake(_training_of(carry=lambda da, W_hh: da @ W_hh.T),
                    "W_hh is transposed on the way back. For rows it is dh = da_t @ W_hh."),
            Mistake(_training_of(carry=lambda da, W_hh: da),
                    "W_hh is missing on the way back: from da_t to dh_{t-1} it is da_t @ W_hh."),
            Mistake(_training_of(out=lambda h, dy: (sum(dy.T @ h_t for h_t in h[1:]), len(h[1:]) * dy.sum(axis=0))),
                    "The readout's gradients add up over all steps. Here the loss reads the last output alone, so the "
                    "readout is used once, on h_T."),
            Mistake(_training_of(out=lambda h, dy: (sum(dy.T @ h_t for h_t in h[1:]), dy.sum(axis=0))),
                    "dW_hy adds up the states of all steps. The loss reads the last output alone: dy.T @ h_T."),
            Mistake(_training_of(out=lambda h, dy: (dy.T @ h[-2], dy.sum(axis=0))),
                    "dW_hy was made with the state before the last. The readout reads h_T."),
            Mistake(_training_of(out=lambda h, dy: (dy.T @ ((1 - h[-1]**2) * h[-1]), dy.sum(axis=0))),
                    "There is a slope of tanh in dW_hy. The readout has no activation: dy.T @ h_T."),
            Mistake(_training_of(out=lambda h, dy: ((dy.T @ h[-1]).T, dy.sum(axis=0))),
                    "dW_hy is transposed: it has the shape of W_hy, (K, H). That is dy.T @ h_T."),
            Mistake(_training_of(out=lambda h, dy: (dy.T @ h[-1], dy)),
                    "db_y has a row for each sequence. All of them share b_y: sum over the batch."),
            Mistake(_training_of(out=lambda h, dy: (dy.T @ h[-1], dy.mean(axis=0))),
                    "db_y is the mean over the batch. dL/dy holds that division already: sum."),
            Mistake(_training_of(back=lambda dy, W_hy: dy.sum(axis=-1, keepdims=True) * np.ones(W_hy.shape[1])),
                    "W_hy is missing on the way from dL/dy to dL/dh_T: it is dy @ W_hy."),
            Mistake(_training_every_step, "The loss of every step is in it. Here L reads the last output alone."),
            Mistake(_training_without(2),
                    "The bias b_h is left out of a_t on the way forward, so the states are those of another network."),
            Mistake(_training_without(4), "The bias b_y is left out of y, so the error is another one."),
            Mistake(_training_without(1), "W_hh h_{t-1} is left out of a_t on the way forward."),
            Mistake(_training_swapped(2, 4), "db_h and db_y have changed places: the order is that of the arguments."),
            Mistake(_training_swapped(0, 1),
                    "dW_xh and dW_hh have changed places: the order is that of the arguments."),
            Mistake(lambda *arguments: _training_of()(*arguments)[3:] + _training_of()(*arguments)[:3],
                    "The readout's gradients come first here. The order is that of the arguments: dW_xh, dW_hh, db_h, "
                    "dW_hy, db_y."),
            Mistake(lambda *arguments: tuple(
                param - .1 * grad for param, grad in zip(arguments, _training_of()(*arguments))),
                    "These are updated parameters. Return the five gradients."),
        ],
        hints=["Forward first, and keep every state: h[0] is zeros, h[t] = tanh(x_t W_xh^T + h[t-1] W_hh^T + b_h).",
               "The loss reads y_T alone: dy = 2 * (y - target) / y.size, then dW_hy = dy.T @ h[-1], db_y = dy.sum(0) "
               "and dh = dy @ W_hy.",
               "For t = T ... 1: da_t = (1 - h[t]**2) * dh; add da_t.T @ x[t - 1], da_t.T @ h[t - 1] and da_t.sum(0); "
               "then dh = da_t @ W_hh."],
    ),
    Prediction("3.6", "60 steps, and the loss reads out[-1]: at how many steps is out.grad not zero?"),
    Exercise(
        "3.7", "Where the loss reads", minutes=3, difficulty=1,
        solution=read_every, oracle=_read_every_complex, cases=_read_every_cases, time_axis=0,
        also_correct=(_read_every_sliced,),
        mistakes=[
            Mistake(_read_every_wrong(lambda every: 1),
                    "It starts at step 1. The first step that has a loss is step `every`."),
            Mistake(_read_every_wrong(lambda every: 0),
                    "It reads h_0 too. The initial state has no loss: the first one is at step `every`."),
            Mistake(_read_every_with_target_t,
                    "target[t] belongs to step t + 1: target has no row for the initial state. The target of h[t] is "
                    "target[t - 1]."),
            Mistake(_read_every_wrong(lambda every: every, shift=0),
                    "Off by one: target starts at step 1, so the target of h[t] is target[t - 1]."),
            Mistake(_read_every_wrong(lambda every: every, factor=2),
                    "Twice too large: the 1/2 in front of the sum takes the 2 of the square away."),
            Mistake(_read_every_wrong(lambda every: every, factor=-1),
                    "The sign is the other one: if h_t is above its target, the loss grows with h_t."),
            Mistake(lambda h, target, every: read_every(h, target, every)[1:],
                    "Row 0 is missing. It belongs to h_0, has the shape of the others, and holds zeros."),
            Mistake(_read_every_wrong(lambda every: every, last=-1),
                    "Step T is left out. If it is a multiple of `every` the loss reads it too: range(every, T + 1, "
                    "every)."),
            Mistake(lambda h, target, every: np.concatenate([0 * h[:1], h[1:] - target]),
                    "The loss reads every step here. It reads only t = every, 2 every, ..."),
            Mistake(_read_every_wrong(lambda every: every, factor=.5),
                    "Half of it: the slope of the square has a 2, which takes the 1/2 away."),
            Mistake(lambda h, target, every: read_every(h, target, every) + np.eye(len(h))[0][:, None, None]
                    * (h - np.concatenate([target[:1], target])),
                    "Row 0 is read too. The initial state has no loss: the first one is at step `every`."),
            Mistake(lambda h, target, every: np.where((direct := read_every(h, target, every)) == 0, h, direct),
                    "Where the loss reads nothing, h stands. There has to be 0."),
            Mistake(lambda h, target, every: read_every(h, target, every)**2 / 2,
                    "This is the loss, entry by entry. Its slope is h_t - target_t."),
            Mistake(lambda h, target, every: read_every(h, target, every) / ((len(h) - 1) // every),
                    "It is divided by the number of steps that are read. This loss is a sum, not a mean."),
            Mistake(lambda h, target, every: read_every(h, target, every)
                    * (np.arange(len(h)) == len(h) - 1)[:, None, None],
                    "Only step T is read, if at all. The loss reads t = every, 2 every, ... up to T."),
            Mistake(_read_every_counted_back,
                    "The steps were counted back from T. They are counted from 0: every, 2 every, ..."),
            Mistake(_read_every_targets_in_order,
                    "The targets were taken one after the other. Each step has its own: target[t - 1] for h[t]."),
            Mistake(lambda h, target, every: _read_every_at(h, target, np.arange(1, every + 1)),
                    "These are the first steps, one after the other. The loss reads every k-th: every, 2 every, ..."),
            Mistake(lambda h, target, every: _read_every_normed(h, target, every),
                    "It is divided by its length, which is the slope of |h - target|. The loss has the square."),
            Mistake(_read_every_into_h, "What the loss reads is right, but h is changed. Start from np.zeros_like(h)."),
            Mistake(lambda h, target, every: (read_every(h, target, every) != 0) * 1.,
                    "There are ones where the loss reads. What stands there is its slope, h_t - target_t."),
            Mistake(lambda h, target, every: read_every(h, 0 * target, every),
                    "The targets are missing: the slope of 1/2 (h - target)^2 is h - target."),
            Mistake(lambda h, target, every: read_every(h, target, every)**2,
                    "These are squares, as in the loss. Its slope is h_t - target_t."),
            Mistake(lambda h, target, every: (read_every(h, target, every)**2).sum() / 2,
                    "This is the loss itself. Asked for is its gradient, an array shaped like h."),
            Mistake(lambda h, target, every: read_every(h, target, every)[every::every],
                    "These are the rows that have a loss, alone. Return an array shaped like h, with zeros elsewhere."),
            Mistake(lambda h, target, every: read_every(h, target, every) / h.shape[1],
                    "It is divided by the number of sequences. This loss is a sum, not a mean."),
        ],
        hints=["Start from np.zeros_like(h) and fill the rows that have a loss.",
               "range(every, len(h), every) gives every, 2 every, ... up to T.",
               "The gradient of 1/2 (h - target)^2 is h - target."],
    ),
    Prediction("3.8", "A tanh network with torch's recurrent weights, 50 steps: |dL/dh_0| divided by |dL/dh_50|?",
               scale="log10", close=2., digits=1),
    Exercise(
        "3.9", "Sizes without a backward pass", minutes=3, difficulty=2,
        solution=sizes, oracle=_sizes_by_bptt, time_axis=0,
        cases=lambda rng: [(.5, 60, .7), (1.5, 12, 2.), (-.9, 25, 1.3), (-1., 4, .6), (.8, 1, 3.), (0, 3, .8)],
        also_correct=(_sizes_one_by_one,),
        mistakes=[
            Mistake(lambda q, T, size: abs(q) ** np.arange(T + 1) * size,
                    "Time runs the wrong way: at t = T nothing is multiplied yet, at t = 0 there are T "
                    "factors."),
            Mistake(lambda q, T, size: q ** np.arange(T, -1, -1.) * size,
                    "A size is never negative: for q below 0 the direction flips at each step, and the size "
                    "goes with |q|."),
            Mistake(lambda q, T, size: abs(q) ** (2 * np.arange(T, -1, -1.)) * size,
                    "These are squares. Q keeps the length, so one step changes it by |q|."),
            Mistake(lambda q, T, size: abs(q) ** np.arange(T + 1, 0, -1.) * size,
                    "One factor too many: from h_T to h_T there is no step."),
            Mistake(lambda q, T, size: abs(q) ** np.arange(T - 1, -1, -1.) * size,
                    "There are T + 1 states, from h_0 to h_T. One is missing."),
            Mistake(lambda q, T, size: abs(q) ** np.arange(T, -1, -1.),
                    "These are the factors. Multiply them by size_at_the_end."),
            Mistake(lambda q, T, size: np.full(T + 1, size),
                    "All sizes are equal here. Q keeps the length, and q multiplies it at every step."),
            Mistake(lambda q, T, size: np.float64(abs(q)) ** -np.arange(T, -1, -1.) * size,
                    "You divided by |q|. On the way back each step multiplies by it."),
            Mistake(lambda q, T, size: abs(q) ** (np.arange(T, -1, -1.) / 2) * size,
                    "A root of |q| was taken. Q keeps the length, so one step changes it by |q| itself."),
            Mistake(lambda q, T, size: abs(q) * np.arange(T, -1, -1.) * size,
                    "You multiplied by the number of steps. T - t steps multiply by |q| each: a power."),
            Mistake(lambda q, T, size: np.linspace(abs(q) ** T * size, size, T + 1),
                    "This is a straight line between the right ends. Each step multiplies by |q|."),
            Mistake(lambda q, T, size: abs(q) ** np.arange(T, -1, -1.) + size,
                    "The size at the end was added. It is multiplied by the powers of |q|."),
            Mistake(lambda q, T, size: (abs(q) * size) ** np.arange(T, -1, -1.),
                    "The size at the end stands within the power. Only |q| is multiplied again and again."),
            Mistake(lambda q, T, size: np.exp(q * np.arange(T, -1, -1.)) * size,
                    "This is e to the power of q times the steps. Each step multiplies by |q|: |q| ** (T - t)."),
            Mistake(lambda q, T, size: np.minimum(abs(q), 1.) ** np.arange(T, -1, -1.) * size,
                    "A step multiplies by at most 1 here. There is no activation: with |q| above 1 the gradient "
                    "grows."),
            Mistake(lambda q, T, size: max(q, 0.) ** np.arange(T, -1, -1.) * size,
                    "For a negative q it gives 0. q Q turns the vector round as well; its length goes with |q|."),
            Mistake(lambda q, T, size: (abs(q) ** np.arange(T, -1, -1.) * size).astype(int),
                    "These are whole numbers: an array of integers cuts off what is put into it."),
            Mistake(lambda q, T, size: np.exp(np.arange(T, -1, -1.) * np.log(np.float64(abs(q)))) * size,
                    "For q = 0 the logarithm is -inf, and 0 times it is NaN. Use the power, abs(q) ** (T - t)."),
            Mistake(lambda q, T, size: np.exp(-abs(q) * np.arange(T, -1, -1.)) * size,
                    "This is an exponential of q. Each step multiplies by |q|: a power of q."),
            Mistake(lambda q, T, size: abs(q) ** T * size,
                    "This is |dL/dh_0| alone. Return the sizes for all t from 0 to T."),
            Mistake(lambda q, T, size: (1 - np.arange(T, -1, -1.) * (1 - abs(q))) * size,
                    "The same amount is taken off at each step. A step multiplies by |q|."),
        ],
        hints=["An orthogonal matrix turns a vector and keeps its length. What does q Q do with the length?",
               "From h_T to h_t there are T - t steps.",
               "The size is never negative, so the factor is abs(q)."],
    ),
    Prediction("3.10", "The same networks with a loss at every step: what does |dL/dh_1| do as T grows from "
                       "10 to 100?", kind="choice",
               choices=("it shrinks as before", "it hardly changes", "it grows tenfold")),
    Prediction("3.11", "Twice as many steps: how many times as many multiplications does the backward pass "
                       "need?", unit="times"),
])
