import base64
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, delete
from sqlalchemy.orm import Session

from backend.core.events import EventType
from backend.core.records import CallOutcome, TicketDraft, TicketType
from backend.db import models
from backend.db.errors import InvalidError, NotFoundError
from backend.db.operations import OpenTicket, RecordEvent
from backend.db.projection import apply
from backend.db.queries.calls import (
    CallFilter,
    get_call,
    get_call_record,
    get_transcript,
    list_calls,
    recent_calls,
)
from backend.db.queries.customers import CustomerDraft, create_customer
from tests.support.call_events import NINE, Script, short_call
from tests.support.db import writing


def store(engine: Engine, *scripts: Script) -> None:
    with writing(engine) as session:
        apply(session, [RecordEvent(event, "b") for script in scripts for event in script.events])


def found(engine: Engine, which: CallFilter) -> list[str]:
    with Session(engine) as session:
        return [call.id for call in list_calls(session, which).items]


@pytest.fixture
def three_calls(engine: Engine) -> Engine:
    """Yesterday's about a bill, today's about support, and one that is still going on."""
    with writing(engine) as session:
        create_customer(session, CustomerDraft(number="1004", name="Robert"), now=NINE)
    yesterday = Script("a", NINE - timedelta(days=1)).started(caller="111").identified("1004")
    yesterday.answered("Well.", 2.0).ended(CallOutcome.COMPLETED, "billing", duration_s=90.0)
    today = Script("b", NINE).started(caller="222", line="text")
    today.ended(CallOutcome.TRANSFERRED, "technical_support", duration_s=30.0)
    live = Script("c", NINE + timedelta(hours=1)).started(caller="222")
    store(engine, yesterday, today, live)
    return engine


def test_calls_come_newest_first(three_calls: Engine) -> None:
    assert found(three_calls, CallFilter()) == ["c", "b", "a"]
    with Session(three_calls) as session:
        assert [call.id for call in recent_calls(session, 2)] == ["c", "b"]


@pytest.mark.parametrize(
    ("which", "ids"),
    [
        (CallFilter(since=NINE), ["c", "b"]),
        (CallFilter(until=NINE), ["a"]),
        (CallFilter(since=NINE, until=NINE + timedelta(minutes=1)), ["b"]),
        (CallFilter(intent="billing"), ["a"]),
        (CallFilter(outcome=CallOutcome.TRANSFERRED), ["b"]),
        (CallFilter(customer_id=1), ["a"]),
        (CallFilter(caller="222"), ["c", "b"]),
        (CallFilter(line="text"), ["b"]),
        (CallFilter(min_duration_s=60), ["a"]),
        (CallFilter(min_latency_s=1.5), ["a"]),
        (CallFilter(is_live=True), ["c"]),
        (CallFilter(is_live=False), ["b", "a"]),
        (CallFilter(caller="222", is_live=False, min_duration_s=10), ["b"]),
        (CallFilter(caller="222", intent="billing"), []),
        (CallFilter(caller="' OR 1=1 --"), []),
    ],
)
def test_filters_narrow_the_list(three_calls: Engine, which: CallFilter, ids: list[str]) -> None:
    assert found(three_calls, which) == ids


def test_a_list_names_the_customer(three_calls: Engine) -> None:
    with Session(three_calls) as session:
        call = get_call_record(session, "a")
    assert (call.customer_number, call.customer_name) == ("1004", "Robert")


def test_one_call_has_everything_in_it(engine: Engine) -> None:
    script = short_call()
    store(engine, script)
    draft = TicketDraft("123456", TicketType.BILLING, "x")
    with writing(engine) as session:
        apply(session, [OpenTicket(draft, script.call_id, NINE)])
    with Session(engine) as session:
        detail = get_call(session, script.call_id)
        assert get_transcript(session, script.call_id) == detail.turns
    assert len(detail.turns) == 3
    assert detail.events[0].type == EventType.CALL_STARTED
    assert [ticket.number for ticket in detail.tickets] == ["123456"]


@pytest.mark.parametrize("query", [get_call, get_transcript, get_call_record])
def test_a_call_that_is_not_there_is_not_found(sqlite_engine: Engine, query: object) -> None:
    assert callable(query)
    with Session(sqlite_engine) as session, pytest.raises(NotFoundError, match="no call x"):
        query(session, "x")


# --- pages ----------------------------------------------------------------------------------------


@given(starts=st.lists(st.integers(0, 5), max_size=25), limit=st.integers(1, 10))
@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_pages_put_together_are_the_whole_list(
    engine: Engine, starts: list[int], limit: int
) -> None:
    """Also when calls start in the same second, which the cursor must tell apart by their ids."""
    with writing(engine) as session:
        session.execute(delete(models.Call))
    store(
        engine,
        *(
            Script(f"id-{number}", NINE + timedelta(seconds=second)).started()
            for number, second in enumerate(starts)
        ),
    )
    pages, cursor = [], None
    with Session(engine) as session:
        whole = list_calls(session, CallFilter(), limit=100).items
        while True:
            page = list_calls(session, CallFilter(), cursor=cursor, limit=limit)
            pages.append(page.items)
            if page.next_cursor is None:
                break
            cursor = page.next_cursor
    assert [call for page in pages for call in page] == whole
    assert len(whole) == len(starts)
    assert all(len(page) == limit for page in pages[:-1])


def test_a_call_that_comes_in_meanwhile_does_not_shift_the_next_page(engine: Engine) -> None:
    store(engine, *(Script(f"{n}", NINE + timedelta(minutes=n)).started() for n in range(4)))
    with Session(engine) as session:
        first = list_calls(session, CallFilter(), limit=2)
    store(engine, Script("new", NINE + timedelta(hours=1)).started())
    with Session(engine) as session:
        second = list_calls(session, CallFilter(), cursor=first.next_cursor, limit=2)
    assert [call.id for call in first.items + second.items] == ["3", "2", "1", "0"]


@given(cursor=st.text() | st.binary().map(lambda raw: raw.hex()))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_a_cursor_nobody_gave_out_is_refused(sqlite_engine: Engine, cursor: str) -> None:
    with Session(sqlite_engine) as session, pytest.raises(InvalidError, match="not a cursor"):
        list_calls(session, CallFilter(), cursor=cursor)


@pytest.mark.parametrize(
    "place",
    ['["2026-11-21T09:00:00", "x"]', "[1, 2]", '["2026-11-21T09:00:00+00:00"]', "{}", "[" * 5000],
)
def test_a_cursor_with_the_wrong_contents_is_refused(sqlite_engine: Engine, place: str) -> None:
    cursor = base64.urlsafe_b64encode(place.encode()).decode()
    with Session(sqlite_engine) as session, pytest.raises(InvalidError):
        list_calls(session, CallFilter(), cursor=cursor)


@pytest.mark.parametrize("limit", [0, -5, 10**9])
def test_a_page_has_at_least_one_and_not_too_many_items(engine: Engine, limit: int) -> None:
    store(engine, short_call())
    with Session(engine) as session:
        assert len(list_calls(session, CallFilter(), limit=limit).items) == 1
