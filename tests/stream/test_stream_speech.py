"""One answer being spoken, on a clock that jumps."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Callable

import numpy as np
import pytest

from backend.audio.pcm import Pcm
from backend.core.errors import LineError
from backend.core.speech import Sentence
from backend.telephony.line import Utterance
from backend.telephony.stream.speech import BACK_S, LEAD_S, Speech
from tests.stream.fake_port import FakePort, sleep_until, utterances
from tests.support.virtual_time import run_with_clock

Clock = Callable[[], float]


def speech_on(port: FakePort) -> Speech:
    speech = Speech(port, itertools.count(1), clock=port.clock)
    port.on_mark = speech.on_mark
    return speech


def test_an_answer_takes_as_long_as_its_audio() -> None:
    async def test(clock: Clock) -> None:
        port = FakePort(clock)
        speech = speech_on(port)
        began_s = clock()
        await speech.speak(utterances(("hello there", 1.0), ("how are you", 2.0)))
        assert clock() - began_s == pytest.approx(3.0, abs=0.05)
        assert len(port.played) == 3 * 8000
        assert speech.heard() == ("hello there", "how are you")

    run_with_clock(test)


def test_the_next_sentence_is_sent_shortly_before_the_one_before_ends() -> None:
    async def test(clock: Clock) -> None:
        port = FakePort(clock)
        speech = speech_on(port)
        began_s = clock()
        speaking = asyncio.ensure_future(speech.speak(utterances(("one", 2.0), ("two", 1.0))))
        await sleep_until(clock, began_s + 2.0 - LEAD_S - 0.05)
        assert len(port.played) == 2 * 8000
        await sleep_until(clock, began_s + 2.0 - LEAD_S + 0.05)
        assert len(port.played) == 3 * 8000
        await speaking

    run_with_clock(test)


def test_which_sentence_is_being_heard() -> None:
    async def test(clock: Clock) -> None:
        speech = speech_on(FakePort(clock))
        began_s = clock()
        speaking = asyncio.ensure_future(speech.speak(utterances(("one", 2.0), ("two", 1.0))))
        await sleep_until(clock, began_s + 1.9)
        assert speech.sentence == Sentence("one")
        await sleep_until(clock, began_s + 2.1)
        assert speech.sentence == Sentence("two")
        await speaking
        assert speech.sentence is None

    run_with_clock(test)


def test_stopped_in_the_middle_it_tells_the_words_that_were_heard() -> None:
    async def test(clock: Clock) -> None:
        port = FakePort(clock)
        speech = speech_on(port)
        began_s = clock()
        told = utterances(("first of all", 1.0), ("aaaa bbbb cccc dddd eeee", 2.0))
        speaking = asyncio.ensure_future(speech.speak(told))
        await sleep_until(clock, began_s + 2.0)
        speaking.cancel()
        assert speech.stop() == ("first of all", "aaaa bbbb")
        assert port.flushes == [pytest.approx(began_s + 2.0)]
        await asyncio.wait([speaking])

    run_with_clock(test)


def test_held_and_let_go_on_it_says_the_rest_from_a_little_before() -> None:
    async def test(clock: Clock) -> None:
        port = FakePort(clock)
        speech = speech_on(port)
        began_s = clock()
        speaking = asyncio.ensure_future(speech.speak(utterances(("one", 2.0), ("two", 1.0))))
        await sleep_until(clock, began_s + 1.0)
        speech.hold()
        sent = len(port.played)
        await sleep_until(clock, began_s + 1.5)
        assert len(port.played) == sent
        speech.go_on()
        await speaking
        assert clock() - began_s == pytest.approx(3.0 + 0.5 + BACK_S, abs=0.05)
        assert speech.heard() == ("one", "two")

    run_with_clock(test)


def test_held_while_the_sentence_is_still_being_made_it_loses_nothing() -> None:
    async def test(clock: Clock) -> None:
        port = FakePort(clock)
        speech = speech_on(port)
        began_s = clock()
        speaking = asyncio.ensure_future(speech.speak(utterances(("slow one", 2.0), wait_s=0.1)))
        await sleep_until(clock, began_s + 0.3)
        speech.hold()
        await sleep_until(clock, began_s + 1.3)
        speech.go_on()
        await speaking
        assert speech.heard() == ("slow one",)
        assert clock() - began_s == pytest.approx(0.1 + 2.0 + 1.0 + BACK_S, abs=0.05)

    run_with_clock(test)


def test_a_mark_from_before_a_hold_is_stale() -> None:
    async def test(clock: Clock) -> None:
        speech = speech_on(FakePort(clock))
        began_s = clock()
        speaking = asyncio.ensure_future(speech.speak(utterances(("one", 2.0))))
        await sleep_until(clock, began_s + 0.5)
        speech.hold()
        speech.go_on()
        speech.on_mark("1.16000")
        assert speech.heard() == ()
        await speaking
        assert clock() - began_s == pytest.approx(2.0 + BACK_S, abs=0.05)

    run_with_clock(test)


def test_a_mark_that_never_comes_is_not_waited_for_long() -> None:
    async def test(clock: Clock) -> None:
        port = FakePort(clock)
        speech = Speech(port, itertools.count(1), clock=clock)
        began_s = clock()
        await speech.speak(utterances(("one", 1.0)))
        assert clock() - began_s < 2.5

    run_with_clock(test)


def test_the_first_frame_tells_what_transport_adds() -> None:
    async def test(clock: Clock) -> None:
        speech = speech_on(FakePort(clock))
        began_s = clock()
        await speech.speak(utterances(("one", 1.0)))
        assert speech.first_audio_at_s == began_s
        assert speech.transport_s == pytest.approx(0.02, abs=0.001)

    run_with_clock(test)


def test_chunks_that_are_no_whole_frames_leave_no_gaps() -> None:
    async def test(clock: Clock) -> None:
        port = FakePort(clock)

        class Odd:
            rate_hz = 8000

            async def chunks(self) -> AsyncIterator[Pcm]:
                for size in (1, 159, 333, 1000, 7):
                    yield np.full(size, 1000, dtype=np.int16)

        async def told() -> AsyncIterator[Utterance]:
            yield Utterance(Sentence("odd"), Odd())  # type: ignore[arg-type]

        await speech_on(port).speak(told())
        assert len(port.played) == 1500

    run_with_clock(test)


def test_a_sentence_without_audio_is_refused() -> None:
    async def test(clock: Clock) -> None:
        async def told() -> AsyncIterator[Utterance]:
            yield Utterance(Sentence("text only"))

        with pytest.raises(LineError):
            await speech_on(FakePort(clock)).speak(told())

    run_with_clock(test)


def test_what_was_just_heard_of_us_can_be_looked_back_at() -> None:
    async def test(clock: Clock) -> None:
        speech = speech_on(FakePort(clock))
        began_s = clock()
        speaking = asyncio.ensure_future(speech.speak(utterances(("one", 1.0))))
        await sleep_until(clock, began_s + 0.2)
        assert np.count_nonzero(speech.played(0.5)) == pytest.approx(1600, abs=80)
        await sleep_until(clock, began_s + 0.9)
        assert np.count_nonzero(speech.played(0.5)) == pytest.approx(4000, abs=80)
        await speaking
        await sleep_until(clock, began_s + 1.3)
        last = speech.played(0.5)
        assert np.count_nonzero(last) == pytest.approx(1600, abs=160)
        assert not last[-2000:].any()
        await sleep_until(clock, began_s + 2.0)
        assert not len(speech.played(0.5))

    run_with_clock(test)
