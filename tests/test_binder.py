"""Binder: what repo2docker makes of the repository, and what a session finds: packages, threads, files, words."""
import os
import re
import shutil
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import setup_env
from course_lib.lessons.nb00_start_here import ready
from test_environment import constraints, dependencies
from test_setup import served, set_for_the_course

ROOT = Path(__file__).parents[1]
LINUX = pytest.mark.skipif(sys.platform == "win32", reason="Binder is Linux")
THREADS = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")


# The image

@pytest.fixture(scope="module")
def recipe():
    """What repo2docker would do."""
    said = subprocess.run([sys.executable, "-m", "repo2docker", "--no-build", "--debug", "."], cwd=ROOT,
                          capture_output=True, text=True)
    assert said.returncode == 0, said.stdout + said.stderr
    return said.stdout + said.stderr


@pytest.mark.long
def test_the_packages_are_a_layer_of_their_own_and_the_course_comes_last(recipe):
    files = recipe.index("src/environment.yml ${REPO_DIR}/environment.yml")
    packages = recipe.index('env update -p ${NB_PYTHON_PREFIX} --file "environment.yml"')
    course, last = recipe.index(" src/ ${REPO_DIR}/"), recipe.index("RUN ./postBuild")
    assert files < packages < course < last < recipe.index('ENV R2D_ENTRYPOINT="${REPO_DIR}/start"')
    before = recipe[:packages]
    assert re.findall(r"COPY .* src/(\S+) ", before) == ["environment.yml"]  # nothing else makes that layer anew


def lines_of_environment():
    """The packages of environment.yml: conda's lines, pip's options and pip's lines."""
    environment = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))
    assert set(environment) == {"name", "channels", "dependencies"} and environment["channels"][0] == "conda-forge"
    *conda, pip = environment["dependencies"]
    return conda, [line for line in pip["pip"] if line[0] == "-"], [line for line in pip["pip"] if line[0] != "-"]


def needed_on_linux():
    """All that the extra `lab` brings to Linux, as the environment of these tests holds it."""
    asked, found = list(dependencies("lab").values()), set()
    while asked:
        wanted = asked.pop()
        key = (canonicalize_name(wanted.name), *sorted(wanted.extras))
        if key in found:
            continue
        found.add(key)
        lines = [] if key[0] == "torch" else metadata.requires(key[0]) or []
        asked += [line for line in map(Requirement, lines) if line.marker is None
                  or any(line.marker.evaluate({"extra": extra}) for extra in (*wanted.extras, ""))]
    return {name for name, *_ in found}


@pytest.mark.skipif(sys.platform != "linux", reason="it looks at what is installed on Linux")
def test_binder_and_conda_get_the_tested_versions_of_everything():
    conda, options, pip = lines_of_environment()
    asked = {canonicalize_name(Requirement(line).name): Requirement(line) for line in pip}
    pins = constraints()
    assert len(asked) == len(pip)
    assert [str(line) for name, line in asked.items() if str(line.specifier) != f"=={pins[name]}"] == []
    assert sorted(needed_on_linux() - set(asked)) == []
    assert options == [f"--extra-index-url {setup_env.CPU_INDEX}"]
    assert [line.partition("=")[0] for line in conda] == ["python", "pip"]


def test_the_last_step_installs_the_course_alone(tmp_path):
    """postBuild with a pip that writes down what it is asked."""
    (tmp_path / "pip").write_text('#!/bin/sh\necho "$@"\n')
    (tmp_path / "pip").chmod(0o755)
    assert os.access(ROOT / "postBuild", os.X_OK) and os.access(ROOT / "start", os.X_OK)
    said = subprocess.check_output([ROOT / "postBuild"], text=True,
                                   env=os.environ | {"PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}"})
    assert said.split() == ["install", "--no-deps", "-e", "."]


# A session

def session(folder=ROOT, *command, **given):
    """What a command says that `start` of the course in a folder starts."""
    own = (*THREADS, "LOKY_MAX_CPU_COUNT", "JUPYTER_CONFIG_PATH", "JUPYTER_PATH", "COURSE_PROGRESS", "COURSE_PLACE")
    environment = {name: value for name, value in os.environ.items() if name not in own} | given
    return subprocess.check_output([folder / "start", *command], env=environment, text=True, cwd="/")


@LINUX
@pytest.mark.parametrize("given", [{}, {"OPENBLAS_NUM_THREADS": "2", "OMP_NUM_THREADS": "3", "MKL_NUM_THREADS": "4"}])
def test_every_blas_has_one_thread_and_what_is_started_its_arguments(given):
    code = f"import os, sys; print([os.environ[name] for name in {THREADS}], sys.argv[1:])"
    said = session(ROOT, sys.executable, "-c", code, "a b", "c", **given)
    assert said.strip() == f"{list(given.values()) or ['1', '1', '1']} ['a b', 'c']"


@LINUX
def test_every_blas_that_is_loaded_has_one_thread():
    code = ("import numpy, torch, threadpoolctl as t; print({pool['num_threads'] for pool in t.threadpool_info()}, "
            "torch.get_num_threads(), len(t.threadpool_info()))")
    assert re.fullmatch(r"\{1\} 1 [1-9]\n", session(ROOT, sys.executable, "-c", code, PYTHONPATH=str(ROOT)))


@LINUX
def test_progress_lies_with_the_notebooks_and_lesson_00_says_how_to_save_it_and_what_to_do_about_memory(tmp_path):
    course = tmp_path / "a course"
    (course / "notebooks").mkdir(parents=True)
    shutil.copy(ROOT / "start", course)
    code = ("from course_lib.exercises import predict; predict('1.1', 3)\n"
            "from course_lib.lessons.nb00_start_here import ready; print(ready.check())")
    said = session(course, sys.executable, "-c", code, PYTHONPATH=str(ROOT))
    assert '"1.1"' in (course / "notebooks" / "progress.jsonl").read_text()
    assert said.rstrip().endswith(ready.ON_BINDER)
    assert "progress.jsonl" in ready.ON_BINDER and "Download" in ready.ON_BINDER and "Shut Down All" in ready.ON_BINDER
    assert ready.ON_BINDER not in repr(ready.check())


@LINUX
def test_a_session_asks_nothing(tmp_path):
    """JupyterLab as Binder starts it, but for its network: no news, and the button Lecture."""
    root = ["--allow-root"] * (os.name == "posix" and os.getuid() == 0)
    with served([ROOT / "start", sys.executable, "-m", "jupyterlab", "--no-browser", "--port=0",
                 "--ServerApp.ip=127.0.0.1", f"--ServerApp.root_dir={tmp_path}", *root], tmp_path) as facts:
        assert set_for_the_course(facts)
