"""The voice of all calls: one sentence made once, engines falling back, callers first."""

import asyncio
import gc
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import numpy as np
import pytest

from backend.audio.pcm import Pcm
from backend.audio.wav import read_wav
from backend.core.errors import AudioError, EngineError
from backend.parts.program import Program
from backend.tts.base import Synthesiser
from backend.tts.breaker import FIRST_PAUSE_S
from backend.tts.cache import SpeechCache, SpokenKey
from backend.tts.flite import Flite
from backend.tts.piper import Piper
from backend.tts.prompts import Prompts, render_prompts
from backend.tts.rung import Rung
from backend.tts.speakable import speakable
from backend.tts.speakable.pieces import SENTENCE_PAUSE_S
from backend.tts.voice import LadderVoice
from tests.support.loop import run, until
from tests.tts.speaking import SENTENCE, child_commands, joined

CHUNK = 400


class ToneEngine:
    """Speaks every text as two chunks of a constant value. Does as it is told."""

    def __init__(self, name: str, value: int = 1000) -> None:
        self.name = name
        self.value = value
        self.spoken: list[str] = []
        self.error: Exception | None = None
        self.fails_after_chunks = 0
        self.hold = asyncio.Event()
        self.hold.set()
        self.running = 0
        self.most_running = 0
        self.is_closed = False

    async def start(self) -> None:
        if self.error is not None:
            raise self.error

    async def speak(self, text: str, rate_hz: int) -> AsyncIterator[Pcm]:
        self.spoken.append(text)
        self.running += 1
        self.most_running = max(self.most_running, self.running)
        try:
            for number in range(2):
                if self.error is not None and number >= self.fails_after_chunks:
                    raise self.error
                yield np.full(CHUNK, self.value, dtype=np.int16)
                await self.hold.wait()
        finally:
            self.running -= 1

    async def aclose(self) -> None:
        self.is_closed = True


class Bench:
    """A voice with its engines, its clock, and what it warned of."""

    def __init__(self, folder: Path, *engines: Synthesiser, slots: int = 2) -> None:
        self.now_s = 0.0
        self.warnings: list[tuple[str, str]] = []
        self.folder = folder
        self.cache = SpeechCache(folder, 10**7)
        rungs = [
            Rung(engine, slots=slots, queue_s=5, chunk_s=5, clock=lambda: self.now_s)
            for engine in engines
        ]
        self._rungs = rungs
        self.voice = LadderVoice(rungs, self.cache, lambda *told: self.warnings.append(told))

    @property
    def queueing(self) -> int:
        """Sentences that wait for the first engine."""
        return len(self._rungs[0].gate._queue)

    @property
    def codes(self) -> list[str]:
        return [code for code, _ in self.warnings]


async def values(bench: Bench, text: str) -> list[int]:
    """Which engines' tones a sentence is made of, in order; 0 is silence."""
    clip = bench.voice.clip(text, 8000)
    pcm = await joined(clip.chunks())
    await clip.file()
    return list(dict.fromkeys(int(sample) for sample in pcm))


async def gone(condition: Callable[[], bool]) -> None:
    """Let finalisers and cancelled tasks take effect."""
    gc.collect()
    await until(condition)


def test_a_clip_gives_chunks_file_and_length(tmp_path: Path) -> None:
    async def scenario() -> None:
        bench = Bench(tmp_path, ToneEngine("a"))
        clip = bench.voice.clip("You owe **$5**.", 8000)
        assert (clip.text, clip.rate_hz) == ("You owe **$5**.", 8000)
        pcm = await joined(clip.chunks())
        samples, rate_hz = read_wav(await clip.file())
        assert rate_hz == 8000
        assert np.array_equal(samples, pcm)
        assert np.array_equal(await joined(clip.chunks()), pcm), "a second listener hears the same"
        assert await clip.duration_s() == len(pcm) / 8000 == 2 * CHUNK / 8000
        await bench.voice.aclose()

    run(scenario())


def test_engines_get_speakable_text(tmp_path: Path) -> None:
    async def scenario() -> None:
        engine = ToneEngine("a")
        bench = Bench(tmp_path, engine)
        await bench.voice.clip("You owe **$5**.", 8000).file()
        assert engine.spoken == ["You owe five dollars."]
        await bench.voice.aclose()

    run(scenario())


