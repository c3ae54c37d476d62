"""The workflows for GitHub, which cannot run here: two linters read them, and what they name is there."""
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / ".github" / "workflows"
WORKFLOWS = sorted(FOLDER.glob("*.yml"))
every_workflow = pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)


def lint(path):
    """What the linters say of a file: of its keys and values by GitHub's schema, and of what makes it unsafe."""
    found = []
    for name, *arguments in (("check-jsonschema", "--builtin-schema", "vendor.github-workflows"),
                             ("zizmor", "--offline", "--no-progress", "--quiet")):
        program = shutil.which(name, path=Path(sys.executable).parent) or shutil.which(name)
        run = subprocess.run([program, *arguments, path], capture_output=True, text=True)
        found += [run.stdout + run.stderr] * bool(run.returncode)
    return "\n".join(found)


def commands(path):
    """The lines that a workflow runs."""
    jobs = yaml.safe_load(path.read_text(encoding="utf-8"))["jobs"].values()
    return "\n".join(step["run"] for job in jobs for step in job["steps"] if "run" in step)


def test_there_are_tests_pages_and_binder():
    assert [path.stem for path in WORKFLOWS] == ["binder", "pages", "tests"]


@every_workflow
def test_the_linters_find_nothing(path):
    assert lint(path) == ""


@pytest.mark.parametrize("name, old, new, words", [
    ("tests", "branches: [main]", "branch: [main]", "'branch'"),
    ("tests", "runs-on: ubuntu-latest", "runs_on: ubuntu-latest", "runs_on"),
    ("pages", "permissions:\n  contents: read\n", "", "excessive-permissions"),
    ("pages", "cd2ce8fcbc39b97be8ca5fce6e763baed58fa128 # v5.0.0", "v5.0.0", "unpinned-uses"),
    ("binder", '"The image of $VERSION"', '"The image of ${{ github.ref_name }}"', "template-injection"),
    ("binder", "          persist-credentials: false\n", "          fetch-depth: 1\n", "artipacked"),
])
def test_the_linters_see_a_fault(tmp_path, name, old, new, words):
    text = (FOLDER / f"{name}.yml").read_text(encoding="utf-8")
    assert old in text
    path = tmp_path / ".github" / "workflows" / f"{name}.yml"
    path.parent.mkdir(parents=True)
    path.write_text(text.replace(old, new), encoding="utf-8")
    assert words in lint(path)


@every_workflow
def test_every_action_is_one_commit_whose_version_is_said_in_full(path):
    used = re.findall(r"uses: *(.*)", path.read_text(encoding="utf-8"))
    assert used and all(re.fullmatch(r"actions/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", each) for each in used), used


def test_one_action_has_one_version():
    used = {re.sub("@.*", "", line): set() for path in WORKFLOWS for line in re.findall("uses: (.*)", path.read_text())}
    for path in WORKFLOWS:
        for line in re.findall("uses: (.*)", path.read_text(encoding="utf-8")):
            used[re.sub("@.*", "", line)].add(line)
    assert all(len(versions) == 1 for versions in used.values())


@every_workflow
def test_each_says_that_it_has_never_run(path):
    head = path.read_text(encoding="utf-8").split("\nname:")[0]
    assert "A linter reads this file" in head and "It has never run: no GitHub" in head
    assert all(line.startswith("# ") for line in head.splitlines())


def test_three_systems_the_oldest_and_the_newest_python_and_once_a_week_the_newest_dependencies():
    text = (FOLDER / "tests.yml").read_text(encoding="utf-8")
    workflow = yaml.safe_load(text)
    matrix = workflow["jobs"]["pinned"]["strategy"]["matrix"]
    assert [system.split("-")[0] for system in matrix["os"]] == ["ubuntu", "macos", "windows"]
    oldest = re.search(r'requires-python = ">=([\d.]+)"', (ROOT / "pyproject.toml").read_text(encoding="utf-8"))[1]
    assert matrix["python"] == [oldest, "3.14"]
    cron = workflow[True]["schedule"][0]["cron"].split()  # YAML reads the key `on` as true
    assert cron[2:4] == ["*", "*"] and cron[4].isdigit()
    newest = [step["run"] for step in workflow["jobs"]["newest"]["steps"] if "run" in step]
    assert not any("constraints" in line or "setup_env" in line for line in newest) and "schedule" in text


@every_workflow
def test_what_a_workflow_runs_is_in_the_repository(path):
    targets = re.findall(r"^([\w-]+): python  ##", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    assert set(re.findall(r"\bmake (\w[\w-]*)", commands(path))) <= set(targets)
    for place in re.findall(r"\b(?:tools|tests)/[\w/.-]+\.py", commands(path)):
        assert (ROOT / place).exists()
    for test in re.findall(r"--deselect \S+::(\w+)", commands(path)):
        assert f"def {test}(" in (ROOT / "tests" / "test_environment.py").read_text(encoding="utf-8")
