"""Lesson 14, notebooks/14_your_own_network.ipynb: exercises alone; the microscope is shared, `course_lib.watch`."""
