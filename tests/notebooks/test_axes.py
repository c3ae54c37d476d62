"""Axes stand still while a slider moves: at most one change of limits from its one end to the other, and no return."""
import itertools
import os

import pytest

import frames
from notebooks import paths, read

pytestmark = pytest.mark.long
STEPS = 24  # places of a slider that are looked at, or nearly so
LIVELY = [path for path in paths() if any(frames.LIVE.search(cell.source) for cell in read(path).cells)]


def live_figures(path, folder):
    """Yield (cell id, what `live` returned) of a notebook, running the cells that its live figures need."""
    cells = [cell for cell in read(path).cells if cell.cell_type == "code" and cell.id != "colab"]
    namespace, done = {"__name__": "__main__"}, set()
    for place in (place for place, cell in enumerate(cells) if frames.LIVE.search(cell.source)):
        with frames._quiet(folder):
            for number in frames.needed(cells, place):
                if number not in done:
                    frames.run(cells[number].source, namespace)
                    done.add(number)
            done.add(place)
            live = frames.run(cells[place].source, namespace)
        if hasattr(live, "controls"):
            yield cells[place].id, live


def ranges(figure):
    """The limits of all axes of a figure."""
    return tuple((*ax.get_xlim(), *ax.get_ylim()) for ax in figure.fig.axes)


def changes(figure, control, others):
    """The values at which the limits change while the control goes from end to end and the other values stay."""
    levels = control.levels[::max(1, len(control.levels) // STEPS)] + control.levels[-1:]
    seen = []
    for level in levels:
        figure.update(**others, **{control.name: level})
        seen.append(ranges(figure))
    return [level for level, before, now in zip(levels[1:], seen, seen[1:]) if before != now]


@pytest.mark.parametrize("path", LIVELY, ids=lambda path: path.stem)
def test_axes_stand_still(path, tmp_path):
    restless, swept = [], 0
    for cell, live in live_figures(path, os.fspath(tmp_path)):
        figure, start = live.figure, dict(live.figure.values)
        controls = [frames.control(name, widget) for name, widget in live.controls.items()]
        moved = [(each, level) for each in controls for level in (  # another control is elsewhere than at its start
            each.levels if each.kind != "range" else (each.levels[0], each.levels[-1]))]
        for control in (each for each in controls if each.kind == "range"):
            for other, level in itertools.chain([(control, None)], moved):
                if other is not control or level is None:
                    others = {**start, **({} if level is None else {other.name: level})}
                    del others[control.name]
                    swept += 1
                    if len(found := changes(figure, control, others)) > 1:
                        restless.append(f"{cell}, {control.name} beside {other.name} = {level}: {found}")
    assert swept and not restless
