"""Rules: what has to be measured for a claim to hold, and for it to fail.

    holds if share > .9; fails if share < .5 or worst > 10

Where neither is true, the claim holds partly. A rule compares names with numbers or with each other, joined by and, or,
not. Nothing is computed in it, so everything it can ever say can be found: see `attainable`.
"""

from __future__ import annotations

import ast
import functools
import itertools
import math
import re
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

HOLDS, PARTLY, FAILS = "holds", "holds partly", "fails"
VERDICTS = (HOLDS, PARTLY, FAILS)
FORM = re.compile(r"holds if (.+); fails if (.+)")
ALLOWED = (ast.Compare, ast.BoolOp, ast.And, ast.Or, ast.UnaryOp, ast.Not, ast.USub, ast.Constant, ast.Name, ast.Load,
           ast.Lt, ast.LtE, ast.Gt, ast.GtE, ast.Eq, ast.NotEq)
MOST_CASES = 100_000  # a rule with more is refused


class Rule(NamedTuple):
    """A parsed rule: two conditions over measured names."""

    holds: ast.expr
    fails: ast.expr

    @property
    def names(self) -> list[str]:
        """The measured names in it, in their order."""
        return list(dict.fromkeys(node.id for part in self for node in ast.walk(part) if isinstance(node, ast.Name)))


@functools.cache
def parse(rule: str) -> Rule:
    """Read a rule.

    rule     "holds if EXPR; fails if EXPR": comparisons, and, or, not, numbers and names
    returns  Rule
    errors   ValueError for anything else, for conditions that can be true together, and where one can never be true
    """
    form = FORM.fullmatch(rule)
    if form is None:
        raise ValueError(f"the rule is {rule!r}, needs the form 'holds if EXPR; fails if EXPR'.")
    parts = Rule(*(_expression(text, rule) for text in form.groups()))
    reached = _reached(parts, rule)
    if (True, True) in reached:
        raise ValueError(f"the rule {rule!r} can hold and fail at once. Leave room between its two conditions.")
    for word, case in ((HOLDS, (True, False)), (FAILS, (False, True))):
        if case not in reached:
            raise ValueError(f"the rule {rule!r} can never say {word!r}, whatever is measured. A trial needs a rule "
                             f"that can go both ways.")
    return parts


def verdict(rule: str, values: Mapping[str, float]) -> str:
    """Return what a rule says of measured values: "holds", "holds partly" or "fails".

    rule    see `parse`
    values  {name: number} with all names of the rule, and possibly more
    errors  ValueError for a bad rule, a missing name, and for NaN or infinity
    """
    parts = parse(rule)
    for name in parts.names:
        if name not in values:
            raise ValueError(f"the rule {rule!r} needs {name!r}; measured are {', '.join(values) or 'no values'}.")
        if not math.isfinite(values[name]):
            raise ValueError(f"{name} is {values[name]}, which no bound can judge. Count how often that happens "
                             f"instead, or take the logarithm.")
    holds, fails = (_true(part, values) for part in parts)
    return HOLDS if holds else FAILS if fails else PARTLY


def attainable(rule: str, values: Mapping[str, float] | None = None) -> set[str]:
    """Return the verdicts a rule can give: whatever is measured, or where only the sizes of `values` change.

    values   None, or the measured ones: each is scaled by every power of ten, or becomes 0, but keeps its sign
    returns  a set of verdicts
    """
    parts = parse(rule)
    signs = {name: 1 if values is None else math.copysign(1, values[name]) for name in parts.names}
    return {HOLDS if holds else FAILS if fails else PARTLY
            for holds, fails in _reached(parts, rule, () if values is None else tuple(signs.items()))}


class Zones(NamedTuple):
    """What a rule says while one number moves and the others stay.

    edges    (n,) where its words may change, in order of size
    between  (n + 1,) verdicts below the first edge, between two, above the last
    at       (n,) verdicts on the edges themselves
    """

    edges: list[float]
    between: list[str]
    at: list[str]


def zones(rule: str, name: str, values: Mapping[str, float]) -> Zones:
    """Let one measured number move alone and return what the rule says of it.

    rule, values  as for `verdict`
    name          one of the rule's
    returns       Zones; its edges are the numbers and the measured values with which the rule compares the name
    errors        as `verdict`; ValueError for a name that the rule does not compare
    """
    def says(value: float) -> str:
        return verdict(rule, {**values, name: value})

    edges = sorted({float(_value(other, values)) for pair in _compared(parse(rule))
                    for side, other in (pair, pair[::-1]) if isinstance(side, ast.Name) and side.id == name})
    if not edges:
        raise ValueError(f"the rule {rule!r} compares {name!r} with nothing; it has {', '.join(parse(rule).names)}.")
    between = [says(point) for point in _points(edges, room=1)]
    return Zones(edges, between, [says(edge) for edge in edges])


