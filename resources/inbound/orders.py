"""What n8n may ask for: the three types of calls, from which their JSON Schemas follow."""

from __future__ import annotations

import re
import uuid
from datetime import UTC, date, datetime
from typing import Annotated, Any, Literal

from pydantic import (
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    TypeAdapter,
    model_validator,
)

from resources.accounts import SLUG
from resources.json_schema import schema_of_model
from resources.providers import PROVIDERS
from resources.schemas import EventType

MOST_ACCOUNTS, MOST_NAMES, MOST_EVENTS = 1_000, 100, 1_000
RFC_3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)", re.ASCII)
RFC_9562 = re.compile(r"[0-9a-fA-F]{8}-([0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}")


def _moment(value: Any) -> datetime:
    try:
        if isinstance(value, str) and RFC_3339.fullmatch(value):
            return datetime.fromisoformat(value.upper()).astimezone(UTC)
    except (ValueError, OverflowError):  # no such day, or one that UTC has not
        pass
    raise ValueError("use a moment such as 2026-11-23T10:00:00Z")


def _id(value: Any) -> uuid.UUID:
    if isinstance(value, str) and RFC_9562.fullmatch(value):
        return uuid.UUID(value)
    raise ValueError("use an id such as cf1b9bee-871a-4f2b-86e1-35b61b475e67")


Moment = Annotated[AwareDatetime, BeforeValidator(_moment)]
Id = Annotated[uuid.UUID, BeforeValidator(_id)]
ProviderName = Annotated[
    str, Field(pattern=r"^[a-z][a-z0-9_]{0,39}$", json_schema_extra={"enum": list(PROVIDERS)})
]
Slug = Annotated[str, Field(pattern=f"^{SLUG.pattern}$")]
Word = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,79}$")]
EventId = Annotated[str, Field(pattern=r"^evt_[0-9A-HJKMNP-TV-Z]{26}$")]
AccountIds = Annotated[
    list[Id], Field(max_length=MOST_ACCOUNTS, description="Ids of accounts; none means all.")
]


class Part(BaseModel):
    """A part of a call; what is not declared is refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class SyncData(Part):
    """Which accounts to sync, and how."""

    provider: ProviderName
    org: Slug | None = Field(None, description="Slug of the org; none means all.")
    streams: list[Word] = Field([], max_length=MOST_NAMES, description="Names of streams; none means all.")
    accounts: AccountIds = []
    full: bool = Field(False, description="Forget where the last sync stopped and read everything.")
    first: date | None = Field(None, alias="from", description="First day to read, of histories by the day.")
    last: date | None = Field(None, alias="to", description="Last day to read, likewise.")


class ScrapeData(Part):
    """Which public pages to visit."""

    provider: ProviderName
    org: Slug | None = Field(None, description="Slug of the org; none means all.")
    accounts: AccountIds = []
    pages: list[Word] = Field([], max_length=MOST_NAMES, description="Kinds of pages; none means all.")


class EventFilter(Part):
    """Which events to deliver again: those to which all of this applies."""

    status: Literal["pending", "delivered", "failed"] | None = None
    type: EventType | None = None
    provider: ProviderName | None = None
    org: Slug | None = None
    endpoint: Id | None = Field(None, description="Id of the endpoint that they are delivered to.")
    since: Moment | None = Field(None, description="Created at this moment or later.")
    until: Moment | None = Field(None, description="Created before this moment.")

    @model_validator(mode="after")
    def _narrows(self) -> EventFilter:
        if not any(self.model_dump().values()):
            raise ValueError("name at least one of status, type, provider, org, endpoint, since and until")
        return self


class ReplayData(Part):
    """Which events to deliver again: either these, or those that a filter finds."""

    event_ids: list[EventId] | None = Field(None, min_length=1, max_length=MOST_EVENTS)
    filter: EventFilter | None = None

    @model_validator(mode="after")
    def _one_way(self) -> ReplayData:
        if (self.event_ids is None) == (self.filter is None):
            raise ValueError("give either event_ids or filter")
        return self


class SyncCall(Part):
    """Ask for a sync of connected accounts."""

    type: Literal["sync.requested"]
    timestamp: Moment = Field(description="When it was asked for.")
    data: SyncData


class ScrapeCall(Part):
    """Ask for visits to public pages."""

    type: Literal["scrape.requested"]
    timestamp: Moment = Field(description="When it was asked for.")
    data: ScrapeData


class ReplayCall(Part):
    """Ask for events to be delivered again."""

    type: Literal["replay.requested"]
    timestamp: Moment = Field(description="When it was asked for.")
    data: ReplayData


Call = SyncCall | ScrapeCall | ReplayCall
CALLS: dict[str, type[SyncCall | ScrapeCall | ReplayCall]] = {
    "sync.requested": SyncCall,
    "scrape.requested": ScrapeCall,
    "replay.requested": ReplayCall,
}
READER: TypeAdapter[Call] = TypeAdapter(Annotated[Call, Field(discriminator="type")])
SAMPLE_TIME = "2026-11-23T10:00:00Z"
SAMPLES: dict[str, dict[str, Any]] = {
    "sync.requested": {"provider": "spotify", "org": "acme", "streams": ["saved_tracks"]},
    "scrape.requested": {"provider": "youtube", "pages": ["channel_page"]},
    "replay.requested": {"filter": {"status": "failed", "since": "2026-11-23T00:00:00Z"}},
}


def sample_of(call_type: str) -> dict[str, Any]:
    """Return a body such as n8n would send."""
    return {"type": call_type, "timestamp": SAMPLE_TIME, "data": SAMPLES[call_type]}


def schema_of(call_type: str) -> dict[str, Any]:
    """Return the JSON Schema of a type's body, without references, as it can stand anywhere."""
    return schema_of_model(CALLS[call_type]) | {"examples": [sample_of(call_type)]}
