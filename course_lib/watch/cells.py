"""Recurrences that are called once a step: torch's cells, and any module, method or function that the user names.

Every state is kept as the network computed it, and its gradient is the one that arrives there: nothing is replayed for
it. Calls that hand a state on are one call of many steps.
"""

from __future__ import annotations

import inspect
import sys
import types
import weakref
from collections.abc import Iterator
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from .between import Key, factors, key_of
from .state import State
from .taps import definer

CELLS = nn.RNNCell, nn.LSTMCell, nn.GRUCell
# What annotations name need not exist, as long as Python 3.14 does not look it up.
AS_WRITTEN = {} if sys.version_info < (3, 14) else {"annotation_format": 4}  # annotationlib.Format.STRING
LOOK_BACK = 8  # so many loops of the same recurrence may go on at the same time
Path = tuple  # of a tensor in what a call was given, or returned: ("hx", 0), (1,)


class Recurrence:
    """One thing that is called once a step.

    name, kind  as the user sees it
    module      whose parameters it computes with; None for a function
    outputs     where in its output the states are, h first; None as long as that is not known
    arguments   where in its arguments the states before are
    places      (owner, attribute) under which it may be called
    """

    def __init__(self, name: str, kind: str, owner, attribute: str, module: nn.Module | None, instance, state: State):
        self.name, self.kind, self.module, self.state = name, kind, module, state
        self.owner, self.attribute, self.instance = owner, attribute, instance
        self.places = [(owner, attribute)]
        self.function = vars(owner)[attribute]
        self.signature = inspect.signature(self.function, **AS_WRITTEN)
        self.cell = next((cell for cell in CELLS if owner is cell), None)
        self.outputs: list[Path] | None = None
        self.arguments: list[Path] | None = None
        if self.cell is nn.LSTMCell:
            self.outputs, self.arguments = [(0,), (1,)], [("hx", 0), ("hx", 1)]
        elif self.cell is not None:
            self.outputs, self.arguments = [()], [("hx",)]

    def bind(self, args: tuple, kwargs: dict) -> dict[str, Any]:
        """The arguments by the function's own names."""
        first = () if self.instance is None else (self.instance,)
        bound = dict(self.signature.bind(*first, *args, **kwargs).arguments)
        if self.instance is not None:
            del bound[next(iter(bound))]
        return bound

    def candidates(self, output, given: dict[str, Any]) -> tuple[dict[Path, Tensor], dict[Path, Tensor]]:
        """What may be the states after and before: all floating tensors, or those that were named; ValueError where
        these are not there, or not as many."""
        after, before = ({path: leaf for path, leaf in tensors_in(each) if leaf.is_floating_point()}
                         for each in (output, given))
        places, names = (each if isinstance(each, (tuple, list, type(None))) else (each,)
                         for each in self.state[:2])
        if self.outputs is not None:
            after = {path: after[path] for path in self.outputs}
        elif places is not None:
            after = {path: leaf for place in places for path, leaf in after.items() if path[:1] == (place,)}
            self.outputs = list(after)
        elif list(after) == [()]:
            self.outputs = [()]
        if self.arguments is not None:
            before = {path: before[path] for path in self.arguments if path in before}
        elif names is not None:
            if unknown := [name for name in names if name not in self.signature.parameters]:
                raise ValueError(f"{self.name} has no argument {unknown[0]!r}: it has "
                                 f"{', '.join(self.signature.parameters)}.")
            before = {path: leaf for name in names for path, leaf in before.items() if path[0] == name}
            if before:
                self.arguments = list(before)
        if not after:
            raise ValueError(f"{self.name} returned no floating tensor that could be its state. watch.State(output=...) "
                             f"says which of its outputs is.")
        if None not in (self.outputs, self.arguments) and len(self.outputs) != len(self.arguments):
            raise ValueError(f"{self.name} gives {len(self.outputs)} state(s) and was given {len(self.arguments)}: "
                             f"needs as many. watch.State(output=..., argument=...) says which they are.")
        return after, before


