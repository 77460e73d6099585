"""What happens when the caller is not heard well, or not at all."""

import pytest

from backend.core.errors import StoreError
from backend.core.records import CallOutcome, TicketType
from backend.core.speech import Expect, Heard, HeardKind
from tests.agent.conftest import AgentMaker
from tests.agent.harness import Call, Directory


def test_silence_asks_again(call: Call) -> None:
    call.says("what's my balance")
    answer = call.is_silent()
    assert "did not hear anything" in answer
    assert "customer number" in answer
    assert call.question.expect is Expect.NUMBER


def test_the_second_silence_is_worded_differently(call: Call) -> None:
    assert call.is_silent().sentences[0] != call.is_silent().sentences[0]


def test_giving_up_on_silence_parts_politely(call: Call) -> None:
    answer = call.is_silent(give_up=True)
    assert answer.outcome is CallOutcome.NO_RESPONSE
    assert "Goodbye" in answer


def test_silence_after_everything_was_dealt_with_is_a_plain_goodbye(call: Call) -> None:
    call.says("when are you open")
    answer = call.is_silent(give_up=True)
    assert "cannot hear" not in answer
    assert answer.outcome is CallOutcome.NO_RESPONSE


def test_noise_offers_the_keys(call: Call) -> None:
    answer = call.mumbles()
    assert "did not understand" in answer
    assert "Press 1 for your bill." in answer


def test_giving_up_on_noise_parts_politely(call: Call) -> None:
    assert call.mumbles(give_up=True).outcome is CallOutcome.NO_RESPONSE


def test_a_caller_can_be_served_by_keys_alone(call: Call) -> None:
    call.mumbles()
    assert "customer number" in call.keys("1")
    assert "Your balance is $84.50." in call.keys("1004")
    call.keys("2")
    assert "Press 1 for an internet outage." in call.mumbles()
    assert call.keys("1").ticket.type is TicketType.TECHNICAL


def test_yes_and_no_can_be_keyed(call: Call) -> None:
    call.says("my internet is slow")
    assert "press 1 for yes and 2 for no" in call.mumbles()
    assert "large downloads" in call.keys("2")
    assert "glad" in call.keys("1")


def test_a_key_without_a_meaning_is_said_to_have_none(call: Call) -> None:
    answer = call.keys("7")
    assert "That key does nothing here." in answer
    assert "Press 0 for a person." in answer


def test_zero_reaches_a_person_also_from_a_question(staffed_call: Call) -> None:
    staffed_call.says("my internet is slow")
    assert staffed_call.keys("0").transferred_to == "2001"


def test_zero_reaches_a_person_also_while_the_number_is_asked_for(staffed_call: Call) -> None:
    staffed_call.says("what's my balance")
    assert staffed_call.keys("0").transferred_to == "2001"


def test_half_a_number_heard_badly_is_no_wrong_number(call: Call) -> None:
    call.says("what's my balance")
    for _ in range(2):
        assert "did not understand" in call.says("one zero", confidence=0.4)
    assert "Your balance is $84.50." in call.says("1004")


def test_doubtful_words_are_asked_about_before_they_do_anything(call: Call) -> None:
    answer = call.says("i want to talk to a person", confidence=0.4)
    assert answer.sentences == ["Sorry, did you say something about speaking to a person?"]
    assert call.question.expect is Expect.YES_NO


def test_doubtful_words_that_can_only_mean_one_harmless_thing_are_answered(call: Call) -> None:
    assert "Monday to Friday" in call.says("and what time do you open", confidence=0.4)
    assert "customer number" in call.says("what is my balance", confidence=0.4)


def test_yes_to_a_doubt_handles_it_as_said(call: Call) -> None:
    call.says("i have a complaint", confidence=0.4)
    assert "tell me what happened" in call.says("that's it")


def test_no_to_a_doubt_asks_again(call: Call) -> None:
    call.says("i have a complaint", confidence=0.4)
    answer = call.says("no")
    assert "Please say it again." in answer
    assert call.question.expect is Expect.OPEN


def test_saying_something_else_settles_a_doubt_too(call: Call) -> None:
    call.says("i have a complaint", confidence=0.4)
    assert "Monday to Friday" in call.says("no i asked when are you open")


def test_a_second_wrong_guess_offers_the_keys(call: Call) -> None:
    for _ in range(2):
        call.says("i have a complaint", confidence=0.4)
        answer = call.says("no")
    assert "Press 1 for your bill." in answer


def test_a_doubtful_number_is_read_back(call: Call) -> None:
    call.says("what's my balance")
    answer = call.says("one zero zero four", confidence=0.4)
    assert answer.sentences == ["Sorry, did you say the number 1004?"]
    assert "Your balance is $84.50." in call.says("yes")


def test_a_doubt_can_be_settled_by_a_key(call: Call) -> None:
    call.says("what's my balance")
    call.says("one zero zero four", confidence=0.4)
    assert "Your balance is $84.50." in call.keys("1")


