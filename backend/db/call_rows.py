"""What each event of a call becomes: a row of its own, a turn, a change of the call's row."""

import math
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, insert, select, update
from sqlalchemy.orm import Session

from backend.core.events import CallEvent, EventType
from backend.core.records import CallOutcome
from backend.db import models
from backend.db.latency import PARTS
from backend.db.types import storable

_NOT_BY_ITSELF = (CallOutcome.INTERRUPTED, CallOutcome.FAILED, CallOutcome.OPERATOR_HUNG_UP)


class CallRows:
    """Collects what some events, none of them stored yet, become; `write` stores it.

    Events of many calls at once, because a busy hour has many calls with one event each: the
    database is asked as often for forty of them as for one.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self._events: list[dict[str, Any]] = []
        self._turns: list[dict[str, Any]] = []
        self._understood: list[dict[str, Any]] = []

    def add(self, call: models.Call, event: CallEvent) -> None:
        """One event of `call`, which has a row. Changes of the call itself happen at once."""
        self._events.append(_event_row(event))
        data = _Data(event.data)
        match event.type:
            case EventType.CALL_STARTED:
                call.started_at = event.at
                call.line, call.caller = data.text("line"), data.text("caller")
                call.called, call.pbx_id = data.text("called"), data.text("pbx_id")
            case EventType.CALLER_SAID:
                self._turns.append(_caller_turn(event, data))
            case EventType.UNDERSTOOD:
                self._understood.append(_understanding(event, data))
            case EventType.BOT_SAID:
                turn = _bot_turn(event, data)
                self._turns.append(turn)
                call.turn_count += 1
                if turn["total_s"] is not None:
                    call.slowest_turn_s = max(call.slowest_turn_s or 0.0, turn["total_s"])
            case EventType.CUSTOMER_IDENTIFIED:
                customer_id = find_customer_id(self._session, data.text("customer_number"))
                call.customer_id = customer_id or call.customer_id
            case EventType.TRANSFER_STARTED:
                call.transfer_to = data.text("extension")
            case EventType.CALL_ENDED:
                call.intent = data.text("intent")
                close(call, data.outcome(), event.at, data.text("recording"))
                call.duration_s = data.number("duration_s") or call.duration_s

    def write(self) -> None:
        """Store everything collected."""
        connection = self._session.connection()
        if self._events:
            connection.execute(_INSERT_EVENT, self._events)
        if self._turns:
            connection.execute(_INSERT_TURN, self._turns)
        if self._understood:
            connection.execute(_UNDERSTAND, self._understood)


_TURNS = models.Base.metadata.tables["turns"]
_INSERT_TURN = insert(_TURNS)
_INSERT_EVENT = insert(models.Base.metadata.tables["call_events"])
_UNDERSTAND = (
    update(_TURNS)
    .where(
        _TURNS.c.call_id == bindparam("of_call"),
        _TURNS.c.number == bindparam("of_turn"),
        _TURNS.c.who == models.Who.CALLER,
    )
    .values(intent=bindparam("understood"), intent_confidence=bindparam("how_surely"))
)
"""What was understood belongs to what the caller said in the same turn."""


def find_customer_id(session: Session, number: str | None) -> int | None:
    """The id of the customer with exactly this number."""
    if not number:
        return None
    return session.scalar(select(models.Customer.id).where(models.Customer.number == number))


def close(call: models.Call, outcome: CallOutcome, ended_at: datetime, recording: str) -> None:
    """The call is over."""
    call.ended_at = ended_at
    call.duration_s = (ended_at - call.started_at).total_seconds()
    call.outcome = outcome
    call.recording = recording
    wanted_a_person = outcome is CallOutcome.TRANSFERRED or call.transfer_to != ""
    call.contained = not wanted_a_person and outcome not in _NOT_BY_ITSELF


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


def _understanding(event: CallEvent, data: "_Data") -> dict[str, Any]:
    return {
        "of_call": event.call_id,
        "of_turn": data.whole("turn"),
        "understood": data.text("intent"),
        "how_surely": data.number("confidence"),
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
