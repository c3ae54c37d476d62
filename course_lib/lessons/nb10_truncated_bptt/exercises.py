"""The exercises of lesson 10, truncated backpropagation through time."""

from __future__ import annotations

import gc
import weakref
from decimal import Decimal, localcontext
from fractions import Fraction
from itertools import product
from math import comb
from typing import NamedTuple

import numpy as np

from ... import bptt, cells, gradcheck, initialise
from ...exercises.bank import Bank, Exercise, Mistake, Prediction


# 10.2 How many steps back


def steps_back(T, k, kind):
    if kind == "window":
        return sum(min(s, k) for s in range(1, T + 1))
    return T


def _steps_back_by_walking(T, k, kind):
    walked = 0
    if kind == "window":
        for s in range(1, T + 1):  # each loss walks back alone
            t = s
            while t > 0 and t > s - k:
                walked, t = walked + 1, t - 1
        return walked
    for start in range(0, T, k):
        for _ in range(start, min(start + k, T)):  # the losses of a chunk share one way back
            walked += 1
    return walked


def _steps_back_closed(T, k, kind):
    k = min(k, T)
    return k * T - k * (k - 1) // 2 if kind == "window" else T


# 10.3 Through a window


def windowed(w, x, h0, k):
    h = [h0]
    for x_t in x:
        h.append(w * h[-1] + x_t)
    gradient = 0.
    for s in range(1, len(h)):
        for t in range(max(1, s - k + 1), s + 1):
            gradient += w ** (s - t) * h[t - 1]
    return gradient


def _unit(w, x, h0):
    h = [h0]
    for x_t in x:
        h.append(w * h[-1] + x_t)
    return h


def _windowed_by_restarts(w, x, h0, k):
    h = _unit(w, x, h0)

    def last(one, s):  # from the state k steps before, which is a number now
        start = max(0, s - k)
        return _unit(one, x[start:s], h[start])[-1]

    return sum(gradcheck.complex_step(lambda one: last(one, s), np.array(float(w))) for s in range(1, len(h)))


def _windowed_carried(w, x, h0, k):
    h = np.array(_unit(w, x, h0))
    return sum(w**j * h[:len(x) - j].sum() for j in range(min(k, len(x))))


def _windowed_last_only(w, x, h0, k):
    h, T = _unit(w, x, h0), len(x)
    return sum(w ** (T - t) * h[t - 1] for t in range(max(1, T - k + 1), T + 1))


