"""The console as one application."""

import functools
from collections.abc import Mapping

import httpx
from fastapi import FastAPI
from fastapi.staticfiles import StaticFiles

from console import (
    api,
    auditing,
    calls,
    connecting,
    endpoint_api,
    entering,
    event_api,
    evidence,
    health,
    hooks,
    hooks_n8n,
    integrations,
    metrics,
    own_access,
    people,
    scraper_api,
    scrapers,
    webhooks,
)
from console.faults import handle_faults
from console.gate import Gate
from console.guard import Guard
from console.hooks_n8n import keep_door
from console.pages import STATIC
from console.parts import Console, origin_of
from console.rules import RULES
from resources.backline import Backline
from resources.provider import Provider
from resources.providers import PROVIDERS

PAGES = (
    *(integrations.router, connecting.router, webhooks.router, scrapers.router, evidence.router),
    *(entering.router, own_access.router, people.router, auditing.router),
)
PROGRAMS = (
    *(health.router, metrics.router, hooks_n8n.router, hooks.router, api.router, calls.router),
    *(scraper_api.router, event_api.router, endpoint_api.router),
)
LARGEST_BODY_BYTES = 2 * 1024 * 1024


def create_app(
    backline: Backline,
    *,
    transport: httpx.AsyncBaseTransport | None = None,
    providers: Mapping[str, Provider] = PROVIDERS,
) -> FastAPI:
    """Return the console of ``backline``; ``transport`` replaces the network.

    ``providers`` are those whose public pages are shown.
    """
    console = Console(backline, transport, providers=providers)
    lifespan = functools.partial(keep_door, console.door)
    app = FastAPI(
        title="Backline",
        version="1",
        docs_url=None,
        redoc_url=None,
        lifespan=lifespan,
        max_body_size=LARGEST_BODY_BYTES,
    )
    app.state.console = console
    for router in (*PAGES, *PROGRAMS):
        app.include_router(router)
    app.mount("/static", StaticFiles(directory=STATIC), name="static")
    handle_faults(app)
    app.state.rules = dict(RULES)
    app.add_middleware(Gate, console=console, routes=lambda: app.routes, rules=app.state.rules)
    consents = {origin_of(backline.authorize_url(provider)) for provider in PROVIDERS.values()}
    app.add_middleware(Guard, public_url=backline.settings.public_url, form_targets=tuple(sorted(consents)))
    return app


def app_from_environment() -> FastAPI:
    """Return the console of the settings in the environment, for uvicorn's ``--factory``."""
    return create_app(Backline())
