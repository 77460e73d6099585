"""What the benches judge, made up: rows of the database and accounts of calls."""

from dataclasses import fields
from typing import Any, TypeVar

from backend.cli.bench_talks import Talk
from backend.db.models import Who
from backend.db.queries.calls import CallDetail, CallRecord, TurnRecord
from backend.phone.script import Record, RecordKind

T = TypeVar("T")


def made(record: type[T], /, **known: Any) -> T:
    """A record in which only what is `known` matters."""
    return record(**({field.name: None for field in fields(record)} | known))  # type: ignore[arg-type]


def bot_turn(*, interrupted: bool = False) -> TurnRecord:
    """The bot said something."""
    return made(TurnRecord, who=Who.BOT, text="Hello.", interrupted=interrupted)


def caller_turn(kind: str = "words") -> TurnRecord:
    """The bot believes that the caller said something."""
    return made(TurnRecord, who=Who.CALLER, kind=kind, interrupted=False)


def stored(*turns: TurnRecord, customer_number: str = "") -> CallDetail:
    """The call as the bot wrote it down."""
    call = made(CallRecord, customer_number=customer_number)
    return CallDetail(call=call, turns=list(turns), events=[], tickets=[])


def said(text: str = "my bill", *, silenced_s: float | None = None) -> Record:
    """The caller spoke."""
    return Record(RecordKind.CALLER, 4.0, 5.0, text, silenced_s=silenced_s)


def heard(latency_s: float | None = 0.3) -> Record:
    """The bot spoke."""
    return Record(RecordKind.BOT, 5.3, 7.0, latency_s=latency_s)


def talk(*records: Record, by_the_bot: CallDetail | None = None, trouble: str = "") -> Talk:
    """One call as both ends know it."""
    return Talk("5550100", "slt", (), list(records), by_the_bot, trouble)
