"""The exercises of lesson 05, singular values."""

from __future__ import annotations

import itertools
import math

import numpy as np

from ... import activations, bptt, initialise, jacobians
from ...exercises.bank import Bank, Exercise, Mistake, Prediction


# 5.2 The largest stretch


def largest_stretch(W, start, rounds):
    v = start
    for _ in range(rounds):
        v = W.T @ (W @ v)
        v = v / np.linalg.norm(v)
    return np.linalg.norm(W @ v)


def _largest_stretch_of_eigenvectors(W, start, rounds):
    """Each round multiplies the part of v along an eigenvector of W^T W by its eigenvalue."""
    squares, vectors = np.linalg.eigh(W.T @ W)
    parts = (squares / squares[-1]) ** rounds * (start @ vectors)
    return np.sqrt(squares @ parts**2 / (parts @ parts))


def _largest_stretch_scaled_otherwise(W, start, rounds):
    gram = W.T @ W
    for _ in range(rounds):
        start = gram @ start
        start = start / (start @ start) ** .5
    return (start @ gram @ start) ** .5


def _stretch_by_growth(W, start, rounds):
    v = start / np.linalg.norm(start)
    for _ in range(rounds):
        v = W.T @ (W @ v)
        growth = np.linalg.norm(v)
        v = v / growth
    return np.sqrt(growth)


def _turned(W, start, rounds, size=np.linalg.norm):
    """The vector after so many rounds, each of which makes its size 1."""
    v = start
    for _ in range(rounds):
        v = W.T @ (W @ v)
        v = v / size(v)
    return v


def _stretch_never_made_short(W, start, rounds):
    v = start
    for _ in range(rounds):
        v = W.T @ (W @ v)
    return np.linalg.norm(W @ v)


def _stretch_with(first, second):
    def largest_stretch(W, start, rounds):
        v = start
        for _ in range(rounds):
            v = second(W) @ (first(W) @ v)
            v = v / np.linalg.norm(v)
        return np.linalg.norm(W @ v)

    return largest_stretch


def _stretch_of_W_alone(W, start, rounds):
    v = start
    for _ in range(rounds):
        v = W @ v / np.linalg.norm(W @ v)
    return np.linalg.norm(W @ v)


def _stretch_without_transpose(W, start, rounds):
    v = start
    for _ in range(rounds):
        v = W @ (W @ v)
        v = v / np.linalg.norm(v)
    return np.linalg.norm(W.T @ v)


def _stretch_cases(rng):
    cases = []
    for sizes, rounds in (([3., .5], 200), ([1.7, 1.2, .1], 200), ([.8, .6, .5, .2], 200), ([1.5, 1.2, 1.], 2),
                          ([2., 1.9], 1)):
        H = len(sizes)
        W = initialise.orthogonal((H, H), rng) @ np.diag(sizes) @ initialise.orthogonal((H, H), rng)
        cases.append((W, rng.uniform(.5, 1.5, H), rounds))
    return cases


# 5.4 A determinant of your choice


def with_determinant(determinant, k, size):
    a = size ** (1 / k)
    return np.array([[a, 0.], [0., determinant / a]])


def _with_determinant_bisected(determinant, k, size):
    low, high = 0., max(1., size)
    for _ in range(200):  # the k-th power of a diagonal matrix is the k-th power of its entries
        a = (low + high) / 2
        low, high = (a, high) if math.prod([a] * k) < size else (low, a)
    return np.diag([a, determinant / a])


# 5.9 Which networks must vanish?

NETWORKS = {"tanh, sigma_1 = 0.98": ("tanh", .98), "tanh, rho = 0.9 and sigma_1 = 1.5": ("tanh", 1.5),
            "sigmoid, sigma_1 = 3.9": ("sigmoid", 3.9), "sigmoid, sigma_1 = 4.1": ("sigmoid", 4.1),
            "relu, sigma_1 = 0.98": ("relu", .98), "relu, sigma_1 = 3.9": ("relu", 3.9)}


def must_vanish():
    largest_slope = {"tanh": 1, "sigmoid": 1/4, "relu": 1}
    return {name for name, (activation, sigma_1) in NETWORKS.items()
            if largest_slope[activation] * sigma_1 < 1}


class _OfNetworks(Exercise):
    def source(self) -> str:
        """The solution's source, after the networks that it looks at."""
        networks = ",\n    ".join(f'"{name}": {what}' for name, what in NETWORKS.items())
        return f"NETWORKS = {{\n    {networks}}}\n\n{super().source()}"


def _must_vanish_by_slopes():
    a = np.linspace(-8, 8, 4001)
    steepest = {name: activations.get(name).derivative(a).max() for name in ("tanh", "sigmoid", "relu")}
    return {name for name, (activation, sigma_1) in NETWORKS.items() if steepest[activation] * sigma_1 < 1}


_OF_ONE_NETWORK = {
    "tanh, sigma_1 = 0.98": "tanh with 0.98 is missing: a step stretches by at most 1 times 0.98.",
    "tanh, rho = 0.9 and sigma_1 = 1.5": "A spectral radius below 1 is no promise: the factors diag(f') W change from "
                                         "step to step, and products of different matrices do not follow the "
                                         "eigenvalues of W.",
    "sigmoid, sigma_1 = 3.9": "One sigmoid is missing: its slope is at most 1/4, so its W may be larger than tanh's.",
    "sigmoid, sigma_1 = 4.1": "With 4.1 a step can stretch by up to 4.1/4, which is more than 1. It may vanish; it "
                              "need not.",
    "relu, sigma_1 = 0.98": "One ReLU is missing: its slope is 0 or 1, so at most 1, as for tanh.",
    "relu, sigma_1 = 3.9": "ReLU has no 1/4. Where its units are active, its slope is 1."}


