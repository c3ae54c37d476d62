"""Lesson 01, notebooks/01_gradients.ipynb: slopes, the chain rule, descent, and how to check a gradient."""
