"""The tables. Refer to them as `models.Call`: the plain records of the same names are in `core`.

Strings that come from outside are cut to fit, never refused. A million calls are meant to live
here: every list the pages show has an index that ends in (time, id), and turns have whole-number
ids of their own, which is what a full-text index hangs on to.
"""

from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from backend.core.records import CallOutcome, TicketPriority, TicketStatus, TicketType
from backend.db.base import Base, Role, Who
from backend.db.sums import (
    DailyAnalytics,
    DailyConfidence,
    DailyIntent,
    DailyLatency,
    HourlyCalls,
    MonthlyLatency,
    UnansweredQuestion,
)
from backend.db.types import BigId, LongText, ShortText

__all__ = [
    "ApiKey",
    "AuditEntry",
    "Base",
    "Call",
    "CallEvent",
    "CallText",
    "Customer",
    "DailyAnalytics",
    "DailyConfidence",
    "DailyIntent",
    "DailyLatency",
    "HourlyCalls",
    "MonthlyLatency",
    "Role",
    "Ticket",
    "TicketChange",
    "Turn",
    "UnansweredQuestion",
    "User",
    "Who",
]


class Customer(Base):
    """Somebody with a customer number."""

    __tablename__ = "customers"
    __table_args__ = (Index(None, "search_key", "id"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    number: Mapped[str] = mapped_column(ShortText(20), unique=True)
    name: Mapped[str] = mapped_column(ShortText(200))
    balance: Mapped[Decimal]
    currency: Mapped[str] = mapped_column(ShortText(3))
    due_date: Mapped[date | None]
    plan: Mapped[str] = mapped_column(ShortText(100))
    email: Mapped[str] = mapped_column(ShortText(254))
    phone: Mapped[str] = mapped_column(ShortText(40))
    address: Mapped[str] = mapped_column(ShortText(500))
    notes: Mapped[str] = mapped_column(LongText)
    status: Mapped[str] = mapped_column(ShortText(20))
    search_key: Mapped[str] = mapped_column(ShortText(600))
    """Name first, then number, e-mail and phone digits, without case and accents: what lists are
    sorted by and searches look into, the same on every database."""
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    version: Mapped[int] = mapped_column()

    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012 - SQLAlchemy's way


class Call(Base):
    """One call. While it lasts, `ended_at`, `outcome` and `contained` are null."""

    __tablename__ = "calls"

    id: Mapped[str] = mapped_column(ShortText(40), primary_key=True)
    line: Mapped[str] = mapped_column(ShortText(20))
    caller: Mapped[str] = mapped_column(ShortText(80))
    called: Mapped[str] = mapped_column(ShortText(80))
    pbx_id: Mapped[str] = mapped_column(ShortText(80))
    bot: Mapped[str] = mapped_column(ShortText(40))
    """Which run of which bot holds the call: see `outbox.Identity`."""
    started_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    duration_s: Mapped[float]
    outcome: Mapped[CallOutcome | None]
    contained: Mapped[bool | None]
    """Ended by the bot itself: nobody tried to put the caller through, nothing of ours failed."""
    intent: Mapped[str] = mapped_column(ShortText(60))
    customer_id: Mapped[int | None] = mapped_column(
        BigId, ForeignKey("customers.id", ondelete="SET NULL")
    )
    transfer_to: Mapped[str] = mapped_column(ShortText(80))
    recording: Mapped[str] = mapped_column(ShortText(200))
    counted_on: Mapped[date | None]
    """The day of `DailyAnalytics` the call is part of: the zone that says so may change."""
    counted_hour: Mapped[int | None]
    """Likewise its hour in `HourlyCalls`."""
    turn_count: Mapped[int]
    """Answers of the bot."""
    slowest_turn_s: Mapped[float | None]

    __table_args__ = (
        Index(None, "started_at", "id"),
        Index(None, "customer_id", "started_at", "id"),
        Index(None, "intent", "started_at", "id"),
        Index("ix_calls_intent_outcome", "intent", "outcome", "started_at", "id"),
        Index(None, "outcome", "started_at", "id"),
        Index(None, "caller", "started_at", "id"),
        Index(None, "duration_s", "id"),
        Index(None, "slowest_turn_s", "id"),
        Index(None, "line", "started_at", "id"),
        # Of the few that are still going on.
        Index(
            "ix_calls_open",
            "started_at",
            "id",
            sqlite_where=text("ended_at IS NULL"),
            postgresql_where=text("ended_at IS NULL"),
        ),
    )


class CallText(Base):
    """Everything said in a call that has ended, for the full-text index over it: see `searching`.

    Its id is the instant the call started, so that what is found is in the order of time without
    being sorted.
    """

    __tablename__ = "call_texts"

    id: Mapped[int] = mapped_column(BigId, primary_key=True, autoincrement=False)
    """Microseconds since 1970, or the next free number after it."""
    call_id: Mapped[str] = mapped_column(
        ShortText(40), ForeignKey("calls.id", ondelete="CASCADE"), unique=True
    )
    text: Mapped[str] = mapped_column(LongText)
    facets: Mapped[str] = mapped_column(ShortText(400))
    """What calls are filtered by, as words of the same index."""


class Turn(Base):
    """What one side said. The caller's words and the answer to them share a `number`."""

    __tablename__ = "turns"
    __table_args__ = (UniqueConstraint("call_id", "seq"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    call_id: Mapped[str] = mapped_column(ShortText(40), ForeignKey("calls.id", ondelete="CASCADE"))
    seq: Mapped[int]
    """Of the event that made the row: the order within the call."""
    number: Mapped[int]
    who: Mapped[Who]
    at: Mapped[datetime]
    at_s: Mapped[float]
    """Seconds since the call started, when the words were over."""
    kind: Mapped[str] = mapped_column(ShortText(20))
    """HeardKind of a caller's turn; empty for the bot's."""
    text: Mapped[str] = mapped_column(LongText)
    digits: Mapped[str] = mapped_column(ShortText(80))
    confidence: Mapped[float | None]
    """The recogniser's."""
    audio_s: Mapped[float | None]
    intent: Mapped[str] = mapped_column(ShortText(60))
    intent_confidence: Mapped[float | None]
    source: Mapped[str] = mapped_column(ShortText(300))
    interrupted: Mapped[bool]
    endpoint_wait_s: Mapped[float | None]
    recognition_s: Mapped[float | None]
    thinking_s: Mapped[float | None]
    first_audio_s: Mapped[float | None]
    transport_s: Mapped[float | None]
    total_s: Mapped[float | None]


class CallEvent(Base):
    """Every event of every call. A row here is the proof that the event was turned into rows."""

    __tablename__ = "call_events"
    __table_args__ = {"sqlite_with_rowid": False}  # noqa: RUF012 - SQLAlchemy's way

    call_id: Mapped[str] = mapped_column(
        ShortText(40), ForeignKey("calls.id", ondelete="CASCADE"), primary_key=True
    )
    seq: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    type: Mapped[str] = mapped_column(ShortText(40))
    at: Mapped[datetime]
    at_s: Mapped[float]
    data: Mapped[dict[str, Any]]


class Ticket(Base):
    """Something a person has to do."""

    __tablename__ = "tickets"
    __table_args__ = (
        Index(None, "created_at", "id"),
        Index(None, "status", "created_at", "id"),
        Index(None, "priority", "created_at", "id"),
        Index(None, "type", "created_at", "id"),
        Index(None, "assignee", "created_at", "id"),
        Index(None, "customer_id", "created_at", "id"),
        Index(None, "call_id"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    number: Mapped[str] = mapped_column(ShortText(20), unique=True)
    key: Mapped[str] = mapped_column(ShortText(64), unique=True)
    """Made from what was asked for: asking twice makes one ticket. See `operations.OpenTicket`."""
    type: Mapped[TicketType]
    subject: Mapped[str] = mapped_column(ShortText(300))
    description: Mapped[str] = mapped_column(LongText)
    status: Mapped[TicketStatus]
    priority: Mapped[TicketPriority]
    assignee: Mapped[str] = mapped_column(ShortText(100))
    customer_id: Mapped[int | None] = mapped_column(
        BigId, ForeignKey("customers.id", ondelete="SET NULL")
    )
    customer_number: Mapped[str] = mapped_column(ShortText(20))
    """As given, also when no customer has it."""
    call_id: Mapped[str | None] = mapped_column(
        ShortText(40), ForeignKey("calls.id", ondelete="SET NULL")
    )
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    version: Mapped[int] = mapped_column()

    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012 - SQLAlchemy's way


class TicketChange(Base):
    """One line of a ticket's history: a field that changed, or a note (`field` is `note`)."""

    __tablename__ = "ticket_changes"
    __table_args__ = (Index(None, "ticket_id", "id"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    ticket_id: Mapped[int] = mapped_column(BigId, ForeignKey("tickets.id", ondelete="CASCADE"))
    at: Mapped[datetime]
    by: Mapped[str] = mapped_column(ShortText(100))
    field: Mapped[str] = mapped_column(ShortText(20))
    old: Mapped[str] = mapped_column(LongText)
    new: Mapped[str] = mapped_column(LongText)


class User(Base):
    """Somebody who signs in to the pages."""

    __tablename__ = "users"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    name: Mapped[str] = mapped_column(ShortText(100), unique=True)
    password_hash: Mapped[str] = mapped_column(ShortText(300))
    """Argon2, parameters included."""
    role: Mapped[Role]
    must_change_password: Mapped[bool]
    active: Mapped[bool]
    created_at: Mapped[datetime]
    last_sign_in_at: Mapped[datetime | None]


class ApiKey(Base):
    """A program's key. Only its hash is kept; the prefix finds it and names it in lists."""

    __tablename__ = "api_keys"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    name: Mapped[str] = mapped_column(ShortText(100))
    prefix: Mapped[str] = mapped_column(ShortText(20), unique=True)
    key_hash: Mapped[str] = mapped_column(ShortText(300))
    role: Mapped[Role]
    created_at: Mapped[datetime]
    last_used_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]


class AuditEntry(Base):
    """Who did what in the dashboard or over the API: listening, exporting, changing."""

    __tablename__ = "audit_log"
    __table_args__ = (
        Index(None, "by", "id"),
        Index(None, "action", "id"),
        Index(None, "about", "id"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    at: Mapped[datetime]
    by: Mapped[str] = mapped_column(ShortText(110))
    """A user's name, or `key ` and a key's."""
    address: Mapped[str] = mapped_column(ShortText(60))
    """Where from."""
    action: Mapped[str] = mapped_column(ShortText(40))
    about: Mapped[str] = mapped_column(ShortText(120))
    """What it was done to: `call 20261121-…`, `ticket 482137`."""
    detail: Mapped[str] = mapped_column(ShortText(500))
    """Which fields changed or what was asked for; never a secret, never what was said."""
