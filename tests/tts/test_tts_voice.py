"""The voice of all calls: one sentence made once, kept, and made again when its file went bad."""

import asyncio
from pathlib import Path

import numpy as np
import pytest

from backend.audio.wav import read_wav
from backend.parts.program import Program
from backend.tts.flite import Flite
from backend.tts.speakable.pieces import SENTENCE_PAUSE_S
from tests.support.loop import run, until
from tests.tts.speaking import SENTENCE, joined
from tests.tts.tone_engine import CHUNK, Bench, ToneEngine


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
