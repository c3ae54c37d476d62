"""Lesson 08: what notebooks/08_clipping.ipynb has for itself."""
