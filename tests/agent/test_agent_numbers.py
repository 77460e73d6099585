"""Customer numbers as people say and key them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.agent.slots.numbers import Length, keyed_number, spoken_number, without_number
from backend.agent.slots.spoken_digits import digit_runs, tokens

FOUR = Length(4, 4)

SPOKEN = {
    "1004": """
        one zero zero four
        one oh oh four
        one o o four
        one double oh four
        one double zero four
        one nought nought four
        one naught naught four
        one nil nil four
        one zero oh four
        ten oh four
        ten zero four
        ten o four
        a thousand and four
        a thousand four
        one thousand and four
        one thousand four
        one thousand oh four
        one thousand zero zero four
        ten hundred and four
        1004
        1,004
        10 04
        1 0 0 4
        1-0-0-4
        1.0.0.4
        # 1004
        1004.
        it's a thousand and four
        it's one zero zero four
        it is one zero zero four
        my number is one zero zero four
        my customer number is one zero zero four
        my number's one oh oh four
        that would be one zero zero four
        the number is one double oh four thank you
        customer number one zero zero four please
        yes it's one zero zero four
        okay so that's one zero zero four
        sure one zero zero four
        um one zero uh zero four
        uh one um zero uh zero um four
        one zero and then zero four
        one zero then zero four
        one dash zero dash zero dash four
        one zero zero for
        won zero zero four
        won oh oh for
        one owe owe four
        oh one zero zero four
        oh it's 1004
        for one zero zero four
        to one zero zero four
        it's for account one zero zero four
        my number is one zero zero four and i have had it for two years
        one zero zero four i think
        i think it's one zero zero four but i am not sure
        let me see one zero zero four
        hang on it says one zero zero four here
        one zero zero four one zero zero four
        one oh oh four i repeat one oh oh four
        one zero zero four yes one zero zero four
        one zero, no, one zero zero four
        one one no sorry one zero zero four
        one zero zero five no four
        one zero zero five sorry four
        one zero one four i mean one zero zero four
        two zero zero four no wait one zero zero four
        nine nine nine nine scratch that one zero zero four
        it's 1005 no actually it's 1004
        1005 correction 1004
        not one zero zero five but one zero zero four
        one zero zero four not one zero zero five
        one zero hmm let me see zero four
        One Zero Zero Four
        ONE ZERO ZERO FOUR
        one  zero   zero    four
        one, zero, zero, four.
        1 thousand 4
        1 thousand and 4
        １００４
    """,
    "1104": """
        one one zero four
        eleven oh four
        eleven zero four
        eleven hundred and four
        eleven hundred four
        one thousand one hundred and four
        one thousand one hundred four
        double one zero four
        double one oh four
        one zero, no, one one zero four
        one one oh four
    """,
    "1234": """
        one two three four
        twelve thirty four
        twelve hundred thirty four
        twelve hundred and thirty four
        one thousand two hundred thirty four
        one thousand two hundred and thirty four
        one twenty three four
        12 34
        twelve 34
        one to three four
        one too three for
        won two tree fore
    """,
    "5552": """
        triple five two
        treble five two
        five five five two
        five double five two
        double five five two
        fifty five fifty two
        fife fife fife two
        five thousand five hundred fifty two
    """,
    "2000": """
        two thousand
        two zero zero zero
        two triple zero
        two triple oh
        twenty hundred
        twenty zero zero
        twenty double oh
        2 thousand
        two oh oh oh
    """,
    "2021": """
        twenty twenty one
        two thousand twenty one
        two thousand and twenty one
        two oh two one
        twenty twenty-one
    """,
    "8888": """
        eight eight eight eight
        double eight double eight
        quadruple eight
        triple eight eight
        ate ate eight eight
        eighty eight eighty eight
    """,
    "9999": """
        nine thousand nine hundred ninety nine
        ninety nine ninety nine
        niner niner niner niner
        nine nine double nine
    """,
    "0042": """
        zero zero four two
        double zero forty two
        oh oh four two
        double oh forty two
        0042
    """,
    "1600": """
        sixteen hundred
        sixteen double oh
        one six oh oh
        one thousand six hundred
    """,
}
"""Every line is one way to say the number above it."""

PHRASINGS = [
    (line.strip(), digits)
    for digits, lines in SPOKEN.items()
    for line in lines.strip().splitlines()
]


def test_the_table_is_large_enough_to_mean_something() -> None:
    assert len(PHRASINGS) >= 120


@pytest.mark.parametrize(("spoken", "digits"), PHRASINGS)
def test_a_spoken_number_is_understood(spoken: str, digits: str) -> None:
    slot = spoken_number(spoken, FOUR)
    assert slot is not None
    assert (slot.digits, slot.complete) == (digits, True)


@pytest.mark.parametrize(
    ("spoken", "digits"),
    [
        ("one zero zero", "100"),
        ("ten four", "104"),
        ("one hundred and four", "104"),
        ("four", "4"),
        ("twenty", "20"),
        ("one two three four five six", "123456"),
    ],
)
def test_a_number_of_the_wrong_length_is_incomplete(spoken: str, digits: str) -> None:
    slot = spoken_number(spoken, FOUR)
    assert slot is not None
    assert (slot.digits, slot.complete) == (digits, False)


@pytest.mark.parametrize(
    "spoken",
    [
        "",
        "   ",
        "hello",
        "i do not know it",
        "what are your opening hours",
        "my internet is down",
        "?!",
        "and",
        "double trouble",
        "hundreds of them",
    ],
)
def test_sentences_without_digits_hold_no_number(spoken: str) -> None:
    assert spoken_number(spoken, FOUR) is None


@pytest.mark.parametrize(
    ("spoken", "digits"),
    [
        ("five five five one two three four", "5551234"),
        ("five five five, twelve thirty four", "5551234"),
        ("plus one five five five oh one four two", "15550142"),
        ("(555) 123-4567", "5551234567"),
        ("area code five five five then one two three four five six seven", "5551234567"),
        ("eight hundred five five five one two three four", "8005551234"),
        ("555 0142", "5550142"),
    ],
)
def test_longer_numbers_are_read_with_the_same_rules(spoken: str, digits: str) -> None:
    slot = spoken_number(spoken, Length(7, 15))
    assert slot is not None
    assert slot.digits == digits
    assert slot.complete


@pytest.mark.parametrize(
    ("keys", "digits", "complete"),
    [
        ("1004", "1004", True),
        ("1004#", "1004", True),
        (" 1004# ", "1004", True),
        ("99*1004#", "1004", True),
        ("1004*", "1004", True),
        ("104#", "104", False),
        ("10045", "10045", False),
    ],
)
def test_a_keyed_number_is_read_with_and_without_hash(
    keys: str, digits: str, complete: bool
) -> None:
    slot = keyed_number(keys, FOUR)
    assert slot is not None
    assert (slot.digits, slot.complete) == (digits, complete)


@pytest.mark.parametrize("keys", ["", "#", "*", "##", "abc"])
def test_keys_without_digits_are_no_number(keys: str) -> None:
    assert keyed_number(keys, FOUR) is None


@pytest.mark.parametrize(
    ("said", "left"),
    [
        ("which plan am i on my number is one zero zero four", "which plan am i on"),
        ("one zero zero four", ""),
        ("my customer number is 1004 and what do i owe", "and what do i owe"),
        ("i have two questions", "i have two questions"),
        ("my bill please one zero zero four for this month", "my bill please for this month"),
        ("how much do i owe one zero zero four", "how much do i owe"),
        ("", ""),
    ],
)
def test_the_request_is_what_is_left_without_the_number(said: str, left: str) -> None:
    assert without_number(said, FOUR) == left


@pytest.mark.parametrize(
    ("said", "left"),
    [
        ("what does customer number one zero zero one owe", "what does i owe"),
        ("which plan is customer 1004 on", "which plan is i on"),
        ("the balance of account 1004 please", "the balance of i please"),
        ("my account number 1004 is wrong", "is wrong"),
        ("customer number 1004 what do i owe", "what do i owe"),
    ],
)
def test_a_number_in_the_place_of_a_person_is_the_caller(said: str, left: str) -> None:
    assert without_number(said, FOUR) == left


_WORDS = st.sampled_from(
    [
        "one", "two", "oh", "zero", "double", "triple", "hundred", "thousand", "and", "a", "twenty",
        "ten", "no", "sorry", "not", "to", "for", "um", "my", "number", "1004", "7", "00", "i",
        "mean",
    ]
)  # fmt: skip
_LENGTHS = st.tuples(st.integers(1, 15), st.integers(0, 5)).map(lambda n: Length(n[0], sum(n)))


@given(st.text(max_size=300), _LENGTHS)
def test_any_text_gives_digits_or_nothing(text: str, length: Length) -> None:
    slot = spoken_number(text, length)
    assert slot is None or (slot.digits.isascii() and slot.digits.isdigit())


@given(st.lists(_WORDS, max_size=25).map(" ".join), _LENGTHS)
def test_any_number_words_give_digits_and_an_honest_completeness(text: str, length: Length) -> None:
    slot = spoken_number(text, length)
    if slot:
        assert slot.digits.isdigit()
        assert slot.complete == length.fits(slot.digits)


@given(st.text(alphabet="0123456789", min_size=4, max_size=4))
def test_every_number_said_digit_by_digit_is_understood(digits: str) -> None:
    names = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]
    spoken = " ".join(names[int(digit)] for digit in digits)
    slot = spoken_number(spoken, FOUR)
    assert slot is not None
    assert slot.digits == digits


@given(st.text(max_size=50))
def test_any_keys_are_read_without_complaint(keys: str) -> None:
    slot = keyed_number(keys, FOUR)
    assert slot is None or slot.digits.isdigit()


@given(st.lists(_WORDS, max_size=25))
def test_runs_do_not_overlap_and_always_advance(spoken: list[str]) -> None:
    end = 0
    for run in digit_runs(tokens(" ".join(spoken))):
        assert end <= run.start < run.end
        end = run.end
