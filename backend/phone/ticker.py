"""One task that moves the audio of every call: a packet each way every 20 ms."""

import asyncio
import contextlib
import select
import time
from collections.abc import Collection

import structlog

from backend.audio.g711 import Law
from backend.phone.media import Media
from backend.phone.rtp import PACKET_S, PACKET_SAMPLES, RATE_HZ
from backend.phone.surroundings import mix
from backend.phone.udp import wall_to_monotonic_s
from backend.phone.voice import voiced_bounds

log = structlog.get_logger(__name__)

SLOTS = 2
"""Calls are spread over this many phases of the 20 ms, since real callers do not speak in unison;
each phase more costs a wake-up."""
TICK_S = PACKET_S / SLOTS
MAX_LATE_TICKS = 50 * SLOTS
"""After a stall longer than a second the schedule starts afresh instead of catching up."""
MAX_READS_PER_TICK = 200
"""Per call: a peer that floods us delays nobody else for ever."""


class Ticker:
    """Sends and receives for all calls. Kernel timestamps make reading in batches exact."""

    def __init__(self) -> None:
        self._slots: list[dict[int, Media]] = [{} for _ in range(SLOTS)]
        self._by_fd: dict[int, Media] = {}
        self._epoll = select.epoll()
        self._task: asyncio.Task[None] | None = None

    def add(self, media: Media) -> None:
        """Begin to carry this call's audio; harmless when it is carried already."""
        fd = media.sock.fileno()
        if fd in self._by_fd:
            return
        self._by_fd[fd] = media
        min(self._slots, key=len)[fd] = media
        self._epoll.register(fd, select.EPOLLIN)
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._run(), name="phone-ticker")

    def remove(self, media: Media) -> None:
        """Hear what has arrived and carry no more. The media is closed by its owner."""
        fd = media.sock.fileno()
        if self._by_fd.get(fd) is not media:
            return
        self._hear_all()
        del self._by_fd[fd]
        for slot in self._slots:
            slot.pop(fd, None)
        self._epoll.unregister(fd)

    async def aclose(self) -> None:
        """Stop the task."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        self._epoll.close()

    async def _run(self) -> None:
        due_s = time.monotonic()
        tick = 0
        while self._by_fd:
            now_s = time.monotonic()
            if now_s - due_s > MAX_LATE_TICKS * TICK_S:
                log.warning("phone-stalled", late_s=round(now_s - due_s, 3))
                due_s = now_s
            while due_s <= now_s:
                self._hear_all()
                _send_all(self._slots[tick % SLOTS].values())
                tick += 1
                due_s += TICK_S
            await asyncio.sleep(due_s - time.monotonic())

    def _hear_all(self) -> None:
        to_monotonic_s = wall_to_monotonic_s()
        heard: dict[Law, list[tuple[Media, float, bytes]]] = {law: [] for law in Law}
        for _ in range(MAX_READS_PER_TICK):
            ready = self._epoll.poll(0)
            if not ready:
                break
            for fd, _ in ready:
                media = self._by_fd[fd]
                # An ICMP error of an earlier send is reported here once; it carries no audio.
                with contextlib.suppress(OSError):
                    audio = media.receive(to_monotonic_s)
                    if audio is not None:
                        heard[media.law].append((media, *audio))
        for law, packets in heard.items():
            _note_voice(law, packets)


def _send_all(medias: Collection[Media]) -> None:
    noisy = [media for media in medias if media.connected and media.surroundings is not None]
    mixed = dict(zip(map(id, noisy), mix(noisy, time.monotonic()), strict=True))
    for media in medias:
        media.send_packet(time.monotonic(), mixed.get(id(media)))


def _note_voice(law: Law, packets: list[tuple[Media, float, bytes]]) -> None:
    usual = [item for item in packets if len(item[2]) == PACKET_SAMPLES]
    batches = [usual, *([item] for item in packets if len(item[2]) != PACKET_SAMPLES)]
    for batch in batches:
        if not batch:
            continue
        payloads = [payload for _, _, payload in batch]
        bounds = voiced_bounds(payloads, law, batch[0][0].voice_settings)
        for (media, start_s, _), found in zip(batch, bounds, strict=True):
            if found is not None:
                first, last = found
                media.note_voice(start_s + first / RATE_HZ, start_s + last / RATE_HZ)
