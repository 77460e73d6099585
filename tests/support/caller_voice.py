"""A caller's voice for tests: the flite program, as the telephone carries it."""

import asyncio
import shutil
import tempfile
from pathlib import Path

from backend.audio.pcm import Pcm
from backend.audio.resample import resample
from backend.audio.wav import read_wav

VOICES = ("slt", "awb", "rms", "kal16")


def have_flite() -> bool:
    """Tests that need it are skipped where it is not installed."""
    return shutil.which("flite") is not None


async def flite(text: str, voice: str = "slt") -> Pcm:
    """Speech at 8 kHz."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "speech.wav"
        command = ("flite", "-voice", voice, "-t", text, "-o", str(path))
        process = await asyncio.create_subprocess_exec(*command)
        assert await process.wait() == 0, f"flite cannot say {text!r}"
        pcm, rate_hz = read_wav(path)
    return resample(pcm, rate_hz, 8000)
