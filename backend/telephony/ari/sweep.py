"""What is in our application and belongs to no call we know: left by a bot that was killed, by a
lost connection, by requests whose answers never came."""

import asyncio
from collections.abc import Callable, Container
from dataclasses import dataclass, field, replace

import structlog

from backend.telephony.ari.client import AriClient
from backend.telephony.ari.connection import Event
from backend.telephony.ari.errors import AriError
from backend.telephony.ari.names import BRIDGE, PERSON, part_of

log = structlog.get_logger(__name__)


class Conversation:
    """A caller and a person whom an earlier run of ours has brought together.

    They talk on undisturbed; when one of them leaves, the other is let go.
    """

    def __init__(
        self,
        client: AriClient,
        bridge_id: str,
        members: frozenset[str],
        on_end: Callable[["Conversation"], None],
    ) -> None:
        self.names = members | {bridge_id}
        self._client = client
        self._bridge_id = bridge_id
        self._members = members
        self._on_end = on_end
        self._ending: asyncio.Task[None] | None = None

    def take(self, event: Event) -> None:
        """An event about one of the two."""
        if event["type"] in ("StasisEnd", "ChannelDestroyed") and self._ending is None:
            self._ending = asyncio.create_task(self._end())

    async def _end(self) -> None:
        paths = [f"channels/{name}" for name in self._members] + [f"bridges/{self._bridge_id}"]
        await _delete(self._client, paths)
        self._on_end(self)


@dataclass(frozen=True, slots=True)
class Found:
    """Channels and bridges of our application; ids."""

    app: str
    everywhere: frozenset[str]
    """Every channel of this Asterisk."""
    channels: frozenset[str]
    bridges: dict[str, frozenset[str]] = field(default_factory=dict)
    """Our bridges, and the channels in each."""

    def without(self, known: Container[str]) -> "Found":
        """What is left when what somebody looks after is left out."""
        return replace(
            self,
            channels=frozenset(name for name in self.channels if name not in known),
            bridges={
                name: members
                for name, members in self.bridges.items()
                if not any(member in known for member in members) and name not in known
            },
        )

    def conversations(
        self, client: AriClient, on_end: Callable[[Conversation], None]
    ) -> list[Conversation]:
        """Callers who are talking to a person."""
        return [
            Conversation(client, bridge, members, on_end)
            for bridge, members in self.bridges.items()
            if self._is_conversation(members)
        ]

    async def clear(self, client: AriClient) -> None:
        """Callers go to the dialplan's fallback; everything else is deleted."""
        talking = [members for members in self.bridges.values() if self._is_conversation(members)]
        alone = self.channels.difference(*talking) if talking else self.channels
        callers = [name for name in alone if part_of(self.app, name) is None]
        legs = [f"channels/{name}" for name in alone if part_of(self.app, name) is not None]
        bridges = [
            f"bridges/{name}"
            for name, members in self.bridges.items()
            if not self._is_conversation(members)
        ]
        if callers or legs or bridges:
            log.warning(
                "ari-swept",
                app=self.app,
                callers=len(callers),
                legs=len(legs),
                bridges=len(bridges),
            )
        for name in callers:
            await _ask(client, "POST", f"channels/{name}/continue")
        await _delete(client, legs + bridges)

    def _is_conversation(self, members: frozenset[str]) -> bool:
        parts = [part_of(self.app, name) for name in members]
        return None in parts and any(part and part.startswith(PERSON) for part in parts)


async def look(client: AriClient) -> Found:
    """Ask Asterisk. Raises AriError."""
    app = client.address.app
    application, channels, bridges = await asyncio.gather(
        client.request("GET", f"applications/{app}"),
        client.request("GET", "channels"),
        client.request("GET", "bridges"),
    )
    return Found(
        app=app,
        everywhere=frozenset(channel["id"] for channel in channels),
        channels=frozenset(
            channel["id"]
            for channel in channels
            # The far half of a person's leg is in the dialplan, and goes with the near one.
            if channel["id"] in application["channel_ids"] and not channel["id"].endswith(";2")
        ),
        bridges={
            bridge["id"]: frozenset(bridge["channels"])
            for bridge in bridges
            if part_of(app, bridge["id"]) == BRIDGE
        },
    )


async def _delete(client: AriClient, paths: list[str]) -> None:
    await asyncio.gather(*(_ask(client, "DELETE", path) for path in paths))


async def _ask(client: AriClient, method: str, path: str) -> None:
    try:
        await client.request(method, path)
    except AriError as error:
        log.debug("ari-sweep-refused", path=path, reason=error.message)
