"""Piper: neural voices on the CPU. It runs in a process of its own (see `piper_worker`)."""

import asyncio
import contextlib
import importlib.util
import itertools
import sys
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import numpy as np
import structlog

from backend.audio.pcm import Pcm
from backend.core.errors import EngineError
from backend.tts.piper_protocol import HEADER, Frame, FrameError, Kind, decode_header
from backend.tts.shape import Shaper

log = structlog.get_logger(__name__)

LOAD_TIMEOUT_S = 60.0
"""A large voice from a cold disk takes about ten seconds."""
STOP_TIMEOUT_S = 2.0

_ROOT = Path(__file__).resolve().parents[2]
_COMPLAINT_BYTES = 2000


def find_voice(voice: str, folder: Path, language: str = "en") -> Path | None:
    """The model of a voice: the path of an `.onnx` file, or the name of one in `folder`.

    An empty name is the first voice of `language` there. Its `.onnx.json` must lie beside it.
    """
    named = Path(voice).expanduser()
    if not voice:
        candidates = sorted(folder.glob(f"{language}[_-]*.onnx")) + sorted(folder.glob("*.onnx"))
    elif named.suffix == ".onnx":
        candidates = [named, folder / named.name]
    else:
        candidates = [folder / f"{voice}.onnx"]
    return next((path for path in candidates if _is_complete(path)), None)


def is_installed() -> bool:
    """Whether the piper-tts package is there. Does not import it."""
    return importlib.util.find_spec("piper") is not None


def _is_complete(model: Path) -> bool:
    return model.is_file() and Path(f"{model}.json").is_file()


class Piper:
    """Speaks with one voice.

    Loading takes a second or more, so `speak` never waits for it: while the process is being
    started, the first time or because it has died, it raises and another engine can speak.
    """

    def __init__(self, model: Path, *, command: Sequence[str] = ()) -> None:
        """`command` starts a worker and gets the model's path appended; empty is our own."""
        self._model = model.resolve()
        self._command = (*(command or _worker_command()), str(self._model))
        self._worker: _Worker | None = None
        self._launching: asyncio.Task[None] | None = None

    @property
    def name(self) -> str:
        """`piper:` and the voice."""
        return f"piper:{self._model.stem}"

    async def start(self) -> None:
        """Load the voice. Raises EngineError, with the worker's own words where it had any."""
        if not _is_complete(self._model):
            raise EngineError(
                f"The Piper voice {self._model} is not complete.",
                fix="Both the .onnx and the .onnx.json file are needed: `frontdesk models`.",
            )
        if self._worker is None or not self._worker.is_alive:
            await asyncio.shield(self._launch())

    async def speak(self, text: str, rate_hz: int) -> AsyncIterator[Pcm]:
        """Chunks as Piper makes them, one for each sentence in `text`."""
        worker = self._worker
        if worker is None or not worker.is_alive:
            self._launch()
            raise EngineError(f"Piper's voice {self._model.stem} is still being loaded.")
        shaper = Shaper(worker.rate_hz, rate_hz)
        request = worker.speak(text)
        try:
            while (payload := await request.next_payload()) is not None:
                pcm = await asyncio.to_thread(shaper.feed, np.frombuffer(payload, dtype="<i2"))
                if len(pcm):
                    yield pcm
            yield shaper.finish()
        finally:
            request.close()

    async def aclose(self) -> None:
        """End the process."""
        if self._launching is not None:
            self._launching.cancel()
            await asyncio.gather(self._launching, return_exceptions=True)
        if self._worker is not None:
            await self._worker.aclose()
            self._worker = None

    def _launch(self) -> "asyncio.Task[None]":
        if self._launching is None or self._launching.done():
            self._launching = asyncio.create_task(self._replace_worker())
            self._launching.add_done_callback(self._report)
        return self._launching

    async def _replace_worker(self) -> None:
        if self._worker is not None:
            log.warning("piper-worker-died", voice=self.name)
            await self._worker.aclose()
        self._worker = await _Worker.launch(self._command)

    def _report(self, launch: "asyncio.Task[None]") -> None:
        """Launches nobody waits for must not fail in silence."""
        if not launch.cancelled() and (error := launch.exception()) is not None:
            log.warning("piper-not-loaded", voice=self.name, reason=str(error))


def _worker_command() -> tuple[str, ...]:
    return (sys.executable, "-m", "backend.tts.piper_worker")


