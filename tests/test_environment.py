"""environment.yml, pyproject.toml and constraints.txt ask for the same packages; Binder takes the first."""
import ast
import os
import subprocess
import sys
import tomllib
from importlib import metadata
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version
from rattler import MatchSpec
from rattler import Version as CondaVersion
from rattler import VersionSpec

ROOT = Path(__file__).parents[1]
CONDA_NAMES = {"torch": "pytorch-cpu", "matplotlib": "matplotlib-base"}  # where they differ from PyPI's
CONDA_ONLY = {"python", "pip"}
PIP_ONLY = {"jupyterlab-slideshow"}  # that pip's `-e .` brings; conda-forge may not have them
NOT_HERE = {"playwright": ["playwright"],  # where the extra `browser` is not installed
            "axe_playwright_python": ["axe-playwright-python"]}


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


def environment():
    return yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))


def conda_specs(environment):
    """Return the conda packages of an environment.yml, as {name: VersionSpec}, and pip's lines."""
    unknown = set(environment) - {"name", "channels", "dependencies"}
    assert not unknown, f"environment.yml has the keys {unknown}, which conda would pass over"
    specs, pip = {}, []
    for line in environment["dependencies"]:
        if isinstance(line, dict):
            assert set(line) == {"pip"}
            pip = line["pip"]
        else:
            spec = MatchSpec(line, strict=True)
            assert spec.name.normalized not in specs, f"{line} stands twice"
            specs[spec.name.normalized] = VersionSpec(spec.version) if spec.version else None
    return specs, pip


def test_every_package_is_pinned_within_its_range():
    pins = constraints()
    for name, asked in dependencies("lab", "watch", "test", "browser").items():
        assert name in pins, f"{name} is not in constraints.txt"
        assert pins[name] in asked.specifier, f"{name} is pinned to {pins[name]}, outside {asked.specifier}"


def test_every_pin_allows_the_oldest_python():
    oldest = next(str(each.version) for each in SpecifierSet(pyproject()["requires-python"]) if each.operator == ">=")
    installed = {canonicalize_name(each.name): each for each in metadata.distributions()}
    here = {name: installed[name] for name in constraints() if name in installed}
    assert len(here) > 100
    for name, each in here.items():
        assert Version(f"{oldest}.0") in SpecifierSet(each.metadata.get("Requires-Python", "")), \
            f"{name} {each.version} needs Python {each.metadata.get('Requires-Python')}"


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
    ("course_lib", ["lab"]), ("tools", ["lab", "test", "slides", "handout"]),
    ("tests", ["lab", "test", "browser", "slides"])])
def test_what_is_imported_is_asked_for(folder, extras):
    asked, packages = set(dependencies(*extras)), metadata.packages_distributions()
    for module in imported(folder) - (OF_THE_READER if folder == "course_lib" else set()):
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


def test_conda_gives_the_same_packages():
    specs, pip = conda_specs(environment())
    asked = {name: requirement for name, requirement in dependencies("lab").items() if name not in PIP_ONLY}
    assert set(dependencies("lab")) >= PIP_ONLY
    assert set(specs) == {CONDA_NAMES.get(name, name) for name in asked} | CONDA_ONLY
    assert pip == ["-e .[lab]"]
    assert environment()["channels"][0] == "conda-forge"
    pins = constraints()
    for name, requirement in asked.items():
        conda = specs[CONDA_NAMES.get(name, name)]
        for version in versions_near(requirement.specifier) + [str(pins[name])]:
            allowed = version in requirement.specifier
            assert conda.matches(CondaVersion(version)) == allowed, f"{name} {version}"


def versions_near(specifiers):
    """Return versions on both sides of each end of a range."""
    found = []
    for specifier in specifiers:
        *front, last = Version(specifier.version).release
        numbers = [number for number in (last - 1, last, last + 1) if number >= 0]
        found += [".".join(map(str, [*front, number])) for number in numbers]
        found.append(specifier.version + ".7")
    return found


def test_python_of_conda_is_allowed_and_torch_is_a_range():
    specs, _ = conda_specs(environment())
    allowed = SpecifierSet(pyproject()["requires-python"])
    conda = [minor for minor in range(30) if specs["python"].matches(CondaVersion(f"3.{minor}.1"))]
    assert len(conda) == 1 and f"3.{conda[0]}.1" in allowed
    assert "3.11.0" in allowed and "3.10.99" not in allowed
    for torch in ("2.9.1", "2.13.0", "2.14.0"):
        assert specs["pytorch-cpu"].matches(CondaVersion(torch))
    for lab, allowed in (("4.4.9", False), ("4.6.0", True), ("4.7.0", False)):
        assert specs["jupyterlab"].matches(CondaVersion(lab)) == allowed


@pytest.mark.parametrize("key, value", [("packages", []), ("pip", ["x"])])
def test_an_unknown_key_is_found(key, value):
    with pytest.raises(AssertionError, match=key):
        conda_specs(environment() | {key: value})


@pytest.mark.parametrize("line", ["numpy>>2", "numpy=>2", "py torch cpu >= 2", "{numpy"])
def test_a_spec_that_conda_cannot_read_is_found(line):
    with pytest.raises(Exception, match="(?i)spec|parse|valid"):
        conda_specs(environment() | {"dependencies": [line]})


def test_binder_takes_environment_yml_with_the_whole_repository():
    said = subprocess.run([sys.executable, "-m", "repo2docker", "--no-build", "--debug", "."], cwd=ROOT,
                          capture_output=True, text=True)
    recipe = said.stdout + said.stderr
    assert said.returncode == 0, recipe
    update = recipe.index('env update -p ${NB_PYTHON_PREFIX} --file "environment.yml"')
    # pip's -e . needs what it installs: repo2docker must copy the repository before.
    assert recipe.index(" src/ ${REPO_DIR}") < update
    assert 'ENV R2D_ENTRYPOINT="${REPO_DIR}/start"' in recipe


@pytest.mark.skipif(sys.platform == "win32", reason="Binder is Linux")
@pytest.mark.parametrize("given, threads", [({}, "1"), ({"OPENBLAS_NUM_THREADS": "2"}, "2")])
def test_binder_s_start_gives_numpy_one_thread_and_what_it_starts_its_arguments(given, threads):
    environment = {name: value for name, value in os.environ.items() if name != "OPENBLAS_NUM_THREADS"} | given
    code = "import os, sys; print(os.environ['OPENBLAS_NUM_THREADS'], sys.argv[1:])"
    said = subprocess.check_output([ROOT / "start", sys.executable, "-c", code, "a b", "c"], env=environment, text=True)
    assert said.strip() == f"{threads} ['a b', 'c']"
