import math
from collections import Counter
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from backend.core.records import CallOutcome
from backend.db.errors import InvalidError
from backend.db.latency import ACCURACY, PARTS, bucket, duration_s, percentile_s
from backend.db.operations import RecordEvent
from backend.db.projection import apply
from backend.db.queries.analytics import MOST_DAYS, daily, intents, latency, totals
from tests.support.call_events import NINE, Script
from tests.support.db import writing

TODAY = NINE.date()
YESTERDAY = TODAY - timedelta(days=1)


@pytest.fixture
def week(engine: Engine) -> Engine:
    """Two billing calls yesterday, one about support today that a person took."""
    scripts = [
        Script("a", NINE - timedelta(days=1)).started().answered("A.", 0.2).ended(duration_s=60),
        Script("b", NINE - timedelta(days=1)).started().answered("B.", 0.4).ended(duration_s=30),
        Script("c").started().ended(CallOutcome.TRANSFERRED, "technical_support", duration_s=90),
    ]
    with writing(engine) as session:
        apply(session, [RecordEvent(event, "b") for script in scripts for event in script.events])
    return engine


def test_totals_cover_the_first_and_the_last_day(week: Engine) -> None:
    with Session(week) as session:
        both = totals(session, YESTERDAY, TODAY)
        one = totals(session, TODAY, TODAY)
    assert (both.calls, both.contained, both.transferred, both.turns) == (3, 2, 1, 2)
    assert both.containment == pytest.approx(2 / 3)
    assert both.average_duration_s == pytest.approx(60.0)
    assert (one.calls, one.containment, one.average_duration_s) == (1, 0.0, 90.0)


def test_no_calls_have_no_average_rather_than_zero(engine: Engine) -> None:
    with Session(engine) as session:
        nothing = totals(session, TODAY, TODAY)
        assert intents(session, TODAY, TODAY) == []
        assert latency(session, TODAY, TODAY)[0].p50_s is None
    assert (nothing.calls, nothing.containment, nothing.average_duration_s) == (0, None, None)


def test_days_without_calls_are_in_the_series_too(week: Engine) -> None:
    with Session(week) as session:
        days = daily(session, YESTERDAY - timedelta(days=1), TODAY)
    assert [(day.day, day.totals.calls) for day in days] == [
        (YESTERDAY - timedelta(days=1), 0),
        (YESTERDAY, 2),
        (TODAY, 1),
    ]


def test_a_series_that_ends_before_it_begins_is_empty(engine: Engine) -> None:
    with Session(engine) as session:
        assert daily(session, TODAY, YESTERDAY) == []


def test_a_series_of_a_thousand_years_is_refused(engine: Engine) -> None:
    with Session(engine) as session, pytest.raises(InvalidError, match=str(MOST_DAYS)):
        daily(session, date(1026, 1, 1), TODAY)


def test_intents_come_by_how_many_calls_they_had(week: Engine) -> None:
    with Session(week) as session:
        shares = intents(session, YESTERDAY, TODAY)
    assert [(share.intent, share.calls, share.contained) for share in shares] == [
        ("billing", 2, 2),
        ("technical_support", 1, 0),
    ]
    assert shares[0].average_duration_s == 45.0


def test_latency_is_summed_up_for_every_part(week: Engine) -> None:
    with Session(week) as session:
        parts = {part.part: part for part in latency(session, YESTERDAY, TODAY)}
    assert tuple(parts) == PARTS
    total = parts["total"]
    assert total.turns == 2
    assert total.p50_s == pytest.approx(0.2, rel=ACCURACY)
    assert total.max_s == pytest.approx(0.4, rel=ACCURACY)
    assert parts["transport"].turns == 0


# --- the histogram --------------------------------------------------------------------------------


@given(seconds=st.floats(0.001, 3600))
def test_a_bucket_stands_for_what_is_in_it(seconds: float) -> None:
    assert duration_s(bucket(seconds)) == pytest.approx(seconds, rel=ACCURACY + 1e-9)


@given(seconds=st.floats(-1, 1e12, allow_nan=False))
def test_any_duration_has_a_bucket_and_few_are_needed(seconds: float) -> None:
    assert 0 <= bucket(seconds) < 300


@given(
    values=st.lists(st.floats(0.002, 60), min_size=1, max_size=200),
    fraction=st.sampled_from([0.0, 0.5, 0.95, 0.99, 1.0]),
)
def test_a_percentile_is_the_one_of_the_sorted_list(values: list[float], fraction: float) -> None:
    counts = Counter(bucket(value) for value in values)
    exact = sorted(values)[math.floor(fraction * (len(values) - 1))]
    assert percentile_s(counts, fraction) == pytest.approx(exact, rel=ACCURACY + 1e-9)


def test_nothing_has_no_percentile() -> None:
    assert percentile_s({}, 0.5) is None
    assert percentile_s({3: 0}, 0.5) is None
