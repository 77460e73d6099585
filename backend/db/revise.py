"""For developers: `python -m backend.db.revise "what changes"` after changing `models`.

Read and correct the file it writes under `migrations/versions`, then run the tests: they hold
the migrated tables against the models on SQLite and on PostgreSQL.
"""

import sys
import tempfile
from pathlib import Path

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Engine

from backend.core.errors import StoreError
from backend.db.engine import open_engine
from backend.db.migrate import (
    VERSION_TABLE,
    alembic_config,
    is_described,
    latest_revision,
    upgrade_engine,
)
from backend.db.models import Base


def differences(engine: Engine) -> list[object]:
    """What `models` declares and the database lacks, or the other way round; empty when equal."""
    with engine.connect() as connection:
        context = MigrationContext.configure(
            connection,
            opts={
                "version_table": VERSION_TABLE,
                "compare_type": True,
                "include_object": is_described,
            },
        )
        return list(compare_metadata(context, Base.metadata))


def new_revision(message: str) -> Path:
    """Write the revision that leads from the last one to `models`."""
    number = f"r{int(latest_revision()[1:]) + 1:04d}"
    with tempfile.TemporaryDirectory() as folder:
        engine = open_engine(f"sqlite:///{folder}/empty.db")
        try:
            upgrade_engine(engine)
            with engine.connect() as connection:
                config = alembic_config(connection)
                script = command.revision(config, message, autogenerate=True, rev_id=number)
        finally:
            engine.dispose()
    if script is None or isinstance(script, list):
        raise StoreError("Alembic wrote no revision.")
    return Path(script.path)


if __name__ == "__main__":
    sys.stdout.write(f"{new_revision(' '.join(sys.argv[1:]))}\n")
