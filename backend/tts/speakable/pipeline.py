"""The order of the stages."""

from functools import lru_cache

from backend.tts.speakable.abbreviations import with_abbreviations_written_out
from backend.tts.speakable.addresses import with_addresses_spoken
from backend.tts.speakable.characters import plain_characters
from backend.tts.speakable.dates import with_dates_spoken
from backend.tts.speakable.finish import finished, limited, with_symbols_spoken
from backend.tts.speakable.identifiers import (
    with_codes_spoken,
    with_identifiers_spoken,
    with_phones_spoken,
)
from backend.tts.speakable.markup import without_markup
from backend.tts.speakable.money import with_money_spoken
from backend.tts.speakable.quantities import with_measures_spoken, with_numbers_spoken
from backend.tts.speakable.times import with_times_spoken

MAX_WORDS = 150
"""About a minute of speech: more than that nobody listens to on the telephone."""

MAX_CHARACTERS = 2000
"""Far above `MAX_WORDS`; bounds the work on runaway input."""

_STAGES = (
    plain_characters,
    without_markup,
    with_addresses_spoken,
    with_dates_spoken,
    with_times_spoken,
    with_money_spoken,
    with_phones_spoken,
    with_identifiers_spoken,
    with_measures_spoken,
    with_codes_spoken,
    with_numbers_spoken,
    with_abbreviations_written_out,
    with_symbols_spoken,
    finished,
)


_PASSES = 4
"""Dropping a stray mark can uncover an abbreviation; a pass that changes nothing is the last."""


@lru_cache(maxsize=2048)
def speakable(text: str) -> str:
    """English text as it should be read out: words and simple punctuation only, no digits,
    at most `MAX_WORDS` words. Empty when nothing in `text` can be said. Never raises;
    applying it twice changes nothing.
    """
    text = text[:MAX_CHARACTERS]
    for _ in range(_PASSES):
        before, text = text, _one_pass(text)
        if text == before:
            break
    return text


def _one_pass(text: str) -> str:
    for stage in _STAGES:
        text = stage(text)
    return limited(text, MAX_WORDS)
