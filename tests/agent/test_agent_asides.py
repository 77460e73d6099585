"""Words beside the point while something is being asked, and phone numbers to call back on."""

import pytest

from backend.core.records import TicketType
from backend.core.speech import Expect
from tests.agent.harness import Call


@pytest.mark.parametrize(
    ("said", "first"),
    [
        ("hello", "Hello."),
        ("thank you very much", "You are welcome."),
        ("is there a late fee", "There is a five dollar fee"),
    ],
)
def test_an_aside_is_answered_and_the_question_comes_again(
    call: Call, said: str, first: str
) -> None:
    call.says("my internet is slow")
    answer = call.says(said)
    assert answer.sentences[0].startswith(first)
    assert answer.sentences[-1] == "Did that help?"
    assert call.question.expect is Expect.YES_NO


@pytest.mark.parametrize("said", ["yes", "no"])
def test_a_stray_yes_or_no_asks_what_to_do(call: Call, said: str) -> None:
    assert call.says(said).sentences == ["What can I do for you?"]


def test_a_stray_yes_in_the_middle_asks_again(call: Call) -> None:
    call.says("what's my balance")
    assert "customer number" in call.says("yes")


def test_the_customer_number_can_be_asked_about_at_any_time(call: Call) -> None:
    answer = call.says("where do i find my customer number")
    assert "top of every bill" in answer
    assert "anything else" in answer.sentences[-1]


def test_an_unclear_goodbye_is_not_taken_for_one(call: Call) -> None:
    call.says("what's my balance")
    assert call.says("what now then").outcome is None


def test_what_to_a_doubt_asks_the_doubt_again(call: Call) -> None:
    call.says("i have a complaint", confidence=0.4)
    answer = call.says("can you repeat that")
    assert answer.sentences == ["Sorry, did you say something about a complaint?"]
    assert "tell me what happened" in call.says("yes")


def test_a_doubt_about_nothing_we_know_is_noise(call: Call) -> None:
    assert "did not understand" in call.says("the moon is made of cheese", confidence=0.4)


def test_a_keyed_number_settles_a_doubt_about_a_spoken_one(call: Call) -> None:
    call.says("what's my balance")
    call.says("one zero zero five", confidence=0.4)
    assert "Your balance is $84.50." in call.keys("1004")


def test_nonsense_instead_of_a_customer_number_is_one_of_the_tries(call: Call) -> None:
    call.says("what's my balance")
    assert "Please say it again" in call.says("the moon is made of cheese")
    assert "Please try once more" in call.says("the moon is made of cheese")
    assert call.says("the moon is made of cheese").ticket.type is TicketType.CALLBACK


def test_a_short_phone_number_is_asked_for_again(anonymous_call: Call) -> None:
    anonymous_call.says("operator")
    assert "whole phone number" in anonymous_call.says("five five five")
    assert "I have 555 1234." in anonymous_call.says("555 1234")


def test_after_two_tries_it_goes_on_without_a_phone_number(anonymous_call: Call) -> None:
    anonymous_call.says("operator")
    anonymous_call.says("the moon is made of cheese")
    assert anonymous_call.says("of yellow cheese it is made").ticket.type is TicketType.CALLBACK


def test_a_question_in_between_does_not_lose_the_phone_number(anonymous_call: Call) -> None:
    anonymous_call.says("operator")
    answer = anonymous_call.says("when are you open")
    assert "Which phone number" in answer.sentences[-1]


def test_noise_at_a_phone_number_asks_again(anonymous_call: Call) -> None:
    anonymous_call.says("operator")
    assert "Which phone number" in anonymous_call.mumbles()
    assert anonymous_call.question.max_digits == 15
