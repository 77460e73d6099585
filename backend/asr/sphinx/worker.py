"""A process that decodes: PocketSphinx holds Python's lock while it works, 20 ms and more at a
time, so it must not share a process with an event loop.

Run as `python -m backend.asr.sphinx.worker`; messages on stdin, results on stdout (see `wire`).
"""

import sys
import time
from collections import deque
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

import pocketsphinx

from backend.asr.sphinx import wire
from backend.asr.sphinx.grammar import NUMBER_WORDS
from backend.asr.sphinx.materials import DICTIONARY, GRAMMAR
from backend.core.speech import Expect

MOST_DECODERS = 24
"""At 6 MB each. Utterances beyond that wait for one, their audio kept."""
CEPSTRAL_MEAN = "36.89,21.41,-31.09,37.07,-21.31,0.34,14.85,-24.55,18.30,-13.49,2.56,9.37,-13.10"
"""Of telephone speech at -20 dBFS (32 sentences, four voices, mu-law, upsampled): what live mean
normalisation starts from, instead of the model's own wideband mean."""
_NUMBER = "number-grammar"


class Decoder:
    """Decodes with the language models of one vocabulary, and numbers with the grammar as well.

    Where a number is asked for, both listen: the model hears whether it is a number at all, the
    grammar, which knows how long numbers are, hears which.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._open = self._decoder()
        for expect in Expect:
            self._open.add_lm_file(expect.value, str(folder / f"{expect.value}.arpa"))
        self._grammar: Any = None
        self._running: list[Any] = []

    def start(self, search: str) -> None:
        """Begin an utterance."""
        self._open.activate_search(search)
        self._running = [self._open]
        if search == Expect.NUMBER.value:
            if self._grammar is None:
                self._grammar = self._decoder()
                self._grammar.add_jsgf_file(_NUMBER, str(self.folder / GRAMMAR))
                self._grammar.activate_search(_NUMBER)
            self._running.append(self._grammar)
        for decoder in self._running:
            decoder.set_cmn(CEPSTRAL_MEAN)
            decoder.start_utt()

    def feed(self, samples: bytes) -> None:
        """Decode the next 16-bit samples at 16 kHz."""
        for decoder in self._running:
            decoder.process_raw(samples)

    def finish(self) -> tuple[str, float]:
        """Words and their posterior probability."""
        results = [_end(decoder) for decoder in self._running]
        text, probability = results[0]
        is_number = len(results) == 2 and NUMBER_WORDS.intersection(text.split())
        return results[1] if is_number and results[1][0] else (text, probability)

    def _decoder(self) -> Any:
        dictionary = str(self.folder / DICTIONARY)
        return pocketsphinx.Decoder(lm=None, dict=dictionary, loglevel="FATAL")

    def partial(self) -> str:
        """Words so far."""
        best = self._open.hyp()
        return best.hypstr if best is not None else ""


def _end(decoder: Any) -> tuple[str, float]:
    decoder.end_utt()
    best = decoder.hyp()
    return (best.hypstr, float(best.prob)) if best is not None and best.hypstr else ("", 0.0)


@dataclass
class Stream:
    """One utterance; it has a decoder, or waits for one with its audio."""

    folder: Path
    search: str
    decoder: Decoder | None = None
    audio: list[bytes] = field(default_factory=list)
    decoded: int = 0
    """How many pieces of `audio` the decoder has had."""
    finished: bool = False
    work_s: float = 0.0


class Worker:
    """Serves the messages of one recogniser."""

    def __init__(self, out: BinaryIO) -> None:
        self._out = out
        self._folder: Path | None = None
        self._streams: dict[int, Stream] = {}
        self._free: list[Decoder] = []
        self._decoders = 0
        self._waiting: deque[int] = deque()

    def serve(self, messages: BinaryIO) -> None:
        """Until the other end closes."""
        while (message := wire.read(messages)) is not None:
            header, payload = message
            getattr(self, f"_on_{header['op']}")(header, payload)

    def _on_load(self, header: dict[str, Any], _: bytes) -> None:
        self._folder = Path(header["folder"])
        self._decoders -= len(self._free)
        self._free = []
        self._give_back(self._new_decoder(self._folder))
        self._reply({"op": "loaded", "folder": header["folder"]})

    def _on_open(self, header: dict[str, Any], _: bytes) -> None:
        if self._folder is not None:
            self._streams[header["id"]] = Stream(self._folder, header["search"])

    def _on_feed(self, header: dict[str, Any], payload: bytes) -> None:
        stream = self._streams.get(header["id"])
        if stream is None:
            return
        stream.audio.append(payload)
        if stream.decoder is None and not self._borrow(header["id"], stream):
            return
        before = stream.work_s
        self._decode(stream)
        if stream.work_s > before and stream.decoder is not None:
            self._reply({"op": "partial", "id": header["id"], "text": stream.decoder.partial()})

    def _on_finish(self, header: dict[str, Any], _: bytes) -> None:
        stream = self._streams.get(header["id"])
        if stream is None:
            return
        stream.finished = True
        if stream.decoder is not None or self._borrow(header["id"], stream):
            self._finish(header["id"], stream)

    def _on_cancel(self, header: dict[str, Any], _: bytes) -> None:
        stream = self._streams.pop(header["id"], None)
        if stream is not None and stream.decoder is not None:
            stream.decoder.finish()
            self._give_back(stream.decoder)

    def _borrow(self, number: int, stream: Stream) -> bool:
        decoder = next((d for d in self._free if d.folder == stream.folder), None)
        if decoder is not None:
            self._free.remove(decoder)
        elif self._decoders < MOST_DECODERS:
            decoder = self._new_decoder(stream.folder)
        else:
            if number not in self._waiting:
                self._waiting.append(number)
            return False
        decoder.start(stream.search)
        stream.decoder = decoder
        return True

    def _new_decoder(self, folder: Path) -> Decoder:
        self._decoders += 1
        return Decoder(folder)

    def _give_back(self, decoder: Decoder) -> None:
        if decoder.folder == self._folder:
            self._free.append(decoder)
        else:
            self._decoders -= 1
        while self._waiting:
            number = self._waiting.popleft()
            stream = self._streams.get(number)
            if stream is None or not self._borrow(number, stream):
                continue
            self._decode(stream)
            if stream.finished:
                self._finish(number, stream)
            return

    def _decode(self, stream: Stream) -> None:
        if stream.decoder is None:
            return
        began_s = time.perf_counter()
        for piece in stream.audio[stream.decoded :]:
            stream.decoder.feed(piece)
        stream.decoded = len(stream.audio)
        stream.work_s += time.perf_counter() - began_s

    def _finish(self, number: int, stream: Stream) -> None:
        self._decode(stream)
        decoder = stream.decoder
        if decoder is None:
            return
        began_s = time.perf_counter()
        text, probability = decoder.finish()
        stream.work_s += time.perf_counter() - began_s
        del self._streams[number]
        self._reply(
            {
                "op": "result",
                "id": number,
                "text": text,
                "probability": probability,
                "work_s": stream.work_s,
            }
        )
        self._give_back(decoder)

    def _reply(self, header: dict[str, Any]) -> None:
        self._out.write(wire.pack(header))
        self._out.flush()


if __name__ == "__main__":
    Worker(sys.stdout.buffer).serve(sys.stdin.buffer)
