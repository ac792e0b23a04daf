"""Visits without a reading, and what is kept of each: shown, and never run."""

import uuid

import pytest

from console.evidence import harmless
from console.outcomes import MEANINGS
from console.pages import coded
from resources.reading.verdict import Outcome

PAGE = "/admin/integrations/scrapers"
EVIL = "<script>alert(1)</script>"


def test_nothing_that_failed_is_said(browser, scraped):
    assert "No page was visited yet." in browser.get(PAGE).text
    scraped.health()
    assert "every page that was visited was read" in browser.get(PAGE).text


@pytest.mark.parametrize("outcome", [one for one in Outcome if one is not Outcome.READING])
def test_every_outcome_has_its_words_and_its_cure(browser, scraped, outcome):
    scraped.visit(outcome, detail="")
    text = browser.get(PAGE).text
    meaning = MEANINGS[outcome]
    assert all(coded(said) in text for said in (meaning.label, meaning.cause, meaning.cure))


def test_failure_shows_page_account_and_evidence(browser, scraped, stored):
    account = stored("a", display_name="Ada & Co")
    mine = scraped.visit(
        "layout_changed", account_id=account, missing=["followers"], detail="No followers there."
    )
    scraped.visit("timed_out", way=None, status=None)
    scraped.evidence(mine, "<p>")
    text = browser.get(PAGE).text
    for told in ("Ada &amp; Co", "No followers there.", "<code>followers</code>", "by the browser, HTTP 429"):
        assert told in text
    assert 'href="https://open.spotify.com/artist/4gzpq5DPGxSnKTe4SA8HAU" rel="noreferrer noopener"' in text
    assert f'href="{PAGE}/evidence/{mine}"' in text
    for told in ("the canary", "nothing was asked", "none kept"):
        assert told in text


def test_readings_are_no_failures(browser, scraped):
    scraped.health()
    scraped.visit("reading")
    assert "every page that was visited was read" in browser.get(PAGE).text


def test_failures_are_filtered_by_the_address(browser, scraped):
    scraped.visit("blocked", subject="one")
    scraped.visit("gone", subject="two")
    scraped.visit("blocked", subject="three", provider="youtube", page="feed_page")
    text = browser.get(PAGE, params={"provider": "spotify", "page": "artist_page", "outcome": "blocked"}).text
    assert [subject in text for subject in (">one<", ">two<", ">three<")] == [True, False, False]
    assert "Show all" in text
    assert "No such visit." in browser.get(PAGE, params={"outcome": "login_wall"}).text
    assert browser.get(PAGE, params={"outcome": "<b>"}).status_code == 422


def test_hostile_words_of_a_visit_are_shown_as_words(browser, scraped):
    subject = f'javascript:alert(1)/../{EVIL}"x'
    visit = scraped.visit(detail=EVIL, missing=[EVIL], subject=subject, proxy=EVIL, layout=EVIL)
    scraped.evidence(visit, EVIL, url="javascript:alert(1)")
    for path in (PAGE, f"{PAGE}/evidence/{visit}"):
        text = browser.get(path).text
        assert EVIL not in text
        assert 'href="javascript:' not in text
        assert "https://open.spotify.com/artist/javascript%3Aalert%281%29%2F..%2F%3Cscript" in text


def test_visit_to_a_page_that_is_no_longer_declared_has_no_link(browser, scraped):
    scraped.visit(provider="myspace", subject="tom")
    scraped.visit(page="old_page", subject="tim")
    text = browser.get(PAGE).text
    assert '<span class="name">tom</span>' in text
    assert '<span class="name">tim</span>' in text


