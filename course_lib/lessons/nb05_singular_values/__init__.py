"""Lesson 05: what notebooks/05_singular_values.ipynb has for itself."""
