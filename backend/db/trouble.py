"""Saying what is wrong with a database, in words its owner can act on."""

import structlog
from sqlalchemy import URL
from sqlalchemy.exc import (
    DatabaseError,
    DataError,
    DBAPIError,
    IntegrityError,
    InterfaceError,
    SQLAlchemyError,
)
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.orm.exc import StaleDataError

from backend.core.errors import StoreError
from backend.db.errors import ConflictError, DuplicateError, UnavailableError

log = structlog.get_logger(__name__)


def place(url: URL) -> str:
    """The database as a person knows it, without its password."""
    if url.get_backend_name() == "sqlite":
        return str(url.database)
    return url.render_as_string(hide_password=True)


def is_outage(error: Exception) -> bool:
    """Whether the database itself is in trouble, so that trying again later makes sense.

    False when this one operation was refused and always will be.
    """
    if isinstance(error, (IntegrityError, DataError)):
        return False
    return isinstance(
        error, (DatabaseError, InterfaceError, PoolTimeoutError, UnavailableError, OSError)
    )


def explain(error: Exception, url: URL) -> StoreError:
    """The same trouble as a sentence, with what to do about it."""
    if isinstance(error, StoreError):
        return error
    name = place(url)
    if isinstance(error, IntegrityError):
        return DuplicateError(f"{name} refused a value: {_reason(error)}.")
    if isinstance(error, StaleDataError):
        return ConflictError("Somebody else changed this meanwhile.", fix="Look at it again.")
    if not is_outage(error):
        what = _reason(error) if isinstance(error, SQLAlchemyError) else type(error).__name__
        return StoreError(f"{name} could not carry out an operation: {what}.")
    if isinstance(error, PoolTimeoutError):
        return UnavailableError(f"{name} is too slow: every connection is busy.")
    reason = _reason(error)
    for marks, sentence, fix in _KNOWN:
        if any(mark in reason.lower() for mark in marks):
            return UnavailableError(sentence.format(name=name), fix=fix)
    return UnavailableError(
        f"{name} cannot be used: {reason}.",
        fix="Check that the database runs and that FRONTDESK_DATABASE_URL is right.",
    )


def log_mistake(error: Exception) -> None:
    """Log what neither the database nor bad input caused: a mistake in the code that asked."""
    if error.__cause__ is not None and not isinstance(error.__cause__, SQLAlchemyError):
        log.error("database-work-failed", exc_info=error.__cause__)


def _reason(error: Exception) -> str:
    """The driver's own words: one line, and never the statement with its values."""
    original = error.orig if isinstance(error, DBAPIError) else error
    lines = str(original).strip().splitlines()
    return lines[0].rstrip(".") if lines else type(original).__name__


_KNOWN = (
    (
        ("database is locked", "database table is locked", "lock timeout", "lock_timeout"),
        "{name} is locked by another program.",
        "Close what has it open for writing: a database browser, a backup, a second bot.",
    ),
    (
        ("database or disk is full", "no space left", "file too large"),
        "The disk that holds {name} is full.",
        "Free some space; calls go on meanwhile.",
    ),
    (
        ("disk i/o error",),
        "{name} cannot be read or written: the disk reports an error or is full.",
        "Check free space and the disk's health.",
    ),
    (
        ("malformed", "not a database", "database corruption"),
        "{name} is damaged.",
        "Stop Frontdesk, move the file aside and restore a backup; `sqlite3 FILE .recover` saves"
        " what can be saved. Calls taken meanwhile wait in the outbox.",
    ),
    (
        ("readonly database", "read-only transaction"),
        "{name} is read-only.",
        "Make the file and its folder writable for the user that runs Frontdesk.",
    ),
    (
        ("unable to open database file",),
        "{name} cannot be opened.",
        "Check that its folder exists and that the user who runs Frontdesk may write there.",
    ),
    (
        ("no such table", "no such column", "undefined table", 'relation "'),
        "{name} has no tables of this version.",
        "Run `python -m backend.db.init`.",
    ),
    (
        ("password authentication failed", "no password supplied", "role "),
        "{name} refused the user or the password.",
        "Check the user and password in FRONTDESK_DATABASE_URL.",
    ),
    (
        ("permission denied",),
        "{name} denied permission.",
        "The user in FRONTDESK_DATABASE_URL must own its database.",
    ),
    (
        ("connection refused", "no such file or directory", "timeout expired",
         "could not translate", "failed to resolve",
         "name or service not known", "network is unreachable"),
        "{name} does not answer.",
        "Start the database server, or correct the host and port in FRONTDESK_DATABASE_URL.",
    ),
    (
        ("server closed the connection", "terminating connection", "shutting down", "starting up",
         "connection is closed", "consuming input failed"),
        "{name} is shutting down or starting.",
        "It is tried again by itself; look at the database server's log if this goes on.",
    ),
)  # fmt: skip
"""Words of the drivers' messages (SQLite's and libpq's), what they mean, and what to do."""
