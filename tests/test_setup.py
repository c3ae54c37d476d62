"""What one meets before the first notebook: the set-up, its sentences when something is missing, the lab."""
import ast
import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import jsonschema
import pytest

import setup_env

ROOT = Path(__file__).parents[1]


# The sentences

@pytest.fixture
def course(tmp_path):
    """A folder with what the set-up needs."""
    (tmp_path / "tools").mkdir()
    for name in ("Makefile", "pyproject.toml", "constraints.txt", "tools/setup_env.py"):
        shutil.copy(ROOT / name, tmp_path / name)
    return tmp_path


def make(course, *arguments, **environment):
    """Run make there with this Python and without the machine's own settings of pip."""
    command = ["make", "-C", course, f"PYTHON={sys.executable}", *arguments]
    inherited = os.environ | {"PIP_CONFIG_FILE": os.devnull}
    return subprocess.run(command, capture_output=True, text=True, env=inherited | environment)


def the_sentence(run):
    """Return what a failed run says on stderr, which must be one line beside make's own."""
    assert run.returncode != 0
    lines = [line for line in run.stderr.splitlines() if not line.startswith("make")]
    assert len(lines) == 1, run.stderr
    return lines[0]


def pretend(folder, module, source):
    """Put a module before the real one; return the variable that does it."""
    (folder / "pretended").mkdir()
    (folder / "pretended" / f"{module}.py").write_text(source)
    return {"PYTHONPATH": str(folder / "pretended")}


def test_an_old_python_is_told_so(course):
    old = pretend(course, "sitecustomize", "import sys\nsys.version_info = (3, 10, 4, 'final', 0)\n")
    said = the_sentence(make(course, "lab", **old))
    assert said.startswith("The course needs Python 3.11 or later, but ") and "is Python 3.10" in said
    assert said.endswith("make lab PYTHON=python3.12")
    assert not (course / ".venv").exists()


def test_an_old_python_can_read_as_far_as_the_sentence():
    tree = ast.parse((ROOT / "tools" / "setup_env.py").read_text(encoding="utf-8"))
    newer = (ast.JoinedStr, ast.AnnAssign, ast.NamedExpr, ast.Match, ast.AsyncFunctionDef, ast.Nonlocal)
    assert not [node.lineno for node in ast.walk(tree) if isinstance(node, newer)]
    for function in (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)):
        assert not function.returns and not any(argument.annotation for argument in function.args.args)
    imported = {alias.name for node in tree.body if isinstance(node, ast.Import) for alias in node.names}
    # Python 2.7 has them.
    assert imported <= {"errno", "hashlib", "json", "os", "platform", "re", "subprocess", "sys", "time"}


def test_no_python_at_all(course):
    said = the_sentence(make(course, "lab", "PYTHON=no-such-python"))
    assert said == ("No Python found as 'no-such-python': install Python 3.11 or later from python.org "
                    "and start again.")


def test_a_python_without_venv(course):
    said = the_sentence(make(course, "test", **pretend(course, "ensurepip", "raise ImportError")))
    assert "came without its venv module" in said
    assert f"sudo apt install python3.{sys.version_info[1]}-venv" in said


@pytest.mark.long
def test_no_network_then_begun_again(course):
    nowhere = {"PIP_INDEX_URL": "http://127.0.0.1:9/simple", "PIP_FIND_LINKS": "", "PIP_EXTRA_INDEX_URL": "",
               "PIP_RETRIES": "1", "PIP_NO_INDEX": "0"}
    said = the_sentence(make(course, "lab", **nowhere))
    assert "no package index could be reached: check the network" in said
    log = course / ".venv" / "setup.log"
    assert str(log) in said and "torch==2.13.0" in log.read_text()
    assert (course / ".venv" / "bin" / "python").exists()
    assert not (course / ".venv" / "course-stamp.json").exists()


