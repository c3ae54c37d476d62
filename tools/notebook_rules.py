"""What a stored notebook must be: the normal form that `make notebooks` writes, and the rules of a lesson.

Nothing is executed here. `faults(book, path)` returns a list of sentences, empty where nothing is wrong; the
tests and `tools/notebooks.py` both ask it. A book is what `nbformat.v4.reads` returns: unvalidated, so that a
notebook with faults can be read at all.
"""
from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from nbformat import NotebookNode
from nbformat.validator import iter_validate

import address

WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"
METADATA = {
    "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}
CELL_METADATA = ("jupyter", "slideshow", "tags")
SLIDE_TYPES = ("slide", "subslide", "fragment", "skip", "notes", None)  # None: on the slide of the cell before it
MOST_LINES = 15
LEAST_ALT = 15
LONGEST_IMPORT = 105
LONGEST_LINE = 118  # what a screen of 1366 pixels shows in one line, beside the list of files
SENTENCE = re.compile(r"[.?!]$|^\w+Error: ")  # may break into two lines; a row of a table may not

COLAB = address.colab()  # the first code cell of every notebook

OPENING = {"the goals": "able to", "what is needed before": "before", "the time": r"\d+ minutes"}

READABLE_ID = re.compile(r"(?!(?:[0-9a-f]{8}|[0-9a-f-]{36})$)[a-z][a-z0-9]*(-[a-z0-9]+)*")
IMAGE_DATA = re.compile(r"(?<=data:image/)[^\"')\s]*")
MACHINE_PATH = re.compile(
    r"(?:/home/|/Users/|/root/|/tmp/|/var/folders/|[A-Z]:\\+Users)[^\s\"']*|\S*site-packages\S*")
ADDRESS = re.compile(r"\bat 0x[0-9a-fA-F]+")
OWN = re.compile(r"^\d+\.\d+ (?:noted|not noted|hint \d+ of|passed|not yet|stopped)\b.*"
                 r"|^You predicted: .*|^Noted so far: .*"
                 r"|<progress [^>]*value=\"[1-9].*", re.MULTILINE)  # what only somebody's answer brings about
STYLE = re.compile(r'style="[^"]*"')
PLUMBING = re.compile(
    r"^\s*[!%]\s*(?:pip|conda|wget|curl)\b.*|.*\bsys\.path\b.*|^\s*from\s+\S+\s+import\s+\*", re.MULTILINE)
TORCH = re.compile(r"^\s*(?:import|from)\s+torch\b|\btorch\.|\btorch_bridge\b|\bwatch_time\b", re.MULTILINE)
NOTES = re.compile(r"<details>\s*<summary>Speaker notes \((\d+) min\)</summary>.+</details>", re.DOTALL)
IMG = re.compile(r"<img\b[^>]*>")
ALT = re.compile(r"\balt=(\"[^\"]*\"|'[^']*')")
MARKDOWN_PICTURE = re.compile(r"!\[([^\]]*)\]\(")
NOTEBOOK_LINK = re.compile(r"\]\(([^)\s#:]+\.ipynb)(?:#[^)]*)?\)")
IMPORT = re.compile(r"^(?:from (\S+) )?import (\([^)]*\)|[^(\n]+)", re.MULTILINE)
OTHER_IMPORT = re.compile(r"^(?:import|from) (?!course_lib\b).*\n\Z", re.MULTILINE)  # in the line before the end
LESSON = re.compile(r"course_lib\.lessons\.nb(\d\d)")
IMPORT_ORDER = (re.compile(r"(?!course_lib\b)"), re.compile(r"course_lib(?!\.(?:lessons|exercises|screen)\b)"), LESSON,
                re.compile(r"course_lib\.exercises\b"), re.compile(r"course_lib\.screen\b"))
HINT_IMPORT = re.compile(r"^from course_lib\.exercises import .*\bhint\b", re.MULTILINE)
NUMBER = re.compile(r"(?<![\w.])\d+(?:\.\d+)?(?:e[-+]?\d+)?(?![\w]|\.\d)")
NOT_SAID = re.compile(r"\[[^\]]*\]\([^)]*\)|\b(?:lesson|notebook)s? \d+(?:(?:,| to| and) \d+)*"  # links, lessons,
                      r"|\$\$.*?\$\$|\$.*?\$|`[^`]*`", re.IGNORECASE | re.DOTALL)  # mathematics, code
COUNT = re.compile(r"(?<![\w.])(\d+) of (?:the |its |all )?(\d+)(?!\w|\.\d)")
COUNTED = re.compile(r"\bof (\d+)(?!\w|\.\d)(?=((?:[^.;<\n]|\.\d)*))")  # "of 30: 11, 9", up to its point
MEANING = re.compile(r"-mean(?:s|ing)?$")  # the id of a cell that says what a measurement means
RECAP = re.compile(r"^#+ .*recap", re.IGNORECASE | re.MULTILINE)
EXERCISE_CALL = re.compile(r"\b(check|hint|solution|predict|reveal)\(\s*[\"']([^\"']+)[\"']")


def faults(book: NotebookNode, path: Path) -> list[str]:
    """Return all that is wrong with the notebook stored at `path`."""
    if (book.nbformat, book.nbformat_minor) < (4, 5):
        return [f"format {book.nbformat}.{book.nbformat_minor}, not 4.5: its cells have no ids"]
    return form_faults(book) + lesson_faults(book, path)


# Normal form

def form_faults(book: NotebookNode) -> list[str]:
    """Return what breaks normal form."""
    found = [f"not a valid notebook: {error.message}" for error in iter_validate(book)]
    found += [f"metadata {key!r} of the notebook" for key in book.metadata
              if book.metadata[key] != METADATA.get(key)]
    ids = [cell.get("id", "") for cell in book.cells]
    for name in ids:
        if not READABLE_ID.fullmatch(name):
            found.append(f"{name}: not a readable id (words of a-z and 0-9 joined by -)")
        if ids.count(name) > 1:
            found.append(f"{name}: two cells have this id")
    code = [cell for cell in book.cells if cell.cell_type == "code"]
    if [cell.execution_count for cell in code] != list(range(1, len(code) + 1)):
        found.append("the code cells were not all executed, in order, on a fresh kernel")
    for name, cell in zip(ids, book.cells):
        found += [f"{name}: metadata {key!r}" for key in cell.metadata if key not in CELL_METADATA]
        found += [f"{name}: {what}" for output in cell.get("outputs", []) for what in output_faults(output)]
    return found


def output_faults(output: NotebookNode) -> Iterator[str]:
    """Yield what must not be in a stored output."""
    if output.output_type == "error":
        yield f"error {output.ename}: {output.evalue}"
    elif output.get("name") == "stderr":
        yield f"output on stderr: {output.text.strip()[:300]}"
    else:
        data = output.get("data", {"text/plain": output.get("text", "")})
        shown = "\n".join(str(data[kind]) for kind in data if not kind.startswith("image/"))
        shown = IMAGE_DATA.sub("", shown)
        if WIDGET_VIEW in data:
            yield "a widget view is stored"
        for pattern, what in ((MACHINE_PATH, "a path of the machine"), (ADDRESS, "a memory address"),
                              (OWN, "a reader's own progress")):
            yield from (f"{what} in the output: {match.group(0)}" for match in pattern.finditer(shown))
        if any(kind.startswith("image/") for kind in data) and not IMG.search(shown):
            yield "a picture without alt text: show it as text/html with <img alt=...>"
        yield from picture_faults(shown)


def picture_faults(html: str) -> Iterator[str]:
    """Yield a fault for each <img> whose alt text is missing or too short to say anything."""
    for tag in IMG.findall(html):
        alt = ALT.search(tag)
        if alt is None or len(alt.group(1)) - 2 < LEAST_ALT:
            yield f"a picture whose alt text is {alt and alt.group(1)}: say what it shows"


# The rules of a lesson

def lesson_faults(book: NotebookNode, path: Path) -> list[str]:
    """Return what breaks the rules of a lesson: opening, cells, exercises, closing."""
    found = opening_faults(book)
    if next((cell.source for cell in book.cells if cell.cell_type == "code"), None) != COLAB:
        found.append("the first code cell is not that of tools/address.py, which says what to do without course_lib")
    for cell in book.cells:
        found += [f"{cell.get('id')}: {what}" for what in cell_faults(cell, path.parent)]
    found += import_faults(book, path.stem)
    found += exercise_faults(book, path.stem)
    found += number_faults(book)
    text = "\n".join(cell.source for cell in book.cells if cell.cell_type == "markdown")
    return found + [f"no heading says {words!r}" for words in ("recap", "further reading")
                    if not re.search(rf"^#+ .*{words}", text, re.IGNORECASE | re.MULTILINE)]


def number_faults(book: NotebookNode) -> list[str]:
    """Return the numbers in the text that no cell has shown: neither in its output nor in its source.

    In the recap every number counts; elsewhere those with a point or an exponent, except in mathematics, in `code`
    that asks to be typed, and in the speaker's notes. A count in the recap or where a measurement is explained, "3 of
    5", has to stand in an output as it is, or as "of 5: 3".
    """
    outputs = [STYLE.sub("", IMAGE_DATA.sub("", str(text))) for cell in book.cells for output in cell.get("outputs", [])
               for text in [output.get("text", ""), *output.get("data", {}).values()]]
    sources = [cell.source for cell in book.cells if cell.cell_type == "code"]
    shown = {number for text in sources + outputs for number in NUMBER.findall(text)}
    sizes = {float(number) for number in shown}
    counts = {count for text in outputs for count in COUNT.findall(text)}
    counts |= {(number, whole) for text in outputs for whole, rest in COUNTED.findall(text)
               for number in NUMBER.findall(rest)}
    found = []
    for cell in book.cells:
        if cell.cell_type != "markdown" or slide_type(cell) == "notes":
            continue
        said = NOT_SAID.sub("", cell.source).replace("\u2011", "-")  # a hyphen at which no line breaks: 2e‑14
        recap = RECAP.search(cell.source)
        for number in dict.fromkeys(NUMBER.findall(said)):
            known = number in shown if recap else number.isdigit() or float(number) in sizes
            if not known:
                found.append(f"{cell.id}: it says {number}, which no cell has shown")
        if recap or MEANING.search(cell.id):
            found += [f"{cell.id}: it says {number} of {whole}, and no output does"
                      for number, whole in dict.fromkeys(COUNT.findall(said)) if (number, whole) not in counts]
    return found


def opening_faults(book: NotebookNode) -> list[str]:
    """Return what the first cell leaves unsaid, and whether the minutes of the notes agree with it."""
    first = book.cells[0].source if book.cells[0].cell_type == "markdown" else ""
    found = [f"the first cell does not say {what} ({pattern!r})" for what, pattern in OPENING.items()
             if not re.search(pattern, first, re.IGNORECASE)]
    promised = re.search(r"(\d+) minutes", first)
    notes = [NOTES.fullmatch(cell.source.strip()) for cell in book.cells if slide_type(cell) == "notes"]
    spoken = sum(int(note.group(1)) for note in notes if note)
    if promised and not int(promised.group(1)) / 2 <= spoken <= int(promised.group(1)):
        found.append(f"the speaker notes take {spoken} min, the first cell says {promised.group(0)}: "
                     "they should take at least half of them and at most all")
    return found


def slide_type(cell: NotebookNode) -> str | None:
    """Return the cell's part in the slides, None if it has none."""
    return cell.metadata.get("slideshow", {}).get("slide_type")


def cell_faults(cell: NotebookNode, folder: Path) -> Iterator[str]:
    """Yield what is wrong with one cell by itself."""
    if slide_type(cell) not in SLIDE_TYPES:
        yield (f"slide type {slide_type(cell)!r}, not one of {', '.join(filter(None, SLIDE_TYPES))}, or no slideshow "
               "metadata at all; a cell of type '-' is missing from a lecture in JupyterLab")
    noted = cell.cell_type == "markdown" and NOTES.fullmatch(cell.source.strip())
    if slide_type(cell) == "notes" and not noted:
        yield "speaker notes are one <details><summary>Speaker notes (N min)</summary> ... </details>"
    if (slide_type(cell) == "notes") != ("notes" in cell.metadata.get("tags", [])):
        yield "speaker notes, and they alone, have the tag 'notes', by which JupyterLab draws them in"
    if cell.cell_type == "markdown":
        yield from picture_faults(cell.source)
        yield from (f"a picture whose alt text is {alt!r}: say what it shows"
                    for alt in MARKDOWN_PICTURE.findall(cell.source) if len(alt) < LEAST_ALT)
        if re.search(r"</details>\s*\S", cell.source):
            yield "text after a fold stands too close to it: it is a cell of its own"
        yield from (f"the link to {link} leads nowhere"
                    for link in NOTEBOOK_LINK.findall(cell.source) if not (folder / link).exists())
    else:
        lines = sum(bool(line.strip()) for line in cell.source.splitlines())
        if lines > MOST_LINES:
            yield f"{lines} lines, more than {MOST_LINES}"
        yield from (f"a line of {len(line)} characters, more than {LONGEST_LINE}"
                    for line in cell.source.splitlines() if len(line) > LONGEST_LINE)
        yield from (f"it prints a line of {len(line)} characters that is no sentence, more than {LONGEST_LINE}"
                    for output in cell.get("outputs", []) for line in output.get("text", "").splitlines()
                    if len(line) > LONGEST_LINE and not SENTENCE.search(line))
        yield from (f"plumbing: {match.group(0).strip()}" for match in PLUMBING.finditer(cell.source))
        if TORCH.search(cell.source) and "torch" not in cell.metadata.get("tags", []):
            yield "uses torch without the tag 'torch'"


def import_faults(book: NotebookNode, stem: str) -> list[str]:
    """Return the imports that are out of order, too long, of a later lesson, or of no use to the notebook.

    Every cell has the same order: other packages; an empty line; what is shared; lessons by number; exercises; live.
    Names that the text asks to type, in `code`, are of use; so is hint.
    """
    code = {cell.id: cell.source for cell in book.cells if cell.cell_type == "code"}
    text = "\n".join(cell.source for cell in book.cells if cell.cell_type == "markdown")
    used = set(re.findall(r"\w+", " ".join([IMPORT.sub("", source) for source in code.values()]
                                           + re.findall("`.*?`", text)))) | {"hint"}
    found = []
    for name, source in code.items():
        last = (0, "")
        for statement in IMPORT.finditer(source):
            words = re.sub("#.*", "", statement.group(2)).strip("()")
            module = statement.group(1) or words.split()[0]
            place = next(place for place, kind in enumerate(IMPORT_ORDER) if kind.match(module))
            if (place, module if place else "") < last:
                found.append(f"{name}: {module} is imported after {last[1]}; other packages come first, then "
                             "course_lib, its lessons by number, exercises, live")
            last = max(last, (place, module if place else ""))
            lesson = LESSON.match(module)
            if lesson and lesson.group(1) > stem[:2]:
                found.append(f"{name}: {module} is of a later lesson")
            if place and OTHER_IMPORT.search(source[:statement.start()]):
                found.append(f"{name}: an empty line is missing before the import of {module}")
            found += [f"{name}: an import of {len(line)} characters, more than {LONGEST_IMPORT}"
                      for line in statement.group(0).splitlines() if len(line) > LONGEST_IMPORT]
            bound = [each.split()[-1].split(".")[0] for each in words.split(",") if each.strip()]
            found += [f"{name}: {each} is imported and not used" for each in bound if each not in used]
    return found


def exercise_faults(book: NotebookNode, stem: str) -> list[str]:
    """Return the exercises without tag, solution or measured answer.

    An id that is checked needs, in that cell or later, its solution; one that is predicted needs its reveal. The cell
    that checks or asks for the prediction is tagged `exercise`, the solution `solution`. Hints have no cell: Run All
    would give them away, and the check says how to get them.
    """
    calls = [(name, exercise, place) for place, cell in enumerate(book.cells)
             if cell.cell_type == "code" for name, exercise in EXERCISE_CALL.findall(cell.source)]
    names = [cell.get("id") for cell in book.cells]
    tags = [cell.metadata.get("tags", []) for cell in book.cells]
    found = [f"{names[place]}: exercise {exercise} in notebook {stem}"
             for _, exercise, place in calls if exercise.split(".")[0] != str(int(stem[:2]))]
    for name, exercise, place in calls:
        if name in ("check", "predict") and "exercise" not in tags[place]:
            found.append(f"{names[place]}: {name} of {exercise} without the tag 'exercise'")
        if name == "solution" and "solution" not in tags[place]:
            found.append(f"{names[place]}: solution of {exercise} without the tag 'solution'")
        for answer in {"check": ("solution",), "predict": ("reveal",)}.get(name, ()):
            later = [call[:2] for call in calls if call[2] >= place]
            if (answer, exercise) not in later:
                found.append(f"{names[place]}: exercise {exercise} has no {answer} after its {name}")
    code = "\n".join(cell.source for cell in book.cells if cell.cell_type == "code")
    if any(name == "check" for name, *_ in calls) and not HINT_IMPORT.search(code):
        found.append("hint is not imported, and every check offers it")
    return found
