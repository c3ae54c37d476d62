"""Lesson 13: what notebooks/13_what_came_after.ipynb has for itself."""
