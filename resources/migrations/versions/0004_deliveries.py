"""Deliveries: endpoints, an event's way to each of them, and the order in which events were written."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime

import sqlalchemy as sa
from alembic import op

import resources.tables

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

MOMENT = resources.tables.UtcDateTime(timezone=True)
JSON = resources.tables.Json
STATES = "status IN ('pending', 'delivered', 'failed')"
N8N_ENDPOINTS = {
    "provider.connected": ("1a1dd9ff-6c9f-5b4e-9a0c-0b1e6c1e0001", "n8n provider-event"),
    "data.synced": ("1a1dd9ff-6c9f-5b4e-9a0c-0b1e6c1e0002", "n8n data-sync"),
    "scraper.completed": ("1a1dd9ff-6c9f-5b4e-9a0c-0b1e6c1e0003", "n8n scraper-results"),
    "error.occurred": ("1a1dd9ff-6c9f-5b4e-9a0c-0b1e6c1e0004", "n8n error-alerts"),
}


def upgrade() -> None:
    """Apply the revision; events that wait keep waiting, now on their way to n8n's endpoints."""
    _endpoints()
    op.execute("CREATE TABLE attempts_before AS SELECT * FROM webhook_attempts")
    op.drop_table("webhook_attempts")  # or SQLite, which makes altered tables anew, would delete its rows
    _events()
    _deliveries()
    _attempts()


