"""Every call event as a log line, without what was said."""

import structlog

from backend.core.events import PASSING, CallEvent, EventBus, EventType

log = structlog.get_logger("backend.calls")

LOGGED: dict[EventType, tuple[str, ...]] = {
    EventType.CALL_STARTED: ("line", "called"),
    EventType.CALLER_SAID: ("turn", "kind", "confidence", "audio_s"),
    EventType.CALLER_SAYS: ("turn", "completeness"),
    EventType.CALLER_INTERRUPTED: ("turn", "sentence"),
    EventType.CALLER_DISMISSED: ("turn",),
    EventType.UNDERSTOOD: ("turn", "intent", "confidence"),
    EventType.BOT_SAYS: (),
    EventType.BOT_SAID: (
        "turn",
        "source",
        "interrupted",
        "prepared",
        "filler",
        "endpoint_wait_s",
        "recognition_s",
        "thinking_s",
        "first_audio_s",
        "transport_s",
        "total_s",
    ),
    EventType.CUSTOMER_IDENTIFIED: (),
    EventType.TICKET_OPENED: ("type", "priority"),
    EventType.TRANSFER_STARTED: ("extension",),
    EventType.TRANSFER_FAILED: ("extension", "reason"),
    EventType.OPERATOR_ACTED: ("by", "action"),
    EventType.WARNING: ("code", "message"),
    EventType.ERROR: ("code", "message"),
    EventType.CALL_ENDED: ("outcome", "duration_s", "intent"),
}
"""Which data of each event may be logged: nothing a caller said, no customer, no caller's number.
A new event type logs nothing but its name until it is listed here."""


def log_events(bus: EventBus) -> None:
    """Log every event of the bus from now on."""
    bus.subscribe(_log)


def _log(event: CallEvent) -> None:
    if event.type in PASSING:
        return
    shown = {key: event.data[key] for key in LOGGED.get(event.type, ()) if key in event.data}
    level = {EventType.WARNING: "warning", EventType.ERROR: "error"}.get(event.type, "info")
    getattr(log, level)(event.type.value, call_id=event.call_id, at_s=event.at_s, **shown)
