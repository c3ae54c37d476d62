"""What holds for every test: no window system, no progress bars, never the learner's own progress."""
import collections
import itertools
import os
import re

import pytest
from hypothesis import settings
from xdist.scheduler import LoadFileScheduling

import measure
import notebooks

# The same examples on every run, and no limit of time: two runs of one commit must not differ.
settings.register_profile("course", derandomize=True, deadline=None, database=None)
settings.load_profile("course")

# Before torch is loaded, here and in what tests start: on a busy machine its threads wait for each other, and a network
# as small as the course's can take ten times the processor's time.
os.environ.setdefault("OMP_NUM_THREADS", "1")

RUN_NOTEBOOKS = "test_nbval.py", "test_processors.py", "test_browser_notebooks.py"
LONG_FILE = re.compile(r"^pytestmark = .*\bmark\.long\b", re.MULTILINE)


class Sharing(LoadFileScheduling):
    """A module's tests go to one process, which keeps its fixtures; a notebook is run by whichever process is free."""

    def _split_scope(self, nodeid):
        module = super()._split_scope(nodeid)
        return nodeid if module.endswith(RUN_NOTEBOOKS) else module


def pytest_xdist_make_scheduler(config, log):
    config.option.loadscopereorder = False  # the order below holds
    return Sharing(config, log)


def pytest_ignore_collect(collection_path, config):
    """A file whose tests are all long is not imported by a run without them."""
    if collection_path.suffix == ".py" and "not long" in config.option.markexpr:
        return LONG_FILE.search(collection_path.read_text(encoding="utf-8")) is not None or None
    return None


def lighten(items):
    """Of a test marked long(but_every=n), each n-th case is not long: `make test` runs it too."""
    cases = collections.Counter()
    for item in items:
        for mark in [mark for mark in item.own_markers if mark.name == "long" and mark.kwargs]:
            test = item.path, item.originalname
            if cases[test] % mark.kwargs["but_every"] == 0:
                item.own_markers.remove(mark)
            cases[test] += 1


def pytest_collection_modifyitems(items):
    """The library first, then the lessons, then the notebooks: what others stand on should be the first to fail.

    The longest notebooks run first, by README's table: what takes a minute should not begin last.
    """
    lighten(items)
    costs = measure.rows((notebooks.ROOT / "README.md").read_text(encoding="utf-8"))

    def place(item):
        runs_one = item.path.name in RUN_NOTEBOOKS
        seconds = next((cost.seconds for name, cost in costs.items() if runs_one and f"[{name}" in item.nodeid), 0)
        return {"lessons": 1, "notebooks": 2}.get(item.path.parent.name, 0), runs_one, -seconds

    items.sort(key=place)


class Tells:
    """Says a failure when it happens; the report at the end has all of it."""

    def __init__(self, terminal):
        self.terminal = terminal

    def pytest_runtest_logreport(self, report):
        if report.failed:
            crash = getattr(report.longrepr, "reprcrash", None)
            said = crash.message if crash else str(report.longrepr)
            self.terminal.ensure_newline()
            self.terminal.write_line(f"{report.nodeid}: {said.splitlines()[0]}", red=True)


@pytest.hookimpl(trylast=True)  # once there is a terminal to tell it
def pytest_configure(config):
    terminal = config.pluginmanager.get_plugin("terminalreporter")
    if terminal and config.getoption("numprocesses", None):
        config.pluginmanager.register(Tells(terminal))


@pytest.fixture(scope="session")
def folders(tmp_path_factory):
    """New folders, one after another; tmp_path_factory would look through all those before to find a free name."""
    root = tmp_path_factory.mktemp("progress")
    return (root / str(number) for number in itertools.count())


@pytest.fixture(autouse=True)
def automated_run(monkeypatch, folders):
    """Give each test the environment of an automated run, with a progress file of its own."""
    folder = next(folders)
    folder.mkdir()
    monkeypatch.setenv("COURSE_PROGRESS", str(folder / "progress.json"))
    monkeypatch.setenv("TQDM_DISABLE", "1")
    monkeypatch.setenv("MPLBACKEND", "agg")


@pytest.fixture
def refused():
    """Assert that a call raises this error and that each of the regular expressions is found in its message."""
    def check(call, error, says):
        with pytest.raises(error) as caught:
            call()
        for words in says:
            assert caught.match(words)
    return check
