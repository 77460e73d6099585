"""We have fallen silent because the caller made a sound: do they want the floor?"""

from dataclasses import dataclass
from enum import Enum, auto

from backend.core.speech import Completeness, HeardSoFar
from backend.turns.backchannel import is_backchannel, is_stop
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
    insists: bool = False
    """It comes right after one whose words were too few."""
    _was_polite: bool = False
    """So far it was understood as "mhm"; what the ear knew is gone once the caller goes on."""
    had_words: bool = False
    """Words were understood that are no mere "mhm"."""

    def judge(self, heard: HeardSoFar, lasted_s: float, silence_s: float) -> Verdict:
        """From its words, its length, and what has followed: `silence_s` is 0 while it lasts."""
        s = self.settings
        understood = bool(heard.text) and heard.completeness is not Completeness.NOTHING
        is_polite = understood and is_backchannel(heard.text)
        has_words = understood and not is_polite
        if has_words and self._take_floor(heard, lasted_s):
            return Verdict.INTERRUPTION
        self._was_polite |= is_polite
        self.had_words |= has_words
        if lasted_s >= (s.backchannel_lasts_s if self._was_polite else s.interruption_lasts_s):
            return Verdict.INTERRUPTION
        if silence_s < self._follows_s(heard, is_polite):
            return Verdict.OPEN
        # A recogniser that is late must not cost a caller the question they asked.
        in_doubt = not heard.text and heard.completeness is Completeness.UNKNOWN
        return Verdict.INTERRUPTION if in_doubt and lasted_s >= s.words_last_s else Verdict.NOTHING

    def _take_floor(self, heard: HeardSoFar, lasted_s: float) -> bool:
        """Whether words are likely enough to have been said, and meant to stop us."""
        s = self.settings
        if self.insists or lasted_s >= s.words_last_s or is_stop(heard.text):
            return True
        if heard.confidence < s.request_confidence:
            return False
        is_request = (
            heard.completeness is Completeness.COMPLETE
            and len(heard.text.split()) >= s.request_words
            and lasted_s >= s.request_lasts_s
        )
        return heard.answers or is_request

    def _follows_s(self, heard: HeardSoFar, is_polite: bool) -> float:
        s = self.settings
        if is_polite or heard.completeness is Completeness.NOTHING:
            return s.nothing_follows_s
        return s.few_words_follow_s if self.had_words else s.doubt_follows_s
