"""Full-text search, the audit log, and sums by hour, month, confidence and question.

There is no way back but a backup: undoing would delete what people entered.
"""

import sqlalchemy as sa
from alembic import op

from backend.db.types import BigId, LongText, ShortText, UtcDateTime

revision = "r0002"
down_revision = "r0001"
branch_labels = None
depends_on = None

_FTS5 = (
    # `columnsize`: nothing is ranked. `tokenchars`: facets are one word each.
    "CREATE VIRTUAL TABLE call_words USING fts5(text, facets, content='call_texts',"
    " content_rowid='id', columnsize=0, tokenize=\"unicode61 remove_diacritics 0 tokenchars '_'\")",
    "CREATE TRIGGER call_texts_added AFTER INSERT ON call_texts BEGIN"
    " INSERT INTO call_words (rowid, text, facets) VALUES (new.id, new.text, new.facets); END",
    "CREATE TRIGGER call_texts_deleted AFTER DELETE ON call_texts BEGIN"
    " INSERT INTO call_words (call_words, rowid, text, facets)"
    " VALUES ('delete', old.id, old.text, old.facets); END",
    "CREATE TRIGGER call_texts_changed AFTER UPDATE ON call_texts BEGIN"
    " INSERT INTO call_words (call_words, rowid, text, facets)"
    " VALUES ('delete', old.id, old.text, old.facets);"
    " INSERT INTO call_words (rowid, text, facets) VALUES (new.id, new.text, new.facets); END",
)
_TSVECTOR = (
    "CREATE INDEX ix_call_texts_words ON call_texts USING gin (to_tsvector('simple', text))",
)


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "audit_log",
        sa.Column("id", BigId, nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("by", ShortText(length=110), nullable=False),
        sa.Column("address", ShortText(length=60), nullable=False),
        sa.Column("action", ShortText(length=40), nullable=False),
        sa.Column("about", ShortText(length=120), nullable=False),
        sa.Column("detail", ShortText(length=500), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_log")),
    )
    with op.batch_alter_table("audit_log", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_audit_log_about_id"), ["about", "id"], unique=False)
        batch_op.create_index(batch_op.f("ix_audit_log_action_id"), ["action", "id"], unique=False)
        batch_op.create_index(batch_op.f("ix_audit_log_by_id"), ["by", "id"], unique=False)

    op.create_table(
        "daily_confidence",
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("step", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("turns", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("day", "step", name=op.f("pk_daily_confidence")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "hourly_calls",
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("hour", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("calls", sa.Integer(), nullable=False),
        sa.Column("contained", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("day", "hour", name=op.f("pk_hourly_calls")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "monthly_latency",
        sa.Column("month", sa.Date(), nullable=False),
        sa.Column("slot", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("turns", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("month", "slot", name=op.f("pk_monthly_latency")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "unanswered_questions",
        sa.Column("key", ShortText(length=200), nullable=False),
        sa.Column("example", ShortText(length=300), nullable=False),
        sa.Column("asked", sa.Integer(), nullable=False),
        sa.Column("first_at", UtcDateTime(), nullable=False),
        sa.Column("last_at", UtcDateTime(), nullable=False),
        sa.Column("call_id", ShortText(length=40), nullable=False),
        sa.Column("settled_at", UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_unanswered_questions")),
    )
    with op.batch_alter_table("unanswered_questions", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_unanswered_questions_asked_key"), ["asked", "key"], unique=False
        )

    op.create_table(
        "call_texts",
        sa.Column("id", BigId, autoincrement=False, nullable=False),
        sa.Column("call_id", ShortText(length=40), nullable=False),
        sa.Column("text", LongText(), nullable=False),
        sa.Column("facets", ShortText(length=400), nullable=False),
        sa.ForeignKeyConstraint(
            ["call_id"], ["calls.id"], name=op.f("fk_call_texts_call_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_call_texts")),
        sa.UniqueConstraint("call_id", name=op.f("uq_call_texts_call_id")),
    )
    with op.batch_alter_table("calls", schema=None) as batch_op:
        batch_op.add_column(sa.Column("counted_hour", sa.Integer(), nullable=True))
        batch_op.create_index(
            batch_op.f("ix_calls_duration_s_id"), ["duration_s", "id"], unique=False
        )
        batch_op.create_index("ix_calls_line_started_at_id", ["line", "started_at", "id"])
        batch_op.create_index(
            "ix_calls_intent_outcome", ["intent", "outcome", "started_at", "id"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_calls_slowest_turn_s_id"), ["slowest_turn_s", "id"], unique=False
        )

    with op.batch_alter_table("tickets", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_tickets_assignee_created_at_id"),
            ["assignee", "created_at", "id"],
            unique=False,
        )
        batch_op.create_index(
            batch_op.f("ix_tickets_type_created_at_id"), ["type", "created_at", "id"], unique=False
        )

    is_sqlite = op.get_bind().dialect.name == "sqlite"
    for statement in _FTS5 if is_sqlite else _TSVECTOR:
        op.execute(statement)
