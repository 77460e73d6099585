"""One call's audio: what leaves and what arrives, both on `time.monotonic()`."""

import asyncio
import contextlib
import random
import socket
from collections import deque

from backend.audio import g711
from backend.audio.g711 import Law
from backend.audio.pcm import Pcm
from backend.core.errors import LineError
from backend.phone import udp
from backend.phone.outgoing import KeyPress, Sent, Speech
from backend.phone.rtp import (
    PACKET_S,
    PACKET_SAMPLES,
    RATE_HZ,
    RtpPacket,
    pack_header,
    parse_packet,
)
from backend.phone.sdp import PAYLOAD_TYPES, MediaAnswer
from backend.phone.surroundings import Surroundings
from backend.phone.track import Track
from backend.phone.voice import VoiceSettings, voiced_bounds

REANCHOR_S = 0.1
"""Placed by the sender's clock further from its arrival than this, the sender has jumped."""


class Media:
    """Audio of one call. Driven by the ticker; everything here returns at once."""

    def __init__(self, sock: socket.socket, origin_s: float, voice: VoiceSettings) -> None:
        self.sock = sock
        self.heard = Track(origin_s)
        self.sent = Track(origin_s)
        self.law = Law.MU
        self.listening = True
        self.packets_heard = 0
        self.packets_damaged = 0
        self.first_packet_at_s: float | None = None
        self.voice_settings = voice
        self.surroundings: Surroundings | None = None
        self.noise_position = random.getrandbits(24)
        self._silence = _silence(Law.MU)
        self.late_s = 0.0
        """How much later than its place the last packet heard arrived."""
        self._connected = False
        self._event_payload_type: int | None = None
        self._queue: deque[Speech | KeyPress] = deque()
        self._ssrc = random.getrandbits(32)
        self._sequence = random.getrandbits(15)
        self._timestamp = random.getrandbits(31)
        self._marker = True
        self._sent_until_s: float | None = None
        self._anchor: tuple[int, int, float] | None = None
        self._voice_waiters: list[asyncio.Future[None]] = []

    def connect(self, answer: MediaAnswer) -> None:
        """Send to, and hear only, this peer from now on. Raises LineError if that cannot be."""
        self.law = answer.law
        self._silence = _silence(answer.law)
        self._event_payload_type = answer.event_payload_type
        self.listening = answer.listening
        if answer.port == 0 or not answer.listening:
            self._connected = False
            return
        try:
            self.sock.connect((answer.host, answer.port))
        except OSError as error:
            raise LineError(
                f"Audio cannot be sent to {answer.host}:{answer.port}: {error.strerror}."
            ) from error
        self._connected = True

    @property
    def connected(self) -> bool:
        """The peer's address is known and it wants our audio."""
        return self._connected

    # Sending

    def say(self, pcm: Pcm, done: asyncio.Future[Sent]) -> Speech:
        """Queue speech at 8 kHz; it begins with the next tick. `done` gets the result."""
        data = g711.encode(pcm, self.law)
        data += self._silence[: -len(data) % PACKET_SAMPLES]
        packets = [
            data[start : start + PACKET_SAMPLES] for start in range(0, len(data), PACKET_SAMPLES)
        ]
        bounds = voiced_bounds(packets, self.law, self.voice_settings) if packets else []
        speech = Speech(packets, bounds, self.law, done)
        self._queue.append(speech)
        return speech

    def press(self, key: str, done: asyncio.Future[Sent]) -> KeyPress:
        """Queue one key, from `check_key`. Raises LineError when the peer takes no key events."""
        if self._event_payload_type is None:
            raise LineError("The PBX did not agree to RFC 4733 key presses on this call.")
        press = KeyPress(key, done)
        self._queue.append(press)
        return press

    def drop(self, item: Speech | KeyPress) -> None:
        """What of it has not left never will."""
        if not item.left:
            with contextlib.suppress(ValueError):
                self._queue.remove(item)

    @property
    def sending_law(self) -> Law:
        """The law of the next packet's audio: speech keeps the one it was encoded in."""
        head = self._queue[0] if self._queue else None
        return head.law if isinstance(head, Speech) else self.law

    def sending_at_s(self, now_s: float) -> float:
        """Where the next packet belongs, given that it leaves now.

        Without the ticker's jitter: what the peer plays is seamless, too.
        """
        due_s = self._sent_until_s
        return now_s if due_s is None or abs(due_s - now_s) > REANCHOR_S else due_s

    def due(self) -> bytes:
        """The audio of the next packet, before anything is mixed into it."""
        head = self._queue[0] if self._queue else None
        return head.packets[head.position] if isinstance(head, Speech) else self._silence

    def send_packet(self, now_s: float, mixed: bytes | None = None) -> None:
        """Send the packet due now: speech, a key, or silence; `mixed` in place of its audio."""
        if not self._connected:
            return
        head = self._queue[0] if self._queue else None
        if isinstance(head, KeyPress):
            self._send_key(head, now_s)
            self._sent_until_s = None
        else:
            law, audio = self.sending_law, mixed or self.due()
            if head is not None:
                self._note_speech(head, now_s)
            self._send(PAYLOAD_TYPES[law], audio)
            self._keep_sent(audio if head or mixed else None, law, now_s)
        self._timestamp += PACKET_SAMPLES
        if head is not None and head.left and not head.done.done():
            head.done.set_result(head.result())
        if head is not None and head.finished:
            self._queue.popleft()

    def _note_speech(self, speech: Speech, now_s: float) -> None:
        bounds = speech.bounds[speech.position]
        speech.note_packet(now_s)
        if bounds is not None:
            self.sent.note_voice(now_s + bounds[0] / RATE_HZ, now_s + bounds[1] / RATE_HZ)

    def _keep_sent(self, audio: bytes | None, law: Law, now_s: float) -> None:
        """Keep what left; None is silence, and kept as nothing."""
        if audio is None:
            self._sent_until_s = None
            return
        start_s = self.sending_at_s(now_s)
        self.sent.place(start_s, audio, law)
        self._sent_until_s = start_s + PACKET_S

    def _send_key(self, press: KeyPress, now_s: float) -> None:
        first = press.packets_sent == 0
        if first:
            press.timestamp = self._timestamp
        payload = press.next_packet(now_s)
        if payload is None or self._event_payload_type is None:
            self._send(PAYLOAD_TYPES[self.law], self._silence)
        else:
            self._send(self._event_payload_type, payload, timestamp=press.timestamp, marker=first)

    def _send(
        self, payload_type: int, payload: bytes, timestamp: int | None = None, marker: bool = False
    ) -> None:
        stamp = self._timestamp if timestamp is None else timestamp
        marker = marker or self._marker
        header = pack_header(payload_type, self._sequence, stamp, self._ssrc, marker=marker)
        self._marker = False
        self._sequence += 1
        # The peer's port may be closed already, or the kernel's buffer full: a lost packet, as
        # on any network.
        with contextlib.suppress(OSError):
            self.sock.send(header + payload)

    # Hearing

    def receive(self, to_monotonic_s: float) -> tuple[float, bytes] | None:
        """Read one datagram (`to_monotonic_s` as in `udp.receive`, which says what is raised).

        Returns when the audio starts and the audio, or None when it was none.
        """
        data, arrived_s, _ = udp.receive(self.sock, to_monotonic_s)
        try:
            packet = parse_packet(data)
        except LineError:
            self.packets_damaged += 1
            return None
        if packet.payload_type != PAYLOAD_TYPES[self.law] or not packet.payload:
            return None
        self.packets_heard += 1
        if self.first_packet_at_s is None:
            self.first_packet_at_s = arrived_s
        start_s = self._place(packet, arrived_s)
        self.late_s = arrived_s - start_s
        self.heard.place(start_s, packet.payload, self.law)
        return start_s, packet.payload

    def _place(self, packet: RtpPacket, arrived_s: float) -> float:
        """When the packet's first sample is heard: by the sender's clock, once anchored.

        The anchor is a real arrival, so nothing is ever said to be heard before it came.
        """
        if self._anchor is not None and not packet.marker:
            ssrc, timestamp, anchored_s = self._anchor
            # Signed difference of 32-bit counters, so that wrapping and reordering both work.
            elapsed = ((packet.timestamp - timestamp + 0x80000000) & 0xFFFFFFFF) - 0x80000000
            start_s = anchored_s + elapsed / RATE_HZ
            if ssrc == packet.ssrc and abs(start_s - arrived_s) <= REANCHOR_S:
                return start_s
        self._anchor = (packet.ssrc, packet.timestamp, arrived_s)
        return arrived_s

    def note_voice(self, start_s: float, end_s: float) -> None:
        """Voice was heard here; wakes who waits for it."""
        self.heard.note_voice(start_s, end_s)
        waiters, self._voice_waiters = self._voice_waiters, []
        for waiter in waiters:
            if not waiter.done():
                waiter.set_result(None)

    def next_voice(self) -> asyncio.Future[None]:
        """Done when the next voiced packet has been heard."""
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._voice_waiters.append(waiter)
        return waiter

    def close(self, error: Exception) -> None:
        """Stop: everything still waiting to be sent or heard gets `error`. Audio is kept."""
        self._connected = False
        self.sock.close()
        waiting: list[asyncio.Future[Sent] | asyncio.Future[None]] = [
            *(item.done for item in self._queue),
            *self._voice_waiters,
        ]
        self._queue.clear()
        self._voice_waiters.clear()
        for future in waiting:
            if not future.done():
                future.set_exception(error)
                future.exception()  # marks it as seen: its waiter may already be gone


def _silence(law: Law) -> bytes:
    return bytes([g711.silence_byte(law)]) * PACKET_SAMPLES
