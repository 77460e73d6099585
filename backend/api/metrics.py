"""Prometheus metrics, counted from the event stream: the same events the pages show."""

import math
from collections.abc import Iterable
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
from backend.core.records import CallOutcome, TicketType
from backend.core.speech import UNSUPPORTED_SOURCE

TURN_PARTS = {
    "endpoint_wait": "endpoint_wait_s",
    "recognition": "recognition_s",
    "thinking": "thinking_s",
    "first_audio": "first_audio_s",
    "transport": "transport_s",
    "total": "total_s",
}
TURN_BUCKETS_S = (0.01, 0.02, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5, 0.75, 1.0, 1.5, 2.5, 5.0)
"""10 ms is less than a part that is worth a look; fine around 300 ms, where people begin to notice.
"""
CALL_BUCKETS_S = (5, 15, 30, 60, 120, 180, 300, 600, 1200)
OTHER = "other"
MOST_NAMES = 50
"""Every value of a label is a time series that Prometheus keeps. What we call lines and troubles is
a dozen words; were a caller's words ever to get in among them, it would end here."""


class _Names:
    """Values that a label may have; what is not among them is `OTHER`."""

    def __init__(self, known: Iterable[str] = (), most: int = 0) -> None:
        self._known = set(known)
        self._most = most
        """New names are learned until there are this many."""

    def __call__(self, name: Any) -> str:
        name = str(name)
        if name not in self._known and len(self._known) < self._most:
            self._known.add(name)
        return name if name in self._known else OTHER


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
        self._interruptions = Counter(
            "frontdesk_interruptions",
            "Answers that callers cut short: barge-ins, by voice or key.",
            registry=registry,
        )
        self._false_stops = Counter(
            "frontdesk_false_stops",
            "Answers that stopped for a sound that was no turn (a cough, “mhm”), and went on.",
            registry=registry,
        )
        self._line = _Names(most=MOST_NAMES)
        self._code = _Names(most=MOST_NAMES)
        self._outcome = _Names(CallOutcome)
        self._ticket = _Names(TicketType)
        self._unsupported = Counter(
            "frontdesk_unsupported_answers",
            "Answers of the language model of which something was not said: no fact supports it.",
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
                self._calls.labels(self._line(data.get("line", ""))).inc()
            case EventType.CALL_ENDED:
                self._ended.labels(self._outcome(data.get("outcome", ""))).inc()
                self._duration.observe(_seconds(data.get("duration_s")) or 0.0)
            case EventType.BOT_SAID:
                self._observe_turn(event)
            case EventType.CALLER_INTERRUPTED:
                self._interruptions.inc()
            case EventType.CALLER_DISMISSED:
                self._false_stops.inc()
            case EventType.BOT_SAYS:
                if data.get("source") == UNSUPPORTED_SOURCE:
                    self._unsupported.inc()
            case EventType.TICKET_OPENED:
                self._tickets.labels(self._ticket(data.get("type", ""))).inc()
            case EventType.WARNING | EventType.ERROR:
                self._troubles.labels(event.type.value, self._code(data.get("code", ""))).inc()

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
