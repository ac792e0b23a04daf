"""The JSON API: accounts by org and state, page by page, without a secret column."""

from resources.providers import PROVIDERS


def test_account_is_told_with_its_problems(browser, stored):
    account_id = stored("a", status="needs_reconnect", display_name="Ada")
    (account,) = browser.get("/api/v1/accounts").json()["accounts"]
    assert account["id"] == str(account_id)
    assert (account["org"], account["provider"], account["status"]) == ("acme", "spotify", "needs_reconnect")
    assert account["scopes"] == list(PROVIDERS["spotify"].oauth.scopes)
    assert account["problems"] == [
        {
            "level": "bad",
            "what": "Needs reconnect",
            "cause": "Spotify no longer accepts the grant.",
            "cure": "Reconnect the account; what is stored of it stays.",
        }
    ]


def test_only_known_columns_are_told(browser, stored):
    stored("a")
    (account,) = browser.get("/api/v1/accounts").json()["accounts"]
    assert not {"sealed", "key_id", "tokens", "provider_config"} & set(account)


def test_pages_follow_each_other(browser, stored):
    for number in range(51):
        stored(f"n{number}")
    first = browser.get("/api/v1/accounts?org=acme").json()
    second = browser.get(first["next"]).json()
    assert (len(first["accounts"]), first["total"], len(second["accounts"])) == (50, 51, 1)
    assert (second["page"], second["next"]) == (2, None)


def test_api_describes_itself(browser):
    paths = browser.get("/openapi.json").json()["paths"]
    scrapers = {"", "/jobs", "/jobs/{job_id}", "/jobs/{job_id}/stop"}
    told = {"/healthz", "/readyz", "/api/v1/accounts"} | {f"/api/v1/scrapers{path}" for path in scrapers}
    told |= {"/metrics", "/api/v1/event-types", "/api/v1/event-types/{event_type}/schema.json"}
    told |= {
        f"/api/v1/events{path}" for path in ("", "/{event_id}", "/{event_id}/replay", "/replay", "/export")
    }
    told |= {
        f"/api/v1/endpoints{path}"
        for path in (
            *("", "/{endpoint_id}", "/{endpoint_id}/test"),
            *("/{endpoint_id}/rotate", "/{endpoint_id}/rotate/finish"),
        )
    }
    told |= {"/hooks/n8n", "/api/v1/calls/{call_id}", "/api/v1/schemas/inbound/{call_type}"}
    assert set(paths) == told
