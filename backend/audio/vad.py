"""Voice activity: how likely it is that somebody speaks, for the windows of all calls at once."""

from collections.abc import Callable, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from backend.audio.energy import Energy
from backend.audio.pcm import Pcm
from backend.audio.silero import Silero
from backend.core.errors import EngineError

VoiceState = NDArray[np.float32]
"""What a detector remembers of one call: opaque, changed in place."""


class VoiceDetector(Protocol):
    """One detector for all calls of a process. Holds nothing of a call but what is in its state."""

    @property
    def name(self) -> str:
        """For logs and the health page."""

    @property
    def rate_hz(self) -> int:
        """Sample rate of the windows."""

    @property
    def window(self) -> int:
        """Samples in a window."""

    def new_state(self) -> VoiceState:
        """For a call that begins."""

    def probabilities(
        self, windows: NDArray[np.int16], states: Sequence[VoiceState]
    ) -> NDArray[np.float32]:
        """That somebody speaks, 0-1, for each row of `windows` (calls x `window` samples).

        `states` belong to the rows, one each. For many rows it may take milliseconds: call it in a
        thread then, one call of it at a time for the same state.
        """


def choose_detector(
    load: Callable[[], VoiceDetector] = Silero, *, fallback: VoiceDetector | None = None
) -> tuple[VoiceDetector, str]:
    """What `load` gives, else energy (`fallback`, with the settings wanted), and then a sentence
    for the operator, which is empty otherwise."""
    try:
        return load(), ""
    except EngineError as error:
        return fallback or Energy(), f"Voices are told from noise by loudness alone: {error}"


def probabilities_of(detector: VoiceDetector, pcm: Pcm) -> NDArray[np.float32]:
    """One for each whole window of a recording at the detector's rate."""
    state = detector.new_state()
    rows = pcm[: len(pcm) - len(pcm) % detector.window].reshape(-1, detector.window)
    found = [detector.probabilities(row[np.newaxis], [state]) for row in rows]
    return np.concatenate(found) if found else np.zeros(0, dtype=np.float32)
