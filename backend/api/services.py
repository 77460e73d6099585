"""What the API needs from the rest of the house; the composition root fills it in."""

import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Protocol

from backend.calls.center import LiveCall
from backend.config import Settings
from backend.core.events import EventBus
from backend.db.engine import Database


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
"""Looks at every part. Must answer within a second or so: whoever watches us will not wait."""


class LiveCallsProvider(Protocol):
    """Knows the calls in progress; `backend.calls.center.LiveCalls` is the real one."""

    def calls(self) -> Sequence[LiveCall]:
        """Calls in progress, oldest first."""


@dataclass(frozen=True, slots=True)
class ApiServices:
    """Everything `create_app` is built from."""

    settings: Settings
    database: Database
    events: EventBus
    live: LiveCallsProvider
    health: HealthProvider
    recordings_dir: Path
    """Where the files named by `CALL_ENDED.recording` are."""
    clock: Callable[[], float] = time.time
    """Seconds since the epoch; sessions and sign-in limits use it."""
