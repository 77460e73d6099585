"""A process that decodes: PocketSphinx holds Python's lock while it works, 20 ms and more at a
time, so it must not share a process with an event loop.

Run as `python -m backend.asr.sphinx.worker`; messages on stdin, results on stdout (see `wire`).
"""

import os
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

from backend.asr.sphinx import wire
from backend.asr.sphinx.decoder import Decoder
from backend.asr.sphinx.waiting import Waiting

NICENESS = 5
"""What takes and plays audio comes first: frames that are late sound like pauses, and every pause
is work for us. With it 115 calls are answered like one on two cores, without it in seconds."""
AT_FIRST = 4
"""Decoders that are there when a vocabulary is said to be loaded: 20 ms each, a few MB that grow
to 20 with what they hear. Those wanted beyond are made when they are missed for the first time."""


@dataclass
class Stream:
    """One utterance: decoded as it comes, or kept until its words are asked for."""

    search: str
    decoder: Decoder | None = None
    audio: list[bytes] = field(default_factory=list)
    """All of it: what has been ended must be decoded from the beginning when it goes on."""
    decoded: int = 0
    """How many pieces of the audio the decoder has had."""
    found: tuple[str, float] | None = None
    """Words and confidence, when the decoder has been told that this was all."""
    told: str = ""
    """The words so far, as last told."""
    work_s: float = 0.0

    @property
    def is_answered(self) -> bool:
        """Nothing has come since the result."""
        return self.found is not None and self.decoded == len(self.audio)


def _begin(stream: Stream, decoder: Decoder) -> None:
    decoder.start(stream.search)
    stream.decoded, stream.found = 0, None


def _decode(stream: Stream, decoder: Decoder) -> None:
    began_s = time.perf_counter()
    if stream.found is not None:
        _begin(stream, decoder)
    for piece in stream.audio[stream.decoded :]:
        decoder.feed(piece)
    stream.decoded = len(stream.audio)
    stream.work_s += time.perf_counter() - began_s


def _end(stream: Stream, decoder: Decoder) -> None:
    _decode(stream, decoder)
    began_s = time.perf_counter()
    stream.found = decoder.finish()
    stream.work_s += time.perf_counter() - began_s


class Worker:
    """Serves the messages of one recogniser.

    A few utterances are decoded while they are spoken. Those beyond wait with their audio and are
    decoded in one go by a decoder kept for that, in a tenth of a second: so nobody waits for
    somebody else to finish speaking.
    """

    def __init__(self, out: BinaryIO) -> None:
        self._out = out
        self._waiting = Waiting()
        self._streams: dict[int, Stream] = {}
        self._free: list[Decoder] = []
        self._reserve: Decoder | None = None
        self._made = self._wanted = 0
        """Decoders of this vocabulary besides the reserve."""

    def serve(self, inbox: wire.Inbox) -> None:
        """Until the other end closes."""
        while (arrived := inbox.wait(0.0 if self._waiting else None)) is not None:
            self._waiting.add(arrived)
            for header, payload in self._waiting.take():
                getattr(self, f"_on_{header['op']}")(header, payload)

    def _on_load(self, header: dict[str, Any], _: bytes) -> None:
        folder = Path(header["folder"])
        self._reserve = Decoder(folder)
        self._free = [Decoder(folder) for _ in range(AT_FIRST)]
        self._made, self._wanted = AT_FIRST, header["decoders"]
        self._reply({"op": "loaded", "folder": header["folder"]})

    def _on_open(self, header: dict[str, Any], _: bytes) -> None:
        stream = Stream(header["search"])
        if not self._free and self._reserve is not None and self._made < self._wanted:
            self._free.append(Decoder(self._reserve.folder))
            self._made += 1
        if self._free:
            stream.decoder = self._free.pop()
            _begin(stream, stream.decoder)
        self._streams[header["id"]] = stream

    def _on_feed(self, header: dict[str, Any], payload: bytes) -> None:
        stream = self._streams.get(header["id"])
        if stream is None:
            return
        stream.audio.append(payload)
        if stream.decoder is not None:
            _decode(stream, stream.decoder)
            text = stream.decoder.partial()
            if text != stream.told:
                stream.told = text
                self._reply({"op": "partial", "id": header["id"], "text": text})

    def _on_peek(self, header: dict[str, Any], _: bytes) -> None:
        """The result as if nothing more came."""
        stream = self._streams.get(header["id"])
        decoder = (stream.decoder or self._reserve) if stream is not None else None
        if stream is None or decoder is None:
            return
        if not stream.is_answered:
            if stream.decoder is None:
                _begin(stream, decoder)
            _end(stream, decoder)
        text, confidence = stream.found or ("", 0.0)
        self._reply(
            {
                "op": "result",
                "id": header["id"],
                "question": header["question"],
                "text": text,
                "confidence": confidence,
                "work_s": stream.work_s,
            }
        )

    def _on_close(self, header: dict[str, Any], _: bytes) -> None:
        stream = self._streams.pop(header["id"], None)
        if stream is not None and stream.decoder is not None:
            if stream.found is None:
                stream.decoder.finish()
            self._give_back(stream.decoder)

    def _give_back(self, decoder: Decoder) -> None:
        """A decoder of an earlier vocabulary is let go; the new one has as many of its own."""
        if self._reserve and decoder.folder == self._reserve.folder:
            self._free.append(decoder)

    def _reply(self, header: dict[str, Any]) -> None:
        self._out.write(wire.pack(header))
        self._out.flush()


if __name__ == "__main__":
    os.nice(NICENESS)
    Worker(sys.stdout.buffer).serve(wire.Inbox(sys.stdin.fileno()))
