"""Lesson 01: what notebooks/01_gradients.ipynb has for itself."""