@pytest.mark.parametrize("log, cause", [
    ("ERROR: Could not install: [Errno 28] No space left on device: '/x'", "the disk is full: free about 2 GB"),
    ("ERROR: Could not install: [Errno 122] Disk quota exceeded", "the disk is full: free about 2 GB"),
    ("ERROR: Could not install packages due to an OSError: [Errno 13] Permission denied: '/x'", "a folder is closed"),
    ("WARNING: Retrying after 'SSLError(SSLCertVerificationError(1, '[SSL: CERTIFICATE_VERIFY_FAILED]",
     "the package index shows a certificate that is not known here"),
    ("WARNING: Retrying (Retry(total=0)) after 'ProxyError('Cannot connect to proxy.'", "the proxy that HTTPS_PROXY"),
    ("WARNING: Retrying (Retry(total=0)) after it broke\nERROR: No matching distribution found for torch",
     "no package index could be reached"),
    ("ERROR: No matching distribution found for torch==2.13.0", "torch==2.13.0 is not offered for Python 3."),
    ("WARNING: Retrying (Retry(total=4)) went well\nERROR: Cannot install x because these package versions have "
     "conflicting dependencies.\n\nThe conflict is caused by:\nThe user requested x>=2\nThe user requested "
     "(constraint) x<2\n\nTo fix this",
     "versions conflict (The user requested x>=2 against The user requested (constraint) x<2): if PIP_CONSTRAINT"),
    ("ERROR: Cannot install nbconvert because these package versions have conflicting dependencies.",
     "versions conflict (it names none)"),
    ("Collecting x\nERROR: Failed to build 'x'", "it said \"ERROR: Failed to build 'x'\""),
    ("", "it said 'nothing'"),
])
def test_why_pip_failed(log, cause):
    assert setup_env.why_pip_failed(log).startswith(cause)


def test_a_python_that_does_not_fit_is_named_in_full(monkeypatch):
    monkeypatch.setattr(sys, "version_info", (3, 11, 2, "final", 0))
    for log in ("ERROR: No matching distribution found for x==1", "x and y have conflicting dependencies."):
        said = setup_env.why_pip_failed(log)
        assert "Python 3.11.2" in said and said.endswith("for example make lab PYTHON=python3.12")


@pytest.mark.parametrize("where, name, value, cause", [
    (sys, "platform", "darwin", "Apple silicon with macOS 14 or later"),
    (sys, "maxsize", 2 ** 31 - 1, "32-bit Python"),
    (setup_env.platform, "libc_ver", lambda: ("", ""), "without glibc")])
def test_a_machine_without_torch_is_told_of_other_ways(monkeypatch, where, name, value, cause):
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(where, name, value)
    said = setup_env.why_pip_failed("ERROR: No matching distribution found for torch==2.13.0")
    assert said.startswith("torch==2.13.0 has no build for ") and cause in said and "PYTHON=" not in said


def test_the_folder_cannot_be_written(monkeypatch, tmp_path):
    (tmp_path / "file").touch()
    monkeypatch.setattr(setup_env, "ROOT", str(tmp_path / "file"))  # in a file not even root makes a folder
    with pytest.raises(setup_env.SetupError, match="could not make .*disk is full or the folder read-only"):
        setup_env.make_venv()


@pytest.mark.long
@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no device that is always full")
def test_a_full_disk_is_one_sentence_wherever_it_fills(workshop, monkeypatch, capsys):
    monkeypatch.setattr(setup_env, "pip_install", PIP_INSTALL)
    monkeypatch.setattr(setup_env, "log_path", lambda: "/dev/full")
    assert setup_env.main([]) == 1
    said = capsys.readouterr().err
    assert said.count("\n") == 1 and "No space left on device; free about 2 GB" in said
    assert not (workshop.folder / ".venv" / "course-stamp.json").exists()


def test_a_full_disk_is_not_taken_for_an_index_without_torch(without_gpu, monkeypatch, capsys):
    def full(*arguments):
        raise setup_env.SetupError("pip could not install it; " + setup_env.why_pip_failed("No space left on device"))

    monkeypatch.setattr(setup_env, "pip_install", full)
    assert setup_env.main([]) == 1
    said = capsys.readouterr()
    assert "CUDA libraries" not in said.out and "the disk is full" in said.err


