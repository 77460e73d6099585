"""Which recogniser is used, and what happens when rungs of the ladder break away."""

import asyncio
from dataclasses import dataclass, field
from pathlib import Path

from backend.asr.base import Vocabulary
from backend.asr.choose import choose_recogniser
from backend.asr.deaf import DEAF, Deaf
from backend.asr.ladder import LadderRecogniser, Rung
from backend.config import Settings
from backend.core.errors import EngineError
from backend.core.speech import OPEN_QUESTION
from tests.asr.tiny_whisper import build_scripted_model


class Broken(Deaf):
    """Cannot start; notes that it was closed."""

    def __init__(self) -> None:
        self.is_closed = False

    async def start(self) -> None:
        raise EngineError("Its model is gone.")

    async def aclose(self) -> None:
        self.is_closed = True


class Working(Deaf):
    name = "working"

    def __init__(self) -> None:
        self.vocabularies: list[Vocabulary] = []

    def set_vocabulary(self, vocabulary: Vocabulary) -> None:
        self.vocabularies.append(vocabulary)


@dataclass
class Warnings:
    said: list[tuple[str, str]] = field(default_factory=list)

    def __call__(self, code: str, message: str) -> None:
        self.said.append((code, message))


def test_a_rung_that_breaks_is_closed_and_the_next_one_serves() -> None:
    broken, working, warnings = Broken(), Working(), Warnings()
    ladder = LadderRecogniser([Rung("a", lambda: broken), Rung("b", lambda: working)], warnings)
    assert ladder.name == DEAF

    asyncio.run(ladder.start())

    assert ladder.name == "working"
    assert broken.is_closed
    assert warnings.said == [
        ("asr-engine", "a cannot be used; b is tried instead. Its model is gone.")
    ]


def test_when_every_rung_breaks_keys_are_all_that_is_understood() -> None:
    warnings = Warnings()
    ladder = LadderRecogniser([Rung("a", Broken)], warnings)
    asyncio.run(ladder.start())

    assert ladder.name == DEAF
    assert "only keys" in warnings.said[0][1]
    transcript = asyncio.run(ladder.listen(OPEN_QUESTION, 8000).finish())
    assert (transcript.text, transcript.confidence) == ("", 0.0)


def test_a_vocabulary_from_before_the_start_is_not_lost() -> None:
    working = Working()
    ladder = LadderRecogniser([Rung("b", lambda: working)], Warnings())
    early, late = Vocabulary(["early"]), Vocabulary(["late"])
    ladder.set_vocabulary(early)

    asyncio.run(ladder.start())
    ladder.set_vocabulary(late)

    assert working.vocabularies == [early, late]


def test_a_whisper_model_that_is_here_is_used(tmp_path: Path) -> None:
    build_scripted_model(tmp_path / "models" / "whisper" / "ours", "hello")
    warnings = Warnings()
    recogniser = choose_recogniser(
        Settings(_env_file=None, data_dir=tmp_path, asr_device="cpu"), warnings
    )

    async def use() -> str:
        await recogniser.start()
        name = recogniser.name
        await recogniser.aclose()
        return name

    assert asyncio.run(use()) == "faster-whisper:ours"
    assert warnings.said == []
