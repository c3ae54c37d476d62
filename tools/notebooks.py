"""Execute the notebooks and write them in normal form, or check them without executing anything.

    python tools/notebooks.py [01_gradients ...]             make notebooks [NB=01_gradients]
    python tools/notebooks.py --check [01_gradients ...]

Normal form: format 4.5, readable cell ids, executed in order on a fresh kernel, outputs kept, no widget views
or state, no times, nothing of this machine. A notebook whose run shows a fault is left as it was.
"""
from __future__ import annotations

import argparse
import itertools
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

sys.modules.setdefault("rfc3987_syntax", None)  # no notebook holds an IRI; jsonschema's check of them takes 1 s to load

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

from notebook_rules import CELL_METADATA, METADATA, WIDGET_VIEW, faults, form_faults

ROOT = Path(__file__).resolve().parent.parent
WIDGET_ID = re.compile(r" course-stays-[0-9a-f]{32}\b")  # of course_lib._kept


def paths(names: Sequence[str] = ()) -> list[Path]:
    """Return the notebooks on disk, or those of them that are named (01_gradients)."""
    books = sorted((ROOT / "notebooks").glob("*.ipynb"))
    unknown = set(names) - {book.stem for book in books}
    if unknown:
        raise SystemExit(f"no notebook {', '.join(sorted(unknown))} in notebooks/")
    return [book for book in books if not names or book.stem in names]


def read(path: Path) -> nbformat.NotebookNode:
    """Return the notebook as it is stored, unvalidated and unchanged."""
    return nbformat.v4.reads(path.read_text(encoding="utf-8"))


def text_of(book: nbformat.NotebookNode) -> str:
    """Return the text of the notebook's file, as JupyterLab would write it."""
    return nbformat.v4.writes(book) + "\n"


def normal(book: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """Return a copy in normal form; nothing that a reader sees is changed."""
    book = nbformat.v4.reads(nbformat.v4.writes(book))
    book.metadata = nbformat.from_dict(METADATA)
    for cell in book.cells:
        kept = {key: value for key, value in cell.metadata.items() if key in CELL_METADATA}
        cell.metadata = nbformat.from_dict(kept)
        for output in cell.get("outputs", []):
            if "data" in output:
                output.data.pop(WIDGET_VIEW, None)
                if "text/html" in output.data:
                    output.data["text/html"] = WIDGET_ID.sub("", output.data["text/html"])
                output.metadata = nbformat.from_dict({})
        if "outputs" in cell:  # a widget whose still picture is the output before it leaves nothing
            cell.outputs = [output for output in cell.outputs if output.get("data", True)]
    return book


def kernel_environment(folder: Path | str) -> dict[str, str]:
    """Return the environment of an automated run: no progress bars, nothing of the reader's own."""
    return os.environ | {"TQDM_DISABLE": "1", "COURSE_PROGRESS": os.path.join(folder, "progress.json"),
                         "IPYTHONDIR": os.path.join(folder, "ipython")}


def execute(book: nbformat.NotebookNode, folder: Path) -> nbformat.NotebookNode:
    """Return the notebook as a fresh kernel in `folder` executes it, up to the first error."""
    with tempfile.TemporaryDirectory() as own:
        # A kernel flushes its streams when it likes; coalesced, their outputs are the same each time.
        client = NotebookClient(book, kernel_name="python3", timeout=600, coalesce_streams=True,
                                record_timing=False, store_widget_state=False,
                                resources={"metadata": {"path": str(folder)}})
        try:
            # What a kernel logs while it starts goes nowhere; what cells print on stderr comes as an output.
            return client.execute(env=kernel_environment(own), stderr=subprocess.DEVNULL)
        except CellExecutionError:
            return book  # with the error among its outputs


def bare_widgets(book: nbformat.NotebookNode) -> list[str]:
    """Return the cells of a fresh run that would show nothing to a reader without a kernel."""
    return [f"{cell.id}: a widget leaves no still picture (text/html)" for cell in book.cells
            for before, output in itertools.pairwise([{}, *cell.get("outputs", [])])
            if WIDGET_VIEW in output.get("data", {}) and "text/html" not in output.data
            and "course-stays" not in before.get("data", {}).get("text/html", "")]


def renew(path: Path) -> list[str]:
    """Execute the notebook and write its normal form; return the faults that prevent it."""
    book = execute(read(path), path.parent)
    found, book = bare_widgets(book), normal(book)
    found += form_faults(book)
    found += [f"the machine's own {folder} in the notebook" for folder in (str(ROOT), str(Path.home()))
              if len(folder) > 1 and folder + os.sep in text_of(book)]
    if not found:
        path.write_text(text_of(book), encoding="utf-8", newline="\n")
    return found


def check(path: Path) -> list[str]:
    """Return all that is wrong with a stored notebook."""
    found = faults(read(path), path)
    if not found and path.read_text(encoding="utf-8") != text_of(normal(read(path))):
        found.append("not in normal form: run make notebooks")
    return found


def main() -> int:
    """Execute and write, or check; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", help="notebooks such as 01_gradients; all, if none is named")
    parser.add_argument("--check", action="store_true", help="execute nothing; say what is wrong")
    arguments = parser.parse_args()
    wrong = 0
    for path in paths(arguments.names):
        start = time.perf_counter()
        found = check(path) if arguments.check else renew(path)
        print(f"{path.name}: {'WRONG' if found else 'ok'} ({time.perf_counter() - start:.1f} s)", flush=True)
        for line in found:
            print(f"    {line}")
        wrong += bool(found)
    return min(wrong, 1)


if __name__ == "__main__":
    sys.exit(main())
