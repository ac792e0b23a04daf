"""Every setting, read once from the environment and ``.env``; nothing else reads the environment."""

from __future__ import annotations

import functools
from pathlib import Path

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

REPOSITORY = Path(__file__).resolve().parent.parent


class Settings(BaseSettings):
    """Settings of one process; each is the variable ``BACKLINE_<NAME>``.

    A provider's own settings (``BACKLINE_SPOTIFY_CLIENT_ID`` and its like) follow the provider's name
    and are read through :meth:`of_provider`.
    """

    model_config = SettingsConfigDict(env_prefix="BACKLINE_", env_file=".env", extra="ignore")

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
    shards: int = Field(1, ge=1, le=256, description="Partitions of each provider's assets.")
    sync_concurrency: int = Field(32, ge=1, le=512, description="Accounts synced at once in one run.")
    failure_threshold: float = Field(
        0.5, ge=0, le=1, description="Share of failed accounts above which a run fails as a whole."
    )
    n8n_url: str = Field("", description="Base address of n8n; events go to {N8N_URL}/webhook/….")
    n8n_signing_secrets: SecretStr = Field(
        SecretStr(""), description="Comma-separated whsec_… secrets; every one signs."
    )
    delivery_concurrency: int = Field(8, ge=1, le=256, description="Event deliveries in flight.")
    retention_days: int = Field(30, ge=1, description="Days that runs, events and attempts are kept.")
    redis_url: str = Field("", description="Shared rate limits; empty keeps them in the process.")
