"""The JSON API of calls: what n8n asked for, and what came of it; and the schemas of what it may ask."""

import uuid
from datetime import datetime
from http import HTTPStatus
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field

from console.actors import known_actor
from console.parts import Console, ConsolePart
from console.problems import Problem, ProblemError, documented, problem_type
from resources import parking
from resources.database import AnyRow
from resources.inbound import calls
from resources.inbound.follow import may_follow
from resources.inbound.orders import CALLS, schema_of
from resources.providers import PROVIDERS

router = APIRouter(prefix="/api/v1", tags=["inbound"])
State = Literal["accepted", "running", "completed", "failed", "refused"]
FollowProof = Annotated[str, Query(description="What the address in the answer to the call holds.")]
GONE = "It is misspelt, older than BACKLINE_RETENTION_DAYS, or not yours to see."
CallId = Annotated[str, Path(json_schema_extra={"format": "uuid"})]
HEADLINES: dict[str, str] = {
    "accepted": "It waits for its turn: its runs start when nothing else reads or visits the same accounts.",
    "running": "It is under way.",
    "completed": "It is done.",
    "failed": "It failed.",
    "refused": "Nothing was done.",
}


class CallRun(BaseModel):
    """A Dagster run of a call; ``url`` is where a person sees it."""

    id: str | None = Field(description="None before it has begun.")
    url: str | None
    shard: str | None
    status: str


class ApiCall(BaseModel):
    """One call; times are UTC."""

    id: uuid.UUID
    type: str
    state: State
    detail: str = Field(description="The state in words, and why.")
    data: dict[str, Any] = Field(description="What was asked for.")
    runs: list[CallRun]
    results: dict[str, Any] = Field(description="Numbers of what came of it.")
    received_at: datetime
    completed_at: datetime | None


@router.get("/calls/{call_id}", responses=documented(status_404="There is no such call, or not for you."))
def show_call(console: ConsolePart, call_id: CallId, follow: FollowProof = "") -> ApiCall:
    """Show what came of one call; refused: what it asked for was gone when its turn came."""
    row = _found(console, call_id)
    if not _may_see(console, row, follow):
        raise _not_found("call", GONE)
    results = dict(row.results or {})
    return ApiCall(
        id=row.id,
        type=row.type,
        state=row.status,
        detail=row.error_message or _waiting(console, row) or HEADLINES[row.status],
        data=row.data,
        runs=[_run(console, run) for run in results.pop("runs", ())],
        results=results,
        received_at=row.received_at,
        completed_at=row.completed_at,
    )


def _found(console: Console, call_id: str) -> AnyRow:
    try:
        row = calls.find(console.backline.database, uuid.UUID(call_id))
    except ValueError:
        row = None
    if row is None:
        raise _not_found("call", GONE)
    return row


def _may_see(console: Console, row: AnyRow, proof: str) -> bool:
    """Say whether the asker holds the call's follow proof, or may see every org that it names."""
    if proof and may_follow(console.backline.signing_secrets, row.id, proof):
        return True
    actor = known_actor()
    named = row.data.get("orgs") or ([row.data["org"]] if row.data.get("org") else [None])
    return actor is not None and all(actor.sees(org) for org in named)


def _waiting(console: Console, row: AnyRow) -> str | None:
    """Return why an accepted call waits for long, where its provider asked for it."""
    provider = PROVIDERS.get(row.data.get("provider", ""))
    if row.status != "accepted" or row.type != "sync.requested" or provider is None:
        return None
    parked = parking.current(console.backline.database, provider)
    return None if parked is None else f"It waits: {parked}"


def _run(console: Console, run: dict[str, Any]) -> CallRun:
    dagster = console.backline.settings.dagster_url.rstrip("/")
    return CallRun(**run, url=f"{dagster}/runs/{run['id']}" if dagster and run["id"] else None)


@router.get(
    "/schemas/inbound/{call_type}",
    responses={
        HTTPStatus.OK: {"content": {"application/schema+json": {"schema": {"type": "object"}}}},
        **documented(status_404="There is no such type."),
    },
    response_class=JSONResponse,
)
def show_schema(call_type: str) -> JSONResponse:
    """Show the JSON Schema of a type of call."""
    if call_type not in CALLS:
        raise _not_found("type of call", f"Use one of {', '.join(CALLS)}.")
    return JSONResponse(schema_of(call_type), media_type="application/schema+json")


def _not_found(what: str, cure: str) -> ProblemError:
    problem = Problem(
        type=problem_type("not_found"),
        title=f"There is no such {what}",
        status=HTTPStatus.NOT_FOUND,
        detail="Nothing is known of it.",
        cure=cure,
    )
    return ProblemError(problem)
