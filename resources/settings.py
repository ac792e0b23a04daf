"""Every setting, read once from the environment and ``.env``; nothing else reads the environment."""

from __future__ import annotations

import functools
from collections.abc import Collection
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, SecretStr, create_model, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from resources.errors import InputRefused

REPOSITORY = Path(__file__).resolve().parent.parent


class Settings(BaseSettings):
    """Settings of one process; each is the variable ``BACKLINE_<NAME>``.

    A provider's own settings (``BACKLINE_SPOTIFY_CLIENT_ID`` and its like) follow the provider's name
    and are read through :meth:`of_provider`.
    """

    model_config = SettingsConfigDict(
        env_prefix="BACKLINE_", env_file=".env", env_ignore_empty=True, extra="ignore"
    )

    home: Path = Field(Path(".backline"), description="Folder of the embedded state.")
    database_url: str = Field("", description="SQLAlchemy URL; empty means SQLite in HOME.")
    environment: str = Field(
        "embedded",
        pattern="^(embedded|production)$",
        description="`production` refuses to make up keys and secrets that are not set.",
    )
    encryption_keys: SecretStr = Field(
        SecretStr(""), description="Comma-separated keys, newest first; `backline keys new` makes one."
    )
    public_url: str = Field("http://127.0.0.1:8700", description="Where browsers reach the console.")
    dagster_url: str = Field("http://127.0.0.1:3000", description="Where the console reaches Dagster.")
    dagster_home: Path | None = Field(
        None, validation_alias="DAGSTER_HOME", description="Dagster's folder; empty means HOME/dagster."
    )
    shards: int = Field(1, ge=1, le=256, description="Partitions of each provider's assets.")
    sync_concurrency: int = Field(32, ge=1, le=512, description="Accounts synced at once in one run.")
    failure_threshold: float = Field(
        0.5, ge=0, le=1, description="Share of failed accounts above which a run fails as a whole."
    )
    n8n_url: str = Field("", description="Base address of n8n; events go to {N8N_URL}/webhook/….")
    n8n_signing_secrets: SecretStr = Field(
        SecretStr(""), description="Comma-separated whsec_… secrets; every one signs."
    )
    n8n_api_key: SecretStr = Field(
        SecretStr(""), description="Key of n8n's public API; `make n8n` makes one for its own n8n."
    )
    n8n_editor_url: str = Field(
        "", description="Where browsers reach n8n's editor, for links; empty means N8N_URL."
    )
    n8n_callback_url: str = Field(
        "", description="Where n8n reaches the console, for its calls; empty means PUBLIC_URL."
    )
    n8n_install: Path | None = Field(
        None, description="Folder of an n8n installed elsewhere; empty installs one in HOME/n8n."
    )
    n8n_port: int = Field(5678, ge=1, le=65535, description="Port of the n8n that `make n8n` starts.")
    delivery_concurrency: int = Field(
        4,
        ge=1,
        le=256,
        description="Event deliveries in flight to an endpoint; n8n takes no more by being sent more.",
    )
    webhook_allowed_hosts: str = Field(
        "",
        description="Comma-separated hosts and networks that endpoints may be at though they are not public; "
        "n8n's own host always is.",
    )
    inbound_allowed_ips: str = Field(
        "", description="Comma-separated addresses and CIDR networks that may call /hooks/n8n; empty is all."
    )
    trusted_proxies: str = Field(
        "", description="Likewise, those whose X-Forwarded-For is believed; empty believes nobody's."
    )
    inbound_rate_limit: str = Field(
        "120/60",
        pattern=r"^[1-9]\d*/[1-9]\d*$",
        description="`calls/seconds` that one address may make to /hooks/n8n, and one secret may sign.",
    )
    session_idle_hours: float = Field(
        12, gt=0, le=24 * 90, description="Hours after which a session ends in which nobody did anything."
    )
    session_hours: float = Field(
        24 * 7, gt=0, le=24 * 365, description="Hours after which a session ends in any case."
    )
    login_rate_limit: str = Field(
        "10/300",
        pattern=r"^[1-9]\d*/[1-9]\d*$",
        description="`logins/seconds` that may be tried for one name; three times as many from one address.",
    )
    retention_days: int = Field(30, ge=1, description="Days that runs, events and attempts are kept.")
    browser_path: Path | None = Field(
        None,
        description="Browser binary; empty looks for chromium-headless-shell, Playwright's, then chromium.",
    )
    browser_sandbox: Literal["auto", "on", "off"] = Field(
        "auto", description="`auto` is on but for root and under CI, where Chromium cannot have one."
    )
    ci: str = Field("", validation_alias="CI", description="Set by CI systems; see BROWSER_SANDBOX.")
    browser_mb: int = Field(
        1_500, ge=200, description="Memory of the browser's processes, MiB, above which it is started anew."
    )
    scraper_concurrency: int = Field(4, ge=1, le=64, description="Pages under way at once in one run.")
    page_seconds: float = Field(30.0, ge=1, le=300, description="Longest time that one visit may take.")
    page_mb: int = Field(16, ge=1, le=256, description="Largest page, MiB; a larger one counts as endless.")
    scraper_robots: bool = Field(True, description="Whether robots.txt is obeyed; see the page on scrapers.")
    scraper_identify: bool = Field(
        True, description="Whether visits name Backline, and how to reach you, in their user agent."
    )
    scraper_contact: str = Field("", description="Address or mail of whoever answers for the visits.")
    scraper_proxies: SecretStr = Field(
        SecretStr(""), description="Comma-separated proxy URLs; those that fail are rested, and others used."
    )
    evidence_days: int = Field(14, ge=1, description="Days that evidence of failed pages is kept.")
    evidence_mb: int = Field(1_000, ge=1, description="MiB of evidence; the oldest goes first above it.")
    redis_url: str = Field("", description="Shared rate limits; empty keeps them in the process.")

    @field_validator("home")
    @classmethod
    def _absolute(cls, value: Path) -> Path:
        return value.expanduser().absolute()

    @property
    def resolved_database_url(self) -> str:
        """The database's URL, with the embedded default filled in."""
        return self.database_url or f"sqlite:///{self.home / 'backline.db'}"

    @property
    def evidence_folder(self) -> Path:
        """Where the evidence of failed pages lies."""
        return self.home / "evidence"

    @property
    def resolved_dagster_home(self) -> Path:
        """Dagster's instance folder, with the embedded default filled in."""
        return self.dagster_home or self.home / "dagster"


