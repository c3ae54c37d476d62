"""The first code cell of every notebook: on a simulated Colab, an empty folder and a kernel without the course; in
another kernel; and where all is well. And `make address`, which writes it."""
import os
import re
import shutil
import subprocess
import sys

import pytest

import address
import notebooks

RUN = """import sys
from IPython.core.interactiveshell import InteractiveShell
shell = InteractiveShell.instance()
sys.path.insert(0, "")  # as a kernel has it
if sys.argv[1] == "without":
    sys.path[:] = [place for place in sys.path if "site-packages" in place or "python3" in place or not place]
    sys.meta_path[:] = [finder for finder in sys.meta_path if "editable" not in repr(finder)]
for cell in sys.argv[2:]:
    shell.run_cell(cell).raise_error()
"""
SHOWN = "import course_lib.data; print(course_lib.__file__, len(course_lib.data.digits().labels), os.getcwd())"
WITH, WITHOUT = "with", "without"


@pytest.fixture
def copy(tmp_path):
    """What `make address` writes to, with one notebook, and itself."""
    for folder in ("tools", "notebooks"):
        (tmp_path / folder).mkdir()
    for name in ("pyproject.toml", "README.md", "CITATION.cff", "Makefile", "tools/address.py",
                 "notebooks/00_start_here.ipynb"):
        shutil.copy(notebooks.ROOT / name, tmp_path / name)
    return tmp_path


def contents(folder):
    """The bytes of every file."""
    return {path: path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file() and path.suffix != ".pyc"}


def make_address(folder, *repo):
    """Run `make address`, which needs no set-up."""
    return subprocess.run(["make", "-s", "-C", folder, "address", f"PYTHON={sys.executable}", *repo],
                          capture_output=True, text=True)


# The address

def test_an_address_is_set_everywhere_and_changed_and_taken_away_without_a_trace(copy):
    for path in notebooks.paths():
        shutil.copy(path, copy / "notebooks")
    assert make_address(copy, "REPO=").returncode == 0
    before = contents(copy)
    for repo in ("Ann-9/my.course", "bob/bob.github.io"):
        said = make_address(copy, f"REPO={repo}")
        assert (said.returncode, said.stdout) == (0, f"The course is published as github.com/{repo}.\n"), said.stderr
        assert address.published(copy) == repo
        urls = address.project(copy)["urls"]
        assert urls == {"Homepage": {"Ann-9/my.course": "https://ann-9.github.io/my.course/",
                                     "bob/bob.github.io": "https://bob.github.io/"}[repo],
                        "Repository": f"https://github.com/{repo}"}
        readme = (copy / "README.md").read_text(encoding="utf-8")
        places = address.elsewhere("00_start_here", copy)
        assert [f"(tools/front/{picture}.svg)]({places[name]}) |" in readme
                for name, picture in address.PICTURES.items()] == [True] * 3 and "once [published]" not in readme
        assert urls["Homepage"] in readme and readme.count(repo) == 2 + (repo in urls["Homepage"])
        for path in sorted((copy / "notebooks").glob("*.ipynb")):
            cell = next(cell for cell in notebooks.read(path).cells if cell.cell_type == "code")
            assert (cell.id, cell.source) == ("colab", address.colab(copy))
            assert f"--branch {address.tag(copy)} https://github.com/{repo} course\n" in cell.source
        changed = {path.name for path, content in contents(copy).items() if content != before[path]}
        assert changed == {"pyproject.toml", "README.md", "CITATION.cff"} | {path.name for path in notebooks.paths()}
    assert make_address(copy, "REPO=").returncode == 0
    assert contents(copy) == before


def test_without_an_address_nothing_leads_to_one_and_make_address_says_how_to_have_one(copy):
    make_address(copy, "REPO=")
    said = make_address(copy)
    assert said.returncode == 0 and "has no address" in said.stdout and "make address REPO=owner/course" in said.stdout
    assert "urls" not in address.project(copy) and address.elsewhere("00_start_here", copy) == {}
    written = (copy / "README.md").read_text(encoding="utf-8") + address.colab(copy)
    assert not re.search(r"mybinder\.org/v2|github\.io|colab\.research|github\.com/gradients|git clone|git\+", written)
    assert "make lab" in address.colab(copy) and "README.md, Publish" in address.colab(copy)
    assert "\n## Publish\n" in written and f"git tag {address.tag()}`" in written


@pytest.mark.parametrize("repo", ["https://github.com/a/b", "a", "b/", "a/b/c", "-a/b", "a-/b", "a/..", "a/b.git",
                                  "a/b c", "a/b\nc", "ä/b", "a" * 40 + "/b", "a/" + "b" * 101])
def test_what_is_no_address_gets_a_sentence_and_changes_nothing(copy, repo):
    before = contents(copy)
    with pytest.raises(ValueError, match="^REPO is '.*', needs owner/course, .*make address REPO=owner/course$"):
        address.set_address(repo, copy)
    assert contents(copy) == before


def test_make_says_the_sentence_and_fails(copy):
    said = make_address(copy, "REPO=https://github.com/a/b")
    assert said.returncode and said.stderr.startswith("REPO is 'https://github.com/a/b', needs owner/course, ")


