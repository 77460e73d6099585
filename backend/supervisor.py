"""Keeps a PBX and a bot running: starts both, restarts what dies, looks after its callers."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Protocol

import structlog

from backend.bot_process import BotProcess, Ready
from backend.core.errors import FrontdeskError

log = structlog.get_logger(__name__)

RESTART_S = (0.1, 0.5, 1.0, 2.0, 5.0, 10.0)
"""Waits before the first, second, … restart in a row."""
STEADY_S = 60.0
"""Who has run this long has started well: the next restart is the first in a row again."""


class Pbx(Protocol):
    """The project's own PBX."""

    async def start(self) -> None:
        """Return when SIP calls are answered. Raises PbxError."""

    async def stop(self) -> None:
        """End it. Safe at any time."""

    async def wait(self) -> int:
        """Returns once it has exited."""


Rescue = Callable[[], Awaitable[int]]
"""Sends the calls of a dead bot to the fallback; returns how many."""


class Supervisor:
    """One bot and, when it is ours, one PBX.

    The bot is a separate process so that its death leaves somebody who moves its callers to the
    fallback at once, instead of when Asterisk next looks at the dead connection.
    """

    def __init__(
        self,
        bot: BotProcess,
        pbx: Pbx | None,
        rescue: Rescue | None,
        tell: Callable[[str], object],
    ) -> None:
        self._bot = bot
        self._pbx = pbx
        self._rescue = rescue
        self._tell = tell
        self._stack = AsyncExitStack()

    async def start(self) -> Ready:
        """Both up and taking calls. Raises FrontdeskError; nothing is left running then."""
        try:
            if self._pbx is not None:
                self._stack.push_async_callback(self._pbx.stop)
            self._stack.push_async_callback(self._bot.stop)
            async with asyncio.TaskGroup() as group:
                bot = group.create_task(self._bot.start())
                if self._pbx is not None:
                    group.create_task(self._pbx.start())
        except BaseExceptionGroup as group_error:
            await self.stop()
            raise group_error.exceptions[0] from None
        except FrontdeskError:
            await self.stop()
            raise
        return bot.result()

    async def run(self) -> None:
        """Watch until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._watch("bot", self._bot.wait, self._restart_bot))
            if self._pbx is not None:
                group.create_task(self._watch("PBX", self._pbx.wait, self._pbx.start))

    async def stop(self) -> None:
        """The bot first, so that calls end politely; then the PBX."""
        await self._stack.aclose()

    async def _restart_bot(self) -> None:
        await self._bot.start()

    async def _watch(
        self,
        name: str,
        wait: Callable[[], Awaitable[int]],
        restart: Callable[[], Awaitable[None]],
    ) -> None:
        failures = 0
        while True:
            started_at_s = time.monotonic()
            status = await wait()
            if name == "bot":
                await self._look_after_callers()
            steady = time.monotonic() - started_at_s >= STEADY_S
            failures = 0 if steady else failures + 1
            log.error("process-ended", process=name, status=status, failures=failures)
            self._tell(f"The {name} has ended (status {status}); starting it again.")
            await self._retry(restart, failures)

    async def _retry(self, restart: Callable[[], Awaitable[None]], failures: int) -> None:
        while True:
            await asyncio.sleep(RESTART_S[min(max(failures - 1, 0), len(RESTART_S) - 1)])
            try:
                await restart()
            except FrontdeskError as error:
                failures += 1
                log.error("restart-failed", code=error.code, reason=error.message)
                self._tell(str(error))
            else:
                return

    async def _look_after_callers(self) -> None:
        if self._rescue is None:
            return
        try:
            rescued = await self._rescue()
        except FrontdeskError as error:
            log.error("rescue-failed", code=error.code, reason=error.message)
            return
        if rescued:
            self._tell(f"{rescued} caller(s) were sent to the fallback message.")
