"""The exercises of lesson 08, clipping."""

from __future__ import annotations

from collections import namedtuple
from fractions import Fraction

import numpy as np

from ... import bptt, clipping, gradcheck, initialise
from ...exercises.bank import Bank, Exercise, Mistake, Prediction


# 8.1 One factor for all


def clip_all(arrays, max_norm):
    norm = np.sqrt(sum((array**2).sum() for array in arrays))
    factor = max_norm / norm if norm > max_norm else 1
    return tuple(factor * array for array in arrays)


def _clip_one_long_vector(arrays, max_norm):
    """Put all entries into one vector, give it the length max_norm if it is longer, and cut it up again."""
    long = np.concatenate([array.ravel() for array in arrays])
    length = np.hypot.reduce(long)
    long = long if length <= max_norm else long / length * max_norm
    cuts = np.cumsum([array.size for array in arrays])[:-1]
    return tuple(part.reshape(array.shape) for part, array in zip(np.split(long, cuts), arrays))


def _clip_by_library(arrays, max_norm):
    tree = namedtuple("Arrays", [f"p{i}" for i in range(len(arrays))])(*arrays)
    return tuple(clipping.clip_by_norm(tree, max_norm).grads)


def _joint(arrays):
    return np.sqrt(sum((array**2).sum() for array in arrays))


def _scaled(arrays, max_norm, norm):
    return tuple(a * (max_norm / norm if norm > max_norm else 1) for a in arrays)


def _clip_in_place(arrays, max_norm):
    factor = min(1, max_norm / _joint(arrays))
    for array in arrays:
        array *= factor
    return tuple(arrays)


def _clip_all_cases(rng):
    large = [rng.uniform(.5, 2., (3, 4)), -rng.uniform(.5, 2., 3), rng.uniform(1., 3., (2, 3))]
    small = [rng.uniform(.01, .02, (2, 2)), rng.uniform(.01, .02, 5), -rng.uniform(.01, .02, (1, 3))]
    uneven = [rng.uniform(10., 20., (4, 2)), rng.uniform(.1, .2, 4), rng.uniform(.01, .02, (3, 4))]
    short = [array * .8 / np.linalg.norm(array) for array in large]    # each below 1, all of them together above
    return [(large, .7), (small, 1.), (uneven, 5.), (short, 1.), ([0 * array for array in small], 1.)]


# 8.2 How far it turns


def turned(gradient, limit):
    cut = np.clip(gradient, -limit, limit)
    cosine = (gradient * cut).sum() / np.sqrt((gradient**2).sum() * (cut**2).sum())
    return np.degrees(np.arccos(cosine))


def _turned_by_lengths(gradient, limit):
    """From the three sides of a triangle: of lengths 1, 1 and d, the angle is 2 arcsin(d / 2)."""
    units = [vector / np.linalg.norm(vector) for vector in (gradient, np.clip(gradient, -limit, limit))]
    return np.degrees(2 * np.arcsin(np.linalg.norm(units[0] - units[1]) / 2))


def _turned_flat(gradient, limit):
    g = np.ravel(gradient)
    cut = np.sign(g) * np.minimum(np.abs(g), limit)
    return 180 / np.pi * np.arccos(np.dot(g, cut) / np.linalg.norm(g) / np.linalg.norm(cut))


def _turned_by(cut):
    def turned(gradient, limit):
        left = cut(gradient, limit)
        return np.degrees(np.arccos(np.vdot(gradient, left) / np.linalg.norm(gradient) / np.linalg.norm(left)))

    return turned


def _turned_cases(rng):
    return [(rng.uniform(.2, 3., 6) * rng.choice([-1, 1], 6), .5), (rng.normal(size=(4, 5)), .3),
            (np.r_[50., rng.uniform(.1, .3, 30)], .2)]


# 8.5 A threshold from the log


def threshold_for(norms, share):
    return min(c for c in norms if (norms > c).mean() <= share)


def _threshold_by_ranks(norms, share):
    """The norm that has as many above it as the share, a decimal number, allows."""
    may_lie_above = Fraction(str(share)) * len(norms) // 1
    return sorted(norms, reverse=True)[min(int(may_lie_above), len(norms) - 1)]


def _threshold_sorted(norms, share):
    return np.sort(norms)[::-1][int(share * len(norms))]


def _threshold_partition(norms, share):
    above = int(np.floor(share * len(norms)))
    return np.partition(norms, len(norms) - 1 - above)[len(norms) - 1 - above]


def _threshold_cases(rng):
    usual = rng.uniform(.5, 2., 40)
    spikes = np.r_[rng.uniform(.1, .2, 57), 1e3, 30., 2e6]
    return [(rng.permutation(usual), .1), (rng.permutation(spikes), .05), (rng.uniform(1, 3, 17), .5),
            (rng.uniform(1, 3, 17), .1), (rng.uniform(1, 3, 9), 0),
            (rng.permutation([2.] * 3 + [1.] * 3 + [5.] * 2), .2), (rng.permutation([1.] * 6 + [2., 5.]), .3)]


# 8.7 The far part


def far_part():
    near, far = 3., 3e-9
    norm = np.sqrt(near**2 + far**2)
    return far * .25 / norm


def _far_part_by_library():
    return clipping.clip_by_norm(np.array([3., 3e-9]), .25).grads[1]


# 8.9 Always, or never?


