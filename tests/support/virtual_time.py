"""An event loop whose clock jumps to the next timer: minutes of a call pass in milliseconds."""

import asyncio
import selectors
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


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


def run_virtually(test: Callable[[Callable[[], float]], Coroutine[Any, Any, T]]) -> T:
    """Run `test(clock)`; fails when it leaves a task behind."""
    loop = VirtualLoop()
    try:

        async def guarded() -> T:
            async with asyncio.timeout(3600):
                result = await test(loop.time)
            me = asyncio.current_task()
            left = [task for task in asyncio.all_tasks() if task is not me and not task.done()]
            assert not left, f"tasks left running: {left}"
            return result

        return loop.run_until_complete(guarded())
    finally:
        loop.close()
