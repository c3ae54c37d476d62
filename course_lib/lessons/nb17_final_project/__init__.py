"""Lesson 17: what notebooks/17_final_project.ipynb has for itself."""
