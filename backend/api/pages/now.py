"""Page: what is going on at this moment. The calls themselves come over `LiveFeed`."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import structlog
from fastapi import APIRouter, FastAPI, Request, Response

from backend.api.access import PageViewer
from backend.api.health import Health, health_of
from backend.api.live_feed import LiveFeed
from backend.api.services import ApiServices, PartHealth, PartState, services_of
from backend.api.templating import duration, ms, page, percent, render
from backend.core.errors import FrontdeskError, PbxError
from backend.core.records import TicketStatus
from backend.db.queries import analytics, calls, tickets
from backend.db.queries.tickets import TicketFilter
from backend.pbx.render import STREAM_EXTENSION, transfer_extensions

log = structlog.get_logger(__name__)

router = APIRouter(include_in_schema=False)

RECENT_CALLS = 6
OPEN_TICKETS = 5
EVERY_S = 5.0
"""How often numbers and health are looked at while somebody watches."""


@dataclass(frozen=True, slots=True)
class Tile:
    """One number worth a glance."""

    name: str
    value: str
    note: str = ""


@router.get("/now")
async def show_now(request: Request, _: PageViewer) -> Response:
    """Health, today's numbers, and the place where calls in progress appear."""
    services = services_of(request)
    return page(
        request,
        "now.html",
        now=services.now(),
        shown=await _status(services, await health_of(request)),
        destinations=_destinations(services),
        dial=STREAM_EXTENSION,
        own_pbx=services.settings.pbx == "own",
    )


async def keep_status_fresh(app: FastAPI) -> None:
    """Send everybody who watches the new numbers, when there are any. Until cancelled."""
    services: ApiServices = app.state.services
    health: Health = app.state.health
    feed: LiveFeed = app.state.feed
    shown = ""
    while True:
        await asyncio.sleep(EVERY_S)
        if not feed.is_watched:
            continue
        try:
            status = await _status(services, await health.parts())
            html = render(app, "now_status.html", shown=status)
        except FrontdeskError as error:
            # The page goes on showing what was known; the health part says so in the end.
            log.warning("status-not-known", code=error.code)
            continue
        except Exception:
            log.exception("status-not-shown")
            continue
        if html != shown:
            shown = html
            feed.show(html)


async def _status(services: ApiServices, parts: Sequence[PartHealth]) -> dict[str, Any]:
    read, today = services.database.read, services.today()
    totals = await read(analytics.totals, today, today)
    latency = {part.part: part for part in await read(analytics.latency, today, today)}
    answer = latency.get("total")
    waiting = await read(
        tickets.list_tickets, TicketFilter(status=TicketStatus.OPEN), limit=OPEN_TICKETS
    )
    return {
        "parts": parts,
        "troubled": [p for p in parts if p.state in (PartState.DOWN, PartState.DEGRADED)],
        "tiles": [
            Tile("Calls today", str(totals.calls)),
            Tile("By the bot alone", percent(totals.containment)),
            Tile("Average call", duration(totals.average_duration_s)),
            Tile(
                "Answer, median",
                ms(answer.p50_s if answer else None),
                f"95%: {ms(answer.p95_s)}" if answer and answer.p95_s is not None else "",
            ),
            Tile("Tickets today", str(totals.tickets)),
        ],
        "calls": await read(calls.recent_calls, RECENT_CALLS),
        "tickets": waiting.items,
    }


def _destinations(services: ApiServices) -> list[str]:
    try:
        return transfer_extensions(services.settings)
    except PbxError:
        return []  # the PBX has said so when it started
