"""Results of a sweep in one SQLite file: what is in it isn't simulated again."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from hetsched.errors import WorkloadError

APPLICATION = 0x48535357
"""`HSSW`, in the file's header: tells a sweep from any other SQLite file."""

SCHEMA = 1

_TABLE = "CREATE TABLE points (key TEXT PRIMARY KEY, result TEXT NOT NULL) WITHOUT ROWID"


class SweepStore:
    """A file of results by key; each is written at once, or not at all.

    Args:
        path: made where it doesn't exist.

    Raises:
        WorkloadError: when the file is no sweep, another version's, or damaged.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        is_new = not path.exists() or path.stat().st_size == 0
        with self._open() as file:
            if is_new:
                file.execute(f"PRAGMA application_id = {APPLICATION}")
                file.execute(f"PRAGMA user_version = {SCHEMA}")
                file.execute(_TABLE)
                return
            self._check(file)

    def _check(self, file: sqlite3.Connection) -> None:
        (application,) = file.execute("PRAGMA application_id").fetchone()
        if application != APPLICATION:
            raise WorkloadError(f"{self.path} is not a sweep's file: give another name")
        (version,) = file.execute("PRAGMA user_version").fetchone()
        if version != SCHEMA:
            raise WorkloadError(f"{self.path} has schema {version}: this version reads {SCHEMA}")
        (state,) = file.execute("PRAGMA quick_check(1)").fetchone()
        if state != "ok":
            raise WorkloadError(self._damaged(str(state)))
        names = [row[0] for row in file.execute("SELECT name FROM sqlite_master")]
        if "points" not in names:
            raise WorkloadError(self._damaged("its table is missing"))

    def done(self) -> dict[str, str]:
        """All results by key."""
        with self._open() as file:
            return dict(file.execute("SELECT key, result FROM points"))

    def add(self, key: str, result: str) -> None:
        """Keep a result; one that is there already stays."""
        with self._open() as file:
            file.execute("INSERT OR IGNORE INTO points VALUES (?, ?)", (key, result))

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        try:
            with closing(sqlite3.connect(self.path, timeout=60)) as file, file:
                yield file
        except sqlite3.DatabaseError as error:
            raise WorkloadError(self._damaged(str(error))) from error

    def _damaged(self, why: str) -> str:
        return (
            f"{self.path} is damaged or half-written ({' '.join(why.split())}): delete it, or give "
            "another name, and the sweep starts anew"
        )
