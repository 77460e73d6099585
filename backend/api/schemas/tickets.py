"""Tickets as they are sent and answered."""

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from backend.api.clean_text import CustomerNumber, OneLine, Prose
from backend.api.schemas.changes import Changes
from backend.api.schemas.paging import Answer
from backend.core.records import TicketPriority, TicketStatus, TicketType

Subject = Annotated[
    OneLine, Field(min_length=1, max_length=200, examples=["Internet down since Monday"])
]
Assignee = Annotated[OneLine, Field(max_length=100, examples=["grace"])]


class TicketNew(BaseModel):
    """A ticket to be opened."""

    model_config = ConfigDict(extra="forbid")

    type: TicketType = TicketType.OTHER
    subject: Subject
    description: Prose = ""
    priority: TicketPriority = TicketPriority.NORMAL
    customer_number: CustomerNumber | None = Field(None, examples=["1004"])


class TicketChange(Changes):
    """What to change; what is left out stays. A `note` is added to the history."""

    status: TicketStatus | None = None
    priority: TicketPriority | None = None
    type: TicketType | None = None
    subject: Subject | None = None
    assignee: Assignee | None = None
    note: Prose | None = Field(None, examples=["Technician comes on Monday."])


class TicketAnswer(Answer):
    """A ticket as lists have it."""

    id: int
    number: str
    type: TicketType
    subject: str
    description: str
    status: TicketStatus
    priority: TicketPriority
    assignee: str
    customer_id: int | None
    customer_number: str
    customer_name: str
    call_id: str | None
    created_at: datetime
    updated_at: datetime
    version: int


class ChangeAnswer(Answer):
    """One line of a ticket's history; `field` is `note` for a note, whose text is `new`."""

    at: datetime
    by: str
    field: str
    old: str
    new: str


class TicketDetailAnswer(TicketAnswer):
    """A ticket with its history, oldest first."""

    opened_at_s: float | None = Field(description="When in its call it was opened.")
    history: list[ChangeAnswer]
