"""Stream tables: they follow from declarations, grow with them, and keep what they hold."""

from __future__ import annotations

import uuid
from datetime import UTC, date, datetime

import pytest
import sqlalchemy as sa

from resources import streams
from resources.errors import InputRefused
from resources.provider import Api, Identity, Limit, OAuth, Provider, Stream
from resources.providers import PROVIDERS
from resources.records import Record
from resources.streams import grow_tables, table_of

pytestmark = pytest.mark.providers

NOW = datetime(2026, 11, 23, 10, tzinfo=UTC)


class Song(Record):
    """A song as it was declared first."""

    song_id: str
    plays: int
    rating: float | None
    hidden: bool | None
    released: date | None
    added_at: datetime | None
    tags: list[str] | None


class GrownSong(Song):
    """The same with more columns."""

    label: str
    order: int | None
    people: list[str] | None


class ShrunkSong(Record):
    """The same with fewer columns."""

    song_id: str


API = Api("https://api", Limit(1, seconds=1))


def provider_of(*declared: Stream) -> Provider:
    oauth = OAuth("https://a", "https://t", (), Identity("/me", ("id",), ("id",)))
    return Provider("acme", "Acme", "https://docs", "https://apps", API, oauth, declared)


def stream_of(record: type[Record], name: str = "songs") -> Stream:
    return Stream(name, "/songs", record, key=("song_id",), doc="Songs.")


@pytest.fixture(autouse=True)
def empty_metadata(monkeypatch):
    """Tables of these tests' declarations alone, as in a process of their own."""
    monkeypatch.setattr(streams, "STREAM_METADATA", sa.MetaData())


@pytest.fixture
def connection(tmp_path):
    """An empty database."""
    engine = sa.create_engine(f"sqlite:///{tmp_path / 'streams.db'}")
    with engine.begin() as connection:
        yield connection
    engine.dispose()


def declared_anew(monkeypatch) -> None:
    monkeypatch.setattr(streams, "STREAM_METADATA", sa.MetaData())


def fill(connection, provider) -> dict:
    values = {"song_id": "s", "plays": 2**62, "rating": 4.5, "hidden": False, "tags": ["a"], "added_at": NOW}
    row = {"account_id": uuid.UUID(int=7), "synced_at": NOW, "released": date(2026, 1, 1), **values}
    connection.execute(sa.insert(table_of(provider, provider.streams[0])).values(row))
    return row


def test_table_has_the_account_the_records_columns_and_the_times():
    provider = provider_of(stream_of(Song))
    table = table_of(provider, provider.streams[0])
    assert table.name == "acme_songs"
    assert [column.name for column in table.columns] == [
        *("account_id", "song_id", "plays", "rating", "hidden", "released", "added_at", "tags"),
        *("synced_at", "deleted_at"),
    ]
    assert [column.name for column in table.primary_key] == ["account_id", "song_id"]
    assert {column.name for column in table.columns if not column.nullable} == {
        *("account_id", "song_id", "plays", "synced_at")
    }


def test_table_is_declared_once():
    provider = provider_of(stream_of(Song))
    assert table_of(provider, provider.streams[0]) is table_of(provider, provider.streams[0])


def test_missing_table_is_made_and_a_second_time_nothing(connection):
    provider = provider_of(stream_of(Song), stream_of(Song, "more"))
    assert grow_tables(connection, [provider]) == ["acme_songs", "acme_more"]
    assert grow_tables(connection, [provider]) == []
    row = fill(connection, provider)
    stored = connection.execute(sa.select(table_of(provider, provider.streams[0]))).mappings().one()
    assert dict(stored) == {**row, "deleted_at": None}


def test_missing_column_is_added_and_old_rows_are_kept(connection, monkeypatch):
    first = provider_of(stream_of(Song))
    grow_tables(connection, [first])
    row = fill(connection, first)
    declared_anew(monkeypatch)
    grown = provider_of(stream_of(GrownSong))
    made = grow_tables(connection, [grown])
    assert made == ["acme_songs.label", "acme_songs.order", "acme_songs.people"]
    stored = connection.execute(sa.select(table_of(grown, grown.streams[0]))).mappings().one()
    assert dict(stored) == {**row, "deleted_at": None, "label": None, "order": None, "people": None}


def test_column_that_is_declared_no_more_stays_with_its_values(connection, monkeypatch):
    first = provider_of(stream_of(Song))
    grow_tables(connection, [first])
    fill(connection, first)
    declared_anew(monkeypatch)
    assert grow_tables(connection, [provider_of(stream_of(ShrunkSong))]) == []
    assert connection.exec_driver_sql("SELECT rating FROM acme_songs").scalar_one() == 4.5


def test_every_declared_stream_and_page_makes_a_table(connection):
    made = grow_tables(connection, PROVIDERS.values())
    declared = [(p, part) for p in PROVIDERS.values() for part in (*p.streams, *p.pages)]
    assert made == [f"{provider.name}_{part.name}" for provider, part in declared]
    assert all(len(name) <= 63 - len("stage_") for name in made), "PostgreSQL cuts longer names"


def test_new_key_column_is_refused_because_old_rows_have_none(connection, monkeypatch):
    grow_tables(connection, [provider_of(stream_of(Song))])
    declared_anew(monkeypatch)
    rekeyed = Stream("songs", "/songs", GrownSong, key=("song_id", "label"), doc="Songs.")
    with pytest.raises(InputRefused, match=r"stream key: .* column label; write an Alembic migration"):
        grow_tables(connection, [provider_of(rekeyed)])
