"""Work nobody wants is dropped, callers go first, warming up comes last."""

import asyncio
from pathlib import Path

import pytest

from backend.core.errors import EngineError
from backend.tts.piper import Piper
from backend.tts.speakable import speakable
from tests.support.loop import run, until
from tests.tts.speaking import SENTENCE, child_commands, joined
from tests.tts.tone_engine import Bench, ToneEngine, gone, values


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
