"""The page that make gain writes: what a class has learned, in sentences, tables and two pictures, in one file."""
from __future__ import annotations

import base64
import csv
import html
import io
from collections import Counter

import numpy as np
from matplotlib.figure import Figure

from course_lib import data
from course_lib.lessons.nb00_start_here import inventory
from course_lib.screen import BLUE, INK, ORANGE
from gain_files import UNKNOWN, Answers, right
from gain_numbers import LEAST, class_gain, discrimination, mean_of_gains, reliability

STYLE = """body { margin: 2rem auto; max-width: 60rem; padding: 0 1rem; font: 1rem/1.5 system-ui, sans-serif;
  color: #24292f; background: #fff; }
table { border-collapse: collapse; font-size: .9rem; } caption { text-align: left; font-weight: 600; }
th, td { padding: .2rem .6rem; border-bottom: 1px solid #d5dae0; text-align: left; vertical-align: top; }
tbody th { font-weight: normal; } td.number { text-align: right; white-space: nowrap; }
img { max-width: 100%; height: auto; } .wide { overflow-x: auto; }"""
NOT_VALIDATED = """These questions have not been validated with students: nobody has yet watched learners read them, and
their difficulty and discrimination are known from no class. Take the numbers below as a first look at your class, not
as a mark for a student, and do not compare them with those of another test. CONTRIBUTING.md says how your class can
help to change that."""
HOW = """<p>The gain of the class is (mean after - mean before) / (1 - mean before): what it learned, as a share of
what it could still learn. Its interval is Fieller's for a ratio of two means. In 500 simulated classes each of 8, 30
and 300 students whose gain is known, 0, 0.3 and 0.6, it held the truth in 90 to 98 % of the draws
(tests/test_gain.py); percentiles of a bootstrap did so in 88 to 90 % at 8 students. The mean of the students' own
gains is shown because others report it. It leans low, since a student who was lucky before has little to gain and much
to lose: for simulated classes that knew as little after as before it was between -0.03 and -0.10 on average, and the
gain of the class 0.00. "I don't know" and what is left open count as not right, and nothing is taken off for guessing.
Discrimination is the correlation of a question with the score on all others. KR-20 is Cronbach's alpha of right and
wrong, with Feldt's interval: it says how far the questions put the same students first. Questions about separate ideas
may have a low one.</p>
<ul><li>R. R. Hake (1998), "Interactive-engagement versus traditional methods", Am. J. Phys. 66: the gain of a class,
here as PhysPort quotes it. He calls it low below 0.3 and high above 0.7, of another test in another field.</li>
<li>L. Bao (2006), "Theoretical comparisons of average normalized gain calculations", Am. J. Phys. 74 (abstract): the
gain of the class and the mean of gains differ.</li>
<li>A. Madsen, S. B. McKagan, E. C. Sayre (2017), "Best practices for administering concept inventories", Phys. Teach.
55: what a concept inventory is (first section).</li>
<li>W. K. Adams, C. E. Wieman (2011), "Development and validation of instruments to measure learning of expert-like
thinking", Int. J. Sci. Educ. 33 (abstract): interviews with students are what makes and validates such questions.</li>
</ul>"""


def percent(share: float) -> str:
    """Return a share as it is said."""
    return f"{share:.0%}".replace("%", " %")


def students(count: int) -> str:
    """Return how many they are."""
    return "1 student" if count == 1 else f"{count} students"


def summary(answers: Answers) -> list[str]:
    """Return the sentences on top, the first ones of which are the result."""
    before, after = answers.sheets["before"], answers.sheets["after"]
    both = [code for code in before if code in after]
    if not before or not after:
        kept, lacking = ("after", "before") if after else ("before", "after")
        return [f"There is no gain: {students(len(before or after))} answered {kept} the course, none answered "
                f'{lacking} it. A gain needs both: inventory.take("{lacking}", ...), and a new file of each student. '
                f"The mean of the sheets {kept} is {percent(right(before or after, before or after).mean())}."]
    paired = len(both) >= LEAST or len(both) == len(before) == len(after) or not (
        len(before) >= LEAST and len(after) >= LEAST)
    if not both and paired:
        return [f"There is no gain: {students(len(before))} answered before, {len(after)} after, and no code word is "
                "in both. Were they typed anew in another way? Compared as two groups it takes at least "
                f"{LEAST} sheets of each."]
    early, late = (right(before, both if paired else before).mean(1), right(after, both if paired else after).mean(1))
    who = (f"{students(len(both))} answered before and after." if paired else
           f"{len(before)} sheets before are compared with {len(after)} after as two groups, because only {len(both)} "
           "code words are in both. This takes those who answered once to be like the others.")
    gain = class_gain(early, late, paired)
    said = [f"{who} Right before: {percent(early.mean())}, after: {percent(late.mean())}.",
            gain_in_words(gain, len(early))]
    if paired and not np.isnan(gain.value):
        own, without = mean_of_gains(early, late)
        said.append(f"The mean of the students' own gains is {own}" + (
            f", without {students(without)} who had all right before." if without else "."))
        gone, new = [code for code in before if code not in after], len(after) - len(both)
        if gone or new:
            left = f"; those who left had {percent(right(before, gone).mean())} right before." if gone else "."
            said.append(f"Only before: {students(len(gone))}; only after: {students(new)}. "
                        f"They are not in these numbers{left}")
    return said