def test_what_belongs_to_somebody_else_is_one_sentence(workshop, monkeypatch, capsys):
    def closed(path):
        raise PermissionError(13, "Permission denied", path)

    workshop.set_up()
    (workshop.folder / "constraints.txt").write_text("# newer")
    monkeypatch.setattr(os, "remove", closed)
    capsys.readouterr()
    assert setup_env.main([]) == 1
    said = capsys.readouterr().err
    assert said.count("\n") == 1 and "course-stamp.json: Permission denied; start again as the one who owns" in said


# What is whole and what is not

PIP_INSTALL = setup_env.pip_install


class Workshop:
    """A set-up whose venv and pip are pretended; `done` lists what they were asked to do."""

    def __init__(self, folder, monkeypatch):
        self.patch, self.done = monkeypatch, []
        self.move_to(folder)
        monkeypatch.setattr(setup_env, "make_venv", self.make_venv)
        monkeypatch.setattr(setup_env, "pip_install", self.pip_install)
        monkeypatch.setattr(setup_env, "uv_install", self.uv_install)
        monkeypatch.setattr(setup_env, "has", lambda requirement: requirement in self.held)
        self.fails_at, self.refuses, self.held, self.has_uv = None, None, [], False

    def move_to(self, folder):
        self.folder = folder
        self.patch.setattr(setup_env, "ROOT", str(folder))

    def make_venv(self):
        self.done.append("venv")
        self.held = []
        shutil.rmtree(self.folder / ".venv", ignore_errors=True)
        (self.folder / ".venv" / "bin").mkdir(parents=True)
        (self.folder / ".venv" / "bin" / "python").symlink_to(sys.executable)

    def pip_install(self, *arguments):
        self.done.append(" ".join(arguments))
        if self.fails_at and self.fails_at in self.done[-1]:
            raise KeyboardInterrupt
        if self.refuses and self.refuses in self.done[-1]:
            raise setup_env.SetupError("pip could not install the course's packages")
        self.held += arguments

    def uv_install(self, *arguments):
        if self.has_uv:
            self.done.append("uv: " + " ".join(arguments))
        return self.has_uv

    def set_up(self, *extras):
        """Set up and return what was done."""
        self.done = []
        assert setup_env.main(list(extras)) == (130 if self.fails_at else 0)
        return self.done


TORCH = "--no-deps torch==2.13.0"
FIRST = "--retries 1 --timeout 10 --index-url https://download.pytorch.org/whl/cpu "
REST = "-c constraints.txt -e .[lab]"
WHOLE = ["venv", TORCH, REST]


@pytest.fixture
def workshop(course, monkeypatch):
    monkeypatch.delenv("TORCH_INDEX", raising=False)
    monkeypatch.setattr(setup_env, "has_nvidia_gpu", lambda: True)
    return Workshop(course, monkeypatch)


@pytest.fixture
def without_gpu(workshop, monkeypatch):
    monkeypatch.setattr(setup_env, "has_nvidia_gpu", lambda: False)
    monkeypatch.setattr(sys, "platform", "linux")
    return workshop


def test_made_once_torch_first(workshop, capsys, monkeypatch):
    clock = iter([1000.0, 1075.4])
    monkeypatch.setattr(setup_env.time, "time", lambda: next(clock))
    assert workshop.set_up() == WHOLE
    first, *_, last = capsys.readouterr().out.splitlines()
    assert first.startswith("Setting up the course in .venv") and last == "Set up in 75 s."
    assert workshop.set_up() == []
    assert capsys.readouterr() == ("", "")


def test_where_warnings_are_errors_pip_s_own_are_none(workshop, monkeypatch):
    monkeypatch.setenv("PYTHONWARNINGS", "error")
    assert workshop.set_up() == WHOLE
    assert "PYTHONWARNINGS" not in os.environ


def test_uv_installs_what_pip_would(workshop):
    workshop.has_uv = True
    assert workshop.set_up() == ["venv", TORCH, "uv: " + REST]


