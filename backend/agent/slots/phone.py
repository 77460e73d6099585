"""Telephone numbers: our own ear for spoken digits, Google's numbering plans for what they mean."""

from collections.abc import Sequence
from dataclasses import dataclass

import phonenumbers
from phonenumbers import NumberParseException, PhoneNumber, PhoneNumberFormat, ValidationResult

from backend.agent.slots.numbers import Length, NumberSlot, keyed_number, spoken_number
from backend.agent.slots.slot import CERTAIN, GUESSED, LIKELY, SlotValue
from backend.agent.slots.spoken import Spoken, is_number, phrase_at, phrases, spoken
from backend.agent.slots.spoken_digits import NUMBER_WORDS, digit_runs

PHONE = Length(7, 15)
"""Digits of a number without and with country code (E.164 allows 15)."""
_EXTENSION = phrases("extension; ext; extension number; extension is")
_MOST_EXTENSION_DIGITS = 6
_AREA_CODE = 3
_POSSIBLE = (ValidationResult.IS_POSSIBLE, ValidationResult.IS_POSSIBLE_LOCAL_ONLY)


@dataclass(frozen=True, slots=True)
class Phone:
    """A number that can be dialled. `str()`: `+15551234567 x12`, or the local digits alone."""

    digits: str
    """E.164 with its plus; the digits as given where the area code is missing."""
    extension: str = ""

    def __str__(self) -> str:
        return f"{self.digits} x{self.extension}" if self.extension else self.digits


@dataclass(frozen=True, slots=True)
class PhoneReader:
    """`region`: two-letter country whose numbers are given without a country code."""

    region: str = "US"

    def read(self, text: str) -> SlotValue[Phone] | None:
        """The number, if the numbering plan of its country allows its length."""
        words = spoken(text, "+")
        cut = _extension_at(words)
        extension, main = "", words.words
        if cut is not None:
            position, extension = cut
            main = words.words[:position]
        number = _after_area_code(main) or spoken_number(" ".join(main), PHONE)
        if number is None or not number.complete:
            return None
        international = "+" in main or "plus" in main
        found = self._found(number.digits, extension, international=international)
        if found is None:
            # "For one five …": the first word was a digit after all.
            whole = max((run.digits for run in digit_runs(main)), key=len)
            found = self._found(whole, extension, international=international)
        if found is None:
            return None
        phone, confidence, read_back = found
        return SlotValue(
            phone,
            confidence if number.plain else min(confidence, LIKELY),
            _digits_span(words),
            read_back,
        )

    def keyed(self, keys: str) -> SlotValue[Phone] | None:
        """The number keyed."""
        number = keyed_number(keys, PHONE)
        found = self._found(number.digits, "", international=False) if number else None
        return SlotValue(found[0], found[1], (0, 0), found[2]) if found else None

    def _found(
        self, digits: str, extension: str, *, international: bool
    ) -> tuple[Phone, float, str] | None:
        if digits.startswith("00"):
            digits, international = digits[2:], True
        try:
            number = phonenumbers.parse("+" + digits if international else digits, self.region)
        except NumberParseException:
            return None
        possible = phonenumbers.is_possible_number_with_reason(number)
        if possible not in _POSSIBLE:
            return None
        tail = f", extension {extension}" if extension else ""
        if possible == ValidationResult.IS_POSSIBLE_LOCAL_ONLY:
            return Phone(digits, extension), GUESSED, _local(digits) + tail
        e164 = phonenumbers.format_number(number, PhoneNumberFormat.E164)
        # Numbers nobody has been given are more often misheard than real.
        confidence = CERTAIN if phonenumbers.is_valid_number(number) else LIKELY
        return Phone(e164, extension), confidence, self._spoken(number) + tail

    def _spoken(self, number: PhoneNumber) -> str:
        abroad = phonenumbers.country_code_for_region(self.region) != number.country_code
        form = PhoneNumberFormat.INTERNATIONAL if abroad else PhoneNumberFormat.NATIONAL
        formatted = phonenumbers.format_number(number, form)
        grouped = "".join(char if char.isdigit() else " " for char in formatted)
        plus = "plus " if abroad else ""
        return plus + " ".join(grouped.split())


def _after_area_code(words: Sequence[str]) -> NumberSlot | None:
    """ "Area code two one two and the number is …": the parts belong together."""
    places = [i for i in range(len(words)) if tuple(words[i : i + 2]) == ("area", "code")]
    if not places:
        return None
    runs = digit_runs(words[places[0] + 2 :])
    if len(runs) != 2 or runs[0].start > 1 or len(runs[0].digits) != _AREA_CODE:
        return None
    digits = runs[0].digits + runs[1].digits
    return NumberSlot(digits, PHONE.fits(digits))


def _local(digits: str) -> str:
    """`5551234` → `555 1234`."""
    return f"{digits[:-4]} {digits[-4:]}"


def _extension_at(words: Spoken) -> tuple[int, str] | None:
    """Where "extension twelve" begins, and its digits."""
    for position in range(len(words.words)):
        length = phrase_at(words.words, position, _EXTENSION)
        if length:
            runs = digit_runs(words.words[position + length :])
            if runs and runs[0].start == 0 and len(runs[0].digits) <= _MOST_EXTENSION_DIGITS:
                return position, runs[0].digits
    return None


def _digits_span(words: Spoken) -> tuple[int, int]:
    """From the first to the last word that is a digit, corrections included."""
    places = [i for i, word in enumerate(words.words) if is_number(word) or word in NUMBER_WORDS]
    return words.span(places[0], places[-1] + 1) if places else words.span(0, len(words.words))
