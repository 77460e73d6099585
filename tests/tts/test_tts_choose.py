"""Which engines serve, in which order: each rung is tested by taking it away."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from backend.audio.wav import read_wav
from backend.config import Settings
from backend.parts.program import Program
from backend.tts.choose import choose_voice, piper_folder, speech_folder
from backend.tts.prompts import render_prompts
from backend.tts.voice import LadderVoice
from tests.support.loop import run
from tests.tts.conftest import build_piper_voice
from tests.tts.speaking import SENTENCE


class House:
    """A machine with some engines on it."""

    def __init__(self, tmp_path: Path, programs: Iterable[Program], **settings: Any) -> None:
        self.settings = Settings(_env_file=None, data_dir=tmp_path, **settings)
        self.programs = {program.name: program for program in programs}
        self.warnings: list[str] = []

    def engines(self) -> list[str]:
        """Names of the rungs, best first."""
        return [state.name for state in self._voice().engines()]

    def speaks_with(self, prompts_dir: Path | None = None) -> tuple[str, list[str]]:
        """The engine in use after start and one sentence spoken for real, and the warnings."""

        async def scenario() -> str:
            voice = self._voice(prompts_dir)
            await voice.start()
            samples, rate_hz = read_wav(await voice.clip(SENTENCE, 8000).file())
            assert rate_hz == 8000
            assert bool(samples.any()) == (voice.name != "silence" or prompts_dir is not None)
            await voice.aclose()
            return voice.name

        return run(scenario()), self.warnings

    def _voice(self, prompts_dir: Path | None = None) -> LadderVoice:
        return choose_voice(
            self.settings,
            self.programs.get,
            lambda code, message: self.warnings.append(f"{code}: {message}"),
            prompts_dir=prompts_dir,
        )


@pytest.fixture
def programs(flite: Program, espeak: Program) -> list[Program]:
    return [flite, espeak]


def test_with_everything_there_piper_speaks(tmp_path: Path, programs: list[Program]) -> None:
    house = House(tmp_path, programs)
    build_piper_voice(piper_folder(house.settings))
    assert house.engines() == ["piper:en_US-hum-tiny", "flite:slt", "espeak-ng:en-us"]
    assert house.speaks_with() == ("piper:en_US-hum-tiny", [])


def test_without_a_piper_voice_flite_speaks(tmp_path: Path, programs: list[Program]) -> None:
    assert House(tmp_path, programs).speaks_with() == ("flite:slt", [])


def test_without_flite_espeak_speaks(tmp_path: Path, espeak: Program) -> None:
    assert House(tmp_path, [espeak]).speaks_with() == ("espeak-ng:en-us", [])


def test_without_any_program_shipped_prompts_speak(tmp_path: Path, flite: Program) -> None:
    maker = House(tmp_path / "maker", [flite])

    async def make() -> None:
        voice = maker._voice()
        await voice.start()
        await render_prompts(voice, [SENTENCE], 8000, tmp_path / "prompts")
        await voice.aclose()

    run(make())
    assert House(tmp_path / "bare", []).speaks_with(tmp_path / "prompts") == ("silence", [])


def test_without_anything_there_is_silence_and_an_honest_warning(tmp_path: Path) -> None:
    name, warnings = House(tmp_path, []).speaks_with()
    assert name == "silence"
    assert [warning.partition(":")[0] for warning in warnings] == ["tts-silence"]


def test_a_program_that_vanished_after_it_was_found_is_fallen_through(
    tmp_path: Path, espeak: Program
) -> None:
    gone = Program("flite", "", (str(tmp_path / "gone"),), Path("/"))
    name, warnings = House(tmp_path, [gone, espeak]).speaks_with()
    assert name == "espeak-ng:en-us"
    assert len(warnings) == 1
    assert "cannot be started" in warnings[0]


def test_a_damaged_piper_voice_is_fallen_through(tmp_path: Path, programs: list[Program]) -> None:
    house = House(tmp_path, programs)
    build_piper_voice(piper_folder(house.settings)).write_bytes(b"no model")
    name, warnings = house.speaks_with()
    assert name == "flite:slt"
    assert "cannot be loaded" in warnings[0]


def test_an_engine_asked_for_comes_first_and_the_others_stay_behind_it(
    tmp_path: Path, programs: list[Program]
) -> None:
    house = House(tmp_path, programs, tts_engine="espeak-ng", tts_voice="en-gb")
    assert house.engines() == ["espeak-ng:en-gb", "flite:slt"]
    assert house.warnings == []


def test_edge_is_used_only_when_asked_for(tmp_path: Path, programs: list[Program]) -> None:
    house = House(tmp_path, programs, tts_engine="edge-tts", tts_voice="en-GB-SoniaNeural")
    assert house.engines() == ["edge-tts:en-GB-SoniaNeural", "flite:slt", "espeak-ng:en-us"]


@pytest.mark.parametrize("engine", ["piper", "flite", "espeak-ng"])
def test_an_engine_asked_for_that_is_missing_is_warned_of(tmp_path: Path, engine: Any) -> None:
    house = House(tmp_path, [], tts_engine=engine)
    assert house.engines() == []
    assert "was asked for" in house.warnings[0]


def test_a_voice_asked_for_chooses_its_engine(tmp_path: Path, programs: list[Program]) -> None:
    house = House(tmp_path / "a", programs, tts_voice="rms")
    build_piper_voice(piper_folder(house.settings))
    assert house.engines() == ["flite:rms", "piper:en_US-hum-tiny", "espeak-ng:en-us"]
    house = House(tmp_path / "b", programs, tts_voice="en-gb")
    assert house.engines() == ["espeak-ng:en-gb", "flite:slt"]
    house = House(tmp_path / "c", programs, tts_voice="de_DE-hum-tiny")
    build_piper_voice(piper_folder(house.settings), "de_DE-hum-tiny")
    build_piper_voice(piper_folder(house.settings), "en_US-hum-tiny")
    assert house.engines()[0] == "piper:de_DE-hum-tiny"


def test_another_language_is_not_read_by_flite(tmp_path: Path, programs: list[Program]) -> None:
    assert House(tmp_path, programs, language="de").engines() == ["espeak-ng:de"]


def test_files_lie_where_the_pbx_can_play_them(tmp_path: Path, flite: Program) -> None:
    house = House(tmp_path, [flite])
    house.speaks_with()
    (path,) = speech_folder(house.settings).glob("*.wav")
    assert path.is_relative_to(house.settings.media_dir)
