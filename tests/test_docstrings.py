"""What a docstring has to tell, counted over all of course_lib: that a function raises, and the shape of what it returns.

A public function or method that raises, or that hands its input to _checks, names its errors, or its class or module does
for all of its functions. One that is annotated to return an array names a shape.
"""

import ast
import re
from pathlib import Path

import pytest

LIBRARY = Path(__file__).parents[1] / "course_lib"
ERRORS = re.compile(r"\b([Ee]rrors|[Rr]aises?|\w+Error)\b")
CONTRACT = {"draw", "compute", "move", "describe"}  # of a figure: screen/figure.py says for all what they do


def modules():
    return [path for path in sorted(LIBRARY.rglob("*.py"))
            if path.name != "exercises.py" and "scripts" not in path.parts]


def public(tree):
    """(names, function, texts that may speak for it) of all public functions and methods."""
    for node in tree.body:
        if isinstance(node, ast.FunctionDef):
            yield node.name, node, [tree]
        elif isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
            for inner in node.body:
                if isinstance(inner, ast.FunctionDef) and inner.name not in CONTRACT:
                    yield f"{node.name}.{inner.name}", inner, [tree, node]


def own(function):
    """The nodes of a function without those of the functions inside it."""
    for child in ast.iter_child_nodes(function):
        yield child
        if not isinstance(child, (ast.FunctionDef, ast.Lambda)):
            yield from own(child)


def raises(function, checks):
    """Whether a function raises an error of its own, or calls _checks, whose functions may be imported by name."""
    for node in own(function):
        if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call):
            return True
        if isinstance(node, ast.Call) and ast.unparse(node.func).removeprefix("_checks.") != ast.unparse(node.func):
            return True
        if isinstance(node, ast.Call) and ast.unparse(node.func) in checks:
            return True
    return False


def faults(path, text=None):
    tree = ast.parse(path.read_text(encoding="utf-8") if text is None else text)
    checks = {name.name for node in tree.body if isinstance(node, ast.ImportFrom) and node.module == "_checks"
              for name in node.names}
    for name, function, above in public(tree):
        if function.name.startswith("_") and function.name != "__init__":
            continue
        said = ast.get_docstring(function) or ""
        inherited = "\n".join(ast.get_docstring(node) or "" for node in above)
        if raises(function, checks) and not ERRORS.search(said + inherited):
            yield f"{path.relative_to(LIBRARY)}: {name} raises, but names no errors"
        if function.returns is not None and ast.unparse(function.returns) == "np.ndarray" and "(" not in said:
            yield f"{path.relative_to(LIBRARY)}: {name} returns an array, but names no shape"


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(LIBRARY)))
def test_docstrings_name_errors_and_shapes(path):
    assert not list(faults(path))


@pytest.mark.parametrize("text, count", [
    ('def f(x):\n    """f."""\n    raise ValueError("x")', 1),
    ('def f(x):\n    """f.\n\n    errors  ValueError\n    """\n    raise ValueError("x")', 0),
    ('"""All errors are ValueErrors."""\ndef f(x):\n    raise ValueError("x")', 0),
    ('def f(x):\n    """f."""\n    _checks.array("x", x)', 1),
    ('from .._checks import count\ndef f(x):\n    """f."""\n    count("x", x)', 1),
    ('def _f(x):\n    raise ValueError("x")', 0),
    ('class A:\n    def f(self):\n        """f."""\n        raise ValueError("x")', 1),
    ('def f(x):\n    """f."""\n    def g():\n        raise ValueError("x")', 0),
    ('def f(x) -> np.ndarray:\n    """An array."""', 1),
    ('def f(x) -> np.ndarray:\n    """An array (T,)."""', 0)])
def test_the_check_finds_what_is_missing(text, count):
    assert len(list(faults(LIBRARY / "any.py", text))) == count
