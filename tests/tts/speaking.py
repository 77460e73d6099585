"""Small helpers of the synthesiser tests."""

from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import numpy as np

from backend.audio.pcm import EMPTY, Pcm
from backend.tts.base import Synthesiser

SENTENCE = "Your balance is forty-two dollars and fifty cents."


async def said(engine: Synthesiser, text: str = SENTENCE, rate_hz: int = 8000) -> Pcm:
    """Everything the engine makes of a text."""
    return await joined(engine.speak(text, rate_hz))


async def joined(chunks: AsyncIterator[Pcm]) -> Pcm:
    """All chunks in one."""
    parts = [pcm async for pcm in chunks]
    return np.concatenate(parts) if parts else EMPTY


def child_commands() -> list[str]:
    """Command lines of the processes this one has started and not yet reaped."""
    return [command for _, command in children()]


def children() -> list[tuple[int, str]]:
    """Process ids and command lines of the same; threads and processes may end meanwhile."""
    found = []
    for task in Path("/proc/self/task").iterdir():
        with suppress(OSError):
            for pid in (task / "children").read_text().split():
                with suppress(OSError):
                    command = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ")
                    found.append((int(pid), command.decode(errors="replace")))
    return found


def is_running(pid: int) -> bool:
    """Whether there is such a process, a zombie not counted."""
    try:
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False


def open_descriptors() -> int:
    """How many files this process holds."""
    return len(list(Path("/proc/self/fd").iterdir()))
