"""What is read by people and programs outside: the audit log and the audience."""

from __future__ import annotations

import uuid
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from resources.tables.base import Base


class AuditEntry(Base):
    """Who did what to which thing."""

    __tablename__ = "audit_log"
    __table_args__ = (sa.Index(None, "actor", "at"), sa.Index(None, "action", "at"))

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=uuid.uuid4)
    at: Mapped[datetime] = mapped_column(index=True)
    actor: Mapped[str]
    action: Mapped[str]
    subject: Mapped[str]
    details: Mapped[dict[str, Any]] = mapped_column(default=dict)


class AudienceDaily(Base):
    """One audience number of one account on one day, in one shape for every provider."""

    __tablename__ = "audience_daily"
    __table_args__ = (sa.Index(None, "org_id", "updated_at"),)

    org_id: Mapped[uuid.UUID]
    account_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    provider: Mapped[str]
    day: Mapped[date] = mapped_column(primary_key=True)
    metric: Mapped[str] = mapped_column(primary_key=True)
    value: Mapped[float]
    updated_at: Mapped[datetime | None] = mapped_column(doc="When the value last changed.")


class OrgAudienceDaily(Base):
    """One audience number of one org at one provider on one day: the sum over its accounts."""

    __tablename__ = "org_audience_daily"
    __table_args__ = (sa.Index(None, "org_id", "updated_at"),)

    org_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    provider: Mapped[str] = mapped_column(primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    metric: Mapped[str] = mapped_column(primary_key=True)
    value: Mapped[float]
    accounts: Mapped[int] = mapped_column(doc="How many accounts the sum is over.")
    carried: Mapped[int] = mapped_column(doc="How many of them count with the number of an earlier day.")
    updated_at: Mapped[datetime] = mapped_column(doc="When a number last changed.")


class OrgAudienceGrowth(Base):
    """How one audience number of one org at one provider changed up to its latest day."""

    __tablename__ = "org_audience_growth"

    org_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    provider: Mapped[str] = mapped_column(primary_key=True)
    metric: Mapped[str] = mapped_column(primary_key=True)
    day: Mapped[date] = mapped_column(doc="The latest day.")
    value: Mapped[float]
    accounts: Mapped[int] = mapped_column(doc="How many accounts the value is of.")
    change_7_days: Mapped[float | None] = mapped_column(doc="The value less that of 7 days before.")
    growth_7_days: Mapped[float | None] = mapped_column(doc="The change as a share of the value then.")
    change_28_days: Mapped[float | None] = mapped_column(doc="The value less that of 28 days before.")
    growth_28_days: Mapped[float | None] = mapped_column(doc="The change as a share of the value then.")
    share: Mapped[float | None] = mapped_column(doc="Of `followers`: the provider's share of the org's.")
    updated_at: Mapped[datetime] = mapped_column(doc="When a number last changed.")


class AudiencePosition(Base):
    """Up to which moment a part of the audience has read what it is made from."""

    __tablename__ = "audience_positions"

    part: Mapped[str] = mapped_column(primary_key=True, doc="`provider/metric`, `org_daily` or `growth`.")
    shard: Mapped[str] = mapped_column(primary_key=True, doc="`shard/shards`.")
    read_until: Mapped[datetime]
