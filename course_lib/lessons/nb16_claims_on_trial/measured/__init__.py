"""The measurements: claim_13() measures claim 13 and is in lesson05, for lesson 05 settles it; data/claims.csv has
the lesson of each. `networks` has what several of them share."""
