"""Customer numbers as a slot: digits of a length the company has chosen."""

from dataclasses import dataclass

from backend.agent.slots.numbers import Length, NumberSlot, keyed_number, spoken_number
from backend.agent.slots.slot import CERTAIN, LIKELY, SlotValue
from backend.agent.slots.spoken import spoken


@dataclass(frozen=True, slots=True)
class CustomerNumberReader:
    """Reads complete numbers only; see `numbers` for what to do with a part of one."""

    length: Length

    def read(self, text: str) -> SlotValue[str] | None:
        """The number; a corrected one is a little less sure."""
        number = spoken_number(text, self.length)
        words = spoken(text)
        if number is None or not number.complete or not words.words:
            return None
        confidence = CERTAIN if number.plain else LIKELY
        return SlotValue(
            number.digits, confidence, (words.spans[0][0], words.spans[-1][1]), number.digits
        )

    def keyed(self, keys: str) -> SlotValue[str] | None:
        """The number keyed."""
        number: NumberSlot | None = keyed_number(keys, self.length)
        if number is None or not number.complete:
            return None
        return SlotValue(number.digits, CERTAIN, (0, 0), number.digits)
