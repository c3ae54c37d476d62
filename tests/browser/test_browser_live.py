"""Live figures as a learner meets them: mouse, keyboard, screen reader, errors, threads, no kernel."""

from __future__ import annotations

import io
import re

import nbformat
import numpy as np
import pytest
from nbformat import v4
from PIL import Image

from lab import complaints, drag, errors, run_all

FIGURES = """\
import numpy as np
from course_lib.screen import BLUE, GREEN, VERMILION, Figure
from course_lib.screen.live import live

class Shapes(Figure):
    size = (600, 300)

    def draw(self):
        left, right = self.fig.subplots(1, 2)
        left.set(xlim=(0, 10), ylim=(-10, 10), xlabel="x", ylabel="y")
        right.set(xlim=(0, 4), ylim=(0, 4))
        self.x = np.linspace(0, 10, 101)
        self.line, = self.moving(left.plot([], [], "--", color=VERMILION))
        self.marks, = self.moving(left.plot([], [], "s", color=BLUE, markevery=10))
        self.words = self.moving(left.text(5, 7, "", color=GREEN, fontsize=16))
        self.image = self.moving(right.imshow(np.eye(4), extent=(0, 4, 0, 4), cmap="RdBu", vmin=-1, vmax=1))

    def compute(self, slope=1.):
        if slope == 1.5:
            raise ArithmeticError("no such slope")
        return slope * np.sin(self.x) * self.x

    def move(self, y):
        self.line.set_data(self.x, y)
        self.marks.set_data(self.x, -y)
        self.words.set_text(f"slope {self.values['slope']:.1f}")
        self.image.set_data(np.linspace(-1, self.values["slope"], 16).reshape(4, 4))

    def describe(self, y):
        return f"slope {self.values['slope']:.1f}"
"""
LIVE = "live(Shapes(), slope=(-2., 2., .5))"


@pytest.fixture
def notebook(lab, page, request):
    """Open a notebook of the given cells and run it."""
    def start(*cells):
        name = re.sub(r"\W", "_", request.node.name) + ".ipynb"
        lab.open(page, lab.write(name, FIGURES, *cells))
        run_all(page)
        assert not errors(page)
        return page.locator(".jp-CodeCell").all()[1:]
    return start


def alt(cell) -> str:
    return cell.locator("svg[role=img]").get_attribute("aria-label")


def changes_to(cell, words: str) -> None:
    cell.locator(f'svg[role=img][aria-label="{words}"]').wait_for(timeout=10_000)


def test_mouse_and_keys_move_the_picture_and_only_theirs(notebook, page):
    first, second = notebook(LIVE, LIVE)
    before = first.locator("svg[role=img]").screenshot()
    handle = first.locator(".noUi-handle")
    drag(page, handle, first.locator(".noUi-base").bounding_box()["width"] / 4)
    changes_to(first, "slope 2.0")
    assert first.locator("svg[role=img]").screenshot() != before
    handle.focus()
    for key, words in (("ArrowLeft", None), ("ArrowLeft", "slope 1.0"), ("ArrowLeft", "slope 0.5"),
                       ("Home", "slope -2.0"), ("ArrowRight", "slope -1.5"), ("End", "slope 2.0")):
        page.keyboard.press(key)
        if words:
            changes_to(first, words)
    page.keyboard.press("PageDown")
    page.wait_for_function("cell => !cell.querySelector('svg[role=img]').ariaLabel.includes('slope 2.0')",
                           arg=first.element_handle())
    assert alt(second) == "slope 1.0"


def test_one_named_picture_and_nothing_for_axe(notebook, page):
    cell, still = notebook(LIVE, "Shapes()")
    for output in (cell.locator(".jp-OutputArea"), still.locator(".jp-OutputArea")):
        assert output.locator("[role=img]:visible, img:not([aria-hidden=true]):visible").count() == 1
        assert output.get_by_role("img", name="slope 1.0").count() == 1
    assert complaints(page) == []


def test_axe_is_awake(notebook, page):
    notebook("from IPython.display import HTML\nHTML('<button></button>')")
    assert [complaint for complaint in complaints(page) if complaint.startswith("button-name")]


def test_live_picture_and_still_agree(notebook, page):
    live, still = notebook(LIVE, "Shapes(slope=2.)")
    live.locator(".noUi-handle").focus()
    page.keyboard.press("Home")
    changes_to(live, "slope -2.0")
    page.keyboard.press("End")
    changes_to(live, "slope 2.0")
    drawn = screenshot(still.locator(".jp-OutputArea-output img")), screenshot(live.locator("svg[role=img]"))
    assert drawn[0].shape == drawn[1].shape
    for name, colour in {"vermilion": "#d55e00", "blue": "#1a7fc1", "green": "#009e73"}.items():
        one, two = (near(picture, colour) for picture in drawn)
        assert one.sum() > 100, name
        assert abs(one.sum() - two.sum()) < .2 * one.sum(), name
        assert (one & ~grown(two)).sum() <= .05 * one.sum() and (two & ~grown(one)).sum() <= .05 * two.sum(), name
    assert (np.abs(drawn[0] - drawn[1]).max(-1) > 60).mean() < .01


