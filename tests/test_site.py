"""The pages and the browser edition before anything is built of them: links, ids, notes, wheel, what it imports."""
import base64
import hashlib
import json
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from nbformat import v4

import address
import browser_edition
import make_site
import pages
from course_lib import parallel
from course_lib.exercises.progress import default_path
from notebooks import ROOT, paths, read
from setup_env import SetupError

HOME = ROOT / "notebooks"
FIVE, THREE = HOME / "05_singular_values.ipynb", HOME / "03_backpropagation_through_time.ipynb"
KNOWN = {ROOT / "README.md": "index", THREE: THREE.stem, FIVE: FIVE.stem, HOME / "TEACHING.md": "teaching"}
TRY = {"slideshow": {"slide_type": "fragment"}}


def code(source, outputs=(), **metadata):
    return v4.new_code_cell(source, id="a-cell", outputs=list(outputs), metadata=TRY | metadata)


def lesson(*cells, moving=()):
    title = v4.new_markdown_cell("# 03 Three\n\nThe question", id="title", metadata=TRY)
    return pages.lesson(v4.new_notebook(cells=[title, *cells]), THREE, KNOWN, dict(moving))


def shown(**data):
    return v4.new_output("display_data", data)


# Pages

@pytest.mark.parametrize("link, place, where", [
    (FIVE.name, f"{FIVE.stem}.md", THREE),
    (f"{FIVE.name}#title", "#05-title", THREE),
    (f"{FIVE.name}#cell-id=title", "#05-title", THREE),
    (f"{FIVE.name}#05-Singular-values", "#05-title", THREE),
    (f"{FIVE.name}#no-such-cell", "#05-no-such-cell", THREE),  # which Sphinx complains of
    ("#title", "#03-title", THREE),
    ("TEACHING.md#a-day", "teaching.md#a-day", THREE),
    (f"notebooks/{FIVE.name}", f"{FIVE.stem}.md", ROOT / "README.md"),
    ("#start", "#start", ROOT / "README.md"),
    ("../README.md", "index.md", HOME / "TEACHING.md"),
    ("tools/front/x.svg", "tools/front/x.svg", ROOT / "README.md"),
    ("LICENSE", "LICENSE", ROOT / "README.md"),
    ("../course_lib/bptt.py#L3", "course_lib/bptt.py#L3", HOME / "TEACHING.md"),
])
def test_a_link_of_the_repository_leads_to_the_same_place_on_the_site(link, place, where):
    assert pages.page_link(link, where, KNOWN) == place
    assert pages.linked(f"see [it]({link}) and [it]({link}).", where, KNOWN).count(f"[it]({place})") == 2


def test_links_to_the_world_and_html_links():
    text = '[a](https://x.org/y.md) <a href="https://x.org/y.md">b</a> <a href="mailto:a@b.c">c</a>'
    assert pages.linked(text, ROOT / "README.md", KNOWN) == text
    text = f'<a href="notebooks/{FIVE.name}"><img src="tools/x.png" alt="x"></a>'
    assert pages.linked(text, ROOT / "README.md", KNOWN) == text.replace(f"notebooks/{FIVE.name}", f"{FIVE.stem}.html")
    page = lesson(code("x", [shown(**{"text/html": f'<a href="{FIVE.name}#cell-id=title">c</a>'})]))
    assert f'<a href="{FIVE.stem}.html#title">c</a>' in page


def test_a_lesson_has_every_cell_under_its_id_and_where_it_runs():
    page = lesson(v4.new_markdown_cell("## Next", id="next", metadata=TRY), code("1 + 1"))
    assert re.findall(r"^\((\S+)\)=$", page, re.MULTILINE) == ["03-title", "03-next", "03-a-cell"]
    places = [page.index(part) for part in ("# 03 Three", "Run this lesson", "\n\nThe question", "## Next")]
    assert places == sorted(places)
    assert page.startswith("---\n") and '"description": "The question"' in page[:page.index("# 03 Three")]
    assert page.count("```{code-block} python\n1 + 1\n```") == 1
    for place in pages.places(THREE.stem).values():
        assert place.replace("&", "&amp;") in page


