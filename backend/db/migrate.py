"""Bringing a database's tables up to the version of the code. How to add a revision: `revise`."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, Engine, String, column, inspect, select, table
from sqlalchemy.exc import SQLAlchemyError

from backend.core.errors import StoreError
from backend.db.engine import SET_UP_WAIT_S, WRITE, WRITING, make_place, open_engine
from backend.db.models import Base
from backend.db.trouble import explain, place

if TYPE_CHECKING:
    from alembic.config import Config

MIGRATIONS = Path(__file__).parent / "migrations"
VERSION_TABLE = "frontdesk_version"
"""Not Alembic's usual name: another program's tables in the same database are told apart."""
FULL_TEXT = ("call_words", "ix_call_texts_words")
"""What the names of tables and indexes of the full-text search begin with: no models describe
them, because each database has its own kind."""
_ADVISORY_LOCK = 7_266_001
"""Any number, the same in every Frontdesk: whoever sets a PostgreSQL database up holds it.

On SQLite the write lock, taken at the beginning of a transaction, does the same.
"""


def upgrade(url: str) -> bool:
    """Create the tables or bring them up to date; True when anything had to be done.

    Safe to run at every start and from several processes at once. All or nothing: a failed
    migration leaves the database as it was. Raises StoreError.
    """
    engine = open_engine(url, lock_wait_s=SET_UP_WAIT_S)
    try:
        return upgrade_engine(engine)
    finally:
        engine.dispose()


def upgrade_engine(engine: Engine) -> bool:
    """The same for an engine that is already open."""
    make_place(engine.url)
    try:
        with engine.connect() as connection:
            if revision_of(connection) == latest_revision():
                return False
        return _migrate(engine)
    except SQLAlchemyError as error:
        raise explain(error, engine.url) from error


def latest_revision() -> str:
    """The revision `models` stands for. From the names of the files: `r0001_first_tables.py`."""
    return max(path.name.split("_")[0] for path in (MIGRATIONS / "versions").glob("r*.py"))


def revision_of(connection: Connection) -> str | None:
    """The revision a database is at; None when Frontdesk never made tables in it."""
    if not inspect(connection).has_table(VERSION_TABLE):
        return None
    number = column("version_num", String)
    return connection.scalar(select(number).select_from(table(VERSION_TABLE)))


def is_described(_object: object, name: str | None, *_: object) -> bool:
    """Whether the models say what a table or index of the database should be like."""
    return not (name or "").startswith(FULL_TEXT)


def wait_your_turn(connection: Connection) -> None:
    """Let nobody else who calls this go on until the transaction ends."""
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_ADVISORY_LOCK})")


def alembic_config(connection: Connection) -> "Config":
    """What Alembic's commands need to work on our migrations over this connection."""
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    # Alembic splits paths at blanks and colons unless told.
    config.set_main_option("path_separator", "newline")
    config.attributes["connection"] = connection
    return config


def _migrate(engine: Engine) -> bool:
    # Only here: importing it takes half a second, and at most starts there is nothing to do.
    from alembic import command
    from alembic.util import CommandError

    try:
        with _alone(engine) as connection:
            before = revision_of(connection)
            if before is None:
                _refuse_foreign_tables(connection)
            command.upgrade(alembic_config(connection), "head")
            return revision_of(connection) != before
    except CommandError as error:
        raise StoreError(
            f"{place(engine.url)} was made by another version of Frontdesk: {error}.",
            fix="Start the newer Frontdesk, or name another database.",
        ) from error


@contextmanager
def _alone(engine: Engine) -> Iterator[Connection]:
    """A transaction that nobody else can migrate beside."""
    if engine.dialect.name != "sqlite":
        with engine.begin() as connection:
            wait_your_turn(connection)
            yield connection
        return
    with engine.connect().execution_options(**{WRITING: WRITE}) as connection:
        # Writing a table anew drops the old one, and that would delete what refers to it.
        _switch_foreign_keys(connection, on=False)
        try:
            with connection.begin():
                yield connection
                broken = connection.exec_driver_sql("PRAGMA foreign_key_check").fetchall()
                if broken:
                    raise StoreError(f"The migration would break references: {broken[:3]}.")
        finally:
            _switch_foreign_keys(connection, on=True)


def _switch_foreign_keys(connection: Connection, *, on: bool) -> None:
    # On the driver's connection: inside a transaction, which SQLAlchemy would begin, it is ignored.
    cursor = connection.connection.cursor()
    cursor.execute(f"PRAGMA foreign_keys={'ON' if on else 'OFF'}")
    cursor.close()


def _refuse_foreign_tables(connection: Connection) -> None:
    taken = set(inspect(connection).get_table_names()) & set(Base.metadata.tables)
    if taken:
        raise StoreError(
            f"{place(connection.engine.url)} already has tables that Frontdesk did not make:"
            f" {', '.join(sorted(taken))}.",
            fix="Give Frontdesk a database of its own.",
        )
