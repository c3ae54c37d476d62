"""General mistakes: what a wrong result has to do with what is needed, for every exercise at once.

Each relation is a fact about numbers. It is said only if it holds in every case, entry by entry to rounding, and no
other one does.
"""

import copy
import itertools
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from . import words
from .compare import SINGLE, Piece, parts, single

_ROUNDING = 1e-6
Pairs = list[tuple[np.ndarray, np.ndarray]]

_ENTRIES: list[tuple[str, Callable]] = [
    ("the square of what is needed", np.square),
    ("the square root of what is needed", np.sqrt),
    ("1 divided by what is needed", lambda need: 1 / need),
    ("1 minus what is needed", lambda need: 1 - need),
    ("the size of what is needed, without its sign", np.abs),
    ("the natural logarithm of what is needed", np.log),
    ("the log10 of what is needed", np.log10),
    ("e to the power of what is needed", np.exp),
    ("10 to the power of what is needed", lambda need: 10.**need),
    ("what is needed, rounded to a whole number", np.round),
]
_FACTORS = {-1.: "A minus too many, or too few?",
            np.log(10): "The natural logarithm in place of log10?", 1 / np.log(10): "log10 in place of a natural one?",
            180 / np.pi: "Degrees in place of radians?", np.pi / 180: "Radians in place of degrees?"}


def explain(results: list[Any], needed: list[Any], cases: list[dict[str, Any]], names: tuple[str, ...], axis: Any,
            along: str) -> list[str]:
    """Sentences for the parts of a wrong result; none for a part that no relation, or more than one, explains.

    results, needed  one a case
    cases            the arguments of each by name
    names, axis      of the parts, as for `compare.difference`
    along            what a step along the axis is
    """
    found = [list(parts(result, need, names, axis)) for result, need in zip(results, needed)]
    if not all(isinstance(part, Piece) for case in found for part in case):
        return []
    columns = list(zip(*found))
    if sentence := _changed_places(columns):
        return [sentence]
    said: dict[str, list[str]] = {}
    for column in columns:
        pairs = [(part.got, part.need) for part in column]
        values = {value for got, _ in pairs for value in got.ravel().tolist()}
        if not _same(pairs) and len(values) > 1:  # a constant tells nothing
            fits = {sentence for sentence, changed in _relations(pairs, cases, column[0].axis, along) if _same(changed)}
            if len(fits) == 1:
                said.setdefault(fits.pop(), []).append(column[0].name)
    return [sentence if len(columns) == 1 else f"{', '.join(names)}: {sentence}" for sentence, names in said.items()]


def _same(pairs: Pairs) -> bool:
    """Whether in each pair both are equal to rounding, entry by entry."""
    for got, need in pairs:
        if got.shape != need.shape or not np.isfinite(need).all():
            return False
        tolerance = SINGLE if single(got) else _ROUNDING
        if not np.all(np.abs(got - need) <= tolerance * np.abs(need)):
            return False
    return bool(pairs)


def _changed_places(columns: list[tuple[Piece, ...]]) -> str:
    orders = [order for order in itertools.permutations(columns) if len(columns) <= 4 and all(
        _same([(mine.got, other.need) for mine, other in zip(*both)]) for both in zip(columns, order))]
    if len(orders) != 1 or orders[0] == tuple(columns):
        return ""
    given, needed = (", ".join(column[0].name for column in order) for order in (orders[0], columns))
    return f"The values are right and have changed places: they come as {given}, needed {needed}."


