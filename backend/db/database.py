"""The reading side: queries run on a few threads of their own, never on the event loop."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Concatenate, ParamSpec, TypeVar

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from backend.core.errors import FrontdeskError
from backend.db.engine import READERS, open_engine
from backend.db.errors import UnavailableError
from backend.db.trouble import explain, log_mistake, place

READ_WAIT_S = 5.0

P = ParamSpec("P")
T = TypeVar("T")


class Database:
    """An open database. One for the whole process; close it after whatever uses it."""

    def __init__(self, url: str) -> None:
        """Connects to nothing yet. Raises StoreError when the URL cannot work."""
        self.engine: Engine = open_engine(url)
        self._readers = ThreadPoolExecutor(READERS, thread_name_prefix="db-read")

    @property
    def place(self) -> str:
        """File or address, for people; without the password."""
        return place(self.engine.url)

    async def read(
        self, query: Callable[Concatenate[Session, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Run `query(session, …)` (one of `queries`) and return its result.

        Raises what the query raises, and UnavailableError when the database does not answer.
        """
        loop = asyncio.get_running_loop()
        work = loop.run_in_executor(self._readers, lambda: self._run(query, *args, **kwargs))
        try:
            async with asyncio.timeout(READ_WAIT_S):
                return await work
        except TimeoutError as error:
            raise UnavailableError(
                f"{self.place} did not answer within {READ_WAIT_S:g} s.",
                fix="It may be busy or hanging: look at what else uses it.",
            ) from error

    def _run(
        self, query: Callable[Concatenate[Session, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        try:
            with Session(self.engine) as session:
                return query(session, *args, **kwargs)
        except FrontdeskError:
            raise
        except Exception as error:
            explained = explain(error, self.engine.url)
            explained.__cause__ = error
            log_mistake(explained)
            raise explained from error

    def close(self) -> None:
        """Close every connection."""
        self._readers.shutdown(wait=False, cancel_futures=True)
        self.engine.dispose()
