"""One folder a lesson, named as its notebook. A lesson may import earlier ones, never a later one.

    figures    what the notebook draws (14 has none, the microscope draws)
    exercises  its exercises and predictions: solutions, wrong answers with their sentences, hints (17 has none)

All other modules of a folder compute what its lesson measures; the folder's docstring says what each is.
"""
