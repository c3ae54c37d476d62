"""What the README says holds: its code runs, its links lead somewhere, its minutes are those of the notebooks."""

import re
from pathlib import Path

import nbformat

from course_lib.exercises import engine

ROOT = Path(__file__).parents[1]
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
    assert "vanished. Over 99 steps" in out and names["flow"][""].norms().shape == (101, 8)


def test_its_links_lead_somewhere():
    links = [link for link in re.findall(r"\]\(([^)]+)\)", README) if not link.startswith("http")]
    assert links and all((ROOT / link).exists() for link in links), links


def test_it_lists_every_notebook_with_its_minutes():
    rows = dict(re.findall(r"^\| \d\d \| \[.*\]\((notebooks/.*?)\).*\| ([\d +]+) \|$", README, re.MULTILINE))
    assert sorted(rows) == [path.relative_to(ROOT).as_posix() for path in sorted(ROOT.glob("notebooks/*.ipynb"))]
    for name, minutes in rows.items():
        first = nbformat.read(ROOT / name, 4).cells[0].source
        number = int(Path(name).name[:2])
        lesson, _, exercises = minutes.partition(" + ")
        assert re.search(r"(\d+) minutes", first).group(1) == lesson, name
        if exercises:
            assert sum(e.minutes for e in engine.bank(number).exercises) == int(exercises), name
