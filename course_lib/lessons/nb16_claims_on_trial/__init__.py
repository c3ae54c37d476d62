"""Lesson 16, notebooks/16_claims_on_trial.ipynb. 83 sentences, each with a rule, a measurement and a verdict.

    claims     what the notebook calls
    ledger     reads data/claims.csv, which has each claim's rule, and measures it again
    rules      how a rule is read and judged
    own        a rule and a claim of the reader's
    measured/  claim_NN() of each claim, by the lesson that settles it, with the modules of earlier lessons
    courtroom, pages, figures  the court, the tables, the margins of a verdict
"""
