"""Evidence: what is kept, what is taken out of it, what is deleted when."""

from __future__ import annotations

import os
import resource
import stat
import time
import uuid
from contextlib import contextmanager
from datetime import timedelta

import pytest
import sqlalchemy as sa

from resources.database import utc_now
from resources.reading.verdict import Answer, Capture, Outcome, Refusal
from resources.scraping.evidence import EvidenceFiles, EvidenceStore, prune
from resources.scraping.redaction import HIDDEN, redacted
from resources.settings import Settings
from resources.tables import ScraperEvidence, ScraperVisit
from resources.visiting.visitor import Visit

PNG = b"\x89PNG picture"
COOKIE = "s3cr3t/cookie value"


@pytest.fixture
def settings(tmp_path):
    return Settings(home=tmp_path / "home", evidence_mb=1)


@pytest.fixture
def store(settings):
    return EvidenceStore(settings)


@pytest.fixture
def visit_of(count_page):
    """Make a visit that failed with a document."""

    def make(body="<h1>No</h1>", *, answers=(), screenshot=PNG, capture=True):
        seen = Capture("https://acme.example/x?token=abc", 200, body, "browser", answers) if capture else None
        refusal = Refusal(Outcome.LAYOUT_CHANGED, "There is no count.")
        rest = (seen, "browser", 1.0, None, screenshot, frozenset({COOKIE}))
        return Visit(count_page(), "x", "https://acme.example/x", refusal, *rest)

    return make


def test_kept_visit_can_be_read_again(store, visit_of):
    answer = Answer("https://acme.example/api?access_token=t0k3n", 200, '{"accessToken": "abc", "count": 3}')
    files = store.keep(visit_of("<p>é</p>", answers=(answer,)))
    assert store.html(files.html_file) == "<p>é</p>"
    assert store.screenshot(files.screenshot_file) == PNG
    again = store.capture(files.html_file)
    assert (again.status, again.way, again.body) == (200, "browser", "<p>é</p>")
    assert again.answers[0].body == f'{{"accessToken": "{HIDDEN}", "count": 3}}'
    assert "t0k3n" not in again.answers[0].url
    assert "abc" not in again.url


def test_files_are_the_owners_alone_and_lie_under_their_day(store, visit_of, settings):
    files = store.keep(visit_of())
    assert files.html_file.startswith(f"{utc_now():%Y-%m-%d}/")
    found = [path for path in settings.evidence_folder.rglob("*") if path.is_file()]
    assert {stat.S_IMODE(path.stat().st_mode) for path in found} == {0o600}
    assert sum(path.stat().st_size for path in found) == files.size


def test_picture_alone_and_nothing_at_all(store, visit_of):
    files = store.keep(visit_of(capture=False))
    assert (files.html_file, bool(files.screenshot_file)) == (None, True)
    assert store.keep(visit_of(capture=False, screenshot=None)) is None


