"""Engines that fail: the next one speaks, in the end the prompts, then silence with a warning."""

from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import pytest

from backend.audio.pcm import Pcm
from backend.audio.wav import read_wav
from backend.core.errors import AudioError, EngineError
from backend.tts.breaker import FIRST_PAUSE_S
from backend.tts.cache import SpeechCache, SpokenKey
from backend.tts.prompts import Prompts, render_prompts
from backend.tts.rung import Rung
from backend.tts.voice import LadderVoice
from tests.support.loop import run, until
from tests.tts.speaking import SENTENCE, joined
from tests.tts.tone_engine import CHUNK, Bench, ToneEngine, gone, values


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
