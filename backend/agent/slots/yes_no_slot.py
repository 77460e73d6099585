"""Yes and no as a slot."""

from backend.agent.slots.slot import CERTAIN, LIKELY, SlotValue
from backend.agent.slots.spoken import spoken
from backend.agent.slots.yes_no import Answer, yes_no


class YesNoReader:
    """Keys: 1 is yes, 2 is no."""

    def read(self, text: str) -> SlotValue[Answer] | None:
        """The answer; with more said beside it a little less sure."""
        found = yes_no(text)
        words = spoken(text)
        if found is None or not words.words:
            return None
        confidence = LIKELY if found.rest else CERTAIN
        span = (words.spans[0][0], words.spans[-1][1])
        return SlotValue(found.answer, confidence, span, found.answer.value)

    def keyed(self, keys: str) -> SlotValue[Answer] | None:
        """The answer keyed."""
        answer = {"1": Answer.YES, "2": Answer.NO}.get(keys.rstrip("#"))
        return SlotValue(answer, CERTAIN, (0, 0), answer.value) if answer else None
