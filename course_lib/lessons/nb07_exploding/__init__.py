"""Lesson 07, notebooks/07_exploding.ipynb. A gradient that must explode; the wall; how to recognize an explosion.

    wall       one unit, two parameters: the error and its exact gradient (also for lessons 08 and 09)
    relief     the wall in relief, for pictures (also for lesson 08)
    dynamics   what other pictures show, computed: fixed points, a bit that is kept
    figures    the pictures, class Wall among them
    signs      what a log shows of an explosion
    four_runs  the four training runs whose logs are read
"""
