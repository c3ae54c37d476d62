"""What an exercise forbids is refused while an answer runs, by whatever name the answer calls it."""

import contextlib
import dis
import functools
import gc
import sys
import types
from collections.abc import Callable, Iterator
from typing import Any

_LIBRARIES = ("math", "cmath", "numpy", "numpy.linalg", "scipy.linalg", "scipy.special", "torch", "torch.linalg",
              "torch.special", "torch.nn.functional", "torch.autograd", "torch.Tensor")

_ROUND = {"map", "filter", "reduce", "accumulate", "vectorize", "frompyfunc", "fromiter", "apply_along_axis", "eval",
          "exec"}  # what goes round without a loop of one's own


class Forbidden(Exception):
    """What a forbidden function raises."""


def libraries() -> list[Any]:
    """Those of the libraries with forbidden functions that are imported by now."""
    found = [sys.modules.get(name) or getattr(sys.modules.get(name.rpartition(".")[0]), "Tensor", None)
             for name in _LIBRARIES]
    return [library for library in found if library is not None]


@contextlib.contextmanager
def refusing(names: tuple[str, ...]) -> Iterator[list[str]]:
    """Make functions raise, wherever in memory a reference to them is held; give a list of the names that were called.

    names  as numpy, math and torch call them: "svd"; torch's "svd_" is meant too
    """
    used: list[str] = []
    functions, refusals = [], []
    with contextlib.ExitStack() as undo:
        for name in names:
            for library in libraries():
                for spelled in (name, f"{name}_"):
                    function = getattr(library, spelled, None)
                    if isinstance(library, type) and callable(function):  # a method
                        undo.callback(*(setattr, library, spelled, function) if spelled in vars(library) else
                                      (delattr, library, spelled))
                        setattr(library, spelled, _refusal(name, used))
                    elif callable(function):
                        functions.append(function)
                        refusals.append(_refusal(name, used))
        undo.callback(_replace, refusals, functions)  # wherever they are by then
        _replace(functions, refusals)
        yield used


def loops(function: Any) -> bool:
    """Whether a function of Python goes round: by a loop or comprehension, by a name that loops for it, or by calling
    itself, in it, within it, or in a function of its module that it names."""
    held = [cell.cell_contents for cell in getattr(function, "__closure__", None) or () if cell != types.CellType()]
    codes, seen = [getattr(each, "__code__", None) for each in (function, *held)], []
    for code in codes:
        if code is None or code in seen:
            continue
        seen.append(code)
        codes += [constant for constant in code.co_consts if isinstance(constant, types.CodeType)]
        for name in code.co_names:
            other = getattr(function, "__globals__", {}).get(name)
            if isinstance(other, types.FunctionType) and other.__module__ == function.__module__:
                codes.append(other.__code__)
        if _ROUND.intersection(code.co_names) or code.co_name in code.co_names + code.co_freevars:
            return True
    return any(instruction.opname == "FOR_ITER" or "JUMP_BACKWARD" in instruction.opname
               for code in seen for instruction in dis.get_instructions(code))


def _refusal(name: str, used: list[str]) -> Callable:
    def refusal(*arguments: Any, **options: Any) -> None:
        used.append(name)
        raise Forbidden(f"{name} is forbidden here")

    return refusal


def _replace(olds: list, news: list) -> None:
    """Put news in place of olds in all that refers to them: modules, the names of a cell, lists, closures, tuples."""
    new = {id(old): new for old, new in zip(olds, news)}
    tuples = []
    for holder in gc.get_referrers(*olds) if olds else []:
        if isinstance(holder, (types.CellType, types.FunctionType)):
            name = "cell_contents" if isinstance(holder, types.CellType) else "__defaults__"
            if id(getattr(holder, name)) in new:
                setattr(holder, name, new[id(getattr(holder, name))])
        elif isinstance(holder, functools.partial) and id(holder.func) in new:
            holder.__setstate__((new[id(holder.func)], holder.args, holder.keywords, holder.__dict__))
        elif isinstance(holder, tuple):
            tuples.append((holder, getattr(holder, "_make", tuple)(new.get(id(part), part) for part in holder)))
        elif type(holder) is list and holder is not olds:
            holder[:] = [new.get(id(value), value) for value in holder]
        elif not isinstance(holder, (type, list)):
            names = holder if type(holder) is dict else getattr(holder, "__dict__", {})
            if type(names) is dict and ("__module__" not in names or "__name__" in names):  # else it is a class's
                names.update({key: new[id(value)] for key, value in names.items() if id(value) in new})
    if tuples and not isinstance(olds[0], tuple):
        _replace(*map(list, zip(*tuples)))
