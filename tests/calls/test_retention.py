"""What has been kept long enough is forgotten, and nothing else."""

import asyncio
import os
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from datetime import timedelta
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from backend.calls import retention
from backend.calls.retention import Keeping, Retention
from backend.db.database import Database
from backend.db.init import initialise
from backend.db.queries import analytics
from backend.db.queries.calls import CallFilter, get_call, list_calls
from backend.db.queries.questions import list_questions
from backend.db.queries.tickets import TicketFilter, list_tickets
from backend.db.store import Store
from tests.support.call_events import Script
from tests.support.loop import run, until
from tests.support.office import NOON, TODAY

OLD, NEW = "20261001-090000-aaaaaa", "20261120-090000-bbbbbb"
LIVE = "20260901-090000-cccccc"


@asynccontextmanager
async def kept(tmp_path: Path) -> AsyncIterator[tuple[Database, Store, Path]]:
    """An old call, a new one, and one that has gone on for strangely long."""
    url = f"sqlite:///{tmp_path / 'calls.db'}"
    initialise(url, TODAY)
    database = Database(url)
    store = await Store.open(database, tmp_path)
    folder = tmp_path / "recordings"
    folder.mkdir()
    try:
        for call_id, days in ((OLD, 50), (NEW, 1)):
            sound(folder / f"{call_id}.wav", days)
            script = Script(call_id, NOON - timedelta(days=days)).started().answered("Hello.")
            script.asked("my zeppelin is broken").ended(recording=f"{call_id}.wav")
            for event in script.events:
                store.record(event)
        for event in Script(LIVE, NOON - timedelta(days=80)).started().events:
            store.record(event)
        await store.flush()
        yield database, store, folder
    finally:
        await store.aclose()
        database.close()


def forgetting(
    parts: tuple[Database, Store, Path], recordings: int | None, calls: int | None
) -> Retention:
    return Retention(*parts, Keeping(recordings, calls), lambda: NOON)


def sound(path: Path, days: int) -> None:
    """A recording of so many days ago; at its place from the start, as it may be deleted."""
    made = path.with_suffix(".made")
    made.write_bytes(b"sound")
    at_s = (NOON - timedelta(days=days)).timestamp()
    os.utime(made, (at_s, at_s))
    made.replace(path)


async def asked_in_vain(store: Store, call_id: str, days: int, words: str) -> None:
    script = Script(call_id, NOON - timedelta(days=days)).started().asked(words, "unknown")
    for event in script.answered("I do not know.", source="kb:responses/unknown").ended().events:
        store.record(event)
    await store.flush()


async def ids(database: Database) -> set[str]:
    return {call.id for call in (await database.read(list_calls, CallFilter(), limit=200)).items}


