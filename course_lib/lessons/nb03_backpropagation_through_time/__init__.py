"""Lesson 03: what notebooks/03_backpropagation_through_time.ipynb has for itself."""
