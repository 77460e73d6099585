"""An event loop whose clock jumps to the next timer: minutes of a call pass in milliseconds."""

import asyncio
import selectors
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar
from unittest import mock

T = TypeVar("T")
Clock = Callable[[], float]

LONGEST_S = 3600.0
"""What has not ended after an hour of virtual time never will."""


def run_virtually(scenario: Coroutine[Any, Any, T]) -> T:
    """Run it in virtual time, `time.monotonic()` included; fails when it leaves a task behind."""

    async def guarded() -> T:
        async with asyncio.timeout(LONGEST_S):
            result = await scenario
        for _ in range(3):  # a generator that was left half-way is closed by a task of the loop's
            await asyncio.sleep(0)
        me = asyncio.current_task()
        left = [task for task in asyncio.all_tasks() if task is not me and not task.done()]
        assert not left, f"tasks left running: {left}"
        return result

    loop = VirtualLoop()
    try:
        with mock.patch("time.monotonic", loop.time):
            return loop.run_until_complete(guarded())
    finally:
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.close()


def run_with_clock(test: Callable[[Clock], Coroutine[Any, Any, T]]) -> T:
    """`run_virtually` for what is handed its clock: runs `test(clock)`."""

    async def scenario() -> T:
        return await test(asyncio.get_running_loop().time)

    return run_virtually(scenario())


class VirtualLoop(asyncio.SelectorEventLoop):
    """Time stands still while anything is ready to run. No threads, no sockets."""

    def __init__(self) -> None:
        self._now_s = 1000.0
        super().__init__(_Impatient(self))

    def time(self) -> float:
        return self._now_s

    def advance(self, seconds: float) -> None:
        self._now_s += seconds


class _Impatient(selectors.DefaultSelector):
    def __init__(self, loop: VirtualLoop) -> None:
        super().__init__()
        self._loop = loop

    def select(self, timeout: float | None = None) -> Any:
        assert timeout is not None, "everybody waits for something that never happens"
        events = super().select(0)
        if not events and timeout > 0:
            self._loop.advance(timeout)
        return events
