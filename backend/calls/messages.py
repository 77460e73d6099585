"""Messages callers left with the dialplan while the bot was down: each becomes a ticket."""

import asyncio
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import structlog

from backend.asr.base import Recogniser
from backend.audio.wav import read_wav
from backend.calls.answer import TicketDesk
from backend.core.errors import AudioError, FrontdeskError
from backend.core.ids import new_ticket_number
from backend.core.records import TicketDraft, TicketPriority, TicketType
from backend.core.speech import OPEN_QUESTION

log = structlog.get_logger(__name__)

SETTLED_S = 60.0
"""A message without its `.done` mark (Asterisk died, too) is complete when it is this old."""
LOOK_EVERY_S = 5.0
_CLAIMED = re.compile(r"^ticket-(\d+)-(.+)\.wav$")


class Messages:
    """Turns every complete file of a folder into a ticket, exactly once.

    The dialplan names a message `<unique id>-<caller>.wav` and puts a `.done` file beside it once
    it is complete. A file is first renamed to carry its ticket's number: dying between the steps
    repeats the same number, which the desk stores once. The audio ends in `keep` as
    `message-<number>.wav`.
    """

    def __init__(
        self,
        folder: Path,
        keep: Path,
        recogniser: Recogniser,
        desk: TicketDesk,
        now_s: Callable[[], float] = time.time,
    ) -> None:
        self._folder = folder
        self._keep = keep
        self._recogniser = recogniser
        self._desk = desk
        self._now_s = now_s

    async def watch(self) -> None:
        """Collect for ever."""
        while True:
            await self.collect()
            await asyncio.sleep(LOOK_EVERY_S)

    async def collect(self) -> list[str]:
        """Make tickets of what is complete now; returns their numbers."""
        numbers = []
        for path in sorted(self._folder.glob("*.wav")):
            try:
                number = await self._take(path)
            except (FrontdeskError, OSError) as error:
                log.warning("message-not-taken", reason=str(error))
                continue
            if number:
                numbers.append(number)
        return numbers

    async def _take(self, path: Path) -> str | None:
        claimed = _claim(path, self._now_s())
        if claimed is None:
            return None
        words, length_s = await self._transcribe(claimed.path)
        spoken = f"They said (as recognised): “{words}”." if words else "Listen to the recording."
        draft = TicketDraft(
            number=claimed.number,
            type=TicketType.MESSAGE,
            subject=f"Message from {claimed.caller or 'an unknown caller'}",
            description=f"A message of {length_s:.0f} s left while the assistant was away. {spoken}"
            f" Recording: message-{claimed.number}.wav",
            priority=TicketPriority.HIGH,
        )
        await self._desk.open_ticket(draft, None)
        _keep(claimed, self._keep)
        return claimed.number

    async def _transcribe(self, path: Path) -> tuple[str, float]:
        try:
            pcm, rate_hz = await asyncio.to_thread(read_wav, path)
        except AudioError as error:
            log.warning("message-unreadable", reason=str(error))
            return "", 0.0
        stream = self._recogniser.listen(OPEN_QUESTION, rate_hz)
        stream.feed(pcm)
        transcript = await stream.finish()
        return transcript.text, len(pcm) / rate_hz


@dataclass(frozen=True, slots=True)
class _Claimed:
    path: Path
    number: str
    caller: str


def _claim(path: Path, now_s: float) -> _Claimed | None:
    """Give a complete message its ticket number, or find the one an earlier run gave it."""
    match = _CLAIMED.match(path.name)
    if match is None:
        done = path.with_suffix(".done")
        if not done.exists() and now_s - path.stat().st_mtime < SETTLED_S:
            return None
        done.unlink(missing_ok=True)
        number = new_ticket_number()
        return _Claimed(
            path.rename(path.with_name(f"ticket-{number}-{path.name}")), number, _caller(path.stem)
        )
    return _Claimed(path, match[1], _caller(match[2]))


def _caller(stem: str) -> str:
    return stem.partition("-")[2]


def _keep(claimed: _Claimed, folder: Path) -> None:
    kept = claimed.path.rename(folder / f"message-{claimed.number}.wav")
    kept.touch()  # its age counts from now: see `retention`
