"""Why a call is not taken, as the caller is told: what happened, and what to do about it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from http import HTTPStatus

from resources.errors import InputRefused
from resources.signing import TOLERANCE_SECONDS

LARGEST_BODY_BYTES = 64 * 1024
BODY_SECONDS = 10
FIELDS = {"account": "accounts", "stream": "streams"}


@dataclass(frozen=True)
class FieldProblem:
    """One field that was refused, never what stood in it."""

    field: str
    problem: str
    cure: str


@dataclass(eq=False)
class CallRefused(Exception):  # an answer to whoever called
    """A call is not taken; ``reason`` is the word for programs, the rest is for people."""

    status: HTTPStatus
    reason: str
    title: str
    detail: str
    cure: str
    fields: Sequence[FieldProblem] = field(default=())
    retry_after_seconds: int | None = None


def too_large() -> CallRefused:
    """Return the refusal of a body that is larger than any that is meant."""
    return CallRefused(
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        "too_large",
        "The call is too large",
        f"A call has at most {LARGEST_BODY_BYTES:,} bytes; the rest of this one was not read.",
        "Ask for less in one call: leave the accounts out to mean all of them.",
    )


def too_slow() -> CallRefused:
    """Return the refusal of a body that does not come."""
    return CallRefused(
        HTTPStatus.REQUEST_TIMEOUT,
        "too_slow",
        "The call did not come to its end",
        f"A body has to be here within {BODY_SECONDS} s.",
        "Send it again.",
    )


def not_allowed() -> CallRefused:
    """Return the refusal of an address."""
    return CallRefused(
        HTTPStatus.FORBIDDEN,
        "address",
        "Calls from this address are not taken",
        "BACKLINE_INBOUND_ALLOWED_IPS does not name it.",
        "Name the caller there. If it comes through a proxy, name that in BACKLINE_TRUSTED_PROXIES.",
    )


def too_many(wait_seconds: int) -> CallRefused:
    """Return the refusal of a call that comes too soon after others."""
    return CallRefused(
        HTTPStatus.TOO_MANY_REQUESTS,
        "rate",
        "Too many calls",
        "More calls came than BACKLINE_INBOUND_RATE_LIMIT lets in; this one did nothing.",
        f"Call again in {wait_seconds} s.",
        retry_after_seconds=wait_seconds,
    )


def bad_headers(names: Sequence[str]) -> CallRefused:
    """Return the refusal of headers that are missing or malformed."""
    return CallRefused(
        HTTPStatus.BAD_REQUEST,
        "headers",
        "The call lacks what a signed call carries",
        f"Missing or malformed: {', '.join(names)}.",
        "Send webhook-id (at most 128 visible ASCII characters), webhook-timestamp (Unix seconds) and "
        "webhook-signature, as Standard Webhooks has them.",
    )


def wrong_time() -> CallRefused:
    """Return the refusal of a call that is too old, or from the future."""
    return CallRefused(
        HTTPStatus.UNAUTHORIZED,
        "timestamp",
        "The call is too old or too new",
        f"Its webhook-timestamp is more than {TOLERANCE_SECONDS} s away from now.",
        "Set the caller's clock, and sign each try anew.",
    )


def not_signed() -> CallRefused:
    """Return the refusal of a call whose signature is not good."""
    return CallRefused(
        HTTPStatus.UNAUTHORIZED,
        "signature",
        "The call is not signed by a secret that is known here",
        "No value of webhook-signature fits the id, the timestamp and the body as it came.",
        "Sign the very bytes that are sent, with a secret of BACKLINE_N8N_SIGNING_SECRETS.",
    )


def not_json() -> CallRefused:
    """Return the refusal of a body that cannot be read."""
    return CallRefused(
        HTTPStatus.BAD_REQUEST,
        "json",
        "The body is not JSON",
        "It is signed well, but cannot be read.",
        "Send one JSON object in UTF-8.",
    )


def not_a_call(problems: Sequence[FieldProblem]) -> CallRefused:
    """Return the refusal of a body that is not as its schema says."""
    first = problems[0]
    return CallRefused(
        HTTPStatus.UNPROCESSABLE_ENTITY,
        "schema",
        "The call is not understood",
        f"{first.field}: {first.problem}.",
        f"{first.cure[:1].upper()}{first.cure[1:]}.",
        problems,
    )


def not_there(error: InputRefused) -> CallRefused:
    """Return the refusal of a call that names what does not exist."""
    name = FIELDS.get(error.field, error.field)
    problem = FieldProblem(f"data.{name}", error.problem, error.cure)
    refusal = not_a_call([problem])
    refusal.reason, refusal.title = "unknown", "The call names what is not there"
    return refusal


def conflict() -> CallRefused:
    """Return the refusal of an id that another call had."""
    return CallRefused(
        HTTPStatus.CONFLICT,
        "conflict",
        "The id was used for another call",
        "A call with this webhook-id that asked for something else was taken before; this one did nothing.",
        "Give each call an id of its own; a repeated call keeps its type and its data.",
    )
