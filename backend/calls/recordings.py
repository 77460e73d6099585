"""Call recordings that a PBX writes: two mono files while the call lasts, one stereo afterwards."""

import asyncio
import time
from pathlib import Path

import structlog

from backend.audio.wav import merge_to_stereo
from backend.core.errors import AudioError
from backend.core.events import CallEvent, EventBus, EventType

log = structlog.get_logger(__name__)

SETTLED_S = 0.3
"""A file that has not grown for this long after the call ended is complete."""
GIVE_UP_S = 5.0


class Recordings:
    """Joins `<call>-caller.wav` and `<call>-bot.wav` into `<call>.wav`: caller left, bot right.

    The parts stay until the whole is written: nothing is lost when we die in between, and
    `recover` does what was left over at the next start.
    """

    def __init__(self, folder: Path, bus: EventBus) -> None:
        self._folder = folder
        self._joining: set[asyncio.Task[None]] = set()
        self._unsubscribe = bus.subscribe(self._on_event)

    async def recover(self) -> int:
        """Join what an earlier run left in parts; returns how many."""
        stems = [path.name.removesuffix("-caller.wav") for path in self._parts()]
        for stem in stems:
            await asyncio.to_thread(self._join, stem)
        return len(stems)

    async def aclose(self) -> None:
        """Finish what is being joined."""
        self._unsubscribe()
        await asyncio.gather(*self._joining, return_exceptions=True)

    def _parts(self) -> list[Path]:
        return sorted(self._folder.glob("*-caller.wav"))

    def _on_event(self, event: CallEvent) -> None:
        if event.type is EventType.CALL_ENDED and event.data["recording"]:
            task = asyncio.ensure_future(self._finish(event.call_id))
            self._joining.add(task)
            task.add_done_callback(self._joining.discard)

    async def _finish(self, stem: str) -> None:
        """Wait until Asterisk has written the last block, then join."""
        caller = self._folder / f"{stem}-caller.wav"
        give_up_at_s = time.monotonic() + GIVE_UP_S
        size, grown_at_s = -1, time.monotonic()
        while time.monotonic() < min(give_up_at_s, grown_at_s + SETTLED_S):
            await asyncio.sleep(SETTLED_S / 3)
            now_size = caller.stat().st_size if caller.exists() else -1
            if now_size != size:
                size, grown_at_s = now_size, time.monotonic()
        await asyncio.to_thread(self._join, stem)

    def _join(self, stem: str) -> None:
        parts = [self._folder / f"{stem}-{side}.wav" for side in ("caller", "bot")]
        whole = self._folder / f"{stem}.wav"
        if not any(part.exists() for part in parts):
            if not whole.exists():  # streaming lines write it themselves
                log.warning("recording-missing", call_id=stem)
            return
        try:
            merge_to_stereo(parts[0], parts[1], whole)
        except (AudioError, OSError) as error:
            log.warning("recording-not-joined", call_id=stem, reason=str(error))
            return
        for part in parts:
            part.unlink(missing_ok=True)
