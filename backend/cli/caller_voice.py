"""The voice of the sample caller."""

from backend.audio.pcm import Pcm
from backend.config import Settings
from backend.core.errors import EngineError
from backend.parts.finder import find
from backend.tts.flite import Flite

RATE_HZ = 8000


class CallerVoice:
    """flite at the telephone's rate. Raises EngineError when there is no flite."""

    def __init__(self, settings: Settings, voice: str) -> None:
        program = find("flite", settings.data_dir)
        if program is None:
            raise EngineError("The caller has no voice: flite is missing.", fix="Run scripts/up.")
        self._flite = Flite(voice, command=program.command, env=program.env)

    async def __call__(self, text: str) -> Pcm:
        """The sentence, spoken. Raises EngineError."""
        (pcm,) = [chunk async for chunk in self._flite.speak(text, RATE_HZ)]
        return pcm

    async def aclose(self) -> None:
        """Nothing stays behind."""
        await self._flite.aclose()