def test_the_first_chunk_does_not_wait_for_the_second(tmp_path: Path) -> None:
    async def scenario() -> None:
        engine = ToneEngine("a")
        engine.hold.clear()
        bench = Bench(tmp_path, engine)
        clip = bench.voice.clip(SENTENCE, 8000)
        chunks = clip.chunks()
        assert len(await anext(chunks)) == CHUNK
        engine.hold.set()
        assert len(await joined(chunks)) == CHUNK
        await bench.voice.aclose()

    run(scenario())


def test_sentences_of_one_text_are_made_one_by_one_with_a_pause_between(tmp_path: Path) -> None:
    async def scenario() -> None:
        engine = ToneEngine("a")
        bench = Bench(tmp_path, engine)
        pcm = await joined(bench.voice.clip("It works. Goodbye.", 8000).chunks())
        assert engine.spoken == ["It works.", "Goodbye."]
        assert len(pcm) == 4 * CHUNK + round(SENTENCE_PAUSE_S * 8000)
        await bench.voice.aclose()

    run(scenario())


def test_the_same_sentence_asked_twice_at_once_is_made_once(tmp_path: Path) -> None:
    async def scenario() -> None:
        engine = ToneEngine("a")
        bench = Bench(tmp_path, engine)
        clips = [bench.voice.clip(SENTENCE, 8000) for _ in range(5)]
        paths = await asyncio.gather(*(clip.file() for clip in clips))
        assert len(set(paths)) == 1
        assert len(engine.spoken) == 1
        await bench.voice.aclose()

    run(scenario())


def test_a_sentence_said_before_comes_from_the_cache(tmp_path: Path) -> None:
    async def scenario() -> None:
        engine = ToneEngine("a")
        bench = Bench(tmp_path, engine)
        first = await joined(bench.voice.clip(SENTENCE, 8000).chunks())
        await until(lambda: len(list(tmp_path.glob("*.wav"))) == 1)
        clip = bench.voice.clip(SENTENCE, 8000)
        file = clip.file()
        with pytest.raises(StopIteration) as finished:
            file.send(None)
        assert Path(finished.value.value).exists(), "available without waiting for anything"
        assert np.array_equal(await joined(clip.chunks()), first)
        assert await clip.duration_s() == len(first) / 8000
        assert len(engine.spoken) == 1
        await bench.voice.aclose()

    run(scenario())


def test_rates_do_not_mix(tmp_path: Path) -> None:
    async def scenario() -> None:
        bench = Bench(tmp_path, ToneEngine("a"))
        narrow, wide = (bench.voice.clip(SENTENCE, rate_hz) for rate_hz in (8000, 16000))
        assert read_wav(await narrow.file())[1] == 8000
        assert read_wav(await wide.file())[1] == 16000
        await bench.voice.aclose()

    run(scenario())


def test_what_was_said_lately_is_played_without_the_disk_and_its_file_is_made_again(
    tmp_path: Path,
) -> None:
    async def scenario() -> None:
        engine = ToneEngine("a")
        bench = Bench(tmp_path, engine)
        path = await bench.voice.clip(SENTENCE, 8000).file()
        path.unlink()
        clip = bench.voice.clip(SENTENCE, 8000)
        assert len(await joined(clip.chunks())) == 2 * CHUNK
        assert len(engine.spoken) == 1
        assert read_wav(await clip.file())[1] == 8000
        assert len(engine.spoken) == 2
        await bench.voice.aclose()

    run(scenario())


def test_warming_brings_what_an_earlier_run_said_into_memory(tmp_path: Path) -> None:
    async def scenario() -> None:
        first = Bench(tmp_path, ToneEngine("a"))
        path = await first.voice.clip(SENTENCE, 8000).file()
        await first.voice.aclose()
        bench = Bench(tmp_path, ToneEngine("a"))
        await bench.voice.warm([SENTENCE], 8000)
        path.unlink()
        assert len(await joined(bench.voice.clip(SENTENCE, 8000).chunks())) == 2 * CHUNK
        await bench.voice.aclose()

    run(scenario())


