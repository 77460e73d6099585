"""All calls of the process: the limit, the live list, stopping."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime

from backend.agent.base import Dialogue, Step
from backend.calls.center import CallCenter, LiveCalls
from backend.calls.conversation import ConversationLimits, Engines
from backend.config import Settings
from backend.core.events import CallEvent, EventBus, EventType
from backend.core.records import CallOutcome
from backend.core.speech import Heard, Question
from backend.lines import AgiCalls
from backend.telephony.line import CallerInput, Ear
from tests.calls.scripted import Desk, MuteVoice, ScriptedAgent, ScriptedLine, ScriptedRecogniser
from tests.support.loop import run
from tests.support.pbx import free_port

LIMITS = ConversationLimits(max_call_s=600, reprompts=1, reject_below=0.2)


class PatientLine(ScriptedLine):
    """A caller who says nothing until released."""

    def __init__(self, released: asyncio.Event) -> None:
        super().__init__()
        self._released = released

    async def hear(self, question: Question, ear: Ear) -> CallerInput:
        await self._released.wait()
        return await super().hear(question, ear)


async def nothing(heard: Heard, dialogue: Dialogue) -> AsyncIterator[Step]:
    yield dialogue


def center(
    bus: EventBus, max_calls: int, recogniser: ScriptedRecogniser | None = None
) -> CallCenter:
    recogniser = recogniser or ScriptedRecogniser()
    engines = Engines(ScriptedAgent(nothing), MuteVoice(), recogniser, Desk())
    return CallCenter(bus, engines, LIMITS, max_calls)


def event(event_type: EventType, seq: int = 0, **data: object) -> CallEvent:
    return CallEvent("call-1", seq, event_type, datetime(2026, 1, 1, tzinfo=UTC), 0.0, data)


def test_the_center_is_full_at_its_limit_and_free_again_afterwards() -> None:
    async def scenario() -> list[bool]:
        calls, released = center(EventBus(), 1), asyncio.Event()
        seen = [calls.is_full]
        call = asyncio.ensure_future(calls.take(PatientLine(released)))
        await asyncio.sleep(0)
        seen.append(calls.is_full)
        released.set()
        await call
        return [*seen, calls.is_full]

    assert run(scenario()) == [False, True, False]


def test_the_center_is_full_while_the_recogniser_cannot_keep_up() -> None:
    async def scenario() -> list[bool]:
        recogniser, released = ScriptedRecogniser(), asyncio.Event()
        calls = center(EventBus(), 50, recogniser)
        call = asyncio.ensure_future(calls.take(PatientLine(released)))
        await asyncio.sleep(0)
        seen = [calls.is_full]
        recogniser.is_overloaded = True
        seen.append(calls.is_full)
        assert not call.done(), "who is here already stays"
        recogniser.is_overloaded = False
        seen.append(calls.is_full)
        released.set()
        await call
        return seen

    assert run(scenario()) == [False, True, False]


def test_an_overloaded_recogniser_sends_the_next_call_politely_to_the_fallback() -> None:
    async def scenario() -> list[str]:
        settings = Settings(_env_file=None, agi_port=free_port())
        agi = AgiCalls(settings, center(EventBus(), 50, ScriptedRecogniser(is_overloaded=True)))
        await agi.start()
        reader, writer = await asyncio.open_connection(settings.agi_host, settings.agi_port)
        try:
            writer.write(b"agi_network: yes\nagi_channel: PJSIP/x-1\nagi_uniqueid: 1.1\n\n")
            asked = await reader.readline()
            writer.write(b"200 result=1\n")
            return [asked.decode().strip(), (await reader.read()).decode()]
        finally:
            writer.close()
            await agi.aclose()

    assert run(scenario()) == ["SET VARIABLE FRONTDESK_BUSY 1", ""]


def test_a_cancelled_call_ends_as_interrupted_in_the_record() -> None:
    async def scenario() -> CallEvent:
        bus, events = EventBus(), list[CallEvent]()
        started = asyncio.Event()
        bus.subscribe(events.append)
        bus.subscribe(lambda _event: started.set())
        call = asyncio.ensure_future(center(bus, 1).take(PatientLine(asyncio.Event())))
        await started.wait()
        call.cancel()
        await asyncio.gather(call, return_exceptions=True)
        return events[-1]

    last = run(scenario())
    assert (last.type, last.data["outcome"]) == (EventType.CALL_ENDED, CallOutcome.INTERRUPTED)


def test_draining_refuses_new_calls_and_waits_for_the_last() -> None:
    async def scenario() -> tuple[bool, bool]:
        calls, released = center(EventBus(), 5), asyncio.Event()
        call = asyncio.ensure_future(calls.take(PatientLine(released)))
        await asyncio.sleep(0)
        draining = asyncio.ensure_future(calls.drain(timeout_s=30))
        await asyncio.sleep(0)
        refused = calls.is_full
        released.set()
        await asyncio.gather(call, draining)
        return refused, call.done()

    assert run(scenario()) == (True, True)


def test_the_live_list_follows_a_call_from_start_to_end() -> None:
    bus = EventBus()
    live = LiveCalls(bus)
    bus.publish(
        event(EventType.CALL_STARTED, line="agi", caller="1001", called="100", pbx_id="1.1")
    )
    bus.publish(event(EventType.BOT_SAID, 1, turn=0, text="Hello."))
    bus.publish(event(EventType.CALLER_SAID, 2, turn=1, text="", digits="1004"))
    bus.publish(event(EventType.UNDERSTOOD, 3, turn=1, intent="billing", confidence=0.9))
    (call,) = live.calls()
    assert (call.caller, call.intent, call.turns) == ("1001", "billing", 2)
    assert call.last_words == ["bot: Hello.", "caller: 1004"]
    bus.publish(event(EventType.CALL_ENDED, 4))
    assert live.calls() == []
