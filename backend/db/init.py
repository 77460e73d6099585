"""`python -m backend.db.init`: tables, and data to look at, in a database that has none."""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, tzinfo

from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from backend.config import load_settings
from backend.core.errors import FrontdeskError
from backend.db.engine import SET_UP_WAIT_S, WRITE, WRITING, open_engine
from backend.db.migrate import upgrade_engine, wait_your_turn
from backend.db.seed import Seeded, count, seed
from backend.db.trouble import explain, place


@dataclass(frozen=True, slots=True)
class Initialised:
    """What was done."""

    place: str
    tables_changed: bool
    was_empty: bool
    seeded: bool
    data: Seeded
    """What the database holds now."""

    def lines(self) -> list[str]:
        """The same for people."""
        tables = "created or brought up to date" if self.tables_changed else "up to date"
        amount = (
            f"{self.data.customers} customers, {self.data.calls} calls, {self.data.tickets} tickets"
        )
        if self.seeded:
            data = f"Added {amount} to try things with."
        elif self.was_empty:
            data = "No data was added."
        else:
            data = f"It has data already ({amount}): nothing was added or changed."
        return [f"Database {self.place}", f"Tables are {tables}.", data]


def initialise(url: str, today: date, *, empty: bool = False, zone: tzinfo = UTC) -> Initialised:
    """Create the tables or bring them up to date; unless `empty`, seed a database without data.

    Rows that are there are never touched. Safe to run twice at once. `today` is the date in
    `zone`, which the store is opened with. Raises StoreError.
    """
    engine = open_engine(url, lock_wait_s=SET_UP_WAIT_S)
    try:
        tables_changed = upgrade_engine(engine)
        with Session(engine.execution_options(**{WRITING: WRITE})) as session, session.begin():
            wait_your_turn(session.connection())
            before = count(session)
            was_empty = before == Seeded(0, 0, 0)
            seeds = was_empty and not empty
            data = seed(session, today, zone) if seeds else before
        return Initialised(place(engine.url), tables_changed, was_empty, seeds, data)
    except SQLAlchemyError as error:
        raise explain(error, engine.url) from error
    finally:
        engine.dispose()


def main(arguments: Sequence[str] | None = None) -> None:
    """The command. Raises FrontdeskError with a sentence to show."""
    parser = argparse.ArgumentParser(
        prog="python -m backend.db.init",
        description="Create Frontdesk's tables and fill an empty database with sample data.",
    )
    parser.add_argument("--empty", action="store_true", help="tables only, no sample data")
    options = parser.parse_args(arguments)
    now = datetime.now(UTC).astimezone()  # the machine's zone
    done = initialise(
        load_settings().db_url, now.date(), empty=options.empty, zone=now.tzinfo or UTC
    )
    sys.stdout.write("\n".join(done.lines()) + "\n")


if __name__ == "__main__":
    try:
        main()
    except FrontdeskError as problem:
        sys.exit(str(problem))