@pytest.mark.parametrize("damage", ["truncated", "removed"])
def test_a_cached_file_that_goes_bad_under_a_clip_is_made_again(
    tmp_path: Path, damage: str
) -> None:
    async def scenario() -> None:
        engine = ToneEngine("a")
        bench = Bench(tmp_path, engine)
        path = await bench.voice.clip(SENTENCE, 8000).file()
        await bench.voice.aclose()
        bench = Bench(tmp_path, engine)
        clip = bench.voice.clip(SENTENCE, 8000)
        if damage == "removed":
            path.unlink()
        else:
            path.write_bytes(path.read_bytes()[:100])
        assert len(await joined(clip.chunks())) == 2 * CHUNK
        assert len(engine.spoken) == 2
        assert read_wav(await bench.voice.clip(SENTENCE, 8000).file())[1] == 8000
        await bench.voice.aclose()

    run(scenario())


def test_when_an_engine_fails_the_next_one_speaks_the_sentence(tmp_path: Path) -> None:
    async def scenario() -> None:
        broken, spare = ToneEngine("broken", 1), ToneEngine("spare", 2)
        broken.error = EngineError("It broke.")
        bench = Bench(tmp_path, broken, spare)
        assert await values(bench, SENTENCE) == [2]
        assert bench.codes == ["tts-engine"]
        assert "It broke." in bench.warnings[0][1]
        assert bench.voice.name == "spare"
        await bench.voice.aclose()

    run(scenario())


def test_an_engine_that_returns_nothing_or_raises_anything_counts_as_failed(
    tmp_path: Path,
) -> None:
    class Mute(ToneEngine):
        async def speak(self, text: str, rate_hz: int) -> AsyncIterator[Pcm]:
            yield np.zeros(0, dtype=np.int16)

    async def scenario() -> None:
        mistaken = ToneEngine("mistaken", 1)
        mistaken.error = ZeroDivisionError()
        bench = Bench(tmp_path, Mute("mute", 0), mistaken, ToneEngine("spare", 2))
        assert await values(bench, SENTENCE) == [2]
        assert bench.codes == ["tts-engine", "tts-engine"]
        await bench.voice.aclose()

    run(scenario())


def test_an_engine_that_stalls_counts_as_failed(tmp_path: Path) -> None:
    async def scenario() -> None:
        stalled, spare = ToneEngine("stalled", 1), ToneEngine("spare", 2)
        stalled.hold.clear()
        rungs = [
            Rung(engine, slots=2, queue_s=5, chunk_s=0.02, clock=lambda: 0.0)
            for engine in (stalled, spare)
        ]
        voice = LadderVoice(rungs, SpeechCache(tmp_path, 10**7), lambda *_: None)
        pcm = await joined(voice.clip(SENTENCE, 8000).chunks())
        assert set(pcm[-2 * CHUNK :]) == {2}
        assert stalled.running == 0
        await voice.aclose()

    run(scenario())


def test_an_engine_that_fails_half_way_has_its_piece_said_again(tmp_path: Path) -> None:
    async def scenario() -> None:
        broken, spare = ToneEngine("broken", 1), ToneEngine("spare", 2)
        bench = Bench(tmp_path, broken, spare)
        broken.fails_after_chunks = 1
        broken.error = EngineError("Line lost.")
        clip = bench.voice.clip("It works. Goodbye.", 8000)
        heard = await joined(clip.chunks())
        assert spare.spoken == ["It works.", "Goodbye."]
        assert list(dict.fromkeys(int(sample) for sample in heard)) == [1, 2, 0]
        file, _ = read_wav(await clip.file())
        assert set(file) == {0, 2}, "what is kept for the next call has no false start"
        assert await clip.duration_s() == len(file) / 8000
        await bench.voice.aclose()

    run(scenario())


