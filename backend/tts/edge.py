"""edge-tts: Microsoft's online voices. Every sentence, and so what callers are told, goes there."""

import asyncio
import importlib
from collections.abc import AsyncGenerator, AsyncIterator
from types import ModuleType

from backend.audio.pcm import Pcm
from backend.core.errors import EngineError
from backend.tts.mp3 import Mp3Decoder
from backend.tts.shape import Shaper

DEFAULT_VOICE = "en-US-AriaNeural"
SERVICE_HZ = 24000
"""The service sends 48 kbit/s MP3 at this rate."""
CONNECT_TIMEOUT_S = 3
RECEIVE_TIMEOUT_S = 5
"""Whole seconds, as edge-tts takes them. A caller is waiting; another engine is at hand."""


class EdgeTts:
    """Speaks with one voice, e.g. `en-GB-SoniaNeural`."""

    def __init__(self, voice: str = DEFAULT_VOICE) -> None:
        self._voice = voice or DEFAULT_VOICE
        self._edge: ModuleType | None = None
        self._refusals: tuple[type[Exception], ...] = ()

    @property
    def name(self) -> str:
        """`edge-tts:` and the voice."""
        return f"edge-tts:{self._voice}"

    async def start(self) -> None:
        """Raises EngineError when the package is missing or the voice's name cannot be one.

        Whether the service answers shows with the first sentence.
        """
        try:
            await asyncio.to_thread(self._import)
        except ImportError as error:
            raise EngineError(
                "edge-tts is not installed.", fix="Install it: pip install 'frontdesk[edge]'."
            ) from error
        except ValueError as error:
            raise EngineError(
                f"“{self._voice}” cannot be a voice of edge-tts.",
                fix="`edge-tts --list-voices` lists them.",
            ) from error

    async def speak(self, text: str, rate_hz: int) -> AsyncIterator[Pcm]:
        """Chunks as they arrive, the first after one exchange with the service."""
        if self._edge is None:
            await self.start()
        decoder, shaper = Mp3Decoder(SERVICE_HZ), Shaper(SERVICE_HZ, rate_hz)
        received = self._receive(text)
        try:
            async for data in received:
                pcm = await asyncio.to_thread(lambda mp3: shaper.feed(decoder.feed(mp3)), data)
                if len(pcm):
                    yield pcm
        finally:
            await received.aclose()
        yield shaper.feed(decoder.finish())
        yield shaper.finish()

    async def aclose(self) -> None:
        """Nothing stays open between sentences."""

    def _import(self) -> None:
        """Most of a second: it brings an HTTP client along."""
        edge = importlib.import_module("edge_tts")
        http = importlib.import_module("aiohttp")
        edge.Communicate("Ready.", self._voice)
        # ValueError and KeyError are what edge-tts raises for answers it cannot parse.
        self._refusals = (
            edge.exceptions.EdgeTTSException,
            http.ClientError,
            OSError,
            ValueError,
            KeyError,
        )
        self._edge = edge

    async def _receive(self, text: str) -> AsyncGenerator[bytes, None]:
        assert self._edge is not None  # noqa: S101 - `speak` has started us
        stream = self._edge.Communicate(
            text,
            self._voice,
            connect_timeout=CONNECT_TIMEOUT_S,
            receive_timeout=RECEIVE_TIMEOUT_S,
        ).stream()
        try:
            async for message in stream:
                if message["type"] == "audio":
                    yield message["data"]
        except self._refusals as error:
            raise EngineError(
                f"The edge-tts service cannot be reached, or refused ({type(error).__name__}).",
                fix="Check the network, or choose another FRONTDESK_TTS_ENGINE.",
            ) from error
        finally:
            await stream.aclose()
