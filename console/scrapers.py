"""The page of scrapers: what is broken, what runs, and what an operator presses."""

import uuid
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Form, Query
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from console.account_list import known_orgs
from console.actors import Actor, ActorPart, require
from console.faults import NOT_FOUND
from console.guard import LIVE_POLICY
from console.outcomes import MEANINGS
from console.pages import SCRAPERS, PageError, page
from console.parts import Console, ConsolePart
from console.scrape_jobs import ScrapeJob, ask_once, ended_jobs, find_job, live_jobs
from console.scrape_visits import FailureFilter, failures
from console.scraped_kinds import Scraper, scraper_of, scrapers
from resources.errors import InputRefused
from resources.people.roles import Role
from resources.scraping import jobs
from resources.scraping.jobs import Wish
from resources.visiting import controls
from resources.visiting.controls import RANGES

router = APIRouter(include_in_schema=False)


class ScrapersAddress(FailureFilter):
    """The page's address: which failures, and what has just been done."""

    asked: uuid.UUID | None = None
    stopped: uuid.UUID | None = None
    configured: str = ""


@router.get(SCRAPERS)
def show_scrapers(
    console: ConsolePart, actor: ActorPart, address: Annotated[ScrapersAddress, Query()]
) -> HTMLResponse:
    """Show the health of every kind of page, the jobs, and what was not read."""
    shown = scrapers(console)
    reply = page(
        "scrapers.html",
        address=address,
        scrapers=shown,
        paused={scraper.provider.name for scraper in shown if scraper.controls.paused_at},
        broken=[kind for scraper in shown for kind in scraper.broken],
        live=live_jobs(console, actor.orgs),
        ended=ended_jobs(console, actor.orgs),
        visits=failures(
            console, FailureFilter(**address.model_dump(include=set(FailureFilter.model_fields))), actor.orgs
        ),
        meanings=MEANINGS,
        asked=find_job(console, address.asked, actor.orgs) if address.asked else None,
        stopped=find_job(console, address.stopped, actor.orgs) if address.stopped else None,
        configured=console.providers.get(address.configured),
    )
    reply.headers["content-security-policy"] = LIVE_POLICY
    return reply


def _scraper(console: Console, name: str) -> Scraper:
    scraper = scraper_of(console, console.providers.get(name))
    if scraper is None:
        raise PageError(HTTPStatus.NOT_FOUND, NOT_FOUND)
    return scraper


def _back(query: str = "", anchor: str = "") -> RedirectResponse:
    return RedirectResponse(f"{SCRAPERS}{query}{anchor}", HTTPStatus.SEE_OTHER)


@router.get(f"{SCRAPERS}/{{provider}}/start")
def confirm_start(
    console: ConsolePart, actor: ActorPart, provider: str, org: str = "", kind: str = ""
) -> HTMLResponse:
    """Ask which org and which kind of page."""
    return _start_page(console, actor, _scraper(console, provider), Wish(_given(org), pages=_given(kind)))


def _start_page(
    console: Console, actor: Actor, scraper: Scraper, wish: Wish, refused: InputRefused | None = None
) -> HTMLResponse:
    return page(
        "scraper_start.html",
        HTTPStatus.UNPROCESSABLE_ENTITY if refused else HTTPStatus.OK,
        scraper=scraper,
        org="".join(wish.orgs),
        kind="".join(wish.pages),
        refused=refused,
        orgs=known_orgs(console.backline.database, actor.rights.where(Role.OPERATOR)),
    )


@router.post(f"{SCRAPERS}/{{provider}}/start")
def start(
    console: ConsolePart,
    actor: ActorPart,
    provider: str,
    org: Annotated[str, Form()] = "",
    kind: Annotated[str, Form()] = "",
) -> Response:
    """Ask for a scrape of everything, of one org, or of one kind of page."""
    scraper = _scraper(console, provider)
    wish = Wish(orgs=_given(org), pages=_given(kind))
    try:
        allow(actor, wish)
        job_id = ask_once(console.backline.database, scraper.provider, wish, actor.name)
    except InputRefused as error:
        return _start_page(console, actor, scraper, wish, error)
    return _back(f"?asked={job_id}")


