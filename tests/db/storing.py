"""A store on a test's time scale, and what is in its database."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from sqlalchemy import Engine, func, select
from sqlalchemy.orm import Session

from backend.core.records import TicketDraft, TicketType
from backend.db import models
from backend.db.database import Database
from backend.db.queries.calls import CallDetail, get_call
from backend.db.store import Store
from tests.support.call_events import NINE
from tests.support.db import eventually

DRAFT = TicketDraft("123456", TicketType.TECHNICAL, "No internet", customer_number="1004")


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
