"""Lesson 16: what notebooks/16_claims_on_trial.ipynb has for itself."""
