"""Whole conversations, one behaviour each, against the shipped knowledge base."""

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
