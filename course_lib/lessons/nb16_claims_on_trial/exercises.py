"""The exercises of lesson 16, claims on trial."""

from __future__ import annotations

import numpy as np

from ...exercises.bank import Bank, Exercise, Mistake, Prediction

# 16.2 A rule as a function


def verdict(left):
    share = (left < 1e-3).mean()
    if share >= .9:
        return "holds"
    return "fails" if share <= .1 else "holds partly"


def _verdict_by_sorting(left):
    ordered, n = np.sort(left), len(left)
    if ordered[int(np.ceil(.9 * n)) - 1] < 1e-3:      # the seed that ends the first nine tenths
        return "holds"
    return "holds partly" if ordered[int(.1 * n)] < 1e-3 else "fails"


def _verdict_by_counting(left):
    vanished = sum(each < 1e-3 for each in left)
    conditions = 10 * vanished > len(left), 10 * vanished >= 9 * len(left)
    return ["fails", "holds partly", "holds"][sum(conditions)]


def _verdict_cases(rng):
    def seeds(first, vanished, other, largest):  # first: whether the first seed's gradient has vanished
        small, rest = 10**rng.uniform(-9, -4, vanished), 10**rng.uniform(-2, -1, other - 1)
        left = rng.permutation([*small, *rest, largest])
        return (np.roll(left, -np.argmax((left < 1e-3) == first)),)

    counts = [(False, 9, 1, .5), (True, 18, 2, 1e4), (True, 19, 1, .5), (False, 11, 9, .5), (True, 1, 9, .5),
              (False, 2, 18, .2), (True, 17, 3, .5), (False, 3, 17, 1e4)]
    edge = np.array([1e-3, *10**rng.uniform(-9, -4, 8), .5])        # a thousandth is not less than a thousandth
    low, high = 10**rng.uniform(-5, -4, 10), 10**rng.uniform(2, 4, 10)
    means = [np.r_[low[:8], 9e-4, .5], np.r_[low[:8], .002, .002], np.r_[low[:6], high[:4]], np.r_[low[:5], high[:5]]]
    ends = [10**rng.uniform(-9, -4, 7), rng.uniform(.1, 1, 5), np.r_[low[:9], .1, .2], *(
        np.r_[np.tile(low, 4)[:count], np.full(40 - count, .5)] for count in (1, 3, 37, 39))]
    return [*[seeds(*each) for each in counts], *[(each,) for each in [edge, *means, *ends]]]


def _verdict_of(left, high=.9, low=.1, count=False):
    share = (left < 1e-3).sum() / (1 if count else len(left))
    return "holds" if share >= high else "fails" if share <= low else "holds partly"


def _verdict_of_the_mean(left):
    return "holds" if left.mean() < 1e-3 else "fails"


def _verdict_with(limit=1e-3, high=.9, low=.1):
    return lambda left: _verdict_of(left * 1e-3 / limit, high, low)


def _verdict_of_the_first(left):
    return "holds" if left[0] < 1e-3 else "fails"


def _verdict_all_or_none(left):
    vanished = left < 1e-3
    return "holds" if vanished.all() else "holds partly" if vanished.any() else "fails"


def _verdict_without_the_ends(left):
    share = (left < 1e-3).mean()
    return "holds" if share > .9 else "fails" if share < .1 else "holds partly"


def _verdict_without_the_middle(left):
    return "holds" if (left < 1e-3).mean() >= .9 else "fails"


# 16.3 The seed trap


def trap(gain, H, k, seeds):
    norms = []
    for seed in seeds:
        W = gain / np.sqrt(H) * np.random.default_rng(seed).normal(size=(H, H))
        norms.append(np.linalg.norm(np.linalg.matrix_power(W, k), 2))
    return (np.array(norms) > 1).mean(), seeds[np.argmax(norms)]


def _trap_step_by_step(gain, H, k, seeds):
    grown = {}
    for seed in seeds:
        W, product = np.random.default_rng(seed).normal(scale=gain / np.sqrt(H), size=(H, H)), np.eye(H)
        for _ in range(k):
            product = W @ product
        grown[seed] = np.linalg.eigvalsh(product.T @ product)[-1]      # the norm squared
    return sum(each > 1 for each in grown.values()) / len(seeds), max(grown, key=grown.get)


def _trap_all_at_once(gain, H, k, seeds):
    W = np.stack([np.random.default_rng(seed).normal(size=(H, H)) for seed in seeds]) * gain / H**.5
    norms = np.linalg.svd(np.linalg.matrix_power(W, k), compute_uv=False)[:, 0]
    return np.count_nonzero(norms > 1) / len(norms), int(np.array(seeds)[norms == norms.max()][0])


def _trap_cases(rng):
    return [(.9, 16, 60, range(1, 21)), (.97, 12, 80, range(31, 46)), (.95, 24, 40, range(7, 19)),
            (.9, 16, 23, range(1, 21)), (.8, 10, 5, range(50, 62)),
            (1., 12, 20, range(31, 46))]      # one power more or less has another share


def _norms(matrices, k):
    return np.array([np.linalg.norm(np.linalg.matrix_power(W, k), 2) for W in matrices])


def _drawn(gain, H, seeds):
    return [gain / np.sqrt(H) * np.random.default_rng(seed).normal(size=(H, H)) for seed in seeds]


def _trap_one_seed(gain, H, k, seeds):
    norms = _norms(_drawn(gain, H, [seeds[0]] * len(seeds)), k)
    return (norms > 1).mean(), seeds[np.argmax(norms)]


