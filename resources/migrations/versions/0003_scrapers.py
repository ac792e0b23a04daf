"""Scrapers: visits and their evidence, jobs that can be stopped, controls, browser profiles, proxies."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

import resources.tables

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

MOMENT = resources.tables.UtcDateTime(timezone=True)
OUTCOMES = (
    *("reading", "not_found", "gone", "consent_wall", "login_wall"),
    *("blocked", "layout_changed", "wrong_page", "timed_out"),
)


def upgrade() -> None:
    """Apply the revision."""
    with op.batch_alter_table("scraper_jobs", schema=None) as batch_op:
        batch_op.add_column(sa.Column("run_id", sa.Text(), nullable=True))
        batch_op.add_column(sa.Column("requested_by", sa.Text(), nullable=True))
        batch_op.add_column(sa.Column("stop_requested_at", MOMENT, nullable=True))
        batch_op.add_column(sa.Column("heartbeat_at", MOMENT, nullable=True))
        batch_op.create_index(batch_op.f("ix_scraper_jobs_run_id"), ["run_id"], unique=False)
    with op.batch_alter_table("scraper_health", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_scraper_health_provider"))
        batch_op.add_column(sa.Column("page", sa.Text(), nullable=False))
        batch_op.add_column(sa.Column("last_success_at", MOMENT, nullable=True))
        index = batch_op.f("ix_scraper_health_provider_scraper_health_page")
        batch_op.create_index(index, ["provider", "page"], unique=True)
    _visits()
    _evidence()
    op.create_table(
        "scraper_controls",
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("paused_at", MOMENT, nullable=True),
        sa.Column("paused_by", sa.Text(), nullable=True),
        sa.Column("config", resources.tables.Json, nullable=False),
        sa.Column("updated_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("provider", name=op.f("pk_scraper_controls")),
    )
    op.create_table(
        "browser_profiles",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("identity", resources.tables.Json, nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=True),
        sa.Column("key_id", sa.Text(), nullable=True),
        sa.Column("updated_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_browser_profiles")),
    )
    op.create_index(op.f("ix_browser_profiles_key_id"), "browser_profiles", ["key_id"])
    op.create_table(
        "proxy_health",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("failures", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("resting_until", MOMENT, nullable=True),
        sa.Column("last_outcome", sa.Text(), nullable=True),
        sa.Column("updated_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_proxy_health")),
    )


def _visits() -> None:
    allowed = ", ".join(f"'{outcome}'" for outcome in OUTCOMES)
    op.create_table(
        "scraper_visits",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("run_id", sa.Text(), nullable=False),
        sa.Column("root_run_id", sa.Text(), nullable=False),
        sa.Column("job_id", sa.Uuid(), nullable=False),
        sa.Column("org_id", sa.Uuid(), nullable=True),
        sa.Column("account_id", sa.Uuid(), nullable=True),
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("page", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("way", sa.Text(), nullable=True),
        sa.Column("layout", sa.Text(), nullable=True),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("missing", resources.tables.Json, nullable=False),
        sa.Column("status", sa.BigInteger(), nullable=True),
        sa.Column("duration_ms", sa.BigInteger(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("proxy", sa.Text(), nullable=True),
        sa.Column("at", MOMENT, nullable=False),
        sa.CheckConstraint(f"outcome IN ({allowed})", name=op.f("ck_scraper_visits_outcome")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_scraper_visits")),
    )
    for columns in VISIT_INDEXES:
        op.create_index(_index("scraper_visits", columns), "scraper_visits", list(columns))


VISIT_INDEXES = (
    ("root_run_id", "org_id"),
    ("provider", "page", "at"),
    ("account_id", "at"),
    ("at",),
    ("job_id",),
)


def _index(table: str, columns: tuple[str, ...]) -> str:
    first, *others = columns
    return op.f("_".join(["ix", table, first, *(f"{table}_{column}" for column in others)]))


def _evidence() -> None:
    op.create_table(
        "scraper_evidence",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("visit_id", sa.Uuid(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("html_file", sa.Text(), nullable=True),
        sa.Column("screenshot_file", sa.Text(), nullable=True),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("taken_at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(
            ["visit_id"],
            ["scraper_visits.id"],
            name=op.f("fk_scraper_evidence_visit_id_scraper_visits"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_scraper_evidence")),
        sa.UniqueConstraint("visit_id", name=op.f("uq_scraper_evidence_visit_id")),
    )
    op.create_index(op.f("ix_scraper_evidence_taken_at"), "scraper_evidence", ["taken_at"])


def downgrade() -> None:
    """Take the revision back."""
    for table in (
        "proxy_health",
        "browser_profiles",
        "scraper_controls",
        "scraper_evidence",
        "scraper_visits",
    ):
        op.drop_table(table)
    with op.batch_alter_table("scraper_health", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_scraper_health_provider_scraper_health_page"))
        batch_op.drop_column("last_success_at")
        batch_op.drop_column("page")
        batch_op.create_index(batch_op.f("ix_scraper_health_provider"), ["provider"], unique=False)
    with op.batch_alter_table("scraper_jobs", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_scraper_jobs_run_id"))
        for column in ("heartbeat_at", "stop_requested_at", "requested_by", "run_id"):
            batch_op.drop_column(column)
