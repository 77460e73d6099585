"""Callers who cut in: what they heard is kept, what was promised is done, the floor is theirs."""

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from backend.agent.base import Dialogue, HangUp, OpenTicket, Step, Transfer
from backend.core.events import EventType
from backend.core.records import CallOutcome, TicketDraft, TicketType
from backend.core.speech import (
    OPEN_QUESTION,
    Completeness,
    Expect,
    Heard,
    HeardKind,
    HeardSoFar,
    Question,
    Sentence,
)
from tests.calls.scripted import FILLER, Memory, ScriptedAgent
from tests.calls.streaming import LiveVoice, Stage
from tests.support.virtual_time import run_virtually

NUMBER = Question(Expect.NUMBER, 4, 4)
DRAFT = TicketDraft("123456", TicketType.TECHNICAL, "internet down")


def memory(dialogue: Dialogue, question: Question = OPEN_QUESTION) -> Memory:
    assert isinstance(dialogue, Memory)
    return replace(dialogue, replies=dialogue.replies + 1, question=question)


async def farewell(heard: Heard, dialogue: Dialogue) -> AsyncIterator[Step]:
    """Opens a ticket and says goodbye; greets otherwise."""
    if heard.kind is HeardKind.TIME_UP:
        yield Sentence("Time is up.")
        yield HangUp(CallOutcome.TIME_UP)
    elif heard.text == "a person":
        yield Transfer("2001")
        yield Sentence("I will put you through.")
    elif heard.text:
        yield Sentence("I have noted that.")
        yield OpenTicket(DRAFT)
        yield Sentence("Your ticket is 123456.")
        yield Sentence("Goodbye.")
        yield HangUp()
    else:
        yield Sentence("Hello.")
    yield memory(dialogue)


async def asks_number(heard: Heard, dialogue: Dialogue) -> AsyncIterator[Step]:
    """Greets, then asks for a number after a sentence of introduction."""
    if heard.kind is HeardKind.CALL_STARTED:
        yield Sentence("Hello.")
        yield memory(dialogue)
    elif heard.text == "bill":
        yield Sentence("I can look that up.")
        yield Sentence("What is your number?")
        yield memory(dialogue, NUMBER)
    else:
        yield Sentence(f"You said {heard.text}.")
        yield memory(dialogue)


async def interrupted(stage: Stage, request: str, *, after: int = 1, heard: str = "I have") -> None:
    """The caller says `request` and cuts in on the answer's sentence number `after`."""
    line = stage.line
    await line.asks(request)
    for _ in range(after):
        await line.is_spoken_to()
        await asyncio.sleep(1.01 if _ < after - 1 else 0.5)
    line.interrupts(heard)
    await line.is_listened_to()


def test_the_record_shows_what_was_really_heard() -> None:
    async def play() -> Stage:
        async with Stage(ScriptedAgent(farewell)) as stage:
            await interrupted(stage, "it is down")
        return stage

    stage = run_virtually(play())
    said = stage.of(EventType.BOT_SAID)[1].data
    assert (said["text"], said["interrupted"]) == ("I have", True)
    (cut,) = stage.of(EventType.CALLER_INTERRUPTED)
    assert cut.data == {"turn": 1, "sentence": 0, "heard": "I have"}


def test_an_interrupted_goodbye_does_not_hang_up_but_the_ticket_is_opened() -> None:
    async def play() -> Stage:
        async with Stage(ScriptedAgent(farewell)) as stage:
            await interrupted(stage, "it is down")
            assert not stage.line.hung_up
        return stage

    stage = run_virtually(play())
    assert stage.desk.drafts == [DRAFT]
    assert "Goodbye." not in stage.line.played


def test_an_interrupted_transfer_is_called_off() -> None:
    async def play() -> Stage:
        async with Stage(ScriptedAgent(farewell)) as stage:
            await interrupted(stage, "a person")
        return stage

    assert run_virtually(play()).line.transferred_to == ""


def test_time_up_is_final_however_much_the_caller_talks() -> None:
    async def play() -> tuple[CallOutcome, Stage]:
        async with Stage(ScriptedAgent(farewell), max_call_s=0) as stage:
            await asyncio.sleep(1.5)
            stage.line.interrupts("Time")
            outcome = await stage.ends()
        return outcome, stage

    outcome, stage = run_virtually(play())
    assert (outcome, stage.line.hung_up) == (CallOutcome.TIME_UP, True)


def test_an_agent_still_thinking_is_stopped_and_what_it_had_not_come_to_does_not_happen() -> None:
    async def rambling(heard: Heard, dialogue: Dialogue) -> AsyncIterator[Step]:
        yield Sentence("Well.")
        if heard.text:
            await asyncio.sleep(100)
            yield OpenTicket(DRAFT)
        yield memory(dialogue)

    async def play() -> Stage:
        async with Stage(ScriptedAgent(rambling)) as stage:
            begun_at_s = time.monotonic()
            await interrupted(stage, "tell me a story", heard="Well")
            assert time.monotonic() < begun_at_s + 10
            await asyncio.sleep(200)
        return stage

    assert run_virtually(play()).desk.drafts == []


def test_who_cuts_in_before_the_question_is_heard_as_answering_nothing() -> None:
    async def play() -> Stage:
        async with Stage(ScriptedAgent(asks_number)) as stage:
            await stage.line.asks("bill")
            await stage.line.is_spoken_to()
            stage.line.says("from march")
        return stage

    assert run_virtually(play()).recogniser.opened[-1] == OPEN_QUESTION


