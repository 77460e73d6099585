"""What a SIP dialog remembers (RFC 3261 §12), and the requests it builds from that."""

import secrets
from dataclasses import dataclass, field

from backend.core.errors import LineError
from backend.phone.sip_message import Headers, SipRequest, SipResponse, address_uri

BRANCH_COOKIE = "z9hG4bK"
"""RFC 3261 §8.1.1.7: marks branches that are unique."""
USER_AGENT = "frontdesk-phone"
ALLOW = "INVITE, ACK, BYE, CANCEL, OPTIONS, UPDATE, INFO, NOTIFY"


def new_branch() -> str:
    """A transaction's name."""
    return BRANCH_COOKIE + secrets.token_hex(8)


def host_for_uri(host: str) -> str:
    """A host as URIs and Via write it: IPv6 in brackets."""
    return f"[{host}]" if ":" in host else host


@dataclass(slots=True)
class Dialog:
    """One dialog seen from our side. Addresses are whole header values without tags."""

    local: str
    remote: str
    contact: str
    """Our own URI."""
    target: str
    """Where in-dialog requests are addressed to; the peer's Contact once known."""
    via_host: str
    """`host:port` of our socket."""
    call_id: str = field(default_factory=lambda: secrets.token_hex(12))
    local_tag: str = field(default_factory=lambda: secrets.token_hex(6))
    remote_tag: str = ""
    route: list[str] = field(default_factory=list)
    cseq: int = 0

    def request(
        self,
        method: str,
        *,
        branch: str = "",
        cseq: int | None = None,
        extra: tuple[tuple[str, str], ...] = (),
        body: bytes = b"",
    ) -> SipRequest:
        """The next request; `cseq` and `branch` repeat those of another (ACK, CANCEL)."""
        if cseq is None:
            self.cseq += 1
            cseq = self.cseq
        remote_tag = f";tag={self.remote_tag}" if self.remote_tag else ""
        headers = Headers()
        headers.add("Via", f"SIP/2.0/UDP {self.via_host};branch={branch or new_branch()};rport")
        headers.add("Max-Forwards", "70")
        headers.add("From", f"{self.local};tag={self.local_tag}")
        headers.add("To", f"{self.remote}{remote_tag}")
        headers.add("Call-ID", self.call_id)
        headers.add("CSeq", f"{cseq} {method}")
        for route in self.route:
            headers.add("Route", route)
        if method in {"INVITE", "UPDATE", "REGISTER"}:
            headers.add("Contact", f"<{self.contact}>")
            headers.add("Allow", ALLOW)
        headers.add("User-Agent", USER_AGENT)
        for name, value in extra:
            headers.add(name, value)
        if body:
            headers.add("Content-Type", "application/sdp")
        return SipRequest(headers, body, method=method, uri=self.target)

    def confirm(self, response: SipResponse) -> None:
        """Take the peer's tag, contact and route from its 2xx. Raises LineError without a tag."""
        if not response.to_tag:
            raise LineError("The PBX answered the call without a To tag.")
        self.remote_tag = response.to_tag
        contacts = response.headers.all("Contact")
        if contacts:
            self.target = address_uri(contacts[0])
        self.route = list(reversed(response.headers.all("Record-Route")))

    def ack_2xx(self, invite: SipRequest) -> SipRequest:
        """The ACK of a 2xx: a transaction of its own, with the INVITE's number."""
        return self.request("ACK", cseq=invite.cseq[0])


def ack_failure(invite: SipRequest, response: SipResponse) -> SipRequest:
    """The ACK of a non-2xx final response: part of the INVITE's transaction (§17.1.1.3)."""
    return _like(invite, "ACK", response.headers.get("To"))


def cancel(invite: SipRequest) -> SipRequest:
    """The CANCEL of an INVITE that has had a provisional response (§9.1)."""
    return _like(invite, "CANCEL", invite.headers.get("To"))


def _like(invite: SipRequest, method: str, to: str) -> SipRequest:
    headers = Headers()
    for name in ("Via", "From", "Call-ID", "Max-Forwards"):
        headers.add(name, invite.headers.get(name))
    headers.add("To", to)
    headers.add("CSeq", f"{invite.cseq[0]} {method}")
    for route in invite.headers.all("Route"):
        headers.add("Route", route)
    return SipRequest(headers, b"", method=method, uri=invite.uri)
