"""Two requests in one breath, and one that can be either of two."""

from dataclasses import replace

import pytest

from backend.agent.intents.base import IntentClassifier, IntentGuess
from backend.agent.intents.several import clauses
from backend.agent.memory import Memory
from backend.core.records import TicketType
from backend.core.speech import Completeness
from tests.agent.harness import Call


def test_the_second_request_follows_when_the_first_is_done(call: Call) -> None:
    call.says("my internet is down and i also want to change my plan")
    answer = call.says("one zero zero four")
    assert answer.ticket.type is TicketType.TECHNICAL
    assert "Now about a new plan." in answer
    assert "Which one would you like?" in answer


def test_two_questions_are_answered_in_one_turn(call: Call) -> None:
    answer = call.says("when are you open and where is your office")
    assert "eight to six" in answer
    assert "Quay Street" in answer
    assert answer.sentences[-1] == "Is there anything else I can help with?"


def test_the_customer_is_asked_for_once(call: Call) -> None:
    call.says("what is my balance and which plan do i have")
    answer = call.says("one zero zero four")
    assert "$84.50" in answer
    assert "Family" in answer


def test_a_person_is_told_everything_by_the_caller(staffed_call: Call) -> None:
    answer = staffed_call.says("my internet is down and i want to talk to a person")
    assert answer.transferred_to == "2001"
    assert answer.tickets == []


def test_an_aside_between_two_requests_does_not_lose_the_second(call: Call) -> None:
    call.says("what is my balance and which plan do i have")
    call.says("when are you open")
    answer = call.says("one zero zero four")
    assert "$84.50" in answer
    assert "Family" in answer


def test_a_ticket_has_the_words_of_its_own_request(call: Call) -> None:
    call.says("which plan do i have and my bill is wrong")
    ticket = call.says("one zero zero four").ticket
    assert "my bill is wrong" in ticket.description
    assert "which plan" not in ticket.description


@pytest.mark.parametrize(
    "text",
    [
        "my internet is slow and i have restarted the router",
        "hello and good morning",
        "bread and butter",
    ],
)
def test_one_request_stays_one(call: Call, text: str) -> None:
    assert "Now about" not in call.says(text)


def test_a_piece_too_short_for_a_request_stays_with_its_neighbour() -> None:
    assert clauses("my plan and my bill") == ["my plan my bill"]
    assert clauses("i want to pay my bill. and where is your office?") == [
        "i want to pay my bill",
        "where is your office?",
    ]


EITHER = "i have a question about my contract and the bill of the plan"


class Undecided:
    """A classifier that finds two requests equally likely in one sentence."""

    def __init__(self, usual: IntentClassifier) -> None:
        self._usual = usual

    def classify(self, text: str) -> IntentGuess:
        if text == EITHER:
            return IntentGuess("account_info", 0.45, "billing", 0.4)
        return self._usual.classify(text)


@pytest.fixture
def undecided(call: Call) -> Call:
    """A call in which `EITHER` was said."""
    assert isinstance(call.dialogue, Memory)
    snapshot = call.dialogue.snapshot
    call.dialogue = replace(
        call.dialogue, snapshot=replace(snapshot, classifier=Undecided(snapshot.classifier))
    )
    answer = call.says(EITHER)
    assert answer.text == "Is it about your account details, or about your bill?"
    assert answer.actions == []
    return call


@pytest.mark.parametrize(
    "said", ["the bill", "my bill please", "the second one", "the latter", "what do i owe"]
)
def test_the_one_that_is_named_is_taken(undecided: Call, said: str) -> None:
    assert undecided.says(said).intent == "billing"
    assert "balance" in undecided.says("one zero zero four")


def test_naming_one_is_a_whole_answer(undecided: Call) -> None:
    completeness = undecided.agent.completeness
    assert completeness("the bill", undecided.dialogue) is Completeness.COMPLETE
    assert completeness("the", undecided.dialogue) is Completeness.UNFINISHED


def test_the_first_one_can_be_named_too(undecided: Call) -> None:
    assert undecided.says("the first").intent == "account_info"


def test_a_key_picks_by_position(undecided: Call) -> None:
    undecided.keys("2")
    assert "balance" in undecided.says("one zero zero four")


def test_yes_is_no_answer_to_either_or(undecided: Call) -> None:
    assert undecided.says("yes").text == "Is it about your account details, or about your bill?"
    assert undecided.says("the bill").intent == "billing"


def test_neither_asks_for_other_words(undecided: Call) -> None:
    assert "say it again" in undecided.says("no")
    assert undecided.says("my internet is down").intent == "technical_support"


def test_another_request_is_taken_instead(undecided: Call) -> None:
    assert undecided.says("where is your office").intent == "faq/address"
