"""Lesson 07: what notebooks/07_exploding.ipynb has for itself."""
