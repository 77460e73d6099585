"""Writing down a call's events in tests: `Script(call_id).started().asked("…").answered("…")`."""

from datetime import UTC, datetime, timedelta
from typing import Any, Self

from backend.core.events import PASSING, CallEvent, EventType
from backend.core.records import CallOutcome

NINE = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)


class Script:
    """One call's events, numbered and timed a second apart."""

    def __init__(self, call_id: str = "20261121-090000-aaaaaa", at: datetime = NINE) -> None:
        self.call_id = call_id
        self.at = at
        self.events: list[CallEvent] = []
        self._turn = 0

    def add(self, event_type: EventType, **data: Any) -> Self:
        """Any event."""
        seq = sum(event.type not in PASSING for event in self.events)
        at = self.at + timedelta(seconds=seq)
        self.events.append(CallEvent(self.call_id, seq, event_type, at, float(seq), data))
        return self

    def started(self, caller: str = "5550104", line: str = "agi") -> Self:
        """The call comes in."""
        return self.add(
            EventType.CALL_STARTED, line=line, caller=caller, called="100", pbx_id="1700000000.1"
        )

    def asked(self, text: str, intent: str = "billing") -> Self:
        """The caller says something, and is understood."""
        self._turn += 1
        self.add(
            EventType.CALLER_SAID,
            turn=self._turn,
            kind="words",
            text=text,
            digits="",
            confidence=0.9,
            audio_s=1.5,
        )
        return self.add(EventType.UNDERSTOOD, turn=self._turn, intent=intent, confidence=0.8)

    def answered(self, text: str, total_s: float = 0.3, **changes: Any) -> Self:
        """The bot says something, having thought for all of `total_s`."""
        self.add(EventType.BOT_SAYS, turn=self._turn, text=text, source="kb:test")
        said: dict[str, Any] = {
            "turn": self._turn,
            "text": text,
            "intent": "billing",
            "source": "kb:test",
            "interrupted": False,
            "endpoint_wait_s": None,
            "recognition_s": None,
            "thinking_s": total_s,
            "first_audio_s": None,
            "transport_s": None,
            "total_s": total_s,
        }
        return self.add(EventType.BOT_SAID, **(said | changes))

    def identified(self, customer_number: str) -> Self:
        """The caller turns out to be a customer."""
        return self.add(EventType.CUSTOMER_IDENTIFIED, customer_number=customer_number)

    def ended(
        self,
        outcome: CallOutcome = CallOutcome.COMPLETED,
        intent: str = "billing",
        recording: str = "",
        duration_s: float | None = None,
    ) -> Self:
        """The call is over."""
        if duration_s is None:
            duration_s = float(len(self.events))
        return self.add(
            EventType.CALL_ENDED,
            outcome=outcome,
            duration_s=duration_s,
            recording=recording,
            intent=intent,
        )


def short_call(call_id: str = "20261121-090000-aaaaaa", at: datetime = NINE) -> Script:
    """A whole call: a greeting, a question, an answer."""
    return (
        Script(call_id, at)
        .started()
        .answered("Hello.", thinking_s=None, total_s=0.0)
        .asked("what do i owe")
        .answered("Nothing.")
        .ended()
    )
