"""Whole conversations, one behaviour each, against the shipped knowledge base."""

import pytest

from backend.core.records import CallOutcome, TicketPriority, TicketType
from backend.core.speech import Expect
from tests.agent.harness import Call

# Cancellation and complaint


def test_a_cancellation_is_asked_back_and_becomes_an_urgent_ticket(call: Call) -> None:
    assert "Do you want to cancel" in call.says("i want to cancel my service")
    call.says("yes")
    answer = call.says("1004")
    assert answer.ticket.type is TicketType.CANCELLATION
    assert answer.ticket.priority is TicketPriority.HIGH


def test_a_cancellation_taken_back_cancels_nothing(call: Call) -> None:
    call.says("cancel my account")
    answer = call.says("no")
    assert "nothing is cancelled" in answer
    assert answer.tickets == []


def test_saying_it_again_confirms_a_cancellation(call: Call) -> None:
    call.says("i want to cancel")
    assert "customer number" in call.says("i said i want to cancel my service")


def test_a_complaint_is_listened_to(call: Call) -> None:
    assert "what happened" in call.says("i have a complaint")
    call.says("your technician never showed up and i took a day off")
    answer = call.says("1004")
    assert answer.ticket.type is TicketType.COMPLAINT
    assert answer.ticket.priority is TicketPriority.HIGH
    assert "took a day off" in answer.ticket.description


def test_a_complaint_told_at_once_is_not_asked_for_again(call: Call) -> None:
    answer = call.says("i want to complain because your technician was very rude to me")
    assert "customer number" in answer
    assert "what happened" not in answer


# A person


def test_a_caller_who_wants_a_person_is_put_through(staffed_call: Call) -> None:
    assert staffed_call.says("let me talk to a person").transferred_to == "2001"


def test_without_an_extension_a_person_calls_back(call: Call) -> None:
    answer = call.says("operator")
    assert answer.transferred_to == ""
    assert answer.ticket.type is TicketType.CALLBACK
    assert "Someone will call you back." in answer


def test_a_person_can_be_asked_for_in_the_middle_of_a_question(staffed_call: Call) -> None:
    staffed_call.says("what's my balance")
    assert staffed_call.says("i want to speak to a human").transferred_to == "2001"


# Questions


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("when are you open", "Monday to Friday"),
        ("do you take credit cards", "card or bank transfer"),
        ("is there a late fee", "five dollar fee"),
        ("where is your office", "12 Quay Street"),
        ("how long does it take to get connected", "five working days"),
        ("is installation free", "Installation is free"),
        ("do i have to sign a contract", "month to month"),
        ("i forgot my wifi password", "on the label under the router"),
        ("is there a data cap", "unlimited"),
        ("what is your email address", "help@blueharbor.example"),
        ("do students get a discount", "ten percent"),
    ],
)
def test_questions_are_answered_from_the_knowledge_base(
    call: Call, question: str, answer: str
) -> None:
    reply = call.says(question)
    assert answer in reply
    assert "anything else" in reply.sentences[-1]


def test_every_answer_says_where_it_comes_from(call: Call) -> None:
    (first, *_) = [s for s in call.says("when are you open").steps if hasattr(s, "source")]
    assert first.source == "kb:faq/opening-hours"


# Small talk and endings


def test_repeat_says_the_last_answer_again(call: Call) -> None:
    before = call.says("when are you open").sentences
    assert call.says("can you repeat that").sentences == before


def test_repeat_skips_reprompts(call: Call) -> None:
    before = call.says("when are you open").sentences
    call.is_silent()
    assert call.says("what did you say").sentences == before


def test_one_moment_is_no_digit_of_a_number(call: Call) -> None:
    call.says("what is my balance")
    assert "Take your time" in call.says("one moment please")
    assert "Your balance is $84.50." in call.says("one zero zero four")


def test_wait_leaves_the_question_open(call: Call) -> None:
    call.says("what's my balance")
    assert call.says("hold on let me look for it").sentences == ["Take your time."]
    assert call.question.expect is Expect.NUMBER


def test_thanks_is_not_yet_goodbye(call: Call) -> None:
    call.says("when are you open")
    answer = call.says("thank you")
    assert "You are welcome." in answer
    assert answer.outcome is None


def test_never_mind_drops_what_was_begun(call: Call) -> None:
    call.says("what's my balance")
    assert "All right." in call.says("never mind")
    assert call.question.expect is Expect.OPEN


def test_never_mind_takes_a_cancellation_back(call: Call) -> None:
    call.says("i want to cancel")
    assert "nothing is cancelled" in call.says("never mind")


def test_nothing_else_ends_the_call(call: Call) -> None:
    call.says("when are you open")
    assert call.says("no that's all").outcome is CallOutcome.COMPLETED


def test_yes_to_anything_else_asks_what(call: Call) -> None:
    call.says("when are you open")
    assert "What else can I do for you?" in call.says("yes")


def test_yes_and_the_next_request_in_one_breath(call: Call) -> None:
    call.says("when are you open")
    assert "plans" in call.says("yes what plans do you have")


def test_no_and_the_next_request_in_one_breath(call: Call) -> None:
    call.says("my internet is slow")
    assert "Do you want to cancel" in call.says("no i want to cancel my contract")


def test_goodbye_ends_the_call_in_the_middle_of_a_question(call: Call) -> None:
    call.says("what's my balance")
    assert call.says("goodbye").outcome is CallOutcome.COMPLETED


def test_hello_is_answered(call: Call) -> None:
    assert "Hello." in call.says("hello")


def test_wordings_take_turns(call: Call) -> None:
    first = call.says("when are you open").sentences[-1]
    assert call.says("where is your office").sentences[-1] != first


def test_the_main_intent_is_the_first_request_not_a_question_before_it(call: Call) -> None:
    call.says("when are you open")
    assert call.dialogue.main_intent == "faq/opening-hours"
    call.says("what's my balance")
    assert call.dialogue.main_intent == "billing"
    call.says("my internet is down")
    assert call.dialogue.main_intent == "billing"
