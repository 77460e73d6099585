"""The API's side of the knowledge base: checking a form as it is typed, and trying the bot out."""

import asyncio
from http import HTTPStatus
from typing import Annotated

import numpy as np
from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, Field, StringConstraints

from backend.agent.knowledge.entries import section_of
from backend.api.access import ApiSupervisor, ApiViewer
from backend.api.clean_text import OneLine
from backend.api.errors import ApiError, not_found
from backend.api.knowledge_forms import findings
from backend.api.services import services_of
from backend.api.trying import hear, speak, trials_of, try_sentence

router = APIRouter(prefix="/api/knowledge", tags=["knowledge"])

LONGEST_TEXT = 1000
RateHz = Annotated[int, Query(ge=8000, le=48000)]
Typed = Annotated[str, StringConstraints(max_length=200_000)]
"""A field as it is typed: hundreds of example phrases are one."""
Words = Annotated[OneLine, Query(min_length=1, max_length=LONGEST_TEXT)]


class EntryDraft(BaseModel):
    """A form that is being filled in."""

    section: str
    key: str = Field("", description="Name of the entry; empty for a new one.")
    fields: dict[str, Typed]


class Findings(BaseModel):
    """What is wrong with it."""

    wrong: dict[str, str] = Field(description="Sentences by field; the empty name is the whole.")


class AnswerSentence(BaseModel):
    """One sentence of an answer."""

    text: str
    source: str = Field(description="Who contributed it, e.g. `kb:faq/opening-hours`.")


class TriedAnswer(BaseModel):
    """What the bot makes of a caller's first words."""

    intent: str
    confidence: float
    runner_up: str
    runner_up_confidence: float
    answer: list[AnswerSentence]
    actions: list[str] = Field(description="What a call would do besides; here it is not done.")


class HeardWords(BaseModel):
    """What the recogniser makes of a recording."""

    text: str
    confidence: float


@router.post("/check")
async def check_entry(request: Request, draft: EntryDraft, _: ApiSupervisor) -> Findings:
    """Check an entry against the schema and the rest of the file. Nothing is saved."""
    section = section_of(draft.section)
    if section is None:
        raise not_found("section", draft.section)
    editor = services_of(request).bot_parts.editor

    def check() -> dict[str, str]:
        return findings(editor, editor.read(), section, draft.key, draft.fields)

    return Findings(wrong=await asyncio.to_thread(check))


@router.get("/try")
async def try_words(request: Request, text: Words, _: ApiViewer) -> TriedAnswer:
    """What the bot would answer to these words, said first in a call. Has no effect."""
    async with trials_of(request).one():
        tried = await try_sentence(services_of(request).bot_parts, text)
    return TriedAnswer(
        intent=tried.intent,
        confidence=tried.confidence,
        runner_up=tried.runner_up,
        runner_up_confidence=tried.runner_up_confidence,
        answer=[AnswerSentence(text=one.text, source=one.source) for one in tried.answer],
        actions=tried.actions,
    )


@router.get("/speech", response_class=Response, responses={200: {"content": {"audio/wav": {}}}})
async def spoken(request: Request, text: Words, _: ApiViewer) -> Response:
    """A text in the bot's voice, as a WAV file."""
    async with trials_of(request).one():
        wav = await speak(services_of(request).bot_parts.voice, text)
    return Response(wav, media_type="audio/wav")


@router.post("/hear")
async def hear_recording(request: Request, rate_hz: RateHz, _: ApiSupervisor) -> HeardWords:
    """What the recogniser hears in 16-bit mono PCM, the body of the request."""
    body = await request.body()
    if not body or len(body) % 2:
        raise ApiError(HTTPStatus.UNPROCESSABLE_ENTITY, "invalid", "This is no 16-bit audio.")
    pcm = np.frombuffer(body, dtype="<i2").astype(np.int16)
    async with trials_of(request).one():
        transcript = await hear(services_of(request).bot_parts.recogniser, pcm, rate_hz)
    return HeardWords(text=transcript.text, confidence=transcript.confidence)
