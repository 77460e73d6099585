"""Words are believed once two passes in a row agree on them."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from backend.asr.whisper_agreement import Agreement, common_prefix

WORDS = st.lists(st.sampled_from(["my", "number", "is", "is,", "Four", "four", "…"]), max_size=6)
PASSES = st.lists(WORDS, max_size=8)


def committed_after(*passes: list[str]) -> str:
    agreement = Agreement()
    for words in passes:
        agreement.hear(words)
    return " ".join(agreement.committed)


def test_one_pass_alone_is_not_believed() -> None:
    assert committed_after("my number is".split()) == ""


def test_what_two_passes_begin_with_is_committed() -> None:
    assert committed_after("my number it".split(), "my number is four".split()) == "my number"


def test_words_grow_with_each_pair_of_passes() -> None:
    passes = ["my num", "my number", "my number is for", "my number is four two"]
    assert committed_after(*(one.split() for one in passes)) == "my number is"


def test_case_and_punctuation_are_no_disagreement() -> None:
    assert committed_after(["Yes,", "please"], ["yes", "Please."]) == "yes Please."


def test_a_pass_that_takes_words_back_adds_nothing() -> None:
    passes = ["pay my bill", "pay my bill", "play my", "play my music"]
    assert committed_after(*(one.split() for one in passes)) == "pay my bill"


@given(PASSES)
def test_what_is_committed_only_ever_grows(passes: list[list[str]]) -> None:
    agreement = Agreement()
    before: tuple[str, ...] = ()
    for words in passes:
        agreement.hear(words)
        assert agreement.committed[: len(before)] == before
        before = agreement.committed


@given(PASSES)
def test_every_committed_word_stood_there_in_two_passes_in_a_row(passes: list[list[str]]) -> None:
    agreement = Agreement()
    for words in passes:
        agreement.hear(words)
    committed = agreement.committed
    for length in range(1, len(committed) + 1):
        assert any(
            len(common_prefix(one, committed[:length])) == length
            and len(common_prefix(two, committed[:length])) == length
            for one, two in pairwise(passes)
        )


@given(PASSES, WORDS)
def test_the_same_twice_is_believed_unless_it_contradicts(
    passes: list[list[str]], words: list[str]
) -> None:
    agreement = Agreement()
    for one in passes:
        agreement.hear(one)
    before = agreement.committed
    agreement.hear(words)
    agreement.hear(words)
    fits = len(common_prefix(before, words)) == len(before)

    assert len(agreement.committed) == (len(words) if fits else len(before))


@given(WORDS, WORDS)
def test_a_common_prefix_is_a_prefix_of_both(one: list[str], two: list[str]) -> None:
    prefix = list(common_prefix(one, two))

    assert prefix == two[: len(prefix)]
    assert len(common_prefix(two, one)) == len(prefix)
