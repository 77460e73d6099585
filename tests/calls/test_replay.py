"""A stored call held again: the same conversation loop, and no effects."""

import asyncio
from collections.abc import AsyncIterator

import numpy as np
import pytest

from backend.agent.base import Dialogue, HangUp, OpenTicket, Step, Transfer
from backend.calls.conversation import ConversationLimits, Engines
from backend.calls.replay import CallerTurn, Replayer, ReplayError
from backend.core.events import CallEvent, EventType
from backend.core.records import CallInfo, CallOutcome, TicketDraft, TicketType
from backend.core.speech import Heard, HeardKind, Sentence, Transcript
from backend.telephony.line import InputKind
from tests.calls.scripted import Desk, MuteVoice, ScriptedAgent, ScriptedRecogniser
from tests.support.loop import run

LIMITS = ConversationLimits(max_call_s=600, reprompts=1, reject_below=0.2)
INFO = CallInfo("20261121-100000-aaaaaa", "replay", caller="5550199", called="200")
SPOKEN = CallerTurn(InputKind.SPEECH, pcm=np.zeros(800, dtype=np.int16), pause_s=0.05)


async def obliging(heard: Heard, dialogue: Dialogue) -> AsyncIterator[Step]:
    """Opens a ticket for “broken”, puts through for “person”, hangs up for “bye”."""
    said = heard.text or heard.digits or heard.kind
    yield Sentence(f"You said {said}.", "test")
    match said:
        case "broken":
            yield OpenTicket(TicketDraft("482137", TicketType.TECHNICAL, "It is broken"))
        case "person":
            yield Transfer("2001")
        case "bye":
            yield HangUp()
    yield dialogue


class Room:
    """A replayer, and what it must not touch."""

    def __init__(self, *heard: str) -> None:
        self.desk = Desk()
        results: list[Transcript | Exception] = [Transcript(text, 0.9) for text in heard]
        self.is_busy = False
        self.agent = ScriptedAgent(obliging)
        engines = Engines(self.agent, MuteVoice(), ScriptedRecogniser(results), self.desk)
        self.replayer = Replayer(engines, LIMITS, lambda: self.is_busy)

    def replay(self, *turns: CallerTurn) -> list[CallEvent]:
        return run(self.replayer.replay(INFO, turns))


def answers(events: list[CallEvent]) -> list[str]:
    return [event.data["text"] for event in events if event.type is EventType.BOT_SAID]


def outcome(events: list[CallEvent]) -> CallOutcome:
    return CallOutcome(events[-1].data["outcome"])


def test_what_the_caller_said_keyed_and_wrote_is_answered_anew() -> None:
    room = Room("hello")
    events = room.replay(
        SPOKEN,
        CallerTurn(InputKind.DIGITS, digits="1004"),
        CallerTurn(InputKind.TEXT, text="thanks"),
        CallerTurn(InputKind.SILENCE),
    )
    assert answers(events) == [
        f"You said {said}."
        for said in (HeardKind.CALL_STARTED, "hello", "1004", "thanks", HeardKind.SILENCE)
    ]
    assert outcome(events) is CallOutcome.CALLER_HUNG_UP


def test_answers_are_timed_as_in_a_live_call() -> None:
    said = [e.data for e in Room("hello").replay(SPOKEN) if e.type is EventType.BOT_SAID]
    assert said[1]["endpoint_wait_s"] >= 0.05
    assert said[1]["thinking_s"] is not None


def test_a_ticket_is_told_of_but_not_opened() -> None:
    room = Room("broken")
    events = room.replay(SPOKEN)
    assert [e.data["number"] for e in events if e.type is EventType.TICKET_OPENED] == ["482137"]
    assert room.desk.drafts == []


def test_a_transfer_reaches_nobody_and_ends_as_it_did_then() -> None:
    assert outcome(Room("person").replay(SPOKEN)) is CallOutcome.TRANSFERRED
    went_on = Room("person", "bye").replay(SPOKEN, SPOKEN)
    assert outcome(went_on) is CallOutcome.COMPLETED


def test_live_calls_come_first() -> None:
    room = Room()
    room.is_busy = True
    with pytest.raises(ReplayError, match="Live calls"):
        room.replay()


def test_one_at_a_time() -> None:
    room = Room("one", "two")

    async def both() -> list[list[CallEvent]]:
        return list(await asyncio.gather(*(room.replayer.replay(INFO, [SPOKEN]) for _ in range(2))))

    first, second = run(both())
    assert answers(first)[1:] == ["You said one."]
    assert answers(second)[1:] == ["You said two."]
    assert first[-1].at <= second[0].at


def test_live_calls_that_came_while_another_was_replayed_come_first() -> None:
    room = Room("one", "two")

    async def both() -> list[list[CallEvent] | BaseException]:
        replays = asyncio.gather(
            *(room.replayer.replay(INFO, [SPOKEN]) for _ in range(2)), return_exceptions=True
        )
        await asyncio.sleep(0)
        room.is_busy = True
        return list(await replays)

    first, second = run(both())
    assert isinstance(first, list)
    assert isinstance(second, ReplayError)
