"""Rows on their way from a provider to the database, in bounded memory."""

from __future__ import annotations

import itertools
import pickle
import tempfile
from collections.abc import Iterator, Sequence
from typing import IO

from resources.records import Row

ROWS_IN_MEMORY = 5_000


class RowBuffer:
    """Holds rows in memory up to a bound and the rest in a temporary file, in order."""

    def __init__(self, rows_in_memory: int = ROWS_IN_MEMORY) -> None:
        self._bound = rows_in_memory
        self._rows: list[Row] = []
        self._file: IO[bytes] | None = None
        self._chunks: list[tuple[int, int]] = []  # rows in the file before the chunk, and where it starts
        self._in_file = 0

    def __len__(self) -> int:
        return self._in_file + len(self._rows)

    def append(self, row: Row) -> None:
        """Add one row."""
        self._rows.append(row)
        if len(self._rows) >= self._bound:
            self._spill()

    def extend(self, rows: Sequence[Row]) -> None:
        """Add rows."""
        self._rows += rows
        if len(self._rows) >= self._bound:
            self._spill()

    def keep(self, count: int) -> None:
        """Forget all rows after the first ``count``."""
        while count < self._in_file:
            rows_before, position = self._chunks.pop()
            self._rows = self._load(position)
            self._in_file = rows_before
        del self._rows[count - self._in_file :]

    def since(self, count: int) -> Iterator[Row]:
        """Yield the rows after the first ``count``."""
        ends = [*(start for start, _ in self._chunks[1:]), self._in_file]
        for (start, position), end in zip(self._chunks, ends, strict=False):
            if end > count:
                yield from itertools.islice(self._load(position), max(count - start, 0), None)
        yield from itertools.islice(self._rows, max(count - self._in_file, 0), None)

    def __iter__(self) -> Iterator[Row]:
        for _, position in self._chunks:
            yield from self._load(position)
        yield from self._rows

    def close(self) -> None:
        """Forget everything and give the file back."""
        self._rows, self._chunks, self._in_file = [], [], 0
        if self._file is not None:
            self._file.close()
            self._file = None

    def _spill(self) -> None:
        if self._file is None:
            self._file = tempfile.TemporaryFile()  # noqa: SIM115  # closed with the buffer
        position = self._file.seek(0, 2)
        pickle.dump(self._rows, self._file, protocol=pickle.HIGHEST_PROTOCOL)
        self._chunks.append((self._in_file, position))
        self._in_file += len(self._rows)
        self._rows = []

    def _load(self, position: int) -> list[Row]:
        if self._file is None:
            raise ValueError("The buffer is closed.")
        self._file.seek(position)
        rows: list[Row] = pickle.load(self._file)  # noqa: S301  # written by this object a moment ago
        return rows
