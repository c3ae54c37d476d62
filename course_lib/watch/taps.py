"""Listening to a function without a trace on what is called: the class's method is wrapped, not the instance.

A hook on a module is copied with it by copy.deepcopy, pickle and torch.save, and module.forward(...) does not run it.
What is wrapped here belongs to the class, or to the Python module of a plain function, and asks whom it is called for.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from typing import Protocol

import torch

SILENT: list = []  # who runs something again, that nobody is to hear of
_TAPS: dict[tuple[int, str], Tap] = {}


class Listener(Protocol):
    """before(args, kwargs) and after(args, kwargs, output) of each call that it is told of; args without self."""

    def before(self, args: tuple, kwargs: dict) -> None: ...

    def after(self, args: tuple, kwargs: dict, output) -> None: ...


class Tap:
    """One attribute of a class or of a Python module, wrapped as long as somebody listens."""

    def __init__(self, owner, attribute: str):
        self.owner, self.attribute, self.original = owner, attribute, vars(owner)[attribute]
        self.listeners: dict[int | None, list[Listener]] = {}  # by id of the instance, None for a plain function
        original, listeners = self.original, self.listeners

        @functools.wraps(original)
        def wrapped(*args, **kwargs):
            own = 0 if None in listeners else 1
            present = list(listeners.get(id(args[0]) if own and args else None, ()))
            if SILENT or not present:
                return original(*args, **kwargs)
            tell = _told_as_written if "torch._dynamo" in sys.modules else _told
            return tell(present, own, original, args, kwargs)

        setattr(owner, attribute, wrapped)


def _told(present: list[Listener], own: int, original: Callable, args: tuple, kwargs: dict):
    """Call a function, and tell its listeners before and after."""
    for listener in present:
        listener.before(args[own:], kwargs)
    output = original(*args, **kwargs)
    for listener in present:
        listener.after(args[own:], kwargs, output)
    return output


_told_as_written = torch._disable_dynamo(_told)  # torch.compile would compile the listening along, for minutes


def listen(owner, attribute: str, instance, listener: Listener) -> Callable[[], None]:
    """Tell `listener` of every call of owner.attribute, where owner is a class for this instance alone.

    instance  None where owner is a Python module and the attribute a function
    returns   a function that ends it, and puts back the original after the last
    """
    tap = _TAPS.setdefault((id(owner), attribute), None) or Tap(owner, attribute)
    _TAPS[id(owner), attribute] = tap
    key = None if instance is None else id(instance)
    tap.listeners.setdefault(key, []).append(listener)

    def end():
        tap.listeners[key].remove(listener)
        if not tap.listeners[key]:
            del tap.listeners[key]
        if not tap.listeners and _TAPS.pop((id(owner), attribute), None):
            setattr(owner, attribute, tap.original)
    return end


def definer(kind: type, method: str) -> type:
    """The class that defines a method, among a class and its bases."""
    return next(each for each in kind.__mro__ if method in vars(each))
