"""An event loop on which waiting takes no time and seconds are exact."""

import asyncio
import selectors
from collections.abc import Coroutine
from typing import Any, TypeVar
from unittest import mock

T = TypeVar("T")


class _Jumping(selectors.SelectSelector):
    """Where a loop would wait for the next timer, time jumps there."""

    def __init__(self) -> None:
        super().__init__()
        self.now_s = 1000.0

    def select(self, timeout: float | None = None) -> list[Any]:
        found = super().select(0)
        if not found:
            if timeout is None:
                raise RuntimeError("everybody waits for somebody else, for ever")
            self.now_s += timeout
        return found


class _VirtualLoop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        self._jumping = _Jumping()
        super().__init__(self._jumping)

    def time(self) -> float:
        return self._jumping.now_s


def run_virtual(scenario: Coroutine[Any, Any, T]) -> T:
    """Run it in virtual time, `time.monotonic()` included; fails when it leaves a task behind."""

    async def guarded() -> T:
        result = await scenario
        await asyncio.sleep(0)
        left = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        assert not left, f"tasks left running: {left}"
        return result

    loop = _VirtualLoop()
    try:
        with mock.patch("time.monotonic", loop.time):
            return loop.run_until_complete(guarded())
    finally:
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.close()
