"""The conversation loop with a scripted line and agent: what is said, done and kept."""

from collections.abc import AsyncIterator

import pytest

from backend.agent.base import Dialogue, HangUp, OpenTicket, Step, Transfer, Understood
from backend.core.errors import EngineError, LineError, StoreError
from backend.core.events import EventType
from backend.core.records import CallOutcome, TicketDraft, TicketType
from backend.core.speech import Heard, HeardKind, Sentence, Transcript
from backend.telephony.line import CallerInput, InputKind, TransferResult
from tests.calls.scripted import Desk, ScriptedAgent, ScriptedLine, ScriptedRecogniser, hold
from tests.support.loop import run

SPEECH = CallerInput(InputKind.SPEECH, ended_at_s=10.0, voice_ended_at_s=9.0)
SILENCE = CallerInput(InputKind.SILENCE)
DRAFT = TicketDraft("123456", TicketType.TECHNICAL, "internet down")


async def echo(heard: Heard, dialogue: Dialogue) -> AsyncIterator[Step]:
    """Says what it heard; closes the call when told to give up or when time is up."""
    if heard.kind is HeardKind.CALL_STARTED:
        yield Sentence("Hello.", source="policy:greeting")
    elif heard.give_up:
        yield Sentence("Goodbye.")
        yield HangUp(CallOutcome.NO_RESPONSE)
    elif heard.kind is HeardKind.TIME_UP:
        yield Sentence("Time is up.")
        yield HangUp(CallOutcome.TIME_UP)
    else:
        yield Understood("echo", 0.9)
        yield Sentence(f"You said {heard.text or heard.digits or heard.kind}.")
    yield dialogue


async def report(heard: Heard, dialogue: Dialogue) -> AsyncIterator[Step]:
    """Opens a ticket for whatever is heard."""
    if heard.kind is not HeardKind.CALL_STARTED:
        yield OpenTicket(DRAFT)
        yield Sentence("Your ticket number is 123456.")
    yield dialogue


async def put_through(heard: Heard, dialogue: Dialogue) -> AsyncIterator[Step]:
    """Transfers at once; says so when that failed."""
    if heard.kind is HeardKind.TRANSFER_FAILED:
        yield Sentence("Nobody is there.")
        yield HangUp()
    else:
        yield Transfer("2001")
    yield dialogue


def test_the_greeting_is_said_before_anything_is_heard() -> None:
    line = ScriptedLine()
    run(hold(line, ScriptedAgent(echo)))
    assert line.said == ["Hello."]


def test_what_was_recognised_reaches_the_agent_and_the_record() -> None:
    line = ScriptedLine([SPEECH])
    recogniser = ScriptedRecogniser([Transcript("my bill", 0.8, audio_s=1.5)])
    held = run(hold(line, ScriptedAgent(echo), recogniser=recogniser))
    assert line.said == ["Hello.", "You said my bill."]
    (said,) = held.of(EventType.CALLER_SAID)
    assert (said.data["text"], said.data["confidence"], said.data["turn"]) == ("my bill", 0.8, 1)


def test_every_turn_stores_where_its_time_went() -> None:
    recogniser = ScriptedRecogniser([Transcript("my bill", 0.8)])
    held = run(hold(ScriptedLine([SPEECH]), ScriptedAgent(echo), recogniser=recogniser))
    answer = held.of(EventType.BOT_SAID)[1].data
    parts = ("endpoint_wait_s", "recognition_s", "thinking_s", "first_audio_s")
    assert answer["endpoint_wait_s"] == 1.0
    assert answer["total_s"] == pytest.approx(sum(answer[part] for part in parts))


def test_keys_count_as_understood() -> None:
    line = ScriptedLine([CallerInput(InputKind.DIGITS, digits="1004")])
    run(hold(line, ScriptedAgent(echo)))
    assert line.said[-1] == "You said 1004."


def test_silence_twice_ends_the_call_politely() -> None:
    line = ScriptedLine([SILENCE, SILENCE])
    held = run(hold(line, ScriptedAgent(echo)))
    assert line.said == ["Hello.", "You said silence.", "Goodbye."]
    assert (held.outcome, line.hung_up) == (CallOutcome.NO_RESPONSE, True)


def test_silence_is_forgiven_once_the_caller_has_spoken() -> None:
    recogniser = ScriptedRecogniser([Transcript("hello", 1.0)])
    line = ScriptedLine([SILENCE, SPEECH, SILENCE])
    held = run(hold(line, ScriptedAgent(echo), recogniser=recogniser))
    assert held.outcome is CallOutcome.CALLER_HUNG_UP