def test_only_what_is_left_goes_to_the_next_engine(tmp_path: Path) -> None:
    class LosesItsVoice(ToneEngine):
        async def speak(self, text: str, rate_hz: int) -> AsyncIterator[Pcm]:
            if self.spoken:
                self.error = EngineError("Line lost.")
            async for pcm in super().speak(text, rate_hz):
                yield pcm

    async def scenario() -> None:
        spare = ToneEngine("spare", 2)
        bench = Bench(tmp_path, LosesItsVoice("first", 1), spare)
        assert await values(bench, "It works. Goodbye.") == [1, 0, 2]
        assert spare.spoken == ["Goodbye."]
        # A mixture is not what either engine says: next time it is made properly.
        assert bench.cache.find(SpokenKey("spare", "It works. Goodbye.", 8000)) is None
        await bench.voice.aclose()

    run(scenario())


def test_a_dead_engine_is_left_alone_and_tried_again_later(tmp_path: Path) -> None:
    async def scenario() -> None:
        dead, spare = ToneEngine("dead", 1), ToneEngine("spare", 2)
        dead.error = EngineError("It broke.")
        bench = Bench(tmp_path, dead, spare)
        for number in ("one", "two", "three"):
            assert await values(bench, f"Sentence {number}.") == [2]
        assert len(dead.spoken) == 1
        assert bench.codes == ["tts-engine"]
        dead.error = None
        bench.now_s += FIRST_PAUSE_S
        assert await values(bench, "Sentence four.") == [1]
        assert bench.voice.name == "dead"
        await bench.voice.aclose()

    run(scenario())


def test_a_sentence_a_lower_engine_has_said_is_made_anew_once_the_better_one_works(
    tmp_path: Path,
) -> None:
    async def scenario() -> None:
        better, spare = ToneEngine("better", 1), ToneEngine("spare", 2)
        better.error = EngineError("Loading.")
        bench = Bench(tmp_path, better, spare)
        assert await values(bench, SENTENCE) == [2]
        assert await values(bench, SENTENCE) == [2]
        assert len(spare.spoken) == 1, "the second time it came from the cache"
        better.error = None
        bench.now_s += FIRST_PAUSE_S
        assert await values(bench, SENTENCE) == [1]
        await bench.voice.aclose()

    run(scenario())


def test_what_a_lower_engine_has_said_before_is_taken_from_the_cache(tmp_path: Path) -> None:
    async def scenario() -> None:
        better, spare = ToneEngine("better", 1), ToneEngine("spare", 2)
        bench = Bench(tmp_path, better, spare)
        bench.cache.open()
        bench.cache.store(SpokenKey("spare", SENTENCE, 8000), np.full(80, 5, dtype=np.int16))
        better.error = EngineError("It broke.")
        assert await values(bench, SENTENCE) == [5]
        assert (better.spoken, spare.spoken) == ([SENTENCE], [])
        await bench.voice.aclose()

    run(scenario())


def test_a_queue_too_long_sends_a_caller_to_the_next_engine(tmp_path: Path) -> None:
    async def scenario() -> None:
        slow, spare = ToneEngine("slow", 1), ToneEngine("spare", 2)
        slow.hold.clear()
        warnings: list[str] = []
        rungs = [
            Rung(engine, slots=1, queue_s=0.02, chunk_s=5, clock=lambda: 0.0)
            for engine in (slow, spare)
        ]
        voice = LadderVoice(rungs, SpeechCache(tmp_path, 10**7), lambda c, _: warnings.append(c))
        first = voice.clip("First caller.", 8000)
        await until(lambda: slow.running == 1)
        assert set(await joined(voice.clip("Second caller.", 8000).chunks())) == {2}
        assert warnings == ["tts-busy"]
        assert voice.name == "slow", "being busy is not being broken"
        slow.hold.set()
        assert set(await joined(first.chunks())) == {1}
        await voice.aclose()

    run(scenario())


def test_without_any_engine_there_is_silence_and_a_warning(tmp_path: Path) -> None:
    async def scenario() -> None:
        bench = Bench(tmp_path)
        clip = bench.voice.clip(SENTENCE, 8000)
        pcm = await joined(clip.chunks())
        assert not pcm.any()
        assert 1 < len(pcm) / 8000 < 4
        path = await clip.file()
        assert len(read_wav(path)[0]) == len(pcm)
        assert bench.codes == ["tts-silence"]
        assert bench.voice.name == "silence"
        assert path.parent == tmp_path, "where the PBX finds it"
        del clip
        await gone(lambda: not path.exists())
        assert list(tmp_path.iterdir()) == [], "silence is not what this sentence sounds like"
        await bench.voice.aclose()

    run(scenario())


