"""Lesson 15, notebooks/15_the_clinic.ipynb. Twelve sick training runs: find the place, name the disease, cure it.

    scripts/   the patients, 01.py to 12.py: each runs by itself, and its first function is its sick part
    clinic     admits a patient, runs it with another part, keeps its log; DISEASES has the names
    health     what a healthy run and a healthy part do
    cure       the kind of exercise that a patient is
    exercises  each patient's hints, cure, and cures that do not work
"""
