"""The door to the libraries that run Whisper, and one pass through such a model."""

import math
import time
from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from backend.asr import silero
from backend.asr.whisper_results import Decoded, nothing_said, to_transcript
from backend.audio.level import FULL_SCALE, SpeechDetector
from backend.audio.pcm import EMPTY, Pcm
from backend.audio.resample import resample
from backend.core.speech import Transcript

RATE_HZ = 16000
"""Whisper's own rate."""
TOKENS_PER_S = 8
"""Twice the fastest speech: where Whisper falls into a loop, this is what ends it."""
LEAST_TOKENS = 16
MOST_TOKENS = 220
"""Half of Whisper's context is for the text; the prompt needs a few."""

Samples = NDArray[np.float32]
"""Mono at 16 kHz, full scale is 1."""


def most_tokens(audio: Samples) -> int:
    """How long the text of this audio may become, for each window of 30 s."""
    return min(MOST_TOKENS, LEAST_TOKENS + math.ceil(TOKENS_PER_S * len(audio) / RATE_HZ))


class WhisperModel(Protocol):
    """A library that runs Whisper. All methods block; `decode` is called from several threads."""

    @property
    def name(self) -> str:
        """Library and model, e.g. `faster-whisper:base.en`."""

    @property
    def language(self) -> str:
        """What callers are expected to speak; told when nothing was decoded."""

    def load(self) -> None:
        """Raises EngineError."""

    def decode(self, audio: Samples, *, quick: bool) -> Decoded:
        """Write down what is said; `quick` for words that will be decoded once more anyway."""

    def unload(self) -> None:
        """Free the memory."""


def recognise(
    chunks: Sequence[Pcm], rate_hz: int, model: WhisperModel, *, quick: bool
) -> Transcript:
    """Everything that costs time, for a thread of the pool."""
    began_s = time.perf_counter()
    pcm = np.concatenate(chunks) if chunks else EMPTY
    audio_s = len(pcm) / rate_hz
    spoken = _spoken(pcm, rate_hz)
    decoded = model.decode(_samples(spoken, rate_hz), quick=quick) if len(spoken) else None
    work_s = time.perf_counter() - began_s
    if decoded is None:
        return nothing_said(model.language, audio_s, work_s)
    return to_transcript(decoded, audio_s, work_s)


def _spoken(pcm: Pcm, rate_hz: int) -> Pcm:
    """From the first to the last speech. Loudness is asked first: it costs next to nothing."""
    if SpeechDetector(rate_hz).last_voiced_sample(pcm) is None:
        return EMPTY
    found = silero.find_speech(resample(pcm, rate_hz, silero.RATE_HZ))
    if found is None:
        return EMPTY
    scale = rate_hz / silero.RATE_HZ
    return pcm[round(found.start * scale) : round(found.stop * scale)]


def _samples(pcm: Pcm, rate_hz: int) -> Samples:
    return resample(pcm, rate_hz, RATE_HZ).astype(np.float32) / np.float32(FULL_SCALE)
