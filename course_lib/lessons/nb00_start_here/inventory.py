"""The questions of data/inventory.json. Answers are kept beside the progress; tools/gain.py reads the exports."""
import functools
import html
import json
import re
from pathlib import Path

from ... import _checks, data
from ...exercises import words
from ...exercises.progress import Store, default_path

_store_at = functools.cache(lambda path: Store(path, "Your answers"))


@functools.cache
def questions() -> dict:
    """Return what data/inventory.json holds. errors: FileNotFoundError without the folder data/"""
    return json.loads(data.file("inventory.json").read_text(encoding="utf-8"))


def text() -> str:
    """Return all questions, each answer with its letter."""
    return "\n\n".join([questions()["words"]] + ["\n".join([f"{asked['number']}. {asked['question']}"] + [
        f"   {each['letter']}  {each['text']}" for each in asked["options"]]) for asked in questions()["questions"]])


def take(when: str, code_word=..., answers: str | None = None):
    """Return the page to answer on; with answers, keep them, and print what is said of them. Errors: ValueError.

    code_word  one of your own, that does not tell who you are, the same both times; ... says what to do
    answers    a letter or ? for each question, such as "b c a ?"; None: they are chosen on the page
    """
    _checks.choice("when", when, ("before", "after"))
    if code_word is ...:
        return print('Put a code word that you will know again, such as "blue heron", in place of the ..., in quotes.')
    code, chosen, every = _code(code_word), {}, questions()["questions"]
    if answers is None:
        return _page(when, code)
    if not isinstance(answers, str):
        raise ValueError(f"answers is {words.short(answers)}, needs a text of letters, such as \"b c a ?\".")
    letters = re.sub(r"[\s,;]", "", answers).lower()
    if len(letters) != len(every):
        raise ValueError(f"answers has {len(letters)} letters, needs {len(every)}: print(inventory.text()) shows them.")
    for letter, asked in zip(letters, every):
        known = {option["letter"]: option["id"] for option in asked["options"]}
        chosen[asked["id"]] = known[_checks.choice(f"answer {asked['number']}", letter, list(known))]
    return print(_keep(when, code, chosen))


def export(code_word: str, folder: str | Path = ".") -> Path:
    """Write the sheets of a code word into one file, inventory-blue-heron.json; return its path. errors: ValueError"""
    sheets = _sheets(code := _code(code_word))
    if not sheets:
        raise ValueError(f"nothing is kept under the code word {code!r} here. Is it spelled as it was? "
                         "take comes first.")
    if not Path(folder).expanduser().is_dir():
        raise ValueError(f"there is no folder {str(folder)!r} here. Make it first, or leave it out.")
    path = Path(folder).expanduser() / f"inventory-{re.sub('[^a-z0-9]+', '-', code)}.json"
    content = {"inventory": "gradients-through-time", "code": code, "sheets": sheets}
    path.write_text(json.dumps(content), encoding="utf-8")
    return path


def one_form(word: str) -> str:
    """Return a code word in one form: Blue_Heron, blue-heron and "blue  heron" are one person's."""
    return " ".join(re.sub(r"[_-]", " ", word.lower()).split())


def _code(word) -> str:
    code = one_form(word) if isinstance(word, str) else ""
    if not re.fullmatch(r"[a-z0-9 ]{3,40}", code):
        raise ValueError(f"the code word is {words.short(word)}, needs 3 to 40 letters of a to z, digits and spaces in "
                         'quotes: "blue heron".')
    return code


def _sheets(code: str) -> list[dict]:
    """The sheets of a code word, the first of each kind: a second look at the questions is no second measurement."""
    first = {record["id"]: {"when": record["id"], "day": record["at"][:10], **record["sheet"]}
             for record in reversed(_store_at(default_path()).read()[0])
             if record["kind"] == "inventory" and one_form(str(record.get("code"))) == code
             and isinstance(record.get("sheet"), dict) and isinstance(record["sheet"].get("answers"), dict)}
    return [first[when] for when in ("before", "after") if when in first]


def _keep(when: str, code: str, answers: dict[str, str]) -> str:
    """Keep a sheet; return what is said of it: before the course nothing of what is right."""
    _store_at(default_path()).append({"kind": "inventory", "id": when, "code": code, "sheet": {
        "version": questions()["version"], "answers": answers}})
    every = questions()["questions"]
    said = [f"Kept under {code!r}. Of several sheets {when} the course the first one counts."]
    if when == "after":
        for sheet in _sheets(code):
            if sheet.get("version") != questions()["version"]:
                said.append(f"The sheet {sheet['when']} the course answers other questions than today's.")
                continue
            right = sum(sheet["answers"].get(asked["id"]) == asked["right"] for asked in every)
            said.append(f"Right {sheet['when']} the course: {right} of {len(every)}.")
        said += [f"{asked['number']}. (lesson {asked['lesson']}) {asked['why']}" for asked in every
                 if answers[asked["id"]] != asked["right"]]
    return "\n".join(said)


def _page(when: str, code: str):
    """The questions with radio buttons, and a button that keeps the answers once all are chosen."""
    with _checks.extra("lab", "the page of the questions"):
        import ipywidgets as widgets
    first, *shown = text().split("\n\n")
    boxes = {asked["id"]: widgets.RadioButtons(
        options=[(option["letter"], option["id"]) for option in asked["options"]], value=None,
        orientation="horizontal", description=f"Answer {asked['number']}") for asked in questions()["questions"]}

    def keep(button):
        left = [str(number) for number, box in enumerate(boxes.values(), start=1) if box.value is None]
        chosen = {name: box.value for name, box in boxes.items()}
        told = f"Not kept yet. Open: {', '.join(left)}. ? is an answer too." if left else _keep(when, code, chosen)
        said.value = f'<div role="status" style="white-space:pre-line">{html.escape(told)}</div>'

    save, said = widgets.Button(description="Keep my answers"), widgets.HTML()
    save.on_click(keep)
    rows = [widget for words, box in zip(shown, boxes.values()) for widget in (
        widgets.HTML(f'<p style="white-space:pre-line">{html.escape(words)}</p>'), box)]
    return widgets.VBox([widgets.HTML(f"<p>{first}</p>"), *rows, save, said])
