"""Calls in progress as server-sent events: every event once, in order, also after a dropped line.

An event's id is `<run>-<number>`: a browser that lost the connection sends the last one it has, and
goes on behind it. Who sends none, or one too old to go on from, is told to start afresh (`reset`)
and given everything that has happened in the calls in progress.
"""

import asyncio
import json
import secrets
from collections import deque
from collections.abc import AsyncGenerator
from itertools import islice

from backend.core.events import PASSING, CallEvent, EventBus, EventType

EVERY_S = 0.15
"""Events that come faster travel together: every write costs the loop that also carries audio."""
GROUP = 10
"""So many watchers are written to before audio gets its turn."""
KEPT = 5000
"""Events to go on from: minutes of fifty calls."""
HEARTBEAT_S = 15.0
"""Proxies close what is silent for a minute."""
LONGEST_S = 120.0
"""Then a browser has to come again, and to show that it is still signed in."""
RETRY_MS = 1000
_RESET = b"event: reset\ndata: \n\n"


class LiveFeed:
    """Turns the bus's events into bytes once, however many watch. `close` ends all streams."""

    def __init__(self, bus: EventBus) -> None:
        self._run = secrets.token_hex(4)
        self._numbers = 0
        """Of the last event."""
        self._recent: deque[bytes] = deque(maxlen=KEPT)
        """The last events, without a gap."""
        self._calls: dict[str, list[bytes]] = {}
        """Everything of each call in progress."""
        self._news: bytes = b""
        self._watchers: dict[object, asyncio.Event] = {}
        self._loop: asyncio.AbstractEventLoop | None = None
        self._is_due = False
        self._told_at_s = float("-inf")
        self._is_closed = False
        self._batch: tuple[int, int, bytes] = (0, 0, b"")
        self._unsubscribe = bus.subscribe(self._on_event)

    @property
    def is_watched(self) -> bool:
        """Whether anybody would see news."""
        return bool(self._watchers)

    def show(self, html: str) -> None:
        """News that replace the ones before: a piece of the page, as event `status`."""
        lines = "".join(f"data: {line}\n" for line in html.splitlines())
        self._news = f"event: status\n{lines}\n".encode()
        self._wake()

    async def stream(self, last_id: str) -> AsyncGenerator[bytes, None]:
        """What one watcher is sent, for `LONGEST_S`; `last_id` is empty at first."""
        loop = self._loop = asyncio.get_running_loop()
        ends_at_s = loop.time() + LONGEST_S
        key, woken = object(), asyncio.Event()
        self._watchers[key] = woken
        try:
            beginning, place = self._beginning(last_id)
            shown = self._news  # a page that comes now has newer ones in it
            yield b"retry: %d\n\n" % RETRY_MS + beginning
            while not self._is_closed and loop.time() < ends_at_s:
                if not await _set_within(woken, HEARTBEAT_S):
                    yield b": \n\n"
                    continue
                woken.clear()
                if self._numbers - place > len(self._recent):
                    return  # too slow to follow: it comes again, and starts afresh
                chunk, place = self._since(place), self._numbers
                if self._news is not shown:
                    shown = self._news
                    chunk += shown
                if chunk:
                    yield chunk
        finally:
            del self._watchers[key]

    def close(self) -> None:
        """End all streams, and listen no more."""
        self._is_closed = True
        self._unsubscribe()
        self._wake()

    def _on_event(self, event: CallEvent) -> None:
        self._numbers += 1
        frame = _frame(event)
        self._recent.append(self._id() + frame)
        if event.type is EventType.CALL_STARTED:
            self._calls[event.call_id] = []
        if event.type is EventType.CALL_ENDED:
            self._calls.pop(event.call_id, None)
        elif event.call_id in self._calls and event.type not in PASSING:
            self._calls[event.call_id].append(frame)
        self._wake()

    def _beginning(self, last_id: str) -> tuple[bytes, int]:
        """The first bytes for who has everything up to `last_id`, and where they are then."""
        run, _, number = last_id.partition("-")
        if run == self._run and number.isdecimal():
            behind = self._numbers - int(number)
            if 0 <= behind <= len(self._recent):
                return self._since(int(number)), self._numbers
        calls = b"".join(b"".join(frames) for frames in self._calls.values())
        # One id, at the end: who loses the line before it has not got everything.
        return _RESET + calls + self._id() + b"event: here\ndata: \n\n", self._numbers

    def _id(self) -> bytes:
        return b"id: %s-%d\n" % (self._run.encode(), self._numbers)

    def _since(self, place: int) -> bytes:
        if self._batch[:2] != (place, self._numbers):
            first = len(self._recent) - (self._numbers - place)
            frames = b"".join(islice(self._recent, first, None))
            self._batch = (place, self._numbers, frames)
        return self._batch[2]

    def _wake(self) -> None:
        """Have the watchers look, some time soon; from any thread."""
        if self._loop is None or not self._watchers or self._is_due:
            return
        self._is_due = True
        self._loop.call_soon_threadsafe(self._plan, self._loop)

    def _plan(self, loop: asyncio.AbstractEventLoop) -> None:
        wait_s = max(0.0, self._told_at_s + EVERY_S - loop.time())
        loop.call_later(wait_s, self._tell, loop)

    def _tell(self, loop: asyncio.AbstractEventLoop) -> None:
        self._is_due = False
        self._told_at_s = loop.time()
        watchers = list(self._watchers.values())
        for group in range(0, len(watchers), GROUP):
            loop.call_later(group / GROUP * 0.005, _set_all, watchers[group : group + GROUP])


def _frame(event: CallEvent) -> bytes:
    told = {
        "call": event.call_id,
        "seq": event.seq,
        "type": event.type,
        "at": event.at.isoformat(),
        "at_s": event.at_s,
        "data": dict(event.data),
    }
    text = json.dumps(told, ensure_ascii=False, separators=(",", ":"), default=str)
    # A lone surrogate out of somebody's recogniser must not end the stream.
    return b"event: call\ndata: " + text.encode("utf-8", "replace") + b"\n\n"


def _set_all(events: list[asyncio.Event]) -> None:
    for event in events:
        event.set()


async def _set_within(event: asyncio.Event, seconds: float) -> bool:
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return False
    return True
