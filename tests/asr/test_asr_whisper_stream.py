"""How an utterance grows for a recogniser that only knows whole ones."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, TypeVar

import numpy as np
import pytest

from backend.asr.whisper_model import RATE_HZ as WHISPER_HZ
from backend.asr.whisper_model import Samples
from backend.asr.whisper_pool import WAITING_PER_WORKER, BusyError, DecodingPool
from backend.asr.whisper_results import Decoded, Segment
from backend.asr.whisper_stream import ROLL_S, WhisperStream
from backend.asr.whisper_window import WINDOW_S
from backend.audio.level import trim_silence
from backend.audio.pcm import Pcm
from backend.core.errors import EngineError
from backend.core.speech import Transcript
from tests.support.caller_voice import flite, have_flite

RATE_HZ = 8000
PACKET = 160
WORDS_PER_S = 2
WAIT_S = 20.0

pytestmark = pytest.mark.skipif(not have_flite(), reason="flite speaks the callers' part")

T = TypeVar("T")


@dataclass
class Listener:
    """Stands for a model: for every half second it hears one more word, the last one badly."""

    decodes: list[tuple[float, bool]] = field(default_factory=list)
    """Seconds of audio given, and whether it was in a hurry."""
    gate: threading.Event = field(default_factory=threading.Event)
    """Nothing is decoded while it is cleared."""
    begun: threading.Event = field(default_factory=threading.Event)
    name: str = "listener"
    language: str = "en"

    def __post_init__(self) -> None:
        self.gate.set()

    def load(self) -> None: ...

    def unload(self) -> None: ...

    def decode(self, audio: Samples, *, quick: bool) -> Decoded:
        self.begun.set()
        assert self.gate.wait(WAIT_S)
        heard_s = len(audio) / WHISPER_HZ
        self.decodes.append((heard_s, quick))
        words = [f"word{number}" for number in range(int(heard_s * WORDS_PER_S))]
        if quick:
            words.append(f"guess{len(self.decodes)}")
        return Decoded([Segment(" ".join(words), -0.1, 0.0, 1.0, len(words))], "en")

    @property
    def thorough(self) -> list[float]:
        return [seconds for seconds, quick in self.decodes if not quick]


@dataclass
class Bench:
    model: Listener
    pool: DecodingPool

    def listen(self) -> WhisperStream:
        return WhisperStream(self.model, self.pool, RATE_HZ)


@asynccontextmanager
async def bench(workers: int = 2) -> AsyncIterator[Bench]:
    made = Bench(Listener(), DecodingPool(workers, clock=lambda: 0.0))
    made.pool.start()
    try:
        yield made
    finally:
        made.model.gate.set()
        await made.pool.aclose()


def run(body: Coroutine[Any, Any, T]) -> T:
    return asyncio.run(asyncio.wait_for(body, WAIT_S))


@pytest.fixture(scope="module")
def speech() -> Pcm:
    """Two seconds and a half, without a pause in it or around it."""
    spoken = asyncio.run(flite("I would like to know my account balance please thank you"))
    return trim_silence(spoken, RATE_HZ, keep_s=0.0)


def silence(seconds: float) -> Pcm:
    return np.zeros(round(seconds * RATE_HZ), dtype=np.int16)


def feed(stream: WhisperStream, *audio: Pcm) -> None:
    pcm = np.concatenate(audio)
    for start in range(0, len(pcm), PACKET):
        stream.feed(pcm[start : start + PACKET])


def feed_at_once(stream: WhisperStream, *audio: Pcm) -> None:
    """So that there is no time for rolling passes."""
    stream.feed(np.concatenate(audio))


async def decoded(stream: WhisperStream) -> None:
    """Wait for the passes that are at work."""
    for window in (*stream._closed, stream._window):
        if window.latest is not None and not window.latest.job.future.cancelled():
            await asyncio.to_thread(window.latest.job.future.result, WAIT_S)


async def speak(stream: WhisperStream, pcm: Pcm, after_each: Callable[[], None]) -> None:
    """A tenth of a second after the other, the recogniser keeping up."""
    for start in range(0, len(pcm), RATE_HZ // 10):
        feed(stream, pcm[start : start + RATE_HZ // 10])
        await decoded(stream)
        after_each()


def text(transcript: Transcript | None) -> list[str]:
    return transcript.text.split() if transcript else []


def test_words_are_told_while_the_caller_speaks_and_are_not_taken_back(speech: Pcm) -> None:
    async def scenario() -> tuple[list[list[str]], Listener]:
        async with bench() as at:
            stream = at.listen()
            seen: list[list[str]] = []
            await speak(stream, np.tile(speech, 3), lambda: seen.append(text(stream.partial())))
            stream.cancel()
            return seen, at.model

    seen, model = run(scenario())

    for before, now in pairwise(seen):
        assert now[: len(before)] == before
    assert len(seen[-1]) >= 4
    assert not [word for word in seen[-1] if word.startswith("guess")], "each pass guesses another"
    assert all(quick for _, quick in model.decodes)
    assert len(model.decodes) <= 3 * len(speech) / RATE_HZ / ROLL_S


def test_no_rolling_pass_is_begun_while_others_are_waiting(speech: Pcm) -> None:
    async def scenario() -> int:
        async with bench() as at:
            at.model.gate.clear()
            others = [at.listen() for _ in range(3)]
            for other in others:
                feed(other, speech, silence(0.5))
            stream = at.listen()
            feed(stream, np.tile(speech, 2))
            at.model.gate.set()
            for other in others:
                await other.finish()
            stream.cancel()
            return sum(quick for _, quick in at.model.decodes)

    assert run(scenario()) == 0


def test_after_a_peek_the_end_costs_nothing(speech: Pcm) -> None:
    async def scenario() -> tuple[Transcript, Transcript, Listener]:
        async with bench() as at:
            stream = at.listen()
            feed(stream, speech, silence(0.1))
            peeked = await stream.peek()
            feed(stream, silence(0.6))
            return peeked, await stream.finish(), at.model

    peeked, final, model = run(scenario())

    assert (final.text, final.confidence, final.work_s) == (
        peeked.text,
        peeked.confidence,
        peeked.work_s,
    )
    assert len(peeked.text.split()) >= 4
    assert len(model.thorough) == 1


def test_a_peek_is_repeated_only_when_the_caller_has_gone_on(speech: Pcm) -> None:
    async def scenario() -> list[int]:
        async with bench() as at:
            stream = at.listen()
            counts = []
            for audio in (speech, silence(0.2), speech, silence(0.2)):
                feed(stream, audio, silence(0.1))
                await stream.peek()
                counts.append(len(at.model.thorough))
            longer = await stream.finish()
            assert longer.audio_s == pytest.approx(2 * len(speech) / RATE_HZ + 0.8)
            return [*counts, len(at.model.thorough)]

    assert run(scenario()) == [1, 1, 2, 2, 2]


def test_the_pause_is_told_in_full_until_the_caller_goes_on(speech: Pcm) -> None:
    async def scenario() -> tuple[list[str], list[str], list[str]]:
        async with bench() as at:
            stream = at.listen()
            feed(stream, speech[: RATE_HZ // 2])
            before = text(stream.partial())
            feed(stream, speech, silence(0.1))
            whole = text(await stream.peek())
            during = text(stream.partial())
            assert during == whole
            feed(stream, speech[: RATE_HZ // 2])
            return before, during, text(stream.partial())

    before, during, after = run(scenario())

    assert before == []
    assert during
    assert after == during[: len(after)], "only what was agreed on is left"


def test_an_end_that_comes_during_a_peek_shares_its_work(speech: Pcm) -> None:
    async def scenario() -> int:
        async with bench() as at:
            at.model.gate.clear()
            stream = at.listen()
            feed_at_once(stream, speech, silence(0.1))
            peeking = asyncio.create_task(stream.peek())
            finishing = asyncio.create_task(stream.finish())
            await asyncio.sleep(0)
            peeking.cancel()
            await asyncio.wait([peeking])
            assert peeking.cancelled()
            at.model.gate.set()
            assert text(await finishing)
            return len(at.model.decodes)

    assert run(scenario()) == 1


def test_a_resumed_caller_does_not_break_a_peek_that_is_awaited(speech: Pcm) -> None:
    async def scenario() -> tuple[list[str], list[str]]:
        async with bench(workers=1) as at:
            at.model.gate.clear()
            ahead = at.listen()
            feed(ahead, speech, silence(0.5))
            stream = at.listen()
            feed(stream, speech, silence(0.1))
            peeking = asyncio.create_task(stream.peek())
            await asyncio.sleep(0)
            feed(stream, speech)
            at.model.gate.set()
            peeked, final = await peeking, await stream.finish()
            ahead.cancel()
            return text(peeked), text(final)

    peeked, final = run(scenario())
    assert 0 < len(peeked) < len(final)


def test_cancelling_the_utterance_ends_a_peek_with_an_error(speech: Pcm) -> None:
    async def scenario() -> None:
        async with bench(workers=1) as at:
            at.model.gate.clear()
            ahead = at.listen()
            feed(ahead, speech, silence(0.5))
            stream = at.listen()
            feed(stream, speech, silence(0.1))
            peeking = asyncio.create_task(stream.peek())
            await asyncio.sleep(0)
            stream.cancel()
            with pytest.raises(EngineError, match="cancelled"):
                await peeking
            with pytest.raises(EngineError, match="cancelled or is finished"):
                await stream.peek()
            ahead.cancel()

    run(scenario())


def test_a_busy_recogniser_says_so_and_the_utterance_can_still_be_finished(speech: Pcm) -> None:
    async def scenario() -> list[str]:
        async with bench(workers=1) as at:
            at.model.gate.clear()
            crowd = [at.listen() for _ in range(WAITING_PER_WORKER + 1)]
            for one in crowd:
                feed_at_once(one, speech, silence(0.1))
            peeks = [asyncio.create_task(crowd[0].peek())]
            await asyncio.to_thread(at.model.begun.wait, WAIT_S)
            peeks += [asyncio.create_task(one.peek()) for one in crowd[1:]]
            await asyncio.sleep(0)
            late = at.listen()
            feed_at_once(late, speech, silence(0.1))
            with pytest.raises(BusyError, match="busy"):
                await late.peek()
            at.model.gate.set()
            await asyncio.gather(*peeks)
            return text(await late.finish())

    assert run(scenario())


def test_a_guess_that_was_dropped_for_others_is_made_again(speech: Pcm) -> None:
    async def scenario() -> list[str]:
        async with bench(workers=1) as at:
            at.model.gate.clear()
            ahead = at.listen()
            feed(ahead, speech, silence(0.5))
            stream = at.listen()
            feed(stream, speech, silence(0.5))
            latest = stream._window.latest
            assert latest is not None
            at.pool.cancel(latest.job)
            at.model.gate.set()
            ahead.cancel()
            return text(await stream.finish())

    assert run(scenario())


def test_however_long_the_caller_talks_no_pass_gets_longer(speech: Pcm) -> None:
    talk = np.tile(speech, 16)
    talk_s = len(talk) / RATE_HZ

    async def scenario() -> tuple[Transcript, Listener, int]:
        async with bench() as at:
            stream = at.listen()
            await speak(stream, talk, lambda: None)
            final = await stream.finish()
            return final, at.model, len(stream._closed)

    final, model, windows = run(scenario())

    assert windows >= talk_s // WINDOW_S
    assert max(seconds for seconds, _ in model.decodes) <= WINDOW_S
    assert sum(model.thorough) == pytest.approx(talk_s, abs=1.0 * (windows + 1))
    assert len(final.text.split()) == pytest.approx(talk_s * WORDS_PER_S, abs=3 * (windows + 1))
    assert final.audio_s == pytest.approx(talk_s)
    assert len(model.thorough) == windows + 1, "each window is decoded once in earnest"


def test_words_of_windows_before_stay_in_what_is_told(speech: Pcm) -> None:
    async def scenario() -> tuple[int, int]:
        async with bench() as at:
            stream = at.listen()
            await speak(stream, np.tile(speech, 9), lambda: None)
            told = len(text(stream.partial()))
            return told, len(text(await stream.finish()))

    told, final = run(scenario())
    assert final - 6 <= told <= final


def test_silence_alone_is_never_decoded() -> None:
    async def scenario() -> tuple[Transcript, Listener]:
        async with bench() as at:
            stream = at.listen()
            feed(stream, silence(50.0))
            assert text(await stream.peek()) == []
            return await stream.finish(), at.model

    final, model = run(scenario())
    assert (final.text, final.no_speech_probability, final.audio_s) == ("", 1.0, 50.0)
    assert model.decodes == []


def test_a_model_that_fails_is_an_engine_error_and_the_next_utterance_works(speech: Pcm) -> None:
    class Failing(Listener):
        def decode(self, audio: Samples, *, quick: bool) -> Decoded:
            if not self.decodes:
                self.decodes.append((0.0, quick))
                raise RuntimeError("out of memory")
            return super().decode(audio, quick=quick)

    async def scenario() -> list[str]:
        async with bench() as at:
            at.model = Failing()
            broken = at.listen()
            feed(broken, speech[:RATE_HZ], silence(0.1))
            with pytest.raises(EngineError, match="out of memory"):
                await broken.peek()
            stream = at.listen()
            feed(stream, speech)
            return text(await stream.finish())

    assert run(scenario())
