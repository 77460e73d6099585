"""What calls use: tickets and events go in, customers come out, and nothing waits for a disk
that hangs."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, TypeVar

import structlog
from sqlalchemy.orm import Session

from backend.core.errors import StoreError
from backend.core.events import CallEvent
from backend.core.records import Customer, TicketDraft
from backend.db import projection
from backend.db.database import Database
from backend.db.errors import UnavailableError
from backend.db.operations import OpenTicket, RecordEvent
from backend.db.projection import Orphans, RecordingOf
from backend.db.queries.customers import find_customer
from backend.db.waiting import WaitingRoom
from backend.db.writer import Writer

log = structlog.get_logger(__name__)

OPEN_WAIT_S = 5.0
"""How long the start waits for the database before calls are answered without it."""
TICKET_WAIT_S = 1.0
"""The caller is waiting for the ticket's number: after this the outbox is as good."""
FIND_WAIT_S = 1.5
"""The caller is listening to silence."""
WRITE_WAIT_S = 10.0
CLOSE_WAIT_S = 5.0

P = ParamSpec("P")
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class StoreHealth:
    """How the store is doing, for `/health` and `doctor`."""

    is_up: bool
    message: str
    """Why it is down, and what to do; empty when up."""
    is_waiting: bool
    """Whether records wait in the outbox or in memory."""


def _utc_now() -> datetime:
    return datetime.now(UTC)


def _seen(future: asyncio.Future[Any]) -> None:
    """Whoever waited may have gone: a failure is then nobody's surprise."""
    if not future.cancelled():
        future.exception()


def _no_recording(_call_id: str) -> str:
    return ""


