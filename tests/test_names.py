"""One name, one thing: public names of course_lib that two modules give to different things, and code written twice."""

import ast
import collections
import io
import tokenize
from pathlib import Path

LIBRARY = Path(__file__).parents[1] / "course_lib"

# name: why two modules may both have it
TWICE = {
    "Clipped": "norm and whether it was clipped: of an array in clipping, of torch's gradients in watch",
    "Finding": "what was found, in a sentence: about this machine in ready, about a gradient in watch",
    "check": "a reader checks an answer in exercises.check, and the machine in ready.check",
    "get": "the one of this name, or number: activations.get, claims.get",
    "table": "what a notebook shows as a table: gradcheck.table, claims.table",
}
LITERAL = 3  # this many lines in a row, the same to the letter, are code written twice
HEADERS = "@", "def ", "class ", "super().__init__("  # a run of lines ends at them


def sources():
    return [path for path in sorted(LIBRARY.rglob("*.py"))
            if path.name != "exercises.py" and "scripts" not in path.parts]


def public_names():
    """{name: [modules]} of public functions and classes at the top level of a module."""
    found = collections.defaultdict(list)
    for path in sources():
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, (ast.FunctionDef, ast.ClassDef)) and not node.name.startswith("_"):
                found[node.name].append(str(path.relative_to(LIBRARY)))
    return found


def telling_lines(text):
    """(number, line) of what code does: no comments, docstrings, imports, fields or brackets; None at a header."""
    silent = set()
    for node in ast.walk(ast.parse(text)):
        docstring = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        if docstring or isinstance(node, (ast.Import, ast.ImportFrom)) or isinstance(
                node, ast.AnnAssign) and not node.value:
            silent |= set(range(node.lineno, node.end_lineno + 1))
    comments = {token.start[0]: token.start[1] for token in tokenize.generate_tokens(io.StringIO(text).readline)
                if token.type == tokenize.COMMENT}
    for number, line in enumerate(text.splitlines(), start=1):
        code = line[:comments.get(number)].strip()
        if number not in silent and code.strip(")]},:"):
            yield number, None if code.startswith(HEADERS) else code


def written_twice(texts):
    """[[place, place, ...]] of runs of LITERAL lines that are found at two places or more."""
    places = collections.defaultdict(list)
    for name, text in texts.items():
        lines = list(telling_lines(text))
        for run in zip(*(lines[i:] for i in range(LITERAL))):
            if all(code for _, code in run):
                places[tuple(code for _, code in run)].append(f"{name}:{run[0][0]}")
    return [where for where in places.values() if len(where) > 1]


def test_a_public_name_means_one_thing():
    assert len(TWICE) <= 8
    names = public_names()
    assert {name: where for name, where in names.items() if len(where) > 1 and name not in TWICE} == {}
    assert [name for name in TWICE if len(names[name]) < 2] == []


def test_no_three_lines_are_written_twice():
    assert written_twice({str(path.relative_to(LIBRARY)): path.read_text(encoding="utf-8") for path in sources()}) == []


def test_the_check_sees_three_lines_through_comments_and_blank_lines():
    first = "def f(x):\n    a = x + 1\n    b = 2 * a\n\n    return a * b\n"
    second = 'import os\ndef g(x):\n    """g."""\n    a = x + 1  # one more\n    # twice\n    b = 2 * a\n    return a * b\n'
    assert written_twice({"first": first, "second": second}) == [["first:2", "second:4"]]
    assert written_twice({"first": first, "second": second.replace("2 * a", "3 * a")}) == []
