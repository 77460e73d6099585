"""A real Asterisk for tests: on free ports, in a folder of the test's own."""

import random
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from backend.config import ROOT, Settings
from backend.parts.asterisk import ensure_asterisk
from backend.parts.program import Program
from backend.pbx.server import PbxServer

PARTS_HOME = ROOT / "var"
"""Parts are unpacked once for all test runs."""

_RTP_PORTS = 200
_CHANCE = random.SystemRandom()
_RTP, _PORTS = (10000, 28000), (28200, 32768)


def asterisk() -> Program:
    """The machine's Asterisk, or the repository's unpacked one."""
    return ensure_asterisk(PARTS_HOME, print)


def pbx_settings(tmp_path: Path, **changes: Any) -> Settings:
    """Settings whose every port is free and whose every file is under `tmp_path`."""
    rtp = _free_range(_RTP_PORTS)
    values: dict[str, Any] = {
        "data_dir": tmp_path,
        "sip_port": free_port(socket.SOCK_DGRAM),
        "ari_port": free_port(),
        "ami_port": free_port(),
        "agi_port": free_port(),
        "twilio_tls_port": free_port(),
        "web_port": free_port(),
        "rtp_start": rtp,
        "rtp_end": rtp + _RTP_PORTS - 1,
    }
    return Settings(_env_file=None, **(values | changes))


@asynccontextmanager
async def running_pbx(tmp_path: Path, **changes: Any) -> AsyncIterator[tuple[Settings, PbxServer]]:
    """An Asterisk that takes calls, with these settings changed; stopped on the way out.

    Nothing listens on `settings.agi_port` until the test starts a bot there.
    """
    settings = pbx_settings(tmp_path, **changes)
    server = PbxServer(settings, asterisk())
    await server.start()
    try:
        yield settings, server
    finally:
        await server.stop()


def free_port(kind: socket.SocketKind = socket.SOCK_STREAM) -> int:
    """A port nobody has, below the kernel's ephemeral ones: other tests' clients get those."""
    for _attempt in range(100):
        port = _CHANCE.randrange(*_PORTS)
        if _is_free(port, kind):
            return port
    raise RuntimeError("no free port")


def _free_range(count: int) -> int:
    """Start of a range of UDP ports, free at both ends."""
    for _attempt in range(100):
        start = _CHANCE.randrange(*_RTP, 2)
        if all(_is_free(port) for port in (start, start + count - 1)):
            return start
    raise RuntimeError("no free range of ports for RTP")


def _is_free(port: int, kind: socket.SocketKind = socket.SOCK_DGRAM) -> bool:
    with socket.socket(socket.AF_INET, kind) as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True
