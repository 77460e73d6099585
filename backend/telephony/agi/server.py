"""The FastAGI server: takes connections from allowed networks and serves each as a call."""

import asyncio
import ipaddress
from asyncio import StreamReader, StreamWriter
from collections.abc import Awaitable, Callable, Iterable

import structlog

from backend.core.errors import HungUp, LineError
from backend.telephony.agi.session import AgiSession

log = structlog.get_logger(__name__)

LONGEST_LINE_BYTES = 16 * 1024
"""Bound of one line from the peer; Asterisk's longest lines are a few hundred bytes."""

Handler = Callable[[AgiSession], Awaitable[None]]


class AgiServer:
    """Listens for Asterisk. One connection is one call; its task ends with it."""

    def __init__(self, handler: Handler, allowed: Iterable[str]) -> None:
        self._handler = handler
        self._allowed = tuple(ipaddress.ip_network(network) for network in allowed)
        self._server: asyncio.Server | None = None
        self._calls: set[asyncio.Task[None]] = set()

    async def start(self, host: str, port: int) -> int:
        """Listen; port 0 takes any. Returns the port. Raises LineError when it is in use."""
        try:
            self._server = await asyncio.start_server(
                self._connected, host, port, limit=LONGEST_LINE_BYTES, backlog=512
            )
        except OSError as error:
            raise LineError(
                f"The FastAGI server cannot listen on {host}:{port} ({error.strerror}).",
                fix="Is another Frontdesk running? Else set FRONTDESK_AGI_PORT.",
            ) from error
        return int(self._server.sockets[0].getsockname()[1])

    def stop_listening(self) -> None:
        """Take no new calls; those in progress go on."""
        if self._server is not None:
            self._server.close()

    async def aclose(self) -> None:
        """Stop listening and cancel what is left of the calls."""
        self.stop_listening()
        for task in self._calls:
            task.cancel()
        await asyncio.gather(*self._calls, return_exceptions=True)
        if self._server is not None:
            await self._server.wait_closed()
            self._server = None

    def _connected(self, reader: StreamReader, writer: StreamWriter) -> None:
        # A plain function with a task of our own: asyncio's wrapper logs every cancelled call.
        task = asyncio.ensure_future(self._serve(reader, writer))
        self._calls.add(task)
        task.add_done_callback(self._calls.discard)

    async def _serve(self, reader: StreamReader, writer: StreamWriter) -> None:
        try:
            await self._check_and_serve(reader, writer)
        finally:
            writer.close()

    async def _check_and_serve(self, reader: StreamReader, writer: StreamWriter) -> None:
        peer = writer.get_extra_info("peername")
        if peer is None or not self._is_allowed(peer[0]):
            log.warning("agi-peer-refused", peer=peer and peer[0])
            return
        try:
            session = await AgiSession.open(reader, writer)
        except LineError as error:
            log.warning("agi-peer-rejected", peer=peer[0], code=error.code, reason=error.message)
            return
        try:
            await self._handler(session)
        except HungUp:
            return
        except Exception:
            log.exception("agi-call-failed", channel=session.environment["agi_channel"])
        finally:
            await session.close()

    def _is_allowed(self, host: str) -> bool:
        try:
            address = ipaddress.ip_address(host.split("%")[0])
        except ValueError:
            return False
        if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
            address = address.ipv4_mapped
        return any(address in network for network in self._allowed)
