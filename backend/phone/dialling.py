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
from backend.phone.sip_endpoint import SipEndpoint, Transaction
from backend.phone.sip_message import SipResponse
from backend.phone.udp import Address

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
        self._established = False

    async def run(self, timeout_s: float, on_media: Callable[[], None]) -> float:
        """Until the call is answered; returns when that was, in `time.monotonic()` seconds.

        `on_media` is told once the peer's audio address is known. Raises DialError. Cancelled or
        failed, `give_up` must follow.
        """
        deadline_s = time.monotonic() + timeout_s
        extra: tuple[tuple[str, str], ...] = ()
        while True:
            transaction = self._invite(extra)
            response = await self._final(transaction, deadline_s, on_media)
            if response.status < 300:
                self._establish(transaction, response, on_media)
                return response.arrived_s
            self._acknowledge_failure(transaction, response)
            if response.status not in {401, 407} or self._credentials is None or extra:
                raise refused(self._extension, response.status, response.reason)
            extra = (authorization(response, self._credentials, "INVITE", transaction.request.uri),)

    async def give_up(self) -> None:
        """Take back an INVITE that is still open; hang up if it was answered after all."""
        transaction, self._transaction = self._transaction, None
        try:
            if transaction is not None:
                await self._take_back(transaction)
            if self._established:
                await self._request("BYE")
        except (OSError, LineError) as error:
            log.debug("sip-give-up-unconfirmed", error=str(error))
        finally:
            if transaction is not None:
                self._endpoint.retire(transaction)

    async def _take_back(self, transaction: Transaction) -> None:
        if transaction.proceeding:
            await self._send_cancel(transaction)
        response = await self._endpoint.final_response(transaction, GIVE_UP_S)
        if response.status >= 300:
            self._acknowledge_failure(transaction, response)
        else:
            self._acknowledge_answer(transaction, response)

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
            except OSError as error:
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
            fix="Is the PBX running (`./scripts/up`), and is this its SIP port?",
        )

    def _establish(
        self, transaction: Transaction, response: SipResponse, on_media: Callable[[], None]
    ) -> None:
        self._acknowledge_answer(transaction, response)
        if response.body:
            self._media.connect(parse_media(response.body))
            on_media()
        elif not self._media.connected:
            raise LineError("The PBX answered without saying where audio goes.")

    def _acknowledge_answer(self, transaction: Transaction, response: SipResponse) -> None:
        self._dialog.confirm(response)
        self._established = True
        transaction.ack = self._dialog.ack_2xx(transaction.request).encode()
        self._endpoint.send(transaction.ack, self._peer)
        self._endpoint.retire(transaction)
        self._transaction = None

    def _acknowledge_failure(self, transaction: Transaction, response: SipResponse) -> None:
        transaction.ack = ack_failure(transaction.request, response).encode()
        self._endpoint.send(transaction.ack, self._peer)
        self._endpoint.retire(transaction)
        self._transaction = None

    async def _send_cancel(self, transaction: Transaction) -> None:
        request = cancel(transaction.request)
        pending = self._endpoint.begin(request, self._peer, branch=request.branch)
        await self._finish(pending)

    async def _request(self, method: str) -> None:
        branch = new_branch()
        request = self._dialog.request(method, branch=branch)
        await self._finish(self._endpoint.begin(request, self._peer, branch=branch))

    async def _finish(self, transaction: Transaction) -> None:
        try:
            await self._endpoint.final_response(transaction, GIVE_UP_S)
        finally:
            self._endpoint.retire(transaction)
