"""PocketSphinx as calls use it: what it hears, and what happens to it and its processes."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from backend.asr.base import Vocabulary
from backend.asr.pocketsphinx import PocketSphinx, SphinxStream
from backend.asr.sphinx.confidence import confidence_of
from backend.audio import g711
from backend.audio.noise import white_noise
from backend.audio.pcm import EMPTY, Pcm, to_pcm
from backend.audio.resample import resample
from backend.core.errors import EngineError
from backend.core.speech import OPEN_QUESTION, Expect, Question, Transcript
from tests.support.caller_voice import flite, have_flite
from tests.support.loop import run, until

pytestmark = pytest.mark.skipif(not have_flite(), reason="flite is not installed")

RATE_HZ = 8000
CHUNK = RATE_HZ // 5
REST = np.zeros(RATE_HZ // 2, dtype=np.int16)
ASKS_NUMBER = Question(Expect.NUMBER, 4, 4)
ASKS_YES_NO = Question(Expect.YES_NO)


@pytest.fixture
def ear(sphinx_folder: Path, company_vocabulary: Vocabulary) -> "Ear":
    return Ear(sphinx_folder, company_vocabulary)


class Ear:
    """Opens recognisers that know the company's vocabulary."""

    def __init__(self, folder: Path, vocabulary: Vocabulary) -> None:
        self._folder = folder
        self.vocabulary = vocabulary

    @asynccontextmanager
    async def opened(self, workers: int = 1, calls: int = 1) -> AsyncIterator[PocketSphinx]:
        async with self.started(workers, calls) as engine:
            engine.set_vocabulary(self.vocabulary)
            await engine.ready.wait()
            yield engine

    @asynccontextmanager
    async def started(self, workers: int = 1, calls: int = 1) -> AsyncIterator[PocketSphinx]:
        """Without a vocabulary yet."""
        engine = PocketSphinx(workers, self._folder, calls=calls)
        await engine.start()
        try:
            yield engine
        finally:
            await engine.aclose()

    def hear(self, pcm: Pcm, question: Question = OPEN_QUESTION) -> Transcript:
        async def scenario() -> Transcript:
            async with self.opened() as engine:
                return await fed(engine, pcm, question).finish()

        return run(scenario())

    def hear_said(self, text: str, question: Question, voice: str = "rms") -> str:
        return self.hear(asyncio.run(flite(text, voice)), question).text


def fed(engine: PocketSphinx, pcm: Pcm, question: Question = OPEN_QUESTION) -> SphinxStream:
    """An utterance that has got all of its audio, as the telephone brings it."""
    stream = engine.listen(question, RATE_HZ)
    line = g711.decode(g711.encode(np.concatenate((REST, pcm, REST))))
    for start in range(0, len(line), CHUNK):
        stream.feed(line[start : start + CHUNK])
    return stream


def children() -> set[int]:
    """Processes this one has started and not yet waited for."""
    found: set[int] = set()
    for thread in Path(f"/proc/{os.getpid()}/task").iterdir():
        with suppress(FileNotFoundError):  # it has ended meanwhile
            found.update(map(int, (thread / "children").read_text().split()))
    return found


@pytest.mark.parametrize("voice", ["slt", "awb", "rms"])
def test_a_caller_is_understood(ear: Ear, voice: str) -> None:
    assert ear.hear_said("my internet is down", OPEN_QUESTION, voice) == "my internet is down"


@pytest.mark.parametrize("said", ["i want to talk to a person", "i don't know my number"])
def test_a_caller_who_gives_no_number_is_understood_where_one_was_asked(
    ear: Ear, said: str
) -> None:
    assert ear.hear_said(said, ASKS_NUMBER) == said


@pytest.mark.parametrize("said", ["one zero zero four", "ten oh four"])
def test_a_number_is_understood_where_one_was_asked(ear: Ear, said: str) -> None:
    assert ear.hear_said(said, ASKS_NUMBER) == said


@pytest.mark.parametrize("said", ["yes please", "no"])
def test_yes_and_no_are_understood(ear: Ear, said: str) -> None:
    assert ear.hear_said(said, ASKS_YES_NO) == said


