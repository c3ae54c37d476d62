"""The ledger: each claim with the rule of its trial, what was measured and its verdict, and how to measure it again.

Claim 13 is measured by `claim_13()` of a module measured/lessonNN. Its arguments are what may be another: `block`, if
chance plays a part, and the inputs of the experiment.
"""

from __future__ import annotations

import ast
import csv
import functools
import importlib
import inspect
import re
import textwrap
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

from ... import _checks, data
from ..._progress import progress_bar
from .rules import VERDICTS, attainable, verdict

BLOCKS = range(1, 9)  # of seeds, beside block 0, which the ledger shows
SLOW = (25, 26, 28, 29, 30, 31, 35, 36, 37, 40, 41, 43, 49, 51, 54, 62, 64, 65, 66, 67, 68, 72, 74, 75, 80, 81, 83)
"""Claims whose measurement takes long, above all because it trains networks."""
_ASSIGNMENT = re.compile(r"([A-Za-z_]\w*)=(\S+)")
_OTHERWISE = re.compile(r"(holds partly|holds|fails|all else) (with|never:) (.+)")


class Claim(NamedTuple):
    """A row of the ledger.

    number    1, 2, ...
    claim     what is said
    lesson    number of the notebook that settles it
    cell      id of the cell there that shows it
    rule      "holds if EXPR; fails if EXPR"
    otherwise {verdict: an experiment in which the rule says it}, for all verdicts but its own: a dict of the trial's
              inputs, or the theorem, in words, that forbids it
    measured  {name: number}, in 2 significant digits
    verdict   what the rule says of them
    sentence  what may be said instead
    """

    number: int
    claim: str
    lesson: int
    cell: str
    rule: str
    otherwise: dict[str, dict | str]
    measured: dict[str, float]
    verdict: str
    sentence: str

    @property
    def proved(self) -> bool:
        """Whether theorems forbid every other verdict: then the measurement is a check."""
        return bool(self.otherwise) and all(isinstance(each, str) for each in self.otherwise.values())

    @property
    def word(self) -> str:
        """The verdict, with "proved" beside it where it is."""
        return f"{self.verdict}, proved" if self.proved else self.verdict

    def __str__(self) -> str:
        said = textwrap.fill(f"What may be said: {self.sentence}", 88, break_on_hyphens=False)
        return f"Claim {self.number}: {self.word}.\n{said}"


def ledger(path: str | Path | None = None) -> tuple[Claim, ...]:
    """Return all trials in the order of their numbers.

    path    another file than data/claims.csv, of the same columns
    errors  ValueError with file and line for a faulty row, FileNotFoundError without the data folder
    """
    return _ledger(data.file("claims.csv") if path is None else Path(path))


@functools.cache
def _ledger(path: Path) -> tuple[Claim, ...]:
    if not path.exists():
        raise FileNotFoundError(f"{path.name} is not in {path.parent.name}/: run from a full copy of the course.")
    with path.open(encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file)
        if tuple(reader.fieldnames or ()) != Claim._fields:
            raise ValueError(f"{path.name} has the columns {', '.join(reader.fieldnames or ['none'])}; "
                             f"it needs {', '.join(Claim._fields)}.")
        claims = []
        for row in reader:
            try:
                claims.append(_claim(row, expected=len(claims) + 1))
            except ValueError as error:
                raise ValueError(f"{path.name}, line {reader.line_num}: {error}") from None
    return tuple(claims)


def _claim(row: Mapping[str, str], expected: int) -> Claim:
    """Read a row; ValueError says what is wrong with it."""
    if None in row or None in row.values():
        raise ValueError("it has too many or too few columns. A text that contains a comma needs quotes.")
    empty = [name for name, text in row.items() if not text.strip()]
    if empty:
        raise ValueError(f"{', '.join(empty)} is empty.")
    if row["number"] != str(expected):
        raise ValueError(f"the number is {row['number']!r}, needs to be {expected}: one row for each claim, in order.")
    if not re.fullmatch(r"[01]\d", row["lesson"]):
        raise ValueError(f"the lesson is {row['lesson']!r}, needs two digits such as '05'.")
    measured = {}
    for part in row["measured"].split("; "):
        found = _ASSIGNMENT.fullmatch(part)
        try:
            name, value = found[1], float(found[2])
        except (TypeError, ValueError):
            raise ValueError(f"measured has {part!r}, needs 'name=number; name=number'.") from None
        if found[2] != shown(value):
            raise ValueError(f"{part!r} is not in 2 significant digits: write {name}={shown(value)}.")
        measured[name] = value
    if row["verdict"] not in VERDICTS:
        raise ValueError(f"the verdict is {row['verdict']!r}, needs one of {', '.join(VERDICTS)}.")
    follows = verdict(row["rule"], measured)
    if follows != row["verdict"]:
        raise ValueError(f"the verdict is {row['verdict']!r}, but the rule says {follows!r} of {row['measured']}.")
    return Claim(expected, row["claim"], int(row["lesson"]), row["cell"], row["rule"],
                 _otherwise(row["otherwise"], attainable(row["rule"]) - {follows}), measured, follows, row["sentence"])


