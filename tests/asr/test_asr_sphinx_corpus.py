"""What callers are expected to say, as weighted sentences."""

import re
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.agent.slots.numbers import Length, spoken_number
from backend.asr.base import Vocabulary
from backend.asr.sphinx.corpus import corpus, words_of
from backend.core.speech import Expect

EXAMPLES = tuple(f"my order {letter} is late" for letter in "abcdefgh")
VOCABULARY = Vocabulary(EXAMPLES, 4, 4, ("harbor",))

Judge = Callable[[str], bool]


def _share(expect: Expect, is_meant: Judge, vocabulary: Vocabulary = VOCABULARY) -> float:
    """How much of the weight belongs to such sentences."""
    weighted = [(" ".join(words), weight) for words, weight in corpus(expect, vocabulary)]
    meant = sum(weight for text, weight in weighted if is_meant(text))
    return meant / sum(weight for _, weight in weighted)


def _is_number(text: str) -> bool:
    slot = spoken_number(text, Length(4, 4))
    return slot is not None and slot.complete


def test_an_open_question_expects_the_knowledge_bases_examples_most() -> None:
    assert _share(Expect.OPEN, lambda text: text.startswith("my order")) > 0.6


def test_a_question_for_a_number_expects_numbers_most() -> None:
    assert _share(Expect.NUMBER, _is_number) > 0.6


def test_a_yes_no_question_expects_yes_or_no_most() -> None:
    def begins_with_yes_or_no(text: str) -> bool:
        return text.split()[0] in {"yes", "yeah", "no", "sure", "correct", "nope"}

    assert _share(Expect.YES_NO, begins_with_yes_or_no) > 0.25
    assert _share(Expect.OPEN, begins_with_yes_or_no) < 0.1


def test_who_may_begin_in_one_way_may_begin_in_its_others() -> None:
    asked = Vocabulary(("can i speak to a clerk", *EXAMPLES), 4, 4)
    said = {" ".join(words) for words, _ in corpus(Expect.OPEN, asked)}
    assert {"can i speak to a clerk", "could i speak to a clerk", "let me speak to a clerk"} <= said


def test_another_opening_takes_its_weight_from_the_sentence_itself() -> None:
    plain = Vocabulary(("zebras speak to a clerk", *EXAMPLES), 4, 4)
    opened = Vocabulary(("can i speak to a clerk", *EXAMPLES), 4, 4)

    def of_a_clerk(text: str) -> bool:
        return text.endswith("speak to a clerk")

    assert _share(Expect.OPEN, of_a_clerk, opened) == pytest.approx(
        _share(Expect.OPEN, of_a_clerk, plain)
    )


@pytest.mark.parametrize("expect", list(Expect))
def test_every_question_leaves_room_for_another_one(expect: Expect) -> None:
    assert _share(expect, lambda text: text.startswith("my order")) > 0.1


@pytest.mark.parametrize("expect", list(Expect))
def test_the_ways_out_can_be_heard_whatever_was_asked(expect: Expect) -> None:
    said = {word for words, _ in corpus(expect, VOCABULARY) for word in words}
    assert {"goodbye", "person", "help", "repeat"} <= said


@pytest.mark.parametrize("expect", list(Expect))
def test_the_corpus_is_the_same_each_time(expect: Expect) -> None:
    assert list(corpus(expect, VOCABULARY)) == list(corpus(expect, VOCABULARY))


def test_single_words_of_the_vocabulary_are_in_it() -> None:
    assert ("harbor",) in [words for words, _ in corpus(Expect.OPEN, VOCABULARY)]


def test_a_word_without_letters_makes_no_empty_sentence() -> None:
    vocabulary = Vocabulary(["...", "24/7", "hello"], 4, 4, ("100", "-"))
    assert all(words for words, _ in corpus(Expect.OPEN, vocabulary))


@given(st.lists(st.text(max_size=30), max_size=4), st.lists(st.text(max_size=10), max_size=4))
def test_any_knowledge_base_makes_only_words_the_dictionary_can_spell(
    sentences: list[str], words: list[str]
) -> None:
    for sentence in (*sentences, *words):
        assert all(re.fullmatch(r"[a-z']*[a-z][a-z']*", word) for word in words_of(sentence))


@pytest.mark.parametrize(
    ("written", "words"),
    [
        ("What's my BALANCE?", ("what's", "my", "balance")),
        ("I don’t know", ("i", "don't", "know")),
        ("say 'yes' please", ("say", "yes", "please")),
        ("the Café plan", ("the", "cafe", "plan")),
        ("wi-fi", ("wi", "fi")),
        ("", ()),
    ],
)
def test_words_are_spelt_as_in_the_dictionary(written: str, words: tuple[str, ...]) -> None:
    assert words_of(written) == words


@pytest.mark.parametrize(("shortest", "longest"), [(3, 3), (4, 4), (5, 7), (8, 8), (12, 12)])
def test_numbers_have_the_lengths_customer_numbers_have(shortest: int, longest: int) -> None:
    number_words = re.compile(
        r"\b(oh|zero|one|two|three|four|five|six|seven|eight|nine|double|triple|hundred|thousand"
        r"|\w+teen|ten|eleven|twelve|\w+ty)\b"
    )
    length = Length(shortest, longest)
    numbers = [
        " ".join(words)
        for words, _ in corpus(Expect.NUMBER, Vocabulary((), shortest, longest))
        if len(number_words.findall(" ".join(words))) >= 2
    ]
    slots = [(text, spoken_number(text, length)) for text in numbers]
    wrong = [text for text, slot in slots if slot is None or not slot.complete]
    assert len(numbers) > 1000
    assert wrong == []