def test_evidence_shows_facts_source_and_picture(browser, scraped, png):
    visit = scraped.visit(layout="page_header_2024_07", proxy="proxy.example:3128")
    scraped.evidence(visit, "<p>as it was</p>", png)
    text = browser.get(f"{PAGE}/evidence/{visit}").text
    for told in ("page_header_2024_07", "through proxy.example:3128", "24,647 bytes in 812 ms"):
        assert told in text
    assert "&lt;p&gt;as it was&lt;/p&gt;" in text
    assert f'<iframe class="exhibit" sandbox="" src="{PAGE}/evidence/{visit}/page.html"' in text
    picture = browser.get(f"{PAGE}/evidence/{visit}/screenshot.png")
    assert (picture.content, picture.headers["content-type"]) == (png, "image/png")
    assert picture.headers["x-content-type-options"] == "nosniff"


def test_framed_document_may_do_nothing(browser, scraped):
    visit = scraped.visit()
    scraped.evidence(visit, EVIL)
    headers = browser.get(f"{PAGE}/evidence/{visit}/page.html").headers
    policy = [part.strip() for part in headers["content-security-policy"].split(";")]
    assert policy[:4] == ["sandbox", "default-src 'none'", "img-src 'none'", "style-src 'unsafe-inline'"]
    assert "form-action 'none'" in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "SAMEORIGIN"


@pytest.mark.parametrize(
    "document",
    [
        "<script>x()</script><script src=//evil.test></script>",
        '<meta http-equiv="refresh" content="0;url=//evil.test"><base href="//evil.test">',
        '<link rel="preconnect" href="//evil.test"><iframe src="//evil.test"></iframe>',
        '<a href="//evil.test" ping="//evil.test">x</a><img src="//evil.test" srcset="//evil.test 2x">',
        '<svg><a xlink:href="//evil.test"></a></svg><video poster="//evil.test"></video>',
        '<p onclick="fetch(`//evil.test`)" ONLOAD="evil.test">x</p><form action="//evil.test"></form>',
        '<object data="//evil.test"></object><embed src="//evil.test">',
        '<template><img src="//evil.test"></template>',
    ],
)
def test_framed_document_leads_nowhere(document):
    assert "evil.test" not in harmless(document)


@pytest.mark.parametrize(
    "document", ["", "<", "\x00", "{}", "text & <b>bold", "<svg><style>a{}</style></svg>"]
)
def test_any_document_can_be_framed(document):
    assert isinstance(harmless(document), str)


def test_whole_source_is_text(browser, scraped):
    visit = scraped.visit()
    scraped.evidence(visit, EVIL + "x" * 300_000)
    text = browser.get(f"{PAGE}/evidence/{visit}").text
    assert "Source, 300,025 characters" in text
    assert "the whole as text" in text
    assert len(text) < 210_000
    reply = browser.get(f"{PAGE}/evidence/{visit}/source.txt")
    assert reply.headers["content-type"].startswith("text/plain")
    assert reply.headers["content-security-policy"].startswith("default-src 'none'")
    assert len(reply.text) == 300_025


def test_evidence_that_was_pruned_says_so(browser, scraped):
    visit = scraped.visit()
    scraped.evidence(visit, html_file=f"2026-01-01/{visit.hex}.html.gz", screenshot_file="../escape.png")
    text = browser.get(f"{PAGE}/evidence/{visit}").text
    assert "The document is no longer kept." in text
    assert "The screenshot is no longer kept." in text
    assert "after 14 days" in text
    for name in ("screenshot.png", "page.html", "source.txt"):
        assert browser.get(f"{PAGE}/evidence/{visit}/{name}").status_code == 404


def test_visit_without_evidence_says_so(browser, scraped):
    visit = scraped.visit()
    assert "Nothing was kept of this visit." in browser.get(f"{PAGE}/evidence/{visit}").text


def test_unknown_visit_is_not_there(browser):
    assert browser.get(f"{PAGE}/evidence/{uuid.uuid4()}").status_code == 404
    assert browser.get(f"{PAGE}/evidence/../../etc").status_code == 404
    assert browser.get(f"{PAGE}/evidence/seven").status_code == 422
