"""The store while its database is in trouble: nothing is lost, nobody waits."""

import asyncio
import sqlite3
import threading
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy.orm import Session

from backend.core.errors import StoreError
from backend.core.records import CallOutcome
from backend.db import store
from backend.db.database import Database
from backend.db.errors import UnavailableError
from backend.db.queries.customers import CustomerDraft, create_customer
from tests.db.storing import DRAFT, Warnings, call, locked, opened, tickets, until
from tests.support.call_events import NINE, short_call
from tests.support.db import eventually
from tests.support.postgres import PostgresServer

pytestmark = pytest.mark.usefixtures("impatient")


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
