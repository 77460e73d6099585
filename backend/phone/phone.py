"""The phone: a SIP user agent that holds many calls in one process."""

import asyncio
import socket
import time
from collections.abc import Coroutine
from types import TracebackType
from typing import Any, Self

import structlog

from backend.audio.g711 import Law
from backend.core.errors import LineError
from backend.phone.call import PhoneCall
from backend.phone.dialling import Dialling
from backend.phone.media import Media, open_media_socket
from backend.phone.results import EndedBy
from backend.phone.sip_auth import Credentials
from backend.phone.sip_dialog import Dialog, host_for_uri
from backend.phone.sip_endpoint import Address, SipEndpoint
from backend.phone.sip_message import SipRequest, parse_uri
from backend.phone.ticker import Ticker
from backend.phone.voice import VoiceSettings

log = structlog.get_logger(__name__)

DEFAULT_LAWS = (Law.MU, Law.A)


class Phone:
    """A SIP phone on UDP. Use as `async with Phone() as phone: call = await phone.dial(…)`.

    Leaving the block hangs up every call. Linux only: arrival times come from the kernel.
    """

    def __init__(
        self,
        bind_host: str = "127.0.0.1",
        *,
        laws: tuple[Law, ...] = DEFAULT_LAWS,
        voice: VoiceSettings | None = None,
    ) -> None:
        self._bind_host = bind_host
        self._laws = laws
        self._voice = voice or VoiceSettings()
        self._endpoint = SipEndpoint(self._on_stray_request)
        self._ticker: Ticker | None = None
        self._calls: dict[str, PhoneCall] = {}
        self._background: set[asyncio.Task[Any]] = set()

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        try:
            await loop.create_datagram_endpoint(
                lambda: self._endpoint, local_addr=(self._bind_host, 0)
            )
        except OSError as error:
            raise LineError(
                f"The phone cannot use the address {self._bind_host}: {error.strerror}.",
                fix="Choose an address of this machine.",
            ) from error
        self._ticker = Ticker()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await asyncio.gather(*(call.hang_up() for call in tuple(self._calls.values())))
        if self._background:
            await asyncio.gather(*self._background, return_exceptions=True)
        if self._ticker is not None:
            await self._ticker.aclose()
        self._endpoint.close()

    @property
    def calls(self) -> list[PhoneCall]:
        """The calls that are up."""
        return list(self._calls.values())

    async def dial(
        self,
        uri: str,
        *,
        caller: str = "caller",
        credentials: Credentials | None = None,
        timeout_s: float = 10.0,
    ) -> PhoneCall:
        """Place a call and wait for the answer. `caller` is the number we show.

        Raises DialError when it is refused or not answered in time, LineError for a bad address.
        Cancelling it gives the call up.
        """
        target = parse_uri(uri)
        family = socket.AF_INET6 if ":" in self._bind_host else socket.AF_INET
        peer = await _resolve(target.host, target.port, family)
        host = self._host_towards(peer)
        media = self._open_media(host)
        port = self._endpoint.local_port
        local_host = host_for_uri(host)
        user = credentials.user if credentials else caller
        dialog = Dialog(
            local=f'"{caller}" <sip:{user}@{local_host}>',
            remote=f"<{uri}>",
            contact=f"sip:{user}@{local_host}:{port}",
            target=uri,
            via_host=f"{local_host}:{port}",
        )
        call = PhoneCall(dialog, self._endpoint, peer, media, media.heard.origin_s, self._on_end)
        dialling = Dialling(
            self._endpoint, dialog, peer, media, self._laws, credentials, target.user or uri
        )
        self._endpoint.register_call(dialog.call_id, call.on_request)
        self._calls[dialog.call_id] = call
        try:
            await dialling.run(timeout_s, lambda: self._carry(media))
            call.answered_at_s = time.monotonic()
        finally:
            if not call.answered_at_s:
                self._in_background(dialling.give_up())
                call.finish(EndedBy.FAILURE, "not established")
        return call

    def _carry(self, media: Media) -> None:
        if self._ticker is not None:
            self._ticker.add(media)

    def _on_end(self, call: PhoneCall) -> None:
        self._calls.pop(call.call_id, None)
        self._endpoint.forget_call(call.call_id)
        if self._ticker is not None:
            self._ticker.remove(call.media)

    def _open_media(self, host: str) -> Media:
        try:
            return Media(open_media_socket(host), time.monotonic(), self._voice)
        except OSError as error:
            raise LineError(
                f"The phone cannot open a port for audio: {error.strerror}.",
                fix="Hold fewer calls in one process, or raise the limit of open files.",
            ) from error

    def _on_stray_request(self, request: SipRequest, peer: Address) -> None:
        if request.method == "OPTIONS":
            self._endpoint.respond(request, peer, 200, "OK")
        elif request.method == "INVITE":
            self._endpoint.respond(request, peer, 480, "Temporarily Unavailable")
        else:
            self._endpoint.respond(request, peer, 481, "Call/Transaction Does Not Exist")

    def _in_background(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._background.add(task)
        task.add_done_callback(self._background.discard)

    def _host_towards(self, peer: Address) -> str:
        """The address of ours that the peer can reach."""
        if self._bind_host not in {"0.0.0.0", "::"}:  # noqa: S104 - compared, not bound
            return self._bind_host
        family = socket.AF_INET6 if ":" in peer[0] else socket.AF_INET
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.connect(peer)  # sends nothing: asks the routing table
            return str(probe.getsockname()[0])


async def _resolve(host: str, port: int, family: socket.AddressFamily) -> Address:
    loop = asyncio.get_running_loop()
    try:
        found = await loop.getaddrinfo(host, port, family=family, type=socket.SOCK_DGRAM)
    except OSError as error:
        raise LineError(f"The host {host} of the PBX cannot be found.") from error
    address = found[0][4]
    return str(address[0]), int(address[1])
