"""Lesson 10: what notebooks/10_truncated_bptt.ipynb has for itself."""
