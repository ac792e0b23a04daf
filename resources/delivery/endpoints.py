"""Endpoints: n8n's four paths and those of the orgs, with their sealed secrets and headers.

An org's endpoint has a secret of its own, and two while it is rotated; n8n's paths use the settings'.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from typing import Any
from urllib.parse import urlsplit

import msgspec
import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from resources import audit
from resources.accounts import org_id_of
from resources.backline import Backline
from resources.database import AnyRow, utc_now
from resources.delivery.addresses import FIELD as ALLOWED_HOSTS
from resources.delivery.addresses import Allowed, literal
from resources.delivery.breaker import CLOSED
from resources.delivery.outbox import columns_of
from resources.delivery.sums import sum_up
from resources.errors import InputRefused
from resources.providers import PROVIDERS
from resources.schemas import PATHS
from resources.signing import SigningSecret
from resources.tables import WebhookAttempt, WebhookDelivery, WebhookEndpoint
from resources.vault import Sealed

SECRETS_KEPT = 2
LONGEST_NAME, LONGEST_URL, LONGEST_HEADER, MOST_HEADERS = 100, 2_000, 2_000, 20
MOST_IN_FLIGHT = 256
HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}")  # RFC 9110, 5.6.2
OURS = frozenset(
    {
        "host",
        "content-length",
        "content-type",
        "transfer-encoding",
        "connection",
        "accept-encoding",
        "user-agent",
    }
)
RATE = re.compile(r"([1-9]\d{0,5}/[1-9]\d{0,5})?")


class Kept(msgspec.Struct, frozen=True):
    """What is sealed of an endpoint: its ``whsec_…`` secrets, newest first, and its headers."""

    secrets: list[str] = []
    headers: dict[str, str] = {}


@dataclass(frozen=True)
class Draft:
    """An endpoint as a person describes it; empty ``event_types`` and ``providers`` mean all.

    ``headers`` are sent with every event, and never shown again.
    """

    name: str
    url: str
    description: str = ""
    event_types: Sequence[str] = ()
    providers: Sequence[str] = ()
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    enabled: bool = True
    max_in_flight: int | None = None
    rate_limit: str = ""

    def check(self, allowed: Allowed) -> None:
        """Raise ``InputRefused``, naming the field and the cure, where a part cannot be."""
        if not 0 < len(self.name.strip()) <= LONGEST_NAME:
            raise InputRefused("name", "is empty or too long", f"use 1 to {LONGEST_NAME} characters")
        _check_url(self.url, allowed)
        _check_words("event_types", self.event_types, PATHS)
        _check_words("providers", self.providers, PROVIDERS)
        _check_headers(self.headers)
        if self.max_in_flight is not None and not 1 <= self.max_in_flight <= MOST_IN_FLIGHT:
            raise InputRefused("max_in_flight", f"is {self.max_in_flight}", f"use 1 to {MOST_IN_FLIGHT}")
        if not RATE.fullmatch(self.rate_limit):
            raise InputRefused("rate_limit", f"is {self.rate_limit!r}", "use requests/seconds, as 10/1")


def _check_url(url: str, allowed: Allowed) -> None:
    cure = "use https://host/path"
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError as error:
        raise InputRefused("url", "is no address", cure) from error
    if parts.scheme not in {"https", "http"} or not host or len(url) > LONGEST_URL or not url.isprintable():
        raise InputRefused("url", "is no web address", cure)
    if " " in url:
        raise InputRefused("url", "holds a space", "write %20 in its place")
    if parts.username is not None or parts.password is not None or parts.fragment:
        raise InputRefused("url", "holds a password or a fragment", "put what proves you into a header")
    address = literal(host)
    if address and host not in allowed.hosts and not allowed.includes(address):
        cure = f"use a public address, or have the operator add it to {ALLOWED_HOSTS}"
        raise InputRefused("url", f"{address} is not a public address", cure)


def _check_words(name: str, words: Sequence[str], known: Mapping[str, object]) -> None:
    if unknown := sorted(set(words) - set(known)):
        raise InputRefused(name, f"{', '.join(unknown)} is unknown", f"use some of {', '.join(known)}")


def _check_headers(headers: Mapping[str, str]) -> None:
    if len(headers) > MOST_HEADERS:
        raise InputRefused("headers", f"are {len(headers)}", f"use at most {MOST_HEADERS}")
    for name, value in headers.items():
        if not HEADER_NAME.fullmatch(name):
            raise InputRefused("headers", f"{name!r} is no header's name", "use letters, digits and dashes")
        if name.lower() in OURS or name.lower().startswith("webhook-"):
            raise InputRefused("headers", f"{name} is Backline's own", "leave it out")
        if not (value.isascii() and value.isprintable()) or len(value) > LONGEST_HEADER:
            raise InputRefused("headers", f"the value of {name} is not printable ASCII", "encode it")


def subject_of(endpoint_id: uuid.UUID) -> str:
    """Return what an endpoint's secrets are sealed to."""
    return f"webhook_endpoints/{endpoint_id}"


