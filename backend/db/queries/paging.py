"""Pages of long lists by key, not by offset: page 10,000 costs what page 1 costs."""

import base64
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar

from sqlalchemy import ColumnElement, Row, Select, tuple_
from sqlalchemy.orm import InstrumentedAttribute, Session

from backend.db.errors import InvalidError

LARGEST_PAGE = 500

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """Some items of a list, and where the next ones are."""

    items: list[T]
    next_cursor: str | None
    """Give it back to get the next page; None after the last. Opaque to everybody else."""


@dataclass(frozen=True, slots=True)
class Order:
    """What a list is sorted by: two columns, the second one unique, both in one direction."""

    first: InstrumentedAttribute[Any]
    second: InstrumentedAttribute[Any]
    is_descending: bool = False

    def page(
        self,
        session: Session,
        query: Select[*tuple[Any, ...]],
        to_item: Callable[[Row[*tuple[Any, ...]]], T],
        cursor: str | None,
        limit: int,
    ) -> Page[T]:
        """The page of `query`, whose first column is the entity sorted by, after `cursor`.

        Raises InvalidError for a cursor that no page gave out.
        """
        limit = max(1, min(limit, LARGEST_PAGE))
        columns = (self.first, self.second)
        if cursor is not None:
            query = query.where(self._after(cursor))
        query = query.order_by(*(c.desc() if self.is_descending else c.asc() for c in columns))
        rows = session.execute(query.limit(limit + 1)).all()
        next_cursor = None
        if len(rows) > limit:
            next_cursor = _encode([getattr(rows[limit - 1][0], column.key) for column in columns])
        return Page([to_item(row) for row in rows[:limit]], next_cursor)

    def _after(self, cursor: str) -> ColumnElement[bool]:
        columns = (self.first, self.second)
        place = _decode(cursor, [column.type.python_type for column in columns])
        return tuple_(*columns) < place if self.is_descending else tuple_(*columns) > place


def _encode(place: list[Any]) -> str:
    values = [value.isoformat() if isinstance(value, datetime) else value for value in place]
    return base64.urlsafe_b64encode(json.dumps(values).encode()).decode().rstrip("=")


def _decode(cursor: str, types: list[type]) -> tuple[Any, ...]:
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        values = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
        place = tuple(
            datetime.fromisoformat(value) if wanted is datetime else value
            for value, wanted in zip(values, types, strict=True)
        )
    except (ValueError, TypeError, RecursionError) as error:
        raise _not_a_cursor() from error
    for value, wanted in zip(place, types, strict=True):
        if type(value) is not wanted or (isinstance(value, datetime) and value.tzinfo is None):
            raise _not_a_cursor()
    return place


def _not_a_cursor() -> InvalidError:
    return InvalidError(
        "This is not a cursor.", fix="Use `next_cursor` of the page before, or leave it out."
    )
