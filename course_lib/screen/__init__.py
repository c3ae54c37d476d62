"""Figures that draw once and then move; each knows in words what it shows."""

from .. import _checks
from .._palette import BLUE, GREEN, INK, ORANGE, PURPLE, SKY, VERMILION

with _checks.extra("watch", "a picture"):
    from .figure import Figure

__all__ = ["BLUE", "GREEN", "INK", "ORANGE", "PURPLE", "SKY", "VERMILION", "Figure"]
