"""REST: following calls in progress, and what a supervisor may do to one."""

import asyncio
from collections.abc import AsyncGenerator
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Header, Request, Response
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, Field

from backend.api import audit
from backend.api.access import RECHECK_S, ApiSupervisor, ApiViewer, may_stay
from backend.api.audit import Action
from backend.api.clean_text import OneLine, Prose
from backend.api.live_feed import LiveFeed
from backend.api.routes.calls import CallId
from backend.api.services import services_of
from backend.audio.pcm import Pcm
from backend.calls.operator import NotLiveError, Operator
from backend.core.events import CallEvent, EventType
from backend.db.models import Role

router = APIRouter(prefix="/api/calls", tags=["live calls"])

BACKLOG = 25
"""Pieces of audio (5 s) that wait for a slow listener; older ones are dropped."""


class Note(BaseModel):
    """A remark about a call."""

    text: Annotated[Prose, Field(min_length=1, max_length=2000)]


class Destination(BaseModel):
    """Where a caller is put through to."""

    extension: Annotated[OneLine, Field(min_length=1, max_length=40, examples=["2001"])]


@router.get(
    "/events",
    response_class=StreamingResponse,
    responses={200: {"content": {"text/event-stream": {}}}},
)
async def follow_calls(
    request: Request, _: ApiViewer, last_event_id: Annotated[str, Header()] = ""
) -> StreamingResponse:
    """Everything that happens in calls, as it happens (server-sent events).

    `reset` says to forget everything: all events of the calls in progress follow. Each `call` is
    one event of a call. Send `Last-Event-ID` to go on without a gap.
    """
    feed: LiveFeed = request.app.state.feed
    return StreamingResponse(feed.stream(last_event_id), media_type="text/event-stream")


@router.post("/{call_id}/notes", status_code=HTTPStatus.NO_CONTENT)
async def take_note(request: Request, who: ApiSupervisor, call_id: CallId, note: Note) -> Response:
    """Keep a remark with a call in progress; it becomes one of its events."""
    _operator(request, call_id).note(note.text, who.name)
    await audit.mention(request, who, audit.Note(Action.CALL_NOTED, f"call {call_id}"))
    return Response(status_code=HTTPStatus.NO_CONTENT)


@router.post("/{call_id}/hang-up", status_code=HTTPStatus.ACCEPTED)
async def hang_up(request: Request, who: ApiSupervisor, call_id: CallId) -> Response:
    """End a call in progress. A call in turns (AGI) ends when its turn is over."""
    _operator(request, call_id).hang_up(who.name)
    await audit.mention(request, who, audit.Note(Action.CALL_HUNG_UP, f"call {call_id}"))
    return Response(status_code=HTTPStatus.ACCEPTED)


@router.post("/{call_id}/transfer", status_code=HTTPStatus.ACCEPTED)
async def transfer(
    request: Request, who: ApiSupervisor, call_id: CallId, to: Destination
) -> Response:
    """Put the caller through; when nobody answers, the conversation goes on."""
    _operator(request, call_id).transfer(to.extension, who.name)
    done = audit.Note(Action.CALL_TRANSFERRED, f"call {call_id}", to.extension)
    await audit.mention(request, who, done)
    return Response(status_code=HTTPStatus.ACCEPTED)


@router.get(
    "/{call_id}/listen",
    response_class=StreamingResponse,
    responses={200: {"content": {"application/octet-stream": {}}}},
)
async def listen_in(request: Request, who: ApiSupervisor, call_id: CallId) -> StreamingResponse:
    """A call's audio while it lasts: 16-bit little-endian PCM, 8 kHz, caller left and bot right.

    Half a second behind. Only of calls on the streaming line.
    """
    # A line that cannot be listened to says so now; nobody listens before the answer has begun.
    _operator(request, call_id).listen_in(lambda pcm: None)()
    heard = audit.Note(Action.CALL_LISTENED_TO, f"call {call_id}")
    await audit.notice(request, who, heard)
    pieces: asyncio.Queue[bytes | None] = asyncio.Queue(BACKLOG)
    return StreamingResponse(
        _until_over(request, call_id, pieces),
        media_type="application/octet-stream",
    )


async def _until_over(
    request: Request, call_id: str, pieces: "asyncio.Queue[bytes | None]"
) -> AsyncGenerator[bytes, None]:
    services, loop = services_of(request), asyncio.get_running_loop()

    def on_event(event: CallEvent) -> None:
        if event.call_id == call_id and event.type is EventType.CALL_ENDED:
            _offer(pieces, None)

    try:
        operator = services.operators.operator(call_id)
    except NotLiveError:
        return
    leave = operator.listen_in(lambda pcm: _offer(pieces, _bytes(pcm)))
    checked_at_s = loop.time()
    try:
        with services.events.listening(on_event):
            if all(call.call_id != call_id for call in services.live.calls()):
                return  # it ended before we listened: nothing would tell us
            while (piece := await pieces.get()) is not None:
                yield piece
                if loop.time() - checked_at_s > RECHECK_S:
                    checked_at_s = loop.time()
                    if not await may_stay(request, Role.SUPERVISOR):
                        return
    finally:
        leave()


def _operator(request: Request, call_id: str) -> Operator:
    return services_of(request).operators.operator(call_id)


def _bytes(pcm: Pcm) -> bytes:
    return pcm.astype("<i2").tobytes()


def _offer(pieces: "asyncio.Queue[bytes | None]", piece: bytes | None) -> None:
    if pieces.full():
        pieces.get_nowait()
    pieces.put_nowait(piece)
