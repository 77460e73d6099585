"""A customer number taken back after it was accepted, or after it was nobody's."""

import pytest

from backend.agent.base import IdentifyCustomer
from tests.agent.harness import Call, Directory


@pytest.fixture
def greeted(call: Call) -> Call:
    """A caller who was taken for Maria Santos, 1004, and heard her balance."""
    call.says("what's my balance")
    assert "Maria Santos" in call.says("one zero zero four")
    return call


@pytest.mark.parametrize(
    "said",
    [
        "no one one",
        "no, one one zero four",
        "sorry i meant one one oh four",
        "wait it's one one zero four",
        "i said one one zero four",
    ],
)
def test_a_correction_does_it_again_for_the_right_customer(greeted: Call, said: str) -> None:
    answer = greeted.says(said)
    assert "Thank you, Jo Park." in answer
    assert "Your balance is zero." in answer
    assert IdentifyCustomer("1104") in answer.actions
    assert answer.intent == "customer_number"


@pytest.mark.parametrize("said", ["that's not me", "no that is the wrong account"])
def test_who_is_taken_for_somebody_else_is_asked_again(greeted: Call, said: str) -> None:
    assert "customer number" in greeted.says(said).sentences[-1]
    assert greeted.dialogue.customer_number == ""  # type: ignore[attr-defined]
    assert "Your balance is zero." in greeted.says("1104")


def test_a_corrected_number_that_is_nobodys_verifies_nobody(greeted: Call) -> None:
    assert "could not find customer number 9999" in greeted.says("no nine nine nine nine")
    assert greeted.dialogue.customer_number == ""  # type: ignore[attr-defined]


def test_corrections_count_against_guessing(greeted: Call, directory: Directory) -> None:
    for wrong in ("9991", "9992", "9993"):
        greeted.says(f"no {wrong}")
    greeted.says("no 9994")
    assert directory.asked == ["1004", "9991", "9992", "9993"]


def test_a_ticket_opened_for_the_wrong_customer_is_replaced(call: Call) -> None:
    call.says("i was charged twice")
    wrong = call.says("1004").ticket
    right = call.says("no one one zero four").ticket
    assert wrong.customer_number == "1004"
    assert right.customer_number == "1104"
    assert f"Replaces: {wrong.number}" in right.description


@pytest.mark.parametrize("said", ["no that's all", "no", "no thank you"])
def test_a_plain_no_takes_nothing_back(greeted: Call, said: str) -> None:
    assert "Goodbye" in greeted.says(said)


def test_a_number_within_a_request_takes_nothing_back(greeted: Call) -> None:
    greeted.says("no i have one more question")
    assert greeted.dialogue.customer_number == "1004"  # type: ignore[attr-defined]


def test_later_in_the_call_a_number_is_no_correction_any_more(greeted: Call) -> None:
    greeted.says("when are you open")
    greeted.says("no one one zero four")
    assert greeted.dialogue.customer_number == "1004"  # type: ignore[attr-defined]


def test_silence_in_between_does_not_end_the_chance_to_correct(greeted: Call) -> None:
    greeted.is_silent()
    assert "Jo Park" in greeted.says("no one one zero four")


def test_a_part_of_a_number_nobody_has_can_be_corrected(call: Call) -> None:
    call.says("what's my balance")
    assert "could not find customer number 1204" in call.says("one two zero four")
    assert "Jo Park" in call.says("no one one")


def test_a_part_of_a_doubtful_number_can_be_corrected(call: Call) -> None:
    call.says("what's my balance")
    assert "1204" in call.says("one two zero four", confidence=0.4)
    assert "Jo Park" in call.says("no one one")
