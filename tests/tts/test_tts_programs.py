"""flite and espeak-ng, for real, and what happens when a program misbehaves."""

import asyncio
from pathlib import Path

import numpy as np
import pytest

from backend.audio.level import dbfs
from backend.audio.pcm import Pcm
from backend.core.errors import EngineError
from backend.parts.program import Program
from backend.tts.base import Synthesiser
from backend.tts.espeak import EspeakNg
from backend.tts.flite import VOICES, Flite
from backend.tts.program import Leash
from tests.support.loop import run, until
from tests.tts.speaking import SENTENCE, child_commands, open_descriptors, said


async def once(engine: Synthesiser, text: str = SENTENCE, rate_hz: int = 8000) -> Pcm:
    """Start, speak, stop."""
    try:
        await engine.start()
        return await said(engine, text, rate_hz)
    finally:
        await engine.aclose()


@pytest.mark.parametrize("voice", VOICES)
def test_each_flite_voice_speaks(flite: Program, voice: str) -> None:
    pcm = run(once(Flite(voice, command=flite.command, env=flite.env)))
    assert 1.5 < len(pcm) / 8000 < 5
    assert dbfs(pcm) > -32


@pytest.mark.parametrize("voice", ["", "en-gb", "de"])
def test_espeak_speaks(espeak: Program, voice: str) -> None:
    pcm = run(once(EspeakNg(voice, command=espeak.command, env=espeak.env)))
    assert 1.5 < len(pcm) / 8000 < 5
    assert dbfs(pcm) > -32


def test_both_rates_last_equally_long(flite: Program, espeak: Program) -> None:
    for engine in (Flite, EspeakNg):
        program = flite if engine is Flite else espeak
        narrow = run(once(engine(command=program.command, env=program.env), rate_hz=8000))
        wide = run(once(engine(command=program.command, env=program.env), rate_hz=16000))
        # A final "s" has little below 4 kHz and may count as silence on the narrow line.
        assert len(wide) == pytest.approx(2 * len(narrow), rel=0.08)


def test_speech_begins_at_once(flite: Program, espeak: Program) -> None:
    engines = (
        Flite(command=flite.command, env=flite.env),
        EspeakNg(command=espeak.command, env=espeak.env),
    )
    for engine in engines:
        pcm = run(once(engine))
        first_loud = int(np.argmax(np.abs(pcm) > 300))
        assert first_loud < 0.1 * 8000


def test_several_sentences_in_one_text_are_all_spoken(flite: Program) -> None:
    command = flite.command
    one = run(once(Flite("kal", command=command, env=flite.env), "The first sentence is here."))
    two = run(
        once(
            Flite("kal", command=command, env=flite.env),
            "The first sentence is here. The first sentence is here.",
        )
    )
    assert len(two) > 1.8 * len(one)


def test_the_name_tells_engine_and_voice() -> None:
    assert Flite("rms").name == "flite:rms"
    assert Flite("/voices/cmu_us_eey.flitevox").name == "flite:cmu_us_eey"
    assert EspeakNg().name == "espeak-ng:en-us"


@pytest.mark.parametrize("voice", ["nobody", "http://127.0.0.1/voice.flitevox"])
def test_flite_refuses_a_voice_it_has_not_got(flite: Program, voice: str) -> None:
    """By itself it would take another one, or fetch the URL."""
    with pytest.raises(EngineError, match="no voice"):
        run(once(Flite(voice, command=flite.command, env=flite.env)))


def test_espeak_refuses_a_voice_it_has_not_got(espeak: Program) -> None:
    with pytest.raises(EngineError):
        run(once(EspeakNg("xx-nowhere", command=espeak.command, env=espeak.env)))


def test_flite_does_not_try_another_alphabet(flite: Program) -> None:
    with pytest.raises(EngineError, match="alphabet"):
        run(once(Flite("kal", command=flite.command, env=flite.env), "你好。"))


def test_flite_leaves_accents_off(flite: Program) -> None:
    plain = run(once(Flite("kal", command=flite.command, env=flite.env), "The cafe is open."))
    accented = run(once(Flite("kal", command=flite.command, env=flite.env), "The café is open."))
    assert np.array_equal(plain, accented)


