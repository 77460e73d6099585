"""What is left after kill -9, and on a full disk: with real processes and real signals."""

import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy.orm import Session

from backend.db.database import Database
from backend.db.queries.tickets import count_tickets
from tests.support.call_events import short_call

TICKETS = "SELECT number FROM tickets ORDER BY number"

BOT = """
import asyncio, resource, structlog, sys
from pathlib import Path
from backend.core.errors import StoreError
from backend.core.records import TicketDraft, TicketType
from backend.db.database import Database
from backend.db.store import Store
from tests.support.call_events import short_call

structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))

def disk(size):
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))

async def main():
    folder = Path(sys.argv[1])
    store = await Store.open(Database(sys.argv[2]), folder)
    script = short_call()

    async def ticket(number):
        try:
            await store.open_ticket(TicketDraft(number, TicketType.OTHER, "Help"), script.call_id)
            print(number, "stored", flush=True)
        except StoreError as error:
            print(number, error.code, error, flush=True)

%s

asyncio.run(main())
"""


def bot(body: str, tmp_path: Path, url: str) -> subprocess.Popen[str]:
    lines = "\n".join(f"    {line}" for line in body.strip().splitlines())
    return subprocess.Popen(
        [sys.executable, "-c", BOT % lines, str(tmp_path / "var"), url],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )


def said(process: subprocess.Popen[str]) -> list[str]:
    """Everything a bot that ends by itself prints."""
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    return output.splitlines()


def query(path: Path, sql: str) -> list[str]:
    connection = sqlite3.connect(path)
    rows = [str(row[0]) for row in connection.execute(sql)]
    connection.close()
    return rows


@pytest.fixture
def sqlite_url(sqlite_path: Path) -> str:
    return f"sqlite:///{sqlite_path}"


def test_a_ticket_survives_kill_9(tmp_path: Path, sqlite_path: Path, sqlite_url: str) -> None:
    body = """
for event in script.events[:5]:
    store.record(event)
await ticket("123456")
sys.stdin.read()
"""
    process = bot(body, tmp_path, sqlite_url)
    assert process.stdout is not None
    assert process.stdout.readline() == "123456 stored\n"
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=60)
    assert query(sqlite_path, TICKETS) == ["123456"]
    assert query(sqlite_path, "SELECT text FROM turns ORDER BY seq") == ["Hello.", "what do i owe"]
    assert query(sqlite_path, "PRAGMA integrity_check") == ["ok"]

    body = """
print(await store.close_interrupted(), flush=True)
await store.aclose()
"""
    assert said(bot(body, tmp_path, sqlite_url)) == ["1"]
    assert query(sqlite_path, "SELECT outcome FROM calls") == ["interrupted"]


def test_a_ticket_that_only_reached_the_outbox_survives_kill_9(
    tmp_path: Path, sqlite_path: Path, sqlite_url: str
) -> None:
    other = sqlite3.connect(sqlite_path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    process = bot('await ticket("123456")\nsys.stdin.read()', tmp_path, sqlite_url)
    assert process.stdout is not None
    assert process.stdout.readline() == "123456 stored\n"
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=60)
    other.close()
    assert query(sqlite_path, TICKETS) == []
    assert said(bot("await store.aclose()", tmp_path, sqlite_url)) == []
    assert query(sqlite_path, TICKETS) == ["123456"]


def test_a_disk_too_full_for_the_database_leaves_room_in_the_outbox(
    tmp_path: Path, sqlite_path: Path, sqlite_url: str
) -> None:
    body = """
await ticket("111111")
disk(8192)
await ticket("222222")
print(store.health.is_up, store.health.message, flush=True)
disk(resource.RLIM_INFINITY)
await store.aclose()
"""
    lines = said(bot(body, tmp_path, sqlite_url))
    assert lines[:2] == ["111111 stored", "222222 stored"]
    assert lines[2].startswith("False")
    assert "full" in lines[2]
    assert query(sqlite_path, TICKETS) == ["111111"]
    assert "222222" in (tmp_path / "var" / "outbox.jsonl").read_text()
    assert said(bot("await store.aclose()", tmp_path, sqlite_url)) == []
    assert query(sqlite_path, TICKETS) == ["111111", "222222"]


def test_a_disk_too_full_for_anything_is_told_and_memory_keeps_what_it_can(
    tmp_path: Path, sqlite_path: Path, sqlite_url: str
) -> None:
    body = """
disk(0)
for event in script.events:
    store.record(event)
await ticket("333333")
disk(resource.RLIM_INFINITY)
await store.aclose()
"""
    [line] = said(bot(body, tmp_path, sqlite_url))
    assert line.startswith("333333 store Ticket 333333 could not be stored.")
    assert "Free some space" in line
    outbox = (tmp_path / "var" / "outbox.jsonl").read_text()
    assert len(outbox.splitlines()) == len(short_call().events) + 1
    assert said(bot("await store.aclose()", tmp_path, sqlite_url)) == []
    assert query(sqlite_path, TICKETS) == ["333333"]
    assert query(sqlite_path, "SELECT outcome FROM calls") == ["completed"]


def test_two_bots_with_one_database_both_store_everything(tmp_path: Path, url: str) -> None:
    body = """
print("ready", flush=True)
first = int(sys.stdin.readline())
for number in range(first, first + 40):
    await ticket(str(number))
await store.aclose()
"""
    bots = [bot(body, tmp_path / name, url) for name in ("one", "two")]
    for process in bots:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process, first in zip(bots, (100000, 200000), strict=True):
        assert process.stdin is not None
        process.stdin.write(f"{first}\n")
        process.stdin.flush()
    assert [len(said(process)) for process in bots] == [40, 40]
    database = Database(url)
    with Session(database.engine) as session:
        assert sum(count_tickets(session).values()) == 80
    database.close()
