import asyncio
import sqlite3
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, func, select, text
from sqlalchemy.orm import Session

from backend.core.errors import StoreError
from backend.core.events import EventBus, EventType
from backend.core.records import CallOutcome, TicketDraft, TicketType
from backend.db import engine as engine_module
from backend.db import models, store, writer
from backend.db.database import Database
from backend.db.errors import NotFoundError, UnavailableError
from backend.db.migrate import latest_revision
from backend.db.queries.calls import CallDetail, get_call
from backend.db.queries.customers import CustomerDraft, create_customer, get_customer
from backend.db.recorder import record_calls
from backend.db.store import Store
from tests.support.call_events import NINE, Script, short_call
from tests.support.db import eventually, writing
from tests.support.postgres import PostgresServer

DRAFT = TicketDraft("123456", TicketType.TECHNICAL, "No internet", customer_number="1004")


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Locks are waited for, and a lost database is tried again, on a test's time scale."""
    monkeypatch.setattr(engine_module, "LOCK_WAIT_S", 0.05)
    monkeypatch.setattr(writer, "FIRST_RETRY_S", 0.02)
    monkeypatch.setattr(writer, "LONGEST_RETRY_S", 0.05)


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    return tmp_path / "var"


class Warnings(list[str]):
    """The codes a store warned of, in order."""

    def __call__(self, code: str, message: str) -> None:
        assert message
        self.append(code)


@asynccontextmanager
async def opened(
    database: Database, data_dir: Path, warnings: Warnings | None = None
) -> AsyncIterator[Store]:
    store = await Store.open(database, data_dir, warn=warnings, now=lambda: NINE)
    try:
        yield store
    finally:
        await store.aclose()


async def until(store: Store, *, is_up: bool) -> None:
    """Wait for the store to lose or regain its database."""
    await asyncio.to_thread(eventually, lambda: store.health.is_up is is_up, f"is_up is {is_up}")


def tickets(engine: Engine) -> int:
    with Session(engine) as session:
        return session.scalar(select(func.count()).select_from(models.Ticket)) or 0


def call(engine: Engine, call_id: str) -> CallDetail:
    with Session(engine) as session:
        return get_call(session, call_id)


@asynccontextmanager
async def locked(path: Path) -> AsyncIterator[None]:
    """Somebody else is writing to the SQLite file, and does not finish."""
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        other.close()


# --- while all is well ----------------------------------------------------------------------------


def test_a_ticket_is_committed_when_open_ticket_returns(database: Database, data_dir: Path) -> None:
    async def main() -> int:
        async with opened(database, data_dir) as store:
            await store.open_ticket(DRAFT, None)
            return tickets(database.engine)

    assert asyncio.run(main()) == 1


def test_events_become_a_call_without_anybody_waiting(database: Database, data_dir: Path) -> None:
    async def main() -> None:
        async with opened(database, data_dir) as store:
            bus = EventBus()
            stop = record_calls(bus, store)
            events = short_call().events
            passing = replace(events[1], type=EventType.CALLER_SPEAKING, data={"turn": 1})
            for event in (events[0], passing, *events[1:]):
                bus.publish(event)
            stop()
            bus.publish(replace(short_call().events[0], call_id="after"))
            await store.flush()

    asyncio.run(main())
    detail = call(database.engine, short_call().call_id)
    assert (detail.call.outcome, len(detail.turns)) == (CallOutcome.COMPLETED, 3)
    with pytest.raises(NotFoundError):
        call(database.engine, "after")


def test_closing_stores_what_was_given_before(database: Database, data_dir: Path) -> None:
    async def main() -> None:
        async with opened(database, data_dir) as store:
            for event in short_call().events:
                store.record(event)

    asyncio.run(main())
    assert call(database.engine, short_call().call_id).call.outcome is CallOutcome.COMPLETED


