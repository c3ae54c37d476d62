"""What a saved notebook keeps of a widget, and that a bar keeps nothing, whatever ends the work under it."""

import re

import pytest

from course_lib import _kept, _kernel, _progress
from course_lib.lessons.nb00_start_here.ruler import GradientRuler
from course_lib.screen.live import live


@pytest.fixture
def page(monkeypatch):
    """What a notebook's page is sent: displays, and updates of them."""
    sent = []

    class Place:
        def update(self, bundle, raw):
            sent.append(bundle)

    def show(bundle, **options):
        sent.append(bundle)
        return Place()

    for module in (_kept, _progress):
        monkeypatch.setattr(module, "show", show)
    monkeypatch.setattr(_progress, "has_page", lambda: True)
    monkeypatch.setattr(_progress, "EVERY", 0)
    monkeypatch.delenv("TQDM_DISABLE", raising=False)
    return sent


def test_picture_and_widget_are_two_outputs_and_the_widget_hides_its_picture(page):
    figure = GradientRuler()
    widget = live(figure, gain=(.5, 2.))
    widget._ipython_display_()
    still, alive = page
    assert set(still) == {"text/html", "text/plain"} and figure.html() in still["text/html"], "what needs no widget"
    assert still["text/plain"] == figure.alt and still["text/html"].startswith("<style>")
    assert set(alive) == {_kept.VIEW}, "nothing else to show twice"
    mine, = re.findall(r'class="course-stays (\S+)"', still["text/html"])
    assert widget.children[-1].value == f"<style>.{mine}{{display:none}}</style>"
    assert live(GradientRuler(), gain=(.5, 2.)).children[-1].value != widget.children[-1].value


@pytest.mark.parametrize("end", [None, OverflowError, KeyboardInterrupt])
def test_a_bar_leaves_nothing(page, end):
    def work():
        with _progress.progress_bar(3, True, " runs") as bar:
            bar.update()
            bar.set_postfix_str("1 solved")
            if end:
                raise end
            bar.update(2)

    if end:
        with pytest.raises(end):
            work()
    else:
        work()
    assert '<progress max="3" value="1"' in page[1]["text/html"] and page[1]["text/plain"] == "1 of 3 runs, 1 solved"
    assert page[-1] == {"text/html": "", "text/plain": ""}
    assert end or page[-2]["text/plain"] == "3 of 3 runs, 1 solved"


def test_work_of_an_instant_shows_no_bar(page, monkeypatch):
    monkeypatch.setattr(_progress, "EVERY", 10)
    with _progress.progress_bar(3, True, " runs") as bar:
        bar.update(3)
    assert page == []


def test_a_terminal_gets_the_words(capsys):
    _kernel.show({"text/html": "<b>rich</b>", "text/plain": "plain"})
    assert capsys.readouterr().out == "plain\n" and not _kernel.has_page()
