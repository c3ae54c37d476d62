"""Lesson 00, notebooks/00_start_here.ipynb: an RNN that learns beside one that breaks off, in `figures`; the gradient
ruler, in `ruler`; what this machine lacks, in `ready`."""
