"""One side of a call on the clock: encoded audio placed by time, and where there is voice in it."""

from bisect import bisect_left, bisect_right
from dataclasses import dataclass, field

import numpy as np

from backend.audio import g711
from backend.audio.g711 import Law
from backend.audio.pcm import Pcm
from backend.phone.rtp import RATE_HZ

SPAN_GAP_S = 0.06
"""Voice with less silence than this between is stored as one span: less than any pause."""


@dataclass(frozen=True, slots=True)
class Span:
    """From the first to just after the last voiced sample; `time.monotonic()` seconds."""

    start_s: float
    end_s: float

    @property
    def duration_s(self) -> float:
        """Length in seconds."""
        return self.end_s - self.start_s


@dataclass(slots=True)
class _Segment:
    start: int
    """Samples since the track's origin."""
    law: Law
    data: bytearray

    @property
    def end(self) -> int:
        return self.start + len(self.data)


@dataclass(slots=True)
class Track:
    """Audio of one direction, kept as G.711: 8 kB a second, and nothing where nothing came."""

    origin_s: float
    """`time.monotonic()` of sample 0."""
    _segments: list[_Segment] = field(default_factory=list)
    _spans: list[Span] = field(default_factory=list)

    @property
    def end_s(self) -> float:
        """Where the last audio ends; the origin when there is none."""
        last = max((segment.end for segment in self._segments), default=0)
        return self.origin_s + last / RATE_HZ

    def place(self, start_s: float, data: bytes, law: Law) -> None:
        """Put audio at a moment; follows on from the last without a seam if it is within 1 ms."""
        start = max(0, round((start_s - self.origin_s) * RATE_HZ))
        if self._segments:
            last = self._segments[-1]
            if last.law is law and abs(start - last.end) <= RATE_HZ // 1000:
                last.data += data
                return
        self._segments.append(_Segment(start, law, bytearray(data)))

    def codes(self, start_s: float, count: int, law: Law) -> bytes | None:
        """So many samples as they came; None unless all of them are there, in this law."""
        start = round((start_s - self.origin_s) * RATE_HZ)
        for segment in reversed(self._segments):
            if segment.start <= start:
                at = start - segment.start
                is_whole = segment.law is law and start + count <= segment.end
                return bytes(segment.data[at : at + count]) if is_whole else None
        return None

    def note_voice(self, start_s: float, end_s: float) -> None:
        """There is voice here. Spans come roughly in order."""
        if self._spans and start_s - self._spans[-1].end_s < SPAN_GAP_S:
            last = self._spans[-1]
            self._spans[-1] = Span(min(last.start_s, start_s), max(last.end_s, end_s))
        else:
            self._spans.append(Span(start_s, end_s))

    @property
    def last_span(self) -> Span | None:
        """The latest voice; it may still be going on."""
        return self._spans[-1] if self._spans else None

    def voice_ended_s(self, before_s: float) -> float | None:
        """Where the last voice that began before a moment ends; None without any."""
        count = bisect_left(self._spans, before_s, key=lambda span: span.start_s)
        return self._spans[count - 1].end_s if count else None

    def spans(self, since_s: float = 0.0, gap_s: float = 0.3) -> list[Span]:
        """Voice after `since_s`, spans closer than `gap_s` joined."""
        first = max(0, bisect_right(self._spans, since_s, key=lambda span: span.end_s))
        joined: list[Span] = []
        for span in self._spans[first:]:
            if joined and span.start_s - joined[-1].end_s < gap_s:
                joined[-1] = Span(joined[-1].start_s, max(joined[-1].end_s, span.end_s))
            else:
                joined.append(span)
        return joined

    def render(self, start_s: float, end_s: float) -> Pcm:
        """The audio between two moments, silence where there is none; 8 kHz."""
        start = round((start_s - self.origin_s) * RATE_HZ)
        end = max(start, round((end_s - self.origin_s) * RATE_HZ))
        pcm = np.zeros(end - start, dtype=np.int16)
        for segment in self._segments:
            low, high = max(start, segment.start), min(end, segment.end)
            if low < high:
                data = memoryview(segment.data)[low - segment.start : high - segment.start]
                pcm[low - start : high - start] = g711.decode(data, segment.law)
        return pcm
