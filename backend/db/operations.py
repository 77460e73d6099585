"""Everything a call writes, as values that can wait: in memory, or as a line of the outbox.

Each operation carries the key of the row it makes, so carrying one out twice is the same as once.
"""

import hashlib
import json
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from backend.core.events import CallEvent, EventType
from backend.core.records import TicketDraft, TicketPriority, TicketType


@dataclass(frozen=True, slots=True)
class RecordEvent:
    """Store an event and what follows from it. Its key is the call and the number within it."""

    event: CallEvent
    bot: str
    """Which bot holds the call."""


@dataclass(frozen=True, slots=True)
class OpenTicket:
    """Store a ticket."""

    draft: TicketDraft
    call_id: str | None
    at: datetime
    by: str = "bot"

    @property
    def key(self) -> str:
        """The same for the same request, however often it is made.

        Not the ticket's number: two calls may be promised the same six digits, and neither
        ticket may be lost for that.
        """
        content = json.dumps([self.call_id, asdict(self.draft)], sort_keys=True)
        return hashlib.sha256(content.encode()).hexdigest()


Operation = RecordEvent | OpenTicket


def to_line(operation: Operation) -> str:
    """One line of JSON, without the line end."""
    match operation:
        case RecordEvent(event, bot):
            record: dict[str, Any] = {
                "op": "event",
                "bot": bot,
                "call_id": event.call_id,
                "seq": event.seq,
                "type": event.type,
                "at": event.at.isoformat(),
                "at_s": event.at_s,
                "data": event.data,
            }
        case OpenTicket(draft, call_id, at, by):
            record = {
                "op": "ticket",
                "draft": asdict(draft),
                "call_id": call_id,
                "at": at.isoformat(),
                "by": by,
            }
    return json.dumps(record, default=str)


def from_line(line: str) -> Operation:
    """The operation in a line. Raises ValueError for anything `to_line` would not write."""
    try:
        record = json.loads(line)
        at = datetime.fromisoformat(record["at"])
        if at.tzinfo is None:
            raise ValueError("an instant without a zone")
        if record["op"] == "event":
            return RecordEvent(_event(record, at), str(record["bot"]))
        if record["op"] == "ticket":
            return OpenTicket(_draft(record["draft"]), record["call_id"], at, str(record["by"]))
    except (KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ValueError(f"not an operation: {error!r}") from error
    raise ValueError("an unknown operation")


def _event(record: dict[str, Any], at: datetime) -> CallEvent:
    return CallEvent(
        call_id=str(record["call_id"]),
        seq=int(record["seq"]),
        type=EventType(record["type"]),
        at=at,
        at_s=float(record["at_s"]),
        data=dict(record["data"]),
    )


def _draft(record: dict[str, Any]) -> TicketDraft:
    return TicketDraft(
        **record
        | {"type": TicketType(record["type"]), "priority": TicketPriority(record["priority"])}
    )
