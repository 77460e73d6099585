#!/usr/bin/env python3
"""What pages cost the server on the database that `million_calls.py` made.

.venv/bin/python scripts/million_calls_bench.py /tmp/million [--requests 200]

Whole requests through the application, rendered pages included, one after the other; what is
asked for is drawn at random with a fixed seed. `cpu` is what the process itself worked: it tells
what a page costs where the machine is busy with other things. Prints its own conditions.
"""

import argparse
import asyncio
import os
import random
import re
import sys
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlencode

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import structlog
from fastapi.testclient import TestClient
from million_calls import DAYS, END, INTENTS, OUTCOMES, names
from starlette.types import ASGIApp, Receive, Scope, Send

from backend.api.app import create_app
from backend.api.first_user import reset_password
from backend.api.services import ApiServices, PartHealth
from backend.calls.center import LiveCalls
from backend.calls.operator import NotLiveError, Operator
from backend.calls.replay import CallerTurn, ReplayError
from backend.config import Settings
from backend.core.events import CallEvent, EventBus
from backend.core.records import CallInfo
from backend.db.database import Database
from backend.db.errors import NotFoundError
from backend.db.models import Role
from backend.db.queries import accounts
from backend.db.store import Store

USER = "bench"
PASSWORD = "one million calls"  # noqa: S105 - of a user in a made-up database
COMMON = "router internet office technician monday number bill balance light".split()


