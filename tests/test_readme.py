"""What the README says holds: its code runs, its links lead somewhere, its minutes are those of the notebooks."""

import json
import re
import subprocess
import sys
from pathlib import Path

import nbformat
import yaml

import address
from course_lib.lessons.nb00_start_here.ruler import GradientRuler
from course_lib.exercises.bank import bank_of, numbers_of_banks

ROOT = Path(__file__).parents[1]
NUMBERS = ("none one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen "
           "seventeen eighteen nineteen twenty twenty-one twenty-two twenty-three twenty-four").split()
README = (ROOT / "README.md").read_text(encoding="utf-8")


def run(code, capsys):
    """The names that a piece of code leaves behind, and what it prints."""
    names = {}
    exec(code, names)
    return names, capsys.readouterr().out


def test_its_code_runs(capsys):
    of_torch, by_hand = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    names, out = run(by_hand, capsys)
    assert float(out) < 1e-9
    assert 1e-26 < abs(names["back"].dh[0]).max() < 1e-24
    names, out = run(of_torch, capsys)
    assert re.search(r"falls to a thousandth in \d+ of 99 steps: vanished", out)
    assert names["flow"][""].norms().shape == (101, 8)


def test_its_picture_says_what_is_measured():
    said = re.search(r"!\[([^\]]*)\]\(tools/front/ruler.svg\)", README)[1]
    by_gain = dict(re.findall(r"of ([\de+]+) at gain ([\d.]*\d)", said))
    assert sorted(by_gain.values()) == ["0.6", "1", "1.8"] and "shrinks" in said.split("and grows")[0]
    for factor, gain in by_gain.items():
        measured = 10**abs(GradientRuler(T=100, activation="tanh", gain=float(gain)).data.exact[0])
        assert float(f"{measured:.0e}") == float(f"{float(factor):.0e}"), gain


def test_it_opens_the_first_notebook_in_three_other_places_once_the_course_is_published():
    places = address.elsewhere("00_start_here")
    assert len(address.BADGE.findall(README)) == 3
    for name, badge in address.PICTURES.items():
        assert (f"(tools/front/{badge}.svg)]({places[name]}) |" in README if places else
                f"| {name}, once [published](#publish) |" in README)
        assert (ROOT / f"tools/front/{badge}.svg").exists()


def test_the_places_that_it_names_are_there():
    named = re.findall(r"`((?:course_lib|data|tests|tools)/[^`]*)`", README)
    assert len(named) > 12
    assert [place for place in named if not list(ROOT.glob(place))] == []


def test_it_lists_every_notebook_with_its_minutes():
    rows = dict(re.findall(r"^\| \d\d \| \[.*\]\((notebooks/.*?)\).*\| ([\d +]+) \|$", README, re.MULTILINE))
    assert sorted(rows) == [path.relative_to(ROOT).as_posix() for path in sorted(ROOT.glob("notebooks/*.ipynb"))]
    for name, minutes in rows.items():
        first = nbformat.read(ROOT / name, 4).cells[0].source
        number = int(Path(name).name[:2])
        lesson, _, exercises = minutes.partition(" + ")
        assert re.search(r"(\d+) minutes", first).group(1) == lesson, name
        if exercises:
            more = [int(exercises), NUMBERS.index(re.search(r"([\w-]+) exercises\.", first)[1])]
            assert [sum(e.minutes for e in bank_of(number).exercises), len(bank_of(number).exercises)] == more, name
            assert f"and {exercises} more for the" in first, name


def test_the_hours_of_its_paths_are_those_of_the_notebooks():
    rows = re.findall(r"^\| (\d\d) \| \[.*\| (\d+)(?: \+ (\d+))? \|$", README, re.MULTILINE)
    lesson, more = {name: int(minutes) for name, minutes, _ in rows}, sum(int(more or 0) for *_, more in rows)
    project, = re.findall(r"the project itself takes about (\d+) hours", README)
    hours = (sum(lesson.values()) + more) / 60 + int(project)
    assert f"about {hours:.0f} hours, exercises and project included" in README
    weekend = sum(lesson[name] for name in ("00", "03", "04", "05", "06", "07", "08", "11")) / 60
    assert f"notebooks 00, 03 to 08 and 11, about {weekend:.0f} hours" in README


def test_the_citation_is_valid_and_of_this_version():
    file = ROOT / "CITATION.cff"
    run = subprocess.run([sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.citation-file-format",
                          file], capture_output=True, text=True)
    assert run.returncode == 0, run.stdout + run.stderr
    cited = yaml.safe_load(file.read_text(encoding="utf-8"))
    assert cited["version"] == address.project()["version"] and cited["title"].startswith(README.split("\n")[0][2:])
    assert cited["license"] == address.project()["license"].split(" AND ")
    repo = address.published()
    assert cited.get("repository-code") == (f"https://github.com/{repo}" if repo else None)
    assert not {"doi", "identifiers"} & set(cited)  # there is none


def test_changes_names_this_version_and_these_questions():
    changes = (ROOT / "CHANGES.md").read_text(encoding="utf-8")
    assert f"## {address.project()['version']}" in changes
    version = json.loads((ROOT / "data" / "inventory.json").read_text(encoding="utf-8"))["version"]
    assert re.findall(r"before and after the course, version (\d+)", changes)[0] == str(version)


def test_it_counts_the_exercises_and_the_figures():
    banks = [bank_of(number) for number in numbers_of_banks()]
    exercises = [exercise for bank in banks for exercise in bank.exercises]
    said = (f"{len(exercises)} exercises and {sum(len(bank.predictions) for bank in banks)} predictions; "
            f"{sum(len(exercise.mistakes) for exercise in exercises)} typical wrong answers")
    assert said in README
    cells = [cell.source for path in ROOT.glob("notebooks/*.ipynb") for cell in nbformat.read(path, 4).cells
             if cell.cell_type == "code"]
    assert f"{sum(source.count(chr(10) + 'live(') + source.startswith('live(') for source in cells)} live figures" in README


def test_its_table_has_every_notebook_below_1_gb():
    table = re.search(r"<!-- table: notebooks -->(.*?)<!-- /table -->", README, re.DOTALL)[1]
    rows = re.findall(r"^\| \[(\w+)\]\(notebooks/(\w+).ipynb\) \| (\d+) \| (\d+) \|$", table, re.MULTILINE)
    assert [name for name, *_ in rows] == sorted(path.stem for path in ROOT.glob("notebooks/*.ipynb"))
    assert all(name == link and int(memory) < 950 for name, link, _, memory in rows)
    minutes = sum(int(seconds) for _, _, seconds, _ in rows) / 60
    assert f"All notebooks together take {minutes:.0f} minutes" in README
