"""What callers may say to each kind of question, as weighted sentences for a language model."""

import random
import re
import unicodedata
from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path

from backend.asr.base import Vocabulary
from backend.asr.sphinx.grammar import DIGITS, TAKEN_BACK, TEENS, TENS
from backend.core.speech import Expect

GENERAL = Path(__file__).parent.parent / "data" / "phone_english.txt"
"""Phrases callers use whatever the business sells."""

_LARGE = {
    3: ((("a", *DIGITS[2:]), "hundred"),),
    4: ((("a", *DIGITS[2:]), "thousand"), (TEENS, "hundred")),
    5: ((TEENS, "thousand"),),
}
"""By how many digits they have, the numbers said with a hundred or a thousand in them."""
_LEAD_INS = ("", "", "", "it's", "it is", "my number is", "my customer number is", "the number is",
             "the customer number is", "yes it's", "sure it's", "okay it's", "um it's", "um",
             "uh it's", "that's", "that would be", "i think it's", "yes", "okay")  # fmt: skip
_YES = ("yes", "yes please", "yeah", "yep", "yup", "sure", "of course", "correct", "right",
        "that's right", "that is right", "that's correct",
        "that is correct", "yes that is correct", "exactly", "okay", "ok", "yes that's right",
        "absolutely", "definitely", "i think so", "please do", "go ahead",
        "yes that would be great", "it works", "yes it works", "it's working now",
        "yes thank you", "uh huh")  # fmt: skip
_NO = ("no", "no thanks", "no thank you", "nope", "nah", "no it's not", "no i'm not",
       "not really", "that's wrong", "that's not right", "that is not right",
       "that is not correct", "that's not correct", "incorrect", "wrong", "not at all",
       "i don't think so", "i do not think so",
       "no that's not right", "no that's all", "that's all", "no that's it", "nothing else",
       "no not yet", "it did not help", "it still does not work",
       "no it still doesn't work", "no nothing else thank you", "negative")  # fmt: skip
_SHORT_ANSWERS = {
    "i": ("do", "did", "am", "have", "would", "was"),
    "it": ("is", "does", "did", "has", "was"),
    "we": ("do", "did", "are", "have"),
    "they": ("do", "did", "are"),
    "that": ("is", "does", "was"),
}
"""Who, and the verbs of a question that is answered with them: "yes it did", "no we have not"."""

_COURTESIES = (
    "thank you", "thank you", "thanks", "thanks a lot", "thank you very much", "okay thank you",
    "thanks bye", "no thank you", "goodbye", "goodbye", "bye", "bye bye", "hello", "hi",
    "one moment please", "one moment", "hold on", "wait a second", "just a second",
    "what did you say", "say that again please", "can you repeat that", "sorry", "pardon",
    "never mind", "that's all",
)  # fmt: skip
"""Short, and said in every second call, whatever it is about."""

_AND = ("and", "and", "and", "and also", "and i also want to know")
"""Between two requests in one breath."""
_TAKEN_BACK = ("no", *TAKEN_BACK)
"""The bare word is said more often than the others."""

_PLAIN = ("yes", "no") * 18
"""Said about half as often as all the other wordings together."""

_NUMBERS_EACH = 1500
"""Random numbers mixed in: enough that every pair of digits is seen in every place."""

_OPENINGS = (
    ("i want to", "i would like to", "i'd like to", "i need to", "i have to", "i wish to",
     "can i", "could i", "may i", "let me", "i just want to"),
    ("can you", "could you", "would you", "will you", "please", "can you please",
     "could you please", "i want you to", "i need you to"),
    ("i want a", "i need a", "i would like a", "i'd like a", "can i have a", "could i have a",
     "can i get a", "give me a", "i'm looking for a"),
    ("do you have", "have you got", "are there", "is there"),
)  # fmt: skip
"""Ways to begin that can stand for each other: whoever may say one may say them all."""
_SPLIT_OPENINGS = tuple(tuple(tuple(text.split()) for text in ways) for ways in _OPENINGS)
_REOPENED = 0.4
"""How much of a sentence's weight goes to the same with other openings."""

Weighted = tuple[Sequence[str], float]

_SHARES: dict[Expect, dict[str, float]] = {
    # Of each kind of sentence, how much of the probability: what is asked for most, and always
    # the ways out (a person, a goodbye, another question).
    Expect.OPEN: {
        "examples": 0.56, "general": 0.15, "courtesies": 0.04, "together": 0.09, "yes_no": 0.06,
        "numbers": 0.10,
    },
    Expect.NUMBER: {
        "examples": 0.17, "general": 0.04, "courtesies": 0.02, "yes_no": 0.03, "numbers": 0.74,
    },
    Expect.YES_NO: {
        "examples": 0.18, "general": 0.03, "courtesies": 0.05, "yes_no": 0.72, "numbers": 0.02,
    },
}  # fmt: skip