def test_what_an_engine_said_while_it_was_there_outlives_it(tmp_path: Path) -> None:
    async def scenario() -> None:
        before = Bench(tmp_path, ToneEngine("gone", 7))
        await before.voice.clip(SENTENCE, 8000).file()
        await before.voice.aclose()
        after = Bench(tmp_path)
        await after.voice.start()
        assert await values(after, SENTENCE) == [7]
        assert after.codes == []
        await after.voice.aclose()

    run(scenario())


def test_shipped_prompts_are_heard_when_no_engine_is_there(tmp_path: Path) -> None:
    async def scenario() -> None:
        maker = Bench(tmp_path / "maker", ToneEngine("maker", 9))
        await maker.voice.start()
        await render_prompts(maker.voice, [SENTENCE], 8000, tmp_path / "prompts")
        await maker.voice.aclose()

        cache = SpeechCache(tmp_path / "empty", 10**7)
        warnings: list[str] = []
        prompts = Prompts(tmp_path / "prompts")
        voice = LadderVoice([], cache, lambda code, _: warnings.append(code), prompts=prompts)
        clip = voice.clip(SENTENCE, 8000)
        assert set(await joined(clip.chunks())) == {9}
        assert (await clip.file()).parent == tmp_path / "prompts"
        assert warnings == []
        await voice.clip("Another sentence.", 8000).file()
        await voice.clip(SENTENCE, 16000).file()
        assert warnings == ["tts-silence", "tts-silence"], "only what fits"
        await voice.aclose()

    run(scenario())


def test_prompts_are_not_rendered_from_silence(tmp_path: Path) -> None:
    async def scenario() -> None:
        bench = Bench(tmp_path / "cache")
        with pytest.raises(EngineError, match="could speak"):
            await render_prompts(bench.voice, [SENTENCE], 8000, tmp_path / "prompts")
        await bench.voice.aclose()

    run(scenario())


def test_a_sentence_without_words_is_a_very_short_clip(tmp_path: Path) -> None:
    async def scenario() -> None:
        engine = ToneEngine("a")
        bench = Bench(tmp_path, engine)
        clip = bench.voice.clip("\U0001f600", 8000)
        assert await clip.duration_s() < 0.1
        assert (await clip.file()).exists()
        assert engine.spoken == []
        assert bench.codes == []
        await bench.voice.aclose()

    run(scenario())


def test_a_cache_that_cannot_be_written_costs_a_warning_not_the_sentence(tmp_path: Path) -> None:
    async def scenario() -> None:
        (tmp_path / "file").touch()
        bench = Bench(tmp_path / "file" / "speech", ToneEngine("a"))
        await bench.voice.start()
        clip = bench.voice.clip(SENTENCE, 8000)
        assert len(await joined(clip.chunks())) == 2 * CHUNK
        assert read_wav(await clip.file())[1] == 8000
        assert bench.codes == ["tts-cache", "tts-cache"]
        await bench.voice.aclose()

    run(scenario())


def test_when_no_disk_takes_the_file_the_chunks_still_play(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scenario() -> None:
        monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "nowhere"))
        bench = Bench(tmp_path / "nowhere either", ToneEngine("a"))
        clip = bench.voice.clip(SENTENCE, 8000)
        assert len(await joined(clip.chunks())) == 2 * CHUNK
        with pytest.raises(AudioError, match="cannot be written"):
            await clip.file()
        await bench.voice.aclose()

    run(scenario())


def test_work_nobody_holds_any_more_is_dropped(tmp_path: Path) -> None:
    async def scenario() -> None:
        engine = ToneEngine("a")
        engine.hold.clear()
        bench = Bench(tmp_path, engine)
        first, second = (bench.voice.clip(SENTENCE, 8000) for _ in range(2))
        await until(lambda: engine.running == 1)
        del first
        await asyncio.sleep(0)
        assert engine.running == 1, "somebody else still wants it"
        del second
        await gone(lambda: engine.running == 0)
        assert bench.codes == [], "it was dropped, it did not fail"
        engine.hold.set()
        assert await values(bench, SENTENCE) == [1000], "asked again, it is made again"
        await bench.voice.aclose()

    run(scenario())


