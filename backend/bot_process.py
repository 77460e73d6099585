"""The bot as a child process: started, known to be ready, watched, stopped."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from backend.config import ROOT
from backend.core.errors import FrontdeskError

STOP_S = 10.0
"""A bot that has not stopped after this long is killed."""


class BotError(FrontdeskError):
    """The bot did not start."""

    code = "bot"


@dataclass(frozen=True, slots=True)
class Ready:
    """What the bot says once it takes calls."""

    url: str
    one_time_password: str | None
    notes: tuple[str, ...] = ()
    """Sentences worth showing: engines in use, what fell back and why."""


class BotProcess:
    """One run of `frontdesk serve`.

    A process of its own, so that whoever watches it survives it, and can look after its callers.
    """

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> Ready:
        """Returns once it takes calls. Raises BotError when it gave up (it has said why)."""
        reading, writing = os.pipe()
        try:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "backend",
                "serve",
                "--ready-fd",
                str(writing),
                cwd=ROOT,
                env=dict(self._environment),
                pass_fds=(writing,),
                # Ctrl-C in the terminal is for the supervisor, which stops things in order.
                start_new_session=True,
            )
        finally:
            os.close(writing)
        line = await _read_line(reading)
        if not line:
            await self._process.wait()
            raise BotError("The bot did not start.", fix="Its message is above.")
        data: dict[str, Any] = json.loads(line)
        return Ready(data["url"], data["one_time_password"], tuple(data["notes"]))

    async def wait(self) -> int:
        """Returns its exit status once it has ended."""
        if self._process is None:
            raise BotError("The bot has not been started.")
        return await self._process.wait()

    async def stop(self) -> None:
        """Let it finish politely, then insist. Safe at any time."""
        process = self._process
        if process is None or process.returncode is not None:
            return
        process.send_signal(signal.SIGTERM)
        try:
            async with asyncio.timeout(STOP_S):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()


def write_ready(descriptor: int, ready: Ready) -> None:
    """The bot's side: tell the supervisor, once."""
    with os.fdopen(descriptor, "w", encoding="utf-8") as pipe:
        json.dump(
            {
                "url": ready.url,
                "one_time_password": ready.one_time_password,
                "notes": ready.notes,
            },
            pipe,
        )
        pipe.write("\n")


async def _read_line(descriptor: int) -> str:
    """The first line of a pipe; empty when the other end closed without one."""
    reader = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    transport, _ = await loop.connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(descriptor, "rb")
    )
    try:
        return (await reader.readline()).decode()
    finally:
        transport.close()