def corpus(expect: Expect, vocabulary: Vocabulary) -> Iterator[Weighted]:
    """Sentences with weights that add up to the number of sentences of the knowledge base.

    The scale matters: Witten–Bell smoothing trusts counts, so that a small knowledge base stays
    open to what it has not seen.
    """
    examples = [words_of(sentence) for sentence in vocabulary.sentences]
    numbers = list(_numbers(vocabulary.min_digits, vocabulary.max_digits))
    groups = {
        "examples": examples,
        "general": _general(),
        "courtesies": [tuple(text.split()) for text in _COURTESIES],
        "together": list(_together(examples, numbers)),
        "yes_no": [tuple(text.split()) for text in (*_YES, *_NO, *_short_answers(), *_PLAIN)],
        "numbers": numbers,
    }
    scale = 3.0 * max(100, len(examples))
    for name, share in _SHARES[expect].items():
        sentences = [words for words in groups[name] if words]
        for words in sentences:
            yield from _with_other_openings(words, scale * share / len(sentences))
    for word in vocabulary.words:
        if words := words_of(word):
            yield words, 0.5


def _with_other_openings(words: tuple[str, ...], weight: float) -> Iterator[Weighted]:
    """A sentence, and what it becomes when it begins in another way; weights add up."""
    for openings in _SPLIT_OPENINGS:
        for opening in openings:
            if words[: len(opening)] == opening and len(words) > len(opening):
                others = [other for other in openings if other != opening]
                yield words, weight * (1 - _REOPENED)
                for other in others:
                    yield (*other, *words[len(opening) :]), weight * _REOPENED / len(others)
                return
    yield words, weight


def words_of(sentence: str) -> tuple[str, ...]:
    """A sentence as the decoder's dictionary spells it: lower case, apostrophes within words kept,
    accents not."""
    plain = unicodedata.normalize("NFKD", sentence.lower().replace("’", "'"))
    letters = "".join(letter for letter in plain if not unicodedata.combining(letter))
    return tuple(re.findall(r"[a-z]+(?:'[a-z]+)*", letters))


@lru_cache(maxsize=1)
def _general() -> list[tuple[str, ...]]:
    lines = GENERAL.read_text(encoding="utf-8").splitlines()
    return [words_of(line) for line in lines if line.strip() and not line.startswith("#")]


def _together(
    requests: Sequence[tuple[str, ...]], numbers: Sequence[tuple[str, ...]]
) -> Iterator[tuple[str, ...]]:
    """What a request is followed by in one breath: another one, or the caller's number."""
    dice = random.Random(2)
    whole = [words for words in requests if len(words) > 2]
    for words in whole:
        yield (*words, *dice.choice(_AND).split(), *dice.choice(whole))
        if numbers and dice.random() < 0.2:
            yield (*words, *dice.choice(numbers))


def _short_answers() -> Iterator[str]:
    """What English answers with besides the bare word."""
    for who, verbs in _SHORT_ANSWERS.items():
        for verb in verbs:
            yield f"yes {who} {verb}"
            yield f"no {who} {verb} not"
            if verb != "am":
                yield f"no {who} {verb}n't"


def _numbers(min_digits: int, max_digits: int) -> Iterator[tuple[str, ...]]:
    """Numbers in the ways people say them: digit by digit mostly, pairs and thousands too."""
    dice = random.Random(1)
    for _ in range(_NUMBERS_EACH):
        length = dice.randint(min_digits, max_digits)
        manner = dice.random()
        if manner < 0.62:
            said = _digit_by_digit(dice, length)
        elif manner < 0.78:
            said = _doubled(dice, length)
        elif manner < 0.90 or length not in _LARGE:
            # A single digit comes first: after "sixty" it would be part of that.
            said = _digit_by_digit(dice, length % 2)
            said += [word for _ in range(length // 2) for word in _pair(dice)]
        else:
            said = _large(dice, length)
        if dice.random() < 0.03:
            slip = _digit_by_digit(dice, dice.randint(2, length))
            said = [*slip, *dice.choice(_TAKEN_BACK).split(), *said]
        yield (*dice.choice(_LEAD_INS).split(), *said)


def _digit_by_digit(dice: random.Random, length: int) -> list[str]:
    return [dice.choice(DIGITS) for _ in range(length)]


def _doubled(dice: random.Random, length: int) -> list[str]:
    times, word = (3, "triple") if length > 3 and dice.random() < 0.2 else (2, "double")
    said = _digit_by_digit(dice, max(0, length - times))
    place = dice.randint(0, len(said))
    return [*said[:place], word, dice.choice(DIGITS), *said[place:]]


def _pair(dice: random.Random) -> tuple[str, ...]:
    """Two digits as one number: `ten`, `forty two`, `oh four`."""
    manner = dice.random()
    if manner < 0.3:
        return (dice.choice(TEENS),)
    if manner < 0.4:
        return (dice.choice(("oh", "zero")), dice.choice(DIGITS[2:]))
    return _from_twenty(dice)


def _from_twenty(dice: random.Random) -> tuple[str, ...]:
    tens = dice.choice(TENS)
    return (tens,) if dice.random() < 0.17 else (tens, dice.choice(DIGITS[2:]))


def _large(dice: random.Random, length: int) -> list[str]:
    multipliers, scale = dice.choice(_LARGE[length])
    said = [dice.choice(multipliers), scale]
    rest = dice.random()
    if rest < 0.5:
        said += ["and", dice.choice(DIGITS[2:])]
    elif rest < 0.8:
        said += ["and", *_from_twenty(dice)]
    return said