def gain_in_words(gain, count: int) -> str:
    """Return what a gain says, and what it does not."""
    if np.isnan(gain.value):
        return "The gain is undefined: all was right before, and nothing was left to learn."
    said = f"The normalized gain of the class is {gain}."
    if np.isnan(gain.low) and count >= LEAST:
        return f"{said} All students are alike in it, so that they do not tell how another class would differ."
    if np.isnan(gain.low):
        return (f"{said} From fewer than {LEAST} students no interval is told: another such class may have any "
                "other gain.")
    if not np.isfinite(gain.low):
        return f"{said} Nearly all was right before, so that no gain can be ruled out."
    if gain.low > 0:
        said += f" Of what it could still learn, the class learned about {percent(gain.value)}."
    elif gain.high < 0:
        said += " It is negative: fewer answers were right after than before."
    else:
        said += " The interval holds 0: these answers do not show that anything was learned, nor that nothing was."
    if gain.high - gain.low > .3:
        said += f" With {students(count)} no more than this wide interval is known."
    return said


def reliabilities(answers: Answers) -> list[str]:
    """Return how far the questions agree, before and after."""
    said = []
    for when, sheets in answers.sheets.items():
        if len(sheets) >= LEAST:
            said.append(f"KR-20 {when}: {reliability(right(sheets, sheets))}. A correlation from {len(sheets)} sheets, "
                        f"such as the discrimination below, is known to within about {2 / np.sqrt(len(sheets)):.1f}.")
    return said


def unknown(answers: Answers) -> str:
    """Return how often nothing was known."""
    parts = []
    for when, sheets in answers.sheets.items():
        given = [option for sheet in sheets.values() for option in sheet.values()]
        if given:
            parts.append(f"{percent(given.count(UNKNOWN) / len(given))} of the answers {when}")
    return f"\"I don't know\" is {' and '.join(parts)}."


# Tables

def table(caption: str, head: list[str], rows: list[list[str]], numbers: set[int]) -> str:
    """Return a table whose first column heads its rows; `numbers` are the columns set to the right."""
    top = "".join(f'<th scope="col">{html.escape(name)}</th>' for name in head)
    body = "".join("<tr>" + "".join(
        f'<th scope="row">{html.escape(cell)}</th>' if not place else
        f'<td{" class=number" if place in numbers else ""}>{html.escape(cell)}</td>'
        for place, cell in enumerate(row)) + "</tr>" for row in rows)
    return (f'<div class="wide" tabindex="0" role="region" aria-label="{html.escape(caption)}"><table><caption>'
            f"{html.escape(caption)}</caption><thead><tr>{top}</tr></thead><tbody>{body}</tbody></table></div>")


def questions_table(answers: Answers) -> str:
    """Return each question with its difficulty, which is the share of right answers, and its discrimination."""
    columns = []
    for sheets in answers.sheets.values():
        marks = right(sheets, sheets)
        columns.append([percent(share) for share in marks.mean(0)] if len(sheets) else ["" for _ in marks.T])
        columns.append([("" if np.isnan(each) else f"{each:.2f}") for each in discrimination(marks)]
                       if len(sheets) >= LEAST else ["" for _ in marks.T])
    rows = [[f"{asked['number']}. {asked['question']}", *cells]
            for asked, *cells in zip(inventory.questions()["questions"], *columns)]
    return table("Each question", ["question", "right before", "discrimination before", "right after",
                                     "discrimination after"], rows, {1, 2, 3, 4})


def beliefs_table(answers: Answers) -> str:
    """Return the beliefs that somebody held, the most frequent first, and what became of those who held them."""
    with data.file("claims.csv").open(encoding="utf-8", newline="") as file:
        claims = {int(row["number"]): row["claim"] for row in csv.DictReader(file)}
    before, after = answers.sheets["before"], answers.sheets["after"]
    rows = []
    for asked in inventory.questions()["questions"]:
        name = asked["id"]
        for option in asked["options"]:
            held = [code for code in before if before[code].get(name) == option["id"]]
            later = sum(sheet.get(name) == option["id"] for sheet in after.values())
            if "belief" not in option or not (held or later):
                continue
            became = Counter(after[code].get(name, UNKNOWN) for code in held if code in after)
            moved = [f"{became[asked['right']]} to the right answer", f"{became[option['id']]} stayed"] + [
                f"{became[each['id']]} to claim {each['belief']}" for each in asked["options"]
                if "belief" in each and each is not option and became[each["id"]]]
            moved += [f"{became[UNKNOWN]} to \"I don't know\""] if became[UNKNOWN] else []
            belief = f"claim {option['belief']}: {claims[option['belief']]}"
            rows.append((len(held) + later, [belief, str(asked["number"]), str(len(held)), str(later),
                                             ", ".join(moved) if became else ""]))
    rows.sort(key=lambda row: -row[0])
    head = ["belief", "question", "held before", "held after", "of those who held it before"]
    return table("Which beliefs moved", head, [row for _, row in rows], {1, 2, 3})


