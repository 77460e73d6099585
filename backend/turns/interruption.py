"""We have fallen silent because the caller made a sound: do they want the floor?"""

from dataclasses import dataclass
from enum import Enum, auto

from backend.core.speech import Completeness, HeardSoFar
from backend.turns.backchannel import is_backchannel
from backend.turns.settings import InterruptionSettings


class Verdict(Enum):
    """What the sound was."""

    INTERRUPTION = auto()
    NOTHING = auto()
    OPEN = auto()
    """Not known yet."""


@dataclass(slots=True)
class Sound:
    """What made us fall silent, while it is being judged."""

    settings: InterruptionSettings
    _was_polite: bool = False
    """So far it was understood as "mhm"; what the ear knew is gone once the caller goes on."""

    def judge(self, heard: HeardSoFar, voiced_s: float, silence_s: float) -> Verdict:
        """From its words, its length, and what has followed: `silence_s` is 0 while it lasts."""
        s = self.settings
        has_words = bool(heard.text) and heard.completeness is not Completeness.NOTHING
        is_polite = has_words and is_backchannel(heard.text)
        if has_words and not is_polite:
            return Verdict.INTERRUPTION
        self._was_polite |= is_polite
        if voiced_s >= (s.backchannel_voiced_s if self._was_polite else s.interrupt_voiced_s):
            return Verdict.INTERRUPTION
        is_known = is_polite or heard.completeness is Completeness.NOTHING
        follows_s = s.nothing_follows_s if is_known else s.doubt_follows_s
        return Verdict.NOTHING if silence_s >= follows_s else Verdict.OPEN
