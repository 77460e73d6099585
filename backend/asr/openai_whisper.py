"""openai-whisper: the original on PyTorch, an optional extra."""

import importlib.util
import threading
from pathlib import Path
from typing import Any

from backend.asr.whisper import WhisperRecogniser
from backend.asr.whisper_model import Samples, most_tokens
from backend.asr.whisper_results import Decoded, Segment
from backend.config import Settings
from backend.core.errors import EngineError

DEFAULT_MODEL = "base"


def openai_whisper(settings: Settings) -> WhisperRecogniser:
    """The recogniser that the settings ask for."""
    return WhisperRecogniser(OpenAiWhisper(settings), workers=1)


class OpenAiWhisper:
    """A `.pt` file: asr_model names it, or a model in `<data_dir>/models/openai-whisper/`."""

    def __init__(self, settings: Settings) -> None:
        self._wanted = settings.asr_model
        self._folder = settings.data_dir / "models" / "openai-whisper"
        self._device = settings.asr_device
        self._compute_type = settings.asr_compute_type
        code = settings.language.replace("_", "-").partition("-")[0].lower()
        self._language = code
        self._model: Any = None
        self._at_work = threading.Lock()

    @property
    def name(self) -> str:
        """`openai-whisper:` and the model."""
        return f"openai-whisper:{Path(self._wanted or DEFAULT_MODEL).name.removesuffix('.pt')}"

    @property
    def language(self) -> str:
        """From the settings; English where they leave it to Whisper."""
        return self._language or "en"

    def load(self) -> None:
        """Read the model. Raises EngineError when the package or the file is missing or damaged."""
        if importlib.util.find_spec("whisper") is None:
            raise EngineError(
                "openai-whisper is not installed.",
                fix="Install the extra: pip install 'frontdesk[openai-whisper]' (it brings "
                "PyTorch), or set FRONTDESK_ASR_ENGINE to faster-whisper.",
            )
        path = self._file()
        import whisper

        device = None if self._device == "auto" else self._device
        try:
            self._model = whisper.load_model(str(path), device=device)
        # PyTorch raises RuntimeError, EOFError, KeyError, UnpicklingError, … for bad files.
        except Exception as error:
            raise EngineError(
                f"The Whisper model {path} cannot be loaded ({type(error).__name__}).",
                fix="Fetch the file again, and check the setting asr_device.",
            ) from error

    def decode(self, audio: Samples, *, quick: bool) -> Decoded:
        """One at a time: the model keeps its attention cache in itself. Always quick: no beams."""
        with self._at_work:
            result = self._model.transcribe(
                audio,
                language=self._language or None,
                temperature=0.0,
                condition_on_previous_text=False,
                sample_len=most_tokens(audio),
                no_speech_threshold=None,
                logprob_threshold=None,
                compression_ratio_threshold=None,
                fp16=self._model.device.type == "cuda" and self._compute_type != "float32",
                verbose=None,
            )
        return Decoded(
            [
                Segment(
                    segment["text"],
                    segment["avg_logprob"],
                    segment["no_speech_prob"],
                    segment["compression_ratio"],
                    len(segment["tokens"]),
                )
                for segment in result["segments"]
            ],
            result["language"],
        )

    def unload(self) -> None:
        """Free the memory."""
        self._model = None

    def _file(self) -> Path:
        """A file, never a name: given a name, the library would download during a start."""
        name = self._wanted or DEFAULT_MODEL
        for path in (Path(name).expanduser(), self._folder / f"{name}.pt"):
            if path.is_file():
                return path
        raise EngineError(
            f"There is no openai-whisper model {name}.",
            fix=f"Put its .pt file into {self._folder}, or name the file in FRONTDESK_ASR_MODEL.",
        )
