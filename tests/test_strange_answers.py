"""Answers that raise when they are looked at, are endless or huge: each gets a sentence, with a bit of itself."""
import itertools

import numpy as np
import pytest

from course_lib import exercises
from course_lib.exercises.bank import bank_of

IDS = {"a number": "1.8", "a set of choices": "5.9", "a function of arrays": "1.4", "a function of several": "1.2",
       "a patient": "15.1"}
PREDICTIONS = {"number": "0.2", "choice": "0.1", "choices": "2.1", "order": "1.7"}


class Repr:
    def __repr__(self):
        raise RuntimeError("no")

    __str__ = __repr__


class NoAttribute:
    def __getattribute__(self, name):
        raise RuntimeError(name)


class Array:
    def __array__(self, *given, **named):
        raise RuntimeError("x")


class NoEnd:
    def __iter__(self):
        raise RuntimeError("x")

    def __len__(self):
        return 10**18

    def __getitem__(self, place):
        return 1.0


class Equal:
    __hash__ = object.__hash__

    def __eq__(self, other):
        raise KeyError(Repr())


class Float(float):
    def __float__(self):
        raise RuntimeError("f" * 10**6)


class Text(str):
    def split(self, *given):
        raise RuntimeError("s")

    def __repr__(self):
        return "y" * 10**6


class OfItsOwn(BaseException):
    pass


class Exits:
    def __repr__(self):
        raise OfItsOwn("no")

    __str__ = __repr__


class Copy(np.ndarray):
    def copy(self, *given):
        raise RuntimeError("copy")


def in_itself():
    inside = []
    inside.append(inside)
    return inside


def deep():
    inside = []
    for _ in range(10**4):
        inside = [inside]
    return inside


def objects():
    array = np.empty(3, object)
    array[:] = [Repr()] * 3
    return array


STRANGE = {
    "repr raises": Repr, "an exception of its own": Exits, "no attribute": NoAttribute, "no array": Array,
    "no end": NoEnd, "== raises": Equal, "float raises": lambda: Float(1), "a text of its own": lambda: Text("abc"),
    "copy raises": lambda: np.ones(3).view(Copy), "counting": itertools.count, "generator": lambda: (x for x in [1]),
    "a long list": lambda: [0.5] * (10**5 + 1), "a long text": lambda: "z" * 10**6,
    "long texts": lambda: ["w" * 10**6] * 3,
    "a list in itself": in_itself, "a deep list": deep, "a dict of strange keys": lambda: {Repr(): 1, (1, 2): Repr()},
    "a list of strange": lambda: [Repr()], "an array of strange": objects, "a range": lambda: range(10**12),
    "a view of 80 GB": lambda: np.broadcast_to(1.0, (10**5, 10**5)), "5000 digits": lambda: 10**5000,
    "a module": lambda: np, "a set": lambda: {Repr()}, "a long name": lambda: type("N" * 10**5, (), {})(),
    "structured": lambda: np.zeros(3, [("a", "f8")]),
}


def said(capsys, call, *given):
    call(*given)
    return capsys.readouterr().out


@pytest.fixture(autouse=True)
def nobody(monkeypatch, tmp_path):
    monkeypatch.setenv("COURSE_PROGRESS", str(tmp_path / "progress.jsonl"))
    exercises._store_at.cache_clear()
    yield
    exercises._store_at.cache_clear()


@pytest.mark.parametrize("name", STRANGE)
def test_a_strange_answer_gets_a_sentence(name, capsys):
    for id in IDS.values():
        plain = said(capsys, exercises.check, id, object())
        for given in (STRANGE[name](), [STRANGE[name]()]):
            told = said(capsys, exercises.check, id, given)
            assert told.startswith(f"{id} ") and "passed" not in told and len(told) <= len(plain) + 300, told[:600]


@pytest.mark.parametrize("name", STRANGE)
def test_a_strange_result_gets_a_sentence(name, capsys):
    for id in (IDS["a function of arrays"], IDS["a function of several"]):
        names = ", ".join(next(each for each in bank_of(1).exercises if each.id == id).parameters)
        for given in (STRANGE[name](), [STRANGE[name](), STRANGE[name]()]):
            told = said(capsys, exercises.check, id, eval(f"lambda {names}: given", {"given": given}))
            assert told.startswith(f"{id} ") and "passed" not in told and len(told) <= 700, told[:900]


@pytest.mark.parametrize("name", STRANGE)
def test_a_strange_prediction_gets_a_sentence(name, capsys):
    for id in PREDICTIONS.values():
        plain = said(capsys, exercises.predict, id, object())
        for given in (STRANGE[name](), [STRANGE[name]()]):
            told = said(capsys, exercises.predict, id, given)
            assert told.startswith(f"{id} not") and len(told) <= len(plain) + 300, told[:600]


class Silent(Exception):
    def __str__(self):
        raise RuntimeError


@pytest.mark.parametrize("error", [
    Silent(), OfItsOwn("x"), GeneratorExit(), ValueError("m" * 10**6), ValueError("m " * 10**6), KeyError(Repr()),
    StopIteration(), type("E" * 1000, (Exception,), {})("x"), ExceptionGroup("g" * 1000, [ValueError("x" * 1000)])],
    ids=lambda error: type(error).__name__[:20])
def test_a_strange_error_gets_a_sentence(error, capsys):
    def stops(*given):
        raise error

    told = said(capsys, exercises.check, IDS["a function of arrays"], stops)
    assert "It stopped with " in told and len(told) <= 700, told[:900]


def test_an_error_of_our_own_is_raised(monkeypatch):
    exercise = bank_of(1).exercises[0]
    monkeypatch.setattr(type(exercise), "judge", lambda self, answer: {}["ours"])
    monkeypatch.setattr(exercises.words, "where", lambda error: "")  # this file counts as a learner's
    with pytest.raises(KeyError, match="ours"):
        exercises.check(exercise.id, 1)


def test_a_strange_id_is_cut():
    with pytest.raises(TypeError, match="write it as a string") as error:
        exercises.check("x".join("y" * 10**5).split("x"), 1)
    assert len(str(error.value)) < 500
