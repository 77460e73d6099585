"""Opening a database.

What survives what, on SQLite as it is set up here (write-ahead log, `synchronous=NORMAL`):

- kill -9 of the bot: every committed transaction. Committing hands the data to the operating
  system, which does not care how the process ended; the log is replayed at the next open.
- power loss or a kernel crash: the file is never damaged, but transactions committed since the
  last sync (at most one checkpoint, 4 MB of log) may be gone. Transactions that hold a ticket
  are therefore committed with `synchronous=FULL`: one fsync, and what the caller was promised is
  on the disk.

PostgreSQL syncs at every commit by itself.
"""

import sqlite3
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.engine.interfaces import DBAPIConnection, DBAPICursor
from sqlalchemy.exc import ArgumentError, NoSuchModuleError

from backend.core.errors import StoreError

LOCK_WAIT_S = 2.0
"""How long we wait for somebody else's lock; then calls go on without the database."""
SET_UP_WAIT_S = 60.0
"""How long setting a database up waits: another process may be migrating or filling it."""
STATEMENT_S = 10
"""Longest single statement of a write on a database server."""
CONNECT_S = 3
READERS = 4
_WAL_AGAIN_S = 0.02

WRITING = "frontdesk_writing"
"""Execution option of connections that write: `WRITE` or `WRITE_DURABLY`."""
WRITE = "write"
WRITE_DURABLY = "durably"


def open_engine(url: str, *, lock_wait_s: float | None = None) -> Engine:
    """An engine for any SQLAlchemy URL. Connects to nothing yet. `lock_wait_s`: on SQLite, instead
    of `LOCK_WAIT_S`.

    Raises StoreError when the URL cannot work: a typo, a driver that is not installed, a database
    in memory (calls and pages would not see the same one).
    """
    parsed = _parse(url)
    try:
        if parsed.get_backend_name() == "sqlite":
            return _sqlite(parsed, LOCK_WAIT_S if lock_wait_s is None else lock_wait_s)
        return _server(parsed)
    except (NoSuchModuleError, ModuleNotFoundError) as error:
        raise StoreError(
            f"FRONTDESK_DATABASE_URL asks for {parsed.drivername}, which is not installed.",
            fix="PostgreSQL needs `pip install 'frontdesk[postgresql]'`, others their own driver.",
        ) from error


def make_place(url: URL) -> None:
    """Make the folder and the file of a new SQLite database, for its owner's eyes only."""
    if url.get_backend_name() == "sqlite" and url.database and not url.database.startswith("file:"):
        path = Path(url.database)
        with suppress(OSError):  # connecting will say it better
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch(mode=0o600)


def _parse(url: str) -> URL:
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        raise StoreError(
            "FRONTDESK_DATABASE_URL is not a database URL.",
            fix="Leave it empty for SQLite, or write e.g. postgresql://user:password@host/frontdesk.",
        ) from error
    if parsed.drivername in ("postgres", "postgresql"):
        return parsed.set(drivername="postgresql+psycopg")
    return parsed


def _sqlite(url: URL, lock_wait_s: float) -> Engine:
    if not url.database or ":memory:" in url.database or "mode=memory" in str(url):
        raise StoreError(
            "A database in memory cannot hold calls.",
            fix="Name a file: sqlite:////path/to/file.db.",
        )
    engine = create_engine(
        url,
        connect_args={"timeout": lock_wait_s},
        pool_size=READERS + 2,
        pool_timeout=CONNECT_S,
        hide_parameters=True,  # they are transcripts and numbers, and errors are logged
    )
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: DBAPIConnection, _record: object) -> None:
    # The driver's own idea of when to begin leaves reads without a snapshot: `_begin_sqlite` does.
    connection.isolation_level = None
    cursor = connection.cursor()
    _switch_to_wal(cursor)
    for pragma in (
        "foreign_keys=ON",
        "synchronous=NORMAL",
        "cache_size=-32000",  # 32 MB
        "journal_size_limit=67108864",
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _switch_to_wal(cursor: DBAPICursor) -> None:
    # Where two processes open a new database at once, SQLite refuses one of them without waiting.
    until_s = time.monotonic() + LOCK_WAIT_S
    while True:
        try:
            cursor.execute("PRAGMA journal_mode=WAL")
            return
        except sqlite3.OperationalError:
            if time.monotonic() > until_s:
                raise
            time.sleep(_WAL_AGAIN_S)


def _begin_sqlite(connection: Connection) -> None:
    match connection.get_execution_options().get(WRITING):
        case None:
            connection.exec_driver_sql("BEGIN")
            return
        case mode:
            level = "FULL" if mode == WRITE_DURABLY else "NORMAL"
            connection.exec_driver_sql(f"PRAGMA synchronous={level}")
    # Taking the write lock now: a read that becomes a write fails without waiting its turn.
    connection.exec_driver_sql("BEGIN IMMEDIATE")


def _server(url: URL) -> Engine:
    options: dict[str, Any] = {}
    if url.get_driver_name() == "psycopg":
        options["connect_args"] = {
            "connect_timeout": CONNECT_S,
            "application_name": "frontdesk",
            # A server that vanishes without a word is noticed after 11 s, not after two hours.
            "keepalives_idle": 5,
            "keepalives_interval": 2,
            "keepalives_count": 3,
        }
    engine = create_engine(
        url,
        pool_size=READERS + 2,
        pool_timeout=CONNECT_S,
        pool_pre_ping=True,
        hide_parameters=True,
        **options,
    )
    if engine.dialect.name == "postgresql":
        event.listen(engine, "begin", _begin_postgresql)
    return engine


def _begin_postgresql(connection: Connection) -> None:
    if connection.get_execution_options().get(WRITING):
        connection.exec_driver_sql(
            f"SET LOCAL lock_timeout = '{LOCK_WAIT_S}s'; "
            f"SET LOCAL statement_timeout = '{STATEMENT_S}s'"
        )
