"""The general sentences about wrong answers, said where they hold and nothing else does; and what is forbidden."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import math
from typing import NamedTuple

import numpy as np
import pytest

from course_lib import activations
from course_lib.exercises import forbidden, relations
from course_lib.exercises.bank import Bank, Exercise, Mistake

SHAPES = [(5, 3, 4), (7, 2, 4), (4, 6, 4)]


def explain(change, *, axis=0, shapes=SHAPES, seed=0, positive=False, names=()):
    """What is said of the truth, changed: one array a case, or a tuple of arrays where there are names."""
    rng = np.random.default_rng(seed)

    def draw(shape):
        return rng.uniform(.3, 2, shape) * (1 if positive else rng.choice([-1, 1], shape))

    needed = [tuple(draw(shape) for _ in names) if names else draw(shape) for shape in shapes]
    cases = [{"x": np.ones((len(need), 9)), "w": rng.uniform(1, 3), "T": 3 + i} for i, need in enumerate(needed)]
    results = [change(need, case) for need, case in zip(needed, cases)]
    return relations.explain(results, needed, cases, names, axis, "time step")


def only(change):
    return lambda need, case: change(need)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("change, says", [
    (only(lambda need: -need), "Every entry is -1 times what is needed. A minus too many, or too few?"),
    (only(lambda need: 3 * need), "Every entry is 3 times what is needed."),
    (only(lambda need: need * np.log(10)), "Every entry is 2.30259 times what is needed. The natural logarithm in "
                                           "place of log10?"),
    (only(lambda need: need + 1), "Every entry is 1 too large."),
    (only(lambda need: need - .5), "Every entry is 0.5 too small."),
    (only(np.square), "Every entry is the square of what is needed."),
    (only(np.abs), "Every entry is the size of what is needed, without its sign."),
    (only(lambda need: 1 / need), "Every entry is 1 divided by what is needed."),
    (only(lambda need: 1 - need), "Every entry is 1 minus what is needed."),
    (only(np.exp), "Every entry is e to the power of what is needed."),
    (only(np.round), "Every entry is what is needed, rounded to a whole number."),
    (lambda need, case: need / len(need), "Every entry is what is needed divided by x.shape[0]."),
    (lambda need, case: need * case["w"], "Every entry is w times what is needed."),
    (lambda need, case: need * case["T"]**.5, "Every entry is the root of T times what is needed."),
    (only(lambda need: need.sum(0)), "It is summed over the time steps."),
    (only(lambda need: need.sum(1, keepdims=True)), "It is summed over axis 1."),
    (only(lambda need: need.mean(1)), "It is averaged over axis 1."),
    (only(lambda need: need.sum(1, keepdims=True) + 0 * need), "Each is the sum over axis 1."),
    (only(lambda need: need.cumsum(0)), "Each is the running sum over the time steps."),
    (only(lambda need: need.sum()), "It is the sum of all that is needed."),
    (only(lambda need: need[1:]), "The first one along the time steps is missing."),
    (only(lambda need: need[:-1]), "The last one along the time steps is missing."),
    (only(lambda need: np.concatenate([need[:1] * 2, need])), "The first one along the time steps is too many."),
    (only(lambda need: np.concatenate([need, need[:1]])), "The last one along the time steps is too many."),
    (only(lambda need: need[-1]), "It is only the last one along the time steps."),
    (only(lambda need: need[:, 0]), "It is only the first one along axis 1."),
    (only(lambda need: need[::-1]), "It runs backwards along the time steps."),
    (only(lambda need: np.concatenate([need[1:], 0 * need[:1]])),
     "Each is what belongs one place later along the time steps."),
    (only(lambda need: np.roll(need, 1, 2)), "Each is what belongs one place earlier along axis 2."),
    (only(lambda need: np.concatenate([0 * need[:1], need[1:]])),
     "All is right but the first along the time steps. Is it left out?"),
    (only(lambda need: np.concatenate([need[:-1], need[-1:] + 1])),
     "All is right but the last along the time steps. Is it left out?"),
    (only(lambda need: need.swapaxes(1, 2)), "Axes 1 and 2 have changed places: it is transposed."),
    (only(lambda need: need.reshape(-1)), "The numbers are right, and only the shape is not."),
    (only(lambda need: np.stack([need, 2 * need]) / 3), "Its sum along axis 0 is what is needed."),
])
def test_a_relation_is_named(change, says, seed):
    assert explain(change, seed=seed) == [says]


@pytest.mark.parametrize("change, says", [
    (only(lambda need: 2 * need), "It is 2 times what is needed."),
    (only(np.sqrt), "It is the square root of what is needed."),
    (only(np.log), "It is the natural logarithm of what is needed."),
    (only(np.log10), "It is the log10 of what is needed."), (only(lambda need: need + 2), "It is 2 too large."),
    (lambda need, case: need / case["T"], "It is what is needed divided by T.")])
def test_single_numbers_have_relations_too(change, says):
    rng = np.random.default_rng(0)
    needed = list(rng.uniform(2, 9, 3))
    cases = [{"T": T} for T in (3, 5, 8)]
    assert relations.explain(list(map(change, needed, cases)), needed, cases, (), None, "time step") == [says]
    assert relations.explain([change(needed[0], cases[0])], needed[:1], cases[:1], (), None, "time step") == []


def test_parts_are_named_and_changed_places_are_told():
    shapes = [(3, 3), (4, 4)]
    assert explain(lambda need, case: need[::-1], shapes=shapes, names=("dw", "db")) == [
        "The values are right and have changed places: they come as db, dw, needed dw, db."]
    assert explain(lambda need, case: (need[1], need[2], need[0]), shapes=shapes, names=("a", "b", "c")) == [
        "The values are right and have changed places: they come as b, c, a, needed a, b, c."]
    assert explain(lambda need, case: (need[0], 2 * need[1], 2 * need[2]), shapes=shapes, names=("a", "b", "c")) == [
        "b, c: Every entry is 2 times what is needed."]
    assert explain(lambda need, case: (need[0].T, need[1]**2), shapes=shapes, names=("a", "b")) == [
        "a: Axes 0 and 1 have changed places: it is transposed.", "b: Every entry is the square of what is needed."]


@pytest.mark.parametrize("needed, results", [
    ([2.], [4.]),                                                            # twice, the square, or 2 too large
    ([2., 2.], [4., 4.]),
    ([np.full((3, 2), 5.)] * 2, [np.full((3, 2), 10.)] * 2),                 # twice, or the sum over a pair
    ([np.diag([1., 2., 3.])] * 2, [np.zeros((3, 3))] * 2),                   # nothing
    ([np.array([.2, -.3])], [np.zeros(2)]),                                  # rounded, or 0 times
    ([np.array([[1., 2.], [-2., 1.]])], [np.array([[1., -2.], [2., 1.]])]),  # transposed, and other things
    ([np.array([3., 5., 3.])], [np.array([4., 5., 4.])]),
])
def test_where_two_explanations_fit_none_is_given(needed, results):
    said = relations.explain(results, needed, [{} for _ in needed], (), 0, "time step")
    assert said == [] or said == ["Axes 0 and 1 have changed places: it is transposed."]


def test_what_holds_in_all_cases_but_one_is_not_said():
    def change(need, case):
        return need[::-1] if case["T"] < 5 else need[::-1] * 1.00001
    assert explain(change) == []


@pytest.mark.parametrize("seed", range(30))
def test_nothing_is_said_of_noise(seed):
    noise = np.random.default_rng(seed + 100)
    assert explain(lambda need, case: need * (1 + noise.normal(0, .1, need.shape)), seed=seed) == []
    assert explain(lambda need, case: noise.normal(size=need.shape[:-1]), seed=seed) == []


# Other arguments, neighbors, answers that stop -----------------------------------------------------------


class Weights(NamedTuple):
    W: np.ndarray
    b: np.ndarray


def walk(weights, x, h0, T):
    h = h0
    for t in range(T):
        h = weights.W @ h + weights.b * x[t % len(x)]
    return h


def walk_by_powers(weights, x, h0, T):
    powers = [np.linalg.matrix_power(weights.W, k) for k in range(T + 1)]
    return powers[T] @ h0 + sum(powers[T - 1 - t] @ weights.b * x[t % len(x)] for t in range(T))


def norm_of(weights, x, h0, T):
    return np.linalg.norm(walk(weights, x, h0, T))


def steps(w, T):
    return [w**t for t in range(T)][2] * w**T


WALK = Exercise("98.1", "Walk", minutes=1, difficulty=1, hints=["a", "b"], solution=walk, oracle=walk_by_powers,
                mistakes=[Mistake(lambda weights, x, h0, T: np.array([x[t] for t in range(T)])[:3], "x has an end.")],
                cases=lambda rng: [(Weights(rng.normal(size=(3, 3)), rng.normal(size=3)), rng.normal(size=n),
                                    rng.normal(size=3), T) for n, T in ((4, 3), (5, 4), (2, 6))])
BANK = Bank(98, "Walks", [WALK, Exercise(
    "98.2", "Its norm", minutes=1, difficulty=1, hints=["a", "b"], solution=norm_of, mistakes=[], cases=WALK.cases,
    oracle=lambda weights, x, h0, T: np.sqrt(np.sum(walk_by_powers(weights, x, h0, T)**2)))])


@pytest.mark.parametrize("answer, says", [
    (lambda weights, x, h0, T: walk(weights, x, h0, T - 1), "This would be right for T - 1."),
    (lambda weights, x, h0, T: walk(weights, x, 0 * h0, T), "This would be right if h0 were 0."),
    (lambda weights, x, h0, T: walk(weights._replace(W=weights.W.T), x, h0, T),
     "This would be right with weights.W transposed."),
    (lambda weights, x, h0, T: walk(weights._replace(b=0), x, h0, T), None),  # or x is 0
    (lambda weights, x, h0, T: walk(weights, x[::-1], h0, T), "This would be right with x in reverse order."),
    (norm_of, "This is the answer to exercise 98.2: Its norm."),
    (lambda weights, x, h0, T: walk(weights, x, h0, T) + .1 * h0, None),
])
def test_right_for_another_question(answer, says):
    verdict = WALK.judge(answer)
    assert verdict.word == "not yet"
    assert says in verdict.reason.split("\n") if says else len(verdict.reason.split("\n")) == 2, verdict.reason


def test_an_answer_that_stops_is_compared_with_mistakes_until_there():
    mistake = WALK.mistakes[0]

    def stops_as_the_mistake_does(weights, x, h0, T):
        return np.array([x[0], x[1], x[2]] if T < 6 else x[6])

    def stops_elsewhere(weights, x, h0, T):
        return walk(weights, x, h0, T) if T < 6 else x[6]

    verdict = WALK.judge(stops_as_the_mistake_does)
    assert verdict.mistake is mistake and "IndexError" in verdict.reason and mistake.sentence in verdict.reason
    assert WALK.judge(stops_elsewhere).mistake is None
    assert WALK.judge(lambda *arguments: [][1]).mistake is None
    right_until_then = dataclasses.replace(WALK, mistakes=[Mistake(stops_elsewhere, "It goes past the end of x.")])
    assert right_until_then.judge(lambda weights, x, h0, T: walk(weights, x if T < 6 else [], h0, T)).mistake is None
    assert right_until_then.judge(lambda *given: stops_elsewhere(*given)).mistake is not None


# What is forbidden ------------------------------------------------------------------------------------------

ALIAS, LIST = np.tanh, [[np.tanh]]


def with_default(a, function=np.tanh):
    return function(a)


def closed_over():
    function = np.tanh
    return lambda a: function(a)


def imported(a):
    from numpy import tanh as renamed
    return renamed(a)


def hushed(a):
    with contextlib.suppress(Exception):
        return np.tanh(a)
    return np.sinh(a) / np.cosh(a)


def by_torch(a):
    import torch

    return torch.tensor(a).tanh()


def safe(a):
    return -np.expm1(-2 * a) / (2 + np.expm1(-2 * a))


TANH = Exercise("97.1", "tanh", minutes=1, difficulty=1, hints=["a", "b"], solution=safe, mistakes=[],
                forbidden=("tanh",), oracle=lambda a: np.array([math.tanh(each) for each in a]),
                cases=lambda rng: [(rng.uniform(.1, 1, 3),)])


@pytest.mark.long(but_every=4)
@pytest.mark.parametrize("answer", [
    lambda a: np.tanh(a), lambda a: ALIAS(a), lambda a: LIST[0][0](a), lambda a: getattr(np, "ta" + "nh")(a), imported,
    with_default, closed_over(), functools.partial(np.tanh), np.tanh, lambda a: [math.tanh(each) for each in a], hushed,
    lambda a: list(map(math.tanh, a)), lambda a: activations.get("tanh").function(a), by_torch, np.vectorize(np.tanh)])
def test_what_is_forbidden_is_refused_by_whatever_name(answer):
    assert TANH.judge(answer).reason == "It uses tanh, under this name or another, and the text rules that out."
    assert np.tanh is ALIAS is LIST[0][0] and closed_over()(0.) == 0 == with_default(0.) == math.tanh(0)
    assert dataclasses.replace(TANH, forbidden=()).judge(answer).word == "passed"


def test_what_is_not_forbidden_passes():
    assert TANH.judge(safe).word == "passed"
    with forbidden.refusing(("svd",)) as used:
        np.linalg.norm(np.ones(3)), np.linalg.norm(np.ones((3, 3)))
        assert used == []
        with pytest.raises(forbidden.Forbidden):
            np.linalg.norm(np.ones((3, 3)), 2)
    assert used == ["svd"]
    torch = pytest.importorskip("torch")
    x = torch.ones(2, requires_grad=True)
    with forbidden.refusing(("backward", "grad")), pytest.raises(forbidden.Forbidden):
        x.sum().backward()
    x.sum().backward()
    assert x.grad.tolist() == [1, 1]


def test_the_attributes_of_a_class_are_not_written_behind_its_back():
    class Holder:
        function = np.tanh

    before = Holder.function
    with forbidden.refusing(("tanh",)):
        assert np.tanh is not before and Holder.function is vars(Holder)["function"] is before
    assert np.tanh is before


def again(a):
    return a[0] + again(a[1:]) if len(a) else 0.


@pytest.mark.parametrize("answer, loops", [
    (lambda a: -np.expm1(-2 * a) / (2 + np.expm1(-2 * a)), False), (lambda a: [math.exp(each) for each in a], True),
    (lambda a: sum(each for each in a), True), (by_torch, False), (walk, True), (np.exp, False),
    (lambda a: functools.reduce(max, a), True), (lambda a: sum(map(math.exp, a)), True), (again, True),
    (lambda a: walk(a), True), (lambda a: np.sum(np.exp(-np.arange(9)) * a), False)])
def test_loops(answer, loops):
    assert forbidden.loops(answer) == loops
    if loops:
        exercise = dataclasses.replace(TANH, forbidden=("loop",))
        assert exercise.judge(lambda a: answer(a)).word == "not yet"
        assert "without one" in dataclasses.replace(TANH, forbidden=("loop",)).judge(
            answer if answer is not walk else lambda a: [0 for _ in a]).reason