@pytest.mark.parametrize("listed, arguments, environment", [
    ("", [], {}),
    ("global.index-url='https://a/simple'\n:env:.find-links='/x /y'\nuser.extra-index-url='file:///b'",
     ["--default-index", "https://a/simple", "--find-links", "/x", "--find-links", "/y", "--index", "file:///b"], {}),
    ("global.cert='/c.crt'\nglobal.timeout='60'\n:env:.cache-dir='/x'", [], {"SSL_CERT_FILE": "/c.crt"}),
    ("global.constraint='/c.txt'", ["--constraints", "/c.txt"], {}),
    ("global.index-url='https://a'\nglobal.trusted-host='a'", None, {})])
def test_uv_goes_where_pip_is_told_to_go(listed, arguments, environment):
    assert setup_env.uv_settings(listed) == (arguments, environment)


@pytest.mark.parametrize("status, words, does", [(0, "", True), (2, "error: No solution", False)])
def test_where_uv_fails_pip_is_next(monkeypatch, tmp_path, status, words, does):
    ran = []
    monkeypatch.setattr(setup_env, "python_of_venv", lambda: sys.executable)
    monkeypatch.setattr(setup_env, "pip_install", lambda *arguments: ran.append("pip " + " ".join(arguments)))
    monkeypatch.setattr(setup_env, "run_logged",
                        lambda command, environment: ran.append(" ".join(command)) or (status, words))
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    assert setup_env.uv_install("-e", ".[lab]") == does
    assert ran[0] == "pip --retries 1 " + setup_env.pinned("uv")
    assert "--compile-bytecode" in ran[1] and ran[1].endswith("-e .[lab]")


def test_without_uv_pip_is_next(monkeypatch):
    def none(*arguments):
        raise setup_env.SetupError("pip could not install it")

    monkeypatch.setattr(setup_env, "python_of_venv", lambda: sys.executable)
    monkeypatch.setattr(setup_env, "pip_install", none)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    assert not setup_env.uv_install("-e", ".[lab]")


def test_without_a_gpu_the_cpu_build_comes_first(without_gpu, capsys):
    assert without_gpu.set_up() == ["venv", FIRST + TORCH, REST]
    assert "CUDA" not in capsys.readouterr().out


def test_where_the_cpu_build_cannot_be_had_the_usual_one_is_taken_and_its_size_said(without_gpu, capsys):
    without_gpu.refuses = "whl/cpu"
    assert without_gpu.set_up() == ["venv", FIRST + TORCH, TORCH, REST]
    said = [line for line in capsys.readouterr().out.splitlines() if "CUDA" in line]
    assert len(said) == 1 and setup_env.CPU_INDEX in said[0] and "several GB" in said[0]


@pytest.mark.parametrize("platform", ["darwin", "win32"])
def test_elsewhere_the_usual_build_is_small(without_gpu, monkeypatch, platform):
    monkeypatch.setattr(sys, "platform", platform)
    assert without_gpu.set_up() == WHOLE


def test_cuda_by_choice(without_gpu, monkeypatch):
    monkeypatch.setenv("TORCH_INDEX", "cuda")
    assert without_gpu.set_up() == WHOLE
    assert "TORCH_INDEX=cuda make lab" in (ROOT / "README.md").read_text(encoding="utf-8")


def test_torch_from_an_index_of_its_own(without_gpu, monkeypatch):
    monkeypatch.setenv("TORCH_INDEX", "file:///wheels")
    assert without_gpu.set_up() == ["venv", "--index-url file:///wheels " + TORCH, REST]


def test_extras_are_added_and_never_lost(workshop):
    workshop.set_up()
    assert workshop.set_up("test") == ["-c constraints.txt -e .[lab,test]"]
    assert workshop.set_up("browser") == ["-c constraints.txt -e .[lab,browser,test]"]
    assert workshop.set_up("test") == workshop.set_up() == []