def test_audio_of_another_rate_is_understood(ear: Ear) -> None:
    async def scenario() -> Transcript:
        async with ear.opened() as engine:
            stream = engine.listen(OPEN_QUESTION, 16000)
            spoken = np.concatenate((REST, await flite("my internet is down"), REST))
            stream.feed(resample(spoken, RATE_HZ, 16000))
            return await stream.finish()

    heard = run(scenario())
    assert "internet" in heard.text


def test_the_words_so_far_are_known_before_the_end(ear: Ear) -> None:
    async def scenario() -> None:
        async with ear.opened() as engine:
            stream = fed(engine, await flite("my internet is down"))
            await until(lambda: (part := stream.partial()) is not None and "internet" in part.text)
            stream.cancel()

    run(scenario())


def feed_pieces(stream: SphinxStream, pcm: Pcm) -> None:
    """As a streaming line gives it: a packet at a time."""
    for start in range(0, len(pcm), 160):
        stream.feed(pcm[start : start + 160])


def test_a_peek_in_a_short_pause_hears_what_was_said(ear: Ear) -> None:
    async def scenario() -> Transcript:
        async with ear.opened() as engine:
            stream = engine.listen(OPEN_QUESTION, RATE_HZ)
            feed_pieces(stream, np.concatenate((REST, await flite("my internet is down", "rms"))))
            feed_pieces(stream, REST[:640])
            return await stream.peek()

    heard = run(scenario())
    assert heard.text == "my internet is down"
    assert heard.confidence > 0.5


def test_a_caller_who_goes_on_after_a_peek_is_heard_whole(ear: Ear) -> None:
    async def scenario() -> list[str]:
        async with ear.opened() as engine:
            stream = engine.listen(ASKS_NUMBER, RATE_HZ)
            first, second = await flite("one two", "rms"), await flite("three four", "rms")
            feed_pieces(stream, np.concatenate((REST, first, REST[:1600])))
            peeks = [await stream.peek(), await stream.peek()]
            feed_pieces(stream, np.concatenate((second, REST[:1600])))
            peeks += [await stream.peek(), await stream.finish()]
            return [heard.text for heard in peeks]

    before, again, after, last = run(scenario())
    assert before == again != after
    assert after == last == "one two three four"


def test_after_a_peek_silence_and_the_end_ask_nothing_more_of_the_worker(ear: Ear) -> None:
    async def scenario() -> tuple[Transcript, Transcript]:
        before = children()
        async with ear.opened() as engine:
            (worker,) = children() - before
            stream = fed(engine, await flite("my internet is down"))
            peeked = await stream.peek()
            os.kill(worker, signal.SIGKILL)
            stream.feed(REST)
            return peeked, await stream.finish()

    peeked, finished = run(scenario())
    assert (finished.text, finished.confidence) == (peeked.text, peeked.confidence)
    assert finished.audio_s > peeked.audio_s


def test_a_peek_that_is_cancelled_leaves_the_utterance_as_it_was(ear: Ear) -> None:
    async def scenario() -> Transcript:
        async with ear.opened() as engine:
            stream = fed(engine, await flite("my internet is down"))
            peeking = asyncio.create_task(stream.peek())
            await asyncio.sleep(0)
            peeking.cancel()
            await asyncio.gather(peeking, return_exceptions=True)
            return await stream.finish()

    assert run(scenario()).text == "my internet is down"


def test_utterances_beyond_those_decoded_as_they_come_can_be_peeked_at_too(ear: Ear) -> None:
    async def scenario() -> list[str]:
        async with ear.opened() as engine:
            spoken = await flite("my internet is down", "rms")
            streams = [fed(engine, spoken) for _ in range(8)]
            peeks = await asyncio.gather(*(stream.peek() for stream in streams))
            for stream in streams:
                stream.cancel()
            return [heard.text for heard in peeks]

    assert run(scenario()) == ["my internet is down"] * 8