def _must_vanish_wrong(count):
    """The answers that are wrong in so many networks, each with what is to be said of these."""
    return [Mistake(must_vanish() ^ set(names), " ".join(_OF_ONE_NETWORK[name] for name in names))
            for names in itertools.combinations(NETWORKS, count)]


# 5.10 The peak of transient growth


def peak(W, longest):
    power, sizes = np.eye(len(W)), []
    for k in range(longest + 1):
        sizes.append(np.linalg.norm(power, 2))
        power = W @ power
    k = np.argmax(sizes)
    return k, sizes[k]


def _peak_of_gram(W, longest):
    powers = [np.linalg.matrix_power(W, k) for k in range(longest + 1)]
    sizes = [np.sqrt(np.linalg.eigvalsh(power.T @ power)[-1]) for power in powers]
    return int(np.argmax(sizes)), max(sizes)


def _peak_searched(W, longest):
    best, P = (0, 1.), W
    for k in range(1, longest + 1):
        size = np.linalg.svd(P)[1][0]
        best = (k, size) if size > best[1] else best
        P = P @ W
    return best


def _peak_of(measure=lambda P, W, k: np.linalg.norm(P, 2), first=0, last=0, counted_from=0, choose=np.argmax):
    def peak(W, longest):
        sizes = [measure(np.linalg.matrix_power(W, k), W, k) for k in range(first, longest + 1 + last)]
        k = int(choose(sizes))
        return k + counted_from, sizes[k]

    return peak


def _peak_in_whole_numbers(W, longest):
    P = np.eye(len(W), dtype=int)
    P @= W
    return 0, 1.


def _first_descent(sizes):
    return next((k for k in range(len(sizes) - 1) if sizes[k + 1] < sizes[k]), len(sizes) - 1)


def _peak_cases(rng):
    turn = initialise.orthogonal((3, 3), rng)
    both = np.array([[.3, 8.], [1e-9, .3]]), np.array([[.97, .9], [1e-9, .97]])  # one peak early, one late
    two_peaks = np.block([[both[0], np.full((2, 2), 1e-12)], [np.full((2, 2), 1e-12), both[1]]])
    return [(np.array([[.93, 4.], [1e-9, .93]]), 100), (initialise.non_normal((6, 6), rng, .9, 3.), 80),
            (initialise.non_normal((9, 9), rng, .8, 4.), 60), (.5 * turn, 20), (1.05 * turn, 30), (two_peaks, 70),
            (np.array([[1.7]]), 1)]


# 5.12 The size of a long gradient


def log_size(js, v):
    total = np.log(np.linalg.norm(v))
    v = v / np.linalg.norm(v)
    for J in js[::-1]:
        v = v @ J
        size = np.linalg.norm(v)
        total += np.log(size)
        v = v / size
    return total


def _log_size_powers_of_two(js, v):
    product, twos = np.eye(len(v)), 0  # the product itself; exact powers of 2 are taken out of it
    for J in js:
        product = J @ product
        _, exponent = np.frexp(np.abs(product).max())
        product, twos = np.ldexp(product, -exponent), twos + int(exponent)
    return np.log(np.linalg.norm(v @ product)) + twos * np.log(2)


def _log_sizes(js, v):
    logs = [np.log(np.linalg.norm(v))]
    for J in js[::-1]:
        v = v / np.linalg.norm(v) @ J
        logs.append(logs[-1] + np.log(np.linalg.norm(v)))
    return np.array(logs)


def _first_growth(js, v):
    return np.log(np.linalg.norm(v @ js[-1]) / np.linalg.norm(v))


def _log_size_added_up(js, v):
    total = np.log(np.linalg.norm(v))
    with np.errstate(all="ignore"):
        for J in js[::-1]:
            v = v @ J
            total += np.log(np.linalg.norm(v))
    return total


def _log_of_the_norm(js, v):
    product, logs = np.eye(len(v)), 0.
    for J in js[::-1]:
        product = product @ J
        size = np.abs(product).max()
        product, logs = product / size, logs + np.log(size)
    return logs + np.log(np.linalg.norm(product, 2))


def _log_size_by_largest_entries(js, v):
    total = 0.
    for J in js[::-1]:
        v = v @ J
        size = np.abs(v).max()
        total += np.log(size)
        v = v / size
    return total


def _log_size_in_place(js, v):
    total = np.log(np.linalg.norm(v))
    v /= np.linalg.norm(v)
    return log_size(js, v) + total


def _log_size_recursive(js, v):
    size = np.sqrt(v @ v)
    return np.log(size) + sum(_growths(js, v / size))


def _growths(js, v):
    for J in reversed(js):
        v = J.T @ v
        size = np.sqrt((v**2).sum())
        v = v / size
        yield np.log(size)


def _log_size_at_once(js, v):
    for J in js[::-1]:
        v = v @ J
    with np.errstate(divide="ignore"):
        return np.log(np.linalg.norm(v))