def test_a_fold_and_a_table_have_their_cell_s_id_as_well():
    for source in "<details><summary>What you should see</summary>\n\nMore.\n\n</details>", "| a |\n|---|\n| 1 |":
        page = lesson(v4.new_markdown_cell(source, id="seen", metadata=TRY))
        assert '<span id="seen"></span>' in page and source in page
    assert "<span id=" not in lesson(v4.new_markdown_cell("Words.", id="seen", metadata=TRY))


def test_notes_and_set_up_stay_out_and_solutions_are_folded_up():
    notes = v4.new_markdown_cell("SAID ALOUD", id="n", metadata={"slideshow": {"slide_type": "notes"}})
    set_up = v4.new_code_cell("COLAB", id="colab", metadata=TRY)
    folded = code('solution("3.1")', [shown(**{"text/html": "<details>all</details>", "text/plain": "plain"})],
                  jupyter={"source_hidden": True})
    page = lesson(notes, set_up, folded)
    assert "SAID ALOUD" not in page and "COLAB" not in page and 'solution("3.1")' not in page
    assert '<div class="output"><details>all</details></div>' in page and "plain" not in page
    assert '<span id="a-cell"></span>' in page


def test_outputs_are_kept_in_their_best_form():
    outputs = [v4.new_output("stream", text="a ``` b\n"), shown(**{"text/plain": "just text"}),
               shown(**{"text/markdown": "*soft*", "text/plain": "hard"})]
    page = lesson(code("x = '````'", outputs))
    assert "````{code-block} text\n:class: output\n\na ``` b\n````" in page and "`````{code-block} python" in page
    assert "just text" in page and "*soft*" in page and "hard" not in page


def test_a_live_figure_moves_or_says_where_it_does():
    still = {"text/html": '<img alt="still">', "text/plain": "still"}
    cell = code("live(x)", [shown(**still)])
    assert "live where the lesson is run" in lesson(cell) and '<img alt="still">' in lesson(cell)
    moved = lesson(cell, moving={"a-cell": "<figure>moves</figure>"})
    assert "<figure>moves</figure>" in moved and "live where" not in moved and "<img" not in moved
    assert "live where" not in lesson(code("x", [shown(**still)]))


def test_the_front_page_opens_with_the_ruler_and_lists_every_page():
    known = pages.sources()
    front = pages.front(known, {pages.HERO: "<figure>the ruler</figure>"})
    head, title, rest = front.partition("# Gradients Through Time\n")
    assert title and f'"description": "{pages.PROMISE}"' in head
    assert '"property=og:title": "Gradients Through Time"' in head
    places = [rest.index(part) for part in ("<figure>the ruler", "Read lesson 00", "Run it in the browser",
                                            'class="tiles"', "## Start", "## The notebooks")]
    assert places == sorted(places) and "ruler.svg" not in rest
    assert pages.HERO in [cell.id for cell in read(HOME / "00_start_here.ipynb").cells]
    listed = re.findall(r"^(\w+)$", front[front.index("{toctree}"):], re.MULTILINE)
    assert sorted(listed) == sorted(set(known.values()) - {"index"})
    assert [name for name in listed if name[0].isdigit()] == [path.stem for path in paths()]


def test_the_files_that_a_text_shows_or_links_to_are_found(tmp_path, monkeypatch):
    monkeypatch.setattr(pages, "ROOT", tmp_path)
    (tmp_path / "folder").mkdir()
    for name in ("a.png", "b.svg", "LICENSE", "TEACHING.md"):
        (tmp_path / name).write_bytes(b"")
    text = ('![x](a.png) <img src="b.svg" alt="y"> ![z](https://x.org/c.png) [t](LICENSE) [u](TEACHING.md) [v](folder)'
            " [w](gone.txt)")
    found = pages.files(text, tmp_path / "README.md", {tmp_path / "TEACHING.md": "teaching"})
    assert found == {name: tmp_path / name for name in ("a.png", "b.svg", "LICENSE")}


@pytest.mark.parametrize("repo, labels", [("", ["Browser", "Download"]),
                                          ("a/b", ["Browser", "Binder", "Colab", "Download"])])
def test_a_page_leads_out_of_the_site_only_to_where_the_course_is_published(monkeypatch, repo, labels):
    monkeypatch.setattr(address, "published", lambda root=ROOT: repo)
    places = pages.places(THREE.stem)
    assert list(places) == labels
    for label, place in places.items():
        assert place.endswith(f"{THREE.stem}.ipynb") and ("://" in place) == (label in ("Binder", "Colab")), label
        assert "://" not in place or "/a/b/" in place


