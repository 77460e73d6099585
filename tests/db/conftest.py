"""Real databases for every test that wants one: a SQLite file and a PostgreSQL server's."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, make_url

from backend.db import engine as engine_module
from backend.db import models, writer
from backend.db.database import Database
from backend.db.engine import open_engine
from backend.db.migrate import VERSION_TABLE, latest_revision, upgrade
from tests.support.postgres import PostgresServer, postgres_server

__all__ = ["postgres_server"]

BOTH = ["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)]


@pytest.fixture(scope="session")
def migrated_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("template") / "migrated.db"
    upgrade(f"sqlite:///{path}")
    return path


@pytest.fixture(scope="session")
def migrated_template(postgres_server: PostgresServer) -> str:
    """For `new_database`: one that nobody connects to."""
    url = postgres_server.new_database()
    upgrade(url)
    return str(make_url(url).database)


@pytest.fixture(scope="session")
def migrated_url(postgres_server: PostgresServer, migrated_template: str) -> str:
    return postgres_server.new_database(migrated_template)


@pytest.fixture
def emptied_url(migrated_url: str) -> str:
    """One PostgreSQL database for all tests: emptying it takes a tenth of making it."""
    tables = ", ".join(models.Base.metadata.tables)
    engine = open_engine(migrated_url)
    with engine.begin() as connection:
        connection.exec_driver_sql("SET LOCAL lock_timeout = '5s'")
        connection.exec_driver_sql(f"TRUNCATE {tables} RESTART IDENTITY")
        connection.exec_driver_sql(
            f"UPDATE {VERSION_TABLE} SET version_num = '{latest_revision()}'"
        )
    engine.dispose()
    return migrated_url


@pytest.fixture
def sqlite_path(tmp_path: Path, migrated_file: Path) -> Path:
    return Path(shutil.copy(migrated_file, tmp_path / "frontdesk.db"))


@pytest.fixture(params=BOTH)
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A database without tables."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'empty.db'}"
    server: PostgresServer = request.getfixturevalue("postgres_server")
    return server.new_database()


@pytest.fixture(params=BOTH)
def url(request: pytest.FixtureRequest) -> str:
    """A database with tables and no data."""
    if request.param == "sqlite":
        return f"sqlite:///{request.getfixturevalue('sqlite_path')}"
    return str(request.getfixturevalue("emptied_url"))


@pytest.fixture
def engine(url: str) -> Iterator[Engine]:
    engine = open_engine(url)
    yield engine
    engine.dispose()


@pytest.fixture
def sqlite_engine(sqlite_path: Path) -> Iterator[Engine]:
    engine = open_engine(f"sqlite:///{sqlite_path}")
    yield engine
    engine.dispose()


@pytest.fixture
def database(url: str) -> Iterator[Database]:
    database = Database(url)
    yield database
    database.close()


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Locks are waited for, and a lost database is tried again, on a test's time scale."""
    monkeypatch.setattr(engine_module, "LOCK_WAIT_S", 0.05)
    monkeypatch.setattr(writer, "FIRST_RETRY_S", 0.02)
    monkeypatch.setattr(writer, "LONGEST_RETRY_S", 0.05)


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    return tmp_path / "var"
