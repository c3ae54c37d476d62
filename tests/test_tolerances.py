"""No comparison keeps a library's own absolute tolerance, which sees nothing in a vanished gradient: it is said, or 0.

numpy and torch add 1e-8 to what rtol allows, pytest.approx 1e-12. Beside a written number that is large enough it is
harmless.
"""
import ast
from pathlib import Path

ROOT = Path(__file__).parent.parent
FILES = sorted(path for folder in ("course_lib", "tests", "tools", "data") for path in (ROOT / folder).rglob("*.py"))
# the function: its relative tolerance's name and usual value, its absolute one's
KINDS = {"allclose": ("rtol", 1e-5, "atol", 1e-8), "isclose": ("rtol", 1e-5, "atol", 1e-8),
         "assert_close": ("rtol", 0, "atol", 1e-5), "approx": ("rel", 1e-6, "abs", 1e-12)}
NEVER = "assert_almost_equal", "assert_array_almost_equal", "assert_approx_equal", "assertAlmostEqual"


def number(node, otherwise=None):
    """The number that is written here."""
    try:
        value = ast.literal_eval(node)
    except (ValueError, TypeError):
        return otherwise
    return value if isinstance(value, (int, float, complex)) else otherwise


def by_accident(source):
    """The calls in a text whose absolute tolerance nobody wrote, in its order."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Call):
            continue
        name = getattr(node.func, "attr", getattr(node.func, "id", ""))
        if name in NEVER:
            found.append(node)
        elif name in KINDS and ast.unparse(node.func) != "math.isclose":  # whose absolute one is 0
            relative, usual, absolute, added = KINDS[name]
            given = {keyword.arg: keyword.value for keyword in node.keywords}
            places = node.args[1:] if name == "approx" else node.args[2:]  # rtol, atol or rel, abs in their order
            given |= dict(zip((relative, absolute), places))
            size = number(next(iter(node.args[name != "approx":]), None), 0)
            if absolute not in given and abs(size) * number(given.get(relative), usual) < added:
                found.append(node)
    return sorted(found, key=lambda node: node.lineno)


def test_absolute_tolerances_are_written():
    assert not [f"{path.relative_to(ROOT)}:{node.lineno}: {ast.unparse(node)}" for path in FILES
                for node in by_accident(path.read_text(encoding="utf-8"))]


def test_each_kind_of_accident_is_seen():
    harmless = ["np.allclose(a, b, rtol=1e-9, atol=0)", "np.allclose(a, b, 1e-9, 0)", "math.isclose(a, b)", "approx(3)",
                "np.isclose(a, 1.)", "approx(b, rel=1e-9, abs=0)", "torch.testing.assert_close(a, b, rtol=0, atol=0)",
                "np.testing.assert_allclose(a, b, rtol=1e-9)"]
    accidents = ["np.allclose(a, b)", "np.allclose(a, b, rtol=1e-9)", "np.isclose(a, 0)", "np.isclose(a, 1, rtol=1e-9)",
                 "torch.allclose(a, b, 1e-9)", "approx(b)", "pytest.approx(b, rel=1e-9)", "approx(1e-9)", "approx(0)",
                 "torch.testing.assert_close(a, b)", "np.testing.assert_almost_equal(a, b)"]
    seen = by_accident("\n".join(harmless + accidents))
    assert [(harmless + accidents)[node.lineno - 1] for node in seen] == accidents
