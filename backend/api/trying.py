"""Trying the bot out without a call: what it would understand, answer and sound like."""

import asyncio
import wave
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from io import BytesIO

import numpy as np
from fastapi import Request

from backend.agent.base import HangUp, OpenTicket, Transfer, Understood
from backend.agent.memory import Memory
from backend.agent.sentences import split_sentences
from backend.api.bot import Bot
from backend.api.errors import ApiError
from backend.asr.base import Recogniser
from backend.audio.pcm import Pcm
from backend.config import Settings
from backend.core.errors import EngineError
from backend.core.records import CallInfo
from backend.core.speech import OPEN_QUESTION, Heard, HeardKind, Sentence, Transcript
from backend.parts.finder import find
from backend.tts.base import Voice
from backend.tts.choose import choose_voice

SPEECH_HZ = 16000
_CALL = CallInfo("try", "text")


class Trials:
    """Room for what people try out: the callers' share of the machine is not theirs to take."""

    AT_ONCE = 2
    WAITING = 20

    def __init__(self) -> None:
        self._room = asyncio.Semaphore(self.AT_ONCE)
        self._present = 0

    @asynccontextmanager
    async def one(self) -> AsyncIterator[None]:
        """Wait for a place. Raises ApiError when too many wait already."""
        if self._present >= self.AT_ONCE + self.WAITING:
            raise ApiError(
                HTTPStatus.TOO_MANY_REQUESTS,
                "busy",
                "Too many people are trying things out at this moment.",
                fix="Try again in a few seconds.",
            )
        self._present += 1
        try:
            async with self._room:
                yield
        finally:
            self._present -= 1


def trials_of(request: Request) -> Trials:
    """Those of the whole application."""
    trials: Trials = request.app.state.trials
    return trials


@dataclass(slots=True)
class Tried:
    """What the bot would do."""

    intent: str = ""
    confidence: float = 0.0
    runner_up: str = ""
    runner_up_confidence: float = 0.0
    answer: list[Sentence] = field(default_factory=list)
    actions: list[str] = field(default_factory=list)
    """What a call would do besides; nothing of it is done here."""


async def try_sentence(bot: Bot, text: str) -> Tried:
    """The answer to a caller whose first words are `text`. Has no effect on anything."""
    tried = Tried()
    guess = bot.knowledge.current.classifier.classify(text)
    tried.runner_up, tried.runner_up_confidence = guess.runner_up, guess.runner_up_confidence
    dialogue = bot.agent.begin(_CALL)
    async for step in bot.agent.reply(Heard(HeardKind.CALL_STARTED), dialogue):
        if isinstance(step, Memory):
            dialogue = step
    async for step in bot.agent.reply(Heard(HeardKind.WORDS, text=text), dialogue):
        match step:
            case Understood():
                tried.intent, tried.confidence = step.intent, step.confidence
            case Sentence():
                tried.answer.append(step)
            case OpenTicket():
                tried.actions.append(f"opens a {step.draft.type} ticket")
            case Transfer():
                tried.actions.append(f"puts the caller through to {step.extension}")
            case HangUp():
                tried.actions.append("ends the call")
            case _:
                pass
    return tried


async def speak(voice: Voice, text: str) -> bytes:
    """`text` as a WAV file, sentence after sentence."""
    parts: list[Pcm] = []
    for sentence in split_sentences(text):
        clip = voice.clip(sentence, SPEECH_HZ)
        try:
            parts += [pcm async for pcm in clip.chunks()]
        finally:
            clip.close()
    return wav_bytes(np.concatenate(parts) if parts else np.zeros(0, np.int16), SPEECH_HZ)


async def sample(settings: Settings, engine: str, voice: str, text: str) -> bytes:
    """`text` in a voice that may be another than the bot's, as a WAV file. Raises EngineError."""
    asked = settings.model_copy(update={"tts_engine": engine, "tts_voice": voice})
    ladder = choose_voice(asked, lambda name: find(name, settings.data_dir), _ignore)
    try:
        await ladder.start()
        if not ladder.name.startswith(engine):
            raise EngineError(f"{engine} cannot speak here.", fix="`frontdesk doctor` says why.")
        return await speak(ladder, text)
    finally:
        await ladder.aclose()


def _ignore(code: str, message: str) -> None:
    """The bot's own voice is not concerned."""
    del code, message


async def hear(recogniser: Recogniser, pcm: Pcm, rate_hz: int) -> Transcript:
    """What a caller who says this is heard to say. Raises EngineError."""
    stream = recogniser.listen(OPEN_QUESTION, rate_hz)
    try:
        stream.feed(pcm)
        return await stream.finish()
    finally:
        stream.cancel()


def wav_bytes(pcm: Pcm, rate_hz: int) -> bytes:
    """A WAV file: mono, 16 bit."""
    file = BytesIO()
    with wave.open(file, "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(rate_hz)
        out.writeframes(pcm.astype("<i2").tobytes())
    return file.getvalue()
