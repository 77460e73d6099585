"""Which packets carry voice, and exactly where in them it begins and ends."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from backend.audio import g711
from backend.audio.g711 import Law

FULL_SCALE_POWER = 32768.0**2


@dataclass(frozen=True, slots=True)
class VoiceSettings:
    """What counts as voice on a line that is otherwise digital silence or quiet noise."""

    threshold_dbfs: float = -45.0
    """A packet's RMS. Speech runs -35 to -15; a quiet line lies under -55."""

    @property
    def threshold_power(self) -> float:
        """The threshold as a mean square in sample units."""
        return float(FULL_SCALE_POWER * 10 ** (self.threshold_dbfs / 10))


Bounds = tuple[int, int] | None
"""First voiced sample and the one after the last; None for a packet without voice."""


def voiced_bounds(payloads: Sequence[bytes], law: Law, settings: VoiceSettings) -> list[Bounds]:
    """Voice in each of several packets of the same length, all at once.

    A packet is voiced when its mean power reaches the threshold; its voice begins and ends with
    the first and last single sample that does.
    """
    power = _POWER[law][np.frombuffer(b"".join(payloads), dtype=np.uint8)]
    rows = power.reshape(len(payloads), -1)
    threshold = settings.threshold_power
    bounds: list[Bounds] = [None] * len(payloads)
    for row in np.nonzero(rows.mean(axis=1) >= threshold)[0].tolist():
        loud = np.nonzero(rows[row] >= threshold)[0]
        bounds[row] = (int(loud[0]), int(loud[-1]) + 1)
    return bounds


_POWER = {law: g711.power_table(law) for law in Law}
