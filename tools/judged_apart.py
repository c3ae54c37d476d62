"""A preprocessor for nbgrader: the lecturer's own copy of the course judges what a submission's functions return.

A submission runs in a process of its own, which has neither the banks of exercises nor a say in the verdict: it gets
the cases and hands back results. Points come from this verdict and not from what the notebook shows. Only the parts of
the clinic, which are judged by the run of a whole network, are judged where the notebook ran.
"""
from __future__ import annotations

import dataclasses
import io
import os
import pickle
import re
import subprocess
import sys
from typing import Any

import cloudpickle
import numpy as np
from nbconvert.preprocessors import Preprocessor
from nbformat.v4 import new_output

from course_lib.exercises.bank import Exercise, bank_of
from course_lib.exercises.judge import Verdict

GRADE = re.compile(r'^grade\("(\d+)(\.\d+)", (\w+)\)$', re.MULTILINE)
SECONDS = 600
# Runs in the process of the submission: the cells, then the answer on each case.
SUBMISSION = '''
import os, pickle, sys
out = os.fdopen(os.dup(1), "wb")
os.dup2(2, 1)
import course_lib.exercises
from course_lib.exercises.compare import plain
from course_lib.exercises.forbidden import loops, refusing
for name in ("check", "grade", "hint", "predict", "progress", "reveal", "solution"):
    setattr(course_lib.exercises, name, lambda *arguments: None)
course_lib.exercises.bank_of = None
class Closed:
    def find_spec(self, name, path=None, target=None):
        if name.startswith("course_lib.lessons.") and name.endswith(".exercises"):
            raise ModuleNotFoundError(f"{name} is closed while answers are graded")
sys.meta_path.insert(0, Closed())
cells, asked = pickle.loads(sys.stdin.buffer.read())
from IPython.core.interactiveshell import InteractiveShell
shell = InteractiveShell.instance()
for cell in cells:
    shell.run_cell(cell, silent=True)
given = []
for name, cases, banned, use in asked:
    answer = shell.user_ns.get(name)
    if cases is None:
        given.append(plain(answer))
        continue
    results = []
    with refusing(banned) as used:
        call = lambda *case: use(answer, *case) if use else answer(*case)
        for case in cases:
            try:
                result = plain(call(*case))
                results.append((result, [plain(part) if hasattr(part, "dtype") else None for part in case], None))
            except BaseException as error:
                results.append((None, None, (type(error).__name__, str(error))))
                break
    used += ["a loop"] * ("loop" in banned and loops(answer))
    given.append((callable(answer), used, results))
for number, answer in enumerate(given):
    try:
        pickle.dumps(answer)
    except Exception:
        given[number] = None
out.write(pickle.dumps(given))
out.close()
'''


class Plain(pickle.Unpickler):
    """Reads arrays, numbers, texts and the course's tuples, and calls nothing else on the way."""

    def find_class(self, module: str, name: str) -> Any:
        """Return what rebuilds an array or a tuple of the course."""
        arrays = module.startswith("numpy") and name in ("_reconstruct", "ndarray", "dtype", "scalar", "_frombuffer")
        if arrays or module == "builtins" and name in ("complex", "set", "frozenset"):
            return super().find_class(module, name)
        found = super().find_class(module, name) if module.startswith("course_lib.") else None
        if isinstance(found, type) and issubclass(found, tuple):
            return found
        raise pickle.UnpicklingError(f"a result holds {module}.{name}")


def replayed(exercise: Exercise, given: Any) -> Any:
    """Return a function that gives the submission's results, case after case; a value as it is."""
    if exercise.cases is None or given is None:
        return given
    is_function, _, results = given
    if not is_function:
        return 0
    results = iter(results)

    def answer(*arguments: Any) -> Any:
        result, after, error = next(results)
        if error:
            raise type(error[0], (Exception,), {})(error[1])
        for mine, theirs in zip(arguments, after):
            if isinstance(mine, np.ndarray) and isinstance(theirs, np.ndarray) and mine.shape == theirs.shape:
                mine[...] = theirs  # what it changed
        return result

    answer.__code__ = answer.__code__.replace(co_filename="<frozen answer>")  # no line of the learner's
    return answer


def judged(exercise: Exercise, given: Any) -> Verdict:
    """Return the verdict on what a submission gave."""
    if exercise.cases and given is not None and given[1]:
        return Verdict("not yet", f"It uses {given[1][0]}, under this name or another, and the text rules that out.")
    return dataclasses.replace(exercise, forbidden=()).judge(replayed(exercise, given))


def verdicts(cells: list[str], asked: list[tuple[Exercise, str]], folder: str = ".") -> list[Verdict]:
    """Return what the course says of a submission's answers.

    cells  the sources of the code cells, without those that grade
    asked  (exercise, name of the answer)
    """
    question = [(name, None if exercise.cases is None else exercise.drawn, exercise.forbidden,
                 getattr(exercise, "use", None)) for exercise, name in asked]  # of a class: how a case uses it
    for exercise, _ in asked:  # a case may hold a function of the bank, which is closed there
        cloudpickle.register_pickle_by_value(sys.modules[exercise.cases.__module__ if exercise.cases else __name__])
    environment = os.environ | {"NBGRADER_EXECUTION": "judge", "MPLBACKEND": "agg"}
    try:
        done = subprocess.run([sys.executable, "-P", "-c", SUBMISSION], input=cloudpickle.dumps((cells, question)),
                              stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, cwd=folder, env=environment,
                              timeout=SECONDS)
        given = Plain(io.BytesIO(done.stdout)).load()
        if not isinstance(given, list) or len(given) != len(asked):
            raise ValueError("another number of answers than was asked for")
    except Exception as error:
        return [Verdict("not yet", f"The submission's answers can't be read: {error}")] * len(asked)
    return [judged(exercise, each) for (exercise, _), each in zip(asked, given)]


class JudgedApart(Preprocessor):
    """Overwrites the outputs of the cells that give points with the verdict of the lecturer's copy."""

    enabled = True  # nbconvert's own default leaves a preprocessor out

    def preprocess(self, nb: Any, resources: Any) -> tuple[Any, Any]:
        """Judge a notebook that was run."""
        code = [cell for cell in nb.cells if cell.cell_type == "code"]
        graded = [(cell, *found.groups()) for cell in code if cell.metadata.get("nbgrader", {}).get("grade")
                  for found in GRADE.finditer(cell.source)]
        exercises = {id: exercise for number in {int(number) for _, number, *_ in graded}
                     for exercise in bank_of(number).exercises for id in [exercise.id]}
        asked = [(cell, exercises[number + rest], name) for cell, number, rest, name in graded
                 if exercises[number + rest].oracle is not None]  # the clinic's have none
        cells = [cell.source for cell in code if not any(cell is other for other, *_ in graded)]
        found = verdicts(cells, [(exercise, name) for _, exercise, name in asked],
                         resources.get("metadata", {}).get("path") or ".") if asked else []
        for (cell, exercise, _), verdict in zip(asked, found):
            said = f"{exercise.id} {verdict.word}: {verdict.reason}"
            cell.outputs = [new_output("stream", name="stdout", text=said + "\n")] if verdict.word == "passed" else [
                new_output("error", ename="AssertionError", evalue=said, traceback=[said])]
        return nb, resources
