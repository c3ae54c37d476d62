"""Lesson 11: what notebooks/11_lstm.ipynb has for itself."""