def _trap_one_generator(gain, H, k, seeds):
    rng = np.random.default_rng(seeds[0])
    norms = _norms([gain / np.sqrt(H) * rng.normal(size=(H, H)) for _ in seeds], k)
    return (norms > 1).mean(), seeds[np.argmax(norms)]


def _trap_of_W(gain, H, k, seeds):
    norms = _norms(_drawn(gain, H, seeds), 1)
    return (norms > 1).mean(), seeds[np.argmax(norms)]


def _trap_place(gain, H, k, seeds):
    return trap(gain, H, k, seeds)[0], np.argmax(_norms(_drawn(gain, H, seeds), k))


def _trap_wrong(deviation=lambda gain, H: gain / np.sqrt(H), norm=lambda W, k: _norms([W], k)[0], pick=np.argmax,
                above=lambda norms: norms > 1):
    def trap(gain, H, k, seeds):
        norms = np.array([norm(deviation(gain, H) * np.random.default_rng(seed).normal(size=(H, H)), k)
                          for seed in seeds])
        return above(norms).mean(), seeds[pick(norms)]

    return trap


def _trap_drawn(draw):
    def trap(gain, H, k, seeds):
        norms = _norms([gain / np.sqrt(H) * draw(seed, H) for seed in seeds], k)
        return (norms > 1).mean(), seeds[np.argmax(norms)]

    return trap


def _trap_count(gain, H, k, seeds):
    share, seed = trap(gain, H, k, seeds)
    return share * len(seeds), seed


# 16.5 The smallest counterexample


def smallest_shear(rho, growth):
    k = np.ceil(rho / (1 - rho))      # the corner of the next power, (k + 1) rho^k, is no larger
    return np.array([[rho, growth / (k * rho**(k - 1))], [0, rho]])


def _shear_by_powers(rho, growth):
    def reaches(b):
        W, power = np.array([[rho, b], [0, rho]]), np.eye(2)
        for _ in range(400):
            power = power @ W
            if power[0, 1] >= growth:
                return True
        return False

    low, high = 0., float(growth)                     # at b = growth the first power has it
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (low, middle) if reaches(middle) else (middle, high)
    return np.array([[rho, high], [0, rho]])


def _shear_by_trying(rho, growth):
    k = np.arange(1, 2000)
    corner = k * rho**(k - 1)                         # of W^k, where W has a 1 in its corner
    return np.array([[rho, growth / corner.max()], [0, rho]])


def _shear_by_walking(rho, growth):
    k = 1
    while (k + 1) * rho > k:                          # the next power's corner is larger
        k += 1
    return np.array([[rho, growth / (k * rho**(k - 1))], [0, rho]])


def _shear_cases(rng):
    return [(.85, 10.), (.6, 3.), (.97, 25.), (rng.uniform(.86, .88), 10.)]


def _best(rho, high=2000):
    """The largest corner k rho^(k - 1) of powers below high, and its k."""
    corner = [k * rho**(k - 1) for k in range(1, high)]
    return max(corner), int(np.argmax(corner)) + 1


def _shear(rho, corner):
    return np.array([[rho, corner], [0, rho]])


# 16.14 The tuned baseline


def fair(loss):
    half = loss.shape[-1] // 2
    chosen = loss[..., :half].mean(-1).argmin(-1)     # a rate for each method, by the first half of the seeds
    return np.array([method[rate, half:].mean() for method, rate in zip(loss, chosen)])


def _fair_by_loops(loss):
    result = []
    for method in loss.tolist():
        half = len(method[0]) // 2
        best = min(method, key=lambda runs: sum(runs[:half]))
        result.append(sum(best[half:]) / (len(best) - half))
    return np.array(result)