def test_words_below_the_confidence_floor_are_unintelligible() -> None:
    agent = ScriptedAgent(echo)
    recogniser = ScriptedRecogniser([Transcript("mumble", 0.1)])
    run(hold(ScriptedLine([SPEECH]), agent, recogniser=recogniser))
    assert agent.heard[-1].kind is HeardKind.UNINTELLIGIBLE


def test_a_recogniser_that_fails_costs_one_turn_and_not_the_call() -> None:
    agent = ScriptedAgent(echo)
    recogniser = ScriptedRecogniser([EngineError("The decoder died.")])
    held = run(hold(ScriptedLine([SPEECH]), agent, recogniser=recogniser))
    assert agent.heard[-1].kind is HeardKind.UNINTELLIGIBLE
    assert held.of(EventType.WARNING)[0].data["code"] == "engine"


@pytest.mark.parametrize("moment", ["answer", "say", "sentence", "hear"])
def test_a_hang_up_at_any_moment_leaves_a_complete_record(moment: str) -> None:
    held = run(hold(ScriptedLine([SPEECH], hang_up_in=moment), ScriptedAgent(echo)))
    assert held.events[0].type is EventType.CALL_STARTED
    assert held.events[-1].type is EventType.CALL_ENDED
    assert held.events[-1].data["outcome"] is CallOutcome.CALLER_HUNG_UP
    assert [event.seq for event in held.events] == list(range(len(held.events)))


def test_a_ticket_is_stored_before_its_number_is_spoken() -> None:
    desk = Desk()
    recogniser = ScriptedRecogniser([Transcript("it is down", 1.0)])
    held = run(
        hold(ScriptedLine([SPEECH]), ScriptedAgent(report), recogniser=recogniser, desk=desk)
    )
    types = [event.type for event in held.events]
    assert desk.drafts == [DRAFT]
    assert types.index(EventType.TICKET_OPENED) < types.index(EventType.BOT_SAYS)


def test_a_caller_who_hangs_up_while_we_answer_still_gets_the_ticket() -> None:
    desk = Desk()
    line = ScriptedLine([SPEECH], hang_up_in="sentence")
    recogniser = ScriptedRecogniser([Transcript("it is down", 1.0)])
    held = run(hold(line, ScriptedAgent(report), recogniser=recogniser, desk=desk))
    assert (desk.drafts, held.outcome) == ([DRAFT], CallOutcome.CALLER_HUNG_UP)


def test_a_ticket_that_cannot_be_stored_is_an_error_in_the_record() -> None:
    desk = Desk(error=StoreError("The disk is full."))
    recogniser = ScriptedRecogniser([Transcript("it is down", 1.0)])
    held = run(
        hold(ScriptedLine([SPEECH]), ScriptedAgent(report), recogniser=recogniser, desk=desk)
    )
    assert held.of(EventType.ERROR)[0].data["code"] == "store"


def test_a_transfer_that_connects_ends_our_part() -> None:
    held = run(hold(ScriptedLine(), ScriptedAgent(put_through)))
    assert held.outcome is CallOutcome.TRANSFERRED


def test_a_transfer_nobody_answers_comes_back_to_the_agent() -> None:
    line = ScriptedLine(transfer=TransferResult.NO_ANSWER)
    held = run(hold(line, ScriptedAgent(put_through)))
    assert line.said == ["Nobody is there."]
    assert held.of(EventType.TRANSFER_FAILED)[0].data["reason"] == "no_answer"


def test_a_call_that_reaches_its_maximum_is_closed_with_a_word() -> None:
    line = ScriptedLine([SPEECH])
    held = run(hold(line, ScriptedAgent(echo), max_call_s=0))
    assert (line.said[-1], held.outcome) == ("Time is up.", CallOutcome.TIME_UP)


def test_a_call_that_cannot_be_recorded_goes_on_with_a_warning() -> None:
    line = ScriptedLine(recording_error=LineError("The disk is full."))
    held = run(hold(line, ScriptedAgent(echo)))
    assert held.of(EventType.WARNING)[0].data["code"] == "recording"
    assert held.events[-1].data["recording"] == ""
    assert line.said == ["Hello."]


def test_an_agent_that_breaks_fails_the_call_and_leaves_the_line_up_for_the_fallback() -> None:
    async def broken(heard: Heard, dialogue: Dialogue) -> AsyncIterator[Step]:
        yield Sentence("Hello.")
        raise ZeroDivisionError

    line = ScriptedLine()
    held = run(hold(line, ScriptedAgent(broken)))
    assert (held.outcome, line.hung_up) == (CallOutcome.FAILED, False)
    assert held.of(EventType.ERROR)[0].data["code"] == "internal"
