"""The measurements: claim_NN() of lessonNN measures claim NN, which lesson NN settles."""