def _relations(pairs: Pairs, cases: list[dict], time_axis: Any, along: str) -> Iterator[tuple[str, Pairs]]:
    """Each relation as its sentence, and the pairs that are equal if it holds."""
    it = "Every entry is" if any(need.size > 1 for _, need in pairs) else "It is"
    if any("c" in (got.dtype.kind, need.dtype.kind) for got, need in pairs):
        return
    numbers = [(got, need.astype(float)) for got, need in pairs]

    def each(change: Callable) -> Pairs:
        return [(got, np.asarray(change(need))) for got, need in numbers]

    with np.errstate(all="ignore"):
        for what, change in _ENTRIES:
            yield f"{it} {what}.", each(change)
        yield from _constants(it, numbers, each)
        yield from _by_arguments(it, numbers, cases)
        for axis in range(min(need.ndim for _, need in numbers)):
            name = f"the {words.plural(along)}" if axis == time_axis else f"axis {axis}"
            yield from _along(axis, name, numbers, each)
        for i, j in itertools.combinations(range(min(need.ndim for _, need in numbers)), 2):
            yield f"Axes {i} and {j} have changed places: it is transposed.", each(lambda need: need.swapaxes(i, j))
        if any(got.shape != need.shape for got, need in numbers) and all(need.size > 1 for _, need in numbers):
            yield "The numbers are right, and only the shape is not.", [
                (got.ravel(), need.ravel()) for got, need in numbers]
        yield "It is the sum of all that is needed.", each(np.sum)
        yield "It is the mean of all that is needed.", each(np.mean)
        for axis in range(max(0, min(got.ndim for got, _ in numbers))):
            if all(got.ndim == need.ndim + 1 for got, need in numbers):
                for how, change in (("sum", np.sum), ("mean", np.mean)):
                    yield f"Its {how} along axis {axis} is what is needed.", [
                        (change(got, axis), need) for got, need in numbers]


def _constants(it: str, numbers: Pairs, each: Callable) -> Iterator[tuple[str, Pairs]]:
    """One factor for all, or one number added to all; a single number is always so."""
    got, need = numbers[0]
    if got.shape != need.shape or not need.size:
        return
    place = np.unravel_index(np.argmax(np.abs(need)), need.shape)
    factor, added = got[place] / need[place], got[place] - need[place]
    if np.isfinite(factor) and factor != 0:
        guess = next((f" {text}" for value, text in _FACTORS.items() if abs(factor / value - 1) < _ROUNDING), "")
        yield f"{it} {words.number(factor)} times what is needed.{guess}", each(lambda need: factor * need)
    if np.isfinite(added) and added != 0:
        side = "large" if added > 0 else "small"
        yield f"{it} {words.number(abs(added))} too {side}.", each(lambda need: need + added)


def _by_arguments(it: str, numbers: Pairs, cases: list[dict]) -> Iterator[tuple[str, Pairs]]:
    """A factor that is one of the arguments, or the length of one: the same name in every case."""
    sizes = [dict(_sizes(case)) for case in cases]
    told: dict[tuple, list[str]] = {}
    for name in sizes[0]:
        values = tuple(size.get(name, 0) for size in sizes)
        if all(values) and len(set(values)) > 1:
            told.setdefault(values, []).append(name)
    for values, named in told.items():
        size = " = ".join(named[:3])
        for text, power in ((f"{size} times what is needed", 1), (f"what is needed divided by {size}", -1),
                            (f"the root of {size} times what is needed", .5),
                            (f"what is needed divided by the root of {size}", -.5)):
            if power in (1, -1) or min(values) > 0:
                yield f"{it} {text}.", [(got, need * value**power) for (got, need), value in zip(numbers, values)]


def _sizes(value: Any, name: str = "") -> Iterator[tuple[str, float]]:
    if isinstance(value, dict) or hasattr(value, "_fields"):
        for key, part in (value if isinstance(value, dict) else value._asdict()).items():
            yield from _sizes(part, f"{name}.{key}" if name else key)
    elif isinstance(value, (int, float, np.number)) and not isinstance(value, bool):
        yield name, float(value)
    elif isinstance(value, np.ndarray):
        yield from ((f"{name}.shape[{axis}]", float(size)) for axis, size in enumerate(value.shape))
    elif isinstance(value, (list, tuple)):
        yield f"len({name})", float(len(value))


