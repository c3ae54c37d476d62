"""`make notebooks` writes the same bytes each time, and leaves a notebook alone whose run shows a fault."""
import nbformat
import pytest

import notebooks

LIVE = """import ipywidgets, time
class Live(ipywidgets.VBox):
    def _repr_mimebundle_(self, **kwargs):
        return super()._repr_mimebundle_(**kwargs) | {"text/html": "<p>3</p>", "text/plain": "3"}
Live([ipywidgets.FloatSlider()])"""
KEPT = """from course_lib._kept import StillWidget
class Three(StillWidget):
    def still(self):
        return {"text/html": "<p>3</p>", "text/plain": "3"}
Three([])"""
SLOW = "print(1, flush=True)\ntime.sleep(.5)\nprint(2)"
GOOD = {"live": LIVE, "slow-print": SLOW, "silent": "x = 3", "value": "x", "kept": KEPT}
BAD = {
    "warning": ("import ipywidgets, os, warnings\nwarnings.warn('old')", "warning: output on stderr: "),
    "bare-slider": ("ipywidgets.FloatSlider()", "bare-slider: a widget leaves no still picture (text/html)"),
    "address": ("object()", "address: a memory address in the output: at 0x"),
    "folder": ("print(os.getcwd())", "the machine's own {root} in the notebook"),
    "error": ("1 / 0", "error: error ZeroDivisionError: division by zero"),
    "after": ("print('not reached')", "the code cells were not all executed, in order, on a fresh kernel"),
}


@pytest.fixture
def path(tmp_path, monkeypatch):
    monkeypatch.setattr(notebooks, "ROOT", tmp_path)
    (tmp_path / "notebooks").mkdir()
    return tmp_path / "notebooks" / "01_sample.ipynb"


def write(path, sources):
    """Write an unexecuted notebook."""
    cells = [nbformat.v4.new_code_cell(source, id=name) for name, source in sources.items()]
    path.write_text(notebooks.text_of(nbformat.v4.new_notebook(cells=cells)), encoding="utf-8")
    return path.read_bytes()


def test_twice_changes_no_byte(path):
    before = write(path, GOOD)
    assert notebooks.renew(path) == []
    once = path.read_bytes()
    assert once != before and b"widget" not in once.replace(b"ipywidgets", b"")
    assert notebooks.renew(path) == []
    assert path.read_bytes() == once
    outputs = [cell.outputs for cell in notebooks.read(path).cells]
    assert outputs[0][0].data == {"text/html": "<p>3</p>", "text/plain": "3"}
    assert [output.text for output in outputs[1]] == ["1\n2\n"]
    assert outputs[2] == [] and outputs[3][0].data == {"text/plain": "3"}
    assert len(outputs[4]) == 1 and outputs[4][0].data["text/html"].endswith('<div class="course-stays"><p>3</p></div>')


def test_what_is_wrong_is_said_and_nothing_is_written(path):
    before = write(path, {name: source for name, (source, _) in BAD.items()})
    found = notebooks.renew(path)
    for name, (_, message) in BAD.items():
        assert any(fault.startswith(message.format(root=notebooks.ROOT)) for fault in found), (name, found)
    assert path.read_bytes() == before


def test_names_choose_among_what_is_on_disk(path):
    path.touch()
    other = path.with_name("02_other.ipynb")
    other.touch()
    assert notebooks.paths() == [path, other] and notebooks.paths(["02_other"]) == [other]
    with pytest.raises(SystemExit, match="no notebook 03_none in notebooks/"):
        notebooks.paths(["02_other", "03_none"])
