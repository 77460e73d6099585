"""Calls that reach our application: each served by a task of its own, all of them cleaned up."""

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from backend.core.errors import HungUp
from backend.telephony.ari.call import AriCall
from backend.telephony.ari.client import AriClient
from backend.telephony.ari.connection import Event
from backend.telephony.ari.errors import AriError
from backend.telephony.ari.names import part_of
from backend.telephony.ari.sweep import Conversation, Found, look

log = structlog.get_logger(__name__)

LOST_S = 15.0
"""A call whose Asterisk cannot be asked for this long has ended, as far as we can tell."""
SETTLE_S = 0.5
"""What an answer lists may be known to us a moment later: events take another way."""

Handler = Callable[[AriCall], Awaitable[None]]


class AriServer:
    """Serves every caller Asterisk sends to our application.

    When a handler returns, fails or is cancelled, what its call created is deleted; a caller who
    is still there goes to the dialplan's fallback. What earlier runs of ours left is swept.
    """

    def __init__(self, client: AriClient, on_call: Handler) -> None:
        self._client = client
        self._on_call = on_call
        self._owners: dict[str, AriCall | Conversation] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._sweeping: asyncio.Task[None] | None = None
        self._lost: asyncio.TimerHandle | None = None
        self._sweep_wanted = False
        self._taking = True
        client.on_event = self._dispatch
        client.on_up = self._up
        client.on_down = self._down

    @property
    def calls(self) -> list[AriCall]:
        """The calls being served."""
        return list({id(o): o for o in self._owners.values() if isinstance(o, AriCall)}.values())

    async def start(self) -> None:
        """Begin to take calls as soon as Asterisk is there; does not wait for it."""
        await self._client.start()

    def stop_listening(self) -> None:
        """Take no new calls: the dialplan gives them to another bot. Those in progress go on."""
        self._taking = False

    async def aclose(self) -> None:
        """End what is left of the calls; their callers go to the fallback."""
        self.stop_listening()
        if self._lost is not None:
            self._lost.cancel()
        tasks = [*self._tasks, *([self._sweeping] if self._sweeping else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._client.aclose()

    def _dispatch(self, event: Event) -> None:
        # A Dial is about two channels; ours is the one that calls.
        channel = event.get("caller" if event["type"] == "Dial" else "channel")
        if not isinstance(channel, dict):
            return
        owner = self._owners.get(channel["id"])
        if owner is not None:
            owner.take(event)
        elif event["type"] == "StasisStart":
            self._arrived(event, channel)

    def _arrived(self, event: Event, channel: Event) -> None:
        app = self._client.address.app
        if event.get("application", app) != app:
            return
        if part_of(app, channel["id"]) is not None or event.get("args"):
            # A leg whose call has ended meanwhile, or somebody an earlier run put through.
            self._sweep()
            return
        call = AriCall(self._client, channel, self._owners.__setitem__)
        self._owners[call.channel_id] = call
        task = asyncio.create_task(self._serve(call), name=f"ari call {call.channel_id}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, call: AriCall) -> None:
        try:
            if self._taking:
                await self._on_call(call)
            else:
                await call.to_fallback(busy=True)
        except HungUp:
            pass
        except Exception as error:
            code = getattr(error, "code", "unexpected")
            log.exception("ari-call-failed", pbx_id=call.pbx_id, code=code)
        finally:
            # On its own, so that a cancelled call is cleaned up too.
            await asyncio.shield(asyncio.create_task(self._end(call)))

    async def _end(self, call: AriCall) -> None:
        await call.to_fallback()
        await call.aclose()
        self._disown(call)

    def _disown(self, owner: AriCall | Conversation) -> None:
        for name in [name for name, one in self._owners.items() if one is owner]:
            del self._owners[name]

    def _up(self) -> None:
        if self._lost is not None:
            self._lost.cancel()
            self._lost = None
        self._sweep()

    def _down(self) -> None:
        self._lost = asyncio.get_running_loop().call_later(LOST_S, self._give_up)

    def _give_up(self) -> None:
        for call in self.calls:
            log.warning("ari-call-lost", pbx_id=call.pbx_id, code=AriError.code)
            call.leave()

    def _sweep(self) -> None:
        self._sweep_wanted = True
        if self._sweeping is None or self._sweeping.done():
            self._sweeping = asyncio.create_task(self._sweep_while_wanted(), name="ari sweep")

    async def _sweep_while_wanted(self) -> None:
        while self._sweep_wanted:
            self._sweep_wanted = False
            await self._compare()

    async def _compare(self) -> None:
        """Bring what Asterisk has and what we know of together, after either has been away."""
        try:
            known = {call.channel_id: call for call in self.calls}
            found = await look(self._client)
            for channel_id, call in known.items():
                if channel_id not in found.everywhere:
                    call.leave()
            await asyncio.sleep(SETTLE_S)
            await self._clear(found.without(self._owners))
        except AriError as error:
            log.warning("ari-sweep-failed", code=error.code, reason=error.message)

    async def _clear(self, found: Found) -> None:
        for conversation in found.conversations(self._client, self._disown):
            for name in conversation.names:
                self._owners[name] = conversation
        await found.clear(self._client)
