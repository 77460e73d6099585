"""Placing one call: INVITE, sign-in, early media, the answer, and giving up (RFC 3261 §13)."""

import time
from collections.abc import Callable

import structlog

from backend.audio.g711 import Law
from backend.core.errors import LineError
from backend.phone.media import Media
from backend.phone.results import NO_ANSWER, DialError, refused
from backend.phone.sdp import build_offer, parse_media
from backend.phone.sip_auth import Credentials, authorization
from backend.phone.sip_dialog import Dialog, ack_failure, cancel, new_branch
from backend.phone.sip_endpoint import Address, SipEndpoint, Transaction
from backend.phone.sip_message import SipResponse

log = structlog.get_logger(__name__)

GIVE_UP_S = 2.0
"""How long a cancelled call may take to confirm that; longer only leaks a transaction."""


class Dialling:
    """One attempt at a call, up to its answer."""

    def __init__(
        self,
        endpoint: SipEndpoint,
        dialog: Dialog,
        peer: Address,
        media: Media,
        laws: tuple[Law, ...],
        credentials: Credentials | None,
        extension: str,
    ) -> None:
        self._endpoint = endpoint
        self._dialog = dialog
        self._peer = peer
        self._media = media
        self._laws = laws
        self._credentials = credentials
        self._extension = extension
        self._transaction: Transaction | None = None

    async def run(self, timeout_s: float, on_media: Callable[[], None]) -> None:
        """Until the call is answered. `on_media` is told once the peer's audio address is known.

        Raises DialError. Cancelled or failed, `give_up` must follow.
        """
        deadline_s = time.monotonic() + timeout_s
        extra: tuple[tuple[str, str], ...] = ()
        while True:
            transaction = self._invite(extra)
            response = await self._final(transaction, deadline_s, on_media)
            if response.status < 300:
                self._establish(transaction, response, on_media)
                return
            self._acknowledge_failure(transaction, response)
            if response.status not in {401, 407} or self._credentials is None or extra:
                raise refused(self._extension, response.status, response.reason)
            extra = (authorization(response, self._credentials, "INVITE", transaction.request.uri),)

    async def give_up(self) -> None:
        """Take back an INVITE that is still open, and hang up if it is answered after all."""
        transaction, self._transaction = self._transaction, None
        if transaction is None:
            return
        try:
            if transaction.proceeding:
                await self._cancel(transaction)
            response = await self._endpoint.final_response(transaction, GIVE_UP_S)
            if response.status >= 300:
                self._acknowledge_failure(transaction, response)
            else:
                await self._hang_up(transaction, response)
        except (TimeoutError, LineError):
            log.debug("sip-cancel-unconfirmed")
        finally:
            self._endpoint.retire(transaction)

    def _invite(self, extra: tuple[tuple[str, str], ...]) -> Transaction:
        host, port = self._media.sock.getsockname()[:2]
        branch = new_branch()
        request = self._dialog.request(
            "INVITE",
            branch=branch,
            extra=extra,
            body=build_offer(host, port, session_id=1, laws=self._laws),
        )
        self._transaction = self._endpoint.begin(request, self._peer, branch=branch)
        return self._transaction

    async def _final(
        self, transaction: Transaction, deadline_s: float, on_media: Callable[[], None]
    ) -> SipResponse:
        while True:
            try:
                response = await self._endpoint.next_response(transaction, deadline_s)
            except TimeoutError as error:
                raise self._unanswered(transaction) from error
            if response.status >= 200:
                return response
            if response.body:
                self._media.connect(parse_media(response.body))
                on_media()

    def _unanswered(self, transaction: Transaction) -> DialError:
        if transaction.proceeding:
            return DialError(f"Calling {self._extension}: nobody answered.", status=NO_ANSWER)
        host, port = self._peer
        return DialError(
            f"Calling {self._extension}: nothing answers SIP at {host}:{port} (UDP).",
            status=NO_ANSWER,
            fix="Is the PBX running, and is this its SIP port?",
        )

    def _establish(
        self, transaction: Transaction, response: SipResponse, on_media: Callable[[], None]
    ) -> None:
        self._dialog.confirm(response)
        ack = self._dialog.ack_2xx(transaction.request).encode()
        transaction.ack = ack
        self._endpoint.send(ack, self._peer)
        self._endpoint.retire(transaction)
        self._transaction = None
        if response.body:
            self._media.connect(parse_media(response.body))
            on_media()

    def _acknowledge_failure(self, transaction: Transaction, response: SipResponse) -> None:
        transaction.ack = ack_failure(transaction.request, response).encode()
        self._endpoint.send(transaction.ack, self._peer)
        self._endpoint.retire(transaction)
        self._transaction = None

    async def _cancel(self, transaction: Transaction) -> None:
        request = cancel(transaction.request)
        pending = self._endpoint.begin(request, self._peer, branch=request.branch)
        try:
            await self._endpoint.final_response(pending, GIVE_UP_S)
        finally:
            self._endpoint.retire(pending)

    async def _hang_up(self, transaction: Transaction, response: SipResponse) -> None:
        """The answer crossed our CANCEL: take the call, and end it."""
        self._dialog.confirm(response)
        transaction.ack = self._dialog.ack_2xx(transaction.request).encode()
        self._endpoint.send(transaction.ack, self._peer)
        branch = new_branch()
        bye = self._endpoint.begin(
            self._dialog.request("BYE", branch=branch), self._peer, branch=branch
        )
        try:
            await self._endpoint.final_response(bye, GIVE_UP_S)
        finally:
            self._endpoint.retire(bye)