class StepRecord(NamedTuple):
    """What is kept of one step, all tensors detached.

    given    arguments by name
    after    {path: state} that it returned, or what may be one
    places   {path: index of its gradient in `CellCall.arrived`}
    keys     {key: ("after" or "before", path)} by which the next step's states are known
    between  {path of a state before: {("after" or "before", path) of the step before: its factor, None for 1}}
    random   the generators' states before it
    low      autocast's precision, None without
    """

    given: dict[str, Any]
    after: dict[Path, Tensor]
    places: dict[Path, int]
    keys: dict[Key, tuple[str, Path]]
    between: dict[Path, dict[tuple[str, Path], Tensor | None]]
    random: dict[str, Tensor]
    low: torch.dtype | None


class Snapshots:
    """Clones of tensors as they were; of one that is given again and was not changed, the same clone."""

    def __init__(self):
        self._known: dict[int, tuple[weakref.ref, int, Tensor]] = {}

    def __call__(self, tensor: Tensor) -> Tensor:
        found = self._known.get(id(tensor))
        if found is None or found[0]() is not tensor or found[1] != tensor._version:
            if len(self._known) > 10_000:
                self._known = {name: each for name, each in self._known.items() if each[0]() is not None}
            found = weakref.ref(tensor), tensor._version, tensor.detach().clone()
            self._known[id(tensor)] = found
        return found[2]


def follow(call, recurrence: Recurrence, before: dict[Path, Tensor]) -> dict | None:
    """`StepRecord.between` where these states come from the last step of a call, each entry from its own; else None."""
    last: StepRecord = call.steps[-1]
    targets = {key: last.after[path] if when == "after" else leaf_at(last.given, path)
               for key, (when, path) in last.keys.items()}
    found = {}
    if not targets:
        return None
    for path, state in before.items():
        ways = factors(state, targets)
        if ways is None:
            if recurrence.arguments is not None:
                return None
        elif ways:
            found[path] = _without_neighbors({last.keys[key]: factor for key, factor in ways.items()})
    if recurrence.arguments is None:
        if not _learn(recurrence, found):
            return None
        found = {path: found[path] for path in recurrence.arguments}
    complete = len(found) == len(recurrence.arguments)
    return found if complete and all(any(when == "after" for when, _ in ways) for ways in found.values()) else None


def _without_neighbors(ways: dict) -> dict:
    """A state beside which another lay in a stack does not come from that one; one that a mask cuts off comes from its
    own all the same."""
    passes = {way: factor for way, factor in ways.items() if factor is None or bool(factor.any())}
    if any(when == "after" for when, _ in passes):
        return passes
    return passes | dict([next((way, factor) for way, factor in ways.items() if way[0] == "after")]
                         if any(when == "after" for when, _ in ways) else [])


def guess(recurrence: Recurrence, record: StepRecord) -> bool:
    """Where nothing ever came back, as in a single step: the one output that is shaped like one argument."""
    given = {path: leaf for path, leaf in tensors_in(record.given) if leaf.is_floating_point()}
    after = {id(leaf): (path, leaf) for path, leaf in reversed(record.after.items())}.values()  # one may stand twice
    pairs = [(output, path) for output, leaf in after for path, each in given.items() if each.shape == leaf.shape]
    if recurrence.outputs is None and len(pairs) == 1:
        recurrence.outputs, recurrence.arguments = [pairs[0][0]], [pairs[0][1]]
    return recurrence.outputs is not None


def _learn(recurrence: Recurrence, found: dict) -> bool:
    """Of what came back as an argument: which output is the state, and which argument. An input that the state itself
    was fed into comes earlier, as a rule."""
    pairs = {}
    for path, ways in found.items():
        for when, output in ways:
            if when == "after" and (recurrence.outputs is None or output in recurrence.outputs):
                pairs[output] = path
    if not pairs or recurrence.outputs is not None and len(pairs) < len(recurrence.outputs):
        return False
    recurrence.outputs = [path for path in sorted(pairs, key=str)]
    recurrence.arguments = [pairs[path] for path in recurrence.outputs]
    return True


def tensors_in(given, path: Path = ()) -> Iterator[tuple[Path, Tensor]]:
    """Every tensor in nested tuples, lists and dicts, with its path."""
    if isinstance(given, Tensor):
        yield path, given
    elif isinstance(given, dict):
        for name, each in given.items():
            yield from tensors_in(each, (*path, name))
    elif isinstance(given, (tuple, list)):
        for i, each in enumerate(given):
            yield from tensors_in(each, (*path, i))


