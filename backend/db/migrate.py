"""Bringing a database's tables up to the version of the code.

To add a revision: change `models`, run `python -m backend.db.migrate "what changes"`, read and
correct the file it writes under `migrations/versions`, run the tests.
"""

import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection, Engine, inspect
from sqlalchemy.exc import SQLAlchemyError

from backend.core.errors import StoreError
from backend.db.engine import WRITE, WRITING, open_engine
from backend.db.models import Base
from backend.db.trouble import explain, place

VERSION_TABLE = "frontdesk_version"
"""Not Alembic's usual name: another program's tables in the same database are told apart."""
_ADVISORY_LOCK = 7_266_001
"""Any number, the same in every Frontdesk: whoever migrates holds it on a PostgreSQL server."""


def upgrade(url: str) -> bool:
    """Create the tables or bring them up to date; True when anything had to be done.

    Safe to run at every start and from several processes at once. All or nothing: a failed
    migration leaves the database as it was. Raises StoreError.
    """
    engine = open_engine(url)
    try:
        return upgrade_engine(engine)
    finally:
        engine.dispose()


def upgrade_engine(engine: Engine) -> bool:
    """The same for an engine that is already open."""
    try:
        with _alone(engine) as connection:
            before = _revision(connection)
            if before is None:
                _refuse_foreign_tables(connection)
            command.upgrade(_config(connection), "head")
            return _revision(connection) != before
    except CommandError as error:
        raise StoreError(
            f"{place(engine.url)} was made by another version of Frontdesk: {error}.",
            fix="Start the newer Frontdesk, or name another database.",
        ) from error
    except SQLAlchemyError as error:
        raise explain(error, engine.url) from error


def differences(engine: Engine) -> list[object]:
    """What `models` declares and the database lacks, or the other way round; empty when equal."""
    with engine.connect() as connection:
        context = MigrationContext.configure(
            connection, opts={"version_table": VERSION_TABLE, "compare_type": True}
        )
        return list(compare_metadata(context, Base.metadata))


@contextmanager
def _alone(engine: Engine) -> Iterator[Connection]:
    """A transaction that nobody else can migrate beside."""
    if engine.dialect.name != "sqlite":
        with engine.begin() as connection:
            if engine.dialect.name == "postgresql":
                connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_ADVISORY_LOCK})")
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


def _revision(connection: Connection) -> str | None:
    context = MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE})
    return context.get_current_revision()


def _refuse_foreign_tables(connection: Connection) -> None:
    taken = set(inspect(connection).get_table_names()) & set(Base.metadata.tables)
    if taken:
        raise StoreError(
            f"{place(connection.engine.url)} already has tables that Frontdesk did not make:"
            f" {', '.join(sorted(taken))}.",
            fix="Give Frontdesk a database of its own.",
        )


def _config(connection: Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    # Alembic splits paths at blanks and colons unless told.
    config.set_main_option("path_separator", "newline")
    config.attributes["connection"] = connection
    return config


def new_revision(message: str) -> Path:
    """Write the revision that leads from the last one to `models`. For developers."""
    with tempfile.TemporaryDirectory() as folder:
        engine = open_engine(f"sqlite:///{folder}/empty.db")
        try:
            upgrade_engine(engine)
            with engine.connect() as connection:
                config = _config(connection)
                versions = ScriptDirectory.from_config(config).versions
                number = f"r{len(list(Path(versions).glob('r*.py'))) + 1:04d}"
                script = command.revision(config, message, autogenerate=True, rev_id=number)
        finally:
            engine.dispose()
    if script is None or isinstance(script, list):
        raise StoreError("Alembic wrote no revision.")
    return Path(script.path)


if __name__ == "__main__":
    sys.stdout.write(f"{new_revision(' '.join(sys.argv[1:]))}\n")
