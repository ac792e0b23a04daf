"""What a process works with: settings, database, vault, and each provider's addresses and credentials."""

from __future__ import annotations

import functools
from dataclasses import dataclass, field, replace

import httpx
import sqlalchemy as sa

from resources.budget import Budget, Unlimited
from resources.database import Database, database_of
from resources.errors import InputRefused, SettingMissing
from resources.http import ApiKey
from resources.limiter import AppLimiter
from resources.provider import Limit, Page, Provider, Quota, Site
from resources.settings import ProviderSettings, Settings, settings_of
from resources.signing import SigningSecret, parse_secrets
from resources.tables import AppCredential
from resources.vault import Sealed, Vault, signing_secrets_text, vault_of

CRONS = {"15m": "*/15 * * * *", "1h": "0 * * * *", "6h": "0 */6 * * *", "1d": "0 4 * * *"}


@dataclass(frozen=True)
class Credentials:
    """A provider app's id and secret; an app that uses PKCE alone has no secret."""

    client_id: str
    client_secret: str = field(repr=False)


def credentials_subject(provider: Provider) -> str:
    """Return what a provider app's secret is sealed to."""
    return f"app_credentials/{provider.name}"


class Backline:
    """The parts that commands, assets, sensors and the console share, each made when first asked for.

    ``transport`` replaces the network of the assets and sensors.
    """

    def __init__(
        self, settings: Settings | None = None, transport: httpx.AsyncBaseTransport | None = None
    ) -> None:
        self.settings = settings or Settings()
        self.transport = transport

    @functools.cached_property
    def database(self) -> Database:
        """The database; it is not migrated here."""
        return database_of(self.settings)

    @functools.cached_property
    def vault(self) -> Vault:
        """The vault under the configured keys."""
        return vault_of(self.settings)

    @functools.cached_property
    def signing_secrets(self) -> tuple[SigningSecret, ...]:
        """The secrets that sign what goes to n8n, newest first."""
        return parse_secrets(signing_secrets_text(self.settings))

    def provider_settings(self, provider: Provider) -> ProviderSettings:
        """Return the provider's own settings."""
        return settings_of(provider.name, tuple(provider.api.hosts))

    def api_urls(self, provider: Provider) -> dict[str, str]:
        """Return the base of the provider's API, under ``""``, and its further hosts by name.

        No address ends with a slash: paths begin with one.
        """
        settings = self.provider_settings(provider)
        hosts = {name: settings.host(name) or base for name, base in provider.api.hosts.items()}
        urls = {"": settings.api_url or provider.api.base, **hosts}
        return {name: address.rstrip("/") for name, address in urls.items()}

    def pages_url(self, provider: Provider) -> str:
        """Return the origin of the provider's public pages; raise ``InputRefused`` where it has none."""
        if provider.site is None:
            raise InputRefused("provider", f"{provider.title} has no public pages", "name one that has")
        return (self.provider_settings(provider).pages_url or provider.site.origin).rstrip("/")

    def canary(self, provider: Provider, page: Page) -> str:
        """Return the subject that must exist, as set or as declared."""
        return self.provider_settings(provider).canary_of.get(page.name, page.canary)

    def pages_cron(self, site: Site, provider: Provider) -> str:
        """Return when the provider's pages are visited, as set or as declared."""
        return self.provider_settings(provider).pages_cron or CRONS[site.every]

    def authorize_url(self, provider: Provider) -> str:
        """Return where a person consents."""
        return self.provider_settings(provider).authorize_url or provider.oauth.authorize

    def token_url(self, provider: Provider) -> str:
        """Return where codes and refresh tokens are exchanged."""
        return self.provider_settings(provider).token_url or provider.oauth.token

    def limit(self, provider: Provider) -> Limit:
        """Return the app's limit, as set or as declared."""
        text = self.provider_settings(provider).rate_limit
        return Limit.parse(text) if text else provider.api.limit

    def limiter(self, provider: Provider) -> AppLimiter:
        """Return a new limiter of the app's pace; whoever takes it closes it."""
        return AppLimiter(provider.name, self.limit(provider), self.settings.redis_url)

    def quota(self, provider: Provider) -> Quota | None:
        """Return what the app may spend a day, as set or as declared."""
        declared, settings = provider.api.quota, self.provider_settings(provider)
        if declared is None:
            return None
        buckets = {**declared.buckets, **settings.quota_units(provider.name, declared.buckets)}
        share = declared.manual_share if settings.manual_share is None else settings.manual_share
        return replace(declared, buckets=buckets, manual_share=share)

    def purse(self, provider: Provider, *, by_hand: bool) -> Budget | Unlimited:
        """Return a new purse for the app's requests; whoever takes it closes it."""
        quota = self.quota(provider)
        return Unlimited() if quota is None else Budget(self.database, provider, quota, by_hand=by_hand)

    def api_key(self, provider: Provider) -> ApiKey | None:
        """Return the app's key for public data, where the provider has such and one is set."""
        key = self.provider_settings(provider).api_key.get_secret_value()
        return ApiKey(key) if key and provider.api.key_header else None

    def cron(self, provider: Provider) -> str:
        """Return when the provider is synced, as set or as declared."""
        return self.provider_settings(provider).cron or CRONS[provider.every]

    def redirect_uri(self, provider: Provider) -> str:
        """Return the address that the provider sends a person back to."""
        return f"{self.settings.public_url.rstrip('/')}/connect/{provider.name}/callback"

    def credentials(self, provider: Provider) -> Credentials:
        """Return the app's credentials, those stored in the console first; raise ``SettingMissing``."""
        query = sa.select(AppCredential.client_id, AppCredential.sealed, AppCredential.key_id)
        with self.database.read() as connection:
            stored = connection.execute(query.where(AppCredential.provider == provider.name)).one_or_none()
        if stored:
            sealed = Sealed(stored.sealed, stored.key_id)
            secret = self.vault.unseal(sealed, credentials_subject(provider))
            return Credentials(stored.client_id, secret.decode())
        settings = self.provider_settings(provider)
        secret_text, purpose = settings.client_secret.get_secret_value(), f"connecting {provider.title}"
        if not settings.client_id:
            name = f"BACKLINE_{provider.name.upper()}_CLIENT_ID"
            raise SettingMissing(name, f"{purpose} and renewing its grants")
        if not secret_text and provider.oauth.needs_secret:
            raise SettingMissing(f"BACKLINE_{provider.name.upper()}_CLIENT_SECRET", purpose)
        return Credentials(settings.client_id, secret_text)
