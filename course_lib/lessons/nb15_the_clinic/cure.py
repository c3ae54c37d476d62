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

    The answer is the name (a text), or the function; for a script that may be changed anywhere it is a list of pieces
    to replace, or the text of the whole script. Solution, also_correct and wrong are source texts: torch is
    imported only when a run is made.

    patient   number in the clinic, "03"
    confused  sentences for tempting names, by the number of the disease or by the name that fits nobody
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

    def names(self) -> list[str]:
        """Eight names to choose from: the right one, those it is confused with, and others."""
        own, every = clinic.DISEASES[self.patient], list(dict.fromkeys(clinic.DISEASES.values()))
        near = [clinic.DISEASES.get(key, key) for key in self.confused]
        start = every.index(own)
        decoy = clinic.DECOYS[start % len(clinic.DECOYS)]
        return sorted(list(dict.fromkeys([own, *near, decoy, *every[start + 5:], *every[:start]]))[:8])

    def judge(self, answer: Any) -> Verdict:
        """Judge a name, a function, or changes. What is wrong with it is in the verdict; nothing is raised."""
        if answer is ... or isinstance(answer, str) and "\n" not in answer:
            return self._judge_name(answer)
        return self._judge_change(answer)

    def _judge_name(self, answer: Any) -> Verdict:
        if answer is ...:
            names = ", ".join(f'"{name}"' for name in self.names())
            return Verdict("open", f"What is it? Put its name in place of the ...: {names}.")
        said = answer.strip().casefold()
        if said == clinic.DISEASES[self.patient].casefold():
            return Verdict("named", f"Yes: {clinic.DISEASES[self.patient]}. Now cure it.")
        key = next((number for number, name in clinic.DISEASES.items() if said == name.casefold()), said)
        if key not in SIGNS:
            return Verdict("not yet", f'{words.short(answer)} is not one of the names. '
                                      f'check("{self.id}", ...) lists some.')
        return Verdict("not yet", self.confused.get(key) or f"No: {SIGNS[key]}")

    def _judge_change(self, answer: Any) -> Verdict:
        patient = clinic.PATIENTS[self.patient]
        if complaint := self._misfit(patient, answer):
            return complaint
        from . import health  # it imports torch

        try:
            found = health.complaints(patient, answer)
        except KeyboardInterrupt as interrupt:
            return Verdict("stopped", words.stop(interrupt))
        except (Exception, SystemExit) as error:
            return Verdict("not yet", words.stop(error))
        prices = [each for each in found if isinstance(each, health.Price)]
        if len(found) > len(prices):
            return Verdict("not yet", next(each for each in found if each not in prices))
        return Verdict("passed", " ".join(["the run is healthy.", *prices]))

    def _misfit(self, patient: clinic.Patient, answer: Any) -> Verdict | None:
        """What keeps an answer from being tried at all; None if nothing does."""
        fits = isinstance(answer, (list, tuple, str)) if patient.whole else callable(answer)
        if not fits:
            return Verdict("not yet", f'Give {"the list of changes" if patient.whole else "the function itself"}: '
                                      f'check("{self.id}", {patient.name}), or the name of the disease as a text. '
                                      f"What came is {words.kind(answer)}.")
        if patient.is_sick_part(answer):
            what = "the list" if patient.whole else patient.name
            return Verdict("open", f"This is {what} as it came in. Change it and run the cell again.")
        if patient.whole:
            pairs = isinstance(answer, str) or all(
                isinstance(pair, (list, tuple)) and len(pair) == 2 and all(isinstance(one, str) for one in pair)
                for pair in answer)
            return None if pairs else Verdict("not yet", "Each change is a pair of texts: (a piece of the script, what "
                                                         "to put in its place).")
        name = getattr(answer, "__name__", patient.name)
        if name != patient.name and name in [other.name for other in clinic.PATIENTS.values()]:
            return Verdict("not yet", f"This is {name}, and the sick part of patient {self.patient} is {patient.name}.")
        complaint = arity(answer, patient.parameters)
        return Verdict("not yet", complaint) if complaint else None


SIGNS = {
    "01": "a rate that is too large makes loss and norm grow from one update to the next, from the start.",
    "02": "an exp that overflows makes the loss NaN at once, and only where some number is beyond 88.",
    "03": "infinity times a mask is NaN in the loss; nothing infinite is masked here.",
    "04": "a log of 0 makes the loss infinite, and this loss is not, or it comes from elsewhere.",
    "05": "an infinite slope leaves the loss finite and makes the gradient NaN, from the first update on.",
    "06": "clipping spreads a NaN that is there already. Where would the first one come from?",
    "07": "a state with its graph ends in an error, in the second update.",
    "08": "everything here is float32, which reaches 3e38.",
    "09": "a norm that underflows is printed as 0.",
    "10": "weights that make states explode do so from update 0 on, in each batch.",
    "11": "a gradient that vanishes leaves loss and norm finite. Ask which step of the input has the answer, and what "
          "gradient gets there: flow.verdict().",
    "12": "count the steps that the network reads: they are those of the sequences.",
    "13": "one throw shows as one norm far above all others, and a loss that is never the same again.",
    "14": "saturated units come from large inputs. How large are these?",
    "15": "a softmax too many leaves the answers right, and a floor under the loss.",
    "16": "look at the shapes of prediction and target: they are the same.",
    "17": "the gradients are cleared in each update: look for zero_grad.",
    "18": "no state is carried over to a batch that does not go on where the last one ended.",
    "19": "no sequence here is padded behind, or the padding is not read.",
    "20": "something else can be named here. Once it is mended, the updates that the script has are enough.",
    "21": "something else can be named here. Once it is mended, the updates that the script has are enough.",
    "22": "the target belongs to the step that it is compared with.",
    "23": "there is no CTC loss in this code.",
    "24": "there is no scaler in this code.",
    "the network has too few units": "a network that is too small learns the easy half. It does not break, and it does "
                                     "not stand still.",
    "all weights start equal": "the weights are drawn at random, and no two units start alike.",
    "the optimizer does not hold all parameters": "net has all of the parameters, and the optimizer has net.parameters().",
    "the batches are too small": "small batches make a loss noisy. Noise averages out over the updates.",
}  # what each name would look like; for the few that mislead in a patient, the exercise says more in `confused`
