"""What holds for every test: no window system, no progress bars, never the learner's own progress."""
import pytest
from hypothesis import settings

# The same examples on every run, and no limit of time: two runs of one commit must not differ.
settings.register_profile("course", derandomize=True, deadline=None, database=None)
settings.load_profile("course")


@pytest.fixture(autouse=True)
def automated_run(monkeypatch, tmp_path_factory):
    """Give each test the environment of an automated run, with a progress file of its own."""
    monkeypatch.setenv("COURSE_PROGRESS", str(tmp_path_factory.mktemp("progress") / "progress.json"))
    monkeypatch.setenv("TQDM_DISABLE", "1")
    monkeypatch.setenv("MPLBACKEND", "agg")