class Store:
    """The database as calls see it. Writes happen on one thread, in the order they were given.

    While the database cannot be used, writes wait in `<data_dir>/outbox.jsonl` (see `outbox`) and
    are carried out when it is back, or at the next start. Made by `Store.open`.
    """

    def __init__(
        self,
        database: Database,
        waiting: WaitingRoom,
        writer: Writer,
        now: Callable[[], datetime],
        zone: tzinfo,
    ) -> None:
        self._database = database
        self._waiting = waiting
        self._writer = writer
        self._now = now
        self._zone = zone
        self._rescuers = ThreadPoolExecutor(2, thread_name_prefix="db-rescue")
        self._is_closed = False

    @classmethod
    async def open(
        cls,
        database: Database,
        data_dir: Path,
        *,
        warn: Callable[[str, str], None] | None = None,
        now: Callable[[], datetime] = _utc_now,
        zone: tzinfo = UTC,
    ) -> "Store":
        """Bring the tables up to date, store what waits in the outbox, and be ready for calls.

        Never raises: a database that cannot be used is told to `warn` and tried again and again.
        `warn(code, message)` is called on the event loop whenever something falls back or
        recovers. `zone` says whose days the daily analytics are about.
        """
        told = _OnLoop(asyncio.get_running_loop(), warn)
        waiting = await asyncio.to_thread(WaitingRoom, data_dir, told)
        writer = Writer(database.engine, waiting, told, zone)
        writer.start()
        await asyncio.to_thread(writer.has_tried.wait, OPEN_WAIT_S)
        return cls(database, waiting, writer, now, zone)

    def record(self, event: CallEvent) -> None:
        """Store an event, and what follows from it, some time soon. Returns at once."""
        if self._is_closed:
            log.warning("event-after-close", call_id=event.call_id, type=event.type)
            return
        self._writer.record(RecordEvent(event, self._waiting.identity.bot))

    async def open_ticket(self, draft: TicketDraft, call_id: str | None) -> None:
        """Store a ticket; on return it is committed, or in the outbox and synced to the disk.

        Storing the same draft for the same call again changes nothing. Being cancelled does not
        undo it. Raises StoreError when neither database nor outbox can be written.
        """
        self._check_open()
        operation = OpenTicket(draft, call_id, self._now())
        stored = asyncio.wrap_future(self._writer.submit(operation))
        stored.add_done_callback(_seen)
        try:
            async with asyncio.timeout(TICKET_WAIT_S):
                await asyncio.shield(stored)
        except TimeoutError:
            # The database neither answers nor refuses. Should it store the ticket after all, the
            # outbox's copy changes nothing.
            loop = asyncio.get_running_loop()
            await loop.run_in_executor(self._rescuers, self._waiting.put, [operation])
            self._writer.mark()

    async def find(self, customer_number: str) -> Customer | None:
        """The customer with exactly this number, or None. Raises StoreError when unreachable."""
        try:
            async with asyncio.timeout(FIND_WAIT_S):
                return await self._database.read(find_customer, customer_number)
        except TimeoutError as error:
            raise UnavailableError(f"{self._database.place} is too slow for a caller.") from error

    async def write(
        self, work: Callable[Concatenate[Session, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Run `work(session, …)` (one of `queries` that changes something) in a transaction.

        On return it is committed. Raises what `work` raises, and UnavailableError when the
        database is down or busy.
        """
        self._check_open()
        job = self._writer.work(lambda session: work(session, *args, **kwargs))
        try:
            async with asyncio.timeout(WRITE_WAIT_S):
                result: T = await asyncio.wrap_future(job)
                return result
        except TimeoutError as error:
            raise UnavailableError(
                f"{self._database.place} is too busy"
                + (
                    ": nothing was changed."
                    if job.cancelled()
                    else "; the change may still happen."
                ),
                fix="Try again in a minute.",
            ) from error

    async def close_interrupted(self, recording_of: RecordingOf = _no_recording) -> int:
        """Close the calls that a bot with our data folder left open when it died; how many.

        Call it once, at start. Each ends as INTERRUPTED at the last moment known of it.
        `recording_of(call_id)` names the recording to keep with it, or is empty. When the
        database is down this is done as soon as it is back, and the answer is 0.
        """
        orphans = Orphans(self._waiting.predecessors, self._waiting.identity.bot, self._now())

        def work(session: Session) -> int:
            return projection.close_interrupted(session, orphans, recording_of, self._zone)

        job = asyncio.wrap_future(self._writer.work(work, can_wait=True))
        job.add_done_callback(_seen)
        try:
            async with asyncio.timeout(OPEN_WAIT_S):
                return await asyncio.shield(job) or 0
        except TimeoutError:
            return 0

    async def flush(self) -> None:
        """Return when everything given so far is committed or waits in the outbox."""
        await asyncio.wrap_future(self._writer.mark())

    @property
    def health(self) -> StoreHealth:
        """How the store is doing at this moment."""
        outage = self._writer.outage
        return StoreHealth(outage is None, str(outage or ""), not self._waiting.is_empty)

    async def aclose(self) -> None:
        """Store what was given and stop. Calls must have ended. Safe to call again."""
        if self._is_closed:
            return
        self._is_closed = True
        if await asyncio.to_thread(self._writer.stop, CLOSE_WAIT_S):
            await asyncio.to_thread(self._waiting.close)
        else:
            log.error("database-hangs", waited_s=CLOSE_WAIT_S)
        self._rescuers.shutdown(wait=False)

    def _check_open(self) -> None:
        if self._is_closed:
            raise StoreError("The store is closed: Frontdesk is stopping.")


class _OnLoop:
    """Calls `warn` on the event loop, whatever thread the news comes from."""

    def __init__(
        self, loop: asyncio.AbstractEventLoop, warn: Callable[[str, str], None] | None
    ) -> None:
        self._loop = loop
        self._warn = warn

    def __call__(self, code: str, message: str) -> None:
        log.warning(code, message=message)
        if self._warn is not None:
            with suppress(RuntimeError):  # the loop is closed: nobody is left to tell
                self._loop.call_soon_threadsafe(self._warn, code, message)
