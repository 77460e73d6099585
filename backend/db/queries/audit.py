"""The audit log: who did what. Entries are added and read, never changed."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, select
from sqlalchemy.orm import Session

from backend.db.models import AuditEntry
from backend.db.queries.paging import Order, Page
from backend.db.queries.records import as_record

_NEWEST_FIRST = Order((AuditEntry.id,), (int,), is_descending=True)


@dataclass(frozen=True, slots=True)
class AuditRecord:
    """One line; fields as in `models.AuditEntry`."""

    id: int
    at: datetime
    by: str
    address: str
    action: str
    about: str
    detail: str


@dataclass(frozen=True, slots=True)
class AuditFilter:
    """Which lines; what is None does not matter."""

    by: str | None = None
    action: str | None = None
    about: str | None = None


def add_entry(
    session: Session,
    *,
    at: datetime,
    by: str,
    address: str,
    action: str,
    about: str,
    detail: str = "",
) -> None:
    """Write a line, in the transaction of what it is about."""
    session.add(
        AuditEntry(at=at, by=by, address=address, action=action, about=about, detail=detail)
    )


def list_entries(
    session: Session, which: AuditFilter, *, cursor: str | None = None, limit: int = 50
) -> Page[AuditRecord]:
    """Lines, newest first. Raises InvalidError for a wrong cursor."""
    query = select(AuditEntry)
    for name in ("by", "action", "about"):
        if (wanted := getattr(which, name)) is not None:
            query = query.where(getattr(AuditEntry, name) == wanted)
    return _NEWEST_FIRST.page(session, query, _record, cursor, limit)


def _record(row: Row[*tuple[Any, ...]]) -> AuditRecord:
    return as_record(AuditRecord, row[0])
