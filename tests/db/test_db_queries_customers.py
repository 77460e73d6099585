from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from backend.core import records
from backend.db.errors import ConflictError, DuplicateError, InvalidError, NotFoundError
from backend.db.queries.customers import (
    CustomerChanges,
    CustomerDraft,
    CustomerRecord,
    create_customer,
    find_customer,
    get_customer,
    list_customers,
    update_customer,
)
from tests.support.call_events import NINE
from tests.support.db import writing

LATER = NINE + timedelta(hours=1)
BOB = CustomerDraft(number="1004", name="Bob Miller", balance=Decimal("123.45"), phone="555-0104")


def made(engine: Engine, **values: Any) -> CustomerRecord:
    with writing(engine) as session:
        return create_customer(session, CustomerDraft(**values), now=NINE)


def changed(
    engine: Engine, customer_id: int, changes: CustomerChanges, version: int | None = None
) -> CustomerRecord:
    with writing(engine) as session:
        return update_customer(session, customer_id, changes, now=LATER, version=version)


def test_the_agent_learns_what_it_may_know(engine: Engine) -> None:
    customer = made(engine, number="0042", name="Ada", balance=Decimal("1.10"), notes="Secret.")
    with Session(engine) as session:
        found = find_customer(session, "0042")
    assert found == records.Customer(
        id=customer.id, number="0042", name="Ada", balance=Decimal("1.10")
    )


def test_a_customer_comes_back_as_created(engine: Engine) -> None:
    customer = made(engine, number="1", name="Ada", due_date=date(2026, 12, 1), plan="Basic")
    with Session(engine) as session:
        assert get_customer(session, customer.id) == customer
    assert (customer.version, customer.created_at) == (1, NINE)


@pytest.mark.parametrize("number", ["", "12a4", " 1004", "1004 ", "-1", "1" * 21, "١٢٣", "1\n"])
def test_a_customer_number_is_digits(sqlite_engine: Engine, number: str) -> None:
    with pytest.raises(InvalidError, match="1 to 20 digits"):
        made(sqlite_engine, number=number, name="Ada")


@pytest.mark.parametrize("name", ["", "  ", "\x00"])
def test_a_customer_has_a_name(sqlite_engine: Engine, name: str) -> None:
    with pytest.raises(InvalidError, match="needs a name"):
        made(sqlite_engine, number="1", name=name)


@pytest.mark.parametrize("amount", ["0.001", "NaN", "Infinity", "1e10", "-99999999999"])
def test_a_balance_that_could_not_be_stored_exactly_is_refused(
    sqlite_engine: Engine, amount: str
) -> None:
    with pytest.raises(InvalidError, match="not an amount"):
        made(sqlite_engine, number="1", name="Ada", balance=Decimal(amount))


def test_a_number_that_is_taken_is_refused(engine: Engine) -> None:
    bob = made(engine, number="1004", name="Bob")
    ada = made(engine, number="1005", name="Ada")
    with pytest.raises(DuplicateError, match="1004 is taken"):
        made(engine, number="1004", name="Eve")
    with pytest.raises(DuplicateError):
        changed(engine, ada.id, {"number": "1004"})
    assert changed(engine, bob.id, {"number": "1004"}).number == "1004"


def test_only_what_is_given_changes(engine: Engine) -> None:
    customer = made(engine, number="1", name="Ada", plan="Basic", due_date=date(2026, 12, 1))
    after = changed(engine, customer.id, {"plan": "Premium", "due_date": None})
    assert (after.plan, after.due_date, after.name) == ("Premium", None, "Ada")
    assert (after.updated_at, after.version) == (LATER, 2)


def test_no_change_is_no_new_version(engine: Engine) -> None:
    customer = made(engine, number="1", name="Ada")
    assert changed(engine, customer.id, {"name": "Ada"}) == customer
    assert changed(engine, customer.id, {}) == customer


def test_a_change_made_from_an_old_version_is_refused(engine: Engine) -> None:
    customer = made(engine, number="1", name="Ada")
    changed(engine, customer.id, {"name": "Eve"}, customer.version)
    with pytest.raises(ConflictError, match="Somebody else changed customer 1"):
        changed(engine, customer.id, {"name": "Mallory"}, customer.version)


def test_what_a_customer_does_not_have_cannot_be_set(engine: Engine) -> None:
    customer = made(engine, number="1", name="Ada")
    for field in ("id", "version", "search_key", "shoe_size"):
        with pytest.raises(InvalidError, match=field):
            changed(engine, customer.id, {field: "1"})  # type: ignore[misc]


def test_a_customer_who_is_not_there_is_not_found(engine: Engine) -> None:
    with pytest.raises(NotFoundError):
        changed(engine, 7, {"name": "x"})
    with Session(engine) as session:
        assert find_customer(session, "7") is None


@pytest.fixture
def three_customers(engine: Engine) -> Engine:
    made(engine, number="1003", name="Zoë Äpfel", email="zoe@mail.example", phone="+1 555-0103")
    made(engine, number="1001", name="álvaro Núñez", phone="555-0101")
    made(engine, number="1002", name="Bob 100%_Miller", email="BOB@MAIL.example")
    return engine


@pytest.mark.parametrize(
    ("search", "numbers"),
    [
        ("", ["1001", "1002", "1003"]),
        ("   ", ["1001", "1002", "1003"]),
        ("zoe", ["1003"]),
        ("ÄPFEL zoë", ["1003"]),
        ("nunez", ["1001"]),
        ("NÚÑEZ Alvaro", ["1001"]),
        ("1002", ["1002"]),
        ("100", ["1001", "1002", "1003"]),
        ("bob@mail", ["1002"]),
        ("+1 (555) 0103", ["1003"]),
        ("555-01", ["1001", "1003"]),
        ("100%_", ["1002"]),
        ("%", ["1002"]),
        ("()", ["1001", "1002", "1003"]),
        ("bob zoe", []),
        ("' OR 1=1 --", []),
    ],
)
def test_every_word_must_occur_whatever_its_case_and_accents(
    three_customers: Engine, search: str, numbers: list[str]
) -> None:
    with Session(three_customers) as session:
        assert [item.number for item in list_customers(session, search).items] == numbers


def test_customers_come_by_name_a_page_at_a_time(three_customers: Engine) -> None:
    names, cursor = [], None
    with Session(three_customers) as session:
        for _ in range(3):
            page = list_customers(session, cursor=cursor, limit=1)
            names += [customer.name for customer in page.items]
            cursor = page.next_cursor
    assert cursor is None
    assert names == ["álvaro Núñez", "Bob 100%_Miller", "Zoë Äpfel"]


def test_a_new_name_is_found_and_the_old_is_not(engine: Engine) -> None:
    customer = made(engine, number="1", name="Ada King")
    changed(engine, customer.id, {"name": "Ada Lovelace"})
    with Session(engine) as session:
        assert len(list_customers(session, "lovelace").items) == 1
        assert list_customers(session, "king").items == []
