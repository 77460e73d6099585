"""Rows become plain records, so that nothing outside this room holds on to a session."""

from dataclasses import fields
from typing import Any, TypeVar

T = TypeVar("T")


def as_record(kind: type[T], row: object, **others: Any) -> T:
    """A `kind` (a dataclass) with the row's attributes of the same names, and `others`."""
    names = (item.name for item in fields(kind) if item.name not in others)  # type: ignore[arg-type]
    return kind(**{name: getattr(row, name) for name in names}, **others)
