"""The API's side of choosing a voice: hearing one."""

import asyncio
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from backend.api.access import ApiOwner
from backend.api.errors import ApiError
from backend.api.services import services_of
from backend.api.trying import sample, trials_of
from backend.core.errors import EngineError
from backend.parts.finder import find
from backend.tts.choose import voices_here

router = APIRouter(prefix="/api/settings", tags=["settings"])

SAMPLE = "Thank you for calling. Your balance is twenty nine dollars, due on March 3rd."


@router.get("/voice", response_class=Response, responses={200: {"content": {"audio/wav": {}}}})
async def voice_sample(
    request: Request,
    engine: Annotated[str, Query(max_length=30)],
    _: ApiOwner,
    voice: Annotated[str, Query(max_length=200)] = "",
) -> Response:
    """Two sentences in one of the voices of this machine, as a WAV file."""
    settings = services_of(request).settings
    known = await asyncio.to_thread(
        voices_here, settings, lambda name: find(name, settings.data_dir)
    )
    if (engine, voice) not in [(one.engine, one.voice) for one in known]:
        raise ApiError(HTTPStatus.NOT_FOUND, "not-found", "This voice is not on this machine.")
    try:
        async with trials_of(request).one():
            wav = await sample(settings, engine, voice, SAMPLE)
    except EngineError as error:
        raise ApiError(
            HTTPStatus.SERVICE_UNAVAILABLE, error.code, error.message, fix=error.fix
        ) from error
    return Response(wav, media_type="audio/wav", headers={"cache-control": "private, max-age=600"})
