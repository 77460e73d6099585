"""Who may use an engine now: callers first, in the order they came; warming up in the gaps."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from backend.core.errors import EngineError


class BusyError(EngineError):
    """The engine works, but has too much to do for a caller who is waiting."""

    code = "engine-busy"


@dataclass(slots=True, eq=False)
class Urgency:
    """Whether a caller waits for this sentence. It may become true while the sentence queues:
    tell the gate with `Gate.reconsider`."""

    live: bool = True


@dataclass(slots=True, eq=False)
class _Waiting:
    urgency: Urgency
    granted: "asyncio.Future[None]"


class Gate:
    """A bounded number of sentences at once. Work that nobody waits for enters one at a time,
    and only while nothing else is running or a caller is waiting."""

    def __init__(self, slots: int) -> None:
        self._slots = slots
        self._running = 0
        self._queue: list[_Waiting] = []

    @asynccontextmanager
    async def slot(self, urgency: Urgency, wait_s: float) -> AsyncIterator[None]:
        """Hold a slot for the length of a `with` block.

        Raises BusyError when a live sentence has queued for `wait_s`; work that nobody waits
        for queues as long as it takes.
        """
        waiting = _Waiting(urgency, asyncio.get_running_loop().create_future())
        self._queue.append(waiting)
        self.reconsider()
        try:
            await self._granted(waiting, wait_s if urgency.live else None)
            yield
        finally:
            if waiting in self._queue:
                self._queue.remove(waiting)
            else:
                self._running -= 1
                self.reconsider()

    def reconsider(self) -> None:
        """Let in whoever may enter now."""
        while (waiting := self._next()) is not None:
            self._queue.remove(waiting)
            self._running += 1
            waiting.granted.set_result(None)

    async def _granted(self, waiting: _Waiting, wait_s: float | None) -> None:
        try:
            async with asyncio.timeout(wait_s):
                await waiting.granted
        except TimeoutError as error:
            raise BusyError(f"No voice was free within {wait_s} s.") from error

    def _next(self) -> _Waiting | None:
        if self._running >= self._slots:
            return None
        # A cancelled one stays in the queue until its task runs again.
        queue = [waiting for waiting in self._queue if not waiting.granted.done()]
        live = next((waiting for waiting in queue if waiting.urgency.live), None)
        if live is None and queue and not self._running:
            return queue[0]
        return live
