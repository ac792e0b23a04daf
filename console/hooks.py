"""Where providers push: verification of our address, and the pushes themselves."""

import asyncio
import logging
import uuid
from datetime import timedelta
from http import HTTPStatus

import sqlalchemy as sa
from fastapi import APIRouter, Request, Response
from fastapi.responses import PlainTextResponse

from console.parts import Console, ConsolePart
from resources.errors import BacklineError
from resources.provider import Provider, Pushes, PushUnreadable
from resources.providers import PROVIDERS
from resources.pushes.inbox import PushRefused, receive
from resources.pushes.proof import is_verify_token
from resources.pushes.subscriptions import confirm
from resources.tables import ConnectedAccount

logger = logging.getLogger(__name__)
router = APIRouter(prefix="/hooks", include_in_schema=False)

LARGEST_BODY_BYTES = 1024 * 1024
LONGEST_CHALLENGE = 1_000


class TooLarge(Exception):
    """A push is larger than any that is meant."""


def _provider(name: str, way: str) -> tuple[Provider, Pushes] | None:
    provider = PROVIDERS.get(name)
    if provider is None or provider.pushes is None or provider.pushes.way != way:
        return None
    return provider, provider.pushes


def _nothing(status: HTTPStatus) -> Response:
    return Response(status_code=status)


@router.get("/{name}")
def verify_app(request: Request, console: ConsolePart, name: str) -> Response:
    """Answer the provider that asks whether this address is the app's."""
    found, asked = _provider(name, "app"), request.query_params
    if found is None:
        return _nothing(HTTPStatus.NOT_FOUND)
    good = is_verify_token(console.backline, found[0], asked.get("hub.verify_token", ""))
    if asked.get("hub.mode") != "subscribe" or not good:
        return _nothing(HTTPStatus.FORBIDDEN)
    return PlainTextResponse(asked.get("hub.challenge", "")[:LONGEST_CHALLENGE])


@router.post("/{name}")
async def push_to_app(request: Request, console: ConsolePart, name: str) -> Response:
    """Take a push that the app's secret has signed."""
    found = _provider(name, "app")
    if found is None:
        return _nothing(HTTPStatus.NOT_FOUND)
    status = await _take(request, console, *found, None)
    return _nothing(HTTPStatus.FORBIDDEN if status is None else status)


@router.get("/{name}/{account_id}")
def verify_subscription(request: Request, console: ConsolePart, name: str, account_id: uuid.UUID) -> Response:
    """Answer the hub that asks whether a subscription is meant; only what was asked for is."""
    found, asked = _provider(name, "websub"), request.query_params
    if found is None:
        return _nothing(HTTPStatus.NOT_FOUND)
    mode, lease = asked.get("hub.mode", ""), asked.get("hub.lease_seconds", "")
    if mode == "unsubscribe" and not _is_connected(console, account_id):
        return PlainTextResponse(asked.get("hub.challenge", "")[:LONGEST_CHALLENGE])
    seconds = int(lease) if lease.isascii() and lease.isdecimal() and len(lease) < 10 else 0  # noqa: PLR2004
    lasting = timedelta(seconds=seconds) if seconds else found[1].lease
    if mode != "subscribe" or not confirm(console.backline, account_id, asked.get("hub.topic", ""), lasting):
        return _nothing(HTTPStatus.NOT_FOUND)
    return PlainTextResponse(asked.get("hub.challenge", "")[:LONGEST_CHALLENGE])


@router.post("/{name}/{account_id}")
async def push_to_subscription(
    request: Request, console: ConsolePart, name: str, account_id: uuid.UUID
) -> Response:
    """Take a push of one account's subscription; one without a good signature is ignored, not refused.

    WebSub wants it so: a hub that is refused would push it again, and a forger would learn something.
    """
    found = _provider(name, "websub")
    if found is None:
        return _nothing(HTTPStatus.NOT_FOUND)
    if not await asyncio.to_thread(_is_connected, console, account_id):
        return _nothing(HTTPStatus.GONE)  # which ends the subscription
    status = await _take(request, console, *found, account_id)
    return _nothing(HTTPStatus.NO_CONTENT if status is None else status)


def _is_connected(console: Console, account_id: uuid.UUID) -> bool:
    account = ConnectedAccount
    query = sa.select(account.id).where(account.id == account_id, account.status != "disconnected")
    with console.backline.database.read() as connection:
        return connection.execute(query).one_or_none() is not None


async def _take(
    request: Request, console: Console, provider: Provider, pushes: Pushes, account_id: uuid.UUID | None
) -> HTTPStatus | None:
    """Take a push and return how to answer; ``None`` where its signature is not good."""
    try:
        body = await _body(request)
        signature = request.headers.get(pushes.signature, "")
        await asyncio.to_thread(receive, console.backline, provider, pushes, body, signature, account_id)
    except TooLarge:
        return HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    except PushRefused:
        logger.warning("A push in the name of %s bears no good signature.", provider.title)
        return None
    except PushUnreadable as error:
        logger.warning("A push of %s is not understood: %s.", provider.title, error)
        return HTTPStatus.BAD_REQUEST
    except BacklineError as error:
        logger.warning("A push of %s cannot be taken: %s", provider.title, error)
        return HTTPStatus.SERVICE_UNAVAILABLE
    return HTTPStatus.OK if account_id is None else HTTPStatus.NO_CONTENT


async def _body(request: Request) -> bytes:
    """Read the body, or raise ``TooLarge`` before all of it is here."""
    chunks, size = [], 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > LARGEST_BODY_BYTES:
            raise TooLarge
        chunks.append(chunk)
    return b"".join(chunks)
