"""Lesson 12: what notebooks/12_gru.ipynb has for itself."""
