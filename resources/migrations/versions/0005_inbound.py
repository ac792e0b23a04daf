"""Inbound calls, and the syncs that are asked for by them or by a person."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

import resources.tables

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

MOMENT = resources.tables.UtcDateTime(timezone=True)
JSON = resources.tables.Json


def upgrade() -> None:
    """Apply the revision."""
    _calls()
    _requests()
    op.create_table(
        "sync_request_runs",
        sa.Column("request_id", sa.Uuid(), nullable=False),
        sa.Column("shard", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), server_default="waiting", nullable=False),
        sa.Column("run_id", sa.Text(), nullable=True),
        sa.Column("ended_at", MOMENT, nullable=True),
        _one_of("sync_request_runs", "status", "waiting", "started", "completed", "failed"),
        sa.ForeignKeyConstraint(
            ["request_id"],
            ["sync_requests.id"],
            name=op.f("fk_sync_request_runs_request_id_sync_requests"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("request_id", "shard", name=op.f("pk_sync_request_runs")),
    )
    op.create_index(op.f("ix_sync_request_runs_status"), "sync_request_runs", ["status"])


def _calls() -> None:
    op.create_table(
        "inbound_calls",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("webhook_id", sa.Text(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("data", JSON, nullable=False),
        sa.Column("asked_hash", sa.Text(), nullable=False),
        sa.Column("source_address", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), server_default="accepted", nullable=False),
        sa.Column("results", JSON, nullable=True),
        sa.Column("error_message", sa.Text(), nullable=True),
        sa.Column("received_at", MOMENT, nullable=False),
        sa.Column("completed_at", MOMENT, nullable=True),
        _one_of("inbound_calls", "status", "accepted", "running", "completed", "failed", "refused"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_inbound_calls")),
        sa.UniqueConstraint("webhook_id", name=op.f("uq_inbound_calls_webhook_id")),
    )
    index = op.f("ix_inbound_calls_status_inbound_calls_received_at")
    op.create_index(index, "inbound_calls", ["status", "received_at"])


def _requests() -> None:
    op.create_table(
        "sync_requests",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("provider", sa.Text(), nullable=False),
        *(sa.Column(name, JSON, nullable=False) for name in ("orgs", "accounts", "streams")),
        sa.Column("full", sa.Boolean(), nullable=False),
        sa.Column("only_failed", sa.Boolean(), nullable=False),
        sa.Column("first_day", sa.Date(), nullable=True),
        sa.Column("last_day", sa.Date(), nullable=True),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("requested_by", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), server_default="pending", nullable=False),
        sa.Column("error_message", sa.Text(), nullable=True),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("completed_at", MOMENT, nullable=True),
        _one_of("sync_requests", "source", "api", "manual"),
        _one_of("sync_requests", "status", "pending", "running", "completed", "failed"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sync_requests")),
    )
    index = op.f("ix_sync_requests_status_sync_requests_created_at")
    op.create_index(index, "sync_requests", ["status", "created_at"])


def _one_of(table: str, column: str, *words: str) -> sa.CheckConstraint:
    allowed = ", ".join(f"'{word}'" for word in words)
    return sa.CheckConstraint(f"{column} IN ({allowed})", name=op.f(f"ck_{table}_{column}"))


def downgrade() -> None:
    """Take the revision back."""
    for table in ("sync_request_runs", "sync_requests", "inbound_calls"):
        op.drop_table(table)
