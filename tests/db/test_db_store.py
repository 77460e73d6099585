"""The store while all is well."""

import asyncio
import threading
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy.orm import Session

from backend.core.errors import StoreError
from backend.core.events import EventBus, EventType
from backend.core.records import CallOutcome
from backend.db.database import Database
from backend.db.errors import NotFoundError
from backend.db.queries.customers import CustomerDraft, create_customer, get_customer
from backend.db.recorder import record_calls
from tests.db.storing import DRAFT, call, opened, tickets
from tests.support.call_events import NINE, Script, short_call
from tests.support.db import writing

pytestmark = pytest.mark.usefixtures("impatient")


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
