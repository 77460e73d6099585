"""Silero's voice activity detector, which faster-whisper carries: is there speech in this?"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

THRESHOLD = 0.35
"""Silero's default is 0.5, for microphones; a muffled caller must not be lost, and what is let
through wrongly is caught by its scores later."""
MARGIN_S = 0.2
"""Kept around the speech: first and last sounds are often too quiet for the detector."""
RATE_HZ = 16000


def load() -> None:
    """Read the detector's model, so that no call waits for it."""
    from faster_whisper.vad import get_vad_model

    get_vad_model()


def find_speech(audio: NDArray[np.float32]) -> slice | None:
    """From the first to the last speech in 16 kHz audio; None when there is none.

    Pauses between are left in: cut out, two words become one.
    """
    from faster_whisper.vad import VadOptions, get_speech_timestamps

    margin_ms = round(MARGIN_S * 1000)
    options = VadOptions(threshold=THRESHOLD, speech_pad_ms=margin_ms)
    found: list[dict[str, Any]] = get_speech_timestamps(audio, options, sampling_rate=RATE_HZ)
    if not found:
        return None
    return slice(int(found[0]["start"]), int(found[-1]["end"]))
