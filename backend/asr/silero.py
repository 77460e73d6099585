"""Is there speech in this recording, and where? Silero's opinion, at the telephone's rate."""

from functools import lru_cache

import numpy as np

from backend.audio.pcm import Pcm
from backend.audio.silero import RATE_HZ as RATE_HZ
from backend.audio.silero import WINDOW, Silero
from backend.audio.vad import probabilities_of

THRESHOLD = 0.5
"""Measured at 8 kHz with four synthetic voices: 0.97 and more is reached by short words 25 dB under
their normal level, in the worst case 0.54; chords, tones and hiss stay under 0.45."""
END_THRESHOLD = 0.35
"""Where speech has been, less is still speech. Both are Silero's own defaults."""
MINIMUM = 3
"""So many windows (0.1 s) must be speech: a chord has one, the shortest "yes" ten."""
MARGIN_S = 0.2
"""Kept around the speech: first and last sounds are often too quiet for the detector."""


def load() -> None:
    """Read the detector's model, so that no call waits for it. Raises EngineError."""
    _detector()


def find_speech(pcm: Pcm) -> slice | None:
    """From the first to the last speech in audio at `RATE_HZ`; None when there is none.

    Pauses between are left in: cut out, two words become one.
    """
    padded = np.concatenate((pcm, np.zeros(-len(pcm) % WINDOW, dtype=np.int16)))
    probabilities = probabilities_of(_detector(), padded)
    begun = np.nonzero(probabilities >= THRESHOLD)[0]
    if len(begun) < MINIMUM:
        return None
    last = np.nonzero(probabilities >= END_THRESHOLD)[0][-1]
    margin = round(MARGIN_S * RATE_HZ)
    return slice(
        max(0, int(begun[0]) * WINDOW - margin), min(len(pcm), int(last + 1) * WINDOW + margin)
    )


@lru_cache(maxsize=1)
def _detector() -> Silero:
    return Silero()
