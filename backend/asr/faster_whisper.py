"""faster-whisper: Whisper on CTranslate2, from a folder on this machine and never from the net."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from backend.asr.whisper import WhisperRecogniser
from backend.asr.whisper_model import Samples, most_tokens
from backend.asr.whisper_results import Decoded, Segment
from backend.config import Settings
from backend.core.errors import EngineError
from backend.modelstore.store import ModelStore, missing_files

BEAMS = 5
"""Whisper's own default; for a phone call's few words the encoder takes most of the time."""
QUICK_BEAMS = 1


def faster_whisper(settings: Settings) -> WhisperRecogniser:
    """The recogniser that the settings ask for. Raises EngineError when its model is not here."""
    store = ModelStore(settings.data_dir)
    folder = store.find_whisper(settings.asr_model, settings.language)
    if folder is None:
        wanted = settings.asr_model or "tiny.en"
        raise EngineError(
            f"The Whisper model {settings.asr_model} is not here."
            if settings.asr_model
            else "There is no Whisper model here.",
            fix=f"Fetch one: `frontdesk models fetch {wanted}`.",
        )
    return WhisperRecogniser(FasterWhisper(folder, settings), settings.asr_workers)


class FasterWhisper:
    """A model folder in CTranslate2's format.

    `limit` is how many tokens the text of this audio may have.
    """

    def __init__(
        self, folder: Path, settings: Settings, limit: Callable[[Samples], int] = most_tokens
    ) -> None:
        self._folder = folder
        self._limit = limit
        self._device = settings.asr_device
        self._compute_type = settings.asr_compute_type
        self._workers = settings.asr_workers
        self._language = settings.language.replace("_", "-").partition("-")[0].lower()
        self._model: Any = None

    @property
    def name(self) -> str:
        """`faster-whisper:` and the folder's name."""
        return f"faster-whisper:{self._folder.name}"

    @property
    def language(self) -> str:
        """From the settings; English where they leave it to Whisper."""
        return self._language or "en"

    def load(self) -> None:
        """Read the model. Raises EngineError for a folder that is missing, incomplete, damaged."""
        missing = missing_files(self._folder)
        if missing:
            raise EngineError(
                f"The Whisper model in {self._folder} lacks {', '.join(missing)}.",
                fix="Delete the folder and fetch the model again: `frontdesk models fetch`.",
            )
        from faster_whisper import WhisperModel, transcribe

        # Progress bars are never shown, yet tqdm would start a thread to watch over them.
        transcribe.tqdm.monitor_interval = 0
        try:
            self._model = WhisperModel(
                str(self._folder),
                device=self._device,
                compute_type=self._compute_type,
                num_workers=self._workers,
                cpu_threads=max(1, (os.cpu_count() or 1) // self._workers),
                local_files_only=True,
            )
        # Its libraries raise RuntimeError, ValueError, OSError and bare Exception for bad files.
        except Exception as error:
            raise EngineError(
                f"The Whisper model in {self._folder} cannot be loaded ({_first_line(error)}).",
                fix="If the settings asr_device and asr_compute_type fit this machine, the files "
                "are damaged: delete the folder and fetch the model again.",
            ) from error
        self._check_language()

    def decode(self, audio: Samples, *, quick: bool) -> Decoded:
        """At one temperature: a second pass at another would answer too late."""
        segments, info = self._model.transcribe(
            audio,
            language=self._language or None,
            beam_size=QUICK_BEAMS if quick else BEAMS,
            temperature=0.0,
            condition_on_previous_text=False,
            without_timestamps=True,
            # CTranslate2 gives the text half of the length that it is allowed.
            max_new_tokens=2 * self._limit(audio),
            # `whisper_results` judges these; here a segment would vanish without its scores.
            no_speech_threshold=None,
            log_prob_threshold=None,
            compression_ratio_threshold=None,
        )
        return Decoded(
            [
                Segment(
                    segment.text,
                    segment.avg_logprob,
                    segment.no_speech_prob,
                    segment.compression_ratio,
                    len(segment.tokens),
                )
                for segment in segments
            ],
            info.language,
            float(info.language_probability),
        )

    def unload(self) -> None:
        """Free the memory."""
        self._model = None

    def _check_language(self) -> None:
        known = self._model.supported_languages
        if self._language and self._language not in known:
            self._model = None
            only = "only knows English" if len(known) == 1 else "does not know that language"
            raise EngineError(
                f"FRONTDESK_LANGUAGE is {self._language!r}, and the model "
                f"{self._folder.name} {only}.",
                fix="Use a model without “.en” in its name.",
            )


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__
