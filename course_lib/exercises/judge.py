"""What an exercise is; whether an answer to it is right, and if not, why.

An answer is called on the cases of its exercise and compared with the oracle, which computes the truth in another way
than the solution does.
"""

import copy
import functools
import inspect
import textwrap
import warnings
import zlib
from collections.abc import Callable
from dataclasses import KW_ONLY, dataclass
from typing import Any, NamedTuple

import numpy as np

from . import words
from .compare import Difference, difference, plain, unfinished, untouched


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
    rtol          relative tolerance
    choices       the values to choose from, if the answer is one of them or a set of them
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
    rtol: float = 1e-9
    choices: tuple[str, ...] = ()

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

    def _difference(self, got: Any, need: Any, name: str = "The result") -> Difference | None:
        return difference(got, need, names=self.returns, time_axis=self.time_axis, rtol=self.rtol, name=name)

    def _judge_value(self, answer: Any) -> Verdict:
        answer, needed = plain(answer), self.oracle()
        if unfinished(answer):
            return self._not_begun()
        if self.choices:
            several = isinstance(answer, (list, tuple, set, frozenset))
            given = answer if several else [answer] if isinstance(answer, str) else []
            strange = [choice for choice in given if str(choice) not in self.choices] or [answer] * (not given)
            if strange:
                offered = ", ".join(f'"{choice}"' for choice in self.choices)
                return Verdict("not yet", f"{words.chosen(strange[0])} is not among the choices: {offered}.")
        found = self._difference(answer, needed, "Your answer")
        if found is None:
            return Verdict("passed", "it is right.")
        for mistake in self.mistakes:
            if self._difference(answer, plain(mistake.wrong)) is None:
                return Verdict("not yet", mistake.sentence, mistake)
        return Verdict("not yet", f"{found.name} is not right." if found.in_numbers else found.sentence)

    def _judge_function(self, answer: Any) -> Verdict:
        name = self.solution.__name__
        if answer is self.oracle:
            return Verdict("not yet", "This is what answers are compared with. Write your own.")
        if not callable(answer):
            return Verdict("not yet", f'Give the function itself: check("{self.id}", {name}), without '
                                      f"parentheses after {name}. What came is {words.kind(answer)}.")
        if _is_empty(answer):
            return self._not_begun()
        if complaint := arity(answer, self.parameters):
            return Verdict("not yet", complaint)
        outcomes = []
        for number, case in enumerate(self.drawn):
            try:
                result, changed = _called(answer, self.parameters, case)
            except NotImplementedError:
                return self._not_begun()
            except (Exception, SystemExit, KeyboardInterrupt) as error:
                interrupted = isinstance(error, KeyboardInterrupt)
                if "ellipsis" in str(error) and not interrupted:
                    return Verdict("open", f"There is still a ... to replace{words.where(error)}.")
                return Verdict("stopped" if interrupted else "not yet", f"{words.stop(error)}\n{self._where(number)}")
            if result is None:
                return Verdict("open", "It returns nothing yet. Replace the ... and return the result.")
            if unfinished(result):
                return Verdict("open", "What it returns still holds a ... to replace.")
            outcomes.append((result, changed))
        return self._judge_outcomes(outcomes)

    def _judge_outcomes(self, outcomes: list[tuple[Any, list[str]]]) -> Verdict:
        differences = [self._difference(result, need) for (result, _), need in zip(outcomes, self.needed)]
        wrong = [i for i, (_, changed) in enumerate(outcomes) if changed or differences[i]]
        if not wrong:
            count = "1 case" if len(outcomes) == 1 else f"{len(outcomes)} cases"
            axes = {*self.time_axis} if isinstance(self.time_axis, tuple) else {self.time_axis}
            steps = "" if axes == {None} else " in each entry" if axes == {"each"} else " in each time step"
            digits = int(np.floor(-np.log10(self.rtol) + 1e-6))
            near = f"to {digits} digits or more" if digits > 1 else f"within {100 * self.rtol:.2g} %"
            return Verdict("passed", f"{count}, agrees {near}{steps}.")
        for mistake in self.mistakes:
            made = self._outcomes(mistake)
            if len(made) == len(outcomes) and all(
                    changed == spoiled and self._difference(mine, theirs) is None
                    for (mine, changed), (theirs, spoiled) in zip(outcomes, made)):
                return Verdict("not yet", mistake.sentence, mistake)
        first = wrong[0]
        if changed := outcomes[first][1]:
            return Verdict("not yet", f"It changes its input {' and '.join(changed)}, which the caller still needs: "
                                      f"work on a copy.\n{self._where(first)}")
        return Verdict("not yet", f"{differences[first].sentence}\n{self._where(first)}")

    def _where(self, number: int) -> str:
        case = ", ".join(f"{name} {words.argument(value)}" for name, value in zip(self.parameters, self.drawn[number]))
        return f"Case {number + 1} of {len(self.drawn)}: {case}."

    @functools.lru_cache(maxsize=None)
    def _outcomes(self, mistake: Mistake) -> list[tuple[Any, list[str]]]:
        try:
            return [_called(mistake.wrong, self.parameters, case) for case in self.drawn]
        except Exception:  # a mistake that raises leaves no numbers to recognize it by
            return []


def arity(answer: Callable, parameters: list[str]) -> str:
    """What is wrong with the number of arguments that an answer takes; "" if nothing is."""
    try:
        signature = inspect.signature(answer)
    except (TypeError, ValueError):  # some functions in C don't tell
        return ""
    try:
        signature.bind(*parameters)
    except TypeError:
        count = "1 value" if len(parameters) == 1 else f"{len(parameters)} values"
        return f"It takes {signature}, but it is called with {count}: ({', '.join(parameters)})."
    return ""


def _is_empty(function: Any) -> bool:
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
