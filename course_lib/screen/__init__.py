"""Figures that draw once and then move; each knows in words what it shows.

    figure  svg    a figure's contract and its two layers, a PNG and an SVG
    kit            what many of them draw with: scales of powers of ten, labels that keep apart
    live           sliders over a figure; it alone needs ipywidgets
"""

from .. import _checks

with _checks.extra("watch", "a picture"):
    from .figure import BLUE, GREEN, INK, ORANGE, PURPLE, SKY, VERMILION, Figure

__all__ = ["BLUE", "GREEN", "INK", "ORANGE", "PURPLE", "SKY", "VERMILION", "Figure"]
