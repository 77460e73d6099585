"""Customers as they are sent and answered."""

from datetime import date, datetime
from decimal import Decimal
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from backend.api.clean_text import CustomerNumber, OneLine, Prose
from backend.api.schemas.changes import Changes
from backend.api.schemas.paging import Answer

Name = Annotated[OneLine, Field(min_length=1, max_length=200, examples=["Ada Lovelace"])]
Amount = Annotated[
    Decimal,
    Field(
        max_digits=12,
        decimal_places=2,
        description="What the customer owes; negative is credit.",
        examples=["42.50"],
    ),
]
Currency = Annotated[str, Field(pattern=r"^[A-Z]{3}$", description="ISO 4217.", examples=["USD"])]
Email = Annotated[
    OneLine, Field(max_length=254, pattern=r"^$|^[^@\s]+@[^@\s]+$", examples=["ada@example.com"])
]
Phone = Annotated[
    OneLine, Field(max_length=40, pattern=r"^[0-9+()./ -]*$", examples=["+1 555 010 0100"])
]
Plan = Annotated[OneLine, Field(max_length=100, examples=["Fibre 500"])]
Address = Annotated[OneLine, Field(max_length=500, examples=["12 St James's Square, London"])]
Status = Annotated[OneLine, Field(min_length=1, max_length=20, examples=["active"])]
Number = Annotated[
    CustomerNumber,
    Field(description="Digits as the caller says them; leading zeros count.", examples=["1004"]),
]


class CustomerNew(BaseModel):
    """A customer to be created."""

    model_config = ConfigDict(extra="forbid")

    number: Number
    name: Name
    balance: Amount = Decimal(0)
    currency: Currency = "USD"
    due_date: date | None = Field(None, examples=["2026-12-01"])
    plan: Plan = ""
    email: Email = ""
    phone: Phone = ""
    address: Address = ""
    notes: Prose = ""
    status: Status = "active"


class CustomerChange(Changes):
    """What to change; what is left out stays."""

    may_be_null = frozenset({"due_date"})

    number: Number | None = None
    name: Name | None = None
    balance: Amount | None = None
    currency: Currency | None = None
    due_date: date | None = None
    plan: Plan | None = None
    email: Email | None = None
    phone: Phone | None = None
    address: Address | None = None
    notes: Prose | None = None
    status: Status | None = None


class CustomerAnswer(Answer):
    """A customer."""

    id: int
    number: str
    name: str
    balance: Decimal
    currency: str
    due_date: date | None
    plan: str
    email: str
    phone: str
    address: str
    notes: str
    status: str
    created_at: datetime
    updated_at: datetime
    version: int
