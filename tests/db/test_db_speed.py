"""Every query of the pages on ten thousand calls in SQLite: 20 ms each."""

import random
import time
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import Engine, insert, text
from sqlalchemy.orm import Session

from backend.core.records import CallOutcome, TicketPriority, TicketStatus, TicketType
from backend.db import models
from backend.db.counting import rebuild
from backend.db.engine import open_engine
from backend.db.migrate import upgrade_engine
from backend.db.queries import analytics, customers, tickets
from backend.db.queries.calls import CallFilter, get_call, get_transcript, list_calls, recent_calls
from tests.support.db import writing

CALLS = 10_000
LIMIT_S = 0.020
END = datetime(2026, 11, 21, tzinfo=UTC)
FIRST_DAY, LAST_DAY = date(2025, 11, 21), date(2026, 11, 21)
INTENTS = ("billing", "technical_support", "account_info", "complaint", "human", "unknown")


# Ten turns a call, made by the database itself: through the ORM it would take a minute.
TURNS = """
WITH RECURSIVE
    numbers(seq) AS (SELECT 0 UNION ALL SELECT seq + 1 FROM numbers WHERE seq < 9),
    timed AS (
        SELECT id, seq, started_at, intent,
            CASE WHEN seq % 2 THEN 0.15 + abs(random() % 1000) * abs(random() % 1000) / 1e6 END AS s
        FROM calls, numbers
    )
INSERT INTO turns (
    call_id, seq, number, who, at, at_s, kind, text, digits, confidence, intent, source,
    interrupted, endpoint_wait_s, recognition_s, thinking_s, first_audio_s, transport_s, total_s)
SELECT
    id, seq, seq / 2, CASE WHEN seq % 2 THEN 'bot' ELSE 'caller' END, started_at, seq, 'words',
    'my internet is down and i would like to know when it is back', '', 0.9, intent, '',
    0, s / 2, s / 5, s / 10, s / 9, s / 50, s
FROM timed
"""
EVENTS = """
INSERT INTO call_events (call_id, seq, type, at, at_s, data)
SELECT call_id, seq, 'caller.said', at, at_s, json_object('text', text, 'turn', number) FROM turns
"""


