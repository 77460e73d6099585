import subprocess
import sys
from pathlib import Path

import pytest
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, inspect, text

from backend.core.errors import StoreError
from backend.db.engine import open_engine
from backend.db.migrate import (
    VERSION_TABLE,
    alembic_config,
    is_described,
    latest_revision,
    revision_of,
    upgrade,
    upgrade_engine,
)
from backend.db.models import Base
from backend.db.revise import differences
from tests.support.db import writing


def test_the_migrated_tables_are_those_of_the_models(empty_url: str) -> None:
    upgrade(empty_url)
    engine = open_engine(empty_url)
    assert differences(engine) == []
    tables = {name for name in inspect(engine).get_table_names() if is_described(None, name)}
    assert tables == set(Base.metadata.tables) | {VERSION_TABLE}
    engine.dispose()


def test_a_column_the_database_lacks_is_noticed(sqlite_engine: Engine) -> None:
    with sqlite_engine.begin() as connection:
        connection.execute(text("ALTER TABLE calls DROP COLUMN recording"))
    assert "recording" in str(differences(sqlite_engine))


def test_the_first_upgrade_does_something_and_the_second_nothing(empty_url: str) -> None:
    assert upgrade(empty_url) is True
    assert upgrade(empty_url) is False


def test_the_names_of_the_files_tell_the_same_latest_revision_as_alembic(engine: Engine) -> None:
    with engine.connect() as connection:
        script = ScriptDirectory.from_config(alembic_config(connection))
        assert script.get_heads() == [latest_revision()]
        assert revision_of(connection) == latest_revision()


def test_two_processes_may_create_the_tables_at_once(empty_url: str) -> None:
    code = f"from backend.db.migrate import upgrade; print(upgrade({empty_url!r}))"
    both = [
        subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    said = [process.communicate(timeout=60)[0].strip() for process in both]
    assert [process.returncode for process in both] == [0, 0]
    assert sorted(said) == ["False", "True"]


def test_tables_of_another_program_are_left_alone(empty_url: str) -> None:
    engine = open_engine(empty_url)
    with writing(engine) as session:
        session.execute(text("CREATE TABLE customers (shoe_size INTEGER)"))
    with pytest.raises(StoreError, match="customers") as caught:
        upgrade_engine(engine)
    assert "database of its own" in caught.value.fix
    assert inspect(engine).get_table_names() == ["customers"]
    engine.dispose()


def test_tables_of_a_newer_version_are_left_alone(engine: Engine) -> None:
    with writing(engine) as session:
        session.execute(text(f"UPDATE {VERSION_TABLE} SET version_num = 'r9999'"))
    with pytest.raises(StoreError, match="another version of Frontdesk"):
        upgrade_engine(engine)


def test_a_migration_that_breaks_references_changes_nothing(
    sqlite_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = open_engine(f"sqlite:///{sqlite_path}")
    with engine.connect() as connection:
        connection.exec_driver_sql("ROLLBACK")
        connection.exec_driver_sql("PRAGMA foreign_keys=OFF")
        connection.exec_driver_sql(
            "INSERT INTO call_events (call_id, seq, type, at, at_s, data)"
            " VALUES ('nobody', 0, 'x', '2026-01-01 00:00:00', 0, '{}')"
        )
        connection.exec_driver_sql(f"UPDATE {VERSION_TABLE} SET version_num = 'r0000'")
        connection.exec_driver_sql("BEGIN")
    monkeypatch.setattr("alembic.command.upgrade", lambda *_: None)
    with pytest.raises(StoreError, match="would break references"):
        upgrade_engine(engine)
    engine.dispose()
