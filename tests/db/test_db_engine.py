import sqlite3
import stat
from pathlib import Path

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import SQLAlchemyError

from backend.core.errors import StoreError
from backend.db import engine as engine_module
from backend.db.engine import WRITE_DURABLY, WRITING, open_engine
from backend.db.errors import UnavailableError
from backend.db.migrate import upgrade
from backend.db.trouble import explain
from tests.support.db import writing
from tests.support.postgres import PostgresServer


def trouble(engine: Engine, sql: str = "SELECT count(*) FROM calls") -> StoreError:
    """What we say about what goes wrong with a write."""
    with pytest.raises(SQLAlchemyError) as caught, writing(engine) as session:
        session.execute(text(sql))
    engine.dispose()
    return explain(caught.value, engine.url)


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("frontdesk.db", "not a database URL"),
        ("", "not a database URL"),
        ("oracle+nonsense://h/d", "not installed"),
        ("mysql+pymysql://h/d", "not installed"),
        ("sqlite://", "memory"),
        ("sqlite:///:memory:", "memory"),
        ("sqlite:///file:x?mode=memory&cache=shared&uri=true", "memory"),
    ],
)
def test_a_url_that_cannot_work_is_refused_before_anything_is_opened(url: str, words: str) -> None:
    with pytest.raises(StoreError, match=words) as caught:
        open_engine(url)
    assert caught.value.fix


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg"])
def test_every_spelling_of_postgresql_means_psycopg_3(scheme: str) -> None:
    assert open_engine(f"{scheme}://u:p@h/d").driver == "psycopg"


def test_sqlite_is_set_up_for_calls_and_pages_at_once(sqlite_engine: Engine) -> None:
    with sqlite_engine.connect() as connection:
        pragmas = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "foreign_keys", "synchronous", "busy_timeout")
        }
    assert pragmas == {
        "journal_mode": "wal",
        "foreign_keys": 1,
        "synchronous": 1,
        "busy_timeout": 1000 * engine_module.LOCK_WAIT_S,
    }


def test_a_ticket_is_committed_with_a_sync_to_the_disk(sqlite_engine: Engine) -> None:
    with sqlite_engine.execution_options(**{WRITING: WRITE_DURABLY}).connect() as connection:
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 2


def test_references_are_kept(engine: Engine) -> None:
    error = trouble(
        engine,
        "INSERT INTO call_events (call_id, seq, type, at, at_s, data)"
        " VALUES ('nobody', 0, 'x', '2026-01-01 00:00:00', 0, '{}')",
    )
    assert not isinstance(error, UnavailableError)


def test_the_folder_of_a_new_file_is_made(tmp_path: Path) -> None:
    upgrade(f"sqlite:///{tmp_path / 'a' / 'b' / 'frontdesk.db'}")
    assert (tmp_path / "a" / "b" / "frontdesk.db").exists()


def test_a_locked_file_is_called_locked(sqlite_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine_module, "LOCK_WAIT_S", 0.05)
    engine = open_engine(f"sqlite:///{sqlite_path}")
    other = sqlite3.connect(sqlite_path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    error = trouble(engine)
    other.close()
    assert isinstance(error, UnavailableError)
    assert "locked by another program" in error.message
    assert "backup" in error.fix


@pytest.mark.parametrize("content", [b"This is not a database. " * 100, b"\x00" * 4096])
def test_a_file_that_is_not_a_database_is_called_damaged(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "bad.db"
    path.write_bytes(content)
    error = trouble(open_engine(f"sqlite:///{path}"))
    assert isinstance(error, UnavailableError)
    assert "restore a backup" in error.fix


def test_a_page_that_was_overwritten_is_called_damaged(sqlite_path: Path) -> None:
    with sqlite_path.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xff" * 4096 * 200)
    error = trouble(open_engine(f"sqlite:///{sqlite_path}"))
    assert "is damaged" in error.message
    assert ".recover" in error.fix


def test_a_new_file_is_for_its_owners_eyes_only(tmp_path: Path) -> None:
    upgrade(f"sqlite:///{tmp_path / 'frontdesk.db'}")
    engine = open_engine(f"sqlite:///{tmp_path / 'frontdesk.db'}")
    with writing(engine) as session:
        session.execute(text("DELETE FROM calls"))
        modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()}
    engine.dispose()
    assert modes == dict.fromkeys(("frontdesk.db", "frontdesk.db-shm", "frontdesk.db-wal"), 0o600)


def test_a_read_only_database_is_called_so(sqlite_path: Path) -> None:
    error = trouble(
        open_engine(f"sqlite:///file:{sqlite_path}?mode=ro&uri=true"), "DELETE FROM calls"
    )
    assert isinstance(error, UnavailableError)
    assert "is read-only" in error.message


def test_a_folder_in_the_place_of_the_file_is_told(tmp_path: Path) -> None:
    error = trouble(open_engine(f"sqlite:///{tmp_path}"))
    assert "cannot be opened" in error.message


def test_a_database_without_tables_is_told(empty_url: str) -> None:
    error = trouble(open_engine(empty_url))
    assert isinstance(error, UnavailableError)
    assert "python -m backend.db.init" in error.fix


@pytest.mark.postgresql
def test_a_server_that_is_not_there_is_told_without_the_password() -> None:
    error = trouble(open_engine("postgresql://me:secret@127.0.0.1:1/frontdesk"))
    assert isinstance(error, UnavailableError)
    assert "does not answer" in error.message
    assert "secret" not in str(error)


@pytest.mark.postgresql
def test_a_database_the_server_does_not_have_is_told(postgres_server: PostgresServer) -> None:
    error = trouble(open_engine(postgres_server.url("nonesuch")))
    assert isinstance(error, UnavailableError)
    assert "nonesuch" in error.message


@pytest.mark.postgresql
def test_somebody_who_locks_a_table_is_waited_for_only_so_long(
    postgres_server: PostgresServer, migrated_template: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine_module, "LOCK_WAIT_S", 0.05)
    url = postgres_server.new_database(migrated_template)
    other = open_engine(url)
    with other.begin() as connection:
        connection.execute(text("LOCK TABLE calls"))
        error = trouble(open_engine(url), "DELETE FROM calls")
    other.dispose()
    assert isinstance(error, UnavailableError)
    assert "locked" in error.message


def test_what_was_said_does_not_reach_an_error(engine: Engine) -> None:
    with pytest.raises(SQLAlchemyError) as caught, writing(engine) as session:
        session.execute(
            text("INSERT INTO users (name) VALUES (:words)"), {"words": "my password is tulip"}
        )
    assert "tulip" not in str(explain(caught.value, engine.url))
    if engine.dialect.name == "sqlite":
        assert "tulip" not in str(caught.value)