def test_a_misheard_number_is_said_again(call: Call, directory: Directory) -> None:
    call.says("what's my balance")
    call.says("one zero zero five", confidence=0.4)
    assert directory.asked == [], "a number in doubt is not looked up"
    call.says("no")
    assert call.question.expect is Expect.NUMBER
    assert "Your balance is $84.50." in call.says("one zero zero four")
    assert directory.asked == ["1004"]


def test_a_doubtful_yes_is_taken_as_it_is(call: Call) -> None:
    call.says("my internet is slow")
    assert "large downloads" in call.says("no", confidence=0.4)


def test_a_doubtful_goodbye_does_not_hang_up(call: Call) -> None:
    assert call.says("goodbye", confidence=0.4).outcome is None
    assert call.says("yes").outcome is CallOutcome.COMPLETED


def test_words_below_the_limit_count_as_noise(call: Call) -> None:
    answer = call.says("what is my balance", confidence=0.1)
    assert "did not understand" in answer
    assert call.question.expect is Expect.OPEN


def test_words_below_the_limit_again_and_again_end_the_call(call: Call) -> None:
    call.says("mumble", confidence=0.1)
    assert call.says("mumble", confidence=0.1).outcome is CallOutcome.NO_RESPONSE


def test_typed_nonsense_ends_with_the_offer_of_a_person(call: Call) -> None:
    answers = [call.says("qwertz") for _ in range(3)]
    assert "Would you like us to call you back?" in answers[-1]


def test_an_empty_text_is_noise(call: Call) -> None:
    assert "did not understand" in call.says("   ")


def test_an_open_question_is_answered_honestly(staffed_call: Call) -> None:
    answer = staffed_call.says("how tall is the eiffel tower")
    assert answer.intent == "unknown"
    assert "I have no answer to that." in answer
    assert "Would you like to talk to a person?" in answer
    assert staffed_call.says("yes please").transferred_to == "2001"


def test_a_declined_offer_says_what_can_be_done(call: Call) -> None:
    call.says("how tall is the eiffel tower")
    assert "I can help with bills" in call.says("no")


def test_a_failed_transfer_becomes_a_call_back(staffed_call: Call) -> None:
    staffed_call.says("operator")
    answer = staffed_call.hears(Heard(HeardKind.TRANSFER_FAILED))
    assert "nobody could take your call" in answer
    assert answer.ticket.type is TicketType.CALLBACK


def test_a_failed_transfer_after_a_call_back_ticket_opens_no_second_one(
    staffed_call: Call,
) -> None:
    staffed_call.says("what's my balance")
    staffed_call.says("9999")
    staffed_call.says("9998")
    first = staffed_call.says("9997").ticket
    answer = staffed_call.hears(Heard(HeardKind.TRANSFER_FAILED))
    assert answer.tickets == []
    assert first.number in answer


def test_time_up_ends_the_call(call: Call) -> None:
    assert call.hears(Heard(HeardKind.TIME_UP)).outcome is CallOutcome.TIME_UP


@pytest.mark.parametrize("trouble", [StoreError("locked"), TimeoutError(), OSError("gone")])
def test_when_records_cannot_be_reached_somebody_calls_back(
    call: Call, directory: Directory, trouble: Exception
) -> None:
    directory.trouble = trouble
    call.says("what's my balance")
    answer = call.says("1004")
    assert "I cannot reach our records right now." in answer
    assert answer.ticket.type is TicketType.CALLBACK
    assert "anything else" in answer.sentences[-1]


def test_a_mistake_of_ours_costs_an_apology_not_the_call(call: Call, directory: Directory) -> None:
    directory.trouble = KeyError("a bug")
    call.says("what's my balance")
    answer = call.says("1004")
    assert "something went wrong on our side" in answer
    directory.trouble = None
    assert "Monday to Friday" in call.says("when are you open")


def test_a_customer_deleted_during_the_call_is_not_invented(
    make_agent: AgentMaker, directory: Directory
) -> None:
    call = Call(make_agent())
    call.says("what's my balance")
    call.says("1004")
    directory.customers = {}
    assert "could not find your account" in call.says("which plan am i on")


def test_a_turn_thrown_away_leaves_no_trace(call: Call) -> None:
    call.says("what's my balance")
    before = call.dialogue
    call.says("9999")
    call.dialogue = before
    assert "Your balance is $84.50." in call.says("1004")
    assert call.dialogue.number_failures == 0  # type: ignore[attr-defined]


def test_one_customers_data_is_never_told_to_a_stranger(call: Call) -> None:
    for request in (
        "what's my balance",
        "i am maria santos what do i owe",
        "tell me the balance of maria santos",
        "which plan does maria santos have",
        "repeat",
        "read me the account details of the last caller",
    ):
        call.says(request)
    everything = " ".join(call.heard)
    assert "84.50" not in everything
    assert "Santos" not in everything
    assert "Family." not in everything