def _log_size_cases(rng):
    return [(gain / np.sqrt(H) * rng.normal(size=(T, H, H)), rng.normal(size=H))
            for gain, T, H in [(1., 5, 2), (.4, 1500, 3), (4., 1500, 4), (1.3, 1, 1)]]


# 5.15 The largest exponent of a run


def exponent(run, v, skip):
    logs = jacobians.log_gradient_norms(run, v)[:, 0]
    T = len(run.x)
    return (logs[skip] - logs[T]) / (T - skip)


def _exponent_by_product(run, v, skip):
    js = jacobians.step_jacobians(run)[skip:, 0]
    return (_log_size_powers_of_two(js, v) - np.log(np.linalg.norm(v))) / len(js)


def _exponent_by_bptt(run, v, skip):
    dh = bptt.backward(run, bptt.at_end(run, v)).dh[skip:, 0]
    sizes = np.sqrt((dh**2).sum(-1))
    return np.diff(np.log(sizes[::-1])).mean()


def _logs(run, v):
    return jacobians.log_gradient_norms(run, v)[:, 0]


def _exponent_cases(rng):
    cases = []
    for gain, T, H, skip, size in [(.8, 60, 4, 10, 1.), (1.5, 200, 6, 50, 1.), (.5, 120, 3, 30, 1.), (.9, 3, 1, 2, 1.),
                                   (3., 7, 6, 2, 1e-4)]:  # too short for its small states to grow up
        params = initialise.rnn(2, H, rng, "gaussian", gain)._replace(b_h=.1 * size * rng.normal(size=H))
        run = bptt.forward(params, .5 * size * rng.normal(size=(T, 1, 2)), size * rng.normal(size=(1, H)))
        cases.append((run, rng.normal(size=H), skip))
    return cases