def _windowed_in_chunks(w, x, h0, k):
    h = _unit(w, x, h0)
    return sum(w ** (s - t) * h[t - 1] for s in range(1, len(h)) for t in range((s - 1) // k * k + 1, s + 1))


def _windowed_state_after(w, x, h0, k):
    h = _unit(w, x, h0)
    return sum(w ** (s - t) * h[t] for s in range(1, len(h)) for t in range(max(1, s - k + 1), s + 1))


def _windowed_from_zero(first):
    """Windows that restart from zero; the one at the start from first times h0."""
    def windowed(w, x, h0, k):
        total = 0
        for s in range(1, len(x) + 1):
            start = max(0, s - k)
            h = _unit(w, x[start:s], first * h0 if start == 0 else 0.)
            total += sum(w ** (len(h) - 2 - j) * h[j] for j in range(len(h) - 1))
        return total

    return windowed


def _windowed_sum(term):
    def windowed(w, x, h0, k):
        h = _unit(w, x, h0)
        return sum(term(w, h, s, t) for s in range(1, len(h)) for t in range(max(1, s - k + 1), s + 1))

    return windowed


def _windowed_wrapped(w, x, h0, k):
    h = _unit(w, x, h0)
    return sum(w ** (s - t) * h[t - 1] for s in range(1, len(h)) for t in range(s - k + 1, s + 1) if t > -len(h) + 1)


def _windowed_from_the_front(w, x, h0, k):
    h = _unit(w, x, h0)
    return sum(w ** (s - t) * h[t - 1] for s in range(1, len(h)) for t in range(1, min(k, s) + 1))


def _windowed_of_sums(w, x, h0, k):
    h = h0 + np.cumsum(np.append(0., x))
    return sum(w ** (s - t) * h[t - 1] for s in range(1, len(h)) for t in range(max(1, s - k + 1), s + 1))


def _windowed_chunks_from_zero(w, x, h0, k):
    parts = [x[start:start + k] for start in range(0, len(x), k)]
    return sum(_windowed_carried(w, part, h0 if i == 0 else 0., k) for i, part in enumerate(parts))


def _windowed_without_factors(w, x, h0, k):
    h = _unit(w, x, h0)
    return sum(h[t - 1] for s in range(1, len(h)) for t in range(max(1, s - k + 1), s + 1))


def _windowed_cases(rng):
    return [(w, rng.uniform(.5, 1.5, T), rng.uniform(.5, 1.5), k)
            for w, T, k in [(.9, 7, 3), (-.8, 10, 4), (.7, 5, 9), (1.1, 8, 1)]]


# 10.4 Chunk by chunk


def chunked(params, x, k):
    state, dW_hh = None, np.zeros_like(params.W_hh)
    for start in range(0, len(x), k):
        run = bptt.forward(params, x[start:start + k], state)
        direct = run.h.copy()
        direct[0] = 0
        dW_hh += bptt.backward(run, direct).grads.W_hh
        state = run.h[-1]
    return dW_hh


def _chunked_by_restarts(params, x, k):
    h = bptt.forward(params, x).h
    W_xh, _, b_h = params

    def loss(W_hh):
        total = 0
        for t, x_t in enumerate(x):
            before = h[t] if t % k == 0 else state  # a chunk starts from a number
            state = np.tanh(x_t @ W_xh.T + before @ W_hh.T + b_h)
            total = total + (state * state).sum() / 2
        return total

    return gradcheck.complex_step(loss, params.W_hh)


def _chunked_by_one_run(params, x, k):
    run, dW_hh = bptt.forward(params, x), 0
    for start in range(0, len(x), k):
        end, dh = min(start + k, len(x)), 0
        for t in range(end, start, -1):
            da = (1 - run.h[t] ** 2) * (dh + run.h[t])
            dW_hh = dW_hh + da.T @ run.h[t - 1]
            dh = da @ params.W_hh
    return dW_hh


def _chunked_wrong(carry=True, own=False, window=False, read=lambda h: h, last=False):
    def chunked(params, x, k):
        if window:
            run = bptt.forward(params, x)
            direct = run.h.copy()
            direct[0] = 0
            return bptt.backward(run, direct, window=k).grads.W_hh
        state, dW_hh = None, np.zeros_like(params.W_hh)
        for start in range(0, len(x), k):
            run = bptt.forward(params, x[start:start + k], state)
            direct = bptt.at_end(run, run.h[-1]) if last else read(run.h) + 0.
            direct[0] = 0
            gradient = bptt.backward(run, direct).grads.W_hh
            dW_hh = gradient if own else dW_hh + gradient
            state = run.h[-1] if carry else None
        return dW_hh

    return chunked


def _chunked_of_W_xh(params, x, k):
    state, dW_xh = None, 0
    for start in range(0, len(x), k):
        run = bptt.forward(params, x[start:start + k], state)
        dW_xh, state = dW_xh + bptt.backward(run, run.h + 0.).grads.W_xh, run.h[-1]
    return dW_xh


def _chunked_of_the_end(params, x, k):
    run = bptt.forward(params, x)
    return bptt.backward(run, bptt.at_end(run, run.h[-1])).grads.W_hh


def _chunked_pieces(params, x, pieces, carry=-1):
    state, dW_hh = None, np.zeros_like(params.W_hh)
    for piece in pieces:
        run = bptt.forward(params, x[piece], state)
        dW_hh, state = dW_hh + bptt.backward(run, run.h + 0.).grads.W_hh, run.h[carry]
    return dW_hh


def _chunked_carried(carry):
    return lambda params, x, k: _chunked_pieces(params, x, [slice(t, t + k) for t in range(0, len(x), k)], carry)


def _chunked_short_first(params, x, k):
    ends = range(len(x) % k or k, len(x) + 1, k)
    return _chunked_pieces(params, x, [slice(max(0, end - k), end) for end in ends])


def _chunked_overlapping(params, x, k):
    return _chunked_pieces(params, x, [slice(t, t + k + 1) for t in range(0, len(x), k)])


def _chunked_full(params, x, k):
    return chunked(params, x, len(x))


def _chunked_cases(rng):
    cases = []
    for gain, T, B, D, H, k in [(1., 12, 2, 3, 4, 4), (.8, 7, 3, 1, 2, 3), (1.3, 9, 1, 2, 3, 1), (.9, 4, 2, 2, 3, 9)]:
        params = initialise.rnn(D, H, rng, gain=gain, input_gain=.5)._replace(b_h=.3 * rng.normal(size=H))
        cases.append((params, rng.normal(size=(T, B, D)), k))
    return cases


# 10.8 The smallest honest window


def first_negative():
    A = .5 * np.eye(5) + .5 * np.eye(5, k=1)
    influence = np.array([1., 1., -1., -1., -1.])
    seen, k = 0., 0
    while seen >= 0:
        seen, k = seen + influence[0], k + 1
        influence = A @ influence
    return k


def _first_negative_by_binomials():
    def term(j):
        row = [Fraction(comb(j, i), 2**j) for i in range(5)]
        return sum(row[:2]) - sum(row[2:])

    return next(k for k in range(1, 100) if sum(map(term, range(k))) < 0)


# 10.11 A window for a share


def window_for(q, share):
    k = int(np.log(share) / np.log(q))
    while q**k > share:                         # more is left; and logarithms are rounded
        k += 1
    return k


def _window_by_decimals(q, share):
    """By walking, with so many digits that a product of a few steps is exact."""
    with localcontext(prec=100):
        k, left = 0, Decimal(1)
        while left > Decimal(share):
            k, left = k + 1, left * Decimal(q)
    return k


def _window_by_ceil(q, share):
    return int(np.ceil(np.log(share) / np.log(q)))


def _window_counted(q, share):
    return int((q ** np.arange(20000.) > share).sum())


# 10.12 Weights for random cuts


def random_truncation(terms, cut, c):
    estimate, reached = 0., 1.
    for term, stop, chance in zip(terms, cut, c):
        estimate += term / reached
        if stop:
            break
        reached *= 1 - chance
    return estimate


def _random_truncation_by_counting(terms, cut, c):
    """The chance that a term is reached: the chances of all patterns of cuts that reach it, added up."""
    patterns = np.array(list(product([False, True], repeat=len(terms))))
    chances = np.where(patterns, c, 1 - c).prod(1)
    ends = [pattern.argmax() if pattern.any() else len(terms) - 1 for pattern in [*patterns, cut]]
    return sum(terms[j] / chances[[j <= end for end in ends[:-1]]].sum() for j in range(ends[-1] + 1))


def _random_truncation_cumulative(terms, cut, c):
    passed = np.append(1., ~cut[:-1] / (1 - c[:-1]))  # 1 / (1 - c) where the way goes on, 0 behind a cut
    return np.cumprod(passed) @ terms


def _random_truncation_wrong(weights):
    def random_truncation(terms, cut, c):
        n = int(np.argmax(np.append(cut[:-1], True))) + 1  # terms up to the first cut
        return weights(c, n)[:n] @ terms[:n]

    return random_truncation


def _weights(c):
    return 1 / np.append(1., np.cumprod(1 - c[:-1]))


def _random_truncation_cases(rng):
    cases = []
    for n, at in [(6, 3), (8, 4), (5, 1), (4, 0)]:
        cut = np.zeros(n, bool)
        cut[at] = cut[-2] = True
        cases.append((rng.uniform(.5, 1.5, n), cut, rng.uniform(.1, .5, n)))
    return [*cases, (rng.uniform(.5, 1.5, 4), np.zeros(4, bool), rng.uniform(.1, .5, 4))]


# 10.14 Exact, piece by piece


class _Network(NamedTuple):
    params: cells.RNNParams
    most: int
    activation: str


class _Piecewise(_Network):
    """`forward` of exercise 10.14: runs a network over at most `most` steps, as if memory held three runs."""

    def __call__(self, x, state=None):
        if len(x) > self.most:
            raise ValueError(f"{len(x)} steps at once, and k = {self.most} fit into memory.")
        runs = self.__dict__.setdefault("runs", [])  # of the states, as long as anything holds them
        for wait in (lambda: None, gc.collect):
            wait()
            runs[:] = [each for each in runs if each() is not None]
            if len(runs) < 3:
                break
        else:
            raise ValueError(f"all states of {len(runs)} pieces are still in memory, and there is no room for another.")
        run = bptt.forward(self.params, x, state, self.activation)
        runs.append(weakref.ref(run.h if run.h.base is None else run.h.base))
        return run


def checkpointed(forward, x, k):
    starts, kept = range(0, len(x), k), [None]
    for start in starts[:-1]:                          # the first time: one state of each piece is kept
        kept.append(forward(x[start:start + k], kept[-1]).h[-1].copy())
    dW_hh, dh = 0, 0
    for start, state in zip(starts[::-1], kept[::-1]):
        run = forward(x[start:start + k], state)
        direct = run.h.copy()
        direct[0] = 0                                  # the piece before reads this state
        direct[-1] += dh                               # from the piece behind
        back = bptt.backward(run, direct)
        dW_hh, dh = dW_hh + back.grads.W_hh, back.dh[0]
    return dW_hh


def _checkpointed_by_complex_step(forward, x, k):
    params, _, activation = forward
    return gradcheck.complex_step(
        lambda W_hh: (bptt.forward(params._replace(W_hh=W_hh), x, activation=activation).h[1:] ** 2).sum() / 2,
        params.W_hh)


def _checkpointed_from_the_start(forward, x, k):
    def before(start):  # the state there, each time anew
        state = None
        for a in range(0, start, k):
            state = forward(x[a:a + k], state).h[-1]
        return state

    dW_hh, dh = 0., 0.
    for start in reversed(range(0, len(x), k)):
        run = forward(x[start:start + k], before(start))
        for t in range(len(run.x), 0, -1):
            h = run.h[t]
            da = (dh + h) * (1 - h**2 if run.activation == "tanh" else h * (1 - h))
            dW_hh, dh = dW_hh + da.T @ run.h[t - 1], da @ run.params.W_hh
    return dW_hh


def _checkpointed_step_by_step(forward, x, k):
    states = [forward(x[:1]).h[0].copy()]
    for x_t in x[:-1]:
        states.append(forward(x_t[None], states[-1]).h[-1].copy())
    dh, dW_hh = np.zeros_like(states[0]), np.zeros((states[0].shape[-1],) * 2)
    for x_t, state in zip(x[::-1], states[::-1]):
        run = forward(x_t[None], state)
        back = bptt.backward(run, bptt.at_end(run, run.h[-1] + dh))
        dW_hh, dh = dW_hh + back.grads.W_hh, back.dh[0]
    return dW_hh


def _checkpointed_wrong(hand=lambda back: back.dh[0], read=lambda h: h + 0., border=0., keep=-1, order=-1,
                        replaced=False, summed=False, own=False, start_from=None, whole=False, which="W_hh",
                        copied=np.copy):
    def checkpointed(forward, x, k):
        starts = list(range(0, len(x) // k * k if whole else len(x), k))
        kept = [None]
        for start in starts:
            kept.append(copied(forward(x[start:start + k], kept[-1]).h[keep]))
        total, dh, states = 0, 0, dict(zip(starts, kept if start_from is None else start_from(kept)))
        for start in starts[::order]:
            run = forward(x[start:start + k], states[start])
            direct = read(run.h)
            direct[0] *= border
            direct[-1] = dh if replaced and start != starts[-1] else direct[-1] + dh
            back = bptt.backward(run, direct)
            gradient = getattr(back.grads, which)
            total = gradient if own else total + gradient
            dh = hand(back) + (dh if summed else 0)
        return total

    return checkpointed


def _checkpointed_all_kept(forward, x, k):
    runs, state = [], None
    for start in range(0, len(x), k):
        runs.append(forward(x[start:start + k], state))
        state = runs[-1].h[-1]
    dW_hh, dh = 0, 0
    for run in runs[::-1]:
        back = bptt.backward(run, np.concatenate([0 * run.h[:1], run.h[1:-1], run.h[-1:] + dh]))
        dW_hh, dh = dW_hh + back.grads.W_hh, back.dh[0]
    return dW_hh


def _checkpointed_by_tanh(forward, x, k):
    return checkpointed(lambda piece, state: forward(piece, state)._replace(activation="tanh"), x, k)


def _checkpointed_last_loss(forward, x, k):
    starts, kept = range(0, len(x), k), [None]
    for start in starts:
        kept.append(forward(x[start:start + k], kept[-1]).h[-1].copy())
    dW_hh, dh = 0, kept[-1]
    for start, state in zip(starts[::-1], kept[-2::-1]):
        run = forward(x[start:start + k], state)
        back = bptt.backward(run, bptt.at_end(run, dh))
        dW_hh, dh = dW_hh + back.grads.W_hh, back.dh[0]
    return dW_hh


def _checkpointed_cases(rng):
    return [(_Piecewise(params, k, activation), x, k) for (params, x, k), activation in zip(
        _chunked_cases(rng), ("tanh", "sigmoid", "tanh", "sigmoid"))]


BANK = Bank(10, "Truncated BPTT", [
    Prediction("10.1", "T = 1000 steps, a loss at each, one set of weights. Full BPTT takes 1000 steps "
                       "back. How many do windows of 100 steps take, one for each loss?",
               scale="log10", close=.15, digits=5),
    Exercise(
        "10.2", "How many steps back", minutes=4, difficulty=1,
        solution=steps_back, oracle=_steps_back_by_walking,
        cases=lambda rng: [(100, 10, "window"), (100, 10, "chunks"), (37, 5, "window"), (37, 5, "chunks"),
                           (8, 20, "window"), (8, 20, "chunks")],
        also_correct=(_steps_back_closed,),
        mistakes=[
            Mistake(lambda T, k, kind: T * min(k, T) if kind == "window" else T,
                    "The first losses have fewer than k steps behind them: the loss of step 1 goes back "
                    "one step, that of step 2 two."),
            Mistake(lambda T, k, kind: T * k if kind == "window" else T,
                    "Not every loss has k steps behind it: that of step 1 goes back one step, and none goes "
                    "back more than T."),
            Mistake(lambda T, k, kind: steps_back(T, k, kind) - (min(k, T) if kind == "window" else 0),
                    "One loss short: the steps are 1 ... T, where range(T) has 0 ... T - 1. The loss of step t can go "
                    "back t steps, the last of them to h_0."),
            Mistake(lambda T, k, kind: steps_back(T, k, "window") if kind == "window" else T // k * k,
                    "The last chunk is shorter than the others if k does not divide T. Its steps count too."),
            Mistake(lambda T, k, kind: steps_back(T, k, "window") if kind == "window" else
                    sum(s % k + 1 for s in range(T)),
                    "Within a chunk the losses travel together: they are added up on the way, as in full "
                    "BPTT."),
            Mistake(lambda T, k, kind: k * T - k * (k - 1) // 2 if kind == "window" else T,
                    "This formula holds where k is at most T. A longer window reaches no further than one of T steps."),
            Mistake(lambda T, k, kind: steps_back(T, k, "chunks" if kind == "window" else "window"),
                    "The two kinds have changed places: in chunks the losses travel together."),
            Mistake(lambda T, k, kind: steps_back(T, k, kind) if kind == "window" else -(-T // k),
                    "This is the number of chunks. Each takes as many steps back as it has."),
            Mistake(lambda T, k, kind: steps_back(T, k, kind) if kind == "window" else T // k,
                    "This is the number of whole chunks. Each takes k steps back, and a shorter last one the rest."),
            Mistake(lambda T, k, kind: steps_back(T, k, kind) if kind == "window" else -(-T // k) * k,
                    "The last chunk may be shorter than k: it has only as many steps back as are left."),
            Mistake(lambda T, k, kind: steps_back(T, k, kind) if kind == "window" else T - -(-T // k),
                    "Each chunk also takes the step to the state it started from, so the borders cost nothing less."),
            Mistake(lambda T, k, kind: steps_back(T, k, kind) if kind == "window" else T * min(k, T),
                    "Within a chunk the losses travel together: the way back is gone once, not once for each loss."),
            Mistake(lambda T, k, kind: T * (T + 1) // 2 if kind == "window" else T,
                    "Here each loss goes back to the start. A window stops it after k steps."),
            Mistake(lambda T, k, kind: k if kind == "window" else T,
                    "These are the steps of one loss. There is a loss at every step, and each travels alone."),
            Mistake(lambda T, k, kind: T,
                    "In a window each loss is dropped at a place of its own, so the losses cannot be "
                    "added up on the way: each has to travel alone."),
            Mistake(lambda T, k, kind: steps_back(T, k, "window") if kind == "window" else min(k, T),
                    "This is the way back of one chunk. There are T / k of them."),
            Mistake(lambda T, k, kind: T * k, "Not every loss has k steps behind it, and in chunks the losses travel "
                    "together."),
            Mistake(lambda T, k, kind: T * min(k, T),
                    "The first losses have fewer steps behind them, and in chunks the "
                    "losses travel together."),
            Mistake(lambda T, k, kind: sum(min(s, k) for s in range(1, T + 1)),
                    "This does not look at `kind`. In chunks the losses travel together: each step is gone once."),
            Mistake(lambda T, k, kind: (T - k + 1) * k if kind == "window" else T,
                    "The losses of the first steps are missing: their windows are shorter, but they count."),
            Mistake(lambda T, k, kind: k * T - k * (k + 1) // 2 if kind == "window" else T,
                    "The loss of step t can go back t steps, the last of them to h_0: the first windows have 1, 2, "
                    "... steps."),
            Mistake(lambda T, k, kind: steps_back(T, k, kind) if kind == "window" else T // k * k * (k + 1) // 2,
                    "Within a chunk the losses travel together: each step is gone once, not once for each loss."),
            Mistake(lambda T, k, kind: steps_back(T, k, kind) if kind == "window" else T - 1,
                    "One step short: the first step too leads back, to h_0."),
            Mistake(lambda T, k, kind: steps_back(T, k, kind) if kind == "window" else k,
                    "This is one chunk. There are as many as fit into T, and each is gone back."),
            Mistake(lambda T, k, kind: sum(min(s, k - 1) for s in range(1, T + 1)) if kind == "window" else T,
                    "A window of k takes k steps back, the loss's own step among them, not k - 1."),
            Mistake(lambda T, k, kind: sum(min(s, k + 1) for s in range(1, T + 1)) if kind == "window" else T,
                    "A window of k takes k steps back, not k + 1."),
            Mistake(lambda T, k, kind: sum(max(s, k) for s in range(1, T + 1)) if kind == "window" else T,
                    "max where min belongs: a window stops after k steps, or where there are none left."),
            Mistake(lambda T, k, kind: T * (T + 1) // 2,
                    "Here each loss goes back to the start. A window stops it after k "
                    "steps, and in chunks the losses travel together."),
            Mistake(lambda T, k, kind: [min(s, k) for s in range(1, T + 1)] if kind == "window" else T,
                    "These are the steps of each loss. Add them up."),
            Mistake(lambda T, k, kind: steps_back(T, k, kind) if kind == "window" else T + -(-T // k),
                    "One step too many for each chunk: a chunk of k steps takes k steps back, the last to the state "
                    "it started "
                    "from."),
            Mistake(lambda T, k, kind: steps_back(T, k, kind) if kind == "window" or k <= T else 0,
                    "A chunk longer than T is one chunk of T steps."),
            Mistake(lambda T, k, kind: steps_back(T, k, kind) if kind == "window" else T / k,
                    "T / k is the number of chunks, and not always a whole one. Each takes as many steps back as it "
                    "has."),
        ],
        hints=["Chunks: how many chunks, and how many steps back in each?",
               "Window: the loss of step s goes back k steps, but never beyond step 1.",
               "sum(min(s, k) for s in range(1, T + 1))"],
    ),
    Exercise(
        "10.3", "Through a window", minutes=6, difficulty=1,
        solution=windowed, oracle=_windowed_by_restarts, cases=_windowed_cases,
        also_correct=(_windowed_carried,),
        mistakes=[
            Mistake(lambda w, x, h0, k: windowed(w, x, h0, len(x)),
                    "This is the full gradient. A loss of step s may use only the steps s - k + 1 ... s."),
            Mistake(lambda w, x, h0, k: windowed(w, x, h0, k + 1),
                    "One step too many: a window of 1 sees the loss's own step and nothing before it."),
            Mistake(_windowed_last_only,
                    "This is the window of the last loss. Every step has a loss, and each has a window "
                    "of its own."),
            Mistake(_windowed_in_chunks,
                    "This cuts at fixed places, as chunks do. Here each loss looks back the same k steps."),
            Mistake(_windowed_from_zero(first=0.),
                    "The states are computed anew from zero in each window. The window cuts the way back "
                    "only: going forward, the states are those of the whole sequence."),
            Mistake(_windowed_from_zero(first=1.),
                    "Each window that starts behind h_0 starts from zero. The window cuts the way back only: going "
                    "forward, the states are those of the whole sequence."),
            Mistake(_windowed_chunks_from_zero,
                    "The state is set to 0 every k steps. Nothing is cut going forward, and going back each loss has "
                    "a window of its own."),
            Mistake(lambda w, x, h0, k: windowed(w, x, 0., k), "The states start from h0, not from 0."),
            Mistake(lambda w, x, h0, k: windowed(w, x, h0, k - 1) if k > 1 else 0.,
                    "One step too few: the loss's own step, t = s, counts too."),
            Mistake(lambda w, x, h0, k: w * windowed(w, x, h0, k),
                    "One factor w too many: the loss's own step has w to the power 0."),
            Mistake(_windowed_without_factors,
                    "The factors w^(s - t) are missing: from step s back to t there are s - t of them."),
            Mistake(lambda w, x, h0, k: windowed(w, x, h0, k) / len(x),
                    "This is a mean over the losses. L is their sum."),
            Mistake(lambda w, x, h0, k: windowed(w, x, h0, k) - sum(w**j * h0 for j in range(min(k, len(x)))),
                    "Step t = 1 is missing: there w multiplies h_0."),
            Mistake(_windowed_state_after,
                    "At step t the weight multiplies h_{t-1}, the state before, not h_t."),
            Mistake(_windowed_sum(lambda w, h, s, t: w ** (s - t) * h[t - 1] if t < s else 0.),
                    "The loss's own step is missing: t runs to s, where the power of w is 0."),
            Mistake(_windowed_sum(lambda w, h, s, t: w ** (s - t - 1) * h[t - 1]),
                    "One factor w too few: from h_s back to h_t there are s - t of them."),
            Mistake(_windowed_sum(lambda w, h, s, t: (s - t) * w ** max(s - t - 1, 0) * h[t - 1]),
                    "The power was differentiated again. w^(s - t) is what the way back multiplies by; the derivative "
                    "is "
                    "in h_{t-1}."),
            Mistake(_windowed_sum(lambda w, h, s, t: w ** (s - t) * (h[t] - w * h[t - 1])),
                    "w multiplies the state h_{t-1}. These are the inputs x_t."),
            Mistake(_windowed_sum(lambda w, h, s, t: w**t * h[t - 1]),
                    "The power counts from the loss back: s - t, not t."),
            Mistake(_windowed_sum(lambda w, h, s, t: w ** (s - t) * h[t - 1] if s < len(h) - 1 else 0.),
                    "The loss of the last step is missing: s runs to T."),
            Mistake(lambda w, x, h0, k: _windowed_sum(
                lambda w, h, s, t: w ** (s - t) * h[t - 1] if s >= k else 0.)(w, x, h0, k),
                    "The losses of the first k - 1 steps are missing: their windows are shorter, but they count."),
            Mistake(lambda w, x, h0, k: sum(_unit(w, x, h0)[1:]),
                    "This is the loss. Its derivative by w is asked for."),
            Mistake(lambda w, x, h0, k: sum(_unit(w, x, h0)[:-1]),
                    "This is a window of one step for every loss: the terms with t < s are missing."),
            Mistake(lambda w, x, h0, k: sum(windowed(w, x[i:i + k], 0., k) for i in range(0, len(x), k)),
                    "These are chunks, each from a state of 0. The states run on, and each loss has a window of its "
                    "own."),
            Mistake(lambda w, x, h0, k: windowed(w, x, h0, min(k, len(x) - 1)),
                    "Where k is larger than T, all T steps count."),
            Mistake(lambda w, x, h0, k: -windowed(w, x, h0, k), "The sign is turned: all terms are added."),
            Mistake(_windowed_wrapped,
                    "t goes below 1 here, and h[-1] is Python's last entry: start at max(1, s - k + 1)."),
            Mistake(_windowed_from_the_front, "The window goes back from each loss: t = s - k + 1 ... s, not 1 ... k."),
            Mistake(_windowed_of_sums,
                    "The states were added up without w: h_t = w h_{t-1} + x_t."),
            Mistake(lambda w, x, h0, k: sum(w**s for s in range(1, min(k, len(x)) + 1)),
                    "This is dL/dh_0. dL/dw is asked for: at "
                    "step t the weight multiplies h_{t-1}."),
        ],
        hints=["First all states, once. Then one sum over the losses s, and inside it one over the steps "
               "t they reach.",
               "The term of loss s and step t is w ** (s - t) * h[t - 1].",
               "t runs from max(1, s - k + 1) to s."],
    ),
    Exercise(
        "10.4", "Chunk by chunk", minutes=6, difficulty=2,
        solution=chunked, oracle=_chunked_by_restarts, cases=_chunked_cases, time_axis=None,
        also_correct=(_chunked_by_one_run,),
        mistakes=[
            Mistake(_chunked_wrong(carry=False),
                    "Every chunk starts from state 0. The last state of a chunk is where the next one "
                    "starts."),
            Mistake(_chunked_wrong(own=True),
                    "Only the last chunk's gradient is left. Add them up."),
            Mistake(lambda params, x, k: chunked(params, x[:len(x) // k * k], k),
                    "The last chunk, which may be shorter than k, is missing."),
            Mistake(_chunked_full,
                    "This is the full gradient: it crosses the borders of the chunks."),
            Mistake(_chunked_wrong(window=True),
                    "This is a window for each loss. A chunk cuts at fixed places: its first loss looks "
                    "back one step, its last one k steps."),
            Mistake(_chunked_wrong(read=lambda h: 2 * h),
                    "The derivative of |h|^2 / 2 is h itself: the 1/2 is there to take away the 2."),
            Mistake(_chunked_wrong(read=lambda h: h / 2),
                    "The derivative of |h|^2 / 2 is h: the 2 of the square takes away the 1/2."),
            Mistake(_chunked_wrong(read=np.ones_like),
                    "dL/dh_t is 1 if the loss is the sum of the states. Here it is |h_t|^2 / 2, so dL/dh_t is h_t."),
            Mistake(_chunked_wrong(read=lambda h: h**2 / 2),
                    "This is the loss of each entry. dh_direct takes its derivative, h."),
            Mistake(lambda params, x, k: chunked(params, x, k) / x.shape[1],
                    "This is the mean over the batch. L adds up everything."),
            Mistake(lambda params, x, k: chunked(params, x, k) / -(-len(x) // k),
                    "This is the mean over the chunks. Add them up."),
            Mistake(lambda params, x, k: chunked(params, x, k) / len(x),
                    "This is the mean over the steps. L is a sum."),
            Mistake(lambda params, x, k: chunked(params, x, k).T, "It is transposed: shaped like W_hh, entry [i, j] "
                    "belongs to W_hh[i, j]."),
            Mistake(lambda params, x, k: chunked(params, x[:k], k), "This is the first chunk alone. Add up all."),
            Mistake(_chunked_wrong(last=True),
                    "Only the last state of each chunk is read. The loss reads every h_t."),
            Mistake(_chunked_of_W_xh, "This is dL/dW_xh. dL/dW_hh is asked for, shaped (H, H)."),
            Mistake(_chunked_wrong(read=lambda h: 1 - h**2),
                    "dh_direct is dL/dh_t, so h itself. The slope of tanh, 1 - h^2, is in bptt.backward already."),
            Mistake(lambda params, x, k: -chunked(params, x, k),
                    "The sign is turned: the gradient itself is asked for, "
                    "not a step of descent."),
            Mistake(lambda params, x, k: chunked(params, x, k + 1), "The chunks are one step too long."),
            Mistake(lambda params, x, k: chunked(params, x, k) / x.size,
                    "Divided by the number of inputs. L is a sum."),
            Mistake(_chunked_wrong(read=lambda h: np.roll(h, 1, axis=0)),
                    "dh_direct is one step late: row t of it belongs to h_t."),
            Mistake(_chunked_of_the_end, "Only h_T is read, and nothing is cut. The loss reads every state."),
            Mistake(_chunked_wrong(read=lambda h: h**2),
                    "This is |h|^2, read as if it were its own derivative. dh_direct is "
                    "dL/dh_t = h_t."),
            Mistake(_chunked_carried(-2),
                    "The state that is carried on is the one before the last: run.h[-1] is the last."),
            Mistake(lambda params, x, k: chunked(params, x, -(-len(x) // k)),
                    "These are k chunks. Chunks of k steps are asked "
                    "for."),
            Mistake(_chunked_short_first,
                    "The shorter chunk comes first here. It is the last one: start at 0, k, 2 k, ..."),
            Mistake(_chunked_overlapping,
                    "The chunks overlap by a step. The next one starts k steps on: range(0, len(x), k)."),
        ],
        hints=["bptt.forward(params, x[start:start + k], state) runs one chunk from a state; None is zeros.",
               "The loss reads h_t itself: dh_direct is run.h, with zeros in row 0.",
               "After each chunk: state = run.h[-1]."],
    ),
    Prediction("10.5", "Temporal order over 20 steps: the signals come at steps 3, 4 and 9, 10, the loss at step 20. "
                       "Of 18 networks, how many learn it with a window of 10 steps?", kind="choice",
               choices=("none", "some", "all")),
    Prediction("10.6", "Signs are to be said back 12 steps later, by networks trained through a window of 1 step "
                       "or of 10. With which window are they wrong more often afterwards?", kind="choice",
               choices=("1 step", "10 steps", "no difference")),
    Prediction("10.7", "23 places, 10 of them positive: how does ds[0]/dtheta through a window of 19 "
                       "steps compare with the full one?", kind="choice",
               choices=("smaller, same sign", "larger, same sign", "the other sign")),
    Exercise(
        "10.8", "The smallest honest window", minutes=4, difficulty=2,
        solution=first_negative, oracle=_first_negative_by_binomials,
        mistakes=[
            *[Mistake(k,
                    f"Through {k} it is still positive: {value}. At 3 the window sees most, then negative influences "
                         "arrive; their sum has to outweigh the rest.")
              for k, value in [(1, "1"), (2, "2"), (3, "2.5"), (4, "2.5"), (6, "1.53"), (7, "0.86")]],
            Mistake(10, "Negative, but already through a window one step shorter. A place counted from 0 becomes a "
                        "number "
                        "of steps by adding 1, once."),
            Mistake(17, "Averaged over a chunk the sign turns here. A window is asked for: one sum of influences."),
            Mistake(-1, "This is the sum of v. Its influences arrive one after the other: how long has the window to "
                        "be?"),
            Mistake(8, "At 8 steps the sum is still positive, just. If you counted from 0: a window of 1 "
                       "sees influence 0."),
            Mistake(5, "At 5 steps the first negative influence arrives. The sum of all influences is "
                       "what the window sees."),
            Mistake(41, "This is the system with 23 places. Here there are 5, and 2 of them are positive."),
            Mistake(-2, "This is the full gradient. The question is how long a window has to be to see "
                        "its sign."),
            Mistake(0, "A window of 0 steps sees nothing. How many does it take until the sum is negative?"),
            Mistake(110, "This is for chunks, averaged, in the system with 23 places. Here there are 5, and a window."),
            Mistake(40, "This is the system with 23 places, one step short. Here there are 5, and 2 of them are "
                        "positive."),
            Mistake(16, "Averaged over a chunk the sign turns after this. A window is asked for: one sum of "
                        "influences."),
            Mistake(19, "There the system with 23 places sees most. Here there are 5 places: where is it negative?"),
            *[Mistake(k, f"Negative, but through a window shorter than {k} steps already. The shortest is asked for.")
              for k in (11, 12, 15, 18, 20, 25, 30, 50, 100)],
            Mistake(-.35546875, "This is the gradient through it. The number of steps is asked for."),
        ],
        also_correct=(np.int64(9),),
        hints=["A is 5 by 5; v has 2 ones and 3 minus ones.",
               "influence_balancing.seen(influence_balancing.system(n, p), longest) gives the gradient through "
               "windows 1, 2, 3, ...",
               "(influence_balancing.seen(influence_balancing.system(5, 2), 40) < 0).argmax() is the place, counted "
               "from 0."],
    ),
    Prediction("10.9", "torch, chunks of 10 steps, the state never detached: how many times as many "
                       "nodes does the backward pass of chunk 5 visit as that of chunk 1?", unit="times"),
    Prediction("10.10", "A lag of 6, chunks of 10, the state set to 0 at each chunk: which share of the "
                        "signs is said back wrongly after training, in percent?", unit="percent", close=.1),
    Exercise(
        "10.11", "A window for a share", minutes=3, difficulty=2,
        solution=window_for, oracle=_window_by_decimals,
        cases=lambda rng: [(.55, .01), (.9, .01), (.97, .05), (.5, .3), (.4, .9), (.01, 1e-5), (.999, 1e-4), (.3, .3)],
        also_correct=(_window_counted, _window_by_ceil),
        mistakes=[
            Mistake(lambda q, share: int(np.log(share) / np.log(q)),
                    "Rounded down: at this k more than the share is left. Round up."),
            Mistake(lambda q, share: int(np.log(share) / np.log(q)) + 1,
                    "At most `share`: where q^k is exactly `share`, k steps are enough."),
            Mistake(lambda q, share: round(np.log(share) / np.log(q)),
                    "Rounded to the nearest: where that goes down, more than the share is left. Round up."),
            Mistake(lambda q, share: np.log(share) / np.log(q),
                    "Steps are whole numbers: round up to the first one at which no more than the share is left."),
            Mistake(lambda q, share: int(np.ceil(np.log(share) / np.log(q))) + 1,
                    "One too many: after that many steps less would do."),
            Mistake(lambda q, share: int(np.ceil(np.log(1 - share) / np.log(q))),
                    "`share` is what is left, not what is lost."),
            Mistake(lambda q, share: int(np.ceil(np.log(share) / np.log(1 - q))),
                    "A step multiplies by q, so q is what it keeps, not 1 - q."),
            Mistake(lambda q, share: int(np.ceil(np.log(share / q))),
                    "ln(share / q) is ln(share) - ln(q). k ln(q) = ln(share): divide the one logarithm by the other."),
            Mistake(lambda q, share: int(np.ceil(np.log10(share) / np.log(q))),
                    "Two different logarithms: take the same one above and below."),
            Mistake(lambda q, share: q ** int(np.ceil(np.log(share) / np.log(q))),
                    "This is what is left then. The number of steps is asked for."),
            Mistake(lambda q, share: int(np.ceil(-np.log(share))),
                    "q is missing: ln(share) has to be divided by ln(q)."),
            Mistake(lambda q, share: int(np.ceil(np.log(q) / np.log(share))),
                    "The quotient is upside down."),
            Mistake(lambda q, share: int(np.ceil((1 - share) / (1 - q))),
                    "This would be a straight line. Each step takes a factor, so take logarithms."),
            Mistake(lambda q, share: int(np.ceil(np.log(share) / np.log(q))) - 1,
                    "One too few: after that many steps more than the share is left."),
            Mistake(lambda q, share: -int(np.ceil(np.log(share) / np.log(q))),
                    "The sign is turned: both logarithms are below 0, so their quotient is above."),
            Mistake(lambda q, share: int(np.ceil(np.log(share) * np.log(q))),
                    "k ln(q) = ln(share): divide by ln(q)."),
            Mistake(lambda q, share: int(np.ceil(np.log(share) / q)), "ln(share) is divided by ln(q), not by q."),
            Mistake(lambda q, share: int(np.ceil(share / q)), "q is multiplied k times, not once. Take logarithms."),
            Mistake(lambda q, share: int(np.ceil(1 / share)), "q is missing. Take the logarithm of both sides."),
            Mistake(lambda q, share: int(np.ceil(-np.log(share) / (1 - q))),
                    "1 - q is near -ln(q) only for q near 1. Divide by ln(q) itself."),
            Mistake(lambda q, share: int(np.ceil(np.log(share) / (1 - q))),
                    "1 - q is near -ln(q) only for q near 1, and the sign is turned. Divide by ln(q) itself."),
            Mistake(lambda q, share: int(np.log(share) / np.log(q)) + 2,
                    "One or two too many: after fewer steps no more than the "
                    "share is left."),
            Mistake(lambda q, share: int(np.ceil(1 / (1 - q))),
                    "This is how far a gradient reaches on average, 1 / (1 - q). k "
                    "depends on `share`: q^k <= share."),
            Mistake(lambda q, share: int(np.ceil(np.log(.01) / np.log(q))),
                    "This is the window for one percent. `share` is an "
                    "argument."),
            Mistake(lambda q, share: int(np.ceil(np.log(share) / np.log(q) / 2)),
                    "Half of it: that is where the square of what is "
                    "left comes down to the share."),
            Mistake(lambda q, share: -int(np.log(share) / np.log(q)),
                    "The sign is turned: both logarithms are below 0, so their "
                    "quotient is above. And round up."),
            Mistake(lambda q, share: int(np.ceil(q / share)), "q is multiplied k times, not once: take logarithms."),
        ],
        hints=["Take the logarithm of both sides of q^k <= share.",
               "ln(q) is negative: dividing by it turns the sign around.",
               "k is at least ln(share) / ln(q), and a whole number: np.ceil."],
    ),
    Exercise(
        "10.12", "Weights for random cuts", minutes=5, difficulty=3,
        solution=random_truncation, oracle=_random_truncation_by_counting, cases=_random_truncation_cases,
        also_correct=(_random_truncation_cumulative,),
        mistakes=[
            Mistake(_random_truncation_wrong(lambda c, n: np.ones(n)),
                    "The terms up to the cut are right, but without weights their sum is too small on "
                    "average: far terms are lost more often than near ones."),
            Mistake(_random_truncation_wrong(lambda c, n: (1 - c) ** -np.arange(len(c))),
                    "This is the weight of one chance for all places. Here each place has its own: term j "
                    "has passed the places 0 ... j - 1."),
            Mistake(_random_truncation_wrong(lambda c, n: 1 / np.cumprod(1 - c)),
                    "One factor too many: term 0 is always reached, so its weight is 1."),
            Mistake(_random_truncation_wrong(lambda c, n: 1 / _weights(c)),
                    "The weights are upside down: what is rarely reached has to count more."),
            Mistake(_random_truncation_wrong(lambda c, n: np.full(n, _weights(c)[n - 1])),
                    "Every term has the weight of the last one. With which chance term j was reached does "
                    "not depend on what came after it."),
            Mistake(_random_truncation_wrong(lambda c, n: 1 / np.append(1., np.cumprod(c[:-1]))),
                    "c holds the chances of a cut. A term is reached if there was none: 1 - c for each place."),
            Mistake(_random_truncation_wrong(lambda c, n: 1 / (1 - c)),
                    "Each term has the weight of its own place. To reach term j the way has to pass all the "
                    "places 0 ... j - 1."),
            Mistake(lambda terms, cut, c: _weights(c) @ terms,
                    "The way back ends at the first cut: the terms behind it are lost. No weight brings them back."),
            Mistake(_random_truncation_wrong(lambda c, n: (1 - c.mean()) ** -np.arange(len(c))),
                    "This takes the mean chance for all places. Each place has its own."),
            Mistake(lambda terms, cut, c: _random_truncation_wrong(lambda c, n: _weights(c))(
                terms, np.arange(len(cut)) == np.flatnonzero(cut)[-1] if cut.any() else cut, c),
                    "The way goes on to the last cut. There may be several: the first one ends it."),
            Mistake(lambda terms, cut, c: _random_truncation_wrong(lambda c, n: _weights(c))(terms, cut, c)
                    / (1 if not cut.any() else c[cut.argmax()]),
                    "What came at the cut itself does not count: term j is reached if there was no cut before it."),
            Mistake(_random_truncation_wrong(lambda c, n: _weights(c) / n),
                    "This is a mean. The sum of the weighted terms is asked for."),
            Mistake(_random_truncation_wrong(lambda c, n: _weights(c[::-1])[::-1]),
                    "The chances are multiplied from the far end. To reach term j the way passes the places 0 ... j - "
                    "1."),
            Mistake(_random_truncation_wrong(lambda c, n: 1 / np.append(1., 1 - np.cumsum(c[:-1]))),
                    "Chances of independent cuts do not add up: those of going on multiply."),
            Mistake(lambda terms, cut, c: random_truncation(terms[:cut.argmax() + 1], cut, c),
                    "Where no cut is True all terms are reached. np.argmax gives 0 there, as for a cut at 0."),
            Mistake(lambda terms, cut, c: random_truncation(terms[:cut.argmax()] if cut.any() else terms, cut, c),
                    "The cut comes after term j: that term is still reached."),
            Mistake(lambda terms, cut, c: terms.sum(),
                    "These are all the terms. Those behind the first cut are lost: weigh "
                    "the ones that were reached."),
            Mistake(_random_truncation_wrong(lambda c, n: 1 / c),
                    "c holds the chances of a cut. A term is reached if there "
                    "was none, at any place before it."),
            Mistake(_random_truncation_wrong(lambda c, n: 1 / np.cumprod(c)),
                    "c holds the chances of a cut. A term is reached if there was none: 1 - c for each place before "
                    "it."),
            Mistake(_random_truncation_wrong(lambda c, n: _weights(c) / len(c)),
                    "This is a mean over all n terms. The sum of the weighted terms is asked for."),
            Mistake(_random_truncation_wrong(lambda c, n: 1 / np.append(1., 1 - c[:-1])),
                    "Each term has the chance of the place before it alone. To reach term j the way has to pass all "
                    "the "
                    "places 0 ... j - 1."),
            Mistake(_random_truncation_wrong(lambda c, n: 1 / np.append(1., np.cumprod(1 - c[1:]))),
                    "The chances are one place late: term j has passed the places 0 ... j - 1, c[0] the first of "
                    "them."),
            Mistake(_random_truncation_wrong(lambda c, n: _weights(c) * (1 - c)),
                    "Whether the way goes on after term j does not count for term j: it is reached before."),
            Mistake(_random_truncation_wrong(lambda c, n: np.full(len(c), len(c) / n)),
                    "Scaled up by the number of terms that are missing. Far terms are lost more often than near ones: "
                    "each "
                    "has a weight of its own."),
            Mistake(lambda terms, cut, c: _weights(c)[~cut] @ terms[~cut],
                    "This leaves out the terms with a cut and takes those behind. The first cut ends the way, after "
                    "its "
                    "own term."),
            Mistake(lambda terms, cut, c: _weights(c)[:cut.argmax()] @ terms[:cut.argmax()],
                    "The cut comes after term j: that term is still reached. And where no cut is True all of them "
                    "are."),
            Mistake(lambda terms, cut, c: (1 - c) @ terms,
                    "Term j is reached with the product of 1 - c of all places before "
                    "it: divide by that, up to the first cut."),
            Mistake(lambda terms, cut, c: random_truncation(terms, np.append(False, cut[:-1]), c),
                    "One term too many: the way ends right after term j if cut[j] is True."),
            Mistake(_random_truncation_wrong(lambda c, n: (1 - c[0]) ** -np.arange(len(c))),
                    "This takes the first chance for all "
                    "places. Each place has its own."),
            Mistake(_random_truncation_wrong(lambda c, n: _weights(c) / _weights(c)[:n].sum()),
                    "The weights were made to add up "
                    "to 1: this is a mean. The terms are to add up to their sum on average."),
            Mistake(lambda terms, cut, c: _weights(c) * terms * (np.cumsum(np.append(0, cut[:-1])) == 0),
                    "These are the weighted terms. Add them up."),
        ],
        hints=["With which chance is term j reached? There must be no cut after the terms 0 ... j - 1.",
               "Independent chances multiply: (1 - c[0]) (1 - c[1]) ... (1 - c[j - 1]). Divide term j by that.",
               "Start with a chance of 1; after each term stop at a cut, else multiply it by 1 - c[j]."],
    ),
    Prediction("10.13", "T = 1000 steps, and the exact gradient. One state is kept every k steps; on the way back the "
                        "pieces between are computed again, one at a time. How many states have to be in memory at "
                        "once, with the best k, in place of 1001?", unit="states", scale="log10", close=.15),
    Exercise(
        "10.14", "Exact, piece by piece", minutes=8, difficulty=2,
        solution=checkpointed, oracle=_checkpointed_by_complex_step, cases=_checkpointed_cases,
        also_correct=(_checkpointed_from_the_start, _checkpointed_step_by_step),
        mistakes=[
            Mistake(_checkpointed_wrong(hand=lambda back: 0),
                    "This is the sum over chunks of exercise 10.4: nothing crosses a border. Add back.dh[0] of the "
                    "piece behind to the last row of `direct`; added to row 0 it would reach no weight."),
            Mistake(_checkpointed_wrong(border=1.),
                    "A state at a border is read twice: as the last of one piece and as row 0 of the next. L has it "
                    "once. Set direct[0] to 0."),
            Mistake(_checkpointed_wrong(replaced=True),
                    "At a border dL/dh has two parts: what the loss reads from that state, and what comes back from "
                    "the piece behind. The second took the place of the first: add it."),
            Mistake(_checkpointed_wrong(order=1),
                    "The pieces are taken from the first to the last. The gradient comes from the piece behind, so "
                    "the last one has to be first."),
            Mistake(_checkpointed_wrong(order=1, hand=lambda back: back.dh[-1]),
                    "The pieces are taken from the first to the last, and what is handed on belongs to the end of a "
                    "piece. Go back: start with the last piece, and hand back.dh[0] over."),
            Mistake(_checkpointed_wrong(start_from=lambda kept: [None] * len(kept)),
                    "Each piece starts from zeros, so its states are not those of the sequence. Start from the state "
                    "that was kept."),
            Mistake(_checkpointed_wrong(start_from=lambda kept: kept[1:]),
                    "Each piece starts from its own last state. The state before its first step is the checkpoint of "
                    "the piece before it."),
            Mistake(_checkpointed_wrong(start_from=lambda kept: [None, None, *kept[1:]]),
                    "The checkpoints are one piece late: each piece starts from the state at which the piece before "
                    "it started."),
            Mistake(_checkpointed_wrong(keep=-2),
                    "The state that is kept is the last but one of its piece: the next piece starts one step early. "
                    "run.h has k + 1 rows; keep run.h[-1]."),
            Mistake(_checkpointed_wrong(hand=lambda back: back.dh[-1]),
                    "back.dh[-1] is dL/dh at the end of the piece behind. At its start, where the two meet, it is "
                    "back.dh[0]."),
            Mistake(_checkpointed_wrong(hand=lambda back: back.dh[1]),
                    "back.dh[1] is dL/dh one step inside the piece behind. At its start it is back.dh[0]: that has "
                    "passed W_hh once more."),
            Mistake(_checkpointed_wrong(summed=True),
                    "back.dh[0] already holds all that lies behind. Added up over the pieces, what is far away "
                    "counts several times."),
            Mistake(_checkpointed_wrong(own=True),
                    "This is the gradient of the first piece alone. Each piece has its part: add them up."),
            Mistake(_checkpointed_last_loss,
                    "Here the loss reads the last state alone. L has a term for every step: each piece reads all its "
                    "states but row 0."),
            Mistake(_checkpointed_wrong(read=lambda h: np.concatenate([0 * h[:-1], h[-1:]])),
                    "Each piece reads its last state alone. L has a term for every step: read all states of a piece "
                    "but row 0."),
            Mistake(_checkpointed_wrong(read=lambda h: 2 * h), "The derivative of |h|^2 / 2 is h, without the 2."),
            Mistake(_checkpointed_wrong(read=lambda h: np.ones_like(h)),
                    "Here the loss reads 1 from each state, as for a sum of h_t. The derivative of |h|^2 / 2 is h."),
            Mistake(_checkpointed_wrong(read=lambda h: h**2 / 2),
                    "direct holds dL/dh_t, not the loss: the derivative of |h|^2 / 2 is h."),
            Mistake(_checkpointed_wrong(whole=True),
                    "The last piece is missing where k does not divide T: it is shorter, and its steps count too."),
            Mistake(_checkpointed_wrong(which="W_xh"), "This is dL/dW_xh. The one for W_hh is back.grads.W_hh."),
            Mistake(lambda forward, x, k: bptt.backward(forward(x), forward(x).h).grads.W_hh,
                    "The whole sequence does not fit: give `forward` k steps at a time, x[start:start + k]."),
            Mistake(_checkpointed_wrong(copied=np.asarray),
                    "The states that are kept are parts of run.h, and each keeps all states of its piece in memory. "
                    "Write .copy() behind a state that you keep."),
            Mistake(_checkpointed_all_kept,
                    "Every run of the way there is kept, and with it every state, as for full BPTT. Keep one state of "
                    "each piece, and run the piece again on the way back."),
            Mistake(_checkpointed_wrong(read=lambda h: h),
                    "`direct` is run.h itself, so that what is written into it changes the states that bptt.backward "
                    "goes back through. Begin with a copy."),
            Mistake(_checkpointed_by_tanh,
                    "1 - h^2 is the slope of tanh, and `forward` need not run a tanh network. bptt.backward knows what "
                    "it ran."),
            Mistake(lambda forward, x, k: checkpointed(forward, x, k) / len(range(0, len(x), k)),
                    "This is a mean over the pieces. L is a sum over the steps, so the pieces add up."),
        ],
        hints=["First time: run piece after piece, each from the last state of the one before, and keep only the "
               "states between them.",
               "Second time: from the last piece to the first. Run it again from its checkpoint, and go back through "
               "it with bptt.backward.",
               "back.dh[0] is dL/dh at the start of a piece, from all that lies behind. Add it to the last row of "
               "`direct` of the piece before.",
               "Row 0 of a piece is the last row of the piece before: let only one of them read it (direct[0] = 0)."],
    ),
])
