import json
import random
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, delete, func, select
from sqlalchemy.orm import Session

from backend.core.events import CallEvent, EventType
from backend.core.records import CallOutcome, TicketDraft, TicketPriority, TicketType
from backend.db import models
from backend.db.counting import rebuild
from backend.db.operations import OpenTicket, Operation, RecordEvent, from_line, to_line
from backend.db.projection import apply
from backend.db.queries.analytics import daily, intents, latency, totals
from backend.db.queries.calls import CallDetail, get_call
from backend.db.queries.customers import CustomerDraft, create_customer
from backend.db.queries.tickets import get_ticket
from tests.support.call_events import NINE, Script, short_call
from tests.support.db import writing

DAY = NINE.date()


def operations(events: Sequence[CallEvent]) -> list[Operation]:
    return [RecordEvent(event, "test/1/run") for event in events]


def stored(engine: Engine, script: Script) -> CallDetail:
    with writing(engine) as session:
        apply(session, operations(script.events))
    with writing(engine) as session:
        return get_call(session, script.call_id)


def rows_of(session: Session) -> dict[str, list[tuple[Any, ...]]]:
    """Everything in the tables an operation writes, but for ids the database gave."""
    found = {}
    for name in ("calls", "turns", "call_events", "tickets", "daily_analytics", "daily_intents"):
        table = models.Base.metadata.tables[name]
        columns = [column for column in table.columns if column.name != "id" or name == "calls"]
        rows = session.execute(select(*columns).order_by(*table.primary_key.columns))
        found[name] = [tuple(row) for row in rows]
    return found


def test_a_call_becomes_a_row_with_its_beginning_and_its_end(engine: Engine) -> None:
    call = stored(engine, short_call()).call
    assert (call.line, call.caller, call.called) == ("agi", "5550104", "100")
    assert call.started_at == NINE
    assert call.ended_at == NINE + timedelta(seconds=7)
    assert call.duration_s == 7.0
    assert call.outcome is CallOutcome.COMPLETED
    assert (call.intent, call.turn_count, call.slowest_turn_s) == ("billing", 2, 0.3)


def test_while_it_lasts_a_call_has_no_end(engine: Engine) -> None:
    call = stored(engine, Script().started().answered("Hello.")).call
    assert (call.ended_at, call.outcome, call.contained) == (None, None, None)


def test_what_both_sides_said_becomes_turns_in_order(engine: Engine) -> None:
    turns = stored(engine, short_call()).turns
    assert [(turn.who, turn.text) for turn in turns] == [
        (models.Who.BOT, "Hello."),
        (models.Who.CALLER, "what do i owe"),
        (models.Who.BOT, "Nothing."),
    ]
    assert [turn.number for turn in turns] == [0, 1, 1]


def test_what_was_understood_is_kept_with_the_callers_words(engine: Engine) -> None:
    caller = stored(engine, short_call()).turns[1]
    assert (caller.intent, caller.intent_confidence, caller.confidence) == ("billing", 0.8, 0.9)


def test_it_is_kept_with_them_also_when_it_comes_in_a_later_transaction(engine: Engine) -> None:
    script = short_call()
    with writing(engine) as session:
        for event in script.events:
            apply(session, operations([event]))
    with writing(engine) as session:
        assert get_call(session, script.call_id).turns[1].intent == "billing"


def test_every_event_is_kept_as_published(engine: Engine) -> None:
    script = short_call()
    events = stored(engine, script).events
    assert [event.seq for event in events] == list(range(len(script.events)))
    assert events[2].data["text"] == script.events[2].data["text"]


def test_a_greeting_has_no_latency_rather_than_none_at_all(engine: Engine) -> None:
    greeting, _, answer = stored(engine, short_call()).turns
    assert greeting.total_s is None
    assert answer.total_s == 0.3


def test_a_caller_who_is_a_customer_is_linked(engine: Engine) -> None:
    with writing(engine) as session:
        create_customer(session, CustomerDraft(number="1004", name="Robert Miller"), now=NINE)
    call = stored(engine, Script().started().identified("1004")).call
    assert (call.customer_number, call.customer_name) == ("1004", "Robert Miller")


def test_a_number_nobody_has_links_to_nobody(engine: Engine) -> None:
    assert stored(engine, Script().started().identified("9999")).call.customer_id is None


@pytest.mark.parametrize(
    ("outcome", "contained"),
    [
        (CallOutcome.COMPLETED, True),
        (CallOutcome.CALLER_HUNG_UP, True),
        (CallOutcome.TRANSFERRED, False),
        (CallOutcome.FAILED, False),
        (CallOutcome.INTERRUPTED, False),
    ],
)
def test_a_call_is_contained_when_the_bot_ended_it_by_itself(
    sqlite_engine: Engine, outcome: CallOutcome, contained: bool
) -> None:
    assert stored(sqlite_engine, Script().started().ended(outcome)).call.contained is contained