def _fair_by_taking(loss):
    choose, report = np.split(loss, [loss.shape[-1] // 2], axis=-1)
    order = np.argsort(choose.sum(-1), axis=-1)[:, :1]
    return np.take_along_axis(report.mean(-1), order, axis=-1)[:, 0]


def _fair_cases(rng):
    cases = []
    for M, R, S in [(2, 4, 10), (3, 5, 8), (2, 6, 7)]:
        best = rng.permutation(R)[:M]                 # each method has a rate of its own
        level = .3 + .1 * np.abs(np.arange(R) - best[:, None])
        cases.append((level[..., None] * rng.lognormal(sigma=.7, size=(M, R, S)),))
    return [*cases, (rng.lognormal(sigma=1.5, size=(3, 5, 9)),), (rng.lognormal(size=(1, 2, 2)),)]


def _half(loss):
    return loss.shape[-1] // 2


def _fair_one_rate(loss):
    rate = loss[-1, :, :_half(loss)].mean(-1).argmin()
    return loss[:, rate, _half(loss):].mean(-1)


def _fair_at(loss, choose=lambda half: half.mean(-1).argmin(-1), report=lambda runs, half: runs[half:].mean()):
    half = _half(loss)
    return np.array([report(method[rate], half) for method, rate in zip(loss, choose(loss[..., :half]))])


def _fair_split(loss, half):
    chosen = loss[..., :half].mean(-1).argmin(-1)
    return loss[np.arange(len(loss)), chosen, half:].mean(-1)


def _fair_split_by(loss, choose):
    chosen = loss[..., choose].mean(-1).argmin(-1)
    return np.array([method[rate, ~choose].mean() for method, rate in zip(loss, chosen)])


def _fair_the_other_way(loss):
    return _fair_split_by(loss, np.arange(loss.shape[-1]) >= _half(loss))


def _fair_common_rate(loss):
    rate = loss[..., :_half(loss)].mean((0, -1)).argmin()
    return loss[:, rate, _half(loss):].mean(-1)


def _fair_first_rate(loss):
    rate = loss[0, :, :_half(loss)].mean(-1).argmin()
    return loss[:, rate, _half(loss):].mean(-1)


BANK = Bank(16, "Claims on trial", [
    Prediction("16.1", "\"Weights above 1 explode, weights below 1 vanish.\" Twenty random matrices W, 64 "
                       "x 64, standard deviation 0.2, every single one below 1 in size. For how many of "
                       "the twenty is the norm of W^60 above 1?", unit="of 20"),
    Exercise(
        "16.2", "A rule as a function", minutes=4, difficulty=1,
        solution=verdict, oracle=_verdict_by_sorting, cases=_verdict_cases,
        choices=("holds", "holds partly", "fails"),
        also_correct=(_verdict_by_counting,),
        mistakes=[
            Mistake(_verdict_of_the_mean,
                    "This judges the mean of all seeds. One gradient that explodes decides it alone: count "
                    "the seeds instead."),
            Mistake(_verdict_of_the_first, "This judges a single seed, the first one."),
            Mistake(_verdict_all_or_none,
                    "This asks for all seeds and for none. The rule leaves room: nine tenths, one tenth."),
            Mistake(lambda left: verdict(np.where(left == 1e-3, 0, left)),
                    "Exactly a thousandth is not less than a thousandth: < and not <=."),
            Mistake(lambda left: {"holds": "fails", "fails": "holds"}.get(verdict(left), "holds partly"),
                    "\"holds\" and \"fails\" have changed places. The claim says that the gradients vanish."),
            Mistake(lambda left: verdict(np.full(9, np.median(left))),
                    "This judges the median of all seeds. The rule asks for the share that vanished."),
            Mistake(lambda left: verdict(np.full(9, np.exp(np.log(left).mean()))),
                    "This judges the mean of the logarithms. The rule asks for the share that vanished."),
            Mistake(lambda left: _verdict_of(left, low=.5, high=.5), "The rule has two borders, nine tenths and one "
                    "tenth. This cuts at one half."),
            Mistake(lambda left: _verdict_of(left, count=True),
                    "One vanished gradient is enough for this. The rule compares their share with .9 and .1, not their "
                    "number: take the mean."),
            Mistake(lambda left: "holds" if (left < 1e-3).all() else "fails",
                    "This asks for all seeds. Nine tenths are enough, and what does not hold may hold partly."),
            Mistake(lambda left: _verdict_of(left, high=.9, low=0.),
                    "It fails at one tenth already: exactly one tenth is \"at most one tenth\"."),
            Mistake(lambda left: _verdict_of(left, high=1., low=.1),
                    "It holds at nine tenths already, not only at all."),
            *[Mistake(lambda left, word=word: word,
                    f"Always \"{word}\"? Count in how many seeds the gradient vanished.")
              for word in ("holds", "holds partly", "fails")],
            Mistake(_verdict_without_the_ends,
                    "Exactly nine tenths is \"at least nine tenths\", and exactly one tenth is "
                    "\"at most one tenth\"."),
            Mistake(_verdict_without_the_middle,
                    "What does not hold need not fail. Between the two conditions it holds partly."),
            Mistake(lambda left: verdict(1e-6 / left), "This counts the gradients that did not vanish: < and not >."),
            Mistake(_verdict_with(limit=1e-2), "A thousandth is 1e-3, not 1e-2."),
            Mistake(_verdict_with(limit=1e-4), "A thousandth is 1e-3, not 1e-4."),
            Mistake(_verdict_with(limit=.1), "A thousandth is 1e-3, not 0.1."),
            Mistake(_verdict_with(limit=1.), "To shrink is not to vanish: less than a thousandth has to be left."),
            Mistake(lambda left: "holds" if (left < 1e-3).mean() > .9 else "fails" if (left < 1e-3).mean() <= .1
                    else "holds partly", "Exactly nine tenths is \"at least nine tenths\"."),
            Mistake(lambda left: verdict(left).replace("holds partly", "partly"), "The word is \"holds partly\"."),
            Mistake(lambda left: (left < 1e-3).mean(),
                    "This is the share. Say what the rule makes of it: \"holds\", \"fails\" "
                    "or \"holds partly\"."),
            Mistake(lambda left: (left < 1e-3).mean() >= .9,
                    "This is True or False. Say \"holds\", \"fails\" or \"holds "
                    "partly\"."),
            Mistake(lambda left: "holds" if (left < 1e-3).sum() >= 9 else "fails" if (left < 1e-3).sum() <= 1
                    else "holds partly", "9 and 1 fit ten seeds alone. The rule is about the share of them."),
            Mistake(_verdict_with(high=.5, low=.1), "It holds from nine tenths on, not from one half."),
            Mistake(_verdict_with(high=.9, low=.5), "It fails up to one tenth, not up to one half."),
            Mistake(_verdict_with(high=.8, low=.2), "Nine tenths and one tenth are the borders, not eight and two."),
            Mistake(lambda left: verdict(left / left.max()),
                    "Not divided by the largest: each entry is a share already, of its "
                    "own network."),
            Mistake(lambda left: "holds" if (left < 1e-3).mean() >= .9 else "fails" if (left > 1).mean() >= .1
                    else "holds partly",
                    "It fails if at most one tenth vanished. Whether any exploded is another claim."),
            Mistake(lambda left: verdict(np.sort(left)[:-1]), "The largest was left out. Every seed counts."),
            Mistake(_verdict_with(high=.95, low=.05),
                    "Nine tenths and one tenth are the borders, not 95 and 5 percent."),
            Mistake(lambda left: "holds" if (left < 1e-3).mean() >= .9 else "fails" if (left < 1e-3).mean() < .1
                    else "holds partly", "Exactly one tenth is \"at most one tenth\": it fails."),
            Mistake(lambda left: "holds" if (left < 1e-3).mean() >= .9 else "fails" if (left < 1e-3).mean() < .5
                    else "holds partly", "It fails up to one tenth, not below one half."),
            Mistake(lambda left: verdict(left[left < 1]), "The exploded ones were left out. Every seed counts."),
        ],
        hints=["(left < 1e-3) is True for each seed whose gradient has vanished.",
               "The mean of these is the share of the seeds.",
               "At least .9: \"holds\". At most .1: \"fails\". Everything else: \"holds partly\"."],
    ),
    Exercise(
        "16.3", "The seed trap", minutes=6, difficulty=2,
        solution=trap, oracle=_trap_step_by_step, cases=_trap_cases, returns=("share", "seed"),
        also_correct=(_trap_all_at_once,),
        mistakes=[
            Mistake(_trap_one_seed,
                    "Every network got the same seed: this is one measurement, made many times."),
            Mistake(_trap_one_generator,
                    "One generator made all of the matrices. Then the seed you name does not make its "
                    "matrix again: give each seed its own np.random.default_rng(seed)."),
            Mistake(_trap_of_W,
                    "This judges by the norm of W itself, which is above 1 for every seed, and so is that number to "
                    "the "
                    "power k. The claim is about the norm of W^k."),
            Mistake(_trap_place, "This is the place in the list, counted from 0, not the seed."),
            Mistake(_trap_wrong(deviation=lambda gain, H: gain),
                    "By this every power has grown. Not all do: the entries have the standard deviation gain / "
                    "sqrt(H), and "
                    "the share counts the seeds whose norm is above 1."),
            Mistake(_trap_wrong(deviation=lambda gain, H: 1 / np.sqrt(H)),
                    "The gain is missing: the standard deviation is gain / sqrt(H)."),
            Mistake(_trap_wrong(deviation=lambda gain, H: gain / H),
                    "The root is missing: the standard deviation is gain / sqrt(H)."),
            Mistake(_trap_wrong(deviation=lambda gain, H: np.sqrt(gain / H)),
                    "The root is of H alone: the standard deviation is gain / sqrt(H)."),
            Mistake(_trap_wrong(norm=lambda W, k: np.linalg.norm(np.linalg.matrix_power(W, k))),
                    "This is the root of the sum of all squared entries. The norm is the largest singular value: "
                    "np.linalg.norm(..., 2)."),
            Mistake(_trap_wrong(norm=lambda W, k: np.abs(np.linalg.eigvals(W)).max() ** k),
                    "This measure, an eigenvalue or an entry, is below the norm. The norm of W^k is its largest "
                    "singular "
                    "value, np.linalg.norm(..., 2)."),
            Mistake(_trap_wrong(norm=lambda W, k: np.linalg.norm(W**k, 2)),
                    "W**k takes each entry to the power k. The power of a matrix is np.linalg.matrix_power(W, k)."),
            Mistake(_trap_wrong(norm=lambda W, k: _norms([W], k + 1)[0]), "One factor too many: W^k has k of them."),
            Mistake(_trap_wrong(norm=lambda W, k: _norms([W], k - 1)[0]), "One factor too few: W^k has k of them."),
            Mistake(_trap_wrong(pick=np.argmin), "This is the seed of the smallest norm. The largest is asked for."),
            Mistake(_trap_wrong(above=lambda norms: norms < 1),
                    "This is the share below 1. The share above is asked for."),
            Mistake(lambda *args: (100 * trap(*args)[0], trap(*args)[1]), "The share is in percent. It is at most 1."),
            Mistake(lambda *args: trap(*args)[::-1], "The two have changed places: first the share."),
            Mistake(lambda gain, H, k, seeds: (trap(gain, H, k, seeds)[0], _norms(_drawn(gain, H, seeds), k).max()),
                    "This is the largest norm. The seed that has it is asked for."),
            Mistake(lambda gain, H, k, seeds: (float(_norms(_drawn(gain, H, seeds), k).mean() > 1),
                                               trap(gain, H, k, seeds)[1]),
                    "This asks whether the mean norm is above 1. Count the seeds for which it is."),
            Mistake(_trap_count, "This counts the seeds. A share is their number divided by that of all."),
            Mistake(lambda *args: trap(*args)[0], "This is the share alone. Return the pair (share, seed)."),
            Mistake(lambda *args: trap(*args)[1], "This is the seed alone. Return the pair (share, seed)."),
            Mistake(lambda gain, H, k, seeds: _trap_one_seed(gain, H, k, [0] * len(seeds)),
                    "Every network got the seed 0: this "
                    "is one measurement, made many times."),
            Mistake(_trap_drawn(lambda seed, H: np.random.RandomState(seed).normal(size=(H, H))),
                    "These matrices come from numpy's old generator (np.random.seed, RandomState): other numbers for "
                    "the same "
                    "seed. Use np.random.default_rng(seed)."),
            Mistake(_trap_drawn(lambda seed, H: np.random.default_rng(seed).uniform(-1, 1, (H, H))),
                    "The entries are uniform. "
                    "Normal ones are asked for: .normal(size=(H, H))."),
            Mistake(_trap_drawn(lambda seed, H: np.random.default_rng(seed).uniform(size=(H, H))),
                    "The entries are uniform between 0 and 1. Normal ones are asked for: .normal(size=(H, H))."),
            Mistake(_trap_wrong(norm=lambda W, k: np.linalg.norm(np.linalg.matrix_power(W, k), 1)),
                    "norm(..., 1) is the largest "
                    "column sum. The norm here is the largest singular value: norm(..., 2)."),
            Mistake(_trap_wrong(norm=lambda W, k: np.linalg.svd(np.linalg.matrix_power(W, k))[1][-1]),
                    "This is the smallest "
                    "singular value. The norm is the largest, the first in numpy's order."),
            Mistake(_trap_wrong(norm=lambda W, k: np.abs(np.linalg.det(W))),
                    "The determinant is not the norm: that is the "
                    "largest singular value."),
            Mistake(lambda gain, H, k, seeds: (_norms(_drawn(gain, H, seeds), k).mean(), trap(gain, H, k, seeds)[1]),
                    "The first is the mean norm. The share of the seeds whose norm is above 1 is asked for."),
            Mistake(lambda gain, H, k, seeds: trap(gain, H, k, range(len(seeds))),
                    "The seeds are those of `seeds`, not 0, 1, 2, "
                    "..."),
            Mistake(lambda gain, H, k, seeds: (trap(gain, H, k, seeds)[0],
                                               [seed for seed in seeds if trap(gain, H, k, [seed])[0]]),
                    "These are all the seeds with a norm above 1. The one with the largest norm is asked for."),
            Mistake(lambda gain, H, k, seeds: (trap(gain, H, k, seeds)[0],
                                               next((seed for seed in seeds if trap(gain, H, k, [seed])[0]), seeds[0])),
                    "This is the first seed with a norm above 1. The one with the largest norm is asked for."),
            Mistake(lambda gain, H, k, seeds: trap(gain, H, k, seeds[:-1]), "The last seed is missing."),
            Mistake(lambda *args: (_trap_place(*args)[0], _trap_place(*args)[1] + 1),
                    "This is the place in the list, counted from 1, not the seed."),
            Mistake(lambda gain, H, k, seeds: (_trap_one_seed(gain, H, k, [0])[0], seeds[0]),
                    "Every network got the same generator: this is one measurement, made many "
                    "times."),
            Mistake(lambda *args: (trap(*args)[0], trap(*args)[1] + 1),
                    "The share is right, and the seed is one too high: take "
                    "seeds[np.argmax(norms)]."),
            Mistake(lambda gain, H, k, seeds: (trap(gain, H, k, seeds)[0] * len(seeds) / seeds[-1],
                                               trap(gain, H, k, seeds)[1]),
                    "Divided by the last seed. The share is of the number of seeds, len(seeds)."),
            Mistake(lambda gain, H, k, seeds: (trap(gain, H, k, seeds)[0] * len(seeds) / (seeds[-1] + 1),
                                               trap(gain, H, k, seeds)[1]),
                    "Divided by the end of the range. The share is of the number of seeds, len(seeds)."),
        ],
        hints=["For each seed: W = gain / np.sqrt(H) * np.random.default_rng(seed).normal(size=(H, H)).",
               "np.linalg.norm(np.linalg.matrix_power(W, k), 2) is the norm of W^k.",
               "Collect the norms in a list. seeds[np.argmax(norms)] is the seed to name."],
    ),
    Prediction("16.4", "\"If the largest eigenvalue is below 1, the gradient vanishes.\" W = [[0.9, 10], "
                       "[0, 0.9]] has 0.9 twice. By how much can a gradient grow in 20 steps through W?",
               scale="log10", unit="times"),
    Exercise(
        "16.5", "The smallest counterexample", minutes=6, difficulty=2,
        solution=smallest_shear, oracle=_shear_by_powers, cases=_shear_cases,
        also_correct=(_shear_by_walking, _shear_by_trying),
        mistakes=[
            Mistake(lambda rho, growth: _shear(rho, growth),
                    "This W has it in its first power. A smaller b gets there later: the corner of W^k is "
                    "k b rho^(k - 1), which first grows with k."),
            Mistake(lambda rho, growth: _shear(rho, growth / max(k * rho**k for k in range(1, 2000))),
                    "One factor rho too many: each way through the corner takes b once and rho only "
                    "k - 1 times."),
            Mistake(lambda rho, growth: _shear(rho, growth / 1999),
                    "You have left out that rho^(k - 1) shrinks. Without it the last power would be best."),
            Mistake(lambda rho, growth: _shear(rho, growth / _best(rho)[1]),
                    "You divided by the k of the best power. Divide by what stands in its corner, k rho^(k - 1)."),
            Mistake(lambda rho, growth: _shear(rho, growth * _best(rho)[0]),
                    "Upside down: where a power multiplies b by more, a smaller b is enough."),
            Mistake(lambda rho, growth: _shear(rho, 1 / _best(rho)[0]),
                    "This b reaches 1. Some power shall have `growth` in its corner."),
            Mistake(lambda rho, growth: _shear(rho, growth * -np.log(rho) * np.e * rho),
                    "This is the highest point of k rho^(k - 1) over all real k. Powers have whole k, so b has to be "
                    "a little larger."),
            Mistake(lambda rho, growth: _shear(rho, growth / (2 * rho)),
                    "This W has it in its second power. A smaller b gets there later: try all k."),
            Mistake(lambda rho, growth: _shear(rho, growth / _best(rho, high=21)[0]),
                    "You stopped too early: with rho near 1 the corner of W^k grows for many k. Go on until it falls."),
            Mistake(lambda rho, growth: growth / _best(rho)[0], "This is b. Return the matrix, [[rho, b], [0, rho]]."),
            Mistake(lambda rho, growth: np.array([[rho**_best(rho)[1], growth], [0, rho**_best(rho)[1]]]),
                    "This is the power that has it. Return W itself."),
            Mistake(lambda rho, growth: _shear(rho, growth - rho),
                    "W need not have it itself, and W^k does not add rho to the corner. Some power shall have it."),
            Mistake(lambda rho, growth: _shear(1., growth / _best(rho)[0]), "The diagonal is rho, twice."),
            Mistake(lambda rho, growth: smallest_shear(rho, growth).T,
                    "It is transposed: b belongs into the upper right corner."),
            Mistake(lambda rho, growth: np.array([[rho, 0], [growth, rho]]),
                    "It is transposed, and this W has it in its first "
                    "power: a smaller b gets there later."),
            Mistake(lambda rho, growth: _shear(rho, growth / max(k * rho**(k + 1) for k in range(1, 2000))),
                    "Two factors rho too many: each way through the corner takes b once and rho k - 1 times."),
            Mistake(lambda rho, growth: _shear(rho, _best(rho)[0] / growth),
                    "Upside down: growth over what stands in the corner."),
            Mistake(lambda rho, growth: _shear(rho, growth / (20 * rho**19)),
                    "This takes the 20th power, whatever rho is. The "
                    "best power depends on it."),
            Mistake(lambda rho, growth: _shear(rho, growth * (1 - rho)),
                    "The ways through the corner do not add up over all "
                    "powers: one power shall have `growth`. In W^k it is k b rho^(k - 1)."),
            Mistake(lambda rho, growth: _shear(rho, growth * (1 - rho) * np.e),
                    "An approximation for rho near 1. k is whole: "
                    "b = growth / max k rho^(k - 1) exactly."),
            Mistake(lambda rho, growth: _shear(rho, -growth * np.log(rho) * np.e),
                    "The best k was taken as no whole number, and "
                    "with k rho^k in the corner. It is k rho^(k - 1), k = 1, 2, 3, ..."),
            Mistake(lambda rho, growth: _shear(rho, growth / (rho ** (rho / (1 - rho)) / (1 - rho))),
                    "1 / (1 - rho) is no whole "
                    "number in general. k rho^(k - 1) is largest at the first k with (k + 1) rho <= k."),
            Mistake(lambda rho, growth: _shear(rho, np.ceil(growth / _best(rho)[0])),
                    "Rounded up. b need not be a whole number: "
                    "the smallest is asked for."),
            Mistake(lambda rho, growth: _shear(rho, np.round(growth / _best(rho)[0], 2)),
                    "Rounded to two digits: then it is not "
                    "the smallest, or not enough."),
            Mistake(lambda rho, growth: _shear(rho, growth / sum(k * rho**(k - 1) for k in range(1, 2000))),
                    "The corners of all powers were added. One power is enough: take the largest."),
            Mistake(lambda rho, growth: [rho, growth / _best(rho)[0]], "These are rho and b. Return the matrix, "
                    "[[rho, b], [0, rho]]."),
            Mistake(lambda rho, growth: np.array([[growth / _best(rho)[0], rho], [0, rho]]),
                    "b belongs into the upper right "
                    "corner, rho twice on the diagonal."),
            Mistake(lambda rho, growth: np.array([[rho, growth / _best(rho)[0]], [growth / _best(rho)[0], rho]]),
                    "The lower left corner is 0."),
            Mistake(lambda rho, growth: _shear(rho, np.sqrt(growth / _best(rho)[0])),
                    "No root: the corner of W^k grows with b "
                    "itself."),
            Mistake(lambda rho, growth: _shear(rho, growth / _best(rho, high=11)[0]),
                    "You stopped at the tenth power. With rho near "
                    "1 the corner of W^k grows for many more k: go on until it falls."),
            Mistake(lambda rho, growth: _shear(rho, growth / max(k * rho**(k - 2) for k in range(1, 2000))),
                    "One factor rho too few: "
                    "each way through the corner takes b once and rho k - 1 times."),
            Mistake(lambda rho, growth: _shear(rho, growth / max(k**2 * rho**(k - 1) for k in range(1, 2000))),
                    "k stands once in the "
                    "corner: there are k ways through it in W^k."),
            Mistake(lambda rho, growth: _shear(rho, -growth / _best(rho)[0]), "b is to be above 0."),
            Mistake(lambda rho, growth: _shear(rho, np.ceil(10 * growth / _best(rho)[0]) / 10),
                    "A tenth is too coarse a step: b has a "
                    "formula, growth / max k rho^(k - 1)."),
            Mistake(lambda rho, growth: _shear(rho, 10.),
                    "This is the lesson's b. Here it follows from rho and growth."),
            Mistake(lambda rho, growth: _shear(rho, growth / ((_best(rho)[1] + 1) * rho**_best(rho)[1])),
                    "One power beyond the best: "
                    "take the k whose corner is largest."),
        ],
        hints=["Compute W^2 and W^3 on paper. What stands in the upper right corner?",
               "In the corner of W^k stands k b rho^(k - 1).",
               "So b = growth / max over k of k rho^(k - 1). It grows with k as long as (k + 1) rho is above k."],
    ),
    Prediction("16.6", "\"The factors |dL/dh_{t-1}| / |dL/dh_t| end up either always above 1 or always in "
                       "[0, 1].\" Five tanh networks, 100 steps each: in how many of the five are there "
                       "both kinds?", kind="choice", choices=("none", "some", "all five")),
    Prediction("16.7", "\"The sigmoid's derivative is at most 1/4, which is why it vanishes.\" One sigmoid "
                       "unit, w = 8, b = -4, started at h_0 = 1/2, where its slope is exactly 1/4. How "
                       "large is dh_50/dh_0?", scale="log10", close=1.),
    Prediction("16.8", "\"ReLU avoids vanishing because its derivative is 0 or 1.\" Orthogonal W_hh, ReLU, "
                       "random inputs, 60 steps, five networks: the median of |dL/dh_0| / |dL/dh_60|?",
               scale="log10", digits=1, close=1.),
    Prediction("16.9", "\"A vanilla RNN does not remember inputs after some number of steps.\" One tanh "
                       "unit, w = 2, reads +3 or -3 once, then nothing for 1000 steps. Can you still tell "
                       "which it was?",
               kind="choice", choices=("yes", "no")),
    Prediction("16.10", "\"Clipping is as robust a cure for explosion as there is.\" On the wall of lesson "
                        "07, 90 starts, rate 0.3: a threshold of 0.3 rescues 56 and hurts none. Now 0.03, "
                        "ten times as careful. How many of the starts that descend well without clipping "
                        "are lost?",
               kind="choice", choices=("none", "some", "most")),
    Prediction("16.11", "\"Clip, and neither problem is left.\" A gradient of norm 5e-9 is clipped to norm "
                        "0.25. Its norm afterwards?", scale="log10"),
    Prediction("16.12", "\"Explosion can be avoided by scaled targets.\" In a network |dL/dh_0| / "
                        "|dL/dh_100| is 1.3e+30. With targets a thousand times smaller, how many times "
                        "smaller does it get?", unit="times"),
    Prediction("16.13", "\"Dependencies longer than the chunk are not learned with truncated BPTT.\" Five "
                        "networks have to name a symbol 12 steps after reading it, and gradients are cut "
                        "after one step. How many learn it?", unit="of 5"),
    Exercise(
        "16.14", "The tuned baseline", minutes=8, difficulty=3,
        solution=fair, oracle=_fair_by_loops, cases=_fair_cases, time_axis="each",
        also_correct=(_fair_by_taking,),
        mistakes=[
            Mistake(_fair_one_rate,
                    "All methods run at the rate that is best for the last one. This is the confounder: what "
                    "differs is the method and how well it was tuned."),
            Mistake(lambda loss: fair(loss[..., ::-1]),
                    "The halves have changed places: the first seeds choose, the others are reported."),
            Mistake(lambda loss: _fair_split(loss, (loss.shape[-1] + 1) // 2),
                    "There are seeds // 2 to choose with: where the number is odd, the seed in the middle is "
                    "reported."),
            Mistake(lambda loss: _fair_at(loss, lambda half: half.max(-1).argmin(-1)),
                    "The rate was chosen by its worst seed. Choose it by the mean over the first half."),
            Mistake(lambda loss: _fair_at(loss, lambda half: half.min(-1).argmin(-1)),
                    "The rate was chosen by its best seed. Choose it by the mean over the first half."),
            Mistake(lambda loss: _fair_at(loss, lambda half: np.median(half, -1).argmin(-1)),
                    "The rate was chosen by the median. Choose it by the mean over the first half."),
            Mistake(lambda loss: _fair_at(loss, lambda half: half.mean(-1).argmax(-1)),
                    "This takes the worst rate: the loss is to be low."),
            Mistake(lambda loss: _fair_at(loss, lambda half: half[..., 0].argmin(-1)),
                    "One seed chose the rate. Choose it by the mean over the first half."),
            Mistake(lambda loss: _fair_at(loss, report=lambda runs, half: runs.mean()),
                    "The report has the seeds in it that chose the rate. Report the others alone."),
            Mistake(lambda loss: _fair_at(loss, report=lambda runs, half: runs[half:].min()),
                    "This reports the best seed. Report the mean."),
            Mistake(lambda loss: _fair_at(loss, report=lambda runs, half: np.median(runs[half:])),
                    "This reports the median. Report the mean."),
            Mistake(lambda loss: loss[..., :_half(loss)].mean(-1).argmin(-1),
                    "These are the places of the rates. The loss there is asked for."),
            Mistake(lambda loss: fair(loss).mean(), "This is the mean over the methods. Return a number for each."),
            Mistake(lambda loss: fair(loss).min(), "This is the best method's. Return a number for each."),
            Mistake(_fair_common_rate,
                    "One rate for all methods, the best on average. Each method gets a rate of its own."),
            Mistake(_fair_first_rate,
                    "All methods run at the rate that is best for the first one. Tune each of them."),
            Mistake(lambda loss: loss.mean(-1).min(-1),
                    "The same seeds choose the rate and report the loss. Then the luck of the choice is "
                    "reported as well, and more luck for whoever tries more rates."),
            Mistake(lambda loss: loss[..., _half(loss):].mean(-1).min(-1),
                    "The rate was chosen on the seeds that are reported. Choose it on the first half."),
            Mistake(lambda loss: loss[..., :_half(loss)].mean(-1).min(-1),
                    "This reports the seeds that chose the rate. Report the others."),
            Mistake(lambda loss: loss[..., _half(loss):].mean((1, 2)),
                    "This is the mean over all rates, the bad ones too. Nobody would use those."),
            Mistake(lambda loss: loss[..., _half(loss):].min((1, 2)),
                    "This is the best single run. One lucky seed decides."),
            Mistake(lambda loss: loss.min((1, 2)),
                    "This is the best single run of each method. One lucky seed decides."),
            Mistake(lambda loss: loss.mean((1, 2)),
                    "This is the mean of all runs, at bad rates too, and with the seeds that "
                    "choose."),
            Mistake(lambda loss: _fair_at(loss, report=lambda runs, half: runs[half:].sum()),
                    "These are sums. Report the mean "
                    "over the seeds."),
            Mistake(lambda loss: _fair_at(loss, report=lambda runs, half: runs[half:].std()),
                    "This is the spread. Report the "
                    "mean."),
            Mistake(lambda loss: _fair_at(loss, report=lambda runs, half: runs[half]),
                    "This is one seed, the first of the second "
                    "half. Report the mean of them."),
            Mistake(lambda loss: _fair_at(loss, report=lambda runs, half: runs[-1]),
                    "This is one seed, the last. Report the mean "
                    "of the second half."),
            Mistake(lambda loss: _fair_at(loss, report=lambda runs, half: runs[half:].max()),
                    "This reports the worst seed. "
                    "Report the mean."),
            Mistake(lambda loss: loss[:, 0].mean(-1), "The first rate for all. Each method gets a rate of its own."),
            Mistake(lambda loss: _fair_at(loss, lambda half: loss.mean(-1).argmin(-1)),
                    "All seeds chose the rate, those too that "
                    "are reported. The first half chooses."),
            Mistake(lambda loss: loss[..., _half(loss):].mean(-1), "One number for each method: choose a rate first."),
            Mistake(lambda loss: fair(np.log(loss)), "These are means of logarithms. Report the mean loss."),
            Mistake(lambda loss: fair(loss).argmin(), "This is which method is best. Return a number for each."),
            Mistake(lambda loss: fair(loss).max(), "This is the worst method's. Return a number for each."),
            Mistake(lambda loss: np.sort(fair(loss)), "These are sorted. The methods keep their order."),
            Mistake(lambda loss: np.full(len(loss), fair(loss)[0]),
                    "This is the first method's for all. Each has one of its own."),
            Mistake(lambda loss: [fair(loss), loss[..., :_half(loss)].mean(-1).argmin(-1)],
                    "Return the losses alone, without the "
                    "rates."),
            Mistake(lambda loss: _fair_split(loss, loss.shape[1] // 2),
                    "Half of the number of rates. The seeds are the last axis: "
                    "loss.shape[-1] // 2."),
            Mistake(lambda loss: np.median(loss[..., _half(loss):], axis=(1, 2)),
                    "This is a median over all rates. Choose a rate "
                    "for each method, then report the mean."),
            Mistake(lambda loss: loss[..., _half(loss):].min(1).mean(-1),
                    "The best rate for each seed. One rate for a method, chosen by "
                    "the first half."),
            Mistake(lambda loss: np.array([method[rate, -_half(loss):].mean() for method, rate in zip(
                loss, loss[..., :_half(loss)].mean(-1).argmin(-1))]),
                    "Of an odd number of seeds one got lost: the others are "
                    "loss[..., half:]."),
            Mistake(lambda loss: _fair_split_by(loss, np.arange(loss.shape[-1]) % 2 == 0),
                    "Every other seed chooses here. The first "
                    "half does."),
            Mistake(lambda loss: loss[:, loss[..., :_half(loss)].mean(-1).argmin(-1), _half(loss):].mean(-1),
                    "Indexing with all rates "
                    "at once gives every method at every rate. Take each method at its own."),
            Mistake(_fair_the_other_way,
                    "The second half chooses here and the first is reported: it is the other way round."),
            Mistake(lambda loss: fair(loss) - fair(loss)[0],
                    "These are differences to the first method. Report each one's mean "
                    "loss."),
            Mistake(lambda loss: [method[rate, _half(loss):] for method, rate in zip(
                loss, loss[..., :_half(loss)].mean(-1).argmin(-1))],
                    "These are the losses of the single seeds. Report their mean."),
        ],
        hints=["half = loss.shape[-1] // 2 splits the seeds.",
               "loss[..., :half].mean(-1) has the shape (methods, rates); argmin(-1) is a rate for each.",
               "For each method: the mean of its own row, loss[method, rate, half:]."],
    ),
    Prediction("16.15", "\"An LSTM's way back has no multiplication by W, so it neither vanishes nor "
                        "explodes.\" Forget bias 5, W_hh ten times as large as torch draws it, 60 steps, "
                        "five seeds: the median of |dL/dc_0| / |dL/dc_60|?",
               scale="log10", digits=1, close=1.),
    Prediction("16.16", "How many of the 83 claims hold as they are said?", unit="of 83"),
])