def test_who_cuts_in_on_the_question_is_heard_as_answering_it() -> None:
    async def play() -> Stage:
        async with Stage(ScriptedAgent(asks_number)) as stage:
            await stage.line.asks("bill")
            await stage.line.is_spoken_to()
            await asyncio.sleep(1.1)
            stage.line.says("one zero")
        return stage

    assert run_virtually(play()).recogniser.opened[-1] == NUMBER


class Certain(ScriptedAgent):
    """Takes every word for all that was to be said."""

    def completeness(self, text: str, dialogue: Dialogue) -> Completeness:
        return Completeness.COMPLETE


def test_only_the_question_being_asked_can_be_answered_early() -> None:
    async def play(after_s: float) -> HeardSoFar:
        async with Stage(Certain(asks_number)) as stage:
            await stage.line.asks("bill")
            await stage.line.is_spoken_to()
            await asyncio.sleep(after_s)
            stage.line.says("one zero zero four")
            stage.line.ear.pause()
            await asyncio.sleep(0.1)
            return stage.line.ear.heard

    assert run_virtually(play(after_s=1.1)).answers, "in the question"
    heard = run_virtually(play(after_s=0.2))
    assert not heard.answers, "before it"
    assert heard.confidence == 0.9


def test_words_that_interrupted_us_are_the_beginning_of_the_turn() -> None:
    async def play() -> Stage:
        async with Stage(ScriptedAgent(asks_number)) as stage:
            await stage.line.asks("bill")
            await stage.line.is_spoken_to()
            stage.line.says("no")
            stage.line.ear.pause()
            await asyncio.sleep(0.1)
            stage.line.interrupts("I can")
            await stage.line.is_listened_to()
            await stage.line.finishes(after_s=0.1)
            await stage.line.is_spoken_to()
        return stage

    stage = run_virtually(play())
    assert stage.line.played[-1] == "You said no."
    assert stage.of(EventType.BOT_SAID)[-1].data["prepared"] is True


class Attentive(ScriptedAgent):
    """Changes its mind about the dialogue when it is interrupted."""

    def interrupted(self, dialogue: Dialogue, heard: object) -> Dialogue:
        return memory(dialogue)


def test_an_answer_prepared_for_a_dialogue_that_was_left_is_prepared_again() -> None:
    async def counts(heard: Heard, dialogue: Dialogue) -> AsyncIterator[Step]:
        assert isinstance(dialogue, Memory)
        yield Sentence(f"Answer {dialogue.replies}.")
        yield memory(dialogue)

    async def play() -> Stage:
        async with Stage(Attentive(counts)) as stage:
            await stage.line.is_spoken_to()
            stage.line.says("no")
            stage.line.ear.pause()
            await asyncio.sleep(0.1)
            stage.line.interrupts("Ans")
            await stage.line.is_listened_to()
            await stage.line.finishes(after_s=0.1)
            await stage.line.is_spoken_to()
        return stage

    stage = run_virtually(play())
    assert stage.line.played == ["Answer 0.", "Answer 2."], "1 was before the interruption"
    assert stage.of(EventType.BOT_SAID)[-1].data["prepared"] is True


def test_a_cough_while_we_speak_is_told_and_leaves_nothing_behind() -> None:
    async def play() -> Stage:
        async with Stage(ScriptedAgent(farewell)) as stage:
            await stage.line.is_spoken_to()
            stage.line.says("mhm")
            stage.line.ear.pause()
            await asyncio.sleep(0.1)
            stage.line.ear.forget()
            assert stage.line.ear.heard.text == ""
        return stage

    stage = run_virtually(play())
    (dismissed,) = stage.of(EventType.CALLER_DISMISSED)
    assert dismissed.data == {"turn": 1, "text": "mhm"}
    assert stage.of(EventType.CALLER_SAID) == []


def slow(thinks_s: float) -> ScriptedAgent:
    async def answers(heard: Heard, dialogue: Dialogue) -> AsyncIterator[Step]:
        if heard.text:
            await asyncio.sleep(thinks_s)
        yield Sentence("Here you are.")
        yield Sentence("Anything else?")
        yield memory(dialogue)

    return ScriptedAgent(answers)


@pytest.mark.parametrize(
    ("thinks_s", "synthesis_s", "expected"),
    [(0.5, 0.1, False), (1.0, 0.1, False), (1.3, 0.1, True), (0.1, 1.3, True)],
)
def test_a_wait_of_a_second_is_bridged_once_and_no_shorter_one(
    thinks_s: float, synthesis_s: float, *, expected: bool
) -> None:
    """Thinking begins with the pause, 0.18 s before the turn ends."""

    async def play() -> Stage:
        async with Stage(slow(thinks_s), voice=LiveVoice(synthesis_s)) as stage:
            await asyncio.sleep(5)
            await stage.line.asks("my bill")
            await stage.line.is_spoken_to()
            await asyncio.sleep(5)
        return stage

    stage = run_virtually(play())
    answer = stage.line.played[2:]
    filler = [FILLER.text] if expected else []
    assert answer == [*filler, "Here you are.", "Anything else?"]
    said = stage.of(EventType.BOT_SAID)[1].data
    assert said["filler"] is expected
    assert said["text"] == " ".join(answer)


def test_the_greeting_is_not_preceded_by_a_filler() -> None:
    async def play() -> Stage:
        async with Stage(slow(0), voice=LiveVoice(synthesis_s=3)) as stage:
            await asyncio.sleep(10)
        return stage

    assert run_virtually(play()).line.played == ["Here you are.", "Anything else?"]
