"""Live figures that move without a kernel: the pictures of a notebook's sliders, drawn ahead.

`draggable(book)` runs, of a stored notebook, the cells that make its live figures and the cells that these need,
draws each figure at a star of its sliders' values (each swept finely while the others stay where they start) and at a
coarse grid of all of them, and returns it as HTML for slides/frames.js. A figure that is not
what the notebook stores, or whose cells take too long, is left out; its still picture stays. `kept(path)` does so once,
until the notebook or a module that it uses changes.
"""
from __future__ import annotations

import ast
import base64
import contextlib
import functools
import gzip
import hashlib
import html
import io
import itertools
import json
import math
import os
import re
import signal
import symtable
import sys
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from nbformat import NotebookNode

from notebooks import ROOT, read

MOST_FRAMES = 240  # of the grid; the star has at most twice as many for the first slider, a quarter for each other
LEAST_LEVELS = 4
SECONDS = 60  # of this process's own time, for the cells that a figure needs and for its frames
KEPT = ROOT / "build" / "frames"
LIVE = re.compile(r"\blive\(")
IMAGE = re.compile(r'(?<=href=")data:image/png;base64,[^"]+')


class Control(NamedTuple):
    """A slider, list or box: its value's name, its label, its levels, their texts and the level it starts at."""

    name: str
    label: str
    kind: str
    levels: list
    texts: list[str]
    start: int


class TooLong(Exception):
    """A figure's cells or frames took more than SECONDS."""


def kept(path: Path, most: int = MOST_FRAMES, folder: Path = KEPT) -> tuple[dict[str, str], dict[str, str]]:
    """Return what `draggable` does, from `folder` if neither the notebook nor what it uses has changed since.

    path   the file of a notebook
    """
    file = folder / f"{path.stem}-{most}.json"
    if file.exists():
        known = json.loads(file.read_text(encoding="utf-8"))
        if known["of"] == digests(map(Path, known["of"])):
            return known["moving"], {}
    moving, still = draggable(read(path), most)
    if not still:
        used = [Path(module.__file__) for name, module in list(sys.modules.items())
                if name.split(".")[0] == "course_lib" and getattr(module, "__file__", None)]
        folder.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps({"of": digests([path, Path(__file__), *used]), "moving": moving}), encoding="utf-8")
    return moving, still


def digests(files: Iterable[Path]) -> dict[str, str]:
    """Return {path: digest} of those of the files that exist."""
    return {str(file): hashlib.sha256(file.read_bytes()).hexdigest() for file in files if file.exists()}


def draggable(book: NotebookNode, most: int = MOST_FRAMES) -> tuple[dict[str, str], dict[str, str]]:
    """Return {cell id: HTML} of the live figures that move, and {cell id: why not} of the others.

    book   a stored notebook with its outputs
    most   frames of a figure's grid, at most, or nearly so
    """
    cells = [cell for cell in book.cells if cell.cell_type == "code" and cell.id != "colab"]  # not Python, but IPython
    namespace, done, moving, still = {"__name__": "__main__"}, set(), {}, {}
    with tempfile.TemporaryDirectory() as folder, _quiet(folder):
        for place, cell in enumerate(cells):
            if not LIVE.search(cell.source):
                continue
            try:
                with _limit(SECONDS):
                    for number in needed(cells, place):
                        if number not in done:
                            run(cells[number].source, namespace)
                            done.add(number)
                    done.add(place)
                    moving[cell.id] = frames(run(cell.source, namespace), stored_alt(cell), most)
            except Exception as error:  # whatever it was, the still picture stands in for the figure
                still[cell.id] = f"{type(error).__name__}: {error}"
    return moving, still


