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
              (False, 2, 18, .2)]
    return [seeds(*each) for each in counts]


def _verdict_of_the_mean(left):
    return "holds" if left.mean() < 1e-3 else "fails"


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
    return [(.9, 16, 60, range(1, 21)), (.97, 12, 80, range(31, 46)), (.95, 24, 40, range(7, 19))]


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


def _trap_count(gain, H, k, seeds):
    share, seed = trap(gain, H, k, seeds)
    return share * len(seeds), seed


# 16.5 The smallest counterexample


def smallest_shear(rho, growth):
    k = np.arange(1, 2000)
    corner = k * rho**(k - 1)                         # of W^k, where W has a 1 in its corner
    return np.array([[rho, growth / corner.max()], [0, rho]])


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


def _shear_by_walking(rho, growth):
    k = 1
    while (k + 1) * rho > k:                          # the next power's corner is larger
        k += 1
    return np.array([[rho, growth / (k * rho**(k - 1))], [0, rho]])


def _shear_cases(rng):
    return [(.85, 10.), (.6, 3.), (.97, 25.), (rng.uniform(.86, .88), 10.)]


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
    return cases


def _half(loss):
    return loss.shape[-1] // 2


def _fair_one_rate(loss):
    rate = loss[-1, :, :_half(loss)].mean(-1).argmin()
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
            Mistake(_verdict_without_the_ends,
                    "Exactly nine tenths is \"at least nine tenths\", and exactly one tenth is "
                    "\"at most one tenth\"."),
            Mistake(_verdict_without_the_middle,
                    "What does not hold need not fail. Between the two conditions it holds partly."),
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
                    "This is the norm of W itself, which is above 1 for every seed. The claim is about W^k."),
            Mistake(_trap_place, "This is the place in the list, counted from 0, not the seed."),
            Mistake(_trap_count, "This counts the seeds. A share is their number divided by that of all."),
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
        also_correct=(_shear_by_walking,),
        mistakes=[
            Mistake(lambda rho, growth: _shear(rho, growth),
                    "This W has it in its first power. A smaller b gets there later: the corner of W^k is "
                    "k b rho^(k - 1), which first grows with k."),
            Mistake(lambda rho, growth: _shear(rho, growth / max(k * rho**k for k in range(1, 2000))),
                    "One factor rho too many: each way through the corner takes b once and rho only "
                    "k - 1 times."),
            Mistake(lambda rho, growth: _shear(rho, growth / 1999),
                    "You have left out that rho^(k - 1) shrinks. Without it the last power would be best."),
            Mistake(lambda rho, growth: smallest_shear(rho, growth).T,
                    "It is transposed: b belongs into the upper right corner."),
        ],
        hints=["Compute W^2 and W^3 on paper. What stands in the upper right corner?",
               "In the corner of W^k stands k b rho^(k - 1).",
               "So b = growth / max over k of k rho^(k - 1). Try k = 1 ... 1999 with an array."],
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
        ],
        hints=["half = loss.shape[-1] // 2 splits the seeds.",
               "loss[..., :half].mean(-1) has the shape (methods, rates); argmin(-1) is a rate for each.",
               "For each method: the mean of its own row, loss[method, rate, half:]."],
    ),
    Prediction("16.15", "\"An LSTM's way back has no multiplication by W, so it neither vanishes nor "
                        "explodes.\" Forget bias 5, W_hh ten times as large as torch draws it, 60 steps, "
                        "five seeds: the median of |dL/dc_0| / |dL/dc_60|?",
               scale="log10", digits=1, close=1.),
    Prediction("16.16", "How many of the 78 claims hold as they are said?", unit="of 78"),
])
