import subprocess
import sys
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from backend.core.errors import StoreError
from backend.core.records import CallOutcome, TicketStatus
from backend.db.counting import rebuild
from backend.db.engine import open_engine
from backend.db.init import initialise
from backend.db.queries.analytics import Totals, daily, intents, latency, totals
from backend.db.queries.calls import CallFilter, get_call, list_calls
from backend.db.queries.customers import find_customer, list_customers
from backend.db.queries.tickets import TicketFilter, get_ticket, list_tickets
from backend.db.seed import DAYS, Seeded, seed
from tests.support.db import writing

TODAY = date(2026, 11, 21)
FIRST = TODAY - timedelta(days=DAYS)


@pytest.fixture
def seeded(engine: Engine) -> Engine:
    with writing(engine) as session:
        seed(session, TODAY)
    return engine


def test_an_empty_database_gets_something_to_look_at(empty_url: str) -> None:
    done = initialise(empty_url, TODAY)
    assert done.seeded
    assert done.data.customers >= 12
    assert done.data.calls >= 40
    assert done.data.tickets >= 10
    assert done.lines()[1:] == [
        "Tables are created or brought up to date.",
        f"Added {done.data.customers} customers, {done.data.calls} calls,"
        f" {done.data.tickets} tickets to try things with.",
    ]


def test_a_database_with_data_is_not_touched(url: str, seeded: Engine) -> None:
    with writing(seeded) as session:
        session.execute(text("DELETE FROM calls"))
        session.execute(text("DELETE FROM tickets"))
    done = initialise(url, TODAY)
    assert not done.seeded
    assert done.data == Seeded(14, 0, 0)
    assert "nothing was added or changed" in done.lines()[-1]


def test_tables_only_when_asked_for(empty_url: str) -> None:
    done = initialise(empty_url, TODAY, empty=True)
    assert done.data == Seeded(0, 0, 0)
    assert done.lines()[-1] == "No data was added."
    assert initialise(empty_url, TODAY).seeded


def test_the_same_day_gives_the_same_data(tmp_path: Path) -> None:
    dumps = []
    for name in ("a", "b"):
        initialise(f"sqlite:///{tmp_path / name}", TODAY)
        engine = open_engine(f"sqlite:///{tmp_path / name}")
        with engine.connect() as connection:
            raw = connection.connection.driver_connection
            assert raw is not None
            dumps.append(list(raw.iterdump()))
        engine.dispose()
    assert dumps[0] == dumps[1]


def test_two_processes_may_fill_the_database_at_once(empty_url: str) -> None:
    code = (
        "from datetime import date; from backend.db.init import initialise;"
        f"print(initialise({empty_url!r}, date(2026, 11, 21)).seeded)"
    )
    both = [
        subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    said = [process.communicate(timeout=60)[0].strip() for process in both]
    assert sorted(said) == ["False", "True"]


def test_the_customer_of_the_demo_call_has_an_obvious_balance(seeded: Engine) -> None:
    with Session(seeded) as session:
        customer = find_customer(session, "1004")
    assert customer is not None
    assert customer.balance == Decimal("123.45")
    assert customer.due_date == TODAY + timedelta(days=5)


def test_calls_are_of_the_last_thirty_days_and_over(seeded: Engine) -> None:
    with Session(seeded) as session:
        calls = list_calls(session, CallFilter(), limit=100).items
        assert list_calls(session, CallFilter(is_live=True)).items == []
    assert len(calls) == 42
    midnight = datetime(2026, 11, 21, tzinfo=UTC)
    for call in calls:
        assert call.ended_at is not None
        assert midnight - timedelta(days=DAYS) <= call.started_at < call.ended_at < midnight
        assert 8 <= call.started_at.hour < 18


def test_every_seeded_call_reads_like_a_call(seeded: Engine) -> None:
    with Session(seeded) as session:
        for call in list_calls(session, CallFilter(), limit=100).items:
            detail = get_call(session, call.id)
            assert len(detail.turns) >= 3
            assert all(turn.text or turn.digits for turn in detail.turns)
            assert not any("{" in turn.text for turn in detail.turns)
            assert [event.seq for event in detail.events] == list(range(len(detail.events)))
            assert (call.outcome is CallOutcome.TRANSFERRED) is (call.contained is False)


def test_a_seeded_ticket_has_the_number_the_caller_was_told(seeded: Engine) -> None:
    with Session(seeded) as session:
        for ticket in list_tickets(session, TicketFilter(), limit=100).items:
            assert ticket.call_id is not None
            turns = get_call(session, ticket.call_id).turns
            assert any(ticket.number in turn.text for turn in turns)


def test_tickets_stand_in_different_places_and_say_how_they_got_there(seeded: Engine) -> None:
    with Session(seeded) as session:
        tickets = list_tickets(session, TicketFilter(), limit=100).items
        assert {ticket.status for ticket in tickets} >= {TicketStatus.OPEN, TicketStatus.RESOLVED}
        for ticket in tickets:
            history = get_ticket(session, ticket.number).history
            assert [change.at for change in history] == sorted(change.at for change in history)
            assert [c.new for c in history if c.field == "status"][-1] == ticket.status


def test_the_analytics_are_those_of_the_calls(seeded: Engine) -> None:
    with writing(seeded) as session:
        before = [query(session, FIRST, TODAY) for query in (totals, daily, intents, latency)]
        rebuild(session)
        after = [query(session, FIRST, TODAY) for query in (totals, daily, intents, latency)]
    assert before == after
    sums = before[0]
    assert isinstance(sums, Totals)
    assert (sums.calls, sums.transferred) == (42, 4)


def test_every_customer_can_be_listed(seeded: Engine) -> None:
    with Session(seeded) as session:
        names = [customer.name for customer in list_customers(session).items]
    assert len(names) == 14
    assert names[0] == "Aisha Khan"


# --- the command ----------------------------------------------------------------------------------


def run(tmp_path: Path, *arguments: str, url: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "backend.db.init", *arguments],
        env={"FRONTDESK_DATA_DIR": str(tmp_path), "FRONTDESK_DATABASE_URL": url},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_the_command_says_what_it_did_in_three_lines(tmp_path: Path) -> None:
    first, second = run(tmp_path), run(tmp_path)
    assert first.stdout.splitlines()[0] == f"Database {tmp_path / 'frontdesk.db'}"
    assert "Added 14 customers" in first.stdout
    assert "nothing was added or changed" in second.stdout
    assert [first.returncode, second.returncode] == [0, 0]


def test_the_command_says_what_is_wrong_and_what_to_do(tmp_path: Path) -> None:
    done = run(tmp_path, url="postgresql://me:secret@127.0.0.1:1/frontdesk")
    assert done.returncode == 1
    assert "does not answer" in done.stderr
    assert "Start the database server" in done.stderr
    assert "Traceback" not in done.stderr
    assert "secret" not in done.stderr


def test_a_url_that_cannot_work_is_told(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="not a database URL"):
        initialise("frontdesk", TODAY)
