"""Settings: their defaults, what they refuse, and that each is written down."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from resources.backline import Backline
from resources.errors import InputRefused
from resources.providers import PROVIDERS
from resources.settings import REPOSITORY, ProviderSettings, Settings, settings_of

PAGE = REPOSITORY / "docs" / "reference" / "settings.md"


@pytest.fixture(autouse=True)
def empty_environment(monkeypatch, tmp_path):
    """No ``.env``, and nothing in the environment."""
    monkeypatch.chdir(tmp_path)
    for name in Settings.model_fields:
        monkeypatch.delenv(f"BACKLINE_{name.upper()}", raising=False)
    monkeypatch.delenv("DAGSTER_HOME", raising=False)


def test_embedded_default_keeps_everything_in_home(monkeypatch, tmp_path):
    monkeypatch.setenv("BACKLINE_HOME", str(tmp_path / "state"))
    settings = Settings()
    assert settings.resolved_database_url == f"sqlite:///{tmp_path}/state/backline.db"
    assert settings.resolved_dagster_home == tmp_path / "state" / "dagster"
    assert settings.environment == "embedded"


def test_relative_home_is_absolute_wherever_the_process_goes_later(tmp_path):
    assert Settings().home == tmp_path / ".backline"


def test_set_database_and_dagster_home_win_over_the_defaults(monkeypatch):
    monkeypatch.setenv("BACKLINE_DATABASE_URL", "postgresql://u@h/d")
    monkeypatch.setenv("DAGSTER_HOME", "/srv/dagster")
    settings = Settings()
    assert settings.resolved_database_url == "postgresql://u@h/d"
    assert settings.resolved_dagster_home == Path("/srv/dagster")


def test_env_file_is_read_and_the_environment_wins(monkeypatch, tmp_path):
    (tmp_path / ".env").write_text("BACKLINE_SHARDS=7\nBACKLINE_N8N_URL=http://n8n\nOTHER=1\n")
    monkeypatch.setenv("BACKLINE_SHARDS", "9")
    settings = Settings()
    assert (settings.shards, settings.n8n_url) == (9, "http://n8n")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ENVIRONMENT", "staging"),
        ("ENVIRONMENT", "production\n"),
        ("SHARDS", "0"),
        ("SHARDS", "257"),
        ("SHARDS", "many"),
        ("SYNC_CONCURRENCY", "0"),
        ("FAILURE_THRESHOLD", "1.1"),
        ("FAILURE_THRESHOLD", "-0.1"),
        ("FAILURE_THRESHOLD", "nan"),
        ("N8N_PORT", "65536"),
        ("DELIVERY_CONCURRENCY", "0"),
        ("RETENTION_DAYS", "0"),
    ],
)
def test_bad_value_is_refused_by_the_settings_name(monkeypatch, name, value):
    monkeypatch.setenv(f"BACKLINE_{name}", value)
    with pytest.raises(ValidationError, match=name.lower()):
        Settings()


@pytest.mark.parametrize(
    "value", ["180", "180/", "/30", "a/b", "-1/30", "180/30/2", "0/30", "180/0", "180/30\n"]
)
def test_rate_limit_that_is_no_rate_is_refused(monkeypatch, value):
    monkeypatch.setenv("BACKLINE_ACME_RATE_LIMIT", value)
    with pytest.raises(ValidationError, match="rate_limit"):
        ProviderSettings(_env_prefix="BACKLINE_ACME_")


def test_provider_reads_only_its_own_settings(monkeypatch):
    monkeypatch.setenv("BACKLINE_ACME_CLIENT_ID", "of acme")
    monkeypatch.setenv("BACKLINE_OTHER_CLIENT_ID", "of another")
    assert ProviderSettings(_env_prefix="BACKLINE_ACME_").client_id == "of acme"


def test_secrets_are_not_shown(monkeypatch):
    monkeypatch.setenv("BACKLINE_ENCRYPTION_KEYS", "canary-key")
    monkeypatch.setenv("BACKLINE_N8N_SIGNING_SECRETS", "canary-signing")
    monkeypatch.setenv("BACKLINE_ACME_CLIENT_SECRET", "canary-app")
    settings, provider = Settings(), ProviderSettings(_env_prefix="BACKLINE_ACME_")
    shown = f"{settings!r} {settings} {settings.model_dump_json()} {provider!r} {provider.model_dump_json()}"
    assert "canary" not in shown


@pytest.mark.parametrize("kind", [Settings, ProviderSettings])
def test_every_setting_says_what_it_is_for(kind):
    assert [name for name, field in kind.model_fields.items() if not field.description] == []


def variables() -> list[str]:
    common = [
        str(field.validation_alias or f"BACKLINE_{name.upper()}")
        for name, field in Settings.model_fields.items()
    ]
    of_providers = [
        f"BACKLINE_{provider.name.upper()}_{name.upper()}"
        for provider in PROVIDERS.values()
        for name in type(settings_of(provider.name, tuple(provider.api.hosts))).model_fields
    ]
    return common + of_providers


@pytest.mark.parametrize("variable", variables())
def test_every_setting_stands_in_the_reference(variable):
    prefixes = [f"BACKLINE_{provider.upper()}_" for provider in PROVIDERS]
    names = {variable, *(variable.replace(prefix, "BACKLINE_<PROVIDER>_") for prefix in prefixes)}
    text = PAGE.read_text()
    assert any(f"`{name}`" in text for name in names), f"{variable} is not in {PAGE}"


@pytest.fixture
def quota(monkeypatch):
    """Return a function that reads YouTube's quota as it is set."""

    def read(text, share=""):
        monkeypatch.setenv("BACKLINE_YOUTUBE_QUOTA", text)
        monkeypatch.setenv("BACKLINE_YOUTUBE_MANUAL_SHARE", share)
        return Backline(Settings()).quota(PROVIDERS["youtube"])

    return read


