"""espeak-ng: every language, robotic, 10–30 ms a sentence. GPL-3, so only ever its own process."""

from collections.abc import AsyncIterator, Mapping, Sequence
from functools import partial

from backend.audio.pcm import Pcm
from backend.core.errors import EngineError
from backend.tts.program import Leash, ProgramRunner, speech_in

DEFAULT_VOICE = "en-us"
WORDS_PER_MINUTE = 160
"""A little slower than its default of 175: on a telephone it is hard enough to follow."""


class EspeakNg:
    """Speaks with one voice, e.g. `en-us`, `en-gb`, `de`.

    `command` is the prefix of the command line and `env` what it needs in its environment.
    """

    def __init__(
        self,
        voice: str = DEFAULT_VOICE,
        *,
        command: Sequence[str] = ("espeak-ng",),
        env: Mapping[str, str] | None = None,
        threads: int = 2,
    ) -> None:
        self._voice = voice or DEFAULT_VOICE
        self._command = (*command, "-v", self._voice, "-s", str(WORDS_PER_MINUTE))
        self._env = dict(env or {})
        self._runner = ProgramRunner("espeak-ng", threads)

    @property
    def name(self) -> str:
        """`espeak-ng:` and the voice."""
        return f"espeak-ng:{self._voice}"

    async def start(self) -> None:
        """Raises EngineError when the program or the voice is missing."""
        samples = await self._runner.run(partial(self._synthesise, "Ready.", 8000))
        if not len(samples):
            raise EngineError("espeak-ng starts but makes no sound.")

    async def speak(self, text: str, rate_hz: int) -> AsyncIterator[Pcm]:
        """One chunk, when the sentence is complete."""
        yield await self._runner.run(partial(self._synthesise, text, rate_hz))

    async def aclose(self) -> None:
        """Nothing stays behind."""
        await self._runner.aclose()

    def _synthesise(self, text: str, rate_hz: int, leash: Leash) -> Pcm:
        output = leash.run(
            [*self._command, "-b", "1", "--stdin", "--stdout"],
            env=self._env,
            stdin=text.encode("utf-8", "replace"),
        )
        return speech_in(output, rate_hz)
