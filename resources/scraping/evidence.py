"""What is kept of failed visits: files in the evidence folder."""

from __future__ import annotations

import gzip
from pathlib import Path

from resources.settings import Settings


class EvidenceStore:
    """The files of the evidence folder, by the names that the database holds."""

    def __init__(self, settings: Settings) -> None:
        self._folder = settings.evidence_folder

    def html(self, file: str) -> str:
        """Return a stored document; raise ``FileNotFoundError`` where it is no longer kept."""
        return gzip.decompress(self._path(file).read_bytes()).decode("utf-8", "replace")

    def screenshot(self, file: str) -> bytes:
        """Return a stored PNG; raise ``FileNotFoundError`` where it is no longer kept."""
        return self._path(file).read_bytes()

    def _path(self, file: str) -> Path:
        path = (self._folder / file).resolve()
        if not path.is_relative_to(self._folder.resolve()):
            raise FileNotFoundError(file)
        return path
