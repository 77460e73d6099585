"""First tables. There is no way back but a backup: undoing would delete what people entered."""

import sqlalchemy as sa
from alembic import op

from backend.db.types import BigId, LongText, Money, ShortText, UtcDateTime

revision = "r0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "api_keys",
        sa.Column("id", BigId, nullable=False),
        sa.Column("name", ShortText(length=100), nullable=False),
        sa.Column("prefix", ShortText(length=20), nullable=False),
        sa.Column("key_hash", ShortText(length=300), nullable=False),
        sa.Column(
            "role",
            sa.Enum("owner", "supervisor", "viewer", name="role", native_enum=False, length=20),
            nullable=False,
        ),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("last_used_at", UtcDateTime(), nullable=True),
        sa.Column("revoked_at", UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_api_keys"),
        sa.UniqueConstraint("prefix", name="uq_api_keys_prefix"),
    )
    op.create_table(
        "customers",
        sa.Column("id", BigId, nullable=False),
        sa.Column("number", ShortText(length=20), nullable=False),
        sa.Column("name", ShortText(length=200), nullable=False),
        sa.Column("balance", Money(), nullable=False),
        sa.Column("currency", ShortText(length=3), nullable=False),
        sa.Column("due_date", sa.Date(), nullable=True),
        sa.Column("plan", ShortText(length=100), nullable=False),
        sa.Column("email", ShortText(length=254), nullable=False),
        sa.Column("phone", ShortText(length=40), nullable=False),
        sa.Column("address", ShortText(length=500), nullable=False),
        sa.Column("notes", LongText(), nullable=False),
        sa.Column("status", ShortText(length=20), nullable=False),
        sa.Column("search_key", ShortText(length=600), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("updated_at", UtcDateTime(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_customers"),
        sa.UniqueConstraint("number", name="uq_customers_number"),
    )
    op.create_index("ix_customers_search_key_id", "customers", ["search_key", "id"])
    op.create_table(
        "daily_analytics",
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("calls", sa.Integer(), nullable=False),
        sa.Column("contained", sa.Integer(), nullable=False),
        sa.Column("transferred", sa.Integer(), nullable=False),
        sa.Column("duration_ms", BigId, nullable=False),
        sa.Column("turns", sa.Integer(), nullable=False),
        sa.Column("tickets", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("day", name="pk_daily_analytics"),
    )
    op.create_table(
        "daily_intents",
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("intent", ShortText(length=60), nullable=False),
        sa.Column("calls", sa.Integer(), nullable=False),
        sa.Column("contained", sa.Integer(), nullable=False),
        sa.Column("duration_ms", BigId, nullable=False),
        sa.PrimaryKeyConstraint("day", "intent", name="pk_daily_intents"),
    )
    op.create_table(
        "daily_latency",
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("slot", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("turns", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("day", "slot", name="pk_daily_latency"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "users",
        sa.Column("id", BigId, nullable=False),
        sa.Column("name", ShortText(length=100), nullable=False),
        sa.Column("password_hash", ShortText(length=300), nullable=False),
        sa.Column(
            "role",
            sa.Enum("owner", "supervisor", "viewer", name="role", native_enum=False, length=20),
            nullable=False,
        ),
        sa.Column("must_change_password", sa.Boolean(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("last_sign_in_at", UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_users"),
        sa.UniqueConstraint("name", name="uq_users_name"),
    )
    op.create_table(
        "calls",
        sa.Column("id", ShortText(length=40), nullable=False),
        sa.Column("line", ShortText(length=20), nullable=False),
        sa.Column("caller", ShortText(length=80), nullable=False),
        sa.Column("called", ShortText(length=80), nullable=False),
        sa.Column("pbx_id", ShortText(length=80), nullable=False),
        sa.Column("bot", ShortText(length=40), nullable=False),
        sa.Column("started_at", UtcDateTime(), nullable=False),
        sa.Column("ended_at", UtcDateTime(), nullable=True),
        sa.Column("duration_s", sa.Double(), nullable=False),
        sa.Column(
            "outcome",
            sa.Enum(
                "completed",
                "caller_hung_up",
                "transferred",
                "no_response",
                "time_up",
                "interrupted",
                "failed",
                name="calloutcome",
                native_enum=False,
                length=20,
            ),
            nullable=True,
        ),
        sa.Column("contained", sa.Boolean(), nullable=True),
        sa.Column("intent", ShortText(length=60), nullable=False),
        sa.Column("customer_id", BigId, nullable=True),
        sa.Column("transfer_to", ShortText(length=80), nullable=False),
        sa.Column("recording", ShortText(length=200), nullable=False),
        sa.Column("counted_on", sa.Date(), nullable=True),
        sa.Column("turn_count", sa.Integer(), nullable=False),
        sa.Column("slowest_turn_s", sa.Double(), nullable=True),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["customers.id"], name="fk_calls_customer_id", ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_calls"),
    )
    op.create_index("ix_calls_caller_started_at_id", "calls", ["caller", "started_at", "id"])
    op.create_index(
        "ix_calls_customer_id_started_at_id", "calls", ["customer_id", "started_at", "id"]
    )
    op.create_index("ix_calls_intent_started_at_id", "calls", ["intent", "started_at", "id"])
    op.create_index(
        "ix_calls_open",
        "calls",
        ["started_at", "id"],
        sqlite_where=sa.text("ended_at IS NULL"),
        postgresql_where=sa.text("ended_at IS NULL"),
    )
    op.create_index("ix_calls_outcome_started_at_id", "calls", ["outcome", "started_at", "id"])
    op.create_index("ix_calls_started_at_id", "calls", ["started_at", "id"])
    op.create_table(
        "call_events",
        sa.Column("call_id", ShortText(length=40), nullable=False),
        sa.Column("seq", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("type", ShortText(length=40), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("at_s", sa.Double(), nullable=False),
        sa.Column("data", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(
            ["call_id"], ["calls.id"], name="fk_call_events_call_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("call_id", "seq", name="pk_call_events"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "tickets",
        sa.Column("id", BigId, nullable=False),
        sa.Column("number", ShortText(length=20), nullable=False),
        sa.Column("key", ShortText(length=64), nullable=False),
        sa.Column(
            "type",
            sa.Enum(
                "technical",
                "billing",
                "cancellation",
                "complaint",
                "sales",
                "callback",
                "message",
                "other",
                name="tickettype",
                native_enum=False,
                length=20,
            ),
            nullable=False,
        ),
        sa.Column("subject", ShortText(length=300), nullable=False),
        sa.Column("description", LongText(), nullable=False),
        sa.Column(
            "status",
            sa.Enum(
                "open",
                "in_progress",
                "resolved",
                "closed",
                name="ticketstatus",
                native_enum=False,
                length=20,
            ),
            nullable=False,
        ),
        sa.Column(
            "priority",
            sa.Enum(
                "low",
                "normal",
                "high",
                "urgent",
                name="ticketpriority",
                native_enum=False,
                length=20,
            ),
            nullable=False,
        ),
        sa.Column("assignee", ShortText(length=100), nullable=False),
        sa.Column("customer_id", BigId, nullable=True),
        sa.Column("customer_number", ShortText(length=20), nullable=False),
        sa.Column("call_id", ShortText(length=40), nullable=True),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("updated_at", UtcDateTime(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["call_id"], ["calls.id"], name="fk_tickets_call_id", ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["customers.id"], name="fk_tickets_customer_id", ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_tickets"),
        sa.UniqueConstraint("key", name="uq_tickets_key"),
        sa.UniqueConstraint("number", name="uq_tickets_number"),
    )
    op.create_index("ix_tickets_call_id", "tickets", ["call_id"])
    op.create_index("ix_tickets_created_at_id", "tickets", ["created_at", "id"])
    op.create_index(
        "ix_tickets_customer_id_created_at_id", "tickets", ["customer_id", "created_at", "id"]
    )
    op.create_index(
        "ix_tickets_priority_created_at_id", "tickets", ["priority", "created_at", "id"]
    )
    op.create_index("ix_tickets_status_created_at_id", "tickets", ["status", "created_at", "id"])
    op.create_table(
        "turns",
        sa.Column("id", BigId, nullable=False),
        sa.Column("call_id", ShortText(length=40), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column(
            "who",
            sa.Enum("caller", "bot", name="who", native_enum=False, length=20),
            nullable=False,
        ),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("at_s", sa.Double(), nullable=False),
        sa.Column("kind", ShortText(length=20), nullable=False),
        sa.Column("text", LongText(), nullable=False),
        sa.Column("digits", ShortText(length=80), nullable=False),
        sa.Column("confidence", sa.Double(), nullable=True),
        sa.Column("audio_s", sa.Double(), nullable=True),
        sa.Column("intent", ShortText(length=60), nullable=False),
        sa.Column("intent_confidence", sa.Double(), nullable=True),
        sa.Column("source", ShortText(length=300), nullable=False),
        sa.Column("interrupted", sa.Boolean(), nullable=False),
        sa.Column("endpoint_wait_s", sa.Double(), nullable=True),
        sa.Column("recognition_s", sa.Double(), nullable=True),
        sa.Column("thinking_s", sa.Double(), nullable=True),
        sa.Column("first_audio_s", sa.Double(), nullable=True),
        sa.Column("transport_s", sa.Double(), nullable=True),
        sa.Column("total_s", sa.Double(), nullable=True),
        sa.ForeignKeyConstraint(
            ["call_id"], ["calls.id"], name="fk_turns_call_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_turns"),
        sa.UniqueConstraint("call_id", "seq", name="uq_turns_call_id_seq"),
    )
    op.create_table(
        "ticket_changes",
        sa.Column("id", BigId, nullable=False),
        sa.Column("ticket_id", BigId, nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("by", ShortText(length=100), nullable=False),
        sa.Column("field", ShortText(length=20), nullable=False),
        sa.Column("old", LongText(), nullable=False),
        sa.Column("new", LongText(), nullable=False),
        sa.ForeignKeyConstraint(
            ["ticket_id"], ["tickets.id"], name="fk_ticket_changes_ticket_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_ticket_changes"),
    )
    op.create_index("ix_ticket_changes_ticket_id_id", "ticket_changes", ["ticket_id", "id"])