def _otherwise(text: str, words: set[str]) -> dict[str, dict | str]:
    """Read "fails with gain=2.; holds partly never: the chain rule"; "all else never: ..." is for all of these words."""
    found = {}
    for part in text.split("; "):
        parts = _OTHERWISE.fullmatch(part)
        if parts is None:
            raise ValueError(f"otherwise has {part!r}, needs 'fails with gain=2.' or 'fails never: the reason'.")
        word, how, rest = parts.groups()
        try:
            each = rest if how == "never:" else {
                pair.arg: ast.literal_eval(pair.value) for pair in ast.parse(f"inputs({rest})", mode="eval").body.keywords}
        except (SyntaxError, ValueError):
            raise ValueError(f"otherwise has {part!r}: inputs are written as in a call, gain=2., kind='linear'.") from None
        found |= dict.fromkeys(sorted(words) if word == "all else" else [word], each)
    if set(found) != words:
        raise ValueError(f"otherwise speaks of {', '.join(sorted(found))}; it needs {', '.join(sorted(words))}: the words "
                         f"that the rule can say beside its verdict.")
    return found


def shown(value: float) -> str:
    """Return a measured value as the ledger shows it: in 2 significant digits."""
    return f"{value:.2g}"


def get(number: int) -> Claim:
    """Return one row of the ledger.

    errors  ValueError for a number that no claim has, TypeError for one that is not whole
    """
    trials = ledger()
    if _checks.count("number", number) > len(trials):
        raise ValueError(f"number is {number}, but the claims go from 1 to {len(trials)}.")
    return trials[number - 1]


def measure(number: int, **inputs) -> dict[str, float]:
    """Measure what a claim's rule asks for, now.

    number   of the claim
    inputs   what shall be another than in the ledger: block=3 for another block of seeds, and the experiment's own,
             such as gain=2.
    returns  {name: number}, not rounded; seeds are fixed
    errors   ValueError for a number that no claim has and for inputs that its trial does not have, TypeError for a
             number that is not whole
    """
    get(number)
    known = inspect.signature(measurement(number)).parameters
    strange = [name for name in inputs if name not in known]
    if strange:
        raise ValueError(f"the trial of claim {number} has no input {strange[0]!r}; it has {', '.join(known) or 'none'}.")
    return {name: float(value) for name, value in measurement(number)(**inputs).items()}


def quick() -> list[int]:
    """Return the numbers of the claims that are measured in a moment: all but SLOW."""
    return [claim.number for claim in ledger() if claim.number not in SLOW]


def in_blocks(number: int, blocks: Iterable[int] = BLOCKS) -> list[dict[str, float]]:
    """Measure a claim once for each block of seeds; once in all if its trial draws nothing."""
    if "block" not in inspect.signature(measurement(number)).parameters:
        return [measure(number)]
    return [measure(number, block=block) for block in blocks]


@functools.cache
def measurement(number: int) -> Callable[[], dict[str, float]]:
    """Return the function claim_NN that measures a claim.

    errors  ValueError if no module defines it
    """
    # found by its text, so that no other module is imported
    for path in sorted((Path(__file__).parent / "measured").glob("lesson*.py")):
        if re.search(rf"^def claim_{number:02}\(", path.read_text(encoding="utf-8"), re.MULTILINE):
            return getattr(importlib.import_module(f"{__package__}.measured.{path.stem}"), f"claim_{number:02}")
    raise ValueError(f"no module lessonNN of measured/ defines claim_{number:02}.")


class Retrial(NamedTuple):
    """Claims measured again; prints how many verdicts come out as before.

    values    {number: {name: number}}
    verdicts  {number: verdict}
    """

    values: dict[int, dict[str, float]]
    verdicts: dict[int, str]

    def changed(self) -> list[int]:
        """The claims whose verdict is not that of the ledger."""
        return [number for number, found in self.verdicts.items() if found != get(number).verdict]

    def __str__(self) -> str:
        changed = self.changed()
        lines = [f"{len(self.verdicts) - len(changed)} of {len(self.verdicts)} verdicts follow again."]
        return "\n".join(lines + [f"claim {number}: {get(number).verdict} before, {self.verdicts[number]} now"
                                  for number in changed])

    __repr__ = __str__


def again(numbers: Iterable[int] | None = None, progress: bool = True) -> Retrial:
    """Measure claims again and give each its verdict by its rule.

    numbers   which; None: all
    progress  show a bar
    returns   Retrial
    """
    numbers = [claim.number for claim in ledger()] if numbers is None else list(numbers)
    values = {}
    with progress_bar(len(numbers), progress, "claim") as bar:
        for number in numbers:
            values[number] = measure(number)
            bar.update()
    return Retrial(values, {number: verdict(get(number).rule, found) for number, found in values.items()})
