"""An Asterisk that an earlier, killed run of ours left behind."""

import asyncio
import os
import signal
from pathlib import Path

import structlog

from backend.core.errors import PbxError

log = structlog.get_logger(__name__)

_GRACE_S = 3.0


async def stop(conf: Path) -> None:
    """End every Asterisk of our user that runs on this configuration file, and no other process.

    Call it only while holding the run folder's lock: then nobody alive owns such a process.
    Raises PbxError when one will not go away.
    """
    for pid in _running_on(conf):
        log.warning("pbx-orphan", pid=pid)
        try:
            handle = os.pidfd_open(pid)
        except ProcessLookupError:
            continue
        try:
            if pid in _running_on(conf):  # the handle is surely that process, not a successor
                await _end(handle, pid)
        finally:
            os.close(handle)


async def _end(handle: int, pid: int) -> None:
    gone = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_reader(handle, gone.set)  # a pidfd becomes readable when its process has ended
    try:
        for number in (signal.SIGTERM, signal.SIGKILL):
            signal.pidfd_send_signal(handle, number)
            try:
                async with asyncio.timeout(_GRACE_S):
                    await gone.wait()
                return
            except TimeoutError:
                continue
            except ProcessLookupError:
                return
    except ProcessLookupError:
        return
    finally:
        loop.remove_reader(handle)
    raise PbxError(f"An earlier Asterisk (process {pid}) cannot be stopped.", fix=f"kill -9 {pid}")


def _running_on(conf: Path) -> list[int]:
    wanted = os.fsencode(conf)
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            words = (entry / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if wanted in words and any(w.rsplit(b"/", 1)[-1] == b"asterisk" for w in words):
            found.append(int(entry.name))
    return found
