"""The exercises of lesson 09, initialization and other cures."""

from __future__ import annotations

import numpy as np

from ... import activations, bptt, gradcheck, initialise, jacobians
from ...exercises.bank import Bank, Exercise, Mistake, Prediction, mistaken_sets
from . import residual


# 9.2 An orthogonal matrix from a Gaussian one


def orthogonal(A):
    Q, R = np.linalg.qr(A)
    return Q * np.sign(np.diag(R))


def _gram_schmidt(A):
    columns = []
    for a in A.T:
        for _ in range(2):  # once more for the digits that the first pass loses
            for q in columns:
                a = a - (q @ a) * q
        columns.append(a / np.sqrt((a * a).sum()))
    return np.stack(columns, axis=1)


def _orthogonal_by_cholesky(A):
    return A @ np.linalg.inv(np.linalg.cholesky(A.T @ A)).T


def _orthogonal_cases(rng):
    return [(rng.normal(size=(H, H)),) for H in (3, 6, 11)] + [(np.array([[-.7]]),)]


def _rows_turned(A):
    Q, R = np.linalg.qr(A)
    return np.sign(np.diag(R))[:, None] * Q


def _polar(A):
    U, _, Vt = np.linalg.svd(A)
    return U @ Vt


def _triangular_from_the_left(A):
    return _gram_schmidt(A.T).T


def _by_diagonal_of_q(A):
    Q = np.linalg.qr(A)[0]
    return Q * np.sign(np.diag(Q))


# 9.3 A matrix of a given radius


def with_radius(W, radius):
    return radius / np.abs(np.linalg.eigvals(W)).max() * W


def _by_characteristic_polynomial(W, radius):
    return W * (radius / np.abs(np.roots(np.poly(W))).max())


def _by_library(W, radius):
    return radius * W / jacobians.spectral_radius(W)


def _radius_cases(rng):
    turn = np.array([[.8, -1.5], [1.5, .7]])  # complex eigenvalues: the largest real part is not the modulus
    return [(turn, .95), (rng.normal(size=(5, 5)), .5), (np.array([[.5, 3.], [.2, -1.6]]), 1.1)]


# 9.5 How much is enough


def gain_for(left, T):
    return left ** (1 / T)


def _gain_by_search(left, T):
    rng = np.random.default_rng(0)
    low, high = 1e-3, 10.
    params = initialise.rnn(1, 3, rng)
    x, direction = rng.normal(size=(T, 1, 1)), initialise.orthogonal((1, 3), rng)
    for _ in range(60):
        gain = (low * high) ** .5
        run = bptt.forward(params._replace(W_hh=gain * params.W_hh), x, activation="linear")
        size = np.linalg.norm(bptt.backward(run, bptt.at_end(run, direction)).dh[0])
        low, high = (gain, high) if size < left else (low, gain)
    return (low * high) ** .5


def _gain_cases(rng):
    return [(1e-3, 50), (1e-3, 100), (.5, 7), (20., 30), (.3, 1)]


# 9.9 The Jacobian of a leaky layer


def leaky_jacobian(W_hh, a_t, alpha):
    slope = 1 - np.tanh(a_t)**2
    return alpha * np.eye(len(a_t)) + (1 - alpha) * slope[:, None] * W_hh


def _leaky_complex(W_hh, a_t, alpha):
    def state(change, i):  # of h_{t-1}: all that h_t[i] takes from it
        return alpha * change[i] + (1 - alpha) * np.tanh(a_t + W_hh @ change)[i]

    H = len(a_t)
    return np.stack([gradcheck.complex_step(lambda change: state(change, i), np.zeros(H)) for i in range(H)])


def _leaky_by_entries(W_hh, a_t, alpha):
    H = len(a_t)
    return [[(1 - alpha) / np.cosh(a_t[i])**2 * W_hh[i, j] + (alpha if i == j else 0) for j in range(H)]
            for i in range(H)]


def _leaky_cases(rng):
    sizes = [(3, .9), (5, .3), (1, .6)]
    return [(initialise.gaussian((H, H), rng), rng.uniform(.2, 1.5, H), alpha) for H, alpha in sizes]


def _slopes(a_t):
    return 1 - np.tanh(a_t)**2


