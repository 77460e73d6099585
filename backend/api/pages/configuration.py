"""Pages: what is configured and from where; voice, recogniser and how long things are kept."""

import asyncio
from http import HTTPStatus
from typing import Annotated

import structlog
from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import RedirectResponse
from pydantic import BaseModel, Field
from sqlalchemy.orm import Session

from backend.api.access import PageOwner
from backend.api.audit import Action, Note, write
from backend.api.configuration import change, configuration, is_in_environment
from backend.api.forms import WHOLE_FORM, Form
from backend.api.services import services_of
from backend.api.templating import page
from backend.config import load_settings
from backend.core.errors import ConfigError
from backend.modelstore.catalogue import ModelKind
from backend.modelstore.store import ModelStore
from backend.parts.finder import find
from backend.tts.choose import voices_here

log = structlog.get_logger(__name__)

router = APIRouter(prefix="/settings", include_in_schema=False)

AUTO = "auto"
RECOGNISERS = {
    AUTO: "The best one there",
    "pocketsphinx": "PocketSphinx, told by the knowledge base what to expect",
    "faster-whisper": "Whisper (faster-whisper)",
    "openai-whisper": "Whisper (openai-whisper)",
}
CHOICES = ("tts_engine", "tts_voice", "asr_engine", "asr_model")
KEPT = ("keep_recordings_days", "keep_calls_days")


class Choice(BaseModel):
    """What the form of voices and recognisers sends."""

    voice: Annotated[str, Field(max_length=200, pattern=r"^[^\n\r]*$")] = f"{AUTO}/"
    asr_engine: Annotated[str, Field(pattern="^[a-z-]{1,30}$")] = AUTO
    asr_model: Annotated[str, Field(max_length=200, pattern=r"^[^\n\r]*$")] = ""
    keep_recordings_days: Annotated[str, Field(pattern="^[0-9]{0,5}$")] = ""
    keep_calls_days: Annotated[str, Field(pattern="^[0-9]{0,5}$")] = ""


@router.get("/configuration")
async def show_configuration(
    request: Request, _: PageOwner, q: Annotated[str, Query(max_length=100)] = ""
) -> Response:
    """Every setting with its value and its origin; of secrets only whether they are set."""
    services = services_of(request)
    rows = await asyncio.to_thread(configuration, services.settings, services.env_file)
    found = [row for row in rows if q.casefold() in f"{row.name} {row.about}".casefold()]
    return page(request, "configuration.html", rows=found, query=q, file=services.env_file)


@router.get("/engines")
async def show_engines(request: Request, _: PageOwner, saved: bool = False) -> Response:
    """Voices to listen to, recogniser, model, retention."""
    # What the next start will find: saving again must not undo a choice that is not in use yet.
    settings = await asyncio.to_thread(load_settings, services_of(request).env_file)
    form = Form(
        {
            "voice": f"{settings.tts_engine}/{settings.tts_voice}",
            "asr_engine": settings.asr_engine,
            "asr_model": settings.asr_model,
            **{name: str(getattr(settings, name) or "") for name in KEPT},
        }
    )
    return await _engines_page(request, form, saved=saved)


@router.post("/engines")
async def choose_engines(request: Request, who: PageOwner) -> Response:
    """Write the choice into `.env`; what the environment sets is left alone."""
    form = await Form.sent(request)
    sent = form.read(Choice)
    if sent is None:
        return await _engines_page(request, form, status=HTTPStatus.UNPROCESSABLE_ENTITY)
    engine, _, voice = sent.voice.partition("/")
    wanted = {
        "tts_engine": "" if engine == AUTO else engine,
        "tts_voice": voice,
        "asr_engine": "" if sent.asr_engine == AUTO else sent.asr_engine,
        "asr_model": sent.asr_model,
        **{name: getattr(sent, name) for name in KEPT},
    }
    wanted = {name: value for name, value in wanted.items() if not is_in_environment(name)}
    env_file = services_of(request).env_file
    note = Note(Action.SETTING_CHANGED, "settings", ", ".join(wanted))

    def save(session: Session) -> None:
        del session
        change(env_file, wanted)

    try:
        await write(request, who, lambda _: note, save)
    except ConfigError as error:
        form.wrong[WHOLE_FORM] = str(error)
        return await _engines_page(request, form, status=HTTPStatus.UNPROCESSABLE_ENTITY)
    log.info("settings-changed", by=who.user_id)
    return RedirectResponse("/settings/engines?saved=1", HTTPStatus.SEE_OTHER)


async def _engines_page(
    request: Request, form: Form, *, saved: bool = False, status: HTTPStatus = HTTPStatus.OK
) -> Response:
    services = services_of(request)
    settings = services.settings
    voices = await asyncio.to_thread(
        voices_here, settings, lambda name: find(name, settings.data_dir)
    )
    models = ModelStore(settings.data_dir).installed(ModelKind.WHISPER)
    return page(
        request,
        "engines.html",
        status=status,
        form=form,
        saved=saved,
        voices=voices,
        models=models,
        recognisers=RECOGNISERS,
        voice_now=services.bot_parts.voice.name,
        recogniser_now=services.bot_parts.recogniser.name,
        fixed=[name for name in (*CHOICES, *KEPT) if is_in_environment(name)],
    )
