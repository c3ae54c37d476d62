"""Lesson 17, notebooks/17_final_project.ipynb: `rubric` says what a project's numbers earn, `figures` draws every
trained network as a point."""