# ruff: noqa: D102  # a test's name states the fact
class TestQuota:
    """What an app may spend a day, as text."""

    def test_buckets_that_are_named_take_the_place_of_the_declared(self, quota):
        assert dict(quota("main=50000").buckets) == {"main": 50_000, "stats": 10_000}
        assert dict(quota("main=1,stats=2").buckets) == {"main": 1, "stats": 2}
        assert dict(quota("").buckets) == {"main": 10_000, "stats": 10_000}

    def test_share_of_people_is_set_too(self, quota):
        assert (quota("").manual_share, quota("", "0").manual_share) == (0.1, 0.0)

    def test_bucket_that_is_unknown_is_refused_by_its_settings_name(self, quota):
        with pytest.raises(
            InputRefused, match="BACKLINE_YOUTUBE_QUOTA: names search; use some of main, stats"
        ):
            quota("main=1,search=2")

    @pytest.mark.parametrize(
        "text", ["main", "main=", "main=many", "main=-1", "main=1;stats=2", "=3", "main=1,"]
    )
    def test_text_that_is_no_quota_is_refused(self, quota, text):
        with pytest.raises(ValidationError, match="quota"):
            quota(text)

    @pytest.mark.parametrize("share", ["-0.1", "1.1", "some"])
    def test_share_that_is_none_is_refused(self, quota, share):
        with pytest.raises(ValidationError, match="manual_share"):
            quota("", share)

    def test_provider_without_a_quota_has_none(self):
        assert Backline(Settings()).quota(PROVIDERS["spotify"]) is None


class TestHosts:
    """Further hosts of a provider's API."""

    def test_have_a_setting_each_and_the_declared_address_without(self, monkeypatch):
        monkeypatch.setenv("BACKLINE_YOUTUBE_HUB_URL", "http://hub.test")
        monkeypatch.delenv("BACKLINE_YOUTUBE_ANALYTICS_URL", raising=False)
        urls = Backline(Settings()).api_urls(PROVIDERS["youtube"])
        assert urls["hub"] == "http://hub.test"
        assert urls["analytics"] == PROVIDERS["youtube"].api.hosts["analytics"]
        assert set(urls) == {"", "hub", "analytics"}

    def test_may_be_set_with_a_slash_at_their_end(self, monkeypatch):
        monkeypatch.setenv("BACKLINE_YOUTUBE_API_URL", "http://api.test/youtube/")
        monkeypatch.setenv("BACKLINE_YOUTUBE_HUB_URL", "http://hub.test/")
        urls = Backline(Settings()).api_urls(PROVIDERS["youtube"])
        assert (urls[""], urls["hub"]) == ("http://api.test/youtube", "http://hub.test")

    def test_of_one_provider_are_no_settings_of_another(self):
        assert not hasattr(settings_of("spotify"), "hub_url")
