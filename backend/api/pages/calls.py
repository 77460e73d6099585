"""Pages: all calls, and one call with everything in it."""

import math
from collections.abc import Sequence
from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, Field

from backend.api import audit, exports
from backend.api.access import PageSupervisor, PageViewer
from backend.api.audit import Action, Note
from backend.api.call_view import EventView, RemarkView, TurnView, story
from backend.api.clean_text import CustomerNumber
from backend.api.forms import Form
from backend.api.recordings import RecordingFiles
from backend.api.routes.calls import CallId
from backend.api.schemas.moments import Day
from backend.api.services import ApiServices, services_of
from backend.api.templating import page
from backend.api.turn_timings import SPLIT, answers, summarise
from backend.core.records import CallOutcome
from backend.db.errors import InvalidError
from backend.db.queries import analytics, calls, customers
from backend.db.queries.calls import CallFilter, CallRecord, CallSort, TurnRecord
from backend.db.queries.paging import Page

router = APIRouter(include_in_schema=False)

PAGE_LENGTH = 50
INTENTS_OF_DAYS = 365


class CallFilters(BaseModel):
    """What the filter form may hold."""

    search: Annotated[str, Field(max_length=200)] | None = None
    customer: CustomerNumber | None = None
    since: Day | None = None
    until: Day | None = None
    intent: Annotated[str, Field(max_length=60)] | None = None
    outcome: CallOutcome | None = None
    min_duration_s: Annotated[float, Field(ge=0, le=86_400)] | None = None
    min_latency_s: Annotated[float, Field(ge=0, le=86_400)] | None = None
    sort: CallSort = CallSort.NEWEST
    cursor: Annotated[str, Field(max_length=500)] | None = None


@router.get("/calls")
async def show_calls(request: Request, _: PageViewer) -> Response:
    """All calls, newest first."""
    services, form = services_of(request), Form.asked(request)
    filters = form.read(CallFilters)
    found: Page[CallRecord] = Page([], None)
    passages: dict[str, TurnRecord] = {}
    if filters is not None:
        try:
            found, passages = await _find(services, filters)
        except InvalidError as error:
            if filters.cursor is not None:
                raise
            form.wrong["search"] = str(error)
    today = services.today()
    about = await services.database.read(
        analytics.intents, today - timedelta(days=INTENTS_OF_DAYS), today
    )
    return page(
        request,
        "calls.html",
        calls=found,
        form=form,
        intents=sorted({share.intent for share in about if share.intent}),
        outcomes=list(CallOutcome),
        sorts=list(CallSort),
        passages=passages,
    )


@router.get("/calls/export")
async def export_calls(request: Request, who: PageSupervisor) -> Response:
    """The list as it is filtered, as a CSV file."""
    services, form = services_of(request), Form.asked(request)
    filters = form.read(CallFilters)
    which = await _which(services, filters) if filters is not None else None
    if filters is None or which is None:
        raise InvalidError("No call fits these filters.", fix="Go back and change them.")
    answer = await exports.export_calls(services, which, filters.sort)
    await audit.notice(request, who, Note(Action.CALLS_EXPORTED, "calls", form.query()[:500]))
    return answer


@router.get("/calls/{call_id}")
async def show_call(request: Request, _: PageViewer, call_id: CallId) -> Response:
    """One call."""
    services = services_of(request)
    detail = await services.database.read(calls.get_call, call_id)
    timed, told = answers(detail.turns), story(detail)
    files = RecordingFiles(services.recordings_dir)
    return page(
        request,
        "call.html",
        call=detail.call,
        story=told,
        moment=_moment(told, _seconds(request.query_params.get("at", ""))),
        timed=len(timed),
        scale_s=max((turn.total_s or 0.0 for turn in timed), default=0.0) or 1.0,
        parts=SPLIT,
        latency=summarise(timed),
        tickets=detail.tickets,
        events=[EventView(event) for event in detail.events],
        recording=await files.state(detail.call, services.now()),
    )


async def _find(
    services: ApiServices, filters: CallFilters
) -> tuple[Page[CallRecord], dict[str, TurnRecord]]:
    """A page of calls, and where each has what was searched for."""
    read = services.database.read
    which = await _which(services, filters)
    if which is None:
        return Page([], None), {}
    found = await read(
        calls.list_calls, which, sort=filters.sort, cursor=filters.cursor, limit=PAGE_LENGTH
    )
    if not which.search:
        return found, {}
    return found, await read(calls.passages, which.search, [call.id for call in found.items])


async def _which(services: ApiServices, filters: CallFilters) -> CallFilter | None:
    """None when no call can fit: nobody has the customer number."""
    customer_id = None
    if filters.customer is not None:
        customer = await services.database.read(customers.find_customer, filters.customer)
        if customer is None:
            return None
        customer_id = customer.id
    return CallFilter(
        search=filters.search,
        since=services.midnight(filters.since) if filters.since else None,
        until=services.midnight(filters.until + timedelta(days=1)) if filters.until else None,
        intent=filters.intent,
        outcome=filters.outcome,
        customer_id=customer_id,
        min_duration_s=filters.min_duration_s,
        min_latency_s=filters.min_latency_s,
    )


def _seconds(text: str) -> float | None:
    """A moment in a link; what makes no sense is no moment."""
    try:
        at_s = float(text)
    except ValueError:
        return None
    return at_s if math.isfinite(at_s) else None


def _moment(
    told: Sequence[TurnView | RemarkView], at_s: float | None
) -> TurnView | RemarkView | None:
    """What a link to a moment leads to: the first turn that was over then or later."""
    turns = (one for one in told if isinstance(one, TurnView))
    return next((one for one in turns if at_s is not None and one.turn.at_s >= at_s), None)
