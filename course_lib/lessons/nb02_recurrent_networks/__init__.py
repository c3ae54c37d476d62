"""Lesson 02: what notebooks/02_recurrent_networks.ipynb has for itself."""
