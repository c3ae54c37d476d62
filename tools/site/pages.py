"""Turn the stored notebooks, and the texts beside them, into the sources of the site's pages.

A page is written in Markdown as Sphinx reads it with myst-parser: what the notebook stores, nothing executed. Speaker
notes stay out of it, a solution is folded up, and each cell has its id as the id of an element, so that a link to
`05_singular_values.ipynb#ellipse` finds it.
"""
from __future__ import annotations

import html
import json
import os
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from urllib.parse import unquote

from nbformat import NotebookNode

import address
from notebook_rules import slide_type
from notebooks import ROOT, paths, read

MARKDOWN_LINK = re.compile(r"(?<!\\)\]\((?![a-z]+:)([^)\s]+)")
HTML_LINK = re.compile(r"\b(?:href|src|srcset)=\"(?![a-z]+:|#)([^\"\s]+)\"")
LIVE = re.compile(r"\blive\(")
LEFT_OUT = {"colab"}  # cells that set up a machine, and show nothing
HERO = "first-ruler"  # the cell of lesson 00 whose figure is on the front page
PROMISE = ("Why gradients explode and vanish in recurrent networks, and what to do about it: eighteen lessons whose "
           "numbers come from the cells beside them.")
TILES = (("00_start_here.html", "Learn", "Predict, write a few lines, and hear in a second what is wrong and why."),
         ("teaching.html", "Teach", "Every lesson is a lecture too, with slides, speaker notes and their minutes."),
         ("#your-own-network-under-the-microscope", "Look into your own network",
          "Two lines show the gradient of your torch model at every time step."))


def sources() -> dict[Path, str]:
    """Return {file of the repository: name of its page}, in the order of the site."""
    texts = {ROOT / "notebooks" / "TEACHING.md": "teaching", ROOT / "notebooks" / "SERVER.md": "server",
             ROOT / "data" / "README.md": "data", ROOT / "tests" / "README.md": "tests"}
    texts |= {ROOT / f"{name}.md": name.lower() for name in ("CONTRIBUTING", "CODE_OF_CONDUCT", "CHANGES", "SECURITY")}
    return {ROOT / "README.md": "index"} | {path: path.stem for path in paths()} | {
        path: name for path, name in texts.items() if path.exists()}


def places(name: str) -> dict[str, str]:
    """Return where else the notebook of this name is run, as {label: address}; the site itself has two of them."""
    path = f"notebooks/{name}.ipynb"
    others = {label: place for label, place in address.elsewhere(name).items() if label in ("Binder", "Colab")}
    return {"Browser": f"lite/lab/index.html?path={path}", **others, "Download": path}


def front(known: dict[Path, str], moving: dict[str, str]) -> str:
    """Return the front page: the promise, the ruler, where to go; the README below; the order of all pages behind it.

    moving  {cell id: HTML} of lesson 00's live figures
    """
    lessons = [name for path, name in known.items() if path.suffix == ".ipynb"]
    others = [name for path, name in known.items() if path.suffix != ".ipynb" and name != "index"]
    trees = [fenced("{toctree}", "\n".join([":hidden:", f":caption: {caption}", *entries]))
             for caption, entries in (("Lessons", lessons), ("Beside them", others)) if entries]
    title, rest = text_page(ROOT / "README.md", known).split("\n", 1)
    about = rest[rest.index("\n## "):]  # its opening words and its picture give way
    return about_it(title.lstrip("# "), PROMISE) + "\n".join([title, "", hero(moving.get(HERO, "")), about, *trees])


def hero(figure: str) -> str:
    """Return what the front page opens with."""
    run = html.escape(places("00_start_here")["Browser"])
    tiles = "".join(f'<a href="{link}"><strong>{name}</strong><span>{words}</span></a>' for link, name, words in TILES)
    return fenced("{raw} html", f"""<p class="promise">{PROMISE}</p>
<div class="output">{figure}</div>
<p class="hint">Drag the gain. The blue line is what is left of a gradient on its way back from the loss.</p>
<p class="places"><a class="run first" href="00_start_here.html">Read lesson 00</a>
<a class="run" href="{run}">Run it in the browser (25 s, no account)</a></p>
<div class="tiles">{tiles}</div>""")


def about_it(title: str, description: str) -> str:
    """Return the head of a page's source: what a search and a shared link say of it."""
    said = {"description": description, "property=og:title": title, "property=og:description": description,
            "property=og:type": "website"}
    lines = "".join(f"    {json.dumps(name)}: {json.dumps(words)}\n" for name, words in said.items())
    return f"---\nmyst:\n  html_meta:\n{lines}---\n"


def text_page(path: Path, known: dict[Path, str]) -> str:
    """Return the source of a page made of a Markdown file."""
    return linked(path.read_text(encoding="utf-8"), path, known)


def lesson(book: NotebookNode, path: Path, known: dict[Path, str], moving: dict[str, str]) -> str:
    """Return the source of a lesson's page.

    book    the stored notebook
    path    of its file
    known   {file: name of its page} of the site
    moving  {cell id: HTML} of the live figures that move without a kernel
    """
    number = path.stem[:2]
    parts = []
    for cell in book.cells:
        if slide_type(cell) == "notes" or cell.id in LEFT_OUT or not cell.source.strip():
            continue
        parts.append(f"({number}-{cell.id})=")
        if is_hidden(cell) or cell.source.startswith(("|", "<")):  # a label gives raw HTML no id, and a table two
            parts.append(fenced("{raw} html", f'<span id="{cell.id}"></span>'))
        if cell.cell_type == "markdown":
            parts.append(linked(cell.source, path, known))
        else:
            parts += [html_linked(part, path, known) for part in shown(cell, moving)]
        if len(parts) == 2:
            title, _, rest = parts.pop().partition("\n")
            parts += [title, run_it(path.stem), rest]
    title, question, *_ = re.sub("[*#$`]", "", book.cells[0].source).strip().split("\n\n")
    return about_it(title.strip(), question.strip()) + "\n\n".join(parts) + "\n"


