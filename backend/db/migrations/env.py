"""Run by Alembic inside `migrate`, which hands over an open connection."""

from typing import Any, Literal

from alembic import context

from backend.db.migrate import VERSION_TABLE, is_described
from backend.db.models import Base
from backend.db.types import BigId


def _render(kind: str, item: Any, _context: object) -> str | Literal[False]:
    """How a new revision writes a type of ours that has no class of its own."""
    return "BigId" if kind == "type" and item is BigId else False


connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=Base.metadata,
    version_table=VERSION_TABLE,
    # SQLite cannot alter a column: the table is written anew.
    render_as_batch=connection.dialect.name == "sqlite",
    compare_type=True,
    include_object=is_described,
    user_module_prefix="",
    render_item=_render,
)
with context.begin_transaction():
    context.run_migrations()
