"""Asterisk's REST interface: connected, and connected again, whichever side opens it.

`AriDialler` connects to Asterisk; `AriListener` (listener.py) is connected to by it.
"""

import asyncio
import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import structlog

from backend.core.errors import LineError
from backend.pbx.check import asterisk_too_old
from backend.telephony.ari.connection import AriConnection, Event, not_connected
from backend.telephony.ari.errors import AriError
from backend.telephony.websocket import WebSocketRefusedError, connect

log = structlog.get_logger(__name__)

FIRST_WAIT_S = 0.1
LONGEST_WAIT_S = 5.0
STEADY_S = 5.0
"""A connection that lasted this long was a good one: the next wait is a short one again."""
_UNWANTED = (
    "ChannelVarset",
    "ChannelDialplan",
    "ChannelConnectedLine",
    "ChannelCallerId",
    "ChannelStateChange",
    "ChannelEnteredBridge",
    "ChannelLeftBridge",
    "ChannelHangupRequest",
)
"""Events nobody here looks at; a call has more than a hundred of the first alone."""
REPLACED_WAIT_S = 30.0
"""After another program has taken our application's name: two that fight help no caller."""


@dataclass(frozen=True, slots=True)
class AriAddress:
    """Where Asterisk's HTTP server is, and who we are there."""

    host: str
    port: int
    user: str
    password: str
    app: str
    """Name this bot registers under; the dialplan calls it with Stasis()."""

    @property
    def url(self) -> str:
        """Without a path."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"ws://{host}:{self.port}"


class AriClient:
    """What both ways of being connected share. Set the three callbacks before starting it."""

    def __init__(self, address: AriAddress) -> None:
        self.address = address
        self.on_event: Callable[[Event], None] = _ignore
        """Every event, in order. Must return at once."""
        self.on_up: Callable[[], None] = _nothing
        """Connected, again or for the first time: events may have been missed."""
        self.on_down: Callable[[], None] = _nothing
        self.trouble = "Asterisk's REST interface is not connected yet."
        """Why it is not connected, in one sentence; empty when it is."""
        self._connection: AriConnection | None = None
        self._up = asyncio.Event()
        self._replaced = False
        self._closing = False

    @property
    def is_up(self) -> bool:
        """Whether requests reach Asterisk right now."""
        return self._up.is_set()

    async def wait_up(self, timeout_s: float) -> None:
        """Return once connected. Raises AriError saying what is in the way."""
        try:
            async with asyncio.timeout(timeout_s):
                await self._up.wait()
        except TimeoutError as error:
            raise AriError(self.trouble) from error

    async def request(
        self,
        method: str,
        path: str,
        query: Mapping[str, str] | None = None,
        body: object = None,
    ) -> Any:
        """One request, e.g. `("POST", "channels/17.3/answer")`; the answer's JSON.

        Raises AriError: refused (with Asterisk's status), not answered in time, not connected.
        """
        if self._connection is None:
            raise not_connected()
        return await self._connection.request(method, path, query, body)

    async def start(self) -> None:
        """Begin to be connected; does not wait for it."""
        raise NotImplementedError

    async def aclose(self) -> None:
        """Close the connection for good."""
        raise NotImplementedError

    def _new_connection(self) -> AriConnection:
        return AriConnection(self._event, self._over)

    async def _begin(self, connection: AriConnection) -> None:
        """The first request of a connection: whether this Asterisk will do. Raises AriError."""
        info = await connection.request("GET", "asterisk/info", {"only": "system"})
        version = str(info["system"]["version"]) if isinstance(info, dict) else ""
        if problem := asterisk_too_old(version):
            raise AriError(problem)
        unwanted = {"disallowed": [{"type": name} for name in _UNWANTED]}
        await connection.request(
            "PUT", f"applications/{self.address.app}/eventFilter", body=unwanted
        )
        self._connection = connection
        self._replaced = False
        self.trouble = ""
        self._up.set()
        log.info("ari-up", app=self.address.app, asterisk=version)
        self.on_up()

    def _event(self, event: Event) -> None:
        if event["type"] == "ApplicationReplaced" and event.get("application") == self.address.app:
            self._replaced = True
            if self._connection is not None:
                self._connection.websocket.abort("another program registered under our name")
            return
        try:
            self.on_event(event)
        except (KeyError, TypeError, AttributeError, ValueError):  # an event of an unknown shape
            log.exception("ari-event-refused", code=AriError.code, type=event["type"])

    def _over(self, connection: AriConnection, reason: str) -> None:
        if connection is not self._connection:
            return
        self._connection = None
        self._up.clear()
        if self._closing:
            return
        self._say(f"The connection to Asterisk's REST interface was lost: {reason}.", AriError.code)
        self.on_down()

    def _say(self, trouble: str, code: str) -> None:
        """Log it once, however often it is tried again."""
        if trouble != self.trouble:
            log.warning("ari-down", app=self.address.app, code=code, reason=trouble)
        self.trouble = trouble


class AriDialler(AriClient):
    """Connects to Asterisk's HTTP server."""

    def __init__(self, address: AriAddress) -> None:
        super().__init__(address)
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Connect in the background, for ever."""
        self._task = asyncio.create_task(self._stay_connected(), name="ari")

    async def aclose(self) -> None:
        """Close the connection for good."""
        self._closing = True
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _stay_connected(self) -> None:
        failures = 0
        while True:
            began_s = time.monotonic()
            try:
                await self._one_connection()
            except LineError as error:
                self._say(str(error), error.code)
            failures = 0 if time.monotonic() - began_s >= STEADY_S else failures + 1
            await asyncio.sleep(REPLACED_WAIT_S if self._replaced else _wait_s(failures))

    async def _one_connection(self) -> None:
        connection = self._new_connection()
        query = urlencode({"app": self.address.app, "subscribeAll": "false"})
        try:
            connection.websocket = await connect(
                f"{self.address.url}/ari/events?{query}",
                connection,
                user=self.address.user,
                password=self.address.password,
            )
        except WebSocketRefusedError as error:
            raise _refused(error, self.address) from error
        try:
            await self._begin(connection)
            await connection.websocket.wait_closed()
        finally:
            connection.websocket.close()


def _wait_s(failures: int) -> float:
    """Twice as long each time, and never two bots in step."""
    longest_s = min(LONGEST_WAIT_S, FIRST_WAIT_S * 2 ** min(failures, 10))
    return random.uniform(longest_s / 2, longest_s)


_REFUSALS = {
    400: ("has no application name", "Set FRONTDESK_ARI_APP."),
    401: ("refuses the user or the password", "Set FRONTDESK_ARI_PASSWORD as in ari.conf."),
    403: ("refuses the user", "Give the user of ari.conf full rights."),
    404: ("has no REST interface", "Set enabled=yes in ari.conf and load res_ari_events.so."),
    503: ("has too many HTTP sessions", "Raise sessionlimit in http.conf."),
}


def _refused(error: WebSocketRefusedError, address: AriAddress) -> AriError:
    what, fix = _REFUSALS.get(error.status, (f"answers with status {error.status}", ""))
    where = f"{address.host}:{address.port}"
    return AriError(
        f"Asterisk's HTTP server on {where} {what} (application {address.app!r}).",
        status=error.status,
        fix=fix,
    )


def _ignore(event: Event) -> None:
    del event


def _nothing() -> None:
    pass