# The browser edition

@pytest.mark.parametrize("path", paths(), ids=lambda path: path.stem)
def test_a_browser_notebook_runs_what_it_can_and_shows_the_rest(path):
    stored = read(path)
    book = browser_edition.browser_book(stored, path.stem)
    assert book == browser_edition.browser_book(stored, path.stem)  # a second build changes no file
    codes = [cell for cell in book.cells if cell.cell_type == "code"]
    assert not any(re.search(r"^\s*(import|from) torch\b", cell.source, re.MULTILINE) for cell in codes)
    assert "colab" not in [cell.id for cell in book.cells]
    if not codes:
        assert "`make lab`" in book.cells[-1].source
        assert ("Binder" in book.cells[-1].source) == bool(address.published())
        assert all(browser_edition.is_torch(cell) for cell in stored.cells
                   if cell.cell_type == "code" and cell.id != "colab")
        return
    assert codes[0].source == browser_edition.SET_UP
    kept = [cell.id for cell in stored.cells if cell.id != "colab"]
    assert [cell.id for cell in book.cells if cell.id != "browser-set-up"] == kept
    for cell in stored.cells:
        if browser_edition.is_torch(cell):
            note = next(other for other in book.cells if other.id == cell.id)
            assert note.cell_type == "markdown" and cell.source in note.source
            for output in cell.outputs:
                assert output.get("text", "").rstrip() in note.source
    v4.nbbase.validate(book)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    return browser_edition.write_wheel(tmp_path_factory.mktemp("wheel"))


def test_the_wheel_is_whole_and_the_same_each_time(wheel, tmp_path):
    assert browser_edition.write_wheel(tmp_path).read_bytes() == wheel.read_bytes()
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        assert {info.date_time for info in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        record = next(name for name in names if name.endswith("/RECORD"))
        lines = [line.rsplit(",", 2) for line in archive.read(record).decode().splitlines()]
        assert sorted(name for name, *_ in lines) == sorted(names)
        for name, stated, size in lines:
            content = archive.read(name)
            if name != record:
                digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).decode().rstrip("=")
                assert stated == f"sha256={digest}" and int(size) == len(content)
        asked = re.findall(r"^Requires-Dist: (.+)$", archive.read(record.replace("RECORD", "METADATA")).decode(), re.M)
    assert sorted(asked) == sorted(browser_edition.WANTED)
    assert {f"data/{path.name}" for path in (ROOT / "data").glob("*.npz")} < set(names)
    assert not [name for name in names if "__pycache__" in name or re.match(r"data/.*\.(py|md)$", name)]


BLOCKED = """\
import sys
for name in ("torch", "joblib", "psutil"):
    sys.modules[name] = None
sys.path.insert(0, sys.argv[1])
import importlib, pkgutil
import course_lib
assert course_lib.__file__.startswith(sys.argv[1]), course_lib.__file__
for module in pkgutil.walk_packages(course_lib.__path__, "course_lib."):
    if not any(part in module.name for part in ("course_lib.watch", ".nb15_the_clinic.")):
        importlib.import_module(module.name)
from course_lib import data, parallel
from course_lib.lessons.nb00_start_here import ready
from course_lib.lessons.nb05_singular_values.long_product import long_product
from course_lib.lessons.nb11_lstm.long_order import long_order
assert len(data.digits().images) == 1797 and len(data.sunspots().year) == 309
assert long_order().sequences and len(long_product().js) == 1000
import tqdm.auto
sys.platform = "emscripten"
assert sorted(parallel.runs(divmod, [(7, 2), (9, 4)], progress=True)) == [((7, 2), (3, 1)), ((9, 4), (2, 1))]
print(ready.check())
"""


