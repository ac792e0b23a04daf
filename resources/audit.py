"""The audit log: who did what to which thing."""

from __future__ import annotations

import uuid
from typing import Any

import sqlalchemy as sa

from resources.database import utc_now
from resources.tables import AuditEntry


def record(connection: sa.Connection, actor: str, action: str, subject: str, **details: Any) -> None:
    """Write one entry in the caller's transaction; ``details`` must hold no secret."""
    entry = {"id": uuid.uuid4(), "at": utc_now(), "actor": actor, "action": action, "subject": subject}
    connection.execute(sa.insert(AuditEntry).values(**entry, details=details))
