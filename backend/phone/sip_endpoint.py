"""SIP over one UDP socket: client transactions with their timers (RFC 3261 §17), and dispatch."""

import asyncio
import contextlib
import secrets
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import structlog

from backend.core.errors import LineError
from backend.phone.sip_message import (
    Headers,
    SipMessage,
    SipRequest,
    SipResponse,
    parse_message,
)
from backend.phone.udp import Address, open_udp, receive, refusals, wall_to_monotonic_s

log = structlog.get_logger(__name__)

T1_S = 0.5
"""First retransmission interval: RFC 3261's estimate of a round trip."""
T2_S = 4.0
"""Longest retransmission interval of everything but INVITE."""
TRANSACTION_S = 64 * T1_S
"""How long an unanswered request lives, and how long a finished INVITE answers repeats."""

MAX_READS = 100
"""Datagrams taken at a time: a flood must not keep the audio waiting."""

RequestHandler = Callable[[SipRequest, Address], None]


@dataclass(slots=True)
class Transaction:
    """One request of ours and its responses."""

    request: SipRequest
    to: Address
    responses: asyncio.Queue[SipResponse | Exception] = field(default_factory=asyncio.Queue)
    ack: bytes | None = None
    """What repeats of the final response to an INVITE are answered with."""
    proceeding: bool = False
    """A provisional response has come."""