def test_a_ticket_finds_its_call_although_the_call_has_only_begun(
    database: Database, data_dir: Path
) -> None:
    script = Script().started()

    async def main() -> None:
        async with opened(database, data_dir) as store:
            store.record(script.events[0])
            await store.open_ticket(DRAFT, script.call_id)

    asyncio.run(main())
    detail = call(database.engine, script.call_id)
    assert detail.call.caller == "5550104"
    assert [ticket.number for ticket in detail.tickets] == ["123456"]


def test_a_customer_is_found_by_the_exact_number(database: Database, data_dir: Path) -> None:
    with writing(database.engine) as session:
        create_customer(session, CustomerDraft(number="0042", name="Ada"), now=NINE)

    async def main() -> list[str | None]:
        async with opened(database, data_dir) as store:
            found = [await store.find(number) for number in ("0042", "42", "", "x' OR 1=1")]
            return [customer.name if customer else None for customer in found]

    assert asyncio.run(main()) == ["Ada", None, None, None]


def test_a_write_returns_its_result_once_committed(database: Database, data_dir: Path) -> None:
    async def main() -> str:
        async with opened(database, data_dir) as store:
            made = await store.write(
                create_customer, CustomerDraft(number="7", name="Ada"), now=NINE
            )
            return (await database.read(get_customer, made.id)).name

    assert asyncio.run(main()) == "Ada"


def test_a_write_that_raises_changes_nothing(database: Database, data_dir: Path) -> None:
    def work(session: Session) -> None:
        create_customer(session, CustomerDraft(number="7", name="Ada"), now=NINE)
        raise NotFoundError("Nothing to see here.")

    async def main() -> None:
        async with opened(database, data_dir) as store:
            with pytest.raises(NotFoundError):
                await store.write(work)
            with pytest.raises(StoreError, match="ZeroDivisionError"):
                await store.write(lambda _session: 1 / 0)
            assert await store.find("7") is None
            assert store.health.is_up

    asyncio.run(main())


def test_a_cancelled_caller_still_gets_the_ticket(database: Database, data_dir: Path) -> None:
    async def main() -> None:
        async with opened(database, data_dir) as store:
            opening = asyncio.create_task(store.open_ticket(DRAFT, None))
            await asyncio.sleep(0)
            opening.cancel()
            with pytest.raises(asyncio.CancelledError):
                await opening
            await store.flush()

    asyncio.run(main())
    assert tickets(database.engine) == 1


def test_after_closing_a_ticket_is_refused_rather_than_lost(
    database: Database, data_dir: Path
) -> None:
    async def main() -> None:
        async with opened(database, data_dir) as store:
            pass
        store.record(short_call().events[0])
        with pytest.raises(StoreError, match="closed"):
            await store.open_ticket(DRAFT, None)

    asyncio.run(main())


def test_the_tables_are_made_at_the_first_start(empty_url: str, data_dir: Path) -> None:
    database = Database(empty_url)

    async def main() -> None:
        async with opened(database, data_dir) as store:
            await store.open_ticket(DRAFT, None)

    asyncio.run(main())
    assert tickets(database.engine) == 1
    database.close()


def test_reading_does_not_block_the_event_loop(database: Database) -> None:
    began, go_on = threading.Event(), threading.Event()

    def slow(_session: Session) -> str:
        began.set()
        assert go_on.wait(10)
        return "done"

    async def main() -> str:
        reading = asyncio.create_task(database.read(slow))
        assert await asyncio.to_thread(began.wait, 10)
        go_on.set()
        return await reading

    assert asyncio.run(main()) == "done"


# --- while the database is in trouble -------------------------------------------------------------


