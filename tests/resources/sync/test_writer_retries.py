"""Which refusals of the database are tried again, and which are the rows' own fault."""

from __future__ import annotations

import sqlite3

import psycopg
import pytest
from psycopg import errors
from sqlalchemy.exc import DBAPIError

from resources.database import is_passing


def refusal(fault, base):
    return DBAPIError.instance(None, None, fault, base)


def sqlite(code):
    fault = sqlite3.OperationalError("no")
    fault.sqlite_errorcode = code
    return refusal(fault, sqlite3.Error)


@pytest.mark.parametrize("code", [sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_BUSY_SNAPSHOT])
def test_a_busy_sqlite_is_tried_again(code):
    assert is_passing(sqlite(code))


def test_a_full_disk_is_not():
    assert not is_passing(sqlite(sqlite3.SQLITE_FULL))


@pytest.mark.parametrize(
    "fault",
    [errors.DeadlockDetected, errors.SerializationFailure, errors.AdminShutdown, errors.TooManyConnections],
)
def test_a_busy_or_restarting_postgresql_is_tried_again(fault):
    assert is_passing(refusal(fault("no"), psycopg.Error))


def test_a_postgresql_that_cannot_be_reached_is_tried_again():
    assert is_passing(refusal(psycopg.OperationalError("connection refused"), psycopg.Error))


@pytest.mark.parametrize(
    "fault", [errors.NumericValueOutOfRange, errors.NotNullViolation, errors.ProgramLimitExceeded]
)
def test_refused_rows_are_not(fault):
    assert not is_passing(refusal(fault("no"), psycopg.Error))
