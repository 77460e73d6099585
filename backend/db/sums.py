"""Tables of sums: what analytics read, so that a year is as quick to ask for as a day.

Refer to them as `models.DailyAnalytics`. See `counting` for how they are kept.
"""

from datetime import date, datetime

from sqlalchemy import Index
from sqlalchemy.orm import Mapped, mapped_column

from backend.db.base import Base
from backend.db.types import BigId, ShortText


class DailyAnalytics(Base):
    """Sums over the calls that started on a day and have ended. See `counting`."""

    __tablename__ = "daily_analytics"

    day: Mapped[date] = mapped_column(primary_key=True)
    calls: Mapped[int]
    contained: Mapped[int]
    transferred: Mapped[int]
    duration_ms: Mapped[int] = mapped_column(BigId)
    """Whole milliseconds: sums that go up and down again stay exact."""
    turns: Mapped[int]
    tickets: Mapped[int]
    """Tickets opened on the day, by calls or by people."""


class DailyIntent(Base):
    """The same by what the calls were about."""

    __tablename__ = "daily_intents"

    day: Mapped[date] = mapped_column(primary_key=True)
    intent: Mapped[str] = mapped_column(ShortText(60), primary_key=True)
    calls: Mapped[int]
    contained: Mapped[int]
    duration_ms: Mapped[int] = mapped_column(BigId)


class DailyLatency(Base):
    """How often each part of a turn took how long: a histogram for percentiles. See `latency`."""

    __tablename__ = "daily_latency"
    __table_args__ = {"sqlite_with_rowid": False}  # noqa: RUF012 - SQLAlchemy's way

    day: Mapped[date] = mapped_column(primary_key=True)
    slot: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    turns: Mapped[int]


class HourlyCalls(Base):
    """Calls by the hour of the day they started in."""

    __tablename__ = "hourly_calls"
    __table_args__ = {"sqlite_with_rowid": False}  # noqa: RUF012 - SQLAlchemy's way

    day: Mapped[date] = mapped_column(primary_key=True)
    hour: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    calls: Mapped[int]
    contained: Mapped[int]


class MonthlyLatency(Base):
    """`DailyLatency` summed up by month: a year has two hundred thousand rows of days."""

    __tablename__ = "monthly_latency"
    __table_args__ = {"sqlite_with_rowid": False}  # noqa: RUF012 - SQLAlchemy's way

    month: Mapped[date] = mapped_column(primary_key=True)
    """Its first day."""
    slot: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    turns: Mapped[int]


class DailyConfidence(Base):
    """How sure the recogniser was of what callers said: a histogram of `counting.CONFIDENCE_STEPS`
    equal steps from 0 to 1."""

    __tablename__ = "daily_confidence"
    __table_args__ = {"sqlite_with_rowid": False}  # noqa: RUF012 - SQLAlchemy's way

    day: Mapped[date] = mapped_column(primary_key=True)
    step: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    turns: Mapped[int]


class UnansweredQuestion(Base):
    """What callers asked and the bot had no answer to; different wordings of it are one row."""

    __tablename__ = "unanswered_questions"
    __table_args__ = (Index(None, "asked", "key"),)

    key: Mapped[str] = mapped_column(ShortText(200), primary_key=True)
    """The words that matter: see `unanswered.key_of`."""
    example: Mapped[str] = mapped_column(ShortText(300))
    """The last wording: no words are kept for longer than the call they were said in."""
    asked: Mapped[int]
    first_at: Mapped[datetime]
    last_at: Mapped[datetime]
    call_id: Mapped[str] = mapped_column(ShortText(40))
    """The last call it was asked in; retention may have deleted it."""
    settled_at: Mapped[datetime | None]
    """When somebody said that nothing is left to do about it; asked again later, it is back."""
