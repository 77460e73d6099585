"""The one typed event stream of a call: rows, pages, logs, metrics and tests all read it."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

import structlog

log = structlog.get_logger(__name__)


class EventType(StrEnum):
    """What happened. Each member lists the keys of `CallEvent.data`."""

    CALL_STARTED = "call.started"
    """`line`, `caller`, `called`, `pbx_id`"""
    CALLER_SAID = "caller.said"
    """`turn` (0-based int), `kind` (HeardKind), `text`, `digits`, `confidence`, `audio_s`"""
    CALLER_SAYS = "caller.says"
    """`turn`, `text` (so far), `completeness`: the caller paused; perhaps they go on"""
    CALLER_SPEAKING = "caller.speaking"
    """`turn`, `text` (so far), while the caller speaks: passing"""
    CALLER_INTERRUPTED = "caller.interrupted"
    """`turn` (ours), `sentence` (0-based: the one they cut short), `heard` (its words they heard)
    """
    CALLER_DISMISSED = "caller.dismissed"
    """`turn`, `text`: a sound while we spoke that was no turn (a cough, "mhm"); we went on"""
    UNDERSTOOD = "agent.understood"
    """`turn`, `intent`, `confidence`"""
    BOT_SAYS = "bot.says"
    """`turn`, `text`, `source`: a sentence starts to play"""
    BOT_SAID = "bot.said"
    """`turn`, `text` (what was actually heard), `intent`, `source`, `interrupted`, `prepared`
    (the answer was ready before the caller's turn was over), `filler` (we had to bridge the wait),
    `endpoint_wait_s`, `recognition_s`, `thinking_s`, `first_audio_s`, `transport_s`, `total_s`"""
    CUSTOMER_IDENTIFIED = "customer.identified"
    """`customer_number`"""
    TICKET_OPENED = "ticket.opened"
    """`number`, `type`, `priority`"""
    TRANSFER_STARTED = "transfer.started"
    """`extension`"""
    TRANSFER_FAILED = "transfer.failed"
    """`extension`, `reason`"""
    OPERATOR_ACTED = "operator.acted"
    """`by` (name), `action` (OperatorAction), `text` (the note; whom the caller is put through to)
    """
    WARNING = "warning"
    """`code`, `message`: something fell back to its next rung"""
    ERROR = "error"
    """`code`, `message`"""
    CALL_ENDED = "call.ended"
    """`outcome` (CallOutcome), `duration_s`, `recording` (file name or empty), `intent`
    (the call's main intent or empty)"""


PASSING = frozenset({EventType.CALLER_SPEAKING})
"""What interests only who is watching: neither stored nor logged, and lost with a dropped line."""


class OperatorAction(StrEnum):
    """What a person did to a call while it went on."""

    NOTE = "note"
    HANG_UP = "hang_up"
    TRANSFER = "transfer"


@dataclass(frozen=True, slots=True)
class CallEvent:
    """One thing that happened in one call. `seq` counts from 0 without gaps within the call; a
    passing event has that of the next one that is kept."""

    call_id: str
    seq: int
    type: EventType
    at: datetime
    """Aware, UTC."""
    at_s: float
    """Seconds since the call started."""
    data: Mapping[str, Any] = field(default_factory=dict)
    """JSON values only. Transcripts are in here: never log it whole."""


Listener = Callable[[CallEvent], None]


class EventBus:
    """Hands every event to every listener, in order, on the publisher's thread (the event loop).

    Listeners must return at once: whoever has work to do queues it. A listener that raises is
    logged and does not disturb the call or the others.
    """

    def __init__(self) -> None:
        self._listeners: list[Listener] = []

    def publish(self, event: CallEvent) -> None:
        """Tell everybody."""
        for listener in tuple(self._listeners):
            try:
                listener(event)
            except Exception:
                log.exception("event-listener-failed", call_id=event.call_id, type=event.type)

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        """Add a listener; the returned function removes it."""
        self._listeners.append(listener)

        def unsubscribe() -> None:
            if listener in self._listeners:
                self._listeners.remove(listener)

        return unsubscribe

    @contextmanager
    def listening(self, listener: Listener) -> Iterator[None]:
        """Subscribe for the length of a `with` block."""
        unsubscribe = self.subscribe(listener)
        try:
            yield
        finally:
            unsubscribe()
