"""The rule of the house: what is shared imports no lesson, a lesson no later one, and nothing imports upwards.

The order is that of the docstring of `course_lib`. An import inside a function counts like any other.
"""
import ast
import functools
import re
import subprocess
import sys

import pytest

import course_lib
import notebooks

ROOT = notebooks.ROOT
LIBRARY = ROOT / "course_lib"
FILES = sorted(path for path in LIBRARY.rglob("*.py") if "scripts" not in path.parts)  # patients run by themselves
LESSON = re.compile(r"course_lib\.lessons\.nb(\d\d)_")


def named(path):
    """A file's name as a module, and as the package that its relative imports start from."""
    parts = list(path.relative_to(ROOT).with_suffix("").parts)
    if parts[-1] == "__init__":
        return ".".join(parts[:-1]), ".".join(parts[:-1])
    return ".".join(parts), ".".join(parts[:-1])


MODULES = {named(path)[0]: path for path in FILES}


def order():
    """What is directly in course_lib, in the order of its docstring; names with a leading _ come before all."""
    found = []
    for title, rest in re.findall(r"^    (\S+) +(.*)$", course_lib.__doc__, re.MULTILINE):
        words = [title] if title.endswith("/") else rest.split()
        found += [word.strip("/") for word in words if f"course_lib.{word.strip('/')}" in MODULES]
    return found


ORDER = order()


def place(module):
    """Where a module is in the order; -1 for a private one."""
    top = module.split(".")[1]
    return -1 if top.startswith("_") else ORDER.index(top)


