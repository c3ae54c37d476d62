"""Lesson 15, notebooks/15_the_clinic.ipynb. Twenty-four training runs: find the place, name the disease, cure it.

    scripts/   the patients, 01.py to 24.py: each runs by itself; in most the first function is the sick part
    clinic     admits a patient, runs it with another part, keeps its log; DISEASES has the names
    health     what a healthy run does, and a healthy net on fresh data
    parts      what a healthy part does; recurrence has those of the recurrence
    cure       the kind of exercise that a patient is
    exercises  each patient's hints, cure, and cures that do not work
"""