def test_a_closed_clip_drops_its_work_though_it_is_still_held(tmp_path: Path) -> None:
    async def scenario() -> None:
        engine = ToneEngine("a")
        engine.hold.clear()
        bench = Bench(tmp_path, engine)
        clip = bench.voice.clip(SENTENCE, 8000)
        await until(lambda: engine.running == 1)
        clip.close()
        clip.close()
        await until(lambda: engine.running == 0)
        with pytest.raises(EngineError, match="stopped"):
            await clip.file()
        await bench.voice.aclose()

    run(scenario())


def test_audio_that_is_complete_is_kept_though_nobody_waits_for_its_file(tmp_path: Path) -> None:
    async def scenario() -> None:
        bench = Bench(tmp_path, ToneEngine("a"))
        clip = bench.voice.clip(SENTENCE, 8000)
        await clip.duration_s()
        clip.close()
        await until(lambda: len(list(tmp_path.glob("*.wav"))) == 1)
        await bench.voice.aclose()

    run(scenario())


def test_one_waiter_cancelled_does_not_disturb_the_other(tmp_path: Path) -> None:
    async def scenario() -> None:
        engine = ToneEngine("a")
        engine.hold.clear()
        bench = Bench(tmp_path, engine)
        clips = [bench.voice.clip(SENTENCE, 8000) for _ in range(2)]
        waiting = [asyncio.ensure_future(clip.file()) for clip in clips]
        await until(lambda: engine.running == 1)
        waiting[0].cancel()
        await asyncio.wait(waiting[:1])
        engine.hold.set()
        assert (await waiting[1]).exists()
        await bench.voice.aclose()

    run(scenario())


def test_closing_drops_work_releases_waiters_and_closes_engines(tmp_path: Path) -> None:
    async def scenario() -> None:
        engine = ToneEngine("a")
        engine.hold.clear()
        bench = Bench(tmp_path, engine)
        clip = bench.voice.clip(SENTENCE, 8000)
        waiting = asyncio.ensure_future(clip.file())
        listening = asyncio.ensure_future(joined(clip.chunks()))
        await until(lambda: engine.running == 1)
        await bench.voice.aclose()
        assert (engine.running, engine.is_closed) == (0, True)
        with pytest.raises(EngineError, match="stopped"):
            await waiting
        await listening

    run(scenario())


def test_warming_up_fills_the_cache_once(tmp_path: Path) -> None:
    async def scenario() -> None:
        engine = ToneEngine("a")
        bench = Bench(tmp_path, engine)
        texts = ["One.", "Two.", "One.", "Three."]
        await bench.voice.warm(texts, 8000)
        await bench.voice.warm(texts, 8000)
        assert engine.spoken == [speakable(text) for text in ("One.", "Two.", "Three.")]
        assert engine.most_running == 1
        assert len(list(tmp_path.glob("*.wav"))) == 3
        await bench.voice.aclose()

    run(scenario())


def test_callers_overtake_warming_up(tmp_path: Path) -> None:
    async def scenario() -> None:
        engine = ToneEngine("a")
        engine.hold.clear()
        bench = Bench(tmp_path, engine, slots=1)
        caller = bench.voice.clip("A caller waits.", 8000)
        await until(lambda: engine.running == 1)
        warming = asyncio.ensure_future(bench.voice.warm(["Warm one.", "Warm two."], 8000))
        await until(lambda: bench.queueing == 1)
        other = bench.voice.clip("Another caller waits.", 8000)
        engine.hold.set()
        await asyncio.gather(caller.file(), other.file(), warming)
        assert engine.spoken[:2] == ["A caller waits.", "Another caller waits."]
        await bench.voice.aclose()

    run(scenario())