class SipEndpoint:
    """Sends requests, matches responses, hands requests of the peer to their call."""

    def __init__(self, on_stray_request: RequestHandler) -> None:
        self._socket: socket.socket | None = None
        self._on_stray_request = on_stray_request
        self._transactions: dict[tuple[str, str], Transaction] = {}
        self._calls: dict[str, RequestHandler] = {}
        self._expiring: set[asyncio.TimerHandle] = set()
        self._resending: dict[tuple[str, int], asyncio.TimerHandle] = {}
        self._answered: dict[tuple[str, str], tuple[float, bytes]] = {}

    # The socket

    def open(self, host: str) -> None:
        """Take a free port and begin to receive. Raises LineError for a foreign address."""
        try:
            self._socket = open_udp(host, report_refusals=True)
        except OSError as error:
            raise LineError(
                f"The phone cannot use the address {host}: {error.strerror}.",
                fix="Choose an address of this machine.",
            ) from error
        asyncio.get_running_loop().add_reader(self._socket.fileno(), self._read)

    @property
    def local_port(self) -> int:
        """The port requests leave from. Raises LineError when the socket is not open."""
        return int(self._opened().getsockname()[1])

    def send(self, message: SipMessage | bytes, to: Address) -> None:
        """Send once. Raises LineError when the socket is not open."""
        sock = self._opened()
        # Refused or no room: a lost datagram, as on any network; requests are repeated.
        with contextlib.suppress(OSError):
            sock.sendto(message if isinstance(message, bytes) else message.encode(), to)

    def close(self) -> None:
        """Close the socket and forget everything."""
        for timer in (*self._expiring, *self._resending.values()):
            timer.cancel()
        self._expiring.clear()
        self._resending.clear()
        if self._socket is not None:
            asyncio.get_running_loop().remove_reader(self._socket.fileno())
            self._socket.close()
            self._socket = None

    def _opened(self) -> socket.socket:
        if self._socket is None:
            raise LineError("The phone is not open.", fix="Use it inside `async with Phone()`.")
        return self._socket

    def _read(self) -> None:
        """All that is waiting; what is not SIP is logged and dropped."""
        to_monotonic_s = wall_to_monotonic_s()
        for _ in range(MAX_READS):
            try:
                datagram = receive(self._opened(), to_monotonic_s)
                message = parse_message(datagram.data)
                message.arrived_s = datagram.arrived_s
                self._dispatch(message, datagram.sender)
            except BlockingIOError:
                return
            except OSError as error:
                self._on_refusals(error)
            except LineError as error:
                log.warning("sip-message-dropped", reason=error.message)

    def _on_refusals(self, error: OSError) -> None:
        """Requests to a port where nothing listens fail now, not in 32 s."""
        for to in refusals(self._opened()):
            self._fail(ConnectionRefusedError(str(error)), to)

    def fail_open_requests(self) -> None:
        """Whoever waits for a response gets a LineError: the phone is being closed."""
        self._fail(LineError("The phone was closed while it waited for the PBX."))

    def _fail(self, error: Exception, to: Address | None = None) -> None:
        for transaction in self._transactions.values():
            if transaction.ack is None and (to is None or transaction.to == to):
                transaction.responses.put_nowait(error)

    # Calls

    def register_call(self, call_id: str, handler: RequestHandler) -> None:
        """Requests of this dialog go to `handler`."""
        self._calls[call_id] = handler

    def forget_call(self, call_id: str) -> None:
        """The dialog is over."""
        self._calls.pop(call_id, None)

    # Our requests

    def begin(self, request: SipRequest, to: Address, *, branch: str) -> Transaction:
        """Send a request whose Via carries `branch`, and start collecting its responses."""
        transaction = Transaction(request, to)
        self._transactions[branch, request.method] = transaction
        self.send(request, to)
        return transaction

    def retire(self, transaction: Transaction) -> None:
        """No more responses are wanted; a finished INVITE still acknowledges repeats a while."""
        key = (transaction.request.branch, transaction.request.method)
        if transaction.ack is None:
            self._transactions.pop(key, None)
            return
        loop = asyncio.get_running_loop()

        def expire() -> None:
            self._expiring.discard(timer)
            self._transactions.pop(key, None)

        timer = loop.call_later(TRANSACTION_S, expire)
        self._expiring.add(timer)

    async def next_response(self, transaction: Transaction, deadline_s: float) -> SipResponse:
        """The next response, retransmitting as RFC 3261 asks until one comes.

        Raises TimeoutError at `deadline_s` (`time.monotonic()`), ConnectionRefusedError when
        nothing listens there, LineError when the endpoint is closed.
        """
        is_invite = transaction.request.method == "INVITE"
        interval_s = T1_S
        while True:
            now_s = time.monotonic()
            wait_s = deadline_s - now_s
            if not (is_invite and transaction.proceeding):
                wait_s = min(wait_s, T2_S if transaction.proceeding else interval_s)
            try:
                async with asyncio.timeout(max(0.0, wait_s)):
                    response = await transaction.responses.get()
            except TimeoutError:
                if time.monotonic() >= deadline_s:
                    raise
                self.send(transaction.request, transaction.to)
                interval_s = interval_s * 2 if is_invite else min(interval_s * 2, T2_S)
                continue
            if isinstance(response, Exception):
                raise response
            transaction.proceeding = transaction.proceeding or response.status < 200
            return response

    async def final_response(self, transaction: Transaction, timeout_s: float) -> SipResponse:
        """The final response. Raises as `next_response`."""
        deadline_s = time.monotonic() + timeout_s
        while True:
            response = await self.next_response(transaction, deadline_s)
            if response.status >= 200:
                return response

    # The peer's requests

    def respond(
        self,
        request: SipRequest,
        to: Address,
        status: int,
        reason: str,
        *,
        to_tag: str = "",
        extra: tuple[tuple[str, str], ...] = (),
        body: bytes = b"",
    ) -> SipResponse:
        """Answer a request of the peer's; returns what was sent."""
        headers = Headers()
        for name, value in request.headers.items:
            if name.lower() in {"via", "from", "call-id", "cseq", "record-route"}:
                headers.add(name, value)
        to_value = request.headers.get("To")
        if not request.to_tag:
            to_value += f";tag={to_tag or secrets.token_hex(6)}"
        headers.add("To", to_value)
        for name, value in extra:
            headers.add(name, value)
        response = SipResponse(headers, body, status=status, reason=reason)
        datagram = response.encode()
        self._remember_answer((request.branch, request.method), datagram)
        self.send(datagram, to)
        return response

    def _remember_answer(self, key: tuple[str, str], datagram: bytes) -> None:
        if not key[0]:
            return  # a peer older than RFC 3261: its transactions have no name
        now_s = time.monotonic()
        self._answered.pop(key, None)
        self._answered[key] = (now_s, datagram)
        while now_s - next(iter(self._answered.values()))[0] > TRANSACTION_S:
            del self._answered[next(iter(self._answered))]

    def repeat_until_ack(self, response: SipResponse, to: Address) -> None:
        """Retransmit a 2xx to an INVITE until its ACK comes (RFC 3261 §13.3.1.4)."""
        key = (response.call_id, response.cseq[0])
        loop = asyncio.get_running_loop()
        give_up_s = time.monotonic() + TRANSACTION_S

        def again(interval_s: float) -> None:
            self._resending.pop(key, None)
            if time.monotonic() < give_up_s:
                with contextlib.suppress(LineError):
                    self.send(response, to)
                    schedule(min(2 * interval_s, T2_S))

        def schedule(interval_s: float) -> None:
            self._resending[key] = loop.call_later(interval_s, again, interval_s)

        schedule(T1_S)

    # Dispatch

    def _dispatch(self, message: SipMessage, peer: Address) -> None:
        if isinstance(message, SipResponse):
            self._dispatch_response(message)
            return
        if message.method == "ACK":
            timer = self._resending.pop((message.call_id, message.cseq[0]), None)
            if timer is not None:
                timer.cancel()
            return
        for name in ("Via", "From", "To", "Call-ID", "CSeq"):
            message.headers.require(name)
        repeated = self._answered.get((message.branch, message.method))
        if repeated is not None:
            self.send(repeated[1], peer)
            return
        handler = self._calls.get(message.call_id, self._on_stray_request)
        handler(message, peer)

    def _dispatch_response(self, response: SipResponse) -> None:
        method = response.cseq[1]
        transaction = self._transactions.get((response.branch, method))
        if transaction is None:
            log.debug("sip-response-unmatched", status=response.status, method=method)
        elif transaction.ack is not None:
            if response.status >= 200:
                self.send(transaction.ack, transaction.to)
        else:
            transaction.responses.put_nowait(response)
