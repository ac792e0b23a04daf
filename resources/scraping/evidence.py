"""The evidence of failed visits: the page as it was read and how it looked, without what is secret.

A visit's files share a random name in the folder of its day: ``.html.gz`` is the document, ``.json.gz`` what
else a reader was given, so that the page can be read again, ``.png`` the picture.
"""

from __future__ import annotations

import contextlib
import gzip
import json
import logging
import os
import re
import secrets
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import timedelta
from pathlib import Path

import sqlalchemy as sa

from resources.database import Database, utc_now
from resources.reading.verdict import Answer, Capture
from resources.scraping.redaction import redacted
from resources.settings import Settings
from resources.tables import ScraperEvidence
from resources.visiting.visitor import Visit

FILE = re.compile(r"\d{4}-\d{2}-\d{2}/[0-9a-f]{32}\.(?:html\.gz|json\.gz|png)")
DOCUMENT, GIVEN, PICTURE, DRAFT = ".html.gz", ".json.gz", ".png", ".draft"
ORPHAN_AFTER_SECONDS = 3_600
MIB = 1024**2
COMPRESSION = 3
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class EvidenceFiles:
    """The files of one visit, by their names in the evidence folder; ``size`` in bytes on disk."""

    html_file: str | None
    screenshot_file: str | None
    size: int


class EvidenceStore:
    """The evidence folder; its files are readable by their owner alone."""

    def __init__(self, settings: Settings) -> None:
        self._folder = settings.evidence_folder

    def keep(self, visit: Visit) -> EvidenceFiles | None:
        """Write what came of a visit; ``None`` where nothing did, or where the disk takes nothing more."""
        stem = f"{utc_now():%Y-%m-%d}/{secrets.token_hex(16)}"
        files = _contents(visit)
        if not files:
            return None
        try:
            (self._folder / stem).parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            for ending, content in files.items():
                _write(self._folder / f"{stem}{ending}", content)
        except OSError as error:
            text = "The evidence of a visit to %s could not be kept (%s)."
            log.warning(text, visit.page.name, error.strerror, extra={"action": "evidence.lost"})
            self._unlink(stem)
            return None
        document, picture = (f"{stem}{end}" if end in files else None for end in (DOCUMENT, PICTURE))
        return EvidenceFiles(document, picture, sum(map(len, files.values())))

    def html(self, file: str) -> str:
        """Return a stored document; raise ``FileNotFoundError`` where it is no longer kept."""
        return gzip.decompress(self._path(file).read_bytes()).decode("utf-8", "replace")

    def screenshot(self, file: str) -> bytes:
        """Return a stored PNG; raise ``FileNotFoundError`` where it is no longer kept."""
        return self._path(file).read_bytes()

    def capture(self, html_file: str) -> Capture:
        """Return what a reader was given; raise ``FileNotFoundError`` where it is no longer kept."""
        body = self.html(html_file)
        packed = self._path(html_file.removesuffix(DOCUMENT) + GIVEN).read_bytes()
        given = json.loads(gzip.decompress(packed))
        answers = tuple(Answer(**answer) for answer in given["answers"])
        return Capture(given["url"], given["status"], body, given["way"], answers)

    def remove(self, files: EvidenceFiles) -> None:
        """Delete a visit's files; those that are gone already are no fault."""
        for name in filter(None, (files.html_file, files.screenshot_file)):
            if FILE.fullmatch(name):
                self._unlink(_stem(name))

    def stems(self) -> Iterator[tuple[str, float]]:
        """Yield each visit whose files are there, by their shared name, and when they last changed."""
        for path in self._folder.glob("*/*"):
            with contextlib.suppress(FileNotFoundError):
                yield _stem(f"{path.parent.name}/{path.name}"), path.stat().st_mtime

    def remove_stem(self, stem: str) -> None:
        """Delete the files of that shared name, and the day's folder with its last."""
        self._unlink(stem)
        with contextlib.suppress(OSError):  # other files are in it, or it is gone
            (self._folder / stem).parent.rmdir()

    def _unlink(self, stem: str) -> None:
        for path in (self._folder / stem).parent.glob(f"{Path(stem).name}.*"):
            path.unlink(missing_ok=True)

    def _path(self, file: str) -> Path:
        if not FILE.fullmatch(file):
            raise FileNotFoundError(file)
        return self._folder / file


def prune(database: Database, settings: Settings) -> int:
    """Delete evidence that is too old, the oldest beyond the size allowed, and files that no row knows.

    Return how many visits' evidence was deleted. Files younger than an hour may wait for their row.
    """
    store, deleted = EvidenceStore(settings), 0
    with database.write() as connection:
        for row in _surplus(connection, settings):
            connection.execute(sa.delete(ScraperEvidence).where(ScraperEvidence.id == row.id))
            store.remove(EvidenceFiles(row.html_file, row.screenshot_file, row.size))
            deleted += 1
        columns = (ScraperEvidence.html_file, ScraperEvidence.screenshot_file)
        known = {_stem(name) for row in connection.execute(sa.select(*columns)) for name in row if name}
    old = time.time() - ORPHAN_AFTER_SECONDS
    for stem in {stem for stem, changed_at in store.stems() if changed_at < old} - known:
        store.remove_stem(stem)
    return deleted


def _surplus(connection: sa.Connection, settings: Settings) -> Iterator[sa.Row[*tuple[object, ...]]]:
    """Yield the rows that have to go: newest first, those past the age or past the size."""
    oldest = utc_now() - timedelta(days=settings.evidence_days)
    allowed, held = settings.evidence_mb * MIB, 0
    query = sa.select(ScraperEvidence).order_by(ScraperEvidence.taken_at.desc())
    for row in connection.execute(query).all():
        held += row.size
        if row.taken_at < oldest or held > allowed:
            yield row


def _contents(visit: Visit) -> dict[str, bytes]:
    """Return what is to be written of a visit, by the ending of its file."""
    files: dict[str, bytes] = {}
    if visit.capture is not None:
        document, given = _redacted(visit.capture, visit.secrets)
        files = {DOCUMENT: _packed(document), GIVEN: _packed(given)}
    if visit.screenshot:
        files[PICTURE] = visit.screenshot
    return files


def _redacted(capture: Capture, words: frozenset[str]) -> tuple[str, str]:
    answers = [
        asdict(Answer(redacted(answer.url, words), answer.status, redacted(answer.body, words)))
        for answer in capture.answers
    ]
    given = {"url": redacted(capture.url, words), "status": capture.status, "way": capture.way}
    return redacted(capture.body, words), json.dumps({**given, "answers": answers}, ensure_ascii=False)


def _packed(text: str) -> bytes:
    return gzip.compress(text.encode(errors="replace"), COMPRESSION)


def _write(path: Path, content: bytes) -> None:
    """Write a file whole or not at all."""
    draft = path.with_name(path.name + DRAFT)
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(content)
    draft.rename(path)


def _stem(name: str) -> str:
    folder, _, file = name.rpartition("/")
    return f"{folder}/{file.partition('.')[0]}"
