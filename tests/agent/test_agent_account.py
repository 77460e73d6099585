"""Whole conversations about bills, numbers and accounts, one behaviour each."""

import pytest

from backend.core.records import CallOutcome, TicketPriority, TicketType
from backend.core.speech import Expect
from tests.agent.harness import Call


def test_the_greeting_names_the_company_and_asks_what_to_do(call: Call) -> None:
    assert call.greeting.sentences == [
        "Thank you for calling Blue Harbor Internet.",
        "How can I help you?",
    ]
    assert call.question.expect is Expect.OPEN


def test_the_demo_call_balance_outage_goodbye(call: Call) -> None:
    assert "customer number" in call.says("what is my account balance")
    assert call.question.expect is Expect.NUMBER
    assert "Your balance is $84.50." in call.says("one zero zero four")
    outage = call.says("my internet is down")
    assert f"Your ticket number is {outage.ticket.number}." in outage
    assert outage.ticket.customer_number == "1004"
    assert call.says("goodbye").outcome is CallOutcome.COMPLETED
    assert call.dialogue.main_intent == "billing"


def test_the_ticket_is_opened_before_its_number_is_told(call: Call) -> None:
    call.says("what is my balance")
    call.says("1004")
    steps = call.says("my internet is down").steps
    opened = next(i for i, step in enumerate(steps) if hasattr(step, "draft"))
    told = next(i for i, step in enumerate(steps) if "ticket number" in getattr(step, "text", ""))
    assert opened < told


# Billing


def test_the_due_date_is_told_with_the_balance(call: Call) -> None:
    call.says("how much do i owe")
    assert "It is due on December 1." in call.says("1004")


def test_a_customer_who_owes_nothing_hears_that(call: Call) -> None:
    call.says("how much do i owe")
    assert "Your balance is zero." in call.says("one one oh four")


def test_a_credit_is_not_told_as_a_debt(call: Call) -> None:
    call.says("what's my balance")
    assert "You have a credit of $12.25." in call.says("two thousand and one")


def test_a_currency_without_a_sign_follows_the_amount(call: Call) -> None:
    call.says("what's my balance")
    assert "Your balance is 20.00 CHF." in call.says("triple three three")


def test_a_number_given_with_the_request_is_not_asked_for(call: Call) -> None:
    answer = call.says("what is the balance on account number one zero zero four")
    assert "Your balance is $84.50." in answer


def test_a_customer_is_asked_for_the_number_only_once(call: Call) -> None:
    call.says("what's my balance")
    call.says("1004")
    assert "Your plan is Family." in call.says("and which plan am i on")


def test_a_wrong_bill_becomes_a_billing_ticket(call: Call) -> None:
    call.says("i was charged twice")
    answer = call.says("1004")
    assert answer.ticket.type is TicketType.BILLING
    assert "i was charged twice" in answer.ticket.description


# Verification


def test_an_unknown_number_is_asked_for_again(call: Call) -> None:
    call.says("what's my balance")
    answer = call.says("nine nine nine nine")
    assert "I could not find customer number 9999." in answer
    assert call.question.expect is Expect.NUMBER


def test_too_few_digits_are_not_looked_up(call: Call, directory: object) -> None:
    call.says("what's my balance")
    assert "I need all 4 digits." in call.says("one zero four")
    assert directory.asked == []  # type: ignore[attr-defined]


@pytest.mark.parametrize("words", ["my number is oh four", "the number is one zero", "oh four"])
def test_half_a_number_is_not_taken_for_having_none(call: Call, words: str) -> None:
    call.says("what's my balance")
    assert "I need all 4 digits." in call.says(words)


def test_having_no_number_is_understood_with_a_one_in_it(call: Call) -> None:
    call.says("what's my balance")
    assert "at the top of every bill" in call.says("i don't have one")


def test_three_wrong_numbers_end_with_a_person(staffed_call: Call) -> None:
    staffed_call.says("what's my balance")
    staffed_call.says("9999")
    staffed_call.says("9998")
    answer = staffed_call.says("9997")
    assert answer.ticket.type is TicketType.CALLBACK
    assert answer.ticket.priority is TicketPriority.HIGH
    assert answer.transferred_to == "2001"


def test_three_wrong_numbers_without_a_person_end_with_a_call_back(call: Call) -> None:
    call.says("what's my balance")
    call.says("9999")
    call.says("9998")
    answer = call.says("9997")
    assert "Someone will call you back." in answer
    assert answer.transferred_to == ""


def test_after_three_wrong_numbers_no_more_are_tried_in_this_call(
    call: Call, directory: object
) -> None:
    call.says("what's my balance")
    for wrong in ("9999", "9998", "9997"):
        call.says(wrong)
    again = call.says("which plan am i on, my number is 1004")
    assert "I am sorry, I could not find your account." in again
    assert again.tickets == [], "one call back is enough"
    assert "1004" not in directory.asked  # type: ignore[attr-defined]


def test_a_caller_without_the_number_is_told_where_it_is(call: Call) -> None:
    call.says("what's my balance")
    answer = call.says("i don't know my number")
    assert "at the top of every bill" in answer
    assert call.question.expect is Expect.NUMBER


def test_a_correction_in_the_number_is_understood(call: Call) -> None:
    call.says("what's my balance")
    assert "Jo Park" in call.says("one zero, no, one one zero four")


def test_the_number_can_be_keyed(call: Call) -> None:
    call.says("what's my balance")
    assert "Your balance is $84.50." in call.keys("1004#")


def test_opening_hours_asked_in_the_middle_are_answered_and_the_number_asked_again(
    call: Call,
) -> None:
    call.says("what's my balance")
    answer = call.says("what are your opening hours")
    assert "Monday to Friday" in answer
    assert "customer number" in answer.sentences[-1]
    assert "Your balance is $84.50." in call.says("1004")


def test_questions_in_between_do_not_count_as_wrong_numbers(call: Call) -> None:
    call.says("what's my balance")
    for _ in range(4):
        call.says("where is your office")
    assert "Your balance is $84.50." in call.says("1004")


def test_a_caller_may_turn_to_something_else_instead_of_giving_the_number(call: Call) -> None:
    call.says("what's my balance")
    assert "We have 3 plans." in call.says("what plans do you have")


# Account details


def test_account_details_tell_plan_and_status(call: Call) -> None:
    call.says("i want to check my account")
    answer = call.says("2001")
    assert "Your plan is Premium." in answer
    assert "Your account is on hold." in answer


def test_a_customer_without_a_plan_hears_so(call: Call) -> None:
    call.says("which plan do i have")
    assert "You have no plan at the moment." in call.says("3333")


def test_contact_details_are_never_read_out(call: Call) -> None:
    call.says("tell me about my account")
    call.says("1004")
    call.says("what is my phone number and my email")
    call.says("what's my balance")
    everything = " ".join(call.heard)
    assert "maria@example.org" not in everything
    assert "5550001004" not in everything
