"""Yes and no in many wordings."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.agent.slots.yes_no import _ONLY_NO, _ONLY_YES, NO, YES, Answer, yes_no

YES_SAID = """
    yes; Yes!; yeah; yep; yup; yes please; yes, that's right; yes it is; yes I do; sure; sure
    why not; okay; ok; okay sure; alright; all right then; right; that's right; correct;
    exactly; absolutely; of course; of course it is; definitely; certainly; go ahead; yes go
    ahead; please do; please; I think so; I guess so; sounds good; that would be great; by all
    means; uh-huh; uh huh; mhm; mm-hmm; well yes; oh yes; um yes; yes yes yes; yeah yeah; yes,
    thank you; yes ma'am; yes sir; no problem; why not; it did; yes it did; it works now; it's
    working; it is working again; that helped; that did it; I would say yes; I do; no yes
"""
NO_SAID = """
    no; No.; nope; nah; no thanks; no thank you; no no no; not really; not yet; not at all; no
    it's not; no that's wrong; that's not right; that is not correct; wrong; incorrect; never;
    I don't think so; no I don't think so; I'm afraid not; of course not; certainly not;
    absolutely not; definitely not; yeah no; yes no; well no; um no; oh no; nothing else; no
    that's all; that's all; that's it; that's everything thank you; no I'm good; I'm good
    thanks; I'm done; no more; nothing; none; it didn't; it did not help; it didn't work; still
    not working; it's still not working; still the same; no change; no it's the same; still
    slow; it doesn't work; I do not; I don't; don't; no need; never mind; leave it; I'd rather
    not; not today; no sir; I would say no
"""
NEITHER_SAID = """
    ; hello; what are your opening hours; maybe; I'm not sure; I don't know; yes and no; no
    idea; one zero zero four; my internet is down; it depends; hmm; I do not know my number; I
    am calling about my bill; it is about my bill; two questions
"""


def split(phrases: str) -> list[str]:
    return [" ".join(phrase.split()) for phrase in phrases.split(";")]


@pytest.mark.parametrize("said", split(YES_SAID))
def test_yes_in_many_wordings(said: str) -> None:
    answer = yes_no(said)
    assert answer is not None
    assert answer.answer is Answer.YES


@pytest.mark.parametrize("said", split(NO_SAID))
def test_no_in_many_wordings(said: str) -> None:
    answer = yes_no(said)
    assert answer is not None
    assert answer.answer is Answer.NO


@pytest.mark.parametrize("said", split(NEITHER_SAID))
def test_what_is_neither_stays_open(said: str) -> None:
    assert yes_no(said) is None


@pytest.mark.parametrize(
    ("said", "rest"),
    [
        ("no I want to cancel", "i want to cancel"),
        ("yes my internet is down", "my internet is down"),
        ("no, what are your opening hours?", "what are your opening hours"),
        ("yes please", ""),
        ("no thank you very much", ""),
    ],
)
def test_what_is_said_beside_the_answer_is_kept(said: str, rest: str) -> None:
    answer = yes_no(said)
    assert answer is not None
    assert answer.rest == rest


def test_thats_it_confirms_what_was_read_back_and_ends_what_was_offered() -> None:
    confirmed, declined = yes_no("that's it", confirming=True), yes_no("that's it")
    assert confirmed is not None
    assert declined is not None
    assert (confirmed.answer, declined.answer) == (Answer.YES, Answer.NO)


def test_no_wording_is_in_both_tables() -> None:
    assert not {*YES, *_ONLY_YES} & {*NO, *_ONLY_NO}


@given(st.text(max_size=200))
def test_any_text_is_read_without_complaint(text: str) -> None:
    answer = yes_no(text)
    assert answer is None or answer.answer in Answer
