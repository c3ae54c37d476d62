"""Lesson 09: what notebooks/09_initialization_and_other_cures.ipynb has for itself."""
