"""The tables that are the same for every provider; stream tables follow from ``resources.streams``."""

from __future__ import annotations

from resources.tables.accounts import AppCredential, ConnectedAccount, Grant, OAuthState, Org
from resources.tables.base import Base, Json, UtcDateTime
from resources.tables.events import (
    EVENT_SEQUENCE,
    WebhookAttempt,
    WebhookDelivery,
    WebhookEndpoint,
    WebhookEvent,
)
from resources.tables.inbound import InboundCall
from resources.tables.pages import (
    BrowserProfile,
    ProxyHealth,
    ScraperControl,
    ScraperEvidence,
    ScraperHealth,
    ScraperJob,
    ScraperVisit,
)
from resources.tables.people import ApiToken, LoginLink, Session, User, UserRole
from resources.tables.pushes import ProviderPush, PushSubscription
from resources.tables.reports import (
    AudienceDaily,
    AudiencePosition,
    AuditEntry,
    OrgAudienceDaily,
    OrgAudienceGrowth,
)
from resources.tables.requests import RequestedRun, RequestedSync
from resources.tables.syncs import ProviderPark, QuotaUsage, StreamCursor, SyncPosition, SyncResult

__all__ = [
    "EVENT_SEQUENCE",
    "ApiToken",
    "AppCredential",
    "AudienceDaily",
    "AudiencePosition",
    "AuditEntry",
    "Base",
    "BrowserProfile",
    "ConnectedAccount",
    "Grant",
    "InboundCall",
    "Json",
    "LoginLink",
    "OAuthState",
    "Org",
    "OrgAudienceDaily",
    "OrgAudienceGrowth",
    "ProviderPark",
    "ProviderPush",
    "ProxyHealth",
    "PushSubscription",
    "QuotaUsage",
    "RequestedRun",
    "RequestedSync",
    "ScraperControl",
    "ScraperEvidence",
    "ScraperHealth",
    "ScraperJob",
    "ScraperVisit",
    "Session",
    "StreamCursor",
    "SyncPosition",
    "SyncResult",
    "User",
    "UserRole",
    "UtcDateTime",
    "WebhookAttempt",
    "WebhookDelivery",
    "WebhookEndpoint",
    "WebhookEvent",
]
