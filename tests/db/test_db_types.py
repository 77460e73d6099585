from datetime import datetime, timedelta, timezone
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, inspect, text
from sqlalchemy.exc import StatementError

from backend.db.engine import open_engine
from backend.db.queries.customers import (
    CustomerDraft,
    CustomerRecord,
    create_customer,
    get_customer,
)
from backend.db.types import LARGEST_MONEY
from tests.support.call_events import NINE
from tests.support.db import writing

# The database outlives the examples of one test on purpose: each example adds a row.
one_database = settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def stored(engine: Engine, draft: CustomerDraft, at: datetime = NINE) -> CustomerRecord:
    """What comes back from the database, not from the session that wrote it."""
    with writing(engine) as session:
        session.execute(text("DELETE FROM customers"))
        customer_id = create_customer(session, draft, now=at).id
    with writing(engine) as session:
        return get_customer(session, customer_id)


@given(amount=st.decimals(min_value=-LARGEST_MONEY, max_value=LARGEST_MONEY, places=2))
@one_database
def test_money_comes_back_to_the_cent(engine: Engine, amount: Decimal) -> None:
    assert stored(engine, CustomerDraft(number="1", name="A", balance=amount)).balance == amount


def test_money_is_whole_cents_in_sqlite(sqlite_engine: Engine) -> None:
    stored(sqlite_engine, CustomerDraft(number="1", name="A", balance=Decimal("123.45")))
    with sqlite_engine.connect() as connection:
        assert connection.execute(text("SELECT balance FROM customers")).scalar() == 12345


@given(
    at=st.datetimes(
        min_value=datetime(1970, 1, 2),  # noqa: DTZ001 - hypothesis adds the zone
        max_value=datetime(9000, 1, 1),  # noqa: DTZ001 - likewise
        timezones=st.integers(-14 * 60, 14 * 60).map(lambda m: timezone(timedelta(minutes=m))),
    )
)
@one_database
def test_an_instant_comes_back_as_the_same_instant_in_utc(engine: Engine, at: datetime) -> None:
    created_at = stored(engine, CustomerDraft(number="1", name="A"), at).created_at
    assert created_at == at
    assert created_at.utcoffset() == timedelta(0)


def test_an_instant_without_a_zone_is_refused(engine: Engine) -> None:
    with pytest.raises(StatementError, match="has no time zone"):
        stored(engine, CustomerDraft(number="1", name="A"), NINE.replace(tzinfo=None))


@given(name=st.text().filter(lambda name: name.replace("\x00", "").strip()))
@one_database
def test_any_text_can_be_stored_without_what_databases_refuse(engine: Engine, name: str) -> None:
    clean = name.replace("\x00", "").encode("utf-8", "replace").decode()
    assert stored(engine, CustomerDraft(number="1", name=name)).name == clean[:200]


def test_text_that_is_too_long_is_cut_and_not_refused(engine: Engine) -> None:
    assert stored(engine, CustomerDraft(number="1", name="x" * 1000)).name == "x" * 200


def test_notes_may_be_of_any_length(engine: Engine) -> None:
    notes = "All work and no play. " * 10_000
    assert stored(engine, CustomerDraft(number="1", name="A", notes=notes)).notes == notes


@pytest.mark.postgresql
def test_postgresql_keeps_zones_and_decimals(emptied_url: str) -> None:
    engine = open_engine(emptied_url)
    columns = {
        column["name"]: column["type"] for column in inspect(engine).get_columns("customers")
    }
    assert str(columns["balance"]) == "NUMERIC(12, 2)"
    assert getattr(columns["created_at"], "timezone", False) is True
    engine.dispose()


def test_utc_is_what_is_written_into_sqlite(sqlite_engine: Engine) -> None:
    at = datetime(2026, 11, 21, 10, 0, tzinfo=timezone(timedelta(hours=1)))
    stored(sqlite_engine, CustomerDraft(number="1", name="A"), at)
    with sqlite_engine.connect() as connection:
        written = connection.execute(text("SELECT created_at FROM customers")).scalar()
    assert written == "2026-11-21 09:00:00.000000"
