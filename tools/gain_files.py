"""Read the files that inventory.export wrote: sheets by code word, and a sentence for what can't be right."""
from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from course_lib.lessons.nb00_start_here import inventory

NAME = "gradients-through-time"
UNKNOWN = "unknown"  # the id of "I don't know"


class BadFile(Exception):
    """What is wrong with a file, what it needs, and what to do about it, in a sentence."""


class Answers(NamedTuple):
    """Sheets by time and code word, {"before": {code: {question: option}}, "after": ...}; what was left out, and why;
    what else is to be told."""

    sheets: dict[str, dict[str, dict[str, str]]]
    left_out: list[str]
    notes: list[str]


def files(names: Sequence[str]) -> list[Path]:
    """Return the files that are named, those of a folder in its place."""
    if not names:
        raise BadFile('FILES is empty, needs files or folders: make gain FILES="answers/". Students make theirs with '
                      'inventory.export("their code word"), in lesson 17 or 15.')
    found = []
    for name in names:
        path = Path(name)
        inside = sorted(path.glob("inventory-*.json")) if path.is_dir() else [path]
        if not path.exists():
            raise BadFile(f"{name} is not there. A name with spaces needs quotes of its own; a folder is named as one.")
        if not inside:
            raise BadFile(f"the folder {name} has no file inventory-*.json. If they were renamed, name each.")
        found += inside
    return list(dict.fromkeys(path.resolve() for path in found))


def sheets_of(path: Path) -> tuple[str, list[dict]]:
    """Return a file's code word and its sheets, or say what is wrong with it."""
    export = "Ask for a new file: inventory.export writes it."
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, OSError, RecursionError) as error:
        raise BadFile(f"{path.name} can't be read as JSON ({error}): cut short, or saved by another program. {export}"
                      ) from None
    if not isinstance(content, dict) or content.get("inventory") != NAME:
        raise BadFile(f"{path.name} is JSON of something else, needs to be a file of this inventory. {export}")
    code, sheets = content.get("code"), content.get("sheets")
    if not isinstance(code, str) or not isinstance(sheets, list) or not all(
            isinstance(sheet, dict) and sheet.get("when") in ("before", "after")
            and isinstance(sheet.get("answers"), dict) for sheet in sheets):
        raise BadFile(f"{path.name} lacks a code word, or a sheet in it lacks its time (before, after) or its answers: "
                      f"it was changed by hand. {export}")
    known = inventory.questions()
    options = {asked["id"]: {option["id"] for option in asked["options"]} for asked in known["questions"]}
    for sheet in sheets:
        if sheet.get("version") != known["version"]:
            raise BadFile(f"{path.name} answers version {sheet.get('version')!r} of the questions, this copy of the "
                          f"course has version {known['version']}: answers to other questions don't compare. Take "
                          "the copy of the course that the class used, and only files of one version together.")
        for name, option in sheet["answers"].items():
            if name not in options or not isinstance(option, str) or option not in options[name]:
                raise BadFile(f"{path.name} answers {name!r} with {option!r}, which version {known['version']} of the "
                              "questions does not have: the file was changed by hand, or the questions were, without a "
                              f"new version. {export}")
    return inventory.one_form(code), sheets


def read(paths: Iterable[Path]) -> Answers:
    """Return the sheets of all files but those that can't be right, and of all code words but those of two people.

    errors   BadFile if nothing is left
    """
    found, where, days, notes, left_out, twice = {"before": {}, "after": {}}, {}, {}, [], [], {}
    asked = len(inventory.questions()["questions"])
    for path in paths:
        try:
            code, sheets = sheets_of(path)
        except BadFile as error:
            left_out.append(f"Left out: {error}")
            continue
        for sheet in sheets:
            when, answers = sheet["when"], sheet["answers"]
            other = found[when].setdefault(code, answers)
            first = where.setdefault((when, code), path.name)
            if other is answers:
                days[when, code] = str(sheet.get("day", ""))
                if len(answers) < asked:
                    notes.append((code, f"{when}: {asked - len(answers)} of {asked} questions have no answer and "
                                        "count as not right."))
            elif other == answers:
                notes.append((code, f"{when}: the same sheet is in {first} and in {path.name}; it counts once."))
            else:
                twice[code] = (f"Left out: all sheets of the code word {code!r}. Two of them, {when} the course, in "
                               f"{first} and in {path.name}, differ. If two people chose the same word, change "
                               '"code" in the file of one of them; if one person answered twice, take the second '
                               "sheet out: the first look at the questions counts.")
    for code, each in ((code, each) for code in twice for each in found.values()):
        each.pop(code, None)
    told = [f"{code}, {note}" for code, note in notes if code not in twice]
    told += [f"{code}: the sheet before, of {days['before', code]}, is later than the sheet after, of "
             f"{days['after', code]}: what is right had been shown by then." for code in found["before"]
             if days["before", code] > days.get(("after", code), "~")]
    left_out += twice.values()
    if not found["before"] and not found["after"]:
        raise BadFile("\n".join(left_out) or "no file has a sheet in it. inventory.take keeps one; export it then.")
    return Answers(found, left_out, told)


def right(sheets: dict[str, dict[str, str]], codes: Iterable[str]) -> np.ndarray:
    """Return the answers of these code words as an array (students, questions), 1 where right and 0 elsewhere."""
    asked = inventory.questions()["questions"]
    rows = [[sheets[code].get(each["id"]) == each["right"] for each in asked] for code in codes]
    return np.array(rows, dtype=float).reshape(len(rows), len(asked))