def needed(cells: list[NotebookNode], place: int) -> list[int]:
    """Return the places of the cells, in order, that give the cell at `place` its names, and theirs, and so on."""
    found: set[int] = set()
    open_names = [(name, place) for name in names_of(cells[place].source)[0]]
    while open_names:
        name, before = open_names.pop()
        for earlier in range(before - 1, -1, -1):
            reads, binds = names_of(cells[earlier].source)
            if name in binds:
                if earlier not in found:
                    found.add(earlier)
                    open_names += [(other, earlier) for other in reads]
                if name not in reads:
                    break  # nothing before it matters
    return sorted(found)


@functools.cache
def names_of(source: str) -> tuple[set[str], set[str]]:
    """Return the global names that a cell reads before it binds them, and those that it binds."""
    tree = ast.parse(source)
    top = symtable.symtable(source, "cell", "exec")
    binds = {symbol.get_name() for symbol in top.get_symbols() if symbol.is_assigned() or symbol.is_imported()}
    order = _Order()
    order.visit(tree)
    return order.reads | order.later - binds, binds


class _Order(ast.NodeVisitor):
    """The names of a cell in the order they are met: `reads` before they are bound, `later` inside functions."""

    FIRST = ("iter", "value", "items", "generators", "decorator_list", "test")  # what is computed before the rest

    def __init__(self) -> None:
        self.reads: set[str] = set()
        self.later: set[str] = set()
        self.bound: set[str] = set()
        self.own: list[set[str]] = []  # the names of the functions and comprehensions that we are in

    def generic_visit(self, node: ast.AST) -> None:
        parts = sorted(ast.iter_fields(node), key=lambda field: field[0] not in self.FIRST)
        for _, part in parts:
            for each in part if isinstance(part, list) else [part]:
                if isinstance(each, ast.AST):
                    self.visit(each)

    def visit_Name(self, node: ast.Name) -> None:
        if isinstance(node.ctx, ast.Store):
            (self.own[-1] if self.own else self.bound).add(node.id)
        elif not any(node.id in names for names in self.own):
            if self.own:
                self.later |= {node.id} - self.bound
            elif node.id not in self.bound:
                self.reads.add(node.id)

    def visit_AugAssign(self, node: ast.AugAssign) -> None:
        self.visit(ast.Name(node.target.id, ast.Load()) if isinstance(node.target, ast.Name) else node.target)
        self.visit(node.value)
        if isinstance(node.target, ast.Name):
            self.visit(node.target)

    def visit_alias(self, node: ast.alias) -> None:
        (self.own[-1] if self.own else self.bound).add((node.asname or node.name).split(".")[0])

    def inner(self, node: ast.AST) -> None:
        arguments = getattr(node, "args", None)
        if isinstance(arguments, ast.arguments):
            for default in [*arguments.defaults, *filter(None, arguments.kw_defaults)]:
                self.visit(default)
        if hasattr(node, "name"):
            (self.own[-1] if self.own else self.bound).add(node.name)
        # Python finds a name of a function's own wherever in it it is bound.
        self.own.append({each.arg for each in ast.walk(node) if isinstance(each, ast.arg)}
                        | {each.id for each in ast.walk(node)
                           if isinstance(each, ast.Name) and isinstance(each.ctx, ast.Store)})
        self.generic_visit(node)
        self.own.pop()

    visit_FunctionDef = visit_Lambda = visit_ClassDef = inner
    visit_ListComp = visit_SetComp = visit_DictComp = visit_GeneratorExp = inner


def run(source: str, namespace: dict[str, Any]) -> Any:
    """Run a cell and return what its last line shows."""
    tree = ast.parse(source)
    last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    exec(compile(tree, "<cell>", "exec"), namespace)
    return None if last is None else eval(compile(ast.Expression(last.value), "<cell>", "eval"), namespace)


def stored_alt(cell: NotebookNode) -> str:
    """Return the alt text of the live figure as the notebook stores it: a cell shows it below what else it says."""
    return next((output.data["text/plain"] for output in cell.outputs[::-1]
                 if "text/html" in output.get("data", {})), "")


