"""What a declaration says of an audience: which columns hold the numbers that all providers share."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from resources.provider.stream import Stream


@dataclass(frozen=True)
class Metric:
    """One number of ``audience_daily``: the sum of a column of a stream's rows, by account and day.

    Without a column the rows themselves are counted. Rows that bear all values of ``where`` count.
    ``day`` names the column of the row's day, or of its moment; without one the number is what the
    stream says now, and the day is that on which it was last synced.
    """

    name: str
    stream: str
    column: str | None = None
    day: str | None = None
    where: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_snapshot(self) -> bool:
        """Whether it is a number of now, which cannot be asked for again; else it is one of its day."""
        return self.day is None

    def contradictions(self, streams: Sequence[Stream]) -> Iterator[str]:
        """Yield what the declared streams do not have."""
        stream = next((stream for stream in streams if stream.name == self.stream), None)
        if stream is None:
            yield f"there is no stream {self.stream}"
            return
        for column in filter(None, (self.column, self.day, *self.where)):
            if column not in stream.column_names:
                yield f"{self.stream} has no column {column}"
