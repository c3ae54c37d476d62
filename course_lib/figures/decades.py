"""What pictures of gradients on a scale of powers of ten share: where float32 ends, limits, labels."""

from __future__ import annotations

import numpy as np

# log10 of the size, its name, on which side of the line the name stands
FLOAT32 = (38.53, "float32 overflows", "bottom"), (-37.93, "float32 loses digits", "bottom"), \
          (-44.85, "float32 knows only 0", "top")
SUPERSCRIPT = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")  # plain text is laid out ten times faster than mathtext


def set_limits(ax, x: tuple[float, float], y: tuple[float, float]) -> None:
    """Set limits where they change: new ones draw the background again."""
    if ax.get_xlim() != x or ax.get_ylim() != y:
        ax.set(xlim=x, ylim=y)


def smallest(levels: tuple[float, ...], needed: float) -> float:
    """The smallest level that holds what is needed."""
    return next((level for level in levels if level >= needed), needed)


def apart(heights: np.ndarray, gap: float) -> np.ndarray:
    """Move labels up or down, as little as needed, until they are `gap` apart; their order stays."""
    order = np.argsort(heights, kind="stable")
    placed = np.clip(heights[order], 0, 1)
    for _ in range(20 * len(placed)):
        for i in range(len(placed) - 1):
            missing = gap - (placed[i + 1] - placed[i])
            if missing > 0:
                placed[i] -= missing / 2
                placed[i + 1] += missing / 2
        placed = np.clip(placed, 0, 1)
    result = np.empty_like(placed)
    result[order] = placed
    return result


def power_of_ten(exponent: float) -> str:
    """Ten to the exponent, in words that fit: 0.002, 25, 3·10⁻²⁰."""
    if np.isneginf(exponent):
        return "0"
    if -3 <= exponent < 4:
        return f"{10 ** exponent:.2g}" if exponent < 2 else f"{10 ** exponent:.0f}"
    whole = int(np.floor(exponent))
    mantissa = f"{10 ** (exponent - whole):.0f}"
    if mantissa == "10":
        mantissa, whole = "1", whole + 1
    return f"{mantissa}·10{str(whole).translate(SUPERSCRIPT)}"