def frames(live: Any, stored: str, most: int = MOST_FRAMES) -> str:
    """Return a live figure as HTML: its controls, its still picture, and all its frames, packed.

    live     what course_lib.screen.live.live returned
    stored   the alt text that it has to have at its start
    errors   ValueError if it has another
    """
    if not hasattr(live, "controls"):
        raise ValueError(f"the cell shows {type(live).__name__}, not a live figure")
    figure = live.figure
    if figure.alt != stored:
        raise ValueError(f"the figure says {figure.alt[:60]!r}, the stored one {stored[:60]!r}: run make notebooks")
    still = figure.html()
    controls, coarse = thinned([control(name, widget) for name, widget in live.controls.items()], most)
    order = by_cost(figure, controls)
    grounds: dict[bytes, int] = {}
    images: dict[str, int] = {}
    pictures: dict[str, int] = {}
    drawn = {}
    for place in sorted(star(controls) | set(itertools.product(*coarse)), key=lambda place: [place[i] for i in order]):
        figure.update(**{each.name: each.levels[i] for each, i in zip(controls, place)})
        ground = grounds.setdefault(figure.background(), len(grounds))
        picture = IMAGE.sub(lambda image: f"@{images.setdefault(image[0], len(images))}", figure.svg())
        drawn[place] = [ground, pictures.setdefault(picture, len(pictures))]
    packed = json.dumps({
        "grounds": [base64.b64encode(small(png)).decode() for png in grounds], "images": list(images),
        "pictures": list(pictures), "frames": [[place, *drawn[place]] for place in sorted(drawn)]})
    data = base64.b64encode(gzip.compress(packed.encode(), mtime=0)).decode()
    return (f'<figure class="live"><div class="knobs">{"".join(map(control_html, controls))}</div>'
            f'<div class="picture" style="max-width:{figure.size[0]}px">{still}</div>'
            f'<script type="text/plain">{data}</script></figure>')


def by_cost(figure: Any, controls: list[Control]) -> list[int]:
    """Return the places of the controls, first the ones that change the background.

    It is slow to draw; in this order it is drawn once for each of their levels.
    """
    start, ground = dict(figure.values), figure.background()
    changes = []
    for each in controls:
        figure.update(**{each.name: each.levels[0 if each.start else -1]})
        changes.append(figure.background() != ground)
        figure.update(**start)
    return sorted(range(len(controls)), key=lambda i: not changes[i])


