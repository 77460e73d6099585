"""Hours, confidence, latency over months, and questions without an answer."""

from datetime import date, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from backend.core.events import EventType
from backend.core.records import TicketDraft, TicketType
from backend.core.speech import UNSUPPORTED_SOURCE
from backend.db.errors import NotFoundError
from backend.db.latency import slot
from backend.db.operations import RecordEvent
from backend.db.projection import apply
from backend.db.queries.questions import list_questions, settle_question
from backend.db.queries.tickets import create_ticket, list_assignees, update_ticket
from backend.db.queries.trends import (
    answered_daily,
    answered_monthly,
    confidence,
    hours,
    slot_counts,
)
from backend.db.unanswered import key_of
from tests.support.call_events import NINE, Script
from tests.support.db import writing

TODAY = NINE.date()
YEAR = date(2026, 1, 1), date(2026, 12, 31)
ADMISSION = "kb:responses/unknown"


def happened(engine: Engine, *scripts: Script, zone: str = "UTC") -> None:
    with writing(engine) as session:
        operations = [RecordEvent(event, "b") for script in scripts for event in script.events]
        apply(session, operations, ZoneInfo(zone))


def in_vain(name: str, question: str, *, minutes: int = 0, source: str = ADMISSION) -> Script:
    """A call in which a question gets no answer."""
    script = Script(name, NINE + timedelta(minutes=minutes)).started().asked(question, "unknown")
    return script.answered("I do not know.", source=f"{source}, kb:responses/offer_person").ended()


def test_calls_are_counted_by_the_hour_on_the_owners_wall(sqlite_engine: Engine) -> None:
    happened(sqlite_engine, Script("a").started().ended(), zone="America/New_York")
    with Session(sqlite_engine) as session:
        found = hours(session, TODAY, TODAY)
    assert [hour.hour for hour in found] == list(range(24))
    assert [(hour.hour, hour.calls, hour.contained) for hour in found if hour.calls] == [(4, 1, 1)]


def test_confidence_is_kept_as_a_histogram_of_what_was_said_in_words(engine: Engine) -> None:
    script = Script("a").started()
    for sure in (0.0, 0.42, 0.9, 0.93, 1.0):
        script.add(EventType.CALLER_SAID, turn=1, kind="words", text="hello", confidence=sure)
    script.add(EventType.CALLER_SAID, turn=2, kind="digits", digits="1", confidence=1.0)
    happened(engine, script.ended())
    with Session(engine) as session:
        found = confidence(session, TODAY, TODAY)
        nothing = confidence(session, TODAY + timedelta(days=1), TODAY + timedelta(days=1))
    assert (found.turns, found.steps[0], found.steps[8], found.steps[18:]) == (5, 1, 1, [2, 1])
    assert (found.median, found.doubtful) == (0.925, 0.4)
    assert (nothing.median, nothing.doubtful) == (None, None)


def test_whole_months_and_the_days_around_them_make_the_same_sum_as_days(engine: Engine) -> None:
    starts = [date(2026, 8, 31), date(2026, 9, 1), date(2026, 9, 30), date(2026, 10, 1)]
    scripts = [
        Script(f"c{n}", NINE.replace(month=day.month, day=day.day))
        .started()
        .answered("Well.", (n + 1) / 10)
        .ended()
        for n, day in enumerate(starts)
    ]
    happened(engine, *scripts)
    wanted = [slot("total", (n + 1) / 10) for n in range(len(starts))]
    with Session(engine) as session:
        for first in range(len(starts)):
            for last in range(first, len(starts)):
                counts = slot_counts(session, starts[first], starts[last])
                totals = {key: count for key, count in counts.items() if key in wanted}
                assert totals == dict.fromkeys(wanted[first : last + 1], 1)
        assert [one.first for one in answered_daily(session, *YEAR)] == starts
        assert [(one.first, one.turns) for one in answered_monthly(session, *YEAR)] == [
            (date(2026, 8, 1), 1),
            (date(2026, 9, 1), 2),
            (date(2026, 10, 1), 1),
        ]


def test_one_question_in_several_wordings_is_one(engine: Engine) -> None:
    happened(
        engine,
        in_vain("a", "do you sell batteries"),
        in_vain("b", "can i get batteries sell me", minutes=1, source=UNSUPPORTED_SOURCE),
        in_vain("c", "what is the meaning of life", minutes=2),
        Script("d").started().asked("when are you open").answered("At eight.").ended(),
    )
    with Session(engine) as session:
        found = list_questions(session, NINE)
    assert [(one.key, one.asked, one.example) for one in found] == [
        ("batterie sell", 2, "can i get batteries sell me"),
        ("life meaning", 1, "what is the meaning of life"),
    ]
    assert found[0].call_id == "b"


def test_what_comes_late_or_twice_is_counted_once(engine: Engine) -> None:
    script = in_vain("a", "do you sell batteries")
    happened(engine, script)
    happened(engine, script)
    extra = script.answered("Never mind.").events[-1:]
    with writing(engine) as session:
        apply(session, [RecordEvent(event, "b") for event in extra])
        assert [one.asked for one in list_questions(session, NINE)] == [1]


def test_a_settled_question_is_gone_until_somebody_asks_it_again(engine: Engine) -> None:
    happened(engine, in_vain("a", "do you sell batteries"))
    with writing(engine) as session:
        settle_question(session, "batterie sell", now=NINE + timedelta(minutes=5))
        assert list_questions(session, NINE) == []
        with pytest.raises(NotFoundError):
            settle_question(session, "nothing", now=NINE)
    happened(engine, in_vain("b", "do you sell batteries", minutes=10))
    with Session(engine) as session:
        assert [one.asked for one in list_questions(session, NINE)] == [2]


def test_old_questions_are_not_those_of_today(engine: Engine) -> None:
    happened(engine, in_vain("a", "do you sell batteries"))
    with Session(engine) as session:
        assert list_questions(session, NINE + timedelta(days=1)) == []


@given(st.text(max_size=400))
def test_any_words_have_a_key_that_fits(words: str) -> None:
    key = key_of(words)
    assert len(key) <= 200
    assert key_of(words.upper()) == key or not words.isascii()


def test_everybody_with_a_ticket_is_named_once(engine: Engine) -> None:
    with writing(engine) as session:
        for number, who in enumerate(("zoe", "", "ada", "zoe")):
            draft = TicketDraft(f"{number}", TicketType.OTHER, "x")
            create_ticket(session, draft, by="a", now=NINE)
            update_ticket(session, f"{number}", {"assignee": who}, by="a", now=NINE)
        assert list_assignees(session) == ["ada", "zoe"]
