"""The first code cell of every notebook, on a simulated Colab: an empty folder, a kernel without the course."""
import os
import subprocess
import sys

import pytest

import notebook_rules
import notebooks

RUN = """import sys
from IPython.core.interactiveshell import InteractiveShell
shell = InteractiveShell.instance()
sys.path.insert(0, "")  # as a kernel has it
for cell in sys.argv[1:]:
    shell.run_cell(cell).raise_error()
"""
SHOWN = "import course_lib.data; print(course_lib.__file__, len(course_lib.data.digits().labels), os.getcwd())"


@pytest.fixture(scope="module")
def published(tmp_path_factory):
    """A repository as readers clone it: the files that the notebooks need."""
    folder = tmp_path_factory.mktemp("published")
    git = ["git", "-c", "user.name=t", "-c", "user.email=t@example.org"]
    subprocess.run([*git, "init", "-q", folder], check=True)
    work = ["--git-dir", folder / ".git", "--work-tree", notebooks.ROOT]
    subprocess.run([*git, *work, "add", "course_lib", "data"], cwd=notebooks.ROOT, check=True)
    subprocess.run([*git, *work, "commit", "-q", "-m", "the course"], cwd=notebooks.ROOT, check=True)
    return folder


def run(folder, published, *cells, **variables):
    """Run cells in a fresh IPython; return its lines."""
    environment = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "GIT_DIR")}
    environment |= {"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": f"url.{published.as_uri()}.insteadOf",
                    "GIT_CONFIG_VALUE_0": notebook_rules.REPOSITORY, "IPYTHONDIR": str(folder / "ipython"), **variables}
    done = subprocess.run([sys.executable, "-c", RUN, *cells], cwd=folder, env=environment, capture_output=True,
                          text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_on_colab_the_course_is_fetched_once(tmp_path, published):
    *_, last = run(tmp_path, published, notebook_rules.COLAB, notebook_rules.COLAB, SHOWN, COLAB_RELEASE_TAG="any")
    file, images, folder = last.split()
    course = tmp_path.resolve() / "course"
    assert (file, images, folder) == (str(course / "course_lib" / "__init__.py"), "1797", str(course))
    assert not (course / "course").exists()


def test_elsewhere_it_does_nothing(tmp_path, published):
    *_, last = run(tmp_path, published, notebook_rules.COLAB, SHOWN)
    assert last.startswith(str(notebooks.ROOT)) and last.endswith(str(tmp_path.resolve()))
    assert not (tmp_path / "course").exists()