def test_text_that_looks_like_an_option_is_spoken(flite: Program, espeak: Program) -> None:
    assert len(run(once(Flite("kal", command=flite.command, env=flite.env), "-voice slt"))) > 4000
    assert len(run(once(EspeakNg(command=espeak.command, env=espeak.env), "--help me"))) > 4000


@pytest.mark.parametrize("engine", [Flite, EspeakNg])
def test_a_missing_program_is_an_engine_error(engine: type[Flite] | type[EspeakNg]) -> None:
    with pytest.raises(EngineError, match="cannot be started"):
        run(once(engine(command=("/nonexistent/speech",))))


@pytest.mark.parametrize("engine", [Flite, EspeakNg])
def test_a_failing_program_is_quoted(engine: type[Flite] | type[EspeakNg], tmp_path: Path) -> None:
    with pytest.raises(EngineError, match="status 3: the voice is gone"):
        run(once(engine(command=_script(tmp_path, "echo the voice is gone >&2; exit 3"))))


def test_a_program_that_writes_no_audio_is_an_engine_error(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match="no usable audio"):
        run(once(EspeakNg(command=_script(tmp_path, "cat >/dev/null; echo hello"))))


def test_a_program_that_hangs_is_killed_after_a_while() -> None:
    with pytest.raises(EngineError, match="did not finish within"):
        Leash().run(("sleep", "602"), env={}, timeout_s=0.05)
    assert not any("sleep 602" in command for command in child_commands())


def test_a_cancelled_sentence_kills_its_process(tmp_path: Path) -> None:
    async def scenario() -> None:
        engine = EspeakNg(command=_script(tmp_path, "exec sleep 600"))
        speaking = asyncio.ensure_future(said(engine))
        await until(lambda: any("sleep 600" in command for command in child_commands()))
        speaking.cancel()
        await asyncio.wait([speaking])
        assert speaking.cancelled()
        assert not any("sleep 600" in command for command in child_commands())
        await engine.aclose()

    run(scenario())


def test_a_sentence_cancelled_in_the_queue_starts_nothing(tmp_path: Path) -> None:
    async def scenario() -> None:
        engine = EspeakNg(command=_script(tmp_path, "exec sleep 601"), threads=1)
        first = asyncio.ensure_future(said(engine))
        await until(lambda: any("sleep 601" in command for command in child_commands()))
        second = asyncio.ensure_future(said(engine))
        await asyncio.sleep(0)
        second.cancel()
        first.cancel()
        await asyncio.wait([first, second])
        await engine.aclose()
        assert not any("sleep 601" in command for command in child_commands())

    run(scenario())


def test_what_is_said_does_not_show_in_the_list_of_processes(tmp_path: Path) -> None:
    seen = tmp_path / "arguments"
    script = _script(tmp_path, f'echo "$@" > {seen}; cat >/dev/null; exit 1')
    for engine in (Flite(command=script), EspeakNg(command=script)):
        with pytest.raises(EngineError):
            run(said_and_closed(engine, "confidential"))
        assert "confidential" not in seen.read_text()


async def said_and_closed(engine: Synthesiser, text: str) -> Pcm:
    try:
        return await said(engine, text)
    finally:
        await engine.aclose()


def test_several_at_once_leave_no_descriptor_behind(flite: Program) -> None:
    async def scenario() -> None:
        engine = Flite("kal", command=flite.command, env=flite.env)
        await said(engine)
        before = open_descriptors()
        results = await asyncio.gather(*(said(engine, f"Sentence {word}.") for word in "abcdefg"))
        assert all(len(pcm) for pcm in results)
        assert open_descriptors() == before
        await engine.aclose()

    run(scenario())


def _script(folder: Path, body: str) -> tuple[str, ...]:
    """A program that ignores what it is asked. flite's list of voices is answered first."""
    path = folder / "program.sh"
    path.write_text(f'[ "$1" = -lv ] && {{ echo "Voices available: slt kal"; exit 0; }}\n{body}\n')
    return ("sh", str(path))
