"""The distribution itself: what its wheel carries, what it does with numpy alone and with `watch`."""
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
CORE = ("activations bptt cells clipping data gradcheck initialise jacobians losses parallel regularise tasks train "
        "until_solved watch torch_bridge").split()
PIP_WHEEL = "-m pip wheel --no-deps --no-build-isolation --no-index -w dist".split()
NOT_OF_WATCH = "ipywidgets IPython ipykernel jupyterlab tqdm joblib platformdirs psutil".split()
ALONE = """\
import sys

class Missing:
    def find_spec(name, path=None, target=None):
        top = name.partition(".")[0]
        if {refused}:
            raise ModuleNotFoundError(f"No module named {{top!r}}", name=top)

sys.meta_path.insert(0, Missing)
sys.path.insert(0, {folder!r})
import course_lib
assert course_lib.__file__.startswith({folder!r}), course_lib.__file__
def loaded():
    return {{name.partition(".")[0] for name in sys.modules}}
"""


def built(folder, *command):
    """Run what builds in a copy: what was built here before must not get into it."""
    for name in ("pyproject.toml", "README.md", "LICENSE", "MANIFEST.in"):
        shutil.copy(ROOT / name, folder)
    for name in ("course_lib", "tests"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__", "artifacts"))
    said = subprocess.run([sys.executable, *command], cwd=folder, capture_output=True, text=True)
    assert said.returncode == 0, said.stdout + said.stderr
    return next((folder / "dist").iterdir())


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    return built(tmp_path_factory.mktemp("wheel"), *PIP_WHEEL, ".")


@pytest.fixture(scope="module")
def unpacked(wheel, tmp_path_factory):
    folder = tmp_path_factory.mktemp("unpacked")
    zipfile.ZipFile(wheel).extractall(folder)
    return folder


@pytest.fixture
def run(unpacked, tmp_path):
    """Run code that finds course_lib in the wheel alone, and of other packages numpy, or all but some."""
    def run(code, but=None):
        refused = f"top in {but!r}" if but else ("top not in sys.stdlib_module_names | {'course_lib', 'numpy'} "
                                                    "and not top.startswith('_sysconfig')")
        clean = {name: value for name, value in os.environ.items() if name not in ("TQDM_DISABLE", "COURSE_PROGRESS")}
        done = subprocess.run([sys.executable, "-I", "-c", ALONE.format(refused=refused, folder=str(unpacked)) + code],
                              cwd=tmp_path, env=clean, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


def test_it_carries_every_file_of_the_library_and_asks_for_numpy(wheel):
    archive = zipfile.ZipFile(wheel)
    ours = {path.relative_to(ROOT).as_posix() for path in (ROOT / "course_lib").rglob("*")
            if path.is_file() and "__pycache__" not in path.parts}
    carried = {name for name in archive.namelist() if ".dist-info/" not in name}
    assert carried == ours and any("/nb15_the_clinic/scripts/" in name for name in carried)
    metadata = next(archive.read(name).decode() for name in archive.namelist() if name.endswith("/METADATA"))
    asked = re.findall(r"^Requires-Dist: (.*)$", metadata, re.MULTILINE)
    assert [line for line in asked if "extra ==" not in line] == ["numpy<3,>=2.1"]
    assert {'extra == "watch"', 'extra == "lab"'} <= {line.partition("; ")[2] for line in asked}


def test_the_sdist_is_the_library_and_makes_the_same_wheel(wheel, tmp_path):
    sdist = built(tmp_path, "-c", "import setuptools.build_meta as build; build.build_sdist('dist')")
    with tarfile.open(sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert not {name for name in names if name.startswith("tests")} and {"LICENSE", "README.md"} <= names
    said = subprocess.run([sys.executable, *PIP_WHEEL, sdist], cwd=tmp_path, capture_output=True, text=True)
    assert said.returncode == 0, said.stdout + said.stderr
    mine, theirs = ({info.filename: info.CRC for info in zipfile.ZipFile(path).infolist()
                     if not info.filename.endswith("/RECORD")} for path in (next(tmp_path.glob("dist/*.whl")), wheel))
    assert mine == theirs


def test_with_numpy_alone_the_core_does_what_the_readme_says(run):
    of_torch, by_hand = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    assert "torch" not in by_hand
    out = run("".join(f"import course_lib.{name}\n" for name in CORE) + by_hand)
    assert float(out) < 1e-9


def test_with_numpy_alone_it_trains_and_warns_that_no_bar_is_shown(run):
    out = run("""
import warnings
import numpy as np
from course_lib import initialise, losses, tasks, train
rng = np.random.default_rng(0)
network = initialise.network(6, 8, 4, rng)
objective = train.sequence_objective(losses.cross_entropy)
with warnings.catch_warnings(record=True) as said:
    warnings.simplefilter("always")
    for shown in (False, True):
        train.train(network, objective, lambda: tasks.temporal_order(20, 4, rng), updates=2,
                    optimiser=train.SGD(0.01), progress=shown)
print(len(said), said[0].message)
""")
    assert out.startswith("1 No bar is shown: tqdm is not installed, and the progress bar needs it")
    assert 'pip install -e ".[lab]"' in out


@pytest.mark.parametrize("call, package, extra", [
    ("watch.watch_time(None)", "torch", "watch"),
    ("watch.Clipper([], 1.)", "torch", "watch"),
    ("torch_bridge.to_torch(None)", "torch", "watch"),
    ("torch_bridge.from_torch(None)", "torch", "watch"),
    ("import course_lib.screen.svg", "matplotlib", "watch"),
    ("from course_lib.lessons.nb07_exploding import figures", "matplotlib", "watch"),
    ("list(parallel.runs(abs, [1], progress=False))", "joblib", "lab"),
    ("import course_lib.exercises as e; e.progress()", "platformdirs", "lab"),
    ("import course_lib.lessons.nb15_the_clinic.health", "torch", "lab"),
])
def test_what_needs_more_than_numpy_names_the_extra_that_brings_it(run, call, package, extra):
    said = run(f"""
from course_lib import parallel, torch_bridge, watch
try:
    {call}
except ModuleNotFoundError as error:
    print(error, error.name)
""")
    assert said.startswith(f"{package} is not installed, and ") and said.rstrip().endswith(f"make lab. {package}")
    assert f'needs it: pip install -e ".[{extra}]"' in said


def test_a_fault_of_our_own_is_not_taken_for_a_missing_package(run):
    assert run("""
from course_lib import _checks
try:
    with _checks.extra("watch", "x"):
        import course_lib.nothing
except ModuleNotFoundError as error:
    print(error)
""") == "No module named 'course_lib.nothing'\n"


def test_what_needs_the_data_says_where_they_are(run):
    said = run("""
from course_lib import data
from course_lib.lessons.nb05_singular_values.long_product import long_product
from course_lib.lessons.nb11_lstm.long_order import long_order, order_by_bias
from course_lib.lessons.nb16_claims_on_trial import ledger
for call in (data.digits, data.sunspots, long_order, order_by_bias, long_product, ledger.ledger):
    try:
        call()
    except FileNotFoundError as error:
        print(error)
""").splitlines()
    assert len(said) == 6
    assert all("come with the folder data/ of the course" in line and line.endswith("make lab installs it in place.")
               for line in said)


def test_outside_the_course_this_machine_is_not_called_ready(run):
    assert "the course's data" in run("""
from course_lib.lessons.nb00_start_here import ready
report = ready.check()
print(report)
assert not report.ready
""", but=["nothing"])


def test_bptt_loads_neither_torch_nor_matplotlib_nor_a_lesson(run):
    found = json.loads(run("import json, course_lib.bptt; print(json.dumps(sorted(sys.modules)))", but=["nothing"]))
    assert "course_lib.bptt" in found
    assert not [name for name in found if name.startswith(("torch", "matplotlib", "course_lib.lessons"))]


def test_with_watch_the_microscope_does_what_the_readme_says(run):
    of_torch, by_hand = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    out = run(of_torch + """
picture = flow.plot()
picture.fig.savefig("picture.png")
print(flow[""].norms().shape, picture.alt)
try:
    with watch.watch_time(net) as flow:
        flow.plot(live=True)
except ModuleNotFoundError as error:
    print(error)
try:
    import course_lib.screen.live
except ModuleNotFoundError as error:
    print(error)
""", but=NOT_OF_WATCH)
    assert re.search(r"falls to a thousandth in \d\d of 99 steps: vanished", out) and "(101, 8)" in out
    for package, what in (("IPython", "plot(live=True)"), ("ipywidgets", "live")):
        assert f'{package} is not installed, and {what} needs it: pip install -e ".[lab]"' in out


def test_without_matplotlib_the_microscope_measures_and_says_what_its_picture_needs(run):
    of_torch, _ = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    out = run(of_torch.replace("flow.plot()", "try:\n    flow.plot()\nexcept ModuleNotFoundError as error:\n"
                                              "    print(error)\n#"), but=NOT_OF_WATCH + ["matplotlib", "PIL"])
    assert re.search(r"falls to a thousandth in \d\d of 99 steps: vanished", out)
    assert 'matplotlib is not installed, and a picture needs it: pip install -e ".[watch]"' in out