def unsealed(backline: Backline, endpoint: AnyRow) -> Kept:
    """Return an endpoint's secrets and headers; raise ``SealBroken`` where they do not open."""
    if endpoint.sealed is None:
        return Kept()
    sealed = Sealed(endpoint.sealed, endpoint.key_id)
    return msgspec.json.decode(backline.vault.unseal(sealed, subject_of(endpoint.id)), type=Kept)


def signing_secrets(backline: Backline, kept: Kept) -> Sequence[SigningSecret]:
    """Return the secrets that sign what an endpoint gets: its own, or n8n's."""
    return tuple(map(SigningSecret.parse, kept.secrets)) or backline.signing_secrets


def find(connection: sa.Connection, wanted: str) -> AnyRow:
    """Return the endpoint with an id or a name; raise ``InputRefused`` for none and for several."""
    table = WebhookEndpoint
    try:
        mine: Any = table.id == uuid.UUID(wanted)
    except ValueError:
        mine = table.name == wanted
    found = connection.execute(sa.select(table.__table__).where(mine)).all()
    if len(found) != 1:
        problem = f"{wanted!r} is unknown" if not found else f"{len(found)} are called {wanted!r}"
        raise InputRefused("endpoint", problem, "use an id of `backline endpoints list`")
    return found[0]


def add(backline: Backline, actor: str, org_slug: str, draft: Draft) -> tuple[uuid.UUID, SigningSecret]:
    """Make an endpoint of an org; return its id and its secret, which is shown this once."""
    draft.check(Allowed.parse(backline.settings.webhook_allowed_hosts))
    number, secret, now = uuid.uuid4(), SigningSecret.new(), utc_now()
    kept = Kept([secret.text()], dict(draft.headers))
    with backline.database.write() as connection:
        org_id = org_id_of(connection, org_slug)
        row = {"id": number, "org_id": org_id, "created_at": now, "updated_at": now}
        with _named_once(connection, draft.name):
            insert = sa.insert(WebhookEndpoint)
            connection.execute(insert.values(**row, **_columns(draft), **_sealed(backline, number, kept)))
        audit.record(connection, actor, "endpoint.added", subject_of(number), name=draft.name, org=org_slug)
    return number, secret


@contextmanager
def _named_once(connection: sa.Connection, name: str) -> Iterator[None]:
    """Refuse a name that another endpoint of the org has."""
    try:
        with connection.begin_nested():
            yield
    except IntegrityError as error:
        cure = "choose another name, or change that endpoint"
        raise InputRefused("name", f"the org has an endpoint {name!r} already", cure) from error


def change(backline: Backline, actor: str, endpoint_id: uuid.UUID, **changes: Any) -> None:
    """Change fields of a :class:`Draft` of an endpoint; of n8n's own, all but name, address and filters.

    ``headers`` replaces all of them. One that is enabled again is tried at once.
    """
    with backline.database.write() as connection:
        endpoint = find(connection, str(endpoint_id))
        if endpoint.url is None and (fixed := sorted(set(changes) & FIXED)):
            cure = "change enabled, max_in_flight, rate_limit or the description, or add an endpoint"
            raise InputRefused(fixed[0], "belongs to n8n's own path", cure)
        kept = unsealed(backline, endpoint)
        before = _draft(endpoint, kept)
        draft = replace(before, **changes)
        if endpoint.url is not None:
            draft.check(Allowed.parse(backline.settings.webhook_allowed_hosts))
        else:
            replace(draft, url="https://n8n.example").check(Allowed())
        values = _columns(draft) | ({"url": None} if endpoint.url is None else {})
        if "headers" in changes:
            values |= _sealed(backline, endpoint_id, Kept(kept.secrets, dict(draft.headers)))
        if draft.enabled and not before.enabled:
            values |= {**columns_of(CLOSED), "held_until": None}
        with _named_once(connection, draft.name):
            _update(connection, endpoint_id, values)
        audit.record(connection, actor, "endpoint.changed", subject_of(endpoint_id), fields=sorted(changes))


