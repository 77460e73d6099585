"""Answering ahead of the turn's end: quick when the guess was right, without trace when not."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backend.agent.base import (
    Dialogue,
    HangUp,
    IdentifyCustomer,
    OpenTicket,
    Step,
    Transfer,
    Understood,
)
from backend.core.events import PASSING, EventType
from backend.core.records import TicketDraft, TicketType
from backend.core.speech import Completeness, Heard, HeardKind, Sentence
from tests.calls.scripted import Memory, ScriptedAgent
from tests.calls.streaming import LiveRecogniser, LiveVoice, Stage
from tests.support.virtual_time import run_virtually

EFFECTS = (
    EventType.UNDERSTOOD,
    EventType.CUSTOMER_IDENTIFIED,
    EventType.TICKET_OPENED,
    EventType.TRANSFER_STARTED,
    EventType.BOT_SAYS,
)


class Clerk(ScriptedAgent):
    """Does everything that can be done, named after what was heard; judges by the last word."""

    def __init__(self, thinks_s: float = 0.0) -> None:
        super().__init__(self._does)
        self._thinks_s = thinks_s
        self.replies = 0

    async def _does(self, heard: Heard, dialogue: Dialogue) -> AsyncIterator[Step]:
        replies = dialogue.replies if isinstance(dialogue, Memory) else 0
        if heard.kind is HeardKind.CALL_STARTED:
            yield Sentence("Hello.")
        else:
            self.replies += 1
            yield Understood(heard.text, 1.0)
            yield IdentifyCustomer(heard.text)
            await asyncio.sleep(self._thinks_s)
            yield OpenTicket(TicketDraft(heard.text, TicketType.TECHNICAL, heard.text))
            yield Sentence(f"You said {heard.text}.")
            if heard.text.endswith("bye"):
                yield HangUp()
            if heard.text.endswith("person"):
                yield Transfer("2001")
        yield Memory(replies + 1)

    def completeness(self, text: str, dialogue: Dialogue) -> Completeness:
        last = text.rpartition(" ")[2]
        unfinished = Completeness.UNFINISHED if last == "um" else Completeness.UNKNOWN
        return Completeness.COMPLETE if last in ("bye", "person") else unfinished


def on_stage(scenario: Callable[[Stage], Coroutine[Any, Any, None]], **parts: Any) -> Stage:
    async def play() -> Stage:
        async with Stage(parts.pop("agent", None) or Clerk(), **parts) as stage:
            await stage.line.is_listened_to()
            await scenario(stage)
        return stage

    return run_virtually(play())


def test_an_answer_prepared_in_the_pause_is_there_when_the_turn_ends() -> None:
    async def scenario(stage: Stage) -> None:
        await stage.line.asks("my bill")
        await stage.line.is_spoken_to()

    stage = on_stage(scenario, agent=Clerk(thinks_s=0.1), voice=LiveVoice(synthesis_s=0.05))
    answer = stage.of(EventType.BOT_SAID)[1].data
    assert answer["prepared"]
    assert answer["endpoint_wait_s"] == pytest.approx(0.2)
    assert answer["total_s"] == pytest.approx(0.2), "everything else had been done by then"
    assert stage.recogniser.finished == 0, "what the pause had shown was not recognised again"


def test_what_was_not_ready_in_time_counts_from_the_turns_end() -> None:
    async def scenario(stage: Stage) -> None:
        await stage.line.asks("my bill")
        await stage.line.is_spoken_to()

    stage = on_stage(scenario, agent=Clerk(thinks_s=0.3), voice=LiveVoice(synthesis_s=0.1))
    answer = stage.of(EventType.BOT_SAID)[1].data
    # The pause began at 0; 0.02 recognition, 0.3 thinking, 0.1 synthesis; the turn ended at 0.2.
    assert answer["recognition_s"] == pytest.approx(0)
    assert answer["thinking_s"] == pytest.approx(0.12)
    assert answer["first_audio_s"] == pytest.approx(0.1)
    assert answer["total_s"] == pytest.approx(0.42)


def test_a_caller_who_goes_on_hears_the_answer_to_all_of_it() -> None:
    async def scenario(stage: Stage) -> None:
        line = stage.line
        line.says("bill")
        line.ear.pause()
        await asyncio.sleep(0.1)
        line.ear.resume()
        await line.asks("bill of march")
        await line.is_spoken_to()

    stage = on_stage(scenario)
    assert stage.line.played == ["Hello.", "You said bill of march."]
    assert [draft.number for draft in stage.desk.drafts] == ["bill of march"]
    (dropped,) = [clip for clip in stage.voice.clips if clip.text == "You said bill."]
    assert dropped.is_closed


def test_nothing_is_prepared_for_a_sentence_that_asks_to_go_on() -> None:
    agent = Clerk()

    async def scenario(stage: Stage) -> None:
        stage.line.says("the um")
        stage.line.ear.pause()
        await asyncio.sleep(0.1)
        assert stage.line.ear.heard.completeness is Completeness.UNFINISHED
        assert agent.replies == 0

    on_stage(scenario, agent=agent)


def test_noise_in_the_recognisers_words_is_nothing() -> None:
    async def scenario(stage: Stage) -> None:
        stage.line.says("mumble")
        stage.line.ear.pause()
        await asyncio.sleep(0.1)
        assert stage.line.ear.heard.completeness is Completeness.NOTHING

    on_stage(scenario, recogniser=LiveRecogniser(confidence=0.1))


def test_a_recogniser_too_busy_to_look_costs_time_and_nothing_else() -> None:
    recogniser = LiveRecogniser()
    recogniser.cannot_peek = True

    async def scenario(stage: Stage) -> None:
        await stage.line.asks("my bill")
        await stage.line.is_spoken_to()

    stage = on_stage(scenario, recogniser=recogniser)
    assert recogniser.finished == 1
    assert stage.line.played[-1] == "You said my bill."


def test_a_guess_that_differs_from_what_was_said_in_the_end_is_dropped() -> None:
    recogniser = LiveRecogniser()
    recogniser.cannot_peek = True
    recogniser.partly = "my bell"

    async def scenario(stage: Stage) -> None:
        await stage.line.asks("my bill")
        await stage.line.is_spoken_to()

    stage = on_stage(scenario, recogniser=recogniser)
    assert stage.line.played == ["Hello.", "You said my bill."]
    assert [draft.number for draft in stage.desk.drafts] == ["my bill"]


def test_a_call_in_which_nobody_speaks_never_opens_the_recogniser() -> None:
    async def scenario(stage: Stage) -> None:
        await asyncio.sleep(5)

    assert on_stage(scenario).recogniser.opened == []


def test_an_agent_that_breaks_while_guessing_breaks_nothing() -> None:
    async def broken(heard: Heard, dialogue: Dialogue) -> AsyncIterator[Step]:
        if heard.text == "half":
            raise ZeroDivisionError
        yield Sentence("Hello.")
        yield dialogue

    async def scenario(stage: Stage) -> None:
        line = stage.line
        line.says("half")
        line.ear.pause()
        await asyncio.sleep(0.1)
        line.ear.resume()
        await line.asks("half a sentence")
        await line.is_spoken_to()

    stage = on_stage(scenario, agent=ScriptedAgent(broken))
    assert stage.of(EventType.ERROR) == []
    assert stage.line.played == ["Hello.", "Hello."]


def test_what_was_said_so_far_is_told_to_who_watches() -> None:
    async def scenario(stage: Stage) -> None:
        await stage.line.asks("my bill")
        await stage.line.is_spoken_to()

    (so_far,) = on_stage(scenario).of(EventType.CALLER_SAYS)
    assert so_far.data == {"turn": 1, "text": "my bill", "completeness": Completeness.UNKNOWN}


def test_words_are_told_while_they_are_spoken_and_told_once() -> None:
    async def scenario(stage: Stage) -> None:
        line = stage.line
        for words, repeats in (("my", 16), ("my", 16), ("my bill", 16)):
            for _ in range(repeats):
                line.says(words)
        await line.finishes()
        await line.is_spoken_to()

    stage = on_stage(scenario)
    speaking = stage.of(EventType.CALLER_SPEAKING)
    assert [event.data for event in speaking] == [
        {"turn": 1, "text": "my"},
        {"turn": 1, "text": "my bill"},
    ]
    numbers = [event.seq for event in stage.events if event.type not in PASSING]
    assert numbers == list(range(len(numbers)))


WORDS = st.sampled_from(["bill", "um", "yes", "person", "bye"])
WAITS = st.sampled_from([0.0, 0.01, 0.02, 0.03, 0.1, 0.5])
MOVES = st.lists(st.tuples(WORDS, WAITS, WAITS), min_size=1, max_size=5)


@settings(deadline=None, max_examples=150)
@given(MOVES, WAITS, WAITS, WAITS, st.booleans(), st.booleans())
def test_however_a_turn_goes_only_its_whole_has_effects(
    moves: list[tuple[str, float, float]],
    peek_s: float,
    thinks_s: float,
    synthesis_s: float,
    forgets: bool,
    cut_off: bool,
) -> None:
    """Words, pauses and second thoughts in any order and at any speed; perhaps a cough before,
    perhaps no pause after because the turn became too long."""
    whole = " ".join(word for word, _, _ in moves)

    async def scenario(stage: Stage) -> None:
        line = stage.line
        before = len(stage.of(*EFFECTS))
        if forgets:
            line.says("bye")
            line.ear.pause()
            await asyncio.sleep(0.02)
            line.ear.forget()
        said = ""
        for number, (word, speaks_s, pauses_s) in enumerate(moves):
            if number:
                line.ear.resume()
            await asyncio.sleep(speaks_s)
            said = f"{said} {word}".strip()
            line.says(said)
            if cut_off and said == whole:
                break
            line.ear.pause()
            await asyncio.sleep(pauses_s)
            assert len(stage.of(*EFFECTS)) == before
            assert stage.desk.drafts == []
            assert not line.hung_up
            assert not line.transferred_to
        await line.finishes(after_s=0.0)
        await line.is_spoken_to()

    stage = on_stage(
        scenario,
        agent=Clerk(thinks_s),
        recogniser=LiveRecogniser(peek_s),
        voice=LiveVoice(synthesis_s),
    )
    assert [draft.number for draft in stage.desk.drafts] == [whole]
    assert [event.data["intent"] for event in stage.of(EventType.UNDERSTOOD)] == [whole]
    assert [text for text in stage.line.played if text != "One moment, please."] == [
        "Hello.",
        f"You said {whole}.",
    ]
    assert stage.line.hung_up == whole.endswith(("bye", "person"))
    assert bool(stage.line.transferred_to) == whole.endswith("person")
    assert all(clip.is_closed for clip in stage.voice.clips if "You said" in clip.text)
