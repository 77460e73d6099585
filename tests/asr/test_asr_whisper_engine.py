"""faster-whisper for real: its loader, decoder and result path, on models made here."""

import asyncio
import os
import shutil
import threading
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pytest

from backend.asr.faster_whisper import faster_whisper
from backend.asr.openai_whisper import openai_whisper
from backend.asr.whisper import WhisperRecogniser
from backend.asr.whisper_stream import WhisperStream
from backend.audio.pcm import Pcm
from backend.config import Settings
from backend.core.errors import EngineError
from backend.core.speech import OPEN_QUESTION, Transcript
from tests.asr.tiny_whisper import build_random_model, build_scripted_model
from tests.support.caller_voice import flite, have_flite

RATE_HZ = 8000
SENTENCE = "what is my account balance"
WAIT_S = 20.0

pytestmark = pytest.mark.skipif(not have_flite(), reason="flite speaks the callers' part")

T = TypeVar("T")


@pytest.fixture(scope="session")
def speech() -> Pcm:
    """About two seconds, as the telephone carries them."""
    return asyncio.run(flite("I would like to know my account balance please."))


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with several models."""
    data_dir = tmp_path_factory.mktemp("whisper")
    folder = data_dir / "models" / "whisper"
    build_random_model(folder / "random")
    build_scripted_model(folder / "says-sentence", SENTENCE)
    build_scripted_model(folder / "half-sure", SENTENCE, sureness=1.0)
    build_scripted_model(folder / "inventive", "Thank you for watching!")
    build_scripted_model(folder / "looping", "no " * 20)
    build_scripted_model(folder / "hears-nobody", SENTENCE, no_speech=True)
    return data_dir


def settings(data_dir: Path, model: str, **others: Any) -> Settings:
    return Settings(_env_file=None, data_dir=data_dir, asr_model=model, asr_device="cpu", **others)


def use(
    data_dir: Path, model: str, body: Callable[[WhisperRecogniser], Awaitable[T]], **others: Any
) -> T:
    """Run `body` with a started recogniser, close it, and see that no thread is left."""

    async def run() -> T:
        recogniser = faster_whisper(settings(data_dir, model, **others))
        try:
            await recogniser.start()
            return await asyncio.wait_for(body(recogniser), WAIT_S)
        finally:
            await recogniser.aclose()

    try:
        return asyncio.run(run())
    finally:
        left = [thread.name for thread in threading.enumerate()]
        assert not [name for name in left if name.startswith(("whisper", "tqdm"))]


def heard(data_dir: Path, model: str, pcm: Pcm, **others: Any) -> Transcript:
    async def listen(recogniser: WhisperRecogniser) -> Transcript:
        stream = recogniser.listen(OPEN_QUESTION, RATE_HZ)
        feed(stream, pcm)
        return await stream.finish()

    return use(data_dir, model, listen, **others)


def feed(stream: WhisperStream, pcm: Pcm) -> None:
    """In packets of 20 ms."""
    for start in range(0, len(pcm), 160):
        stream.feed(pcm[start : start + 160])


async def understood_so_far(stream: WhisperStream) -> Transcript:
    """Wait for the decode that began in the pause."""
    latest = stream._window.latest
    assert latest is not None
    await asyncio.to_thread(latest.job.future.result, WAIT_S)
    partial = stream.partial()
    assert partial is not None
    return partial


def silence(seconds: float) -> Pcm:
    return np.zeros(round(seconds * RATE_HZ), dtype=np.int16)


def test_a_model_is_loaded_and_what_it_says_comes_back(models: Path, speech: Pcm) -> None:
    transcript = heard(models, "says-sentence", speech)

    assert transcript.text == SENTENCE
    assert transcript.confidence > 0.95
    assert transcript.language == "en"
    assert transcript.audio_s == pytest.approx(len(speech) / RATE_HZ)
    assert transcript.work_s > 0


def test_less_sure_letters_give_less_confidence(models: Path, speech: Pcm) -> None:
    transcript = heard(models, "half-sure", speech)

    assert transcript.text == SENTENCE
    assert 0.3 < transcript.confidence < 0.98


def test_a_model_that_hears_nobody_is_not_believed(models: Path, speech: Pcm) -> None:
    transcript = heard(models, "hears-nobody", speech)

    assert transcript.no_speech_probability > 0.9
    assert transcript.confidence < 0.1


def test_random_weights_give_no_confidence(models: Path, speech: Pcm) -> None:
    assert heard(models, "random", speech).confidence < 0.1


@pytest.mark.parametrize("model", ["inventive", "looping"])
def test_what_whisper_makes_up_is_empty(models: Path, speech: Pcm, model: str) -> None:
    transcript = heard(models, model, speech)

    assert (transcript.text, transcript.confidence) == ("", 0.0)


def noise(level: float) -> Pcm:
    random = np.random.default_rng(3)
    return np.clip(random.normal(0, level, 3 * RATE_HZ), -32768, 32767).astype(np.int16)


@pytest.mark.parametrize(
    "pcm",
    [silence(0), silence(2.0), noise(30), noise(4000), np.full(2 * RATE_HZ, 32767, np.int16)],
    ids=["nothing", "silence", "line at rest", "loud noise", "constant"],
)
def test_audio_without_speech_is_not_even_decoded(models: Path, pcm: Pcm) -> None:
    transcript = heard(models, "says-sentence", pcm)

    assert (transcript.text, transcript.confidence) == ("", 0.0)
    assert transcript.no_speech_probability == 1.0


def test_decoding_begins_in_the_pause_and_its_result_is_used(models: Path, speech: Pcm) -> None:
    async def listen(recogniser: WhisperRecogniser) -> tuple[Transcript, Transcript]:
        stream = recogniser.listen(OPEN_QUESTION, RATE_HZ)
        feed(stream, speech)
        assert stream.partial() is None
        feed(stream, silence(0.5))
        early = await understood_so_far(stream)
        feed(stream, silence(0.5))
        return early, await stream.finish()

    early, final = use(models, "says-sentence", listen)

    assert early.text == final.text == SENTENCE
    assert final.work_s == early.work_s, "it was not decoded again"
    assert final.audio_s == pytest.approx(len(speech) / RATE_HZ + 1.0)


def test_a_caller_who_goes_on_is_decoded_to_the_end(models: Path, speech: Pcm) -> None:
    async def listen(recogniser: WhisperRecogniser) -> Transcript:
        stream = recogniser.listen(OPEN_QUESTION, RATE_HZ)
        feed(stream, np.concatenate((speech, silence(0.5))))
        await understood_so_far(stream)
        feed(stream, speech)
        assert stream.partial() is None, "what was understood before is out of date"
        return await stream.finish()

    assert use(models, "says-sentence", listen).text == SENTENCE


def test_several_callers_at_once_all_get_their_words(models: Path, speech: Pcm) -> None:
    async def listen(recogniser: WhisperRecogniser) -> list[Transcript]:
        streams = [recogniser.listen(OPEN_QUESTION, RATE_HZ) for _ in range(8)]
        for stream in streams:
            feed(stream, speech)
        return await asyncio.gather(*(stream.finish() for stream in streams))

    assert {t.text for t in use(models, "says-sentence", listen)} == {SENTENCE}


def test_too_many_callers_at_once_are_told_so(models: Path, speech: Pcm) -> None:
    async def listen(recogniser: WhisperRecogniser) -> list[Transcript | BaseException]:
        streams = [recogniser.listen(OPEN_QUESTION, RATE_HZ) for _ in range(30)]
        for stream in streams:
            stream.feed(speech)
        finished = (stream.finish() for stream in streams)
        return await asyncio.gather(*finished, return_exceptions=True)

    results = use(models, "says-sentence", listen, asr_workers=1)

    refused = [result for result in results if isinstance(result, EngineError)]
    assert refused
    assert "busy" in str(refused[0])
    assert len([r for r in results if isinstance(r, Transcript)]) == len(results) - len(refused)


def test_a_cancelled_stream_is_closed_and_the_next_one_works(models: Path, speech: Pcm) -> None:
    async def listen(recogniser: WhisperRecogniser) -> Transcript:
        dropped = recogniser.listen(OPEN_QUESTION, RATE_HZ)
        feed(dropped, np.concatenate((speech, silence(0.5))))
        dropped.cancel()
        dropped.cancel()
        dropped.feed(speech)
        with pytest.raises(EngineError, match="cancelled"):
            await dropped.finish()
        stream = recogniser.listen(OPEN_QUESTION, RATE_HZ)
        feed(stream, speech)
        transcript = await stream.finish()
        stream.cancel()
        return transcript

    assert use(models, "says-sentence", listen).text == SENTENCE


def test_a_task_that_is_cancelled_while_it_waits_is_cancelled(models: Path, speech: Pcm) -> None:
    async def listen(recogniser: WhisperRecogniser) -> None:
        stream = recogniser.listen(OPEN_QUESTION, RATE_HZ)
        feed(stream, speech)
        task = asyncio.create_task(stream.finish())
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    use(models, "says-sentence", listen)


def test_closing_during_an_utterance_is_an_engine_error(models: Path, speech: Pcm) -> None:
    async def listen(recogniser: WhisperRecogniser) -> list[Transcript | BaseException]:
        streams = [recogniser.listen(OPEN_QUESTION, RATE_HZ) for _ in range(6)]
        for stream in streams:
            feed(stream, speech)
        waiting = [asyncio.create_task(stream.finish()) for stream in streams]
        await asyncio.sleep(0)
        await recogniser.aclose()
        return await asyncio.gather(*waiting, return_exceptions=True)

    results = use(models, "says-sentence", listen, asr_workers=1)

    assert isinstance(results[-1], EngineError)
    assert all(isinstance(result, EngineError | Transcript) for result in results)


def damaged(models: Path, tmp_path: Path, damage: Callable[[Path], object]) -> Path:
    folder = tmp_path / "damaged"
    shutil.copytree(models / "models" / "whisper" / "random", folder)
    damage(folder)
    return folder


DAMAGES: dict[str, Callable[[Path], object]] = {
    "truncated": lambda folder: os.truncate(folder / "model.bin", 5000),
    "empty": lambda folder: os.truncate(folder / "model.bin", 0),
    "garbage": lambda folder: (folder / "model.bin").write_bytes(b"\xff" * 100_000),
    "no tokenizer": lambda folder: (folder / "tokenizer.json").unlink(),
    "bad tokenizer": lambda folder: (folder / "tokenizer.json").write_text("{"),
    "bad vocabulary": lambda folder: (folder / "vocabulary.json").write_text("[]"),
    "bad config": lambda folder: (folder / "config.json").write_text("{"),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_model_is_an_error_that_says_what_to_do(
    models: Path, tmp_path: Path, damage: str
) -> None:
    folder = damaged(models, tmp_path, DAMAGES[damage])

    async def start() -> None:
        await faster_whisper(settings(tmp_path, str(folder))).start()

    with pytest.raises(EngineError, match=r"(?s)damaged.*fetch"):
        asyncio.run(start())


def test_a_model_that_is_not_here_is_an_error_with_the_command(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match=r"models fetch tiny\.en"):
        faster_whisper(settings(tmp_path, ""))
    with pytest.raises(EngineError, match=r"small is not here.*models fetch small"):
        faster_whisper(settings(tmp_path, "small"))


def test_an_english_model_is_not_used_for_another_language(models: Path) -> None:
    with pytest.raises(EngineError, match=r"'de'.*only knows English"):
        heard(models, "random", silence(1), language="de_DE")


def test_an_unknown_compute_type_is_an_error(models: Path) -> None:
    with pytest.raises(EngineError, match="asr_compute_type"):
        heard(models, "random", silence(1), asr_compute_type="int3")


def test_without_the_extra_openai_whisper_says_how_to_get_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    recogniser = openai_whisper(settings(tmp_path, "tiny"))

    with pytest.raises(EngineError, match=r"not installed.*frontdesk\[openai-whisper\]"):
        asyncio.run(recogniser.start())


def test_openai_whisper_never_downloads_a_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: object())
    recogniser = openai_whisper(settings(tmp_path, "tiny.en"))
    assert recogniser.name == "openai-whisper:tiny.en"

    with pytest.raises(EngineError, match=r"no openai-whisper model tiny\.en.*\.pt file"):
        asyncio.run(recogniser.start())
