"""Calls that reach the phone: ringing, answered, declined, or taken back by the caller."""

import asyncio
import secrets
import time
from collections.abc import Callable

from backend.core.errors import LineError
from backend.phone.call import PhoneCall
from backend.phone.results import CallEnd, CallOverError, EndedBy
from backend.phone.sdp import MediaAnswer, build_offer, parse_media
from backend.phone.sip_dialog import Dialog
from backend.phone.sip_endpoint import SipEndpoint
from backend.phone.sip_message import SipRequest, address_uri, parse_uri, strip_tag
from backend.phone.udp import Address


def dialog_of(invite: SipRequest, contact: str, via_host: str) -> Dialog:
    """The dialog an INVITE of the peer's opens (RFC 3261 §12.1.1). Raises LineError."""
    contacts = invite.headers.all("Contact")
    if not contacts:
        raise LineError("An incoming call has no Contact header.")
    return Dialog(
        local=strip_tag(invite.headers.require("To")),
        remote=strip_tag(invite.headers.require("From")),
        contact=contact,
        target=address_uri(contacts[0]),
        via_host=via_host,
        call_id=invite.call_id,
        remote_tag=invite.from_tag,
        route=invite.headers.all("Record-Route"),
        cseq=secrets.randbelow(10_000),
    )


class IncomingCall:
    """A call that is ringing. Made by `Phone.wait_for_call`; answer it or decline it."""

    def __init__(
        self,
        invite: SipRequest,
        dialog: Dialog,
        endpoint: SipEndpoint,
        peer: Address,
        make_call: Callable[["IncomingCall", MediaAnswer], PhoneCall],
        on_over: Callable[["IncomingCall"], None],
    ) -> None:
        """Raises LineError when the offer has nothing we speak."""
        self.dialog = dialog
        self.peer = peer
        self.ringing_since_s = time.monotonic()
        self._offer = parse_media(invite.body)
        self._invite = invite
        self._endpoint = endpoint
        self._make_call = make_call
        self._on_over = on_over
        self._over: asyncio.Future[CallEnd] = asyncio.get_running_loop().create_future()
        self._answered = False
        self._respond(180, "Ringing")

    @property
    def caller(self) -> str:
        """The number the caller shows; empty when withheld or unreadable."""
        try:
            return parse_uri(address_uri(self.dialog.remote)).user
        except LineError:
            return ""

    async def answer(self) -> PhoneCall:
        """Pick up. Raises CallOverError when the caller has given up, LineError for no audio."""
        if self._over.done():
            raise CallOverError(self._over.result())
        if self._answered:
            raise LineError("This call has been answered already.")
        call = self._make_call(self, self._offer)
        host, port = call.media.sock.getsockname()[:2]
        extra = (
            ("Contact", f"<{self.dialog.contact}>"),
            ("Content-Type", "application/sdp"),
        )
        body = build_offer(host, port, session_id=1, laws=(call.media.law,))
        self._answered = True
        response = self._endpoint.respond(
            self._invite, self.peer, 200, "OK", to_tag=self.dialog.local_tag, extra=extra, body=body
        )
        self._endpoint.repeat_until_ack(response, self.peer)
        call.answered_at_s = time.monotonic()
        return call

    def decline(self, status: int = 486, reason: str = "Busy Here") -> None:
        """Refuse the call; harmless when it is over or answered already."""
        if not self._answered and not self._over.done():
            self._respond(status, reason)
            self._finish(EndedBy.PHONE, reason, time.monotonic())

    async def wait_given_up(self, timeout_s: float) -> CallEnd:
        """Until the caller takes the call back. Raises TimeoutError."""
        async with asyncio.timeout(timeout_s):
            return await asyncio.shield(self._over)

    def on_request(self, request: SipRequest, peer: Address) -> None:
        """The peer's requests while it rings."""
        if request.method == "CANCEL":
            self._endpoint.respond(request, peer, 200, "OK", to_tag=self.dialog.local_tag)
            self._respond(487, "Request Terminated")
            self._finish(EndedBy.PEER, request.headers.get("Reason"), request.arrived_s)
        else:
            self._endpoint.respond(request, peer, 481, "Call/Transaction Does Not Exist")

    def _respond(self, status: int, reason: str) -> None:
        extra = (("Contact", f"<{self.dialog.contact}>"),)
        self._endpoint.respond(
            self._invite, self.peer, status, reason, to_tag=self.dialog.local_tag, extra=extra
        )

    def _finish(self, by: EndedBy, reason: str, at_s: float) -> None:
        self._over.set_result(CallEnd(by, reason, at_s))
        self._on_over(self)