def test_a_peek_before_any_voice_is_empty(ear: Ear) -> None:
    async def scenario() -> Transcript:
        async with ear.opened() as engine:
            stream = engine.listen(OPEN_QUESTION, RATE_HZ)
            stream.feed(REST)
            return await stream.peek()

    assert run(scenario()).text == ""


def test_silence_is_empty_without_any_decoding(ear: Ear) -> None:
    heard = ear.hear(np.zeros(2 * RATE_HZ, dtype=np.int16))
    assert (heard.text, heard.work_s, heard.no_speech_probability) == ("", 0.0, 1.0)


def test_no_audio_at_all_is_empty(ear: Ear) -> None:
    async def scenario() -> Transcript:
        async with ear.opened() as engine:
            stream = engine.listen(OPEN_QUESTION, RATE_HZ)
            stream.feed(EMPTY)
            return await stream.finish()

    assert run(scenario()).text == ""


def _tones(*frequencies: float, envelope: tuple[float, ...]) -> Pcm:
    """Two seconds, the loudness changing in equal steps."""
    t = np.arange(2 * RATE_HZ) / RATE_HZ
    shape = np.repeat(np.array(envelope), len(t) // len(envelope))
    return to_pcm(shape * 3000 * sum(np.sin(2 * np.pi * hz * t) for hz in frequencies))


NO_WORDS = {
    "hiss": white_noise(2 * RATE_HZ, -20, np.random.default_rng(1)),
    "slam": white_noise(RATE_HZ // 3, -10, np.random.default_rng(2)),
    "tone": _tones(440, envelope=(1.0,)),
    "music": _tones(440, 554, 659, envelope=(1.0, 0.2, 0.8, 0.1, 0.6, 0.9, 0.3, 0.7)),
    "keypad": _tones(770, 1336, envelope=(1.0, 0.0, 1.0, 0.0, 1.0, 0.0, 1.0, 0.0)),
}


@pytest.mark.parametrize("question", [OPEN_QUESTION, ASKS_NUMBER], ids=["open", "number"])
@pytest.mark.parametrize("sound", list(NO_WORDS))
def test_no_words_are_heard_where_nobody_speaks(ear: Ear, sound: str, question: Question) -> None:
    assert ear.hear(NO_WORDS[sound], question).text == ""


def test_what_is_said_before_the_vocabulary_is_loaded_is_not_lost(ear: Ear) -> None:
    async def scenario() -> Transcript:
        async with ear.started() as engine:
            stream = fed(engine, await flite("my internet is down"))
            finishing = asyncio.create_task(stream.finish())
            await asyncio.sleep(0)
            engine.set_vocabulary(ear.vocabulary)
            return await finishing

    assert run(scenario()).text == "my internet is down"


def test_a_cancelled_utterance_leaves_the_next_one_unharmed(ear: Ear) -> None:
    async def scenario() -> Transcript:
        async with ear.opened() as engine:
            spoken = await flite("my internet is down")
            engine.listen(OPEN_QUESTION, RATE_HZ).cancel()
            half = fed(engine, spoken)
            half.cancel()
            half.cancel()
            return await fed(engine, spoken).finish()

    assert run(scenario()).text == "my internet is down"


def test_a_finish_that_is_cancelled_harms_no_other_call(ear: Ear) -> None:
    async def scenario() -> Transcript:
        async with ear.opened() as engine:
            spoken = await flite("my internet is down")
            finishing = asyncio.create_task(fed(engine, spoken).finish())
            await asyncio.sleep(0)
            finishing.cancel()
            await asyncio.gather(finishing, return_exceptions=True)
            return await fed(engine, spoken).finish()

    assert run(scenario()).text == "my internet is down"


def test_cancelling_an_utterance_after_its_end_disturbs_nobody(ear: Ear) -> None:
    async def scenario() -> Transcript:
        async with ear.opened() as engine:
            stream = fed(engine, await flite("yes"))
            await stream.finish()
            stream.cancel()
            return await fed(engine, await flite("yes")).finish()

    assert run(scenario()).text == "yes"


def test_a_worker_that_is_killed_fails_its_utterance_only(ear: Ear) -> None:
    async def scenario() -> Transcript:
        before = children()
        async with ear.opened() as engine:
            (worker,) = children() - before
            spoken = await flite("my internet is down")
            struck = fed(engine, spoken)
            os.kill(worker, signal.SIGKILL)
            with pytest.raises(EngineError, match="worker died"):
                await struck.finish()
            await until(lambda: engine.idlest_worker().is_alive)
            return await fed(engine, spoken).finish()

    assert run(scenario()).text == "my internet is down"


def test_while_a_worker_is_dead_another_one_listens(ear: Ear) -> None:
    async def scenario() -> Transcript:
        before = children()
        async with ear.opened(workers=2) as engine:
            spoken = await flite("my internet is down")
            struck = min(children() - before)
            os.kill(struck, signal.SIGKILL)
            await until(lambda: not all(worker.is_alive for worker in engine._workers))
            return await fed(engine, spoken).finish()

    assert run(scenario()).text == "my internet is down"


def test_thirty_calls_at_once_are_all_understood_by_two_workers(ear: Ear) -> None:
    async def scenario() -> list[str]:
        async with ear.opened(workers=2) as engine:
            spoken = await flite("goodbye", "rms")
            streams = [fed(engine, spoken) for _ in range(30)]
            results = await asyncio.gather(*(stream.finish() for stream in streams))
            return [heard.text for heard in results]

    assert run(scenario()) == ["goodbye"] * 30


@pytest.mark.parametrize(("calls", "followed"), [(30, 8), (1, 4)])
def test_as_many_are_heard_while_they_speak_as_calls_are_expected(
    ear: Ear, calls: int, followed: int
) -> None:
    async def scenario() -> int:
        spoken = await flite("my internet is down")
        async with ear.opened(calls=calls) as engine:
            streams = [fed(engine, spoken) for _ in range(8)]
            await asyncio.gather(*(stream.peek() for stream in streams))
            return sum(stream.partial() is not None for stream in streams)

    assert run(scenario()) == followed


def test_a_word_of_a_new_vocabulary_is_understood_once_it_is_loaded(ear: Ear) -> None:
    sentence = "i want the zeppelin"
    larger = replace(ear.vocabulary, sentences=[*ear.vocabulary.sentences, *[sentence] * 5])

    async def scenario() -> None:
        async with ear.opened() as engine, asyncio.timeout(20):
            spoken = await flite(sentence, "rms")
            assert "zeppelin" not in (await fed(engine, spoken).finish()).text
            engine.set_vocabulary(larger)
            while (await fed(engine, spoken).finish()).text != sentence:
                pass

    run(scenario())


def test_an_utterance_outlives_the_vocabulary_it_began_with(ear: Ear) -> None:
    async def scenario() -> Transcript:
        async with ear.opened() as engine:
            stream = fed(engine, await flite("my internet is down"))
            await until(lambda: stream.partial() is not None)
            engine.set_vocabulary(Vocabulary(["completely different"], 4, 4))
            other = await flite("completely different", "rms")
            async with asyncio.timeout(20):
                while (await fed(engine, other).finish()).text != "completely different":
                    pass
            return await stream.finish()

    assert run(scenario()).text == "my internet is down"


def test_closing_ends_the_processes(ear: Ear) -> None:
    async def scenario() -> None:
        before = children()
        async with ear.opened(workers=2) as engine:
            fed(engine, await flite("yes"))
            assert len(children() - before) == 2
        assert children() == before

    run(scenario())


def test_closing_while_a_vocabulary_is_prepared_ends_that_process_too(ear: Ear) -> None:
    async def scenario() -> None:
        before = children()
        async with ear.started() as engine:
            engine.set_vocabulary(replace(ear.vocabulary, words=("unheard",)))
            await until(lambda: len(children() - before) == 2)
        assert children() == before

    run(scenario())


def test_confidence_falls_with_the_posterior_and_forgives_longer_sentences() -> None:
    assert confidence_of(1.0, 3) == 1.0
    assert confidence_of(1e-3, 3) > confidence_of(1e-5, 3) > confidence_of(0.0, 3) == 0.0
    assert confidence_of(1e-5, 8) > confidence_of(1e-5, 2)
