"""`frontdesk call`: the sample caller."""

import asyncio
import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import typer

from backend.asr.base import Recogniser
from backend.audio.noise import active_dbfs
from backend.audio.pcm import Pcm
from backend.audio.resample import resample
from backend.audio.wav import read_wav
from backend.cli.caller_voice import RATE_HZ, CallerVoice
from backend.cli.listener import bot_listener
from backend.config import Settings
from backend.core.speech import OPEN_QUESTION
from backend.phone.phone import Phone
from backend.phone.script import (
    Keys,
    Listening,
    Play,
    ReadyStep,
    ReadyTalkOver,
    Record,
    RecordKind,
    Say,
    Step,
    TalkOver,
    converse,
    render,
)
from backend.phone.surroundings import Surroundings

USUAL_VOICE_DBFS = -20.0
"""Of a caller who only presses keys, to have something the noise lies under."""

NOTE = "(“heard” is what a recogniser makes of the bot's voice; the call's record has its words)"

DEMO_STEPS: tuple[Step, ...] = (
    Say("what is my account balance"),
    Say("one zero zero four"),
    Say("my internet is down"),
    Say("goodbye"),
)


def in_command_line_order(
    words: Sequence[str], say: Sequence[str], wav: Sequence[Path], dtmf: Sequence[str]
) -> tuple[Step, ...]:
    """The steps as they were typed: each kind keeps its order, `words` says how they mix.

    Raises AudioError for a WAV that cannot be read.
    """
    values: dict[str, Iterator[Step]] = {
        "--say": (Say(text) for text in say),
        "--wav": (_play(path) for path in wav),
        "--dtmf": (Keys(keys) for keys in dtmf),
    }
    names = (word.partition("=")[0] for word in words)
    return tuple(next(values[name]) for name in names if name in values)


def barging_in(steps: Sequence[Step], after_s: float) -> tuple[Step, ...]:
    """The steps, each said this long into the bot's speech instead of after it."""
    return tuple(
        TalkOver(step, after_s) if isinstance(step, Say | Play | Keys) else step for step in steps
    )


async def run_call(
    settings: Settings,
    extension: str,
    steps: Sequence[Step],
    *,
    voice: str = "rms",
    noise_db: float | None = None,
    echo_db: float | None = None,
    out: Path | None = None,
    as_json: bool = False,
    quiet: bool = False,
) -> list[Record]:
    """Place the call, say the steps, print what is heard. Raises DialError when refused.

    `noise_db` is how far the line's noise lies under the caller's voice, `echo_db` how loud the
    bot's voice comes back to it.
    """
    uri = extension if extension.startswith("sip:") else _uri(settings, extension)
    mouth = CallerVoice(settings, voice)
    ears = None if quiet else await bot_listener(settings)
    records = []
    if not quiet and not as_json:
        typer.echo(NOTE)
    try:
        ready = await render(steps, mouth)
        async with Phone(bind_host=_bind_host(uri)) as phone:
            around = Surroundings(_noise_dbfs(ready, noise_db), echo_db)
            call = await phone.dial(uri, caller="demo", surroundings=around)
            hearing = _Transcriber(ears) if ears else None
            listening = Listening(quiet_s=1.2)
            async for record in converse(call, ready, listening=listening, speech_to_text=hearing):
                records.append(record)
                if not quiet:
                    typer.echo(json.dumps(record.as_json()) if as_json else _line(record))
            if out is not None:
                await asyncio.to_thread(call.write_stereo_wav, out)
    finally:
        await mouth.aclose()
        if ears is not None:
            await ears.aclose()
    return records


class _Transcriber:
    """What the bot says, in words."""

    def __init__(self, recogniser: Recogniser) -> None:
        self._recogniser = recogniser

    async def __call__(self, pcm: Pcm) -> str:
        stream = self._recogniser.listen(OPEN_QUESTION, RATE_HZ)
        stream.feed(pcm)
        return (await stream.finish()).text


def _noise_dbfs(steps: Sequence[ReadyStep], noise_db: float | None) -> float | None:
    """The noise's level, from that of the caller's voice."""
    if noise_db is None:
        return None
    plain = [step.step if isinstance(step, ReadyTalkOver) else step for step in steps]
    voices = [step.pcm for step in plain if isinstance(step, Play) and len(step.pcm)]
    voice_dbfs = active_dbfs(np.concatenate(voices), RATE_HZ) if voices else USUAL_VOICE_DBFS
    return voice_dbfs - noise_db


def _play(path: Path) -> Play:
    pcm, rate_hz = read_wav(path)
    return Play(resample(pcm, rate_hz, RATE_HZ), path.name)


def _uri(settings: Settings, extension: str) -> str:
    host = "127.0.0.1" if settings.sip_host in ("0.0.0.0", "::") else settings.sip_host  # noqa: S104
    return f"sip:{extension}@{host}:{settings.sip_port}"


def _bind_host(uri: str) -> str:
    """Loopback towards loopback; else any address, since the way there is not ours to know."""
    host = uri.partition("@")[2] or uri.removeprefix("sip:")
    return "127.0.0.1" if host.startswith(("127.", "localhost")) else "0.0.0.0"  # noqa: S104


def _line(record: Record) -> str:
    when = f"{record.start_s:6.1f}s"
    match record.kind:
        case RecordKind.ANSWERED:
            return f"{when}  answered"
        case RecordKind.CALLER:
            after_s = record.silenced_s
            silenced = "" if after_s is None else f"   (bot silent after {after_s:.2f} s)"
            return f"{when}  caller: {record.text}{silenced}"
        case RecordKind.BOT:
            after = f"   (after {record.latency_s:.2f} s)" if record.latency_s is not None else ""
            return f"{when}   heard: {record.text or '…'}{after}"
        case RecordKind.NOTHING_HEARD:
            return f"{when}   heard: (silence)"
        case RecordKind.ENDED:
            return f"{when}  ended: {record.text}"