# Pictures

def picture(figure: Figure, alt: str) -> str:
    """Return a figure as an image that needs no other file."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="svg", metadata={"Date": None})
    drawn = base64.b64encode(buffer.getvalue()).decode()
    return f'<img alt="{html.escape(alt)}" src="data:image/svg+xml;base64,{drawn}">'


def scores_picture(answers: Answers) -> str:
    """Return how many students had how many right, before above after."""
    shown = {when: right(sheets, sheets).sum(1) for when, sheets in answers.sheets.items() if sheets}
    count = len(inventory.questions()["questions"])
    figure = Figure(figsize=(8, 1.8 * len(shown) + .6), layout="constrained")
    for ax, (when, scores) in zip(np.ravel(figure.subplots(len(shown), 1, sharex=True, sharey=True)), shown.items()):
        ax.bar(range(count + 1), np.bincount(scores.astype(int), minlength=count + 1),
               color=ORANGE if when == "before" else BLUE)
        ax.axvline(scores.mean(), color=INK, linestyle="--")
        ax.set(title=f"{when} ({students(len(scores))}; mean {scores.mean():.1f}, dashed)", ylabel="students")
        ax.yaxis.get_major_locator().set_params(integer=True)
    ax.set(xlabel=f"right answers of {count}", xlim=(-.6, count + .6), xticks=range(0, count + 1, 2))
    alt = "; ".join(f"{when}: from {scores.min():.0f} to {scores.max():.0f}, {scores.mean():.1f} on average"
                    for when, scores in shown.items())
    return picture(figure, f"Right answers of {count}. {alt}.")


def questions_picture(answers: Answers) -> str:
    """Return the share of right answers to each question, before and after."""
    asked = [f"{each['number']} {each['id']}" for each in inventory.questions()["questions"]]
    shares = {when: right(sheets, sheets).mean(0) for when, sheets in answers.sheets.items() if sheets}
    figure, rows = Figure(figsize=(8, 5.5), layout="constrained"), range(len(asked))
    ax = figure.subplots()
    if len(shares) == 2:
        ax.hlines(rows, shares["before"], shares["after"], color=INK, linewidth=1)
    for when, each in shares.items():
        early = when == "before"
        ax.plot(each, rows, "o", color=ORANGE if early else BLUE, markerfacecolor="white" if early else BLUE,
                label=when)
    ax.set(xlim=(-.03, 1.03), xlabel="share of right answers", yticks=rows, yticklabels=asked)
    ax.invert_yaxis()
    ax.legend(loc="best")
    last = shares.get("after", shares.get("before"))
    alt = f"Share of right answers to each question. Hardest in the end: {asked[last.argmin()]}, {percent(last.min())}."
    if len(shares) == 2:
        rise = shares["after"] - shares["before"]
        alt += f" Most gained: {asked[rise.argmax()]}, from {percent(shares['before'][rise.argmax()])} to " \
               f"{percent(shares['after'][rise.argmax()])}."
    return picture(figure, alt)


def page(answers: Answers) -> tuple[str, list[str]]:
    """Return the page as one HTML document, and the sentences on its top."""
    said = [*summary(answers), *answers.left_out]
    listed = "".join(f"<li>{html.escape(each)}</li>" for each in
                     [*said[1:], *reliabilities(answers), unknown(answers), *answers.notes])
    body = (f"<h1>What the class has learned</h1>\n<p><strong>{html.escape(said[0])}</strong></p>\n<ul>{listed}</ul>\n"
            f"<p>{NOT_VALIDATED}</p>\n<h2>The scores</h2>\n{scores_picture(answers)}\n<h2>The questions</h2>\n"
            f"{questions_picture(answers)}\n{questions_table(answers)}\n<h2>The beliefs</h2>\n<p>Each wrong answer is "
            "a belief that notebook 16 puts on trial. Of so many rows a few look remarkable by chance: look at large "
            f"numbers only.</p>\n{beliefs_table(answers)}\n<h2>How it was computed</h2>\n{HOW}")
    return (f'<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n<meta name="viewport" '
            'content="width=device-width, initial-scale=1">\n<title>What the class has learned</title>\n<style>\n'
            f"{STYLE}\n</style>\n</head>\n<body>\n<main>\n{body}\n</main>\n</body>\n</html>\n"), said
