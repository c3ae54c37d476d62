"""The exercises of lesson 07, exploding gradients."""

from __future__ import annotations

import functools

import numpy as np

from ... import activations, cells, gradcheck, initialise
from ...exercises.bank import Bank, Exercise, Mistake, Prediction, mistaken_sets
from . import signs, wall
from .four_runs import four_runs


# 7.2 Steps until overflow


def steps_until_overflow(factor, size, largest):
    steps = int(np.log(largest / size) / np.log(factor))
    while size * factor**steps <= largest:      # it still fits; and logarithms are rounded
        steps += 1
    return steps


def _steps_by_multiplying(factor, size, largest):
    steps = 0
    while size <= largest:
        size *= factor
        steps += 1
    return steps


def _steps_from_a_list(factor, size, largest):
    sizes = size * float(factor) ** np.arange(5000.)[:int(600 / np.log(factor))]
    return np.argmax(sizes > largest)


def _steps_by_one_formula(factor, size, largest):
    return int(np.floor((np.log(largest) - np.log(size)) / np.log(factor) + 1e-12)) + 1


def _steps_cases(rng):
    single, half = float(np.finfo(np.float32).max), float(np.finfo(np.float16).max)
    return [(1.5, rng.uniform(.5, 2.), single), (1.175, rng.uniform(1e-3, 1e-2), half), (3., 1e-10, single),
            (1e10, 1., 1e35), (1.05, .3, single), (7., 3., 1e250),
            (2., 4., 4.), (1.5, 2., 3.)]        # what equals the largest number still fits


# 7.5 Another wall


def another_wall():
    return .5 - 6 * activations.sigmoid(np.array(.5))


def _wall_by_search():
    return wall.steepest(6., 60, -4., -2.5).b


# 7.7 Where two fixed points meet


def fold(w):
    h = np.sqrt(1 - 1 / w)              # there the slope of the map, w (1 - h^2), is 1
    return w * h - np.arctanh(h)


def _fold_by_search(w):
    """The largest b that a fixed point h needs, b = artanh(h) - w h, over h < 0."""
    low, high = -.99999, 0.
    for _ in range(60):
        h = np.linspace(low, high, 101)
        best = (np.arctanh(h) - w * h).argmax()
        low, high = h[max(best - 1, 0)], h[min(best + 1, 100)]
    return np.arctanh(low) - w * low


def _fold_arcosh(w):
    return np.sqrt(w * w - w) - np.arccosh(np.sqrt(w))


# 7.8 Two steps at a time


def growth_of_cycle(w, b, h):
    h_next = np.tanh(w * h + b)
    two_steps = w * (1 - h**2) * w * (1 - h_next**2)
    return np.sqrt(two_steps)


def _growth_complex(w, b, h):
    return np.sqrt(abs(gradcheck.complex_step(lambda h: np.tanh(w * np.tanh(w * h + b) + b), np.array(h))))


def _growth_in_logs(w, b, h):
    slopes = [w / np.cosh(w * state + b) ** 2 for state in (h, np.tanh(w * h + b))]
    return np.exp(np.mean(np.log(np.abs(slopes))))


def _cycle_cases(rng):
    cases = []
    for w, b in [(-2., .3), (-1.3, .1), (-1.6, -.4)]:
        h = .7
        for _ in range(2000):
            h = np.tanh(w * h + b)
        cases.append((w, b, float(h)))
    return cases


# 7.10 How large is an update?


def update_ratio(before, after):
    moved = sum(((new - old)**2).sum() for old, new in zip(before, after))
    size = sum((old**2).sum() for old in before)
    return np.sqrt(moved / size)


def _ratio_of_long_vectors(before, after):
    old, new = (np.concatenate([array.ravel() for array in params]) for params in (before, after))
    return np.linalg.norm(new - old) / np.linalg.norm(old)


def _ratio_of_the_library(before, after):
    return signs.huge_update(before, after).value


def _norms(params):
    return np.array([np.linalg.norm(array) for array in params])


def _ratio_cases(rng):
    cases = []
    for D, H, size in [(2, 3, .01), (4, 5, 3.)]:
        before = initialise.rnn(D, H, rng)._replace(b_h=rng.uniform(.1, .5, H))
        after = cells.RNNParams(*(array + size * rng.normal(size=array.shape) for array in before))
        cases.append((before, after))
    return cases


