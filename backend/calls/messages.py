"""Messages callers left with the dialplan while the bot was down: each becomes a ticket."""

import asyncio
import re
import time
from collections.abc import Callable
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

SETTLED_S = 6.0
"""Asterisk writes a recording out every two to four seconds: older than this, it is complete."""
LOOK_EVERY_S = 5.0
_CLAIMED = re.compile(r"^ticket-(\d+)-(.+)\.wav$")


class Messages:
    """Turns every complete file of a folder into a ticket, exactly once.

    A file is first renamed to carry its ticket's number: dying between the steps repeats the same
    ticket number, which the desk stores once. The audio ends in `keep` as `message-<number>.wav`.
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
        claimed = _CLAIMED.match(path.name)
        if claimed is None:
            if self._now_s() - path.stat().st_mtime < SETTLED_S:
                return None
            claimed_path = path.with_name(f"ticket-{new_ticket_number()}-{path.name}")
            path = path.rename(claimed_path)
            claimed = _CLAIMED.match(path.name)
        number, rest = (claimed[1], claimed[2]) if claimed else ("", "")
        caller = rest.rsplit("_", 1)[1] if "_" in rest else ""
        words, length_s = await self._transcribe(path)
        spoken = f"They said (as recognised): “{words}”." if words else "Listen to the recording."
        draft = TicketDraft(
            number=number,
            type=TicketType.MESSAGE,
            subject=f"Message from {caller or 'an unknown caller'}",
            description=f"A message of {length_s:.0f} s left while the assistant was away. {spoken}"
            f" Recording: message-{number}.wav",
            priority=TicketPriority.HIGH,
        )
        await self._desk.open_ticket(draft, None)
        path.rename(self._keep / f"message-{number}.wav")
        return number

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