def thinned(controls: list[Control], most: int) -> tuple[list[Control], list[list[int]]]:
    """Return the controls with the levels of their star, and of each the places of these in a grid of about `most`.

    Of three sliders or more the one named first matters most: it has what the others leave.
    """
    sliders = [i for i, each in enumerate(controls) if each.kind == "range"]
    fine = list(controls)
    for i in sliders:
        keep = thin(controls[i], max(LEAST_LEVELS, 2 * most if i == sliders[0] else most // 4))
        fine[i] = controls[i]._replace(levels=[controls[i].levels[k] for k in keep],
                                       start=keep.index(controls[i].start),
                                       texts=[controls[i].texts[k] for k in keep])
    coarse = [list(range(len(each.levels))) for each in fine]
    room = most // math.prod(len(each.levels) for each in fine if each.kind != "range")
    share = LEAST_LEVELS if len(sliders) > 2 else math.isqrt(room)
    for i in sliders[::-1]:
        coarse[i] = thin(fine[i], max(LEAST_LEVELS, room if i == sliders[0] else share))
        room //= len(coarse[i])
    return fine, coarse


def thin(each: Control, count: int) -> list[int]:
    """Return the places of at most `count` levels: both ends, where it starts, and the rest evenly, in round steps."""
    last = len(each.levels) - 1
    if count > last:  # all of them
        return list(range(last + 1))
    least = math.ceil(last / (count - 1))
    steps = range(least, 2 * least if count >= 20 else least)  # of few levels none is given up
    step = next((step for step in steps if last % step == each.start % step == 0), None)
    keep = list(range(0, last + 1, step)) if step else [round(i * last / (count - 1)) for i in range(count)]
    if each.start not in keep:
        inside = range(1, count - 1)
        keep[min(inside, key=lambda i: abs(keep[i] - each.start))] = each.start
    return keep


def star(controls: list[Control]) -> set[tuple[int, ...]]:
    """Return the places at which one control is anywhere and the others are where they start."""
    start = tuple(each.start for each in controls)
    return {(*start[:i], level, *start[i + 1:]) for i, each in enumerate(controls) for level in range(len(each.levels))}


def control(name: str, widget: Any) -> Control:
    """Return a widget of course_lib.screen.live with all its levels."""
    kind = type(widget).__name__
    if kind == "Checkbox":
        return Control(name, widget.description, "box", [False, True], ["off", "on"], int(widget.value))
    if kind in ("Dropdown", "ToggleButtons"):
        levels = list(widget.options)
        return Control(name, widget.description, "list", levels, list(map(str, levels)), levels.index(widget.value))
    if kind == "IntSlider":
        levels = list(range(widget.min, widget.max + 1, widget.step))
    else:
        count = round((widget.max - widget.min) / widget.step)
        levels = [float(f"{widget.min + i * widget.step:.12g}") for i in range(count + 1)]
        if kind == "FloatLogSlider":
            levels = [widget.base**level for level in levels]
    start = min(range(len(levels)), key=lambda i: abs(levels[i] - widget.value))
    levels[start] = widget.value
    texts = [format(level, widget.readout_format) for level in levels]
    return Control(name, widget.description, "range", levels, texts, start)


def control_html(each: Control) -> str:
    """Return the control as HTML; frames.js moves the picture to it."""
    label = f"<span>{html.escape(each.label)}</span>"
    texts = html.escape(json.dumps(each.texts))
    if each.kind == "list":
        options = "".join(f'<option value="{i}"{" selected" * (i == each.start)}>{html.escape(text)}</option>'
                          for i, text in enumerate(each.texts))
        return f"<label>{label}<select>{options}</select></label>"
    if each.kind == "box":
        return f'<label><input type="checkbox"{" checked" * each.start}>{label}</label>'
    return (f'<label>{label}<input type="range" min="0" max="{len(each.levels) - 1}" value="{each.start}" '
            f'aria-valuetext="{html.escape(each.texts[each.start])}" data-texts="{texts}">'
            f'<output>{html.escape(each.texts[each.start])}</output></label>')


def small(png: bytes) -> bytes:
    """Return the picture in 256 colors where it has few, in a third of the bytes."""
    from PIL import Image
    image, buffer = Image.open(io.BytesIO(png)), io.BytesIO()
    if image.getcolors(5000):  # more are a heat map's
        image = image.quantize(256, Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE)
    image.save(buffer, "png")
    return min(buffer.getvalue(), png, key=len)


@contextlib.contextmanager
def _quiet(folder: str) -> Iterator[None]:
    """Run cells as an automated run does: nothing printed, the reader's progress untouched, no processes of their own.

    Decks and pages are made two at a time already, and joblib's processes would outlive their work by five minutes.
    """
    before = dict(os.environ)
    os.environ |= {"TQDM_DISABLE": "1", "COURSE_PROGRESS": os.path.join(folder, "progress.json"), "MPLBACKEND": "agg",
                   "LOKY_MAX_CPU_COUNT": "1"}
    try:
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            yield
    finally:
        os.environ.clear()
        os.environ.update(before)


@contextlib.contextmanager
def _limit(seconds: float) -> Iterator[None]:
    """Break off with TooLong after this many seconds of work, where the system has the signal for it."""
    def stop(*_):
        raise TooLong(f"more than {seconds:g} s")

    if not hasattr(signal, "SIGPROF"):
        yield
        return
    former = signal.signal(signal.SIGPROF, stop)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, former)
