"""What of a call may stand in a log."""

from datetime import UTC, datetime

import structlog
from structlog.testing import capture_logs

from backend.calls import event_log
from backend.core.events import PASSING, CallEvent, EventBus, EventType

SECRET = "one zero zero four"


def test_no_event_logs_what_was_said_or_who_said_it() -> None:
    bus = EventBus()
    data = dict.fromkeys(
        ("text", "heard", "digits", "caller", "customer_number", "number", "pbx_id"), SECRET
    )
    with capture_logs() as lines:
        event_log.log = structlog.get_logger("test")
        event_log.log_events(bus)
        for seq, event_type in enumerate(EventType):
            bus.publish(
                CallEvent("c-1", seq, event_type, datetime(2026, 1, 1, tzinfo=UTC), 0.0, data)
            )
    assert {line["event"] for line in lines} == set(EventType) - PASSING
    assert all(line["call_id"] == "c-1" for line in lines)
    assert SECRET not in str(lines)


def test_every_event_type_is_listed_so_that_its_log_line_was_thought_about() -> None:
    assert set(event_log.LOGGED) == set(EventType) - PASSING
