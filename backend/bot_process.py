"""The bot as a child process: started, known to be ready, its heart watched, stopped."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import Any

import structlog

from backend.config import ROOT
from backend.core.errors import FrontdeskError

log = structlog.get_logger(__name__)

STOP_S = 10.0
"""A bot that has not stopped after this long is killed."""
BEAT_S = 1.0
STALLED_S = 10.0
"""A bot whose event loop has not run for this long serves nobody: it is killed, and its callers
go to the fallback like those of one that died by itself."""


class BotError(FrontdeskError):
    """The bot did not start."""

    code = "bot"


@dataclass(frozen=True, slots=True)
class Ready:
    """What the bot says once it takes calls."""

    url: str
    one_time_password: str | None
    notes: tuple[str, ...] = ()
    """Sentences worth showing: what fell back, and why."""


class BotProcess:
    """One `frontdesk serve` at a time.

    A process of its own, so that whoever watches it survives it, and can look after its callers.
    """

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment
        self._process: asyncio.subprocess.Process | None = None
        self._heart: asyncio.Task[None] | None = None

    async def start(self) -> Ready:
        """Returns once it takes calls. Raises BotError when it gave up (it has said why)."""
        reading, writing = os.pipe()
        try:
            self._process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "backend", "serve", "--ready-fd", str(writing)),
                cwd=ROOT,
                env=dict(self._environment),
                pass_fds=(writing,),
                # Ctrl-C in the terminal is for the supervisor, which stops things in order.
                start_new_session=True,
            )
        finally:
            os.close(writing)
        reader, transport = await _open(reading)
        line = await reader.readline()
        if not line:
            transport.close()
            await self._process.wait()
            raise BotError("The bot did not start.", fix="Its message is above.")
        self._heart = asyncio.create_task(_watch_heart(self._process, reader, transport))
        data: dict[str, Any] = json.loads(line)
        return Ready(data["url"], data["one_time_password"], tuple(data["notes"]))

    async def wait(self) -> int:
        """Returns its exit status once it has ended, by itself or killed as stalled."""
        if self._process is None:
            raise BotError("The bot has not been started.")
        return await self._process.wait()

    async def stop(self) -> None:
        """Let it finish politely, then insist. Safe at any time."""
        process = self._process
        if process is None:
            return
        if process.returncode is None:
            process.send_signal(signal.SIGTERM)
            try:
                async with asyncio.timeout(STOP_S):
                    await process.wait()
            except TimeoutError:
                process.kill()
                await process.wait()
        if self._heart is not None:
            await self._heart


class Heart:
    """The bot's end: says once that it is ready, then that it is alive, again and again."""

    def __init__(self, descriptor: int) -> None:
        self._pipe = os.fdopen(descriptor, "wb", buffering=0)

    async def beat(self, ready: Ready) -> None:
        """Until cancelled, or until nobody listens any more."""
        os.set_blocking(self._pipe.fileno(), False)
        with self._pipe, suppress(BrokenPipeError, BlockingIOError):
            self._pipe.write(json.dumps(asdict(ready)).encode() + b"\n")
            while True:
                await asyncio.sleep(BEAT_S)
                self._pipe.write(b"\n")


async def _watch_heart(
    process: asyncio.subprocess.Process,
    reader: asyncio.StreamReader,
    transport: asyncio.ReadTransport,
) -> None:
    """Kill the process when it falls silent without ending."""
    try:
        while True:
            async with asyncio.timeout(STALLED_S):
                if not await reader.readline():
                    return
    except TimeoutError:
        log.error("bot-stalled", pid=process.pid, silent_s=STALLED_S)
        with suppress(ProcessLookupError):
            process.kill()
    finally:
        transport.close()


async def _open(descriptor: int) -> tuple[asyncio.StreamReader, asyncio.ReadTransport]:
    reader = asyncio.StreamReader()
    transport, _ = await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(descriptor, "rb")
    )
    return reader, transport
