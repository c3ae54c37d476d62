"""A learner's progress: one local file of JSON lines that is only ever appended to, and sent nowhere.

Each record is one write to a descriptor in append mode, with a line end before it and after it, then fsync.
So a line cut short by a crash never damages the next, and two notebooks at once don't overwrite each other.
"""

import contextlib
import json
import os
import stat
import sys
import threading
from datetime import datetime, timezone
from pathlib import Path

from .. import _checks

_APPEND = os.O_WRONLY | os.O_APPEND | os.O_CREAT | getattr(os, "O_BINARY", 0)  # the last one is Windows'


def default_path() -> Path | None:
    """The progress file: what COURSE_PROGRESS names, else progress.jsonl in the user's data directory; None without a
    home, and where nbgrader runs: there the file is the grader's, not the student's.

    errors  ModuleNotFoundError without platformdirs
    """
    if os.environ.get("NBGRADER_EXECUTION"):
        return None
    if named := os.environ.get("COURSE_PROGRESS"):
        return Path(os.path.expanduser(named)).absolute()  # a user that does not exist is a folder's name
    if sys.platform == "emscripten":
        return Path("/drive/progress.txt")  # in JupyterLite, closing a .jsonl file after writing hangs
    with _checks.extra("lab", "the file of your progress"):
        import platformdirs

    with contextlib.suppress(RuntimeError):
        return platformdirs.user_data_path("gradients-through-time", appauthor=False) / "progress.jsonl"


class Store:
    """An append-only file of records. Where it can't be written, memory keeps them, and one sentence says so.

    path  of the file; it and its directory are made with the first record; None: memory alone
    what  the sentence calls what is kept; "" for none: `trouble` says what keeps it in memory
    """

    def __init__(self, path: Path | None, what: str = "Your progress") -> None:
        self.path, self.what, self._warned, self.trouble, self._lock = path, what, "", "", threading.Lock()
        self._unsaved: list[dict] = []

    def append(self, record: dict) -> None:
        """Keep a record: JSON values, "kind" and "id" texts; "at", the time, is added if absent. An OSError is told."""
        with self._lock:
            self._unsaved.append({"at": datetime.now(timezone.utc).isoformat(timespec="seconds"), **record})
            if self.path is None:
                return
            try:
                self.path.parent.mkdir(parents=True, exist_ok=True)
                with open(os.open(self.path, _APPEND, 0o600), "ab", buffering=0) as file:
                    while self._unsaved:
                        line = b"\n" + json.dumps(self._unsaved[0]).encode("ascii") + b"\n"
                        if os.write(file.fileno(), line) < len(line):
                            raise OSError(None, "only a part of it fitted")
                        os.fsync(file.fileno())
                        del self._unsaved[0]
                if self._warned == "saved":
                    self._warned = self.trouble = ""  # the next trouble is another one
            except OSError as error:
                self._warn("saved", error)

    def merge(self, records: list[dict]) -> tuple[int, int]:
        """Keep those of another store's records that are not here yet; how many they were, and how many were here."""
        records = [{"at": "", **record} for record in records]  # or append would date it anew, each time
        mine = {json.dumps(record, sort_keys=True) for record in self.read()[0]}
        new = {text: record for record in records if (text := json.dumps(record, sort_keys=True)) not in mine}
        for record in new.values():
            self.append(record)
        return len(new), len(records) - len(new)

    def read(self) -> tuple[list[dict], int]:
        """All records, oldest first, with all their fields, and the number of lines that can't be read."""
        with self._lock:
            lines: list[bytes] = []
            try:
                with contextlib.suppress(FileNotFoundError, NotADirectoryError):
                    if self.path and stat.S_ISREG(self.path.stat().st_mode):  # reading a device would never end
                        lines = self.path.read_bytes().split(b"\n")
            except OSError as error:
                self._warn("read", error)
            parsed = [_parse(line) for line in lines if line.strip()]
            records = [record for record in parsed if record is not None]
            return records + self._unsaved, len(parsed) - len(records)

    def _warn(self, done: str, error: OSError) -> None:
        self.trouble = error.strerror or str(error)
        if self.what and not self._warned:
            print(f"{self.what} can't be {done} in {self.path} ({self.trouble}), "
                  "so it is kept in memory until this kernel stops.")
        self._warned = self._warned or done


def _parse(line: bytes) -> dict | None:
    try:
        record = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return record if isinstance(record, dict) and all(isinstance(record.get(k), str) for k in ("kind", "id")) else None
