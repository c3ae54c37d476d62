"""Build the edition that runs in the reader's browser: JupyterLite, with Python compiled to WebAssembly (Pyodide).

The site carries the notebooks, and course_lib with its data as a wheel. Pyodide, numpy and matplotlib come from
Pyodide's public address when a reader starts a kernel. torch does not exist there: its cells become notes.
"""
from __future__ import annotations

import base64
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
import venv
import zipfile
from collections.abc import Sequence
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from notebooks import ROOT, paths, read, text_of
from pages import fenced, places
from setup_env import SetupError, why_pip_failed

ENVIRONMENT = ROOT / "build" / "site-env"
WANTED = ("numpy", "matplotlib", "pillow", "ipywidgets", "tqdm", "platformdirs")  # of what the notebooks need
BROUGHT = ("ipywidgets", "comm", "jupyterlab_widgets")  # what Pyodide lacks and the site serves
SET_UP = """\
# Runs by itself once Python is there: it fetches numpy, matplotlib and the course.
# The strip at the foot of the page says how far that is; what you run before waits.
# After a restart of the kernel run it again. Training takes about five times as long
# here as on your machine: runs of minutes come along with the course, and say so.
%pip install -q gradients-through-time
import along"""
STILL = "needs torch, which does not run in a browser: here it is with what it printed where it did."
ALONG, WAITING = (Path(__file__).with_name(name) for name in ("along.py", "waiting.js"))
WHOLE = """\
Everything in this lesson needs torch, which does not run in a browser. Read it as a page of this site, or run it:

- on your machine: `make lab` in the folder of the course
{}"""
EPOCH = (1980, 1, 1, 0, 0, 0)
NO_INDEX = {"disablePyPIFallback": True}  # what the site does not serve is not looked for elsewhere


# The notebooks

def is_torch(cell: NotebookNode) -> bool:
    """Return whether the cell needs torch."""
    return cell.cell_type == "code" and "torch" in cell.metadata.get("tags", [])


def browser_book(book: NotebookNode, name: str) -> NotebookNode:
    """Return the notebook as it runs in a browser.

    book  the stored notebook
    name  of it, without .ipynb

    The cell `colab` gives way to the one that fetches the library, and cells that need torch to notes.
    """
    code = [cell for cell in book.cells if cell.cell_type == "code" and cell.id != "colab"]
    cells = [cell for cell in book.cells if cell.id != "colab"]
    if all(map(is_torch, code)):
        where = "\n".join(f"- [{label}]({place})" for label, place in places(name).items() if "://" in place)
        cells = [cells[0], nbformat.v4.new_markdown_cell(WHOLE.format(where).rstrip(), id="not-here")]
    else:
        first = cells.index(code[0])
        cells = cells[:first] + [nbformat.v4.new_code_cell(SET_UP, id="browser-set-up")] + cells[first:]
        cells = [torch_note(cell) if is_torch(cell) else cell for cell in cells]
    return nbformat.v4.new_notebook(cells=cells, metadata=book.metadata | {
        "kernelspec": {"display_name": "Python (Pyodide)", "language": "python", "name": "python"}})


def torch_note(cell: NotebookNode) -> NotebookNode:
    """Return a cell of text in the place of a cell that needs torch: its source and what it printed."""
    printed = "".join(output.get("text", "") for output in cell.outputs).rstrip()
    parts = [f"*This cell {STILL}*", fenced("python", cell.source)] + [fenced("text", printed)] * bool(printed)
    return nbformat.v4.new_markdown_cell("\n\n".join(parts), id=cell.id, metadata=cell.metadata)


# The wheel

def write_wheel(folder: Path) -> Path:
    """Write course_lib, its data and `along` as a wheel that asks for nothing a browser lacks; return its path."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    needed = project["dependencies"] + project["optional-dependencies"]["lab"]
    asked = [line for line in needed if re.match(r"[\w-]+", line).group() in WANTED]
    stem = f"{project['name'].replace('-', '_')}-{project['version']}"
    files = {path.relative_to(ROOT).as_posix(): path.read_bytes() for name in ("course_lib", "data")
             for path in (ROOT / name).rglob("*") if path.is_file() and is_needed(path)}
    files[ALONG.name] = ALONG.read_bytes()
    info = f"{stem}.dist-info"
    # ranges are for machines that install: in the browser there is one version of each
    names = "".join(f"Requires-Dist: {re.match('[a-z-]+', line).group()}\n" for line in asked)
    files[f"{info}/METADATA"] = (f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n"
                                 f"Requires-Python: {project['requires-python']}\n{names}").encode()
    files[f"{info}/WHEEL"] = b"Wheel-Version: 1.0\nGenerator: make site\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    record = "".join(f"{name},sha256={digest(content)},{len(content)}\n" for name, content in sorted(files.items()))
    files[f"{info}/RECORD"] = f"{record}{info}/RECORD,,\n".encode()
    path = folder / f"{stem}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as wheel:
        for name, content in sorted(files.items()):
            wheel.writestr(zipfile.ZipInfo(name, EPOCH), content, zipfile.ZIP_DEFLATED)
    return path


def is_needed(path: Path) -> bool:
    """Return whether a file of course_lib or data is of use where it only runs."""
    made = path.parts[-2] == "data" and path.suffix in (".py", ".md")  # how the data came to be
    return "__pycache__" not in path.parts and not made


def digest(content: bytes) -> str:
    """Return the digest of a file as a wheel's RECORD has it."""
    return base64.urlsafe_b64encode(hashlib.sha256(content).digest()).decode().rstrip("=")


