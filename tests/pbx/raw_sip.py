"""SIP by hand, for what a decent telephone would never send. RFC 3261, 17 and 13."""

import re
from dataclasses import dataclass, field
from uuid import uuid4

CRYPTO = "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:" + "QUJD" * 10


@dataclass
class RawCall:
    """The requests of one call, as bytes; headers are not checked in any way."""

    target: str
    """Request URI."""
    caller: str
    """User part of the From header."""
    own: str
    """Our `address:port`."""
    transport: str = "UDP"
    secure_media: bool = False
    to_tag: str = ""
    mark: str = field(default_factory=lambda: uuid4().hex)
    """What no other call has, for Call-ID and branches."""

    def invite(self) -> bytes:
        profile, crypto = ("RTP/SAVP", f"{CRYPTO}\r\n") if self.secure_media else ("RTP/AVP", "")
        host = self.own.rpartition(":")[0]
        description = (
            f"v=0\r\no=- 1 1 IN IP4 {host}\r\ns=-\r\nc=IN IP4 {host}\r\nt=0 0\r\n"
            f"m=audio 9 {profile} 0\r\n{crypto}"
        )
        return self._request("INVITE", 1, description)

    def ack(self) -> bytes:
        return self._request("ACK", 1)

    def bye(self) -> bytes:
        return self._request("BYE", 2)

    def learn(self, response: bytes) -> int:
        """Take the tag from a response and return its status."""
        tag = re.search(rb"^To:.*;tag=([^\r\n;]+)", response, re.MULTILINE | re.IGNORECASE)
        self.to_tag = tag[1].decode() if tag else ""
        return int(response.split(b" ", 2)[1])

    def _request(self, method: str, number: int, body: str = "") -> bytes:
        tag = f";tag={self.to_tag}" if self.to_tag and method != "INVITE" else ""
        lines = (
            f"{method} {self.target} SIP/2.0",
            f"Via: SIP/2.0/{self.transport} {self.own};branch=z9hG4bK-{method}-{self.mark};rport",
            "Max-Forwards: 70",
            f'From: "x" <sip:{self.caller}@{self.own}>;tag=raw',
            f"To: <{self.target}>{tag}",
            f"Call-ID: raw-{self.mark}",
            f"CSeq: {number} {method}",
            f"Contact: <sip:raw@{self.own};transport={self.transport.lower()}>",
            *(["Content-Type: application/sdp"] if body else []),
            f"Content-Length: {len(body)}",
        )
        return ("\r\n".join(lines) + "\r\n\r\n" + body).encode()
