"""The streaming line as a conversation lives through it, on a clock that jumps."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from backend.audio.pcm import Pcm
from backend.core.errors import HungUp, LineError
from backend.core.records import CallInfo
from backend.core.speech import Completeness, Expect, HeardSoFar, Question
from backend.telephony.line import InputKind, Said, TransferResult
from backend.telephony.stream.doors import PortEvents
from backend.telephony.stream.line import StreamLine, StreamParts
from backend.telephony.stream.recorder import Recorder
from backend.turns.base import Window
from backend.turns.taker import FloorKeeper
from tests.stream.fake_port import FakePort, utterances
from tests.support.virtual_time import run_with_clock

Clock = Callable[[], float]
WINDOW_S = 0.032
ANYTHING = Question()
NUMBER = Question(Expect.NUMBER, 4, 4)


class FakeTicker:
    """Tells who has joined; the test does the ticking."""

    def __init__(self) -> None:
        self.joined: list[StreamLine] = []

    def join(self, hearer: StreamLine) -> Any:
        self.joined.append(hearer)
        return hearer

    def leave(self, hearer: StreamLine) -> None:
        if hearer in self.joined:
            self.joined.remove(hearer)


class FakeControl:
    info = CallInfo("20260101-000000-abcdef", "ari", caller="1001", called="200")

    def __init__(self, port: FakePort, transfer: TransferResult = TransferResult.CONNECTED) -> None:
        self.port = port
        self.events: PortEvents | None = None
        self.hung_up = False
        self._transfer = transfer

    async def answer(self, events: PortEvents) -> FakePort:
        self.events = events
        self.port.on_mark = events.on_mark
        return self.port

    async def transfer(self, extension: str) -> TransferResult:
        await asyncio.sleep(5)
        return self._transfer

    async def hang_up(self) -> None:
        self.hung_up = True


class FakeEar:
    """Understands `text` in every pause."""

    def __init__(
        self,
        text: str = "",
        completeness: Completeness = Completeness.UNKNOWN,
        *,
        answers: bool = False,
    ) -> None:
        self._understands = HeardSoFar(text, completeness, answers=answers)
        self.heard = HeardSoFar()
        self.fed: list[Pcm] = []
        self.happened: list[str] = []

    @property
    def fed_s(self) -> float:
        return sum(map(len, self.fed)) / 8000

    def feed(self, pcm: Pcm) -> None:
        self.fed.append(pcm)

    def pause(self) -> None:
        self.happened.append("pause")
        self.heard = self._understands

    def resume(self) -> None:
        self.happened.append("resume")

    def forget(self) -> None:
        self.happened.append("forget")
        self.heard = HeardSoFar()
        self.fed.clear()


class Call:
    """A line in use, its caller and its clock."""

    def __init__(self, clock: Clock, transfer: TransferResult = TransferResult.CONNECTED) -> None:
        self.clock = clock
        self.port = FakePort(clock)
        self.control = FakeControl(self.port, transfer)
        self.ticker = FakeTicker()
        parts = StreamParts(self.ticker, Recorder(Path("unused")), FloorKeeper, clock)  # type: ignore[arg-type]
        self.line = StreamLine(self.control, parts)
        self._level = 0
        self._talking: asyncio.Task[None] | None = None

    async def __aenter__(self) -> "Call":
        await self.line.answer()
        self._talking = asyncio.create_task(self._windows())
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._talking is not None
        self._talking.cancel()
        await asyncio.gather(self._talking, return_exceptions=True)
        await self.line.close()

    async def caller(self, *script: tuple[str, float]) -> None:
        """("voice", "echo" or "quiet", seconds) one after the other."""
        for what, length_s in script:
            self._level = {"voice": 9000, "echo": 400, "quiet": 0}[what]
            await asyncio.sleep(length_s)
        self._level = 0

    async def _windows(self) -> None:
        while True:
            await asyncio.sleep(WINDOW_S)
            pcm = np.full(256, self._level, dtype=np.int16)
            loud = self._level > 0
            window = Window(self.clock(), WINDOW_S, 0.95 if loud else 0.02, -12 if loud else -70)
            for hearer in tuple(self.ticker.joined):
                hearer.on_window(pcm, window)


def live(test: Callable[[Call], Awaitable[None]], **options: Any) -> None:
    async def main(clock: Clock) -> None:
        async with Call(clock, **options) as call:
            await test(call)

    run_with_clock(main)


def while_doing(work: Coroutine[Any, Any, Any], other: Coroutine[Any, Any, Any]) -> Any:
    return asyncio.gather(work, other)


def test_a_clear_request_is_taken_after_a_fifth_of_a_second() -> None:
    async def test(call: Call) -> None:
        ear = FakeEar("what are your opening hours", Completeness.COMPLETE)
        hearing = asyncio.ensure_future(call.line.hear(ANYTHING, ear))
        await call.caller(("quiet", 1.0), ("voice", 1.5))
        ended_at_s = call.clock()
        given = await hearing
        assert given.kind is InputKind.SPEECH
        assert call.clock() - ended_at_s < 0.23
        assert given.voice_ended_at_s == pytest.approx(ended_at_s, abs=0.04)
        assert ear.happened == ["pause"]

    live(test)


def test_the_ear_gets_the_voice_from_before_it_was_noticed() -> None:
    async def test(call: Call) -> None:
        ear = FakeEar("yes", Completeness.COMPLETE)
        hearing = asyncio.ensure_future(call.line.hear(ANYTHING, ear))
        await call.caller(("quiet", 1.0), ("voice", 0.32))
        await hearing
        voiced = sum(int(np.count_nonzero(pcm)) for pcm in ear.fed)
        assert voiced == pytest.approx(0.32 * 8000, abs=256)
        assert not ear.fed[0].any()

    live(test)


def test_a_pause_in_a_number_does_not_end_it() -> None:
    async def test(call: Call) -> None:
        ear = FakeEar("one zero", Completeness.UNFINISHED)
        hearing = asyncio.ensure_future(call.line.hear(NUMBER, ear))
        await call.caller(("voice", 0.6), ("quiet", 0.7), ("voice", 0.6), ("quiet", 0.2))
        assert not hearing.done()
        assert ear.happened == ["pause", "resume", "pause"]
        await hearing
        assert ear.fed_s > 1.9

    live(test)


def test_nobody_says_anything() -> None:
    async def test(call: Call) -> None:
        began_s = call.clock()
        given = await call.line.hear(ANYTHING, FakeEar())
        assert given.kind is InputKind.SILENCE
        assert call.clock() - began_s == pytest.approx(6.0, abs=0.1)

    live(test)


def test_keys_are_read_and_end_with_the_number() -> None:
    async def test(call: Call) -> None:
        hearing = asyncio.ensure_future(call.line.hear(NUMBER, FakeEar()))
        for key in "1004":
            await asyncio.sleep(0.5)
            call.line.on_key(key)
        given = await hearing
        assert (given.kind, given.digits) == (InputKind.DIGITS, "1004")

    live(test)


async def say(call: Call, ear: FakeEar, *sentences: tuple[str, float], **options: Any) -> Said:
    return await call.line.say(utterances(*sentences, **options), ear)


def test_all_is_said_to_a_caller_who_listens() -> None:
    async def test(call: Call) -> None:
        began_s = call.clock()
        said = await say(call, FakeEar(), ("hello", 1.0), ("how are you", 1.0))
        assert said.heard == ("hello", "how are you")
        assert not said.interrupted
        assert said.first_audio_at_s == began_s
        assert call.clock() - began_s == pytest.approx(2.0, abs=0.05)

    live(test)


def test_words_silence_us_at_once_and_go_into_the_next_turn() -> None:
    async def test(call: Call) -> None:
        ear = FakeEar("stop", Completeness.UNKNOWN)
        saying = asyncio.ensure_future(say(call, ear, ("a b c d e f g h i j", 10.0)))
        await call.caller(("quiet", 3.0), ("voice", 0.3))
        voice_began_at_s = call.clock() - 0.3
        (silent_at_s,) = call.port.flushes
        assert silent_at_s - voice_began_at_s < 0.16
        said = await saying
        assert said.interrupted
        assert said.heard == ("a b c",)
        given = await call.line.hear(ANYTHING, ear)
        assert given.kind is InputKind.SPEECH
        assert sum(int(np.count_nonzero(pcm)) for pcm in ear.fed) == pytest.approx(2400, abs=256)

    live(test)


def test_a_cough_makes_us_pause_and_go_on() -> None:
    async def test(call: Call) -> None:
        ear = FakeEar("", Completeness.NOTHING)
        began_s = call.clock()
        saying = asyncio.ensure_future(say(call, ear, ("one two three", 4.0)))
        await call.caller(("quiet", 1.0), ("voice", 0.2))
        said = await saying
        assert not said.interrupted
        assert said.heard == ("one two three",)
        assert ear.happened == ["pause", "forget"]
        assert len(call.port.flushes) == 1
        assert call.clock() - began_s < 4.0 + 1.2

    live(test)


@pytest.mark.parametrize(("begins_s", "stops_us"), [(0.6, False), (1.6, True)])
def test_a_no_stops_a_question_that_has_nearly_been_heard(begins_s: float, stops_us: bool) -> None:
    async def test(call: Call) -> None:
        ear = FakeEar("no", Completeness.COMPLETE, answers=True)
        said, _ = await while_doing(
            say(call, ear, ("Shall I open a ticket?", 2.0)),
            call.caller(("quiet", begins_s), ("voice", 0.3)),
        )
        assert said.interrupted is stops_us

    live(test)


def test_our_own_voice_coming_back_does_not_silence_us() -> None:
    async def test(call: Call) -> None:
        ear = FakeEar("stop it", Completeness.COMPLETE)
        saying = asyncio.ensure_future(say(call, ear, ("one two three", 4.0)))
        await call.caller(("quiet", 1.0), ("echo", 2.0))
        said = await saying
        assert said.heard == ("one two three",)
        assert not call.port.flushes
        assert not ear.fed

    live(test)


def test_what_must_be_heard_is_not_interrupted_by_voice_or_key() -> None:
    async def test(call: Call) -> None:
        ear = FakeEar("stop it", Completeness.COMPLETE)
        saying = asyncio.ensure_future(
            say(call, ear, ("this is the law", 4.0), interruptible=False)
        )
        await call.caller(("quiet", 1.0), ("voice", 1.0))
        call.line.on_key("5")
        said = await saying
        assert said.heard == ("this is the law",)
        assert not call.port.flushes
        assert said.digits == "5"

    live(test)


def test_a_key_stops_us_and_begins_the_input() -> None:
    async def test(call: Call) -> None:
        saying = asyncio.ensure_future(say(call, FakeEar(), ("aa bb cc dd", 4.0)))
        await asyncio.sleep(2.0)
        call.line.on_key("1")
        said = await saying
        assert said.interrupted
        assert said.digits == "1"
        assert said.heard == ("aa bb",)
        hearing = asyncio.ensure_future(call.line.hear(NUMBER, FakeEar()))
        for key in "004":
            call.line.on_key(key)
        assert (await hearing).digits == "1004"

    live(test)


@pytest.mark.parametrize("when", ["hear", "say", "transfer"])
def test_a_caller_who_leaves_ends_whatever_is_going_on(when: str) -> None:
    async def test(call: Call) -> None:
        work: dict[str, Coroutine[Any, Any, Any]] = {
            "hear": call.line.hear(ANYTHING, FakeEar()),
            "say": say(call, FakeEar(), ("one", 3.0)),
            "transfer": call.line.transfer("2001"),
        }
        doing = asyncio.ensure_future(work.pop(when))
        for other in work.values():
            other.close()
        await asyncio.sleep(1.0)
        left_at_s = call.clock()
        call.line.on_gone()
        with pytest.raises(HungUp):
            await doing
        assert call.clock() == left_at_s
        with pytest.raises(HungUp):
            await call.line.hear(ANYTHING, FakeEar())

    live(test)


def test_nobody_listens_while_the_caller_talks_to_a_person_and_we_do_again_afterwards() -> None:
    async def test(call: Call) -> None:
        transferring = asyncio.ensure_future(call.line.transfer("2001"))
        await asyncio.sleep(1.0)
        assert not call.ticker.joined
        assert await transferring is TransferResult.NO_ANSWER
        assert call.ticker.joined == [call.line]

    live(test, transfer=TransferResult.NO_ANSWER)


def test_trouble_with_an_answers_audio_is_not_swallowed() -> None:
    async def test(call: Call) -> None:
        async def broken() -> Any:
            for _ in range(1):
                raise LineError("No audio.")
            yield

        with pytest.raises(LineError, match="No audio"):
            await call.line.say(broken(), FakeEar())

    live(test)


def test_after_the_call_nothing_is_left() -> None:
    async def test(call: Call) -> None:
        await call.line.hang_up()
        await call.line.close()
        assert call.control.hung_up
        assert not call.ticker.joined

    live(test)
