"""Prometheus metrics, counted from the event stream: the same events the pages show."""

import math
from typing import Any

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    generate_latest,
)

from backend.api.services import LiveCallsProvider
from backend.core.events import CallEvent, EventBus, EventType
from backend.core.records import CallOutcome

TURN_PARTS = {
    "endpoint_wait": "endpoint_wait_s",
    "recognition": "recognition_s",
    "thinking": "thinking_s",
    "first_audio": "first_audio_s",
    "transport": "transport_s",
    "total": "total_s",
}
TURN_BUCKETS_S = (0.02, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5, 0.75, 1.0, 1.5, 2.5, 5.0)
CALL_BUCKETS_S = (5, 15, 30, 60, 120, 180, 300, 600, 1200)


class Metrics:
    """Counts while it lives; `close` stops listening."""

    def __init__(self, bus: EventBus, live: LiveCallsProvider) -> None:
        registry = self._registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        self._calls = Counter(
            "frontdesk_calls", "Calls answered, by line.", ["line"], registry=registry
        )
        self._ended = Counter(
            "frontdesk_calls_ended", "Calls ended, by outcome.", ["outcome"], registry=registry
        )
        active = Gauge("frontdesk_calls_active", "Calls in progress.", registry=registry)
        active.set_function(lambda: len(live.calls()))
        self._duration = Histogram(
            "frontdesk_call_seconds",
            "How long calls last.",
            registry=registry,
            buckets=CALL_BUCKETS_S,
        )
        self._turns = Histogram(
            "frontdesk_turn_seconds",
            "Caller's last voiced sample to our first, by part.",
            ["part"],
            registry=registry,
            buckets=TURN_BUCKETS_S,
        )
        self._tickets = Counter(
            "frontdesk_tickets", "Tickets opened during calls.", ["type"], registry=registry
        )
        self._troubles = Counter(
            "frontdesk_troubles",
            "Warnings and errors in calls.",
            ["level", "code"],
            registry=registry,
        )
        for outcome in CallOutcome:
            self._ended.labels(outcome.value)
        for part in TURN_PARTS:
            self._turns.labels(part)
        self.close = bus.subscribe(self._on_event)

    def render(self) -> bytes:
        """The text format Prometheus reads."""
        return generate_latest(self._registry)

    def _on_event(self, event: CallEvent) -> None:
        data = event.data
        match event.type:
            case EventType.CALL_STARTED:
                self._calls.labels(str(data.get("line", ""))).inc()
            case EventType.CALL_ENDED:
                self._ended.labels(str(data.get("outcome", ""))).inc()
                self._duration.observe(_seconds(data.get("duration_s")) or 0.0)
            case EventType.BOT_SAID:
                self._observe_turn(event)
            case EventType.TICKET_OPENED:
                self._tickets.labels(str(data.get("type", ""))).inc()
            case EventType.WARNING | EventType.ERROR:
                self._troubles.labels(event.type.value, str(data.get("code", ""))).inc()

    def _observe_turn(self, event: CallEvent) -> None:
        found = {part: _seconds(event.data.get(key)) for part, key in TURN_PARTS.items()}
        if all(seconds is None for part, seconds in found.items() if part != "total"):
            return  # a greeting, a text chat: a sum of nothing is not zero seconds
        for part, seconds in found.items():
            if seconds is not None:
                self._turns.labels(part).observe(seconds)


def _seconds(value: Any) -> float | None:
    is_good = isinstance(value, int | float) and math.isfinite(value) and value >= 0
    return float(value) if is_good else None