@pytest.mark.parametrize("where", ["torch", "-e"])
def test_an_interrupted_one_is_made_again(workshop, where):
    workshop.fails_at = where
    assert workshop.set_up() == WHOLE[:2 if where == "torch" else 3]
    workshop.fails_at = None
    assert workshop.set_up() == WHOLE


def test_an_update_in_place_and_one_that_is_interrupted(workshop):
    workshop.set_up()
    for fails_at, expected in ((None, WHOLE[2:]), ("-e", WHOLE[2:]), (None, WHOLE)):
        with open(workshop.folder / "constraints.txt", "a") as file:
            file.write("# newer\n")
        workshop.fails_at = fails_at
        assert workshop.set_up() == expected


def test_pyproject_counts_as_well(workshop):
    workshop.set_up()
    (workshop.folder / "pyproject.toml").write_text("[project]")
    assert workshop.set_up() == WHOLE[2:]


def test_another_torch_is_fetched_and_announced(workshop, capsys):
    workshop.set_up()
    capsys.readouterr()
    with open(workshop.folder / "constraints.txt", "a") as file:
        file.write("# newer\n")
    workshop.held = []
    assert workshop.set_up() == WHOLE[1:]
    assert "torch ..." in capsys.readouterr().out


def test_a_build_of_the_version_is_the_version(monkeypatch):
    monkeypatch.setattr(setup_env, "python_of_venv", lambda: sys.executable)
    assert setup_env.has(setup_env.pinned("torch"))
    assert not setup_env.has("torch==1.0.0") and not setup_env.has("no-such-package==1.0.0")


def moved(workshop):
    workshop.move_to(workshop.folder.rename(workshop.folder.with_name("elsewhere")))


def copied(workshop):
    workshop.move_to(shutil.copytree(workshop.folder, workshop.folder.with_name("copy"), symlinks=True))


def interpreter_gone(workshop):
    (workshop.folder / ".venv" / "bin" / "python").unlink()


def interpreter_broken(workshop):
    python = workshop.folder / ".venv" / "bin" / "python"
    python.unlink()
    python.write_text("#!/bin/sh\nexit 3\n")
    python.chmod(0o755)


def interpreter_of_another_version(workshop):
    python = workshop.folder / ".venv" / "bin" / "python"
    python.unlink()
    python.write_text("#!/bin/sh\necho '[3, 99]'\n")
    python.chmod(0o755)


def another_python_asked_for(workshop):
    workshop.patch.setattr(sys, "version_info", (3, 99, 0))


def python_upgraded_under_it(workshop):
    interpreter_of_another_version(workshop)
    another_python_asked_for(workshop)


def stamp_cut_short(workshop):
    stamp = workshop.folder / ".venv" / "course-stamp.json"
    stamp.write_text(stamp.read_text()[:20])


def stamp_of_another_kind(workshop):
    (workshop.folder / ".venv" / "course-stamp.json").write_text("[]")


@pytest.mark.parametrize("harm", [
    moved, copied, interpreter_gone, interpreter_broken, interpreter_of_another_version,
    another_python_asked_for, python_upgraded_under_it, stamp_cut_short, stamp_of_another_kind])
def test_one_that_is_not_whole_is_made_again(workshop, harm):
    workshop.set_up()
    harm(workshop)
    assert workshop.set_up() == WHOLE


# The server

def test_make_alone_lists_the_targets():
    said = subprocess.check_output(["make", "-C", ROOT, "--no-print-directory"], text=True)
    listed = [line.split()[1] for line in said.splitlines()]
    assert listed == ["help", "lab", "test", "test-all", "test-browser", "bench", "notebooks", "portable", "handout",
                      "table", "teaching", "gain", "slides", "site", "address", "clean"]


