"""Being called back: the number is read back, the time is asked, and nothing said is lost."""

import pytest

from backend.core.records import CallOutcome, TicketType
from backend.core.speech import Expect, Heard, HeardKind
from tests.agent.harness import Answer, Call


@pytest.fixture
def asked(anonymous_call: Call) -> Call:
    """A caller without a number of their own who is asked for one."""
    assert "Which phone number" in anonymous_call.says("operator")
    return anonymous_call


@pytest.fixture
def timed(asked: Call) -> Call:
    """The same caller, asked when to call."""
    asked.says("two one two five five five oh one two three")
    assert "good time" in asked.says("yes")
    return asked


# The number


def test_the_number_is_read_back_in_groups(asked: Call) -> None:
    answer = asked.says("two one two five five five oh one two three")
    assert answer.sentences == ["I have 212 555 0123.", "Is that right?"]
    assert asked.question.expect is Expect.YES_NO
    assert answer.tickets == []


def test_a_confirmed_number_is_in_the_ticket_as_it_is_dialled(timed: Call) -> None:
    ticket = timed.says("any time").ticket
    assert ticket.type is TicketType.CALLBACK
    assert "Call back on: +12125550123 (confirmed)" in ticket.description


@pytest.mark.parametrize(
    "said",
    [
        "no two one two five five five oh one two four",
        "no two four",
        "two one two five five five oh one two four",
    ],
)
def test_a_correction_is_read_back_again(asked: Call, said: str) -> None:
    asked.says("two one two five five five oh one two three")
    assert "I have 212 555 0124." in asked.says(said)
    asked.says("yes")
    ticket = asked.says("any time").ticket
    assert "+12125550124 (confirmed, corrected by the caller)" in ticket.description


def test_saying_the_number_again_confirms_it(asked: Call) -> None:
    asked.says("two one two five five five oh one two three")
    assert "good time" in asked.says("two one two five five five oh one two three")


def test_a_plain_no_asks_for_the_number_again(asked: Call) -> None:
    asked.says("two one two five five five oh one two three")
    assert "Which phone number" in asked.says("no")
    assert "212 555 0124" in asked.says("two one two five five five oh one two four")


def test_a_keyed_number_needs_no_reading_back(asked: Call) -> None:
    assert "good time" in asked.keys("5551234567#")
    assert "+15551234567 (confirmed)" in asked.says("any time").ticket.description


def test_a_reading_back_can_be_answered_with_a_key(asked: Call) -> None:
    asked.says("two one two five five five oh one two three")
    assert "good time" in asked.keys("1")


def test_a_number_nobody_confirms_is_kept_as_it_was_heard(asked: Call) -> None:
    asked.says("two one two five five five oh one two three")
    asked.says("the moon is made of cheese")
    assert "good time" in asked.says("of yellow cheese it is made")
    assert "+12125550123 (not confirmed)" in asked.says("any time").ticket.description


def test_a_number_no_plan_knows_is_kept_when_it_is_said_twice(asked: Call) -> None:
    eight = "one two three four five six seven eight"
    assert "whole phone number" in asked.says(eight)
    assert "I have 1 2 3 4 5 6 7 8." in asked.says(eight)


def test_who_gives_no_number_is_not_asked_for_a_time(asked: Call) -> None:
    assert asked.says("no").ticket.type is TicketType.CALLBACK


def test_a_question_in_between_comes_back_to_the_reading_back(asked: Call) -> None:
    asked.says("two one two five five five oh one two three")
    answer = asked.says("when are you open")
    assert "Monday to Friday" in answer
    assert answer.sentences[-2:] == ["I have 212 555 0123.", "Is that right?"]


def test_a_badly_heard_number_is_read_back_only_once(asked: Call) -> None:
    answer = asked.says("two one two five five five oh one two three", confidence=0.4)
    assert "I have 212 555 0123." in answer


def test_the_number_and_the_time_are_asked_for_once(timed: Call) -> None:
    timed.says("any time")
    timed.says("yes")
    assert "Family" in timed.says("i want the family plan").ticket.subject


# The time