@pytest.fixture(scope="module")
def year(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """A year of calls, ten turns each."""
    engine = open_engine(f"sqlite:///{tmp_path_factory.mktemp('speed') / 'year.db'}")
    upgrade_engine(engine)
    rng = random.Random(1)
    with writing(engine) as session:
        session.execute(insert(models.Customer), [_customer(n) for n in range(1000)])
        calls = [_call(rng, n) for n in range(CALLS)]
        session.execute(insert(models.Call), calls)
        session.execute(text(TURNS))
        session.execute(text(EVENTS))
        session.execute(
            insert(models.Ticket), [_ticket(rng, call, n) for n, call in enumerate(calls[::4])]
        )
        rebuild(session)
    yield engine
    engine.dispose()


def _customer(n: int) -> dict[str, Any]:
    names = {"name": f"Customer {n:04}", "search_key": f"customer {n:04} {1000 + n}  555{n:04}"}
    texts = dict.fromkeys(("plan", "email", "phone", "address", "notes"), "")
    times = {"created_at": END, "updated_at": END, "version": 1}
    number = {"number": str(1000 + n), "balance": Decimal(n), "currency": "USD", "status": "active"}
    return names | texts | times | number


def _call(rng: random.Random, n: int) -> dict[str, Any]:
    started_at = END - timedelta(seconds=rng.randrange(365 * 86400))
    duration_s = rng.uniform(5, 300)
    outcome = rng.choice([CallOutcome.COMPLETED] * 8 + list(CallOutcome))
    return {
        "id": f"{started_at:%Y%m%d-%H%M%S}-{n:06x}",
        "line": "agi",
        "caller": f"555{rng.randrange(3000):04}",
        "called": "100",
        "pbx_id": "",
        "bot": "b",
        "started_at": started_at,
        "ended_at": started_at + timedelta(seconds=duration_s),
        "duration_s": duration_s,
        "outcome": outcome,
        "contained": outcome is not CallOutcome.TRANSFERRED,
        "intent": rng.choice(INTENTS),
        "customer_id": rng.choice([None, rng.randrange(1, 1001)]),
        "transfer_to": "",
        "recording": "",
        "turn_count": 5,
        "slowest_turn_s": rng.uniform(0.2, 3),
    }


def _ticket(rng: random.Random, call: dict[str, Any], n: int) -> dict[str, Any]:
    return {
        "number": str(100_000 + n),
        "key": str(n),
        "type": rng.choice(list(TicketType)),
        "subject": "No internet",
        "description": "",
        "status": rng.choice(list(TicketStatus)),
        "priority": rng.choice(list(TicketPriority)),
        "assignee": "",
        "customer_id": call["customer_id"],
        "customer_number": "",
        "call_id": call["id"],
        "created_at": call["ended_at"],
        "updated_at": call["ended_at"],
        "version": 1,
    }


def _deep(session: Session) -> object:
    """The hundredth page, by its cursor."""
    middle = list_calls(session, CallFilter(until=END - timedelta(days=180)), limit=1)
    return list_calls(session, CallFilter(), cursor=middle.next_cursor, limit=50)


def _some_call(session: Session) -> str:
    return recent_calls(session, 1)[0].id


QUERIES: dict[str, Callable[[Session], object]] = {
    "calls: recent": recent_calls,
    "calls: page": lambda s: list_calls(s, CallFilter()),
    "calls: deep page": _deep,
    "calls: by intent": lambda s: list_calls(s, CallFilter(intent="complaint")),
    "calls: by outcome": lambda s: list_calls(s, CallFilter(outcome=CallOutcome.FAILED)),
    "calls: by customer": lambda s: list_calls(s, CallFilter(customer_id=77)),
    "calls: by caller": lambda s: list_calls(s, CallFilter(caller="5550042")),
    "calls: by caller nobody has": lambda s: list_calls(s, CallFilter(caller="nobody")),
    "calls: a week of": lambda s: list_calls(
        s, CallFilter(since=END - timedelta(days=107), until=END - timedelta(days=100))
    ),
    "calls: longest only": lambda s: list_calls(s, CallFilter(min_duration_s=299)),
    "calls: longer than any": lambda s: list_calls(s, CallFilter(min_duration_s=9999)),
    "calls: slow ones about one thing": lambda s: list_calls(
        s, CallFilter(intent="billing", outcome=CallOutcome.FAILED, min_latency_s=2.9)
    ),
    "calls: live": lambda s: list_calls(s, CallFilter(is_live=True)),
    "calls: one with everything": lambda s: get_call(s, _some_call(s)),
    "calls: transcript": lambda s: get_transcript(s, _some_call(s)),
    "tickets: page": lambda s: tickets.list_tickets(s, tickets.TicketFilter()),
    "tickets: open and urgent": lambda s: tickets.list_tickets(
        s, tickets.TicketFilter(status=TicketStatus.OPEN, priority=TicketPriority.URGENT)
    ),
    "tickets: of a customer": lambda s: tickets.list_tickets(
        s, tickets.TicketFilter(customer_id=77)
    ),
    "tickets: one": lambda s: tickets.get_ticket(s, "100500"),
    "tickets: counts": tickets.count_tickets,
    "customers: page": customers.list_customers,
    "customers: search": lambda s: customers.list_customers(s, "customer 0777"),
    "customers: find": lambda s: customers.find_customer(s, "1500"),
    "analytics: totals of a year": lambda s: analytics.totals(s, FIRST_DAY, LAST_DAY),
    "analytics: days of a year": lambda s: analytics.daily(s, FIRST_DAY, LAST_DAY),
    "analytics: intents of a year": lambda s: analytics.intents(s, FIRST_DAY, LAST_DAY),
    "analytics: latency of a month": lambda s: analytics.latency(
        s, LAST_DAY - timedelta(days=30), LAST_DAY
    ),
    "analytics: latency of a year": lambda s: analytics.latency(s, FIRST_DAY, LAST_DAY),
}


def fastest_s(engine: Engine, query: Callable[[Session], object], runs: int = 7) -> float:
    """The fastest of several runs, and only the thread's own time: what the query costs, not what
    else the machine does."""
    took_s = []
    for _ in range(runs):
        began_s = time.thread_time()
        with Session(engine) as session:
            query(session)
        took_s.append(time.thread_time() - began_s)
    return min(took_s)


@pytest.mark.parametrize("name", QUERIES)
def test_a_query_is_quick(year: Engine, name: str) -> None:
    assert fastest_s(year, QUERIES[name]) < LIMIT_S
