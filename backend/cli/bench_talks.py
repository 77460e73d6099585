"""Calls of the latency benches: held by script, measured at the caller's ear, looked up."""

import asyncio
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from backend.audio.level import trim_silence
from backend.audio.noise import active_dbfs
from backend.audio.pcm import Pcm
from backend.cli.bench_calls import Speech, stored_call
from backend.cli.bench_wordings import Line
from backend.cli.caller_voice import RATE_HZ
from backend.core.errors import LineError
from backend.db.database import Database
from backend.db.queries.calls import CallDetail
from backend.phone.call import PhoneCall
from backend.phone.phone import Phone
from backend.phone.script import HangUp, Listening, ReadyStep, Record, RecordKind, Wait, converse
from backend.phone.surroundings import Surroundings

LISTENING = Listening(quiet_s=0.5, patience_s=12.0)
"""Longer than the pauses between the bot's sentences, shorter than a polite caller waits."""
LEAVE: tuple[ReadyStep, ...] = (Wait(0.0), HangUp())
"""Hears the last answer out, then hangs up."""
GREETING = "greeting"


@dataclass(slots=True)
class Talk:
    """One call, as both ends know it."""

    caller: str
    voice: str
    lines: Sequence[Line] = ()
    """What the caller says, turn by turn."""
    records: list[Record] = field(default_factory=list)
    stored: CallDetail | None = None
    trouble: str = ""
    """Why it was no call, or ended early."""


@dataclass(frozen=True, slots=True)
class EarTurn:
    """One turn as the caller lived through it."""

    kind: str
    latency_s: float | None
    """From the caller's last voiced sample to the bot's first; None: nothing came in time."""

    @property
    def is_cut_off(self) -> bool:
        """The bot began before the caller had finished."""
        return self.latency_s is not None and self.latency_s < 0


async def hold(
    phone: Phone,
    uri: str,
    talk: Talk,
    steps: Sequence[ReadyStep],
    *,
    surroundings: Surroundings | None = None,
    listening: Listening = LISTENING,
    keep: Path | None = None,
) -> None:
    """Hold the call; what happened is in `talk` afterwards, its recording under `keep`."""
    try:
        call = await phone.dial(uri, caller=talk.caller, surroundings=surroundings)
    except LineError as error:
        talk.trouble = error.message
        return
    async for record in converse(call, steps, listening=listening):
        talk.records.append(record)
    if keep is not None:
        await asyncio.to_thread(_keep, keep, talk, call)


async def look_up(database: Database, talks: Iterable[Talk]) -> None:
    """Add what the database knows of each call that was answered."""
    for talk in talks:
        if talk.records:
            talk.stored = await stored_call(database, talk.caller)
            if talk.stored is None:
                talk.trouble = talk.trouble or "The call is not in the database."


def ear_turns(talk: Talk) -> list[EarTurn]:
    """The greeting, then one for each line that was said; lines and records go in step."""
    turns: list[EarTurn] = []
    lines = iter(talk.lines)
    kind: str | None = GREETING
    for record in talk.records:
        match record.kind:
            case RecordKind.BOT if kind is not None:
                turns.append(EarTurn(kind, record.latency_s))
                kind = None
            case RecordKind.NOTHING_HEARD if kind is not None:
                turns.append(EarTurn(kind, None))
                kind = None
            case RecordKind.CALLER if record.text:
                kind = next(lines).kind
    if kind is not None and talk.records:
        turns.append(EarTurn(kind, None))
    return turns


def trimmed(speech: Speech) -> dict[tuple[str, str], Pcm]:
    """Speech without the silence around it: a caller's next turn begins with their voice."""
    return {key: trim_silence(pcm, RATE_HZ, keep_s=0.02) for key, pcm in speech.items()}


def voice_level_dbfs(speech: Mapping[tuple[str, str], Pcm], voice: str) -> float:
    """Loudness of one caller's voice, for noise to be measured against."""
    return max(active_dbfs(pcm, RATE_HZ) for (name, _), pcm in speech.items() if name == voice)


def _keep(folder: Path, talk: Talk, call: PhoneCall) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    call.write_stereo_wav(folder / f"{talk.caller}.wav")
    account = [record.as_json() for record in talk.records]
    (folder / f"{talk.caller}.json").write_text(json.dumps(account, indent=1), encoding="utf-8")
