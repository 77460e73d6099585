"""Publishes one call's events: numbered, timed, with the data each type promises."""

import time
from datetime import UTC, datetime
from typing import Any

from backend.core.events import PASSING, CallEvent, EventBus, EventType


class CallPublisher:
    """The writing end of one call's event stream."""

    def __init__(self, bus: EventBus, call_id: str) -> None:
        self.call_id = call_id
        self._bus = bus
        self._seq = 0
        self._started_at_s = time.monotonic()

    @property
    def elapsed_s(self) -> float:
        """Seconds since the call started."""
        return time.monotonic() - self._started_at_s

    def publish(self, event_type: EventType, **data: Any) -> None:
        """Tell everybody; `data` as documented at the type."""
        event = CallEvent(
            call_id=self.call_id,
            seq=self._seq,
            type=event_type,
            at=datetime.now(UTC),
            at_s=round(self.elapsed_s, 4),
            data=data,
        )
        if event_type not in PASSING:
            self._seq += 1
        self._bus.publish(event)

    def warn(self, code: str, message: str) -> None:
        """Something fell back to its next rung."""
        self.publish(EventType.WARNING, code=code, message=message)
