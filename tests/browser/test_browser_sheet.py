"""The sheet prints on three pages of A4; the court is used with the keyboard; a link leads to its cell."""

from __future__ import annotations

import re
from pathlib import Path

import matplotlib
import pytest

from course_lib.lessons.nb16_claims_on_trial import claims
from lab import complaints, execute

NAME = "16_claims_on_trial.ipynb"


@pytest.mark.parametrize("replaced", [[], ["Helvetica Neue", "Arial", "Liberation Sans"]], ids=["own", "wider"])
def test_the_sheet_is_three_pages_of_a4(page, tmp_path, replaced):
    """Also where its fonts are missing: matplotlib's DejaVu Sans, a tenth wider than Arial, takes their place."""
    path = claims.sheet().write(tmp_path / "sheet.html")
    wider = Path(matplotlib.get_data_path(), "fonts", "ttf", "DejaVuSans.ttf").as_uri()
    faces = "".join(f'@font-face {{ font-family: "{name}"; src: url("{wider}"); }}\n' for name in replaced)
    path.write_text(path.read_text("utf-8").replace("<style>", f"<style>\n{faces}"), "utf-8")
    page.goto(path.as_uri())
    assert page.evaluate("document.fonts.ready.then(fonts => [...fonts].some(font => font.status === 'loaded'))"
                         ) == bool(replaced)
    pdf = page.pdf(prefer_css_page_size=True)
    assert len(re.findall(rb"/Type\s*/Page\b", pdf)) == 3
    width, height = map(float, re.search(rb"/MediaBox\s*\[\s*0\s+0\s+([\d.]+)\s+([\d.]+)\s*\]", pdf).groups())
    assert (width * 25.4 / 72, height * 25.4 / 72) == pytest.approx((210, 297), abs=1)
    page.locator("ol").last.evaluate("list => { for (let i = 0; i < 40; i++) list.append(list.lastChild.cloneNode(true)) }")
    assert len(re.findall(rb"/Type\s*/Page\b", page.pdf(prefer_css_page_size=True))) > 3, "more would be seen"


@pytest.fixture(scope="module")
def court(lab, browser):
    """A page with the court, whose cells have run."""
    page = browser.new_page(viewport={"width": 1200, "height": 1000})
    name = lab.write("court.ipynb", "from course_lib.lessons.nb16_claims_on_trial import claims\nclaims.court()",
                     "claims.table()", "claims.sheet()")
    lab.open(page, name)
    execute(page, "notebook:run-all-cells")
    page.locator(".widget-toggle-buttons button").first.wait_for()
    page.locator(".jp-CodeCell summary", has_text="fails").first.click()
    page.locator(".jp-CodeCell a:visible").first.wait_for()
    yield page
    page.close()


def test_a_vote_by_keyboard_opens_the_trial(court):
    assert court.locator(".jp-CodeCell [role=status]").count() == 0
    button = court.locator(".widget-toggle-buttons button", has_text="fails")
    button.focus()
    court.keyboard.press("Space")
    trial = court.locator(".jp-CodeCell [role=status]")
    trial.wait_for()
    assert claims.get(1).sentence in trial.inner_text() and "You said: fails." in trial.inner_text()
    court.get_by_role("button", name="next claim").focus()
    court.keyboard.press("Enter")
    court.wait_for_function("""words => [...document.querySelectorAll('.jp-CodeCell blockquote')]
        .some(quote => quote.checkVisibility() && quote.textContent.includes(words))""", arg=claims.get(2).claim[:30])
    assert court.locator(".jp-CodeCell [role=status]").count() == 0
    button.focus()
    court.keyboard.press("Space")
    trial.wait_for()
    assert complaints(court) == []


def test_a_link_leads_to_its_cell(court):
    claim = next(claim for claim in claims.ledger() if claim.verdict == "fails")
    link = court.locator(f"a[aria-label='claim {claim.number} in lesson {claim.lesson:02}']")
    for seen in (False, True):  # without windowing, a cell of a notebook that is just being opened has no place yet
        link.click()
        court.wait_for_function("""([cell, seen]) => {
            const found = window.jupyterapp.shell.currentWidget?.content?.widgets?.find(
                each => each.model.id === cell);
            const box = found?.node.isConnected && found.node.getBoundingClientRect();
            return box && box.height > 0 && (!seen || box.top < window.innerHeight && box.bottom > 0);
        }""", arg=[claim.cell, seen], timeout=60_000)
        if not seen:
            execute(court, "docmanager:open", path="court.ipynb")
