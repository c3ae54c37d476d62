"""pyproject.toml and constraints.txt ask for the same packages; tests/test_binder.py has environment.yml."""
import ast
import sys
import tomllib
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).parents[1]
NEWEST = "3.14"  # that numpy and torch have wheels for, at the versions pinned
NOT_HERE = {name: [name.replace("_", "-")] for name in (  # where the extras `browser` and `adapters` are not installed
    "playwright", "axe_playwright_python", "lightning", "pytorch_lightning", "transformers", "tensorboard", "pandas")}


OF_THE_READER = {"lightning", "pytorch_lightning", "transformers", "pandas"}  # watch writes to them where they are


def pyproject():
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def dependencies(*extras):
    """Return the packages pyproject.toml asks for, as {name: Requirement}."""
    project = pyproject()
    lines = sum((project["optional-dependencies"][extra] for extra in extras), project["dependencies"])
    return {canonicalize_name(Requirement(line).name): Requirement(line) for line in lines}


def constraints():
    """Return the exact versions of constraints.txt, as {name: Version}."""
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pins = [Requirement(line) for line in lines if not line.startswith("#")]
    assert all(len(pin.specifier) == 1 and next(iter(pin.specifier)).operator == "==" for pin in pins)
    exact = {canonicalize_name(pin.name): Version(next(iter(pin.specifier)).version) for pin in pins}
    assert len(exact) == len(pins)
    return exact


def test_every_package_is_pinned_within_its_range():
    pins = constraints()
    for extra in pyproject()["optional-dependencies"]:
        for name, asked in dependencies(extra).items():
            assert name in pins, f"{name} of [{extra}] is not in constraints.txt"
            assert pins[name] in asked.specifier, f"{name} is pinned to {pins[name]}, [{extra}] asks {asked.specifier}"


def test_every_pin_allows_the_oldest_and_the_newest_python():
    oldest = next(str(each.version) for each in SpecifierSet(pyproject()["requires-python"]) if each.operator == ">=")
    installed = {canonicalize_name(each.name): each for each in metadata.distributions()}
    here = {name: installed[name] for name in constraints() if name in installed}
    assert len(here) > 100
    for name, each in here.items():
        allowed = SpecifierSet(each.metadata.get("Requires-Python", ""))
        assert f"{oldest}.0" in allowed and f"{NEWEST}.0" in allowed, f"{name} {each.version} needs Python {allowed}"
    assert f"Python {oldest} to {NEWEST}" in (ROOT / "README.md").read_text(encoding="utf-8")


SYSTEMS = {"linux": {"sys_platform": "linux", "platform_system": "Linux", "os_name": "posix"},
           "darwin": {"sys_platform": "darwin", "platform_system": "Darwin", "os_name": "posix"},
           "win32": {"sys_platform": "win32", "platform_system": "Windows", "os_name": "nt"}}


@pytest.mark.parametrize("python", ["3.11", NEWEST])
@pytest.mark.parametrize("system", SYSTEMS)
def test_the_pins_are_a_lock_for_every_system(system, python):
    """Whatever a pinned package asks for there is pinned too, to a version that it allows."""
    pins, asked = constraints(), list(dependencies("lab", "test", "adapters").values())
    installed = {canonicalize_name(each.name): each for each in metadata.distributions()}
    place = SYSTEMS[system] | {"python_version": python, "python_full_version": f"{python}.0", "platform_machine":
                               "x86_64", "platform_python_implementation": "CPython", "implementation_name": "cpython"}
    seen = set()
    while asked:
        wanted = asked.pop()
        name = canonicalize_name(wanted.name)
        assert name in pins, f"on {system} {wanted} is needed, and constraints.txt does not pin it"
        assert wanted.specifier.contains(pins[name], prereleases=True), f"{wanted} is asked for, {pins[name]} is pinned"
        if name == "torch" or (name, *wanted.extras) in seen or name not in installed:
            continue  # a CUDA build names the exact versions that it needs itself
        seen.add((name, *wanted.extras))
        for line in metadata.distribution(name).requires or []:
            further = Requirement(line)
            if further.marker is None or any(further.marker.evaluate(place | {"extra": extra})
                                             for extra in (*wanted.extras, "")):
                asked.append(further)
    assert len(seen) > 100


def test_what_runs_here_is_what_is_pinned():
    pins = constraints()
    for name in dependencies("lab", "test"):
        assert Version(metadata.version(name)).public == str(pins[name])


def imported(folder):
    """Return the modules of others that the files in a folder import."""
    names = set()
    for file in (ROOT / folder).rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                names |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and not node.level:
                names.add(node.module.partition(".")[0])
    own = {file.stem for place in ("tools", "tests") for file in (ROOT / place).rglob("*.py")}
    return names - own - {"course_lib"} - set(sys.stdlib_module_names)


@pytest.mark.parametrize("folder, extras", [
    ("course_lib", ["lab"]), ("tools", ["lab", "test", "slides", "handout", "lite"]),
    ("tests", ["lab", "test", "browser", "slides", "adapters"])])
def test_what_is_imported_is_asked_for(folder, extras):
    asked, packages = set(dependencies(*extras)), metadata.packages_distributions()
    for module in imported(folder) - (OF_THE_READER if folder == "course_lib" else {"ray"}):  # no extra brings Ray
        names = {canonicalize_name(name) for name in packages.get(module, NOT_HERE.get(module, []))}
        assert names & asked, f"{folder}/ imports {module}, which pyproject.toml does not ask for"


def test_numpy_is_the_one_hard_dependency_and_lab_holds_what_watch_needs():
    assert set(dependencies()) == {"numpy"}
    extras = pyproject()["optional-dependencies"]
    assert set(extras["watch"]) < set(extras["lab"])


def test_watch_asks_for_what_the_microscope_and_its_picture_import():
    of_lab = {"IPython", "ipywidgets"}  # plot(live=True) and screen.live say so where they are missing
    needed = imported("course_lib/watch") | imported("course_lib/screen")
    assert needed - of_lab - OF_THE_READER == {"numpy", "torch", "matplotlib", "PIL"}
    assert {"numpy", "torch", "matplotlib", "pillow"} == set(dependencies("watch"))


def test_torch_is_the_tested_one_and_has_no_local_label():
    assert str(constraints()["torch"]) == "2.13.0"
