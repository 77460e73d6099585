"""ARI the other way round: Asterisk opens the connection, for bots it reaches through a balancer.

Asterisk needs `websocket_client.conf` and an `outbound_websocket` in `ari.conf`, connection type
`persistent` (`per_call` waits half a second before each call).
"""

import asyncio
import hmac
import ipaddress
import logging
from collections.abc import Iterable
from typing import Any

import structlog
from picows import (
    WSCloseCode,
    WSTransport,
    WSUpgradeRequest,
    WSUpgradeResponse,
    WSUpgradeResponseWithListener,
    ws_create_server,
)

from backend.core.errors import LineError
from backend.telephony.ari.client import AriAddress, AriClient
from backend.telephony.ari.connection import AriConnection
from backend.telephony.ari.errors import AriError
from backend.telephony.websocket import CONNECT_S, PICOWS_OPTIONS, WebSocket, basic_auth

log = structlog.get_logger(__name__)

PATH = b"/ari"


class AriListener(AriClient):
    """Waits for Asterisk's persistent connection; the newest one is the one that counts.

    The handshake is answered before anything is done, because Asterisk waits for it with a call.
    """

    def __init__(self, address: AriAddress, host: str, port: int, allowed: Iterable[str]) -> None:
        super().__init__(address)
        self._host = host
        self._port = port
        self._allowed = tuple(ipaddress.ip_network(network) for network in allowed)
        self._expected = basic_auth(address.user, address.password)
        self._server: asyncio.Server | None = None
        self._open: dict[AriConnection, asyncio.Task[None]] = {}

    @property
    def port(self) -> int:
        """The port it listens on, once started."""
        return self._port

    async def start(self) -> None:
        """Listen; port 0 takes any. Raises LineError when the port is in use."""
        try:
            self._server = await ws_create_server(
                self._upgrade,
                self._host,
                self._port,
                websocket_handshake_timeout=CONNECT_S,
                **(PICOWS_OPTIONS | {"logger_name": _Refusals(logging.getLogger(__name__), {})}),
            )
        except OSError as error:
            raise LineError(
                f"Nothing can listen for ARI on {self._host}:{self._port} ({error.strerror}).",
                fix="Is another Frontdesk running? Else set FRONTDESK_ARI_LISTEN_PORT.",
            ) from error
        self._port = int(self._server.sockets[0].getsockname()[1])

    async def aclose(self) -> None:
        """Stop listening and close the connection."""
        self._closing = True
        if self._server is not None:
            self._server.close()
        open_now = dict(self._open)
        for connection, task in open_now.items():
            connection.websocket.close(WSCloseCode.GOING_AWAY)
            task.cancel()
        await asyncio.gather(*open_now.values(), return_exceptions=True)
        if self._server is not None:
            await self._server.wait_closed()

    def _upgrade(
        self, request: WSUpgradeRequest
    ) -> WebSocket | WSUpgradeResponseWithListener | None:
        """Who speaks to us: Asterisk by its password, or nobody."""
        given = request.headers.get("Authorization", "")
        if request.path.partition(b"?")[0].rstrip(b"/") != PATH:
            return _refuse(404, "another path than /ari")
        if not hmac.compare_digest(given.encode(), self._expected.encode()):
            return _refuse(401, "wrong user or password")
        connection = AriConnection(self._event, self._ended)
        connection.websocket = _Accepted(connection, self)
        protocol = request.headers.get("Sec-WebSocket-Protocol", "").partition(",")[0].strip()
        chosen = {"Sec-WebSocket-Protocol": protocol} if protocol else None
        return WSUpgradeResponseWithListener(
            WSUpgradeResponse.create_101_response(extra_headers=chosen), connection.websocket
        )

    def accept(self, connection: AriConnection, host: str) -> None:
        """A connection has been upgraded: one more check, then work."""
        if not self._is_allowed(host):
            _log_refusal("an address that is not allowed", peer=host)
            connection.websocket.abort("not allowed")
            return
        self._open[connection] = asyncio.create_task(self._welcome(connection), name="ari welcome")

    async def _welcome(self, connection: AriConnection) -> None:
        before = self._connection
        try:
            await self._begin(connection)
        except AriError as error:
            self._say(str(error), error.code)
            connection.websocket.close()
            return
        if before is not None:
            before.websocket.close(WSCloseCode.GOING_AWAY, "a newer connection took over")

    def _ended(self, connection: AriConnection, reason: str) -> None:
        task = self._open.pop(connection, None)
        if task is not None:
            task.cancel()
        self._over(connection, reason)

    def _is_allowed(self, host: str) -> bool:
        try:
            address = ipaddress.ip_address(host.split("%")[0])
        except ValueError:
            return False
        if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
            address = address.ipv4_mapped
        return any(address in network for network in self._allowed)


class _Accepted(WebSocket):
    """A connection Asterisk opened; it sends each event in two parts, hence the quick answers."""

    def __init__(self, connection: AriConnection, server: AriListener) -> None:
        super().__init__(connection, quick_ack=True)
        self._connection = connection
        self._server = server

    def on_ws_connected(self, transport: WSTransport) -> None:
        """Of picows."""
        super().on_ws_connected(transport)
        peer = transport.underlying_transport.get_extra_info("peername")
        self._server.accept(self._connection, peer[0] if peer else "")


class _Refusals(logging.LoggerAdapter[logging.Logger]):
    """What picows finds wrong with a peer, in our words: it tells nobody else."""

    def log(self, level: int, msg: object, *args: object, **kwargs: Any) -> None:
        """Of LoggerAdapter; every level ends here."""
        del kwargs
        text = str(msg)
        if level >= logging.WARNING or text.startswith(("Handshake timeout", "Disconnect because")):
            _log_refusal(text % args if args else text)


def _refuse(status: int, reason: str) -> WSUpgradeResponseWithListener:
    _log_refusal(reason)
    return WSUpgradeResponseWithListener(WSUpgradeResponse.create_error_response(status), None)


def _log_refusal(reason: str, **more: object) -> None:
    log.warning("ari-peer-refused", code=AriError.code, reason=reason, **more)
