"""Lesson 15: what notebooks/15_the_clinic.ipynb has for itself."""
