"""The machine check of lesson 00: each thing that can be missing is said with its remedy."""

import importlib.metadata
import json
import re
import sys
from pathlib import Path

import pytest
from packaging.specifiers import SpecifierSet

from course_lib.lessons.nb00_start_here import ready

ROOT = Path(__file__).parents[2]


def test_this_machine_is_ready():
    report = ready.check()
    assert report.ready and repr(report).endswith("This machine is ready.")
    assert {"numpy", "torch", "jupyterlab"} <= {finding.what for finding in report}
    assert not {"pytest", "nbval"} & {finding.what for finding in report}  # the tests' packages are not the learner's


def test_what_is_missing_is_said_with_its_remedy(monkeypatch, tmp_path):
    assert "install a later one" in ready._python((3, 10))
    assert ready._package("numpy", SpecifierSet(">=99")).endswith("needs >=99: pip install 'numpy>=99'")
    assert "missing: run make lab" in ready._package("no-such-package", SpecifierSet(">=1"))
    monkeypatch.setattr(ready, "MEMORY", 1e9)
    assert "close other notebooks" in ready._memory()
    monkeypatch.setenv("COURSE_PROGRESS", str(tmp_path))  # a folder where the file should be
    assert "COURSE_PROGRESS" in ready._progress()
    report = ready.check()
    assert not report.ready and repr(report).endswith("see the lines without an ok.")


def test_a_home_that_is_missing_or_closed_is_a_line_of_the_report(monkeypatch):
    monkeypatch.setattr(ready, "default_path", lambda: None)
    assert ready._progress().startswith("cannot be kept, there is no home folder: start with COURSE_PROGRESS")

    class Closed(type(Path())):
        def exists(self, **_):
            raise PermissionError(13, "Permission denied")
    monkeypatch.setattr(ready, "default_path", lambda: Closed("/locked/progress.jsonl"))
    assert ready._progress() == (
        "/locked/progress.jsonl cannot be written: start with COURSE_PROGRESS set to a file that can")


@pytest.mark.parametrize("package", ["packaging", "psutil", "platformdirs"])
def test_without_one_of_its_own_packages_it_still_reports(monkeypatch, package):
    monkeypatch.delenv("COURSE_PROGRESS", raising=False)
    monkeypatch.setitem(sys.modules, package, None)
    if package == "packaging":
        monkeypatch.setitem(sys.modules, "packaging.requirements", None)
    report = ready.check()
    assert not report.ready and re.search(f"{package} is not installed|pip install {package}$", repr(report),
                                          re.MULTILINE)


def test_it_reports_in_order_what_notebook_00_shows():
    book = json.loads((ROOT / "notebooks" / "00_start_here.ipynb").read_text(encoding="utf-8"))
    shown = next(cell for cell in book["cells"] if cell["id"] == "ready")["outputs"][0]["data"]["text/plain"]
    assert repr(ready.check()) == "".join(shown)


def test_a_course_that_is_not_installed_says_so(monkeypatch):
    def missing(name):
        raise importlib.metadata.PackageNotFoundError(name)
    monkeypatch.setattr(importlib.metadata, "requires", missing)
    report = ready.check()
    assert not report.ready and "make lab" in repr(report)


def test_course_lib_alone_is_not_ready_for_the_lessons(monkeypatch, tmp_path):
    monkeypatch.setattr(ready.data, "FOLDER", tmp_path / "data")
    report = ready.check()
    assert not report.ready and report[-1] == (
        "the course's data", f"not in {tmp_path / 'data'}: this is course_lib alone, without the notebooks")


@pytest.mark.parametrize("platform, tag, torch", [("linux", "r1", True), ("emscripten", None, False)])
def test_on_colab_and_in_the_browser_the_packages_are_the_hosts(monkeypatch, platform, tag, torch):
    monkeypatch.setattr(sys, "platform", platform)
    if tag:
        monkeypatch.setenv("COLAB_RELEASE_TAG", tag)
    found = {finding.what: finding.remedy for finding in ready.check()}
    assert ("torch" in found) == torch and "jupyterlab" not in found and not any(found.values())
    monkeypatch.setattr(ready.importlib.util, "find_spec", lambda name: None)
    assert "start it anew" in repr(ready.check())


@pytest.mark.parametrize("version, fine", [((3, 11), True), ((3, 14), True), ((3, 10), False), ((2, 7), False)])
def test_python_version(version, fine):
    assert (ready._python(version) == "") == fine
