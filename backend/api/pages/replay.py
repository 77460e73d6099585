"""Page: a stored call beside the same call as it would go today."""

from datetime import UTC, datetime

from fastapi import APIRouter, Request, Response

from backend.api.access import PageSupervisor, PageViewer
from backend.api.recordings import RecordingFiles
from backend.api.replay_view import Comparison, caller_turns, compare, seconds_of
from backend.api.routes.calls import CallId
from backend.api.services import ApiServices, services_of
from backend.api.templating import page
from backend.core.errors import FrontdeskError
from backend.core.ids import new_call_id
from backend.core.records import CallInfo
from backend.db.queries import calls
from backend.db.queries.calls import CallDetail

router = APIRouter(include_in_schema=False)


@router.get("/calls/{call_id}/replay")
async def show_replay(request: Request, _: PageViewer, call_id: CallId) -> Response:
    """The call as it went, and the button that has it go again."""
    services = services_of(request)
    detail = await services.database.read(calls.get_call, call_id)
    return await _page(request, services, detail, None)


@router.post("/calls/{call_id}/replay")
async def replay(request: Request, _: PageSupervisor, call_id: CallId) -> Response:
    """Both side by side. Nothing of it is kept."""
    services = services_of(request)
    detail = await services.database.read(calls.get_call, call_id)
    files = RecordingFiles(services.recordings_dir)
    state = await files.state(detail.call, services.now())
    try:
        recording = (await files.file(detail.call, services.now()))[0] if state.there else None
        turns = await caller_turns(detail, recording)
        info = CallInfo(
            new_call_id(datetime.now(UTC)), "replay", detail.call.caller, detail.call.called
        )
        today = await services.replayer.replay(info, turns)
    except FrontdeskError as error:
        return await _page(request, services, detail, None, problem=error)
    return await _page(request, services, detail, compare(detail.events, today))


async def _page(
    request: Request,
    services: ApiServices,
    detail: CallDetail,
    comparison: Comparison | None,
    problem: FrontdeskError | None = None,
) -> Response:
    return page(
        request,
        "replay.html",
        call=detail.call,
        comparison=comparison,
        then=compare(detail.events, []),
        seconds=round(seconds_of(detail)) + 1,
        recording=await RecordingFiles(services.recordings_dir).state(detail.call, services.now()),
        problem=problem,
    )
