"""`make handout`: no solution reaches a student, every exercise has a graded cell, nbgrader takes the assignments."""
import builtins
import dataclasses
import os
import re
import shutil
import subprocess
import symtable
import sys
from pathlib import Path

import nbformat
import pytest
from IPython.core.inputtransformer2 import TransformerManager

import handout
import notebooks
from course_lib import exercises
from course_lib.exercises.bank import bank_of, numbers_of_banks
from judged_apart import verdicts

BOOKS = notebooks.paths()
STEMS = [path.stem for path in BOOKS]
SMALL = "01_gradients"  # quick, with functions and a value to find


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """The folder that `make handout` fills, over an older one."""
    with pytest.MonkeyPatch.context() as patch:
        target = tmp_path_factory.mktemp("built") / "handout"
        patch.setattr(handout, "TARGET", target)
        (target / "student").mkdir(parents=True)
        (target / "student" / "99_old.ipynb").touch()
        assert handout.main() == 0
    return target


def student(built, stem):
    return notebooks.read(built / "student" / f"{stem}.ipynb")


def source(built, stem):
    return notebooks.read(built / "nbgrader" / "source" / stem / f"{stem}.ipynb")


def bank(stem):
    """The notebook's exercises, by id."""
    number = int(stem[:2])
    items = bank_of(number).exercises if number in numbers_of_banks() else []
    return {exercise.id: exercise for exercise in items}


def squeezed(text):
    """A text without white space and HTML's escapes: how a solution would be found in whatever layout."""
    for code, sign in (("&lt;", "<"), ("&gt;", ">"), ("&amp;", "&")):
        text = text.replace(code, sign)
    return re.sub(r"\s+", "", text)


def whole_text(book):
    """Everything in a notebook that a student can read: sources and outputs."""
    return squeezed("\n".join(
        [cell.source for cell in book.cells]
        + [part for cell in book.cells for output in cell.get("outputs", [])
           for part in [output.get("text", ""), *map(str, output.get("data", {}).values())]]))


def test_every_notebook_is_there_and_nothing_old(built):
    assert sorted(path.stem for path in (built / "student").iterdir()) == STEMS
    assert sorted(path.name for path in (built / "nbgrader" / "source").iterdir()) == STEMS


@pytest.mark.parametrize("stem", STEMS)
def test_a_student_gets_everything_but_solutions_notes_and_measured_answers(built, stem):
    full, mine = notebooks.read(handout.ROOT / "notebooks" / f"{stem}.ipynb"), student(built, stem)
    assert not list(nbformat.validator.iter_validate(mine))
    missing = {cell.id for cell in full.cells} - {cell.id for cell in mine.cells}
    hidden = {cell.id for cell in full.cells if "solution" in cell.metadata.get("tags", [])
              or cell.metadata.get("slideshow", {}).get("slide_type") == "notes"}
    assert missing == hidden != set()
    kept = {cell.id: cell for cell in full.cells}
    for cell in mine.cells:
        assert cell.source == kept[cell.id].source and "solution(" not in cell.source
        if cell.cell_type == "code":
            assert cell.outputs == ([] if "reveal(" in cell.source else kept[cell.id].outputs)
    text = whole_text(mine)
    assert not re.search(r"\d\.\d+measured:|Solutionof", text)
    assert re.search(r"\d\.\d+measured:", whole_text(full)) or "reveal(" not in text
    shown = {squeezed(exercise.source()) for exercise in bank(stem).values()}
    assert all(each in whole_text(full) for each in shown)  # the search would see them
    assert not [each for each in shown if each in text]


@pytest.mark.parametrize("stem", STEMS)
def test_every_exercise_is_graded_once_and_the_points_are_its_minutes(built, stem):
    book = source(built, stem)
    assert not list(nbformat.validator.iter_validate(book))
    marked = [cell for cell in book.cells if "nbgrader" in cell.metadata]
    assert len({cell.metadata.nbgrader.grade_id for cell in marked}) == len(marked)
    assert all(cell.metadata.nbgrader.schema_version == 3 for cell in marked)
    graded = [cell for cell in marked if cell.metadata.nbgrader.grade]
    answers = [cell for cell in marked if cell.metadata.nbgrader.solution]
    assert all(cell.metadata.nbgrader.locked for cell in graded)
    points = {re.search(r'grade\("([\d.]+)", ', cell.source).group(1): cell.metadata.nbgrader.points
              for cell in graded}
    assert points == {name: exercise.minutes for name, exercise in bank(stem).items()}
    assert len(graded) == len(answers) == len(points)
    for answer, grade in zip(answers, graded):
        assert book.cells.index(grade) == book.cells.index(answer) + 1
        assert answer.source.count("### BEGIN SOLUTION") == answer.source.count("### END SOLUTION") == 1
    assert not any(cell.get("outputs") or "### HIDDEN" in cell.source for cell in book.cells)


def names(table):
    """The global names that a piece of code and the functions in it read."""
    own = {symbol.get_name() for symbol in table.get_symbols()
           if symbol.is_referenced() and (symbol.is_global() or table.get_type() == "module")}
    return own.union(*map(names, table.get_children()))