def test_a_locked_database_delays_nothing_and_loses_nothing(
    sqlite_path: Path, data_dir: Path
) -> None:
    warnings = Warnings()
    script = short_call()

    async def main() -> None:
        database = Database(f"sqlite:///{sqlite_path}")
        async with opened(database, data_dir, warnings) as store:
            async with locked(sqlite_path):
                for event in script.events:
                    store.record(event)
                await store.open_ticket(DRAFT, script.call_id)
                assert tickets(database.engine) == 0
                assert "locked" in store.health.message
                assert "123456" in (data_dir / "outbox.jsonl").read_text()
                with pytest.raises(UnavailableError, match="locked"):
                    await store.write(
                        create_customer, CustomerDraft(number="7", name="A"), now=NINE
                    )
                assert await store.find("1004") is None
            await until(store, is_up=True)
            assert not store.health.is_waiting
        detail = call(database.engine, script.call_id)
        assert detail.call.outcome is CallOutcome.COMPLETED
        assert [ticket.number for ticket in detail.tickets] == ["123456"]
        database.close()

    asyncio.run(main())
    assert warnings == ["store-down", "store-back"]
    assert (data_dir / "outbox.jsonl").read_text() == ""


def test_what_waits_in_the_outbox_is_stored_at_the_next_start(
    sqlite_path: Path, data_dir: Path
) -> None:
    async def main() -> None:
        database = Database(f"sqlite:///{sqlite_path}")
        async with locked(sqlite_path), opened(database, data_dir) as store:
            store.record(short_call().events[0])
            await store.open_ticket(DRAFT, short_call().call_id)
        assert tickets(database.engine) == 0
        async with opened(database, data_dir):
            assert tickets(database.engine) == 1
        database.close()

    asyncio.run(main())


def test_replaying_the_same_outbox_twice_is_replaying_it_once(
    sqlite_path: Path, data_dir: Path
) -> None:
    async def main() -> None:
        database = Database(f"sqlite:///{sqlite_path}")
        async with locked(sqlite_path), opened(database, data_dir) as store:
            for event in short_call().events:
                store.record(event)
            await store.open_ticket(DRAFT, short_call().call_id)
        outbox = (data_dir / "outbox.jsonl").read_text()
        for _ in range(2):
            (data_dir / "outbox.jsonl").write_text(outbox)
            async with opened(database, data_dir):
                pass
        detail = call(database.engine, short_call().call_id)
        assert (len(detail.tickets), len(detail.events), len(detail.turns)) == (1, 8, 3)
        database.close()

    asyncio.run(main())


@pytest.mark.parametrize("damage", ["not a database", "tables of another program"])
def test_calls_go_on_with_a_file_that_is_not_our_database(
    tmp_path: Path, data_dir: Path, damage: str
) -> None:
    path = tmp_path / "frontdesk.db"
    warnings = Warnings()
    if damage == "not a database":
        path.write_bytes(b"Dear diary, " * 1000)
    else:
        connection = sqlite3.connect(path)
        connection.execute("CREATE TABLE calls (birds TEXT)")
        connection.close()

    async def main() -> None:
        database = Database(f"sqlite:///{path}")
        async with opened(database, data_dir, warnings) as store:
            assert not store.health.is_up
            assert await store.close_interrupted() == 0
            await store.open_ticket(DRAFT, None)
            with pytest.raises(StoreError):
                await store.find("1004")
            path.unlink()  # somebody moves the file aside
            await until(store, is_up=True)
        assert tickets(database.engine) == 1
        database.close()

    asyncio.run(main())
    assert warnings == ["store-down", "store-back"]


@pytest.mark.postgresql
def test_a_server_that_goes_away_and_comes_back_loses_nothing(
    postgres_server: PostgresServer, migrated_template: str, data_dir: Path
) -> None:
    warnings = Warnings()
    script = short_call()

    async def main() -> None:
        database = Database(postgres_server.new_database(migrated_template))
        async with opened(database, data_dir, warnings) as store:
            for event in script.events[:3]:
                store.record(event)
            await store.flush()
            postgres_server.stop()
            try:
                await store.open_ticket(DRAFT, script.call_id)
                for event in script.events[3:]:
                    store.record(event)
                await store.flush()
                with pytest.raises(UnavailableError, match=r"does not answer|shutting down"):
                    await store.find("1004")
            finally:
                postgres_server.start()
            await until(store, is_up=True)
        detail = call(database.engine, script.call_id)
        assert (len(detail.events), len(detail.tickets)) == (8, 1)
        database.close()

    asyncio.run(main())
    assert warnings == ["store-down", "store-back"]


