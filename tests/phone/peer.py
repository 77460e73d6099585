"""A PBX small enough to misbehave on request: answers calls over real UDP and echoes the audio."""

import asyncio
import contextlib
import hashlib
import struct
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from backend.audio.g711 import encode
from backend.audio.pcm import Pcm
from backend.phone.rtp import pack_header
from backend.phone.sip_message import (
    Headers,
    SipRequest,
    SipResponse,
    address_uri,
    parse_message,
    parse_uri,
)

Address = tuple[str, int]

SDP = """v=0
o=- 1 1 IN IP4 127.0.0.1
s=-
c=IN IP4 127.0.0.1
t=0 0
m=audio {port} RTP/AVP {types}
a=rtpmap:101 telephone-event/8000
a={direction}
"""


@dataclass
class Behaviour:
    """What this peer does differently from a well-mannered PBX."""

    status: int = 200
    reason: str = "OK"
    rings: bool = False
    """Send 180 and never answer."""
    early_media: bool = False
    ignore_first: int = 0
    """Requests lost on the way."""
    password: str = ""
    sdp: str = SDP
    types: str = "0 101"
    mute: bool = False
    """Echo nothing."""
    to_tag: str = ";tag=peer"


@dataclass
class Peer:
    behaviour: Behaviour
    received: list[SipRequest | SipResponse] = field(default_factory=list)
    rtp: list[bytes] = field(default_factory=list)
    port: int = 0
    rtp_port: int = 0
    _sip: asyncio.DatagramTransport | None = None
    _rtp: asyncio.DatagramTransport | None = None
    invite: SipRequest | None = None
    _sequence: int = 0
    _phone: Address = ("", 0)
    _phone_rtp: Address | None = None
    _arrival: asyncio.Event = field(default_factory=asyncio.Event)
    mangle: Callable[[bytes], bytes] = lambda packet: packet
    """What happens to an audio packet before it is echoed."""

    # What tests ask for

    def uri(self, extension: str = "600") -> str:
        return f"sip:{extension}@127.0.0.1:{self.port}"

    def count(self, method: str) -> int:
        return sum(isinstance(m, SipRequest) and m.method == method for m in self.received)

    async def until(self, condition: Callable[[], bool]) -> None:
        while not condition():
            self._arrival.clear()
            await asyncio.wait_for(self._arrival.wait(), 5)

    async def request(self, method: str, body: str = "", reason: str = "") -> SipResponse:
        """A request inside the call, from the PBX; returns the phone's final response."""
        assert self.invite is not None
        cseq = 100 + len(self.received)
        headers = Headers()
        headers.add("Via", f"SIP/2.0/UDP 127.0.0.1:{self.port};branch=z9hG4bKpeer{cseq}")
        headers.add("From", self.invite.headers.get("To") + self.behaviour.to_tag)
        headers.add("To", self.invite.headers.get("From"))
        headers.add("Call-ID", self.invite.call_id)
        headers.add("CSeq", f"{cseq} {method}")
        if reason:
            headers.add("Reason", reason)
        request = SipRequest(headers, body.encode(), method=method, uri="sip:phone@127.0.0.1")
        self.send(request.encode())

        def answers() -> list[SipResponse]:
            return [m for m in self.received if isinstance(m, SipResponse) and m.cseq[0] == cseq]

        await self.until(lambda: bool(answers()))
        return answers()[-1]

    def send(self, datagram: bytes) -> None:
        assert self._sip is not None
        self._sip.sendto(datagram, self._phone)

    def send_rtp(self, datagram: bytes) -> None:
        assert self._rtp is not None
        self._rtp.sendto(datagram, self._phone_rtp)

    async def speak(self, pcm: Pcm) -> None:
        """Say something of our own, as a bot does: a marker, then a packet every 20 ms."""
        data = encode(pcm)
        loop = asyncio.get_running_loop()
        began_s = loop.time()
        for index, start in enumerate(range(0, len(data), 160)):
            self._sequence += 1
            header = pack_header(0, self._sequence, 50_000 + start, 77, marker=index == 0)
            self.send_rtp(header + data[start : start + 160])
            await asyncio.sleep(began_s + 0.02 * (index + 1) - loop.time())

    async def until_caller_has_spoken(self, quiet_packets: int = 10) -> None:
        """Until the phone has sent voice since the last time, and then silence for a while."""
        start = len(self.rtp)

        def voice() -> list[int]:
            packets = enumerate(map(rtp_fields, self.rtp[start:]))
            return [i for i, f in packets if f[0] == 101 or set(f[4]) != {0xFF}]

        await self.until(
            lambda: bool(voice()) and len(self.rtp) - start - voice()[-1] > quiet_packets
        )

    async def call_phone(self, contact_uri: str) -> SipResponse:
        """Call the phone; returns its final response, acknowledged."""
        target = parse_uri(contact_uri)
        self._phone = (target.host, target.port)
        headers = Headers()
        headers.add("Via", f"SIP/2.0/UDP 127.0.0.1:{self.port};branch=z9hG4bKincoming")
        headers.add("From", f'"Bot" <sip:100@127.0.0.1:{self.port}>;tag=bot')
        headers.add("To", f"<{contact_uri}>")
        headers.add("Call-ID", "incoming-call")
        headers.add("CSeq", "1 INVITE")
        headers.add("Contact", f"<sip:100@127.0.0.1:{self.port}>")
        invite = SipRequest(headers, self.description(), method="INVITE", uri=contact_uri)
        self.send(invite.encode())

        def finals() -> list[SipResponse]:
            return [
                m
                for m in self.received
                if isinstance(m, SipResponse) and m.status >= 200 and m.cseq[1] == "INVITE"
            ]

        await self.until(lambda: bool(finals()))
        final = finals()[0]
        headers.items[2] = ("To", final.headers.get("To"))
        headers.items[4] = ("CSeq", "1 ACK")
        self.send(SipRequest(headers, b"", method="ACK", uri=contact_uri).encode())
        self._note_media(final.body)
        return final

    def cancel_call(self, contact_uri: str) -> None:
        headers = Headers()
        headers.add("Via", f"SIP/2.0/UDP 127.0.0.1:{self.port};branch=z9hG4bKincoming")
        headers.add("From", f'"Bot" <sip:100@127.0.0.1:{self.port}>;tag=bot')
        headers.add("To", f"<{contact_uri}>")
        headers.add("Call-ID", "incoming-call")
        headers.add("CSeq", "1 CANCEL")
        self.send(SipRequest(headers, b"", method="CANCEL", uri=contact_uri).encode())

    def description(self, direction: str = "sendrecv") -> bytes:
        text = self.behaviour.sdp.format(
            port=self.rtp_port, types=self.behaviour.types, direction=direction
        )
        return text.replace("\n", "\r\n").encode()

    # The sockets

    def on_sip(self, data: bytes, address: Address) -> None:
        message = parse_message(data)
        self.received.append(message)
        self._phone = address
        self._arrival.set()
        if isinstance(message, SipRequest):
            self._on_request(message)

    def on_rtp(self, data: bytes, address: Address) -> None:
        self.rtp.append(data)
        self._phone_rtp = address
        self._arrival.set()
        if not self.behaviour.mute:
            self.send_rtp(self.mangle(data))

    def _on_request(self, request: SipRequest) -> None:
        if self.behaviour.ignore_first:
            self.behaviour.ignore_first -= 1
        elif request.method == "INVITE":
            self._on_invite(request)
        elif request.method == "CANCEL":
            self.respond(request, 200, "OK")
            assert self.invite is not None
            self.respond(self.invite, 487, "Request Terminated")
        elif request.method == "REGISTER":
            if self._is_stranger(request):
                self._challenge(request)
            else:
                self.respond(request, 200, "OK")
        elif request.method != "ACK":
            self.respond(request, 200, "OK")

    def _on_invite(self, request: SipRequest) -> None:
        behaviour = self.behaviour
        self.invite = request
        self._note_media(request.body)
        if self._is_stranger(request):
            self._challenge(request)
            return
        self.respond(request, 100, "Trying")
        if behaviour.early_media:
            self.respond(request, 183, "Session Progress", body=self.description())
        if behaviour.rings:
            self.respond(request, 180, "Ringing")
            return
        body = self.description() if behaviour.status < 300 else b""
        self.respond(request, behaviour.status, behaviour.reason, body=body)

    def _is_stranger(self, request: SipRequest) -> bool:
        password = self.behaviour.password
        if not password:
            return False
        fields = {}
        for part in request.headers.get("Authorization").removeprefix("Digest ").split(", "):
            key, _, value = part.partition("=")
            fields[key] = value.strip('"')
        if "response" not in fields:
            return True
        ha1 = _md5(f"{fields['username']}:pbx:{password}")
        ha2 = _md5(f"{request.method}:{fields['uri']}")
        middle = f"{fields['nonce']}:{fields['nc']}:{fields['cnonce']}:auth"
        return fields["response"] != _md5(f"{ha1}:{middle}:{ha2}")

    def _challenge(self, request: SipRequest) -> None:
        challenge = 'Digest realm="pbx", nonce="n1", qop="auth", algorithm=MD5'
        self.respond(request, 401, "Unauthorized", extra=("WWW-Authenticate", challenge))

    def _note_media(self, body: bytes) -> None:
        for line in body.decode().splitlines():
            if line.startswith("m=audio "):
                self._phone_rtp = ("127.0.0.1", int(line.split()[1]))

    def respond(
        self,
        request: SipRequest,
        status: int,
        reason: str,
        *,
        body: bytes = b"",
        extra: tuple[str, str] | None = None,
    ) -> None:
        headers = Headers()
        for name in ("Via", "From", "Call-ID", "CSeq"):
            headers.add(name, request.headers.get(name))
        tag = "" if request.to_tag or status == 100 else self.behaviour.to_tag
        headers.add("To", request.headers.get("To") + tag)
        headers.add("Contact", f"<sip:peer@127.0.0.1:{self.port}>")
        if extra:
            headers.add(*extra)
        self.send(SipResponse(headers, body, status=status, reason=reason).encode())