def is_hidden(cell: NotebookNode) -> bool:
    """Return whether the cell's source is folded up."""
    return cell.metadata.get("jupyter", {}).get("source_hidden", False)


def run_it(name: str) -> str:
    """Return the line of links to where the lesson can be run."""
    links = " ".join(f'<a class="run" href="{html.escape(address)}">{label}</a>'
                     for label, address in places(name).items())
    return fenced("{raw} html", f'<p class="places"><span>Run this lesson:</span> {links}</p>')


def shown(cell: NotebookNode, moving: dict[str, str]) -> Iterator[str]:
    """Yield the source of a code cell, unless it is folded up, and its outputs."""
    if not is_hidden(cell):
        yield fenced("{code-block} python", cell.source)
    outputs = list(cell.outputs)
    if cell.id in moving:
        outputs = [output for output in outputs if "text/html" not in output.get("data", {})]
    waits = any("course-fold" in output.get("data", {}).get("text/html", "") for output in outputs)
    if waits:
        yield fenced("{raw} html", '<div class="waits">')
    for output in outputs:
        yield from output_source(output)
    if waits:
        yield fenced("{raw} html", "</div>")
    if cell.id in moving:
        yield fenced("{raw} html", f'<div class="output">{moving[cell.id]}</div>')
    elif LIVE.search(cell.source) and any("data" in output for output in cell.outputs):
        yield "{.still}\nThe figure is live where the lesson is run."
    if is_hidden(cell) and not outputs:
        yield "{.still}\nRun the lesson to see this."


def output_source(output: NotebookNode) -> Iterator[str]:
    """Yield the source of one stored output."""
    data = output.get("data", {})
    if "text/html" in data:
        yield fenced("{raw} html", f'<div class="output">{data["text/html"]}</div>')
    elif "text/markdown" in data:
        yield data["text/markdown"]
    else:
        text = data.get("text/plain", output.get("text", "")).rstrip("\n")
        if text.strip():
            yield fenced("{code-block} text", f":class: output\n\n{text}")


def fenced(directive: str, text: str) -> str:
    """Return a directive around a text, whatever backticks the text holds."""
    fence = "`" * max(3, 1 + max(map(len, re.findall("`+", text)), default=0))
    return f"{fence}{directive}\n{text}\n{fence}"


def linked(text: str, path: Path, known: dict[Path, str]) -> str:
    """Return the text of the file at `path` with its links turned to the site's pages."""
    text = MARKDOWN_LINK.sub(lambda match: f"]({page_link(match.group(1), path, known)}", text)
    return html_linked(text, path, known)


def html_linked(text: str, path: Path, known: dict[Path, str]) -> str:
    """Return the text with the links in its HTML, which Sphinx leaves as they are, turned to the site's pages."""
    def turned(match: re.Match) -> str:
        link = page_link(match.group(1), path, known)
        number, _, cell = link.removeprefix("#").partition("-")
        lesson = next((name for name in known.values() if link[0] == "#" and name.startswith(f"{number}_")), "")
        return match.group().replace(match.group(1), f"{lesson}.html#{cell}" if lesson else
                                     re.sub(r"\.md(?=#|$)", ".html", link))

    return HTML_LINK.sub(turned, text)


def page_link(link: str, path: Path, known: dict[Path, str]) -> str:
    """Return what a relative link of the file at `path` is on its page."""
    target, _, anchor = link.partition("#")
    file = Path(os.path.normpath(path.parent / target)) if target else path
    if file.suffix == ".ipynb" and file in known:
        return f"#{file.stem[:2]}-{cell_of(anchor, file)}" if anchor else f"{known[file]}.md"
    if not target:
        return link
    if file in known:
        return f"{known[file]}.md" + f"#{anchor}" * bool(anchor)
    return os.path.relpath(file, ROOT).replace(os.sep, "/") + f"#{anchor}" * bool(anchor)


def cell_of(anchor: str, path: Path) -> str:
    """Return the id of the cell that an anchor of the notebook at `path` means: it names a cell or, as JupyterLab has
    it, a heading. What means neither is returned as it is, for Sphinx to complain about."""
    anchor = unquote(anchor).removeprefix("cell-id=")
    return headings(path).get(anchor, anchor)


@cache
def headings(path: Path) -> dict[str, str]:
    """Return {anchor of a heading in JupyterLab: id of its cell} of a stored notebook."""
    return {re.sub("[`*$]", "", heading).strip().replace(" ", "-"): cell.id
            for cell in reversed(read(path).cells) if cell.cell_type == "markdown"
            for heading in reversed(re.findall(r"^#+ (.+)$", cell.source, re.MULTILINE))}


def files(text: str, path: Path, known: dict[Path, str]) -> dict[str, Path]:
    """Return {place: file} of what a text shows or links to in the repository and is no page: the site carries it."""
    found = {}
    for link in MARKDOWN_LINK.findall(text) + HTML_LINK.findall(text):
        file = Path(os.path.normpath(path.parent / link))
        if file.is_file() and file not in known:
            found[os.path.relpath(file, ROOT).replace(os.sep, "/")] = file
    return found