def test_a_database_that_hangs_does_not_keep_the_caller(
    database: Database, data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "TICKET_WAIT_S", 0.05)
    hanging, go_on = threading.Event(), threading.Event()

    def hang(_session: Session) -> None:
        hanging.set()
        assert go_on.wait(10)

    async def main() -> None:
        async with opened(database, data_dir) as store:
            stuck = asyncio.create_task(store.write(hang))
            assert await asyncio.to_thread(hanging.wait, 10)
            await store.open_ticket(DRAFT, None)
            assert "123456" in (data_dir / "outbox.jsonl").read_text()
            assert tickets(database.engine) == 0
            go_on.set()
            await stuck
            await store.flush()
            assert not store.health.is_waiting

    asyncio.run(main())
    assert tickets(database.engine) == 1


def test_a_database_that_hangs_at_the_end_costs_nothing(
    database: Database, data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "CLOSE_WAIT_S", 0.05)
    hanging, go_on = threading.Event(), threading.Event()
    of_others = set(threading.enumerate())

    def no_writer_is_left() -> bool:
        ours = set(threading.enumerate()) - of_others
        return all(thread.name != "db-writer" for thread in ours)

    def hang(_session: Session) -> None:
        hanging.set()
        assert go_on.wait(10)

    async def main() -> None:
        async with opened(database, data_dir) as store:
            stuck = asyncio.create_task(store.write(hang))
            assert await asyncio.to_thread(hanging.wait, 10)
            for event in short_call().events:
                store.record(event)
        assert len((data_dir / "outbox.jsonl").read_text().splitlines()) == 8
        go_on.set()
        await stuck
        await asyncio.to_thread(eventually, no_writer_is_left, "the thread ends after all")

    asyncio.run(main())


def test_a_slow_database_does_not_keep_the_caller_listening_to_silence(
    database: Database, data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "FIND_WAIT_S", 0.05)
    go_on = threading.Event()
    monkeypatch.setattr(store, "find_customer", lambda _session, _number: go_on.wait(10))

    async def main() -> None:
        async with opened(database, data_dir) as store:
            with pytest.raises(UnavailableError, match="too slow for a caller"):
                await store.find("1004")
            go_on.set()

    asyncio.run(main())


