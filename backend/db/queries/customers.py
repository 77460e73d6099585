"""Customers: find by number, list and search, create, change."""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, TypedDict

from sqlalchemy import select
from sqlalchemy.orm import Session

from backend.core import records
from backend.db.errors import ConflictError, DuplicateError, InvalidError, NotFoundError
from backend.db.models import Customer
from backend.db.queries.paging import Order, Page
from backend.db.queries.records import as_record
from backend.db.types import LARGEST_MONEY, MONEY_PLACES, storable

_BY_NAME = Order((Customer.search_key, Customer.id), (str, int))


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerDraft:
    """A customer to be created."""

    number: str
    """1 to 20 digits, as callers say it; leading zeros count."""
    name: str
    balance: Decimal = Decimal(0)
    """Owed; negative is credit. At most two decimal places."""
    currency: str = "USD"
    due_date: date | None = None
    plan: str = ""
    email: str = ""
    phone: str = ""
    address: str = ""
    notes: str = ""
    status: str = "active"


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerRecord(CustomerDraft):
    """A stored customer."""

    id: int
    created_at: datetime
    updated_at: datetime
    version: int
    """Give it back with a change: see `update_customer`."""


class CustomerChanges(TypedDict, total=False):
    """What to change; a missing key stays as it is."""

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


def find_customer(session: Session, number: str) -> records.Customer | None:
    """What the agent may know about the customer with exactly this number."""
    customer = session.scalar(select(Customer).where(Customer.number == number))
    return None if customer is None else as_record(records.Customer, customer)


def list_customers(
    session: Session, search: str = "", *, cursor: str | None = None, limit: int = 50
) -> Page[CustomerRecord]:
    """Customers by name. `search`: every word must occur in name, number, e-mail or phone.

    Raises InvalidError for a wrong cursor.
    """
    query = select(Customer)
    for word in _search_words(search):
        query = query.where(Customer.search_key.contains(word, autoescape=True))
    return _BY_NAME.page(
        session, query, lambda row: as_record(CustomerRecord, row[0]), cursor, limit
    )


def get_customer(session: Session, customer_id: int) -> CustomerRecord:
    """One customer. Raises NotFoundError."""
    return as_record(CustomerRecord, _one(session, customer_id))


def create_customer(session: Session, draft: CustomerDraft, *, now: datetime) -> CustomerRecord:
    """Add a customer. Raises DuplicateError when the number is taken, InvalidError."""
    values = asdict(draft)
    _check(session, values)
    customer = Customer(**values, search_key=_search_key(draft), created_at=now, updated_at=now)
    session.add(customer)
    session.flush()
    return as_record(CustomerRecord, customer)


def update_customer(
    session: Session,
    customer_id: int,
    changes: CustomerChanges,
    *,
    now: datetime,
    version: int | None = None,
) -> CustomerRecord:
    """Change a customer.

    `version` is that of the customer the change was made from: raises ConflictError when somebody
    else changed it since. Raises NotFoundError, DuplicateError, InvalidError.
    """
    customer = _one(session, customer_id)
    if version is not None and version != customer.version:
        raise ConflictError(
            f"Somebody else changed customer {customer.number} meanwhile.",
            fix="Look at it again, then repeat your change.",
        )
    _check(session, changes, customer)
    for field, new in changes.items():
        setattr(customer, field, new)
    customer.search_key = _search_key(customer)
    if session.is_modified(customer):
        customer.updated_at = now
    session.flush()
    return as_record(CustomerRecord, customer)


def _one(session: Session, customer_id: int) -> Customer:
    customer = session.get(Customer, customer_id)
    if customer is None:
        raise NotFoundError(f"There is no customer with id {customer_id}.")
    return customer


def _check(session: Session, values: Mapping[str, Any], owner: Customer | None = None) -> None:
    if strange := set(values) - set(CustomerChanges.__annotations__):
        raise InvalidError(f"A customer has no {', '.join(sorted(strange))} that can be set.")
    if "name" in values and not storable(values["name"]).strip():
        raise InvalidError("A customer needs a name.")
    number = values.get("number")
    if number is not None:
        if not re.fullmatch(r"[0-9]{1,20}", number):
            raise InvalidError("A customer number is 1 to 20 digits.")
        other = session.scalar(select(Customer.id).where(Customer.number == number))
        if other is not None and (owner is None or other != owner.id):
            raise DuplicateError(f"Customer number {number} is taken.")
    balance = values.get("balance")
    if balance is not None and not _fits(balance):
        raise InvalidError(
            f"{balance} is not an amount up to {LARGEST_MONEY} with {MONEY_PLACES} decimal places."
        )


def _fits(amount: Decimal) -> bool:
    if not amount.is_finite() or abs(amount) > LARGEST_MONEY:
        return False
    return amount == round(amount, MONEY_PLACES)


def _search_key(customer: Customer | CustomerDraft) -> str:
    phone = _digits(customer.phone)
    return f"{_folded(customer.name)} {customer.number} {_folded(customer.email)} {phone}"


def _search_words(search: str) -> list[str]:
    if re.fullmatch(r"[\d\s()+./-]+", search):
        return [digits] if (digits := _digits(search)) else []
    return _folded(search).split()


def _folded(text: str) -> str:
    """Without case and accents."""
    plain = unicodedata.normalize("NFKD", text)
    return "".join(char for char in plain if not unicodedata.combining(char)).casefold()


def _digits(text: str) -> str:
    return re.sub(r"\D", "", text)