FIXED = frozenset({"name", "url", "event_types", "providers", "headers"})


def rotate(backline: Backline, actor: str, endpoint_id: uuid.UUID) -> SigningSecret:
    """Give an endpoint a new secret, shown this once; the one before it goes on signing until the next."""
    secret = SigningSecret.new()
    with backline.database.write() as connection:
        endpoint = find(connection, str(endpoint_id))
        if endpoint.url is None:
            cure = "put a new one first into BACKLINE_N8N_SIGNING_SECRETS, and `backline n8n push`"
            raise InputRefused("endpoint", "n8n's own paths use the settings' secrets", cure)
        kept = unsealed(backline, endpoint)
        secrets = [secret.text(), *kept.secrets][:SECRETS_KEPT]
        _update(connection, endpoint_id, _sealed(backline, endpoint_id, Kept(secrets, kept.headers)))
        audit.record(connection, actor, "endpoint.secret_rotated", subject_of(endpoint_id))
    return secret


def retire(backline: Backline, actor: str, endpoint_id: uuid.UUID) -> None:
    """Let an endpoint's newest secret alone sign from now on."""
    with backline.database.write() as connection:
        kept = unsealed(backline, find(connection, str(endpoint_id)))
        _update(connection, endpoint_id, _sealed(backline, endpoint_id, Kept(kept.secrets[:1], kept.headers)))
        audit.record(connection, actor, "endpoint.secret_retired", subject_of(endpoint_id))


def remove(backline: Backline, actor: str, endpoint_id: uuid.UUID) -> None:
    """Forget an endpoint, and with it what was delivered there; n8n's own can be disabled alone."""
    with backline.database.write() as connection:
        endpoint = find(connection, str(endpoint_id))
        if endpoint.url is None:
            raise InputRefused("endpoint", f"{endpoint.name} is n8n's own path", "disable it")
        ids = sa.select(WebhookDelivery.event_id).where(WebhookDelivery.endpoint_id == endpoint_id)
        left = connection.execute(ids.where(WebhookDelivery.status != "delivered")).scalars().all()
        connection.execute(sa.delete(WebhookAttempt).where(WebhookAttempt.endpoint_id == endpoint_id))
        connection.execute(sa.delete(WebhookEndpoint).where(WebhookEndpoint.id == endpoint_id))
        sum_up(connection, dict.fromkeys(left))
        audit.record(connection, actor, "endpoint.removed", subject_of(endpoint_id), name=endpoint.name)


def _columns(draft: Draft) -> dict[str, Any]:
    columns = {name: value for name, value in asdict(draft).items() if name != "headers"}
    listed = {name: list(columns[name]) for name in ("event_types", "providers")}
    return {**columns, **listed, "header_names": sorted(draft.headers)}


def _draft(endpoint: AnyRow, kept: Kept) -> Draft:
    names = ("name", "description", "event_types", "providers", "enabled", "max_in_flight", "rate_limit")
    same = {name: getattr(endpoint, name) for name in names}
    return Draft(url=endpoint.url or "", headers=kept.headers, **same)


def _sealed(backline: Backline, endpoint_id: uuid.UUID, kept: Kept) -> dict[str, Any]:
    sealed = backline.vault.seal(msgspec.json.encode(kept), subject_of(endpoint_id))
    return {"sealed": sealed.value, "key_id": sealed.key_id}


def _update(connection: sa.Connection, endpoint_id: uuid.UUID, values: Mapping[str, Any]) -> None:
    update = sa.update(WebhookEndpoint).where(WebhookEndpoint.id == endpoint_id)
    connection.execute(update.values(**values, updated_at=utc_now()))