def _compared(parts: Rule) -> list[tuple[ast.expr, ast.expr]]:
    """The two sides of every comparison."""
    return [pair for part in parts for node in ast.walk(part) if isinstance(node, ast.Compare)
            for pair in itertools.pairwise([node.left, *node.comparators])]


def _expression(text: str, rule: str) -> ast.expr:
    try:
        tree = ast.parse(text.strip(), mode="eval").body
    except SyntaxError as error:
        raise ValueError(f"the rule {rule!r} cannot be read: {error.msg} in {text!r}.") from None
    for node in ast.walk(tree):
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div) and getattr(node.right, "value", None) == 0:
            raise ValueError(f"the rule {rule!r} divides by zero in {ast.unparse(node)!r}: no number comes of that, and "
                             f"no verdict. Compare the measured names themselves.")
        if not isinstance(node, ALLOWED) or isinstance(node, ast.Constant) and type(node.value) not in (int, float):
            raise ValueError(f"the rule {rule!r} contains {ast.unparse(node) or type(node).__name__!r}, but only "
                             f"comparisons, and, or, not, numbers and names are allowed. Compute in the measurement.")
    _check_condition(tree, rule)
    return tree


def _check_condition(node: ast.expr, rule: str) -> None:
    """Refuse anything but a comparison where a condition is needed."""
    if isinstance(node, ast.BoolOp):
        inner = node.values
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        inner = [node.operand]
    elif isinstance(node, ast.Compare) and all(map(_is_side, [node.left, *node.comparators])):
        return
    else:
        raise ValueError(f"the rule {rule!r} contains {ast.unparse(node)!r}, needs a comparison there, "
                         f"such as {ast.unparse(node)} > 0.")
    for each in inner:
        _check_condition(each, rule)


def _is_side(node: ast.expr) -> bool:
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        node = node.operand
        return isinstance(node, ast.Constant)
    return isinstance(node, (ast.Name, ast.Constant))


def _true(node: ast.expr, values: Mapping[str, float | np.ndarray]) -> bool | np.ndarray:
    if isinstance(node, ast.BoolOp):
        both = np.logical_and if isinstance(node.op, ast.And) else np.logical_or
        return functools.reduce(both, (_true(each, values) for each in node.values))
    if isinstance(node, ast.UnaryOp):
        return np.logical_not(_true(node.operand, values))
    sides = [_value(side, values) for side in [node.left, *node.comparators]]
    return functools.reduce(np.logical_and, (_COMPARE[type(op)](*pair)
                                             for op, pair in zip(node.ops, itertools.pairwise(sides))))


_COMPARE = {ast.Lt: np.less, ast.LtE: np.less_equal, ast.Gt: np.greater, ast.GtE: np.greater_equal,
            ast.Eq: np.equal, ast.NotEq: np.not_equal}


def _value(node: ast.expr, values: Mapping[str, float | np.ndarray]) -> float | np.ndarray:
    if isinstance(node, ast.UnaryOp):
        return -_value(node.operand, values)
    return values[node.id] if isinstance(node, ast.Name) else float(node.value)


@functools.cache
def _reached(parts: Rule, rule: str, signs: tuple[tuple[str, float], ...] = ()) -> set[tuple[bool, bool]]:
    """Which truth values the two conditions can have at once.

    Only the order of names and numbers counts. A name may be any number that it is compared with, or lie in a gap; in
    each gap there is room for all names that are compared with names.
    """
    pairs = _compared(parts)
    compared_with_names = {side.id for pair in pairs if all(isinstance(side, ast.Name) for side in pair)
                           for side in pair}
    choices, names, signs = [], parts.names, dict(signs)
    for name in names:
        group = compared_with_names if name in compared_with_names else {name}
        numbers = {_value(side, {}) for pair in pairs for side in pair if not isinstance(side, ast.Name)
                   and any(isinstance(other, ast.Name) and other.id in group for other in pair)} or {0.}
        if signs:
            numbers.add(0.)
        points = [*numbers, *_points(sorted(numbers), room=len(group))]
        choices.append([point for point in points if not signs or point * signs[name] >= 0])
    if math.prod(map(len, choices)) > MOST_CASES:
        raise ValueError(f"the rule {rule!r} has too many names and numbers to go through. Make it simpler.")
    cases = dict(zip(names, np.meshgrid(*choices, indexing="ij")))
    truths = np.broadcast_arrays(*(_true(part, cases) for part in parts))
    return set(zip(*(each.ravel().tolist() for each in truths)))


def _points(numbers: list[float], room: int) -> list[float]:
    """`room` values below, between each two of, and above the given numbers, in order of size."""
    ends = [numbers[0] - 1 - i for i in reversed(range(room))], [numbers[-1] + 1 + i for i in range(room)]
    gaps = [low + (high - low) * (i + 1) / (room + 1) for low, high in itertools.pairwise(numbers)
            for i in range(room)]
    return ends[0] + gaps + ends[1]
