"""${message}. There is no way back but a backup: undoing would delete what people entered."""

import sqlalchemy as sa
from alembic import op

from backend.db.types import BigId, LongText, Money, ShortText, UtcDateTime

revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    ${upgrades if upgrades else "pass"}
