"""The last rung: silence about as long as the sentence would have been; the call goes on."""

from collections.abc import AsyncIterator

import numpy as np

from backend.audio.pcm import Pcm

CHARACTERS_PER_S = 15.0
"""English read at 160 words a minute."""
SHORTEST_S, LONGEST_S = 0.4, 3.0
"""A caller who hears nothing gives up soon: long silence would be worse than a short one."""


class Silence:
    """Never fails."""

    @property
    def name(self) -> str:
        """`silence`."""
        return "silence"

    async def start(self) -> None:
        """Nothing to load."""

    async def speak(self, text: str, rate_hz: int) -> AsyncIterator[Pcm]:
        """One chunk of zeros."""
        length_s = min(max(len(text) / CHARACTERS_PER_S, SHORTEST_S), LONGEST_S)
        yield np.zeros(round(length_s * rate_hz), dtype=np.int16)

    async def aclose(self) -> None:
        """Nothing to free."""
