"""Runs a test's coroutine and fails when it leaves a task behind."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


def run(coroutine: Coroutine[Any, Any, T], timeout_s: float = 60) -> T:
    """Like asyncio.run, with an upper bound and no leaked tasks."""

    async def guarded() -> T:
        async with asyncio.timeout(timeout_s):
            result = await coroutine
        await asyncio.sleep(0)
        me = asyncio.current_task()
        left = [task for task in asyncio.all_tasks() if task is not me and not task.done()]
        assert not left, f"tasks left running: {left}"
        return result

    return asyncio.run(guarded())


async def until(condition: Callable[[], bool], timeout_s: float = 10) -> None:
    """Wait for something another process does; fails when it does not."""
    async with asyncio.timeout(timeout_s):
        while not condition():  # noqa: ASYNC110 - the other process has no event for us
            await asyncio.sleep(0.02)
