"""Tasks and real data: what they ask, that the distance is the only dial, and where the data come from."""

import hashlib
import itertools
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from course_lib import data, tasks

ROOT = Path(__file__).parents[1]


def test_tasks_ask_what_they_say():
    rng = np.random.default_rng(0)
    x, labels = tasks.temporal_order(50, 200, rng)
    symbols = x.argmax(-1)
    signals = [symbols[symbols[:, b] < 2, b] for b in range(200)]
    assert all(len(s) == 2 and 2 * s[0] + s[1] == label for s, label in zip(signals, labels))
    where = np.sort(np.argwhere(symbols < 2)[:, 0].reshape(-1))
    assert set(where[:200]) == set(range(5, 10)) and set(where[200:]) == set(range(20, 25))
    x, target = tasks.adding(40, 2000, rng)
    assert np.array_equal(x[..., 1].sum(0), np.full(2000, 2)) and (x[:20, :, 1].sum(0) == 1).all()
    assert np.allclose((x[..., 0] * x[..., 1]).sum(0), target[:, 0], atol=0)
    assert abs(((target - 1) ** 2).mean() - 1 / 6) < 0.02
    x, labels = tasks.recall(30, 100, rng, symbols=3)
    assert np.array_equal(x[0].argmax(-1), labels) and set(labels) == {0, 1, 2} and 0.09 < x[1:].std() < 0.11


def kinds_of(sentence):
    """The grammar's kind of each word."""
    return [next(kind for kind, words in tasks.WORDS.items() if word in words) for word in sentence.split()]


@pytest.mark.parametrize("distance", [4, 5, 6, 7, 12, 40])
def test_agreement_follows_the_grammar_at_exactly_this_distance(distance):
    x, labels = tasks.agreement(distance, 300, np.random.default_rng(distance))
    assert x.shape == (distance + 2, 300, 25) and (x.sum(-1) == 1).all() and set(labels) == {0, 1}
    for sentence, label in zip(tasks.sentences(x), labels):
        the, subject, comma, which, *clause, last = kinds_of(sentence)
        assert (the, comma, which, last) == ("the", "comma", "which", "comma")
        assert subject == ("many" if label else "one")
        path = ["which", *clause, "comma"]
        assert all(b in tasks.FOLLOWS[a] for a, b in itertools.pairwise(path))
        assert len(clause) == distance - 3


def test_clauses_are_drawn_as_the_grammar_alone_would_given_their_length():
    """Every path of six words, its probability multiplied out, against the step by step probabilities."""
    def paths(start, length):
        if length == 0:
            return [([], 1 / len(tasks.FOLLOWS[start]))] if "comma" in tasks.FOLLOWS[start] else []
        return [([kind, *rest], p / len(tasks.FOLLOWS[start])) for kind in tasks.FOLLOWS[start] if kind != "comma"
                for rest, p in paths(kind, length - 1)]

    kinds = list(tasks.WORDS)
    steps = np.diff(tasks._clause(6), prepend=0)
    found = paths("which", 6)
    total = sum(p for _, p in found)
    for path, p in found:
        codes = [kinds.index(kind) for kind in ["which", *path]]
        product = np.prod([steps[t, a, b] for t, (a, b) in enumerate(itertools.pairwise(codes))])
        assert product == pytest.approx(p / total, rel=1e-12, abs=0)


def test_the_clause_knows_nothing_of_the_subject_and_its_words_do_not_change_with_the_distance():
    x, labels = tasks.agreement(12, 20_000, np.random.default_rng(0))
    clause = x[4:-1].sum(0)
    difference = clause[labels == 1].mean(0) - clause[labels == 0].mean(0)
    error = clause.std(0) * np.sqrt(4 / len(labels)) + 1e-12
    assert np.abs(difference / error).max() < 4.5
    far = tasks.agreement(48, 20_000, np.random.default_rng(1))[0][4:-1].mean((0, 1))
    assert np.abs(far - x[4:-1].mean((0, 1))).max() < 0.06


def test_digits_are_those_of_the_repository():
    digits = data.digits()
    assert digits.images.shape == (1797, 8, 8) and digits.images.min() == 0 and digits.images.max() == 1
    assert np.bincount(digits.labels).tolist() == [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]
    train, test = data.digits("train"), data.digits("test")
    assert len(train.labels) == 1297 and len(test.labels) == 500
    assert np.array_equal(np.concatenate([train.images, test.images]), digits.images)
    assert np.array_equal(np.concatenate([train.labels, test.labels]), digits.labels)


def test_every_data_file_is_in_the_readme_with_its_checksum_license_and_script():
    text = (ROOT / "data" / "README.md").read_text(encoding="utf-8")
    sections = dict(re.findall(r"^## (\S+)\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL))
    files = {path.name: path for path in (ROOT / "data").iterdir() if path.suffix not in {".md", ".py"}
             and path.is_file()}
    assert sections.keys() == files.keys()
    for name, section in sections.items():
        assert hashlib.sha256(files[name].read_bytes()).hexdigest() in section
        assert "license" in section and "source" in section
        script = re.search(r"python data/(\w+\.py)", section)
        assert (ROOT / "data" / script.group(1)).exists()


def test_the_script_makes_the_digits_again(tmp_path):
    """From the lines as the repository has them; written back from the arrays, since nothing is downloaded here."""
    digits = data.digits()
    lines = np.column_stack([(16 * digits.images).reshape(-1, 64), digits.labels]).astype(int)
    np.savetxt(tmp_path / "optdigits.tes", lines, fmt="%d", delimiter=",")
    script = tmp_path / "make_digits.py"
    script.write_text((ROOT / "data" / "make_digits.py").read_text(encoding="utf-8"), encoding="utf-8")
    subprocess.run([sys.executable, script, tmp_path / "optdigits.tes"], check=True)
    with np.load(tmp_path / "digits.npz") as made, np.load(ROOT / "data" / "digits.npz") as stored:
        assert made.files == stored.files == ["images", "labels"]
        assert all(np.array_equal(made[name], stored[name]) and made[name].dtype == stored[name].dtype
                   for name in made.files)


def test_a_missing_data_file_is_explained(tmp_path, monkeypatch):
    monkeypatch.setattr(data, "FOLDER", tmp_path)
    with pytest.raises(FileNotFoundError, match="digits.npz is missing.*folder data/.*git"):
        data.digits()
