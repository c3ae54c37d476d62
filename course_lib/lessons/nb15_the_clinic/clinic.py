"""Twelve sick training runs, each with a disease of its own. Find out which, and cure it.

    clinic.admit("03")                      the complaint, the code and the log, as its user sees them
    patient = clinic.PATIENTS["03"]
    chart = patient.run(my_function)        the script with my_function in place of the sick part
    patient.watch().verdict()               the update that went wrong under the microscope, `watch.watch_time`

A patient is a script in `scripts/`, which runs by itself too. Its sick part is its first function. `health.complaints`
says what is still wrong with a run. torch is imported when a script runs.
"""

from __future__ import annotations

import ast
import contextlib
import functools
import linecache
import math
import sys
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
}


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
    """

    rows: list[LogLine] = field(default_factory=list)
    names: dict = field(default_factory=dict)
    error: BaseException | None = None
    until: int | None = None

    def first_nonfinite(self) -> int | None:
        """The first update whose loss or gradient norm is NaN or infinite; None if there is none."""
        return next((row.update for row in self.rows if not math.isfinite(row.loss * 0 + row.norm)), None)

    def __str__(self) -> str:
        bad, last = self.first_nonfinite(), len(self.rows) - 1
        shown = {last * part // 4 for part in range(5)} | {min(1, last)}
        if bad is not None:  # once the loss runs away, its digits differ from processor to processor
            calm = next(i for i, row in enumerate(self.rows) if not row.loss <= 100 * self.rows[0].loss or i == bad)
            shown = {i for i in (0, 1, bad - 1) if i < calm} | ({bad} if bad == calm else set()) | {last}
        lines = [str(self.rows[i]) for i in sorted(shown) if i >= 0]
        if self.error is not None:
            lines.append("".join(traceback.format_exception_only(self.error)).strip().partition(". ")[0])
        return "\n".join(lines)


_chart: Chart | None = None


class _Enough(Exception):
    """The last update that was asked for has been logged."""


def log(update: int, loss, norm) -> None:
    """Record an update's loss and gradient norm: on the run's chart, or on the screen if there is none."""
    row = LogLine(update, *(value.item() if hasattr(value, "item") else float(value) for value in (loss, norm)))
    if _chart is None:
        print(row)
    else:
        _chart.rows.append(row)
        if update == _chart.until:
            raise _Enough


@dataclass(frozen=True)
class Patient:
    """A sick script.

    number   "03"
    disease  its name, one of DISEASES
    updates  how many a healthy run makes
    bound    in a healthy run the mean loss of the last ten updates is below this
    """

    number: str
    disease: str
    updates: int
    bound: float

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
        """The source of the sick part."""
        return ast.get_source_segment(self.script, self._function)

    @property
    def name(self) -> str:
        """The name of the function that is the sick part."""
        return self._function.name

    @property
    def parameters(self) -> list[str]:
        """The names of its arguments."""
        return [argument.arg for argument in self._function.args.args]

    @functools.cached_property
    def chart(self) -> Chart:
        """The run as it came in, made once."""
        return self.run()

    def run(self, part: Callable | None = None) -> Chart:
        """Run the script and return its Chart, an error included; torch's random state is left as it was.

        part  the function to put in place of the sick one; without it the script runs as it came in
        """
        return self._run(part, Chart(), lambda net: contextlib.nullcontext())

    def watch(self, part: Callable | None = None, update: int | None = None):
        """Run the script up to one update, that one under the microscope.

        part     as in `run`
        update   which one; by default the first whose loss or norm is not finite, or the last if all are
        returns  the Flow of `watch.watch_time`: its verdict(), first_nonfinite(), plot()
        errors   ValueError if the run has no such update, or the script no nn.RNN, nn.LSTM or nn.GRU (patient 02)
        """
        chart = self.chart if part is None else self.run(part)
        if not chart.rows and chart.error is not None:
            raise chart.error
        if update is None:
            bad = chart.first_nonfinite()
            update = len(chart.rows) - 1 if bad is None else bad
        if update not in range(len(chart.rows)):
            raise ValueError(f"update is {update!r}, and this run of patient {self.number} has the updates 0 to "
                             f"{len(chart.rows) - 1}.")
        flow = None

        def microscope(net):
            nonlocal flow
            flow = watch_time(net, every=max(1, update))
            return flow

        again = self._run(part, Chart(until=update), microscope)
        if again.error is not None:
            raise again.error
        return flow

    def _run(self, part: Callable | None, chart: Chart, watching: Callable) -> Chart:
        """Fill the chart. Once its net is made, the script runs within the context watching(net)."""
        import torch

        global _chart
        filename = f"<patient {self.number}>"
        linecache.cache[filename] = len(self.script), None, self.script.splitlines(keepends=True), filename
        body = [node for node in self._tree.body if part is None or node is not self._function]
        made = next(i for i, node in enumerate(body, start=1) if ast.unparse(node).startswith("net = "))
        first, second = (compile(ast.Module(nodes, []), filename, "exec") for nodes in (body[:made], body[made:]))
        chart.names = {"__name__": "__main__"} | ({} if part is None else {self.name: part})
        before, _chart = _chart, chart
        threads = torch.get_num_threads()
        torch.set_num_threads(1)  # nets this small would spend more time waiting for threads than computing
        try:
            with torch.random.fork_rng(devices=[]), warnings.catch_warnings():
                warnings.simplefilter("ignore")
                exec(first, chart.names)
                with watching(chart.names["net"]), contextlib.suppress(_Enough):
                    exec(second, chart.names)
        except Exception as error:
            chart.error = error
        finally:
            torch.set_num_threads(threads)
            _chart = before
        return chart

    def is_sick_part(self, function: Callable) -> bool:
        """Whether this is the sick part as it came in."""
        own = next(const for const in compile(self.part, "part", "exec").co_consts if isinstance(const, types.CodeType))
        return _same_code(getattr(function, "__code__", None), own)


def _same_code(one, other) -> bool:
    if not isinstance(one, types.CodeType) or not isinstance(other, types.CodeType):
        return type(one) is type(other) and one == other
    return (one.co_code, one.co_names, one.co_varnames) == (other.co_code, other.co_names, other.co_varnames) and (
        len(one.co_consts) == len(other.co_consts) and all(map(_same_code, one.co_consts, other.co_consts)))


PATIENTS = {number: Patient(number, DISEASES[number], updates, bound) for number, updates, bound in [
    ("01", 100, .1), ("02", 100, .4), ("03", 60, .03), ("04", 100, 1.), ("05", 80, .2), ("06", 100, .18),
    ("07", 100, .1), ("08", 100, .3), ("09", 100, 2e-24), ("10", 100, .05), ("11", 150, .5), ("12", 100, .45)]}


def admit(number: str) -> None:
    """Show a patient as its user sees it: the complaint, the code and the log.

    number  "01" to "12"
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
