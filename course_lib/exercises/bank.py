"""What a prediction is, and the bank of a lesson.

A lesson's exercises.py holds BANK = Bank(1, title, items).
"""

import importlib
import itertools
import math
import numbers
import re
import sys
from dataclasses import KW_ONLY, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from . import words
from .judge import Exercise, Mistake

__all__ = ["Bank", "Exercise", "Mistake", "Prediction", "bank_of", "file_of", "mistaken_sets", "numbers_of_banks"]


@dataclass(frozen=True, eq=False)
class Prediction:
    """A question to answer before the measurement.

    id, question  "3.2", the question as the notebook puts it
    kind          "number"; "choice": one of the choices; "choices": those that hold; "order": all, in order
    choices       the texts to choose from
    unit          of the number, "steps"
    scale         "linear" or "log10": how far a number is from the measured one
    close         how near counts as right: a fraction of what is measured (linear, .1) or decades (log10, .5)
    digits        significant digits of the measured number to print, few enough for every processor to agree
    """

    id: str
    question: str
    _: KW_ONLY
    kind: str = "number"
    choices: tuple[str, ...] = ()
    unit: str = ""
    scale: str = "linear"
    close: float | None = None
    digits: int = 2

    def __post_init__(self) -> None:
        if self.kind not in ("number", "choice", "choices", "order") or self.scale not in ("linear", "log10"):
            raise ValueError(f"prediction {self.id}: kind {self.kind!r} or scale {self.scale!r} is unknown.")
        if (self.kind == "number") == bool(self.choices):
            raise ValueError(f"prediction {self.id}: choices go with every kind but 'number'.")

    def wanted(self) -> str:
        """What to put in place of the ellipsis."""
        among = ", ".join(f'"{choice}"' for choice in self.choices)
        return {"number": "a number" + (f" ({self.unit})" if self.unit else ""), "choice": f"one of {among}",
                "choices": f"a list of those that hold among {among}",
                "order": f"a list, in your order, of {among}"}[self.kind]

    def value(self, said: Any) -> float | str | list[str]:
        """What was said, as it is recorded; ValueError with what is wanted if it does not answer the question."""
        if self.kind == "number":
            shape = getattr(said, "shape", None)
            number = said.item() if isinstance(shape, tuple) and math.prod(shape) == 1 else said
            if isinstance(number, numbers.Real) and not isinstance(number, bool) and abs(number) <= sys.float_info.max:
                if self.scale == "log10" and number < 0:
                    raise ValueError(f"{words.short(said)} is below 0, and a size is asked for. 10 to the power -3 is "
                                     "1e-3.")
                return float(number) + 0  # no minus before a zero
        else:
            known = {words.folded(choice): choice for choice in self.choices}
            unordered = isinstance(said, (set, frozenset))
            several = said if unordered or isinstance(said, (list, tuple)) else [said]
            chosen = [known.get(words.folded(str(choice))) for choice in several]
            count = {"choice": 1, "choices": max(1, len(chosen)), "order": len(self.choices)}[self.kind]
            if unordered and None not in chosen:
                chosen.sort(key=self.choices.index)
            if None not in chosen and len(chosen) == len(set(chosen)) == count:
                if unordered and self.kind == "order":
                    raise ValueError(f"{words.short(said)} is a set, which has no order: square brackets make a list.")
                return chosen[0] if self.kind == "choice" else chosen
        alone = " Write the number alone, with a decimal point: no quotes, no unit."
        raise ValueError(f"{words.short(said)} is not {self.wanted()}." + alone * (
            self.kind == "number" and isinstance(said, (str, list))))

    def show(self, value: float | str | list[str], digits: int = 6) -> str:
        """A value of `value` in words."""
        if self.kind == "number":
            return f"{value:.{digits}g}" + (f" {self.unit}" if self.unit else "")
        return value if isinstance(value, str) else ", ".join(value)

    def remark(self, said: float | str | list[str], measured: float | str | list[str]) -> str:
        """How near a prediction came, in a sentence; both as `value` gives them."""
        if self.kind == "choices":
            missing = ", ".join(choice for choice in measured if choice not in said)
            surplus = ", ".join(choice for choice in said if choice not in measured)
            parts = [f"Missing: {missing}."] * bool(missing) + [f"Does not hold: {surplus}."] * bool(surplus)
            return " ".join(parts) or "Right, all of it."
        if said == measured:
            return "Right."
        if self.kind != "number":
            return "It turned out otherwise."
        close = self.close if self.close is not None else {"linear": .1, "log10": .5}[self.scale]
        if measured == 0 or said == 0:
            return "It is exactly zero." if measured == 0 else "It is not zero."
        if (said < 0) != (measured < 0):
            return "The sign is the other one."
        decades = float(np.log10(abs(said)) - np.log10(abs(measured)))
        if abs(said - measured) <= close * abs(measured) if self.scale == "linear" else abs(decades) <= close:
            return "Right: near enough."
        far = f"{abs(decades):.0f} orders of magnitude" if abs(decades) >= 1.5 else (
            f"a factor of {10 ** abs(decades):.2g}")
        return f"Too {'large' if decades > 0 else 'small'}{' in size' if measured < 0 else ''} by {far}."


@dataclass(frozen=True, eq=False)
class Bank:
    """The exercises and predictions of one lesson, in the order of its notebook.

    number, title  of the lesson
    items          Exercise and Prediction objects, ids "number.1" and on
    """

    number: int
    title: str
    items: list[Exercise | Prediction]

    def __post_init__(self) -> None:
        ids = [item.id for item in self.items]
        strange = [name for name in ids if not re.fullmatch(rf"{self.number}\.[1-9]\d*", name) or ids.count(name) > 1]
        if strange:
            raise ValueError(f"bank {self.number}: the ids {strange} are double or not like {self.number}.1.")
        for exercise in self.exercises:
            exercise.neighbors[:] = [other for other in self.exercises if other is not exercise]

    @property
    def exercises(self) -> list[Exercise]:
        """Those of the items that are checked."""
        return [item for item in self.items if isinstance(item, Exercise)]

    @property
    def predictions(self) -> list[Prediction]:
        """Those of the items that are revealed."""
        return [item for item in self.items if isinstance(item, Prediction)]


def mistaken_sets(right: set[str], said: dict[str, str]) -> list[Mistake]:
    """A mistake for every set of choices that is not the right one, made of what is said of each choice.

    said  {choice: sentence}: why a right one must not be missing, why a wrong one does not belong
    """
    chosen = (set(itertools.compress(said, bits)) for bits in itertools.product((True, False), repeat=len(said)))
    return [Mistake(some, " ".join(said[each] for each in said if each in some ^ right))
            for some in chosen if some and some != right]


# {7: "nb07_exploding"}: the lessons that have exercises, found by their names; none is imported before it is asked for.
_SHELF = {int(path.parent.name[2:4]): path.parent.name
          for path in (Path(__file__).parents[1] / "lessons").glob("nb[0-9][0-9]_*/exercises.py")}


def numbers_of_banks() -> list[int]:
    """The lessons that have exercises."""
    return sorted(_SHELF)


def file_of(number: int) -> str | None:
    """The file of a lesson's notebook, "07_exploding.ipynb"; None for a number that has no bank."""
    return f"{_SHELF[number][2:]}.ipynb" if number in _SHELF else None


def bank_of(number: int) -> Bank:
    """The bank of a lesson, imported when it is asked for."""
    return importlib.import_module(f"..lessons.{_SHELF[number]}.exercises", __package__).BANK