def clip_fraction(norms, max_norm, window):
    clipped = norms > max_norm
    return np.array([clipped[k:k + window].mean() for k in range(len(norms) - window + 1)])


def _fraction_by_sums(norms, max_norm, window):
    """Differences of a running count."""
    count = np.r_[0, np.cumsum([norm > max_norm for norm in norms])]
    return (count[window:] - count[:-window]) / window


def _fraction_by_views(norms, max_norm, window):
    return np.lib.stride_tricks.sliding_window_view(np.asarray(norms) > max_norm, window).mean(-1)


def _fraction_cases(rng):
    norms = np.exp(rng.normal(size=30))
    return [(norms, 1., 5), (norms[:12], float(norms[3]), 3), (norms[:9], .3, 9)]


# 8.11 What a step back keeps


def kept(back):
    W, h, da = back.run.params.W_hh, back.run.h, back.da
    after = (1 - h[1:-1]**2) * (da[1:] @ W)         # from a_t back to a_{t-1}
    return (after**2).sum(-1) / (da[1:]**2).sum(-1)


def _kept_by_complex_step(back):
    """The Jacobian da_t/da_{t-1} of each step and sequence by the complex step, then a product."""
    W, h, da = back.run.params.W_hh, back.run.h, back.da
    T, B, H = da.shape
    ratios = np.empty((T - 1, B))
    for t in range(1, T):
        for b in range(B):
            before = np.arctanh(h[t, b])
            J = np.stack([gradcheck.complex_step(lambda a: (W @ np.tanh(a))[i], before) for i in range(H)])
            ratios[t - 1, b] = ((da[t, b] @ J)**2).sum() / (da[t, b]**2).sum()
    return ratios


def _kept_loop(back):
    W, rows = back.run.params.W_hh, []
    for da_t, h_before in zip(back.da[1:], back.run.h[1:]):
        u = np.einsum("ij,bi->bj", W, da_t) * (1 - h_before) * (1 + h_before)
        rows.append(np.linalg.norm(u, axis=-1)**2 / np.linalg.norm(da_t, axis=-1)**2)
    return np.array(rows)


def _kept_wrong(slope=lambda h: (1 - h[1:-1]**2), turn=False, power=1.):
    def kept(back):
        W, da = back.run.params.W_hh, back.da
        after = slope(back.run.h) * (da[1:] @ (W.T if turn else W))
        return ((after**2).sum(-1) / (da[1:]**2).sum(-1))**power
    return kept


def _kept_with_dh(back):
    dh = back.dh[2:]
    after = (1 - back.run.h[1:-1]**2) * (dh @ back.run.params.W_hh)
    return (after**2).sum(-1) / (dh**2).sum(-1)


def _kept_reduced(size):
    def kept(back):
        v = back.da[1:]
        return size((1 - back.run.h[1:-1]**2) * (v @ back.run.params.W_hh)) / size(v)

    return kept


def _kept_starting_early(back):
    v = back.da[:-1]
    return (((1 - back.run.h[1:-1]**2) * (v @ back.run.params.W_hh))**2).sum(-1) / (v**2).sum(-1)


def _kept_slope_first(back):
    after = ((1 - back.run.h[1:-1]**2) * back.da[1:]) @ back.run.params.W_hh
    return (after**2).sum(-1) / (back.da[1:]**2).sum(-1)


def _kept_cases(rng):
    cases = []
    for T, B, D, H, gain in [(6, 2, 3, 4, .6), (9, 3, 2, 5, 1.3)]:
        params = initialise.rnn(D, H, rng, gain=gain)._replace(b_h=rng.uniform(.1, .3, H))
        run = bptt.forward(params, rng.normal(size=(T, B, D)), rng.uniform(.1, .5, (B, H)))
        cases.append((bptt.backward(run, rng.normal(size=run.h.shape)),))
    return cases


