"""Calls the bot died in are closed at their last known moment."""

import asyncio
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from backend.core.records import CallOutcome
from backend.db.database import Database
from backend.db.migrate import latest_revision
from backend.db.store import Store
from tests.db.storing import call, locked, opened, until
from tests.support.call_events import NINE, Script
from tests.support.db import writing

pytestmark = pytest.mark.usefixtures("impatient")


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
