"""What an exercise is; whether an answer to it is right, and if not, why.

An answer is called on the cases of its exercise and compared with the oracle, which computes the truth in another way
than the solution does.
"""

import contextlib
import copy
import functools
import inspect
import textwrap
import warnings
import zlib
from collections.abc import Callable
from dataclasses import KW_ONLY, dataclass, field
from typing import Any, NamedTuple

import numpy as np

from . import forbidden, relations, words
from .compare import SINGLE, Difference, difference, parts, plain, unfinished, untouched


class Mistake(NamedTuple):
    """A typical wrong answer that runs, and the sentence that explains it.

    wrong     a function like the solution, or the wrong value
    sentence  what the learner reads: what went wrong, and why it matters
    """

    wrong: Any
    sentence: str


class Verdict(NamedTuple):
    """What is said of an answer.

    word     "passed", "named" (a disease, not yet cured), "open" (not begun), "stopped" (interrupted) or "not yet"
    reason   sentences, one a line
    mistake  the typical mistake that was recognized, or None
    """

    word: str
    reason: str
    mistake: Mistake | None = None


@dataclass(frozen=True, eq=False)
class Exercise:
    """Something to write (a function) or to find out (a value), and what an answer is judged by.

    id, title     "3.1", a few words
    minutes       it takes
    difficulty    1 to 3
    hints         in order
    solution      the right function; without cases it takes nothing and gives the value
    oracle        the truth, computed in another way, called like the solution
    mistakes      typical wrong answers
    also_correct  right answers that are written differently
    cases         rng -> list of argument tuples, zeros in few of them; None if a value is asked for
    returns       names of the returned values, if there are several; a NamedTuple brings its own
    time_axis     of the returned array: each step is compared with its own largest entry; "each": each entry with
                  itself; None: all of it with its largest entry. A tuple has one for each returned value
    axis          what a step along time_axis is: "time step", "row", "update", "layer", "unit"
    rtol          relative tolerance
    float32       whether a result may have float32's rounding: False where precision is the lesson
    forbidden     names of functions that raise while an answer runs, "svd", in whatever library and by whatever name
                  they are called; "loop" for loops and comprehensions
    choices       the values to choose from, if the answer is one of them or a set of them
    neighbors     the other exercises of the bank, which sets them
    """

    id: str
    title: str
    _: KW_ONLY
    minutes: int
    difficulty: int
    hints: list[str]
    solution: Callable
    oracle: Callable
    mistakes: list[Mistake]
    also_correct: tuple = ()
    cases: Callable[[np.random.Generator], list[tuple]] | None = None
    returns: tuple[str, ...] = ()
    time_axis: int | str | None | tuple = None
    axis: str = "time step"
    rtol: float = 1e-9
    float32: bool = True
    forbidden: tuple[str, ...] = ()
    choices: tuple[str, ...] = ()
    neighbors: "list[Exercise]" = field(default_factory=list, init=False, repr=False)

    def source(self) -> str:
        """The solution's source."""
        return textwrap.dedent(inspect.getsource(self.solution)).strip() + "\n"

    def judge(self, answer: Any) -> Verdict:
        """Judge an answer. What is wrong with it is in the verdict; nothing is raised, printed or recorded."""
        if answer is ... or answer is None:
            return self._not_begun()
        return self._judge_value(answer) if self.cases is None else self._judge_function(answer)

    @functools.cached_property
    def drawn(self) -> list[tuple]:
        """The cases; the same ones for every answer."""
        return self.cases(np.random.default_rng(zlib.crc32(self.id.encode())))

    @functools.cached_property
    def needed(self) -> list[Any]:
        """What the oracle gives on each case."""
        return [self.oracle(*copy.deepcopy(case)) for case in self.drawn]

    @functools.cached_property
    def parameters(self) -> list[str]:
        """The names of the solution's arguments."""
        return list(inspect.signature(self.solution).parameters)

    def _not_begun(self) -> Verdict:
        what = "Put your answer" if self.cases is None else f"Write the body of {self.solution.__name__}"
        return Verdict("open", f"{what} in place of the ... and run the cell again.")

    def _difference(self, got: Any, need: Any, **other: Any) -> Difference | None:
        """`compare.difference` by the rules of this exercise, or by others where they are given."""
        rules = {"rtol": self.rtol, "float32": self.float32, **other}
        return difference(got, need, names=self.returns, time_axis=self.time_axis, axis=self.axis, **rules)

    def _judge_value(self, answer: Any) -> Verdict:
        answer, needed = plain(answer), self.oracle()
        if unfinished(answer):
            return self._not_begun()
        if self.choices:
            answer = answer.tolist() if isinstance(answer, np.ndarray) else answer
            several = isinstance(answer, (list, tuple, set, frozenset))
            given = list(answer)[:1000] if several else [answer] if isinstance(answer, str) else []
            known = {words.folded(choice) for choice in self.choices}
            strange = [choice for choice in given if words.folded(choice) not in known] or [answer] * (not given)
            if strange:
                offered = ", ".join(f'"{choice}"' for choice in self.choices)
                return Verdict("not yet", f"{words.chosen(strange[0])} is not among the choices: {offered}.")
        found = self._difference(answer, needed, name="Your answer")
        if found is None:
            return Verdict("passed", "it is right.")
        for mistake in self.mistakes:
            if self._difference(answer, plain(mistake.wrong)) is None:
                return Verdict("not yet", mistake.sentence, mistake)
        if not found.in_numbers:
            return Verdict("not yet", found.sentence)
        for other in self.neighbors:
            if other.cases is None and not other.choices and other._difference(answer, other.oracle()) is None:
                return Verdict("not yet", f"This is the answer to exercise {other.id}: {other.title}.")
        return Verdict("not yet", " ".join(words.how_far(part) for part in parts(
            answer, needed, self.returns, self.time_axis, "Your answer")) if not self.choices else
            words.how_many(answer, needed, self.hints[0]))

    def _judge_function(self, answer: Any) -> Verdict:
        name = self.solution.__name__
        if answer is self.oracle:
            return Verdict("not yet", "This is what answers are compared with. Write your own.")
        if not callable(answer):
            return Verdict("not yet", f'Give the function itself: check("{self.id}", {name}), without '
                                      f"parentheses after {name}. What came is {words.kind(answer)}.")
        if is_empty(answer):
            return self._not_begun()
        if complaint := arity(answer, self.parameters):
            return Verdict("not yet", complaint)
        if "loop" in self.forbidden and forbidden.loops(answer):
            return Verdict("not yet", "It has a loop or a comprehension, or something that goes round for it, "
                                      "and the text asks for an answer without one.")
        loaded = len(forbidden.libraries())
        with forbidden.refusing(self.forbidden) as used:
            outcomes, verdict = self._run(lambda *arguments: answer(*arguments))  # it may itself be forbidden
        if used:
            return Verdict("not yet", f"It uses {used[0]}, under this name or another, and the text rules that out.")
        if self.forbidden and len(forbidden.libraries()) > loaded:  # imported by the answer: now it is known
            return self._judge_function(answer)
        return verdict or self._judge_outcomes(outcomes)

    def _run(self, answer: Callable) -> tuple[list[tuple[Any, list[str]]], Verdict | None]:
        """An answer's result and changed arguments, case after case, and the verdict if one of them brings none."""
        outcomes: list[tuple[Any, list[str]]] = []
        for number, case in enumerate(self.drawn):
            try:
                result, changed = _called(answer, self.parameters, case)
            except NotImplementedError:
                return outcomes, self._not_begun()
            except BaseException as error:
                said = words.said(error)
                if isinstance(error, KeyboardInterrupt):
                    return outcomes, Verdict("stopped", f"{words.stop(error)}\n{self._where(number)}")
                if "ellipsis" in said:
                    return outcomes, Verdict("open", f"There is still a ... to replace{words.where(error)}.")
                if mistake := self._recognized(outcomes, f"{type(error).__name__}: {said}"):
                    return outcomes, Verdict("not yet", f"{words.stop(error)}\n{mistake.sentence}", mistake)
                return outcomes, Verdict("not yet", f"{words.stop(error)}\n{self._where(number)}")
            if result is None and outcomes:
                return outcomes, Verdict("not yet", "It returns a result before, and None here: a way through it ends "
                                                    f"without a return.\n{self._where(number)}")
            if result is None:
                return outcomes, Verdict("open", "It returns nothing yet. End it with return and the result.")
            if unfinished(result):
                return outcomes, Verdict("open", "What it returns still holds a ... to replace.")
            outcomes.append((result, changed))
        return outcomes, None

    def _judge_outcomes(self, outcomes: list[tuple[Any, list[str]]]) -> Verdict:
        differences = [self._difference(result, need) for (result, _), need in zip(outcomes, self.needed)]
        wrong = [i for i, (_, changed) in enumerate(outcomes) if changed or differences[i]]
        if not wrong:
            return Verdict("passed", self._praise([result for result, _ in outcomes]))
        if mistake := self._recognized(outcomes):
            return Verdict("not yet", mistake.sentence, mistake)
        first = wrong[0]
        if changed := outcomes[first][1]:
            return Verdict("not yet", f"It changes its input {' and '.join(changed)}, which the caller still needs: "
                                      f"work on a copy.\n{self._where(first)}")
        lines: list[str] = []
        with warnings.catch_warnings(), contextlib.suppress(Exception):  # a check never ends in an error of its own
            warnings.simplefilter("ignore")
            lines = self._explained([result for result, _ in outcomes])
        return Verdict("not yet", "\n".join([differences[first].sentence, *lines, self._where(first)]))

    def _praise(self, results: list[Any]) -> str:
        """How many cases an answer passed, and how near it had to be."""
        axes = {*self.time_axis} if isinstance(self.time_axis, tuple) else {self.time_axis}
        steps = "" if axes == {None} else " in each entry" if axes == {"each"} else f" in each {self.axis}"
        short = self.float32 and any(self._difference(result, need, float32=False)
                                     for result, need in zip(results, self.needed))
        rtol = SINGLE if short else self.rtol
        digits = int(np.floor(-np.log10(rtol) + 1e-6))
        near = f"to {digits} digits or more" if digits > 1 else f"within {100 * rtol:.2g} %"
        return (f"{'1 case' if len(results) == 1 else f'{len(results)} cases'}, agrees {near}{steps}"
                f"{', as far as float32 goes' * short}.")

    def _recognized(self, outcomes: list[tuple[Any, list[str]]], error: str = "") -> Mistake | None:
        """The typical mistake that gives the same, case after case, and stops where an answer stopped.

        error  that stopped the answer after these outcomes; one of them must be wrong, or the mistake stop by it too
        """
        for mistake in self.mistakes:
            same = all(self._alike(outcome, self._outcome(mistake, i)) for i, outcome in enumerate(outcomes))
            if same and (not error or self._outcome(mistake, len(outcomes)) == error or any(
                    changed or self._difference(mine, need) for (mine, changed), need in zip(outcomes, self.needed))):
                return mistake
        return None

    def _alike(self, outcome: tuple[Any, list[str]], wrong: tuple[Any, list[str]] | str) -> bool:
        return not isinstance(wrong, str) and outcome[1] == wrong[1] and self._difference(outcome[0], wrong[0]) is None

    def _explained(self, results: list[Any]) -> list[str]:
        """What wrong results have to do with the right ones, in general sentences, if that can be told."""
        cases = [dict(zip(self.parameters, case)) for case in self.drawn]
        if lines := relations.explain(results, self.needed, cases, self.returns, self.time_axis, self.axis):
            return lines

        def same(result: Any, need: Any, by: Exercise = self) -> bool:
            return by._difference(result, plain(need), rtol=1e-6, float32=True) is None

        for other in self.neighbors:
            try:
                if other._takes(self.drawn[0]) and all(same(result, other.solution(*copy.deepcopy(case)), other)
                                                       for result, case in zip(results, self.drawn)):
                    return [f"This is the answer to exercise {other.id}: {other.title}."]
            except Exception:  # these arguments are not meant for it
                continue
        sentence = any(map(relations.fractional, self.needed)) and self._takes(
            self.drawn[0]) and relations.other_question(results, self.drawn, self.solution, self.parameters, same)
        return [sentence] if sentence else []

    def _takes(self, case: tuple) -> bool:
        """Whether the solution may be called on the like of a case: of other arguments a while might never end."""
        return bool(self.cases) and "while " not in self.source() and [
            (type(value), np.ndim(value)) for value in case if not isinstance(value, (tuple, list))] == [
            (type(value), np.ndim(value)) for value in self.drawn[0] if not isinstance(value, (tuple, list))]

    def _where(self, number: int) -> str:
        case = ", ".join(f"{name} {words.argument(value)}" for name, value in zip(self.parameters, self.drawn[number]))
        return f"Case {number + 1} of {len(self.drawn)}: {case}."

    @functools.lru_cache(maxsize=None)
    def _outcome(self, mistake: Mistake, number: int) -> tuple[Any, list[str]] | str:
        """What a mistake gives in one case, or the error that stops it there."""
        try:
            return _called(mistake.wrong, self.parameters, self.drawn[number])
        except Exception as error:
            return f"{type(error).__name__}: {words.said(error)}"


def arity(answer: Callable, parameters: list[str]) -> str:
    """What is wrong with the number of arguments that an answer takes; "" if nothing is."""
    try:
        signature = inspect.signature(answer)
    except Exception:  # some functions in C don't tell, and from Python 3.14 on annotations may name what there is not
        return ""
    try:
        signature.bind(*parameters)
    except TypeError:
        count = "1 value" if len(parameters) == 1 else f"{len(parameters)} values"
        return f"It takes {signature}, but it is called with {count}: ({', '.join(parameters)})."
    return ""


def is_empty(function: Any) -> bool:
    """Whether its body is a docstring and an ellipsis, and nothing else."""
    def empty() -> None:
        ...

    code = getattr(function, "__code__", None)
    operations = slice(None, None, 2)  # every second byte is an argument
    return (code is not None and code.co_code[operations] == empty.__code__.co_code[operations]
            and set(code.co_consts) <= {None, function.__doc__})


def _called(function: Callable, parameters: list[str], case: tuple) -> tuple[Any, list[str]]:
    """What calling a function on one case gives, and the arguments that it changes."""
    arguments = copy.deepcopy(case)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        result = plain(function(*arguments))
    return result, [name for name, before, after in zip(parameters, case, arguments) if not untouched(before, after)]
