"""The phone: a SIP user agent that holds many calls in one process."""

import asyncio
import re
import socket
import time
from collections.abc import Coroutine
from types import TracebackType
from typing import Any, Self

from backend.audio.g711 import Law
from backend.core.errors import LineError
from backend.phone.call import PhoneCall
from backend.phone.dialling import Dialling
from backend.phone.incoming import IncomingCall, dialog_of
from backend.phone.media import Media
from backend.phone.registration import Registration
from backend.phone.results import EndedBy
from backend.phone.sdp import MediaAnswer
from backend.phone.sip_auth import Credentials
from backend.phone.sip_dialog import Dialog, host_for_uri
from backend.phone.sip_endpoint import SipEndpoint
from backend.phone.sip_message import SipRequest, SipUri, parse_uri
from backend.phone.surroundings import Surroundings
from backend.phone.ticker import Ticker
from backend.phone.udp import Address, open_udp
from backend.phone.voice import VoiceSettings

_CALLER = re.compile(r"[0-9A-Za-z+._-]+")

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
        self._ticker = Ticker()
        self._calls: dict[str, PhoneCall] = {}
        self._ringing: dict[str, IncomingCall] = {}
        self._waiting: list[asyncio.Future[IncomingCall]] = []
        self._registrations: list[Registration] = []
        self._background: set[asyncio.Task[Any]] = set()

    async def __aenter__(self) -> Self:
        """Raises LineError when the address is not this machine's."""
        self._endpoint.open(self._bind_host)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for incoming in tuple(self._ringing.values()):
            incoming.decline(480, "Temporarily Unavailable")
        await asyncio.gather(
            *(call.hang_up() for call in tuple(self._calls.values())),
            *(registration.withdraw() for registration in self._registrations),
        )
        self._endpoint.fail_open_requests()
        await asyncio.sleep(0)  # lets who was still dialling begin to give up
        await asyncio.gather(*self._background, return_exceptions=True)
        await self._ticker.aclose()
        self._endpoint.close()

    @property
    def calls(self) -> list[PhoneCall]:
        """The calls that are up."""
        return list(self._calls.values())

    @property
    def sip_port(self) -> int:
        """The UDP port calls reach this phone at. Raises LineError before it is open."""
        return self._endpoint.local_port

    async def dial(
        self,
        uri: str,
        *,
        caller: str = "caller",
        credentials: Credentials | None = None,
        timeout_s: float = 10.0,
        surroundings: Surroundings | None = None,
    ) -> PhoneCall:
        """Place a call and wait for the answer. `caller` is the number we show.

        `surroundings` are mixed into all that is sent, from the first packet on.

        Raises DialError when it is refused or not answered in time, LineError for a bad address.
        Cancelling it gives the call up.
        """
        if not _CALLER.fullmatch(caller):
            raise LineError(
                f"{caller!r} cannot be shown as the caller.", fix="Use 0-9 A-Z a-z +.-_"
            )
        target = parse_uri(uri)
        peer = await self._resolve(target)
        user = credentials.user if credentials else caller
        dialog = self._dialog(peer, user, remote=f"<{uri}>", target=uri)
        dialog.local = f'"{caller}" {dialog.local}'
        media = self._open_media(self._host_towards(peer))
        media.surroundings = surroundings
        call = PhoneCall(dialog, self._endpoint, peer, media, media.heard.origin_s, self._on_end)
        dialling = Dialling(
            self._endpoint, dialog, peer, media, self._laws, credentials, target.user or uri
        )
        self._endpoint.register_call(dialog.call_id, call.on_request)
        try:
            call.answered_at_s = await dialling.run(timeout_s, lambda: self._ticker.add(media))
            self._calls[dialog.call_id] = call
        finally:
            if not call.answered_at_s:
                self._in_background(dialling.give_up())
                call.finish(EndedBy.FAILURE, "not established", time.monotonic())
        return call

    async def register(self, uri: str, credentials: Credentials, *, expires_s: int = 3600) -> None:
        """Make the account reachable at this phone, until the phone is closed.

        `uri` names the PBX, e.g. `sip:127.0.0.1:5160`. Raises DialError when it refuses.
        """
        target = parse_uri(uri)
        peer = await self._resolve(target)
        account = f"<sip:{credentials.user}@{host_for_uri(target.host)}>"
        dialog = self._dialog(peer, credentials.user, remote=account, target=uri)
        dialog.local = account
        registration = Registration(self._endpoint, dialog, peer, credentials)
        await registration.register(expires_s)
        self._registrations.append(registration)

    async def wait_for_call(self, timeout_s: float) -> IncomingCall:
        """The next call that reaches us; it is ringing. Raises TimeoutError.

        Calls that come while nobody waits for one are declined with 480.
        """
        waiter: asyncio.Future[IncomingCall] = asyncio.get_running_loop().create_future()
        self._waiting.append(waiter)
        try:
            async with asyncio.timeout(timeout_s):
                return await waiter
        finally:
            self._waiting.remove(waiter)

    def _dialog(self, peer: Address, user: str, *, remote: str, target: str) -> Dialog:
        host = host_for_uri(self._host_towards(peer))
        via_host = f"{host}:{self._endpoint.local_port}"
        return Dialog(
            local=f"<sip:{user}@{host}>",
            remote=remote,
            contact=f"sip:{user}@{via_host}",
            target=target,
            via_host=via_host,
        )

    def _ring(self, invite: SipRequest, peer: Address) -> None:
        waiter = next((each for each in self._waiting if not each.done()), None)
        if waiter is None:
            self._endpoint.respond(invite, peer, 480, "Temporarily Unavailable")
            return
        via_host = f"{host_for_uri(self._host_towards(peer))}:{self._endpoint.local_port}"
        user = parse_uri(invite.uri).user
        try:
            dialog = dialog_of(invite, f"sip:{user}@{via_host}", via_host)
            incoming = IncomingCall(invite, dialog, self._endpoint, peer, self._take, self._on_over)
        except LineError:
            self._endpoint.respond(invite, peer, 488, "Not Acceptable Here")
            raise
        self._ringing[dialog.call_id] = incoming
        self._endpoint.register_call(dialog.call_id, incoming.on_request)
        waiter.set_result(incoming)

    def _take(self, incoming: IncomingCall, offer: MediaAnswer) -> PhoneCall:
        media = self._open_media(self._host_towards(incoming.peer))
        dialog = incoming.dialog
        try:
            media.connect(offer)
        except LineError:
            media.sock.close()
            raise
        call = PhoneCall(
            dialog, self._endpoint, incoming.peer, media, media.heard.origin_s, self._on_end
        )
        self._ringing.pop(dialog.call_id, None)
        self._calls[dialog.call_id] = call
        self._endpoint.register_call(dialog.call_id, call.on_request)
        self._ticker.add(media)
        return call

    def _on_over(self, incoming: IncomingCall) -> None:
        self._ringing.pop(incoming.dialog.call_id, None)
        self._endpoint.forget_call(incoming.dialog.call_id)

    def _on_end(self, call: PhoneCall) -> None:
        self._calls.pop(call.call_id, None)
        self._endpoint.forget_call(call.call_id)
        self._ticker.remove(call.media)

    def _open_media(self, host: str) -> Media:
        try:
            return Media(open_udp(host), time.monotonic(), self._voice)
        except OSError as error:
            raise LineError(
                f"The phone cannot open a port for audio: {error.strerror}.",
                fix="Hold fewer calls in one process, or raise the limit of open files.",
            ) from error

    def _on_stray_request(self, request: SipRequest, peer: Address) -> None:
        if request.method == "OPTIONS":
            self._endpoint.respond(request, peer, 200, "OK")
        elif request.method == "INVITE":
            self._ring(request, peer)
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

    async def _resolve(self, target: SipUri) -> Address:
        family = socket.AF_INET6 if ":" in self._bind_host else socket.AF_INET
        loop = asyncio.get_running_loop()
        try:
            found = await loop.getaddrinfo(
                target.host, target.port, family=family, type=socket.SOCK_DGRAM
            )
        except OSError as error:
            raise LineError(f"The host {target.host} of the PBX cannot be found.") from error
        address = found[0][4]
        return str(address[0]), int(address[1])
