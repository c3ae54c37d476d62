"""Runs inside Pyodide: every code cell of a notebook, its text outputs compared with the stored ones."""
import glob
import json
import os
import re
import site
import time
import zipfile

for wheel in glob.glob("/wheels/*.whl"):
    zipfile.ZipFile(wheel).extractall(site.getsitepackages()[0])
os.environ["TQDM_DISABLE"] = "1"

from IPython.core.displayhook import DisplayHook
from IPython.core.interactiveshell import InteractiveShell
from IPython.display import display
from IPython.utils.capture import capture_output

PROGRESS = "/drive/progress.txt"
CAME = "came along with the course"


class Hook(DisplayHook):
    """Shows the last value of a cell as a kernel does: as a display, not as Out[1]."""

    def __call__(self, result=None):
        if result is not None:
            display(result)


def run(path):
    """Return as JSON what became of the notebook: its seconds, the errors and the differences by cell."""
    if os.path.exists(PROGRESS):
        os.remove(PROGRESS)
    InteractiveShell.clear_instance()
    shell = InteractiveShell.instance(displayhook_class=Hook)
    shell.display_formatter.active_types = shell.display_formatter.format_types
    with open(path) as file:
        cells = [cell for cell in json.load(file)["cells"] if cell["cell_type"] == "code"]
    start, errors, differences, along, took = time.time(), {}, {}, [], []
    for cell in cells:
        source = "".join(cell["source"])
        source = re.sub("^%pip .*$", "", source, flags=re.MULTILINE)  # the wheels are there
        begun = time.time()
        with capture_output() as said:
            result = shell.run_cell(source, store_history=True)
        took.append((round(time.time() - begun, 1), cell["id"]))
        shown = [said.stdout] + [output.data["text/plain"] for output in said.outputs if "text/plain" in output.data]
        along += [text for text in shown if CAME in text]
        shown = [text for text in shown if CAME not in text]
        stored = ["".join("".join(output["text"]) for output in cell["outputs"] if output.get("name") == "stdout")]
        stored += ["".join(output["data"].get("text/plain", "")) for output in cell["outputs"] if "data" in output]
        if not result.success:
            errors[cell["id"]] = repr(result.error_in_exec or result.error_before_exec)
        elif shown != stored:
            differences[cell["id"]] = [shown, stored]
    seconds = round(time.time() - start, 1)
    return json.dumps({"notebook": path.rsplit("/", 1)[1], "cells": len(cells), "seconds": seconds, "errors": errors,
                       "differences": differences, "along": along, "slowest": sorted(took)[:-6:-1]})
