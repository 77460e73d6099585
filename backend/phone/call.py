"""One call of the phone: speaking, listening, timing. Times are `time.monotonic()` seconds."""

import asyncio
import contextlib
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import structlog

from backend.audio.pcm import Pcm
from backend.audio.wav import WavWriter
from backend.core.errors import LineError
from backend.phone.media import Media
from backend.phone.outgoing import Sent
from backend.phone.results import CallEnd, CallOverError, EndedBy
from backend.phone.rtp import RATE_HZ, check_key
from backend.phone.sdp import build_offer, parse_media
from backend.phone.sip_dialog import ALLOW, Dialog, new_branch
from backend.phone.sip_endpoint import SipEndpoint
from backend.phone.sip_message import SipRequest, address_uri
from backend.phone.track import Span
from backend.phone.udp import Address

log = structlog.get_logger(__name__)

BYE_S = 2.0
"""How long we wait for the peer to confirm our BYE; the call is over either way."""


class PhoneCall:
    """An answered call. Made by `Phone.dial` and `Phone.wait_for_call`."""

    def __init__(
        self,
        dialog: Dialog,
        endpoint: SipEndpoint,
        peer: Address,
        media: Media,
        dialled_at_s: float,
        on_end: Callable[["PhoneCall"], None],
    ) -> None:
        self._dialog = dialog
        self._endpoint = endpoint
        self._peer = peer
        self.media = media
        self._on_end = on_end
        self._session_id = 1
        self._ended: asyncio.Future[CallEnd] = asyncio.get_running_loop().create_future()
        self.dialled_at_s = dialled_at_s
        self.answered_at_s = 0.0

    @property
    def call_id(self) -> str:
        """The SIP Call-ID."""
        return self._dialog.call_id

    # Speaking

    async def speak(self, pcm: Pcm) -> Sent:
        """Say this (8 kHz); returns when its last packet has left, after what was queued before.

        Cancelling it stops speaking at once. Raises CallOverError when the call ends first.
        """
        self._raise_if_over()
        done: asyncio.Future[Sent] = asyncio.get_running_loop().create_future()
        if not len(pcm):
            now_s = time.monotonic()
            return Sent(now_s, now_s)
        speech = self.media.say(pcm, done)
        try:
            return await done
        finally:
            self.media.drop(speech)

    async def send_keys(self, keys: str) -> Sent:
        """Press keys (0-9 * # A-D) one after another as RFC 4733 events.

        Cancelling it presses no more. Raises LineError for anything else, CallOverError when the
        call ends first.
        """
        self._raise_if_over()
        if not keys:
            raise LineError("No keys to press.", fix="Give at least one of 0-9 * # A-D.")
        loop = asyncio.get_running_loop()
        checked = [check_key(key) for key in keys]
        pressed = [self.media.press(key, loop.create_future()) for key in checked]
        try:
            results = [await press.done for press in pressed]
        finally:
            for press in pressed:
                self.media.drop(press)
        return Sent(results[0].start_s, results[-1].end_s)

    # Listening

    async def wait_for_voice(self, since_s: float, timeout_s: float) -> Span:
        """The first voice that ends after `since_s`; it may still be going on.

        Raises TimeoutError, CallOverError.
        """
        async with asyncio.timeout(timeout_s):
            while True:
                spans = self.media.heard.spans(since_s)
                if spans:
                    return spans[0]
                self._raise_if_over()
                await self.media.next_voice()

    async def wait_for_quiet(self, quiet_s: float, timeout_s: float, since_s: float = 0.0) -> Span:
        """Until the peer has spoken after `since_s` and then been quiet for `quiet_s`.

        Returns from the first voice to the last. A peer that sends no packets is quiet.
        Raises TimeoutError, CallOverError.
        """
        async with asyncio.timeout(timeout_s):
            first = await self.wait_for_voice(since_s, timeout_s)
            while True:
                last = self.media.heard.last_span or first
                remaining_s = last.end_s + quiet_s - time.monotonic()
                if remaining_s <= 0:
                    return Span(first.start_s, last.end_s)
                await self.stay(remaining_s)

    def last_voice_s(self, before_s: float) -> float:
        """Where the last voice that began before a moment ends; when we dialled if none did."""
        ended_s = self.media.heard.voice_ended_s(before_s)
        return self.dialled_at_s if ended_s is None else ended_s

    def heard(self, start_s: float | None = None, end_s: float | None = None) -> Pcm:
        """What was heard between two moments (default: all of the call), 8 kHz."""
        return self.media.heard.render(
            self.dialled_at_s if start_s is None else start_s, self._until(end_s)
        )

    def spoken(self, start_s: float | None = None, end_s: float | None = None) -> Pcm:
        """What was sent between two moments (default: all of the call), 8 kHz."""
        return self.media.sent.render(
            self.dialled_at_s if start_s is None else start_s, self._until(end_s)
        )

    def heard_spans(self, since_s: float = 0.0, gap_s: float = 0.3) -> list[Span]:
        """Where voice was heard; pauses shorter than `gap_s` do not divide it."""
        return self.media.heard.spans(since_s, gap_s)

    def spoken_spans(self, since_s: float = 0.0, gap_s: float = 0.3) -> list[Span]:
        """Where we sent voice."""
        return self.media.sent.spans(since_s, gap_s)

    @property
    def first_audio_at_s(self) -> float | None:
        """First voiced sample heard; None before it."""
        spans = self.media.heard.spans()
        return spans[0].start_s if spans else None

    @property
    def first_packet_at_s(self) -> float | None:
        """First audio packet heard, voiced or not; None before it."""
        return self.media.first_packet_at_s

    @property
    def packets_heard(self) -> int:
        """Audio packets that arrived."""
        return self.media.packets_heard

    async def stay(self, seconds: float) -> None:
        """Do nothing for a while. Raises CallOverError when the call ends before."""
        self._raise_if_over()
        with contextlib.suppress(TimeoutError):
            raise CallOverError(await self.wait_ended(seconds))

    # Ending

    @property
    def ended(self) -> CallEnd | None:
        """How the call ended; None while it lasts."""
        return self._ended.result() if self._ended.done() else None

    async def wait_ended(self, timeout_s: float) -> CallEnd:
        """Until the call is over, whoever ends it. Raises TimeoutError."""
        async with asyncio.timeout(timeout_s):
            return await asyncio.shield(self._ended)

    async def hang_up(self) -> CallEnd:
        """End the call; harmless when it is over already."""
        if not self._ended.done():
            branch = new_branch()
            bye = self._dialog.request("BYE", branch=branch)
            self.finish(EndedBy.PHONE, "", time.monotonic())
            transaction = self._endpoint.begin(bye, self._peer, branch=branch)
            try:
                await self._endpoint.final_response(transaction, BYE_S)
            except (OSError, LineError) as error:
                log.debug("sip-bye-unconfirmed", call_id=self.call_id, error=str(error))
            finally:
                self._endpoint.retire(transaction)
        return self._ended.result()

    def finish(self, by: EndedBy, reason: str, at_s: float) -> None:
        """The call is over: stop its audio, tell everybody who waits."""
        if self._ended.done():
            return
        end = CallEnd(by, reason, at_s)
        self._ended.set_result(end)
        self._on_end(self)
        self.media.close(CallOverError(end))

    # The peer's requests

    def on_request(self, request: SipRequest, peer: Address) -> None:
        """Answer a request inside this call."""
        respond = self._endpoint.respond
        if request.method == "BYE":
            respond(request, peer, 200, "OK")
            self.finish(EndedBy.PEER, request.headers.get("Reason"), request.arrived_s)
        elif request.method in {"INVITE", "UPDATE"}:
            self._on_new_session(request, peer)
        elif request.method in {"OPTIONS", "INFO", "NOTIFY"}:
            respond(request, peer, 200, "OK", extra=(("Allow", ALLOW),))
        else:
            respond(request, peer, 501, "Not Implemented", extra=(("Allow", ALLOW),))

    def _on_new_session(self, request: SipRequest, peer: Address) -> None:
        try:
            if request.body:
                self.media.connect(parse_media(request.body))
        except LineError:
            self._endpoint.respond(request, peer, 488, "Not Acceptable Here")
            return
        contacts = request.headers.all("Contact")
        if contacts:
            self._dialog.target = address_uri(contacts[0])
        extra: tuple[tuple[str, str], ...] = (("Contact", f"<{self._dialog.contact}>"),)
        body = b""
        if request.body or request.method == "INVITE":
            body = self._description()
            extra += (("Content-Type", "application/sdp"),)
        response = self._endpoint.respond(request, peer, 200, "OK", extra=extra, body=body)
        if request.method == "INVITE":
            self._endpoint.repeat_until_ack(response, peer)

    def _description(self) -> bytes:
        self._session_id += 1
        host, port = self.media.sock.getsockname()[:2]
        return build_offer(
            host, port, self._session_id, (self.media.law,), listening=self.media.listening
        )

    # Keeping

    def write_stereo_wav(self, path: Path) -> None:
        """The call so far as 8 kHz WAV: left what we said, right what we heard.

        Blocks on the disk. Raises AudioError when it cannot be written.
        """
        block_s = 60.0
        end_s = self._until(None)
        with WavWriter(path, RATE_HZ, channels=2) as writer:
            start_s = self.dialled_at_s
            while start_s < end_s:
                stop_s = min(start_s + block_s, end_s)
                writer.write(
                    np.column_stack((self.spoken(start_s, stop_s), self.heard(start_s, stop_s)))
                )
                start_s = stop_s

    # Inside

    def _until(self, end_s: float | None) -> float:
        if end_s is not None:
            return end_s
        return self.ended.at_s if self.ended else time.monotonic()

    def _raise_if_over(self) -> None:
        if self._ended.done():
            raise CallOverError(self._ended.result())
