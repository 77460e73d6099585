"""A worker process seen from the recogniser: started, spoken to, started again when it dies."""

import asyncio
import sys
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import structlog

from backend.asr.sphinx import wire
from backend.config import ROOT
from backend.core.errors import EngineError

log = structlog.get_logger(__name__)

LOAD_S = 15.0
RESTART_S = 0.5
"""Pause before a dead worker is started again, so that one that dies at once does not spin."""


@dataclass(frozen=True, slots=True)
class Result:
    """What a worker made of an utterance."""

    text: str
    confidence: float
    work_s: float


@dataclass(slots=True)
class _Stream:
    result: "asyncio.Future[Result]"
    """Of the newest question."""
    questions: int = 0
    partial: str = ""


@dataclass(slots=True)
class WorkerProcess:
    """One process; many utterances, of which so many are decoded while they are spoken."""

    decoders: int
    _process: asyncio.subprocess.Process | None = None
    _minder: "asyncio.Task[None] | None" = None
    _streams: dict[int, _Stream] = field(default_factory=dict)
    _folder: Path | None = None
    _loaded: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def streams(self) -> int:
        """Utterances in progress."""
        return len(self._streams)

    @property
    def is_alive(self) -> bool:
        """False from its death until it is started again."""
        return self._process is not None and self._process.returncode is None

    async def start(self) -> None:
        """Raises EngineError when the process cannot be started."""
        await self._spawn()
        self._minder = asyncio.create_task(self._mind())

    async def load(self, folder: Path) -> None:
        """Use the models in this folder from the next utterance on. Raises EngineError."""
        self._folder = folder
        self._loaded.clear()
        self._send_load(folder)
        try:
            async with asyncio.timeout(LOAD_S):
                await self._loaded.wait()
        except TimeoutError:
            raise EngineError("A PocketSphinx worker did not load its language model.") from None

    def open(self, number: int, search: str) -> None:
        """Begin an utterance. On a dead worker it fails when it is finished."""
        if not self.is_alive:
            return
        self._streams[number] = _Stream(asyncio.get_running_loop().create_future())
        self._send({"op": "open", "id": number, "search": search})

    def feed(self, number: int, samples: bytes) -> None:
        """More of it: 16 bit, 8 kHz."""
        if number in self._streams:
            self._send({"op": "feed", "id": number}, samples)

    async def peek(self, number: int) -> Result:
        """Its result if this was all of it. Raises EngineError when the worker died over it or
        before."""
        stream = self._streams.get(number)
        if stream is None:
            raise EngineError("A PocketSphinx worker died.")
        stream.result.cancel()
        stream.result = asyncio.get_running_loop().create_future()
        stream.questions += 1
        self._send({"op": "peek", "id": number, "question": stream.questions})
        return await stream.result

    def close(self, number: int) -> None:
        """Forget it."""
        stream = self._streams.pop(number, None)
        if stream is not None:
            stream.result.cancel()
            self._send({"op": "close", "id": number})

    def partial(self, number: int) -> str:
        """Its words so far."""
        stream = self._streams.get(number)
        return stream.partial if stream is not None else ""

    async def aclose(self) -> None:
        """End the process."""
        if self._minder is not None:
            self._minder.cancel()
            await asyncio.gather(self._minder, return_exceptions=True)
        if self._process is not None:
            with suppress(ProcessLookupError):
                self._process.kill()
            await self._process.wait()
        self._drop_streams()

    async def _spawn(self) -> None:
        try:
            self._process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "backend.asr.sphinx.worker"),
                cwd=ROOT,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.DEVNULL,
            )
        except OSError as error:
            raise EngineError(f"A PocketSphinx worker cannot be started: {error}.") from error

    async def _mind(self) -> None:
        """Take its messages; when it ends, fail what it was doing and start another."""
        while True:
            process = self._process
            if process is None or process.stdout is None:
                return
            with suppress(asyncio.IncompleteReadError, ValueError):
                while True:
                    self._on_message(*(await wire.read_async(process.stdout)))
            with suppress(ProcessLookupError):
                process.kill()
            status = await process.wait()
            log.error("recogniser-worker-ended", status=status, utterances=self.streams)
            self._drop_streams()
            await asyncio.sleep(RESTART_S)
            with suppress(EngineError):
                await self._spawn()
                if self._folder is not None:
                    self._send_load(self._folder)

    def _on_message(self, header: dict[str, object], _: bytes) -> None:
        if header["op"] == "loaded":
            if header["folder"] == str(self._folder):
                self._loaded.set()
            return
        stream = self._streams.get(int(str(header["id"])))
        if stream is None:
            return
        if header["op"] == "partial":
            stream.partial = str(header["text"])
        elif header["question"] == stream.questions and not stream.result.done():
            confidence, work_s = float(str(header["confidence"])), float(str(header["work_s"]))
            stream.result.set_result(Result(str(header["text"]), confidence, work_s))

    def _drop_streams(self) -> None:
        for stream in self._streams.values():
            if not stream.result.done():
                stream.result.set_exception(EngineError("A PocketSphinx worker died."))
                stream.result.exception()  # seen: nobody may be waiting for it
        self._streams.clear()

    def _send_load(self, folder: Path) -> None:
        self._send({"op": "load", "folder": str(folder), "decoders": self.decoders})

    def _send(self, header: dict[str, object], payload: bytes = b"") -> None:
        process = self._process
        if process is None or process.stdin is None or process.stdin.is_closing():
            return
        process.stdin.write(wire.pack(header, payload))
