"""Session descriptions (RFC 4566, RFC 3264): one audio stream, G.711 and telephone events."""

import ipaddress
from dataclasses import dataclass

from backend.audio.g711 import Law
from backend.core.errors import LineError

PAYLOAD_TYPES = {Law.MU: 0, Law.A: 8}
"""Static RTP payload types (RFC 3551)."""
EVENT_PAYLOAD_TYPE = 101
_ON_HOLD = frozenset({"a=sendonly", "a=inactive"})
_NAMES = {Law.MU: "PCMU", Law.A: "PCMA"}


@dataclass(frozen=True, slots=True)
class MediaAnswer:
    """What the peer agreed to."""

    host: str
    port: int
    """0 when the peer refused the audio stream."""
    law: Law
    event_payload_type: int | None
    """Payload type of telephone-event; None when the peer does not take key presses so."""
    listening: bool = True
    """False while the peer has us on hold: it wants no audio."""


def build_offer(
    host: str, port: int, session_id: int, laws: tuple[Law, ...], *, listening: bool = True
) -> bytes:
    """An offer of G.711 in order of preference, 20 ms packets, and telephone events.

    As the answer to a peer that puts us on hold (`listening` false) we only receive.
    """
    family = "IP6" if ":" in host else "IP4"
    types = [PAYLOAD_TYPES[law] for law in laws]
    lines = [
        "v=0",
        f"o=- {session_id} {session_id} IN {family} {host}",
        "s=frontdesk-phone",
        f"c=IN {family} {host}",
        "t=0 0",
        f"m=audio {port} RTP/AVP {' '.join(map(str, types))} {EVENT_PAYLOAD_TYPE}",
        *(f"a=rtpmap:{PAYLOAD_TYPES[law]} {_NAMES[law]}/8000" for law in laws),
        f"a=rtpmap:{EVENT_PAYLOAD_TYPE} telephone-event/8000",
        f"a=fmtp:{EVENT_PAYLOAD_TYPE} 0-15",
        "a=ptime:20",
        "a=sendrecv" if listening else "a=recvonly",
    ]
    return "\r\n".join([*lines, ""]).encode()


def parse_media(body: bytes) -> MediaAnswer:
    """The first audio stream of an offer or answer. Raises LineError when there is nothing usable.

    The law is the first G.711 payload type listed.
    """
    try:
        lines = body.decode("utf-8").splitlines()
    except UnicodeDecodeError as error:
        raise LineError("The peer's session description is not UTF-8.") from error
    session_host = media_host = ""
    media: list[str] | None = None
    names: dict[int, str] = {}
    listening = True
    for line in lines:
        if line.startswith("m="):
            if media is not None:
                break
            parts = line[2:].split()
            if parts[:1] == ["audio"]:
                media = parts
        elif line.startswith("c="):
            if media is None:
                session_host = _connection_host(line)
            else:
                media_host = _connection_host(line)
        elif line.startswith("a=rtpmap:") and media is not None:
            _note_rtpmap(line, names)
        elif line.strip() in _ON_HOLD:
            listening = False
    if media is None:
        raise LineError("The peer's session description has no audio stream.")
    host = media_host or session_host
    # An address of zeros is how hold was asked for before RFC 3264.
    return _answer(media, host, names, listening=listening and host not in {"0.0.0.0", "::"})  # noqa: S104


def _connection_host(line: str) -> str:
    parts = line[2:].split()
    if len(parts) != 3:
        raise LineError(f"The peer's session description has a bad address: {line[:60]!r}.")
    host = parts[2].partition("/")[0]
    try:
        ipaddress.ip_address(host)
    except ValueError as error:
        # A name would have to be looked up, in the middle of a call.
        raise LineError(f"The peer wants its audio at {host[:60]!r}, no IP address.") from error
    return host


def _note_rtpmap(line: str, names: dict[int, str]) -> None:
    number, _, name = line.removeprefix("a=rtpmap:").partition(" ")
    if _is_small_number(number):
        names[int(number)] = name.strip().lower()


def _answer(media: list[str], host: str, names: dict[int, str], *, listening: bool) -> MediaAnswer:
    if len(media) < 4 or not _is_small_number(media[1].partition("/")[0]):
        raise LineError("The peer's session description has a malformed m= line.")
    port = int(media[1].partition("/")[0])
    if port > 65535 or not host:
        raise LineError("The peer's session description has no address to send audio to.")
    types = [int(item) for item in media[3:] if _is_small_number(item)]
    laws = {number: law for law, number in PAYLOAD_TYPES.items()}
    law = next((laws[item] for item in types if item in laws), None)
    if law is None and port:
        raise LineError("The peer offers no G.711 (PCMU or PCMA); this phone speaks nothing else.")
    events = [item for item in types if names.get(item, "").startswith("telephone-event/8000")]
    return MediaAnswer(host, port, law or Law.MU, events[0] if events else None, listening)


def _is_small_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 5
