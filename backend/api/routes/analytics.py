"""REST: numbers over ranges of days."""

from datetime import date, timedelta
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request

from backend.api import edits
from backend.api.access import ApiSupervisor, ApiViewer
from backend.api.schemas.analytics import (
    AnalyticsAnswer,
    ConfidenceAnswer,
    DayAnswer,
    HourAnswer,
    IntentAnswer,
    QuestionAnswer,
    QuestionSettle,
    TotalsAnswer,
)
from backend.api.schemas.latency import PartLatencyAnswer
from backend.api.schemas.moments import Day
from backend.api.services import services_of
from backend.db.queries import analytics, questions, tickets, trends
from backend.db.queries.analytics import IntentShare
from backend.db.queries.questions import QuestionRecord
from backend.db.queries.trends import Confidence, Hour

router = APIRouter(prefix="/api/analytics", tags=["analytics"])

DEFAULT_DAYS = 30


def _days(
    request: Request,
    first: Annotated[Day | None, Query(description="Default: 29 days before `last`.")] = None,
    last: Annotated[Day | None, Query(description="Included. Default: today.")] = None,
) -> tuple[date, date]:
    last = last or services_of(request).today()
    return first or last - timedelta(days=DEFAULT_DAYS - 1), last


Days = Annotated[tuple[date, date], Depends(_days)]


@router.get("", response_model=AnalyticsAnswer)
async def get_analytics(request: Request, _: ApiViewer, days: Days) -> AnalyticsAnswer:
    """Sums and latency percentiles over some days, and where all tickets stand now."""
    database = services_of(request).database
    first, last = days
    return AnalyticsAnswer(
        first=first,
        last=last,
        totals=TotalsAnswer.model_validate(await database.read(analytics.totals, first, last)),
        latency=[
            PartLatencyAnswer.model_validate(part)
            for part in await database.read(analytics.latency, first, last)
        ],
        tickets_now=await database.read(tickets.count_tickets),
    )


@router.get("/daily", response_model=list[DayAnswer])
async def get_daily(request: Request, _: ApiViewer, days: Days) -> list[DayAnswer]:
    """The sums of every day, days without calls included."""
    found = await services_of(request).database.read(analytics.daily, *days)
    return [
        DayAnswer(day=one.day, **TotalsAnswer.model_validate(one.totals).model_dump())
        for one in found
    ]


@router.get("/hours", response_model=list[HourAnswer])
async def get_hours(request: Request, _: ApiViewer, days: Days) -> list[Hour]:
    """Calls by the hour of the day they started in, midnight first."""
    return await services_of(request).database.read(trends.hours, *days)


@router.get("/confidence", response_model=ConfidenceAnswer)
async def get_confidence(request: Request, _: ApiViewer, days: Days) -> Confidence:
    """How sure the recogniser was of what callers said."""
    return await services_of(request).database.read(trends.confidence, *days)


@router.get("/questions", response_model=list[QuestionAnswer])
async def get_questions(
    request: Request, _: ApiViewer, days: Days, limit: Annotated[int, Query(ge=1, le=200)] = 50
) -> list[QuestionRecord]:
    """What callers asked since `first` and got no answer to, the most frequent first.

    Different wordings of a question are one; counts are of all time.
    """
    services = services_of(request)
    since = services.midnight(days[0])
    return await services.database.read(questions.list_questions, since, limit)


@router.post("/questions/settle", response_model=QuestionAnswer)
async def settle_question(
    request: Request, who: ApiSupervisor, body: QuestionSettle
) -> QuestionRecord:
    """Take a question off the list: nothing is left to do about it. Asked again, it is back."""
    return await edits.settle_question(request, who, body.key)


@router.get("/intents", response_model=list[IntentAnswer])
async def get_intents(request: Request, _: ApiViewer, days: Days) -> list[IntentShare]:
    """What the calls were about, the most frequent first."""
    return await services_of(request).database.read(analytics.intents, *days)