def test_the_server_keeps_to_this_machine_and_asks_for_its_token(tmp_path):
    """`make lab` itself, with a set-up that does nothing and the environment of the tests."""
    shutil.copy(ROOT / "Makefile", tmp_path)
    shutil.copytree(ROOT / "tools" / "jupyter", tmp_path / "tools" / "jupyter")
    with served(["make", "lab", "PYTHON=true", f"VENV={sys.executable}", "LAB_ARGS=--no-browser --port=0"],
                tmp_path, cwd=tmp_path) as facts:
        assert facts["hostname"] == "127.0.0.1" and facts["url"].startswith("http://127.0.0.1:")
        assert facts["root_dir"] == str(tmp_path) and len(facts["token"]) >= 32
        assert status(facts["url"] + "api/contents") == 403
        assert status(facts["url"] + f"api/contents?token={facts['token']}") == 200
        address = f"{facts['url']}lab/tree/notebooks/00_start_here.ipynb?token={facts['token']}"
        assert address in (tmp_path / "log").read_text()
        assert set_for_the_course(facts)


def set_for_the_course(facts):
    """Return whether the page of a server says that the news are off, and that it has the button Lecture."""
    page = fetched(f"{facts['url']}lab?token={facts['token']}")
    disabled = re.search(r'"disabledExtensions": \[(.*?)\]', page).group(1)
    return "apputils-extension:announcements" in disabled and '"name": "gradients-lecture"' in page


@contextlib.contextmanager
def served(command, folder, **options):
    """Yield what the server that a command starts writes about itself, once it answers; then end it."""
    folders = {f"JUPYTER_{kind}_DIR": str(folder / kind) for kind in ("CONFIG", "DATA", "RUNTIME")}
    with open(folder / "log", "w") as log:
        server = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, env=os.environ | folders,
                                  start_new_session=True, **options)
    try:
        yield wait_for_server(folder / "RUNTIME", server)
    finally:
        if server.poll() is None:
            os.killpg(server.pid, signal.SIGKILL)
            server.wait()


def wait_for_server(runtime, server):
    """Return what a starting server writes about itself, once it answers."""
    for _ in range(600):
        for file in runtime.glob("jpserver-*.json"):
            try:
                facts = json.loads(file.read_text())
                status(facts["url"] + "api")
                return facts
            except (ValueError, urllib.error.URLError):
                pass  # it is still writing, or not listening yet
        assert server.poll() is None, (runtime.parent / "log").read_text()
        time.sleep(0.1)
    raise AssertionError((runtime.parent / "log").read_text())


def status(url):
    """Return the HTTP status that an address answers with."""
    try:
        with opened(url) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        with error:
            return error.code


def fetched(url):
    """Return the page at an address."""
    with opened(url) as answer:
        return answer.read().decode()


def opened(url):
    """Open an address without a proxy."""
    return urllib.request.build_opener(urllib.request.ProxyHandler({})).open(url, timeout=10)


def test_the_courses_settings_are_ones_that_the_installed_jupyterlab_has():
    file = ROOT / "tools/jupyter/labconfig/default_setting_overrides.json"
    overrides = json.loads(file.read_text(encoding="utf-8"))
    share = Path(sys.prefix) / "share" / "jupyter"
    for plugin, settings in overrides.items():
        package, name = plugin.split(":")
        found = [folder for folder in (share / "lab" / "schemas", *share.glob(f"labextensions/{package}/schemas"))
                 if (folder / package / f"{name}.json").exists()]
        assert found, f"no installed package has {plugin}"
        schema = json.loads((found[0] / package / f"{name}.json").read_text(encoding="utf-8"))
        jsonschema.validate(settings, schema)
        assert set(settings) <= set(schema["properties"])


def test_figures_of_800_pixels_and_more_are_widened_in_jupyterlab_live_and_still_alike():
    rules = (ROOT / "tools/jupyter/labconfig/default_setting_overrides.json").read_text(encoding="utf-8")
    sizes = {size for path in (ROOT / "course_lib").rglob("*.py")
             for size in re.findall(r"\bsize = \(([89]\d\d|\d{4}),", path.read_text(encoding="utf-8"))}
    still, live = (set(re.findall(rule, rules)) for rule in (r"img\[width='(\d+)'\]", r"' width: (\d+)px'"))
    assert sizes == still == live != set()
