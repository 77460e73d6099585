"""Pages: analytics, and what callers asked in vain."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse
from pydantic import BaseModel, Field
from sqlalchemy.orm import Session

from backend.api import edits
from backend.api.access import PageSupervisor, PageViewer
from backend.api.charts import Column, Measured, column_chart, latency_curves
from backend.api.forms import Form
from backend.api.periods import Period, PeriodKind, period_of
from backend.api.schemas.moments import Day as ADay
from backend.api.services import services_of
from backend.api.templating import duration, ms, page, percent
from backend.db.errors import InvalidError
from backend.db.queries import analytics, questions, trends
from backend.db.queries.analytics import Day, IntentShare, LatencySummary, Totals
from backend.db.queries.trends import Confidence, Hour

router = APIRouter(include_in_schema=False)

INTENTS_SHOWN = 12
QUESTIONS_SHOWN = 8
MOST_QUESTIONS = 200
EVER_SINCE = date(2000, 1, 1)


class Asked(BaseModel):
    """Which period."""

    period: PeriodKind = PeriodKind.RECENT
    on: ADay | None = None
    """A day in it; today when left out."""


class Settled(BaseModel):
    """A question nothing is left to do about."""

    key: Annotated[str, Field(min_length=1, max_length=200)]


@dataclass(frozen=True, slots=True)
class Tile:
    """One number worth a glance."""

    name: str
    value: str
    note: str


@dataclass(frozen=True, slots=True)
class Numbers:
    """Everything the page shows of one period, read at once."""

    totals: Totals
    before: Totals
    daily: list[Day]
    hours: list[Hour]
    intents: list[IntentShare]
    latency: list[LatencySummary]
    measured: list[Measured]
    confidence: Confidence


@router.get("/analytics")
async def show_analytics(request: Request, _: PageViewer) -> Response:
    """What happened in a period."""
    services, form = services_of(request), Form.asked(request)
    asked = form.read(Asked) or Asked()
    today = services.today()
    period = period_of(asked.period, asked.on or today)
    numbers = await services.database.read(_read, period)
    asked_in_vain = await services.database.read(
        questions.list_questions, services.midnight(period.first), QUESTIONS_SHOWN
    )
    over_time = _over_time(period, numbers)
    return page(
        request,
        "analytics.html",
        form=form,
        period=period,
        kinds=list(PeriodKind),
        later=period.after if period.after.first <= today else None,
        tiles=_tiles(numbers),
        numbers=numbers,
        over_time=over_time,
        chart=column_chart(over_time),
        by_hour=column_chart(_by_hour(numbers.hours)),
        curves=latency_curves(numbers.measured),
        intents=numbers.intents[:INTENTS_SHOWN],
        most_about=max((share.calls for share in numbers.intents), default=1),
        most_sure=max(numbers.confidence.steps) or 1,
        questions=asked_in_vain,
    )


@router.get("/analytics/questions")
async def show_questions(request: Request, _: PageViewer) -> Response:
    """Everything callers asked in vain."""
    services = services_of(request)
    since = services.midnight(EVER_SINCE)
    found = await services.database.read(questions.list_questions, since, MOST_QUESTIONS)
    return page(request, "questions.html", questions=found, most=MOST_QUESTIONS)


@router.post("/analytics/questions/settle")
async def settle_question(request: Request, who: PageSupervisor) -> Response:
    """Nothing is left to do about a question."""
    sent = (await Form.sent(request)).read(Settled)
    if sent is None:
        raise InvalidError("This form names no question.", fix="Go back and reload the page.")
    await edits.settle_question(request, who, sent.key)
    return RedirectResponse("/analytics/questions", HTTPStatus.SEE_OTHER)


def _read(session: Session, period: Period) -> Numbers:
    days = (period.first, period.last)
    is_year = period.kind is PeriodKind.YEAR
    answered = (trends.answered_monthly if is_year else trends.answered_daily)(session, *days)
    measured = {one.first: one for one in answered}
    daily = analytics.daily(session, *days)
    names = [day.day for day in daily if not is_year or day.day.day == 1]
    return Numbers(
        totals=analytics.totals(session, *days),
        before=analytics.totals(session, period.before.first, period.before.last),
        daily=daily,
        hours=trends.hours(session, *days),
        intents=analytics.intents(session, *days),
        latency=analytics.latency(session, *days),
        measured=[
            Measured(
                f"{day:%b}" if is_year else f"{day:%-d %b}",
                measured[day].p50_s if day in measured else None,
                measured[day].p95_s if day in measured else None,
            )
            for day in names
        ],
        confidence=trends.confidence(session, *days),
    )


def _over_time(period: Period, numbers: Numbers) -> list[Column]:
    """A day by its hours, a year by its months, else days."""
    if period.kind is PeriodKind.DAY:
        return _by_hour(numbers.hours)
    if period.kind is PeriodKind.YEAR:
        return _by_month(numbers.daily)
    return [
        Column(f"{one.day:%-d %b}", one.totals.calls, one.totals.contained) for one in numbers.daily
    ]


def _by_hour(hours: Sequence[Hour]) -> list[Column]:
    return [Column(f"{one.hour}:00", one.calls, one.contained) for one in hours]


def _by_month(days: Sequence[Day]) -> list[Column]:
    calls: Counter[int] = Counter()
    contained: Counter[int] = Counter()
    for one in days:
        calls[one.day.month] += one.totals.calls
        contained[one.day.month] += one.totals.contained
    firsts = [one.day for one in days if one.day.day == 1]
    return [Column(f"{day:%b}", calls[day.month], contained[day.month]) for day in firsts]


def _tiles(numbers: Numbers) -> list[Tile]:
    totals, before = numbers.totals, numbers.before
    whole = next(part for part in numbers.latency if part.part == "total")
    doubtful = percent(numbers.confidence.doubtful)
    return [
        Tile("Calls", f"{totals.calls:,}", _change(totals.calls, before.calls)),
        Tile("By the bot alone", percent(totals.containment), f"{totals.contained:,} calls"),
        Tile(
            "Average call",
            duration(totals.average_duration_s),
            f"{duration(totals.duration_s)} in all",
        ),
        Tile("Tickets", f"{totals.tickets:,}", f"{totals.transferred:,} calls put through"),
        Tile("Median answer", ms(whole.p50_s), f"95% within {ms(whole.p95_s)}"),
        Tile("Heard with", percent(numbers.confidence.median), f"{doubtful} below one half"),
    ]


def _change(now: int, before: int) -> str:
    if not before:
        return "none in the period before"
    return f"{(now - before) / before:+.0%} on the period before"
