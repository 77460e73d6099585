"""Where operations wait while the database cannot take them: in the outbox, else in memory."""

import json
import secrets
import threading
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path

import structlog

from backend.core.errors import StoreError
from backend.db.operations import OpenTicket, Operation, from_line, to_line
from backend.db.outbox import Identity, Outbox, claim, identify

log = structlog.get_logger(__name__)

Commit = Callable[[Sequence[Operation]], object]
Warn = Callable[[str, str], None]
"""Told a code and a sentence when something fell back to its next rung."""

MOST_IN_MEMORY = 50_000
"""About 50 MB, a few hours of a busy day with the disk full as well."""
_LINES_AT_ONCE = 200


class WaitingRoom:
    """Keeps operations in order and safe. May be used from several threads."""

    def __init__(self, data_dir: Path, warn: Warn) -> None:
        """Never raises: without a folder to write to, operations wait in memory."""
        self._refused_path = data_dir / "outbox-refused.jsonl"
        self._warn = warn
        self._lock = threading.RLock()
        self._memory: deque[Operation] = deque()
        self._lost = 0
        self._outboxes: list[Outbox] = []
        self.identity = Identity("unknown", 0, secrets.token_hex(4))
        try:
            self._outboxes = claim(data_dir)
            self.identity = identify(data_dir, self._outboxes[0].number)
        except StoreError as error:
            warn("outbox", f"{error} While the database is down, records wait in memory only.")
        self.predecessors = [
            replace(self.identity, outbox=box.number).any_run for box in self._outboxes
        ]
        """Bots that had our outboxes before us, as in `Identity.any_run`: they are dead."""

    @property
    def is_empty(self) -> bool:
        """Whether nothing waits."""
        return not self._memory and all(box.is_empty for box in self._outboxes)

    def put(self, operations: Sequence[Operation]) -> None:
        """Keep operations until `replay`. On return tickets among them survive a power cut.

        Raises StoreError when they could only be kept in memory.
        """
        with self._lock:
            waiting = [*self._memory, *operations]
            try:
                self._write(waiting)
            except StoreError:
                self._remember(operations)
                raise
            self._memory.clear()

    def _write(self, operations: Sequence[Operation]) -> None:
        if not self._outboxes:
            raise StoreError("There is no outbox.")
        durable = any(isinstance(operation, OpenTicket) for operation in operations)
        self._outboxes[0].append([to_line(operation) for operation in operations], durable=durable)

    def _remember(self, operations: Iterable[Operation]) -> None:
        for operation in operations:
            if len(self._memory) < MOST_IN_MEMORY or isinstance(operation, OpenTicket):
                self._memory.append(operation)
                continue
            if self._lost == 0:
                self._warn("records-lost", "Neither database nor disk nor memory take any more.")
            self._lost += 1

    def replay(self, commit: Commit) -> None:
        """Hand everything that waits to `commit`, in order, and forget what it returned from.

        Whatever `commit` or the disk raises comes through; what was not committed stays.
        """
        for outbox in self._outboxes:
            self._replay_outbox(outbox, commit)
        while True:
            with self._lock:
                batch = list(islice(self._memory, _LINES_AT_ONCE))
            if not batch:
                return
            commit(batch)
            with self._lock:
                for operation in batch:
                    # `put` may have moved them into the outbox meanwhile.
                    if self._memory and self._memory[0] is operation:
                        self._memory.popleft()

    def _replay_outbox(self, outbox: Outbox, commit: Commit) -> None:
        offset = replayed = 0
        while not outbox.clear(offset):
            lines, offset = outbox.read(offset, _LINES_AT_ONCE)
            operations = [op for line in lines if (op := self._parse(line)) is not None]
            commit(operations)
            replayed += len(operations)
        if replayed:
            log.info("outbox-replayed", outbox=outbox.path.name, operations=replayed)

    def _parse(self, line: str) -> Operation | None:
        try:
            return from_line(line) if line else None
        except ValueError as error:
            self._set_aside(line, str(error))
            return None

    def refuse(self, operation: Operation, reason: str) -> None:
        """The database will never take this one: keep it for a person to look at."""
        self._set_aside(to_line(operation), reason)

    def _set_aside(self, line: str, reason: str) -> None:
        kept = f"It is kept in {self._refused_path}."
        try:
            with self._refused_path.open("a", encoding="utf-8") as file:
                file.write(json.dumps({"reason": reason, "line": line}) + "\n")
            self._refused_path.chmod(0o600)
        except OSError as error:
            kept = f"It is lost: {error.strerror}."
        self._warn("record-refused", f"A record cannot be stored: {reason}. {kept}")

    def close(self) -> None:
        """Save what is in memory if that is possible by now, and let go of the files."""
        with self._lock:
            if self._memory:
                try:
                    self.put([])
                except StoreError as error:
                    log.error("records-lost", operations=len(self._memory), reason=str(error))
            for outbox in self._outboxes:
                outbox.close()
            self._outboxes.clear()
