"""Column types that mean the same on every database: instants, money, and text that always fits."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import BigInteger, DateTime, Dialect, Integer, Numeric, String, Text, TypeDecorator
from sqlalchemy.types import TypeEngine

MONEY_DIGITS = 12
MONEY_PLACES = 2
LARGEST_MONEY = Decimal(10) ** (MONEY_DIGITS - MONEY_PLACES) - Decimal("0.01")

BigId = BigInteger().with_variant(Integer(), "sqlite")
"""Row ids. SQLite numbers rows by itself only in a column declared INTEGER."""


class UtcDateTime(TypeDecorator[datetime]):
    """An aware instant. Comes back in UTC; a naive value is refused, because its zone is a guess.

    SQLite has no zones: there it is readable text in UTC that sorts by time.
    """

    impl = DateTime
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[datetime]:
        """Zones are kept where the database has them."""
        return dialect.type_descriptor(DateTime(timezone=dialect.name != "sqlite"))

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """To UTC. Raises ValueError for a naive value."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"{value!r} has no time zone")
        in_utc = value.astimezone(UTC)
        return in_utc.replace(tzinfo=None) if dialect.name == "sqlite" else in_utc

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Aware, in UTC."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Money(TypeDecorator[Decimal]):
    """An exact amount with two places. SQLite would make it a float: there it is whole cents."""

    impl = Numeric
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Cents on SQLite, exact decimals elsewhere."""
        if dialect.name == "sqlite":
            return dialect.type_descriptor(BigInteger())
        return dialect.type_descriptor(Numeric(MONEY_DIGITS, MONEY_PLACES))

    def process_bind_param(self, value: Decimal | None, dialect: Dialect) -> Decimal | int | None:
        """Raises ValueError for what could only be stored rounded or cut."""
        if value is None:
            return None
        if not value.is_finite() or abs(value) > LARGEST_MONEY:
            raise ValueError(f"{value} is not an amount that can be stored")
        cents = value.scaleb(MONEY_PLACES)
        if cents != cents.to_integral_value():
            raise ValueError(f"{value} has more than {MONEY_PLACES} decimal places")
        return int(cents) if dialect.name == "sqlite" else value

    def process_result_value(self, value: Decimal | int | None, dialect: Dialect) -> Decimal | None:
        """Exactly what was stored, always with two places."""
        if value is None:
            return None
        if dialect.name == "sqlite":
            return Decimal(value).scaleb(-MONEY_PLACES)
        return Decimal(value)


def storable(text: str) -> str:
    """`text` without what databases refuse: NUL characters and halves of surrogate pairs."""
    return text.replace("\x00", "").encode("utf-8", "replace").decode("utf-8")


class ShortText(TypeDecorator[str]):
    """A short text of at most `length` characters; what comes from a caller or a PBX may be longer
    and is cut, because a call must not go unrecorded over a long caller name."""

    impl = String
    cache_ok = True

    def __init__(self, length: int) -> None:
        super().__init__(length)
        self.length = length

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        """Clean and cut."""
        return None if value is None else storable(value)[: self.length]


class LongText(TypeDecorator[str]):
    """Text of any length."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        """Clean."""
        return None if value is None else storable(value)
