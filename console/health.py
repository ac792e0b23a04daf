"""Health: is the console alive, and is what it needs there."""

import asyncio
from collections.abc import Awaitable
from http import HTTPStatus

import httpx
from fastapi import APIRouter, Response
from pydantic import BaseModel
from sqlalchemy.exc import SQLAlchemyError

from console.parts import Console, ConsolePart
from resources import migrations
from resources.transport import open_client

router = APIRouter(tags=["health"])
LONGEST_PROBE_SECONDS = 2


class Part(BaseModel):
    """Whether one part is there; ``detail`` holds no secret and no address."""

    ok: bool
    detail: str


class Readiness(BaseModel):
    """The parts that the console needs."""

    database: Part
    dagster: Part
    n8n: Part


@router.get("/healthz")
async def healthz() -> dict[str, str]:
    """Say that the console is alive."""
    return {"status": "alive"}


@router.get("/readyz", responses={503: {"model": Readiness}})
async def readyz(console: ConsolePart, response: Response) -> Readiness:
    """Say whether the database, Dagster and n8n can be reached; 503 where one cannot."""
    settings = console.backline.settings
    database, dagster, n8n = await asyncio.gather(
        _in_time(asyncio.to_thread(_database, console)),
        _in_time(_served(console, settings.dagster_url, "/server_info")),
        _in_time(_served(console, settings.n8n_url, "/healthz", HTTPStatus.NOT_FOUND)),
    )
    if not (database.ok and dagster.ok and n8n.ok):
        response.status_code = HTTPStatus.SERVICE_UNAVAILABLE
    return Readiness(database=database, dagster=dagster, n8n=n8n)


async def _in_time(probe: Awaitable[Part]) -> Part:
    try:
        async with asyncio.timeout(LONGEST_PROBE_SECONDS):
            return await probe
    except TimeoutError:
        return Part(ok=False, detail=f"no answer in {LONGEST_PROBE_SECONDS} s")


def _database(console: Console) -> Part:
    try:
        current = migrations.is_current(console.backline.database)
    except SQLAlchemyError as error:
        return Part(ok=False, detail=f"cannot be reached ({type(error).__name__})")
    if not current:
        return Part(ok=False, detail="is not at this version's revision; run `backline db upgrade`")
    return Part(ok=True, detail="reachable and migrated")


async def _served(console: Console, base: str, path: str, also_fine: int = HTTPStatus.OK) -> Part:
    """Ask a server; one that is not configured is not missed."""
    if not base:
        return Part(ok=True, detail="not configured")
    try:
        async with open_client(1, console.transport) as client:
            reply = await client.get(base.rstrip("/") + path)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        return Part(ok=False, detail=f"cannot be reached ({type(error).__name__})")
    fine = reply.is_success or reply.status_code == also_fine
    return Part(ok=fine, detail="reachable" if fine else f"answers {reply.status_code}")
