#!/usr/bin/env python3
"""A database with a million calls and five million turns; `million_calls_bench.py` measures on it.

.venv/bin/python scripts/million_calls.py make /tmp/million [--calls 1000000] [--seed 1]

The folder is a data folder: FRONTDESK_DATA_DIR=/tmp/million ./scripts/up shows it. It takes 3 GB.
"""

import argparse
import random
import sqlite3
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from sqlalchemy.orm import Session

from backend.core.records import CallOutcome, TicketPriority, TicketStatus, TicketType
from backend.db.counting import rebuild
from backend.db.engine import WRITE, WRITING, open_engine
from backend.db.migrate import upgrade_engine

END = datetime(2026, 11, 21, tzinfo=UTC)
DAYS = 730
CUSTOMERS = 20_000
AT_ONCE = 20_000
WITH_EVENTS = 20_000
"""Of the newest calls: events would double the size, and a call page reads those of one call."""
TURNS = 5

INTENTS = {
    "billing": 30, "technical_support": 25, "account_info": 15, "new_service": 8, "human": 6,
    "complaint": 4, "cancellation": 3, "unknown": 8, "": 1,
}  # fmt: skip
OUTCOMES = {
    CallOutcome.COMPLETED: 62, CallOutcome.CALLER_HUNG_UP: 20, CallOutcome.TRANSFERRED: 10,
    CallOutcome.NO_RESPONSE: 5, CallOutcome.TIME_UP: 1.5, CallOutcome.INTERRUPTED: 1,
    CallOutcome.FAILED: 0.5,
}  # fmt: skip
REQUESTS = (
    "i would like to know what i have to pay this month for the line in {place}",
    "my internet is down since {day} and the router at {place} shows a red light",
    "can you tell me when the technician comes to {place} on {day}",
    "i want to move to {place} and keep my number",
    "the bill of {day} is too high somebody from {place} must have made a mistake",
    "please put me through to {name} in the office",
    "do you sell {thing} in the shop at {place}",
    "what is the password of the {thing} for",
)
ANSWERS = (
    "Your balance is {amount} dollars. It is due on the first. What else can I do for you?",
    "I am sorry to hear that. Please switch the router off and on again. Does it work now?",
    "I have opened a ticket. Somebody will call you back on {day}.",
    "Our office in {place} is open from eight to six.",
)
ADMISSION = "I am sorry, I have no answer to that."
DAYS_OF_WEEK = "monday tuesday wednesday thursday friday saturday sunday".split()
THINGS = "cables routers telephones cameras batteries stamps flowers umbrellas tickets".split()
SYLLABLES = (
    "ba be bo da de do fa fe ga go ka ke la le lo ma me na no pa ra ro sa se ta to va".split()
)


def names(rng: random.Random, how_many: int) -> list[str]:
    """Words nobody else says: places and people."""
    return ["".join(rng.choices(SYLLABLES, k=rng.randint(2, 4))) for _ in range(how_many)]


