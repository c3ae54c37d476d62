"""The wall in relief: profiles of the error along b, one behind the other, from w = 7 in front to w = 4.

    x, y = relief.project(w, b, error)           # where a point of the surface is on the picture
    x, y = relief.profiles(error)                # the profiles of a surface on relief.GRID, as one line
"""

from __future__ import annotations

import numpy as np

from ...screen.figure import INK
from . import wall
from .dynamics import HIGHEST, LENGTHS

ROWS, COLUMNS = 37, 141
(FAR, NEAR), (LEFT, RIGHT) = wall.PLANE
GRID = wall.Point(np.linspace(NEAR, FAR, ROWS)[:, None], np.linspace(LEFT, RIGHT, COLUMNS))
SHEAR = 9 / 35  # how far the farthest row is shifted to the right, in widths of a row
BACK, HIGH = .62, .62  # heights of the farthest row and of the error HIGHEST, in widths of a row


def project(w, b, error) -> list[np.ndarray]:
    """Return x and y of points of the surface; arguments broadcast."""
    depth = (NEAR - w) / (NEAR - FAR)
    return np.broadcast_arrays((b - LEFT) / (RIGHT - LEFT) + SHEAR * depth, BACK * depth + HIGH / HIGHEST * error)


def profiles(error: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return x and y of the profiles of a surface (ROWS, COLUMNS) as one line, with NaN between them.

    The plateau lies behind the valley, so that hardly anything is hidden and all is drawn.
    """
    x, y = project(*GRID, error)
    return tuple(np.column_stack([each, np.full(ROWS, np.nan)]).ravel() for each in (x, y))


def errors() -> np.ndarray:
    """Return the error on GRID at every length that is drawn, (lengths, ROWS, COLUMNS), from one sweep."""
    first, last = LENGTHS
    return np.array([step().loss for t, step in enumerate(wall.sweep(GRID, last), start=1) if t >= first], np.float32)


def trace(path: wall.Point, T: int = 50) -> tuple[np.ndarray, np.ndarray]:
    """Return x and y of a path over the surface up to where it leaves the picture for the first time."""
    outside = (path.w < FAR) | (path.w > NEAR) | (path.b < LEFT) | (path.b > RIGHT)
    stop = int(outside.argmax()) if outside.any() else len(path.w)
    inside = wall.Point(path.w[:stop], path.b[:stop])
    return tuple(project(*inside, wall.evaluate(inside, T).loss)) if stop else (np.zeros(0), np.zeros(0))


def frame(ax) -> None:
    """Draw the edges of the floor and their names; ax is for the surface alone."""
    ax.set(xlim=(-.13, 1.17 + SHEAR), ylim=(-.17, BACK + HIGH))
    ax.axis("off")
    front, side = project(NEAR, np.array(wall.PLANE.b), 0.), project(np.array(wall.PLANE.w), RIGHT, 0.)
    for edge in (front, side, project(NEAR, LEFT, np.array([0., HIGHEST]))):
        ax.plot(*edge, color=INK, linewidth=1)
    text = dict(color=INK, fontsize=8.5, va="center")
    for b in (-3., -2.5, -2.):
        ax.text(project(NEAR, b, 0.)[0], -.05, f"{b:g}", ha="center", **text)
    for w in (7, 6, 5, 4):
        x, y = project(w, RIGHT, 0.)
        ax.text(x + .03, y, f"w = {w}", ha="left", **text)
    for error in (.2, .4):
        ax.text(-.02, project(NEAR, LEFT, error)[1], f"{error:g}", ha="right", **text)
    ax.text(0, HIGH + .03, "error E", ha="center", **text)
    ax.text(.5, -.12, "bias b", ha="center", **text)