@pytest.mark.parametrize("stem", STEMS)
def test_a_solution_finds_all_its_names_and_takes_none_of_the_lesson(built, stem):
    defined = {}
    for cell in source(built, stem).cells:
        if cell.cell_type != "code":
            continue
        table = symtable.symtable(TransformerManager().transform_cell(cell.source), stem, "exec")
        made = {symbol.get_name() for symbol in table.get_symbols() if symbol.is_assigned() or symbol.is_imported()}
        if cell.metadata.get("nbgrader", {}).get("solution"):
            assert names(table) - made <= set(defined) | set(dir(builtins)), cell.id
            taken = {name for name in made & set(defined) if defined[name] is not None}
            assert not taken, f"{cell.id} overwrites {taken}"
            made = dict.fromkeys(made)
        else:
            made = dict.fromkeys(made, cell.id)
        defined |= made


@pytest.mark.parametrize("folder", ["student", "nbgrader/source"])
def test_every_link_to_a_lesson_leads_to_it(built, folder):
    found = 0
    for path in (built / folder).rglob("*.ipynb"):
        for cell in notebooks.read(path).cells:
            links = re.findall(r"\]\(([^)\s#]+\.ipynb)", cell.source) if cell.cell_type == "markdown" else []
            assert all((path.parent / link).is_file() for link in links), (path.name, links)
            found += len(links)
    assert found > 20


def test_an_exercise_that_only_the_bank_knows_stops_it():
    book = notebooks.read(handout.ROOT / "notebooks" / f"{SMALL}.ipynb")
    book.cells = [cell for cell in book.cells if 'check("1.4"' not in cell.source]
    with pytest.raises(SystemExit, match="^notebook 1: 1.4 is only in the notebook or only in its bank"):
        handout.assignment(book, bank_of(1))


# grade

@pytest.mark.parametrize("answer, word", [(..., "open"), (2 / 6, "not yet"), (None, "open")])
def test_grade_raises_what_check_says(answer, word, capsys):
    exercises.check("1.8", answer)
    said = capsys.readouterr().out
    with pytest.raises(AssertionError, match=f"^1.8 {word}: "):
        exercises.grade("1.8", answer)
    assert capsys.readouterr().out == said


def test_grade_lets_a_right_answer_pass(capsys):
    assert exercises.grade("1.8", .05) is None
    assert capsys.readouterr().out.startswith("1.8 passed")
    with pytest.raises(ValueError, match="there is no exercise '1.99'"):
        exercises.grade("1.99", 1)


# What a submission may do to its own checks

FORGED = {
    "grade is another": "import course_lib.exercises as e\ne.grade = lambda *given: None\n",
    "judge is another": "import course_lib.exercises.judge as j\n"
                        "j.Exercise.judge = lambda *given: j.Verdict('passed', '')\n",
    "comparing is another": "import course_lib.exercises.compare as c\nc.difference = lambda *given, **more: None\n",
    "course_lib is another": "import sys, types\nsys.modules['course_lib'] = types.ModuleType('course_lib')\n",
    "the caller's needed": "import sys\n{name} = lambda *given: sys._getframe(2).f_locals['needed'][0]\n",
    "the solution": "from course_lib.exercises.bank import bank_of\n{name} = bank_of(1).exercises[0].solution\n",
    "the bank": "from course_lib.lessons.nb01_gradients.exercises import {name}\n",
    "equal to all": "class A:\n    def __eq__(self, other):\n        return True\n"
                    "{name} = lambda *given: (A(), A(), A())\n",
    "a pickle that acts": "import os\nclass A:\n    def __reduce__(self):\n        return os.abort, ()\n"
                          "{name} = lambda *given: A()\n",
    "the end": "import os\nos._exit(0)\n",
}


@pytest.mark.long(but_every=4)
@pytest.mark.parametrize("forged", FORGED.values(), ids=FORGED)
def test_a_submission_is_judged_by_the_lecturer_s_copy(forged):
    exercise = bank("01_gradients")["1.2"]
    name = exercise.solution.__name__
    wrong = f"import numpy as np\n{name} = lambda *given: 0\n"
    assert verdicts([wrong + forged.replace("{name}", name)], [(exercise, name)])[0].word != "passed"


def test_right_and_wrong_answers_get_their_verdicts_apart():
    asked = [(exercise, f"answer_{id.replace('.', '_')}") for id, exercise in bank("01_gradients").items()]
    cells = ["import numpy as np"] + [
        f"{exercise.source()}\n{name} = {exercise.solution.__name__}{'' if exercise.cases else '()'}"
        for exercise, name in asked]
    assert [verdict.word for verdict in verdicts(cells, asked)] == ["passed"] * len(asked)
    exercise, name = asked[0]
    for cell, says in (("", "Give the function itself"), (f"def {name}(*given):\n    return 1", "needed 3 values"),
                       (f"def {name}(*given):\n    return [][0]", "It stopped with IndexError.")):
        assert says in verdicts([cell], [(exercise, name)])[0].reason
    banned = dataclasses.replace(exercise, forbidden=("exp",))
    cell = f"import numpy as np\nmy = np.exp\ndef {name}(*given):\n    return my(1.)"
    assert verdicts([cell], [(banned, name)])[0].reason.startswith("It uses exp, ")