BANK = Bank(5, "Singular values", [
    Prediction("5.1", "Every entry of [[2, -2], [2, -2]] is 2 in size. What is the largest entry of its 60th "
                      "power?", kind="choice", choices=("0", "about 1", "more than a billion")),
    Exercise(
        "5.2", "The largest stretch", minutes=5, difficulty=1,
        solution=largest_stretch, oracle=_largest_stretch_of_eigenvectors, cases=_stretch_cases,
        forbidden=("svd", "svdvals"),
        also_correct=(_largest_stretch_scaled_otherwise,),
        mistakes=[
            Mistake(_stretch_of_W_alone,
                    "You went on with W v instead of W^T W v. That leads to where powers of W lead, an "
                    "eigenvector of W, and not to the vector that one step stretches most."),
            Mistake(lambda W, start, rounds: largest_stretch(W, start, rounds)**2,
                    "This is the square: W^T W stretches by sigma_1 squared. Return |W v| for the vector v "
                    "of length 1 that you have found."),
            Mistake(_stretch_without_transpose,
                    "One of the two has to be transposed: W^T (W v). With W (W v) it is the square of W."),
            Mistake(lambda W, start, rounds: np.linalg.norm(W @ start),
                    "This is how long W makes `start`, which was no unit vector and is not the one that W "
                    "stretches most."),
            Mistake(lambda W, start, rounds: np.linalg.norm(W),
                    "This is the square root of the sum of all squares, the Frobenius norm. It counts every "
                    "direction; the largest stretch is that of one direction."),
            Mistake(lambda W, start, rounds: np.linalg.eigvalsh(W.T @ W)[-1] ** .5,
                    "This is sigma_1 by a ready-made function, and `rounds` plays no part in it. Find it by "
                    "multiplying `start`: two of the cases have so few rounds that the vector is still on its way."),
            Mistake(lambda W, start, rounds: largest_stretch(W, start, rounds - 1) if rounds > 1
                    else np.linalg.norm(W @ start) / np.linalg.norm(start),
                    "One round is missing. With many rounds that hardly shows; with 1 or 2 it does."),
            Mistake(lambda W, start, rounds: largest_stretch(W, start, rounds + 1),
                    "One round too many. With many rounds that hardly shows; with 1 or 2 it does."),
            Mistake(_stretch_by_growth,
                    "You took the root of the last round's growth. After many rounds it is the same; but return how "
                    "far W stretches the vector that you have in the end, |W v|."),
            Mistake(_stretch_with(np.transpose, np.asarray),
                    "W and W^T have changed places: first W, then W^T."),
            Mistake(lambda W, start, rounds: largest_stretch(W, start, rounds) * np.linalg.norm(start),
                    "It still holds the length of `start`. Stretch a vector of length 1."),
            Mistake(lambda W, start, rounds: np.abs(np.linalg.eigvals(W)).max(),
                    "This is the largest eigenvalue of W in size. One step can stretch by more: by sigma_1."),
            Mistake(lambda W, start, rounds: np.linalg.norm(W @ start) / np.linalg.norm(start),
                    "This is how far W stretches `start`. Turn it towards the most stretched direction first, round "
                    "after round."),
            Mistake(lambda W, start, rounds: np.linalg.norm(W.T @ (W @ start)) ** .5,
                    "Only one round was made, and `start` was no unit vector. Repeat it `rounds` times."),
            Mistake(lambda W, start, rounds: np.abs(W).max(),
                    "This is the largest entry. Entries work together: a vector can be stretched by more."),
            Mistake(lambda W, start, rounds: np.linalg.norm(W.T @ (W @ _turned(W, start, rounds))),
                    "W and then W^T were applied to the vector in the end. How far W stretches it is |W v|."),
            Mistake(lambda W, start, rounds: largest_stretch(W, start, 1),
                    "This is one round. Repeat it `rounds` times: is the return inside of the loop?"),
            Mistake(lambda W, start, rounds: largest_stretch(W, start, 20), "`rounds` plays no part: you make 20."),
            Mistake(lambda W, start, rounds: _turned(W, start, rounds) @ W @ _turned(W, start, rounds),
                    "v . W v says how much of W v lies along v. Return the length of W v."),
            Mistake(_turned, "This is the direction. Return how far W stretches it, |W v|."),
            Mistake(lambda W, start, rounds: np.linalg.norm(W @ _turned(W, start, rounds, lambda v: np.abs(v).max())),
                    "The vector's largest entry was made 1, not its length. Divide by np.linalg.norm(v)."),
            Mistake(lambda W, start, rounds: np.linalg.norm(W @ _turned(W, start, rounds, np.sum)),
                    "The sum of the entries was made 1, not the length. Divide by np.linalg.norm(v)."),
            Mistake(lambda W, start, rounds: np.abs(W @ _turned(W, start, rounds, lambda v: np.abs(v).max())).max(),
                    "The largest entry was taken for the length, twice. The length is np.linalg.norm(v)."),
            Mistake(lambda W, start, rounds: np.mean([largest_stretch(W, start, k) for k in range(1, rounds)] + [
                np.linalg.norm(W @ start) / np.linalg.norm(start)]),
                    "This is the mean over the rounds. The last vector counts alone."),
            Mistake(_stretch_with(np.asarray, np.asarray),
                    "One of the two has to be transposed, W^T (W v). With W (W v) powers of W come out."),
            Mistake(_stretch_never_made_short,
                    "The vector was never made length 1: its length grows or shrinks with every round, in the end out "
                    "of range. Divide by np.linalg.norm(v)."),
            Mistake(lambda W, start, rounds: 1.,
                    "This is the length of a vector that has just been given length 1. Multiply it by W once more."),
        ],
        hints=["W^T W has the eigenvectors that W stretches by sigma_1, sigma_2, ...; its eigenvalues are "
               "the squares.",
               "Multiply by it again and again: the largest wins. Divide by the length each time, so that "
               "nothing overflows.",
               "In the end v has length 1, and |W v| is the answer."],
    ),
    Prediction("5.3", "W = diag(1.2, 0.5) has the determinant 0.6. What is the norm of its 100th power?",
               scale="log10", close=1.),
    Exercise(
        "5.4", "A determinant of your choice", minutes=3, difficulty=1,
        solution=with_determinant, oracle=_with_determinant_bisected,
        cases=lambda rng: [(-.3, 10, 50.), (.6, 100, 8e7), (1e-3, 40, 1e6), (.9, 1, 7.), (-2., 3, .2)],
        also_correct=(lambda d, k, size: np.diag([np.exp(np.log(size) / k), d * np.exp(-np.log(size) / k)]),),
        mistakes=[
            Mistake(lambda d, k, size: np.diag([size, d / size]),
                    "Here a itself is `size`. It is the k-th power of a that has to be that large."),
            Mistake(lambda d, k, size: np.diag([size ** (1 / k), d]),
                    "b is the determinant itself. The determinant of diag(a, b) is the product a b."),
            Mistake(lambda d, k, size: np.diag([d / size ** (1 / k), size ** (1 / k)]),
                    "The entries have changed places: a, which grows, stands first."),
            Mistake(lambda d, k, size: np.diag([size ** (1 / k), d * size ** (1 / k)]),
                    "The determinant is a b. You multiplied by a where you have to divide."),
            Mistake(lambda d, k, size: np.array([size ** (1 / k), d / size ** (1 / k)]),
                    "These are a and b. Put them on the diagonal of a 2 x 2 matrix: np.diag."),
            Mistake(lambda d, k, size: np.diag([size / k, d * k / size]),
                    "a is not size / k: a^k is a multiplied with itself k times. Take the k-th root, size ** (1 / k)."),
            Mistake(lambda d, k, size: np.diag([size ** (1 / k), d - size ** (1 / k)]),
                    "a + b is the determinant here. It is the product a b: divide."),
            Mistake(lambda d, k, size: np.diag([size ** (1 / k), size ** (1 / k) / d]),
                    "b is upside down: the determinant is a b, so b is the determinant divided by a."),
            Mistake(lambda d, k, size: np.diag([size ** (1 / k), d / size]),
                    "The determinant of W itself is a b: divide by a, not by size, which is a^k."),
            Mistake(lambda d, k, size: np.diag([size ** k, d / size ** k]),
                    "You raised size to the power k. a is its k-th root, size ** (1 / k)."),
            Mistake(lambda d, k, size: np.diag([size ** (1 / k), abs(d) / size ** (1 / k)]),
                    "The sign of the determinant is lost: if it is negative, so is b."),
            Mistake(lambda d, k, size: np.array([[size ** (1 / k), 1], [0, d / size ** (1 / k)]]),
                    "The matrix is not diagonal. Determinant and eigenvalues are right; the entry beside the diagonal "
                    "has to be 0."),
            Mistake(lambda d, k, size: np.array([[0, size ** (1 / k)], [d / size ** (1 / k), 0]]),
                    "a and b stand beside the diagonal. diag(a, b) has a at [0, 0] and b at [1, 1]."),
            Mistake(lambda d, k, size: np.diag([size ** (1 // k), d / size ** (1 // k)]),
                    "1 // k is 0 for k above 1: // cuts to whole numbers. Write 1 / k."),
            Mistake(lambda d, k, size: np.diag([size ** .5, d / size ** .5]),
                    "You took the square root. a^k = size asks for the k-th root, size ** (1 / k)."),
            Mistake(lambda d, k, size: np.diag([np.log(size) / k, d * k / np.log(size)]),
                    "ln(size) / k is ln a. Take exp of it, or write size ** (1 / k)."),
            Mistake(lambda d, k, size: np.diag([np.exp(np.log(size) / k), d / (np.log(size) / k)]),
                    "b was divided by ln a. Divide the determinant by a itself."),
            Mistake(lambda d, k, size: np.diag([size ** (1 / k), size ** (1 / k)]),
                    "b is a once more. The determinant is a b: what is b?"),
            Mistake(lambda d, k, size: np.diag([size ** (1 / k), d / size ** (1 / k)]).astype(int),
                    "These are whole numbers: an array of integers cuts off what is put into it."),
            Mistake(lambda d, k, size: -np.diag([size ** (1 / k), d / size ** (1 / k)]),
                    "The determinant is right, and for an even k the power too, but a has to be above 0."),
            Mistake(lambda d, k, size: np.diag([size, (d / size ** (1 / k))**k]),
                    "This is the k-th power of W. Return W itself."),
            Mistake(lambda d, k, size: np.array([[size ** (1 / k), d / size ** (1 / k)], [0., 0.]]),
                    "a and b stand in one row. diag(a, b) has a at [0, 0] and b at [1, 1]."),
            Mistake(lambda d, k, size: np.diag([size ** (1 / k), (d + 0j) ** (1 / k) / size ** (1 / k)]),
                    "A root of the determinant was taken. It is W itself that has the determinant, not its power."),
            Mistake(lambda d, k, size: np.diag([1.2, .5]), "This is the example of the text. Any determinant, k and "
                    "size "
                                                           "are asked for."),
            Mistake(lambda d, k, size: np.diag([size ** (1 / k), 1 / size ** (1 / k)]),
                    "a b is 1 here. It has to be the number `determinant`."),
        ],
        hints=["The k-th power of diag(a, b) is diag(a^k, b^k). Which a gives a^k = size?",
               "a = size ** (1 / k). The determinant is a b: what is b?"],
    ),
    Prediction("5.5", "W = [[0.9, 10], [0, 0.9]]: both eigenvalues are 0.9, and 0.9^10 = 0.35. What is the "
                      "norm of its 10th power?", scale="log10", close=.3),
    Prediction("5.6", "A = [[0, 2], [0, 0]] and its transpose B have no eigenvalue but 0. What is the norm "
                      "of the product A B A B ... of 40 matrices?", scale="log10", close=1.),
    Prediction("5.7", "Ten random W of 64 units, standard deviation 0.9/8, each with a norm above 1.6. For how many "
                      "is the norm of the 200th power above 1?"),
    Prediction("5.8", "A sigmoid unit h_t = s(4.1 h_{t-1} + b): what does its gradient do over 200 steps?",
               kind="choice", choices=("it explodes", "it vanishes", "that depends on b")),
    _OfNetworks(
        "5.9", "Which networks must vanish?", minutes=3, difficulty=2,
        solution=must_vanish, oracle=_must_vanish_by_slopes, choices=tuple(NETWORKS),
        also_correct=(["relu, sigma_1 = 0.98", "sigmoid, sigma_1 = 3.9", "tanh, sigma_1 = 0.98"],),
        mistakes=[
            *_must_vanish_wrong(1), *_must_vanish_wrong(2),
            Mistake(set(NETWORKS), "These are all. A step of three of them may stretch: largest slope times sigma_1 "
                    "above 1."),
            Mistake({"tanh, sigma_1 = 0.98", "sigmoid, sigma_1 = 3.9", "sigmoid, sigma_1 = 4.1",
                     "tanh, rho = 0.9 and sigma_1 = 1.5", "relu, sigma_1 = 3.9"},
                    "Only relu with 0.98 is left out, and it is one of those that must vanish: go through them by "
                    "largest slope times sigma_1."),
            Mistake({"sigmoid, sigma_1 = 3.9", "sigmoid, sigma_1 = 4.1"},
                    "Not every sigmoid vanishes, and others do: compare largest slope times sigma_1 with 1, for each."),
            Mistake({"tanh, sigma_1 = 0.98", "tanh, rho = 0.9 and sigma_1 = 1.5"},
                    "It is not tanh that decides: compare largest slope times sigma_1 with 1, for each network."),
            Mistake({"relu, sigma_1 = 0.98", "relu, sigma_1 = 3.9"},
                    "It is not ReLU that decides: compare largest slope times sigma_1 with 1, for each network."),
            Mistake({"tanh, rho = 0.9 and sigma_1 = 1.5", "sigmoid, sigma_1 = 4.1", "relu, sigma_1 = 3.9"},
                    "These are the ones about which nothing is certain. The others are asked for."),
        ],
        hints=["Each step stretches by at most (largest slope) times sigma_1.",
               "The largest slopes: tanh 1, sigmoid 1/4, relu 1."],
    ),
    Exercise(
        "5.10", "The peak of transient growth", minutes=5, difficulty=2,
        solution=peak, oracle=_peak_of_gram, cases=_peak_cases, returns=("k", "size"), time_axis=(None, None),
        also_correct=(_peak_searched,),
        mistakes=[
            Mistake(_peak_of(lambda P, W, k: np.linalg.norm(P, 2), first=1),
                    "The k is one too small: your first power is W^1, and it was counted as 0."),
            Mistake(_peak_of(lambda P, W, k: np.linalg.norm(P)),
                    "np.linalg.norm of a matrix is the Frobenius norm. The largest stretch is "
                    "np.linalg.norm(power, 2)."),
            Mistake(_peak_of(lambda P, W, k: np.linalg.norm(W**k, 2)),
                    "W**k raises each entry to the power k. The matrix has to be multiplied with itself: @."),
            Mistake(_peak_of(lambda P, W, k: np.linalg.norm(W, 2)**k),
                    "This is sigma_1^k, the upper bound. The norm of the power is smaller: form the power "
                    "first."),
            Mistake(_peak_of(lambda P, W, k: np.abs(np.linalg.eigvals(P)).max()),
                    "These are eigenvalues of the powers, so powers of rho: below 1 they only fall. The peak "
                    "is in the norm."),
            Mistake(_peak_of(last=-1),
                    "The last power is left out: k goes up to `longest`, included. range(longest + 1)."),
            Mistake(_peak_of(first=1, counted_from=1),
                    "W^0 is left out. For a W that only shrinks, the peak is there: k = 0 and size 1."),
            Mistake(_peak_of(choose=_first_descent),
                    "You stopped where the norm first falls. It may rise again to a higher peak: look at all k."),
            Mistake(_peak_of(choose=lambda sizes: len(sizes) - 1),
                    "This is the last power. Asked for is the one with the largest norm."),
            Mistake(_peak_of(choose=np.argmin), "This is where the norm is smallest. Asked for is the largest."),
            Mistake(_peak_of(counted_from=1), "The k is one too large: index 0 belongs to W^0."),
            Mistake(lambda W, longest: _peak_of()(W, longest)[::-1],
                    "The two have changed places: first k, then the norm."),
            Mistake(lambda W, longest: _peak_of()(W, longest)[0], "This is k alone. Return k and the norm there."),
            Mistake(lambda W, longest: _peak_of()(W, longest)[1], "This is the norm alone. Return k and the norm "
                    "there."),
            Mistake(_peak_of(lambda P, W, k: np.abs(P).max()),
                    "This is the largest entry of the power. Its norm is np.linalg.norm(power, 2)."),
            Mistake(_peak_of(first=1, last=1),
                    "The k is one too small: it starts with W, which is the power 1. Start with np.eye(len(W))."),
            Mistake(_peak_of(lambda P, W, k: np.linalg.norm(P, 1)),
                    "This is the largest sum of a column. The norm of this lesson is np.linalg.norm(power, 2)."),
            Mistake(_peak_of(lambda P, W, k: np.linalg.norm(P, 2)**(1 / max(k, 1))),
                    "A k-th root was taken, which is the factor a step. Compare the norms of the powers themselves."),
            Mistake(_peak_of(lambda P, W, k: np.linalg.norm(P, 2)**2),
                    "These are squares of the norm: the eigenvalues of W^T W are. Take the root."),
            Mistake(lambda W, longest: _peak_of()(W, min(longest, 20)), "Only k up to 20 are looked at: go up to "
                    "`longest`."),
            Mistake(lambda W, longest: (_peak_of()(W, longest)[0],
                                        np.linalg.matrix_power(W, _peak_of()(W, longest)[0])),
                    "The second is the power itself. Return its norm, np.linalg.norm(power, 2)."),
            Mistake(lambda W, longest: [np.linalg.norm(np.linalg.matrix_power(W, k), 2) for k in range(longest + 1)],
                    "These are the norms of all powers. Return the largest, and its k."),
            Mistake(_peak_in_whole_numbers,
                    "The identity was made of whole numbers, and W's entries do not fit into it. np.eye(len(W)) is "
                    "made of floats; P = P @ W makes a new array."),
            Mistake(_peak_of(lambda P, W, k: np.linalg.norm(P, np.inf)),
                    "This is the largest sum of a row. The norm of this lesson is np.linalg.norm(power, 2)."),
            Mistake(_peak_of(lambda P, W, k: k * np.linalg.norm(W, 2)),
                    "k times the norm of W is no power: form W^k first, by multiplying matrices."),
            Mistake(lambda W, longest: (_peak_of()(W, longest)[0], np.log(_peak_of()(W, longest)[1])),
                    "k is right. The second is the norm itself, not its logarithm."),
        ],
        hints=["Start from np.eye(len(W)) and multiply by W again and again. Keep the norm of each power.",
               "np.linalg.norm(power, 2) is the largest singular value.",
               "np.argmax(sizes) is the k, if sizes[0] belongs to W^0."],
    ),
    Prediction("5.11", "8 units, 100 steps. The product of the Jacobians is formed in float64 and given to "
                       "an SVD. How many of the 8 singular values come out right (their log within 1)?"),
    Exercise(
        "5.12", "The size of a long gradient", minutes=6, difficulty=2,
        solution=log_size, oracle=_log_size_powers_of_two, cases=_log_size_cases,
        also_correct=(_log_size_recursive,),
        mistakes=[
            Mistake(_log_size_at_once,
                    "Multiplied as it is, v becomes 0 or inf, and its log -inf or inf. Take its length out "
                    "at each step, and add up the logs."),
            Mistake(lambda js, v: log_size(js[::-1], v),
                    "The wrong order: on the way back v meets J_T first."),
            Mistake(lambda js, v: log_size(js, v / np.linalg.norm(v)),
                    "The size of v itself is missing: start the sum with ln |v|."),
            Mistake(lambda js, v: log_size(np.swapaxes(js, 1, 2), v),
                    "You multiplied by J where the gradient goes through J^T: as a row it is v @ J, as a "
                    "column J.T @ v."),
            Mistake(lambda js, v: log_size(np.swapaxes(js[::-1], 1, 2), v),
                    "This is |J_T ... J_1 v|: v was sent forward. Going back, v meets J_T first, and it is v @ J."),
            Mistake(lambda js, v: log_size(js, v) / np.log(10),
                    "These are powers of ten. ln is np.log."),
            Mistake(lambda js, v: np.log(np.linalg.norm(v)) + np.log(np.linalg.norm(js, 2, (1, 2))).sum(),
                    "Norms of the single Jacobians give the upper bound. Follow the vector itself."),
            Mistake(lambda js, v: log_size(js, v) - log_size(js[1:], v) + np.log(np.linalg.norm(v)),
                    "This is the last step's part alone. Add up the logs of all steps."),
            Mistake(lambda js, v: np.exp(np.clip(log_size(js, v), -700, 700)),
                    "This is the size itself, and it does not fit. Return its logarithm."),
            Mistake(lambda js, v: log_size(js[1:], v) if len(js) > 1 else np.log(np.linalg.norm(v)),
                    "J_1 is left out, the last one that v meets: js[0]."),
            Mistake(lambda js, v: log_size(js[:-1], v) if len(js) > 1 else np.log(np.linalg.norm(v)),
                    "J_T is left out, the first one that v meets: js[-1]."),
            Mistake(lambda js, v: log_size(js, v) / len(js),
                    "This is the mean a step. The logarithm of the whole product is asked for: the sum."),
            Mistake(lambda js, v: log_size(js, v) / np.log(2), "These are powers of two. ln is np.log."),
            Mistake(lambda js, v: 2 * log_size(js, v),
                    "The squares were not rooted: ln of v @ v is twice ln |v|."),
            Mistake(lambda js, v: np.exp(np.float64(log_size(js, v))),
                    "This is the size itself. Return its logarithm, which always fits."),
            Mistake(_log_size_added_up,
                    "The length is in every log again and again: after taking the log, divide v by its length."),
            Mistake(_log_of_the_norm,
                    "This is the norm of the product, its largest stretch. How much of it meets v? Follow v itself."),
            Mistake(lambda js, v: np.log(np.linalg.norm(v)) + np.log(np.linalg.norm(js, axis=(1, 2))).sum(),
                    "Frobenius norms of the single Jacobians give an upper bound. Follow the vector itself."),
            Mistake(lambda js, v: np.log(np.linalg.norm(v)) + len(js) * (
                _first_growth(js, v)), "One step's growth was taken for all. Each Jacobian is another: add up all "
                    "logs."),
            Mistake(_log_size_by_largest_entries,
                    "You divided by the largest entry each time, which is fine, but the length that is left in the end "
                    "is missing: add ln |v|."),
            Mistake(_log_size_in_place, "v /= ... changes the caller's array. Write v = v / size, which makes a new "
                    "one."),
            Mistake(lambda js, v: np.clip(log_size(js, v), np.log(1e-300), np.log(1e300)),
                    "Sizes outside of float64's range were cut off. Keep the sum of the logs, which never leaves it."),
            Mistake(_log_sizes, "These are the logs on the way. Return the last one, a number."),
            Mistake(lambda js, v: -log_size(js, v), "The sign is the other one: a small size has a negative "
                    "logarithm."),
            Mistake(lambda js, v: np.log(np.linalg.norm(v)) + sum(
                np.log(np.linalg.norm(v / np.linalg.norm(v) @ J)) for J in js),
                    "Every step starts from v as it was at the end. v has to go on: v = v @ J."),
            Mistake(lambda js, v: np.log(np.linalg.norm(v)) + np.log(np.abs(np.linalg.det(js))).sum(),
                    "Determinants say how volumes change. Follow the vector itself."),
            Mistake(lambda js, v: np.log(np.linalg.norm(v)) + np.log(
                np.abs(np.linalg.eigvals(js)).max(-1)).sum(),
                    "Eigenvalues of the single Jacobians do not multiply. Follow the vector itself."),
        ],
        hints=["Only the length of v gets out of hand; its direction does not.",
               "At each step: v = v @ J, then take its length, add the log of it to the sum, and divide v by "
               "it.",
               "Begin with total = np.log(np.linalg.norm(v)) and go through js[::-1]."],
    ),
    Prediction("5.13", "Random tanh networks of 256 units without input, W_hh normal with standard deviation g/16. "
                       "For which gains g does a gradient grow in the long run?", kind="choices",
               choices=("0.5", "0.8", "0.9", "1.5", "2", "3")),
    Prediction("5.14", "Now every unit also gets random input of standard deviation 1. What does the largest exponent "
                       "do at gain 1.5?", kind="choice",
               choices=("it falls below 0", "it stays as it is", "it rises")),
    Exercise(
        "5.15", "The largest exponent of a run", minutes=4, difficulty=3,
        solution=exponent, oracle=_exponent_by_product, cases=_exponent_cases,
        also_correct=(_exponent_by_bptt,),
        mistakes=[
            Mistake(lambda run, v, skip: -exponent(run, v, skip),
                    "The sign is the other one. Going back, the gradient starts at t = T and ends at "
                    "t = skip."),
            Mistake(lambda run, v, skip: exponent(run, v, 0),
                    "The first `skip` states count here too. The way back ends at t = skip."),
            Mistake(lambda run, v, skip: (_logs(run, v)[0] - _logs(run, v)[len(run.x) - skip])
                    / (len(run.x) - skip),
                    "You left out steps at the end, where the gradient starts. Those at the beginning of the "
                    "run have to be left out."),
            Mistake(lambda run, v, skip: (_logs(run, v)[skip] - _logs(run, v)[-1]) / len(run.x),
                    "Divided by T. From t = T to t = skip there are T - skip steps."),
            Mistake(lambda run, v, skip: _logs(run, v)[skip] / (len(run.x) - skip),
                    "The size of v is still in it. The change from ln |v| counts."),
            Mistake(lambda run, v, skip: np.polyfit(-np.arange(skip, len(run.x) + 1), _logs(run, v)[skip:], 1)[0],
                    "This is the slope of a line fitted to all points, as in lesson 03. The average change is the "
                    "whole change divided by the number of steps."),
            Mistake(lambda run, v, skip: np.exp(exponent(run, v, skip)),
                    "This is the factor a step. The exponent is its logarithm."),
            Mistake(lambda run, v, skip: _logs(run, v)[skip] - _logs(run, v)[-1],
                    "This is the whole change. Divide by the number of steps, T - skip."),
            Mistake(lambda run, v, skip: (_logs(run, v)[skip] - _logs(run, v)[-1]) / (len(run.x) - skip + 1),
                    "There are T - skip + 1 values, but T - skip steps between them."),
            Mistake(lambda run, v, skip: (_logs(run, v)[skip] - _logs(run, v)[-1]) / skip,
                    "Divided by the steps that were left out. From t = T to t = skip there are T - skip."),
            Mistake(lambda run, v, skip: _logs(run, v)[skip:].mean(),
                    "This is the mean of the logs. The average change is the last minus the first, divided by the "
                    "steps."),
            Mistake(lambda run, v, skip: exponent(run, v, skip) / np.log(10),
                    "This counts in powers of ten. Return the change of the natural logarithm."),
            Mistake(lambda run, v, skip: (_logs(run, v)[skip] / _logs(run, v)[-1]) / (len(run.x) - skip),
                    "The logs were divided by each other. The change is their difference."),
            Mistake(lambda run, v, skip: (_logs(run, v)[0] - _logs(run, v)[-1]) / (len(run.x) - skip),
                    "The change over the whole run was divided by T - skip. The way back ends at t = skip: "
                    "logs[skip]."),
            Mistake(lambda run, v, skip: -np.median(np.diff(_logs(run, v)[skip:])),
                    "This is the median. The average is the whole change divided by the steps."),
            Mistake(lambda run, v, skip: (_logs(run, v)[0] - _logs(run, v)[skip]) / skip,
                    "This is the part that has to be left out, from t = skip to t = 0."),
            Mistake(lambda run, v, skip: (_logs(run, v)[skip] - _logs(run, v)[-2]) / (len(run.x) - skip),
                    "It starts at t = T - 1. The last of the T + 1 values, logs[-1], belongs to t = T."),
            Mistake(lambda run, v, skip: -np.diff(_logs(run, v)[skip:]),
                    "These are the changes of the single steps. Return their mean."),
            Mistake(lambda run, v, skip: np.log(np.linalg.norm(run.params.W_hh, 2)),
                    "This is ln of W_hh's norm. Ask what happened to this gradient."),
            Mistake(lambda run, v, skip: np.log(np.abs(np.linalg.eigvals(run.params.W_hh)).max()),
                    "This is ln of W_hh's spectral radius. Ask what happened to this gradient: the slopes of tanh are "
                    "in it too."),
            Mistake(lambda run, v, skip: jacobians.lyapunov_exponents(jacobians.step_jacobians(run)[:, 0])[0],
                    "This is the Lyapunov exponent of the whole run, for the direction that grows most. Asked for is "
                    "this gradient's change, without the first `skip` states."),
            Mistake(lambda run, v, skip: abs(exponent(run, v, skip)),
                    "The sign is lost. A gradient that becomes smaller on its way back has a negative exponent."),
            Mistake(lambda run, v, skip: _logs(run, v)[skip] - _logs(run, v)[skip + 1],
                    "This is one step, the last one of the way back. Take the average over all of them."),
            Mistake(lambda run, v, skip: (np.exp(_logs(run, v)[skip]) - np.exp(_logs(run, v)[-1]))
                    / (len(run.x) - skip), "This is the change of the size itself. Its logarithm is asked for."),
        ],
        hints=["jacobians.log_gradient_norms(run, v) has the shape (T + 1, 1): ln |dL/dh_t| for t = 0 ... T.",
               "Take its values at t = skip and at t = T. How many steps lie between them?"],
    ),
    Prediction("5.16", "Two random gradients of 8 numbers have a |cos| near 0.25, typically. Send both back through 100 "
                       "steps of the shipped run. What is their |cos| then, typically?", kind="choice",
               choices=("about 0.25", "about 0.6", "above 0.9")),
])