@pytest.mark.parametrize(
    ("said", "told", "kept"),
    [
        (
            "next tuesday at half past three",
            "on Tuesday, November 24 at 3:30 PM.",
            "Tuesday, November 24 at 3:30 PM (2026-11-24 15:30 UTC-05:00)",
        ),
        ("tomorrow morning", "on Thursday, November 19 in the morning.", "2026-11-19 08:00-12:00"),
        ("after five", "on Wednesday, November 18 after 5 PM.", "2026-11-18 17:00-"),
        ("next week", "between Monday, November 23 and Sunday, November 29.", "2026-11-23..2026"),
        ("could you make it friday at eleven", "on Friday, November 20 at 11 AM.", "2026-11-20 11"),
        ("saturday at nine please", "on Saturday, November 21 at 9 AM.", "2026-11-21 09:00"),
    ],
)
def test_the_time_is_told_and_kept(timed: Call, said: str, told: str, kept: str) -> None:
    answer = timed.says(said)
    assert f"Someone will call you back {told}" in answer
    assert kept in answer.ticket.description


@pytest.mark.parametrize("said", ["any time", "whenever you like", "no", "i don't mind"])
def test_who_does_not_mind_is_called_at_any_time(timed: Call, said: str) -> None:
    answer = timed.says(said)
    assert "Someone will call you back." in answer
    assert answer.ticket.type is TicketType.CALLBACK


def test_a_time_that_is_over_is_asked_about(timed: Call) -> None:
    answer = timed.says("yesterday at three")
    assert "That time is over." in answer
    assert answer.tickets == []
    assert "2026-11-19 15:00" in timed.says("tomorrow at three").ticket.description


def test_a_time_not_understood_can_be_keyed(timed: Call) -> None:
    answer = timed.says("the moon is made of cheese")
    assert "Press 2 for the afternoon." in answer
    assert "in the afternoon" in timed.keys("2")


def test_a_time_not_understood_twice_is_left_open(timed: Call) -> None:
    timed.says("the moon is made of cheese")
    answer = timed.says("of yellow cheese it is made")
    assert "Someone will call you back." in answer
    assert answer.ticket.type is TicketType.CALLBACK


def test_a_badly_heard_time_is_asked_about(timed: Call) -> None:
    answer = timed.says("tomorrow at three", confidence=0.4)
    assert "Thursday, November 19 at 3 PM" in answer
    assert answer.tickets == []
    assert "2026-11-19 15:00" in timed.says("yes").ticket.description


def test_a_question_about_a_day_is_no_time(timed: Call) -> None:
    answer = timed.says("can you tell me whether you are open on saturday")
    assert "Monday to Friday" in answer
    assert "good time" in answer.sentences[-1]


def test_a_time_said_with_the_request_is_kept(call: Call) -> None:
    answer = call.says("i want to talk to a person tomorrow at three")
    assert "on Thursday, November 19 at 3 PM." in answer
    assert "Call back at: Thursday, November 19 at 3 PM" in answer.ticket.description


def test_who_accepts_a_call_back_is_asked_when(call: Call) -> None:
    call.says("who wrote the lord of the rings in the first place")
    assert "good time" in call.says("yes please")
    assert "Friday" in call.says("on friday at noon").ticket.description


# The call ends first


def ends(call: Call, how: str) -> Answer:
    if how == "goodbye":
        return call.says("goodbye")
    if how == "silence":
        return call.is_silent(give_up=True)
    return call.hears(Heard(HeardKind.TIME_UP))


@pytest.mark.parametrize("how", ["goodbye", "silence", "time up"])
def test_who_leaves_before_naming_a_time_is_called_back_all_the_same(timed: Call, how: str) -> None:
    answer = ends(timed, how)
    assert "+12125550123" in answer.ticket.description
    assert answer.outcome is not None


def test_who_leaves_before_confirming_the_number_is_called_back_on_it(asked: Call) -> None:
    asked.says("two one two five five five oh one two three")
    answer = asked.says("goodbye")
    assert "+12125550123 (not confirmed)" in answer.ticket.description
    assert answer.outcome is CallOutcome.COMPLETED


def test_who_leaves_without_a_number_leaves_no_ticket_nobody_can_act_on(asked: Call) -> None:
    assert asked.says("goodbye").tickets == []
