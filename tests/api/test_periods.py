"""Periods of the calendar, and the curves drawn over them."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.api.charts import HEIGHT, STEP, Measured, latency_curves
from backend.api.periods import PeriodKind, period_of

KINDS = st.sampled_from(list(PeriodKind))
DAYS = st.dates(date(1901, 1, 1), date(2198, 12, 31))
DAY = timedelta(days=1)


@pytest.mark.parametrize(
    ("kind", "first", "last", "name"),
    [
        ("day", "2026-11-21", "2026-11-21", "Saturday, 21 November 2026"),
        ("week", "2026-11-16", "2026-11-22", "16 Nov 2026 – 22 Nov 2026"),
        ("month", "2026-11-01", "2026-11-30", "November 2026"),
        ("year", "2026-01-01", "2026-12-31", "2026"),
        ("recent", "2026-10-23", "2026-11-21", "23 Oct 2026 – 21 Nov 2026"),
    ],
)
def test_a_period_is_what_a_calendar_calls_it(kind: str, first: str, last: str, name: str) -> None:
    period = period_of(PeriodKind(kind), date(2026, 11, 21))
    assert (period.first.isoformat(), period.last.isoformat()) == (first, last)
    assert period.name == name


@given(kind=KINDS, on=DAYS)
def test_periods_follow_each_other_without_gap(kind: PeriodKind, on: date) -> None:
    period = period_of(kind, on)
    assert period.first <= on <= period.last
    assert period.before.last == period.first - DAY
    assert period.after.first == period.last + DAY
    assert period.before.after == period


def test_a_curve_has_a_gap_where_nothing_was_measured() -> None:
    measured = [Measured("a", 0.1, 0.2), Measured("b", None, None), Measured("c", 0.05, 0.4)]
    curves = latency_curves(measured)
    assert curves.ticks_s == (0.5, 0.25, 0.0)
    assert len(curves.p50) == len(curves.p95) == 2
    assert curves.labels == ["a", "b", "c"]


@given(st.lists(st.floats(0.001, 10_000) | st.none(), max_size=40))
def test_no_curve_leaves_its_box(values: list[float | None]) -> None:
    curves = latency_curves([Measured(str(n), value, value) for n, value in enumerate(values)])
    for points in curves.p95:
        pairs = [point.split(",") for point in points.split(" ")]
        assert len(pairs) >= 2
        for x, y in pairs:
            assert 0 <= float(x) <= len(values) * STEP
            assert 0 <= float(y) <= HEIGHT
