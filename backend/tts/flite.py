"""flite: small, quick, English only. One process a sentence; most of its time is synthesis."""

import unicodedata
from collections.abc import AsyncIterator, Mapping, Sequence
from functools import partial
from pathlib import Path

from backend.audio.pcm import Pcm
from backend.core.errors import EngineError
from backend.tts.program import (
    Leash,
    ProgramRunner,
    content_of,
    fd_path,
    memory_file,
    speech_in,
)

VOICES = ("slt", "awb", "rms", "kal", "kal16")
DEFAULT_VOICE = "slt"


class Flite:
    """Speaks with one voice: one of `VOICES`, or the path of a `.flitevox` file.

    `command` is the prefix of the command line and `env` what it needs in its environment.
    """

    def __init__(
        self,
        voice: str = DEFAULT_VOICE,
        *,
        command: Sequence[str] = ("flite",),
        env: Mapping[str, str] | None = None,
        threads: int = 2,
    ) -> None:
        self._voice = voice or DEFAULT_VOICE
        self._command = tuple(command)
        self._env = dict(env or {})
        self._runner = ProgramRunner("flite", threads)
        self._checked = False

    @property
    def name(self) -> str:
        """`flite:` and the voice."""
        return f"flite:{Path(self._voice).stem}"

    async def start(self) -> None:
        """Raises EngineError: an unknown voice would be replaced by flite without a word."""
        await self._runner.run(self._check)
        self._checked = True

    async def speak(self, text: str, rate_hz: int) -> AsyncIterator[Pcm]:
        """One chunk, when the sentence is complete (10–60 ms for a usual one)."""
        plain = _ascii(text)
        if not any(char.isalpha() for char in plain):
            raise EngineError("flite has nothing to say: it knows the English alphabet only.")
        if not self._checked:
            await self.start()
        yield await self._runner.run(partial(self._synthesise, plain, rate_hz))

    async def aclose(self) -> None:
        """Nothing stays behind."""
        await self._runner.aclose()

    def _check(self, leash: Leash) -> None:
        if Path(self._voice).is_file():
            return
        listed = leash.run([*self._command, "-lv"], env=self._env).decode("ascii", "replace")
        # flite would fetch a voice named by URL: only names it lists are passed on.
        if self._voice not in listed.partition(":")[2].split():
            raise EngineError(
                f"flite has no voice “{self._voice}”.", fix=f"Choose one of {', '.join(VOICES)}."
            )

    def _synthesise(self, text: str, rate_hz: int, leash: Leash) -> Pcm:
        # Files in memory: nothing of the sentence shows in the list of processes or on a disk,
        # and flite, which reopens its output for every utterance, cannot write to a pipe.
        with memory_file(text.encode("ascii")) as words, memory_file() as sound:
            leash.run(
                [*self._command, "-voice", self._voice, "-f", fd_path(words), "-o", fd_path(sound)],
                env=self._env,
                pass_fds=(words, sound),
            )
            return speech_in(content_of(sound), rate_hz)


def _ascii(text: str) -> str:
    """Accents off: flite reads the bytes of any other letter as noise."""
    return unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode("ascii")