class Timed:
    """The application, with a stop-watch around every request."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self.last_s = 0.0
        self.last_cpu_s = 0.0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        began_s, began_cpu_s = time.perf_counter(), time.process_time()
        await self._app(scope, receive, send)
        self.last_s = time.perf_counter() - began_s
        self.last_cpu_s = time.process_time() - began_cpu_s


class NoCalls:
    """Nobody is calling, and nothing could be replayed: there is no bot."""

    def operator(self, call_id: str) -> Operator:
        """None there is."""
        raise NotLiveError(call_id)

    async def replay(self, info: CallInfo, turns: Sequence[CallerTurn]) -> list[CallEvent]:
        """None there is."""
        raise ReplayError("There is no bot here.")


class Visitor:
    """Asks for things at random, as people do."""

    def __init__(self, seed: int) -> None:
        self._rng = random.Random(seed)
        self._rare = names(random.Random(1), 5000)
        self.cursors = [""]
        self.call_ids: list[str] = []

    def list_page(self) -> str:
        """A list of calls: filters, orders and pages deep down."""
        rng, asked = self._rng, {}
        if rng.random() < 0.3:
            asked["intent"] = rng.choice([intent for intent in INTENTS if intent])
        if rng.random() < 0.3:
            asked["outcome"] = rng.choice(list(OUTCOMES)).value
        if rng.random() < 0.2:
            day = END - timedelta(days=rng.randrange(DAYS))
            asked |= {"since": f"{day - timedelta(days=30):%Y-%m-%d}", "until": f"{day:%Y-%m-%d}"}
        if rng.random() < 0.1:
            asked["customer"] = str(100_001 + rng.randrange(20_000))
        if rng.random() < 0.15:
            asked["min_latency_s"] = str(rng.choice((0.5, 1, 1.5, 2, 3, 5)))
        if rng.random() < 0.1:
            asked["min_duration_s"] = str(rng.choice((30, 90, 200, 700)))
        if rng.random() < 0.2:
            asked["sort"] = rng.choice(("oldest", "longest", "slowest"))
        if not asked:
            asked["cursor"] = rng.choice(self.cursors)
        return f"/calls?{urlencode(asked)}"

    def search_page(self) -> str:
        """A search: common words, rare ones, both, phrases, with and without filters."""
        rng = self._rng
        search = rng.choice(
            (
                rng.choice(COMMON),
                " ".join(rng.sample(COMMON, 2)),
                rng.choice(self._rare),
                f"{rng.choice(COMMON)} {rng.choice(self._rare)}",
                '"red light"',
                f"{rng.choice(COMMON)} -{rng.choice(COMMON)}",
                "nobodysaysthis",
            )
        )
        asked = {"search": search}
        if rng.random() < 0.3:
            asked["outcome"] = rng.choice(list(OUTCOMES)).value
        if rng.random() < 0.2:
            asked["min_latency_s"] = str(rng.choice((0.5, 1, 2, 4)))
        if rng.random() < 0.2:
            asked["until"] = f"{END - timedelta(days=rng.randrange(DAYS)):%Y-%m-%d}"
        return f"/calls?{urlencode(asked)}"

    def call_page(self) -> str:
        """One call."""
        return f"/calls/{self._rng.choice(self.call_ids)}"

    def analytics_page(self) -> str:
        """Any period."""
        day = END - timedelta(days=self._rng.randrange(1, DAYS))
        kind = self._rng.choice(("recent", "day", "week", "month", "year"))
        return f"/analytics?period={kind}&on={day:%Y-%m-%d}"

    def tickets_page(self) -> str:
        """The list or the board."""
        rng = self._rng
        asked = {"priority": rng.choice(("low", "high"))} if rng.random() < 0.5 else {}
        if rng.random() < 0.3:
            asked["assignee"] = rng.choice(("nobody", "dana"))
        return f"{rng.choice(('/tickets', '/tickets/board'))}?{urlencode(asked)}"


async def _prepare(database: Database, folder: Path) -> tuple[Store, str]:
    store = await Store.open(database, folder)
    try:
        password = await reset_password(store, USER)
    except NotFoundError:
        now = datetime.now(UTC)
        await store.write(accounts.create_user, USER, "", Role.OWNER, now=now)
        password = await reset_password(store, USER)
    return store, password


async def _healthy() -> Sequence[PartHealth]:
    return []


def _sign_in(client: TestClient, once: str) -> None:
    def token(path: str) -> str:
        found = re.search(r'name="form_token" value="(\w+)"', client.get(path).text)
        return found[1] if found else ""

    form = {"name": USER, "password": once, "form_token": token("/sign-in")}
    client.post("/sign-in", data=form)
    form = {"old": once, "new": PASSWORD, "again": PASSWORD, "form_token": token("/password")}
    client.post("/password", data=form)


def _measure(client: TestClient, timed: Timed, ask: Callable[[], str], requests: int) -> str:
    took_s, cpu_s, slowest = [], [], ""
    for _ in range(requests):
        path = ask()
        answer = client.get(path)
        if answer.status_code != 200:
            raise RuntimeError(f"{path}: {answer.status_code}")
        took_s.append(timed.last_s)
        cpu_s.append(timed.last_cpu_s)
        if timed.last_s == max(took_s):
            slowest = path
    shown = (_percentile(took_s, 0.5), _percentile(took_s, 0.95), max(took_s))
    shown += (_percentile(cpu_s, 0.5), _percentile(cpu_s, 0.95))
    return "".join(f"{seconds * 1000:9.1f}" for seconds in shown) + f"   slowest: {slowest}"


def _percentile(values: Sequence[float], fraction: float) -> float:
    return sorted(values)[round(fraction * (len(values) - 1))]


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--requests", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))
    settings = Settings(_env_file=None, data_dir=options.folder)
    database, events = Database(settings.db_url), EventBus()
    store, password = asyncio.run(_prepare(database, options.folder))
    services = ApiServices(
        settings=settings,
        database=database,
        store=store,
        events=events,
        live=LiveCalls(events),
        operators=NoCalls(),
        replayer=NoCalls(),
        health=_healthy,
        recordings_dir=options.folder,
        clock=END.timestamp,
    )
    timed, visitor = Timed(create_app(services)), Visitor(options.seed)
    with TestClient(timed, base_url="http://localhost") as client:
        _sign_in(client, password)
        for days in range(10, DAYS, 10):
            until = f"{END - timedelta(days=days):%Y-%m-%d}"
            page = client.get("/calls", params={"until": until}).text
            visitor.cursors += re.findall(r"cursor=([\w-]+)", page)[:1]
            visitor.call_ids += re.findall(r'href="/calls/([\w-]+)"', page)[:20]
        print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}, {options.requests} requests")
        print(f"{'milliseconds':18}      p50      p95      max  p50 cpu  p95 cpu")
        for name in ("list_page", "search_page", "call_page", "analytics_page", "tickets_page"):
            numbers = _measure(client, timed, getattr(visitor, name), options.requests)
            print(f"{name:18} {numbers}", flush=True)
    asyncio.run(store.aclose())
    database.close()


if __name__ == "__main__":
    main()
