"""Handing out recordings: whole or in ranges, so that a player can jump."""

import asyncio
import os
import stat
from dataclasses import dataclass
from datetime import datetime, timedelta
from http import HTTPStatus
from pathlib import Path

from fastapi.responses import FileResponse

from backend.api.errors import ApiError
from backend.db.queries.calls import CallRecord

WRITTEN_WITHIN = timedelta(minutes=1)
"""Asterisk's two files are joined seconds after a call has ended."""


@dataclass(frozen=True, slots=True)
class RecordingState:
    """Whether a call's recording can be listened to."""

    there: bool
    why_not: str = ""


class RecordingFiles:
    """The folder with the recordings. Never blocks the event loop."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def state(self, call: CallRecord, now: datetime) -> RecordingState:
        """Whether the recording is there; else why not, for a person."""
        if call.ended_at is None:
            return RecordingState(False, "The recording is ready when the call has ended.")
        if not call.recording:
            return RecordingState(
                False, "This call was not recorded, or its recording has been kept long enough."
            )
        found = await asyncio.to_thread(self._find, call.recording)
        if found is None:
            if now - call.ended_at < WRITTEN_WITHIN:
                return RecordingState(False, "The recording is still being written.")
            return RecordingState(
                False,
                f"The recording ({call.recording}) was deleted from the disk. "
                "What was said is kept below, as text.",
            )
        return RecordingState(True)

    async def answer(self, call: CallRecord, now: datetime, *, as_download: bool) -> FileResponse:
        """The recording itself, in the ranges asked for. Raises ApiError (404)."""
        path, status = await self.file(call, now)
        return FileResponse(
            path,
            media_type="audio/wav",
            filename=f"{call.id}.wav",
            content_disposition_type="attachment" if as_download else "inline",
            stat_result=status,
            # May be kept by the browser that played it, but is asked for again each time.
            headers={"cache-control": "private, no-cache"},
        )

    async def file(self, call: CallRecord, now: datetime) -> tuple[Path, os.stat_result]:
        """Where the recording is. Raises ApiError (404)."""
        state = await self.state(call, now)
        found = await asyncio.to_thread(self._find, call.recording) if state.there else None
        if found is None:
            raise ApiError(
                HTTPStatus.NOT_FOUND,
                "no-recording",
                f"There is no recording of call {call.id}.",
                fix=state.why_not,
            )
        return found

    def _find(self, name: str) -> tuple[Path, os.stat_result] | None:
        folder = self._folder.resolve()
        path = (folder / name).resolve()
        if path.parent != folder:
            return None
        try:
            status = path.stat()
        except (OSError, ValueError):
            return None
        return (path, status) if stat.S_ISREG(status.st_mode) else None
