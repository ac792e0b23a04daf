"""Where n8n calls: ``POST /hooks/n8n``; who is let in and what it does stands in ``resources.inbound``."""

import asyncio
import logging
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import Any, Literal

from fastapi import APIRouter, FastAPI, Request
from pydantic import BaseModel, Field
from sqlalchemy.exc import SQLAlchemyError
from starlette.requests import ClientDisconnect

from console.parts import ConsolePart
from console.problems import Problem, ProblemError, ProblemField, documented, problem_type
from resources.errors import BacklineError
from resources.inbound.door import HEADERS, Door, Knock
from resources.inbound.follow import follow_proof
from resources.inbound.orders import CALLS, sample_of, schema_of
from resources.inbound.refusal_log import WINDOW_SECONDS
from resources.inbound.refusals import CallRefused

logger = logging.getLogger(__name__)
router = APIRouter(prefix="/hooks", tags=["inbound"])
RETRY_LATER = {"retry-after": "60"}
MEANINGS = {
    "webhook-id": (
        "The call's id; the same on every try of the same call.",
        "msg_2KWPBgLlAfxdpx2AI54pPJ85f4W",
    ),
    "webhook-timestamp": ("Unix seconds of this try, at most 300 s from now.", "1674087231"),
    "webhook-signature": (
        "`v1,` and the base64 of HMAC-SHA256 over `id.timestamp.body`; several, separated by spaces.",
        "v1,K5oZfzN95Z9UVu1EsfQmfVNQhnkZ2pj9o9NDN/H/pI4=",
    ),
}
DESCRIPTION = """\
Ask for a sync, a scrape, or for events to be delivered again. Signed as
[Standard Webhooks](https://www.standardwebhooks.com) with one of Backline's signing secrets. The same
`type` and `data` again, under the same `webhook-id`, get the same answer and do nothing."""


class TakenCall(BaseModel):
    """A call that was taken; ``follow`` is where to ask what comes of it."""

    id: uuid.UUID
    type: str
    status: Literal["accepted"] = "accepted"
    follow: str = Field(description="An absolute address that shows this call alone, without a login.")


def _header(name: str) -> dict[str, Any]:
    meaning, example = MEANINGS[name]
    schema = {"type": "string", "minLength": 1}
    if name == "webhook-id":
        schema |= {"maxLength": 128, "pattern": "^[\\x21-\\x7e]{1,128}$"}
    if name == "webhook-timestamp":
        schema |= {"pattern": "^[0-9]{1,12}$"}
    described = {"name": name, "in": "header", "required": True, "description": meaning}
    return described | {"schema": schema, "example": example}


def _body() -> dict[str, Any]:
    schema = {"oneOf": [schema_of(one) for one in CALLS], "discriminator": {"propertyName": "type"}}
    examples = {one: {"value": sample_of(one)} for one in CALLS}
    return {"required": True, "content": {"application/json": {"schema": schema, "examples": examples}}}


@router.post(
    "/n8n",
    status_code=HTTPStatus.ACCEPTED,
    description=DESCRIPTION,
    response_description="The call was taken; a repeated one is answered as it was at first.",
    responses=documented(
        status_400="A header is missing or malformed, or the body is not JSON.",
        status_401="The signature does not fit, or the timestamp is more than 300 s away.",
        status_403="Calls from this address are not taken.",
        status_408="The body did not come to its end within 10 s.",
        status_409="The `webhook-id` was used for a call that asked for something else.",
        status_413="The body has more than 64 KiB.",
        status_422="A field is missing, unknown, or names what is not there; `errors` name it and the cure.",
        status_429="Too many calls; `retry-after` says in how many seconds there is room.",
        status_503="Backline cannot take calls now: its database, or the signing secret, is not there.",
    ),
    openapi_extra={"parameters": [_header(name) for name in HEADERS], "requestBody": _body()},
)
async def take_call(request: Request, console: ConsolePart) -> TakenCall:
    """Take a call from n8n."""
    peer = request.client.host if request.client else None
    forwarded = request.headers.getlist("x-forwarded-for")
    try:
        receipt = await console.door.receive(Knock(peer, request.headers, forwarded, _chunks(request)))
    except CallRefused as refusal:
        raise _problem(refusal) from None
    except (SQLAlchemyError, BacklineError) as error:
        logger.warning("A call of n8n cannot be taken: %s", error)
        raise _unavailable() from None
    proof = follow_proof(console.backline.signing_secrets, receipt.id)
    follow = f"{console.public_url}/api/v1/calls/{receipt.id}?follow={proof}"
    return TakenCall(id=receipt.id, type=receipt.type, follow=follow)


@asynccontextmanager
async def keep_door(door: Door, _app: FastAPI) -> AsyncIterator[None]:
    """Write the numbers of refused calls once a minute, and at the console's end."""

    async def every_minute() -> None:
        while True:
            await asyncio.sleep(WINDOW_SECONDS)
            await asyncio.to_thread(door.log.flush)

    task = asyncio.create_task(every_minute())
    yield
    task.cancel()
    await door.aclose()


async def _chunks(request: Request) -> AsyncIterator[bytes]:
    try:
        async for chunk in request.stream():
            yield chunk
    except ClientDisconnect:
        raise ConnectionResetError from None


def _problem(refusal: CallRefused) -> ProblemError:
    headers = {}
    if refusal.retry_after_seconds:
        headers["retry-after"] = str(refusal.retry_after_seconds)
    if refusal.status == HTTPStatus.UNAUTHORIZED:
        headers["www-authenticate"] = "StandardWebhooks"  # RFC 9110, 11.6.1 asks for one
    problem = Problem(
        type=problem_type(refusal.reason),
        title=refusal.title,
        status=refusal.status,
        detail=refusal.detail,
        cure=refusal.cure,
        errors=[ProblemField(field=one.field, problem=one.problem, cure=one.cure) for one in refusal.fields],
    )
    return ProblemError(problem, headers)


def _unavailable() -> ProblemError:
    problem = Problem(
        type=problem_type("unavailable"),
        title="Backline cannot take calls now",
        status=HTTPStatus.SERVICE_UNAVAILABLE,
        detail="The database does not answer, or a setting is missing; nothing was done.",
        cure="Call again later under the same webhook-id. The cause stands at /readyz and in the log.",
    )
    return ProblemError(problem, RETRY_LATER)
