"""The test of one account: does the provider still know the grant, and is it the right person's."""

import asyncio
import time
import uuid
from dataclasses import dataclass

from console.account_entry import RECONNECT
from console.pages import Tone
from console.parts import Console
from resources.errors import (
    GrantExpired,
    ParkingError,
    PermissionMissing,
    ProviderError,
    SealBroken,
    Transient,
)
from resources.verification import StoredAccount, find_account


@dataclass(frozen=True)
class Verdict:
    """How a test went."""

    tone: Tone
    title: str
    text: str
    cure: str = ""


async def verdict_on(console: Console, account_id: uuid.UUID) -> Verdict:
    """Test an account; only a fault of our own raises."""
    try:
        account = await asyncio.to_thread(find_account, console.backline, account_id)
    except SealBroken as error:
        return Verdict("bad", "The stored grant does not open", str(error))
    if account is None or account.grant is None:
        return Verdict("warn", "There is no grant to test with", "The account is disconnected.", RECONNECT)
    try:
        async with console.asking(account.provider) as asker:
            started = time.perf_counter()
            person = await asker.person(account.grant, account.org_id)
            took_ms = round((time.perf_counter() - started) * 1000)
    except ProviderError as error:
        return _refused(account, error)
    title = account.provider.title
    if account.external_id not in person.ids:
        text = f"It speaks for {person.name}, not for {account.external_id}."
        return Verdict("bad", "The grant is another account's", text, RECONNECT)
    return Verdict("ok", "The grant works", f"{title} answered as {person.name} in {took_ms} ms.")


def _refused(account: StoredAccount, error: ProviderError) -> Verdict:
    title = account.provider.title
    where = f" at {error.path}" if error.path else ""
    said = "did not answer" if isinstance(error, Transient) else "said no"
    text = f"{title} {said}{where}: {error.problem.rstrip('.')}."
    if isinstance(error, ParkingError):
        text = f"{title} wants to be left alone: {error.problem.rstrip('.')}."
        return Verdict("warn", "The test has to wait", text, error.cure)
    if isinstance(error, GrantExpired):
        return Verdict("bad", "The account must be reconnected", text, RECONNECT)
    if isinstance(error, PermissionMissing):
        return Verdict("bad", "The grant is good, but this person is not let in", text, error.cure)
    cure = (
        "Test again in a minute; syncs try again by themselves."
        if isinstance(error, Transient)
        else error.cure
    )
    return Verdict("bad", f"{title} could not be asked", text, cure)
