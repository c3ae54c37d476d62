"""The clinic's kind of exercise: name a patient's disease, then cure it."""

from __future__ import annotations

import textwrap
from dataclasses import KW_ONLY, dataclass
from typing import Any

from ...exercises import words
from ...exercises.bank import Exercise
from ...exercises.judge import Verdict, arity
from . import clinic


@dataclass(frozen=True, eq=False)
class Cure(Exercise):
    """A sick run: name its disease, then rewrite its sick part, which is judged by the run's health.

    The answer is the name (a text) or the function. Solution, also_correct and wrong are source texts: torch is
    imported only when a run is made.

    patient   number in the clinic, "03"
    confused  sentences for tempting names, by the number of the disease
    wrong     cures that run but do not heal
    """

    _: KW_ONLY
    patient: str
    solution: str
    also_correct: tuple[str, ...]
    confused: dict[str, str]
    wrong: tuple[str, ...]
    oracle: None = None
    mistakes: tuple = ()

    def source(self) -> str:
        """The solution's source, after the name of the disease."""
        return f"# {clinic.DISEASES[self.patient]}\n{textwrap.dedent(self.solution).strip()}\n"

    def judge(self, answer: Any) -> Verdict:
        """Judge a name or a function. What is wrong with it is in the verdict; nothing is raised or recorded."""
        return self._judge_name(answer) if isinstance(answer, (str, type(...))) else self._judge_part(answer)

    def _judge_name(self, answer: Any) -> Verdict:
        if answer is ...:
            names = ", ".join(f'"{name}"' for name in sorted(clinic.DISEASES.values()))
            return Verdict("open", f"Which disease is it? Put its name in place of the ...: {names}.")
        said = answer.strip().casefold()
        number = next((number for number, name in clinic.DISEASES.items() if said == name.casefold()), None)
        if number is None:
            return Verdict("not yet", f'{answer!r} is not one of the names. check("{self.id}", ...) lists them.')
        if number == self.patient:
            return Verdict("named", f"Yes: {clinic.DISEASES[number]}. Now cure it.")
        return Verdict("not yet", self.confused.get(number, f"The chart does not show that {clinic.DISEASES[number]}."))

    def _judge_part(self, answer: Any) -> Verdict:
        patient = clinic.PATIENTS[self.patient]
        if not callable(answer):
            return Verdict("not yet", f'Give the function itself: check("{self.id}", {patient.name}), or the name of '
                                      f"the disease as a text. What came is {words.kind(answer)}.")
        if patient.is_sick_part(answer):
            return Verdict("open", f"This is {patient.name} as it came in. Change it and run the cell again.")
        name = getattr(answer, "__name__", patient.name)
        if name != patient.name and name in [other.name for other in clinic.PATIENTS.values()]:
            return Verdict("not yet", f"This is {name}, and the sick part of patient {self.patient} is {patient.name}.")
        if complaint := arity(answer, patient.parameters):
            return Verdict("not yet", complaint)
        from . import health  # it imports torch

        try:
            chart = patient.run(answer)
            complaints = health.complaints(patient, chart, answer)
        except KeyboardInterrupt as interrupt:
            return Verdict("stopped", words.stop(interrupt))
        except (Exception, SystemExit) as error:
            return Verdict("not yet", words.stop(error))
        if complaints:
            return Verdict("not yet", complaints[0])
        return Verdict("passed", f"the run is healthy. Its last line: {chart.rows[-1]}.")


def edited(source: str, *edits: tuple[str, str]) -> str:
    """A source text with pieces of it replaced, one after the other.

    edits   (piece, what to put in its place)
    errors  ValueError for a piece that is not in the text, or is there more than once
    """
    for piece, replacement in edits:
        if (count := source.count(piece)) != 1:
            raise ValueError(f"{piece!r} occurs {count} times, and only a piece that occurs once can be replaced in:\n"
                             f"{source}")
        source = source.replace(piece, replacement)
    return source
