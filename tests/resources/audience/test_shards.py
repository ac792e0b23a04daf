"""Shards of accounts, read in pieces."""

from __future__ import annotations

import uuid

import sqlalchemy as sa

from resources.audience.shards import ACCOUNTS_AT_ONCE, ORGS_AT_ONCE, Shard, account_chunks, org_chunks
from resources.database import utc_now
from resources.tables import ConnectedAccount, Org


def connect_many(house, orgs, accounts_each):
    """Connect accounts to orgs, the hash of an org being its number."""
    now, ids = utc_now(), [uuid.uuid4() for _ in range(orgs)]
    same = {"provider": "spotify", "display_name": "Somebody", "created_at": now}
    with house.database.write() as connection:
        rows = [{"id": one, "slug": one.hex, "name": "", "created_at": now} for one in ids]
        connection.execute(sa.insert(Org), rows)
        accounts = [
            {"id": uuid.uuid4(), "org_id": org_id, "shard_hash": number, "external_id": str(n), **same}
            for number, org_id in enumerate(ids)
            for n in range(accounts_each)
        ]
        connection.execute(sa.insert(ConnectedAccount), accounts)
    return ids, accounts


def test_every_account_is_met_once_in_pieces_of_a_bounded_size(house):
    _, accounts = connect_many(house, 2, ACCOUNTS_AT_ONCE + 1)
    pieces = list(account_chunks(house.database, sa.true()))
    assert [len(piece) for piece in pieces] == [ACCOUNTS_AT_ONCE, ACCOUNTS_AT_ONCE, 2]
    assert {one for piece in pieces for one in piece} == {account["id"] for account in accounts}


def test_pieces_that_come_out_even_end_without_an_empty_one(house):
    connect_many(house, 1, ACCOUNTS_AT_ONCE)
    assert [len(piece) for piece in account_chunks(house.database, sa.true())] == [ACCOUNTS_AT_ONCE]


def test_every_org_of_the_shard_is_met_once(house):
    ids, _ = connect_many(house, 2 * ORGS_AT_ONCE + 2, 2)
    pieces = list(org_chunks(house.database, Shard(1, 2)))
    assert [len(piece) for piece in pieces] == [ORGS_AT_ONCE, 1]
    assert {one for piece in pieces for one in piece} == set(ids[1::2])
