"""Finding calls by what was said, on SQLite and on PostgreSQL."""

from contextlib import suppress
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, delete, select, text
from sqlalchemy.orm import Session

from backend.core.records import CallOutcome
from backend.db import models
from backend.db.counting import is_behind, rebuild
from backend.db.errors import InvalidError
from backend.db.operations import RecordEvent
from backend.db.projection import apply
from backend.db.queries.calls import CallFilter, CallSort, list_calls, passages
from backend.db.searching import MOST_TERMS, read_terms
from tests.support.call_events import NINE, Script
from tests.support.db import writing


def happened(engine: Engine, *scripts: Script) -> None:
    with writing(engine) as session:
        apply(session, [RecordEvent(event, "b") for script in scripts for event in script.events])


def call(name: str, *said: str, minutes: int = 0, **ended: object) -> Script:
    """A call in which the caller says some sentences and the bot answers each with “Well.”"""
    script = Script(name, NINE + timedelta(minutes=minutes)).started()
    for sentence in said:
        script.asked(sentence).answered("Well.")
    return script.ended(**ended)  # type: ignore[arg-type]


def found(engine: Engine, search: str, sort: CallSort = CallSort.NEWEST, **which: object) -> str:
    with Session(engine) as session:
        wanted = CallFilter(search=search, **which)  # type: ignore[arg-type]
        return " ".join(item.id for item in list_calls(session, wanted, sort=sort).items)


@pytest.fixture
def morning(engine: Engine) -> Engine:
    happened(
        engine,
        call("a", "my router shows a red light", "in the café"),
        call("b", "a red router", "the light is on", minutes=1, outcome=CallOutcome.FAILED),
        call("c", "where are you", minutes=2, intent="account_info"),
    )
    return engine


@pytest.mark.parametrize(
    ("search", "ids"),
    [
        ("router", "b a"),
        ("ROUTER", "b a"),
        ("red light", "b a"),
        ('"red light"', "a"),
        ('"red light', "a"),
        ("router -café", "b"),
        ("cafe", "a"),
        ("rout*", "b a"),
        ("well router where", ""),
        ("where-are", "c"),
        ("5550104", "c b a"),
        ("router OR where", ""),
        ("text:router", ""),
    ],
)
def test_words_find_the_calls_they_were_said_in_newest_first(
    morning: Engine, search: str, ids: str
) -> None:
    assert found(morning, search) == ids


def test_what_is_found_can_be_narrowed_like_any_list(morning: Engine) -> None:
    assert found(morning, "router", outcome=CallOutcome.FAILED) == "b"
    assert found(morning, "router", intent="account_info") == ""
    assert found(morning, "well", intent="account_info") == "c"
    assert found(morning, "well", since=NINE + timedelta(minutes=1)) == "c b"
    assert found(morning, "well", until=NINE + timedelta(minutes=1)) == "a"
    assert found(morning, "well", min_latency_s=0.3) == "c b a"
    assert found(morning, "well", min_latency_s=0.31) == ""
    assert found(morning, "well", min_duration_s=6.0) == "b a"


def test_it_is_sorted_by_time_and_nothing_else(morning: Engine) -> None:
    assert found(morning, "well", CallSort.OLDEST) == "a b c"
    with pytest.raises(InvalidError, match="sorted by time"):
        found(morning, "well", CallSort.LONGEST)


def test_every_call_found_is_on_exactly_one_page(engine: Engine) -> None:
    happened(engine, *(call(f"call-{n}", "hello router", minutes=n // 3) for n in range(11)))
    seen: list[str] = []
    cursor = None
    with Session(engine) as session:
        while True:
            page = list_calls(session, CallFilter(search="router"), cursor=cursor, limit=4)
            seen += [item.id for item in page.items]
            if (cursor := page.next_cursor) is None:
                break
    assert sorted(seen) == sorted(f"call-{n}" for n in range(11))


def test_a_call_is_found_when_it_has_ended_and_by_what_came_late_too(engine: Engine) -> None:
    script = call("a", "my router is broken")
    late = script.events.pop(1)
    happened(engine, script)
    assert found(engine, "router") == ""
    with writing(engine) as session:
        apply(session, [RecordEvent(late, "b")])
    assert found(engine, "router") == "a"


def test_a_call_that_is_deleted_is_not_found_any_more(morning: Engine) -> None:
    with writing(morning) as session:
        session.execute(delete(models.Call).where(models.Call.id == "a"))
    assert found(morning, "router") == "b"
    assert found(morning, "cafe") == ""


def test_the_first_words_that_were_searched_for_are_shown(morning: Engine) -> None:
    with Session(morning) as session:
        shown = passages(session, "light -moon", ["a", "b", "c"])
    assert {call_id: turn.text for call_id, turn in shown.items()} == {
        "a": "my router shows a red light",
        "b": "the light is on",
    }


@pytest.mark.parametrize("search", ["", "  ", "-router", "?!", '""', "-", "*"])
def test_a_search_without_a_word_says_so(search: str) -> None:
    with pytest.raises(InvalidError, match="names no word"):
        read_terms(search)


@pytest.mark.parametrize("search", ["ro*", "word " * (MOST_TERMS + 1)])
def test_a_search_that_would_take_everything_or_for_ever_is_refused(search: str) -> None:
    with pytest.raises(InvalidError):
        read_terms(search)


@given(search=st.text(max_size=40) | st.text("ab\"-*:()&|!<>'^{}+ NEAR", max_size=30))
@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_whatever_is_typed_is_looked_for_or_refused_with_a_sentence(
    engine: Engine, search: str
) -> None:
    with suppress(InvalidError):
        found(engine, search)


def test_calls_stored_by_an_earlier_version_are_indexed_and_counted(sqlite_engine: Engine) -> None:
    happened(sqlite_engine, call("a", "my router is broken"))
    with writing(sqlite_engine) as session:
        assert not is_behind(session)
        session.execute(delete(models.CallText))
        session.execute(text("UPDATE calls SET counted_hour = NULL"))
        assert is_behind(session)
        rebuild(session)
        assert not is_behind(session)
        assert session.scalars(select(models.HourlyCalls.calls)).all() == [1]
    assert found(sqlite_engine, "router") == "a"
