"""The cloud's state: a SQLite file (or memory), a lock and a clock.

Statuses change by themselves: a *transition* says which row gets which status at what time, and the
next read of the state applies it. So a snapshot becomes available by the clock, even while the
sandbox is not running.
"""

import sqlite3
import threading
import unicodedata
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from snapshots.sandbox.records import Server, Snapshot, Token, Volume, to_columns

GONE = "deleted"
# Gone for all calls but the lists, which still show it as `deleting`.
LINGERING = "deleted, still listed"
_MOST_REQUESTS = 100_000

_SCHEMA = """
CREATE TABLE volumes (
  id TEXT PRIMARY KEY,
  project_id TEXT NOT NULL,
  user_id TEXT NOT NULL,
  name TEXT NOT NULL,
  size INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  status TEXT NOT NULL,
  description TEXT,
  volume_type TEXT NOT NULL,
  availability_zone TEXT NOT NULL,
  trouble TEXT NOT NULL,
  trouble_calls INTEGER NOT NULL,
  bootable INTEGER NOT NULL,
  encrypted INTEGER NOT NULL,
  multiattach INTEGER NOT NULL,
  attachments TEXT NOT NULL,
  metadata TEXT NOT NULL,
  snapshot_id TEXT,
  updated_at INTEGER,
  host TEXT NOT NULL);
CREATE INDEX volumes_of_project ON volumes (project_id, created_at, id);
CREATE TABLE snapshots (
  id TEXT PRIMARY KEY,
  project_id TEXT NOT NULL,
  user_id TEXT NOT NULL,
  volume_id TEXT NOT NULL,
  name TEXT,
  description TEXT,
  status TEXT NOT NULL,
  size INTEGER NOT NULL,
  metadata TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  updated_at INTEGER,
  progress TEXT NOT NULL);
CREATE INDEX snapshots_of_project ON snapshots (project_id, created_at, id);
CREATE INDEX snapshots_of_volume ON snapshots (volume_id, created_at, id);
CREATE TABLE transitions (
  number INTEGER PRIMARY KEY,
  kind TEXT NOT NULL,
  id TEXT NOT NULL,
  due_at REAL NOT NULL,
  status TEXT NOT NULL);
CREATE INDEX transitions_due ON transitions (due_at);
CREATE INDEX transitions_of ON transitions (id);
CREATE TABLE tokens (
  token TEXT PRIMARY KEY,
  user_id TEXT NOT NULL,
  project_id TEXT,
  method TEXT NOT NULL,
  audit_id TEXT NOT NULL,
  issued_at REAL NOT NULL,
  expires_at REAL NOT NULL);
CREATE TABLE credentials (
  id TEXT PRIMARY KEY,
  user_id TEXT NOT NULL,
  project_id TEXT NOT NULL,
  name TEXT NOT NULL,
  secret TEXT NOT NULL);
CREATE TABLE quotas (
  project_id TEXT NOT NULL,
  resource TEXT NOT NULL,
  quota INTEGER NOT NULL,
  PRIMARY KEY (project_id, resource));
CREATE TABLE requests (
  number INTEGER PRIMARY KEY,
  at REAL NOT NULL,
  method TEXT NOT NULL,
  path TEXT NOT NULL,
  query TEXT NOT NULL,
  status INTEGER,
  request_id TEXT NOT NULL);
"""
_SERVERS_SCHEMA = """
CREATE TABLE servers (
  id TEXT PRIMARY KEY,
  project_id TEXT NOT NULL,
  user_id TEXT NOT NULL,
  name TEXT,
  availability_zone TEXT NOT NULL,
  created_at INTEGER NOT NULL);
CREATE INDEX servers_of_project ON servers (project_id, created_at, id);
PRAGMA user_version = 2;
"""


def fold(text: str | None) -> str | None:
    """Text as the recorded cloud's database compares it: neither case nor accents count
    (utf8mb3_general_ci).
    """
    if text is None:
        return None
    plain = unicodedata.normalize("NFKD", text)
    return "".join(c for c in plain if not unicodedata.combining(c)).casefold()