def allow(actor: Actor, wish: Wish) -> None:
    """Refuse a scrape of what is not the asker's: accounts and orgs of others, or everything."""
    for org in wish.orgs:
        if not actor.may(Role.OPERATOR, org):
            raise InputRefused(
                "org", f"{org!r} is not yours to scrape", "name one in which you are an operator"
            )
    if not wish.orgs and not actor.may(Role.OPERATOR):
        raise InputRefused("org", "is empty, which means all", "name one in which you are an operator")


def _given(text: str) -> tuple[str, ...]:
    return (text.strip(),) if text.strip() else ()


@router.post(f"{SCRAPERS}/jobs/{{job_id}}/stop")
def stop(console: ConsolePart, actor: ActorPart, job_id: uuid.UUID) -> Response:
    """Stop a job; one that has ended meanwhile is shown as it ended."""
    found_job(console, actor, job_id)
    stop_unless_ended(console, job_id, actor.name)
    return _back(f"?stopped={job_id}")


def found_job(console: Console, actor: Actor, job_id: uuid.UUID, role: Role = Role.OPERATOR) -> ScrapeJob:
    """Return a job that the asker may act on; of several orgs' only who may in each of them."""
    job = find_job(console, job_id, actor.orgs)
    if job is None:
        raise PageError(HTTPStatus.NOT_FOUND, NOT_FOUND)
    for org in (job.row.config or {}).get("orgs") or (None,):
        require(actor, role, org)
    return job


def stop_unless_ended(console: Console, job_id: uuid.UUID, actor: str) -> InputRefused | None:
    """Stop a job that exists; return why not, where it has ended by itself."""
    try:
        jobs.stop(console.backline.database, job_id, actor)
    except InputRefused as error:
        return error
    return None


@router.post(f"{SCRAPERS}/{{provider}}/pause")
def pause(console: ConsolePart, actor: ActorPart, provider: str) -> Response:
    """Let no scrape of the provider begin."""
    controls.pause(console.backline.database, _scraper(console, provider).provider, actor.name)
    return _back(anchor=f"#scraper-{provider}")


@router.post(f"{SCRAPERS}/{{provider}}/resume")
def resume(console: ConsolePart, actor: ActorPart, provider: str) -> Response:
    """Let scrapes of the provider begin again."""
    controls.resume(console.backline.database, _scraper(console, provider).provider, actor.name)
    return _back(anchor=f"#scraper-{provider}")


@router.get(f"{SCRAPERS}/{{provider}}/configure")
def show_settings(console: ConsolePart, provider: str) -> HTMLResponse:
    """Show how gently the site is visited, to be changed."""
    scraper = _scraper(console, provider)
    typed = {
        name: _plain(getattr(scraper.controls, name)) if name in scraper.changed else "" for name in RANGES
    }
    return _settings_page(scraper, typed)


def _settings_page(
    scraper: Scraper, typed: dict[str, str], refused: InputRefused | None = None
) -> HTMLResponse:
    declared = {name: _plain(getattr(scraper.site, name)) for name in RANGES}
    status = HTTPStatus.UNPROCESSABLE_ENTITY if refused else HTTPStatus.OK
    return page(
        "scraper_configure.html",
        status,
        scraper=scraper,
        typed=typed,
        declared=declared,
        ranges=RANGES,
        refused=refused,
    )


def _plain(number: float) -> str:
    """Write a number as it is typed."""
    return str(int(number)) if number == int(number) else str(number)


@router.post(f"{SCRAPERS}/{{provider}}/configure")
def configure(  # noqa: PLR0913, PLR0917  # one argument a field
    console: ConsolePart,
    actor: ActorPart,
    provider: str,
    pause_seconds: Annotated[str, Form()] = "",
    concurrency: Annotated[str, Form()] = "",
    daily_pages: Annotated[str, Form()] = "",
) -> Response:
    """Store how gently the site is visited; an empty field takes the declared number back."""
    scraper = _scraper(console, provider)
    typed = {"pause_seconds": pause_seconds, "concurrency": concurrency, "daily_pages": daily_pages}
    try:
        controls.configure(console.backline.database, scraper.provider, actor.name, typed)
    except InputRefused as error:
        return _settings_page(scraper, typed, error)
    return _back(f"?configured={provider}", f"#scraper-{provider}")
