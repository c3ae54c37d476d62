"""Figures that draw once and then move; each knows in words what it shows. One module a notebook holds its figures."""

from .base import BLUE, GREEN, INK, ORANGE, PURPLE, SKY, VERMILION, Figure
from .ruler import GradientRuler

__all__ = ["BLUE", "GREEN", "INK", "ORANGE", "PURPLE", "SKY", "VERMILION", "Figure", "GradientRuler"]