class _Request:
    """One text being spoken by a worker."""

    def __init__(self, number: int, worker: "_Worker") -> None:
        self.number = number
        self._worker = worker
        self._arrived: asyncio.Queue[Frame] = asyncio.Queue()

    def deliver(self, frame: Frame) -> None:
        self._arrived.put_nowait(frame)

    async def next_payload(self) -> bytes | None:
        """Bytes of audio; None when the text is complete. Raises EngineError."""
        frame = await self._arrived.get()
        if frame.kind is Kind.FAILED:
            raise EngineError(f"Piper failed: {frame.payload.decode('utf-8', 'replace')}.")
        return None if frame.kind is Kind.DONE else frame.payload

    def close(self) -> None:
        self._worker.forget(self)


class _Worker:
    """A running process, ready to speak."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.rate_hz = 0
        self._process = process
        self._numbers = itertools.count(1)
        self._requests: dict[int, _Request] = {}
        self._complaint = b""
        self._tasks: list[asyncio.Task[None]] = []
        self.is_alive = False

    @classmethod
    async def launch(cls, command: Sequence[str]) -> "_Worker":
        """Start a process and wait until its voice is loaded. Raises EngineError."""
        try:
            process = await asyncio.create_subprocess_exec(
                *command,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                # `-m` finds our package from here, whatever the caller's own folder is.
                cwd=_ROOT,
            )
        except OSError as error:
            raise EngineError(f"{command[0]} cannot be started: {error.strerror}.") from error
        worker = cls(process)
        try:
            await worker._become_ready()
        finally:
            if not worker.is_alive:
                worker.kill()
                await worker.aclose()
        return worker

    def speak(self, text: str) -> _Request:
        request = _Request(next(self._numbers), self)
        self._requests[request.number] = request
        self._send(Frame(Kind.SPEAK, request.number, text.encode("utf-8", "replace")))
        if not self.is_alive:
            request.deliver(self._obituary())
        return request

    def forget(self, request: _Request) -> None:
        """Tell the worker too, in case it is still at it."""
        if self._requests.pop(request.number, None) is not None:
            self._send(Frame(Kind.CANCEL, request.number))

    def kill(self) -> None:
        """For a process that does not deserve to be asked."""
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()

    async def aclose(self) -> None:
        """Closing its input is how the process is told to end."""
        stdin = self._process.stdin
        if stdin is not None:
            stdin.close()
        try:
            await asyncio.wait_for(self._process.wait(), STOP_TIMEOUT_S)
        except TimeoutError:
            self.kill()
            await self._process.wait()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _become_ready(self) -> None:
        self._tasks.append(asyncio.create_task(self._collect_complaints()))
        try:
            frame = await asyncio.wait_for(self._read_frame(), LOAD_TIMEOUT_S)
        except (TimeoutError, asyncio.IncompleteReadError, FrameError) as error:
            await asyncio.wait(self._tasks, timeout=STOP_TIMEOUT_S)  # its reasons come on stderr
            raise EngineError(f"The Piper process did not start{self._last_words()}.") from error
        if frame.kind is not Kind.READY or not frame.payload.isdigit():
            reason = frame.payload.decode("utf-8", "replace")
            raise EngineError(
                f"The Piper voice cannot be loaded: {reason}.",
                fix="Fetch it again with `frontdesk models`.",
            )
        self.rate_hz = int(frame.payload)
        self.is_alive = True
        self._tasks.append(asyncio.create_task(self._receive()))

    async def _receive(self) -> None:
        """Hand frames to their requests until the process ends."""
        try:
            while True:
                frame = await self._read_frame()
                request = self._requests.get(frame.request)
                if request is None:
                    continue  # cancelled while the frame was on its way
                if frame.kind in (Kind.DONE, Kind.FAILED):
                    del self._requests[frame.request]
                request.deliver(frame)
        except asyncio.IncompleteReadError:
            pass
        except FrameError as error:
            log.warning("piper-worker-garbled", reason=str(error))
            self.kill()
        finally:
            self.is_alive = False
            for request in self._requests.values():
                request.deliver(self._obituary())
            self._requests.clear()

    async def _read_frame(self) -> Frame:
        stdout = self._process.stdout
        assert stdout is not None  # noqa: S101 - we asked for the pipe
        kind, request, length = decode_header(await stdout.readexactly(HEADER.size))
        return Frame(kind, request, await stdout.readexactly(length))

    async def _collect_complaints(self) -> None:
        stderr = self._process.stderr
        assert stderr is not None  # noqa: S101 - we asked for the pipe
        while data := await stderr.read(4096):
            self._complaint = (self._complaint + data)[-_COMPLAINT_BYTES:]

    def _send(self, frame: Frame) -> None:
        stdin = self._process.stdin
        if self.is_alive and stdin is not None and not stdin.is_closing():
            stdin.write(frame.encode())

    def _obituary(self) -> Frame:
        return Frame(Kind.FAILED, 0, b"its process ended")

    def _last_words(self) -> str:
        lines = self._complaint.decode("utf-8", "replace").strip().splitlines()
        return f" ({lines[-1]})" if lines else ""
