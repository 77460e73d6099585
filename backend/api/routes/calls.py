"""REST: calls, live and past."""

import asyncio
from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query, Request, Response
from fastapi.responses import FileResponse, StreamingResponse

from backend.api import audit, exports
from backend.api.access import ApiSupervisor, ApiViewer
from backend.api.audit import Action, Note
from backend.api.recordings import RecordingFiles
from backend.api.routes.customers import CustomerId
from backend.api.schemas.calls import (
    CallAnswer,
    CallDetailAnswer,
    LiveCallAnswer,
    TranscriptAnswer,
    TurnAnswer,
    WaveformAnswer,
)
from backend.api.schemas.latency import LatencyAnswer, PartLatencyAnswer
from backend.api.schemas.moments import Instant
from backend.api.schemas.paging import Cursor, Limit, PageAnswer
from backend.api.services import services_of
from backend.api.turn_timings import answers, summarise
from backend.audio.peaks import peaks
from backend.calls.center import LiveCall
from backend.core.records import CallOutcome
from backend.db.queries import calls, customers
from backend.db.queries.calls import CallFilter, CallRecord, CallSort
from backend.db.queries.paging import Page

router = APIRouter(prefix="/api/calls", tags=["calls"])

CallId = Annotated[
    str, Path(pattern=r"^[0-9A-Za-z._-]{1,40}$", examples=["20261121-084512-3f9a1c"])
]
Seconds = Annotated[float | None, Query(ge=0, le=86_400)]


def _which(
    search: Annotated[
        str | None,
        Query(
            max_length=200,
            description="Words said in calls that have ended: all of them must occur, "
            "“these words” side by side (in double quotes), -this must not, begin* is enough.",
            examples=["router"],
        ),
    ] = None,
    since: Annotated[
        Instant | None,
        Query(description="Started at or after.", examples=["2026-11-01T00:00:00Z"]),
    ] = None,
    until: Annotated[Instant | None, Query(description="Started before.")] = None,
    intent: Annotated[str | None, Query(max_length=60, examples=["billing"])] = None,
    outcome: CallOutcome | None = None,
    customer_id: Annotated[int | None, Query(ge=1, le=2**31 - 1)] = None,
    caller: Annotated[str | None, Query(max_length=80, description="Exactly this.")] = None,
    line: Annotated[str | None, Query(max_length=20, examples=["agi"])] = None,
    min_duration_s: Seconds = None,
    min_latency_s: Annotated[
        Seconds, Query(description="Had an answer that took at least this long.")
    ] = None,
) -> CallFilter:
    return CallFilter(
        search=search,
        since=since,
        until=until,
        intent=intent,
        outcome=outcome,
        customer_id=customer_id,
        caller=caller,
        line=line,
        min_duration_s=min_duration_s,
        min_latency_s=min_latency_s,
    )


Which = Annotated[CallFilter, Depends(_which)]
Sort = Annotated[
    CallSort,
    Query(description="What a search finds is sorted by time; “slowest” has timed calls only."),
]