def test_without_outbox_and_database_the_agent_is_told_that_there_is_no_ticket(
    sqlite_path: Path, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    warnings = Warnings()

    async def main() -> None:
        database = Database(f"sqlite:///{sqlite_path}")
        async with opened(database, tmp_path / "file", warnings) as store:
            async with locked(sqlite_path):
                store.record(short_call().events[0])
                with pytest.raises(StoreError, match="Ticket 123456 could not be stored") as caught:
                    await store.open_ticket(DRAFT, None)
                assert "kept in memory" in caught.value.fix
            await until(store, is_up=True)
        assert tickets(database.engine) == 1
        assert call(database.engine, short_call().call_id).call.caller == "5550104"
        database.close()

    asyncio.run(main())
    assert warnings == ["outbox", "store-down", "store-back"]


def test_what_the_database_will_never_take_is_set_aside_and_the_rest_goes_on(
    database: Database, data_dir: Path
) -> None:
    warnings = Warnings()
    events = short_call().events
    impossible = replace(events[0], call_id="x", seq=2**80)

    async def main() -> None:
        async with opened(database, data_dir, warnings) as store:
            store.record(events[0])
            store.record(impossible)
            store.record(events[1])
            await store.flush()

    asyncio.run(main())
    assert len(call(database.engine, short_call().call_id).events) == 2
    assert str(2**80) in (data_dir / "outbox-refused.jsonl").read_text()
    assert warnings == ["record-refused"]


def test_a_damaged_line_of_the_outbox_is_set_aside(database: Database, data_dir: Path) -> None:
    data_dir.mkdir()
    (data_dir / "outbox.jsonl").write_text('{"op": "ticket", "draft"\n\n{}\n')
    warnings = Warnings()

    async def main() -> None:
        async with opened(database, data_dir, warnings):
            pass

    asyncio.run(main())
    assert warnings == ["record-refused", "record-refused"]
    assert '"draft' in (data_dir / "outbox-refused.jsonl").read_text()
    assert (data_dir / "outbox.jsonl").read_text() == ""


# --- calls whose bot died -------------------------------------------------------------------------


async def die_in_the_middle_of(script: Script, database: Database, data_dir: Path) -> None:
    """A bot takes a call, and its end never comes."""
    async with opened(database, data_dir) as store:
        for event in script.events:
            store.record(event)


def half_a_call() -> Script:
    return Script().started().answered("Hello.").asked("what do i owe")


def test_a_call_the_bot_died_in_is_closed_at_its_last_known_moment(
    database: Database, data_dir: Path
) -> None:
    async def main() -> tuple[int, int]:
        await die_in_the_middle_of(half_a_call(), database, data_dir)
        async with opened(database, data_dir) as store:
            first = await store.close_interrupted(lambda call_id: f"{call_id}.wav")
            return first, await store.close_interrupted()

    assert asyncio.run(main()) == (1, 0)
    detail = call(database.engine, half_a_call().call_id)
    assert detail.call.outcome is CallOutcome.INTERRUPTED
    assert detail.call.ended_at == half_a_call().events[-1].at
    assert detail.call.duration_s == 4.0
    assert detail.call.recording == f"{half_a_call().call_id}.wav"
    assert len(detail.turns) == 2


def test_calls_in_progress_are_not_closed(database: Database, data_dir: Path) -> None:
    async def main() -> int:
        async with opened(database, data_dir) as bot, opened(database, data_dir) as chat:
            for event in half_a_call().events:
                bot.record(event)
            await bot.flush()
            return await chat.close_interrupted() + await bot.close_interrupted()

    assert asyncio.run(main()) == 0


def test_calls_of_a_bot_elsewhere_are_not_closed_before_a_day_has_passed(
    database: Database, tmp_path: Path
) -> None:
    async def closed(now: datetime) -> int:
        store = await Store.open(database, tmp_path / "here", now=lambda: now)
        try:
            return await store.close_interrupted()
        finally:
            await store.aclose()

    async def main() -> list[int]:
        await die_in_the_middle_of(half_a_call(), database, tmp_path / "elsewhere")
        return [await closed(NINE + timedelta(hours=hours)) for hours in (1, 23, 25)]

    assert asyncio.run(main()) == [0, 0, 1]


def test_calls_that_waited_in_the_outbox_are_closed_too(sqlite_path: Path, data_dir: Path) -> None:
    async def main() -> int:
        database = Database(f"sqlite:///{sqlite_path}")
        async with locked(sqlite_path):
            await die_in_the_middle_of(half_a_call(), database, data_dir)
        async with opened(database, data_dir) as store:
            closed = await store.close_interrupted()
        database.close()
        return closed

    assert asyncio.run(main()) == 1


def test_closing_waits_for_the_database_and_then_spares_the_living(
    sqlite_path: Path, data_dir: Path
) -> None:
    fresh = Script("20261121-100000-bbbbbb", NINE + timedelta(hours=1)).started()

    async def main() -> None:
        database = Database(f"sqlite:///{sqlite_path}")
        await die_in_the_middle_of(half_a_call(), database, data_dir)
        with writing(database.engine) as session:
            session.execute(text("UPDATE frontdesk_version SET version_num = 'r0000'"))
        async with opened(database, data_dir) as store:
            assert not store.health.is_up
            assert await store.close_interrupted() == 0
            store.record(fresh.events[0])
            with writing(database.engine) as session:
                session.execute(
                    text(f"UPDATE frontdesk_version SET version_num = '{latest_revision()}'")
                )
            await until(store, is_up=True)
            await store.flush()
        interrupted = call(database.engine, half_a_call().call_id).call
        assert interrupted.outcome is CallOutcome.INTERRUPTED
        assert call(database.engine, fresh.call_id).call.outcome is None
        database.close()

    asyncio.run(main())
