"""Asking a SIP server whether it answers, and whether our ports are free to use."""

import asyncio
import itertools
import socket
from collections.abc import Iterable
from dataclasses import dataclass

from backend.config import Settings
from backend.core.errors import PbxError
from backend.pbx.render import BOT_EXTENSION, sip_address, uses_trunk

_RETRY_S = 0.02


@dataclass(frozen=True, slots=True)
class Listener:
    """One address the own PBX listens on, and the setting that moves it."""

    setting: str
    host: str
    port: int
    kind: socket.SocketKind


def listeners(settings: Settings) -> list[Listener]:
    """Every address the own PBX binds when it starts."""
    tcp, udp = socket.SOCK_STREAM, socket.SOCK_DGRAM
    found = [
        Listener("FRONTDESK_SIP_PORT", settings.sip_host, settings.sip_port, udp),
        Listener("FRONTDESK_ARI_PORT", "127.0.0.1", settings.ari_port, tcp),
        Listener("FRONTDESK_AMI_PORT", "127.0.0.1", settings.ami_port, tcp),
    ]
    if uses_trunk(settings):
        found.append(
            Listener("FRONTDESK_TWILIO_TLS_PORT", settings.sip_host, settings.twilio_tls_port, tcp)
        )
    return found


def require_free(wanted: Iterable[Listener]) -> None:
    """Raise PbxError naming the first port that somebody else has, and its setting."""
    for one in wanted:
        family = socket.AF_INET6 if ":" in one.host else socket.AF_INET
        with socket.socket(family, one.kind) as probe:
            if one.kind == socket.SOCK_STREAM:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((one.host, one.port))
            except OSError as error:
                kind = "TCP" if one.kind == socket.SOCK_STREAM else "UDP"
                raise PbxError(
                    f"{kind} port {one.port} on {one.host} cannot be used: {error.strerror}.",
                    fix=f"Stop what uses it, or set {one.setting} to another port.",
                ) from error


def reachable_host(settings: Settings) -> str:
    """An address that reaches the own PBX from this machine. Raises PbxError."""
    address = sip_address(settings)
    if address.is_unspecified:
        return "127.0.0.1" if address.version == 4 else "::1"
    return str(address)


async def answers(settings: Settings, timeout_s: float) -> bool:
    """Whether the own PBX takes calls within that time."""
    try:
        async with asyncio.timeout(timeout_s):
            await sip_answers(settings)
    except TimeoutError:
        return False
    return True


async def sip_answers(settings: Settings) -> None:
    """Return as soon as the PBX answers `200` to OPTIONS for the bot. Waits for ever.

    Asterisk answers 404 while its dialplan is not loaded, so 200 means that it takes calls.
    """
    loop = asyncio.get_running_loop()
    host, port = reachable_host(settings), settings.sip_port
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as sock:
        sock.setblocking(False)
        sock.connect((host, port))
        own = _with_port(*sock.getsockname()[:2])
        target = f"{BOT_EXTENSION}@{_with_port(host, port)}"
        for number in itertools.count(1):
            try:
                sock.send(_options(target, own, number))
                async with asyncio.timeout(_RETRY_S):
                    if (await loop.sock_recv(sock, 65535)).startswith(b"SIP/2.0 200"):
                        return
            except TimeoutError:
                continue
            except OSError:  # nobody listens there yet
                pass
            await asyncio.sleep(_RETRY_S)


def _options(target: str, own: str, number: int) -> bytes:
    """RFC 3261, 11."""
    lines = (
        f"OPTIONS sip:{target} SIP/2.0",
        f"Via: SIP/2.0/UDP {own};branch=z9hG4bK-probe-{number};rport",
        "Max-Forwards: 70",
        f"From: <sip:probe@{own}>;tag=probe{number}",
        f"To: <sip:{target}>",
        f"Call-ID: probe-{number}@{own}",
        f"CSeq: {number} OPTIONS",
        f"Contact: <sip:probe@{own}>",
        "Content-Length: 0",
    )
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def _with_port(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