BANK = Bank(8, "Clipping", [
    Exercise(
        "8.1", "One factor for all", minutes=4, difficulty=1,
        solution=clip_all, oracle=_clip_one_long_vector, cases=_clip_all_cases,
        also_correct=(_clip_by_library,), returns=("arrays[0]", "arrays[1]", "arrays[2]"),
        mistakes=[
            Mistake(lambda arrays, c: tuple(array * min(1, c / np.linalg.norm(array)) for array in arrays),
                    "Each array is clipped by its own norm. There is one joint norm, over the entries of all "
                    "arrays, and one factor: otherwise the direction changes."),
            Mistake(lambda arrays, c: tuple(array * c / _joint(arrays) for array in arrays),
                    "A gradient that is short already was made longer. The factor is never above 1."),
            Mistake(lambda arrays, c: tuple(np.clip(array, -c, c) for array in arrays),
                    "This cuts each entry: it is clipping by value. Scale all of them by one factor."),
            Mistake(lambda arrays, c: tuple(a * min(1, c / sum(map(np.linalg.norm, arrays))) for a in arrays),
                    "The joint norm is not the sum of the norms. It is the root of the sum of all squares."),
            Mistake(lambda arrays, c: tuple(array * min(1, c / max(map(np.linalg.norm, arrays))) for array in arrays),
                    "This is the largest of the norms of the arrays. There is one joint norm, over all entries."),
            Mistake(lambda arrays, c: tuple(a * min(1, c / max(abs(b).max() for b in arrays)) for a in arrays),
                    "This is the largest entry. The norm is the root of the sum of all squares."),
            Mistake(lambda arrays, c: tuple(a * min(1, c / (_joint(arrays) + 1e-6)) for a in arrays),
                    "The 1e-6 that torch adds to the norm leaves the joint norm a little below max_norm. Here it "
                    "becomes max_norm."),
            Mistake(lambda arrays, c: tuple(a * min(1, c / np.sqrt(np.mean([x * x for b in arrays for x in b.flat])))
                                            for a in arrays),
                    "This is the root of the mean of the squares. A norm takes their sum."),
            Mistake(lambda arrays, c: tuple(a * min(1, c / np.linalg.norm(arrays[0])) for a in arrays),
                    "This is the norm of the first array alone. All entries of all arrays count."),
            Mistake(lambda arrays, c: tuple(a * min(1, c / sum(abs(b).sum() for b in arrays)) for a in arrays),
                    "This is the sum of all sizes. The norm is the root of the sum of the squares."),
            Mistake(lambda arrays, c: tuple(a * (_joint(arrays) / c if _joint(arrays) > c else 1) for a in arrays),
                    "The factor is upside down: a gradient that is too long becomes longer still."),
            Mistake(lambda arrays, c: tuple(a / _joint(arrays) if _joint(arrays) > c else a for a in arrays),
                    "This makes the joint norm 1. It has to become max_norm."),
            Mistake(lambda arrays, c: tuple(a * c if _joint(arrays) > c else a for a in arrays),
                    "The factor is max_norm / norm, not max_norm itself."),
            Mistake(_clip_in_place,
                    "The numbers are right, but the caller's arrays were changed. Return new ones."),
            Mistake(lambda arrays, c: tuple(array * min(1, c / _joint(arrays)**2) for array in arrays),
                    "The root is missing: you divided by the squared norm."),
            Mistake(lambda arrays, c: clip_all(arrays, c)[::-1], "The arrays come back in reverse. The order stays."),
            Mistake(lambda arrays, c: np.concatenate([a.ravel() for a in clip_all(arrays, c)]),
                    "This is one long vector. Return the arrays, each in its own shape."),
            Mistake(lambda arrays, c: tuple(a.ravel() for a in clip_all(arrays, c)),
                    "The arrays have lost their shapes. Multiply each as it is."),
            Mistake(lambda arrays, c: clip_all(arrays, c)[0], "This is the first array alone. Return all of them."),
            Mistake(lambda arrays, c: (clip_all(arrays, c), _joint(arrays)),
                    "Return the arrays alone, without the norm."),
            Mistake(lambda arrays, c: _joint(arrays), "This is the joint norm. Return the arrays, scaled."),
            Mistake(lambda arrays, c: min(1, c / _joint(arrays)),
                    "This is the factor. Return the arrays, scaled by it."),
            Mistake(lambda arrays, c: tuple(a * max(1, c / _joint(arrays)) for a in arrays),
                    "max where min belongs: what is too long stays, what is short is made longer."),
            Mistake(lambda arrays, c: tuple(a * min(1, (c / _joint(arrays))**.5) for a in arrays),
                    "One root too many: the factor is max_norm / norm itself."),
            Mistake(lambda arrays, c: tuple(a * min(1, (c / _joint(arrays))**2) for a in arrays),
                    "The factor was squared. It is max_norm / norm itself."),
            Mistake(lambda arrays, c: tuple(a * min(1, c / _joint(arrays)**.5) for a in arrays),
                    "One root too many: the norm is the root of the sum of the squares, once."),
            Mistake(lambda arrays, c: tuple(np.minimum(a, c) for a in arrays),
                    "This cuts each entry at max_norm. Scale all of them by one factor."),
            Mistake(lambda arrays, c: tuple(a * min(1, c / np.linalg.norm(arrays[-1])) for a in arrays),
                    "This is the norm of the last array alone. All entries of all arrays count."),
            Mistake(lambda arrays, c: tuple(a * min(1, c / np.mean([_joint([b]) for b in arrays])) for a in arrays),
                    "This is the mean of the norms. There is one joint norm, over all entries."),
            Mistake(lambda arrays, c: tuple(a * min(1, c / abs(sum(b.sum() for b in arrays))) for a in arrays),
                    "The entries were added with their signs. The norm squares them first."),
            Mistake(lambda arrays, c: tuple(a * c / _joint(arrays) if _joint(arrays) > c else 0 * a for a in arrays),
                    "A gradient that is short enough became 0. It stays as it is."),
            Mistake(lambda arrays, c: tuple(a * min(1, c / np.linalg.norm(a, 2)) for a in arrays),
                    "np.linalg.norm(a, 2) of a matrix is its largest singular value, and each array has a factor of "
                    "its "
                    "own here. There is one factor, from all entries."),
            Mistake(lambda arrays, c: tuple(a * min(1, c / max(_joint(arrays), 1e-30)) if np.linalg.norm(a) > c else a
                                            for a in arrays),
                    "Only the arrays that are too long themselves were scaled. One factor goes to all of them."),
            Mistake(lambda arrays, c: tuple(a * min(1, c**2 / max(_joint(arrays), 1e-30)) for a in arrays),
                    "max_norm was squared, the norm was not. The factor is max_norm / norm."),
            Mistake(lambda arrays, c: _scaled(arrays, c, np.sqrt(sum(np.linalg.norm(b, 2)**2 for b in arrays))),
                    "np.linalg.norm(b, 2) of a matrix is its largest singular value. All entries count, squared and "
                    "added."),
            Mistake(lambda arrays, c: tuple(a - np.sign(a) * max(0, _joint(arrays) - c) for a in arrays),
                    "The excess was subtracted from each entry. Multiply by one factor: the direction stays."),
            Mistake(lambda arrays, c: tuple(a / _joint(arrays) * min(_joint(arrays), c) for a in arrays),
                    "A gradient of zeros has the norm 0, and 0 / 0 is NaN. It is short enough: leave it as it is."),
        ],
        hints=["First one number: the root of the sum of all squares, over all arrays.",
               "The factor is max_norm / norm where the norm is larger, else 1.",
               "factor = max_norm / norm if norm > max_norm else 1; return tuple(factor * array for array in arrays)."],
    ),
    Exercise(
        "8.2", "How far it turns", minutes=4, difficulty=1,
        solution=turned, oracle=_turned_by_lengths, cases=_turned_cases, rtol=1e-7,
        also_correct=(_turned_flat,),
        mistakes=[
            Mistake(lambda g, c: np.radians(turned(g, c)), "This is the angle in radians. np.degrees turns "
                    "it."),
            Mistake(lambda g, c: np.cos(np.radians(turned(g, c))), "This is the cosine. The angle is its "
                    "arccos."),
            Mistake(lambda g, c: turned(g, 1e-9 * c),
                    "This is the angle to the signs of the gradient. Entries below the limit stay as they "
                    "are."),
            Mistake(lambda g, c: np.degrees(np.arccos(np.vdot(g, np.minimum(g, c)) / np.linalg.norm(g)
                                                      / np.linalg.norm(np.minimum(g, c)))),
                    "Large negative entries have to be cut too, at -limit."),
            Mistake(lambda g, c: np.degrees(np.arccos(np.clip(g, 0, c).ravel() @ g.ravel() / np.linalg.norm(g)
                                                      / np.linalg.norm(np.clip(g, 0, c)))),
                    "Negative entries were cut away. The range goes from -limit to limit."),
            Mistake(lambda g, c: np.degrees(np.arccos(np.vdot(g, np.clip(g, -c, c)) / np.vdot(g, g))),
                    "The cosine divides by the lengths of both: the gradient's, and that of what is left of it."),
            Mistake(lambda g, c: np.degrees(np.arccos(np.vdot(g, g - np.clip(g, -c, c)) / np.linalg.norm(g)
                                                      / np.linalg.norm(g - np.clip(g, -c, c)))),
                    "This is the angle to what was cut off. What is left is asked for."),
            Mistake(lambda g, c: np.degrees(np.arccos(np.vdot(g, np.clip(g, -c, c)) / np.sqrt(
                np.vdot(g, g) * np.vdot(*[np.clip(g, -c, c)] * 2))) / 2), "This is half of the angle."),
            Mistake(lambda g, c: np.degrees(np.arcsin(np.linalg.norm(
                g / np.linalg.norm(g) - np.clip(g, -c, c) / np.linalg.norm(np.clip(g, -c, c))))),
                    "This takes the distance of the two ends for the sine. The cosine is a sum of products over two "
                    "lengths."),
            Mistake(lambda g, c: 0.,
                    "An angle of 0: but some entries are cut and others are not, so the direction changes. Cut each "
                    "entry, "
                    "and divide the sum of products by both lengths."),
            Mistake(lambda g, c: 90 - turned(g, c), "This is the angle to 90 degrees: arcsin where arccos is "
                    "needed."),
            Mistake(_turned_by(lambda g, c: np.maximum(g, -c)), "Large positive entries have to be cut too, at limit."),
            Mistake(_turned_by(lambda g, c: np.where(np.abs(g) > c, c, g)),
                    "What is cut keeps its sign: a large negative entry becomes -limit."),
            Mistake(_turned_by(lambda g, c: np.where(np.abs(g) > c, 0, g)),
                    "Large entries became 0. They are cut to limit or -limit."),
            Mistake(_turned_by(lambda g, c: np.clip(g, -c / 2, c / 2)),
                    "The range goes from -limit to limit: it is twice "
                    "the limit wide."),
            Mistake(lambda g, c: 180 - turned(g, c), "The sign of the cosine is turned: this is the angle to the "
                    "opposite."),
            Mistake(lambda g, c: np.degrees(np.arccos(np.linalg.norm(np.clip(g, -c, c)) / np.linalg.norm(g))),
                    "The quotient of the lengths is no cosine. It is the sum of products over both lengths."),
            Mistake(lambda g, c: np.degrees(np.arccos(np.vdot(g, np.clip(g, -c, c)))),
                    "The cosine divides the sum of products by both lengths."),
            Mistake(lambda g, c: np.mean([turned(row, c) for row in np.atleast_2d(g)]),
                    "This is the mean of the angles of the rows. Take all entries as one long vector."),
            Mistake(lambda g, c: turned(np.atleast_2d(g)[0], c), "This is the first row alone. All entries count."),
            Mistake(lambda g, c: np.radians(np.radians(turned(g, c))), "arccos gives radians already: np.degrees, not "
                    "np.radians."),
            Mistake(lambda g, c: np.degrees(np.arctan(np.cos(np.radians(turned(g, c))))),
                    "The angle is the arccos of this number, not the arctan."),
            Mistake(lambda g, c: [turned(row, c) for row in np.atleast_2d(g)] if np.ndim(g) > 1 else turned(g, c),
                    "One angle for each row. Take all entries as one long vector."),
            Mistake(lambda g, c: turned(g, c * abs(g).max()),
                    "`limit` is taken as a share of the largest entry. It is the limit "
                    "itself."),
        ],
        hints=["np.clip(gradient, -limit, limit) cuts the entries.",
               "The cosine of the angle between u and v is their sum of products over the product of their "
               "lengths.",
               "np.degrees(np.arccos(cosine)). For a matrix, sum over all entries."],
    ),
    Prediction("8.3", "Cut every entry to a hundredth of the largest one: by how many degrees does the "
                      "gradient of a real network turn?", unit="degrees", close=15.),
    Prediction("8.4", "The same start with the gradient clipped at 0.3: where is it after 600 updates?",
               kind="choice",
               choices=("far away, a little later", "still hopping at the foot of the wall",
                        "down in the valley, error below 0.001")),
    Exercise(
        "8.5", "A threshold from the log", minutes=4, difficulty=2,
        solution=threshold_for, oracle=_threshold_by_ranks, cases=_threshold_cases,
        also_correct=(_threshold_sorted, _threshold_partition,
                      lambda norms, share: np.quantile(norms, 1 - share, method="inverted_cdf")),
        mistakes=[
            Mistake(lambda norms, share: np.sort(norms)[int(share * len(norms))],
                    "You counted from the small end: now nearly all updates would be clipped."),
            Mistake(lambda norms, share: share * max(norms),
                    "This is a part of the largest norm. One spike of a million would set it; count updates "
                    "instead."),
            Mistake(lambda norms, share: np.mean(norms) * (1 + share),
                    "The mean is no guide here: one spike moves it past all other norms."),
            Mistake(lambda norms, share: np.sort(norms)[::-1][max(int(share * len(norms)) - 1, 0)],
                    "Off by one: with one norm more above it the share is still kept, and the threshold is "
                    "lower. A norm does not lie above itself: > and not >=."),
            Mistake(lambda norms, share: np.sort(norms)[::-1][int(np.ceil(share * len(norms)))],
                    "Rounded up: then more norms than the share lie above it. At most means down."),
            Mistake(lambda norms, share: np.sort(norms)[::-1][round(share * len(norms))],
                    "In some cases more norms than the share lie above this one. How many may is rounded down, never "
                    "to the "
                    "nearest."),
            Mistake(lambda norms, share: norms.max(),
                    "Above the largest one nothing lies, whatever share is allowed. The smallest norm is asked for "
                    "that "
                    "keeps the share."),
            Mistake(lambda norms, share: norms[int(share * len(norms))],
                    "The norms come in the order of the updates: sort them first."),
            Mistake(lambda norms, share: int(share * len(norms)),
                    "This is how many may lie above it. The norm is asked for."),
            Mistake(lambda norms, share: np.quantile(norms, share),
                    "This share lies below it. The share above it is given."),
            Mistake(lambda norms, share: np.median(norms), "This is the median, whatever share is asked "
                    "for."),
            Mistake(lambda norms, share: np.quantile(norms, 1 - share),
                    "Between two norms np.quantile draws a line. The threshold has to be one of the recorded "
                    "norms."),
            Mistake(lambda norms, share: np.sort(norms)[::-1][int(share * len(norms)) + 1],
                    "One too far down: above this one lies one norm more than may."),
            Mistake(lambda norms, share: np.sort(norms)[::-1][int(share * len(norms)) - 1],
                    "Off by one: if m norms may lie above it, it is entry m, counted from 0. Entry m - 1 has one norm "
                    "less "
                    "above it, and at m = 0 the index -1 is the smallest of all."),
            Mistake(lambda norms, share: np.sort(norms)[min(int((1 - share) * len(norms)), len(norms) - 1)],
                    "Off by one: one norm less lies above it than may. Counted from the small end it is entry N - 1 - m, if m "
                    "may lie above it."),
            Mistake(lambda norms, share: min(norms), "Above the smallest lie all others. Only `share` of them may."),
            Mistake(lambda norms, share: np.mean(norms),
                    "The mean, whatever share is asked for: one spike moves it past all other norms."),
            Mistake(lambda norms, share: np.mean(norms) + 2 * np.std(norms),
                    "Mean and spread are no guide here: one spike moves them past all other norms. Count."),
            Mistake(lambda norms, share: (1 - share) * max(norms),
                    "This is a part of the largest norm. One spike of a million would set it; count updates."),
            Mistake(lambda norms, share: np.argsort(norms)[::-1][int(share * len(norms))],
                    "This is the place of the norm in the log. The norm is asked for."),
            Mistake(lambda norms, share: np.sort(np.unique(norms))[::-1][min(int(share * len(norms)),
                                                                            len(set(norms.tolist())) - 1)],
                    "Equal norms count one by one. np.unique and set leave one of each, so the places move."),
            Mistake(lambda norms, share: np.sort(norms)[::-1][min(int(np.searchsorted(
                np.cumsum(np.sort(norms)[::-1]), share * sum(norms), "right")), len(norms) - 1)],
                    "This share is of the sum of the norms. The share counts norms."),
            Mistake(lambda norms, share: min(c for c in np.unique(norms) if (np.unique(norms) > c).mean() <= share),
                    "Equal norms count one by one: np.unique and set keep only one of them."),
        ],
        hints=["Take one of the norms, c. Which share of the norms lies above it?",
               "(norms > c).mean() is that share. Which of all c keep to it?",
               "min(c for c in norms if (norms > c).mean() <= share). Sorting does it too: largest first, go as far "
               "down as the share allows."],
    ),
    Prediction("8.6", "A network whose gradient vanishes, now trained with clipping at 0.25: does it learn "
                      "to name the first symbol after 40 steps?", kind="choice",
               choices=("yes, all three seeds", "some seeds do", "no, none")),
    Exercise(
        "8.7", "The far part", minutes=2, difficulty=1,
        solution=far_part, oracle=_far_part_by_library, rtol=1e-2, also_correct=(2.5e-10,),
        mistakes=[
            Mistake(.25, "This is the norm of the whole after clipping. The far part is a small part of it."),
            Mistake(3e-9, "Clipping multiplies every part by the same factor, the far one too. The factor is "
                    "not 1 here."),
            Mistake(7.5e-10, "The factor is 0.25 over the norm, and the norm is 3: not 0.25 itself."),
            Mistake(0., "Small, not 0: the far part is multiplied by the same factor as the near one."),
            Mistake(1 / 12, "This is the factor. Multiply the far part by it."),
            Mistake(1e-9, "You divided by the norm. The factor is threshold over norm."),
            Mistake(.25 / 3e-9, "The norm of the far part was taken for that of the whole."),
            Mistake(3e-10, "The factor is 0.25 / 3, one twelfth, not a tenth."),
            Mistake(2.5e-7, "The digits are right, the power of ten is not: a twelfth of 3e-9."),
            Mistake(2.5e-9, "The digits are right; it is ten times too large: a twelfth of 3e-9."),
            Mistake(2.5e-11, "The digits are right; it is ten times too small: a twelfth of 3e-9."),
            Mistake(3e-9 * 12, "The factor is upside down: clipping never makes anything larger."),
            Mistake(2.5e-8, "The digits are right; it is a hundred times too large: a twelfth of 3e-9."),
            Mistake(8.3e-10, "You divided by 3.6. The factor is 0.25 / 3, one twelfth."),
            Mistake(2e-10, "One digit. The factor is 0.25 / 3, one twelfth: a twelfth of 3e-9."),
            Mistake(-2.5e-10, "A norm is never below 0."),
            Mistake(2.25, "Clipping does not take a part off; it multiplies by a factor."),
            Mistake(1.2e-8, "You divided by the threshold. The factor is threshold over norm, 0.25 / 3."),
            Mistake(1e-10, "The factor is 0.25 / 3: one twelfth, not one thirtieth."),
            Mistake(1.25e-10, "Half of it: the threshold is not shared out. Both parts are multiplied by 0.25 / 3."),
            Mistake(2.5e10, "The power of ten has the wrong sign: a twelfth of 3e-9."),
            Mistake(3e-9 / 144, "The factor counts once: 3e-9 times 0.25 / 3."),
        ],
        hints=["How large is the norm of the two parts together?", "The factor is .25 / 3.",
               "Multiply the far part by the factor."],
    ),
    Exercise(
        "8.11", "What a step back keeps", minutes=5, difficulty=3,
        solution=kept, oracle=_kept_by_complex_step, cases=_kept_cases, time_axis=0,
        also_correct=(_kept_loop,),
        mistakes=[
            Mistake(_kept_wrong(turn=True),
                    "W_hh is the wrong way round. For rows, W_hh^T times a column is da_t @ W_hh."),
            Mistake(_kept_wrong(slope=lambda h: 1.), "The slope of tanh on the way to a_{t-1} is missing."),
            Mistake(_kept_wrong(slope=lambda h: 1 - h[2:]**2),
                    "The slope is taken at h_t. The step ends at a_{t-1}, so it needs 1 - h_{t-1}^2."),
            Mistake(_kept_wrong(slope=lambda h: 1 - h[:-2]**2),
                    "The slope is taken at h_{t-2}, one step too far back: row t - 1 of h is h_{t-1}."),
            Mistake(_kept_wrong(slope=lambda h: 1 - h[1:-1]),
                    "The slope of tanh is 1 - h^2: the square is missing."),
            Mistake(_kept_wrong(slope=lambda h: h[1:-1] * (1 - h[1:-1])),
                    "h (1 - h) is the slope of the sigmoid. This is a tanh network."),
            Mistake(_kept_wrong(slope=lambda h: 1 - np.tanh(h[1:-1])**2),
                    "h is tanh(a) already: its slope is 1 - h^2, with no tanh around h."),
            Mistake(_kept_wrong(slope=lambda h: (1 - h[1:-1]**2)**2),
                    "The slope stands once in u_t. The ratio squares it with the rest."),
            Mistake(lambda back: kept(back).mean(-1),
                    "One ratio for each step and sequence: keep the axis of the batch."),
            Mistake(lambda back: kept(back)[::-1], "The rows run backwards: row 0 is r_2."),
            Mistake(_kept_slope_first,
                    "First through W_hh, then the slope: it belongs to the end of the step, at a_{t-1}."),
            Mistake(_kept_with_dh, "v_t is dL/da_t, in back.da. You took dL/dh_t."),
            Mistake(lambda back: 1 / kept(back),
                    "The ratio is upside down: what is left after the step belongs above."),
            Mistake(_kept_wrong(power=.5), "These are ratios of lengths. Here the squared lengths are "
                    "compared."),
            Mistake(lambda back: (back.da[:-1]**2).sum(-1) / (back.da[1:]**2).sum(-1),
                    "dL/da_{t-1} holds what other losses add there. u_t is only what comes back from step "
                    "t."),
            Mistake(lambda back: kept(back).T, "It is transposed: a row for each step, a column for each sequence."),
            Mistake(lambda back: kept(back)[:-1], "The last step is missing: t runs to T."),
            Mistake(lambda back: kept(back)[1:], "The first ratio is missing: t starts at 2, and v_2 is back.da[1]."),
            Mistake(lambda back: kept(back).sum(-1),
                    "The sequences were added up. One ratio for each step and sequence."),
            Mistake(lambda back: kept(back).mean(0),
                    "One ratio for each step and sequence: keep the axis of the steps."),
            Mistake(_kept_reduced(lambda v: np.abs(v).sum(-1)), "These are sums of sizes. |v|^2 is a sum of squares."),
            Mistake(_kept_reduced(lambda v: v.sum(-1)**2), "Square each entry first, then add up."),
            Mistake(_kept_reduced(lambda v: (v**2).sum(1)), "The sum runs over the batch. |v|^2 adds up the units."),
            Mistake(_kept_reduced(lambda v: (v**2).sum((1, 2))), "The sum runs over the batch too. Each sequence has a "
                    "ratio of its own."),
            Mistake(_kept_wrong(slope=lambda h: (1 - h[1:-1])**2), "(1 - h)^2 is not 1 - h^2."),
            Mistake(_kept_wrong(slope=lambda h: h[1:-1]), "This is the state. The slope of tanh is 1 - h^2."),
            Mistake(lambda back: (((1 - back.run.h[1:-1]**2) * (back.da[1:] @ back.run.params.W_hh))**2).sum(-1),
                    "This is |u_t|^2. Divide it by |v_t|^2."),
            Mistake(lambda back: (back.dh[1:-1]**2).sum(-1) / (back.dh[2:]**2).sum(-1),
                    "These are ratios of the total gradients dL/dh. u_t is only what comes back from step t, at "
                    "a_{t-1}."),
            Mistake(_kept_starting_early, "v_t starts one step too early: for t = 2 ... T it is back.da[1:]."),
            Mistake(lambda back: (((1 - back.run.h[1:-1]**2) * (back.da[1:] @ back.run.params.W_hh))**2).sum(-1)
                    / (back.da[:-1]**2).sum(-1), "Divide by |v_t|^2, where the step starts, not by that of v_{t-1}."),
            Mistake(lambda back: (((1 - back.run.h[1:-1]**2) * (back.da[1:] @ back.run.params.W_hh)) / back.da[1:])**2,
                    "These are ratios of single units. |u|^2 is a sum over the units: .sum(-1) above and below."),
            Mistake(lambda back: (kept(back) - 1)**2,
                    "This is how far r_t is from 1, what the penalty adds up. r_t itself is asked "
                    "for."),
            Mistake(lambda back: (back.da**2).sum(-1)[1:] / (back.da**2).sum(-1)[:-1],
                    "This is upside down, and dL/da_{t-1} holds "
                    "what other losses add there. u_t is only what comes back from step t."),
        ],
        hints=["v_t for t = 2 ... T are the rows back.da[1:]. Where do they go next?",
               "Through W_hh and then through the slope at a_{t-1}: (1 - h_{t-1}^2) * (v_t @ W_hh).",
               "h_{t-1} for t = 2 ... T are the rows back.run.h[1:-1]."],
    ),
    Prediction("8.12", "Sequences of T = 30, at most 3000 updates: which of the three learn them in more "
                       "than half of the runs?", kind="choices", choices=("SGD", "clip", "clip + penalty")),
    Prediction("8.8", "float32 gradients 3e30 and -4e30, finite both; clip_grad_norm_(parameters, 1.): what "
                      "are they afterwards?", kind="choice",
               choices=("0.6 and -0.8", "zeros", "NaN", "unchanged")),
    Exercise(
        "8.9", "Always, or never?", minutes=3, difficulty=2,
        solution=clip_fraction, oracle=_fraction_by_sums, cases=_fraction_cases, time_axis="each",
        also_correct=(_fraction_by_views,),
        mistakes=[
            Mistake(lambda norms, c, n: 1 - clip_fraction(norms, c, n),
                    "This is the share that was not clipped. An update is clipped where its norm is above "
                    "max_norm."),
            Mistake(lambda norms, c, n: n * clip_fraction(norms, c, n),
                    "These are counts. Divide by the window for a share."),
            Mistake(lambda norms, c, n: clip_fraction(norms, c, n)[:-1],
                    "The last stretch is missing: there are N - window + 1 of them."),
            Mistake(lambda norms, c, n: np.array([(norms[k:k + n] > c).mean() for k in range(len(norms))]),
                    "The last stretches are shorter than the window. Stop where a whole one still fits."),
            Mistake(lambda norms, c, n: clip_fraction(norms, c, n)[::n],
                    "The stretches overlap: a new one begins with every update, not only where the last one ended."),
            Mistake(lambda norms, c, n: np.array([(norms[max(0, k - n + 1):k + 1] > c).mean()
                                                  for k in range(len(norms))]),
                    "The first stretches are shorter than the window. Begin where a whole one fits."),
            Mistake(lambda norms, c, n: clip_fraction(norms, c, n)[::-1], "First stretch first: these run backwards."),
            Mistake(lambda norms, c, n: 100 * clip_fraction(norms, c, n), "This is in percent. A share is at most 1."),
            Mistake(lambda norms, c, n: n / len(norms) * clip_fraction(norms, c, n),
                    "Each count was divided by the number of all updates. Divide by the window."),
            Mistake(lambda norms, c, n: np.lib.stride_tricks.sliding_window_view(norms, n).mean(-1) > c,
                    "This asks whether the mean norm is above it. Count the updates that are."),
            Mistake(lambda norms, c, n: np.lib.stride_tricks.sliding_window_view(norms, n).mean(-1),
                    "This is the mean norm of each stretch. Compare with max_norm first, then take the mean."),
            Mistake(lambda norms, c, n: (np.lib.stride_tricks.sliding_window_view(norms, n) > c).any(-1) * 1.,
                    "This says whether any update was clipped. The share of them is asked for."),
            Mistake(lambda norms, c, n: (norms > c).mean(), "This is the share of the whole run. Return one "
                    "per stretch."),
            Mistake(lambda norms, c, n: clip_fraction(norms, np.nextafter(c, 0), n),
                    "A norm that equals max_norm is not clipped: it needs > and not >=."),
            Mistake(lambda norms, c, n: clip_fraction(norms, c, n)[1:], "The first stretch is missing: it starts with "
                    "update 0."),
            Mistake(lambda norms, c, n: np.array([np.mean(norms[k:k + n + 1] > c) for k in range(len(norms) - n)]),
                    "These stretches are one update too long."),
            Mistake(lambda norms, c, n: np.array([np.mean(norms[k:k + n - 1] > c) for k in range(len(norms) - n + 1)]),
                    "These stretches are one update too short: k to k + window - 1 is norms[k:k + window]."),
            Mistake(lambda norms, c, n: np.array([np.mean(norms[k:k + n] < c) for k in range(len(norms) - n + 1)]),
                    "This is the share of those below max_norm. An update is clipped where its norm is above it."),
            Mistake(lambda norms, c, n: np.convolve(norms > c, np.ones(n) / n, "same"),
                    "mode \"same\" also takes stretches that hang over the ends. \"valid\" takes the whole ones."),
            Mistake(lambda norms, c, n: np.convolve(norms > c, np.ones(n) / n),
                    "mode \"full\" also takes stretches that hang over the ends. \"valid\" takes the whole ones."),
            Mistake(lambda norms, c, n: np.cumsum(norms > c) / np.arange(1, len(norms) + 1),
                    "This is the share since the start. Each stretch has `window` updates."),
            Mistake(lambda norms, c, n: (norms > c) * 1., "This says which updates were clipped. Take the mean of each "
                    "stretch."),
            Mistake(lambda norms, c, n: (np.lib.stride_tricks.sliding_window_view(norms, n) > c).all(-1) * 1.,
                    "This says whether all updates were clipped. The share of them is asked for."),
            Mistake(lambda norms, c, n: np.lib.stride_tricks.sliding_window_view(np.minimum(1, c / norms), n).mean(-1),
                    "This is the mean factor of clipping. Count the updates that are clipped."),
            Mistake(lambda norms, c, n: np.append(clip_fraction(norms, c, n), 0.), "One stretch too many: there are "
                    "N - window + 1."),
            Mistake(lambda norms, c, n: np.array([np.mean(norms[k:k + n + 1] > c) for k in range(len(norms) - n + 1)]),
                    "These stretches are one update too long: k to k + window - 1 is norms[k:k + window]."),
            Mistake(lambda norms, c, n: np.array([np.mean(norms[:k + n] > c) for k in range(len(norms) - n + 1)]),
                    "These stretches all begin with update 0. Each has `window` updates: norms[k:k + window]."),
            Mistake(lambda norms, c, n: (norms[:len(norms) - n + 1] > c) * 1.,
                    "This says which updates were clipped. Take the "
                    "mean over a stretch from each of them on."),
            Mistake(lambda norms, c, n: clip_fraction(norms, c, n)[:, None],
                    "A column, (N - window + 1, 1). One axis is asked "
                    "for."),
            Mistake(lambda norms, c, n: np.r_[np.zeros(n - 1), clip_fraction(norms, c, n)],
                    "Zeros were put in front for stretches "
                    "that are not whole. Begin with the first whole one."),
        ],
        hints=["norms > max_norm is True where an update was clipped.", "The mean of a stretch of these is "
                    "its share.",
               "range(len(norms) - window + 1) are the starts of the stretches."],
    ),
    Prediction("8.10", "Multiply every gradient by 1/1000 and train with Adam for 300 updates: how far do "
                       "the parameters move, compared with before?", kind="choice",
               choices=("a thousandth as far", "a thirtieth as far", "as far, to 1 percent")),
])