@contextmanager
def small_files_only():
    """Let this process write no file above a hundred bytes, as on a disk that is full."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_full_disk_is_a_warning_and_leaves_nothing_half_written(store, visit_of, settings, caplog):
    with small_files_only():
        assert store.keep(visit_of(os.urandom(2000).hex())) is None
    assert "could not be kept" in caplog.text
    assert not [path for path in settings.evidence_folder.rglob("*") if path.is_file()]


def test_folder_that_cannot_be_made_is_a_warning(store, visit_of, settings, caplog):
    settings.home.mkdir()
    settings.evidence_folder.write_text("a file")
    assert store.keep(visit_of()) is None
    assert "could not be kept" in caplog.text


@pytest.mark.parametrize(
    "name",
    ["../backline.db", "/etc/passwd", "2026-11-24/../../secrets/x.png", "2026-11-24/x.png", "", "a\0b"],
)
def test_names_that_are_not_ours_are_not_there(store, name):
    for read in (store.html, store.screenshot, store.capture):
        with pytest.raises(FileNotFoundError):
            read(name)
    store.remove(EvidenceFiles(name, name, 0))


def test_removed_evidence_is_gone_wholly_and_removing_it_again_is_no_fault(store, visit_of, settings):
    files = store.keep(visit_of())
    for _ in range(2):
        store.remove(files)
    assert not [path for path in settings.evidence_folder.rglob("*") if path.is_file()]
    with pytest.raises(FileNotFoundError):
        store.html(files.html_file)


SECRET_TEXTS = {
    "cookie": f"<p>{COOKIE}</p>",
    "cookie in an address": "<a href='/?c=s3cr3t%2Fcookie%20value'>",
    "cookie in JSON": r'{"c": "s3cr3t\/cookie value"}',
    "JSON": '{"accessToken": "s3cr3t-cookie-value", "csrf_token":"s3cr3t-cookie-value"}',
    "JSON in a string": r'"{\"sessionId\":\"s3cr3t-cookie-value\"}"',
    "header": "authorization: Bearer s3cr3t-cookie-value",
    "field": '<input type="hidden" name="authenticity_token" value="s3cr3t-cookie-value">',
    "field, value first": '<input value="s3cr3t-cookie-value" name="csrfmiddlewaretoken">',
    "meta": "<meta name='csrf-token' content='s3cr3t-cookie-value'>",
    "nonce": '<script nonce="s3cr3t-cookie-value">',
    "query": "https://acme.example/x?a=1&access_token=s3cr3t-cookie-value&b=2",
    "inner query": "?continue=https%3A%2F%2Facme.example%3Ftoken%3Ds3cr3t-cookie-value",
    "script": "var API_TOKEN = 's3cr3t-cookie-value';",
}


@pytest.mark.parametrize("kind", SECRET_TEXTS)
def test_secrets_are_taken_out(kind):
    kept = redacted(SECRET_TEXTS[kind], {COOKIE})
    assert HIDDEN in kept
    assert "s3cr3t" not in kept


def test_words_that_are_secret_by_themselves_are_taken_out():
    jwt = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U"
    assert redacted(f"{jwt} AIza{'x' * 35} whsec_{'y' * 32}") == f"{HIDDEN} {HIDDEN} {HIDDEN}"


def test_structure_and_numbers_stay():
    text = (
        '<script>x = {"token":"abc","count":1234,"tokens":[1]}</script><meta name="description" content="9">'
    )
    assert redacted(text) == text.replace('"abc"', f'"{HIDDEN}"')


def test_long_page_is_redacted_in_little_time():
    page = '<div data-token="x" class="a">text</div>{"csrf":"abc"}' * 20_000
    began = time.perf_counter()
    redacted(page, {COOKIE})
    assert time.perf_counter() - began < 5


def keep_row(database, files, age):
    visit_id = uuid.uuid4()
    now = utc_now()
    visit = {
        "id": visit_id,
        "run_id": "r",
        "root_run_id": "r",
        "job_id": uuid.uuid4(),
        "provider": "spotify",
        "page": "count_page",
        "subject": "x",
        "outcome": "blocked",
        "detail": "",
        "missing": [],
        "duration_ms": 1,
        "size": 1,
        "at": now,
    }
    row = {"id": uuid.uuid4(), "visit_id": visit_id, "url": "u", "taken_at": now - age}
    row |= {"html_file": files.html_file, "screenshot_file": files.screenshot_file, "size": files.size}
    with database.write() as connection:
        connection.execute(sa.insert(ScraperVisit), [visit])
        connection.execute(sa.insert(ScraperEvidence), [row])


def test_old_evidence_the_surplus_and_orphans_are_pruned(database, store, visit_of, settings):
    kept = {}
    for name, days in (("old", 15), ("surplus", 3), ("newer", 2), ("newest", 1)):
        kept[name] = store.keep(visit_of(screenshot=os.urandom(450_000)))
        keep_row(database, kept[name], timedelta(days=days))
    orphans = [store.keep(visit_of()) for _ in range(2)]
    old = time.time() - 7_200
    for path in settings.evidence_folder.glob(f"{orphans[0].html_file.partition('.')[0]}*"):
        os.utime(path, (old, old))
    assert prune(database, settings) == 2
    assert store.screenshot(kept["newest"].screenshot_file)
    assert store.screenshot(kept["newer"].screenshot_file)
    assert store.html(orphans[1].html_file)
    for gone in (kept["old"], kept["surplus"], orphans[0]):
        with pytest.raises(FileNotFoundError):
            store.screenshot(gone.screenshot_file)
    with database.read() as connection:
        assert connection.execute(sa.select(sa.func.count()).select_from(ScraperEvidence)).scalar_one() == 2
    assert prune(database, settings) == 0