def _along(axis: int, name: str, numbers: Pairs, each: Callable) -> Iterator[tuple[str, Pairs]]:
    """What has to do with one axis of what is needed."""
    def cut(array: np.ndarray, *ends: int | None) -> np.ndarray:
        return array[(slice(None),) * axis + (slice(*ends),)]

    for keep in (False, True):
        yield f"It is summed over {name}.", each(lambda need: need.sum(axis, keepdims=keep))
        yield f"It is averaged over {name}.", each(lambda need: need.mean(axis, keepdims=keep))
    yield f"Each is the sum over {name}.", each(lambda need: need.sum(axis, keepdims=True) + 0 * need)
    yield f"Each is the running sum over {name}.", each(lambda need: need.cumsum(axis))
    yield f"It runs backwards along {name}.", each(lambda need: np.flip(need, axis))
    but_first, but_last = (1, None), (None, -1)
    for end, i, rest, others, where in (("first", 0, but_first, but_last, "earlier"),
                                        ("last", -1, but_last, but_first, "later")):
        yield f"It is only the {end} one along {name}.", each(lambda need: need.take([i], axis).squeeze(axis))
        yield f"The {end} one along {name} is missing.", each(lambda need: cut(need, *rest))
        if all(got.ndim == need.ndim for got, need in numbers):
            yield f"The {end} one along {name} is too many.", [(cut(got, *rest), need) for got, need in numbers]
        if all(got.shape == need.shape and need.shape[axis] > 2 for got, need in numbers):
            yield f"Each is what belongs one place {where} along {name}.", [
                (cut(got, *rest), cut(need, *others)) for got, need in numbers]
            yield f"All is right but the {end} along {name}. Is it left out?", [
                (cut(got, *rest), cut(need, *rest)) for got, need in numbers]


def fractional(result: Any) -> bool:
    """Whether a result has numbers that are not whole."""
    if isinstance(result, (tuple, list)):
        return any(map(fractional, result))
    array = np.asarray(result)
    return array.dtype.kind == "f" and bool(np.any(array % 1))


def other_question(results: list[Any], cases: list[tuple], solution: Callable, parameters: list[str], same: Callable
                   ) -> str:
    """The sentence if results are right for other arguments: one step fewer, h0 = 0, two of them swapped.

    same  (result, needed) -> bool; whole numbers and texts agree by chance, so that fractions are needed
    """
    fits = set()
    for sentence, changed in _other_arguments(parameters, cases):
        try:
            if all(same(result, solution(*copy.deepcopy(next(changed)))) for result in results):
                fits.add(sentence)
        except Exception:  # the solution can't take such arguments: nobody means them
            continue
    return fits.pop() if len(fits) == 1 else ""


def _other_arguments(parameters: list[str], cases: list[tuple]) -> Iterator[tuple[str, Iterator[tuple]]]:
    """What could have been asked in place of each case: a sentence, and the arguments of case after case."""
    def with_(place: int, change: Callable) -> Iterator[tuple]:
        return ((*case[:place], change(case[place]), *case[place + 1:]) for case in cases)

    for place, (name, value) in enumerate(zip(parameters, cases[0])):
        fields = [(None, name, value)] if not hasattr(value, "_fields") else [
            (field, f"{name}.{field}", part) for field, part in value._asdict().items()]
        for field, called, part in fields:
            for what, change in _changes(part):
                def changed(value: Any, field: str | None = field, change: Callable = change) -> Any:
                    return change(value) if field is None else value._replace(**{field: change(getattr(value, field))})

                yield f"This would be right {what.format(called)}.", with_(place, changed)
    for i, j in itertools.combinations(range(len(parameters)), 2):
        if type(cases[0][i]) is type(cases[0][j]) and not callable(cases[0][i]):
            def swapped(case: tuple, i: int = i, j: int = j) -> tuple:
                return tuple(case[{i: j, j: i}.get(place, place)] for place in range(len(case)))

            yield f"This would be right with {parameters[i]} and {parameters[j]} swapped.", map(swapped, cases)


def _changes(value: Any) -> Iterator[tuple[str, Callable]]:
    """Ways of misreading one argument."""
    if isinstance(value, (bool, str)) or callable(value):
        return
    if isinstance(value, (int, np.integer)):
        yield "for {} - 1", lambda n: n - 1
        yield "for {} + 1", lambda n: n + 1
    elif isinstance(value, (float, np.floating, np.ndarray)):
        yield "if {} were 0", lambda array: 0 * array
        yield "with the other sign of {}", lambda array: -array
    if isinstance(value, np.ndarray) and value.ndim or isinstance(value, list):
        yield "without the first of {}", lambda array: array[1:]
        yield "without the last of {}", lambda array: array[:-1]
        yield "with {} in reverse order", lambda array: array[::-1]
    if isinstance(value, np.ndarray) and value.ndim == 2 and value.shape[0] == value.shape[1]:
        yield "with {} transposed", lambda array: array.T
