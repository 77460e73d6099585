"""The API over a real, seeded database, and people who sign in to it."""

import asyncio
import re
import shutil
from collections.abc import Callable, Coroutine, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from html import unescape
from pathlib import Path
from typing import Any, TypeVar

from argon2 import PasswordHasher
from fastapi import FastAPI
from fastapi.testclient import TestClient
from httpx2 import Response

from backend.api.api_keys import create_api_key
from backend.api.app import create_app
from backend.api.bot import Bot
from backend.api.services import ApiServices, PartHealth, PartState, ReplayProvider
from backend.calls.center import LiveCalls
from backend.calls.operator import NotLiveError, Operator
from backend.calls.replay import CallerTurn, ReplayError
from backend.config import Settings
from backend.core.events import CallEvent, EventBus
from backend.core.records import CallInfo
from backend.db.database import Database
from backend.db.init import initialise
from backend.db.models import Role
from backend.db.queries import accounts
from backend.db.recorder import record_calls
from backend.db.store import Store

T = TypeVar("T")

TODAY = date(2026, 11, 21)
NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
PASSWORD = "seven wet umbrellas"
HOME = "http://localhost"

_HASH = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD)
"""Cheap on purpose: what the parameters are is written in the hash itself."""


def run_aside(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run it on a thread of its own: Playwright keeps an event loop on the main one."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, coroutine).result(60)


def seeded_database(folder: Path) -> Path:
    """A database as `python -m backend.db.init` makes it; to be copied."""
    path = folder / "template.db"
    initialise(f"sqlite:///{path}", TODAY)
    return path


class Operators:
    """The calls that somebody can do something to: those that a test puts in."""

    def __init__(self) -> None:
        self.of: dict[str, Operator] = {}

    def operator(self, call_id: str) -> Operator:
        if call_id not in self.of:
            raise NotLiveError(call_id)
        return self.of[call_id]


class NoReplays:
    """There are no engines in most tests."""

    async def replay(self, info: CallInfo, turns: Sequence[CallerTurn]) -> list[CallEvent]:
        raise ReplayError("Live calls need everything there is at the moment.")


@dataclass
class Office:
    """An app with its services; times stand still unless `now_s` is moved."""

    app: FastAPI
    services: ApiServices
    settings: Settings
    operators: "Operators"
    now_s: float = NOON.timestamp()
    health: list[PartHealth] = field(
        default_factory=lambda: [PartHealth("database", PartState.OK, "SQLite")]
    )

    def browser(self) -> TestClient:
        """Somebody's browser, not signed in. Redirects are looked at, not followed."""
        return TestClient(
            self.app, base_url=HOME, follow_redirects=False, raise_server_exceptions=False
        )

    def signed_in(self, role: Role = Role.OWNER) -> TestClient:
        """A browser in which somebody with this role (and as name) has signed in."""
        self.add_user(role.value, role)
        browser = self.browser()
        answer = sign_in(browser, role.value, PASSWORD)
        assert answer.status_code == 303, answer.text
        return browser

    def program(self, role: Role = Role.OWNER) -> TestClient:
        """A program with an API key of this role."""
        key, _ = run_aside(
            create_api_key(self.services.store, f"{role} key", role, now=self.services.now())
        )
        browser = self.browser()
        browser.headers["authorization"] = f"Bearer {key}"
        return browser

    def add_user(self, name: str, role: Role, *, must_change_password: bool = False) -> int:
        """A user with `PASSWORD`; returns the id. One who is there already stays."""

        async def add() -> int:
            store = self.services.store
            known = await self.services.database.read(accounts.find_user, name)
            if known is not None:
                return known.id
            user = await store.write(
                accounts.create_user,
                name,
                _HASH,
                role,
                now=self.services.now(),
                must_change_password=must_change_password,
            )
            return user.id

        return run_aside(add())

    def happens(self, events: Sequence[CallEvent]) -> None:
        """Calls take place: the bus tells everybody, and the database has stored it."""
        for event in events:
            self.services.events.publish(event)
        run_aside(self.services.store.flush())


@contextmanager
def open_office(
    folder: Path,
    template: Path,
    make_bot: Callable[[Settings, Store, EventBus], Bot] | None = None,
    *,
    replayer: ReplayProvider | None = None,
) -> Iterator[Office]:
    """An office in `folder` over a copy of the `template` database, with a bot if one is made."""
    settings = Settings(_env_file=None, data_dir=folder, web_hosts=("desk.example.com",))
    recordings_dir = folder / "recordings"
    recordings_dir.mkdir()
    shutil.copy(template, folder / "frontdesk.db")
    database = Database(settings.db_url)
    store = run_aside(Store.open(database, folder))
    events = EventBus()
    record_calls(events, store)
    office: Office

    async def health() -> Sequence[PartHealth]:
        return list(office.health)

    operators = Operators()
    services = ApiServices(
        settings=settings,
        database=database,
        store=store,
        events=events,
        live=LiveCalls(events),
        operators=operators,
        replayer=replayer or NoReplays(),
        health=health,
        recordings_dir=recordings_dir,
        clock=lambda: office.now_s,
        bot=make_bot(settings, store, events) if make_bot else None,
    )
    office = Office(create_app(services), services, settings, operators)
    try:
        yield office
    finally:
        run_aside(store.aclose())
        database.close()


def sign_in(browser: TestClient, name: str, password: str, where: str = "") -> Response:
    """Fill the sign-in form in and send it."""
    form = browser.get("/sign-in", params={"next": where})
    return browser.post(
        "/sign-in",
        data={"name": name, "password": password, "next": where, "form_token": token_in(form)},
    )


def token_in(page: Response) -> str:
    """The form token of a page."""
    found = re.search(r'name="form_token" value="([0-9a-f]+)"', page.text)
    assert found, f"no form on this page: {page.status_code} {page.text[:500]}"
    return found[1]


def send(browser: TestClient, path: str, *, form_on: str = "", **fields: str) -> Response:
    """Open a page (`form_on`, else `path` itself), fill its form in and send it to `path`."""
    token = token_in(browser.get(form_on or path))
    return browser.post(path, data={**fields, "form_token": token})


def words_of(page: Response) -> str:
    """What a person reads: tags removed, then entities resolved, blanks squeezed."""
    without_tags = re.sub(r"<[^>]*>", " ", page.text)
    return re.sub(r"\s+", " ", unescape(without_tags)).strip()
