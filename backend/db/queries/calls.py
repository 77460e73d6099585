"""Calls: lists, one call with everything in it, its transcript."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Row, select
from sqlalchemy.orm import Session

from backend.core.records import CallOutcome
from backend.db import models, searching
from backend.db.errors import InvalidError, NotFoundError
from backend.db.models import Call, Customer, Who
from backend.db.queries import calls_index
from backend.db.queries.calls_index import CallFilter
from backend.db.queries.paging import Order, Page
from backend.db.queries.records import as_record
from backend.db.queries.tickets import TicketFilter, TicketRecord, list_tickets

__all__ = [
    "CallDetail",
    "CallFilter",
    "CallRecord",
    "CallSort",
    "EventRecord",
    "TurnRecord",
    "get_call",
    "get_call_record",
    "get_transcript",
    "list_calls",
    "passages",
    "recent_calls",
]


class CallSort(StrEnum):
    """What comes first in a list of calls."""

    NEWEST = "newest"
    OLDEST = "oldest"
    LONGEST = "longest"
    SLOWEST = "slowest"
    """By the answer a caller waited for longest; calls without a timed answer are left out."""


_BY_START = (Call.started_at, Call.id), (datetime, str)
_COLUMNS: dict[CallSort, tuple[tuple[Any, ...], tuple[type, ...]]] = {
    CallSort.NEWEST: _BY_START,
    CallSort.OLDEST: _BY_START,
    CallSort.LONGEST: ((Call.duration_s, Call.id), (float, str)),
    CallSort.SLOWEST: ((Call.slowest_turn_s, Call.id), (float, str)),
}
_WITH_CUSTOMER = select(Call, Customer.number, Customer.name).outerjoin(
    Customer, Call.customer_id == Customer.id
)


@dataclass(frozen=True, slots=True)
class CallRecord:
    """One call as lists show it. While it lasts, `ended_at`, `outcome`, `contained` are None."""

    id: str
    line: str
    caller: str
    called: str
    pbx_id: str
    started_at: datetime
    ended_at: datetime | None
    duration_s: float
    outcome: CallOutcome | None
    contained: bool | None
    """Ended without a human; see `models.Call`."""
    intent: str
    customer_id: int | None
    customer_number: str
    customer_name: str
    transfer_to: str
    recording: str
    """File name; empty without one."""
    turn_count: int
    slowest_turn_s: float | None


@dataclass(frozen=True, slots=True)
class TurnRecord:
    """What one side said; fields as in `models.Turn`."""

    number: int
    who: Who
    at: datetime
    at_s: float
    kind: str
    text: str
    digits: str
    confidence: float | None
    audio_s: float | None
    intent: str
    intent_confidence: float | None
    source: str
    interrupted: bool
    endpoint_wait_s: float | None
    recognition_s: float | None
    thinking_s: float | None
    first_audio_s: float | None
    transport_s: float | None
    total_s: float | None


@dataclass(frozen=True, slots=True)
class EventRecord:
    """One event as it was published."""

    seq: int
    type: str
    at: datetime
    at_s: float
    data: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class CallDetail:
    """One call with everything in it."""

    call: CallRecord
    turns: list[TurnRecord]
    events: list[EventRecord]
    tickets: list[TicketRecord]


def list_calls(
    session: Session,
    which: CallFilter,
    *,
    sort: CallSort = CallSort.NEWEST,
    cursor: str | None = None,
    limit: int = 50,
) -> Page[CallRecord]:
    """Calls in the order of `sort`; what a search finds only by time.

    Raises InvalidError for a wrong cursor, and for a search that names no word.
    """
    if which.search:
        return _search(session, which, which.search, sort, cursor, limit)
    few = calls_index.few(session, which)
    is_by_time = sort in (CallSort.NEWEST, CallSort.OLDEST)
    # One index reads the rows: that of the few, else the one in whose order they are wanted.
    column = calls_index.as_it_is if is_by_time and not few else calls_index.unindexed(session)
    query = _WITH_CUSTOMER.where(*few, *calls_index.conditions(which, column))
    if sort is CallSort.SLOWEST:
        query = query.where(Call.slowest_turn_s.is_not(None))
    columns, kinds = _COLUMNS[sort]
    if few:
        columns = tuple(column(one) for one in columns)
    order = Order(columns, kinds, sort is not CallSort.OLDEST)
    return order.page(session, query, _record, cursor, limit)


def _search(
    session: Session,
    which: CallFilter,
    search: str,
    sort: CallSort,
    cursor: str | None,
    limit: int,
) -> Page[CallRecord]:
    if sort not in (CallSort.NEWEST, CallSort.OLDEST):
        raise InvalidError(
            "What a search finds is sorted by time.", fix="Sort by newest or oldest."
        )
    equal = {name: getattr(which, name) for name in searching.FACETS}
    facets = searching.facets_of(equal, which.min_duration_s, which.min_latency_s)
    found = searching.find(session, searching.read_terms(search), facets)
    query = (
        select(Call, Customer.number, Customer.name)
        .select_from(found.source)
        .join(Call, Call.id == found.call_id)
        .outerjoin(Customer, Call.customer_id == Customer.id)
        .where(*found.where, *searching.started_within(found, which.since, which.until))
    )
    order = Order((found.number,), (int,), is_descending=sort is CallSort.NEWEST)
    query = query.where(*calls_index.conditions(which, calls_index.as_it_is))
    return order.page(session, query, _record, cursor, limit)


def passages(session: Session, search: str, call_ids: Sequence[str]) -> dict[str, TurnRecord]:
    """By call, the first thing said in it that has one of the words searched for; what the caller
    said rather than what we did."""
    wanted = [term for term in searching.read_terms(search) if not term.is_unwanted]
    turns = session.scalars(
        select(models.Turn)
        .where(models.Turn.call_id.in_(call_ids))
        .order_by(models.Turn.call_id, models.Turn.who.desc(), models.Turn.seq)
    )
    found: dict[str, TurnRecord] = {}
    for turn in turns:
        if turn.call_id in found:
            continue
        words = searching.folded_words(f"{turn.text} {turn.digits}")
        if any(term.is_in(words) for term in wanted):
            found[turn.call_id] = as_record(TurnRecord, turn)
    return found


def recent_calls(session: Session, limit: int = 20) -> list[CallRecord]:
    """The newest calls."""
    return list_calls(session, CallFilter(), limit=limit).items


def get_call(session: Session, call_id: str) -> CallDetail:
    """One call with its turns, events and tickets. Raises NotFoundError."""
    call = _one(session, call_id)
    events = session.scalars(
        select(models.CallEvent)
        .where(models.CallEvent.call_id == call_id)
        .order_by(models.CallEvent.seq)
    )
    return CallDetail(
        call=call,
        turns=_turns(session, call_id),
        events=[as_record(EventRecord, event) for event in events],
        tickets=list_tickets(session, TicketFilter(call_id=call_id)).items,
    )


def get_call_record(session: Session, call_id: str) -> CallRecord:
    """One call without what was said. Raises NotFoundError."""
    return _one(session, call_id)


def get_transcript(session: Session, call_id: str) -> list[TurnRecord]:
    """What was said, in order. Raises NotFoundError."""
    _one(session, call_id)
    return _turns(session, call_id)


def _one(session: Session, call_id: str) -> CallRecord:
    row = session.execute(_WITH_CUSTOMER.where(Call.id == call_id)).one_or_none()
    if row is None:
        raise NotFoundError(f"There is no call {call_id}.")
    return _record(row)


def _turns(session: Session, call_id: str) -> list[TurnRecord]:
    turns = session.scalars(
        select(models.Turn).where(models.Turn.call_id == call_id).order_by(models.Turn.seq)
    )
    return [as_record(TurnRecord, turn) for turn in turns]


def _record(row: Row[*tuple[Any, ...]]) -> CallRecord:
    call, number, name = row[:3]
    return as_record(CallRecord, call, customer_number=number or "", customer_name=name or "")