@functools.cache
def imports(source, package):
    """The imports of a piece of code: (module of course_lib, line, whether inside a function)."""
    tree, found = ast.parse(source), []
    inside = {line for function in ast.walk(tree) if isinstance(function, ast.FunctionDef)
              for line in range(function.lineno, function.end_lineno + 1)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            above = package.split(".")[:len(package.split(".")) - node.level + 1] if node.level else []
            base = ".".join(above + ([node.module] if node.module else []))
            names = [f"{base}.{alias.name}" if f"{base}.{alias.name}" in MODULES else base for alias in node.names]
        else:
            continue
        found += [(name, node.lineno, node.lineno in inside) for name in dict.fromkeys(names)
                  if name.split(".")[0] == "course_lib"]
    return found


def faults(module, source):
    """Return what breaks the rule in a module's code, as sentences."""
    package = named(MODULES[module])[1] if module in MODULES else module.rpartition(".")[0]
    own, found = LESSON.match(f"{module}."), []
    for name, line, late in imports(source, package):
        lesson = LESSON.match(f"{name}.")
        if lesson and not own:
            found.append(f"line {line}: what is shared imports a lesson, {name}")
        elif lesson and own and lesson[1] > own[1]:
            found.append(f"line {line}: lesson {own[1]} imports a later one, {name}")
        elif name != "course_lib" and not own and place(name) > place(module):
            found.append(f"line {line}: {name} comes later in the order of course_lib")
        if late and name.rpartition(".")[0] != package:
            found.append(f"line {line}: {name} is imported inside a function, and is in another folder")
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and ast.unparse(node.func).endswith(("import_module", "__import__")):
            asked = ast.unparse(node.args[0])
            if not asked.startswith("f'{__package__}.") and not module.startswith("course_lib.exercises."):
                found.append(f"line {node.lineno}: {asked} is imported by its name")
    return found


@pytest.mark.parametrize("module", MODULES)
def test_nothing_imports_upwards(module):
    assert faults(module, MODULES[module].read_text(encoding="utf-8")) == []


def test_the_order_names_every_module():
    assert len(ORDER) == len(set(ORDER)) and ORDER[0] == "activations" and ORDER[-1] == "lessons"
    tops = {module.split(".")[1] for module in MODULES if module != "course_lib"}
    assert {top for top in tops if not top.startswith("_")} == set(ORDER)


def test_readme_gives_the_same_reading_order():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    said = re.search(r"Reading order is import order(.*?)`cells` holds", text, re.DOTALL)[1]
    assert [word for group in re.findall(r"`([^`]*)`", said) for word in group.split()] == ORDER[:-1]


def test_there_is_no_circle():
    wanted = {module: {name for name, *_ in imports(path.read_text(encoding="utf-8"), named(path)[1])}
              for module, path in MODULES.items()}
    while leaves := [module for module, names in wanted.items() if not names & set(wanted)]:
        for module in leaves:
            del wanted[module]
    assert wanted == {}


@pytest.mark.parametrize("path", notebooks.paths(), ids=lambda path: path.stem)
def test_a_notebook_imports_no_later_lesson(path):
    code = "\n".join(cell.source for cell in notebooks.read(path).cells if cell.cell_type == "code")
    used = re.findall(r"^(?:from|import) course_lib\.lessons\.nb(\d\d)_", code, re.MULTILINE)
    assert all(number <= path.stem[:2] for number in used), used


def test_a_lesson_s_folder_is_named_as_its_notebook():
    folders = sorted(path.name for path in (LIBRARY / "lessons").glob("nb*"))
    assert folders == [f"nb{path.stem}" for path in notebooks.paths()]


@pytest.mark.parametrize("module, source, fault", [
    ("course_lib.exercises.judge", "from ..lessons.nb15_the_clinic import clinic", "what is shared imports a lesson"),
    ("course_lib.bptt", "def f():\n    import course_lib.lessons.nb01_gradients", "what is shared imports a lesson"),
    ("course_lib.lessons.nb07_exploding.wall", "from ..nb08_clipping import rescue", "lesson 07 imports a later one"),
    ("course_lib.cells.rnn", "from .. import activations, bptt", "course_lib.bptt comes later"),
    ("course_lib.jacobians", "from .clipping import clip_by_norm", "course_lib.clipping comes later"),
    ("course_lib._checks", "from . import activations", "course_lib.activations comes later"),
    ("course_lib.train", "def f():\n    from .bptt import run\n    from .cells.rnn import RNN", "in another folder"),
    ("course_lib.train", "importlib.import_module('course_lib.lessons.nb01_gradients')", "imported by its name"),
])
def test_what_breaks_the_rule_is_found(module, source, fault):
    assert any(fault in each for each in faults(module, source))


@pytest.mark.parametrize("module, source", [
    ("course_lib.lessons.nb12_gru.figures", "from ..nb11_lstm import roads\nfrom ...cells import gru\nimport torch"),
    ("course_lib.watch.flow", "def f():\n    from .picture import Curve\n    import torch"),
    ("course_lib.jacobians", "from . import _checks, activations, bptt, cells"),
])
def test_what_keeps_it_passes(module, source):
    assert faults(module, source) == []


# What is loaded

@pytest.mark.parametrize("code, kept_out", [
    ("import course_lib.bptt", ("torch", "matplotlib", "course_lib.lessons")),
    ("from course_lib.lessons.nb07_exploding import wall", ("torch", "matplotlib")),
    ("from course_lib.lessons.nb07_exploding import dynamics", ("torch", "matplotlib")),
])
def test_the_light_stays_light(code, kept_out):
    said = subprocess.run([sys.executable, "-c", f"import sys; {code}; print(*sys.modules)"], cwd=ROOT, text=True,
                          stdout=subprocess.PIPE, check=True).stdout.split()
    assert code.split()[1] in said and not set(kept_out) & set(said)


# How long it is

def lines(paths):
    return {path.relative_to(LIBRARY).as_posix(): path.read_bytes().count(b"\n") for path in paths}


def test_the_shared_library_is_small_and_readme_says_how_small():
    shared = sum(count for name, count in lines(LIBRARY.rglob("*.py")).items()
                 if not name.startswith(("lessons/", "watch/")))
    assert shared <= 6000
    assert f"about {round(shared, -2)} lines" in (ROOT / "README.md").read_text(encoding="utf-8")


def test_no_module_is_long_and_the_lessons_stay_within_their_size():
    """A lesson's exercises.py is a list of answers that students give, each with its sentence: it may grow."""
    counts = {name: count for name, count in lines(LIBRARY.rglob("*.py")).items()
              if not re.fullmatch(r"lessons/nb\w+/exercises\.py", name)}
    assert {name: count for name, count in counts.items() if count > 450} == {}
    assert sum(count for name, count in counts.items() if not name.startswith("watch/")) < 21151


def too_long(folders, most=120):
    """The places of lines of code that have more characters than that."""
    return [f"{path.relative_to(ROOT).as_posix()}:{number}" for folder in folders
            for path in sorted((ROOT / folder).rglob("*.py"))
            for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1) if len(line) > most]


def test_no_line_becomes_longer_than_120_characters():
    """As many as were there when this was first counted may stay: the bound comes down with each that is broken."""
    found = too_long(["course_lib", "data", "tests", "tools"])
    assert len(found) <= 130, found
