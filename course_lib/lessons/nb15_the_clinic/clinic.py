"""Sick training runs, each with its disease. Find out which, and cure it.

    clinic.admit("03")                      the complaint, the code and the log, as its user sees them
    patient = clinic.PATIENTS["03"]
    patient.run(my_function)                the script with my_function in place of the sick part
    patient.watch().verdict()               the update that tells under the microscope, `watch.watch_time`

A patient is a script in `scripts/`, which runs by itself too. In some the sick part is the first function; the others
are sick anywhere, and a list of (piece of the script, what to put in its place) changes them. `health.complaints` says
what is still wrong with a run. torch is imported when a script runs.
"""

from __future__ import annotations

import ast
import contextlib
import functools
import linecache
import math
import re
import sys
import textwrap
import traceback
import types
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from ...watch import watch_time

DISEASES = {
    "01": "the learning rate is too large",
    "02": "exp overflows in the activation",
    "03": "a mask multiplies infinity by zero",
    "04": "log of a probability that underflows to zero",
    "05": "the slope of the square root at zero",
    "06": "clipping spreads one NaN to all weights",
    "07": "the state is never detached",
    "08": "half precision overflows",
    "09": "the norm underflows, not the gradient",
    "10": "the recurrent weights make states explode",
    "11": "the gradient vanishes on the way back",
    "12": "time and batch are mixed up",
    "13": "one exploding gradient throws the network off",
    "14": "unscaled inputs saturate the units",
    "15": "softmax is taken twice",
    "16": "prediction and target are broadcast against each other",
    "17": "the gradients of earlier updates are never cleared",
    "18": "a state is carried over to sequences that do not follow",
    "19": "padding is read as the end of the sequence",
    "20": "nothing is wrong, it needs more updates",
    "21": "nothing is wrong, it needs more updates",
    "22": "the target is one step off",
    "23": "the CTC loss is infinite for a sequence that is too short",
    "24": "the scaled gradient is clipped",
}

DECOYS = ("the network has too few units", "all weights start equal", "the optimizer does not hold all parameters",
          "the batches are too small")  # names that fit none of them


class LogLine(NamedTuple):
    """One line of a log."""

    update: int
    loss: float
    norm: float

    def __str__(self) -> str:
        return f"update {self.update:3}   loss {self.loss:<8.2g} gradient norm {self.norm:.2g}"