def test_no_file_of_the_course_names_an_address_of_its_own():
    files = subprocess.run(["git", "ls-files"], cwd=notebooks.ROOT, capture_output=True, text=True, check=True).stdout
    own = re.compile(rb"gradients-through-time(?:\.github\.io|/course)|pip install [^\n]*gradients-through-time")
    allowed = {"tests/test_colab.py", "tools/site/browser_edition.py"}  # the latter installs what the site serves
    found = [name for name in files.splitlines() if name not in allowed and (notebooks.ROOT / name).is_file()
             and own.search((notebooks.ROOT / name).read_bytes())]
    assert found == []


# The cell

@pytest.fixture(scope="module")
def published(tmp_path_factory):
    """A repository as readers clone it: the files that the notebooks need, under this version's tag; main has moved."""
    folder = tmp_path_factory.mktemp("published")
    git = ["git", "-c", "user.name=t", "-c", "user.email=t@example.org"]
    subprocess.run([*git, "init", "-q", folder], check=True)
    work = ["--git-dir", folder / ".git", "--work-tree", notebooks.ROOT]
    subprocess.run([*git, *work, "add", "course_lib", "data"], cwd=notebooks.ROOT, check=True)
    subprocess.run([*git, *work, "commit", "-q", "-m", "the course"], cwd=notebooks.ROOT, check=True)
    subprocess.run([*git, *work, "tag", address.tag()], cwd=notebooks.ROOT, check=True)
    subprocess.run([*git, *work, "rm", "-q", "-r", "--cached", "course_lib"], cwd=notebooks.ROOT, check=True)
    subprocess.run([*git, *work, "commit", "-q", "-m", "moved on"], cwd=notebooks.ROOT, check=True)
    return folder


def run(folder, kernel, *cells, published=None, **variables):
    """Run cells in a fresh IPython, with the course or without; return what happened."""
    environment = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "GIT_DIR")}
    if kernel == WITH:
        environment["PYTHONPATH"] = str(notebooks.ROOT)
    if published:
        environment |= {"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": f"url.{published.as_uri()}.insteadOf",
                        "GIT_CONFIG_VALUE_0": "https://github.com/ann/course"}
    (folder / "work").mkdir()
    return subprocess.run([sys.executable, "-c", RUN, kernel, *cells], cwd=folder / "work", capture_output=True,
                          text=True, env=environment | {"IPYTHONDIR": str(folder / "ipython")} | variables)


def set_to(copy, repo):
    """Return the cell of a course that is published there."""
    address.set_address(repo, copy)
    return address.colab(copy)


def test_on_colab_the_tag_of_this_version_is_fetched_once(copy, tmp_path, published):
    cell = set_to(copy, "ann/course")
    done = run(tmp_path, WITHOUT, cell, cell, "import os\n" + SHOWN, published=published, COLAB_RELEASE_TAG="any")
    assert (done.returncode, done.stderr) == (0, "")
    file, images, folder = done.stdout.splitlines()[-1].split()
    course = tmp_path.resolve() / "work" / "course"
    assert (file, images, folder) == (str(course / "course_lib" / "__init__.py"), "1797", str(course))
    assert not (course / "course").exists()


def test_on_colab_where_the_course_cannot_be_fetched_git_says_why_and_the_rest_does_not_run(copy, tmp_path):
    cell = set_to(copy, "ann/course")
    done = run(tmp_path, WITHOUT, cell, "print('went on')", published=tmp_path / "nowhere", COLAB_RELEASE_TAG="any")
    said = done.stdout + done.stderr
    assert done.returncode == 1 and "fatal: " in said and "what git says above is why" in said and "went on" not in said


@pytest.mark.parametrize("repo", ["", "ann/course"])
def test_where_the_course_is_the_cell_does_nothing(copy, tmp_path, repo):
    done = run(tmp_path, WITH, set_to(copy, repo), "import os\n" + SHOWN, COLAB_RELEASE_TAG="any")
    assert (done.returncode, done.stderr) == (0, "") and len(done.stdout.splitlines()) == 1
    assert done.stdout.startswith(str(notebooks.ROOT)) and not (tmp_path / "work" / "course").exists()


@pytest.mark.parametrize("repo", ["", "ann/course"])
def test_another_kernel_is_named_with_its_python_and_what_to_choose_in_each_program(copy, tmp_path, repo):
    done = run(tmp_path, WITHOUT, set_to(copy, repo), "print('went on')")
    assert done.returncode == 1 and "went on" not in done.stdout and not (tmp_path / "work" / "course").exists()
    said = done.stderr[done.stderr.rindex("ImportError: "):]
    assert said.startswith(f"ImportError: this kernel, {sys.executable} (Python {sys.version.split()[0]}), does not")
    choices = {"JupyterLab": "make lab", "VS Code": "Select Kernel", "PyCharm": ".venv", "Colab": ""}
    for program, what in choices.items():
        assert re.search(rf"^    {program}: .*{re.escape(what)}", said, re.MULTILINE)
    assert ("published first" in said) == (not repo)