class Maker:
    """Writes the rows; the sums and the full-text index are derived as after an update."""

    def __init__(self, seed: int, calls: int) -> None:
        self._rng = random.Random(seed)
        self._calls = calls
        self._places = names(self._rng, 5000)
        self._people = names(self._rng, 5000)
        self._intents = self._rng.choices(list(INTENTS), list(INTENTS.values()), k=10_000)
        self._outcomes = self._rng.choices(list(OUTCOMES), list(OUTCOMES.values()), k=10_000)

    def customers(self) -> Iterator[tuple[Any, ...]]:
        """One row each."""
        for n in range(1, CUSTOMERS + 1):
            name = f"{self._people[n % 5000].title()} {self._places[n * 7 % 5000].title()}"
            number, phone = str(100_000 + n), f"555{n:07}"
            key = f"{name.casefold()} {number}  {phone}"
            yield (n, number, name, n * 10, "USD", "Basic", "", phone, "", "", "active", key,
                   "2024-01-01 00:00:00.000000", "2024-01-01 00:00:00.000000", 1)  # fmt: skip

    def calls(self, first: int, last: int) -> Iterator[tuple[tuple[Any, ...], list[Any]]]:
        """Calls in the order they came in, each with its turns."""
        step_s = DAYS * 86400 / self._calls
        for n in range(first, last):
            yield self._call(n, END - timedelta(seconds=(self._calls - n) * step_s))

    def _call(self, n: int, started_at: datetime) -> tuple[tuple[Any, ...], list[Any]]:
        rng = self._rng
        call_id = f"{started_at:%Y%m%d-%H%M%S}-{n:06x}"
        intent, outcome = (
            self._intents[rng.randrange(10_000)],
            self._outcomes[rng.randrange(10_000)],
        )
        customer = rng.randrange(1, CUSTOMERS + 1) if rng.random() < 0.6 else None
        said, slowest_s, at_s = [], 0.0, 0.0
        for seq in range(TURNS):
            is_bot = seq % 2 == 0
            at_s += rng.expovariate(0.08)
            total_s = round(rng.lognormvariate(-1.4, 0.5), 4) if is_bot and seq else None
            slowest_s = max(slowest_s, total_s or 0.0)
            said.append(self._turn(call_id, seq, started_at, at_s, intent, total_s))
        duration_s = round(at_s + 2, 3)
        ended = outcome not in (
            CallOutcome.FAILED,
            CallOutcome.INTERRUPTED,
            CallOutcome.TRANSFERRED,
        )
        caller = f"555{customer:07}" if customer else f"444{rng.randrange(200_000):07}"
        row = (call_id, "ari", caller, "200", "", "made", _text(started_at),
               _text(started_at + timedelta(seconds=duration_s)), duration_s, outcome.value, ended,
               intent, customer, "", "", None, TURNS // 2 + 1, slowest_s)  # fmt: skip
        return row, said

    def _turn(
        self,
        call_id: str,
        seq: int,
        started_at: datetime,
        at_s: float,
        intent: str,
        total_s: float | None,
    ) -> tuple[Any, ...]:
        rng, is_bot = self._rng, seq % 2 == 0
        no_answer = is_bot and seq == 2 and intent == "unknown"
        wording = ADMISSION if no_answer else rng.choice(ANSWERS if is_bot else REQUESTS)
        words = wording.format(
            place=rng.choice(self._places), name=rng.choice(self._people),
            amount=rng.randrange(200), day=rng.choice(DAYS_OF_WEEK), thing=rng.choice(THINGS),
        )  # fmt: skip
        parts = (0.16, 0.0, 0.002, 0.001, 0.03) if total_s else (None,) * 5
        source = ("kb:responses/unknown" if no_answer else "kb:faq/1") if is_bot else ""
        return (call_id, seq, (seq + 1) // 2, "bot" if is_bot else "caller",
                _text(started_at + timedelta(seconds=at_s)), round(at_s, 3),
                "" if is_bot else "words", words, "",
                None if is_bot else round(rng.betavariate(8, 2), 3), 1.5, intent,
                None if is_bot else 0.9, source, False, *parts, total_s)  # fmt: skip

    def tickets(self, calls: list[tuple[Any, ...]]) -> Iterator[tuple[Any, ...]]:
        """Of every tenth call."""
        rng = self._rng
        for call in calls[::10]:
            number = int(call[0].rsplit("-", 1)[1], 16) // 10
            age = END - datetime.fromisoformat(call[7]).replace(tzinfo=UTC)
            status = rng.choice(list(TicketStatus)) if age.days < 30 else TicketStatus.CLOSED
            yield (f"{1_000_000 + number}", f"made-{number}", rng.choice(list(TicketType)).value,
                   f"Call back about {rng.choice(self._places)}", "", status.value,
                   rng.choice(list(TicketPriority)).value, rng.choice(("", "dana", "luis")),
                   call[12], "", call[0], call[7], call[7], 1)  # fmt: skip


CUSTOMER = "id number name balance currency plan email phone address notes status search_key"
CUSTOMER += " created_at updated_at version"
CALL = "id line caller called pbx_id bot started_at ended_at duration_s outcome contained intent"
CALL += " customer_id transfer_to recording counted_on turn_count slowest_turn_s"
TURN = "call_id seq number who at at_s kind text digits confidence audio_s intent"
TURN += " intent_confidence source interrupted endpoint_wait_s recognition_s thinking_s"
TURN += " first_audio_s transport_s total_s"
TICKET = "number key type subject description status priority assignee customer_id"
TICKET += " customer_number call_id created_at updated_at version"
EVENTS = """
INSERT INTO call_events (call_id, seq, type, at, at_s, data)
SELECT call_id, seq, who || '.said', at, at_s, json_object('turn', number, 'text', text)
FROM turns WHERE id > (SELECT max(id) FROM turns) - ?
"""


def _text(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S.%f}"


def _insert(table: str, columns: str) -> str:
    names_of = columns.split()
    return f"INSERT INTO {table} ({', '.join(names_of)}) VALUES ({', '.join('?' * len(names_of))})"  # noqa: S608


def make(folder: Path, calls: int, seed: int) -> None:
    """Fill `folder/frontdesk.db`; raises FileExistsError rather than adding to one."""
    path = folder / "frontdesk.db"
    if path.exists():
        raise FileExistsError(f"{path} is there already; name an empty folder.")
    began_s = time.monotonic()
    engine = open_engine(f"sqlite:///{path}")
    upgrade_engine(engine)
    maker = Maker(seed, calls)
    database = sqlite3.connect(path)
    with database:
        database.executemany(_insert("customers", CUSTOMER), maker.customers())
        for first in range(0, calls, AT_ONCE):
            made = list(maker.calls(first, min(first + AT_ONCE, calls)))
            rows = [call for call, _ in made]
            database.executemany(_insert("calls", CALL), rows)
            database.executemany(
                _insert("turns", TURN), (turn for _, said in made for turn in said)
            )
            database.executemany(_insert("tickets", TICKET), maker.tickets(rows))
        database.execute(EVENTS, (WITH_EVENTS * TURNS,))
    database.close()
    print(f"rows {time.monotonic() - began_s:.0f} s", flush=True)
    with Session(engine.execution_options(**{WRITING: WRITE})) as session, session.begin():
        rebuild(session)
    engine.dispose()
    took_s, size_mb = time.monotonic() - began_s, path.stat().st_size / 1e6
    print(f"{calls} calls, {calls * TURNS} turns: {took_s:.0f} s, {size_mb:.0f} MB")


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(dest="command", required=True)
    making = commands.add_parser("make")
    making.add_argument("folder", type=Path)
    making.add_argument("--calls", type=int, default=1_000_000)
    making.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    make(options.folder, options.calls, options.seed)


if __name__ == "__main__":
    main()
