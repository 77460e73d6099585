"""CPU time and memory of the processes of a running Frontdesk, from /proc (Linux)."""

import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from backend.config import Settings
from backend.pbx.render import run_folder

PROC = Path("/proc")
_TICKS_PER_S = os.sysconf("SC_CLK_TCK")
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True, slots=True)
class Usage:
    """What a process and its descendants have used."""

    at_s: float
    cpu_s: float
    rss_mb: float


@dataclass(frozen=True, slots=True)
class Load:
    """What it used between two moments."""

    cpu_percent: float
    """Of one core."""
    rss_mb: float
    """Resident at the end; pages shared by several processes count in each."""


def frontdesk_processes(settings: Settings) -> dict[str, int]:
    """Process ids of `bot` and `asterisk` (as far as they run here and are ours) and `phone`."""
    found = {"phone": os.getpid()}
    run = run_folder(settings)
    supervisor = _pid_in(run / "lock")
    for child in _children(supervisor) if supervisor else []:
        if b"serve" in _command(child):
            found["bot"] = child
    asterisk = _pid_in(run / "run" / "asterisk.pid")
    if asterisk is not None and (PROC / str(asterisk)).exists():
        found["asterisk"] = asterisk
    return found


def usage(pid: int) -> Usage:
    """Used so far by the process and its descendants, ended ones included."""
    ticks, pages = 0, 0
    for one in _tree(pid):
        try:
            # proc(5): the name in parentheses may hold anything; utime is field 14, rss field 24.
            fields = (PROC / str(one) / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        ticks += sum(map(int, fields[11:15]))
        pages += int(fields[21])
    return Usage(time.monotonic(), ticks / _TICKS_PER_S, pages * _PAGE_BYTES / 2**20)


def usages(pids: Mapping[str, int]) -> dict[str, Usage]:
    """`usage` of each."""
    return {name: usage(pid) for name, pid in pids.items()}


def load(before: Usage, after: Usage) -> Load:
    """What was used between the two."""
    took_s = max(after.at_s - before.at_s, 1e-9)
    return Load(100 * (after.cpu_s - before.cpu_s) / took_s, after.rss_mb)


def _tree(pid: int) -> list[int]:
    return [pid, *(one for child in _children(pid) for one in _tree(child))]


def _children(pid: int) -> list[int]:
    found: set[int] = set()
    try:
        for task in (PROC / str(pid) / "task").iterdir():
            found.update(map(int, (task / "children").read_text().split()))
    except OSError:  # it has just ended
        pass
    return sorted(found)


def _command(pid: int) -> list[bytes]:
    try:
        return (PROC / str(pid) / "cmdline").read_bytes().split(b"\0")
    except OSError:
        return []


def _pid_in(path: Path) -> int | None:
    try:
        return int(path.read_text())
    except (OSError, ValueError):
        return None