class State:
    """The cloud's state. It is used inside `transaction()` only, by one thread at a time."""

    def __init__(self, path: Path | None, clock: Callable[[], float]) -> None:
        self.clock = clock
        self._lock = threading.RLock()
        self._depth = 0
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
        self._db = sqlite3.connect(
            path or ":memory:", check_same_thread=False, isolation_level=None
        )
        self._db.row_factory = sqlite3.Row
        self._db.create_function("fold", 1, fold, deterministic=True)
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = NORMAL")
        version = self._db.execute("PRAGMA user_version").fetchone()[0]
        self.is_new, self.had_no_servers = version == 0, version < 2
        if self.is_new:
            self._db.executescript(_SCHEMA)
        if self.had_no_servers:
            self._db.executescript(_SERVERS_SCHEMA)

    def close(self) -> None:
        with self._lock:
            self._db.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Exclusive use of the state; all or nothing. May be nested."""
        with self._lock:
            if self._depth == 0:
                self._db.execute("BEGIN IMMEDIATE")
            self._depth += 1
            try:
                yield
            except BaseException:
                self._leave("ROLLBACK")
                raise
            self._leave("COMMIT")

    def _leave(self, verb: str) -> None:
        self._depth -= 1
        if self._depth == 0:
            self._db.execute(verb)

    def rows(self, sql: str, values: Any = ()) -> list[sqlite3.Row]:
        return self._db.execute(sql, values).fetchall()

    def number(self, sql: str, values: Any = ()) -> int:
        """The number that a query yields."""
        row = self._db.execute(sql, values).fetchone()
        return int(row[0] or 0) if row else 0

    def change(self, sql: str, values: Any = ()) -> int:
        """Number of the rows changed."""
        return self._db.execute(sql, values).rowcount

    def _insert(self, table: str, columns: dict[str, Any]) -> int:
        names = ", ".join(columns)
        marks = ", ".join(f":{name}" for name in columns)
        done = self._db.execute(f"INSERT INTO {table} ({names}) VALUES ({marks})", columns)
        return done.lastrowid or 0

    def _save(self, table: str, columns: dict[str, Any]) -> None:
        changes = ", ".join(f"{name} = :{name}" for name in columns if name != "id")
        self._db.execute(f"UPDATE {table} SET {changes} WHERE id = :id", columns)

    # --- things with a status ---

    def add_snapshot(self, snapshot: Snapshot) -> None:
        self._insert("snapshots", to_columns(snapshot))

    def save_snapshot(self, snapshot: Snapshot) -> None:
        self._save("snapshots", to_columns(snapshot))

    def snapshot(self, ident: str) -> Snapshot | None:
        rows = self.rows("SELECT * FROM snapshots WHERE id = ?", (ident.lower(),))
        return Snapshot.from_row(rows[0]) if rows else None

    def add_volume(self, volume: Volume) -> None:
        self._insert("volumes", to_columns(volume))

    def save_volume(self, volume: Volume) -> None:
        self._save("volumes", to_columns(volume))

    def volume(self, ident: str) -> Volume | None:
        rows = self.rows("SELECT * FROM volumes WHERE id = ?", (ident.lower(),))
        return Volume.from_row(rows[0]) if rows else None

    def add_server(self, server: Server) -> None:
        self._insert("servers", to_columns(server))

    def plan(self, kind: str, ident: str, *steps: tuple[float, str]) -> None:
        """Set the next statuses of a `snapshots` or `volumes` row: pairs of time and status,
        replacing earlier plans.
        """
        self.change("DELETE FROM transitions WHERE id = ?", (ident,))
        for due_at, status in steps:
            self._insert(
                "transitions", {"kind": kind, "id": ident, "due_at": due_at, "status": status}
            )

    def settle(self) -> None:
        """Apply the transitions that are due."""
        due = self.rows(
            "SELECT * FROM transitions WHERE due_at <= ? ORDER BY due_at, number", (self.clock(),)
        )
        for step in due:
            self._apply(step["kind"], step["id"], step["status"], int(step["due_at"]))
            self.change("DELETE FROM transitions WHERE number = ?", (step["number"],))

    def _apply(self, kind: str, ident: str, status: str, at: int) -> None:
        if kind == "snapshots":
            if status == GONE:
                self.change("DELETE FROM snapshots WHERE id = ?", (ident,))
                return
            self.change(
                "UPDATE snapshots SET status = :status, updated_at = :at,"
                " progress = CASE :status WHEN 'available' THEN '100%' ELSE progress END"
                " WHERE id = :id",
                {"status": status, "at": at, "id": ident},
            )
        else:
            self.change(
                "UPDATE volumes SET status = ?, updated_at = ?, host = 'sandbox@ssd' WHERE id = ?",
                (status, at, ident),
            )

    # --- tokens, quotas ---

    def add_token(self, token: Token) -> None:
        self._insert("tokens", to_columns(token))

    def token(self, text: str) -> Token | None:
        """A valid token; None when it is unknown or expired."""
        rows = self.rows(
            "SELECT * FROM tokens WHERE token = ? AND expires_at > ?", (text, self.clock())
        )
        return Token(**dict(rows[0])) if rows else None

    def was_token(self, text: str) -> bool:
        return bool(self.rows("SELECT 1 FROM tokens WHERE token = ?", (text,)))

    def quota(self, project_id: str, resource: str, default: int) -> int:
        rows = self.rows(
            "SELECT quota FROM quotas WHERE project_id = ? AND resource = ?", (project_id, resource)
        )
        return int(rows[0][0]) if rows else default

    def set_quota(self, project_id: str, resource: str, quota: int) -> None:
        self.change("INSERT OR REPLACE INTO quotas VALUES (?, ?, ?)", (project_id, resource, quota))

    # --- the book of requests ---

    def note_request(self, method: str, path: str, query: str, request_id: str) -> int:
        columns = {
            "at": self.clock(),
            "method": method,
            "path": path,
            "query": query,
            "request_id": request_id,
        }
        number = self._insert("requests", columns)
        if number % 1000 == 0:
            self.change("DELETE FROM requests WHERE number <= ?", (number - _MOST_REQUESTS,))
        return number

    def note_answer(self, number: int, status: int) -> None:
        self.change("UPDATE requests SET status = ? WHERE number = ?", (status, number))
