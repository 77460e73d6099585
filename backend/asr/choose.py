"""From settings to a recogniser: which engines are tried, and in which order."""

from backend.asr.base import Recogniser
from backend.asr.faster_whisper import faster_whisper
from backend.asr.ladder import LadderRecogniser, Rung, Warn
from backend.asr.openai_whisper import openai_whisper
from backend.config import Settings
from backend.core.capacity import most_calls
from backend.modelstore.store import ModelStore
from backend.parts.finder import find


def choose_recogniser(settings: Settings, warn: Warn) -> Recogniser:
    """The engine these settings ask for, with those below it behind.

    Never raises: what cannot work is found out, and warned of, by the recogniser's `start`.
    """
    builders = {
        "openai-whisper": lambda: openai_whisper(settings),
        "faster-whisper": lambda: faster_whisper(settings),
        "pocketsphinx": lambda: _pocketsphinx(settings),
    }
    return LadderRecogniser([Rung(name, builders[name]) for name in _ladder(settings)], warn)


def _ladder(settings: Settings) -> list[str]:
    """Best first. Whisper is no rung where nobody asked for it and no model of it is here."""
    store = ModelStore(settings.data_dir)
    model = settings.asr_model or store.find_whisper("", settings.language)
    default = ["faster-whisper", "pocketsphinx"] if model else ["pocketsphinx"]
    match settings.asr_engine:
        case "auto":
            return default
        case "pocketsphinx":
            return ["pocketsphinx"]
        case asked:
            return list(dict.fromkeys((asked, *default)))


def _pocketsphinx(settings: Settings) -> Recogniser:
    # Imported when it is needed: it brings its English model with it.
    from backend.asr.pocketsphinx import PocketSphinx

    return PocketSphinx(
        workers=settings.asr_workers,
        folder=settings.data_dir.absolute() / "models" / "pocketsphinx",
        flite=find("flite", settings.data_dir),
        calls=most_calls(settings.max_calls, settings.data_dir),
    )
