"""What all tables share: names of constraints, and how values become columns."""

from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, Date, Enum, MetaData
from sqlalchemy.orm import DeclarativeBase

from backend.core.records import CallOutcome, TicketPriority, TicketStatus, TicketType
from backend.db.types import Money, UtcDateTime


class Who(StrEnum):
    """Which side of a call spoke."""

    CALLER = "caller"
    BOT = "bot"


class Role(StrEnum):
    """What a signed-in person or program may do; each may do what the ones below it may."""

    OWNER = "owner"
    """Everything, people and keys included."""
    SUPERVISOR = "supervisor"
    """Work with customers, tickets and live calls."""
    VIEWER = "viewer"
    """Look."""


def named(members: type[StrEnum]) -> Enum:
    """Stored as its value in a plain text column: a new member needs no migration."""
    return Enum(
        members,
        native_enum=False,
        length=20,
        values_callable=lambda enum: [member.value for member in enum],
    )


class Base(DeclarativeBase):
    """Naming every constraint lets later migrations change it on every database."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {  # noqa: RUF012 - SQLAlchemy reads it from the class
        datetime: UtcDateTime(),
        date: Date(),
        Decimal: Money(),
        dict[str, Any]: JSON(),
        CallOutcome: named(CallOutcome),
        TicketType: named(TicketType),
        TicketStatus: named(TicketStatus),
        TicketPriority: named(TicketPriority),
        Who: named(Who),
        Role: named(Role),
    }
