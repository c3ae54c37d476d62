"""The slips that a learner could make in a solution: each mutant is the solution with one of them in it.

    PYTHONPATH=.:tests python tests/mutants.py 4.6 [4.8 7 ...]           prints those that check would accept

A mutant that passes computes the same on all that an exercise allows, which tests/lessons/survivors.toml says of it
with its reason, or the exercise lacks the case that tells it from the solution.
"""
from __future__ import annotations

import __future__
import ast
import contextlib
import copy
import dataclasses
import difflib
import json
import sys
import types
import warnings
import zlib
from collections.abc import Iterator
from typing import Any, NamedTuple

from course_lib.exercises.bank import Exercise, bank_of, numbers_of_banks

_LIMIT = 50_000  # rounds of a mutant's loops; the longest solution makes a few thousand
_FORMS = {"array", "asarray", "float", "tuple", "list", "len", "range", "dict", "set"}  # what they leave out is a form

_OTHER_OPERATORS = {ast.Add: [ast.Sub], ast.Sub: [ast.Add], ast.Mult: [ast.Div], ast.Div: [ast.Mult],
                    ast.FloorDiv: [ast.Div], ast.Mod: [ast.FloorDiv], ast.Pow: [ast.Mult], ast.MatMult: [ast.Mult],
                    ast.Lt: [ast.LtE, ast.Gt], ast.LtE: [ast.Lt, ast.GtE], ast.Gt: [ast.GtE, ast.Lt],
                    ast.GtE: [ast.Gt, ast.LtE], ast.Eq: [ast.NotEq], ast.NotEq: [ast.Eq],
                    ast.And: [ast.Or], ast.Or: [ast.And]}
_OTHER_NAMES = {"max": ["min"], "min": ["max"], "argmax": ["argmin"], "argmin": ["argmax"], "maximum": ["minimum"],
                "minimum": ["maximum"], "floor": ["ceil", "round"], "ceil": ["floor", "round"],
                "round": ["floor", "ceil"], "int": ["round"], "sum": ["mean"], "mean": ["sum"], "prod": ["sum"],
                "cumprod": ["cumsum"], "cumsum": ["cumprod"], "log": ["log10"], "log10": ["log"], "expm1": ["exp"],
                "log1p": ["log"], "sin": ["cos"], "cos": ["sin"], "any": ["all"], "all": ["any"],
                "zeros": ["ones"], "zeros_like": ["ones_like"], "ones": ["zeros"], "ones_like": ["zeros_like"],
                "real": ["imag"], "imag": ["real"]}


class Mutant(NamedTuple):
    """A solution with one slip in it.

    slip      "was -> is", the line without its comment
    function  to give to `Exercise.judge`
    """

    slip: str
    function: Any


class _Stuck(BaseException):
    """A mutant's loop does not end."""


def mutants(exercise: Exercise) -> Iterator[Mutant]:
    """Every mutant of an exercise's solution that is another program than the solution."""
    source = exercise.source()
    tree = ast.parse(source)
    name = exercise.solution.__name__
    program, seen = ast.unparse(tree), {ast.unparse(tree)}
    function = next(node for node in tree.body if getattr(node, "name", "") == name)
    place = tree.body.index(function)
    for number, node in enumerate(ast.walk(function)):
        for variant in range(len(list(_slips(node)))):
            changed = ast.parse(source)
            list(_slips(list(ast.walk(changed.body[place]))[number]))[variant]()
            text = ast.unparse(ast.fix_missing_locations(changed))
            if text not in seen:
                seen.add(text)
                with contextlib.suppress(SyntaxError):  # of a call, say, where a value is put
                    yield Mutant(_slip(program, text), function_of(text, exercise))


def survivors(exercise: Exercise) -> list[str]:
    """The slips with which the solution still passes."""
    judged = dataclasses.replace(exercise, mistakes=[])
    return [mutant.slip for mutant in mutants(exercise) if _passes(judged, mutant.function)]


def fingerprint(exercise: Exercise) -> str:
    """Of a solution, its comments and its layout aside: the notes on its mutants hold for this one."""
    return f"{zlib.crc32(ast.unparse(ast.parse(exercise.source())).encode()):08x}"


