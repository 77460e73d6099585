"""Small helpers for tests of the database."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from backend.db.engine import WRITE, WRITING


@contextmanager
def writing(engine: Engine) -> Iterator[Session]:
    """A session that commits at the end, as the store's writes do."""
    with Session(engine.execution_options(**{WRITING: WRITE})) as session, session.begin():
        yield session


def eventually(is_so: Callable[[], bool], what: str, within_s: float = 10.0) -> None:
    """Wait until something another thread or process does has happened."""
    give_up_at_s = time.monotonic() + within_s
    while not is_so():
        if time.monotonic() > give_up_at_s:
            pytest.fail(f"It never happened: {what}")
        time.sleep(0.005)
