"""What holds for every test: no window system, no progress bars, never the learner's own progress."""
import pytest
from hypothesis import settings
from xdist.scheduler import LoadFileScheduling

import measure
import notebooks

# The same examples on every run, and no limit of time: two runs of one commit must not differ.
settings.register_profile("course", derandomize=True, deadline=None, database=None)
settings.load_profile("course")


RUN_NOTEBOOKS = "test_nbval.py", "test_processors.py", "test_browser_notebooks.py"


class Sharing(LoadFileScheduling):
    """A module's tests go to one process, which keeps its fixtures; a notebook is run by whichever process is free."""

    def _split_scope(self, nodeid):
        module = super()._split_scope(nodeid)
        return nodeid if module.endswith(RUN_NOTEBOOKS) else module


def pytest_xdist_make_scheduler(config, log):
    return Sharing(config, log)


def pytest_collection_modifyitems(items):
    """The longest notebooks run first, by README's table: what takes minutes should not begin last."""
    costs = measure.rows((notebooks.ROOT / "README.md").read_text(encoding="utf-8"))

    def seconds(item):
        if item.path.name not in RUN_NOTEBOOKS:
            return 0
        return next((cost.seconds for name, cost in costs.items() if f"[{name}" in item.nodeid), 0)

    items.sort(key=seconds, reverse=True)


@pytest.fixture(autouse=True)
def automated_run(monkeypatch, tmp_path_factory):
    """Give each test the environment of an automated run, with a progress file of its own."""
    monkeypatch.setenv("COURSE_PROGRESS", str(tmp_path_factory.mktemp("progress") / "progress.json"))
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
