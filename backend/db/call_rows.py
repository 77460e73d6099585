"""What each event of a call becomes: a row of its own, a turn, a change of the call's row."""

import math
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import insert, select, update
from sqlalchemy.orm import Session

from backend.core.events import CallEvent, EventType
from backend.core.records import CallOutcome
from backend.db import models
from backend.db.latency import PARTS
from backend.db.types import storable

_OURS_TO_BLAME = (CallOutcome.INTERRUPTED, CallOutcome.FAILED)


class CallRows:
    """Writes some events of one call, none of which has been written before."""

    def __init__(self, session: Session, call: models.Call) -> None:
        self._session = session
        self._call = call
        self._turns: list[dict[str, Any]] = []

    def write(self, events: Sequence[CallEvent]) -> None:
        """Rows for all of them; the caller flushes the call's own changes."""
        self._session.execute(insert(models.CallEvent), [_event_row(event) for event in events])
        for event in events:
            self._project(event, _Data(event.data))
        if self._turns:
            self._session.execute(insert(models.Turn), self._turns)

    def _project(self, event: CallEvent, data: "_Data") -> None:
        match event.type:
            case EventType.CALL_STARTED:
                self._start(event, data)
            case EventType.CALLER_SAID:
                self._turns.append(_caller_turn(event, data))
            case EventType.UNDERSTOOD:
                self._understood(data)
            case EventType.BOT_SAID:
                self._answered(event, data)
            case EventType.CUSTOMER_IDENTIFIED:
                self._identified(data)
            case EventType.TRANSFER_STARTED:
                self._call.transfer_to = data.text("extension")
            case EventType.CALL_ENDED:
                self._call.intent = data.text("intent")
                close(self._call, data.outcome(), event.at, data.text("recording"))
                self._call.duration_s = data.number("duration_s") or self._call.duration_s

    def _start(self, event: CallEvent, data: "_Data") -> None:
        call = self._call
        call.started_at = event.at
        call.line, call.caller = data.text("line"), data.text("caller")
        call.called, call.pbx_id = data.text("called"), data.text("pbx_id")

    def _understood(self, data: "_Data") -> None:
        """The intent belongs to what the caller said in the same turn."""
        number = data.whole("turn")
        found = {"intent": data.text("intent"), "intent_confidence": data.number("confidence")}
        here = [t for t in self._turns if t["number"] == number and t["who"] is models.Who.CALLER]
        for turn in here:
            turn.update(found)
        if not here:
            of_caller = (models.Turn.number == number, models.Turn.who == models.Who.CALLER)
            self._session.execute(
                update(models.Turn)
                .where(models.Turn.call_id == self._call.id, *of_caller)
                .values(found)
                .execution_options(synchronize_session=False)
            )

    def _answered(self, event: CallEvent, data: "_Data") -> None:
        turn = _bot_turn(event, data)
        self._turns.append(turn)
        self._call.turn_count += 1
        if turn["total_s"] is not None:
            self._call.slowest_turn_s = max(self._call.slowest_turn_s or 0.0, turn["total_s"])

    def _identified(self, data: "_Data") -> None:
        number = data.text("customer_number")
        with_number = select(models.Customer.id).where(models.Customer.number == number)
        self._call.customer_id = self._session.scalar(with_number) or self._call.customer_id


def close(call: models.Call, outcome: CallOutcome, ended_at: datetime, recording: str) -> None:
    """The call is over."""
    call.ended_at = ended_at
    call.duration_s = (ended_at - call.started_at).total_seconds()
    call.outcome = outcome
    call.recording = recording
    wanted_a_person = outcome is CallOutcome.TRANSFERRED or call.transfer_to != ""
    call.contained = not wanted_a_person and outcome not in _OURS_TO_BLAME


def _event_row(event: CallEvent) -> dict[str, Any]:
    return {
        "call_id": event.call_id,
        "seq": event.seq,
        "type": event.type.value,
        "at": event.at,
        "at_s": event.at_s,
        "data": _json_safe(dict(event.data)),
    }


def _caller_turn(event: CallEvent, data: "_Data") -> dict[str, Any]:
    return _EMPTY_TURN | {
        "call_id": event.call_id,
        "seq": event.seq,
        "number": data.whole("turn"),
        "who": models.Who.CALLER,
        "at": event.at,
        "at_s": event.at_s,
        "kind": data.text("kind"),
        "text": data.text("text"),
        "digits": data.text("digits"),
        "confidence": data.number("confidence"),
        "audio_s": data.number("audio_s"),
    }


def _bot_turn(event: CallEvent, data: "_Data") -> dict[str, Any]:
    timings = {f"{part}_s": data.number(f"{part}_s") for part in PARTS}
    if all(timings[f"{part}_s"] is None for part in PARTS if part != "total"):
        # Nothing was measured (a greeting, a text chat): a sum of nothing is not zero seconds.
        timings["total_s"] = None
    return (
        _EMPTY_TURN
        | timings
        | {
            "call_id": event.call_id,
            "seq": event.seq,
            "number": data.whole("turn"),
            "who": models.Who.BOT,
            "at": event.at,
            "at_s": event.at_s,
            "text": data.text("text"),
            "intent": data.text("intent"),
            "source": data.text("source"),
            "interrupted": bool(data.get("interrupted")),
        }
    )


_EMPTY_TURN: dict[str, Any] = {
    "kind": "",
    "text": "",
    "digits": "",
    "confidence": None,
    "audio_s": None,
    "intent": "",
    "intent_confidence": None,
    "source": "",
    "interrupted": False,
} | {f"{part}_s": None for part in PARTS}
"""All columns: rows of one insert must name the same ones."""


class _Data:
    """An event's data, read without trust: it may come from an outbox another version wrote."""

    def __init__(self, data: Mapping[str, Any]) -> None:
        self._data = data

    def get(self, key: str) -> Any:
        return self._data.get(key)

    def text(self, key: str) -> str:
        value = self._data.get(key)
        return value if isinstance(value, str) else ""

    def number(self, key: str) -> float | None:
        value = self._data.get(key)
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            return None
        return float(value) if math.isfinite(value) else None

    def whole(self, key: str) -> int:
        return int(self.number(key) or 0)

    def outcome(self) -> CallOutcome:
        try:
            return CallOutcome(self.text("outcome"))
        except ValueError:
            return CallOutcome.FAILED


def _json_safe(value: Any) -> Any:
    """`value` as every database's JSON column takes it."""
    match value:
        case None | bool() | int():
            return value
        case float():
            return value if math.isfinite(value) else None
        case str():
            return storable(value)
        case dict():
            return {storable(str(key)): _json_safe(item) for key, item in value.items()}
        case list() | tuple():
            return [_json_safe(item) for item in value]
        case _:
            return storable(str(value))