def _md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


class _Protocol(asyncio.DatagramProtocol):
    def __init__(self, handle: Callable[[bytes, Address], None]) -> None:
        self._handle = handle

    def datagram_received(self, data: bytes, addr: Address) -> None:
        self._handle(data, addr)


@asynccontextmanager
async def peer(**behaviour: object) -> AsyncIterator[Peer]:
    it = Peer(Behaviour(**behaviour))  # type: ignore[arg-type]
    loop = asyncio.get_running_loop()
    local = ("127.0.0.1", 0)
    it._sip, _ = await loop.create_datagram_endpoint(lambda: _Protocol(it.on_sip), local)
    it._rtp, _ = await loop.create_datagram_endpoint(lambda: _Protocol(it.on_rtp), local)
    it.port = it._sip.get_extra_info("sockname")[1]
    it.rtp_port = it._rtp.get_extra_info("sockname")[1]
    try:
        yield it
    finally:
        it._sip.close()
        it._rtp.close()
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.sleep(0)


def contact_of(request: SipRequest) -> str:
    return address_uri(request.headers.get("Contact"))


def rtp_fields(packet: bytes) -> tuple[int, bool, int, int, bytes]:
    """Payload type, marker, sequence, timestamp, payload."""
    _, second, sequence, timestamp, _ = struct.unpack_from("!BBHII", packet)
    return second & 0x7F, second >= 0x80, sequence, timestamp, packet[12:]