def test_a_caller_who_asks_for_what_is_queued_for_warming_does_not_wait_for_the_gap(
    tmp_path: Path,
) -> None:
    async def scenario() -> None:
        engine = ToneEngine("a")
        engine.hold.clear()
        bench = Bench(tmp_path, engine, slots=2)
        caller = bench.voice.clip("A caller waits.", 8000)
        await until(lambda: engine.running == 1)
        warming = asyncio.ensure_future(bench.voice.warm(["Welcome."], 8000))
        await until(lambda: bench.queueing == 1)
        assert engine.running == 1
        clip = bench.voice.clip("Welcome.", 8000)
        await until(lambda: engine.running == 2)
        engine.hold.set()
        await asyncio.gather(caller.file(), clip.file(), warming)
        assert engine.spoken.count("Welcome.") == 1
        await bench.voice.aclose()

    run(scenario())


def test_warming_up_can_be_cancelled(tmp_path: Path) -> None:
    async def scenario() -> None:
        engine = ToneEngine("a")
        engine.hold.clear()
        bench = Bench(tmp_path, engine)
        warming = asyncio.ensure_future(bench.voice.warm(["One.", "Two."], 8000))
        await until(lambda: engine.running == 1)
        warming.cancel()
        await asyncio.wait([warming])
        await gone(lambda: engine.running == 0)
        assert engine.spoken == ["One."]
        assert bench.codes == [], "it was dropped, it did not fail"
        await bench.voice.aclose()

    run(scenario())


def test_warming_up_gives_up_when_no_engine_works(tmp_path: Path) -> None:
    async def scenario() -> None:
        bench = Bench(tmp_path)
        await bench.voice.warm([f"Sentence {letter}." for letter in "abcdef"], 8000)
        assert bench.codes == ["tts-silence"]
        await bench.voice.aclose()

    run(scenario())


def test_an_engine_that_does_not_start_is_warned_of_and_shown(tmp_path: Path) -> None:
    async def scenario() -> None:
        dead, spare = ToneEngine("dead"), ToneEngine("spare")
        dead.error = EngineError("No such voice.", fix="Install it.")
        bench = Bench(tmp_path, dead, spare)
        await bench.voice.start()
        assert bench.codes == ["tts-engine"]
        assert "Install it." in bench.warnings[0][1]
        assert [(state.name, state.trouble) for state in bench.voice.engines()] == [
            ("dead", "No such voice."),
            ("spare", ""),
        ]
        await bench.voice.aclose()

    run(scenario())


def test_a_slow_engine_does_not_hold_up_the_start_but_warming_waits_for_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Slow(ToneEngine):
        async def start(self) -> None:
            await self.hold.wait()

    async def scenario() -> None:
        monkeypatch.setattr("backend.tts.voice.START_WAIT_S", 0.01)
        slow, spare = Slow("slow", 1), ToneEngine("spare", 2)
        slow.hold.clear()
        bench = Bench(tmp_path, slow, spare)
        await bench.voice.start()
        warming = asyncio.ensure_future(bench.voice.warm(["Welcome."], 8000))
        await asyncio.sleep(0)
        assert slow.spoken == spare.spoken == []
        slow.hold.set()
        await warming
        assert (slow.spoken, spare.spoken) == (["Welcome."], [])
        await bench.voice.aclose()

    run(scenario())


def test_closing_while_an_engine_loads_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, piper_voice: Path
) -> None:
    async def scenario() -> None:
        monkeypatch.setattr("backend.tts.voice.START_WAIT_S", 0.0)
        bench = Bench(tmp_path, Piper(piper_voice))
        await bench.voice.start()
        await bench.voice.aclose()
        assert not any("piper_worker" in command for command in child_commands())

    run(scenario())


def test_with_a_real_engine_calls_at_once_each_get_their_words(
    tmp_path: Path, flite: Program
) -> None:
    async def scenario() -> None:
        engine = Flite("kal", command=flite.command, env=flite.env)
        bench = Bench(tmp_path, engine)
        await bench.voice.start()
        clips = [bench.voice.clip(f"Ticket {number}.", 8000) for number in range(1000, 1010)]
        paths = await asyncio.gather(*(clip.file() for clip in clips))
        assert len(set(paths)) == 10
        assert all(0.5 < len(read_wav(path)[0]) / 8000 < 4 for path in paths)
        assert bench.codes == []
        await bench.voice.aclose()

    run(scenario())
