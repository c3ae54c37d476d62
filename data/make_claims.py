"""Measure every claim anew and write what was measured, and the verdicts that follow, into data/claims.csv.

    python data/make_claims.py

Claims, rules and sentences are written by hand and stay as they are. A sentence whose numbers are no longer among the
measured ones is found by tests/lessons/test_nb16_claims.py.
"""

import csv

from course_lib import data
from course_lib.lessons.nb16_claims_on_trial import ledger, rules


def main() -> None:
    path = data.FOLDER / "claims.csv"
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        found = ledger.measurement(int(row["number"]))()
        row["measured"] = "; ".join(f"{name}={ledger.shown(value)}" for name, value in found.items())
        verdict = rules.verdict(row["rule"], found)
        if verdict != row["verdict"]:
            print(f"claim {row['number']}: {row['verdict'] or 'no verdict'} before, {verdict} now")
        row["verdict"] = verdict
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, ledger.Claim._fields, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


if __name__ == "__main__":
    main()