# 9.10 The shortest way back


def fewest_factors(T, k):
    return T // k + T % k


def _fewest_by_search(T, k):
    reached, factors = {T}, 0
    while 0 not in reached:
        reached = {t - step for t in reached for step in (1, k) if t >= step}
        factors += 1
    return factors


def _fewest_by_divmod(T, k):
    return sum(divmod(T, k))


def _fewest_cases(rng):
    return [(30, 5), (50, 7), (9, 10), (64, 1), (23, 4), (12, 12)]


# 9.12 What changes the product


CHOICES = ("a smaller rate", "targets divided by 100", "clipping the gradient", "orthogonal W_hh",
           "leaky units")


def what_changes_the_product():
    return {"orthogonal W_hh", "leaky units"}  # the others act on what the product is multiplied by


def _product_changes():
    rng = np.random.default_rng(0)
    params, x = initialise.rnn(2, 5, rng), rng.normal(size=(20, 1, 2))

    def product(params=params, paths=residual.Paths(), target=1., act=lambda gradient: gradient):
        run = residual.forward_paths(params, x, paths)
        residual.backward_paths(run, bptt.at_end(run, act(run.h[-1] - target)))
        return np.linalg.multi_dot(residual.paths_jacobians(run)[::-1, 0])

    other = {"a smaller rate": product(act=lambda g: g / 10), "targets divided by 100": product(target=.01),
             "clipping the gradient": product(act=lambda g: g / np.linalg.norm(g)),
             "orthogonal W_hh": product(params._replace(W_hh=initialise.orthogonal((5, 5), rng))),
             "leaky units": product(paths=residual.leaky(.9))}
    return {name for name in CHOICES if not np.allclose(other[name], product(), atol=0)}