def leaf_at(given, path: Path):
    """What stands at a path."""
    for step in path:
        given = given[step]
    return given


def replaced(given, change, path: Path = ()):
    """A copy of nested tuples, lists and dicts with change(path, tensor) instead of every tensor."""
    if isinstance(given, Tensor):
        return change(path, given)
    if isinstance(given, dict):
        return {name: replaced(each, change, (*path, name)) for name, each in given.items()}
    if isinstance(given, (tuple, list)):
        new = [replaced(each, change, (*path, i)) for i, each in enumerate(given)]
        return new if isinstance(given, list) else type(given)(*new) if hasattr(given, "_fields") else tuple(new)
    return given


def recurrences(net: nn.Module, cells) -> Iterator[Recurrence]:
    """What the user names: names, modules, methods or functions, or {any of these: State}.

    errors  TypeError or ValueError for what can't be found or listened to
    """
    if isinstance(cells, (str, nn.Module)) or not hasattr(cells, "__iter__"):
        cells = [cells]
    modules = dict(net.named_modules())
    for each in cells:
        state = cells[each] if isinstance(cells, dict) else State()
        if not isinstance(state, State):
            raise TypeError(f"cells[{each!r}] is {type(state).__name__}, needs a watch.State, which says which output "
                            f"and which argument is the state.")
        if isinstance(each, types.MethodType) and isinstance(each.__self__, nn.Module):
            each = f"{_name_of(each.__self__, modules)}.{each.__name__}".lstrip(".")
        if isinstance(each, nn.Module):
            each = _name_of(each, modules)
        if isinstance(each, str):
            yield _of_net(each, modules, state)
        elif isinstance(each, types.FunctionType):
            yield _of_function(each, state)
        else:
            raise TypeError(f"cells has {type(each).__name__}, needs names of modules or methods in net, modules of "
                            f"net, or functions.")


def cell(name: str, module: nn.Module) -> Recurrence:
    """One of torch's own; a subclass with a forward of its own is taken as any other module."""
    return _method(name, module, "forward", State())


def _method(name: str, module: nn.Module, method: str, state: State) -> Recurrence:
    owner = definer(type(module), method)
    if not isinstance(vars(owner)[method], types.FunctionType):
        raise TypeError(f"{name} is a {type(vars(owner)[method]).__name__}, needs a method or a module.")
    return Recurrence(name, type(module).__name__, owner, method, module, module, state)


def _of_net(name: str, modules: dict[str, nn.Module], state: State) -> Recurrence:
    if name in modules:
        return _method(name, modules[name], "forward", state)
    parent, _, method = name.rpartition(".")
    if parent in modules and callable(getattr(type(modules[parent]), method, None)):
        return _method(name, modules[parent], method, state)
    known = [each for each in modules if each]
    raise ValueError(f"cells has {name!r}, which is no module of net and no method of one. It has "
                     f"{', '.join(known[:20])}{', ...' if len(known) > 20 else ''}.")


def _of_function(function: types.FunctionType, state: State) -> Recurrence:
    *inside, name = function.__qualname__.split(".")
    owner = sys.modules.get(function.__module__)
    for each in inside:
        owner = getattr(owner, each, None)
    if owner is None or vars(owner).get(name) is not function or inside:
        raise ValueError(f"cells has the function {function.__qualname__}, which can't be found by its name in "
                         f"{function.__module__}: it is local to a function, or was replaced. Make it a method of net, "
                         f"and name that.")
    recurrence = Recurrence(function.__qualname__, "function", owner, name, None, None, state)
    recurrence.places = [(module, name) for module in list(sys.modules.values()) if isinstance(module, types.ModuleType)
                         for name, each in list(vars(module).items()) if each is function]  # imported by its name
    return recurrence


def _name_of(module: nn.Module, modules: dict[str, nn.Module]) -> str:
    for name, each in modules.items():
        if each is module:
            return name
    raise ValueError(f"cells has a {type(module).__name__} that is not in net.")
