"""Callers before warming up, and failing engines left alone."""

import asyncio
from contextlib import AsyncExitStack

import pytest

from backend.tts.breaker import FIRST_PAUSE_S, LONGEST_PAUSE_S, Breaker
from backend.tts.gate import BusyError, Gate, Urgency
from tests.support.loop import run

LIVE, LATER = True, False


class Crowd:
    """Sentences that want through a gate, and the order in which they get in."""

    def __init__(self, slots: int) -> None:
        self.gate = Gate(slots)
        self.entered: list[str] = []
        self._leave: dict[str, asyncio.Event] = {}
        self.tasks: dict[str, asyncio.Task[None]] = {}
        self.urgency: dict[str, Urgency] = {}

    async def come(self, name: str, live: bool, wait_s: float = 5) -> None:
        self._leave[name] = asyncio.Event()
        self.urgency[name] = Urgency(live)

        async def through() -> None:
            async with self.gate.slot(self.urgency[name], wait_s):
                self.entered.append(name)
                await self._leave[name].wait()

        self.tasks[name] = asyncio.create_task(through())
        await settle()

    async def leave(self, name: str) -> None:
        self._leave[name].set()
        await settle()

    async def disperse(self) -> None:
        for task in self.tasks.values():
            task.cancel()
        await asyncio.wait(self.tasks.values())


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


def test_no_more_than_its_slots_are_inside() -> None:
    async def scenario() -> None:
        crowd = Crowd(slots=2)
        for name in "abc":
            await crowd.come(name, LIVE)
        assert crowd.entered == ["a", "b"]
        await crowd.leave("a")
        assert crowd.entered == ["a", "b", "c"]
        await crowd.disperse()

    run(scenario())


def test_callers_overtake_warming_up() -> None:
    async def scenario() -> None:
        crowd = Crowd(slots=1)
        await crowd.come("caller 1", LIVE)
        await crowd.come("warming", LATER)
        await crowd.come("caller 2", LIVE)
        await crowd.leave("caller 1")
        await crowd.leave("caller 2")
        assert crowd.entered == ["caller 1", "caller 2", "warming"]
        await crowd.disperse()

    run(scenario())


def test_warming_up_leaves_room_for_a_caller() -> None:
    async def scenario() -> None:
        crowd = Crowd(slots=2)
        await crowd.come("warming 1", LATER)
        await crowd.come("warming 2", LATER)
        await crowd.come("caller", LIVE)
        assert crowd.entered == ["warming 1", "caller"]
        await crowd.disperse()

    run(scenario())


def test_a_caller_who_wants_what_is_being_warmed_up_moves_it_forward() -> None:
    async def scenario() -> None:
        crowd = Crowd(slots=2)
        await crowd.come("caller", LIVE)
        await crowd.come("warming", LATER)
        assert crowd.entered == ["caller"]
        crowd.urgency["warming"].live = True
        crowd.gate.reconsider()
        await settle()
        assert crowd.entered == ["caller", "warming"]
        await crowd.disperse()

    run(scenario())


def test_a_caller_does_not_queue_for_ever() -> None:
    async def scenario() -> None:
        crowd = Crowd(slots=1)
        await crowd.come("a", LIVE)
        with pytest.raises(BusyError):
            async with crowd.gate.slot(Urgency(LIVE), wait_s=0.01):
                raise AssertionError("it is full")
        await crowd.disperse()
        async with crowd.gate.slot(Urgency(LIVE), wait_s=0.01):
            pass

    run(scenario())


def test_whoever_gives_up_while_queueing_takes_no_slot_along() -> None:
    async def scenario() -> None:
        crowd = Crowd(slots=1)
        for name in "abc":
            await crowd.come(name, LIVE)
        crowd.tasks["b"].cancel()
        await crowd.leave("a")  # in the same moment
        assert crowd.entered == ["a", "c"]
        await crowd.disperse()
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(crowd.gate.slot(Urgency(LIVE), wait_s=0.01))

    run(scenario())


def test_a_cancelled_entrant_gives_its_fresh_slot_back() -> None:
    async def scenario() -> None:
        crowd = Crowd(slots=1)
        await crowd.come("a", LIVE)
        await crowd.come("b", LIVE)
        crowd._leave["a"].set()
        await asyncio.sleep(0)  # "a" has left and "b" has been let in, but has not run yet
        crowd.tasks["b"].cancel()
        await settle()
        await crowd.come("c", LIVE)
        assert crowd.entered[-1] == "c"
        await crowd.disperse()

    run(scenario())


def test_a_working_engine_is_always_allowed() -> None:
    breaker = Breaker()
    breaker.succeeded()
    assert breaker.allows(0)
    assert breaker.reason == ""


def test_a_failed_engine_is_left_alone_longer_each_time() -> None:
    breaker = Breaker()
    now, pauses = 100.0, []
    for _ in range(12):
        breaker.failed(now, "broken pipe")
        pause = next(step for step in range(1, 400) if breaker.allows(now + step))
        pauses.append(pause)
        now += pause
    assert pauses[:3] == [FIRST_PAUSE_S, 2 * FIRST_PAUSE_S, 4 * FIRST_PAUSE_S]
    assert pauses[-1] == LONGEST_PAUSE_S
    assert breaker.reason == "broken pipe"


def test_one_success_forgives_everything() -> None:
    breaker = Breaker()
    for _ in range(5):
        breaker.failed(0, "x")
    breaker.succeeded()
    breaker.failed(0, "x")
    assert breaker.allows(FIRST_PAUSE_S)


def test_only_one_is_sent_to_try_again() -> None:
    breaker = Breaker()
    breaker.failed(0, "x")
    assert breaker.allows(FIRST_PAUSE_S)
    breaker.trying(FIRST_PAUSE_S)
    assert not breaker.allows(FIRST_PAUSE_S)
