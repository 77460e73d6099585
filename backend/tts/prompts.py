"""Sentences rendered ahead and shipped: heard when no engine is there at all."""

import asyncio
import re
import shutil
from collections.abc import Iterable
from pathlib import Path

from backend.core.errors import EngineError
from backend.tts.base import Voice
from backend.tts.cache import TEXT_DIGITS, SpokenFile, digest_of, opened

_NAME = re.compile(rf"([0-9a-f]{{{TEXT_DIGITS}}})-[0-9a-f]+-(\d+)")


class Prompts:
    """A folder of files named as the cache names them. Never written to."""

    def __init__(self, folder: Path) -> None:
        self._paths: dict[tuple[str, int], Path] = {}
        for path in sorted(folder.glob("*.wav")):
            if match := _NAME.fullmatch(path.stem):
                self._paths[match[1], int(match[2])] = path

    def find(self, words: str, rate_hz: int) -> SpokenFile | None:
        """The sentence (speakable), if it was shipped at this rate."""
        path = self._paths.get((digest_of(words), rate_hz))
        return None if path is None else opened(path)


async def render_prompts(
    voice: Voice, sentences: Iterable[str], rate_hz: int, folder: Path
) -> None:
    """Fill such a folder. Raises EngineError when a sentence cannot be spoken, AudioError when a
    disk refuses."""
    await asyncio.to_thread(folder.mkdir, parents=True, exist_ok=True)
    for sentence in sentences:
        clip = voice.clip(sentence, rate_hz)
        path = await clip.file()
        if not _NAME.fullmatch(path.stem):
            raise EngineError(f"No engine could speak “{sentence}”.")
        await asyncio.to_thread(shutil.copy, path, folder)