# 7.12 Read the logs


def loud_runs():
    return {"B", "C"}


_trained = functools.cache(four_runs)       # a second


def _loud_by_signs():
    loud = {"gradient spike", "oscillating loss", "huge weights"}
    return {name for name, run in _trained().items() if loud & set(signs.shown_by(run).present)}


BANK = Bank(7, "Exploding", [
    Prediction("7.1", "A factor of 1.5 at each step: after how many steps does the gradient overflow "
                      "float32?",
               unit="steps", digits=3, close=.2),
    Exercise(
        "7.2", "Steps until overflow", minutes=4, difficulty=1,
        solution=steps_until_overflow, oracle=_steps_by_multiplying, cases=_steps_cases,
        also_correct=(_steps_from_a_list, _steps_by_one_formula),
        mistakes=[
            Mistake(lambda factor, size, largest: int(np.ceil(np.log(largest / size) / np.log(factor))),
                    "What equals `largest` still fits: where size * factor**T hits it exactly, one more step is "
                    "needed."),
            Mistake(lambda factor, size, largest: int(np.log(largest / size) / np.log(factor)) + 2,
                    "One step too many. T = 1 is the size after one multiplication."),
            Mistake(lambda factor, size, largest: int(np.log(largest / size) / np.log(factor)),
                    "At this step the number still fits. The first one that does not is asked for."),
            Mistake(lambda factor, size, largest: np.log(largest / size) / np.log(factor),
                    "Steps are whole numbers: go on to the first one at which it does not fit."),
            Mistake(lambda factor, size, largest: int(np.log(largest) / np.log(factor)) + 1,
                    "You started from 1. The gradient starts from `size`."),
            Mistake(lambda factor, size, largest: int(np.log(largest) / size / np.log(factor)) + 1,
                    "The logarithm of a quotient is log(largest) - log(size), or log(largest / size)."),
            Mistake(lambda factor, size, largest: np.floor((largest - size) / (factor - 1) / size) + 1,
                    "This would be a straight line. Each step multiplies, so take logarithms."),
            Mistake(lambda factor, size, largest: np.floor((largest - size) / factor) + 1,
                    "Each step multiplies by `factor`; it does not add it. Take logarithms."),
            Mistake(lambda factor, size, largest: np.floor(largest / size / factor) + 1,
                    "`factor` is multiplied T times, not once. Take logarithms."),
            Mistake(lambda factor, size, largest: size * float(factor) ** steps_until_overflow(factor, size, largest),
                    "This is the size that no longer fits. The number of steps is asked for."),
            Mistake(lambda factor, size, largest: int(np.log(largest / size) / np.log10(factor)) + 1,
                    "Two different logarithms: take the same one above and below."),
            Mistake(lambda factor, size, largest: int(np.ceil(np.log(largest) / np.log(factor))),
                    "You started from 1. The gradient starts from `size`; and it has to exceed `largest`."),
            Mistake(lambda factor, size, largest: round(np.log(largest / size) / np.log(factor)),
                    "Rounded to the nearest: where that goes down, the number still fits. Go on to the next step."),
            Mistake(lambda factor, size, largest: int(np.log(size / largest) / np.log(factor)) + 1,
                    "The quotient is upside down: the way goes from size up to largest, so it is largest / size."),
            Mistake(lambda factor, size, largest: int(np.log(largest / size) * np.log(factor)) + 1,
                    "T log(factor) = log(largest / size): divide by log(factor)."),
            Mistake(lambda factor, size, largest: int(np.log(largest / size) / np.log(2)) + 1,
                    "log2 counts doublings. Each step multiplies by `factor`: divide by log(factor)."),
            Mistake(lambda factor, size, largest: int(np.log(largest / size)) + 1,
                    "log(factor) is missing: T log(factor) = log(largest / size)."),
            Mistake(lambda factor, size, largest: int(np.log(largest * size) / np.log(factor)) + 1,
                    "size * factor**T = largest: divide by size before you take the logarithm."),
            Mistake(lambda factor, size, largest: np.floor(np.log(factor) / np.log(largest / size)) + 1,
                    "The quotient of the logarithms is upside down."),
            Mistake(lambda factor, size, largest: int(np.log(largest - .999999 * size) / np.log(factor)) + 1,
                    "log(largest - size) is not log(largest) - log(size). What multiplies is divided away."),
            Mistake(lambda factor, size, largest: 219,
                    "One number for all. It has to follow from `factor`, `size` and `largest`."),
            Mistake(lambda factor, size, largest: next(t for t in range(1, 5000) if size * float(factor)**t >= largest),
                    "What equals `largest` still fits: the first T with > is asked for, not with >=."),
            Mistake(lambda factor, size, largest: int(np.log(3.4028234664e38 / size) / np.log(factor)) + 1,
                    "This is float32's largest number. `largest` is an argument."),
            Mistake(lambda factor, size, largest: int(np.ceil(np.log(largest / size) / np.log(factor))) + 1,
                    "Rounded up and one more: that is one step too many, unless it fits exactly."),
            Mistake(lambda factor, size, largest: -(-int(np.log(largest / size) / np.log(factor) + 1) // 2),
                    "Half of it: that is where the square of the number no longer fits. The number itself is asked "
                    "for."),
        ],
        hints=["size * factor**T = largest: take logarithms on both sides and solve for T.",
               "T = log(largest / size) / log(factor) is where it just fits. Which whole number comes next?"],
    ),
    Prediction("7.3", "A tanh network whose states never leave [-1/2, 1/2]: how long can its gradient "
                      "become in 60 "
                      "steps?", kind="choice",
               choices=("never longer than 1", "some tens at most", "10 to the power 10")),
    Prediction("7.4", "Half of all points of the picture have a gradient shorter than 0.06. How steep is the "
                      "steepest slope dE/db along w = 5?", scale="log10"),
    Exercise(
        "7.5", "Another wall", minutes=3, difficulty=1,
        solution=another_wall, oracle=_wall_by_search, rtol=3e-4, also_correct=(-3.2348, -3.235),
        mistakes=[
            Mistake(-2.6123, "That is the wall at w = 5. The same condition holds at w = 6, with another b."),
            Mistake(-2.5, "You multiplied w by x_0 itself. The state passes through s first."),
            Mistake(3.2348, "The sign is the other one: b is what is missing to 1/2."),
            Mistake(-3.7348, "w s(x_0) + b has to be x_0, not 0."),
            Mistake(-3., "That would be s(x_0) = 1/2 and x_0 = 0. Here x_0 = 1/2."),
            Mistake(-3.23, "These are three digits. Four are asked for."),
            *[Mistake(b, f"{b} has two digits, as if read off the picture. Compute it: four are asked for.")
              for b in (-3.1, -3.2, -3.3)],
            Mistake(-3.24, "Three digits, rounded. Four are asked for."),
            Mistake(.5 - 6 * np.tanh(.5), "The map of this section has the sigmoid s, not tanh."),
            Mistake(1.41, "This is the slope of the map at x_0, 6 s'(1/2). The b is asked for."),
            Mistake(-4.2348, "1/2 stands on the other side: b = 1/2 - 6 s(1/2)."),
            Mistake(-3.1348, "b does not grow in proportion to w. Put w = 6 into the condition itself."),
            Mistake(.5 - activations.sigmoid(np.array(3.)),
                    "w stands outside of s: the map is w s(x) + b, not s(w x) + b."),
            Mistake(.6225, "This is s(1/2). Put it into 1/2 = 6 s(1/2) + b."),
            Mistake(3.7348, "This is 6 s(1/2). What is missing from it to x_0 = 1/2?"),
            Mistake(-4., "You took s(1/2) for 3/4. It is 0.6225."),
            Mistake(-2.2, "That is where the descent of the next section starts. Which b has x_0 as its fixed point?"),
            Mistake(.5, "This is x_0. Which b makes it a fixed point of the map?"),
        ],
        hints=["Where on the line w = 6 is x_0 = 1/2 a fixed point?",
               "1/2 = 6 s(1/2) + b, and s(1/2) = 0.6225."],
    ),
    Prediction("7.6", "Gradient descent comes down the valley to the foot of the wall. What happens there?",
               kind="choice", choices=("it stops at the foot", "it hops to and fro for ever",
                                       "it is thrown far away")),
    Exercise(
        "7.7", "Where two fixed points meet", minutes=5, difficulty=2,
        solution=fold, oracle=_fold_by_search, cases=lambda rng: [(2.,), (1.1,), (rng.uniform(3., 5.),)],
        also_correct=(_fold_arcosh,),
        mistakes=[
            Mistake(lambda w: np.arctanh(np.sqrt(1 - 1 / w)) - w * np.sqrt(1 - 1 / w),
                    "This is the other one, at b < 0: the same size with the other sign."),
            Mistake(lambda w: w * np.sqrt(1 - 1 / w) - np.sqrt(1 - 1 / w),
                    "The tanh got lost: h = tanh(w h + b) means artanh(h) = w h + b."),
            Mistake(lambda w: np.sqrt(1 - 1 / w) - np.tanh(w * np.sqrt(1 - 1 / w)),
                    "b stands inside the tanh: undo the tanh on both sides before you solve for b."),
            Mistake(lambda w: w * (1 - 1 / w) - np.arctanh(1 - 1 / w),
                    "w (1 - h^2) = 1 gives h^2, not h."),
            Mistake(lambda w: w * np.sqrt(1 / w) - np.arctanh(np.sqrt(1 / w)),
                    "w (1 - h^2) = 1 gives h^2 = 1 - 1/w. You took 1/w."),
            Mistake(lambda w: w * np.sqrt(1 - 1 / w) + np.arctanh(np.sqrt(1 - 1 / w)),
                    "h has one sign in w h and the other in artanh(h). It is one and the same h."),
            Mistake(lambda w: np.arctanh(np.sqrt(1 - 1 / w)),
                    "w h is missing: h = tanh(w h + b) means artanh(h) = w h + b."),
            Mistake(lambda w: w * np.arctanh(np.sqrt(1 - 1 / w)) - np.sqrt(1 - 1 / w),
                    "sqrt(1 - 1/w) is the state h itself, with the tanh in it: b = w h - artanh(h)."),
            Mistake(lambda w: w * np.sqrt(1 - 1 / w) - np.tanh(np.sqrt(1 - 1 / w)),
                    "To undo a tanh takes artanh, not another tanh."),
            Mistake(lambda w: 2 * np.sqrt(.5) - np.arctanh(np.sqrt(.5)) + 0 * w,
                    "This is the value for w = 2, whatever w is."),
            Mistake(lambda w: .53, "This is what the cell above read off, for w = 2. A formula in w is asked for."),
            Mistake(lambda w: np.sqrt(1 - 1 / w),
                    "This is the state at which they meet. The bias that puts a fixed point there is "
                    "asked for."),
            Mistake(lambda w: w - 1 + 0.,
                    "At w = 1 it begins, but not in a straight line. Two conditions give h, then b."),
            Mistake(lambda w: np.arctanh(np.sqrt(1 - 1 / w)) / w,
                    "b is not artanh(h) / w: solve artanh(h) = w h + b for b."),
            Mistake(lambda w: np.nan,
                    "A root or an artanh got a number that it does not take. w (1 - h^2) = 1 gives h^2 = 1 - 1/w, "
                    "which lies "
                    "between 0 and 1."),
            Mistake(lambda w: w * np.sqrt(1 - 1 / w**2) - np.arctanh(np.sqrt(1 - 1 / w**2)),
                    "w (1 - h^2) = 1 gives h^2 = 1 - 1/w, with w itself and not its square."),
            Mistake(lambda w: w * np.sqrt(1 - 1 / w), "artanh(h) is missing: b = w h - artanh(h)."),
            Mistake(lambda w: .533, "Three digits, and for w = 2 alone. A formula in w is asked for."),
            Mistake(lambda w: 2 * (w * np.sqrt(1 - 1 / w) - np.arctanh(np.sqrt(1 - 1 / w))),
                    "This is the distance of the two folds, from -b to b. One of them is asked for."),
            Mistake(lambda w: w * np.sqrt(1 - 1 / w) - np.log((1 + np.sqrt(1 - 1 / w)) / (1 - np.sqrt(1 - 1 / w))),
                    "artanh(h) is half of log((1 + h) / (1 - h))."),
            Mistake(lambda w: np.arctanh(np.sqrt(1 - 1 / w)) - np.sqrt(1 - 1 / w),
                    "w is missing: artanh(h) = w h + b."),
            Mistake(lambda w: w * np.sqrt(1 - 1 / w) - np.arctan(np.sqrt(1 - 1 / w)),
                    "tanh is undone by artanh, not arctan."),
            Mistake(lambda w: [np.arctanh(np.sqrt(1 - 1 / w)) - w * np.sqrt(1 - 1 / w),
                               w * np.sqrt(1 - 1 / w) - np.arctanh(np.sqrt(1 - 1 / w))],
                    "There are two, -b and b. The one above 0 is asked for."),
            Mistake(lambda w: w / 2 - np.arctanh(.5),
                    "This is where 1/2 is a fixed point. At the fold the slope of the map is 1 "
                    "as well: that gives h."),
            Mistake(lambda w: .5328 * (w - 1), "Not a straight line in w. Two conditions give h, then b."),
        ],
        hints=["Where two fixed points meet, the map touches the diagonal: its slope there is 1.",
               "The slope at a fixed point is w (1 - h^2). Solve for h; there are two solutions.",
               "h = tanh(w h + b) gives b = artanh(h) - w h. Which of the two h makes b positive?"],
    ),
    Exercise(
        "7.8", "Two steps at a time", minutes=4, difficulty=2,
        solution=growth_of_cycle, oracle=_growth_complex, cases=_cycle_cases,
        also_correct=(_growth_in_logs,),
        mistakes=[
            Mistake(lambda w, b, h: growth_of_cycle(w, b, h) ** 2,
                    "This is the factor of two steps. Per step it is the square root."),
            Mistake(lambda w, b, h: abs(w) * (1 - h**2),
                    "This takes the slope at h for both steps. The other state is tanh(w h + b): it has another "
                    "slope, as it is not -h where b is not 0."),
            Mistake(lambda w, b, h: abs(w) * (1 - np.tanh(w * h + b) ** 2),
                    "This is the slope at the other state alone. The cycle visits both in turn."),
            Mistake(lambda w, b, h: np.sqrt(abs(w) * (1 - h**2)),
                    "The root belongs to the product of two slopes, one at each state. This is the root of one."),
            Mistake(lambda w, b, h: growth_of_cycle(w, b, h) ** 2 / 2,
                    "Half of the factor of two steps is no factor of one: g times g has to be the product."),
            Mistake(lambda w, b, h: abs(w * (1 - h**2)) + abs(w * (1 - np.tanh(w * h + b) ** 2)),
                    "The factors of two steps one after the other multiply, they do not add."),
            Mistake(lambda w, b, h: np.sqrt(abs(w) * (1 - h**2) * (1 - np.tanh(w * h + b) ** 2)),
                    "w is a factor of each of the two steps, so it stands twice under the root."),
            Mistake(lambda w, b, h: np.log(growth_of_cycle(w, b, h)),
                    "This is the logarithm of the factor, which tells growth by its sign. The factor is asked for."),
            Mistake(lambda w, b, h: abs(w * (1 - h**2) + w * (1 - np.tanh(w * h + b) ** 2)) / 2,
                    "The factors multiply, they do not add: the mean per step is the square root of the "
                    "product."),
            Mistake(lambda w, b, h: np.sqrt((1 - h**2) * (1 - np.tanh(w * h + b) ** 2)),
                    "The weight is missing: the slope of a step is w (1 - h^2)."),
            Mistake(lambda w, b, h: abs(w) *
                    np.sqrt((1 - np.tanh(h) ** 2) * (1 - np.tanh(np.tanh(w * h + b)) ** 2)),
                    "h is a state, tanh(a) already: its slope is 1 - h^2, with no tanh around h."),
            Mistake(lambda w, b, h: abs(w) * np.sqrt((1 - h**2) * (1 - np.tanh(w * h) ** 2)),
                    "The bias is missing: the other state is tanh(w h + b)."),
            Mistake(lambda w, b, h: np.sign(w) * growth_of_cycle(w, b, h),
                    "w is negative, but a factor of growth is above 0: take its size."),
            Mistake(lambda w, b, h: abs(w) * (1 - h**2) * (1 - np.tanh(w * h + b) ** 2),
                    "The root is missing, and one of the two factors w: two steps multiply w (1 - h^2) at each state."),
            Mistake(lambda w, b, h: max(abs(w) * (1 - h**2), abs(w) * (1 - np.tanh(w * h + b) ** 2)),
                    "This is the larger of the two factors. Both steps count: a mean of the two."),
            Mistake(lambda w, b, h: 2 / (1 / (abs(w) * (1 - h**2)) + 1 / (abs(w) * (1 - np.tanh(w * h + b) ** 2))),
                    "This is the harmonic mean. Factors one after the other multiply: the geometric mean is the right "
                    "one."),
            Mistake(lambda w, b, h: abs(w) * np.sqrt((1 - h) * (1 - np.tanh(w * h + b))),
                    "The slope of tanh is 1 - h^2: the squares are missing."),
            Mistake(lambda w, b, h: abs(w) * np.sqrt((1 - h**2) * (1 - (w * h + b) ** 2)),
                    "The other state is tanh(w h + b): its tanh is missing."),
            Mistake(lambda w, b, h: 1., "On the cycle the state repeats, but a small change of it does not."),
            Mistake(lambda w, b, h: np.sqrt(((w * (1 - h**2))**2 + (w * (1 - np.tanh(w * h + b)**2))**2) / 2),
                    "This is the root of the mean square. Factors one after the other multiply: the root of the "
                    "product."),
            Mistake(lambda w, b, h: abs(w) * (1 - ((h + np.tanh(w * h + b)) / 2)**2),
                    "This is the slope at the mean of the two states. The cycle visits the two, never their mean."),
            Mistake(lambda w, b, h: [abs(w) * (1 - h**2), abs(w) * (1 - np.tanh(w * h + b)**2)],
                    "These are the two slopes. One number is asked for, the factor per step: the root of their "
                    "product."),
        ],
        hints=["What is the other state of the cycle? What is the slope of the map at each of the two?",
               "The change is multiplied by w (1 - h^2) at one state, then by the same with the other state.",
               "A factor g per step makes g^2 in two steps."],
    ),
    Prediction("7.9", "w = 3, noise 0.2: one unit keeps its bit over 100 steps in every trial. Which "
                      "power of ten "
                      "is |dh_100/dh_0|, for example -20?", close=.3, digits=3),
    Exercise(
        "7.10", "How large is an update?", minutes=4, difficulty=1,
        solution=update_ratio, oracle=_ratio_of_long_vectors, cases=_ratio_cases,
        also_correct=(_ratio_of_the_library,),
        mistakes=[
            Mistake(lambda before, after: np.linalg.norm(after.W_hh - before.W_hh) / np.linalg.norm(before.W_hh),
                    "This is W_hh alone. All three arrays count, as one long vector."),
            Mistake(lambda before, after: _ratio_of_long_vectors(after, before),
                    "You divided by the weights after the update. The ones before it are the measure."),
            Mistake(lambda before, after: np.mean([np.linalg.norm(b - a) / np.linalg.norm(a)
                                                   for a, b in zip(before, after)]),
                    "This is the mean of three ratios. One ratio is asked for, over all entries together."),
            Mistake(lambda before, after: abs(np.linalg.norm(_norms(after)) - np.linalg.norm(_norms(before)))
                    / np.linalg.norm(_norms(before)),
                    "This is how much the length changed. A vector can turn without changing its "
                    "length: take the "
                    "length of the difference."),
            Mistake(lambda before, after: _ratio_of_long_vectors(before, after) ** 2,
                    "The square roots are missing: this is the ratio of the squares."),
            Mistake(lambda before, after: 1 / _ratio_of_long_vectors(before, after),
                    "The ratio is upside down: the change belongs above."),
            Mistake(lambda before, after: np.linalg.norm(_norms(after)) / np.linalg.norm(_norms(before)),
                    "These are the weights after, over the weights before. The change is asked for: after - before."),
            Mistake(lambda before, after: _ratio_of_long_vectors(before[:2], after[:2]),
                    "b_h is missing. All three arrays count, as one long vector."),
            Mistake(lambda before, after: _ratio_of_long_vectors(before, after) * np.linalg.norm(_norms(before)),
                    "This is the length of the change. Divide it by the length of the parameters before."),
            Mistake(lambda before, after: sum(abs(b - a).sum() for a, b in zip(before, after))
                    / sum(abs(a).sum() for a in before),
                    "These are sums of absolute values. A Euclidean length is the root of a sum of squares."),
            Mistake(lambda before, after: max(np.linalg.norm(b - a) / np.linalg.norm(a) for a, b in zip(before, after)),
                    "This is the largest of three ratios. One ratio is asked for, over all entries together."),
            Mistake(lambda before, after: sum(np.linalg.norm(b - a) / np.linalg.norm(a) for a, b in zip(before, after)),
                    "Three ratios were added. One ratio is asked for, over all entries together."),
            Mistake(lambda before, after: np.sqrt(sum(((b - a) ** 2).mean() for a, b in zip(before, after))
                                                  / sum((a**2).mean() for a in before)),
                    "The mean of each array gives an entry of b_h more weight than one of W_hh. Add up the squares."),
            Mistake(lambda before, after: np.mean(np.abs(np.concatenate([((b - a) / a).ravel()
                                                                         for a, b in zip(before, after)]))),
                    "This is the mean of the ratios of single entries. Take the length of the whole, above and below."),
            Mistake(lambda before, after: sum(np.linalg.norm(b - a) for a, b in zip(before, after))
                    / sum(_norms(before)),
                    "Lengths of parts do not add up to the length of the whole; their squares do."),
            Mistake(lambda before, after: np.linalg.norm(after.W_hh - before.W_hh) / np.linalg.norm(_norms(before)),
                    "Above is W_hh alone, below all three arrays. All count, above and below."),
            Mistake(lambda before, after: np.linalg.norm(after.W_xh - before.W_xh) / np.linalg.norm(before.W_xh),
                    "This is W_xh alone. All three arrays count, as one long vector."),
            Mistake(lambda before, after: [np.linalg.norm(b - a) / np.linalg.norm(a) for a, b in zip(before, after)],
                    "These are three ratios, one for each array. One is asked for, over all entries together."),
            Mistake(lambda before, after: max(abs(b - a).max() for a, b in zip(before, after))
                    / max(abs(a).max() for a in before),
                    "These are the largest entries. A Euclidean length is the root of the sum of all squares."),
            Mistake(lambda before, after: sum(np.sum(b - a) for a, b in zip(before, after)) / sum(map(np.sum, before)),
                    "These are sums with signs, in which changes up and down cancel. Square, add, take the root."),
            Mistake(lambda before, after: np.linalg.norm(_norms([a + b for a, b in zip(before, after)]))
                    / np.linalg.norm(_norms(before)), "The change is after - before, not their sum."),
            Mistake(lambda before, after: 100 * _ratio_of_long_vectors(before, after), "This is in percent. The ratio "
                    "itself is asked for."),
            Mistake(lambda before, after: _ratio_of_long_vectors(before, after) / np.linalg.norm(_norms(before)),
                    "Below is the squared length: its root is missing."),
            Mistake(lambda before, after: _ratio_of_long_vectors(before, after) * np.linalg.norm(_norms(before))
                    / np.sqrt(sum(a.size for a in before)),
                    "You divided by the root of the number of entries. Divide by the length of the parameters before."),
            Mistake(lambda before, after: np.sqrt(sum(np.linalg.norm(b - a, 2)**2 for a, b in zip(before, after))
                                                  / sum(np.linalg.norm(a, 2)**2 for a in before)),
                    "np.linalg.norm(a, 2) of a matrix is its largest singular value. All entries count, squared and "
                    "added."),
            Mistake(lambda before, after: abs(sum(np.sum(b - a) for a, b in zip(before, after)))
                    / np.linalg.norm(_norms(before)),
                    "The changes were added with their signs, so that they cancel. Square them "
                    "first."),
        ],
        hints=["The three arrays together are one long vector. What is its squared length?",
               "Sum the squares over all arrays, above and below, then one square root.",
               "zip(before, after) gives the arrays in pairs."],
    ),
    Prediction("7.11", "A network whose gradient vanishes, trained for 200 updates: which signs does "
                       "its log show?",
               kind="choice", choices=("none at all", "an oscillating loss", "all of them")),
    Exercise(
        "7.12", "Read the logs", minutes=3, difficulty=2,
        solution=loud_runs, oracle=_loud_by_signs, choices=("A", "B", "C", "D"),
        also_correct=(["C", "B"], ("B", "C")),
        mistakes=mistaken_sets({"B", "C"}, {
            "A": "In A nothing is large and nothing jumps. It learns nothing, which is another trouble, and a quiet "
                 "one.",
            "B": "One is missing: upper row, is there a loss that keeps jumping up?",
            "C": "One is missing: lower row, is there a single update whose gradient stands out by orders of "
                 "magnitude?",
            "D": "D is what a healthy run looks like: the loss falls, and the gradient with it.",
        }),
        hints=["Lower row: which gradient is suddenly far above all before it? Upper row: which loss "
               "keeps jumping?",
               "There are two of them. One shows it in the loss, the other in the gradient of one update."],
    ),
])
