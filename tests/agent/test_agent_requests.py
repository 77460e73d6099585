"""Whole conversations about faults and plans, one behaviour each."""

import pytest

from backend.core.records import TicketPriority, TicketType
from backend.core.speech import Expect
from tests.agent.harness import Call

# Technical support


def test_an_outage_gets_a_step_and_a_ticket_of_high_priority_at_once(call: Call) -> None:
    call.says("what's my balance")
    call.says("1004")
    answer = call.says("i have no internet")
    assert "unplug the router" in answer
    assert answer.ticket.type is TicketType.TECHNICAL
    assert answer.ticket.priority is TicketPriority.HIGH


def test_an_outage_reported_by_a_stranger_asks_for_the_number_first(call: Call) -> None:
    assert "customer number" in call.says("my internet is down")
    assert call.says("1004").ticket.customer_number == "1004"


def test_an_outage_without_a_number_gets_a_ticket_all_the_same(call: Call) -> None:
    call.says("my internet is down")
    answer = call.says("i don't have it")
    assert answer.ticket.customer_number is None
    assert "+15557770123" in answer.ticket.description


def test_slow_internet_is_treated_step_by_step(call: Call) -> None:
    assert "turn the router off" in call.says("my internet is slow")
    assert call.question.expect is Expect.YES_NO
    assert "large downloads" in call.says("no")
    assert "cable" in call.says("no it's still slow")


def test_a_step_that_helps_ends_the_trouble(call: Call) -> None:
    call.says("my wifi is not working")
    answer = call.says("yes that did it")
    assert "I am glad that helped." in answer
    assert answer.tickets == []


def test_when_no_step_helps_a_ticket_is_opened(call: Call) -> None:
    call.says("my internet keeps dropping")
    call.says("no")
    call.says("nope")
    answer = call.says("1004")
    assert answer.ticket.subject == "Connection keeps dropping"


def test_an_unnamed_problem_is_asked_about(call: Call) -> None:
    assert "What is the trouble" in call.says("i need technical support")
    assert "Did that help?" in call.says("the wifi is too weak in my bedroom")


def test_a_trouble_nobody_wrote_down_is_passed_on_in_the_callers_words(call: Call) -> None:
    call.says("i need technical support")
    call.says("the blue lamp hums a tune")
    answer = call.says("1004")
    assert "the blue lamp hums a tune" in answer.ticket.description


# New service


def test_plans_are_told_from_the_knowledge_base(call: Call) -> None:
    answer = call.says("what plans do you have")
    assert "Family is 250 megabits for $45 a month." in answer


def test_choosing_a_plan_opens_a_sales_ticket(call: Call) -> None:
    call.says("i want to sign up")
    answer = call.says("i'll take the premium one")
    assert answer.ticket.type is TicketType.SALES
    assert "Premium" in answer.ticket.subject


def test_a_plan_may_be_named_in_other_words(call: Call) -> None:
    call.says("i want to sign up")
    assert "Basic" in call.says("the cheapest please").ticket.subject


def test_a_plan_named_at_once_is_taken(call: Call) -> None:
    answer = call.says("i want to order the premium plan")
    assert "Premium is one gigabit for $69 a month." in answer
    assert "Premium" in answer.ticket.subject


@pytest.mark.parametrize("earlier", ["what plans do you have", "do you have offers"])
def test_asking_about_a_plan_orders_nothing(call: Call, earlier: str) -> None:
    call.says(earlier)
    answer = call.says("how much is the family plan")
    assert answer.tickets == []
    assert "Family is 250 megabits for $45 a month." in answer
    assert "Family" in call.says("okay i'll take it the family one").ticket.subject


def test_the_same_trouble_told_twice_is_one_ticket(call: Call) -> None:
    call.says("what's my balance")
    call.says("1004")
    number = call.says("my internet is down").ticket.number
    answer = call.says("my internet is down")
    assert answer.tickets == []
    assert number in answer


def test_a_very_long_story_does_not_fill_the_ticket(call: Call) -> None:
    call.says("i have a complaint")
    call.says("and then nobody came " * 10_000)
    assert len(call.says("1004").ticket.description) < 2000


def test_a_plan_may_be_keyed(call: Call) -> None:
    call.says("i want to sign up")
    assert "Family" in call.keys("2").ticket.subject


def test_the_menu_key_for_plans_orders_none_of_them(call: Call) -> None:
    answer = call.keys("3")
    assert "We have 3 plans" in answer
    assert answer.tickets == []


def test_naming_two_plans_is_asked_about(call: Call) -> None:
    call.says("i want to sign up")
    answer = call.says("basic or family i am not sure")
    assert answer.tickets == []
    assert "name of a plan" in answer


def test_no_plan_is_fine_too(call: Call) -> None:
    call.says("what do your plans cost")
    answer = call.says("no thanks")
    assert "no plan for now" in answer
    assert answer.tickets == []


def test_a_caller_without_a_phone_number_is_asked_for_one(anonymous_call: Call) -> None:
    anonymous_call.says("i want to sign up")
    assert "Which phone number" in anonymous_call.says("basic")
    anonymous_call.says("five five five one two three four")
    anonymous_call.says("yes")
    assert "5551234" in anonymous_call.says("tomorrow at ten").ticket.description


def test_a_caller_who_gives_no_phone_number_still_gets_a_ticket(anonymous_call: Call) -> None:
    anonymous_call.says("i want to sign up")
    anonymous_call.says("basic")
    assert anonymous_call.says("no").ticket.type is TicketType.SALES