def test_a_call_that_should_have_been_put_through_is_not_contained(sqlite_engine: Engine) -> None:
    script = Script().started().add(EventType.TRANSFER_STARTED, extension="2001")
    script.add(EventType.TRANSFER_FAILED, extension="2001", reason="busy").ended()
    call = stored(sqlite_engine, script).call
    assert (call.contained, call.transfer_to) == (False, "2001")


def test_a_call_whose_beginning_was_lost_is_kept_all_the_same(engine: Engine) -> None:
    script = short_call()
    with writing(engine) as session:
        apply(session, operations(script.events[3:]))
    with writing(engine) as session:
        detail = get_call(session, script.call_id)
    assert detail.call.started_at == NINE
    assert [turn.text for turn in detail.turns][-1] == "Nothing."


def test_data_of_the_wrong_kind_costs_only_itself(engine: Engine) -> None:
    script = Script().started()
    script.add(EventType.CALLER_SAID, turn="first", text=None, confidence=float("nan"), odd={1, 2})
    script.add(EventType.BOT_SAID, text="Still here\x00.", total_s=float("inf"))
    script.add(EventType.CALL_ENDED, outcome="abducted", duration_s="long")
    detail = stored(engine, script)
    assert [turn.text for turn in detail.turns] == ["", "Still here."]
    assert detail.call.outcome is CallOutcome.FAILED
    assert detail.call.duration_s == 3.0


# --- once is once ---------------------------------------------------------------------------------


def test_everything_twice_is_everything_once(engine: Engine) -> None:
    draft = TicketDraft("123456", TicketType.BILLING, "Too much", customer_number="1004")
    everything = operations(short_call().events)
    everything.insert(4, OpenTicket(draft, short_call().call_id, NINE))
    with writing(engine) as session:
        apply(session, everything)
        once = rows_of(session)
    with writing(engine) as session:
        apply(session, everything)
        apply(session, everything + everything)
        assert rows_of(session) == once


def test_the_same_ticket_asked_for_twice_is_one(engine: Engine) -> None:
    draft = TicketDraft("123456", TicketType.BILLING, "Too much")
    with writing(engine) as session:
        apply(session, [OpenTicket(draft, None, NINE)])
        apply(session, [OpenTicket(draft, None, NINE + timedelta(hours=1))])
        assert session.scalar(select(func.count()).select_from(models.Ticket)) == 1


def test_two_callers_promised_the_same_number_both_get_a_ticket(engine: Engine) -> None:
    wordings = ("First", "Second", "Third")
    drafts = [TicketDraft("123456", TicketType.OTHER, subject) for subject in wordings]
    with writing(engine) as session:
        apply(session, [OpenTicket(draft, None, NINE) for draft in drafts])
    with writing(engine) as session:
        for number, subject in zip(("123456", "123456-2", "123456-3"), wordings, strict=True):
            assert get_ticket(session, number).ticket.subject == subject


def test_a_tickets_history_begins_with_its_opening(engine: Engine) -> None:
    draft = TicketDraft("123456", TicketType.OTHER, "Hello", priority=TicketPriority.URGENT)
    with writing(engine) as session:
        apply(session, [OpenTicket(draft, None, NINE)])
    with writing(engine) as session:
        detail = get_ticket(session, "123456")
    assert detail.ticket.priority is TicketPriority.URGENT
    assert [(change.by, change.field, change.new) for change in detail.history] == [
        ("bot", "status", "open")
    ]


# --- daily sums -----------------------------------------------------------------------------------


def test_a_call_counts_when_it_ends(engine: Engine) -> None:
    script = short_call()
    with writing(engine) as session:
        apply(session, operations(script.events[:-1]))
        assert totals(session, DAY, DAY).calls == 0
        apply(session, operations(script.events[-1:]))
        sums = totals(session, DAY, DAY)
    assert (sums.calls, sums.contained, sums.turns, sums.duration_s) == (1, 1, 2, 7.0)


def test_what_comes_late_is_counted_as_if_it_had_come_in_time(engine: Engine) -> None:
    script = short_call()
    late = script.events[:6] + script.events[7:]
    with writing(engine) as session:
        apply(session, operations(late))
        assert totals(session, DAY, DAY).turns == 1
        apply(session, operations(script.events[6:7]))
        sums = totals(session, DAY, DAY)
        assert (sums.calls, sums.turns) == (1, 2)
        assert latency(session, DAY, DAY)[-1].turns == 1


