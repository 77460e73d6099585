"""Forgetting what has been kept long enough: recordings and messages first, then whole calls."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import structlog

from backend.core.errors import StoreError
from backend.db.database import Database
from backend.db.queries.retention import (
    OldCall,
    calls_before,
    delete_calls,
    delete_questions,
    forget_recordings,
)
from backend.db.searching import forget_words
from backend.db.store import Store

log = structlog.get_logger(__name__)

EVERY_S = 3600.0
BATCH = 200
"""Calls forgotten in one transaction: a live call's records never wait for longer than that."""
PAUSE_S = 0.1


@dataclass(frozen=True, slots=True)
class Keeping:
    """How long things are kept; None is for ever."""

    recordings_days: int | None
    calls_days: int | None


class Retention:
    """Deletes what is older than `keeping` says, a little at a time, for as long as it runs."""

    def __init__(
        self,
        database: Database,
        store: Store,
        recordings_dir: Path,
        keeping: Keeping,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._database = database
        self._store = store
        self._recordings_dir = recordings_dir
        self._keeping = keeping
        self._now = now
        self._is_untidy = False
        """Calls were deleted, and the search has not forgotten their words yet."""
        self._tidied_on: date | None = None

    async def run(self) -> None:
        """Until cancelled. Returns at once when everything is kept for ever."""
        while self._keeping != Keeping(None, None):
            try:
                await self.purge()
            except StoreError as error:
                log.warning("retention-later", code=error.code, reason=error.message)
            except OSError as error:
                log.warning("retention-later", code="files", reason=str(error))
            await asyncio.sleep(EVERY_S)

    async def purge(self) -> tuple[int, int]:
        """Forget everything that is due; how many recordings and how many calls. Raises
        StoreError, and OSError for a folder that cannot be read; what was not done is done the
        next time."""
        recordings = calls = 0
        if self._keeping.recordings_days is not None:
            recordings = await self._each_batch(self._keeping.recordings_days, whole=False)
        if self._keeping.calls_days is not None:
            before = self._now() - timedelta(days=self._keeping.calls_days)
            await self._store.write(delete_questions, before)
            calls = await self._each_batch(self._keeping.calls_days, whole=True)
        await asyncio.to_thread(self._sweep)
        self._is_untidy |= calls > 0
        if self._is_untidy and self._now().date() != self._tidied_on:
            await self._tidy_search()
        if recordings or calls:
            log.info("forgotten", recordings=recordings, calls=calls)
        return recordings, calls

    async def _each_batch(self, days: int, *, whole: bool) -> int:
        before, done = self._now() - timedelta(days=days), 0
        cursor: str | None = None
        while True:
            found = await self._database.read(
                calls_before, before, BATCH, recorded=not whole, cursor=cursor
            )
            # The files first: a name without a file is explained, a file without a name is lost.
            gone = await asyncio.to_thread(self._without_files, found.items)
            forget = delete_calls if whole else forget_recordings
            await self._store.write(forget, [call.id for call in gone])
            done += len(gone)
            cursor = found.next_cursor
            if cursor is None:
                return done
            await asyncio.sleep(PAUSE_S)

    async def _tidy_search(self) -> None:
        """Once a day: all of the index is written anew."""
        begin = True
        while await self._store.write(forget_words, begin=begin):
            begin = False
            await asyncio.sleep(PAUSE_S)
        self._is_untidy, self._tidied_on = False, self._now().date()

    def _sweep(self) -> None:
        """Sound that no call names goes by its age: messages from when they became tickets (those
        that still wait for that lie elsewhere), parts that could not be joined, what a lost
        database knew of. A call's own is never older than the call."""
        keeping = self._keeping
        days = [days for days in (keeping.recordings_days, keeping.calls_days) if days is not None]
        if not days:
            return
        before_s = (self._now() - timedelta(days=min(days))).timestamp()
        for path in self._recordings_dir.glob("*.wav"):
            if path.stat().st_mtime < before_s:
                _is_deleted(path)

    def _without_files(self, calls: Sequence[OldCall]) -> list[OldCall]:
        """Delete the files; the calls that have none any more. Others wait for the next time."""
        gone = []
        for call in calls:
            # Only files of this folder, whatever the database says.
            path = self._recordings_dir / Path(call.recording).name
            if not call.recording or _is_deleted(path):
                gone.append(call)
        return gone


def _is_deleted(path: Path) -> bool:
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        log.warning("retention-later", code="files", file=path.name, reason=error.strerror)
        return False
    return True
