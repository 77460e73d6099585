"""MP3 as it arrives, decoded by FFmpeg (PyAV, which faster-whisper brings along)."""

from collections.abc import Iterable

import av
import numpy as np
from av.audio.codeccontext import AudioCodecContext
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler

from backend.audio.pcm import EMPTY, Pcm


class Mp3Decoder:
    """One stream of MP3 in pieces of any length. Pieces that are no MP3 are passed over."""

    def __init__(self, rate_hz: int) -> None:
        """`rate_hz` is the rate of the samples that come out."""
        self._codec = AudioCodecContext.create("mp3", "r")
        self._to_mono = AudioResampler("s16", "mono", rate_hz)

    def feed(self, data: bytes) -> Pcm:
        """Samples that became complete."""
        # FFmpeg's parser takes an empty piece for the end.
        return _joined(self._mono(self._decode(data))) if data else EMPTY

    def finish(self) -> Pcm:
        """The rest; nothing may be fed afterwards."""
        rest = [*self._decode(b""), *self._codec.decode(None)]
        return _joined([*self._mono(rest), *self._to_mono.resample(None)])

    def _decode(self, data: bytes) -> list[AudioFrame]:
        frames: list[AudioFrame] = []
        for packet in self._codec.parse(data):
            try:
                frames += self._codec.decode(packet)
            except av.error.InvalidDataError:
                continue  # ID3 tags, and what is left of a frame whose beginning was lost
        return frames

    def _mono(self, frames: Iterable[AudioFrame]) -> list[AudioFrame]:
        return [mono for frame in frames for mono in self._to_mono.resample(frame)]


def _joined(frames: list[AudioFrame]) -> Pcm:
    parts = [frame.to_ndarray()[0].astype(np.int16) for frame in frames]
    return np.concatenate(parts) if parts else EMPTY