@dataclass
class Chart:
    """What a run left behind; prints as its log.

    rows    what the script gave to `log`
    names   the variables of the script as they were at its end: names["rnn"]
    error   the exception that ended it, or None
    until   the update after which to stop; None: go on to the end
    holds   the last update that it prints, if the digits of later ones hang on the processor; None: it prints them all
    enough  asked after each line of the log whether to stop there; None: go on
    """

    rows: list[LogLine] = field(default_factory=list)
    names: dict = field(default_factory=dict)
    error: BaseException | None = None
    until: int | None = None
    enough: Callable[[list[LogLine]], bool] | None = None
    holds: int | None = None

    def first_nonfinite(self) -> int | None:
        """The first update whose loss or gradient norm is NaN or infinite; None if there is none."""
        return next((row.update for row in self.rows if not math.isfinite(row.loss * 0 + row.norm)), None)

    def telling(self) -> int:
        """The update that tells: where loss or norm first leaves what was usual; the last if the run stays calm."""
        rows, last = self.rows, len(self.rows) - 1
        if self.first_nonfinite() == 0:
            return 0
        if self.first_nonfinite() is None:
            means = [sum(row.loss for row in rows[i:i + 10]) for i in range(max(1, last - 8))]
            if means[-1] <= 3 * min(means) and max(row.loss for row in rows) <= 10 * rows[0].loss:
                return last
        for i in range(1, last + 1):
            usual = rows[max(0, i - 10):i]
            if not (rows[i].norm <= 3 * max(row.norm for row in usual)
                    and rows[i].loss <= 3 * max(row.loss for row in usual)):
                return i
        return last

    def __str__(self) -> str:
        bad, last = self.first_nonfinite(), len(self.rows) - 1
        end = last if self.holds is None else min(self.holds, last)
        shown = {end * part // 4 for part in range(5)} | {min(1, end)}
        if bad is not None:  # once the loss runs away, its digits differ from processor to processor
            calm = next(i for i, row in enumerate(self.rows) if not row.loss <= 100 * self.rows[0].loss or i == bad)
            shown = {i for i in (0, 1, bad - 1) if i < calm} | ({bad} if bad == calm else set()) | {last}
        elif self.rows and (thrown := self.telling()) < last:
            shown |= {thrown - 2, thrown}
        lines = [str(self.rows[i]) for i in sorted(shown) if i >= 0] + ["and so on"] * (end < last)
        if self.error is not None:
            lines.append("".join(traceback.format_exception_only(self.error)).strip().partition(". ")[0])
        return "\n".join(lines)


_chart: Chart | None = None


class _Enough(Exception):
    """The last update that was asked for has been logged."""


class NoScript(ValueError):
    """The changes leave no script that could be tried."""


def log(update: int, loss, norm) -> None:
    """Record an update's loss and gradient norm: on the run's chart, or on the screen if there is none."""
    row = LogLine(update, *(value.item() if hasattr(value, "item") else float(value) for value in (loss, norm)))
    if _chart is None:
        print(row)
    else:
        _chart.rows.append(row)
        if update == _chart.until or _chart.enough is not None and _chart.enough(_chart.rows):
            raise _Enough


@contextlib.contextmanager
def ordinary():
    """Give the scripts torch as they expect it: float32 on the CPU, one thread, gradients on; put all back after."""
    import numpy as np
    import torch

    threads, dtype = torch.get_num_threads(), torch.get_default_dtype()
    torch.set_num_threads(1)  # nets this small would spend more time waiting for threads than computing
    torch.set_default_dtype(torch.float32)
    try:
        with (torch.random.fork_rng(devices=[]), torch.device("cpu"), torch.enable_grad(), np.errstate(all="ignore"),
              warnings.catch_warnings()):
            warnings.simplefilter("ignore")
            yield
    finally:
        torch.set_num_threads(threads)
        torch.set_default_dtype(dtype)


def edited(source: str, *edits: tuple[str, str]) -> str:
    """A source text with pieces of it replaced, one after the other.

    edits   (piece, what to put in its place); its further lines are indented as the line where the piece stands,
            whether they are written from the left edge or as an editor shows them
    errors  NoScript for a piece that is not in the text, or is there more than once
    """
    for piece, replacement in edits:
        if (count := source.count(piece)) != 1:
            raise NoScript(f"{piece!r} occurs {count} times in the code, and only a piece that occurs once can be "
                             f"replaced. Copy it with its spaces, and with as much of its line as makes it the only one.")
        at = source.index(piece)
        line = source[source.rfind("\n", 0, at) + 1:]
        first, *further = replacement.split("\n")
        space = line[:len(line) - len(line.lstrip())]
        if line.lstrip().startswith(piece.lstrip(" ")) and first.strip():  # from the line's first letter on
            at += len(piece) - len(piece.lstrip(" "))
            piece, first = piece.lstrip(" "), first.lstrip(" ")
        depths = [len(each) - len(each.lstrip()) for each in further if each.strip()]
        if depths and first.partition("#")[0].rstrip().endswith(":") and depths[0] == min(depths) > 0:
            space += "    "  # the further lines are the block, and none of them stands where the first one does
        further = textwrap.dedent("\n".join(further)).split("\n") if further else []
        new = "\n".join([first] + [each and space + each for each in further])
        source = source[:at] + new + source[at + len(piece):]
    return source


@dataclass(frozen=True)
class Patient:
    """A sick script.

    number   "03"
    disease  its name, one of DISEASES
    updates  how many a healthy run makes
    bound    in a healthy run the mean loss of the last ten updates is below this
    whole    the script may be changed anywhere; else its sick part is its first function
    holds    as in Chart
    """

    number: str
    disease: str
    updates: int
    bound: float
    whole: bool = False
    holds: int | None = None

    @functools.cached_property
    def script(self) -> str:
        """The script's text."""
        return (Path(__file__).parent / "scripts" / f"{self.number}.py").read_text("utf-8")

    @functools.cached_property
    def _tree(self) -> ast.Module:
        return ast.parse(self.script)

    @property
    def _function(self) -> ast.FunctionDef:
        return next(node for node in self._tree.body if isinstance(node, ast.FunctionDef))

    @property
    def complaint(self) -> str:
        """What its user says."""
        return ast.get_docstring(self._tree)

    @property
    def part(self) -> str:
        """The source of what the exercise asks to change: the sick part, or a list of changes."""
        return f"change = {UNCHANGED}" if self.whole else ast.get_source_segment(self.script, self._function)

    @property
    def name(self) -> str:
        """The name of what the exercise asks to change."""
        return "change" if self.whole else self._function.name

    @property
    def parameters(self) -> list[str]:
        """The names of the sick part's arguments."""
        return [argument.arg for argument in self._function.args.args]

    @functools.cached_property
    def chart(self) -> Chart:
        """The run as it came in, made once."""
        return self.run()

    def run(self, change: Callable | str | list | None = None, seed: int | None = None, updates: int | None = None,
            enough: Callable[[list[LogLine]], bool] | None = None,
            watching: Callable = lambda net: contextlib.nullcontext()) -> Chart:
        """Run the script and return its Chart, an error included; torch's random state is left as it was.

        change    a function to put in place of the sick part; or pieces to replace, [(piece, new piece), ...]; or the
                  text of another script; None: the script runs as it came in
        seed      another than the script's
        updates   how many, if not as many as the script says
        enough    asked after each line of the log whether to stop there
        watching  makes of the net a context in which to train it
        """
        return self._run(change, Chart(enough=enough, holds=self.holds), watching, seed, updates)

    def watch(self, change: Callable | str | list | None = None, update: int | None = None):
        """Run the script up to one update, that one under the microscope.

        change   as in `run`
        update   which one; by default the one that tells: where the loss or the norm first leaves what was usual, or
                 the last in a run that stays calm
        returns  the Flow of `watch.watch_time`: its verdict(), first_nonfinite(), plot()
        errors   ValueError if the run has no such update, or the script no nn.RNN, nn.LSTM or nn.GRU (patient 02)
        """
        chart = self.chart if change is None else self.run(change)
        if not chart.rows and chart.error is not None:
            raise chart.error
        if update is None:
            update = chart.telling()
        if update not in range(len(chart.rows)):
            raise ValueError(f"update is {update!r}, and this run of patient {self.number} has the updates 0 to "
                             f"{len(chart.rows) - 1}.")
        flow = None

        def microscope(net):
            nonlocal flow
            flow = watch_time(net, every=max(1, update))
            return flow

        again = self._run(change, Chart(until=update), microscope)
        if again.error is not None:
            raise again.error
        return flow

    def _source(self, change, seed: int | None) -> str:
        text = edited(self.script, *change) if isinstance(change, (list, tuple)) else (
            change if isinstance(change, str) else self.script)
        return text if seed is None else re.sub(r"manual_seed\(\d+\)", f"manual_seed({seed})", text)

    def _run(self, change, chart: Chart, watching: Callable, seed: int | None = None,
             updates: int | None = None) -> Chart:
        """Fill the chart. Once its net is made, the script runs within the context watching(net)."""
        import torch

        global _chart
        before, _chart = _chart, chart
        filename = f"<patient {self.number}>"
        try:
            source = self._source(change, seed)
            linecache.cache[filename] = len(source), None, source.splitlines(keepends=True), filename
            body = _parsed(source, filename, edits=isinstance(change, (list, tuple)))
            chart.names = {"__name__": "__main__"}
            if callable(change):
                chart.names[self.name] = change
                body.remove(next(node for node in body if isinstance(node, ast.FunctionDef)))
            made = next((i for i, node in enumerate(body, start=1) if ast.unparse(node).startswith("net = ")), None)
            if made is None:
                raise NoScript("The script has no line net = ... any more, and net is what is trained and used.")
            for node in body if updates else []:
                if isinstance(node, ast.For) and ast.unparse(node.iter).startswith("range("):
                    node.iter.args = [ast.copy_location(ast.Constant(updates), node)]
            first, second = (compile(ast.Module(nodes, []), filename, "exec") for nodes in (body[:made], body[made:]))
            with ordinary():
                torch.manual_seed(0)
                exec(first, chart.names)
                with watching(chart.names["net"]), contextlib.suppress(_Enough):
                    exec(second, chart.names)
        except Exception as error:
            chart.error = error
        finally:
            _chart = before
        return chart

    def is_sick_part(self, function: Callable) -> bool:
        """Whether this is the sick part, or the list of changes, as it came in."""
        if self.whole:
            return function == UNCHANGED
        own = next(const for const in compile(self.part, "part", "exec").co_consts if isinstance(const, types.CodeType))
        return _same_code(getattr(function, "__code__", None), own)


def _parsed(source: str, filename: str, edits: bool) -> list[ast.stmt]:
    """The statements of a script; NoScript if the edits that made it leave none."""
    try:
        return ast.parse(source, filename).body
    except SyntaxError as error:
        if not edits:
            raise
        raise NoScript(f"With these changes, line {error.lineno} of the script is no longer Python: "
                       f"{(error.text or '').strip()!r} ({error.msg}). The further lines of a new piece are put where "
                       f"the line of the old one begins. If that is not what you mean, give the whole script as a "
                       f"text.") from None


UNCHANGED = [("a piece of the script", "what to put in its place")]


def _same_code(one, other) -> bool:
    if not isinstance(one, types.CodeType) or not isinstance(other, types.CodeType):
        return type(one) is type(other) and one == other
    return (one.co_code, one.co_names, one.co_varnames) == (other.co_code, other.co_names, other.co_varnames) and (
        len(one.co_consts) == len(other.co_consts) and all(map(_same_code, one.co_consts, other.co_consts)))


PATIENTS = {number: Patient(number, DISEASES[number], updates, bound) for number, updates, bound in [
    ("01", 100, .1), ("02", 100, .4), ("03", 60, .03), ("04", 100, 1.), ("05", 80, .2), ("06", 100, .18),
    ("07", 100, .1), ("08", 100, .3), ("09", 100, 2e-24), ("10", 150, .05), ("11", 150, .5), ("12", 100, .45), ("14", 150, .4),
    ("15", 150, .4), ("16", 100, .05), ("23", 120, .5), ("24", 150, .05)]}
PATIENTS |= {number: Patient(number, DISEASES[number], *limits, True, *holds) for number, limits, *holds in [
    ("13", (150, .05), 111), ("17", (200, .03), 49), ("18", (150, .01)), ("19", (120, .3), 89), ("20", (40, .03)),
    ("21", (40, .2)), ("22", (150, .06))]}
PATIENTS = {number: PATIENTS[number] for number in DISEASES}


def admit(number: str) -> None:
    """Show a patient as its user sees it: the complaint, the code and the log.

    number  "01" to "24"
    errors  ValueError for another number
    """
    if number not in PATIENTS:
        raise ValueError(f"there is no patient {number!r}. There are: {', '.join(PATIENTS)}, "
                         f"each a text of two digits.")
    patient = PATIENTS[number]
    code = patient.script.partition('"""\n')[2].strip()
    print(f"Patient {number}: {patient.complaint}")
    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    if shell is None:
        print(f"\n{code}\n")
    else:
        from IPython.display import display

        display({"text/markdown": f"```python\n{code}\n```", "text/plain": code}, raw=True)
    print(patient.chart)
