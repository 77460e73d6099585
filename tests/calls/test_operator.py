"""What people do to a call while it goes on: notes, hanging up, putting through."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from backend.agent.base import Dialogue, Step
from backend.calls.center import CallCenter
from backend.calls.conversation import ConversationLimits, Engines
from backend.calls.operator import NotLiveError, Operator
from backend.core.errors import LineError
from backend.core.events import CallEvent, EventBus, EventType
from backend.core.records import CallOutcome
from backend.core.speech import Heard, HeardKind, Question, Sentence
from backend.telephony.line import CallerInput, Ear, InputKind, TransferResult
from tests.calls.scripted import Desk, MuteVoice, ScriptedAgent, ScriptedLine, ScriptedRecogniser
from tests.support.loop import run

LIMITS = ConversationLimits(max_call_s=600, reprompts=1, reject_below=0.2)
Act = Callable[[Operator], None]


class QuietLine(ScriptedLine):
    """A caller who says nothing until released, and tells when they are listened to."""

    def __init__(
        self, transfer: TransferResult = TransferResult.CONNECTED, *, may_be_cut: bool = True
    ) -> None:
        super().__init__(transfer=transfer)
        self.may_be_cut = may_be_cut
        self.listened_to = asyncio.Event()
        self.released = asyncio.Event()
        self.transferred_to: list[str] = []

    async def hear(self, question: Question, ear: Ear) -> CallerInput:
        self.listened_to.set()
        await self.released.wait()
        return CallerInput(InputKind.SILENCE)

    async def transfer(self, extension: str) -> TransferResult:
        self.transferred_to.append(extension)
        return await super().transfer(extension)


class Call:
    """One call in progress, with its controls."""

    def __init__(self, line: QuietLine) -> None:
        bus = EventBus()
        self.line = line
        self.events: list[CallEvent] = []
        bus.subscribe(self.events.append)
        self.agent = ScriptedAgent(_answer)
        engines = Engines(self.agent, MuteVoice(), ScriptedRecogniser(), Desk())
        self.center = CallCenter(bus, engines, LIMITS, 1)

    @property
    def operator(self) -> Operator:
        return self.center.operator(self.line.info.call_id)

    def acts(self) -> list[tuple[str, str, str]]:
        return [
            (event.data["by"], event.data["action"], event.data["text"])
            for event in self.events
            if event.type is EventType.OPERATOR_ACTED
        ]


async def _answer(heard: Heard, dialogue: Dialogue) -> AsyncIterator[Step]:
    yield Sentence(f"You said {heard.kind}.", "test")
    yield dialogue


async def held(call: Call, while_it_lasts: Callable[[Call], Awaitable[None]]) -> CallOutcome:
    """The call to its end; `while_it_lasts` begins when the caller is first listened to."""
    taking = asyncio.ensure_future(call.center.take(call.line))
    await call.line.listened_to.wait()
    await while_it_lasts(call)
    async with asyncio.timeout(5):
        return await taking


def outcome_of(line: Callable[[], QuietLine], act: Act) -> tuple[CallOutcome, Call]:
    async def scenario() -> tuple[CallOutcome, Call]:
        call = Call(line())

        async def at_once(call: Call) -> None:
            act(call.operator)

        return await held(call, at_once), call

    return run(scenario())


def test_a_supervisor_hangs_up_in_the_middle_of_a_turn() -> None:
    outcome, call = outcome_of(QuietLine, lambda operator: operator.hang_up("ada"))
    assert outcome is CallOutcome.OPERATOR_HUNG_UP
    assert call.line.hung_up
    assert call.acts() == [("ada", "hang_up", "")]
    assert call.events[-1].type is EventType.CALL_ENDED


def test_a_supervisor_puts_the_caller_through() -> None:
    outcome, call = outcome_of(QuietLine, lambda operator: operator.transfer("2001", "ada"))
    assert outcome is CallOutcome.TRANSFERRED
    assert call.line.transferred_to == ["2001"]
    assert call.acts() == [("ada", "transfer", "2001")]


def test_after_a_transfer_nobody_answered_the_conversation_goes_on() -> None:
    async def scenario() -> Call:
        call = Call(QuietLine(TransferResult.NO_ANSWER))

        async def through_and_then_up(call: Call) -> None:
            call.line.listened_to.clear()
            call.operator.transfer("2001", "ada")
            await call.line.listened_to.wait()
            call.operator.hang_up("ada")

        assert await held(call, through_and_then_up) is CallOutcome.OPERATOR_HUNG_UP
        return call

    assert [heard.kind for heard in run(scenario()).agent.heard] == [
        HeardKind.CALL_STARTED,
        HeardKind.TRANSFER_FAILED,
    ]


def test_who_is_being_put_through_is_not_put_through_again_but_can_be_hung_up_on() -> None:
    class Ringing(QuietLine):
        async def transfer(self, extension: str) -> TransferResult:
            self.listened_to.set()
            await asyncio.Event().wait()
            raise AssertionError

    async def scenario() -> CallOutcome:
        async def twice(call: Call) -> None:
            call.line.listened_to.clear()
            call.operator.transfer("2001", "ada")
            await call.line.listened_to.wait()
            with pytest.raises(LineError, match="being put through"):
                call.operator.transfer("2002", "bob")
            call.operator.hang_up("ada")

        return await held(Call(Ringing()), twice)

    assert run(scenario()) is CallOutcome.OPERATOR_HUNG_UP


def test_a_line_that_cannot_be_cut_obeys_when_the_turn_is_over() -> None:
    async def scenario() -> CallOutcome:
        async def up_while_listening(call: Call) -> None:
            call.operator.hang_up("ada")
            await asyncio.sleep(0)
            assert not call.line.hung_up
            call.line.released.set()

        return await held(Call(QuietLine(may_be_cut=False)), up_while_listening)

    assert run(scenario()) is CallOutcome.OPERATOR_HUNG_UP


def test_a_note_is_kept_and_changes_nothing() -> None:
    async def scenario() -> Call:
        call = Call(QuietLine())

        async def note(call: Call) -> None:
            call.operator.note("<b>angry</b>", "ada")
            await asyncio.sleep(0)
            assert not call.line.hung_up
            call.operator.hang_up("ada")

        await held(call, note)
        return call

    assert run(scenario()).acts()[0] == ("ada", "note", "<b>angry</b>")


def test_a_call_that_is_over_takes_no_orders() -> None:
    _, call = outcome_of(QuietLine, lambda operator: operator.hang_up("ada"))
    with pytest.raises(NotLiveError, match="not in progress"):
        call.center.operator(call.line.info.call_id)