def _passes(exercise: Exercise, function: Any) -> bool:
    """As `judge` has it; why an answer is wrong is not asked, and no slip calls what an exercise forbids."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        outcomes, stopped = exercise._run(function)
        return not stopped and not any(changed or exercise._difference(result, need)
                                       for (result, changed), need in zip(outcomes, exercise.needed))


def _slip(before: str, after: str) -> str:
    lines = list(difflib.ndiff(before.splitlines(), after.splitlines()))
    was, now = ("; ".join(line[2:].strip() for line in lines if line.startswith(sign)) for sign in "-+")
    return f"{was} -> {now or 'nothing'}"


def function_of(text: str, exercise: Exercise) -> Any:
    """The function of a program, in the names of its module; its loops are counted."""
    tree = ast.parse(text)
    for node in ast.walk(tree):
        if isinstance(node, (ast.For, ast.While)):
            node.body.insert(0, ast.parse("_count()").body[0])
    rounds = 0

    def count() -> None:
        nonlocal rounds
        rounds += 1
        if rounds > _LIMIT:
            raise _Stuck("a loop without an end")

    module = vars(sys.modules[exercise.solution.__module__])
    names = {key: value for key, value in module.items() if isinstance(value, types.ModuleType)}
    names |= {"NamedTuple": NamedTuple, "_count": count}
    exec(compile(ast.fix_missing_locations(tree), "mutant", "exec", __future__.annotations.compiler_flag), names)
    return names[exercise.solution.__name__]


def _slips(node: ast.AST) -> Iterator[Any]:
    """What can be done to a node, each a function that changes it in place; the same ones for its copy."""
    yield from _of_statements(node)
    yield from _of_operations(node)
    yield from _of_calls(node)
    yield from _of_places(node)


def _set(node: ast.AST, field: str, value: Any) -> Any:
    return lambda: setattr(node, field, value)


def _become(node: ast.AST, other: ast.AST) -> Any:
    """A node takes the place of the one that holds it, whose class and fields become its own."""
    def change() -> None:
        kept = copy.deepcopy(other)
        node.__class__ = kept.__class__
        node.__dict__.clear()
        node.__dict__.update(kept.__dict__)
    return change


def _moved(node: ast.expr, by: int) -> ast.expr:
    return ast.BinOp(copy.deepcopy(node), ast.Add() if by > 0 else ast.Sub(), ast.Constant(abs(by)))


def _of_statements(node: ast.AST) -> Iterator[Any]:
    """A line is left out, or changes what it should replace."""
    if isinstance(node, (ast.AugAssign, ast.Assign)) or isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
        yield _become(node, ast.Pass())
    if isinstance(node, ast.AugAssign):
        yield _become(node, ast.Assign([node.target], node.value))
    if isinstance(node, ast.Assign) and isinstance(node.value, ast.BinOp):
        if ast.unparse(node.targets[0]) == ast.unparse(node.value.left):
            yield _become(node, ast.AugAssign(node.targets[0], node.value.op, node.value.right))
    if isinstance(node, (ast.If, ast.IfExp)):
        yield _set(node, "test", ast.Constant(True))
        yield _set(node, "test", ast.Constant(False))
    if isinstance(node, ast.comprehension) and node.ifs:
        yield _set(node, "ifs", [])
    if isinstance(node, ast.Return):
        several = isinstance(node.value, ast.Tuple)
        if several:
            yield _set(node.value, "elts", node.value.elts[::-1])
        for i, part in enumerate(node.value.elts if several else [node.value]):
            for operation, value in ((ast.Mult(), -1), (ast.Mult(), 2), (ast.Div(), 2), (ast.Pow(), 2)):
                other = ast.BinOp(part, operation, ast.Constant(value))
                yield _set(node.value, "elts", [*node.value.elts[:i], other, *node.value.elts[i + 1:]]) if several \
                    else _set(node, "value", other)


def _of_operations(node: ast.AST) -> Iterator[Any]:
    """Another operation, one side alone, the sides swapped; a sign, a number."""
    if isinstance(node, (ast.BinOp, ast.AugAssign, ast.BoolOp)):
        for other in _OTHER_OPERATORS.get(type(node.op), []):
            yield _set(node, "op", other())
    if isinstance(node, ast.Compare):
        for other in _OTHER_OPERATORS.get(type(node.ops[0]), []):
            yield _set(node, "ops", [other(), *node.ops[1:]])
    if isinstance(node, ast.BinOp):
        yield _become(node, node.left)
        yield _become(node, node.right)
        if isinstance(node.op, (ast.Sub, ast.Div, ast.Pow, ast.MatMult)):
            yield _become(node, ast.BinOp(node.right, node.op, node.left))
    if isinstance(node, ast.UnaryOp):
        yield _become(node, node.operand)
    if isinstance(node, ast.Constant) and type(node.value) in (int, float, complex):
        for value in (node.value + 1, node.value - 1, node.value * 2, node.value / 2, -node.value):
            if value != node.value:
                yield _set(node, "value", value)


def _of_calls(node: ast.AST) -> Iterator[Any]:
    """Another function, none, one argument less; a matrix transposed, or not."""
    if isinstance(node, ast.Call):
        name = getattr(node.func, "attr", getattr(node.func, "id", ""))
        if len(node.args) == 1 and name not in _FORMS:
            yield _become(node, node.args[0])
        if not node.args and isinstance(node.func, ast.Attribute):
            yield _become(node, node.func.value)
        if len(node.args) > 1 and name != "range":
            yield _set(node, "args", node.args[:-1])
        for i in range(len(node.keywords)):
            yield _set(node, "keywords", node.keywords[:i] + node.keywords[i + 1:])
    if isinstance(node, (ast.Attribute, ast.Name)):
        field = "attr" if isinstance(node, ast.Attribute) else "id"
        for other in _OTHER_NAMES.get(getattr(node, field), []):
            yield _set(node, field, other)
    if isinstance(node, ast.Attribute) and node.attr == "T":
        yield _become(node, node.value)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.MatMult):
        yield _set(node, "left", ast.Attribute(copy.deepcopy(node.left), "T"))
        yield _set(node, "right", ast.Attribute(copy.deepcopy(node.right), "T"))


def _of_places(node: ast.AST) -> Iterator[Any]:
    """One earlier or one later: an index, an end of a slice or of a range; all of it instead of a part."""
    if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "range":
        for i, end in enumerate(node.args):
            for by in (-1, 1):
                yield _set(node, "args", [*node.args[:i], _moved(end, by), *node.args[i + 1:]])
    if isinstance(node, ast.Subscript):
        places = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
        yield _become(node, node.value)
        for i, place in enumerate(places):
            for other in _other_places(place):
                rest = [*places[:i], other, *places[i + 1:]]
                yield _set(node, "slice", ast.Tuple(rest) if len(rest) > 1 else other)


def _other_places(place: ast.expr) -> Iterator[ast.expr]:
    if not isinstance(place, ast.Slice):
        if not (isinstance(place, ast.Constant) and not isinstance(place.value, int)):
            yield from (_moved(place, by) for by in (-1, 1))
        return
    for field in ("lower", "upper", "step"):
        end = getattr(place, field)
        if end is None:
            continue
        fields = {name: getattr(place, name) for name in ("lower", "upper", "step")}
        others = [None] if field == "step" else [None, _moved(end, -1), _moved(end, 1)]
        yield from (ast.Slice(**fields | {field: other}) for other in others)


def functions() -> list[Exercise]:
    """The exercises that ask for a function, of all lessons."""
    return [exercise for number in numbers_of_banks() for exercise in bank_of(number).exercises if exercise.cases]


if __name__ == "__main__":
    for each in functions():
        if each.id in sys.argv[1:] or each.id.partition(".")[0] in sys.argv[1:]:
            print(f'["{each.id}"]\nsolution = "{fingerprint(each)}"')
            for passing in survivors(each):
                print(f'{json.dumps(passing)} = ""')