@router.get("", response_model=PageAnswer[CallAnswer])
async def list_calls(
    request: Request,
    _: ApiViewer,
    which: Which,
    sort: Sort = CallSort.NEWEST,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Page[CallRecord]:
    """Calls, newest first unless sorted otherwise. Calls in progress are among them."""
    database = services_of(request).database
    return await database.read(calls.list_calls, which, sort=sort, cursor=cursor, limit=limit)


@router.get(
    "/export",
    response_class=StreamingResponse,
    responses={200: {"content": {"text/csv": {}}, "description": "All calls of the list."}},
)
async def export_calls(
    request: Request, who: ApiSupervisor, which: Which, sort: Sort = CallSort.NEWEST
) -> StreamingResponse:
    """The whole list as CSV, for spreadsheets. Who takes it is written down."""
    answer = await exports.export_calls(services_of(request), which, sort)
    await audit.notice(request, who, Note(Action.CALLS_EXPORTED, "calls", request.url.query[:500]))
    return answer


@router.get("/recent", response_model=list[CallAnswer])
async def recent_calls(
    request: Request, _: ApiViewer, limit: Annotated[int, Query(ge=1, le=100)] = 20
) -> list[CallRecord]:
    """The newest calls."""
    return await services_of(request).database.read(calls.recent_calls, limit)


@router.get("/live", response_model=list[LiveCallAnswer])
async def live_calls(request: Request, _: ApiViewer) -> Sequence[LiveCall]:
    """Calls in progress, oldest first, with the last few things said."""
    return services_of(request).live.calls()


@router.get("/customer/{customer_id}", response_model=PageAnswer[CallAnswer])
async def calls_of_customer(
    request: Request,
    _: ApiViewer,
    customer_id: CustomerId,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Page[CallRecord]:
    """A customer's calls, newest first."""
    database = services_of(request).database
    await database.read(customers.get_customer, customer_id)
    which = CallFilter(customer_id=customer_id)
    return await database.read(calls.list_calls, which, cursor=cursor, limit=limit)


@router.get("/{call_id}", response_model=CallDetailAnswer)
async def get_call(request: Request, _: ApiViewer, call_id: CallId) -> CallDetailAnswer:
    """One call with its turns, tickets and events."""
    detail = await services_of(request).database.read(calls.get_call, call_id)
    fields = {name: getattr(detail.call, name) for name in CallRecord.__dataclass_fields__}
    return CallDetailAnswer.model_validate(
        fields | {"turns": detail.turns, "tickets": detail.tickets, "events": detail.events}
    )


@router.get("/{call_id}/transcript", response_model=TranscriptAnswer)
async def get_transcript(request: Request, _: ApiViewer, call_id: CallId) -> TranscriptAnswer:
    """What was said, turn by turn."""
    turns = await services_of(request).database.read(calls.get_transcript, call_id)
    return TranscriptAnswer.model_validate({"call_id": call_id, "turns": turns})


@router.get("/{call_id}/latency", response_model=LatencyAnswer)
async def get_latency(request: Request, _: ApiViewer, call_id: CallId) -> LatencyAnswer:
    """Where the time of the call's answers went: per part, and per answer."""
    turns = await services_of(request).database.read(calls.get_transcript, call_id)
    timed = answers(turns)
    return LatencyAnswer(
        call_id=call_id,
        parts=[PartLatencyAnswer.model_validate(part) for part in summarise(timed)],
        turns=[TurnAnswer.model_validate(turn) for turn in timed],
    )


@router.get(
    "/{call_id}/recording",
    response_class=FileResponse,
    responses={
        200: {"content": {"audio/wav": {}}, "description": "The whole recording."},
        206: {"content": {"audio/wav": {}}, "description": "The range asked for."},
    },
)
async def get_recording(
    request: Request,
    who: ApiViewer,
    call_id: CallId,
    download: Annotated[bool, Query(description="Suggest saving instead of playing.")] = False,
) -> FileResponse:
    """The recording: WAV, caller left, bot right. Takes `Range`. Who listens is written down."""
    services = services_of(request)
    call = await services.database.read(calls.get_call_record, call_id)
    files = RecordingFiles(services.recordings_dir)
    answer = await files.answer(call, services.now(), as_download=download)
    action = Action.RECORDING_DOWNLOADED if download else Action.RECORDING_PLAYED
    await audit.notice(request, who, Note(action, f"call {call_id}"))
    return answer


@router.get("/{call_id}/waveform", response_model=WaveformAnswer)
async def get_waveform(
    request: Request,
    response: Response,
    _: ApiViewer,
    call_id: CallId,
    buckets: Annotated[int, Query(ge=10, le=4000)] = 800,
) -> WaveformAnswer:
    """How loud both sides of the recording are over time, for drawing it."""
    services = services_of(request)
    call = await services.database.read(calls.get_call_record, call_id)
    path, _status = await RecordingFiles(services.recordings_dir).file(call, services.now())
    sides, duration_s = await asyncio.to_thread(peaks, path, buckets)
    response.headers["cache-control"] = "private, max-age=3600"
    caller = sides[0]
    return WaveformAnswer(duration_s=duration_s, caller=caller, bot=sides[-1])
