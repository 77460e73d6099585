"""The one thread that writes to the database, and what it does when the database is down."""

import queue
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass
from datetime import tzinfo
from itertools import groupby
from typing import Any

import structlog
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from backend.core.errors import FrontdeskError, StoreError
from backend.core.events import EventType
from backend.db import projection
from backend.db.counting import is_behind, rebuild
from backend.db.engine import WRITE, WRITE_DURABLY, WRITING
from backend.db.errors import UnavailableError
from backend.db.migrate import upgrade_engine
from backend.db.operations import OpenTicket, Operation, RecordEvent
from backend.db.trouble import explain, log_mistake
from backend.db.waiting import WaitingRoom, Warn

log = structlog.get_logger(__name__)

GATHER_S = 0.2
"""Events wait this long for others to share a transaction with, unless somebody waits for them or
the call is over. It is the most that kill -9 can take from a transcript; a transaction costs as
much as twenty events in it."""
MOST_AT_ONCE = 500
FIRST_RETRY_S = 1.0
LONGEST_RETRY_S = 30.0

Work = Callable[[Session], Any]
Failures = dict[int, StoreError]
"""Which of some operations were refused for good, by their place among them."""


@dataclass(frozen=True, slots=True)
class _Item:
    """One thing to do. With neither operation nor work it only marks a place in the queue."""

    operation: Operation | None = None
    work: Work | None = None
    can_wait: bool = False
    """Work that is done when the database is back, instead of being refused."""
    future: Future[Any] | None = None

    @property
    def is_urgent(self) -> bool:
        """Whether somebody waits for it, or will look for it at once."""
        operation = self.operation
        is_end = isinstance(operation, RecordEvent) and operation.event.type is EventType.CALL_ENDED
        return is_end or self.future is not None