def test_a_day_is_the_date_on_the_owners_wall(sqlite_engine: Engine) -> None:
    late_evening = Script(at=NINE.replace(hour=2)).started().ended()
    with writing(sqlite_engine) as session:
        apply(session, operations(late_evening.events), ZoneInfo("America/New_York"))
        yesterday, today = daily(session, DAY - timedelta(days=1), DAY)
    assert (yesterday.totals.calls, today.totals.calls) == (1, 0)


def test_the_owner_may_move_to_another_zone(sqlite_engine: Engine) -> None:
    script = Script(at=NINE.replace(hour=2)).started().answered("Well.").ended()
    late = script.events.pop(2)
    with writing(sqlite_engine) as session:
        apply(session, operations(script.events), ZoneInfo("America/New_York"))
        apply(session, operations([late]), ZoneInfo("Europe/Berlin"))
        yesterday, today = daily(session, DAY - timedelta(days=1), DAY)
    assert (yesterday.totals.calls, today.totals.calls, today.totals.turns) == (0, 1, 1)


calls = st.lists(
    st.tuples(
        st.integers(0, 2),  # day
        st.sampled_from(["billing", "human", ""]),
        st.sampled_from([*CallOutcome, None]),
        st.lists(st.floats(0, 5, allow_nan=False), max_size=4),  # latencies
    ),
    max_size=5,
)


@given(calls=calls, seed=st.integers(0, 2**16))
@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_kept_sums_are_the_derived_ones_in_whatever_order_and_however_often_events_come(
    engine: Engine, calls: list[tuple[int, str, CallOutcome | None, list[float]]], seed: int
) -> None:
    everything: list[Operation] = []
    for number, (day, intent, outcome, latencies) in enumerate(calls):
        script = Script(f"call-{number}", NINE + timedelta(days=day)).started()
        for total_s in latencies:
            script.answered("Well.", total_s)
        if outcome is not None:
            script.ended(outcome, intent)
        everything += operations(script.events)
        draft = TicketDraft(f"{number}", TicketType.OTHER, "x")
        everything.append(OpenTicket(draft, script.call_id, script.at))
    rng = random.Random(seed)
    everything += rng.sample(everything, len(everything) // 2)
    rng.shuffle(everything)
    with writing(engine) as session:
        for table in reversed(models.Base.metadata.sorted_tables):
            session.execute(delete(table))
    while everything:
        batch = [everything.pop() for _ in range(min(len(everything), rng.randrange(1, 8)))]
        with writing(engine) as session:
            apply(session, batch)
    with writing(engine) as session:
        kept = _sums(session)
        rebuild(session)
        assert _sums(session) == kept


def _sums(session: Session) -> tuple[object, ...]:
    first, last = date(2026, 11, 1), date(2026, 11, 30)
    return (
        totals(session, first, last),
        daily(session, first, last),
        intents(session, first, last),
        latency(session, first, last),
    )


# --- lines of the outbox --------------------------------------------------------------------------


def test_an_operation_survives_being_written_down() -> None:
    draft = TicketDraft("123456", TicketType.BILLING, "Zu viel – “bezahlt”", customer_number="1004")
    ticket = OpenTicket(draft, "20261121-090000-aaaaaa", NINE)
    again = from_line(to_line(ticket))
    assert again == ticket
    assert isinstance(again, OpenTicket)
    assert again.key == ticket.key
    for event in short_call().events:
        assert from_line(to_line(RecordEvent(event, "bot"))) == RecordEvent(event, "bot")


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


@given(line=st.text() | json_values.map(str))
def test_a_line_that_is_not_an_operation_is_said_to_be_none(line: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        from_line(line)


@given(
    record=st.fixed_dictionaries(
        {
            "op": st.sampled_from(["event", "ticket", "nonsense"]),
            "at": st.just(NINE.isoformat()) | st.just("2026-01-01T00:00:00") | json_values,
            "bot": json_values,
            "call_id": json_values,
            "seq": json_values,
            "type": st.sampled_from(list(EventType)) | json_values,
            "at_s": json_values,
            "data": json_values,
            "draft": json_values,
            "by": json_values,
        }
    )
)
def test_a_damaged_operation_is_an_operation_or_a_value_error(record: dict[str, Any]) -> None:
    try:
        operation = from_line(json.dumps(record))
    except ValueError:
        return
    assert isinstance(operation, RecordEvent | OpenTicket)
    assert (operation.event.at if isinstance(operation, RecordEvent) else operation.at) == NINE
