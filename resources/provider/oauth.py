"""What a declaration says of connecting an account: where a person consents, and how long that lasts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Literal


@dataclass(frozen=True)
class Identity:
    """Where a fresh grant's account stands: what to ask, and the places of its id and name."""

    path: str
    id: tuple[str, ...]
    name: tuple[str, ...]
    params: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class SelfRenewal:
    """Access tokens that are exchanged for long-lived ones and then renew themselves; no refresh tokens.

    Both are GET requests on the API's host ``host``, with the access token in the query. A token renews
    itself from ``min_age`` on and while it lives; ``ahead`` of its end it is renewed.
    """

    host: str
    exchange_path: str
    exchange_grant: str
    renew_path: str
    renew_grant: str
    min_age: timedelta
    ahead: timedelta


@dataclass(frozen=True)
class OAuth:
    """How a person connects an account, and how long that lasts.

    ``optional_scopes`` are asked for too, and missed by nobody. ``secret_in`` says where the token
    endpoint takes the app's secret. ``dead_grant`` are its words for a grant that a
    person must give anew. ``lifetime`` is how long one consent lasts, whatever is refreshed; ``ending`` says
    what else can be done where the provider itself names the end of a consent.
    """

    authorize: str
    token: str
    scopes: tuple[str, ...]
    identity: Identity
    optional_scopes: tuple[str, ...] = ()
    scope_separator: str = " "
    pkce: bool = True
    secret_in: Literal["header", "body"] = "header"  # noqa: S105  # a place, no secret
    params: Mapping[str, str] = field(default_factory=dict)
    renewal: SelfRenewal | None = None
    dead_grant: tuple[str, ...] = ("invalid_grant",)
    lifetime: timedelta | None = None
    ending: str = ""
    announce: timedelta = timedelta(days=14)

    @property
    def needs_secret(self) -> bool:
        """Whether an app without a secret cannot connect anybody; PKCE alone is enough for some."""
        return not self.pkce or self.secret_in == "body"  # noqa: S105  # a place, no secret

    @property
    def all_scopes(self) -> tuple[str, ...]:
        """Everything that a person is asked for."""
        return (*self.scopes, *self.optional_scopes)
