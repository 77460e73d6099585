"""From settings to a voice: which engines are there, and in which order they are tried."""

import importlib.util
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from backend.config import Settings
from backend.parts.program import Program
from backend.tts.base import Synthesiser
from backend.tts.cache import SpeechCache
from backend.tts.espeak import EspeakNg
from backend.tts.flite import VOICES as FLITE_VOICES
from backend.tts.flite import Flite
from backend.tts.piper import Piper, find_voice, is_installed
from backend.tts.prompts import Prompts
from backend.tts.rung import Rung
from backend.tts.voice import LadderVoice, Warn

FindProgram = Callable[[str], Program | None]
"""`flite` or `espeak-ng` → how to run it here, or None."""

LADDER = ("piper", "flite", "espeak-ng")
"""Best first. edge-tts is never chosen without being asked for: it sends sentences away."""

QUEUE_S = 2.0
"""A caller takes a longer pause for trouble on the line."""
PROGRAM_S = 4.0
PIPER_S = 4.0
ONLINE_S = 5.0
ONLINE_AT_ONCE = 8


def choose_voice(
    settings: Settings,
    find_program: FindProgram,
    warn: Warn,
    *,
    prompts_dir: Path | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> LadderVoice:
    """The voice these settings ask for, with every other engine that is there behind it.

    Never raises: an engine that was asked for and is missing is warned of, and the rest serve.
    """
    first = _asked_for(settings)
    rungs: list[Rung] = []
    for engine in dict.fromkeys((first, *_ladder(settings))):
        voice = settings.tts_voice if engine == first else ""
        rung = _rung(engine, voice, settings, find_program, clock)
        if rung is not None:
            rungs.append(rung)
        elif engine == first and settings.tts_engine != "auto":
            asked = f"{engine} with the voice “{voice}”" if voice else engine
            warn("tts-engine", f"{asked} was asked for but is not here. Run `frontdesk doctor`.")
    cache = SpeechCache(speech_folder(settings), settings.tts_cache_mb * 1024 * 1024)
    prompts = Prompts(prompts_dir) if prompts_dir is not None else None
    return LadderVoice(rungs, cache, warn, prompts=prompts)


@dataclass(frozen=True, slots=True)
class VoiceChoice:
    """One voice that can be chosen."""

    engine: str
    """Value of the setting `tts_engine`."""
    voice: str
    """Value of the setting `tts_voice`."""
    is_online: bool = False
    """Sentences are sent to somebody else's machine."""


def voices_here(settings: Settings, find_program: FindProgram) -> list[VoiceChoice]:
    """Every voice this machine can speak with, best engine first. Looks at the disk."""
    found = []
    if is_installed():
        models = sorted(piper_folder(settings).glob("*.onnx"))
        found += [
            VoiceChoice("piper", model.stem)
            for model in models
            if find_voice(model.stem, model.parent)
        ]
    if find_program("flite") is not None:
        found += [VoiceChoice("flite", voice) for voice in FLITE_VOICES]
    if find_program("espeak-ng") is not None:
        found.append(VoiceChoice("espeak-ng", ""))
    if importlib.util.find_spec("edge_tts") is not None:
        found.append(VoiceChoice("edge-tts", "", is_online=True))
    return found


def speech_folder(settings: Settings) -> Path:
    """Where spoken sentences are kept: shared with the PBX, which plays them from there."""
    return settings.media_dir / "speech"


def piper_folder(settings: Settings) -> Path:
    """Where installed Piper voices lie."""
    return settings.data_dir / "models" / "piper"


def _asked_for(settings: Settings) -> str:
    """The engine named, else the one that has the voice named, else the best."""
    if settings.tts_engine != "auto":
        return settings.tts_engine
    voice = settings.tts_voice
    if not voice or find_voice(voice, piper_folder(settings)) is not None:
        return LADDER[0]
    return "flite" if voice in FLITE_VOICES or voice.endswith(".flitevox") else "espeak-ng"


def _ladder(settings: Settings) -> tuple[str, ...]:
    """flite reads any other language as if it were English."""
    if settings.language.startswith("en"):
        return LADDER
    return tuple(engine for engine in LADDER if engine != "flite")


def _rung(
    engine: str,
    voice: str,
    settings: Settings,
    find_program: FindProgram,
    clock: Callable[[], float],
) -> Rung | None:
    """None when the engine, or its voice, is not on this machine."""
    cores = os.cpu_count() or 1
    match engine:
        case "piper":
            model = find_voice(voice, piper_folder(settings), settings.language)
            if model is None or not is_installed():
                return None
            # One is being made, one waits in the worker: its process uses all cores by itself.
            return Rung(Piper(model), slots=2, queue_s=QUEUE_S, chunk_s=PIPER_S, clock=clock)
        case "edge-tts":
            return _online(voice, clock)
        case _:
            program = find_program(engine)
            if program is None:
                return None
            synthesiser = _program_engine(engine, voice, settings.language, program, cores)
            return Rung(synthesiser, slots=cores, queue_s=QUEUE_S, chunk_s=PROGRAM_S, clock=clock)


def _program_engine(
    engine: str, voice: str, language: str, program: Program, threads: int
) -> Synthesiser:
    if engine == "flite":
        return Flite(voice, command=program.command, env=program.env, threads=threads)
    voice = voice or ("" if language.startswith("en") else language)
    return EspeakNg(voice, command=program.command, env=program.env, threads=threads)


def _online(voice: str, clock: Callable[[], float]) -> Rung | None:
    if importlib.util.find_spec("edge_tts") is None:
        return None
    # Imported only when asked for: it loads FFmpeg.
    from backend.tts.edge import EdgeTts

    return Rung(
        EdgeTts(voice), slots=ONLINE_AT_ONCE, queue_s=QUEUE_S, chunk_s=ONLINE_S, clock=clock
    )