# nbgrader itself

@pytest.fixture(scope="module")
def course(built, tmp_path_factory):
    """A course folder of nbgrader."""
    folder = tmp_path_factory.mktemp("course")
    shutil.copytree(built / "nbgrader", folder, dirs_exist_ok=True)
    return folder


def nbgrader(course, *arguments):
    """Run nbgrader there; return what it says. It looks for alembic on the PATH."""
    here = Path(sys.executable).parent
    environment = os.environ | {"PATH": f"{here}{os.pathsep}{os.environ['PATH']}", "PYTHONWARNINGS": "ignore",
                                "JUPYTER_CONFIG_DIR": str(course / "none"), "IPYTHONDIR": str(course / "ipython"),
                                "COURSE_PROGRESS": str(course / "progress.json")}
    done = subprocess.run([sys.executable, "-m", "nbgrader", *arguments], cwd=course, env=environment,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    return done.stdout


@pytest.mark.long
def test_nbgrader_validates_releases_and_grades(course):
    solved = f"source/{SMALL}/{SMALL}.ipynb"
    assert "Success! Your notebook passes all the tests." in nbgrader(course, "validate", solved)
    said = nbgrader(course, "generate_assignment", SMALL)
    released = course / "release" / SMALL / f"{SMALL}.ipynb"
    assert "ERROR" not in said and released.is_file(), said
    book = notebooks.read(released)
    assert all(squeezed(exercise.source()) not in whole_text(book) for exercise in bank(SMALL).values())
    stubs = [cell.source for cell in book.cells if cell.metadata.get("nbgrader", {}).get("solution")]
    assert len(stubs) == len(bank(SMALL)) and all("..." in stub and "SOLUTION" not in stub for stub in stubs)
    said = nbgrader(course, "validate", str(released.relative_to(course)))
    assert f"VALIDATION FAILED ON {len(stubs)} CELL(S)!" in said
    assert "AssertionError: 1.8 open: Put your answer in place of the ..." in said
    # A student solves all but two, one of them wrongly.
    exercise = {name: each for name, each in bank(SMALL).items() if name not in ("1.4", "1.8")}
    for cell, name in zip([cell for cell in book.cells if cell.metadata.get("nbgrader", {}).get("solution")],
                          bank(SMALL)):
        if name in exercise:
            cell.source = exercise[name].source()
        elif name == "1.8":
            cell.source = FORGED["grade is another"] + "answer_1_8 = 1"
    handed_in = course / "submitted" / "ada" / SMALL / f"{SMALL}.ipynb"
    handed_in.parent.mkdir(parents=True)
    handed_in.write_text(notebooks.text_of(book), encoding="utf-8")
    said = nbgrader(course, "autograde", SMALL)
    assert "ERROR" not in said, said
    nbgrader(course, "export")
    head, row = [line.split(",") for line in (course / "grades.csv").read_text().splitlines()]
    grades = dict(zip(head, row))
    assert grades["student_id"] == "ada"
    assert float(grades["max_score"]) == sum(each.minutes for each in bank(SMALL).values())
    assert float(grades["score"]) == sum(each.minutes for each in exercise.values())


@pytest.mark.long
def test_a_student_s_notebook_runs_through(built, tmp_path):
    shutil.copytree(built / "student", tmp_path / "student")
    path = tmp_path / "student" / f"{SMALL}.ipynb"
    book = notebooks.execute(notebooks.read(path), path.parent)
    code = [cell for cell in book.cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1))
    assert not [cell.id for cell in code for output in cell.outputs if output.output_type == "error"]


# JupyterLab stays as it is where nbgrader is installed

def jupyter(code, monkeypatch):
    """What `make lab` would find: run code with its configuration."""
    monkeypatch.setenv("JUPYTER_CONFIG_PATH", str(handout.ROOT / "tools" / "jupyter"))
    done = subprocess.run([sys.executable, *code], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    return re.sub(r"\x1b\[\d+m", "", done.stdout)


@pytest.mark.long
def test_make_lab_shows_nothing_of_nbgrader(monkeypatch):
    said = jupyter(["-m", "jupyter", "labextension", "list"], monkeypatch)
    assert re.search(r"@jupyter/nbgrader v\S+ disabled", said), said
    assert re.search(r"@jupyter-notebook/lab-extension v\S+ disabled", said), said
    said = jupyter(["-c", "from jupyter_server.serverapp import ServerApp; app = ServerApp(); "
                          "app.find_server_extensions(); "
                          "print([name for name, on in app.jpserver_extensions.items() if on])"], monkeypatch)
    assert "'jupyterlab'" in said and "nbgrader" not in said and "'notebook'" not in said, said
