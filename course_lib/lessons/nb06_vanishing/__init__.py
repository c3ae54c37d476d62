"""Lesson 06: what notebooks/06_vanishing.ipynb has for itself."""