def screenshot(locator) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(locator.screenshot())).convert("RGB")).astype(int)


def near(picture: np.ndarray, colour: str) -> np.ndarray:
    wanted = [int(colour[i:i + 2], 16) for i in (1, 3, 5)]
    return np.abs(picture - wanted).max(-1) < 40


def grown(mask: np.ndarray, by: int = 2) -> np.ndarray:
    """The mask and all within two pixels of it."""
    result = mask.copy()
    for dy in range(-by, by + 1):
        for dx in range(-by, by + 1):
            result |= np.roll(mask, (dy, dx), (0, 1))
    return result


def test_an_error_is_shown_and_the_next_move_recovers(notebook, page):
    cell, = notebook(LIVE)
    cell.locator(".noUi-handle").focus()
    page.keyboard.press("ArrowRight")
    cell.get_by_role("alert").filter(has_text="ArithmeticError: no such slope").wait_for(timeout=10_000)
    assert alt(cell) == "slope 1.0"
    page.keyboard.press("ArrowRight")
    changes_to(cell, "slope 2.0")
    assert cell.get_by_role("alert").count() == 0


def test_a_slider_moves_while_a_cell_plots_and_spoils_nothing(notebook, page):
    busy = """\
import io, time
import matplotlib.pyplot as plt
pictures = set()
for i in range(40):
    fig, ax = plt.subplots(figsize=(3, 2))
    ax.semilogy([1, 10, 100], label="a")
    ax.set_title("$x^2$")
    ax.legend()
    buffer = io.BytesIO()
    plt.savefig(buffer)
    plt.close()
    pictures.add(buffer.getvalue())
print(len(pictures), "kind of picture")"""
    cell, loop = notebook(LIVE, "0")
    cell.locator(".noUi-handle").focus()
    page.keyboard.press("End")  # JupyterLab opens the slider's thread at its first move
    changes_to(cell, "slope 2.0")
    page.evaluate("""source => { const content = window.jupyterapp.shell.currentWidget.content;
                     content.activeCellIndex = 2; content.activeCell.model.sharedModel.setSource(source); }""", busy)
    page.evaluate("() => { window.jupyterapp.commands.execute('notebook:run-cell'); }")
    loop.locator('.jp-InputPrompt:has-text("*")').wait_for()
    cell.locator(".noUi-handle").focus()
    seen = set()
    while loop.locator('.jp-InputPrompt:has-text("*")').count():
        for key in ("Home", "End"):
            page.keyboard.press(key)
            page.wait_for_timeout(60)
            seen.add(alt(cell))
    assert loop.locator(".jp-OutputArea-output").inner_text().strip() == "1 kind of picture"
    assert seen >= {"slope -2.0", "slope 2.0"}, "the picture followed while the cell ran"
    assert not errors(page) and cell.get_by_role("alert").count() == 0


def test_a_reader_without_a_kernel_sees_the_still(lab, page):
    from course_lib.lessons.nb00_start_here.ruler import GradientRuler
    figure = GradientRuler()
    output = v4.new_output("execute_result", data=figure._repr_mimebundle_(), execution_count=1)
    cell = v4.new_code_cell("live(GradientRuler())", outputs=[output], execution_count=1)
    notebook = v4.new_notebook(cells=[cell])
    notebook.metadata.kernelspec = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(notebook, lab.directory / "read.ipynb")
    lab.open(page, "read.ipynb")
    image = page.locator(".jp-OutputArea-output img")
    assert image.get_attribute("alt") == figure.alt
    assert image.evaluate("image => image.naturalWidth") == 2 * figure.size[0]
    assert image.bounding_box()["width"] == pytest.approx(figure.size[0], abs=1)


def test_axes_stand_still_while_the_ruler_is_dragged_from_end_to_end(notebook, page):
    cell, = notebook("from course_lib.lessons.nb00_start_here.ruler import GradientRuler\n"
                     "live(GradientRuler(gain=.5), gain=(.5, 2.))")
    handle, track = cell.locator(".noUi-handle"), cell.locator(".noUi-base").bounding_box()
    box = handle.bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    grounds, words = [], set()
    for step in range(26):
        page.mouse.move(x + track["width"] * step / 25, y)
        page.wait_for_timeout(80)
        grounds.append(cell.locator("img[aria-hidden=true]").get_attribute("src"))
        words.add(alt(cell))
    page.mouse.up()
    page.wait_for_function("cell => cell.querySelector('svg[role=img]').ariaLabel.includes('gain 2 ')",
                           arg=cell.element_handle(), timeout=20_000)
    assert sum(one != other for one, other in zip(grounds, grounds[1:])) <= 1 and len(words) > 3
