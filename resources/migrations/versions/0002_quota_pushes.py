"""Quotas as budgets, syncs that go on where one stopped, pushes, grants whose end is known, the audience."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

import resources.tables

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

MOMENT = resources.tables.UtcDateTime(timezone=True)


def upgrade() -> None:
    """Apply the revision."""
    with op.batch_alter_table("connected_accounts", schema=None) as batch_op:
        batch_op.add_column(sa.Column("retry_at", MOMENT, nullable=True))
    with op.batch_alter_table("grants", schema=None) as batch_op:
        batch_op.add_column(sa.Column("ends_at", MOMENT, nullable=True))
    op.create_table(
        "quota_usage",
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("bucket", sa.Text(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("units", sa.BigInteger(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("provider", "bucket", "day", name=op.f("pk_quota_usage")),
    )
    op.create_table(
        "sync_positions",
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("shard", sa.Text(), nullable=False),
        sa.Column("org_id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("updated_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("provider", "shard", name=op.f("pk_sync_positions")),
    )
    _pushes()
    _audience()


def _audience() -> None:
    with op.batch_alter_table("sync_results", schema=None) as batch_op:
        batch_op.add_column(sa.Column("complete", sa.Boolean(), nullable=True))
    with op.batch_alter_table("audience_daily", schema=None) as batch_op:
        batch_op.add_column(sa.Column("updated_at", MOMENT, nullable=True))
        batch_op.drop_index(batch_op.f("ix_audience_daily_org_id"))
        index = batch_op.f("ix_audience_daily_org_id_audience_daily_updated_at")
        batch_op.create_index(index, ["org_id", "updated_at"], unique=False)
    op.create_table(
        "audience_positions",
        sa.Column("part", sa.Text(), nullable=False),
        sa.Column("shard", sa.Text(), nullable=False),
        sa.Column("read_until", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("part", "shard", name=op.f("pk_audience_positions")),
    )
    op.create_table(
        "org_audience_daily",
        sa.Column("org_id", sa.Uuid(), nullable=False),
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("metric", sa.Text(), nullable=False),
        sa.Column("value", sa.Double(), nullable=False),
        sa.Column("accounts", sa.BigInteger(), nullable=False),
        sa.Column("carried", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("org_id", "provider", "day", "metric", name=op.f("pk_org_audience_daily")),
    )
    with op.batch_alter_table("org_audience_daily", schema=None) as batch_op:
        index = batch_op.f("ix_org_audience_daily_org_id_org_audience_daily_updated_at")
        batch_op.create_index(index, ["org_id", "updated_at"], unique=False)
    changes = ("change_7_days", "growth_7_days", "change_28_days", "growth_28_days", "share")
    op.create_table(
        "org_audience_growth",
        sa.Column("org_id", sa.Uuid(), nullable=False),
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("metric", sa.Text(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("value", sa.Double(), nullable=False),
        sa.Column("accounts", sa.BigInteger(), nullable=False),
        *(sa.Column(name, sa.Double(), nullable=True) for name in changes),
        sa.Column("updated_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("org_id", "provider", "metric", name=op.f("pk_org_audience_growth")),
    )


def _pushes() -> None:
    op.create_table(
        "provider_pushes",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("external_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("mark", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), server_default="pending", nullable=False),
        sa.Column("run_key", sa.Text(), nullable=True),
        sa.Column("received_at", MOMENT, nullable=False),
        sa.Column("requested_at", MOMENT, nullable=True),
        sa.CheckConstraint("status IN ('pending', 'requested')", name=op.f("ck_provider_pushes_status")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_provider_pushes")),
        sa.UniqueConstraint(
            "provider",
            "external_id",
            "kind",
            "subject",
            "mark",
            name=op.f("uq_provider_pushes_provider_external_id_kind_subject_mark"),
        ),
    )
    with op.batch_alter_table("provider_pushes", schema=None) as batch_op:
        index = batch_op.f("ix_provider_pushes_status_provider_pushes_received_at")
        batch_op.create_index(index, ["status", "received_at"], unique=False)
    op.create_table(
        "push_subscriptions",
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("topic", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), server_default="asked", nullable=False),
        sa.Column("asked_at", MOMENT, nullable=False),
        sa.Column("verified_at", MOMENT, nullable=True),
        sa.Column("lease_until", MOMENT, nullable=True),
        sa.Column("error_message", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "status IN ('asked', 'verified', 'failed')", name=op.f("ck_push_subscriptions_status")
        ),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["connected_accounts.id"],
            name=op.f("fk_push_subscriptions_account_id_connected_accounts"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("account_id", name=op.f("pk_push_subscriptions")),
    )
    with op.batch_alter_table("push_subscriptions", schema=None) as batch_op:
        index = batch_op.f("ix_push_subscriptions_provider")
        batch_op.create_index(index, ["provider"], unique=False)


def downgrade() -> None:
    """Take the revision back."""
    for table in ("org_audience_growth", "org_audience_daily", "audience_positions"):
        op.drop_table(table)
    with op.batch_alter_table("audience_daily", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_audience_daily_org_id_audience_daily_updated_at"))
        batch_op.create_index(batch_op.f("ix_audience_daily_org_id"), ["org_id"], unique=False)
        batch_op.drop_column("updated_at")
    with op.batch_alter_table("sync_results", schema=None) as batch_op:
        batch_op.drop_column("complete")
    for table in ("push_subscriptions", "provider_pushes", "sync_positions", "quota_usage"):
        op.drop_table(table)
    with op.batch_alter_table("grants", schema=None) as batch_op:
        batch_op.drop_column("ends_at")
    with op.batch_alter_table("connected_accounts", schema=None) as batch_op:
        batch_op.drop_column("retry_at")
