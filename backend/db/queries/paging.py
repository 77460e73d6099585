"""Pages of long lists by key, not by offset: page 10,000 costs what page 1 costs."""

import base64
import json
import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar

from sqlalchemy import ColumnElement, Row, Select, tuple_
from sqlalchemy.orm import QueryableAttribute, Session

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
    """What a list is sorted by: columns that together are unique, all in one direction."""

    columns: tuple[QueryableAttribute[Any] | ColumnElement[Any], ...]
    kinds: tuple[type, ...]
    """What the columns hold: datetime, str, int or float; never null."""
    is_descending: bool = False

    def page(
        self,
        session: Session,
        query: Select[*tuple[Any, ...]],
        to_item: Callable[[Row[*tuple[Any, ...]]], T],
        cursor: str | None,
        limit: int,
    ) -> Page[T]:
        """The page of `query` after `cursor`. Rows end in the columns that are sorted by.

        Raises InvalidError for a cursor that no page gave out.
        """
        limit = max(1, min(limit, LARGEST_PAGE))
        places = [column.label(f"place_{n}") for n, column in enumerate(self.columns)]
        query = query.add_columns(*places)
        if cursor is not None:
            query = query.where(self._after(_decode(cursor, self.kinds)))
        query = query.order_by(*(c.desc() if self.is_descending else c.asc() for c in self.columns))
        rows = session.execute(query.limit(limit + 1)).all()
        next_cursor = None
        if len(rows) > limit:
            next_cursor = _encode(list(rows[limit - 1][-len(self.columns) :]))
        return Page([to_item(row) for row in rows[:limit]], next_cursor)

    def _after(self, place: tuple[Any, ...]) -> ColumnElement[bool]:
        if len(self.columns) == 1:  # a full-text index knows nothing of tuples
            return _beyond(self.columns[0], place[0], is_below=self.is_descending)
        return _beyond(tuple_(*self.columns), place, is_below=self.is_descending)


def _beyond(column: Any, place: Any, *, is_below: bool) -> ColumnElement[bool]:
    beyond: ColumnElement[bool] = column < place if is_below else column > place
    return beyond


def _encode(place: list[Any]) -> str:
    values = [value.isoformat() if isinstance(value, datetime) else value for value in place]
    return base64.urlsafe_b64encode(json.dumps(values).encode()).decode().rstrip("=")


def _decode(cursor: str, kinds: tuple[type, ...]) -> tuple[Any, ...]:
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        values = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
        return tuple(_value(value, kind) for value, kind in zip(values, kinds, strict=True))
    except (ValueError, TypeError, RecursionError) as error:
        raise InvalidError(
            "This is not a cursor.", fix="Use `next_cursor` of the page before, or leave it out."
        ) from error


def _value(value: Any, kind: type) -> Any:
    if kind is datetime:
        value = datetime.fromisoformat(value)
        if value.tzinfo is None:
            raise ValueError("an instant without a zone")
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError("not a number")
    is_too_large = isinstance(value, int) and abs(value) >= 2**63
    if type(value) is not kind or is_too_large:
        raise ValueError("not what the column holds")
    return value
