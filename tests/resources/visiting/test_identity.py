"""Identities agree with themselves, and the sandbox is never off unsaid."""

from __future__ import annotations

import logging
import os

import pytest

from resources.settings import Settings
from resources.visiting.binary import Sandbox, find_browser, version_of
from resources.visiting.blocking import blocked_for
from resources.visiting.hosts import is_same_site, registrable
from resources.visiting.identity import DEFAULT_VERSION, Agent, Identity, Trait, product_of


@pytest.mark.parametrize(
    ("settings", "product"),
    [
        ({}, "Backline/0.1"),
        ({"scraper_contact": " https://acme.example/bot "}, "Backline/0.1 (+https://acme.example/bot)"),
        ({"scraper_contact": "a\r\nx-evil: 1"}, "Backline/0.1 (+ax-evil: 1)"),
        ({"scraper_identify": False, "scraper_contact": "ops@acme.example"}, ""),
    ],
)
def test_user_agent_names_us_where_it_is_not_switched_off(settings, product):
    assert product_of(Settings(**settings)) == product
    assert Agent("156.0.8078.79", product).user_agent.endswith(f"Safari/537.36 {product}".rstrip())


def test_hints_and_user_agent_tell_one_version_and_no_mode():
    agent = Agent("156.0.8078.79")
    metadata = agent.override["userAgentMetadata"]
    assert "Chrome/156.0.0.0" in agent.user_agent
    assert '"Chromium";v="156"' in agent.hint_headers["sec-ch-ua"]
    assert {"brand": "Chromium", "version": "156.0.8078.79"} in metadata["fullVersionList"]
    assert "Headless" not in f"{agent.override}{agent.hint_headers}"


def test_version_without_a_browser_is_a_likely_one(tmp_path):
    assert version_of(None) == DEFAULT_VERSION
    program = tmp_path / "browser"
    program.write_text("#!/bin/sh\necho 'Chromium 201.0.5.7 built on Acme'\n")
    program.chmod(0o755)
    assert version_of(program) == "201.0.5.7"
    assert find_browser(Settings(browser_path=program)) == program


def test_cookies_survive_the_way_through_the_browsers_form():
    one, other = (Identity(name, Trait.of(1), Agent("1.0.0.0")) for name in ("acme/0", "acme/1"))
    cookies = [
        {
            "name": "a",
            "value": "1",
            "domain": ".acme.example",
            "path": "/",
            "expires": 4e9,
            "httpOnly": True,
            "secure": True,
        },
        {
            "name": "b",
            "value": "2",
            "domain": "localhost",
            "path": "/x",
            "expires": -1.0,
            "httpOnly": False,
            "secure": False,
        },
    ]
    one.take(cookies)
    assert sorted(one.cookies(), key=lambda cookie: cookie["name"]) == cookies
    assert other.cookies() == []


def test_traits_differ_by_number_and_stay():
    assert Trait.of(1) == Trait.of(1)
    assert len({(Trait.of(number).width, Trait.of(number).height) for number in range(5)}) == 5


@pytest.mark.parametrize(
    ("host", "domain"),
    [
        ("consent.youtube.com", "youtube.com"),
        ("www.acme.co.uk", "acme.co.uk"),
        ("acme.uk", "acme.uk"),
        ("127.0.0.1", "127.0.0.1"),
        ("[::1]", "::1"),
        ("localhost", "localhost"),
        ("Open.Spotify.COM.", "spotify.com"),
    ],
)
def test_host_belongs_to_its_site(host, domain):
    assert registrable(host) == domain
    assert is_same_site(host, domain)


def test_site_is_not_another_that_ends_alike():
    assert not is_same_site("www.youtube.com", "notyoutube.com")
    assert not is_same_site("127.0.0.1", "10.0.0.1")


def test_page_itself_is_never_blocked():
    assert "*.mp4" in blocked_for("https://acme.example/page")
    assert "*.ts" not in blocked_for("https://acme.example/@dev.ts")


@pytest.mark.parametrize(
    ("settings", "is_on"),
    [
        ({"browser_sandbox": "on"}, True),
        ({"browser_sandbox": "off"}, False),
        ({"browser_sandbox": "auto", "CI": "true"}, False),
        ({"browser_sandbox": "auto", "CI": ""}, os.geteuid() != 0),
    ],
)
def test_sandbox_is_on_unless_it_cannot_be(settings, is_on, caplog):
    caplog.set_level(logging.INFO)
    sandbox = Sandbox(Settings(**settings))
    sandbox.say()
    sandbox.say()
    assert sandbox.is_on is is_on
    assert [record.levelname for record in caplog.records] == ["INFO" if is_on else "WARNING"]


def test_sandbox_that_was_asked_for_is_never_given_up(caplog):
    assert not Sandbox(Settings(browser_sandbox="on")).fall_back()