def test_what_is_in_the_wheel_needs_nothing_a_browser_has_not(wheel, tmp_path):
    zipfile.ZipFile(wheel).extractall(tmp_path)
    run = subprocess.run([sys.executable, "-I", "-c", BLOCKED, str(tmp_path)], capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    assert "numpy" in run.stdout and "torch" not in run.stdout


def test_in_a_browser_runs_go_one_after_another_and_progress_lies_in_its_drive(monkeypatch):
    monkeypatch.setattr("sys.platform", "emscripten")
    monkeypatch.setitem(sys.modules, "joblib", None)
    order = [setting for setting, _ in parallel.runs(abs, [3, 1, 2], processes=2, progress=False)]
    assert order == [3, 1, 2]
    monkeypatch.delenv("COURSE_PROGRESS", raising=False)
    assert default_path() == Path("/drive/progress.txt")


# The build

def test_the_browser_edition_fetches_from_the_site_alone_and_its_page_says_what_to_wait_for(monkeypatch, tmp_path):
    def built(command, **_):
        page = tmp_path / "lite/lab/index.html"
        page.parent.mkdir(parents=True)
        page.write_text("<html><body>JupyterLite</body></html>", encoding="utf-8")
        return subprocess.CompletedProcess(command, 0, "")

    monkeypatch.setattr(subprocess, "run", built)
    browser_edition.build(tmp_path / "lite", tmp_path / "scratch", tmp_path, {"pyodideUrl": "here"})
    config = json.loads((tmp_path / "scratch" / "jupyter-lite.json").read_text(encoding="utf-8"))
    kernel = config["jupyter-config-data"]["litePluginSettings"]["@jupyterlite/pyodide-kernel-extension:kernel"]
    assert kernel == {"pyodideUrl": "here", "disablePyPIFallback": True}
    page = (tmp_path / "lite/lab/index.html").read_text(encoding="utf-8")
    assert page == '<html><body>JupyterLite<script src="../waiting.js"></script></body></html>'
    assert (tmp_path / "lite/waiting.js").read_text(encoding="utf-8").count("browser-set-up") == 1


def test_a_page_names_each_script_within_it_by_its_hash():
    rules = make_site.policy('<head></head><script>a < 1</script><script src="b.js"></script><script>\n</script>')
    for script in ("a < 1", "\n"):
        assert f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'" in rules
    assert rules.count("sha256-") == 2 and "default-src 'none'" in rules and "script-src 'self' 'sha" in rules


def test_without_the_network_the_pages_are_built_and_said_to_be(monkeypatch, tmp_path, capsys):
    def no_network(*_):
        raise SetupError("JupyterLite could not be installed; no package index could be reached.")

    monkeypatch.setattr(make_site, "ROOT", tmp_path)
    monkeypatch.setattr(make_site, "TARGET", tmp_path / "build" / "site")
    for name in ("write_sources", "write_pages"):
        monkeypatch.setattr(make_site, name, lambda *_: None)
    monkeypatch.setattr(browser_edition, "set_up", no_network)
    assert make_site.main() == 1
    said = capsys.readouterr()
    assert "index.html" in said.out and "no package index" in said.err and "only their browser edition" in said.err


def test_a_notebook_without_outputs_is_named(monkeypatch, tmp_path):
    book = v4.new_notebook(cells=[v4.new_markdown_cell("# x", id="title"), v4.new_code_cell("1", id="one")])
    path = tmp_path / "05_five.ipynb"
    path.write_text(v4.writes(book))
    monkeypatch.setattr(pages, "sources", lambda: {path: "05_five"})
    with pytest.raises(make_site.NotExecuted, match="05_five.*one.*make notebooks"):
        make_site.write_sources(tmp_path / "sources")


def test_what_pip_could_not_do_is_said_in_a_sentence(monkeypatch, tmp_path):
    def failed(command, **_):
        return subprocess.CompletedProcess(command, 1, "ERROR: NewConnectionError: no route")

    monkeypatch.setattr(subprocess, "run", failed)
    monkeypatch.setattr(browser_edition.venv, "create", lambda *_, **__: None)
    with pytest.raises(SetupError, match="JupyterLite could not be installed; no package index.*check the network"):
        browser_edition.set_up(tmp_path / "env")


def test_an_environment_is_made_once_for_what_is_asked(monkeypatch, tmp_path):
    made = []
    monkeypatch.setattr(browser_edition.venv, "create", lambda folder, **_: folder.mkdir(exist_ok=True))
    monkeypatch.setattr(browser_edition, "pip", lambda folder, *arguments: made.append(arguments[0]))
    for asked in ([], [], ["jupyterlite-core==0.6.4"]):
        browser_edition.set_up(tmp_path / "env", asked)
    assert made == ["install", "download"] * 2
    assert json.loads((tmp_path / "env" / "course-stamp.json").read_text())[0] == ["jupyterlite-core==0.6.4"]
