"""What the benches need: a Frontdesk that answers, voices made beforehand, calls looked up."""

import asyncio
import time
from collections.abc import Iterable, Iterator, Mapping

from backend.asr.choose import choose_recogniser
from backend.audio.pcm import Pcm
from backend.cli.caller_voice import CallerVoice
from backend.config import Settings
from backend.core.errors import LineError
from backend.core.logs import configure_logging
from backend.db.database import Database
from backend.db.queries.calls import CallDetail, CallFilter, get_call, list_calls
from backend.parts.finder import find
from backend.pbx import probe
from backend.pbx.render import BOT_EXTENSION
from backend.tts.choose import choose_voice

ANSWERS_S = 2.0
STORED_S = 15.0
"""A call's end is stored a moment after the phone has hung up; under load it takes longer."""
_LOOK_S = 0.1

Speech = Mapping[tuple[str, str], Pcm]
"""Audio by voice and sentence."""


async def require_running(settings: Settings, extension: str = BOT_EXTENSION) -> str:
    """The address to dial for an extension. Raises LineError when nothing answers there."""
    configure_logging("warning", None)  # standard output is for the figures
    host = probe.reachable_host(settings)
    if not await probe.answers(settings, ANSWERS_S):
        raise LineError(
            f"Nothing answers on SIP {host}:{settings.sip_port}.",
            fix="The bench measures a running Frontdesk: start `frontdesk up` in another terminal, "
            "with the same settings.",
        )
    return f"sip:{extension}@{host}:{settings.sip_port}"


def callers() -> Iterator[str]:
    """Numbers nobody has called from: they find the calls of this run in the database."""
    run = int(time.time()) % 1_000_000
    number = 0
    while True:
        yield f"5551{run:06d}{number:03d}"
        number += 1


async def speak_all(settings: Settings, wanted: Iterable[tuple[str, str]]) -> Speech:
    """Make all audio beforehand, so that the callers' voices take no time from the bot.

    Raises EngineError.
    """
    spoken: dict[tuple[str, str], Pcm] = {}
    voices: dict[str, CallerVoice] = {}
    try:
        for voice, sentence in dict.fromkeys(wanted):
            if voice not in voices:
                voices[voice] = CallerVoice(settings, voice)
            spoken[voice, sentence] = await voices[voice](sentence)
    finally:
        for one in voices.values():
            await one.aclose()
    return spoken


async def stored_call(database: Database, caller: str) -> CallDetail | None:
    """The call of that number once its end is stored; None when it never is."""
    until_s = time.monotonic() + STORED_S
    while True:
        page = await database.read(list_calls, CallFilter(caller=caller), limit=1)
        if page.items and page.items[0].ended_at is not None:
            return await database.read(get_call, page.items[0].id)
        if time.monotonic() > until_s:
            return None
        await asyncio.sleep(_LOOK_S)


async def engines(settings: Settings) -> dict[str, str]:
    """Names of the engines that these settings choose on this machine."""
    recogniser = choose_recogniser(settings, _ignore)
    await recogniser.start()
    try:
        name = recogniser.name
    finally:
        await recogniser.aclose()
    voice = choose_voice(settings, lambda program: find(program, settings.data_dir), _ignore)
    try:
        return {"recogniser": name, "synthesiser": voice.name}
    finally:
        await voice.aclose()


def _ignore(*_: object) -> None:
    """The bot has warned already."""