class Writer:
    """Carries operations and work out in the order given, several in a transaction."""

    def __init__(self, engine: Engine, waiting: WaitingRoom, warn: Warn, zone: tzinfo) -> None:
        self._engines = {
            mode: engine.execution_options(**{WRITING: mode}) for mode in (WRITE, WRITE_DURABLY)
        }
        self._engine = engine
        self._waiting = waiting
        self._warn = warn
        self._zone = zone
        self._queue: queue.SimpleQueue[_Item | None] = queue.SimpleQueue()
        self._in_hand: list[Operation] = []
        self._postponed: list[Work] = []
        self._outage: StoreError | None = UnavailableError("The database is not open yet.")
        self._is_told = False
        self._retry_delay_s = FIRST_RETRY_S
        self._retry_at_s = 0.0
        self._thread = threading.Thread(target=self._run, name="db-writer", daemon=True)
        self.has_tried = threading.Event()
        """Set once the database has been opened, or could not be."""

    @property
    def outage(self) -> StoreError | None:
        """Why the database is not used at the moment; None when it is."""
        return self._outage

    def start(self) -> None:
        """Open the database, bring its tables up to date, store what waited, then go on."""
        self._thread.start()

    def stop(self, timeout_s: float) -> bool:
        """Finish what was given.

        False when the database hangs for longer than `timeout_s`: what is left then waits in the
        outbox.
        """
        self._queue.put(None)
        self._thread.join(timeout_s)
        if not self._thread.is_alive():
            return True
        with suppress(StoreError):  # there is nobody left to tell
            self._waiting.put([*self._in_hand, *self._unfinished()])
        self._queue.put(None)
        return False

    def _unfinished(self) -> list[Operation]:
        left = []
        with suppress(queue.Empty):
            while True:
                item = self._queue.get_nowait()
                if item is not None and item.operation is not None:
                    left.append(item.operation)
        return left

    def record(self, operation: Operation) -> None:
        """Do it some time soon. Returns at once."""
        self._queue.put(_Item(operation))

    def submit(self, operation: Operation) -> Future[None]:
        """Do it now. Done when committed, or safe in the outbox; else raises StoreError."""
        future: Future[None] = Future()
        self._queue.put(_Item(operation, future=future))
        return future

    def work(self, work: Work, *, can_wait: bool = False) -> Future[Any]:
        """Run `work` in a transaction of its own; the future has its result.

        While the database is down it fails with UnavailableError; or, when it `can_wait`, is
        done later and the result is None.
        """
        future: Future[Any] = Future()
        self._queue.put(_Item(work=work, can_wait=can_wait, future=future))
        return future

    def mark(self) -> Future[None]:
        """Done when everything given before is committed or waits. Also wakes the thread."""
        future: Future[None] = Future()
        self._queue.put(_Item(future=future))
        return future

    # --- the thread -----------------------------------------------------------------------

    def _run(self) -> None:
        self._try_database()
        self.has_tried.set()
        is_open = True
        while is_open:
            items, is_open = self._next()
            try:
                self._handle(items)
            except Exception as error:
                log.exception("db-writer-failed")
                for item in items:
                    if item.future is not None and not item.future.done():
                        item.future.set_exception(error)
            is_due = self._outage is not None and time.monotonic() >= self._retry_at_s
            if is_due or (self._outage is None and not self._waiting.is_empty):
                self._try_database()

    def _next(self) -> tuple[list[_Item], bool]:
        """What to do next, possibly nothing; and whether more may come."""
        items: list[_Item] = []
        until_s = self._retry_at_s if self._outage is not None else None
        while len(items) < MOST_AT_ONCE:
            try:
                item = self._queue.get(timeout=_left_s(until_s))
            except queue.Empty:
                break
            if item is None:
                return items, False
            items.append(item)
            if item.is_urgent:
                until_s = 0.0
            elif len(items) == 1:
                until_s = time.monotonic() + GATHER_S
        return items, True

    def _handle(self, items: Sequence[_Item]) -> None:
        for is_operation, run in groupby(items, lambda item: item.operation is not None):
            if is_operation:
                self._store(list(run))
            else:
                for item in run:
                    self._do(item)

    def _store(self, items: Sequence[_Item]) -> None:
        operations = [item.operation for item in items if item.operation is not None]
        self._in_hand = operations
        failures: Failures = {}
        if self._outage is None:
            try:
                failures = self._commit(operations)
            except UnavailableError as error:
                self._down(error)
        if self._outage is not None:
            failures = self._put_aside(operations, self._outage)
        for number, item in enumerate(items):
            _resolve(item.future, failures.get(number))
        self._in_hand = []

    def _commit(self, operations: Sequence[Operation]) -> Failures:
        """Store all in one transaction; one by one when one of them spoils it.

        Raises UnavailableError, and then nothing may be assumed stored.
        """
        durably = any(isinstance(operation, OpenTicket) for operation in operations)
        try:
            self._transaction(lambda session: self._apply(session, operations), durably=durably)
        except UnavailableError:
            raise
        except StoreError as error:
            if len(operations) > 1:
                return self._commit_singly(operations)
            return self._commit_again(operations[0], error)
        return {}

    def _commit_singly(self, operations: Sequence[Operation]) -> Failures:
        failures: Failures = {}
        for number, operation in enumerate(operations):
            if failed := self._commit([operation]):
                failures[number] = failed[0]
        return failures

    def _commit_again(self, operation: Operation, error: StoreError) -> Failures:
        """Another bot may have made the same row just then: the second time that is known."""
        try:
            self._transaction(lambda session: self._apply(session, [operation]), durably=True)
        except UnavailableError:
            raise
        except StoreError:
            self._waiting.refuse(operation, str(error))
            return {0: error}
        return {}

    def _apply(self, session: Session, operations: Sequence[Operation]) -> None:
        projection.apply(session, operations, self._zone)

    def _put_aside(self, operations: Sequence[Operation], outage: StoreError) -> Failures:
        try:
            self._waiting.put(operations)
        except StoreError as error:
            return {
                number: StoreError(
                    f"Ticket {operation.draft.number} could not be stored. {outage} {error}",
                    fix="It is kept in memory and stored if the database comes back in time.",
                )
                for number, operation in enumerate(operations)
                if isinstance(operation, OpenTicket)
            }
        return {}

    def _do(self, item: _Item) -> None:
        future = item.future
        if future is None or not future.set_running_or_notify_cancel():
            return
        if item.work is None:
            future.set_result(None)
            return
        if self._outage is None:
            try:
                future.set_result(self._transaction(item.work))
            except UnavailableError as error:
                self._down(error)
            except FrontdeskError as error:
                log_mistake(error)
                future.set_exception(error)
        if self._outage is None:
            return
        if item.can_wait:
            self._postponed.append(item.work)
            future.set_result(None)
        else:
            future.set_exception(UnavailableError(self._outage.message, fix=self._outage.fix))

    def _transaction(self, work: Work, *, durably: bool = False) -> Any:
        engine = self._engines[WRITE_DURABLY if durably else WRITE]
        try:
            with Session(engine) as session, session.begin():
                return work(session)
        except FrontdeskError:
            raise
        except Exception as error:
            raise explain(error, self._engine.url) from error

    # --- the database's troubles ----------------------------------------------------------

    def _try_database(self) -> None:
        try:
            upgrade_engine(self._engine)
            self._transaction(self._catch_up)
            self._waiting.replay(self._commit)
            while self._postponed:
                self._transaction(self._postponed[0])
                self._postponed.pop(0)
        except Exception as error:
            log_mistake(error)
            self._down(explain(error, self._engine.url))
            return
        self._outage = None
        if self._is_told:
            self._is_told = False
            self._warn("store-back", "The database is back; everything that waited is stored.")

    def _catch_up(self, session: Session) -> None:
        if is_behind(session):
            log.info("sums-rebuilt", reason="they were kept by an earlier version")
            rebuild(session, self._zone)

    def _down(self, error: StoreError) -> None:
        self._outage = error
        if self._is_told:
            self._retry_delay_s = min(self._retry_delay_s * 2, LONGEST_RETRY_S)
        else:
            self._is_told = True
            self._retry_delay_s = FIRST_RETRY_S
            self._warn("store-down", f"{error} Calls go on; their records wait in the outbox.")
        self._retry_at_s = time.monotonic() + self._retry_delay_s
        # The file may be replaced, the server restarted: old connections must not linger.
        self._engine.dispose()


def _resolve(future: Future[Any] | None, error: StoreError | None) -> None:
    if future is None or not future.set_running_or_notify_cancel():
        return
    if error is None:
        future.set_result(None)
    else:
        future.set_exception(error)


def _left_s(until_s: float | None) -> float | None:
    return None if until_s is None else max(0.0, until_s - time.monotonic())
