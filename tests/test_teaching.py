"""What TEACHING.md says holds: every minute is counted, every link leads somewhere, every number is shown by a cell."""
import copy
import csv
import json
import re
from pathlib import Path

import nbformat
import pytest

import measure
import notebooks
import plans
import teaching
from course_lib.exercises.bank import bank_of, numbers_of_banks
from notebook_rules import IMAGE_DATA, NOT_SAID, NUMBER

NOTEBOOKS = Path(__file__).parents[1] / "notebooks"
TEXT = (NOTEBOOKS / "TEACHING.md").read_text(encoding="utf-8")
SERVER = (NOTEBOOKS / "SERVER.md").read_text(encoding="utf-8")
LENGTHS = {"One lecture": 50, "Two hours": 120, "A day": 480}


def part(title):
    """The text below a heading, up to the next one."""
    return re.search(rf"^#+ {title}.*?\n(.*?)(?=^#|\Z)", TEXT, re.DOTALL | re.MULTILINE).group(1)


def rows(title):
    """The cells of the table below a heading, without its head."""
    lines = [line for line in part(title).splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def ids(text):
    return re.findall(r"\b\d+\.[1-9]\d*\b", text)


def minutes_of_notes(name):
    """The minutes of speaker notes under each heading of a notebook's slides, read from the bare JSON."""
    found, title = {}, ""
    for cell in json.loads((NOTEBOOKS / f"{name}.ipynb").read_text(encoding="utf-8"))["cells"]:
        source, kind = "".join(cell["source"]), cell["metadata"].get("slideshow", {}).get("slide_type")
        if kind == "slide" and source.startswith("#"):
            title = source.split("\n")[0].lstrip("# ")
            found[title] = 0
        if kind == "notes":
            found[title] += int(re.search(r"Speaker notes \((\d+) min\)", source).group(1))
    return found


def talk(text):
    """The minutes of all that a cell of a table links, counted without the tool."""
    total = 0
    for name, anchor in re.findall(r"\]\((\w+)\.ipynb#?([^)]*)\)", text):
        notes = minutes_of_notes(name)
        total += sum(each for title, each in notes.items()
                     if not anchor or title.replace("`", "").replace(" ", "-") == anchor)
    return total


def test_a_heading_has_the_anchor_that_jupyterlab_gives_it(tmp_path, monkeypatch):
    """Code marks are left out, blanks are hyphens, and the rest stands: as in the HTML of a heading with code in it."""
    book = nbformat.v4.new_notebook(cells=[
        nbformat.v4.new_markdown_cell("# What `live(figure)` does, and why", id="a",
                                      metadata={"slideshow": {"slide_type": "slide"}}),
        nbformat.v4.new_markdown_cell("four words of text", id="b")])
    path = tmp_path / "sample.ipynb"
    nbformat.write(book, path)
    monkeypatch.setattr(teaching, "paths", lambda names: [path])
    teaching.sections.cache_clear()
    assert list(teaching.sections("sample")) == ["What-live(figure)-does,-and-why"]
    teaching.sections.cache_clear()


def test_nothing_is_left_to_count():
    assert teaching.renewed(TEXT) == TEXT, "run make teaching"


@pytest.mark.parametrize("title", LENGTHS)
def test_the_minutes_of_a_plan_are_true(title):
    *plan, last = rows(title)
    minutes = {item.id: item.minutes for n in numbers_of_banks() for item in bank_of(n).exercises}
    for stated, what, _, _ in plan:
        if ".ipynb" in what:
            assert int(stated) == talk(what) > 0, what
        elif what.startswith("exercise"):
            assert int(stated) == sum(minutes[name] for name in ids(what)) > 0, what
        else:
            assert what in ("break", "lunch", "questions", "catch up") and int(stated) >= 4, what
    assert last[0] == f"**{LENGTHS[title]}**" and sum(int(row[0]) for row in plan) == LENGTHS[title]
    assert f"({LENGTHS[title]} minutes)" in re.search(rf"^### {title}.*$", TEXT, re.MULTILINE).group(0)


def test_the_minutes_of_the_term_are_true():
    *weeks, last = rows("A term of twelve weeks")
    assert [week[0] for week in weeks] == [str(number) for number in range(1, 13)]
    minutes = {item.id: item.minutes for n in numbers_of_banks() for item in bank_of(n).exercises}
    given = []
    for week, lecture, spoken, in_class, used, at_home, home, _ in weeks:
        assert int(spoken) == talk(lecture), week
        assert int(used) == sum(minutes[name] for name in ids(in_class)), week
        assert int(home) == sum(minutes[name] for name in ids(at_home)), week
        assert int(spoken) + int(used) <= 80, week
        given += ids(in_class) + ids(at_home)
    assert len(given) == len(set(given))
    for column in (2, 4, 6):
        assert last[column] == f"**{sum(int(week[column]) for week in weeks)}**"


def test_the_table_of_lessons_agrees_with_the_notebooks():
    *lessons, last = rows("The lessons in minutes")
    books = sorted(NOTEBOOKS.glob("*.ipynb"))
    assert [re.search(r"\((.*)\)", row[0]).group(1) for row in lessons] == [path.name for path in books]
    for row, path in zip(lessons, books):
        cells = nbformat.read(path, 4).cells
        words = sum(len(cell.source.split()) for cell in cells
                    if cell.cell_type == "markdown" and cell.metadata.get("slideshow", {}).get("slide_type") != "notes")
        assert int(row[1]) == sum(minutes_of_notes(path.stem).values())
        assert 0 <= int(row[2]) - words / 180 < 1
    assert last[4] == f"**{sum(e.minutes for n in numbers_of_banks() for e in bank_of(n).exercises)}**"


def test_votes_of_the_short_plans_are_the_questions_listed():
    listed = ids("\n".join(re.findall(r"^- \*\*(\S+)\*\*", part("Questions to vote on"), re.MULTILINE)))
    votes = {name for title in ("One lecture", "Two hours") for row in rows(title) for name in ids(row[2])}
    assert sorted(listed) == sorted(votes)
    for name in listed:
        asked = next(p for p in bank_of(int(name.split(".")[0])).predictions if p.id == name)
        assert f"- **{name}** {asked.question}" in TEXT


def test_every_link_leads_somewhere():
    links = re.findall(r"\]\(((?!http)[^)]+)\)", TEXT)
    assert len(links) > 60
    for link in links:
        name, _, anchor = link.partition("#")
        if not name:  # on this page, as GitHub makes anchors
            assert anchor in {re.sub(r"[^\w -]", "", line.lstrip("# ").lower()).replace(" ", "-")
                              for line in TEXT.splitlines() if line.startswith("#")}, link
            continue
        assert (NOTEBOOKS / name).is_file(), link
        if anchor:
            headings = {line.lstrip("# ").replace("`", "").replace(" ", "-")
                        for cell in nbformat.read(NOTEBOOKS / name, 4).cells if cell.cell_type == "markdown"
                        for line in cell.source.splitlines() if line.startswith("#")}
            assert anchor in headings, link


def test_a_vote_is_taken_before_the_answer_is_on_the_slide():
    votes = {name for title in LENGTHS for row in rows(title) for name in ids(row[2])}
    votes |= {name for row in rows("A term of twelve weeks") for name in ids(row[7])}
    assert len(votes) > 50
    for path in NOTEBOOKS.glob("*.ipynb"):
        cells = nbformat.read(path, 4).cells
        steps = [cell.metadata.get("slideshow", {}).get("slide_type") in ("slide", "subslide", "fragment")
                 for cell in cells]
        for place, cell in enumerate(cells):
            for name in votes.intersection(re.findall(r'^predict\("([\d.]+)"', cell.source, re.MULTILINE)):
                shown = next(k for k, later in enumerate(cells) if f'reveal("{name}"' in later.source)
                assert any(steps[place + 1:shown + 1]), name


def said(item):
    """The numbers that an item of a list states."""
    return set(NUMBER.findall(NOT_SAID.sub("", re.sub(r"\(claim \d+\)", "", item))))


def test_the_minutes_of_the_inventory_are_a_count():
    asked = json.loads((NOTEBOOKS.parent / "data" / "inventory.json").read_text(encoding="utf-8"))
    words = len(asked["words"].split()) + 3  # "I don't know"
    for each in asked["questions"]:
        words += len(each["question"].split()) + sum(len(option["text"].split()) for option in each["options"][:-1])
    stated, = re.findall(r"(\d+) minutes by a count, of 200 words a minute and 15 s for each choice", TEXT)
    assert abs(words / 200 + len(asked["questions"]) / 4 - int(stated)) <= .5
    assert teaching.renewed(TEXT.replace(f"{stated} minutes by a", "7 minutes by a")) == TEXT


def test_a_week_closes_with_the_last_lesson_that_it_shows_whole():
    assert plans.plan("week-10").close.startswith("A gate holds") and plans.plan("week-11").minutes == 90


@pytest.mark.parametrize("title", ["What students ask", "What students believe"])
def test_the_section_that_an_answer_links_shows_its_numbers(title):
    items = re.split(r"^- ", part(title), flags=re.MULTILINE)[1:]
    assert len(items) >= 12
    for item in items:
        names = re.findall(r"\]\((\w+\.ipynb)#", item)
        assert names, item
        text = "\n".join(str(output.get("text", "")) + str(output.get("data", "")) + cell.source
                         for name in names for cell in nbformat.read(NOTEBOOKS / name, 4).cells
                         for output in cell.get("outputs") or [{}])
        assert said(item) <= set(NUMBER.findall(IMAGE_DATA.sub("", text))), item


def test_a_claim_that_is_named_does_not_simply_hold():
    with (NOTEBOOKS.parent / "data" / "claims.csv").open(encoding="utf-8", newline="") as file:
        verdicts = {row["number"]: row["verdict"] for row in csv.DictReader(file)}
    named = re.findall(r"\(claim (\d+)\)", part("What students believe"))
    assert len(named) >= 10 and all(verdicts[number] != "holds" for number in named)
    assert f"with {len(verdicts)} in all" in part("What students believe")


def test_the_sums_of_the_server_are_right():
    sums = re.findall(r"(\d[\d. x/+MiB]*?) = ([\d.]+) (MiB|GiB|s)\b", SERVER)
    assert len(sums) >= 5
    for what, result, unit in sums:
        value = eval(what.replace("x", "*").replace("MiB", "")) / (1024 if unit == "GiB" and "MiB" in what else 1)
        assert abs(value - float(result)) <= (.05 if "." in result else .5), what


# What can't be true is refused

PLAN = """### A plan ({length} minutes)

| minutes | part | vote | how |
|---|---|---|---|
| 1 | [The gradient ruler](00_start_here.ipynb#The-gradient-ruler) | {vote} | |
| 1 | {part} | | |
| 10 | break | | |
| 1 | questions | | |
| 1 | **together** | | |
"""
TERM = """### A term (one class of {length} minutes)

| week | lecture | talk | in class | class | at home | home | vote |
|---|---|---|---|---|---|---|---|
| 1 | [05](05_singular_values.ipynb) | 1 | 5.2 | 1 | 5.4, 5.9 | 1 | {vote} |
| | **together** | | | | | | |
"""


def test_wrong_minutes_are_put_right():
    def column(text, number):
        return [line.split("|")[number].strip() for line in text.splitlines() if line.startswith("|")][2:]

    made = teaching.renewed(PLAN.format(length=50, part="exercises 5.2, 5.4", vote=""))
    assert column(made, 1) == ["6", "8", "10", "26", "**50**"]
    made = teaching.renewed(TERM.format(length=90, vote="5.1"))
    assert [column(made, number) for number in (3, 5, 7)] == [["38", "**38**"], ["5", "**5**"], ["6", "**6**"]]
    asked = next(p for p in bank_of(0).predictions if p.id == "0.2")
    assert teaching.renewed("- **0.2** Is it so?") == f"- **0.2** {asked.question} *Measured: 2.7e-05.*"


@pytest.mark.parametrize("text, sentence", [
    (PLAN.format(length=20, part="exercise 0.3", vote=""),
     "the plan of 20 minutes leaves 2 for questions: take out a row (4 are the least)"),
    (PLAN.format(length=50, part="exercise 0.4", vote=""), "there is no exercise 0.4"),
    (PLAN.format(length=50, part="exercise 0.1", vote=""), "there is no exercise 0.1"),
    (PLAN.format(length=50, part="[x](05_singular_values.ipynb#No-such)", vote=""),
     "05_singular_values.ipynb has no section #No-such; there are: 05-Singular-values, "),
    (PLAN.format(length=50, part="[x](55_none.ipynb)", vote=""), "no notebook 55_none in notebooks/"),
    (PLAN.format(length=50, part="", vote="5.1"), "5.1 is not asked in [The gradient ruler]"),
    (PLAN.format(length=50, part="", vote="0.3"), "there is no prediction 0.3"),
    (PLAN.format(length=50, part="", vote="").replace("questions", "answers"), "needs one row of questions"),
    (TERM.format(length=46, vote=""), "week 1 takes 43 of 46 minutes: too little is left for questions"),
    (TERM.format(length=90, vote="6.2"), "6.2 is not asked in [05]"),
    ("- **0.3** What?", "there is no prediction 0.3"),
])
def test_what_cannot_be_true_is_refused(text, sentence):
    with pytest.raises(SystemExit, match=re.escape(sentence)):
        teaching.renewed(text)


def test_the_folder_for_all_on_a_server_is_one_that_all_can_read():
    place = re.search(r"Install it for all:.*?\n- ", SERVER, re.DOTALL).group()
    assert "/opt/course" in place and "sudo -u nobody" in place


# The plans as lectures

@pytest.mark.parametrize("title", LENGTHS)
def test_ten_minutes_can_be_left_out(title):
    late = plans.plan({"One lecture": "50", "Two hours": "120", "A day": "day"}[title])
    said = {what: int(minutes) for minutes, what, _, _ in rows(title)[:-1]}
    spared = said["catch up"] if "catch up" in late.late else talk(late.late) + sum(
        item.minutes for n in numbers_of_banks() for item in bank_of(n).exercises if item.id in re.findall(
            r"exercises? ([\d.]+\d)", late.late))
    assert spared >= 10
    for name, anchor in plans.PLACE.findall(late.late):
        assert any(f"{name}.ipynb#{anchor})" in what for what in said), anchor


def test_the_lecture_of_50_minutes_has_at_most_five_votes():
    votes = [name for row in rows("One lecture") for name in ids(row[2])]
    assert len(votes) == 5
    assert "five votes" in TEXT


def test_a_plan_is_one_notebook_in_the_order_of_its_table():
    for name in plans.names():
        plan = plans.plan(name)
        book = plans.lecture_book(plan)
        nbformat.validate(book)
        headings = [re.match(r"#+ (.*)", cell.source)[1].replace("`", "").replace(" ", "-") for cell in book.cells
                    if cell.metadata.get("slideshow", {}).get("slide_type") == "slide" and cell.source.startswith("#")]
        wanted = [anchor for part in plan.parts for _, anchor in plans.PLACE.findall(part.what) if anchor]
        assert [each for each in headings if each in wanted] == wanted, name
        assert headings[-1] == "To-take-home"
        asked = [re.search(r'predict\("([\d.]+)"', cell.source)[1] for cell in book.cells if "predict(" in cell.source
                 and cell.cell_type == "code" and "import" not in cell.source]
        assert sorted(asked) == sorted(vote for part in plan.parts for vote in part.votes), name
        notes = "".join(cell.source for cell in book.cells if "Speaker notes" in cell.source)
        assert all(f"Vote {vote}: measured " in notes for part in plan.parts for vote in part.votes), name
        assert "Ten minutes late" in notes
        spoken = sum(map(int, re.findall(r"Speaker notes \((\d+) min", notes)))
        assert 0 <= spoken - plan.minutes <= 2 or name.startswith("week"), name  # the first slide and the last


def test_a_plan_that_there_is_not_is_said():
    with pytest.raises(SystemExit, match="PLAN=55: TEACHING.md has no such plan; there are 50, 120, day, week-1"):
        plans.plan("55")


@pytest.mark.long
@pytest.mark.parametrize("name, most", [("50", 40)])
def test_a_plan_computes_in_one_kernel_what_its_lessons_store(tmp_path, name, most):
    """Lessons give one name to different things; here each has its own. `most`: seconds of the kernel's processor."""
    stored = plans.lecture_book(plans.plan(name))
    book = copy.deepcopy(stored)
    book.cells.append(nbformat.v4.new_code_cell("import time; print(time.process_time())", id="time"))
    book = notebooks.normal(notebooks.execute(book, tmp_path))
    assert float(book.cells[-1].outputs[0].text) < most
    for cell, known in zip(book.cells, stored.cells):
        if cell.cell_type == "code" and cell.metadata.get("slideshow", {}).get("slide_type") != "skip":
            shown = [[output.get("text"), output.get("data", {}).get("text/plain")] for output in cell.outputs]
            assert shown == [[output.get("text"), output.get("data", {}).get("text/plain")] for output in known.outputs]


@pytest.mark.portable
@pytest.mark.parametrize("name", plans.names())
def test_a_plan_runs_to_its_end_in_one_kernel_of_a_small_machine(tmp_path, name):
    path = tmp_path / f"lecture_{name}.ipynb"
    path.write_text(notebooks.text_of(plans.lecture_book(plans.plan(name))), encoding="utf-8")
    assert measure.cost(path).memory <= measure.MOST_MEMORY  # cost stops at a cell's error, too
