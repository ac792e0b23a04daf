"""The tables that are the same for every provider."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

import resources.tables

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply the revision."""
    op.create_table(
        "app_credentials",
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("client_id", sa.Text(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("key_id", sa.Text(), nullable=False),
        sa.Column("updated_at", resources.tables.UtcDateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("provider", name=op.f("pk_app_credentials")),
    )
    with op.batch_alter_table("app_credentials", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_app_credentials_key_id"), ["key_id"], unique=False)

    op.create_table(
        "audience_daily",
        sa.Column("org_id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("metric", sa.Text(), nullable=False),
        sa.Column("value", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("account_id", "day", "metric", name=op.f("pk_audience_daily")),
    )
    with op.batch_alter_table("audience_daily", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_audience_daily_org_id"), ["org_id"], unique=False)

    op.create_table(
        "audit_log",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("at", resources.tables.UtcDateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column(
            "details",
            sa.JSON().with_variant(postgresql.JSONB(astext_type=sa.Text()), "postgresql"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_log")),
    )
    with op.batch_alter_table("audit_log", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_audit_log_at"), ["at"], unique=False)

    op.create_table(
        "oauth_states",
        sa.Column("state_hash", sa.Text(), nullable=False),
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("org_slug", sa.Text(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("key_id", sa.Text(), nullable=False),
        sa.Column("created_at", resources.tables.UtcDateTime(timezone=True), nullable=False),
        sa.Column("expires_at", resources.tables.UtcDateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("state_hash", name=op.f("pk_oauth_states")),
    )
    with op.batch_alter_table("oauth_states", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_oauth_states_key_id"), ["key_id"], unique=False)

    op.create_table(
        "orgs",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("slug", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("created_at", resources.tables.UtcDateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_orgs")),
        sa.UniqueConstraint("slug", name=op.f("uq_orgs_slug")),
    )
    op.create_table(
        "provider_parks",
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("until", resources.tables.UtcDateTime(timezone=True), nullable=False),
        sa.Column("error_type", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("parked_at", resources.tables.UtcDateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("provider", name=op.f("pk_provider_parks")),
    )
    op.create_table(
        "scraper_health",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("last_check_at", resources.tables.UtcDateTime(timezone=True), nullable=False),
        sa.Column("response_time_ms", sa.BigInteger(), nullable=True),
        sa.Column("error_count", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("success_rate", sa.Double(), nullable=True),
        sa.Column(
            "metadata",
            sa.JSON().with_variant(postgresql.JSONB(astext_type=sa.Text()), "postgresql"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_scraper_health")),
    )
    with op.batch_alter_table("scraper_health", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_scraper_health_provider"), ["provider"], unique=False)

    op.create_table(
        "sync_results",
        sa.Column("run_id", sa.Text(), nullable=False),
        sa.Column("asset", sa.Text(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("root_run_id", sa.Text(), nullable=False),
        sa.Column("org_id", sa.Uuid(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("records", sa.BigInteger(), nullable=False),
        sa.Column("rejected", sa.BigInteger(), nullable=False),
        sa.Column("deleted", sa.BigInteger(), nullable=False),
        sa.Column("requests", sa.BigInteger(), nullable=False),
        sa.Column("started_at", resources.tables.UtcDateTime(timezone=True), nullable=False),
        sa.Column("finished_at", resources.tables.UtcDateTime(timezone=True), nullable=False),
        sa.Column("error_type", sa.Text(), nullable=True),
        sa.Column("error_message", sa.Text(), nullable=True),
        sa.CheckConstraint("status IN ('ok', 'partial', 'failed')", name=op.f("ck_sync_results_status")),
        sa.PrimaryKeyConstraint("run_id", "asset", "account_id", name=op.f("pk_sync_results")),
    )
    with op.batch_alter_table("sync_results", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_sync_results_account_id_sync_results_asset_sync_results_finished_at"),
            ["account_id", "asset", "finished_at"],
            unique=False,
        )
        batch_op.create_index(batch_op.f("ix_sync_results_finished_at"), ["finished_at"], unique=False)
        batch_op.create_index(
            batch_op.f("ix_sync_results_root_run_id_sync_results_org_id"),
            ["root_run_id", "org_id"],
            unique=False,
        )

    op.create_table(
        "webhook_events",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("org_id", sa.Uuid(), nullable=False),
        sa.Column("event_type", sa.Text(), nullable=False),
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column(
            "payload",
            sa.JSON().with_variant(postgresql.JSONB(astext_type=sa.Text()), "postgresql"),
            nullable=False,
        ),
        sa.Column(
            "event_metadata",
            sa.JSON().with_variant(postgresql.JSONB(astext_type=sa.Text()), "postgresql"),
            nullable=False,
        ),
        sa.Column("run_id", sa.Text(), nullable=True),
        sa.Column("n8n_webhook_url", sa.Text(), nullable=True),
        sa.Column("status", sa.Text(), server_default="pending", nullable=False),
        sa.Column("attempts", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("last_attempt_at", resources.tables.UtcDateTime(timezone=True), nullable=True),
        sa.Column("next_attempt_at", resources.tables.UtcDateTime(timezone=True), nullable=True),
        sa.Column("success_at", resources.tables.UtcDateTime(timezone=True), nullable=True),
        sa.Column("error_message", sa.Text(), nullable=True),
        sa.Column("lease_until", resources.tables.UtcDateTime(timezone=True), nullable=True),
        sa.Column("created_at", resources.tables.UtcDateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "status IN ('pending', 'delivered', 'failed')", name=op.f("ck_webhook_events_status")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_webhook_events")),
    )
    with op.batch_alter_table("webhook_events", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_webhook_events_org_id_webhook_events_created_at"),
            ["org_id", "created_at"],
            unique=False,
        )
        batch_op.create_index(batch_op.f("ix_webhook_events_run_id"), ["run_id"], unique=False)
        batch_op.create_index(
            batch_op.f("ix_webhook_events_status_webhook_events_next_attempt_at"),
            ["status", "next_attempt_at"],
            unique=False,
        )

    op.create_table(
        "connected_accounts",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("org_id", sa.Uuid(), nullable=False),
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("external_id", sa.Text(), nullable=False),
        sa.Column("display_name", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), server_default="connected", nullable=False),
        sa.Column(
            "provider_config",
            sa.JSON().with_variant(postgresql.JSONB(astext_type=sa.Text()), "postgresql"),
            nullable=False,
        ),
        sa.Column("shard_hash", sa.BigInteger(), nullable=False),
        sa.Column("last_sync_at", resources.tables.UtcDateTime(timezone=True), nullable=True),
        sa.Column("sync_status", sa.Text(), server_default="never", nullable=False),
        sa.Column("error_type", sa.Text(), nullable=True),
        sa.Column("error_message", sa.Text(), nullable=True),
        sa.Column("created_at", resources.tables.UtcDateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "status IN ('connected', 'needs_reconnect', 'disconnected')",
            name=op.f("ck_connected_accounts_status"),
        ),
        sa.CheckConstraint(
            "sync_status IN ('never', 'running', 'ok', 'partial', 'failed')",
            name=op.f("ck_connected_accounts_sync_status"),
        ),
        sa.ForeignKeyConstraint(["org_id"], ["orgs.id"], name=op.f("fk_connected_accounts_org_id_orgs")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_connected_accounts")),
        sa.UniqueConstraint(
            "org_id",
            "provider",
            "external_id",
            name=op.f("uq_connected_accounts_org_id_provider_external_id"),
        ),
    )
    with op.batch_alter_table("connected_accounts", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f(
                "ix_connected_accounts_provider_connected_accounts_shard_hash_connected_accounts_org_id_connected_accounts_id"
            ),
            ["provider", "shard_hash", "org_id", "id"],
            unique=False,
        )

    op.create_table(
        "scraper_jobs",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("org_id", sa.Uuid(), nullable=True),
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("job_type", sa.Text(), nullable=False),
        sa.Column(
            "config",
            sa.JSON().with_variant(postgresql.JSONB(astext_type=sa.Text()), "postgresql"),
            nullable=False,
        ),
        sa.Column("status", sa.Text(), server_default="pending", nullable=False),
        sa.Column("started_at", resources.tables.UtcDateTime(timezone=True), nullable=True),
        sa.Column("completed_at", resources.tables.UtcDateTime(timezone=True), nullable=True),
        sa.Column(
            "results",
            sa.JSON().with_variant(postgresql.JSONB(astext_type=sa.Text()), "postgresql"),
            nullable=True,
        ),
        sa.Column("error_message", sa.Text(), nullable=True),
        sa.Column("created_at", resources.tables.UtcDateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "status IN ('pending', 'running', 'completed', 'failed', 'cancelled')",
            name=op.f("ck_scraper_jobs_status"),
        ),
        sa.ForeignKeyConstraint(["org_id"], ["orgs.id"], name=op.f("fk_scraper_jobs_org_id_orgs")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_scraper_jobs")),
    )
    with op.batch_alter_table("scraper_jobs", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_scraper_jobs_status_scraper_jobs_created_at"),
            ["status", "created_at"],
            unique=False,
        )

    op.create_table(
        "webhook_attempts",
        sa.Column("event_id", sa.Text(), nullable=False),
        sa.Column("attempt", sa.BigInteger(), nullable=False),
        sa.Column("started_at", resources.tables.UtcDateTime(timezone=True), nullable=False),
        sa.Column("duration_ms", sa.BigInteger(), nullable=False),
        sa.Column("status_code", sa.BigInteger(), nullable=True),
        sa.Column("response_excerpt", sa.Text(), nullable=True),
        sa.Column("error_message", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["event_id"],
            ["webhook_events.id"],
            name=op.f("fk_webhook_attempts_event_id_webhook_events"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("event_id", "attempt", name=op.f("pk_webhook_attempts")),
    )
    with op.batch_alter_table("webhook_attempts", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_webhook_attempts_started_at"), ["started_at"], unique=False)

    op.create_table(
        "grants",
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("key_id", sa.Text(), nullable=False),
        sa.Column(
            "scopes",
            sa.JSON().with_variant(postgresql.JSONB(astext_type=sa.Text()), "postgresql"),
            nullable=False,
        ),
        sa.Column("expires_at", resources.tables.UtcDateTime(timezone=True), nullable=True),
        sa.Column("authorized_at", resources.tables.UtcDateTime(timezone=True), nullable=False),
        sa.Column("generation", sa.BigInteger(), nullable=False),
        sa.Column("lease_owner", sa.Text(), nullable=True),
        sa.Column("lease_until", resources.tables.UtcDateTime(timezone=True), nullable=True),
        sa.Column("updated_at", resources.tables.UtcDateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["connected_accounts.id"],
            name=op.f("fk_grants_account_id_connected_accounts"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("account_id", name=op.f("pk_grants")),
    )
    with op.batch_alter_table("grants", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_grants_key_id"), ["key_id"], unique=False)

    op.create_table(
        "stream_cursors",
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("stream", sa.Text(), nullable=False),
        sa.Column(
            "cursor",
            sa.JSON().with_variant(postgresql.JSONB(astext_type=sa.Text()), "postgresql"),
            nullable=False,
        ),
        sa.Column("updated_at", resources.tables.UtcDateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["connected_accounts.id"],
            name=op.f("fk_stream_cursors_account_id_connected_accounts"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("account_id", "stream", name=op.f("pk_stream_cursors")),
    )


def downgrade() -> None:
    """Take it back."""
    op.drop_table("stream_cursors")
    with op.batch_alter_table("grants", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_grants_key_id"))

    op.drop_table("grants")
    with op.batch_alter_table("webhook_attempts", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_webhook_attempts_started_at"))

    op.drop_table("webhook_attempts")
    with op.batch_alter_table("scraper_jobs", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_scraper_jobs_status_scraper_jobs_created_at"))

    op.drop_table("scraper_jobs")
    with op.batch_alter_table("connected_accounts", schema=None) as batch_op:
        batch_op.drop_index(
            batch_op.f(
                "ix_connected_accounts_provider_connected_accounts_shard_hash_connected_accounts_org_id_connected_accounts_id"
            )
        )

    op.drop_table("connected_accounts")
    with op.batch_alter_table("webhook_events", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_webhook_events_status_webhook_events_next_attempt_at"))
        batch_op.drop_index(batch_op.f("ix_webhook_events_run_id"))
        batch_op.drop_index(batch_op.f("ix_webhook_events_org_id_webhook_events_created_at"))

    op.drop_table("webhook_events")
    with op.batch_alter_table("sync_results", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_sync_results_root_run_id_sync_results_org_id"))
        batch_op.drop_index(batch_op.f("ix_sync_results_finished_at"))
        batch_op.drop_index(
            batch_op.f("ix_sync_results_account_id_sync_results_asset_sync_results_finished_at")
        )

    op.drop_table("sync_results")
    with op.batch_alter_table("scraper_health", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_scraper_health_provider"))

    op.drop_table("scraper_health")
    op.drop_table("provider_parks")
    op.drop_table("orgs")
    with op.batch_alter_table("oauth_states", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_oauth_states_key_id"))

    op.drop_table("oauth_states")
    with op.batch_alter_table("audit_log", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_audit_log_at"))

    op.drop_table("audit_log")
    with op.batch_alter_table("audience_daily", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_audience_daily_org_id"))

    op.drop_table("audience_daily")
    with op.batch_alter_table("app_credentials", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_app_credentials_key_id"))

    op.drop_table("app_credentials")