# The build

def requirements() -> list[str]:
    """Return what the extra `lite` of pyproject.toml asks for."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return project["optional-dependencies"]["lite"]


def python_of(environment: Path) -> Path:
    """Return the Python of an environment."""
    return environment / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def set_up(folder: Path = ENVIRONMENT, asked: Sequence[str] = (), brought: Sequence[str] = BROUGHT,
           pins: Path = ROOT / "constraints.txt") -> Path:
    """Make an environment with JupyterLite, once, and a folder of wheels in it to serve; return its folder.

    It is apart from .venv, because JupyterLite takes over every extension of the JupyterLab it finds beside it, and
    `make lab` would show those of JupyterLite.

    folder   where it lies; its wheels are in wheels/
    asked    the requirements; without any, those of the extra `lite`
    brought  the requirements whose wheels are fetched
    pins     a file of exact versions
    errors   SetupError where the package index cannot be reached, and the like
    """
    asked = list(asked) or requirements()
    stamp = folder / "course-stamp.json"
    want = json.dumps([asked, list(brought), hashlib.sha256(pins.read_bytes()).hexdigest(), sys.version, str(folder)])
    if not (stamp.exists() and stamp.read_text(encoding="utf-8") == want):
        print("Setting up JupyterLite in a folder of its own, once.", flush=True)
        venv.create(folder, clear=True, with_pip=True)
        pip(folder, "install", "-c", str(pins), *asked)
        pip(folder, "download", "--no-deps", "-c", str(pins), "-d", str(folder / "wheels"), *brought)
        stamp.write_text(want, encoding="utf-8")
    return folder


def pip(environment: Path, *arguments: str) -> None:
    """Run pip in an environment; raise SetupError with its cause and remedy if that fails."""
    run = subprocess.run([python_of(environment), "-m", "pip", "--disable-pip-version-check", *arguments],
                         stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if run.returncode:
        raise SetupError(f"JupyterLite could not be installed; {why_pip_failed(run.stdout)}.")


def build(target: Path, scratch: Path, environment: Path, settings: dict[str, str] | None = None) -> None:
    """Build the browser edition.

    target       the folder to write
    scratch      a folder for what goes into it
    environment  the folder of JupyterLite, as `set_up` makes it
    settings     of the kernel, such as {"pyodideUrl": ...}; None: Pyodide comes from its public address
    errors       RuntimeError with what JupyterLite said
    """
    shutil.rmtree(scratch, ignore_errors=True)
    (scratch / "files/notebooks").mkdir(parents=True)
    (scratch / "pypi").mkdir()
    for path in paths():
        book = browser_book(read(path), path.stem)
        (scratch / "files/notebooks" / path.name).write_text(text_of(book), encoding="utf-8", newline="\n")
    write_wheel(scratch / "pypi")
    for wheel in (environment / "wheels").glob("*.whl"):
        shutil.copy2(wheel, scratch / "pypi")
    (scratch / "jupyter-lite.json").write_text(json.dumps({"jupyter-lite-schema-version": 0, "jupyter-config-data": {
        "appName": "Gradients Through Time", "exposeAppInBrowser": True,
        "disabledExtensions": ["@jupyterlab/apputils-extension:announcements"],
        "litePluginSettings": {"@jupyterlite/pyodide-kernel-extension:kernel": NO_INDEX | (settings or {})}}}),
        encoding="utf-8")
    run = subprocess.run([python_of(environment), "-m", "jupyterlite_core.app", "build", "--no-sourcemaps",
                          "--apps", "lab", "--contents", "files", "--output-dir", str(target.resolve())],
                         cwd=scratch, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if run.returncode:
        raise RuntimeError(f"JupyterLite could not build the browser edition:\n{run.stdout[-3000:]}")
    shutil.copy2(WAITING, target)
    page = target / "lab/index.html"
    text = page.read_text(encoding="utf-8").replace("</body>", f'<script src="../{WAITING.name}"></script></body>')
    page.write_text(text, encoding="utf-8", newline="\n")