def _endpoints() -> None:
    table = op.create_table(
        "webhook_endpoints",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("org_id", sa.Uuid(), nullable=True),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), server_default="", nullable=False),
        sa.Column("url", sa.Text(), nullable=True),
        sa.Column("event_types", JSON, nullable=False),
        sa.Column("providers", JSON, nullable=False),
        sa.Column("header_names", JSON, nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=True),
        sa.Column("key_id", sa.Text(), nullable=True),
        sa.Column("enabled", sa.Boolean(), server_default=sa.true(), nullable=False),
        sa.Column("max_in_flight", sa.BigInteger(), nullable=True),
        sa.Column("rate_limit", sa.Text(), server_default="", nullable=False),
        sa.Column("breaker", sa.Text(), server_default="closed", nullable=False),
        sa.Column("failures", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("trips", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("opened_at", MOMENT, nullable=True),
        sa.Column("probe_at", MOMENT, nullable=True),
        sa.Column("held_until", MOMENT, nullable=True),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("updated_at", MOMENT, nullable=False),
        sa.CheckConstraint(
            "breaker IN ('closed', 'open', 'half_open')", name=op.f("ck_webhook_endpoints_breaker")
        ),
        sa.CheckConstraint("(org_id IS NULL) = (url IS NULL)", name=op.f("ck_webhook_endpoints_builtin")),
        sa.ForeignKeyConstraint(
            ["org_id"], ["orgs.id"], name=op.f("fk_webhook_endpoints_org_id_orgs"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_webhook_endpoints")),
        sa.UniqueConstraint("org_id", "name", name=op.f("uq_webhook_endpoints_org_id_name")),
    )
    op.create_index(op.f("ix_webhook_endpoints_key_id"), "webhook_endpoints", ["key_id"])
    now = datetime.now(UTC)
    same = {"providers": [], "header_names": [], "created_at": now, "updated_at": now}
    op.bulk_insert(
        table,
        [
            {"id": uuid.UUID(number), "name": name, "event_types": [kind], **same}
            for kind, (number, name) in N8N_ENDPOINTS.items()
        ],
    )


def _events() -> None:
    """Number the events in the order in which they were written."""
    with op.batch_alter_table("webhook_events", schema=None) as batch_op:
        batch_op.add_column(sa.Column("sequence", sa.BigInteger(), nullable=True))
    op.execute(
        "UPDATE webhook_events SET sequence = numbered.number FROM ("
        "SELECT id, row_number() OVER (ORDER BY created_at, id) AS number FROM webhook_events"
        ") AS numbered WHERE numbered.id = webhook_events.id"
    )
    if op.get_bind().dialect.name == "postgresql":
        op.execute("CREATE SEQUENCE webhook_events_sequence")
        op.execute(
            "SELECT setval('webhook_events_sequence', coalesce(max(sequence), 0) + 1, false)"
            " FROM webhook_events"
        )
    with op.batch_alter_table("webhook_events", schema=None) as batch_op:
        batch_op.alter_column("sequence", existing_type=sa.BigInteger(), nullable=False)
        batch_op.create_unique_constraint(batch_op.f("uq_webhook_events_sequence"), ["sequence"])
        batch_op.drop_index(batch_op.f("ix_webhook_events_status_webhook_events_next_attempt_at"))
        batch_op.create_index(
            batch_op.f("ix_webhook_events_created_at_webhook_events_event_type"),
            ["created_at", "event_type"],
            unique=False,
        )
        batch_op.drop_column("lease_until")
    if op.get_bind().dialect.name == "postgresql":
        op.execute("ALTER TABLE webhook_events SET (fillfactor = 70, toast_tuple_target = 128)")


def _deliveries() -> None:
    op.create_table(
        "webhook_deliveries",
        sa.Column("event_id", sa.Text(), nullable=False),
        sa.Column("endpoint_id", sa.Uuid(), nullable=False),
        sa.Column("status", sa.Text(), server_default="pending", nullable=False),
        sa.Column("attempts", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("retries", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("last_attempt_at", MOMENT, nullable=True),
        sa.Column("next_attempt_at", MOMENT, nullable=True),
        sa.Column("lease_until", MOMENT, nullable=True),
        sa.Column("success_at", MOMENT, nullable=True),
        sa.Column("error_message", sa.Text(), nullable=True),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.CheckConstraint(STATES, name=op.f("ck_webhook_deliveries_status")),
        sa.ForeignKeyConstraint(
            ["event_id"],
            ["webhook_events.id"],
            name=op.f("fk_webhook_deliveries_event_id_webhook_events"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["endpoint_id"],
            ["webhook_endpoints.id"],
            name=op.f("fk_webhook_deliveries_endpoint_id_webhook_endpoints"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("event_id", "endpoint_id", name=op.f("pk_webhook_deliveries")),
        postgresql_with={"fillfactor": 60},
    )
    pending, unfinished = sa.text("status = 'pending'"), sa.text("status <> 'delivered'")
    op.create_index(
        "ix_webhook_deliveries_due",
        "webhook_deliveries",
        ["endpoint_id", "next_attempt_at"],
        postgresql_where=pending,
        sqlite_where=pending,
    )
    op.create_index(
        "ix_webhook_deliveries_unfinished",
        "webhook_deliveries",
        ["status", "created_at"],
        postgresql_where=unfinished,
        sqlite_where=unfinished,
    )
    index = op.f("ix_webhook_deliveries_endpoint_id_webhook_deliveries_created_at")
    op.create_index(index, "webhook_deliveries", ["endpoint_id", "created_at"])
    op.execute(
        "INSERT INTO webhook_deliveries (event_id, endpoint_id, status, attempts, retries,"
        " last_attempt_at, next_attempt_at, success_at, error_message, created_at)"
        " SELECT e.id, n.id, e.status,"
        " (SELECT coalesce(max(a.attempt), 0) FROM attempts_before a WHERE a.event_id = e.id), e.attempts,"
        " e.last_attempt_at, e.next_attempt_at, e.success_at, e.error_message, e.created_at"
        " FROM webhook_events e JOIN webhook_endpoints n ON n.url IS NULL AND n.name = CASE e.event_type"
        " WHEN 'provider.connected' THEN 'n8n provider-event' WHEN 'data.synced' THEN 'n8n data-sync'"
        " WHEN 'scraper.completed' THEN 'n8n scraper-results' ELSE 'n8n error-alerts' END"
    )


def _attempts() -> None:
    op.create_table(
        "webhook_attempts",
        sa.Column("event_id", sa.Text(), nullable=False),
        sa.Column("endpoint_id", sa.Uuid(), nullable=False),
        *_attempt_columns(),
        sa.Column("url", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("event_id", "endpoint_id", "attempt", name=op.f("pk_webhook_attempts")),
    )
    told = ["started_at", "endpoint_id", "duration_ms", "status_code"]
    op.create_index("ix_webhook_attempts_health", "webhook_attempts", told)
    same = ("attempt", "started_at", "duration_ms", "status_code", "response_excerpt", "error_message")
    op.execute(
        f"INSERT INTO webhook_attempts (event_id, endpoint_id, url, {', '.join(same)})"  # noqa: S608  # our own words
        " SELECT d.event_id, d.endpoint_id, coalesce(e.n8n_webhook_url, ''),"
        f" {', '.join(f'a.{name}' for name in same)}"
        " FROM attempts_before a JOIN webhook_deliveries d ON d.event_id = a.event_id"
        " JOIN webhook_events e ON e.id = a.event_id"
    )
    op.drop_table("attempts_before")


def _attempt_columns() -> list[sa.Column[object]]:
    return [
        sa.Column("attempt", sa.BigInteger(), nullable=False),
        sa.Column("started_at", MOMENT, nullable=False),
        sa.Column("duration_ms", sa.BigInteger(), nullable=False),
        sa.Column("status_code", sa.BigInteger(), nullable=True),
        sa.Column("response_excerpt", sa.Text(), nullable=True),
        sa.Column("error_message", sa.Text(), nullable=True),
    ]


def downgrade() -> None:
    """Undo the revision; attempts and endpoints of an org's own are forgotten."""
    op.drop_table("webhook_attempts")
    op.drop_table("webhook_deliveries")
    op.drop_table("webhook_endpoints")
    op.create_table(
        "webhook_attempts",
        sa.Column("event_id", sa.Text(), nullable=False),
        *_attempt_columns(),
        sa.ForeignKeyConstraint(
            ["event_id"],
            ["webhook_events.id"],
            name=op.f("fk_webhook_attempts_event_id_webhook_events"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("event_id", "attempt", name=op.f("pk_webhook_attempts")),
    )
    op.create_index(op.f("ix_webhook_attempts_started_at"), "webhook_attempts", ["started_at"])
    with op.batch_alter_table("webhook_events", schema=None) as batch_op:
        batch_op.add_column(sa.Column("lease_until", MOMENT, nullable=True))
        batch_op.drop_index(batch_op.f("ix_webhook_events_created_at_webhook_events_event_type"))
        batch_op.drop_constraint(batch_op.f("uq_webhook_events_sequence"), type_="unique")
        batch_op.drop_column("sequence")
        index = batch_op.f("ix_webhook_events_status_webhook_events_next_attempt_at")
        batch_op.create_index(index, ["status", "next_attempt_at"], unique=False)
    if op.get_bind().dialect.name == "postgresql":
        op.execute("ALTER TABLE webhook_events RESET (fillfactor, toast_tuple_target)")
        op.execute("DROP SEQUENCE webhook_events_sequence")
