"""Running a module of ours as a program: off the interpreter lock of the one that answers calls."""

import asyncio
import sys

from backend.config import ROOT

_LONGEST_COMPLAINT = 300


async def run_child(module: str, request: bytes, limit_s: float) -> tuple[bytes, str]:
    """Standard output of `python -m module` on `request`, and the last line it complained with.

    Raises TimeoutError and OSError. Cancelling ends the process.
    """
    child = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", module),
        cwd=ROOT,  # where this package is found even when it is not installed
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(limit_s):
            output, complaint = await child.communicate(request)
    finally:
        if child.returncode is None:
            child.kill()
            await child.wait()
    lines = complaint.decode(errors="replace").strip()
    return output, lines.rpartition("\n")[2][:_LONGEST_COMPLAINT]
