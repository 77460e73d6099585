"""The Piper process: `python -m backend.tts.piper_worker VOICE.onnx`, frames on stdin and stdout.

piper-tts is GPL-3. It is imported here and nowhere else, in a process of its own that shares no
memory with the rest and can be replaced by any program that speaks `piper_protocol`.

One thread reads requests, the main thread synthesises. Requests take turns, one piece of audio
(Piper's sentence) each, so that a long text does not hold up a short one. The process ends when
its input does, that is also when its parent is killed.
"""

import os
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterator
from typing import BinaryIO

from backend.tts.piper_protocol import HEADER, Frame, FrameError, Kind, decode_header

VOLUME = 0.8
"""Piper raises every piece to full scale; resampling overshoots that and would clip."""


class Turns:
    """Requests waiting for their next turn. Filled by the reader, emptied by the synthesiser."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._requests: deque[tuple[int, str]] = deque()
        self._cancelled: set[int] = set()
        self._open: set[int] = set()

    def add(self, request: int, text: str) -> None:
        """A new request goes to the end."""
        with self._changed:
            self._open.add(request)
            self._requests.append((request, text))
            self._changed.notify()

    def cancel(self, request: int) -> None:
        """Drop it; unknown ones are long done."""
        with self._changed:
            if request in self._open:
                self._cancelled.add(request)

    def is_cancelled(self, request: int) -> bool:
        """Whether anybody still wants it."""
        with self._changed:
            return request in self._cancelled

    def close(self, request: int) -> None:
        """Forget a request that is done, failed or dropped."""
        with self._changed:
            self._open.discard(request)
            self._cancelled.discard(request)

    def arrived(self, *, wait: bool) -> list[tuple[int, str]]:
        """Requests that came since the last call; with `wait`, at least one."""
        with self._changed:
            while wait and not self._requests:
                self._changed.wait()
            new = list(self._requests)
            self._requests.clear()
            return new


def serve(
    turns: Turns, synthesise: Callable[[str], Iterator[bytes]], send: Callable[[Frame], None]
) -> None:
    """Give every request its turns, for ever."""
    running: deque[tuple[int, Iterator[bytes]]] = deque()
    while True:
        for request, text in turns.arrived(wait=not running):
            running.append((request, synthesise(text)))
        request, audio = running.popleft()
        if not turns.is_cancelled(request) and _take_turn(request, audio, send):
            running.append((request, audio))
        else:
            turns.close(request)


def _take_turn(request: int, audio: Iterator[bytes], send: Callable[[Frame], None]) -> bool:
    """Make and send the next piece; False when there is none."""
    try:
        piece = next(audio, None)
    except Exception as error:  # whatever one text did must not end the others
        send(Frame(Kind.FAILED, request, f"{type(error).__name__}: {error}".encode()))
        return False
    if piece is None:
        send(Frame(Kind.DONE, request))
        return False
    send(Frame(Kind.AUDIO, request, piece))
    return True


def read_requests(source: BinaryIO, turns: Turns) -> None:
    """Sort incoming frames until the input ends, then end the process."""
    try:
        while len(header := source.read(HEADER.size)) == HEADER.size:
            kind, request, length = decode_header(header)
            payload = source.read(length)
            if kind is Kind.SPEAK:
                turns.add(request, payload.decode("utf-8", "replace"))
            elif kind is Kind.CANCEL:
                turns.cancel(request)
    except FrameError as error:
        sys.stderr.write(f"piper worker: {error}\n")
    finally:
        # The main thread may be inside ONNX for seconds: nobody waits for that audio.
        os._exit(0)


def main() -> None:
    """Load the voice, then serve."""
    # Libraries print; the pipe carries frames only.
    sink = os.fdopen(os.dup(sys.stdout.fileno()), "wb", buffering=0)
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())

    def send(frame: Frame) -> None:
        data = memoryview(frame.encode())
        while data:
            data = data[sink.write(data) :]

    try:
        from piper import PiperVoice, SynthesisConfig

        voice, settings = PiperVoice.load(sys.argv[1]), SynthesisConfig(volume=VOLUME)
        for _ in voice.synthesize("Ready.", settings):
            pass  # the first inference allocates; no caller should wait for that
    except Exception as error:  # a damaged model raises whatever it likes
        send(Frame(Kind.FAILED, 0, f"{type(error).__name__}: {error}".encode()))
        return

    def synthesise(text: str) -> Iterator[bytes]:
        return (chunk.audio_int16_bytes for chunk in voice.synthesize(text, settings))

    turns = Turns()
    threading.Thread(target=read_requests, args=(sys.stdin.buffer, turns), daemon=True).start()
    send(Frame(Kind.READY, 0, str(voice.config.sample_rate).encode()))
    serve(turns, synthesise, send)


if __name__ == "__main__":
    main()
