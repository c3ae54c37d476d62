"""What the folds "What you should see" say, run: a notebook's cells with the changes that its text asks for."""
from __future__ import annotations

import ast
import contextlib
import io
import re
from collections.abc import Iterator

import notebooks
from course_lib import gradcheck

FOLD = re.compile(r"<details><summary>What you should see</summary>\n\n(.+?)\n\n</details>", re.DOTALL)
SAID = re.compile(r"`([^`]*)`")
CHANGE = re.compile(r"\bChange\b")


def printed(name: str, last: str, changes: list[tuple[str, str, str]], skip: tuple[str, ...] = (),
            namespace: dict | None = None) -> str:
    """Return what the cells of a notebook print after the first changed one, up to the cell `last`.

    changes    (cell, what stands there, what is put in its place)
    skip       cells that the last one does not need
    namespace  takes what the cells define
    errors     AssertionError if a cell does not hold what is to be changed, once or more
    """
    left, found, namespace = list(changes), [], {} if namespace is None else namespace
    namespace["__name__"] = "__main__"
    for cell in notebooks.read(notebooks.paths([name])[0]).cells:
        if cell.cell_type != "code" or cell.id == "colab" or cell.id in skip or {"exercise", "solution"} & set(
                cell.metadata.get("tags", [])):
            continue
        source = cell.source
        for each in [each for each in left if each[0] == cell.id]:
            assert each[1] in source, each
            source = source.replace(*each[1:])
            left.remove(each)
        with contextlib.redirect_stdout(io.StringIO()) as said:
            tree = ast.parse(source)
            end = tree.body.pop() if isinstance(tree.body[-1], ast.Expr) else None  # what the cell displays
            exec(compile(tree, cell.id, "exec"), namespace)
            shown = end and eval(compile(ast.Expression(end.value), cell.id, "eval"), namespace)
            print(shown if isinstance(shown, gradcheck.Table) else "")
        if len(left) < len(changes):
            found.append(said.getvalue())
        if cell.id == last:
            break
    assert not left, left
    return "".join(found)


def unsaid(name: str, fold: str, output: str) -> list[str]:
    """Return what a fold says in `code`, numbers within it, that is not in the output."""
    cell = next(cell for cell in notebooks.read(notebooks.paths([name])[0]).cells if cell.id == fold)
    quoted = SAID.findall(FOLD.fullmatch(cell.source)[1])
    return [words for words in quoted if re.search(r"\d", words) and words not in output]


def without_fold(name: str) -> Iterator[str]:
    """Yield the cells of a notebook that ask for a change and have no fold in the cell after them."""
    book = notebooks.read(notebooks.paths([name])[0])
    cells = [cell for cell in book.cells if "notes" not in cell.metadata.get("tags", [])]
    for cell, following in zip(cells, cells[1:]):
        if cell.cell_type == "markdown" and CHANGE.search(cell.source) and not FOLD.fullmatch(following.source):
            yield cell.id
