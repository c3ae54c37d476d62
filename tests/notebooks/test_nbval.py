"""Every notebook on disk runs, and each of its outputs is what is stored; so are the pictures, block by block.

In `make test` the longest training runs are those that come along to a browser; `make test-all` makes them all anew.
"""
import base64
import io

import nbformat
import pytest
from PIL import Image

import notebooks
from nbval_run import compare

MOST_MEMORY = 500  # MiB; a small Binder machine holds a kernel of this size
COME_ALONG = ["06_vanishing", "08_clipping", "09_initialization_and_other_cures", "10_truncated_bptt", "11_lstm",
              "12_gru"]  # they have runs in data/browser.npz
MOVED = .01  # the share of what is drawn that may be elsewhere; a label that is missing is .03 and more
# Pictures of chaotic training, or of what rounding leaves: on another processor up to .15 of them is elsewhere.
UNSTEADY = {"05": {"long-live", "gain-live"}, "06": {"front", "logs-picture", "digits-picture"}, "07": {"logs-picture"},
            "08": {"rescue-live"}, "10": {"reset-compare"}, "14": {"live-history-plot"}, "17": {"cures-cell"}}
UNSTEADY_MOVED = .2
REPLACED = "live-cell"  # its picture follows the run; nbval sees the first one only


def moved(path, run):
    """The pictures that are not the stored ones."""
    unsteady = UNSTEADY.get(path.stem[:2], set())
    return {cell: share for cell, share in run.pictures.items()
            if cell != REPLACED and share > (UNSTEADY_MOVED if cell in unsteady else MOVED)}


def code_cells(path):
    """Return how many cells nbval has to compare."""
    return sum(cell.cell_type == "code" for cell in notebooks.read(path).cells)


@pytest.mark.parametrize("path", [pytest.param(path, marks=[pytest.mark.long] * (path.stem in COME_ALONG))
                                  for path in notebooks.paths()], ids=lambda path: path.stem)
def test_outputs_are_those_stored(path):
    run = compare(path)
    assert not run.failed and run.agreed == code_cells(path), run.report
    assert not moved(path, run)
    assert run.memory < MOST_MEMORY


@pytest.mark.parametrize("name", COME_ALONG)
def test_outputs_are_those_stored_where_long_runs_come_along(name):
    path, = notebooks.paths([name])
    run = compare(path, along=True)
    assert not run.failed and run.agreed == code_cells(path), run.report
    assert not moved(path, run)


def drawing(*size, squares=0):
    """A black picture with white squares, as a notebook stores it."""
    picture = Image.new("L", size)
    for place in range(squares):
        picture.paste(255, (4 * place, 0, 4 * place + 4, 4))
    picture.save(data := io.BytesIO(), "png")
    return base64.b64encode(data.getvalue()).decode()


LIVE = """import ipywidgets, os, warnings
class Live(ipywidgets.VBox):
    def _repr_mimebundle_(self, **kwargs):
        still = '<img alt="it grows to 3" src="data:image/png;base64,""" + drawing(40, 8) + """">'
        return super()._repr_mimebundle_(**kwargs) | {"text/html": still, "text/plain": "it grows to 3"}
print(1)"""


def picture(number, data=drawing(40, 8), text="it grows to 3"):
    """Return the stored still of a Live."""
    html = f'<img alt="it grows to {number}" src="data:image/png;base64,{data}">'
    return {"text/html": html, "text/plain": text}


CELLS = [  # what happens, source, stored output, whether the two agree
    ("the same text", LIVE, "1\n", True),
    ("another text", "print(1.5)", "1.4\n", False),
    ("the same still, the live view stripped", "Live()", picture(3), True),
    ("another picture of the same finding", "Live()", picture(3, data=drawing(40, 8, squares=5)), True),
    ("another size of the same picture", "Live()", picture(3, data=drawing(40, 12)), True),
    ("another finding in the alt text", "Live()", picture(4), False),
    ("another finding in the plain text", "Live()", picture(3, text="it grows to 4"), False),
    ("a warning more", "warnings.warn('new')", None, False),
    ("an output less", "None", {"text/plain": "3"}, False),
    ("an error", "1 / 0", None, False),
    ("the variables of the run", "print(os.environ['GIVEN'], os.environ['TQDM_DISABLE'])", "here 1\n", True),
    ("no stored progress", "os.path.exists(os.environ['COURSE_PROGRESS'])", {"text/plain": "False"}, True),
]


def test_the_comparison_sees_what_differs_and_nothing_else(tmp_path, monkeypatch):
    monkeypatch.delenv("TQDM_DISABLE")
    monkeypatch.setenv("COURSE_PROGRESS", __file__)
    cells = []
    for count, (_, source, stored, _) in enumerate(CELLS, start=1):
        cell = nbformat.v4.new_code_cell(source, id=f"cell-{count}", execution_count=count)
        if isinstance(stored, str):
            cell.outputs = [nbformat.v4.new_output("stream", text=stored)]
        elif stored:
            cell.outputs = [nbformat.v4.new_output("execute_result", data=stored, execution_count=count)]
        cells.append(cell)
    path = tmp_path / "sample.ipynb"
    path.write_text(notebooks.text_of(nbformat.v4.new_notebook(cells=cells)), encoding="utf-8")
    run = compare(path, GIVEN="here")
    differ = [what for what, *_, agrees in CELLS if not agrees]
    assert [CELLS[cell][0] for cell in run.failed] == differ, run.report
    assert run.agreed == len(CELLS) - len(differ)
    assert {CELLS[int(cell.removeprefix("cell-")) - 1][0]: share for cell, share in run.pictures.items()} == {
        "another picture of the same finding": .25, "another size of the same picture": 1.}
    assert 20 < run.memory < MOST_MEMORY
