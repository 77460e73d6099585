"""Callers who are asked back: what they say then."""

import pytest

from backend.agent.knowledge.load import load_knowledge
from backend.cli.patient_caller import AskedBack, Meant
from backend.config import ROOT

BALANCE = Meant("billing", "1004")


@pytest.fixture(scope="module")
def asked_back() -> AskedBack:
    return AskedBack(load_knowledge(ROOT / "kb" / "company_kb.json"))


@pytest.mark.parametrize(
    ("bot", "reply"),
    [
        ("Sorry, did you say the number 1004?", "yes"),
        ("Sorry, did you say the number 1005?", "no"),
        ("Sorry, did you say something about your bill?", "yes"),
        ("Sorry, did you say something about a mistake on your bill?", "yes"),
        ("Sorry, did you say something about a cancellation?", "no"),
        ("Sorry, I did not understand that. Please say it again, or key it in.", "what do i owe"),
        ("Sorry about that. Please say it again.", "what do i owe"),
        ("Please tell me your 4 digit customer number.", None),
        ("Your balance is $20.00. Is there anything else I can help with?", None),
    ],
)
def test_who_is_asked_back_confirms_denies_or_says_it_again(
    asked_back: AskedBack, bot: str, reply: str | None
) -> None:
    assert asked_back.reply(BALANCE, "what do i owe", bot) == reply


def test_who_has_said_a_number_and_is_asked_for_it_once_more_says_it_again(
    asked_back: AskedBack,
) -> None:
    asked_again = "You find it on your bill. What is your 4 digit customer number?"
    assert asked_back.reply(BALANCE, "one zero zero four", asked_again) == "one zero zero four"