BANK = Bank(9, "Initialization and other cures", [
    Prediction("9.1", "A square W_hh of 100 units, drawn by Glorot and Bengio's rule (normal entries) or as "
                      "a Gaussian of gain 1. Which has the larger spectral radius on average?", kind="choice",
               choices=("Glorot's", "the Gaussian", "neither")),
    Exercise(
        "9.2", "An orthogonal matrix from a Gaussian one", minutes=5, difficulty=2,
        solution=orthogonal, oracle=_gram_schmidt, cases=_orthogonal_cases,
        also_correct=(_orthogonal_by_cholesky,),
        mistakes=[
            Mistake(lambda A: np.linalg.qr(A)[0],
                    "Orthogonal, but R's diagonal is not positive yet: numpy chooses signs of its own, and "
                    "with them Q is not drawn evenly from all orthogonal matrices."),
            Mistake(_rows_turned,
                    "The signs went to the rows of Q. In A = Q R the column j of Q meets the row j of R: "
                    "turn the columns."),
            Mistake(_by_diagonal_of_q,
                    "These signs come from the diagonal of Q. It is R whose diagonal has to be positive."),
            Mistake(_polar,
                    "Orthogonal, and the nearest to A of all. But with it R is symmetric, not upper triangular: start "
                    "from np.linalg.qr."),
            Mistake(_triangular_from_the_left,
                    "These are orthogonal rows, built from the rows of A: A = L Q with a lower triangular L. A = Q R "
                    "works on the columns of A."),
            Mistake(lambda A: np.linalg.svd(A)[0], "This U comes from the singular values, not from A = Q R."),
            Mistake(lambda A: np.linalg.qr(A)[0] * np.diag(np.linalg.qr(A)[1]),
                    "The columns were multiplied by the diagonal of R itself, so their length is not 1. Only its "
                    "signs are needed."),
            Mistake(lambda A: np.abs(np.linalg.qr(A)[0]), "This makes the entries of Q positive. The diagonal of R is "
                    "to be."),
            Mistake(lambda A: -np.linalg.qr(A)[0],
                    "Turning all of Q turns every sign of R, those that were right too. Each column has a sign of its "
                    "own."),
            Mistake(lambda A: orthogonal(A).T, "It is transposed: this is the inverse of Q."),
            Mistake(lambda A: np.sign(np.diag(np.linalg.qr(A)[1]))[:, None] * np.linalg.qr(A)[1],
                    "This is R, with its signs put right. Q is asked for."),
            Mistake(lambda A: np.linalg.qr(A)[1], "This is R, the triangular factor. Q is the other one."),
            Mistake(lambda A: A / np.linalg.norm(A, axis=0),
                    "The columns have length 1 now, but they are not at right angles to each other."),
            Mistake(lambda A: A / np.linalg.norm(A), "A divided by its norm is not orthogonal."),
            Mistake(lambda A: A / np.linalg.norm(A, axis=1, keepdims=True),
                    "The rows have length 1 now, but they are not at right angles to each other."),
            Mistake(lambda A: np.linalg.qr(A)[0] * np.sign(np.linalg.qr(A)[1]),
                    "The signs of all of R. A column of Q takes one sign, that of R's diagonal entry."),
            Mistake(lambda A: np.linalg.eig(A)[1], "These are eigenvectors, which need not be at right angles. "
                    "np.linalg.qr gives Q."),
            Mistake(lambda A: np.linalg.qr(A)[0] * np.sign(np.linalg.det(A)),
                    "One sign for all of Q. Each column has a sign of its own."),
            Mistake(lambda A: np.linalg.qr(A)[0] * np.sign(np.diag(A)),
                    "These signs come from the diagonal of A. It is R whose diagonal has to be positive."),
            Mistake(lambda A: np.linalg.qr(A)[0] * np.abs(np.diag(np.linalg.qr(A)[1])),
                    "The columns were multiplied by sizes, so their length is not 1. Multiply by signs."),
            Mistake(lambda A: np.eye(len(A)), "The identity is orthogonal, but A = Q R needs the Q of this A."),
            Mistake(lambda A: (orthogonal(A), orthogonal(A).T @ A), "Return Q alone, without R."),
            Mistake(lambda A: -orthogonal(A),
                    "With this one the diagonal of R is negative. The signs are the other way "
                    "round."),
            Mistake(lambda A: np.linalg.qr(A)[0] * np.sign(np.linalg.qr(A)[1][0, 0]),
                    "One sign for all of Q, that of R's first entry. Each column has its own."),
            Mistake(lambda A: orthogonal(A) * np.sqrt(len(A)), "The columns have to have length 1."),
            Mistake(lambda A: np.abs(np.linalg.qr(A)[1]),
                    "This is R, the triangular factor, without its signs. Q is asked "
                    "for."),
            Mistake(lambda A: np.linalg.svd(A)[2], "This comes from the singular values, not from A = Q R."),
            Mistake(lambda A: np.linalg.qr(A)[0] * np.where(np.arange(len(A)) == 0, np.sign(np.linalg.det(A)), 1),
                    "One column was turned, for the sign of the determinant. Each column has a sign of its own, that "
                    "of R's "
                    "diagonal."),
            Mistake(lambda A: A / np.linalg.norm(A, 2),
                    "This makes the largest singular value 1. All of them have to be 1."),
            Mistake(lambda A: np.linalg.qr(A)[0] @ np.sign(np.diag(np.linalg.qr(A)[1])),
                    "The signs were summed over. Each "
                    "multiplies its own column: Q * signs."),
        ],
        hints=["np.linalg.qr(A) returns Q and R.",
               "If column j of Q and row j of R both change their sign, the product stays the same.",
               "np.sign(np.diag(R)) holds a sign for each column of Q."],
    ),
    Exercise(
        "9.3", "A matrix of a given radius", minutes=4, difficulty=1,
        solution=with_radius, oracle=_by_characteristic_polynomial, cases=_radius_cases, rtol=1e-7,
        also_correct=(_by_library,),
        mistakes=[
            Mistake(lambda W, radius: radius / np.linalg.norm(W, 2) * W,
                    "This sets the largest singular value. The spectral radius is the largest modulus of an "
                    "eigenvalue, which is smaller for these matrices."),
            Mistake(lambda W, radius: radius / np.linalg.eigvals(W).real.max() * W,
                    "The largest real part was used. Eigenvalues may be complex or negative: what counts is "
                    "their modulus."),
            Mistake(lambda W, radius: radius / np.abs(np.linalg.eigvals(W).real).max() * W,
                    "The size of the real part was used. The modulus of a complex eigenvalue has its imaginary part in "
                    "it too: np.abs of the eigenvalue itself."),
            Mistake(lambda W, radius: radius / np.abs(np.linalg.eigvals(W)).min() * W,
                    "This is the smallest modulus. The radius is the largest."),
            Mistake(lambda W, radius: radius / np.abs(np.linalg.eigvals(W)).mean() * W,
                    "This is the mean modulus. The radius is the largest."),
            Mistake(lambda W, radius: radius / np.abs(np.linalg.eigvals(W)[0]) * W,
                    "The first eigenvalue need not be the largest: numpy does not sort them."),
            Mistake(lambda W, radius: radius / np.linalg.norm(W) * W,
                    "This sets the root of the sum of all squared entries. The radius belongs to the eigenvalues."),
            Mistake(lambda W, radius: np.abs(np.linalg.eigvals(W)).max() / radius * W,
                    "The factor is upside down: divide by the radius that W has, multiply by the one it should have."),
            Mistake(lambda W, radius: W / np.abs(np.linalg.eigvals(W)).max(),
                    "This makes the radius 1. Multiply by the one that is asked for."),
            Mistake(lambda W, radius: radius / np.abs(np.linalg.eigvals(W)).max(),
                    "This is the factor. Return W multiplied by it."),
            Mistake(lambda W, radius: radius / np.abs(np.linalg.eigvalsh(W)).max() * W,
                    "eigvalsh is for symmetric matrices: it reads half of W. Take eigvals."),
            Mistake(lambda W, radius: radius / np.abs(np.linalg.det(W)) ** (1 / len(W)) * W,
                    "The determinant knows the product of the eigenvalues. The largest one is needed."),
            Mistake(lambda W, radius: radius / np.abs(W).max() * W,
                    "The largest entry was used. The radius belongs to the eigenvalues."),
            Mistake(lambda W, radius: radius * W,
                    "This multiplies the radius that W already has. Divide by that one first."),
            Mistake(lambda W, radius: radius / np.linalg.eigvals(W).max() * W,
                    "The largest of complex numbers by numpy's order is not the one of largest modulus, and the matrix "
                    "becomes complex. Take np.abs first."),
            Mistake(lambda W, radius: radius / np.abs(np.linalg.det(W)) * W,
                    "The determinant is the product of the eigenvalues. The largest one is needed."),
            Mistake(lambda W, radius: radius / np.abs(np.linalg.eigvals(W)).sum() * W,
                    "This is the sum of the moduli. The radius is the largest."),
            Mistake(lambda W, radius: (radius / np.abs(np.linalg.eigvals(W)).max()) ** .5 * W,
                    "No root: twice the matrix has twice the eigenvalues."),
            Mistake(lambda W, radius: (radius / np.abs(np.linalg.eigvals(W)).max()) ** 2 * W,
                    "No square: twice the matrix has twice the eigenvalues."),
            Mistake(lambda W, radius: -radius / np.abs(np.linalg.eigvals(W)).max() * W,
                    "The radius is right, but the number has to be above 0."),
            Mistake(lambda W, radius: radius / np.abs(np.trace(W)) * W,
                    "The trace is the sum of the eigenvalues. The largest one is needed."),
            Mistake(lambda W, radius: radius / np.abs(W).sum(1).max() * W,
                    "This is the largest row sum, a bound for the radius. The eigenvalues are needed."),
            Mistake(lambda W, radius: W - np.abs(np.linalg.eigvals(W)).max() + radius,
                    "To add a number to every entry does not shift the radius. Multiply."),
            Mistake(lambda W, radius: with_radius(W, radius).T,
                    "It is transposed. The radius is right, but it is W that "
                    "is to be multiplied."),
            Mistake(lambda W, radius: np.diag(np.linalg.eigvals(W)) * radius / np.abs(np.linalg.eigvals(W)).max(),
                    "This is a matrix of eigenvalues. Return W multiplied by a number."),
            Mistake(lambda W, radius: radius / np.abs(np.linalg.eigvals(W)).max() * np.abs(W),
                    "The signs of W got lost. Multiply W "
                    "itself."),
            Mistake(lambda W, radius: radius / np.linalg.eigvalsh(W.T @ W).max() * W,
                    "These are eigenvalues of W^T W, squares of "
                    "singular values. The eigenvalues of W itself are needed."),
            Mistake(lambda W, radius: radius / (np.sqrt(len(W)) * W.std()) * W,
                    "sqrt(H) times the standard deviation is near the "
                    "radius of a large random matrix. Compute the radius of this one."),
            Mistake(lambda W, radius: W + (radius - np.abs(np.linalg.eigvals(W)).max()) * np.eye(len(W)),
                    "A multiple of the identity moves the eigenvalues. Multiply W by a number."),
        ],
        hints=["Twice the matrix has twice the eigenvalues.",
               "np.linalg.eigvals(W) gives the eigenvalues, np.abs their moduli."],
    ),
    Prediction("9.4", "Temporal order at T = 30, 5 seeds, 600 updates, the better of two rates. For which of "
                      "these do all 5 seeds learn it?", kind="choices",
               choices=("orthogonal, tanh", "identity, tanh", "orthogonal √2, ReLU", "identity, ReLU")),
    Exercise(
        "9.5", "The gain that leaves enough", minutes=4, difficulty=1,
        solution=gain_for, oracle=_gain_by_search, cases=_gain_cases,
        also_correct=(lambda left, T: np.exp(np.log(left) / T),),
        mistakes=[
            Mistake(lambda left, T: left / T,
                    "The steps multiply, they do not add: T equal factors have the product `left`."),
            Mistake(lambda left, T: left ** T,
                    "This is what would be left if each step kept the share `left`. You need the opposite: "
                    "the factor of one step."),
            Mistake(lambda left, T: (1 / left) ** (1 / T),
                    "Upside down: where less is left, the gain has to be below 1."),
            Mistake(lambda left, T: 1.,
                    "A gain of 1 leaves all of it. It has to depend on `left` and on T."),
            Mistake(lambda left, T: left ** (1 // T),
                    "1 // T drops the fraction: it is 0 for every T above 1. Use 1 / T."),
            Mistake(lambda left, T: left ** (1 / (T + 1)),
                    "One step too many: from h_T to h_0 there are T steps."),
            Mistake(lambda left, T: left ** (1 / (2 * T)),
                    "No further root: the norm of the gradient is multiplied by the gain itself, once a step."),
            Mistake(lambda left, T: np.log(left) / T,
                    "This is the logarithm of the gain. Take exp of it."),
            Mistake(lambda left, T: 10 ** (np.log(left) / T), "np.log belongs to exp; with 10 ** take np.log10."),
            Mistake(lambda left, T: 1 - (1 - left) / T,
                    "What is lost does not add up over the steps: each takes its share of what is left."),
            Mistake(lambda left, T: left ** (1 / T) if left < 1 else 1.,
                    "`left` may be above 1 too: then the gradient is to grow."),
            Mistake(lambda left, T: left ** (1 / (T - 1)) if T > 1 else left,
                    "From h_T to h_0 there are T steps, one for each Jacobian J_T ... J_1."),
            Mistake(lambda left, T: 1 + np.log(left) / T,
                    "This is the first term of a series. It is near for factors near 1, but not exact."),
            Mistake(lambda left, T: left * T, "The steps multiply, they do not add: gain ** T has to be `left`."),
            Mistake(lambda left, T: left ** (2 / T), "One factor of the gain a step: gain ** T has to be `left`."),
            Mistake(lambda left, T: -np.log(left) / T,
                    "This is the rate at which it decays, the logarithm of the gain with another sign."),
            Mistake(lambda left, T: np.exp(np.log10(left) / T), "np.log10 belongs to 10 **; with exp take np.log."),
            Mistake(lambda left, T: np.sqrt(left) / T, "Only the root of order T undoes T factors."),
            Mistake(lambda left, T: 1 - left / T,
                    "What is lost does not add up over the steps: gain ** T has to be `left`."),
            Mistake(lambda left, T: left ** (1 / T) - 1,
                    "This is what is lost in one step. The gain is what is left in "
                    "one."),
            Mistake(lambda left, T: 1 - left ** (1 / T),
                    "This is what one step takes away. The gain is what it leaves."),
            Mistake(lambda left, T: np.exp(left / T), "gain = exp(log(left) / T): the logarithm is missing."),
            Mistake(lambda left, T: np.abs(1 - left) ** (1 / T), "`left` is what is left, not what is lost."),
            Mistake(lambda left, T: 1 / T, "It has to depend on `left` too: gain ** T has to be `left`."),
            Mistake(lambda left, T: np.sqrt(left),
                    "The root of order T, not always the square root: gain ** T has to be `left`."),
            Mistake(lambda left, T: -left ** (1 / T), "The gain is to be above 0."),
            Mistake(lambda left, T: np.round(left ** (1 / T), 2),
                    "Rounded to two digits. Over T steps what is lost there adds up: "
                    "give it exactly."),
        ],
        hints=["What does one step do to the length of the gradient if W_hh is gain times an orthogonal "
               "matrix?",
               "gain ** T has to be left."],
    ),
    Prediction("9.6", "A tenth of the rate and ten times the updates, from the same 90 starts on the wall. "
                      "How many are thrown far away, compared with the larger rate?", kind="choice",
               choices=("hardly any", "about half as many", "about as many, or more")),
    Prediction("9.7", "All targets times 100, squared error. By which factor does the ratio "
                      "|dL/dh_0| / |dL/dh_T| change?", unit="times"),
    Prediction("9.8", "Start (6, -2.2), rate 0.3: without damping one update moves a state by thousands. "
                      "What is the largest move of a state in one update with damping 0.01?", scale="log10"),
    Exercise(
        "9.9", "The Jacobian of a leaky layer", minutes=5, difficulty=2,
        solution=leaky_jacobian, oracle=_leaky_complex, cases=_leaky_cases, time_axis="each",
        also_correct=(_leaky_by_entries,),
        mistakes=[
            Mistake(lambda W, a, alpha: (1 - alpha) * _slopes(a)[:, None] * W,
                    "The direct connection is missing: h_t also takes alpha h_{t-1}, each unit from itself."),
            Mistake(lambda W, a, alpha: alpha + (1 - alpha) * _slopes(a)[:, None] * W,
                    "alpha was added to every entry. A unit keeps its own state alone: alpha belongs on the "
                    "diagonal."),
            Mistake(lambda W, a, alpha: (1 - alpha) * np.eye(len(a)) + alpha * _slopes(a)[:, None] * W,
                    "alpha and 1 - alpha have changed places."),
            Mistake(lambda W, a, alpha: alpha * np.eye(len(a)) + (1 - alpha) * W * _slopes(a),
                    "The slopes went to the columns. Unit i's slope acts on what unit i takes: on row i."),
            Mistake(lambda W, a, alpha: alpha * np.eye(len(a)) + (1 - alpha) * W,
                    "The slope of tanh is missing."),
            Mistake(lambda W, a, alpha: alpha * np.eye(len(a)) + _slopes(a)[:, None] * W,
                    "The new part counts 1 - alpha, and so does its derivative."),
            Mistake(lambda W, a, alpha: alpha * np.eye(len(a)) + (1 - alpha) * (1 - a**2)[:, None] * W,
                    "a_t is not yet through the tanh: the slope is 1 - tanh(a_t)^2."),
            Mistake(lambda W, a, alpha: alpha * np.eye(len(a)) + (1 - alpha) * (1 - np.tanh(a))[:, None] * W,
                    "The slope of tanh is 1 - tanh(a)^2: the square is missing."),
            Mistake(lambda W, a, alpha: alpha * np.eye(len(a)) + (1 - alpha) * np.tanh(a)[:, None] * W,
                    "tanh(a_t) is the value. Its slope is 1 - tanh(a_t)^2."),
            Mistake(lambda W, a, alpha: _slopes(a)[:, None] * W,
                    "This is an ordinary layer. In a leaky one h_t also takes alpha h_{t-1}, and 1 - alpha of the "
                    "rest."),
            Mistake(lambda W, a, alpha: np.eye(len(a)) + (1 - alpha) * _slopes(a)[:, None] * W,
                    "The direct connection has the factor alpha."),
            Mistake(lambda W, a, alpha: _slopes(a)[:, None] * (alpha * np.eye(len(a)) + (1 - alpha) * W),
                    "The direct connection does not pass the tanh, so it has no slope."),
            Mistake(lambda W, a, alpha: alpha * W + (1 - alpha) * _slopes(a)[:, None] * W,
                    "h_{t-1} goes into alpha h_{t-1} as it is, not through W_hh."),
            Mistake(lambda W, a, alpha: alpha * np.eye(len(a)) + (1 - alpha) * _slopes(a)[:, None] * W.T,
                    "W_hh is the wrong way round: a_t takes W_hh h_{t-1}, so entry [i, j] needs W_hh[i, j]."),
            Mistake(lambda W, a, alpha: alpha * np.eye(len(a)) + (1 - alpha) * np.diag(_slopes(a) * np.diag(W)),
                    "Only what a unit takes from itself is here. W_hh connects all units: the other entries count "
                    "too."),
            Mistake(lambda W, a, alpha: leaky_jacobian(W, a, alpha).T,
                    "It is transposed: row i says what h_t[i] takes from each unit."),
            Mistake(lambda W, a, alpha: alpha * np.eye(len(a)) + (1 - alpha) * np.diag(_slopes(a)),
                    "W_hh is missing: a_t takes h_{t-1} through it."),
            Mistake(lambda W, a, alpha: alpha * np.eye(len(a)) + (1 - alpha) * _slopes(W @ a)[:, None] * W,
                    "a_t is what the tanh is given already. W_hh is in it: the slope is 1 - tanh(a_t)^2."),
            Mistake(lambda W, a, alpha: alpha * np.eye(len(a)) + (1 - alpha) * _slopes(np.tanh(a))[:, None] * W,
                    "One tanh too many: the slope is 1 - tanh(a_t)^2."),
            Mistake(lambda W, a, alpha: (1 - alpha) * _slopes(a)[:, None] * W - alpha * np.eye(len(a)),
                    "The two ways add up: the sign of alpha is turned."),
            Mistake(lambda W, a, alpha: (1 - alpha) * _slopes(a)[:, None] * (W + alpha * np.eye(len(a))),
                    "The direct connection goes around the tanh: alpha has no factor beside it."),
            Mistake(lambda W, a, alpha: alpha * np.eye(len(a)) + (1 + alpha) * _slopes(a)[:, None] * W,
                    "The new part counts 1 - alpha."),
            Mistake(lambda W, a, alpha: alpha * np.eye(len(a)) + (1 - alpha) * (_slopes(a) @ W),
                    "The slopes were summed over. Each multiplies its own row: slope[:, None] * W_hh."),
            Mistake(lambda W, a, alpha: alpha * np.eye(len(a)) + (1 - alpha) * W @ np.diag(_slopes(a)) @ W,
                    "W_hh stands there twice. The slope acts once, on the rows of W_hh."),
            Mistake(lambda W, a, alpha: alpha * np.eye(len(a)) + (1 - alpha) * (activations.sigmoid(a)
                                                                              * activations.sigmoid(-a))[:, None] * W,
                    "This is the slope of the sigmoid. The layer has a tanh: 1 - tanh(a_t)^2."),
            Mistake(lambda W, a, alpha: alpha * np.eye(len(a)) + (1 - alpha) * _slopes((1 - alpha) * a)[:, None] * W,
                    "1 - alpha stands before the tanh, not in it: the slope is taken at a_t."),
            Mistake(lambda W, a, alpha: alpha * np.eye(len(a)) + 1 - alpha * _slopes(a)[:, None] * W,
                    "Parentheses are missing: (1 - alpha) times the slope times W_hh."),
            Mistake(lambda W, a, alpha: _slopes(a) @ W,
                    "The slopes were summed over, and the direct connection is missing: "
                    "(H, H) is asked for."),
            Mistake(lambda W, a, alpha: (1 - alpha) * np.tanh(a),
                    "This is what the state takes from the tanh. Its derivative "
                    "by h_{t-1} is asked for, (H, H)."),
        ],
        hints=["There are two ways from h_{t-1} to h_t. Write the derivative of each, then add.",
               "The first gives alpha times the identity.",
               "The second gives (1 - alpha) diag(1 - tanh(a_t)^2) W_hh."],
    ),
    Exercise(
        "9.10", "The shortest way back", minutes=4, difficulty=2,
        solution=fewest_factors, oracle=_fewest_by_search, cases=_fewest_cases,
        also_correct=(_fewest_by_divmod,),
        mistakes=[
            Mistake(lambda T, k: T // k,
                    "The steps that k leaves over are missing: they have to be gone one by one."),
            Mistake(lambda T, k: T / k, "This is not a whole number of factors for every T and k."),
            Mistake(lambda T, k: -(-T // k),
                    "The last jump would go beyond h_0. What is left over is gone in single steps."),
            Mistake(lambda T, k: T // k + 1,
                    "What k leaves over is T % k steps, gone one by one: not always one."),
            Mistake(lambda T, k: T % k, "These are the single steps. The jumps are factors too."),
            Mistake(lambda T, k: T, "These are all single steps. A jump of k is one factor in place of k."),
            Mistake(lambda T, k: T // k + T % k - 1, "One too few. Count the moves, not the states between them."),
            Mistake(lambda T, k: T // k + T % k + 1, "One too many. Count the moves, not the states that they touch."),
            Mistake(lambda T, k: max(T // k, T % k),
                    "The jumps and the single steps come one after the other: add them."),
            Mistake(lambda T, k: T / k + T % k, "The jumps are a whole number: T // k."),
            Mistake(lambda T, k: (T - k + 1 if T >= k else T),
                    "This is one jump and then single steps. Jump as often as it fits."),
            Mistake(lambda T, k: T - k + 1,
                    "This is one jump and then single steps. Jump as often as it fits, and not at "
                    "all where it does not."),
            Mistake(lambda T, k: round(T / k), "The steps that k leaves over have to be gone one by one."),
            Mistake(lambda T, k: T // k * (T % k), "The jumps and the single steps add up; they do not multiply."),
            Mistake(lambda T, k: k, "This is the length of a jump. The number of moves is asked for."),
            Mistake(lambda T, k: 1, "One jump does not reach h_0, unless T is k."),
            Mistake(lambda T, k: [T // k, T % k], "These are the jumps and the single steps. Add them."),
            Mistake(lambda T, k: T - T // k, "A jump takes the place of k single steps, not of one."),
            Mistake(lambda T, k: (T - 1) // k + (T - 1) % k, "The way from h_T to h_0 has T steps, not T - 1."),
            Mistake(lambda T, k: T // k + T - k, "After T // k jumps of k there are T % k steps left, not T - k."),
            Mistake(lambda T, k: T // k + T % k * k, "What is left over is T % k single steps, each one factor."),
            Mistake(lambda T, k: T // k + T % k if k <= T else 1,
                    "A jump longer than T would go beyond h_0: then all steps are "
                    "single."),
            Mistake(lambda T, k: T // k + 2 * (T % k), "The steps that are left over count once."),
            Mistake(lambda T, k: T // (k - 1) + T % (k - 1) if k > 1 else T, "A jump goes k steps back, not k - 1."),
            Mistake(lambda T, k: k // T + k % T, "T and k have changed places."),
        ],
        hints=["How many jumps of k fit into T? How many steps are left?", "T // k and T % k."],
    ),
    Prediction("9.11", "Layer norm, and all weights W_xh and W_hh times 2. By which factor does dL/dW_hh "
                       "change?", unit="times"),
    Exercise(
        "9.12", "What changes the product", minutes=3, difficulty=2,
        solution=what_changes_the_product, oracle=_product_changes, choices=CHOICES,
        also_correct=(["leaky units", "orthogonal W_hh"],),
        mistakes=mistaken_sets({"orthogonal W_hh", "leaky units"}, {
            "a smaller rate": "The rate scales the update, and no update was made.",
            "targets divided by 100": "The targets enter dL/dh_T. The states, and so the Jacobians, do not know them.",
            "clipping the gradient": "Clipping scales the gradient of the parameters after the backward pass. The "
                                     "Jacobians were multiplied before.",
            "orthogonal W_hh": "One is missing: what are the Jacobians made of?",
            "leaky units": "One is missing: which of them opens a second way from h_{t-1} to h_t?",
        }),
        hints=["J_t = dh_t/dh_{t-1} at the present parameters. What does it depend on?",
               "The loss, the rate and the clipping come after the forward pass."],
    ),
])