class ProviderSettings(BaseSettings):
    """One provider's settings; each is the variable ``BACKLINE_<PROVIDER>_<NAME>``.

    Empty addresses mean the real ones of the provider's declaration.
    """

    model_config = SettingsConfigDict(env_file=".env", env_ignore_empty=True, extra="ignore")

    client_id: str = Field("", description="The app's client id; one stored in the console wins.")
    client_secret: SecretStr = Field(SecretStr(""), description="The app's secret; likewise.")
    api_url: str = Field("", description="Base of the API, up to and with its version.")
    authorize_url: str = Field("", description="Where a person consents.")
    token_url: str = Field("", description="Where codes and refresh tokens are exchanged.")
    cron: str = Field("", description="When to sync, in place of the declared schedule; UTC.")
    rate_limit: str = Field(
        "",
        pattern=r"^([1-9]\d*/[1-9]\d*)?$",
        description="`requests/seconds` of the app, in place of the declared limit.",
    )
    api_key: SecretStr = Field(
        SecretStr(""), description="The app's key for public data, where the provider has such."
    )
    quota: str = Field(
        "",
        pattern=r"^(\w+=\d+(,\w+=\d+)*)?$",
        description="`bucket=units,…` a day, in place of the declared quota.",
    )
    manual_share: float | None = Field(
        None, ge=0, le=1, description="Share of the quota that schedules leave to people."
    )
    verify_token: SecretStr = Field(
        SecretStr(""), description="The word that verifies our address for pushes; empty makes one."
    )

    pages_url: str = Field("", description="Origin of the public pages.")
    pages_cron: str = Field("", description="When to scrape, in place of the declared schedule; UTC.")
    canaries: str = Field(
        "",
        pattern=r"^(\w+=[^,=]+(,\w+=[^,=]+)*)?$",
        description="`page=subject,…`: pages that must exist, in place of the declared ones.",
    )

    @property
    def canary_of(self) -> dict[str, str]:
        """The canaries that are set, by page."""
        return dict(part.split("=", 1) for part in self.canaries.split(",") if part)

    def host(self, name: str) -> str:
        """Return the address of one of the API's further hosts, empty where it is the real one."""
        return str(getattr(self, f"{name}_url"))

    def quota_units(self, provider: str, known: Collection[str]) -> dict[str, int]:
        """Return the units a day that are set, by bucket; raise ``InputRefused`` for an unknown one."""
        pairs = (part.partition("=") for part in self.quota.split(",") if part)
        units = {bucket: int(number) for bucket, _, number in pairs}
        if unknown := set(units) - set(known):
            problem = f"names {', '.join(sorted(unknown))}"
            raise InputRefused(
                f"BACKLINE_{provider.upper()}_QUOTA", problem, f"use some of {', '.join(known)}"
            )
        return units


@functools.cache
def _kind_of(hosts: tuple[str, ...]) -> type[ProviderSettings]:
    """Return the settings of a provider whose API has further hosts: an address each."""
    fields: dict[str, Any] = {
        f"{name}_url": (str, Field("", description=f"Base of the API's host `{name}`.")) for name in hosts
    }
    return create_model("ProviderSettings", __base__=ProviderSettings, **fields)


def settings_of(provider: str, hosts: tuple[str, ...] = ()) -> ProviderSettings:
    """Read one provider's settings; ``hosts`` are its API's further hosts."""
    return _kind_of(hosts)(_env_prefix=f"BACKLINE_{provider.upper()}_")
