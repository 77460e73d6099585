"""What the API needs from the rest of the house; the composition root fills it in."""

import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, tzinfo
from enum import StrEnum
from pathlib import Path
from typing import Protocol

from starlette.requests import HTTPConnection

from backend.api.bot import Bot
from backend.calls.center import LiveCall
from backend.calls.operator import Operator
from backend.calls.replay import CallerTurn
from backend.config import ROOT, Settings
from backend.core.errors import LineError
from backend.core.events import CallEvent, EventBus
from backend.core.records import CallInfo
from backend.db.database import Database
from backend.db.store import Store


class PartState(StrEnum):
    """How a part is."""

    OK = "ok"
    DEGRADED = "degraded"
    """A lower rung of its ladder is in use; calls are answered."""
    DOWN = "down"
    """It does not work, and calls suffer."""
    OFF = "off"
    """Not configured, on purpose: says nothing about health."""


@dataclass(frozen=True, slots=True)
class PartHealth:
    """One part of the house, as `/health` reports it."""

    part: str
    """`database`, `pbx`, `recogniser`, `synthesiser`, `llm`, `disk`."""
    state: PartState
    detail: str = ""
    """One line for a person: what is in use, or what is wrong."""
    fix: str = ""


HealthProvider = Callable[[], Awaitable[Sequence[PartHealth]]]
"""Looks at every part. Should answer within a second: whoever watches us will not wait."""


class LiveCallsProvider(Protocol):
    """Knows the calls in progress; `backend.calls.center.LiveCalls` is the real one."""

    def calls(self) -> Sequence[LiveCall]:
        """Calls in progress, oldest first."""


class Operators(Protocol):
    """Holds the controls of calls in progress; `calls.center.CallCenter` is the real one."""

    def operator(self, call_id: str) -> Operator:
        """What a person may do to that call. Raises NotLiveError when it is not held here."""


class ReplayProvider(Protocol):
    """Has a stored call go again; `backend.calls.replay.Replayer` is the real one."""

    async def replay(self, info: CallInfo, turns: Sequence[CallerTurn]) -> list[CallEvent]:
        """The events of the call as it would go today. Raises ReplayError."""


@dataclass(frozen=True, slots=True)
class ApiServices:
    """Everything `create_app` is built from."""

    settings: Settings
    database: Database
    store: Store
    events: EventBus
    live: LiveCallsProvider
    operators: Operators
    replayer: ReplayProvider
    health: HealthProvider
    recordings_dir: Path
    """Where the files named by `CALL_ENDED.recording` are."""
    zone: tzinfo = UTC
    """The business's time zone, as given to the store: what a day is, and how times are shown."""
    clock: Callable[[], float] = time.time
    """Seconds since the epoch."""
    env_file: Path = ROOT / ".env"
    """Where settings are kept that are changed in the pages."""
    bot: Bot | None = None
    """None where only records are shown."""

    @property
    def bot_parts(self) -> Bot:
        """The running bot. Raises LineError where there is none."""
        if self.bot is None:
            raise LineError("No bot runs here: records can be read, nobody can be talked to.")
        return self.bot

    def now(self) -> datetime:
        """This moment, aware, UTC."""
        return datetime.fromtimestamp(self.clock(), UTC)

    def today(self) -> date:
        """The date on the business's wall."""
        return self.now().astimezone(self.zone).date()

    def midnight(self, day: date) -> datetime:
        """When `day` begins there."""
        return datetime(day.year, day.month, day.day, tzinfo=self.zone)


def services_of(request: HTTPConnection) -> ApiServices:
    """The services of the app that handles this request or websocket."""
    services: ApiServices = request.app.state.services
    return services
