"""Figures that draw once and then move; each knows in words what it shows."""

from .. import _checks

with _checks.extra("watch", "a picture"):
    from .figure import BLUE, GREEN, INK, ORANGE, PURPLE, SKY, VERMILION, Figure

__all__ = ["BLUE", "GREEN", "INK", "ORANGE", "PURPLE", "SKY", "VERMILION", "Figure"]
