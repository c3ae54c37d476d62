"""The site as a reader meets it: pages, search, axe, no request outside; what the browser edition is made of."""

from __future__ import annotations

import json
import re
import shutil
import sys
import zipfile
from html.parser import HTMLParser
from urllib.parse import unquote, urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe

import browser_edition
import make_site
import pages
import pyodide
from lab import requests_outside, served
from notebook_rules import slide_type
from notebooks import paths, read

HEAVY = ("serious", "critical")
CDN = "https://cdn.jsdelivr.net/pyodide/"
THEIRS = {  # what axe finds in JupyterLab's own frame: its buttons, editors and list of cells
    "aria-allowed-attr", "aria-input-field-name", "aria-required-children", "button-name",
    "scrollable-region-focusable"}


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The pages; of the live figures only those of lesson 00 move, which saves minutes."""
    folder = tmp_path_factory.mktemp("site")
    make_site.write_sources(folder / "sources", still=True)
    make_site.write_pages(folder / "site", folder / "sources")
    return folder / "site"


@pytest.fixture(scope="module")
def edition(tmp_path_factory):
    """The browser edition as readers get it, which fetches Pyodide."""
    folder = tmp_path_factory.mktemp("edition")
    browser_edition.build(folder / "lite", folder / "scratch", browser_edition.set_up())
    return folder / "lite"


def findings(page, allowed=()):
    """Return what axe finds serious or critical, but for the rules that are allowed."""
    return [f"{found['id']}: {node['html'][:200]}" for found in Axe().run(page).response["violations"]
            if found["impact"] in HEAVY and found["id"] not in allowed for node in found["nodes"]]


class Parts(HTMLParser):
    """The ids, the links and the pictures of a page."""

    def __init__(self, path):
        super().__init__()
        self.ids, self.links, self.pictures = [], [], []
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        if "id" in attributes:
            self.ids.append(attributes["id"])
        if tag == "a" and "href" in attributes:
            self.links.append(attributes["href"])
        if tag == "img":
            self.pictures.append(attributes)


@pytest.fixture(scope="module")
def parts(site):
    return {path.name: Parts(path) for path in site.glob("*.html")}


# Pages

def test_every_cell_is_an_element_and_every_picture_has_its_words(parts):
    for path in paths():
        page = parts[f"{path.stem}.html"]
        for cell in read(path).cells:
            if slide_type(cell) != "notes" and cell.id not in pages.LEFT_OUT:
                assert page.ids.count(cell.id) == 1, f"{path.stem}#{cell.id}"
        assert not [picture["src"][:40] for picture in page.pictures if len(picture.get("alt", "")) < 15]
        assert len(set(page.ids)) == len(page.ids)


def test_every_link_of_the_site_leads_somewhere(site, parts):
    count = 0
    for name, page in parts.items():
        for link in page.links:
            target = urlsplit(link)
            if target.scheme or link.startswith("lite/"):
                continue
            file, anchor = unquote(target.path) or name, target.fragment
            assert (site / file).exists(), f"{name}: {link}"
            if anchor and file.endswith(".html"):
                assert anchor in parts[file].ids, f"{name}: {link}"
                count += 1
    assert count > 100


def test_a_page_runs_no_script_but_its_own_and_fetches_from_nowhere_else(site, page, tmp_path):
    """What somebody put into an output, say, from disk and from a server."""
    put_in = """<script>document.body.title = 'run'</script><img src=x onerror="document.body.title = 'run'">
                <script src="http://localhost:9/x.js"></script><img src="http://localhost:9/x.png">"""
    copy = shutil.copytree(site, tmp_path / "site")
    file = copy / "00_start_here.html"
    text = file.read_text(encoding="utf-8")
    refused = []
    page.on("requestfailed", lambda request: refused.append(request.url) if request.failure == "csp" else None)
    for source, runs in (text, False), (re.sub("<meta http-equiv=.Content-Security-Policy[^>]*>", "", text), True):
        file.write_text(source.replace("</article>", put_in + "</article>"), encoding="utf-8")
        with served(copy) as address:
            for place in file.as_uri(), f"{address}/{file.name}":
                refused.clear()
                page.goto(place)
                assert page.locator("svg[role=img], .output img").count() > 0
                assert (page.locator("body").get_attribute("title") == "run") is runs
                assert sorted(refused) == ([] if runs else ["http://localhost:9/x.js", "http://localhost:9/x.png"])


def test_no_page_asks_for_anything_outside_and_its_maths_is_set(site, page):
    outside, problems = requests_outside(page, site.as_uri()), []
    page.on("console", lambda message: problems.append(message.text) if message.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: problems.append(str(error)))
    for path in sorted(site.glob("*.html")):
        page.goto(path.as_uri())
        page.wait_for_function("() => !window.MathJax?.startup || MathJax.startup.promise.then(() => true)")
        maths = page.locator(".math").count()
        assert page.locator("mjx-container").count() >= maths, path.name
        assert page.locator("mjx-merror, [data-mml-node=merror]").count() == 0, path.name
    assert outside == [] and problems == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", ["index.html", "00_start_here.html", "05_singular_values.html",
                                  "14_your_own_network.html", "search.html?q=gradient"])
def test_axe_finds_nothing_serious(site, browser, name, scheme):
    with served(site) as url:
        for width in (1366, 390):
            page = browser.new_page(color_scheme=scheme, viewport={"width": width, "height": 900})
            page.goto(f"{url}/{name}")
            page.wait_for_timeout(1500)
            assert findings(page) == []
            assert page.evaluate("() => document.documentElement.scrollWidth - innerWidth") <= 0, f"wider than {width}"
            page.close()


def test_what_a_search_finds_is_told_without_tex(site, page):
    with served(site) as url:
        page.goto(f"{url}/search.html?q=gradient")
        page.locator("#search-results p.context").nth(5).wait_for(timeout=15_000)
        page.wait_for_timeout(1000)
        assert not [words for words in page.locator("#search-results p.context").all_inner_texts() if "\\(" in words]


@pytest.mark.parametrize("width", [1366, 390])
def test_the_front_page_has_the_ruler_to_drag(site, browser, width):
    page = browser.new_page(viewport={"width": width, "height": 900})
    page.goto((site / "index.html").as_uri())
    slider = page.get_by_role("slider", name="gain")
    slider.fill(str(json.loads(slider.get_attribute("data-texts")).index("1.10")))
    picture = page.locator('figure.live .picture svg[aria-label*="gain 1.1 "]')
    picture.wait_for(timeout=10_000)
    assert picture.bounding_box()["width"] >= 600 and slider.bounding_box()["height"] >= 24
    for name in ("Read lesson 00", "Run it in the browser", "Learn", "Teach", "Look into your own network"):
        assert page.locator("article").get_by_role("link", name=name).first.is_visible()
    page.close()


def test_search_finds_a_lesson_from_the_disk(site, page):
    page.goto((site / "index.html").as_uri())
    page.locator(".sidebar-search").fill("Lyapunov")
    page.keyboard.press("Enter")
    page.locator("#search-results a", has_text="Singular values").first.wait_for(timeout=15_000)


def test_a_figure_moves_and_solutions_are_folded_up(site, page):
    page.goto((site / "00_start_here.html").as_uri() + "#ruler")
    figure = page.locator("figure.live").first
    before = figure.locator(".picture").screenshot()
    slider = figure.get_by_role("slider", name="gain")
    slider.focus()
    said = slider.get_attribute("aria-valuetext")
    page.keyboard.press("End")
    figure.locator(".picture svg[role=img]").wait_for(timeout=10_000)
    assert slider.get_attribute("aria-valuetext") != said
    assert figure.locator(".picture").screenshot() != before
    texts = json.loads(slider.get_attribute("data-texts"))
    assert len(texts) > 100
    for gain in ("0.90", "1.10"):  # the text is about these two
        slider.fill(str(texts.index(gain)))
        figure.locator(f'.picture svg[aria-label*="gain {float(gain)} "]').wait_for(timeout=10_000)
        assert slider.get_attribute("aria-valuetext") == gain
    folded = page.locator("details", has_text="Solution of 0.3").first
    assert folded.locator("pre").is_hidden()
    folded.locator("summary").click()
    assert folded.locator("pre").is_visible()


def test_what_is_too_wide_is_reached_by_the_keyboard(site, page):
    page.set_viewport_size({"width": 390, "height": 800})
    page.goto((site / "05_singular_values.html").as_uri())
    page.wait_for_timeout(1000)
    wide = page.evaluate("() => [...document.querySelectorAll('pre')]"
                         ".filter(box => box.scrollWidth > box.clientWidth + 1).map(box => box.tabIndex)")
    assert len(wide) > 5 and set(wide) == {0}


# The browser edition

def test_the_browser_edition_is_whole(edition):
    config = json.loads((edition / "jupyter-lite.json").read_text())["jupyter-config-data"]
    assert {extension["name"] for extension in config["federated_extensions"]} == {
        "@jupyter-widgets/jupyterlab-manager", "@jupyterlite/pyodide-kernel-extension", "jupyterlab_pygments"}
    kernel = config["litePluginSettings"]["@jupyterlite/pyodide-kernel-extension:kernel"]
    assert set(kernel) == {"pipliteUrls", "disablePyPIFallback"}, "Pyodide is to come from its public address"
    assert kernel["disablePyPIFallback"] is True
    served = {entry["name"] for entry in json.loads((edition / "api/contents/notebooks/all.json").read_text())["content"]}
    assert served == {path.name for path in paths()}
    wheels = json.loads((edition / "pypi/all.json").read_text())
    assert set(wheels) == {"gradients-through-time", "ipywidgets", "comm", "jupyterlab-widgets"}
    assert (edition / "lab/index.html").exists() and not list(edition.rglob("*.map"))
    for label, address in pages.places("00_start_here").items():
        if address.startswith("lite/"):
            assert (edition.parent / urlsplit(address).path).exists()


def test_all_that_a_notebook_imports_is_there(edition):
    version = re.search(r"pyodide/v([\d.]+\d)/full/pyodide", "".join(
        path.read_text(errors="ignore") for path in
        (edition / "extensions/@jupyterlite/pyodide-kernel-extension/static").glob("*.js"))).group(1)
    packages = pyodide.lock(version)
    kernel = edition / "extensions/@jupyterlite/pyodide-kernel-extension/static/pypi/all.json"
    brought = set(json.loads(kernel.read_text())) | set(json.loads((edition / "pypi/all.json").read_text()))
    asked = set()
    for wheel in (edition / "pypi").glob("*.whl"):
        with zipfile.ZipFile(wheel) as archive:
            metadata = next(name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
            for line in re.findall(r"^Requires-Dist: (.+)$", archive.read(metadata).decode(), re.MULTILINE):
                if "extra ==" not in line:
                    asked.add(re.match(r"[\w.-]+", line).group().lower().replace("_", "-"))
    assert {"numpy", "matplotlib", "ipywidgets", "widgetsnbextension", "ipython"} <= asked
    assert asked <= set(packages) | brought
    assert packages["numpy"]["version"].startswith("2.")
    imported = {"course_lib", "along", "ipywidgets"}.union(*(package["imports"] for package in packages.values()))
    for path in paths():
        for cell in browser_edition.browser_book(read(path), path.stem).cells:
            if cell.cell_type == "code":
                for module in re.findall(r"^\s*(?:from|import)\s+(\w+)", cell.source, re.MULTILINE):
                    assert module in imported | set(sys.stdlib_module_names), f"{path.stem}: {module}"


def test_axe_finds_nothing_of_ours_in_the_browser_edition_and_only_pyodide_is_asked_for(edition, page):
    with served(edition) as url:
        outside = requests_outside(page, url)
        page.goto(f"{url}/lab/index.html?path=notebooks/00_start_here.ipynb")
        page.locator(".jp-Notebook img").first.wait_for(timeout=60_000)
        page.wait_for_timeout(2000)
        assert [address for address in outside if not address.startswith(CDN)] == []
        assert findings(page, THEIRS) == []
        context = Axe().run(page, context=".jp-OutputArea-output").response["violations"]
        assert [found["id"] for found in context if found["impact"] in HEAVY] == []
