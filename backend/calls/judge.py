"""What a caller's turn amounts to for the agent."""

from dataclasses import dataclass

from backend.core.speech import Heard, HeardKind, Transcript
from backend.telephony.line import CallerInput, InputKind
from backend.turns.reprompt import RepromptPolicy


@dataclass(frozen=True, slots=True)
class Confidence:
    """Where trust in a recogniser's words begins and ends."""

    reject_below: float
    """Under it the words do not count as understood."""
    confirm_below: float
    """Under it the agent asks back before it acts."""

    def grade(self, confidence: float) -> int:
        """0 rejected, 1 doubtful, 2 trusted."""
        return (confidence >= self.reject_below) + (confidence >= self.confirm_below)


class Judge:
    """Judges the turns of one call; counts those in a row that were not understood."""

    def __init__(self, confidence: Confidence, reprompts: int) -> None:
        self._confidence = confidence
        self._reprompts = RepromptPolicy(reprompts)

    def words(self, transcript: Transcript) -> Heard | None:
        """What was said; None when that is nothing intelligible. Counts nothing."""
        if not transcript.text or not self._confidence.grade(transcript.confidence):
            return None
        return Heard(HeardKind.WORDS, text=transcript.text, confidence=transcript.confidence)

    def turn(self, given: CallerInput, transcript: Transcript) -> Heard:
        """What a finished turn amounts to."""
        heard = self._understood(given, transcript)
        if heard is not None:
            self._reprompts.understood()
            return heard
        is_silence = given.kind is InputKind.SILENCE
        kind = HeardKind.SILENCE if is_silence else HeardKind.UNINTELLIGIBLE
        return Heard(kind, confidence=0.0, give_up=self._reprompts.failed())

    def same(self, one: Heard, other: Heard) -> bool:
        """Whether the agent would answer both alike."""
        return (
            (one.kind, one.text, one.digits, one.give_up)
            == (other.kind, other.text, other.digits, other.give_up)
        ) and self._confidence.grade(one.confidence) == self._confidence.grade(other.confidence)

    def _understood(self, given: CallerInput, transcript: Transcript) -> Heard | None:
        match given.kind:
            case InputKind.DIGITS if given.digits:
                return Heard(HeardKind.DIGITS, digits=given.digits)
            case InputKind.TEXT | InputKind.SPEECH:
                return self.words(transcript)
            case _:
                return None
