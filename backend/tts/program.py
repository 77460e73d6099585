"""Speech programs that are started for one sentence each: flite and espeak-ng.

A thread waits for each, so that neither the start of a process nor the work on its audio holds
the event loop; a cancelled sentence kills its process.
"""

import asyncio
import io
import os
import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import numpy as np

from backend.audio.pcm import Pcm
from backend.audio.riff import read_header
from backend.core.errors import AudioError, EngineError
from backend.tts.shape import shaped

TIMEOUT_S = 10.0
"""A sentence takes 10–60 ms; the longest text we allow takes under a second."""

T = TypeVar("T")


class Leash:
    """Holds the process of one sentence, so that another thread can kill it at any time."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._killed = False

    def run(
        self,
        command: Sequence[str],
        *,
        env: Mapping[str, str],
        stdin: bytes = b"",
        pass_fds: Sequence[int] = (),
        timeout_s: float = TIMEOUT_S,
    ) -> bytes:
        """Standard output of a program that succeeded. Raises EngineError."""
        process = self._start(command, env, pass_fds)
        try:
            output, complaint = process.communicate(stdin, timeout=timeout_s)
        except subprocess.TimeoutExpired as error:
            process.kill()
            process.communicate()
            raise EngineError(f"{command[0]} did not finish within {timeout_s:g} s.") from error
        if process.returncode != 0:
            last = complaint.decode("utf-8", "replace").strip().splitlines()[-1:]
            detail = f": {last[0]}" if last else ""
            raise EngineError(f"{command[0]} failed with status {process.returncode}{detail}.")
        return output

    def kill(self) -> None:
        """End the process, or keep it from starting."""
        with self._lock:
            self._killed = True
            if self._process is not None:
                self._process.kill()

    def _start(
        self, command: Sequence[str], env: Mapping[str, str], pass_fds: Sequence[int]
    ) -> "subprocess.Popen[bytes]":
        with self._lock:
            if self._killed:
                raise EngineError(f"{command[0]} was not started: nobody wants it any more.")
            try:
                self._process = subprocess.Popen(
                    command,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.PIPE,
                    env={**os.environ, **env},
                    pass_fds=pass_fds,
                )
            except OSError as error:
                raise EngineError(
                    f"{command[0]} cannot be started: {error.strerror}.",
                    fix="Run `frontdesk doctor`.",
                ) from error
            return self._process


class ProgramRunner:
    """Threads of one engine, each busy with at most one process."""

    def __init__(self, name: str, threads: int) -> None:
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix=name)

    async def run(self, work: Callable[[Leash], T]) -> T:
        """Do `work` on a thread. When cancelled, its process is killed first."""
        leash = Leash()
        future = asyncio.get_running_loop().run_in_executor(self._threads, work, leash)
        try:
            return await asyncio.shield(future)
        except asyncio.CancelledError:
            leash.kill()
            await asyncio.wait([future])
            if not future.cancelled():
                future.exception()  # a killed process's error is nobody's news
            raise

    async def aclose(self) -> None:
        """Wait for what runs; start nothing more."""
        await asyncio.to_thread(self._threads.shutdown, wait=True, cancel_futures=True)


@contextmanager
def memory_file(content: bytes = b"") -> Iterator[int]:
    """A file without a disk: its descriptor, to be named as `fd_path` to the child."""
    descriptor = os.memfd_create("speech", os.MFD_CLOEXEC)
    try:
        with open(descriptor, "wb", closefd=False) as file:
            file.write(content)
        os.lseek(descriptor, 0, os.SEEK_SET)
        yield descriptor
    finally:
        os.close(descriptor)


def fd_path(descriptor: int) -> str:
    """How a child names a descriptor it was passed."""
    return f"/proc/self/fd/{descriptor}"


def content_of(descriptor: int) -> bytes:
    """Everything in a memory file."""
    return os.pread(descriptor, os.fstat(descriptor).st_size, 0)


def speech_in(data: bytes, rate_hz: int) -> Pcm:
    """The speech in a program's WAV output, trimmed, at `rate_hz`. Raises EngineError.

    A program that writes to a pipe cannot know the size beforehand and claims the largest;
    what is there counts.
    """
    try:
        header = read_header(io.BytesIO(data), Path("The output"))
    except AudioError as error:
        raise EngineError(f"The speech program wrote no usable audio. {error.message}") from error
    if header.channels != 1:
        raise EngineError(f"The speech program wrote {header.channels} channels instead of one.")
    body = data[header.data_offset : header.data_offset + header.data_bytes]
    samples = np.frombuffer(body[: len(body) - len(body) % 2], dtype="<i2").astype(np.int16)
    return shaped(samples, header.rate_hz, rate_hz)