def test_old_recordings_go_and_their_calls_stay(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with kept(tmp_path) as parts:
            database, _, folder = parts
            assert (await forgetting(parts, 30, None).purge())[0] >= 1
            assert [path.name for path in folder.iterdir()] == [f"{NEW}.wav"]
            old = await database.read(get_call, OLD)
            assert old.call.recording == ""
            assert [turn.text for turn in old.turns] == ["Hello.", "my zeppelin is broken"]
            assert (await database.read(get_call, NEW)).call.recording == f"{NEW}.wav"

    run(scenario())


def test_old_calls_go_with_all_that_was_said_and_tickets_stay(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with kept(tmp_path) as parts:
            database, _, folder = parts
            tickets = (await database.read(list_tickets, TicketFilter(), limit=200)).items
            await forgetting(parts, None, 30).purge()
            left = await ids(database)
            assert OLD not in left
            assert {NEW, LIVE} <= left
            assert not (folder / f"{OLD}.wav").exists()
            said = await database.read(list_calls, CallFilter(search="zeppelin"))
            assert [call.id for call in said.items] == [NEW]
            after = (await database.read(list_tickets, TicketFilter(), limit=200)).items
            assert [one.number for one in after] == [one.number for one in tickets]

    run(scenario())


def test_no_word_of_a_deleted_call_is_left_in_the_search_index(tmp_path: Path) -> None:
    def is_indexed(word: bytes) -> bool:
        with closing(sqlite3.connect(tmp_path / "calls.db")) as index:
            return any(
                word in block for (block,) in index.execute("SELECT block FROM call_words_data")
            )

    async def scenario() -> None:
        async with kept(tmp_path) as parts:
            await asked_in_vain(parts[1], "old", 50, "my mandolin has no strings")
            await asked_in_vain(parts[1], "new", 5, "my accordion has no keys")
            assert is_indexed(b"ndolin")
            await forgetting(parts, None, 30).purge()
            assert not is_indexed(b"ndolin")
            assert is_indexed(b"cordion")
            said = await parts[0].read(list_calls, CallFilter(search="accordion"))
            assert [call.id for call in said.items] == ["new"]

    run(scenario())


def test_questions_without_an_answer_go_with_the_calls_they_were_asked_in(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with kept(tmp_path) as parts:
            database, store, _ = parts
            await asked_in_vain(store, "old", 50, "my zeppelin burns")
            await asked_in_vain(store, "older", 60, "do you sell anchors to ms smith")
            await asked_in_vain(store, "new", 2, "to ms smith do you sell anchors")
            await forgetting(parts, None, 30).purge()
            left = await database.read(list_questions, NOON - timedelta(days=365))
            mine = [one.example for one in left if one.call_id in {"old", "older", "new", ""}]
            assert mine == ["to ms smith do you sell anchors"]

    run(scenario())


@pytest.mark.parametrize("days", [(30, None), (None, 30), (400, 30)])
@pytest.mark.parametrize("name", ["message-{}.wav", "{}-caller.wav", "{}.wav"])
def test_sound_that_no_call_names_goes_by_its_age(
    tmp_path: Path, days: tuple[int | None, int | None], name: str
) -> None:
    async def scenario() -> None:
        async with kept(tmp_path) as parts:
            old, new = (parts[2] / name.format(which) for which in ("old", "new"))
            sound(old, 31)
            sound(new, 29)
            await forgetting(parts, *days).purge()
            assert not old.exists()
            assert new.exists()

    run(scenario())


def test_a_file_that_may_not_be_deleted_is_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "EVERY_S", 0.0)

    async def scenario() -> None:
        async with kept(tmp_path) as parts:
            file = parts[2] / f"{OLD}.wav"
            file.unlink()
            file.mkdir()  # in its place, and not to be deleted like one
            with capture_logs() as logs:
                running = asyncio.ensure_future(forgetting(parts, 30, None).run())
                await until(lambda: any(line["event"] == "retention-later" for line in logs))
                file.rmdir()
                sound(file, 50)
                await until(lambda: not file.exists())
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)

    run(scenario())


def test_the_daily_numbers_stay(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with kept(tmp_path) as parts:
            since, until = (NOON - timedelta(days=60)).date(), NOON.date()
            before = await parts[0].read(analytics.daily, since, until)
            await forgetting(parts, 1, 1).purge()
            assert await parts[0].read(analytics.daily, since, until) == before

    run(scenario())


def test_nothing_is_due_twice(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with kept(tmp_path) as parts:
            keeping = forgetting(parts, 30, 30)
            await keeping.purge()
            assert await keeping.purge() == (0, 0)

    run(scenario())


def test_a_recording_that_is_gone_already_is_no_trouble(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with kept(tmp_path) as parts:
            (parts[2] / f"{OLD}.wav").unlink()
            await forgetting(parts, 30, None).purge()
            assert (await parts[0].read(get_call, OLD)).call.recording == ""

    run(scenario())


def test_many_are_forgotten_a_batch_at_a_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "BATCH", 3)
    monkeypatch.setattr(retention, "PAUSE_S", 0)

    async def scenario() -> None:
        async with kept(tmp_path) as parts:
            _, calls = await forgetting(parts, None, 1).purge()
            assert calls > 3
            assert len(await ids(parts[0])) < 5

    run(scenario())


def test_where_all_is_kept_nothing_runs(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with kept(tmp_path) as parts:
            async with asyncio.timeout(1):
                await forgetting(parts, None, None).run()
            assert OLD in await ids(parts[0])

    run(scenario())


def test_a_recording_that_cannot_be_deleted_keeps_its_name_and_holds_nothing_up(
    tmp_path: Path,
) -> None:
    async def scenario() -> None:
        async with kept(tmp_path) as parts:
            database, _, folder = parts
            stuck = folder / f"{OLD}.wav"
            stuck.unlink()
            stuck.mkdir()  # nothing that is a folder can be deleted as a file, even by root
            await forgetting(parts, 0, None).purge()
            assert [path.name for path in folder.iterdir()] == [stuck.name]
            assert (await database.read(get_call, OLD)).call.recording == stuck.name
            assert (await database.read(get_call, NEW)).call.recording == ""

    run(scenario())
