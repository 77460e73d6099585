"""How much silence ends the caller's turn."""

from typing import Protocol

from backend.core.speech import Completeness, Expect, HeardSoFar, Question
from backend.turns.settings import WaitSettings


class EndpointStrategy(Protocol):
    """Decides how long to wait in a pause. Asked for every window of it, so it must be quick; what
    takes time (a model) is asked elsewhere and its answer looked up here."""

    def wait_s(
        self, question: Question, heard: HeardSoFar, voiced_s: float, longest_pause_s: float
    ) -> float:
        """Silence that ends a turn answering `question`, with `voiced_s` of voice so far and no
        pause longer than that before this one."""


class SilenceAndCompleteness:
    """Waits by what was said: briefly after what is complete, patiently after what is not."""

    def __init__(self, settings: WaitSettings) -> None:
        self._settings = settings

    def wait_s(
        self, question: Question, heard: HeardSoFar, voiced_s: float, longest_pause_s: float
    ) -> float:
        """See EndpointStrategy."""
        s = self._settings
        is_number = question.expect is Expect.NUMBER
        match heard.completeness:
            case Completeness.COMPLETE:
                if is_number:
                    return self._whole_number_wait_s(heard, longest_pause_s)
                return s.complete_wait_s
            case Completeness.UNFINISHED:
                return s.unfinished_wait_s
            case Completeness.UNKNOWN:
                wait_s = s.unknown_wait_s
            case Completeness.NOTHING:
                cough = voiced_s <= s.cough_voiced_s and question.expect is not Expect.YES_NO
                wait_s = s.cough_wait_s if cough else s.nothing_wait_s
        return max(wait_s, s.number_wait_s) if is_number else wait_s

    def _whole_number_wait_s(self, heard: HeardSoFar, longest_pause_s: float) -> float:
        """Whole by its digits: half a number may be heard as one, too."""
        s = self._settings
        is_sure = heard.confidence >= s.sure_number_confidence
        least_s = s.complete_wait_s if is_sure else s.doubtful_number_wait_s
        return max(least_s, min(s.number_pace * longest_pause_s, s.number_wait_s))
