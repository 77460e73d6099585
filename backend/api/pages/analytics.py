"""Page: analytics."""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Annotated

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, Field

from backend.api.access import PageViewer
from backend.api.charts import daily_chart
from backend.api.forms import Form
from backend.api.services import services_of
from backend.api.templating import duration, ms, page, percent
from backend.db.queries import analytics
from backend.db.queries.analytics import LatencySummary, Totals

router = APIRouter(include_in_schema=False)

PERIODS = ((7, "Week"), (30, "Month"), (90, "Quarter"), (365, "Year"))
INTENTS_SHOWN = 12


class Period(BaseModel):
    """How far back."""

    days: Annotated[int, Field(ge=1, le=366)] = 30


@dataclass(frozen=True, slots=True)
class Tile:
    """One number worth a glance."""

    name: str
    value: str
    note: str


@router.get("/analytics")
async def show_analytics(request: Request, _: PageViewer) -> Response:
    """What happened lately."""
    services = services_of(request)
    chosen = (Form.asked(request).read(Period) or Period()).days
    last = services.today()
    first = last - timedelta(days=chosen - 1)
    read = services.database.read
    totals = await read(analytics.totals, first, last)
    daily = await read(analytics.daily, first, last)
    intents = (await read(analytics.intents, first, last))[:INTENTS_SHOWN]
    latency = await read(analytics.latency, first, last)
    return page(
        request,
        "analytics.html",
        since=first,
        until=last,
        periods=PERIODS,
        chosen=chosen,
        tiles=_tiles(totals, latency),
        chart=daily_chart(daily, _name),
        daily=daily,
        intents=intents,
        most_about=max((share.calls for share in intents), default=1),
        latency=latency,
    )


def _tiles(totals: Totals, latency: list[LatencySummary]) -> list[Tile]:
    whole = next(part for part in latency if part.part == "total")
    spoken = duration(totals.duration_s)
    timed = f"of {whole.turns:,} timed answers"
    return [
        Tile("Calls", f"{totals.calls:,}", f"{totals.turns:,} answers given"),
        Tile("By the bot alone", percent(totals.containment), f"{totals.contained:,} calls"),
        Tile("Average call", duration(totals.average_duration_s), f"{spoken} in all"),
        Tile("Tickets", f"{totals.tickets:,}", f"{totals.transferred:,} calls put through"),
        Tile("Median answer", ms(whole.p50_s), timed),
        Tile("95% within", ms(whole.p95_s), timed),
    ]


def _name(day: date) -> str:
    return f"{day:%-d %b}"
